"""Recording: compute a function on plain values, and remember what it was given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np

from ..errors import faults
from .arrays import check_plain, constant
from .functions import stop_gradient
from .mode import mode
from .node import Node
from .primitive import CALLS, fitted

NOTHING: Mapping[str, Any] = {}
numbers = count()
_FLOATS = {np.float32, np.float64}
_new = object.__new__


def record(kind: type, function: Callable, args: Sequence, kwargs: Mapping = NOTHING) -> Any:
    """Compute ``function(*args, **kwargs)`` on plain values; remember it in a new node.

    ``kind`` is the node's class, Tensor. Raises RuleError if no rule covers the call, and
    NumPy's own errors with the shapes added to the message.
    """
    if (call := CALLS.get(function)) is None:
        from .composed import compose  # on first need

        return compose(function, args, kwargs)
    if kwargs or len(args) != call.rules:
        kwargs = fitted(function, call, args, kwargs)
    inputs, values = [], []
    for arg in args:
        values.append(arg.value if isinstance(arg, Node) else (arg := constant(arg)))
        inputs.append(arg)
    return recorded(kind, function, call.compute, values, inputs, kwargs)


def recorded(kind, function, compute, values, inputs, kwargs=NOTHING):
    """Compute a value and return its node, made by ``function``; under `no_grad`, a constant."""
    try:
        value = compute(*values, **kwargs)
    except (ValueError, IndexError, TypeError, OverflowError) as error:
        raise faults.explain(function, values, kwargs, error) from faults.cause(function, error)
    dtype = value.dtype.type if type(value) is np.ndarray else type(value)
    if not (flows := dtype in _FLOATS):
        value = _as_numbers(value, function)
        flows = value.dtype.type in _FLOATS
    if type(value) is np.ndarray:
        value.setflags(write=False)
    node = _new(kind)
    recording, node.scope, watches, node.role = mode.get()
    node.value, node.function, node.flows = value, function, flows
    node.args, node.inputs, node.kwargs = values, inputs, kwargs
    node.number, node.line, node._name, node._grad = next(numbers), None, None, None
    for watch in watches:
        watch.made(node)
    if not recording:
        node.function, node.kwargs = stop_gradient, NOTHING
        node.args = node.inputs = (value,)
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
