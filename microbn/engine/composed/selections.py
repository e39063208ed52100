"""Entries chosen by an index, a mask or a condition, and functions of the chosen ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ...errors import ArgumentError, RangeError, ShapeError
from ..arrays import from_list
from ..functions import getitem, scatter
from ..node import plain
from .axes import flat_or_along, of_values
from .dtypes import alike
from .table import composes


@composes(np.take, grouped=False)
def take(x: Any, indices: Any, axis: int | None = None, *, mode: str = "raise") -> Any:
    """Choose entries along an axis by their indices."""
    x, axis = flat_or_along(x, axis, lone=True)
    indices = _within(_integers(indices), x.shape[axis], mode)
    return getitem(x, *(slice(None),) * axis, indices)


@composes(np.take_along_axis, grouped=False)
def take_along_axis(x: Any, indices: Any, axis: int | None = -1) -> Any:
    """Choose entries along an axis, by other indices in each row."""
    x, axis = flat_or_along(x, axis)
    indices = _integers(indices)
    if indices.ndim != x.ndim:
        raise ShapeError(f"indices of shape {indices.shape} need {x.ndim} axes, as {x.shape} has")
    mesh = list(np.ix_(*map(np.arange, x.shape)))
    mesh[axis] = indices
    return getitem(x, *mesh)


@composes(np.compress, grouped=False)
def compress(condition: Any, x: Any, axis: int | None = None) -> Any:
    """Choose the entries along an axis for which the condition holds."""
    x, axis = flat_or_along(x, axis, lone=True)
    mask = _mask(condition)
    if mask.ndim != 1:
        raise ShapeError(f"a condition has one axis, got shape {mask.shape}")
    whole = (slice(None),) * axis
    if not np.any(plain(mask)[x.shape[axis] :]):  # what lies beyond chooses nothing
        mask = mask[: x.shape[axis]]
    if mask.size < x.shape[axis]:
        x = getitem(x, *whole, slice(mask.size))
    return getitem(x, *whole, mask)


@composes(np.extract, grouped=False)
def extract(condition: Any, x: Any) -> Any:
    """Choose the entries for which the condition holds."""
    return np.compress(np.reshape(_mask(condition), -1), x)


@composes(np.delete, grouped=False)
def delete(x: Any, obj: Any, axis: int | None = None) -> Any:
    """Leave out the entries with these indices."""
    x, axis = flat_or_along(x, axis)
    return np.take(x, np.delete(np.arange(x.shape[axis]), of_values("obj", obj)), axis)


@composes(np.trim_zeros)
def trim_zeros(x: Any, trim: str = "fb", axis: Any = None) -> Any:
    """Leave out the zeros at the front and at the back."""
    ends = trim.lower()
    if ends not in ("f", "b", "fb", "bf"):
        raise ArgumentError(f"trim is 'f', 'b' or 'fb', not {trim!r:.60}")
    full, axes = x != 0, range(x.ndim)
    for one in normalize_axis_tuple(axes if axis is None else axis, x.ndim):
        found = np.any(full, axis=tuple(other for other in axes if other != one))
        steps = [1 if end == "f" else -1 for end in ends]
        begun = [np.cumsum(found[::step])[::step] > 0 for step in steps]
        x = getitem(x, *(slice(None),) * one, reduce(np.logical_and, begun))
    return x


@composes(np.select, grouped=False)
def select(condlist: Sequence, choicelist: Sequence, default: Any = 0) -> Any:
    """Take each entry from the choice of the first condition that holds."""
    if len(condlist) != len(choicelist):
        raise ShapeError(f"{len(condlist)} conditions do not choose from {len(choicelist)}")
    result, *choices = map(from_list, (default, *choicelist))
    result = alike(result, *choices)[0]  # two Python numbers would make float64
    for condition, x in zip(reversed(condlist), reversed(choices), strict=True):
        result = np.where(condition, x, result)
    return result


@composes(np.choose, grouped=False)
def choose(x: Any, choices: Sequence, *, mode: str = "raise") -> Any:
    """Take each entry from the choice whose number stands there."""
    numbers, choices = _within(_integers(x), len(choices), mode), [*choices]
    found = plain(numbers)
    known = isinstance(found, (np.ndarray, np.generic, int))
    if mode == "raise" and known and not np.isin(found, np.arange(len(choices))).all():
        raise RangeError(f"there are {len(choices)} choices, numbered from 0; got {found!r:.60}")
    return np.select([numbers == i for i in range(len(choices))], choices)


@composes(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Sequence, *args: Any, **kw: Any) -> Any:
    """Call each function on the entries for which its condition holds."""
    several = isinstance(condlist, (list, tuple))
    depth = 1 + max(map(np.ndim, condlist), default=0) if several else np.ndim(condlist)
    masks = [*map(_mask, condlist if depth > x.ndim else [condlist])]
    if len(funclist) == len(masks) + 1:
        masks.append(np.logical_not(reduce(np.logical_or, masks)))
    if len(funclist) != len(masks):
        raise ArgumentError(f"{len(masks)} conditions do not go with {len(funclist)} functions")
    result = np.zeros_like(x)
    for mask, function in zip(masks, funclist, strict=True):
        part = function
        if callable(function):
            chosen = getitem(x, mask)
            part = function(chosen, *args, **kw) if chosen.size else 0
        if np.ndim(part):
            part = scatter(part, x.shape, mask)
        result = np.where(mask, part, result)
    return result if result.dtype == x.dtype else result.astype(x.dtype)


@composes(np.apply_along_axis)
def apply_along_axis(func1d: Callable, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a function on each row along an axis. Its results stand in the place of that axis."""
    axis = normalize_axis_index(axis, arr.ndim)
    rows = np.moveaxis(arr, axis, -1)
    outer = rows.shape[:-1]
    if 0 in outer:
        raise ShapeError(
            f"shape {arr.shape} has no row along axis {axis}, so the function is never called; "
            f"write a function of the whole array, such as np.sum(x, axis={axis})"
        )
    rows = rows.reshape(math.prod(outer), arr.shape[axis])
    results = [func1d(row, *args, **kwargs) for row in rows]
    results = [np.stack(x) if isinstance(x, (list, tuple)) else x for x in results]
    inner = np.shape(results[0])
    whole = np.reshape(np.stack(results), outer + inner)
    return np.moveaxis(whole, range(len(outer), whole.ndim), range(axis, axis + len(inner)))


def _integers(indices: Any) -> Any:
    """Return indices that are a list as an array. Raises RangeError for a mask."""
    indices = from_list(indices)
    if getattr(getattr(indices, "dtype", None), "kind", "i") == "b":
        raise RangeError("indices are integers; a mask of bools goes into brackets, x[mask]")
    return indices


def _within(indices: Any, count: int, mode: str) -> Any:
    """Bring indices into the range that there is, as the mode says. "raise" leaves them."""
    if mode == "wrap":
        return indices - np.floor_divide(indices, count) * count
    if mode == "clip":
        return np.minimum(np.maximum(indices, 0), count - 1)
    if mode != "raise":
        raise ArgumentError(f"mode is 'raise', 'wrap' or 'clip', not {mode!r:.60}")
    return indices


def _mask(condition: Any) -> Any:
    """Return a condition as an array of bools. A number other than 0 counts as true."""
    condition = condition if hasattr(condition, "dtype") else np.array(condition)
    return condition if condition.dtype == bool else condition != 0
