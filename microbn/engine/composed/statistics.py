"""Sums, products, means and what is made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ArgumentError, RangeError, ShapeError, WeightError
from ..names import labelled
from ..node import plain
from .axes import along, axes_of, is_lone_number, to_front
from .dtypes import fitting
from .entrywise import root
from .table import composes


@composes(np.var)
@labelled
def var(
    x: Any,
    axis: Any = None,
    *,
    ddof: Any = 0,
    keepdims: bool = False,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    """Return the mean of the squares of what is left when the mean is taken away."""
    less = taken_off(ddof, correction)
    center = np.mean(x, axis=axis, keepdims=True) if mean is None else mean
    square = np.square(x - center)
    if not less:
        return np.mean(square, axis=axis, keepdims=keepdims)
    total = np.sum(square, axis=axis, keepdims=keepdims)
    if not np.size(total):
        return total
    return total / _free(x.size // np.size(total), less)


def taken_off(ddof: Any, correction: Any) -> Any:
    """Return what a variance takes off the count of its values, by either of its two names."""
    if ddof and correction is not None:
        raise ArgumentError("ddof= and correction= say the same; give one of them")
    return ddof if correction is None else correction


def _free(count: Any, less: Any) -> Any:
    """Return the degrees of freedom. Raises RangeError if none is left."""
    if isinstance(count, int) and count <= less:
        raise RangeError(f"{count} values leave no degree of freedom with ddof={less}")
    return count - less


@composes(np.std)
def std(x: Any, axis: Any = None, **options: Any) -> Any:
    """Return the root of the variance. Its derivative at 0 counts as 0."""
    return root(var(x, axis, **options))


@composes(np.average)
@labelled
def average(x: Any, axis: Any = None, weights: Any = None, *, keepdims: bool = False) -> Any:
    """Return the mean in which each value counts as much as its weight."""
    if weights is None:
        return np.mean(x, axis=axis, keepdims=keepdims)
    x, weights = fitting(x, weights), _beside(x, fitting(weights, x), axis)
    total = _sum_of_weights(weights, axis=axis, keepdims=keepdims)
    return np.sum(x * weights, axis=axis, keepdims=keepdims) / total


def _sum_of_weights(weights: Any, **reduced: Any) -> Any:
    """Return the sum of weights. Raises WeightError if it is 0."""
    total = np.sum(weights, **reduced)
    sums = plain(total)
    if isinstance(sums, (np.ndarray, np.generic)):  # a Symbol has no values
        if sums.dtype == object:
            sums = np.array([plain(one) for one in sums.flat], float)
        if not np.all(sums):
            raise WeightError(
                f"weights of shape {np.shape(weights)} sum to 0, and a mean is divided by their "
                "sum; give weights that do not cancel"
            )
    return total


def _beside(x: Any, weights: Any, axis: Any) -> Any:
    """Lay weights of some axes along these axes."""
    if np.shape(weights) == np.shape(x):
        return weights
    if axis is None:
        raise ShapeError(
            f"weights of shape {np.shape(weights)} for values of shape {np.shape(x)}; "
            "say by axis= which axes they belong to"
        )
    axes = axes_of(x, axis)
    if np.shape(weights) != (sizes := tuple(x.shape[i] for i in axes)):
        raise ShapeError(f"weights of shape {np.shape(weights)} for axes of sizes {sizes}")
    if [*axes] != sorted(axes):
        weights = np.transpose(weights, tuple(np.argsort(axes).tolist()))
    return weights.reshape(tuple(x.shape[i] if i in axes else 1 for i in range(x.ndim)))


@composes(np.amax)
def amax(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Return the largest value, under an older name of ``np.max``."""
    return np.max(x, axis=axis, keepdims=keepdims)


