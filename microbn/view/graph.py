"""A snapshot of a graph: what made a result, as plain data that the pictures are drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..calls import CALLS
from ..errors import DTypeError
from ..nodes import history
from ..tensor import Tensor


@dataclass(frozen=True)
class Node:
    """One value of the graph. ``function`` is "" unless it was computed.

    ``role`` is "leaf", "constant", "computed", "result" or "suspect"; ``gradient`` is None where
    none was asked for or none flows.
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


def snapshot(
    root: Tensor, gradients: Mapping[int, Any] | None = None, suspect: Tensor | None = None
) -> Graph:
    """Everything that ``root`` was made from, the constants among the operands included.

    ``gradients`` maps the number of a Tensor to its gradient. ``suspect`` is a node to be marked.
    """
    if not isinstance(root, Tensor):
        raise DTypeError(f"only a Tensor has a graph to look at, not {type(root).__name__}")
    gradients = gradients or {}
    nodes: list[Node] = []
    edges: list[Edge] = []
    ids: dict[int, str] = {}
    tape = history(root)
    seen = {s.number: value for t in tape for _, s, value in operands(t) if s is not None}
    for tensor in tape:
        sources = []
        for position, source, value in operands(tensor):
            if source is None:
                nodes.append(_constant(f"n{len(nodes)}", value))
                sources.append((nodes[-1].id, position))
            else:
                sources.append((ids[source.number], position))
        ids[tensor.number] = f"n{len(nodes)}"
        role = "leaf" if tensor.function is None else "result" if tensor is root else "computed"
        role = "suspect" if tensor is suspect else role
        nodes.append(_node(ids[tensor.number], tensor, role, seen, gradients))
        for source_id, position in sources:
            edges.append(Edge(f"e{len(edges)}", source_id, nodes[-1].id, position))
    return Graph(tuple(nodes), tuple(edges))


def operands(tensor: Tensor) -> list[tuple[int, Tensor | None, Any]]:
    """Each operand of a Tensor's function: its position, the Tensor or None for a constant, and
    the value that was seen. Static arguments, an axis or an index, are none.
    """
    call = CALLS.get(tensor.function) if tensor.function else None
    ruled = 0 if call is None else len(tensor.inputs) if call.each else call.rules
    found: list[tuple[int, Tensor | None, Any]] = []
    seen: list[tuple[Any, Any]] = [*zip(tensor.inputs, tensor.args, strict=True)]
    for i, (operand, value) in enumerate(seen):
        if isinstance(operand, Tensor):
            found.append((i, operand, value))
        elif i < ruled and isinstance(value, (np.ndarray, np.generic, float, int)):
            found.append((i, None, value))
    return found


def _node(
    id: str,
    tensor: Tensor,
    role: str,
    seen: Mapping[int, Any],
    gradients: Mapping[int, Any],
) -> Node:
    gradient = gradients.get(tensor.number)
    return Node(
        id=id,
        name=str(tensor.name or ""),
        function=tensor.function.__name__ if tensor.function else "",
        role=role,
        value=np.asarray(seen.get(tensor.number, tensor.value)),  # a leaf's may be another by now
        gradient=None if gradient is None else np.asarray(gradient),
        scope=tensor.scope,
    )


def _constant(id: str, value: Any) -> Node:
    return Node(id, "", "", "constant", np.asarray(value), None, ())
