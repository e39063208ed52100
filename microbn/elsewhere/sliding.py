"""PyTorch's convolutions and poolings: windows that slide over any number of axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from ..engine.functions import windows
from ..engine.names import one_box


class Refused(Exception):
    """Raised for arguments that an operation has no counterpart for. It says the way out."""


def _spaced_windows(
    x: Any, size: Any, stride: Any, padding: Any, dilation: Any, filling: float
) -> Any:
    """Return the windows of a padded array: (N, C, ..., and the sides of a window)."""
    before = x.ndim - len(size)  # the axes N and C, or C alone
    if any(padding):
        sides = [(0, 0)] * before + [(p, p) for p in padding]
        x = np.pad(x, sides, constant_values=filling)
    extents = tuple(d * (n - 1) + 1 for n, d in zip(size, dilation, strict=True))
    steps = [slice(None)] * before + [slice(None, None, s) for s in (*stride, *dilation)]
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
        raise Refused("a transposed convolution has no counterpart")
    filters, channels, *size = weight.shape
    patches = _spaced_windows(x, size, stride, padding, dilation, 0.0)
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


@one_box
def max_pool(
    x: Any, size: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil: bool = False
) -> Any:
    """Return the largest entry of each window."""
    size, stride, padding, dilation = _settings(size, stride, padding, dilation, ceil)
    patches = _spaced_windows(x, size, stride, padding, dilation, -np.inf)
    return np.max(patches, axis=tuple(range(-len(size), 0)))


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
    """Return the mean of each window."""
    size, stride, padding, dilation = _settings(size, stride, padding, 1, ceil)
    axis = tuple(range(-len(size), 0))
    sums = np.sum(_spaced_windows(x, size, stride, padding, dilation, 0.0), axis=axis)
    if divisor or count_include_pad or not any(padding):
        return sums / (divisor or math.prod(size))
    ones = np.ones((1,) * (x.ndim - len(size)) + x.shape[-len(size) :], x.dtype)
    return sums / np.sum(_spaced_windows(ones, size, stride, padding, dilation, 0.0), axis=axis)


def _settings(size: Any, stride: Any, padding: Any, dilation: Any, ceil: bool) -> list:
    """Return the settings of a pooling, one number for each axis."""
    if ceil:
        raise Refused("ceil_mode has no counterpart; pad the input instead")
    given = size, stride or size, padding, dilation
    return [list(one) * (2 // len(one)) if np.ndim(one) else [one, one] for one in given]


@one_box
def adaptive_avg_pool(x: Any, size: Sequence[int]) -> Any:
    """Return the means of parts of an image, which overlap where its sides are no multiples."""
    sides = x.shape[-2:]
    spans = [
        [slice(i * side // n, -(-(i + 1) * side // n)) for i in range(n)]
        for side, n in zip(sides, size, strict=True)
    ]
    means = [np.mean(x[..., rows, columns], axis=(-2, -1)) for rows, columns in product(*spans)]
    return np.reshape(np.stack(means, axis=-1), (*x.shape[:-2], *size))
