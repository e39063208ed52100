"""Arrays joined and split."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ...errors import ArgumentError, ShapeError
from .. import functions
from ..arrays import from_list
from .axes import along, flat_or_along, of_values, resized
from .table import composes

JOINS: dict[Callable, Callable] = {
    np.concatenate: functions.concatenate,
    np.stack: functions.stack,
}


@composes(np.concatenate, grouped=False)
def concatenate(arrays: Any, axis: int | None = 0) -> Any:
    """Join arrays along an axis that they have."""
    return functions.concatenate(*arrays, axis=axis)


@composes(np.stack, grouped=False)
def stack(arrays: Any, axis: int = 0) -> Any:
    """Join arrays along a new axis."""
    return functions.stack(*arrays, axis=axis)


@composes(np.hstack, grouped=False)
def hstack(tup: Any) -> Any:
    """Join arrays side by side."""
    arrays = [*map(np.atleast_1d, tup)]
    return functions.concatenate(*arrays, axis=min(arrays[0].ndim - 1, 1))


@composes(np.vstack, grouped=False)
def vstack(tup: Any) -> Any:
    """Join arrays one below the other."""
    return functions.concatenate(*map(np.atleast_2d, tup), axis=0)


@composes(np.dstack, grouped=False)
def dstack(tup: Any) -> Any:
    """Join arrays along the third axis."""
    return functions.concatenate(*map(np.atleast_3d, tup), axis=2)


@composes(np.column_stack, grouped=False)
def column_stack(tup: Any) -> Any:
    """Join columns to a matrix. A row of numbers becomes a column."""
    columns = [np.reshape(x, (-1, 1)) if np.ndim(x) < 2 else x for x in tup]
    return functions.concatenate(*columns, axis=1)


@composes(np.append, grouped=False)
def append(x: Any, values: Any, axis: int | None = None) -> Any:
    """Join values to the end. Without an axis, all entries stand in one row."""
    return functions.concatenate(x, values, axis=axis)


@composes(np.block, grouped=False)
def block(arrays: Any) -> Any:
    """Join nested lists of blocks: the innermost side by side, the next one below the other."""
    depth, ndim = _depth_of_lists(arrays), _most_axes(arrays)
    return _joined_blocks(arrays, depth, max(depth, ndim))


def _depth_of_lists(blocks: Any) -> int:
    """Return how deep the lists are nested. Raises ShapeError unless all are equally deep."""
    if not isinstance(blocks, list):
        return 0
    depths = {*map(_depth_of_lists, blocks)}
    if len(depths) != 1:
        raise ShapeError(
            "all lists of blocks must be equally deep and hold a block, as in np.block([[a, b]])"
        )
    return 1 + depths.pop()


def _most_axes(blocks: Any) -> int:
    return max(map(_most_axes, blocks)) if isinstance(blocks, list) else np.ndim(blocks)


def _joined_blocks(blocks: Any, depth: int, ndim: int) -> Any:
    """Join lists of blocks of ``ndim`` axes, the innermost along the last axis."""
    if depth:
        parts = [_joined_blocks(part, depth - 1, ndim) for part in blocks]
        return functions.concatenate(*parts, axis=ndim - depth)
    missing = ndim - np.ndim(blocks)
    return np.expand_dims(blocks, tuple(range(missing))) if missing else blocks


@composes(np.insert, grouped=False)
def insert(x: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """Put values in front of the entries with these indices."""
    x, axis = flat_or_along(x, axis)
    values = from_list(values)
    values = np.expand_dims(values, tuple(range(max(x.ndim - np.ndim(values), 0))))
    if not isinstance(obj, slice) and np.ndim(obj) == 0:
        values = np.moveaxis(values, 0, axis)
    old = np.arange(size := x.shape[axis])
    obj = of_values("obj", obj)
    places = np.insert(old, obj, size).size - size
    count = values.shape[axis] if places == 1 else places
    if (more := np.ndim(values) - x.ndim) > 0:  # NumPy drops leading axes of size 1 here
        values = np.squeeze(values, tuple(range(more)))
    added = np.broadcast_to(values, resized(x.shape, axis, count))
    added = added if added.dtype == x.dtype else added.astype(x.dtype)
    order = np.insert(old, obj, np.arange(size, size + count))
    return np.take(functions.concatenate(x, added, axis=axis), order, axis)


# Arrays split.


@composes(np.array_split, grouped=False)
def array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> list:
    """Split an axis at these indices, or into so many parts of about one size."""
    axis = normalize_axis_index(axis, x.ndim)
    return [
        x[along(slice(*ends), axis, x.ndim)] for ends in _ends(indices_or_sections, x.shape[axis])
    ]


@composes(np.split, grouped=False)
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list:
    """Split an axis at these indices, or into so many parts of one size."""
    size = x.shape[normalize_axis_index(axis, x.ndim)]
    if np.ndim(indices_or_sections) == 0 and size % (indices_or_sections or 1):
        raise ShapeError(
            f"{size} entries do not make {indices_or_sections} equal parts; "
            "np.array_split makes unequal ones"
        )
    return np.array_split(x, indices_or_sections, axis)


@composes(np.hsplit, grouped=False)
def hsplit(x: Any, indices_or_sections: Any) -> list:
    """Split the columns; without columns, the entries."""
    return np.split(x, indices_or_sections, min(x.ndim - 1, 1))


@composes(np.vsplit, grouped=False)
def vsplit(x: Any, indices_or_sections: Any) -> list:
    """Split the rows of an array of two axes or more."""
    return np.split(_of_axes(x, 2), indices_or_sections, 0)


@composes(np.dsplit, grouped=False)
def dsplit(x: Any, indices_or_sections: Any) -> list:
    """Split the third axis."""
    return np.split(_of_axes(x, 3), indices_or_sections, 2)


@composes(np.unstack, grouped=False)
def unstack(x: Any, /, *, axis: int = 0) -> tuple:
    """Take an axis apart: an array for each index."""
    axis = normalize_axis_index(axis, x.ndim)
    return tuple(x[along(index, axis, x.ndim)] for index in range(x.shape[axis]))


def _ends(indices_or_sections: Any, size: int) -> list:
    """Return where each part starts and stops."""
    if np.ndim(indices_or_sections):
        stops = [*np.asarray(indices_or_sections).tolist(), size]
    elif indices_or_sections < 1:
        raise ArgumentError(f"an array is split into one part or more, not {indices_or_sections}")
    else:
        less, longer = divmod(size, indices_or_sections)
        stops = [less * i + min(i, longer) for i in range(1, indices_or_sections + 1)]
    return [*zip([0, *stops[:-1]], stops, strict=True)]


def _of_axes(x: Any, least: int) -> Any:
    """Return an array that has so many axes. Raises ShapeError for one that has fewer."""
    if x.ndim < least:
        raise ShapeError(f"needs {least} axes or more, got shape {x.shape}")
    return x
