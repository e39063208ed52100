"""Calls that a script writes in another way than NumPy, since Python knows all shapes beforehand.

`RESOLVED`, at the end, maps each function to one that writes its calls. That one is given the
assignment and the texts of the operands, and returns the text of the call.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..engine.functions import (
    astype,
    concatenate,
    gate,
    overlap_add,
    relu,
    spread,
    stack,
    stop_gradient,
    windows,
)
from .source import POWERS


class Assignment(NamedTuple):
    """A node without its value: the name of a result, and the call that computes it."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    role: str
    function: Any
    inputs: list
    kwargs: Mapping[str, Any]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def static(self) -> dict[str, Any]:
        """Return all arguments but the first, by their names."""
        names = [*inspect.signature(self.function).parameters][1:]
        return dict(zip(names, self.inputs[1:], strict=False)) | dict(self.kwargs)


def numeral(x: Any) -> str:
    """Write a number or a truth value."""
    text = repr(x).replace("nan", "NaN").replace("inf", "Infinity")
    return text.lower() if type(x) is bool else text


def _reduced_axes(x: Assignment, axis: Any) -> list[int]:
    """Return the axes that a reduction reduces."""
    ndim = x.inputs[0].ndim
    return [*range(ndim)] if axis is None else [a % ndim for a in np.atleast_1d(axis).tolist()]


def _write_reduction(name: str) -> Callable:
    """Write a reduction, with all axes that it reduces."""

    def written(x: Assignment, words: list[str]) -> str:
        given = x.static()
        keepdims = ", keepdims: true" * bool(given.get("keepdims"))
        return f"np.{name}({words[0]}, {{ axis: {_reduced_axes(x, given.get('axis'))}{keepdims} }})"

    return written


def _write_along(name: str) -> Callable:
    """Write a function that works along one axis."""

    def written(x: Assignment, words: list[str]) -> str:
        operand, default = x.inputs[0], None if name == "cumsum" else -1
        axis = x.static().get("axis", default)
        if axis is None or not operand.ndim:  # then NumPy takes all numbers as one row
            flat = f"np.{name}(np.reshape({words[0]}, [{math.prod(operand.shape)}]), 0)"
            return flat if x.ndim else f"np.reshape({flat}, [])"
        return f"np.{name}({words[0]}, {axis % operand.ndim})"

    return written


def _write_shaped(name: str) -> Callable:
    """Write a function that needs to know nothing but the shape of its result."""
    return lambda x, words: f"np.{name}({words[0]}, {[*x.shape]})"


def _write_transposed(x: Assignment, words: list[str]) -> str:
    """Write a transposition. The sides of a shape in which they all differ tell the axes."""
    probe = np.broadcast_to(0, range(x.ndim))
    return f"np.transpose({words[0]}, {[*x.function(probe, *x.inputs[1:], **x.kwargs).shape]})"


def _write_joined(x: Assignment, words: list[str]) -> str:
    """Write a stack as a concatenation of arrays that have one axis more."""
    axis = x.kwargs.get("axis", 0)
    if x.function is stack:
        axis %= x.ndim
        shapes = [[*np.shape(y)[:axis], 1, *np.shape(y)[axis:]] for y in x.inputs]
    else:
        shapes = [[math.prod(np.shape(y))] for y in x.inputs]
    parts = (f"np.reshape({word}, {shape})" for word, shape in zip(words, shapes, strict=True))
    same = x.function is concatenate and axis is not None
    return f"np.concatenate([{', '.join(words if same else parts)}], {(axis or 0) % x.ndim})"


def _write_power(x: Assignment, words: list[str]) -> str:
    """Write a power. NumPy's ``**`` calls another function for some exponents."""
    base, exponent = x.inputs
    floats = x.ndim and getattr(base, "dtype", x.dtype).kind == "f"
    if floats and type(exponent) in (int, float) and exponent in POWERS:
        return f"np.{POWERS[exponent].__name__}({words[0]})"
    return f"np.power({', '.join(words)})"


