"""A node of a recorded graph: a value, and what it was made from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np


class Node:
    """A value, the function that made it, and the operands that the function was given.

    Numbers grow with time, so counting down from a node is the reverse topological order.
    """

    __slots__ = (
        "value",  # the result: an array that nobody writes into, or a NumPy scalar
        "function",  # the function that made it; None for a leaf
        "args",  # the plain values that the function saw
        "inputs",  # the same operands, but with the nodes themselves
        "kwargs",
        "flows",  # whether a gradient can flow into it: it holds floats, not a mask or an index
        "number",  # when it was made: numbers only grow
        "scope",  # the groups that it belongs to, outermost first
        "role",  # "parameter" for a leaf that a Module holds, "gradient" in a gradient's own graph
        "line",  # the line of code that made it, under trace()
        *("_name", "_grad", "__weakref__"),
    )
    value: Any
    inputs: Any
    flows: bool


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


def has_history(node: Any) -> bool:
    """Return whether a gradient could flow on from this node."""
    return any(isinstance(operand, Node) for operand in node.inputs)


def is_foreign(x: Any) -> bool:
    """Return whether this speaks NumPy's protocol in a way of its own, as a Symbol does."""
    return hasattr(x, "__array_ufunc__") and not isinstance(x, (Node, np.ndarray, np.generic))
