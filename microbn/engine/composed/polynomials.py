"""Polynomials by their coefficients, convolutions, and lines between points."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ArgumentError, ShapeError
from ..arrays import from_list
from ..functions import getitem, windows
from .dtypes import alike
from .products import matvec
from .table import composes


@composes(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """Slide v backwards along a, and sum the products at each place."""
    a, v = _as_rows(a, v)
    if len(a) < len(v):
        a, v = v, a
    return _slid(a, v[::-1], *_margins(len(v), mode))


@composes(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """Slide v along a, and sum the products at each place."""
    a, v = map(_vector, alike(a, v))
    if len(a) < len(v):
        return _slid(v, a, *_margins(len(a), mode))[::-1]
    return _slid(a, v, *_margins(len(v), mode))


@composes(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """Sum the coefficients times powers of x. The highest power comes first."""
    p, x = _vector(p), from_list(x)
    if len(p) == 1:
        return p[0] + 0 * x
    dtype = np.result_type(x.dtype, p.dtype) if hasattr(x, "dtype") else p.dtype
    return np.matmul(_powers(x, np.arange(len(p) - 1, -1, -1, dtype=dtype)), p)


@composes(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """Put the powers of each number into a row."""
    x = _vector(x)
    exponents = np.arange(len(x) if N is None else _count(N, "N"), dtype=x.dtype)
    return _powers(x, exponents if increasing else exponents[::-1])


@composes(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    """Return the coefficients of the polynomial with these roots: the product of all x - root."""
    roots = _coefficients(seq_of_zeros)
    count = len(roots)
    extra = 2 ** max(count - 1, 0).bit_length() - count  # roots 0, to multiply pair by pair
    if extra:
        roots = np.concatenate([roots, np.zeros(extra, roots.dtype)])
    factors = np.stack([np.ones_like(roots), -roots], -1)
    while len(factors) > 1:
        margin = factors.shape[-1] - 1
        factors = _slid(factors[::2], factors[1::2, ::-1], margin, margin)
    return factors[0, : count + 1]


@composes(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    """Add two polynomials."""
    return _added(*_as_rows(a1, a2))


@composes(np.polysub)
def polysub(a1: Any, a2: Any) -> Any:
    """Subtract a polynomial from another."""
    a1, a2 = _as_rows(a1, a2)
    return _added(a1, -a2)


@composes(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    """Multiply two polynomials: a convolution. Leading zeros stay, as they have a gradient."""
    rows = _as_rows(a1, a2)
    return convolve(*(p if len(p) else np.sum(p, keepdims=True) for p in rows))


@composes(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    """Return the derivative of a polynomial, of order m."""
    p, m = _vector(p), _count(m, "m")
    if not m:
        return p
    exponents = np.arange(len(p) - 1, m - 1, -1.0)
    factors = np.prod([exponents - i for i in range(m)], axis=0)
    return p[: len(factors)] * factors.astype(p.dtype)


@composes(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """Return the antiderivative of a polynomial, of order m, with the constants k."""
    if not (m := _count(m, "m")) and hasattr(p, "dtype"):
        return p
    p = _vector(p)
    constants = np.zeros(m) if k is None else _coefficients(k)
    if len(constants) not in (1, m):
        raise ShapeError(f"{m} integrations need {m} constants or one, got {len(constants)}")
    if isinstance(constants, np.ndarray):
        constants = constants.astype(p.dtype)
    every = np.concatenate([p, np.broadcast_to(constants, (m,))])
    exponents = np.arange(len(every) - 1, -1, -1.0)
    factors = np.prod([np.maximum(exponents - i, 1) for i in range(m)], axis=0)
    return every / factors.astype(p.dtype)


@composes(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    """Go along the lines between points. At a point the slope is the mean of both sides'."""
    x, xp, fp = from_list(x), _vector(xp), _vector(fp)
    _are_points(xp, fp)
    inside = np.minimum(np.maximum(x, xp[0]), xp[-1])
    if len(xp) == 1:
        y = fp[0] + 0 * inside
    else:
        last = np.maximum(np.searchsorted(xp, x, side="right") - 1, 0)  # of the points up to x
        step = inside - getitem(xp, last)
        y = getitem(fp, last) + _slope_between(inside, xp, fp, step == 0) * step
    y = y if left is None else np.where(x < xp[0], left, y)
    return y if right is None else np.where(x > xp[-1], right, y)


