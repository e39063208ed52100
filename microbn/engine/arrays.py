"""Plain arrays: how they are taken in as floats, and kept from changing afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import faults


def as_floats(data: Any, dtype: Any) -> Any:
    """Return a frozen copy of the data as an array of floats; a NumPy scalar for one number.

    Raises ShapeError for ragged rows, and DTypeError for anything that is not floats.
    """
    check_plain(data)
    try:
        array = np.asarray(data)
        floats = np.array(array, dtype) if array.dtype.kind in "fiub" else array
    except (ValueError, TypeError) as error:
        raise faults.no_array(data, error) from error
    if floats.dtype not in (np.float32, np.float64):
        raise faults.no_floats(data, floats.dtype)
    return freeze(floats)


def freeze(array: Any) -> Any:
    """Make the array read-only and return it, or a NumPy scalar if it has no axes."""
    array.flags.writeable = False
    return array[()]


def shown(value: Any) -> Any:
    """Return an array as a view that cannot be written into, and anything else as it is."""
    if isinstance(value, np.ndarray):
        value = value.view()
        value.setflags(write=False)
    return value


def constant(arg: Any) -> Any:
    """Return an argument as it is now. Arrays and lists are copied, as they may change later."""
    if isinstance(arg, np.ndarray):
        check_plain(arg)
        return freeze(np.array(arg))
    return type(arg)(map(constant, arg)) if type(arg) in (tuple, list) else arg


def operand(other: Any) -> Any:
    """Convert the other operand of an operator to a number or an array of numbers.

    For anything else return NotImplemented, so that Python asks the other object.
    """
    if isinstance(other, (float, int, np.floating, np.integer)):
        return other
    if not isinstance(other, (np.ndarray, np.bool, list, tuple)):
        return NotImplemented
    other = from_list(other)
    return constant(other) if other.dtype.kind in "fiub" else NotImplemented


def from_list(rows: Any) -> Any:
    """Return a list or tuple of numbers as an array, and anything else as it is.

    Raises ShapeError for rows of different lengths.
    """
    if not isinstance(rows, (list, tuple)):
        return rows
    check_plain(rows)
    try:
        return np.array(rows)
    except ValueError as error:
        raise faults.no_operand(rows, error) from None


class ReadOnly(np.ndarray):
    """A view that cannot be written into; += -= *= /= make a new array, as they do for numbers."""

    def __setitem__(self, index: Any, value: Any) -> None:
        if not self.flags.writeable:
            raise faults.frozen_data()
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


PLAIN: set[type] = {np.ndarray, np.memmap, ReadOnly}


def check_plain(*things: Any, depth: int = 0) -> None:
    """Raise DTypeError for an array that carries more than numbers, such as a masked array.

    It may stand in a list, at any depth.
    """
    for thing in things:
        if isinstance(thing, (list, tuple)) and depth < 64:  # NumPy's arrays have no more axes
            check_plain(*thing, depth=depth + 1)
        elif isinstance(thing, np.ndarray) and type(thing) not in PLAIN:
            raise faults.more_than_numbers(thing)


def read_only(value: Any) -> np.ndarray:
    """Return a view of a value that cannot be written into."""
    return shown(np.asarray(value).view(ReadOnly))


def like(value: Any, given: Any) -> np.ndarray | None:
    """Return the given numbers as an array of the value's dtype, or None if they do not fit it.

    Raises DTypeError for an array that carries more than numbers.
    """
    check_plain(given)
    try:
        array = np.asarray(given)
    except ValueError:  # rows of different lengths
        return None
    fits = array.dtype.kind in "fiub" and array.shape == value.shape
    return array.astype(value.dtype, copy=False) if fits else None
