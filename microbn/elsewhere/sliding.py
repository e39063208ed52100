"""PyTorch's convolutions and poolings: windows that slide over any number of axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from ..engine.functions import getitem, windows
from ..engine.names import one_box
from .refused import Refused
from .ties import entries_at, with_places


def _spaced_windows(
    x: Any, size: Any, stride: Any, padding: Any, dilation: Any, *, filling: float
) -> Any:
    """Return the windows of a padded array: (N, C, ..., and the sides of a window)."""
    before = x.ndim - len(size)  # the axes N and C, or C alone
    if any(padding):
        sides = [(0, 0)] * before + [(p, p) for p in padding]
        x = np.pad(x, sides, constant_values=filling)
    extents = tuple(d * (n - 1) + 1 for n, d in zip(size, dilation, strict=True))
    along = [slice(None, None, s) if s > 1 else slice(None) for s in (*stride, *dilation)]
    steps = [slice(None)] * before + along
    patches = windows(x, extents)
    return patches if {*stride, *dilation} == {1} else patches[tuple(steps)]


@one_box
def convolution(
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> Any:
    """Move filters over samples with any number of axes, in groups of channels."""
    if transposed:
        x = _zeros_between(x, stride, padding, dilation, output_padding, weight.shape[2:])
        weight = _mirrored(weight, groups)
        stride, padding = [1] * len(stride), [0] * len(padding)
    filters, channels, *size = weight.shape
    patches = _spaced_windows(x, size, stride, padding, dilation, filling=0.0)
    n, _, *places = patches.shape[: x.ndim]
    split = np.reshape(patches, (n, groups, channels, *places, *size))
    k = len(size)
    order = (1, 2, *range(3 + k, 3 + 2 * k), 0, *range(3, 3 + k))
    entries = channels * math.prod(size)
    columns = np.reshape(np.transpose(split, order), (groups, entries, n * math.prod(places)))
    matrix = np.reshape(weight, (groups, filters // groups, entries))
    y = np.reshape(matrix @ columns, (filters, n, *places))
    y = np.swapaxes(y, 0, 1)
    return y if bias is None else y + np.reshape(bias, (filters,) + (1,) * k)


def _zeros_between(
    x: Any, stride: Any, padding: Any, dilation: Any, output_padding: Any, size: Any
) -> Any:
    """Set zeros between the entries of x and around it, as a transposed convolution has them."""
    for axis, step in enumerate(stride, 2):
        if step > 1:
            before, after = x.shape[:axis], x.shape[axis + 1 :]
            sides = [(0, 0)] * (axis + 1) + [(0, step - 1)] + [(0, 0)] * len(after)
            apart = np.pad(np.expand_dims(x, axis + 1), sides)
            x = np.reshape(apart, (*before, -1, *after))
            x = x[(slice(None),) * axis + (slice(None, 1 - step),)]
    sides = [d * (n - 1) - p for d, n, p in zip(dilation, size, padding, strict=True)]
    ends = [n + more for n, more in zip(sides, output_padding, strict=True)]
    pairs = [(0, 0), (0, 0), *zip(sides, ends, strict=True)]
    x = np.pad(x, [(max(left, 0), max(right, 0)) for left, right in pairs])
    kept = [slice(max(-left, 0), min(right, 0) or None) for left, right in pairs]
    return x if min(min(pair) for pair in pairs) >= 0 else x[tuple(kept)]


def _mirrored(weight: Any, groups: int) -> Any:
    """Return the filters of a transposed convolution as those of the other one."""
    channels, filters, *size = weight.shape
    split = np.reshape(weight, (groups, channels // groups, filters, *size))
    turned = np.flip(np.swapaxes(split, 1, 2), tuple(range(3, split.ndim)))
    return np.reshape(turned, (groups * filters, channels // groups, *size))


def largest_of_windows(axes: int) -> Callable:
    """Return the function of PyTorch's for the largest entry of each window, and its place."""

    @one_box
    def max_pool(
        x: Any, size: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil: bool = False
    ) -> Any:
        settings = _settings(axes, size, stride, padding, dilation, ceil)
        return _first_largest(_spaced_windows(x, *settings, filling=-np.inf), axes)

    def places(
        x: Any, size: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil: bool = False
    ) -> Any:
        settings = _settings(axes, size, stride, padding, dilation, ceil)
        patches = _spaced_windows(x, *settings, filling=-np.inf)
        counted = _spaced_windows(_counted_entries(x.shape[-axes:])[None], *settings, filling=-1)
        return _first_places(patches, counted[0], axes)

    return with_places(max_pool, places)


