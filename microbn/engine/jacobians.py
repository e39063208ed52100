"""Jacobians and Hessians, and their products with a vector. Backward passes compute them all.

``f`` is a function of one array, or of several that are given as a tuple or list. So a list of
numbers is several arguments, and ``np.array`` makes it one. ``x`` may be a Tensor too, and the
results are arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import faults
from .backward import grad
from .node import has_history, is_node, plain
from .tensor import Tensor


def jvp(f: Callable, x: Any, v: Any) -> tuple[np.ndarray, Any]:
    """Return ``f(x)`` and J v, the Jacobian of f at x times a vector ``v`` in the shape of x.

    It takes two backward passes. The first computes Jᵀg for a cotangent g. Jᵀg is linear in g, so
    the derivative of (Jᵀg)·v with respect to g is J v: the transpose of a transpose.

    Raises ShapeError if v has another shape than x, DTypeError unless f returns one array, and
    GraphError if this array has no history.

    >>> value, along = jvp(np.square, np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, 1.0]))
    >>> along.tolist()
    [2.0, 0.0, 6.0]
    """
    out, leaves = _recorded("jvp", f, x)
    directions = _directions_like("jvp", leaves, v, isinstance(x, (tuple, list)))
    g = Tensor(np.zeros(out.shape), dtype=out.dtype)
    parts = grad(out, leaves, g, create_graph=True)
    return np.array(out.value), grad(_sum_of_products(parts, directions), g)


def jacobian(f: Callable, x: Any) -> Any:
    """Return the Jacobian of f at x, in the shape of f(x) followed by the shape of x.

    For several arrays, returns a tuple with a Jacobian for each. It runs one backward pass for each
    entry of f(x). Raises DTypeError unless f returns one array, and GraphError if it has no
    history.
    """
    out, leaves = _recorded("jacobian", f, x)
    return _one_or_all(_all_rows(out, leaves), x)


def hessian(f: Callable, x: Any) -> Any:
    """Return the second derivatives of f at x, for an f that returns a single number.

    The shape of the result is the shape of x, twice. For several arrays it is a tuple of tuples:
    entry [i][j] is the derivative of the gradient for array i with respect to array j. Raises the
    errors of `jacobian`, and ShapeError if f returns several numbers.
    """
    out, leaves = _recorded("hessian", f, x)
    gradients = _gradients("hessian", out, leaves)
    return _one_or_all(tuple(_one_or_all(_all_rows(g, leaves), x) for g in gradients), x)


def hvp(f: Callable, x: Any, v: Any) -> Any:
    """Return H v, the Hessian of f at x times a vector ``v`` in the shape of x.

    ``f`` returns a single number. For several arrays, returns a tuple. It takes two backward
    passes. Raises the errors of `hessian`, and ShapeError if v has another shape than x.
    """
    out, leaves = _recorded("hvp", f, x)
    directions = _directions_like("hvp", leaves, v, isinstance(x, (tuple, list)))
    along = _sum_of_products(_gradients("hvp", out, leaves), directions)
    return _one_or_all(grad(along, leaves), x)


def _recorded(name: str, f: Callable, x: Any) -> tuple[Any, list[Tensor]]:
    """Call f on leaves of these arrays. Its result has a history."""
    given = x if isinstance(x, (tuple, list)) else [x]
    if not (callable(f) and given):
        raise faults.nothing_to_call(name, f, given)
    leaves = [Tensor(plain(one)) for one in given]
    try:
        out = f(*leaves)
    except TypeError as error:
        raise faults.called_with(name, error) from error.__cause__
    out = +out if any(out is leaf for leaf in leaves) else out  # f returns its operand
    if not is_node(out) and not isinstance(out, (np.ndarray, np.generic, float, int)):
        raise faults.not_one_array(name, out)
    if not has_history(out) if is_node(out) else True:
        raise faults.lost_history(name)
    return out, leaves


def _gradients(name: str, out: Any, leaves: list[Tensor]) -> tuple:
    """Return the gradients of a single number, each with a graph of its own."""
    if out.size != 1:
        raise faults.not_one_number(name, out)
    return grad(out, leaves, np.ones(out.shape), create_graph=True)


def _all_rows(out: Any, leaves: list[Tensor]) -> tuple[np.ndarray, ...]:
    """Return a Jacobian for each leaf: a backward from each entry of ``out``."""
    jacobians = tuple(np.zeros(out.shape + x.shape, x.dtype) for x in leaves)
    for index in np.ndindex(out.shape):
        one = np.zeros(out.shape, out.dtype)
        one[index] = 1
        for whole, row in zip(jacobians, grad(out, leaves, one), strict=True):
            whole[index] = row
    return jacobians


def _directions_like(name: str, leaves: list[Tensor], v: Any, several: bool) -> list[np.ndarray]:
    given = [np.asarray(plain(one)) for one in (v if several else [v])]
    if [one.shape for one in given] != [x.shape for x in leaves]:
        raise faults.other_directions(name, leaves, given)
    return [one.astype(x.dtype) for one, x in zip(given, leaves, strict=True)]


def _sum_of_products(parts: Any, directions: Any) -> Any:
    """Return the sum of all products, entry by entry."""
    return sum(np.sum(part * v) for part, v in zip(parts, directions, strict=True))


def _one_or_all(parts: Any, x: Any) -> Any:
    return tuple(parts) if isinstance(x, (tuple, list)) else parts[0]
