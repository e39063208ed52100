"""The same numbers in other places: axes moved or added, entries turned round, diagonals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ...errors import ArgumentError, ShapeError
from ..arrays import from_list
from ..functions import windows
from .axes import of_values
from .table import composes


@composes(np.copy, grouped=False)
def copy(x: Any) -> Any:
    """Return the same numbers, as a node of their own."""
    return x.astype(x.dtype)


@composes(np.astype, grouped=False)
def astype(x: Any, dtype: str | Any, /) -> Any:
    """Return the same numbers in another dtype."""
    return x.astype(dtype)


# Axes moved, added or spread out.


@composes(np.ravel, grouped=False)
def ravel(x: Any, order: str = "C") -> Any:
    """Put all entries in one row: row by row, or column by column with ``order="F"``."""
    if order not in ("C", "F"):
        raise ArgumentError(f"order={order!r} asks how memory is laid out; write 'C' or 'F'")
    return np.reshape(np.transpose(x) if order == "F" else x, -1)


@composes(np.moveaxis, grouped=False)
def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Move axes to other positions. The other axes keep their order."""
    source = normalize_axis_tuple(source, x.ndim)
    destination = normalize_axis_tuple(destination, x.ndim)
    if len(source) != len(destination):
        raise ShapeError(f"{len(source)} axes do not go to {len(destination)} places")
    order = [axis for axis in range(x.ndim) if axis not in source]
    for place, axis in sorted(zip(destination, source, strict=True)):
        order.insert(place, axis)
    return x if order == sorted(order) else np.transpose(x, tuple(order))


@composes(np.linalg.matrix_transpose, grouped=False)
def matrix_transpose(x: Any, /) -> Any:
    """Swap the last two axes."""
    return np.matrix_transpose(x)


@composes(np.rollaxis, grouped=False)
def rollaxis(x: Any, axis: int, start: int = 0) -> Any:
    """Move an axis back until it stands before the one at ``start``."""
    axis = normalize_axis_index(axis, x.ndim)
    start = normalize_axis_index(start, x.ndim + (start >= 0))  # it may stand behind the last
    return np.moveaxis(x, axis, start - (axis < start))


@composes(np.atleast_1d, grouped=False)
def atleast_1d(*xs: Any) -> Any:
    """Give a single number an axis."""
    return _one_or_several(np.reshape(x, 1) if np.ndim(x) == 0 else from_list(x) for x in xs)


@composes(np.atleast_2d, grouped=False)
def atleast_2d(*xs: Any) -> Any:
    """Make a row of what has fewer than two axes."""
    return _one_or_several(np.reshape(x, (1, -1)) if np.ndim(x) < 2 else from_list(x) for x in xs)


@composes(np.atleast_3d, grouped=False)
def atleast_3d(*xs: Any) -> Any:
    """Put a row between two new axes, and a new axis behind a matrix."""
    return _one_or_several(map(_cube, xs))


@composes(np.broadcast_arrays, grouped=False)
def broadcast_arrays(*xs: Any) -> Any:
    """Spread arrays to the shape that they have together."""
    shape = np.broadcast_shapes(*map(np.shape, xs))
    return tuple(np.broadcast_to(x, shape) for x in xs)


@composes(np.meshgrid, grouped=False)
def meshgrid(*xs: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    """Make the coordinates of all points of a grid: an array for each axis."""
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f"indexing is 'xy' or 'ij', not {indexing!r}")
    axes = [*range(len(xs))]
    if indexing == "xy":
        axes[:2] = axes[:2][::-1]
    lines = [
        np.reshape(x, [-1 if place == axis else 1 for place in range(len(xs))])
        for x, axis in zip(xs, axes, strict=True)
    ]
    return tuple(lines) if sparse or len(xs) == 1 else np.broadcast_arrays(*lines)


@composes(np.lib.stride_tricks.sliding_window_view, grouped=False)
def sliding_window_view(x: Any, window_shape: Any, axis: Any = None) -> Any:
    """Put a window at every place where it fits. The last axes go through the window."""
    sizes = tuple(np.atleast_1d(of_values("window_shape", window_shape)).tolist())
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    if len(sizes) != len(axes):
        raise ShapeError(f"a window of shape {sizes} does not slide over {len(axes)} axes")
    last = tuple(range(x.ndim - len(axes), x.ndim))
    return np.moveaxis(windows(np.moveaxis(x, axes, last), sizes), last, axes)


