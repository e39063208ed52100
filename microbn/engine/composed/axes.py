"""Helpers that several rooms share: axes, indices along an axis, dtypes of constants."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ...errors import ArgumentError
from ..arrays import from_list


def axes_of(x: Any, axis: Any) -> tuple[int, ...]:
    """Return the axes that ``axis`` means, as a reduction reads it: all of them for None."""
    return (*range(x.ndim),) if axis is None else normalize_axis_tuple(axis, x.ndim)


def to_front(x: Any, axis: Any) -> Any:
    """Merge these axes into one, and put it first."""
    if axis is None:
        return x.reshape(-1)
    axes = axes_of(x, axis)
    others = [i for i in range(x.ndim) if i not in axes]
    if (order := (*axes, *others)) != (*range(x.ndim),):
        x = np.transpose(x, order)
    if len(axes) == 1:
        return x
    count = math.prod(x.shape[: len(axes)])
    return x.reshape(count, *x.shape[len(axes) :])


def along(index: Any, axis: int, ndim: int) -> tuple:
    """Return the index that takes ``index`` on one axis and everything on the others."""
    return (*(slice(None),) * (axis % ndim), index)


def taken_off(ddof: Any, correction: Any) -> Any:
    """Return what a variance takes off the count of its values, by either of its two names."""
    if ddof and correction is not None:
        raise ArgumentError("ddof= and correction= say the same; give one of them")
    return ddof if correction is None else correction


def neighbours(x: Any, axis: int) -> tuple[Any, Any]:
    """Return the later and the earlier of each two neighbours."""
    (axis,) = normalize_axis_tuple(axis, x.ndim)
    later, earlier = (along(part, axis, x.ndim) for part in (slice(1, None), slice(None, -1)))
    return x[later], x[earlier]


def floating(x: Any) -> Any:
    """Return the dtype of x, or float64 if it holds integers or bools."""
    dtype = getattr(x, "dtype", np.dtype(float))
    return dtype if dtype in (np.float32, np.float64, object) else np.dtype(float)


def fitting(constants: Any, x: Any, *, floats: bool = False) -> Any:
    """Convert constants, so that ``x`` keeps its dtype beside them. Leave anything else alone.

    A list takes the dtype of ``x``, and so do integers. An array of floats keeps its own, unless
    ``floats`` says that it does not.
    """
    dtype = floating(x)
    if isinstance(constants, (list, tuple)):
        return from_list(constants).astype(dtype)
    if isinstance(constants, (np.ndarray, np.generic)):
        kinds = "iubf" if floats and dtype in (np.float32, np.float64) else "iub"
        return constants.astype(dtype, copy=False) if constants.dtype.kind in kinds else constants
    return constants
