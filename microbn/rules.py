"""The calculus: every NumPy function that microbn differentiates, in a line or two each.

A rule is a vector-Jacobian product (VJP). From ``g``, the gradient of the loss with respect to
the output, it makes the gradient with respect to one operand: ``lambda g, out, x, y: g * y``.
Positional parameters are the operands and ``out`` is what they gave; keywords are static.

Rules are plain NumPy. On arrays they compute, on Tensors they are recorded in their turn, which
is what makes a gradient differentiable again. None of them undoes broadcasting and none looks
after dtypes: the sweep in ``backward.py`` does both, once.
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from .errors import RuleError, ShapeError

RULES: dict[Callable, tuple[Callable | None, ...]] = {}
_CALLS: dict[Callable, tuple[frozenset[str] | None, int]] = {}  # which calls the rules cover


def defvjp(function: Callable, *vjps: Callable | None) -> None:
    """Say how to differentiate ``function``: one rule per operand, in order.

    A rule is called as ``rule(g, out, *operands, **keywords)`` and returns an array of its
    operand's shape; where NumPy broadcast the operand, of the broadcast shape. An operand that
    is a sequence of arrays, as in ``np.concatenate``, takes a rule that returns a sequence.
    ``None`` stands for an operand without a gradient, and no rule at all for a function
    without one, such as ``np.sign``: it is recorded, and nothing flows back through it.

    Raises RuleError for a rule that cannot be called so, and for a function that would never be
    recorded: a plain one becomes recordable by `primitive`.

    >>> defvjp(np.sinh, lambda g, out, x: g * np.cosh(x))
    """
    if not (isinstance(function, (np.ufunc, type(np.sum))) or hasattr(function, "recordable")):
        raise RuleError(f"defvjp: {function!r} is never recorded; make it a primitive() first")
    if not all(vjp is None or callable(vjp) for vjp in vjps):
        raise RuleError("defvjp(function, *vjps): each rule is a function or None")
    names, most = _covered(next(filter(None, vjps), _unruled))
    if most < 1:
        raise RuleError(
            f"defvjp({spelled(function)}, ...): rules are called as rule(g, out, x, ...)"
        )
    RULES[function] = vjps
    _CALLS[function] = names, most


def primitive(function: Callable, entrywise: bool = False) -> Callable:
    """Make a plain function of arrays recordable, as NumPy's own functions are.

    Called with anything that speaks NumPy's protocol (NEP 18: a Tensor), the call is handed to
    it; called with arrays, it runs. Give it its rule with `defvjp`. A function that works
    ``entrywise`` is called on each entry of an object array.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for arg in (*args, *kwargs.values()):
            for one in arg if isinstance(arg, (tuple, list)) else (arg,):
                if not isinstance(one, np.ndarray) and hasattr(one, "__array_function__"):
                    return one.__array_function__(call, (type(one),), args, kwargs)
        if entrywise and args and isinstance(args[0], np.ndarray) and args[0].dtype == object:
            return np.frompyfunc(call, 1, 1)(args[0])
        return function(*args, **kwargs)

    call.recordable = True  # type: ignore[attr-defined]
    return call


def check_recordable(function: Callable, args: tuple, kwargs: Mapping[str, Any]) -> None:
    """Raise RuleError where ``function(*args, **kwargs)`` is a call that no rule covers."""
    if function not in RULES:
        name = spelled(function)
        raise RuleError(
            f"{name} has no gradient rule; add one with defvjp({name}, ...), compose it from "
            f"functions that have one, or use {name}(t.data) on purpose, as a constant"
        )
    names, most = _CALLS[function]
    if names is not None and not names.issuperset(kwargs):
        unknown = ", ".join(f"{key}=" for key in kwargs if key not in names)
        raise RuleError(f"{spelled(function)}: {unknown} cannot be recorded; leave it out")
    if len(args) > most:
        raise RuleError(f"{spelled(function)}: only its first {most} arguments can be recorded")
    rules = len(RULES[function])
    for i, arg in enumerate(args[rules:] if rules else (), start=rules):
        if not isinstance(arg, np.ndarray) and hasattr(arg, "__array_function__"):
            raise RuleError(
                f"{spelled(function)}: no rule for operand {i}; give defvjp one for it, or None"
            )
    if function is np.mean and args[0].size == 0:  # NumPy only warns, and gives NaN
        axis = args[1] if len(args) > 1 else kwargs.get("axis")
        if 0 in np.atleast_1d(
            args[0].shape if axis is None else np.take(args[0].shape, axis, mode="wrap")
        ):
            raise ShapeError(f"mean: the tensor is empty, shape {args[0].shape}")


def spelled(function: Callable) -> str:
    """The function's name as a user writes it: ``np.linalg.norm``."""
    module = getattr(function, "__module__", None) or "numpy"
    prefix = "np" + module[5:] + "." if module.split(".")[0] == "numpy" else ""
    return prefix + function.__name__


def _covered(vjp: Callable) -> tuple[frozenset[str] | None, int]:
    """What a rule takes after g and out: the names (None if any), and at most how many operands."""
    parameters = inspect.signature(vjp).parameters
    kinds = [p.kind for p in parameters.values()]
    names = None if inspect.Parameter.VAR_KEYWORD in kinds else frozenset([*parameters][2:])
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return names, 99
    return names, kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD) - 2


