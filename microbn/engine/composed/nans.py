"""Sums, means and extremes of the numbers that are there: a NaN counts as absent.

No gradient flows to a NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..names import labelled
from .dtypes import floating
from .entrywise import root
from .statistics import taken_off
from .table import composes


@composes(np.nansum)
def nansum(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Return the sum of the numbers that are there."""
    return np.sum(np.where(np.isnan(x), 0, x), axis=axis, keepdims=keepdims)


@composes(np.nanprod)
def nanprod(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Return the product of the numbers that are there."""
    return np.prod(np.where(np.isnan(x), 1, x), axis=axis, keepdims=keepdims)


@composes(np.nancumsum)
def nancumsum(x: Any, axis: Any = None) -> Any:
    """Return the cumulative sum, to which a NaN adds nothing."""
    return np.cumsum(np.where(np.isnan(x), 0, x), axis=axis)


@composes(np.nancumprod)
def nancumprod(x: Any, axis: Any = None) -> Any:
    """Return the cumulative product, which a NaN does not change."""
    return np.cumprod(np.where(np.isnan(x), 1, x), axis=axis)


@composes(np.nanmean)
def nanmean(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Divide the sum of the numbers that are there by how many there are."""
    total = np.sum(np.where(np.isnan(x), 0, x), axis=axis, keepdims=keepdims)
    return total / _counted(x, axis, keepdims)


@composes(np.nanvar)
@labelled
def nanvar(
    x: Any,
    axis: Any = None,
    *,
    ddof: Any = 0,
    keepdims: bool = False,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    """Return the variance of the numbers that are there; NaN where ddof leaves none of them."""
    less = taken_off(ddof, correction)
    center = nanmean(x, axis, keepdims=True) if mean is None else mean
    left = np.where(np.isnan(x), 0, x - center)
    total = np.sum(np.square(left), axis=axis, keepdims=keepdims)
    return total / _counted(x, axis, keepdims, less)


@composes(np.nanstd)
def nanstd(x: Any, axis: Any = None, **options: Any) -> Any:
    """Return the root of the variance of the numbers that are there; at 0 its slope counts as 0."""
    return root(nanvar(x, axis, **options))


@composes(np.nanmax)
def nanmax(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Return the largest of the numbers that are there; NaN where there are none."""
    found = np.max(np.where(np.isnan(x), -np.inf, x), axis=axis, keepdims=keepdims)
    return np.where(np.all(np.isnan(x), axis=axis, keepdims=keepdims), np.nan, found)


@composes(np.nanmin)
def nanmin(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Return the smallest of the numbers that are there; NaN where there are none."""
    found = np.min(np.where(np.isnan(x), np.inf, x), axis=axis, keepdims=keepdims)
    return np.where(np.all(np.isnan(x), axis=axis, keepdims=keepdims), np.nan, found)


@composes(np.nan_to_num)
def nan_to_num(x: Any, *, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Put numbers in the place of NaN and of infinities: 0 and the largest there are, or yours."""
    high = _largest(x) if posinf is None else posinf
    low = -_largest(x) if neginf is None else neginf
    finite = np.where(x == np.inf, high, np.where(x == -np.inf, low, x))
    return np.where(np.isnan(x), nan, finite)


def _counted(x: Any, axis: Any, keepdims: bool, less: Any = 0) -> Any:
    """Count the numbers that are there, less some, in the dtype of x; NaN where none is left."""
    count = np.sum(~np.isnan(x), axis=axis, keepdims=keepdims)
    return np.where(count > less, count - less if less else count, np.nan).astype(floating(x))


def _largest(x: Any) -> float:
    """Return the largest number of x's dtype; scalars, whose dtype is object, are float64."""
    wide = x.dtype == np.float64 or x.dtype.kind == "O"
    return float(np.finfo(np.float64 if wide else np.float32).max)
