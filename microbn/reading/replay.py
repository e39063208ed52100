"""Run a recorded graph again: on other values, or with other calls in the place of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..engine.node import is_node, sources
from ..engine.tensor import Tensor
from ..errors import ArgumentError
from ..reading.tape import history


def replay(root: Tensor, *nodes: Tensor) -> Callable:
    """Return a function that computes ``root`` from other values of these nodes.

    It runs all calls that depend on the nodes again; every other node keeps its value. It takes
    one array for each node, or a Tensor, so that the new run is recorded too. Raises ArgumentError
    if root was not made from one of the nodes.
    """
    tape = history(root)
    numbers = {node.number for node in tape}
    for i, node in enumerate(nodes):
        if node.number not in numbers:
            raise ArgumentError(
                f"replay: node {i} is not in the root's history; pass nodes that it was made from"
            )
    changed, later = {node.number for node in nodes}, []
    for node in tape:
        if node.number not in changed and any(x.number in changed for x, _ in sources(node)):
            changed.add(node.number)
            later.append(node)

    def function(*values: Any) -> Any:
        known = {node.number: value for node, value in zip(nodes, values, strict=True)}
        return rerun(later, known, call_again).get(root.number, root.value)

    function.__name__ = root.name or "the graph"
    return function


def rerun(tape: Iterable, known: dict[int, Any], call: Callable) -> dict[int, Any]:
    """Walk through a tape in its order, and put ``call(node, operands)`` in the place of each node.

    ``known`` maps the number of a node to its replacement. An operand that has none keeps the value
    that the function saw. The replacements of the tape's nodes are added to ``known``, which is
    returned.
    """
    for node in tape:
        operands = [
            known.get(x.number, seen) if is_node(x) else seen
            for x, seen in zip(node.inputs, node.args, strict=True)
        ]
        known[node.number] = call(node, operands)
    return known


def call_again(node: Any, operands: Sequence) -> Any:
    """Call the function that made a node, with other operands and the same keywords."""
    return node.function(*operands, **node.kwargs)
