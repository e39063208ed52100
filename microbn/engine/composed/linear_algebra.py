"""Norms, determinants, singular values and other functions of matrices."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ...errors import ArgumentError, RuleError, ShapeError
from ..functions import eigenvectors
from .axes import axes_of, of_values
from .entrywise import root
from .table import composes

_Determinant = type(np.linalg.slogdet(np.eye(1)))
_Eigen = type(np.linalg.eigh(np.eye(1)))
_MATRIX_NORMS = (None, "fro", "f", "nuc", 1, -1, 2, -2, np.inf, -np.inf)


@composes(np.linalg.norm)
def norm(x: Any, ord: str | Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the length of a vector, or the size of a matrix, by the kind of norm asked for."""
    if axis is None and ord is None:
        return root(np.sum(np.square(x), keepdims=keepdims))
    axes = axes_of(x, axis)
    order: Any = 2 if ord is None and len(axes) == 1 else ord
    if len(axes) == 1:
        return np.linalg.vector_norm(x, axis=axes[0], keepdims=keepdims, ord=order)
    if len(axes) != 2:
        raise ShapeError(f"a norm is taken over 1 axis or 2, not over {len(axes)}; pass axis=")
    size = np.linalg.matrix_norm(np.moveaxis(x, axes, (-2, -1)), ord=order)
    return np.expand_dims(size, axes) if keepdims else size


