"""Plain arrays: how they are taken in as floats, and kept from changing afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import DTypeError, GraphError, MicrobnError, ShapeError, listed


def as_floats(data: Any, dtype: Any) -> Any:
    """A frozen copy of the data as an array of floats, or as a scalar where it is one number.

    Raises ShapeError for ragged rows and DTypeError for anything that is not floats.
    """
    check_plain(data)
    try:
        array = np.asarray(data)
        if array.dtype.kind in "USO":
            what = "objects" if array.dtype.kind == "O" else "text"
            raise DTypeError(f"cannot make a tensor from {what}, {data!r:.60}; it needs floats")
        if array.dtype.kind not in "fiub":
            raise DTypeError(f"cannot make a tensor from {array.dtype}; it needs floats")
        array = np.array(array, dtype)
    except MicrobnError:
        raise
    except (ValueError, TypeError) as error:
        raise ShapeError(f"cannot make a tensor: {ragged(data, error)}") from error
    if array.dtype not in (np.float32, np.float64):
        write = "1. instead of 1" if array.ndim == 0 else "[1., 2.] instead of [1, 2]"
        write = f"write {write}, or " if array.dtype.kind in "iub" else ""
        raise DTypeError(
            f"a tensor needs float32 or float64, got {array.dtype}; {write}pass dtype=float"
        )
    return freeze(array)


def is_uniform(array: np.ndarray) -> bool:
    """Whether there are entries, and all are the same, to the bit."""
    return array.size > 0 and array.tobytes() == array.ravel()[:1].tobytes() * array.size


def freeze(array: Any) -> Any:
    """The array, from now on not to be written into; a scalar where it has no axes."""
    array.flags.writeable = False
    return array[()]


def shown(value: Any) -> Any:
    """An array as a view that cannot be written into; anything else as it is."""
    if isinstance(value, np.ndarray):
        value = value.view()
        value.setflags(write=False)
    return value


def constant(arg: Any) -> Any:
    """An argument as it is now: arrays and lists are copied, as they may still change elsewhere."""
    if isinstance(arg, np.ndarray):
        check_plain(arg)
        return freeze(np.array(arg))
    if isinstance(arg, (tuple, list)):
        return type(arg)(map(constant, arg)) if type(arg) in (tuple, list) else arg
    return arg


def operand(other: Any) -> Any:
    """The other side of an operator: numbers and arrays of them; anything else is Python's."""
    if isinstance(other, (float, int, np.floating, np.integer)):
        return other
    if not isinstance(other, (np.ndarray, np.bool, list, tuple)):
        return NotImplemented
    if isinstance(other, (list, tuple)):
        other = from_list(other)
    check_plain(other)
    return freeze(np.array(other)) if other.dtype.kind in "fiub" else NotImplemented


def from_list(rows: Any) -> np.ndarray:
    """A list or tuple of numbers as an array. Raises ShapeError where its rows are ragged."""
    check_plain(rows)
    try:
        return np.array(rows)
    except ValueError as error:
        raise ShapeError(f"cannot compute with {rows!r:.60}: {ragged(rows, error)}") from None


def ragged(rows: Any, error: Exception) -> str:
    """Say why rows make no array."""
    rows = rows if isinstance(rows, (list, tuple)) else ()
    lengths = {len(row): None for row in rows if hasattr(row, "__len__")}
    return f"rows have lengths {listed(lengths)}" if len(lengths) > 1 else str(error)


class ReadOnly(np.ndarray):
    """A view that cannot be written into; += -= *= /= make a new array, as they do for numbers."""

    def __setitem__(self, index: Any, value: Any) -> None:
        if not self.flags.writeable:
            raise GraphError(
                "t.data is read-only: graphs keep the values that they saw. Replace a leaf's data "
                "whole, p.data = ... or p.data -= ..., or write into a copy, t.data.copy()"
            )
        super().__setitem__(index, value)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return np.asarray(array)[()] if return_scalar else np.asarray(array)


def _in_place(name: str) -> Callable:
    own = getattr(np.ndarray, name)

    def method(self: np.ndarray, other: Any) -> Any:  # NotImplemented: Python goes on to a = a - b
        return own(self, other) if self.flags.writeable else NotImplemented

    return method


for _name in ("__iadd__", "__isub__", "__imul__", "__itruediv__"):
    setattr(ReadOnly, _name, _in_place(_name))


_PLAIN = {np.ndarray, np.memmap, ReadOnly}


def check_plain(*things: Any, depth: int = 0) -> None:
    """Raise DTypeError for an array that carries more than numbers, such as a masked array.

    It may stand in a list, at any depth.
    """
    for thing in things:
        if isinstance(thing, (list, tuple)) and depth < 64:  # NumPy's arrays have no more axes
            check_plain(*thing, depth=depth + 1)
        elif isinstance(thing, np.ndarray) and type(thing) not in _PLAIN:
            raise DTypeError(
                f"a {type(thing).__name__} carries more than numbers, and that part would be lost; "
                "pass plain numbers: a.filled(0) for a masked array, np.asarray(a) for other kinds"
            )


def read_only(value: Any) -> np.ndarray:
    """A view of a value that cannot be written into."""
    view = np.asarray(value).view(ReadOnly)
    view.flags.writeable = False
    return view
