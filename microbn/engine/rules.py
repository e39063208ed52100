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

from . import functions
from .functions import astype, concatenate, gate, getitem, relu, scatter, spread, stack
from .primitive import defvjp


def _unreduced(g: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Spread back over the axes that a reduction of x has reduced."""
    if axis is not None and not keepdims:
        g = np.expand_dims(g, axis)
    return spread(g, x.shape)


def _share(g: Any, out: Any, x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Share the gradient of max or min equally among all entries that attain it."""
    attained = x == _unreduced(out, x, axis, keepdims)
    shared = np.where(attained, _unreduced(g, x, axis, keepdims), 0)
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
# Where x and y are both 0, x counts as 1: the derivative of x**0 is 0, even at x = 0.
defvjp(np.power,        lambda g, out, x, y:
                            g * y * np.where(np.logical_and(x == 0, y == 0), 1, x) ** (y - 1.0),
                        lambda g, out, x, y: g * out * np.log(np.where(x == 0, 1.0, x)))
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
defvjp(relu,            lambda g, out, x: gate(g, x > 0))

# Reductions.
defvjp(np.sum,          lambda g, out, x, axis=None, *, keepdims=False:
                            _unreduced(g, x, axis, keepdims))
defvjp(np.mean,         lambda g, out, x, axis=None, *, keepdims=False:
                            _unreduced(g / (x.size // (out.size or 1)), x, axis, keepdims))
defvjp(np.max,          _share)
defvjp(np.min,          _share)

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
defvjp(concatenate,     _piece)
defvjp(stack,           lambda g, out, *xs, position, axis=0: g[_at(position, axis, g.ndim)])

# Recorded, without a gradient: flat wherever they are differentiable at all.
for _function in (
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.logical_and, np.logical_or, np.logical_not, np.isnan, np.isfinite,
    np.sign, np.floor, np.ceil, np.argmax, np.argmin, functions.stop_gradient,
):
    defvjp(_function)
# fmt: on