@composes(np.linalg.vector_norm)
def vector_norm(x: Any, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """Return the p-th root of the sum of p-th powers. Entries that are 0 have the slope 0."""
    if not isinstance(of_values("ord", ord), (int, float, np.integer, np.floating)):
        raise ArgumentError(
            f"ord={ord!r:.60} is not a norm of vectors; give a number, or np.inf or -np.inf"
        )
    axes_of(x, axis)  # raises for an axis that x does not have
    reduced = {"axis": axis, "keepdims": keepdims}
    if ord == 2:
        return root(np.sum(np.square(x), **reduced))
    if ord == 0:
        return np.sum(np.where(x == 0, 0, np.ones_like(x)), **reduced)
    size = np.abs(x)
    if abs(ord) == np.inf:
        return _greatest(size, **reduced) if ord > 0 else np.min(size, **reduced)
    if ord == 1:
        return np.sum(size, **reduced)
    zero = size == 0
    total = np.sum(np.where(zero, 0, np.where(zero, 1, size) ** ord), **reduced)
    flat = total == 0 if ord > 0 else np.sum(np.where(zero, 1, 0), **reduced) > 0
    return np.where(flat, 0, np.where(flat, 1, total) ** (1 / ord))


def _greatest(sizes: Any, **reduced: Any) -> Any:
    """Return the largest of sizes, or 0 where there is none."""
    return np.max(sizes, **reduced) if sizes.size else np.sum(sizes, **reduced)


@composes(np.linalg.matrix_norm)
def matrix_norm(x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """Return the size of matrices: of entries, of singular values, or of rows or columns."""
    if of_values("ord", ord) not in _MATRIX_NORMS:
        raise ArgumentError(f"ord={ord!r:.60} is not a matrix norm; use one of {_MATRIX_NORMS}")
    x = _checked_matrices(x)
    if ord in (None, "fro", "f"):
        size = root(np.sum(np.square(x), axis=(-2, -1)))
    elif ord in ("nuc", 2, -2):
        values = np.linalg.svdvals(x)
        reduce: Any = {"nuc": np.sum, 2: _greatest, -2: np.min}[ord]
        size = reduce(values, axis=-1)
    else:
        sums = np.sum(np.abs(x), axis=-2 if abs(ord) == 1 else -1)
        size = _greatest(sums, axis=-1) if ord > 0 else np.min(sums, axis=-1)
    return np.expand_dims(size, (-2, -1)) if keepdims else size


@composes(np.linalg.cond)
def cond(x: Any, p: str | Any = None) -> Any:
    """Multiply the norm of a matrix by that of its inverse.

    For a singular matrix and p=2, the default, the processor's rounding decides whether it is
    infinite or only huge. With a p other than 2 or -2, such a matrix is an error.
    """
    if 0 in _checked_matrices(x).shape[-2:]:
        raise ShapeError(f"a matrix of shape {x.shape[-2:]} has no condition number")
    if of_values("p", p) in (None, 2, -2):
        values = np.linalg.svdvals(x)
        above, below = values[..., 0], values[..., -1]
        above, below = (below, above) if p == -2 else (above, below)
        singular = below == 0
        return np.where(singular, np.inf, above / np.where(singular, 1, below))
    order: Any = p
    return np.linalg.matrix_norm(x, ord=order) * np.linalg.matrix_norm(np.linalg.inv(x), ord=order)


@composes(np.linalg.det)
def det(a: Any) -> Any:
    """Multiply the pivots of Gaussian elimination, down to two rows and two columns.

    The elimination divides by nothing that can be 0, and the last four entries need no division.
    So the gradient is right for singular matrices as well.
    """
    stack = _square(a)
    pivots, last = _eliminated(stack, 2)
    if last.shape[-1] == 2:
        pivots += [last[:, 0, 0] * last[:, 1, 1] - last[:, 0, 1] * last[:, 1, 0]]
    elif last.shape[-1] == 1:
        pivots += [last[:, 0, 0]]
    product = pivots[0] if pivots else np.ones_like(np.sum(stack, axis=(-2, -1)))
    for pivot in pivots[1:]:
        product = product * pivot
    return np.reshape(product, a.shape[:-2])


@composes(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """Return the sign of the determinant, and the logarithm of its size."""
    stack = _square(a)
    pivots, last = _eliminated(stack, 1)
    if not a.shape[-1]:
        one = np.ones_like(np.sum(a, axis=(-2, -1)))
        return _Determinant(one, 0 * one)
    pivots = np.stack([*pivots, last[:, 0, 0]])
    with np.errstate(divide="ignore"):  # the logarithm of a singular matrix is -inf
        logarithms = np.log(np.abs(pivots))
    sign = np.prod(np.sign(pivots), axis=0)
    shape = a.shape[:-2]
    return _Determinant(np.reshape(sign, shape), np.reshape(np.sum(logarithms, axis=0), shape))


@composes(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:
    """Return the eigenvalues and the eigenvectors of symmetric matrices."""
    if UPLO not in ("L", "U", "l", "u"):
        raise ArgumentError(f"UPLO={UPLO!r:.60}; the triangle to read is 'L' or 'U'")
    if UPLO in "Ll":
        return _Eigen(np.linalg.eigvalsh(a), eigenvectors(a))
    return _Eigen(np.linalg.eigvalsh(a.mT), eigenvectors(a, UPLO="U"))


@composes(np.linalg.svdvals)
def svdvals(x: Any) -> Any:
    """Return the singular values, the largest first.

    They and their negatives are the eigenvalues of the symmetric matrix [[0, x], [x.T, 0]].
    Rounding may make one negative that is 0.
    """
    *outer, m, n = _checked_matrices(x).shape
    upper = np.concatenate([np.zeros((*outer, m, m), x.dtype), x], axis=-1)
    lower = np.concatenate([x.mT, np.zeros((*outer, n, n), x.dtype)], axis=-1)
    values = np.linalg.eigvalsh(np.concatenate([upper, lower], axis=-2))
    return np.maximum(values[..., : -min(m, n) - 1 : -1], 0)


@composes(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Return the singular values, if they alone are asked for."""
    if compute_uv:
        raise RuleError(
            "its vectors get no gradient: np.linalg.svdvals(x) are its values, and "
            "np.linalg.eigh(x.mT @ x) has the vectors on its right"
        )
    return np.linalg.svdvals(a)


@composes(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    """Invert the matrix that has the first axes as its rows and the others as columns."""
    if ind <= 0:
        raise ArgumentError(f"ind={ind}; the number of axes for the rows is 1 or more")
    rows, columns = a.shape[:ind], a.shape[ind:]
    return np.linalg.inv(a.reshape(prod(rows), prod(columns))).reshape(columns + rows)


@composes(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """Solve the linear equations whose unknowns are an array."""
    if axes is not None:
        order = [i for i in range(a.ndim) if i not in np.atleast_1d(axes) % a.ndim]
        a = np.transpose(a, (*order, *np.atleast_1d(axes) % a.ndim))
    unknowns = a.shape[-(a.ndim - np.ndim(b)) :]
    count = prod(unknowns)
    if prod(a.shape) != count**2:
        raise ShapeError(f"{count} unknowns need {count} × {count} entries, got shape {a.shape}")
    found = np.linalg.solve(np.reshape(a, (count, count)), np.reshape(b, (-1,)))
    return found.reshape(unknowns)


def _checked_matrices(x: Any) -> Any:
    """Return matrices. Raises ShapeError for a vector and for a number."""
    if x.ndim < 2:
        raise ShapeError(
            f"shape {x.shape} is not that of matrices, (..., m, n); x.reshape(1, -1) is a row"
        )
    return x


def _square(a: Any) -> Any:
    """Return square matrices as one stack of them."""
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"shape {a.shape} is not that of square matrices")
    return a.reshape(prod(a.shape[:-2]), *a.shape[-2:])


def _eliminated(stack: Any, size: int) -> tuple[Any, Any]:
    """Eliminate rows and columns of matrices until ``size`` are left; return the pivots and these.

    The pivot is the largest entry of all that are left, so it is 0 only if all of them are. Its row
    and its column are taken out, and the pivot bears the sign of their places.
    """
    pivots, each = [], np.arange(len(stack))
    for n in range(stack.shape[-1], size, -1):
        place = np.argmax(np.abs(stack).reshape(-1, n * n), axis=-1)
        row = np.floor_divide(place, n)
        column = place - n * row
        pivot = stack[each, row, column]
        odd = row + column - 2 * np.floor_divide(row + column, 2) == 1
        pivots.append(np.where(odd, -pivot, pivot))
        row, column, rest = row[:, None], column[:, None], np.arange(n - 1)
        rows, columns = rest + (rest >= row), rest + (rest >= column)
        factors = stack[each[:, None], rows, column] / np.where(pivot == 0, 1, pivot)[:, None]
        above = stack[each[:, None], row, columns]
        inner = stack[each[:, None, None], rows[:, :, None], columns[:, None, :]]
        stack = inner - factors[:, :, None] * above[:, None, :]
    return pivots, stack
