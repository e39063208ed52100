"""A snapshot of a graph: what made a result, as plain data that everything in view/ reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..engine.node import sources
from ..engine.primitive import CALLS
from ..engine.tensor import Tensor
from ..errors import ArgumentError, DTypeError
from ..reading.tape import history, places
from ..reading.trace import Line

Path = tuple[str, ...]  # of a group: the scopes from the outermost one


@dataclass(frozen=True, eq=False)  # arrays have no truth to compare by
class Node:
    """One value of the graph. ``function`` is "" unless it was computed.

    ``role`` is "input", "parameter" (a Module holds it), "constant", "computed", "gradient" (what
    `grad` recorded with create_graph), "result", "suspect", or "group": closed, with the ids of
    its ``members``. ``value`` is None before it is computed and of a group, ``gradient`` where
    none was asked for or none flows. ``number`` is the Tensor's, None of a constant; ``line`` is
    None but under trace().
    """

    id: str
    name: str
    function: str
    role: str
    value: Any
    gradient: np.ndarray | None = None
    scope: Path = ()
    number: int | None = None
    line: Line | None = None
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Edge:
    """One use of a value as an operand; a value that is used twice has two edges.

    Into and out of a closed group there is one edge for all ``uses``, the ids of the edges that it
    stands for.
    """

    id: str
    source: str
    target: str
    position: int
    uses: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in the order in which they were made, and edges in the order of their targets."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def groups(self) -> list[Path]:
        """The paths of all groups, each after the one that it is in."""
        return list(dict.fromkeys(path for node in self.nodes for path in around(node)))

    def folded(self, collapse: Collection[str] = (), depth: int | None = None) -> Graph:
        """The graph with groups closed: those named, ``"encoder.norm"``, and all below ``depth``.

        Every closed group is one node, and has one edge to each node that uses something in it.
        Raises ArgumentError for a group that is not there and for a depth below 0.
        """
        closed = self._closed(collapse, depth)
        boxes: dict[Any, list[Node]] = {}  # by the path of a closed group, or by a node's id
        for node in self.nodes:
            box = next((path for path in around(node) if path in closed), node.id)
            boxes.setdefault(box, []).append(node)
        nodes = [_closed_box(b, n) if b in closed else n[0] for b, n in boxes.items()]
        home = {
            member.id: node.id
            for node, members in zip(nodes, boxes.values(), strict=True)
            for member in members
        }
        edges: dict[Any, list[Edge]] = {}
        for edge in self.edges:
            ends = home[edge.source], home[edge.target]
            if ends == (edge.source, edge.target):
                edges[edge.id] = [edge]
            elif ends[0] != ends[1]:
                edges.setdefault(ends, []).append(edge)
        return Graph(tuple(nodes), tuple(_joined(uses, home) for uses in edges.values()))

    def at(self, known: Collection[str], gradients: Mapping[str, np.ndarray]) -> Graph:
        """The graph at a moment: of the nodes some have a value, some have a gradient so far."""
        return Graph(
            tuple(
                replace(
                    node,
                    value=node.value if node.id in known or node.role == "constant" else None,
                    gradient=gradients.get(node.id),
                )
                for node in self.nodes
            ),
            self.edges,
        )

    def _closed(self, collapse: Collection[str], depth: int | None) -> set[Path]:
        if isinstance(collapse, str):
            raise ArgumentError(f"collapse: a list of groups, [{collapse!r}]")
        groups = self.groups()
        names = [".".join(path) for path in groups]
        for name in collapse:
            if name not in names:
                there = ", ".join(names) or "none; scopes and Modules make groups"
                raise ArgumentError(f"there is no group {name!r} to collapse; there are: {there}")
        if depth is not None and (not isinstance(depth, int) or depth < 0):
            raise ArgumentError(f"depth is how many groups deep to look, 0 or more, not {depth!r}")
        named = {path for path, name in zip(groups, names, strict=True) if name in collapse}
        return named | {path for path in groups if depth is not None and len(path) > depth}


def snapshot(
    root: Tensor, gradients: Mapping[int, Any] | None = None, suspect: Tensor | None = None
) -> Graph:
    """Everything that ``root`` was made from, the constants among the operands included.

    ``gradients`` maps the number of a Tensor to its gradient. ``suspect`` is a node to be marked.
    Raises DTypeError for anything but a Tensor.
    """
    if not isinstance(root, Tensor):
        raise DTypeError(f"only a Tensor has a graph to look at, not {type(root).__name__}")
    gradients = gradients or {}
    nodes: list[Node] = []
    edges: list[Edge] = []
    ids: dict[int, str] = {}
    tape = history(root)
    seen = {s.number: value for t in tape for s, value in sources(t)}  # a leaf's, at that time
    homes = places(tape)
    for tensor in tape:
        found = operands(tensor)
        ends = [
            ids[s.number] if s is not None else _constant(nodes, v, tensor) for _, s, v in found
        ]
        ids[tensor.number] = id = f"n{len(nodes)}"
        gradient = gradients.get(tensor.number)
        nodes.append(
            Node(
                id=id,
                name=str(tensor.name or ""),
                function=tensor.function.__name__ if tensor.function else "",
                role=_role(tensor, root, suspect),
                value=np.asarray(seen.get(tensor.number, tensor.value)),
                gradient=None if gradient is None else np.asarray(gradient),
                scope=homes.get(tensor.number, tensor.scope),
                number=tensor.number,
                line=tensor.line,
            )
        )
        for end, (position, *_) in zip(ends, found, strict=True):
            edges.append(Edge(f"e{len(edges)}", end, id, position))
    return Graph(tuple(nodes), tuple(edges))


def _constant(nodes: list[Node], value: Any, user: Tensor) -> str:
    """Adds a node for a constant beside the one that uses it; gives its id."""
    id = f"n{len(nodes)}"
    nodes.append(Node(id, "", "", "constant", np.asarray(value), scope=user.scope))
    return id


def operands(tensor: Tensor) -> list[tuple[int, Tensor | None, Any]]:
    """Each operand of a Tensor's function: its position, the Tensor or None for a constant, and
    the value that was seen. Static arguments, an axis or an index, are none.
    """
    call = CALLS.get(tensor.function) if tensor.function else None
    ruled = 0 if call is None else len(tensor.inputs) if call.every else call.rules
    found: list[tuple[int, Tensor | None, Any]] = []
    seen: list[tuple[Any, Any]] = [*zip(tensor.inputs, tensor.args, strict=True)]
    for i, (operand, value) in enumerate(seen):
        if isinstance(operand, Tensor):
            found.append((i, operand, value))
        elif i < ruled and np.asarray(value).dtype.kind in "fiub":
            found.append((i, None, value))
    return found


def _role(tensor: Tensor, root: Tensor, suspect: Tensor | None) -> str:
    if tensor is suspect:
        return "suspect"
    if tensor.function is None:
        return tensor.role or "input"
    if tensor is root:
        return "result"
    return "gradient" if tensor.role == "gradient" else "computed"


def around(node: Node) -> list[Path]:
    """The groups that a node is in, the outermost first."""
    return [node.scope[:n] for n in range(1, len(node.scope) + 1)]


def _joined(edges: list[Edge], home: Mapping[str, str]) -> Edge:
    """One edge for those between two boxes."""
    first, uses = edges[0], tuple(edge.id for edge in edges)
    source, target = home[first.source], home[first.target]
    if (source, target) == (first.source, first.target):
        return first
    return replace(first, source=source, target=target, uses=uses)


def _closed_box(path: Path, inside: list[Node]) -> Node:
    """A closed group as one node, without a value of its own."""
    members = tuple(node.id for node in inside)
    return Node(
        id=f"g{members[0]}",
        name=path[-1],
        function="",
        role="group",
        value=None,
        scope=path[:-1],
        members=members,
    )
