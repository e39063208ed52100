"""`primitive` makes a function recordable, and `defvjp` makes it differentiable."""

from __future__ import annotations

import dis
import functools
import inspect
import operator
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from ..errors import faults
from .arrays import constant
from .node import Node


def primitive(function: Callable, *, entrywise: bool = False, fresh: bool = False) -> Callable:
    """Make a plain function of arrays recordable, as NumPy's own functions are.

    Called with arrays, the function runs. Called with a Tensor, or anything else that speaks
    NumPy's protocol (NEP 18), it hands the call over. Give it its rule with `defvjp`. An
    ``entrywise`` function is called on each entry of an object array. The engine copies and keeps
    the result, because the function may write into it later or return another one the next time.
    ``fresh=True`` promises that it does neither, and saves the copy. Raises RuleError for anything
    but a function.
    """
    if not callable(function):
        raise faults.no_function(function)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for arg in (*args, *kwargs.values()) if kwargs else args:
            if not isinstance(arg, np.ndarray) and hasattr(arg, "__array_function__"):
                return arg.__array_function__(call, (type(arg),), args, kwargs)
        if entrywise and any(isinstance(a, np.ndarray) and a.dtype.hasobject for a in args):
            return np.frompyfunc(functools.partial(call, **kwargs), len(args), 1)(*args)
        return function(*args, **kwargs)

    call.compute = function if fresh else functools.partial(_owned, function)  # type: ignore[attr-defined]
    return call


def defvjp(function: Callable, *vjps: Callable | None) -> None:
    """Say how to differentiate ``function``: one rule per operand, in order.

    A rule is called as ``rule(g, out, *operands, **keywords)``. It returns an array in the shape of
    its operand, or in the broadcast shape if NumPy broadcast the operand. A function of any number
    of operands has one rule for all of them, which also gets the operand's position: ``rule(g, out,
    *operands, position)``. ``None`` stands for an operand without a gradient. A function without
    any gradient, such as ``np.sign``, gets no rule: it is recorded, and nothing flows back through
    it.

    A graph keeps the operands and the results that some rule's code reads. A rule that asks only
    for a shape or a dtype gets a stand-in, which has these and no values.

    Raises RuleError for a rule that cannot be called this way, and for a function that would never
    be recorded. `primitive` makes a plain function recordable.

    >>> softplus = primitive(lambda x: np.logaddexp(0, x))
    >>> defvjp(softplus, lambda g, out, x: g * np.exp(x - out))
    """
    CALLS[function] = _covered(function, vjps)
    RULES[function] = vjps


RULES: dict[Callable, tuple] = {}


def rules_of(function: Callable, count: int) -> Sequence[Callable | None]:
    """Return the rule of each of ``count`` operands, as far as there are rules."""
    every, vjps = CALLS[function].every, RULES[function]
    return [functools.partial(vjps[0], position=i) for i in range(count)] if every else vjps[:count]


class Call(NamedTuple):
    """The calls of a function that its rules cover."""

    compute: Callable  # gives the function's values, without NumPy's dispatch to kinds of arrays
    rules: int  # how many there are
    every: bool  # whether the one rule is for any number of operands
    ruled: int  # how many operands have a rule, or need none
    most: int  # how many positional arguments it takes: any number, if an index may follow
    signature: inspect.Signature  # of a rule, but for g and out: how the function may be called
    forms: set  # the calls that are known to fit: how many arguments, and which keywords
    unread: Callable[[], set[int]]  # gives the operands whose values no rule reads, by position


CALLS: dict[Callable, Call] = {}


def fitted(function: Callable, call: Call, args: Sequence, kwargs: Mapping) -> Mapping:
    """Return the keywords of a call, arrays copied. Raises RuleError if no rule covers the call."""
    if (form := (len(args), *kwargs)) not in call.forms:
        try:
            call.signature.bind_partial(*args, **kwargs)
        except TypeError as error:
            if len(needed := faults.needed(function, kwargs)) < len(kwargs):
                return fitted(function, call, args, needed)
            raise faults.unfitting(function, call, args, kwargs, error) from None
        call.forms.add(form)
    for arg in args[call.ruled :]:
        if isinstance(arg, Node) and (arg.flows or call.most < sys.maxsize):
            raise faults.misplaced(function, call, args, kwargs)
    for key, value in kwargs.items():
        if isinstance(value, Node):
            raise faults.misplaced(function, call, args, kwargs)
        if type(value) not in (int, bool):
            kwargs = {**kwargs, key: constant(value)}
    return kwargs