def _unruled(
    g: Any, out: Any, x: Any, y: Any = None, axis: Any = None, keepdims: bool = False
) -> None:
    """The signature of the functions that are recorded without a gradient."""


# What NumPy lacks


@functools.partial(primitive, entrywise=True)
def relu(x: Any) -> Any:
    """``max(x, 0)``, with the derivative 0 at 0."""
    return np.maximum(x, 0)


@functools.partial(primitive, entrywise=True)
def stop_gradient(x: Any) -> Any:
    """``x`` itself, as a constant: nothing flows back through it."""
    return x


@primitive
def astype(x: Any, dtype: Any) -> Any:
    """``x`` in another dtype."""
    return x.astype(dtype)


@primitive
def getitem(x: Any, index: Any) -> Any:
    """``x[index]``."""
    return operator.getitem(x, index)


@primitive
def scatter(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of ``shape`` with ``g`` added in at ``index``: the transpose of ``x[index]``."""
    out = np.zeros(shape, g.dtype)
    np.add.at(out, index, g)
    return out


# Helpers of the table


def _spread(g: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """What a reduction made of x, spread back over the axes it reduced."""
    if axis is not None and not keepdims:
        g = np.expand_dims(g, axis)
    return np.broadcast_to(g, x.shape)


def _share(g: Any, out: Any, x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The gradient of max and min: equal shares to all entries that attain it."""
    attained = x == _spread(out, x, axis, keepdims)
    shared = np.where(attained, _spread(g, x, axis, keepdims), 0)
    return shared / np.sum(attained, axis=axis, keepdims=True)


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


def _pieces(g: Any, out: Any, xs: Any, axis: int | None = 0) -> list:
    """The gradient of concatenate, cut where its operands met."""
    ends = np.cumsum([np.size(x) if axis is None else np.shape(x)[axis] for x in xs])
    slices = [slice(*ends) for ends in pairwise([0, *ends.tolist()])]
    cut = [g[_at(piece, axis or 0, g.ndim)] for piece in slices]
    return [np.reshape(part, np.shape(x)) for part, x in zip(cut, xs, strict=True)]


def _inverse(axes: Any) -> tuple[int, ...]:
    axes = np.atleast_1d(axes)
    return tuple(np.argsort(axes % len(axes)).tolist())


def _at(index: Any, axis: int, ndim: int) -> tuple:
    return (slice(None),) * (axis % ndim) + (index,)


# The table
# fmt: off

# Arithmetic: a rule for the left operand, a rule for the right.
defvjp(np.add,          lambda g, out, x, y: g,               lambda g, out, x, y: g)
defvjp(np.subtract,     lambda g, out, x, y: g,               lambda g, out, x, y: -g)
defvjp(np.multiply,     lambda g, out, x, y: g * y,           lambda g, out, x, y: g * x)
defvjp(np.divide,       lambda g, out, x, y: g / y,           lambda g, out, x, y: -g * out / y)
defvjp(np.matmul,       _matmul_left,                         _matmul_right)
# 1 in the place of 0 where y is 0 as well: x**0 has the derivative 0, at x = 0 too.
defvjp(np.power,        lambda g, out, x, y:
                            g * y * np.where(np.logical_and(x == 0, y == 0), 1, x) ** (y - 1),
                        lambda g, out, x, y: g * out * np.log(np.where(x == 0, 1, x)))
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
defvjp(relu,            lambda g, out, x: np.where(x > 0, g, 0))

# Reductions.
defvjp(np.sum,          lambda g, out, x, axis=None, *, keepdims=False:
                            _spread(g, x, axis, keepdims))
defvjp(np.mean,         lambda g, out, x, axis=None, *, keepdims=False:
                            _spread(g / (x.size // max(out.size, 1)), x, axis, keepdims))
defvjp(np.max,          _share)
defvjp(np.min,          _share)

# Shape and place: the same numbers, elsewhere.
defvjp(np.reshape,      lambda g, out, x, shape: np.reshape(g, x.shape))
defvjp(np.expand_dims,  lambda g, out, x, axis: np.reshape(g, x.shape))
defvjp(np.squeeze,      lambda g, out, x, axis=None: np.reshape(g, x.shape))
defvjp(np.broadcast_to, lambda g, out, x, shape: g)
defvjp(np.transpose,    lambda g, out, x, axes=None:
                            np.transpose(g, None if axes is None else _inverse(axes)))
defvjp(np.matrix_transpose, lambda g, out, x: g.mT)
defvjp(np.swapaxes,     lambda g, out, x, axis1, axis2: np.swapaxes(g, axis1, axis2))
defvjp(astype,          lambda g, out, x, dtype: g)
defvjp(getitem,         lambda g, out, x, index: scatter(g, index, x.shape), None)
defvjp(scatter,         lambda g, out, x, index, shape: g[index], None)
defvjp(np.concatenate,  _pieces)
defvjp(np.stack,        lambda g, out, xs, axis=0:
                            [g[_at(i, axis, g.ndim)] for i in range(len(xs))])

# Recorded, without a gradient: flat wherever they are differentiable at all.
for _function in (
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.logical_and, np.logical_or, np.logical_not, np.isnan, np.isfinite,
    np.sign, np.floor, np.ceil, np.argmax, np.argmin, stop_gradient,
):
    defvjp(_function)
# fmt: on
