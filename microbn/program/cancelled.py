"""Rewrites leave out what cancels: a bias before a mean is taken off, a sum without a mean.

These rewrites belong to the pass "stages". They look at calls whose results may have names.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.node import is_node
from .algebra import before_spread, padded


def without_bias(node: Any, args: list, seen: Any) -> Any:
    """Leave out what is added alike along an axis where the mean over it is taken off: it cancels.

    So does the bias ahead of a batch norm.
    """
    if node.function is not np.subtract or not all(map(is_node, args)):
        return None
    x, y = args
    if x.function is not np.add or y.function is not np.mean or y.inputs[0] is not x:
        return None
    for rest, same in (x.inputs, x.inputs[::-1]):
        ones = padded(same, x.ndim)
        still = y.ndim == x.ndim and all(
            ones[i] == 1 for i in range(x.ndim) if y.shape[i] < x.shape[i]
        )
        if still and np.shape(rest) == x.shape:
            return rest - np.mean(rest, *y.inputs[1:], **y.kwargs)
    return None


def without_zeros(node: Any, args: list, seen: Any) -> Any:
    """Leave out a term that adds up to zero, because its mean over the same axes was taken off.

    So the gradient of a bias ahead of a batch norm is zero, and its mean needs no sum of its own.
    """
    x, new = node.inputs[0], args[0]
    if node.function is not np.sum or not is_node(x) or not is_node(new):
        return None
    axes = _summed_axes(node)
    if _adds_up_to_zero(x, axes):
        return np.zeros(node.shape, node.dtype)
    if x.function not in (np.add, np.subtract) or new.function is not x.function:
        return None
    for i, sign in enumerate((1, -1 if x.function is np.subtract else 1)):
        rest, term = new.inputs[i], x.inputs[1 - i]
        if np.shape(rest) == np.shape(term) == x.shape and _adds_up_to_zero(term, axes):
            total = np.sum(rest, *node.inputs[1:], **node.kwargs)
            return total if sign == 1 else -total
    return None


def _adds_up_to_zero(x: Any, axes: set[int]) -> bool:
    """Return whether x is an array less its mean, perhaps times what is constant along the axes."""
    shape = x.shape if is_node(x) else None
    while is_node(x) and x.shape == shape:
        if x.function in (np.add, np.subtract):
            y, z = x.inputs
            sign = 1 if x.function is np.add else -1
            return np.shape(y) == shape and _is_minus_mean(y, z, sign, axes)
        if x.function is np.negative:
            x = x.inputs[0]
        elif x.function in (np.multiply, np.divide):
            y, z = x.inputs
            first = x.function is np.multiply and _is_constant_along(axes, y, x.ndim)
            if not first and not _is_constant_along(axes, z, x.ndim):
                return False
            x = z if first else y
        else:
            return False
    return False


def _is_minus_mean(x: Any, y: Any, factor: float, axes: set[int]) -> bool:
    """Return whether y, times this factor, is minus the mean of x over these axes."""
    while is_node(y) and y.function not in (np.sum, np.mean):
        y, by = _unscaled(y)
        factor *= by
    if not is_node(y) or y.inputs[0] is not x or _summed_axes(y) != axes:
        return False
    count = 1 if y.function is np.mean else x.size / max(y.size, 1)
    return _is_constant_along(axes, y, x.ndim) and abs(factor * count + 1) < 1e-12


def _unscaled(y: Any) -> tuple[Any, float]:
    """Take a sign, a number or a repetition off a node."""
    if y.function is np.negative:
        return y.inputs[0], -1
    if (narrow := before_spread(y)) is not None:
        return narrow, 1
    numbers = [x for x in y.inputs if type(x) in (int, float)]
    if y.function is np.multiply and numbers:
        return next(x for x in y.inputs if x is not numbers[0]), numbers[0]
    if y.function is np.divide and [*y.inputs[1:]] == numbers:
        return y.inputs[0], 1 / numbers[0] if numbers[0] else 0
    return None, 0


def _is_constant_along(axes: set[int], x: Any, ndim: int) -> bool:
    narrow = before_spread(x)
    shape = padded(x if narrow is None else narrow, ndim)
    return all(shape[axis] == 1 for axis in axes)


def _summed_axes(node: Any) -> set[int]:
    """Return the axes that a sum or a mean reduces."""
    ndim = np.ndim(node.inputs[0])
    axis = dict(zip(["axis"], node.inputs[1:], strict=False)) | node.kwargs
    given = axis.get("axis")
    return {*range(ndim)} if given is None else {*(np.atleast_1d(given) % ndim).tolist()}
