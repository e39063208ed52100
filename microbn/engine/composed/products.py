"""Products of vectors and matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ...errors import ArgumentError, ShapeError, listed
from ..arrays import from_list
from .dtypes import alike
from .einsum import contract, ordered
from .table import composes


@composes(np.dot, grouped=False)
def dot(a: Any, b: Any) -> Any:
    """Sum the products along the last axis of a and the last but one of b: rows with columns."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    if np.ndim(b) < 3:
        return np.matmul(a, b)
    return tensordot(a, b, ([-1], [-2]))


@composes(np.inner)
def inner(a: Any, b: Any) -> Any:
    """Sum the products along the last axes: rows with rows."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    return tensordot(a, b, ([-1], [-1]))


@composes(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    """Sum the products of all entries."""
    a, b = alike(a, b)
    return np.matmul(_flat(a), _flat(b))


@composes(np.vecdot, np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, axis: int = -1) -> Any:
    """Sum the products of vectors along an axis."""
    x1, x2 = _last(x1, axis), _last(x2, axis)
    if np.ndim(x1) == 1:
        x1, x2 = x2, x1
    if np.ndim(x2) == 1:
        return np.matmul(x1, x2)
    return np.squeeze(np.matmul(np.expand_dims(x1, -2), np.expand_dims(x2, -1)), (-2, -1))


@composes(np.matvec)
def matvec(x1: Any, x2: Any) -> Any:
    """Multiply matrices by vectors."""
    _are_matrices(x1)
    if np.ndim(x2) < 2:
        return np.matmul(x1, x2)
    return np.squeeze(np.matmul(x1, np.expand_dims(x2, -1)), -1)


@composes(np.vecmat)
def vecmat(x1: Any, x2: Any) -> Any:
    """Multiply vectors by matrices."""
    _are_matrices(x2)
    if np.ndim(x1) < 2:
        return np.matmul(x1, x2)
    return np.squeeze(np.matmul(np.expand_dims(x1, -2), x2), -2)


@composes(np.linalg.matmul, grouped=False)
def matmul(x1: Any, x2: Any) -> Any:
    """Multiply matrices."""
    return np.matmul(x1, x2)


@composes(np.outer)
def outer(a: Any, b: Any) -> Any:
    """Multiply each entry of a by each entry of b."""
    a, b = alike(a, b)
    return np.multiply(np.expand_dims(_flat(a), 1), _flat(b))


@composes(np.linalg.outer)
def outer_of_vectors(x1: Any, x2: Any) -> Any:
    """Multiply each entry of a vector by each entry of another."""
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ShapeError(
            f"it takes two vectors, got shapes {np.shape(x1)} and {np.shape(x2)}; "
            "np.outer takes all entries of any arrays"
        )
    return np.multiply(np.expand_dims(x1, 1), x2)


@composes(np.kron)
def kron(a: Any, b: Any) -> Any:
    """Put, in the place of each entry of a, the array b times that entry."""
    a, b = alike(a, b)
    count = max(np.ndim(a), np.ndim(b))
    left, right = ((1,) * (count - np.ndim(x)) + np.shape(x) for x in (a, b))
    apart = np.reshape(a, tuple(n for size in left for n in (size, 1)))
    within = np.reshape(b, tuple(n for size in right for n in (1, size)))
    merged = tuple(m * n for m, n in zip(left, right, strict=True))
    return np.reshape(np.multiply(apart, within), merged)


@composes(np.cross, np.linalg.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """Multiply vectors of three numbers into one that is perpendicular to both."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = _last(a, axisa), _last(b, axisb)
    for x in (a, b):
        if np.shape(x)[-1:] != (3,):
            raise ShapeError(
                f"it takes vectors of 3 numbers, got axes of size {np.shape(a)[-1]} and "
                f"{np.shape(b)[-1]}; in the plane write x[..., 0] * y[..., 1] - x[..., 1] * "
                "y[..., 0]"
            )
    on, back = [1, 2, 0], [2, 0, 1]
    vectors = a[..., on] * b[..., back] - a[..., back] * b[..., on]
    order = [*range(np.ndim(vectors) - 1)]
    order.insert(normalize_axis_index(axisc, len(order) + 1), len(order))
    return ordered(vectors, range(len(order)), order)


