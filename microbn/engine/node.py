"""A recorded graph as data: what is a node, what it was made from, and a node in words.

A node has a ``number`` that grows with time, the ``value`` it got, the ``function`` that made it
(None for a leaf), the plain ``args`` and ``kwargs`` that the function saw, and its ``inputs``: the
same args, with nodes in the places of their values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np


def is_node(x: Any) -> bool:
    """Whether this is part of a graph, and no plain value."""
    return hasattr(x, "inputs") and hasattr(x, "number")


def plain(arg: Any) -> Any:
    """The value of a node, and anything else as it is."""
    return arg.value if is_node(arg) else arg


def foreign(inputs: Any) -> bool:
    """Whether something among these speaks NumPy's protocol in its own way, as a Symbol does."""
    others = (x for x in inputs if not is_node(x))
    return any(
        hasattr(x, "__array_ufunc__") and not isinstance(x, (np.ndarray, np.generic))
        for x in others
    )


def boxed(arg: Any) -> Any:
    """A node as an object array of its entries, so that it can meet one."""
    if not is_node(arg):
        return arg
    box = np.empty(arg.shape, object)
    for index in np.ndindex(arg.shape):
        box[index] = arg[index] if index else arg
    return box


def values_of(x: Any) -> np.ndarray:
    """The values of a node, or of an object array of nodes, as an array of numbers."""
    array = np.asarray(plain(x))
    if array.dtype != object:
        return array
    return np.array([plain(entry) for entry in array.flat]).reshape(array.shape)


def sources(node: Any) -> Iterator[tuple[Any, Any]]:
    """The nodes among the inputs of a node, each with the value it had."""
    for operand, value in zip(node.inputs, node.args, strict=True):
        if isinstance(operand, type(node)):
            yield operand, value


def has_history(node: Any) -> bool:
    """Whether a gradient could flow on from this node."""
    return any(isinstance(operand, type(node)) for operand in node.inputs)


def history(*roots: Any, leaves: Iterable = ()) -> list[Any]:
    """All nodes that the roots were made from, and themselves, in the order in which they were
    made; but not what the ``leaves`` were made from.
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

    A weight that two layers share so stands in the first of them, as in a state_dict.
    """
    places: dict[int, tuple[str, ...]] = {}
    for node in nodes:
        for operand, _ in sources(node):
            if operand.held:
                places.setdefault(operand.number, node.scope)
    return places


def describe(node: Any) -> str:
    """A node in words: its name, and what made it."""
    made = node.function.__name__ if node.function else "leaf"
    return f"{node.name!r} ({made})" if node.name else f"a {made}" if made == "leaf" else made
