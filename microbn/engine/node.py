"""A node of a recorded graph: a value, and the record of how it was made."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from operator import attrgetter
from typing import Any, cast
from weakref import ref

import numpy as np

from .arrays import shown


class Record:
    """A record of how a value was made. A graph consists of records, which keep what rules read.

    Numbers grow with time, so counting down from a record is the reverse topological order.
    """

    __slots__ = (
        *("function", "call", "kwargs"),  # what made the value: no function for a leaf
        "inputs",  # the operands that it was given: constants, and records
        "args",  # the values that it saw, but the record of an operand that no rule reads
        "out",  # the value if it is a number or a rule reads it, else None
        *("shape", "dtype", "flows"),  # a gradient flows into floats, not into a mask or an index
        *("number", "scope"),  # when it was made, and its groups, outermost first
        "role",  # "parameter" for a leaf that a Module holds, "gradient" in a gradient's own graph
        *("origin", "line"),  # the instruction of the user's code; under trace() the line
        *("name", "grad", "read"),  # read: see reading/tape.py; unset at first
        *("holder", "__weakref__"),  # a weak reference to the Node, which has the value
    )
    kind: Any  # the class of every Node: Tensor
    # Functions that reading/ replaces; the first two read the user's code.
    here = called = note_read = cast(Any, lambda *_: None)
    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: prod(self.shape))


def _of_record(name: str) -> Any:
    return property(attrgetter(f"record.{name}"), lambda self, new: setattr(self.record, name, new))


class Node:
    """A value, and the record of how it was made. Whoever holds the node keeps the value."""

    __slots__ = ("value", "record", "__weakref__")
    value: Any
    record: Any
    function, kwargs, flows, number = map(_of_record, ("function", "kwargs", "flows", "number"))
    scope, role, line = map(_of_record, ("scope", "role", "line"))
    args = property(lambda self: _seen(self.record), doc="The values that the function saw.")

    @property
    def inputs(self) -> list:
        """The operands: constants, and nodes."""
        return [held(x) if type(x) is Record else x for x in self.record.inputs]


def held(record: Any) -> Any:
    """Return the node of a record."""
    if (node := record.holder()) is None:
        node = object.__new__(Record.kind)
        node.value, node.record, record.holder = _restored(record), record, ref(node)
    return node


def _restored(record: Any) -> Any:
    """Return the value of a record. If nobody holds it, it is computed again, and then kept."""
    lost, waiting = {}, [record]
    while waiting:  # no recursion, as a chain may be long
        one = waiting.pop()
        if one.out is None and (node := one.holder()) is not None:
            one.out = node.value
        if one.out is None and one.number not in lost:
            lost[one.number] = one
            waiting += [x for x in one.args if type(x) is Record]
    for _, one in sorted(lost.items()):
        with np.errstate(all="ignore"):  # NumPy has warned the first time
            one.out = shown(one.call.compute(*_seen(one), **one.kwargs))
    return record.out


def _seen(record: Any) -> list:
    """Return the values that a record's function saw."""
    return [_restored(x) if type(x) is Record else x for x in record.args]


def is_node(x: Any) -> bool:
    """Return whether this is a node of a graph, and not a plain value."""
    return isinstance(x, Node)


def plain(arg: Any) -> Any:
    """Return the value of a node, and anything else as it is."""
    return arg.value if isinstance(arg, Node) else arg


def sources(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the nodes among the inputs of a node, each with the value that it had."""
    for operand, value in zip(node.inputs, node.args, strict=True):
        if isinstance(operand, Node):
            yield operand, value


def replaced(node: Any) -> list[Any]:
    """Return the leaves among the inputs of a node whose data were replaced since it was made."""
    return [x for x, value in sources(node) if x.function is None and x.value is not value]


def has_history(node: Any) -> bool:
    """Return whether a gradient could flow on from this node."""
    return any(type(operand) is Record for operand in node.record.inputs)


def is_foreign(x: Any) -> bool:
    """Return whether this speaks NumPy's protocol in a way of its own, as a Symbol does."""
    return hasattr(x, "__array_ufunc__") and not isinstance(x, (Node, np.ndarray, np.generic))