@composes(np.tensordot, np.linalg.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Sum the products along pairs of axes, or along the last axes of a and the first of b."""
    a, b = from_list(a), from_list(b)
    count, total = np.ndim(a), np.ndim(a) + np.ndim(b)
    left, right = _product_of_two(axes, count)
    left = [normalize_axis_index(i, count) for i in left]
    right = [normalize_axis_index(i, total - count) for i in right]
    pairs = dict(zip(right, left, strict=False))
    fits = all(np.shape(a)[i] == np.shape(b)[j] for j, i in pairs.items())
    if not (fits and len(left) == len(right) == len(pairs) == len({*left})):
        raise ShapeError(
            f"axes {left} of shape {np.shape(a)} and {right} of shape {np.shape(b)} do not pair; "
            "name axes of equal sizes, each of them once"
        )
    xs, ys = range(count), [pairs.get(j, count + j) for j in range(total - count)]
    out = [i for i in range(count) if i not in left] + [i for i in ys if i >= count]
    return ordered(*contract(a, xs, b, ys, out), out)


@composes(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """Multiply a matrix by itself, by squaring; its inverse for a negative power."""
    side = np.shape(a)[-1:]
    if np.ndim(a) < 2 or np.shape(a)[-2:-1] != side:
        raise ShapeError(f"it takes square matrices, got shape {np.shape(a)}")
    if not isinstance(n, (int, np.integer)):
        raise ArgumentError(f"the power of a matrix is an integer, got {n!r:.60}")
    if n == 0:
        return np.where(np.eye(*side) == 1, np.power(a, 0), 0)
    power = result = np.linalg.inv(a) if n < 0 else a
    for bit in f"{abs(n):b}"[1:]:
        result = np.matmul(result, result)
        if bit == "1":
            result = np.matmul(result, power)
    return result


@composes(np.linalg.multi_dot)
def multi_dot(arrays: Any) -> Any:
    """Multiply matrices in the order that takes the fewest multiplications of numbers."""
    shapes = [*map(np.shape, arrays)]
    counts = [*map(len, shapes)]
    if len(counts) < 2 or {*counts[1:-1]} - {2} or {counts[0], counts[-1]} - {1, 2}:
        raise ShapeError(
            "it takes two or more matrices, of which the first and the last may be vectors, "
            f"got shapes {listed(shapes)}; multiply batches of matrices with @"
        )
    start = shapes[0][0] if counts[0] == 2 else 1
    end = shapes[-1][1] if counts[-1] == 2 else 1
    splits = _splits([start, *(shape[0] for shape in shapes[1:]), end])

    def product(i: int, j: int) -> Any:
        if j - i == 1:
            return arrays[i]
        middle = splits[i, j]
        return np.matmul(product(i, middle), product(middle, j))

    return product(0, len(arrays))


def _splits(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """Return where to split the product of the matrices i to j, whose sides have these sizes."""
    count = len(sizes) - 1
    costs, splits = {(i, i + 1): 0 for i in range(count)}, {}
    for j in range(2, count + 1):
        for i in reversed(range(j - 1)):
            costs[i, j], splits[i, j] = min(
                (costs[i, k] + costs[k, j] + sizes[i] * sizes[k] * sizes[j], k)
                for k in range(i + 1, j)
            )
    return splits


def _product_of_two(axes: Any, count: int) -> tuple[Any, Any]:
    """Return the axes of the left and of the right array of a tensordot."""
    if isinstance(axes, (int, np.integer)):
        return range(count - axes, count), range(axes)
    if not isinstance(axes, (list, tuple, np.ndarray)) or len(axes) != 2:
        raise ArgumentError(f"axes are a number or a pair, as in axes=([1], [0]), got {axes!r:.60}")
    left, right = (np.ravel(side).tolist() for side in axes)
    return left, right


def _are_matrices(x: Any) -> None:
    if np.ndim(x) < 2:
        raise ShapeError(f"it takes matrices, got shape {np.shape(x)}; np.vecdot takes two vectors")


def _last(x: Any, axis: int) -> Any:
    """Bring an axis to the end."""
    x, count = from_list(x), np.ndim(x)
    axis = normalize_axis_index(axis, count)
    return ordered(x, range(count), [*(i for i in range(count) if i != axis), axis])


def _flat(x: Any) -> Any:
    return x if np.ndim(x) == 1 else np.reshape(x, -1)
