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
    return recorded(kind, function, call, values, inputs, kwargs)


def recorded(kind, function, call, values, inputs, kwargs=NOTHING):
    """Compute a value and return its node, made by ``function``; under `no_grad`, a constant."""
    try:
        value = call.compute(*values, **kwargs)
    except (ValueError, IndexError, TypeError, OverflowError) as error:
        raise faults.explain(function, values, kwargs, error) from faults.cause(function, error)
    dtype = value.dtype.type if type(value) is np.ndarray else type(value)
    if dtype not in _FLOATS:
        value = _as_numbers(value, function)
    if type(value) is np.ndarray:
        value.setflags(write=False)
    node, made = _new(kind), _new(Record)
    recording, made.scope, watches, made.role = mode.get()
    node.value, node.record, made.holder = value, made, ref(node)
    made.function, made.call, made.inputs, made.args = function, call, inputs, values
    made.kwargs, made.shape, made.dtype = kwargs, value.shape, value.dtype
    made.number, made.line, made.name, made.grad = next(numbers), None, None, None
    made.flows = made.dtype.type in _FLOATS
    made.out = value if call.keeps_out or watches or not made.flows else None
    if call.unread and not watches:
        made.args = [*values]
        for i, x in enumerate(inputs):
            if type(x) is Record and x.function and i in call.unread:  # a leaf's data may change
                made.args[i] = x
    for watch in watches:
        watch.made(node)
    if not recording:
        made.function, made.call, made.kwargs = stop_gradient, CALLS[stop_gradient], NOTHING
        made.args = made.inputs = (value,)
    return node


def _as_numbers(value: Any, function: Callable) -> Any:
    """Return a result that is neither float32 nor float64; a Python number becomes NumPy's.

    Raises RuleError for anything but one array, DTypeError for an array of anything but numbers.
    """
    check_plain(value)
    numeric = isinstance(value, (np.ndarray, np.generic, float, int))
    array = np.asarray(value)[()] if numeric else np.array(None)
    if array.dtype.kind not in "fiub" or array.dtype.char in "eg":
        raise faults.no_numbers(function, value)
    return array
