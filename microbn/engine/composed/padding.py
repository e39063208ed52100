"""Arrays made larger: by copies of their entries, or by a border."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ...errors import ArgumentError, RuleError, ShapeError
from .axes import flat_or_along, of_values, resized
from .table import composes


@composes(np.pad, grouped=False)
def pad(x: Any, pad_width: Any, mode: Any = "constant", *, constant_values: Any = None) -> Any:
    """Put a border around an array: of constants, or of entries that the mode chooses."""
    widths = _widths(pad_width, x.ndim)
    if mode == "constant":
        return _framed(x, widths, 0 if constant_values is None else constant_values)
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise RuleError(
            f"mode={mode!r:.60} cannot be composed; take 'constant', 'edge', 'reflect', "
            "'symmetric' or 'wrap', or join the border with np.concatenate"
        )
    if constant_values is not None:
        raise ArgumentError(f"constant_values go with mode='constant', not with {mode!r}")
    for axis, (before, after) in enumerate(widths):
        if before or after:
            x = np.take(x, np.pad(np.arange(x.shape[axis]), (before, after), mode), axis)
    return x


def _widths(pad_width: Any, ndim: int) -> list:
    """Return how much goes before and after each axis. Raises ArgumentError for bad widths."""
    if isinstance(pad_width, dict):
        by_axis = {normalize_axis_index(axis, ndim): both for axis, both in pad_width.items()}
        pad_width = [np.broadcast_to(by_axis.get(axis, 0), 2) for axis in range(ndim)] or 0
    widths = _pairs("pad_width", pad_width, ndim)
    if widths.dtype.kind not in "iu" or (widths < 0).any():
        raise ArgumentError(f"pad_width holds integers from 0 on, got {pad_width!r:.60}")
    return widths.tolist()


def _framed(x: Any, widths: list, values: Any) -> Any:
    """Join a block of one value to each end of each axis that gets a border."""
    values = _pairs("constant_values", values, x.ndim).astype(x.dtype)
    for axis, (before, after) in enumerate(widths):
        if before or after:
            head, tail = (
                np.broadcast_to(value, resized(x.shape, axis, width))
                for value, width in zip(values[axis], (before, after), strict=True)
            )
            x = np.concatenate([head] * (before > 0) + [x] + [tail] * (after > 0), axis)
    return x


def _pairs(name: str, given: Any, ndim: int) -> Any:
    """Return a pair for each axis: what stands before its entries and after them."""
    try:
        return np.broadcast_to(given, (ndim, 2))
    except ValueError:
        raise ShapeError(
            f"{name}={given!r:.60} gives no pair (before, after) for each of {ndim} axes; write "
            f"one number, one pair, or {ndim} pairs"
        ) from None


@composes(np.tile, grouped=False)
def tile(x: Any, reps: Any) -> Any:
    """Lay copies of an array side by side."""
    reps = tuple(np.atleast_1d(of_values("reps", reps)).tolist())
    ndim = max(x.ndim, len(reps))
    sizes = (*(1,) * (ndim - x.ndim), *x.shape)
    reps = (*(1,) * (ndim - len(reps)), *reps)
    pairs = [*zip(reps, sizes, strict=True)]
    apart = np.reshape(x, [side for size in sizes for side in (1, size)])
    copies = np.broadcast_to(apart, [side for pair in pairs for side in pair])
    return np.reshape(copies, [count * size for count, size in pairs])


@composes(np.repeat, grouped=False)
def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Write each entry several times in a row."""
    x, axis = flat_or_along(x, axis, lone=True)
    return np.take(x, np.repeat(np.arange(x.shape[axis]), repeats), axis)


@composes(np.resize, grouped=False)
def resize(x: Any, new_shape: Any) -> Any:
    """Fill a shape with the entries, which start again at the first when they run out."""
    places = np.resize(np.arange(x.size), new_shape)
    return np.reshape(x, -1)[places] if x.size else np.broadcast_to(np.sum(x), places.shape)
