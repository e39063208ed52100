"""The calls of NumPy's functions that need no rule: they are made of calls that have one.

This file is loaded when the first of them is made with a Tensor.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..errors import faults
from .functions import concatenate, stack
from .node import is_node, plain


def written_out(
    function: Callable, arrays: Any, axis: Any = 0, out: Any = None, **kwargs: Any
) -> tuple:
    """Turn NumPy's call, which takes a list of arrays, into one of `concatenate` or `stack`."""
    given = {"axis": axis, **({} if out is None else {"out": out}), **kwargs}
    return JOINS[function], [*arrays], given


def _of_operands(function: Callable, *args: Any, **kwargs: Any) -> Any:
    """Join arrays by a function of the arrays themselves."""
    joining, arrays, keywords = written_out(function, *args, **kwargs)
    return joining(*arrays, **keywords)


def _of_values(function: Callable, *args: Any, **kwargs: Any) -> Any:
    """Call a function of shapes on plain values, as no gradient is asked of it."""
    return function(*map(plain, args), **{key: plain(value) for key, value in kwargs.items()})


def of_entries(ufunc: np.ufunc, method: str, operands: Any, kwargs: Any) -> Any:
    """Call a ufunc's method on object arrays: it goes entry by entry, and each call is recorded."""
    boxes = [*map(_boxed, operands)]
    try:
        return getattr(ufunc, method)(*boxes, **kwargs)
    except (ValueError, TypeError) as error:
        raise faults.explain(ufunc, boxes, kwargs, error) from None


def _boxed(operand: Any) -> Any:
    """Return a node as an object array of its entries, and anything else as it is."""
    if not is_node(operand):
        return operand
    box: Any = np.empty(operand.value.shape, object)
    for index in np.ndindex(box.shape):
        box[index] = operand[index] if index else operand
    return box


JOINS: dict[Callable, Callable] = {np.concatenate: concatenate, np.stack: stack}

ABOUT_SHAPES: tuple[Any, ...] = (np.shape, np.ndim, np.size, np.zeros_like, np.ones_like)
COMPOSED: dict[Callable, Callable] = {
    **{function: partial(_of_operands, function) for function in JOINS},
    **{function: partial(_of_values, function) for function in ABOUT_SHAPES},
}