# Entries turned round.


@composes(np.flip, grouped=False)
def flip(x: Any, axis: Any = None) -> Any:
    """Read an axis backwards."""
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    return x[tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(x.ndim))]


@composes(np.flipud, grouped=False)
def flipud(x: Any) -> Any:
    """Read the rows from the last to the first."""
    return x[::-1]


@composes(np.fliplr, grouped=False)
def fliplr(x: Any) -> Any:
    """Read the columns from the last to the first."""
    return x[:, ::-1]


@composes(np.rot90, grouped=False)
def rot90(x: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Turn by k right angles, from the first of two axes towards the second."""
    if len(axes) != 2:
        raise ShapeError(f"a turn needs two axes, not {axes!r:.60}")
    one, other = normalize_axis_tuple(axes, x.ndim)
    if k % 2 == 0:
        return np.flip(x, (one, other)) if k % 4 else x
    return np.flip(np.swapaxes(x, one, other), one if k % 4 == 1 else other)


@composes(np.roll, grouped=False)
def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """Move the entries along an axis. Those that leave at its end come in at its start."""
    if axis is None and x.ndim != 1:
        return np.reshape(np.roll(np.reshape(x, -1), shift), x.shape)
    axis = 0 if axis is None else axis
    axes = normalize_axis_tuple(axis, x.ndim, allow_duplicate=True)
    for by, one in np.broadcast(shift, axes):
        x = np.take(x, np.roll(np.arange(x.shape[one]), by), one)
    return x


# Diagonals and triangles.


@composes(np.diag, grouped=False)
def diag(x: Any, k: int = 0) -> Any:
    """Return the diagonal of a matrix, or the matrix with this diagonal."""
    if x.ndim == 2:
        return np.diagonal(x, k)
    if x.ndim != 1:
        raise ShapeError(f"needs one axis or two, got shape {x.shape}")
    row = np.pad(x, (max(k, 0), max(-k, 0)))
    return np.where(np.eye(row.size, k=k, dtype=bool), row, np.zeros_like(row))


@composes(np.diagflat, grouped=False)
def diagflat(x: Any, k: int = 0) -> Any:
    """Return the matrix with all entries on a diagonal."""
    return np.diag(np.reshape(x, -1), k)


@composes(np.diagonal, grouped=False)
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Return the entries whose places on two axes differ by the offset."""
    x = np.moveaxis(x, (axis1, axis2), (-2, -1))
    height, width = x.shape[-2:]
    rows, columns = np.nonzero(np.eye(height, width, offset, dtype=bool))
    return x[..., rows, columns]


@composes(np.linalg.diagonal, grouped=False)
def diagonal_of_matrices(x: Any, *, offset: int = 0) -> Any:
    """Return the diagonal of each matrix."""
    return np.diagonal(x, offset, -2, -1)


@composes(np.trace)
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Sum the diagonal."""
    return np.sum(np.diagonal(x, offset, axis1, axis2), axis=-1)


@composes(np.linalg.trace)
def trace_of_matrices(x: Any, *, offset: int = 0) -> Any:
    """Sum the diagonal of each matrix."""
    return np.sum(np.diagonal(x, offset, -2, -1), axis=-1)


@composes(np.tril, grouped=False)
def tril(x: Any, k: int = 0) -> Any:
    """Leave 0 above the diagonal."""
    return np.where(_on_and_below(x.shape, k), x, np.zeros_like(x))


@composes(np.triu, grouped=False)
def triu(x: Any, k: int = 0) -> Any:
    """Leave 0 below the diagonal."""
    return np.where(_on_and_below(x.shape, k - 1), np.zeros_like(x), x)


def _on_and_below(shape: Any, k: int) -> Any:
    """Return a mask of the places on the k-th diagonal and below it."""
    return np.tri(shape[-2:][0], shape[-1], k, dtype=bool)


def _cube(x: Any) -> Any:
    if np.ndim(x) < 2:
        return np.reshape(x, (1, -1, 1))
    return from_list(x)[..., None] if np.ndim(x) == 2 else from_list(x)


def _one_or_several(arrays: Iterable) -> Any:
    several = tuple(arrays)
    return several[0] if len(several) == 1 else several