def _slope_between(x: Any, xp: Any, fp: Any, at_point: Any) -> Any:
    """Return the slope at x: at a point the mean of both sides', and 0 if that is not finite."""
    gaps = xp[1:] - xp[:-1]
    jump = gaps == 0
    slopes = np.where(jump, 0, fp[1:] - fp[:-1]) / np.where(jump, 1, gaps)
    after = np.searchsorted(xp[1:-1], x, side="right")
    before = np.searchsorted(xp[1:-1], x, side="left")
    slope = (getitem(slopes, after) + getitem(slopes, before)) / 2
    return np.where(np.logical_and(at_point, np.logical_not(np.isfinite(slope))), 0, slope)


def _are_points(xp: Any, fp: Any) -> None:
    if len(xp) != len(fp) or not len(xp):
        raise ShapeError(
            f"each point has one number in xp and one in fp, got {len(xp)} and {len(fp)}"
        )
    if isinstance(xp, np.ndarray) and xp.dtype != object and (xp[1:] < xp[:-1]).any():
        raise ArgumentError("xp must increase; sort the points: order = np.argsort(xp)")


def _vector(p: Any) -> Any:
    """Return a vector, or a list that may hold Tensors, as an array."""
    if isinstance(p, (list, tuple)):
        p = np.stack(alike(*p)) if any(hasattr(x, "dtype") for x in p) else from_list(p)
    if np.ndim(p) != 1:
        way_out = "call it for each row" if np.ndim(p) else "write [x] for one number x"
        raise ShapeError(f"it takes vectors, got shape {np.shape(p)}; {way_out}")
    return p


def _coefficients(p: Any) -> Any:
    """Return a number, or a list that may hold Tensors, as a vector."""
    lone = not isinstance(p, (list, tuple)) and np.ndim(p) == 0
    return _vector(np.reshape(p, -1) if lone else p)


def _as_rows(*ps: Any) -> list:
    """Return polynomials or signals as vectors."""
    return [*map(_coefficients, alike(*ps))]


def _powers(x: Any, exponents: Any) -> Any:
    return np.power(np.expand_dims(x, -1) if np.ndim(x) else x, exponents)


def _margins(size: int, mode: str) -> tuple[int, int]:
    """Return how many zeros go before and after the longer array."""
    if not size:
        raise ShapeError("an array is empty; both need at least one number")
    margins = {"full": (size - 1, size - 1), "same": (size // 2, (size - 1) // 2), "valid": (0, 0)}
    if not isinstance(mode, str) or mode not in margins:
        raise ArgumentError(f"mode is 'full', 'same' or 'valid', got {mode!r:.60}")
    return margins[mode]


def _slid(a: Any, v: Any, before: int, after: int) -> Any:
    """Sum the products of v with each window of a, with zeros before and after it."""
    zeros = [np.zeros((*a.shape[:-1], count), a.dtype) for count in (before, after)]
    if before or after:
        a = np.concatenate([zeros[0], a, zeros[1]], -1)
    return matvec(windows(a, v.shape[-1:]), v)


def _added(a: Any, b: Any) -> Any:
    """Add vectors whose last entries stand under each other."""
    if len(a) == len(b):
        return a + b
    if len(a) < len(b):
        a, b = b, a
    rest = len(a) - len(b)
    return np.concatenate([a[:rest], a[rest:] + b])


def _count(number: Any, name: str) -> int:
    if not isinstance(number, (int, np.integer)) or number < 0:
        raise ArgumentError(f"{name} is an integer from 0 on, got {number!r:.60}")
    return int(number)
