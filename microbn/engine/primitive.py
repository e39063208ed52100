"""How a function is called where it is recorded: what computes it, and which arguments it takes."""

from __future__ import annotations

import functools
import inspect
import operator
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import RuleError, spelled


class Call(NamedTuple):
    """How a function is called where it is recorded.

    ``compute`` gives what the function gives, without NumPy's dispatch to other kinds of arrays.
    ``rules`` is the number of its rules, and ``each`` says whether there is one for all operands;
    ``most`` is the largest number of positional arguments, ``keywords`` are the names that its
    rules take; None stands for any.
    """

    compute: Callable
    rules: int
    each: bool
    most: int | None
    keywords: frozenset[str] | None


def _mean(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """``np.mean``, to the bit (in float32 of up to 2**24 numbers), without its detours; of nothing
    an error, where NumPy warns and gives NaN.
    """
    total = x.sum(axis, keepdims=keepdims)
    if not x.size and total.size:
        raise ValueError("zero-size array")
    return total / (x.size // (total.size or 1))


CALLS: dict[Callable, Call] = {}
# Shorter ways to the same values: operators on scalars, methods without NumPy's dispatch.
QUICKER: dict[Callable, Callable] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.matmul: operator.matmul,
    np.negative: operator.neg,
    np.less: operator.lt,
    np.less_equal: operator.le,
    np.greater: operator.gt,
    np.greater_equal: operator.ge,
    np.equal: operator.eq,
    np.not_equal: operator.ne,
    np.sum: lambda x, axis=None, **kwargs: x.sum(axis, **kwargs),
    np.mean: _mean,
}


def covered(function: Callable, vjps: Sequence) -> Call:
    """The calls of ``function`` that these rules cover. Raises RuleError where they cover none."""
    if not (isinstance(function, (np.ufunc, type(np.sum))) or hasattr(function, "recordable")):
        raise RuleError(f"defvjp: {function!r} is never recorded; make it a primitive() first")
    if not all(vjp is None or callable(vjp) for vjp in vjps):
        raise RuleError("defvjp(function, *vjps): each rule is a function or None")
    parameters = _parameters(next(filter(None, vjps), _unruled))
    kinds = [p.kind for p in parameters.values()]
    names = None if inspect.Parameter.VAR_KEYWORD in kinds else frozenset([*parameters][2:])
    most: int | None = kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD) - 2
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        most = None
    elif most is not None and most < 1:
        raise RuleError(
            f"defvjp({spelled(function)}, ...): rules are called as rule(g, out, x, ...)"
        )
    compute = QUICKER.get(function, getattr(function, "__wrapped__", function))
    if hasattr(function, "recordable"):
        compute = _owned(compute)
    each = kinds[2:3] == [inspect.Parameter.VAR_POSITIONAL]
    return Call(compute, len(vjps), each, most, names)


def _parameters(rule: Callable) -> Mapping[str, inspect.Parameter]:
    """The parameters of a rule, or none where Python cannot tell them, as those of ``dict``."""
    try:
        return inspect.signature(rule).parameters
    except ValueError:
        return {}


def _owned(function: Callable) -> Callable:
    """The same function; what it gives is copied, if somebody else could still write into it."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        value = function(*args, **kwargs)
        if not isinstance(value, np.ndarray) or not value.flags.writeable:
            return value
        fresh = object()  # which is known here alone
        ours = value.base is None and sys.getrefcount(value) == sys.getrefcount(fresh)
        return value if ours else value.copy(order="K")

    return call


def _unruled(
    g: Any, out: Any, x: Any, y: Any = None, axis: Any = None, keepdims: bool = False
) -> None:
    """The signature of the functions that are recorded without a gradient."""


def primitive(function: Callable, entrywise: bool = False) -> Callable:
    """Make a plain function of arrays recordable, as NumPy's own functions are.

    Called with anything that speaks NumPy's protocol (NEP 18: a Tensor), the call is handed to
    it; called with arrays, it runs. Give it its rule with `defvjp`. A function that works
    ``entrywise`` is called on each entry of an object array. Raises RuleError for what is not a
    function.
    """
    if not callable(function):
        raise RuleError(f"primitive: makes a function recordable, not {function!r:.60}")

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for arg in (*args, *kwargs.values()) if kwargs else args:
            if not isinstance(arg, np.ndarray) and hasattr(arg, "__array_function__"):
                return arg.__array_function__(call, (type(arg),), args, kwargs)
        if entrywise and args and isinstance(args[0], np.ndarray) and args[0].dtype == object:
            return np.frompyfunc(call, 1, 1)(args[0])
        return function(*args, **kwargs)

    call.recordable = True  # type: ignore[attr-defined]
    return call


RULES: dict[Callable, tuple[Callable | None, ...]] = {}


def defvjp(function: Callable, *vjps: Callable | None) -> None:
    """Say how to differentiate ``function``: one rule per operand, in order.

    A rule is called as ``rule(g, out, *operands, **keywords)`` and returns an array of its
    operand's shape; where NumPy broadcast the operand, of the broadcast shape. A function of any
    number of operands takes one rule, ``rule(g, out, *operands)``, that returns a list. ``None``
    stands for an operand without a gradient, and no rule at all for a function without one, such
    as ``np.sign``: it is recorded, and nothing flows back through it.

    Raises RuleError for a rule that cannot be called so, and for a function that would never be
    recorded: a plain one becomes recordable by `primitive`.

    >>> defvjp(np.sinh, lambda g, out, x: g * np.cosh(x))
    """
    CALLS[function] = covered(function, vjps)
    RULES[function] = vjps
