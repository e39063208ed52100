"""A snapshot of a graph: what made a result, as plain data that the pictures are drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..rules import RULES
from ..tensor import Tensor


@dataclass(frozen=True)
class Node:
    """One value of the graph. ``function`` is "" unless it was computed.

    ``role`` is "leaf", "constant", "computed" or "result"; ``gradient`` is None where none was
    asked for or none flows.
    """

    id: str
    name: str
    function: str
    role: str
    value: np.ndarray
    gradient: np.ndarray | None
    scope: tuple[str, ...]


@dataclass(frozen=True)
class Edge:
    """One use of a value as an operand; a value that is used twice has two edges."""

    id: str
    source: str
    target: str
    position: int


@dataclass(frozen=True)
class Graph:
    """Nodes in the order in which they were made, and edges in the order of their targets."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def snapshot(root: Tensor, gradients: Mapping[int, Any] | None = None) -> Graph:
    """Everything that ``root`` was made from, the constants among the operands included.

    ``gradients`` maps the number of a Tensor to its gradient.
    """
    gradients = gradients or {}
    nodes: list[Node] = []
    edges: list[Edge] = []
    ids: dict[int, str] = {}
    for tensor in history(root):
        sources = []
        for position, source, value in operands(tensor):
            if source is None:
                nodes.append(_constant(f"n{len(nodes)}", value))
                sources.append((nodes[-1].id, position))
            else:
                sources.append((ids[source.number], position))
        ids[tensor.number] = f"n{len(nodes)}"
        nodes.append(_node(ids[tensor.number], tensor, tensor is root, gradients))
        for source_id, position in sources:
            edges.append(Edge(f"e{len(edges)}", source_id, nodes[-1].id, position))
    return Graph(tuple(nodes), tuple(edges))


def history(root: Tensor) -> list[Tensor]:
    """All Tensors that ``root`` was made from, and itself, in the order in which they were made."""
    found, waiting = {root.number: root}, [root]
    while waiting:
        for _, source, _ in operands(waiting.pop()):
            if source is not None and source.number not in found:
                found[source.number] = source
                waiting.append(source)
    return [found[number] for number in sorted(found)]


def operands(tensor: Tensor) -> list[tuple[int, Tensor | None, Any]]:
    """Each operand of a Tensor's function: its position, the Tensor (or None), the value it had.

    Static arguments, such as an axis, are not operands: they have no place in a rule table.
    """
    known = len(RULES.get(tensor.function, ())) if tensor.function else 0
    flat: list[tuple[Tensor | None, Any]] = []
    for i, (source, value) in enumerate(zip(tensor.inputs, tensor.args, strict=True)):
        if isinstance(source, tuple):
            flat += zip(source, value, strict=True)
        elif source is not None or i < known:
            flat.append((source, value))
    return [(position, source, value) for position, (source, value) in enumerate(flat)]


def _node(id: str, tensor: Tensor, is_root: bool, gradients: Mapping[int, Any]) -> Node:
    gradient = gradients.get(tensor.number)
    return Node(
        id=id,
        name=tensor.name or "",
        function=tensor.function.__name__ if tensor.function else "",
        role="leaf" if tensor.function is None else "result" if is_root else "computed",
        value=np.asarray(tensor.value),
        gradient=None if gradient is None else np.asarray(gradient),
        scope=tensor.scope,
    )


def _constant(id: str, value: Any) -> Node:
    return Node(id, "", "", "constant", np.asarray(value), None, ())