def _covered(function: Callable, vjps: Sequence) -> Call:
    """Return the calls that these rules cover. Raises RuleError where they cover none."""
    recordable = isinstance(function, (np.ufunc, type(np.sum))) or hasattr(function, "compute")
    if not (recordable and all(vjp is None or callable(vjp) for vjp in vjps)):
        raise faults.no_rules(function, recordable)
    rules = [*filter(None, vjps)]
    flat = (lambda *xs, **keywords: None) if hasattr(function, "compute") else _unruled
    forms = [*map(_form, rules)] or [(inspect.signature(flat), False, True)]
    if not all(fits and (not every or len(vjps) == 1) for _, every, fits in forms):
        raise faults.uncallable_rule(function, any(every for _, every, _ in forms))
    compute = QUICKER.get(function, getattr(function, "compute", function))
    signature, every, _ = forms[0]
    kinds = [p.kind.name for p in signature.parameters.values()]
    ruled = sys.maxsize if every or not vjps else len(vjps)
    most = sys.maxsize if "VAR_POSITIONAL" in kinds else kinds.count("POSITIONAL_OR_KEYWORD")
    kept = {-1} if isinstance(compute, functools.partial) else set()  # another call may differ
    unread = functools.cache(lambda: {*range(-1, 9)}.intersection(*map(_unread, rules)) - kept)
    return Call(compute, len(vjps), every, ruled, most, signature, set(), unread)


def _unread(vjp: Callable) -> set[int]:
    """Return the positions of the operands that a rule does not read. -1 stands for the result.

    A rule that asks for nothing but a shape or a dtype does not read.
    """
    if not hasattr(vjp, "__code__"):  # nothing tells what it reads
        return set()
    read: set[str] = set()
    for step, then in pairwise(dis.get_instructions(vjp)):
        names = step.argrepr.split(", ")  # newer versions of Python load two at once
        asked = then.opname == "LOAD_ATTR" and then.argrepr in ("shape", "ndim", "size", "dtype")
        read.update(names[:-1] if asked else names)
    parameters = vjp.__code__.co_varnames[: vjp.__code__.co_argcount]
    first = -2 - inspect.ismethod(vjp)  # g, or self
    return {i for i, name in enumerate(parameters, first) if name not in read}


def _form(vjp: Callable) -> tuple[inspect.Signature, bool, bool]:
    """Return the signature of a rule without g, out and ``position``, whether it is for any number
    of operands, and whether it can be called as a rule.
    """
    try:
        signature = inspect.signature(vjp)
    except ValueError:  # Python cannot tell what dict takes
        signature = inspect.Signature()
    given, reserved = signature.parameters.values(), ("position", inspect.Parameter.KEYWORD_ONLY)
    parameters = [p for p in given if (p.name, p.kind) != reserved]
    first = [p.kind.name for p in parameters[2:3]]
    every, positioned = first == ["VAR_POSITIONAL"], len(parameters) < len(signature.parameters)
    fits = every == positioned and (every or first == ["POSITIONAL_OR_KEYWORD"])
    return signature.replace(parameters=parameters[2:]), every, fits


def _unruled(*xs, axis, keepdims, decimals, side, sorter, rtol, atol, equal_nan, kind, stable):
    """Stand in for the rule of a NumPy function that is recorded without a gradient.

    These keywords are recorded, and NumPy says which function takes which of them. A primitive
    says itself what it takes.
    """


def _owned(function: Callable, *args: Any, **kwargs: Any) -> Any:
    """Call a function and copy its result, if it is an array: the function may write into it."""
    value = function(*args, **kwargs)
    return value.copy(order="K") if isinstance(value, np.ndarray) else value


def _mean(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Compute `np.mean` faster, with the same bits (in float32 for up to 2**24 numbers).

    Raises ValueError for an empty array, where NumPy warns and returns NaN.
    """
    total = x.sum(axis, keepdims=keepdims) if x.ndim else x.mean(axis, keepdims=keepdims)
    if not x.size and total.size:
        raise ValueError("zero-size array")
    return total / (x.size // (total.size or 1))


# Shorter ways to the same values: operators on scalars, methods without NumPy's dispatch.
# fmt: off
QUICKER: dict[Callable, Callable] = {
    np.add:      operator.add,      np.less:          operator.lt,
    np.subtract: operator.sub,      np.less_equal:    operator.le,
    np.multiply: operator.mul,      np.greater:       operator.gt,
    np.divide:   operator.truediv,  np.greater_equal: operator.ge,
    np.matmul:   operator.matmul,   np.equal:         operator.eq,
    np.negative: operator.neg,      np.not_equal:     operator.ne,
    np.sum:      lambda x, axis=None, **kwargs: x.sum(axis, **kwargs),
    np.mean:     _mean,
}
# fmt: on
