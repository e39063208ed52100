"""Axes: several rooms name them, merge them, or change their sizes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ...errors import RuleError
from ..arrays import from_list
from ..node import is_node


def axes_of(x: Any, axis: Any) -> tuple[int, ...]:
    """Return the axes that ``axis`` means, as a reduction reads it: all of them for None."""
    return (*range(x.ndim),) if axis is None else normalize_axis_tuple(axis, x.ndim)


def of_values(name: str, x: Any) -> Any:
    """Return an argument that gets no gradient. Raises RuleError if it is a Tensor."""
    if is_node(x):
        raise RuleError(
            f"{name}= is a Tensor, and no gradient flows back to it; give its values, t.data, or "
            "t.item() for a number"
        )
    return x


def is_lone_number(x: Any, axis: Any) -> bool:
    """Return whether x is a single number whose ``axis`` is 0 or -1.

    Where NumPy sums, multiplies, takes or repeats, it treats such a number as a row of one.
    """
    return x.ndim == 0 and axis in (0, -1)


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


def flat_or_along(x: Any, axis: int | None, *, lone: bool = False) -> tuple[Any, int]:
    """Return an array and its axis, counted from 0. Without an axis, all entries stand in a row.

    With ``lone`` a single number counts as a row of one.
    """
    x = from_list(x)
    if axis is None or (lone and is_lone_number(x, axis)):
        return x if x.ndim == 1 else np.reshape(x, -1), 0
    return x, normalize_axis_index(axis, x.ndim)


def resized(shape: tuple[int, ...], axis: int, size: int) -> tuple[int, ...]:
    """Return a shape with another size for one axis."""
    return *shape[:axis], size, *shape[axis + 1 :]
