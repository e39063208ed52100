"""Differences of neighbours, and what is made of them: slopes, areas, unwrapped angles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ...errors import ArgumentError, RangeError, ShapeError
from ..names import labelled
from .axes import along, axes_of, resized
from .dtypes import fitting
from .table import composes


@composes(np.diff)
def diff(x: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Subtract from each value the one before it, n times."""
    if n < 0:
        raise RangeError(f"differences are taken n times, and n={n} is below 0")
    if n and (prepend is not None or append is not None):
        x = _extended(x, prepend, append, axis)
    for _ in range(n):
        later, earlier = _neighbours(x, axis)
        x = later - earlier
    return x


def _extended(x: Any, prepend: Any, append: Any, axis: int) -> Any:
    """Put values before and after those of x. One number stands for a whole slice."""
    (axis,) = axes_of(x, axis)
    whole = resized(x.shape, axis, 1)
    parts = [fitting(part, x) for part in (prepend, x, append) if part is not None]
    parts = [part if np.ndim(part) else np.broadcast_to(part, whole) for part in parts]
    return np.concatenate(parts, axis=axis)


@composes(np.ediff1d)
def ediff1d(x: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Subtract from each value the one before it, of all values in a row."""
    x = fitting(x, to_begin if to_end is None else to_end)
    later, earlier = _neighbours(x.reshape(-1), 0)
    if to_end is None and to_begin is None:
        return later - earlier
    ends = [[] if end is None else [_single_row(end, x)] for end in (to_begin, to_end)]
    return np.concatenate([*ends[0], later - earlier, *ends[1]])


def _single_row(end: Any, x: Any) -> Any:
    return np.reshape(fitting(end, x, floats=True), -1)


def _neighbours(x: Any, axis: int) -> tuple[Any, Any]:
    """Return the later and the earlier of each two neighbours."""
    axis = normalize_axis_index(axis, x.ndim)
    later, earlier = (along(part, axis, x.ndim) for part in (slice(1, None), slice(None, -1)))
    return x[later], x[earlier]


@composes(np.gradient)
def gradient(f: Any, *spacing: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Return the slope at each place along each axis, from the values at its neighbours."""
    if edge_order not in (1, 2):
        raise ArgumentError(f"edge_order={edge_order!r:.60} is neither 1 nor 2")
    f = fitting(f, spacing[0] if spacing else None)
    axes = axes_of(f, axis)
    spacing = tuple(fitting(one, f, floats=True) for one in spacing) or (1.0,)
    if len(spacing) == 1 and np.ndim(spacing[0]) == 0:
        spacing = spacing * len(axes)
    if len(spacing) != len(axes):
        raise ShapeError(f"{len(spacing)} spacings for {len(axes)} axes; give one for each")
    slopes = [_slope_along(f, *pair, edge_order) for pair in zip(spacing, axes, strict=True)]
    return slopes[0] if len(axes) == 1 else tuple(slopes)


@labelled
def _slope_along(f: Any, places: Any, axis: int, edge_order: int) -> Any:
    """Return the slopes along one axis: both neighbours', each weighted by its nearness."""
    y = f if axis == f.ndim - 1 else np.swapaxes(f, axis, -1)
    _check_places(places, y.shape[-1], edge_order)
    if even := np.ndim(places) == 0:
        width, before, after = places, 0.5, 0.5
    else:
        width = places[1:] - places[:-1]
        share = width[:-1] / (width[:-1] + width[1:])
        before, after = share[:1], 1 - share[-1:]
    slope = (y[..., 1:] - y[..., :-1]) / width
    if even:
        inside = (y[..., 2:] - y[..., :-2]) / (2 * width)
    else:
        inside = slope[..., :-1] + (slope[..., 1:] - slope[..., :-1]) * share
    first, last = slope[..., :1], slope[..., -1:]
    if edge_order == 2:
        first = first + (first - slope[..., 1:2]) * before
        last = last + (last - slope[..., -2:-1]) * after
    slopes = np.concatenate([first, inside, last], axis=-1)
    return slopes if axis == f.ndim - 1 else np.swapaxes(slopes, axis, -1)


def _check_places(places: Any, count: int, edge_order: int) -> None:
    if count <= edge_order:
        raise ShapeError(f"{count} values along an axis; edge_order={edge_order} needs more")
    if np.shape(places) not in ((), (count,)):
        raise ShapeError(
            f"a spacing of shape {np.shape(places)} for {count} values; give the distance, or "
            "the place of each value"
        )


@composes(np.trapezoid)
@labelled
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Return the area below the line through the values: widths times mean heights."""
    y, width = fitting(y, x), fitting(dx, y)
    if x is not None:
        later, earlier = _neighbours(fitting(x, y), axis if np.ndim(x) > 1 else 0)
        width = later - earlier
    (place,) = axes_of(y, axis)
    if x is not None and np.ndim(x) == 1 and place < y.ndim - 1:
        width = width.reshape(-1, *(1,) * (y.ndim - 1 - place))
    right, left = _neighbours(y, axis)
    return np.sum(width * (right + left) / 2, axis=axis)


@composes(np.unwrap)
@labelled
def unwrap(x: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi) -> Any:
    """Take the jumps out of angles: move each by whole turns, next to the one before."""
    later, earlier = _neighbours(x, axis)
    jump = later - earlier
    turns = np.sign(jump) * np.ceil(np.abs(jump) / period - 0.5)
    if discont is not None:
        turns = np.where(np.abs(jump) < discont, 0, turns)
    moved = later - np.cumsum(turns, axis=axis) * period
    first = x[along(slice(1), axis, x.ndim)]
    return np.concatenate([first, moved], axis=axis)