def _write_close(x: Assignment, words: list[str]) -> str:
    """Write a comparison within tolerances; ``np.array_equal`` has none."""
    given: dict[str, Any] = {"rtol": 1e-5, "atol": 1e-8, "equal_nan": False}
    shapes = [np.shape(y) for y in x.inputs[:2]]
    if x.function in (np.array_equal, np.array_equiv):
        given |= {"rtol": 0, "atol": 0}
        if shapes[0] != shapes[1] and (x.function is np.array_equal or not _can_meet(*shapes)):
            return "np.array(false)"
    else:
        given |= dict(zip(given, x.inputs[2:], strict=False))
    options = ", ".join(
        f"{key}: {numeral(value)}" for key, value in (given | dict(x.kwargs)).items()
    )
    close = f"np.isclose({', '.join(words[:2])}, {{ {options} }})"
    axes = [*range(len(np.broadcast_shapes(*shapes)))]
    return close if x.function is np.isclose else f"np.all({close}, {{ axis: {axes} }})"


def _can_meet(one: tuple, other: tuple) -> bool:
    """Return whether two shapes can be broadcast."""
    return all(1 in (n, m) or n == m for n, m in zip(one[::-1], other[::-1], strict=False))


def _write_search(x: Assignment, words: list[str]) -> str:
    """Write a search in sorted numbers. Their order of memory, a sorter, does not matter."""
    side = dict(zip(["side"], x.inputs[2:], strict=False)) | dict(x.kwargs)
    return f'np.searchsorted({words[0]}, {words[1]}, {{ side: "{side.get("side", "left")}" }})'


def _write_rounding(x: Assignment, words: list[str]) -> str:
    """Write a rounding to decimals as NumPy does it: it shifts the point, there and back."""
    decimals = x.static().get("decimals", 0)
    if not decimals:
        return f"np.rint({words[0]})"
    scale = f"{10 ** abs(decimals)}"
    first, then = ("multiply", "divide") if decimals > 0 else ("divide", "multiply")
    return f"np.{then}(np.rint(np.{first}({words[0]}, {scale})), {scale})"


def _write_past_nan(name: str, least: str) -> Callable:
    """Write a search that passes NaN by."""
    written = _write_reduction(name)
    return lambda x, words: written(x, [f"np.where(np.isnan({words[0]}), {least}, {words[0]})"])


INVERTED = "invert", "logical_not"
REDUCED = (
    *(np.sum, np.mean, np.max, np.min, np.all, np.any, np.count_nonzero),
    *(np.argmax, np.argmin),
)
# fmt: off
RESOLVED: dict[Any, Callable[[Assignment, list[str]], str]] = {
    **{function: _write_reduction(function.__name__) for function in REDUCED},
    np.nanargmax:     _write_past_nan("argmax", "-Infinity"),
    np.nanargmin:     _write_past_nan("argmin", "Infinity"),
    np.cumsum:        _write_along("cumsum"),
    np.argsort:       _write_along("argsort"),
    np.argpartition:  _write_along("argsort"),  # sorted numbers are parted too
    np.searchsorted:  _write_search,
    np.reshape:       _write_shaped("reshape"),
    np.expand_dims:   _write_shaped("reshape"),
    np.squeeze:       _write_shaped("reshape"),
    np.broadcast_to:  _write_shaped("broadcast_to"),
    spread:           _write_shaped("broadcast_to"),
    np.transpose:     _write_transposed,
    np.matrix_transpose: _write_transposed,
    np.swapaxes:      _write_transposed,
    concatenate:      _write_joined,
    stack:            _write_joined,
    windows:          lambda x, words: f"np.windows({words[0]}, {[*x.static()['shape']]})",
    overlap_add:      _write_shaped("overlap_add"),
    np.power:         _write_power,
    np.round:         _write_rounding,
    np.around:        _write_rounding,
    np.isclose:       _write_close,
    np.allclose:      _write_close,
    np.array_equal:   _write_close,
    np.array_equiv:   _write_close,
    np.fix:           lambda x, words: f"np.trunc({words[0]})",
    np.invert:        lambda x, words: f"np.{INVERTED[x.dtype == bool]}({words[0]})",
    relu:             lambda x, words: f"np.maximum({words[0]}, 0)",
    gate:             lambda x, words: f"np.where({words[1]}, {words[0]}, 0)",
    stop_gradient:    lambda x, words: words[0],
    astype:           lambda x, words: words[0],
}
# fmt: on