@composes(np.amin)
def amin(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Return the smallest value, under an older name of ``np.min``."""
    return np.min(x, axis=axis, keepdims=keepdims)


@composes(np.ptp)
def ptp(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Return the largest value less the smallest."""
    return np.max(x, axis=axis, keepdims=keepdims) - np.min(x, axis=axis, keepdims=keepdims)


@composes(np.prod)
def prod(x: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None) -> Any:
    """Multiply in pairs. The gradient divides by nothing, so that zeros do no harm."""
    axis = None if is_lone_number(x, axis) else axis
    rows, axes = to_front(x, axis), axes_of(x, axis)
    if not rows.shape[0]:
        rows = np.sum(rows, axis=0, keepdims=True) + 1
    while (half := rows.shape[0] // 2) > 0:
        pairs = rows[:half] * rows[half : 2 * half]
        odd = rows.shape[0] % 2
        rows = np.concatenate([pairs, rows[2 * half :]]) if odd else pairs
    product = np.expand_dims(rows[0], axes) if keepdims else rows[0]
    return product if initial is None else product * initial


@composes(np.cumprod)
def cumprod(x: Any, axis: Any = None) -> Any:
    """Return the products of the first, the first two, the first three values, and so on.

    Each round multiplies the products so far by those that end where they begin.
    """
    rows = x.reshape(-1) if axis is None or is_lone_number(x, axis) else x
    (axis,) = axes_of(rows, axis or 0)
    step, count = 1, rows.shape[axis]
    while step < count:
        start, early, late = (
            rows[along(part, axis, rows.ndim)]
            for part in (slice(step), slice(count - step), slice(step, None))
        )
        rows, step = np.concatenate([start, early * late], axis=axis), 2 * step
    return rows


@composes(np.cumulative_sum, grouped=False)
def cumulative_sum(x: Any, /, *, axis: Any = None, include_initial: bool = False) -> Any:
    """Return the sums of the first, the first two, the first three values, and so on."""
    axis = _only_axis(x, axis)
    return _begun(np.cumsum(x, axis=axis), axis, 0, include_initial)


@composes(np.cumulative_prod)
def cumulative_prod(x: Any, /, *, axis: Any = None, include_initial: bool = False) -> Any:
    """Return the products of the first, the first two, the first three values, and so on."""
    axis = _only_axis(x, axis)
    return _begun(cumprod(x, axis=axis), axis, 1, include_initial)


def _only_axis(x: Any, axis: Any) -> int:
    if axis is None and x.ndim > 1:
        raise ArgumentError(f"shape {x.shape} has several axes; say by axis= which is meant")
    return axis or 0


def _begun(rows: Any, axis: int, start: int, include: bool) -> Any:
    """Put the empty sum or product before the others, if it is to be included."""
    if not include:
        return rows
    shape = (*rows.shape[: axis % rows.ndim], 1, *rows.shape[axis % rows.ndim + 1 :])
    return np.concatenate([np.full(shape, start, rows.dtype), rows], axis=axis)


@composes(np.cov)
@labelled
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
) -> Any:
    """Return the mean product of every two variables, each less its mean."""
    if _is_without_variables(m, rowvar) and np.ndim(y) < 3:
        rows = _variables(m, None, rowvar)
        return rows @ rows.mT  # NumPy also ignores y if m has no variables
    rows = _variables(m, y, rowvar)
    less = int(not bias) if ddof is None else ddof
    counts, weights = _of_samples(rows, fweights, aweights)
    if weights is None:
        left = rows - np.mean(rows, axis=1, keepdims=True)
        return np.squeeze(left @ left.mT / _free(rows.shape[1], less))
    total = _sum_of_weights(weights)
    left = rows - np.sum(rows * weights, axis=1, keepdims=True) / total
    lost = less if aweights is None else less * np.sum(weights * counts) / total
    return np.squeeze((left * weights) @ left.mT / (total - lost if less else total))


def _is_without_variables(m: Any, rowvar: bool) -> bool:
    shape = np.shape(m)
    return isinstance(shape, tuple) and len(shape) == 2 and not shape[0 if rowvar else 1]


def _variables(m: Any, y: Any, rowvar: bool) -> Any:
    """Return the variables as rows, those of ``y`` after those of ``m``."""
    parts = [fitting(m, y)] if y is None else [fitting(m, y), fitting(y, m)]
    rows: list[Any] = []
    for part in parts:
        if part.ndim > 2:
            raise ShapeError(f"shape {part.shape} has more axes than variables and samples")
        one = part if part.ndim == 2 else part.reshape(1, -1)
        turned = not rowvar and (part.ndim != 1 if not rows else one.shape[0] != 1)
        rows.append(one.mT if turned else one)
    return rows[0] if y is None else np.concatenate(rows)


def _of_samples(rows: Any, fweights: Any, aweights: Any) -> tuple[Any, Any]:
    """Return the weights by importance, and these times the counts; None if there are none."""
    given = {"fweights": fitting(fweights, rows), "aweights": fitting(aweights, rows)}
    for name, weights in given.items():
        if weights is not None and np.shape(weights) != rows.shape[1:]:
            raise ShapeError(f"{name} of shape {np.shape(weights)} for {rows.shape[1]} samples")
    if fweights is None:
        return given["aweights"], given["aweights"]
    counts = np.asarray(plain(fweights))
    if np.any(counts != np.rint(counts)):
        raise ArgumentError("fweights= counts samples, in integers; aweights= takes any weights")
    if aweights is None:
        return None, given["fweights"]
    return given["aweights"], given["fweights"] * given["aweights"]


@composes(np.corrcoef)
@labelled
def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Any:
    """Return the covariance of every two variables, each divided by its deviation."""
    shared = np.cov(x, y, rowvar)
    if shared.ndim == 0:
        return shared / shared
    deviation = np.sqrt(np.diagonal(shared))
    ratio = shared / np.expand_dims(deviation, 1) / deviation
    return np.clip(ratio, -1, 1)
