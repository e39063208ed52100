"""Sorting, and what follows from it: medians and quantiles.

The order is found by ``np.argsort``, which has no gradient; the sorted values are entries of x.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ArgumentError, RangeError, ShapeError, listed
from ..arrays import from_list
from ..functions import getitem
from ..names import labelled
from ..node import plain
from .axes import axes_of, to_front
from .dtypes import fitting, floating
from .table import composes


@composes(np.sort)
def sort(x: Any, axis: Any = -1, kind: str | Any = None, *, stable: Any = None) -> Any:
    """Return the entries at the places that ``np.argsort`` finds."""
    x, axis = (x.reshape(-1), 0) if axis is None else (x, axis)
    options = {"kind": kind, "stable": stable}
    given = {key: value for key, value in options.items() if value is not None}
    return np.take_along_axis(x, np.argsort(x, axis=axis, **given), axis=axis)


@composes(np.partition)
def partition(x: Any, kth: Any, axis: Any = -1) -> Any:
    """Return the entries at the places that ``np.argpartition`` finds."""
    return np.take_along_axis(x, np.argpartition(x, kth, axis=axis), axis=axis)


@composes(np.median)
@labelled
def median(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Return the value in the middle, or the mean of the two there; NaN if there is a NaN."""
    ordered = _sorted_along(x, axis, rows=1)
    count = ordered.shape[0]
    middle = np.mean(ordered[(count - 1) // 2 : count // 2 + 1], axis=0)
    missing = np.isnan(ordered)[-1]
    median = np.where(missing, ordered[-1], middle)
    return np.expand_dims(median, axes_of(x, axis)) if keepdims else median


@composes(np.quantile)
def quantile(
    x: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    """Return the value below which a share q of the values lies; NaN if there is a NaN."""
    return _quantile(x, _level(q, 1), axis, method, keepdims)


@composes(np.percentile)
def percentile(
    x: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    """Return the value below which q percent of the values lie; NaN if there is a NaN."""
    return _quantile(x, _level(q, 100), axis, method, keepdims)


@composes(np.nanmedian)
@labelled
def nanmedian(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Return the median of the numbers that are there; NaN where there are none."""
    ordered = _sorted_along(x, axis, rows=1)
    count = _present(ordered)
    low = _entry(ordered, (count - 1) // 2)
    high = _entry(ordered, count // 2)
    median = (low + high) / 2
    return np.expand_dims(median, axes_of(x, axis)) if keepdims else median


@composes(np.nanquantile)
def nanquantile(
    x: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    """Return the quantile of the numbers that are there; NaN where there are none."""
    return _quantile(x, _level(q, 1), axis, method, keepdims, skip=True)


@composes(np.nanpercentile)
def nanpercentile(
    x: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    """Return the percentile of the numbers that are there; NaN where there are none."""
    return _quantile(x, _level(q, 100), axis, method, keepdims, skip=True)


# The place of the level q among n values in order, counted from 0 (Hyndman and Fan, 1996).
# fmt: off
_PLACES: dict[str, Callable] = {
    # on one of the values
    "inverted_cdf":              lambda n, q: np.ceil(n * q) - 1,
    "closest_observation":       lambda n, q: np.rint(n * q - 2) + 1,
    "lower":                     lambda n, q: np.floor((n - 1) * q),
    "higher":                    lambda n, q: np.ceil((n - 1) * q),
    "nearest":                   lambda n, q: np.rint((n - 1) * q),
    # between two of them
    "averaged_inverted_cdf":     lambda n, q: (np.ceil(n * q) + np.floor(n * q) - 1) / 2,
    "midpoint":                  lambda n, q: (np.ceil((n - 1) * q) + np.floor((n - 1) * q)) / 2,
    "linear":                    lambda n, q: (n - 1) * q,
    "interpolated_inverted_cdf": lambda n, q: n * q - 1,
    "hazen":                     lambda n, q: n * q - 0.5,
    "weibull":                   lambda n, q: (n + 1) * q - 1,
    "median_unbiased":           lambda n, q: n * q + (q + 1) / 3 - 1,
    "normal_unbiased":           lambda n, q: n * q + (q / 4 + 0.375) - 1,
}
# fmt: on
_ON_ONE = ("inverted_cdf", "closest_observation", "lower", "higher", "nearest")


@labelled
def _quantile(x: Any, q: Any, axis: Any, method: str, keepdims: bool, *, skip: bool = False) -> Any:
    """Return the quantiles at levels q, of all values or of those that are not NaN."""
    if method not in _PLACES:
        raise ArgumentError(f"method={method!r:.60} is none of {listed(_PLACES)}")
    x = fitting(x, q)
    ordered = _sorted_along(x, axis)
    count = _present(ordered) if skip else ordered.shape[0]
    level = q.reshape(*q.shape, *(1,) * (ordered.ndim - 1)) if ordered.ndim > 1 else q
    place = np.minimum(np.maximum(_PLACES[method](count, level), 0), count - 1)
    if not skip:  # a NaN comes last in order, and where there is one it is the result
        place = np.where(np.isnan(ordered)[-1], count - 1, place)
    below = np.floor(place)
    low = below.astype(int)
    quantile = _entry(ordered, low)
    if method not in _ON_ONE:
        high = _entry(ordered, np.minimum(low + 1, count - 1))
        share = place - below
        if object not in (floating(x), floating(share)):  # scalars keep the dtype of each number
            share = share.astype(floating(x))
        quantile = quantile * (1 - share) + high * share
    axes = [np.ndim(q) + i for i in axes_of(x, axis)]
    return np.expand_dims(quantile, axes) if keepdims else quantile


def _level(q: Any, whole: int) -> Any:
    """Return the levels as shares of one. Raises RangeError for a level outside 0 to ``whole``."""
    if isinstance(q, (list, tuple, int, float, np.generic)):
        q = np.asarray(from_list(q), float)
    given = plain(q)
    if not np.all((given >= 0) & (given <= whole)):
        raise RangeError(f"q={given!r:.60} is outside 0 to {whole}")
    return q if whole == 1 else q / whole


def _sorted_along(x: Any, axis: Any, rows: int = 0) -> Any:
    """Return the values in order along a first axis that stands for all the axes given.

    Where there are no values, and no column either, there are as many ``rows`` as asked for.
    """
    ordered = np.sort(to_front(x, axis), axis=0)
    if isinstance(ordered.shape[0], int) and not ordered.shape[0]:
        if rows and 0 in ordered.shape[1:]:
            return np.broadcast_to(ordered[:1].sum(axis=0), (rows, *ordered.shape[1:]))
        raise ShapeError(f"shape {x.shape} has no values to order")
    return ordered


def _present(ordered: Any) -> Any:
    """Count the numbers that are no NaN, along the first axis."""
    return np.sum(~np.isnan(ordered), axis=0)


def _entry(ordered: Any, places: Any) -> Any:
    """Take the entries at places along the first axis, which differ from column to column."""
    if ordered.ndim == 1:
        return getitem(ordered, places)
    return getitem(ordered, places, *np.ix_(*map(np.arange, ordered.shape[1:])))
