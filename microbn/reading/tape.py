"""A recorded graph as a tape: its nodes in the order of their making, and questions about them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile
from typing import Any

import numpy as np

from ..engine.functions import gate, relu
from ..engine.names import OneCall
from ..engine.node import Record, sources


def history(*roots: Any, leaves: Iterable = ()) -> list[Any]:
    """Return the roots and all nodes that they were made from, in the order of their making.

    The walk stops at the ``leaves``: it does not ask what they were made from.
    """
    found, stop = {root.number: root for root in roots}, {leaf.number for leaf in leaves}
    waiting = list(found.values())
    while waiting:
        node = waiting.pop()
        for operand, _ in () if node.number in stop else sources(node):
            if operand.number not in found:
                found[operand.number] = operand
                waiting.append(operand)
    return [found[number] for number in sorted(found)]


def places(nodes: Iterable) -> dict[int, tuple[str, ...]]:
    """Map each parameter's number to its place: the group of the first node that uses it.

    So a weight that two layers share stands in the first of them, as in a state_dict. One that is
    given to a composed function, such as np.var, stands beside that call and not inside.
    """
    places: dict[int, tuple[str, ...]] = {}
    for node in nodes:
        for operand, _ in sources(node):
            if operand.role == "parameter":
                outside = takewhile(lambda part: not isinstance(part, OneCall), node.scope)
                places.setdefault(operand.number, tuple(outside))
    return places


def is_entrywise(function: Any) -> bool:
    """Return whether a function works entry by entry."""
    ufunc = isinstance(function, np.ufunc) and function.signature is None
    return ufunc or function in (relu, gate)


def note_read(record: Any, now: int) -> None:
    """Note that Python reads a value, by which it may decide what it computes next.

    All that the value was made from remembers when, and its own value then, but for what is far
    away in a large graph.
    """
    found = [record]
    for one in found:
        if getattr(one, "read", (0,))[0] != now and len(found) < _MOST_READ:
            one.read = now, id(one.out)
            found += [x for x in one.inputs if type(x) is Record]


_MOST_READ = 5000
Record.note_read = note_read
