"""The calculus: every NumPy function that microbn differentiates, in a line or two each.

A rule is a vector-Jacobian product (VJP). From ``g``, the gradient of the loss with respect to
the output, it makes the gradient with respect to one operand: ``lambda g, out, x, y: g * y``.
Positional parameters are the operands, ``out`` is the function's result, and keywords are static.

Rules are plain NumPy. On arrays they compute. On Tensors they are recorded too, so that a
gradient can be differentiated again. None of them undoes broadcasting and none looks
after dtypes: the sweep in ``backward.py`` does both, once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# isort: off
from .functions import astype, concatenate, eigenvectors, gate, getitem, overlap_add, relu
from .functions import scatter, spread, stack, stop_gradient, windows
from .primitive import defvjp
# isort: on


def _unreduced(g: Any, shape: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Spread back over the axes that a reduction has reduced."""
    if axis is not None and not keepdims:
        g = np.expand_dims(g, axis)
    return spread(g, shape)


def _share(g: Any, out: Any, x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Share the gradient of max or min equally among all entries that attain it."""
    attained = x == _unreduced(out, x.shape, axis, keepdims)
    shared = np.where(attained, _unreduced(g, x.shape, axis, keepdims), 0)
    return shared / attained.sum(axis=axis, keepdims=True)


def _matmul_left(g: Any, out: Any, x: Any, y: Any) -> Any:
    if y.ndim == 1:
        return np.expand_dims(g, -1) * y
    if x.ndim == 1:
        return np.squeeze(y @ np.expand_dims(g, -1), -1)
    return g @ y.mT


def _matmul_right(g: Any, out: Any, x: Any, y: Any) -> Any:
    if x.ndim == 1:
        return g * x if y.ndim == 1 else np.expand_dims(x, -1) * np.expand_dims(g, -2)
    if y.ndim == 1:
        return np.squeeze(x.mT @ np.expand_dims(g, -1), -1)
    return x.mT @ g


def _piece(g: Any, out: Any, *xs: Any, position: int, axis: int | None = 0) -> Any:
    """Cut the piece that belongs to the operand out of the gradient of concatenate."""
    sizes = [np.size(x) if axis is None else np.shape(x)[axis] for x in xs[: position + 1]]
    piece = slice(sum(sizes[:-1]), sum(sizes))
    return g[_at(piece, axis or 0, g.ndim)].reshape(np.shape(xs[position]))


def _power_left(g: Any, out: Any, x: Any, y: Any) -> Any:
    # Where x and y are both 0, x counts as 1: the derivative of x**0 is 0, even at x = 0.
    return g * y * np.where(np.logical_and(x == 0, y == 0), 1, x) ** (y - 1.0)


def _part(g: Any, out: Any, x: Any, y: Any) -> Any:
    """Return ``g * exp(x) / (exp(x) + exp(y))``, and half of g where both are 0."""
    nothing = out == -np.inf
    gap = y - np.where(nothing, 0, x)
    return np.where(nothing, g / 2, g * np.exp(-np.logaddexp(0, gap)))


def _angle(g: Any, along: Any, x: Any, y: Any) -> Any:
    """Return ``g * along / (x² + y²)``, and 0 at the origin."""
    square = x * x + y * y
    return np.where(square == 0, 0, g * along / np.where(square == 0, 1, square))


def _summed_up(g: Any, out: Any, x: Any, axis: int | None = None) -> Any:
    """Give each entry the sum of the gradients from its own place on."""
    along = axis or 0
    return np.flip(np.cumsum(np.flip(g, along), along), along).reshape(x.shape)


def _solve_left(g: Any, out: Any, x: Any, b: Any) -> Any:
    if out.ndim < x.ndim:  # b is a vector, or a list of numbers
        g, out = np.expand_dims(g, -1), np.expand_dims(out, -1)
    return -(np.linalg.solve(x.mT, g) @ out.mT)


def _solve_right(g: Any, out: Any, x: Any, b: Any) -> Any:
    turned = np.matrix_transpose(x)  # x may be a list
    if b.ndim == 1:
        return np.squeeze(np.linalg.solve(turned, np.expand_dims(g, -1)), -1)
    return np.linalg.solve(turned, g)


def _folded(full: Any) -> Any:
    """Bring a gradient into the lower triangle, the only part of its operand that NumPy reads."""
    return np.tril(full) + np.tril(full.mT, -1)


def _cholesky(g: Any, out: Any, x: Any, *, upper: bool = False) -> Any:
    if upper:  # then NumPy reads the upper triangle
        return _cholesky(g.mT, out.mT, x.mT).mT
    full = out.mT @ g
    part = (np.tril(full) + np.tril(full, -1)) / 2
    return _folded(np.linalg.solve(out.mT, np.linalg.solve(out.mT, part.mT).mT))


def _turned(g: Any, out: Any, x: Any, *, UPLO: str = "L") -> Any:
    """Return the gradient of `eigenvectors`: each turns towards the others.

    It is NaN where it depends on the choice of two that have the same eigenvalue.
    """
    if UPLO == "U":
        return _turned(g, out, x.mT).mT
    values = np.linalg.eigvalsh(x)
    gaps = np.expand_dims(values, -2) - np.expand_dims(values, -1)
    push = np.tril(out.mT @ g, -1) + np.triu(out.mT @ g, 1)
    stuck = np.where(push == 0, 0, np.nan)
    turn = np.where(gaps == 0, stuck, push / np.where(gaps == 0, 1, gaps))
    return _folded(out @ turn @ out.mT)


def _inverse(axes: Any) -> tuple[int, ...]:
    axes = np.atleast_1d(axes)
    return tuple(np.argsort(axes % len(axes)).tolist())


def _at(index: Any, axis: int, ndim: int) -> tuple:
    return (slice(None),) * (axis % ndim) + (index,)


# fmt: off

# Arithmetic: a rule for the left operand, a rule for the right.
defvjp(np.add,          lambda g, out, x, y: g,               lambda g, out, x, y: g)
defvjp(np.subtract,     lambda g, out, x, y: g,               lambda g, out, x, y: -g)
defvjp(np.multiply,     lambda g, out, x, y: g * y,           lambda g, out, x, y: g * x)
defvjp(np.divide,       lambda g, out, x, y: g / y,           lambda g, out, x, y: -g * out / y)
defvjp(np.matmul,       _matmul_left,                         _matmul_right)
defvjp(np.power,        _power_left,
                        lambda g, out, x, y: g * out * np.log(np.where(x == 0, 1.0, x)))
defvjp(np.remainder,    lambda g, out, x, y: g,
                        lambda g, out, x, y: -g * np.floor_divide(x, y))
defvjp(np.maximum,      lambda g, out, x, y: np.where(x > y, g, np.where(x == y, g / 2, 0)),
                        lambda g, out, x, y: np.where(x < y, g, np.where(x == y, g / 2, 0)))
defvjp(np.minimum,      lambda g, out, x, y: np.where(x < y, g, np.where(x == y, g / 2, 0)),
                        lambda g, out, x, y: np.where(x > y, g, np.where(x == y, g / 2, 0)))
defvjp(np.where, None,  lambda g, out, c, x, y: np.where(c, g, 0),
                        lambda g, out, c, x, y: np.where(c, 0, g))

# Functions of one array, entry by entry.
defvjp(np.positive,     lambda g, out, x: g)
defvjp(np.negative,     lambda g, out, x: -g)
defvjp(np.square,       lambda g, out, x: g * (2 * x))
defvjp(np.sqrt,         lambda g, out, x: g / (2 * out))
defvjp(np.exp,          lambda g, out, x: g * out)
defvjp(np.log,          lambda g, out, x: g / x)
defvjp(np.tanh,         lambda g, out, x: g * (1 - np.square(out)))
defvjp(np.abs,          lambda g, out, x: g * np.sign(x))
defvjp(relu,            lambda g, out, x: gate(g, out > 0))

defvjp(np.sin,          lambda g, out, x: g * np.cos(x))
defvjp(np.cos,          lambda g, out, x: -g * np.sin(x))
defvjp(np.arcsin,       lambda g, out, x: g / np.sqrt((1 - x) * (1 + x)))
defvjp(np.arccos,       lambda g, out, x: -g / np.sqrt((1 - x) * (1 + x)))
defvjp(np.arctan,       lambda g, out, x: g / (1 + np.square(x)))
defvjp(np.sinh,         lambda g, out, x: g * np.cosh(x))
defvjp(np.cosh,         lambda g, out, x: g * np.sinh(x))
defvjp(np.arcsinh,      lambda g, out, x: g / np.sqrt(1 + np.square(x)))
defvjp(np.arccosh,      lambda g, out, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)))
defvjp(np.arctanh,      lambda g, out, x: g / ((1 - x) * (1 + x)))
defvjp(np.log1p,        lambda g, out, x: g / (1 + x))
defvjp(np.expm1,        lambda g, out, x: g * (out + 1))
defvjp(np.cbrt,         lambda g, out, x: g / (3 * np.square(out)))
# At (-inf, -inf) the operands of logaddexp share the gradient; at (0, 0) that of arctan2 is 0.
defvjp(np.logaddexp,    lambda g, out, x, y: _part(g, out, x, y),
                        lambda g, out, x, y: _part(g, out, y, x))
defvjp(np.arctan2,      lambda g, out, y, x: _angle(g, x, x, y),
                        lambda g, out, y, x: _angle(-g, y, x, y))

# Reductions.
defvjp(np.sum,          lambda g, out, x, axis=None, *, keepdims=False:
                            _unreduced(g, x.shape, axis, keepdims))
defvjp(np.mean,         lambda g, out, x, axis=None, *, keepdims=False:
                            _unreduced(g / (x.size // (out.size or 1)), x.shape, axis, keepdims))
defvjp(np.max,          _share)
defvjp(np.min,          _share)
defvjp(np.cumsum,       _summed_up)

# Matrices. NumPy reads only the lower triangle of a symmetric one.
defvjp(np.linalg.inv,   lambda g, out, x: -(out.mT @ g @ out.mT))
defvjp(np.linalg.solve, _solve_left,                          _solve_right)
defvjp(np.linalg.cholesky, _cholesky)
defvjp(np.linalg.eigvalsh, lambda g, out, x:
                            _folded((v := eigenvectors(x)) * np.expand_dims(g, -2) @ v.mT))
defvjp(eigenvectors,    _turned)

# Shape and place: the same numbers, elsewhere.
defvjp(np.reshape,      lambda g, out, x, shape: g.reshape(x.shape))
defvjp(np.expand_dims,  lambda g, out, x, axis: g.reshape(x.shape))
defvjp(np.squeeze,      lambda g, out, x, axis=None: g.reshape(x.shape))
defvjp(np.broadcast_to, lambda g, out, x, shape: g)
defvjp(gate,            lambda g, out, x, mask: gate(g, mask), None)
defvjp(spread,          lambda g, out, x, shape: g)
defvjp(np.transpose,    lambda g, out, x, axes=None:
                            np.transpose(g, None if axes is None else _inverse(axes)))
defvjp(np.matrix_transpose, lambda g, out, x: g.mT)
defvjp(np.swapaxes,     lambda g, out, x, axis1, axis2: np.swapaxes(g, axis1, axis2))
defvjp(astype,          lambda g, out, x, dtype: g)
defvjp(getitem,         lambda g, out, x, *index: scatter(g, x.shape, *index))
defvjp(scatter,         lambda g, out, x, shape, *index: g[index])
defvjp(windows,         lambda g, out, x, shape: overlap_add(g, x.shape))
defvjp(overlap_add,     lambda g, out, x, shape: windows(g, x.shape[g.ndim:]))
defvjp(concatenate,     _piece)
defvjp(stack,           lambda g, out, *xs, position, axis=0: g[_at(position, axis, g.ndim)])

# Recorded, without a gradient: flat wherever they are differentiable at all.
for _function in (
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.logical_and, np.logical_or, np.logical_not, np.logical_xor, np.isnan, np.isfinite, np.isinf,
    np.isneginf, np.isposinf, np.isclose, np.allclose, np.array_equal, np.array_equiv, np.all,
    np.any, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.sign, np.signbit,
    np.floor, np.ceil, np.trunc, np.fix, np.rint, np.round, np.around, np.floor_divide,
    np.argmax, np.argmin, np.argsort, np.argpartition, np.nanargmax, np.nanargmin, np.searchsorted,
    np.count_nonzero, stop_gradient,
):
    defvjp(_function)
# fmt: on