def _counted_entries(sides: Sequence[int]) -> np.ndarray:
    """Return the places of all entries of one channel."""
    return np.arange(math.prod(sides)).reshape(sides)


def _first_places(patches: Any, counted: np.ndarray, axes: int) -> Any:
    """Return the places of the largest entries, where ``counted`` has those of all, and -1."""
    *grid, _ = shape = (*counted.shape[:-axes], math.prod(counted.shape[-axes:]))
    flat, table = np.reshape(patches, (*patches.shape[:-axes], -1)), np.reshape(counted, shape)
    first = np.take_along_axis(table, np.argmax(table >= 0, axis=-1)[..., None], -1)
    table = np.where(table < 0, first, table)  # the padding is the largest where all are -inf
    return getitem(table, *np.indices(grid), np.argmax(flat, axis=-1))


def _first_largest(patches: Any, axes: int) -> Any:
    """Return the largest entry over the last axes. Of equal ones the first gets the gradient."""
    flat = np.reshape(patches, (*patches.shape[:-axes], math.prod(patches.shape[-axes:])))
    return entries_at(flat, np.argmax(flat, axis=-1), -1, False)


def avg_pool(axes: int) -> Callable:
    """Return the function of PyTorch's that gives the mean of each window."""

    @one_box
    def avg_pool(
        x: Any,
        size: Any,
        stride: Any = (),
        padding: Any = 0,
        ceil: bool = False,
        count_include_pad: bool = True,
        divisor: int | None = None,
    ) -> Any:
        size, stride, padding, dilation = _settings(axes, size, stride, padding, 1, ceil)
        over = tuple(range(-axes, 0))
        sums = np.sum(_spaced_windows(x, size, stride, padding, dilation, filling=0.0), axis=over)
        if divisor or count_include_pad or not any(padding):
            return sums / (divisor or math.prod(size))
        ones = np.ones((1,) * (x.ndim - axes) + x.shape[-axes:], x.dtype)
        return sums / np.sum(
            _spaced_windows(ones, size, stride, padding, dilation, filling=0.0), axis=over
        )

    return avg_pool


def _settings(axes: int, size: Any, stride: Any, padding: Any, dilation: Any, ceil: bool) -> list:
    """Return the settings of a pooling, one number for each axis."""
    if ceil:
        raise Refused("ceil_mode has no counterpart; pad the input instead")
    given = size, stride or size, padding, dilation
    return [[*one] * (axes // len(one)) if np.ndim(one) else [one] * axes for one in given]


@one_box
def adaptive_avg_pool(x: Any, size: Sequence[int]) -> Any:
    """Return the means of parts of an image, which overlap where its sides are no multiples."""
    over = tuple(range(-len(size), 0))
    means = [np.mean(part, axis=over) for part in _parts(x, size)]
    return np.reshape(np.stack(means, axis=-1), (*x.shape[: -len(size)], *size))


@one_box
def adaptive_max_pool(x: Any, size: Sequence[int]) -> Any:
    """Return the largest entries of the same parts."""
    entries = [_first_largest(part, len(size)) for part in _parts(x, size)]
    return np.reshape(np.stack(entries, axis=-1), (*x.shape[: -len(size)], *size))


def _adaptive_places(x: Any, size: Sequence[int]) -> Any:
    """Return the places of these entries, counted in one channel."""
    counted, axes = _parts(_counted_entries(x.shape[-len(size) :]), size), len(size)
    pairs = zip(_parts(x, size), counted, strict=True)
    places = [_first_places(part, table, axes) for part, table in pairs]
    return np.reshape(np.stack(places, axis=-1), (*x.shape[: -len(size)], *size))


def _parts(x: Any, size: Sequence[int]) -> list:
    spans = [
        [slice(i * side // n, -(-(i + 1) * side // n)) for i in range(n)]
        for side, n in zip(x.shape[-len(size) :], size, strict=True)
    ]
    return [x[(..., *places)] for places in product(*spans)]


adaptive_largest = with_places(adaptive_max_pool, _adaptive_places)
