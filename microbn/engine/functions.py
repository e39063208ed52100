"""Primitives: `primitive` makes a function recordable; here are those that NumPy lacks.

What NumPy writes as a method, an index or a list is a function of its operands here. Their
gradients stand with all others, in ``rules.py``.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from .primitive import primitive


@functools.partial(primitive, entrywise=True)
def relu(x: Any) -> Any:
    """``max(x, 0)``, with the derivative 0 at 0."""
    return np.maximum(x, 0)


@functools.partial(primitive, entrywise=True)
def stop_gradient(x: Any) -> Any:
    """``x`` itself, as a constant: nothing flows back through it."""
    return x


@primitive
def astype(x: Any, dtype: Any) -> Any:
    """``x`` in another dtype."""
    return x.astype(dtype)


@primitive
def getitem(x: Any, *index: Any) -> Any:
    """``x[index]``, the index written out."""
    return operator.getitem(x, index)


@primitive
def scatter(g: Any, shape: tuple[int, ...], *index: Any) -> Any:
    """Zeros of ``shape`` with ``g`` added in at ``index``: the transpose of ``x[index]``."""
    out = np.zeros(shape, g.dtype)
    np.add.at(out, index, g)
    return out


@primitive
def gate(g: Any, mask: Any) -> Any:
    """``np.where(mask, g, 0)``, by the bits of g: without a branch for each entry."""
    bits = g.view(f"i{g.itemsize}")
    return (bits * mask).view(g.dtype)


@primitive
def spread(x: Any, shape: tuple[int, ...]) -> Any:
    """``np.broadcast_to``, written out: a copy is quicker to compute with than a repeating view."""
    out = np.empty(shape, x.dtype)
    out[...] = x
    return out


@primitive
def concatenate(*xs: Any, axis: int | None = 0) -> Any:
    """``np.concatenate`` of its operands: the list is written out."""
    return np.concatenate(xs, axis)


@primitive
def stack(*xs: Any, axis: int = 0) -> Any:
    """``np.stack`` of its operands: the list is written out."""
    return np.stack(xs, axis)


def is_entrywise(function: Any) -> bool:
    """Return whether a function works entry by entry."""
    ufunc = isinstance(function, np.ufunc) and function.signature is None
    return ufunc or function in (relu, gate)


def written_out(
    function: Callable, arrays: Any, axis: Any = 0, out: Any = None, **kwargs: Any
) -> tuple:
    """The call of `concatenate` or `stack` that NumPy's call stands for."""
    given = {"axis": axis, **({} if out is None else {"out": out}), **kwargs}
    return JOINS[function], [*arrays], given


JOINS = {np.concatenate: concatenate, np.stack: stack}
