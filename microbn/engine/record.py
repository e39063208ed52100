"""Recording: compute a function on plain values, and remember what it was given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any
from weakref import ref

import numpy as np

from ..errors import faults
from .arrays import check_plain, constant
from .functions import stop_gradient
from .mode import mode
from .node import Node, Record
from .primitive import CALLS, fitted

NOTHING: Mapping[str, Any] = {}
numbers = count()
_FLOATS = {np.float32, np.float64}
_new: Any = object.__new__


def record(kind: type, function: Callable, args: Sequence, kwargs: Mapping = NOTHING) -> Any:
    """Compute ``function(*args, **kwargs)`` on plain values; remember it in a new node.

    ``kind`` is the node's class, Tensor. Raises RuleError if no rule covers the call, and
    NumPy's own errors with the shapes added to the message.
    """
    if (call := CALLS.get(function)) is None:
        from .composed import call_composed  # on first need

        return call_composed(function, args, kwargs)
    if kwargs or len(args) != call.rules:
        kwargs = fitted(function, call, args, kwargs)
    inputs, values = [], []
    for arg in args:
        node = isinstance(arg, Node)
        values.append(arg.value if node else (arg := constant(arg)))
        inputs.append(arg.record if node else arg)
    return recorded(kind, function, call, values, inputs, kwargs, 4)


def recorded(kind, function, call, values, inputs, kwargs=NOTHING, depth=3):
    """Compute a value and return its node, made by ``function``; under `no_grad`, a constant."""
    try:
        value = call.compute(*values, **kwargs)
    except (ValueError, IndexError, TypeError, OverflowError) as error:
        raise faults.explain(function, values, kwargs, error) from faults.cause(function, error)
    if not (number := type(value) in _FLOATS):
        value = _as_array(value, function)
    node, made = _new(kind), _new(Record)
    recording, made.scope, watches, made.role, lines = mode.get()
    node.value, node.record, made.holder = value, made, ref(node)
    made.function, made.call, made.inputs, made.args = function, call, inputs, values
    made.kwargs, made.shape, made.dtype, made.out = kwargs, value.shape, value.dtype, value
    made.number, made.line, made.name, made.grad = next(numbers), None, None, None
    made.origin = made.here(depth) if lines is True else lines
    made.flows = number or made.dtype.type in _FLOATS
    if not (watches or (number and type(function) is np.ufunc)):
        _drop_unread(made, call.unread())
    for watch in watches:
        watch.made(node)
    if not recording:
        made.function, made.call, made.kwargs = stop_gradient, CALLS[stop_gradient], NOTHING
        made.args = made.inputs = (value,)
    return node


def _drop_unread(made: Any, unread: set[int]) -> None:
    """Drop the arrays that no rule reads. Numbers stay, as dropping them would save nothing."""
    made.out = None if -1 in unread and made.flows and made.shape else made.out
    made.args = [*made.args]
    for i, x in enumerate(made.inputs):
        if i in unread and getattr(x, "out", x) is None:
            made.args[i] = x


def _as_array(value: Any, function: Callable) -> Any:
    """Return a result as a frozen array, or a number as NumPy's own.

    Raises RuleError for anything but one array, DTypeError for an array of anything but numbers.
    """
    array = value
    if type(value) is not np.ndarray:
        check_plain(value)
        numeric = isinstance(value, (np.ndarray, np.generic, float, int))
        array = np.asarray(value)[()] if numeric else np.array(None)
    if array.dtype.kind not in "fiub" or array.dtype.char in "eg":
        raise faults.no_numbers(function, value)
    array.setflags(write=False)
    return array
