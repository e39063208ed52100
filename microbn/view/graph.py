"""A snapshot of a graph: what made a result, as plain data. Everything else in view/ reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..engine.names import OneCall
from ..engine.node import sources
from ..engine.primitive import CALLS
from ..engine.tensor import Tensor
from ..errors import ArgumentError, DTypeError, faults
from ..reading.lines import Line, line_of
from ..reading.signs import BOX_SIGNS
from ..reading.tape import history, places
from .names import distinct_names

GroupPath = tuple[str, ...]  # the scopes of a group, from the outermost to its own


@dataclass(frozen=True, eq=False, slots=True)  # comparing arrays gives arrays, not True or False
class Vertex:
    """One value of the graph. ``function`` is the name of the function that computed it, or "".

    ``role`` is "input", "parameter" (a Module holds it), "constant", "computed", "gradient"
    (`grad` recorded it with create_graph), "result", "suspect", or "group": a closed group, which
    has the ids of its ``members``.
    ``value`` is None before it is computed, and for a group. ``gradient`` is None if none was
    asked for or none flows. ``number`` is the Tensor's, or None for a constant. ``line`` is the
    line of code that made it, unless that was under no_lines().
    """

    id: str
    name: str
    function: str
    role: str
    value: Any
    gradient: np.ndarray | None = None
    scope: GroupPath = ()
    number: int | None = None
    line: Line | None = None
    members: tuple[str, ...] = ()

    @property
    def sign(self) -> str:
        """Return the function as a box shows it: as an operator such as ×, or else its name."""
        return BOX_SIGNS.get(self.function, self.function)


@dataclass(frozen=True, slots=True)
class Edge:
    """One use of a value as an operand. A value that is used twice has two edges.

    A closed group shares one edge with each neighbour, and ``uses`` are the ids of the edges that
    it stands for.
    """

    id: str
    source: str
    target: str
    position: int
    uses: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in the order in which they were made, and edges in the order of their targets."""

    nodes: tuple[Vertex, ...]
    edges: tuple[Edge, ...]
    # The function of each group that is one call of a composed function, but for those around the
    # root. They are closed at first.
    composed: Mapping[GroupPath, str] = field(default_factory=dict)

    def groups(self) -> list[GroupPath]:
        """Return the paths of all groups; an outer group stands before the groups inside it."""
        return list(dict.fromkeys(path for node in self.nodes for path in around(node)))

    def folded(self, collapse: Collection[str] = (), depth: int | None = None) -> Graph:
        """Return the graph with groups closed: those named, ``"encoder.norm"``, or below ``depth``.

        Without a depth the groups of composed functions, such as np.var, are closed. A closed group
        is one node, with one edge to each neighbour that it shares a use with.
        Raises ArgumentError for a group that does not exist and for a depth below 0.
        """
        closed = self._closed(collapse, depth)
        boxes: dict[Any, list[Vertex]] = {}  # by the path of a closed group, or by a node's id
        for node in self.nodes:
            box = next((path for path in around(node) if path in closed), node.id)
            boxes.setdefault(box, []).append(node)
        nodes = [
            _closed_box(b, n, self.composed.get(b, "")) if b in closed else n[0]
            for b, n in boxes.items()
        ]
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
        merged = tuple(_merged(uses, home) for uses in edges.values())
        return Graph(tuple(nodes), merged, self.composed)

    def at(self, known: Collection[str], gradients: Mapping[str, np.ndarray]) -> Graph:
        """Return the graph at a moment: only ``known`` nodes have values, with these gradients."""
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
            self.composed,
        )

    def _closed(self, collapse: Collection[str], depth: int | None) -> set[GroupPath]:
        if isinstance(collapse, str):
            raise ArgumentError(f"collapse takes a list of groups; write [{collapse!r}]")
        groups = self.groups()
        names = [".".join(path) for path in groups]
        for name in collapse:
            if name not in names:
                there = ", ".join(names) or "none; scopes and Modules make groups"
                raise ArgumentError(f"there is no group {name!r} to collapse; there are: {there}")
        if depth is not None and (not isinstance(depth, int) or depth < 0):
            raise ArgumentError(f"depth is how many groups deep to look: 0 or more, not {depth!r}")
        named = {path for path, name in zip(groups, names, strict=True) if name in collapse}
        if depth is None:
            return named | {*self.composed}
        return named | {path for path in groups if len(path) > depth}


def check_root(who: str, root: Any) -> None:
    """Raise DTypeError, in the name of the function that the user called, for no Tensor."""
    if not isinstance(root, Tensor):
        raise faults.no_start(root, who)


def snapshot(
    root: Tensor, gradients: Mapping[int, Any] | None = None, suspect: Tensor | None = None
) -> Graph:
    """Return everything that ``root`` was made from, including the constants among the operands.

    ``gradients`` maps the number of a Tensor to its gradient. ``suspect`` is a node to be marked.
    Raises DTypeError for anything but a Tensor.
    """
    if not isinstance(root, Tensor):
        raise DTypeError(f"only a Tensor has a graph to look at, not {type(root).__name__}")
    return snapshot_of_tape(history(root), gradients or {}, suspect)


def snapshot_of_tape(
    tape: Sequence[Tensor], gradients: Mapping[int, Any], suspect: Tensor | None = None
) -> Graph:
    """Like `snapshot`, for a root whose `history` is at hand; the root is its last Tensor."""
    nodes: list[Vertex] = []
    edges: list[Edge] = []
    ids: dict[int, str] = {}
    seen = {s.number: value for t in tape for s, value in sources(t)}  # a leaf may have changed
    homes, names = places(tape), distinct_names(tape)
    arrays = {number: np.asarray(gradient) for number, gradient in gradients.items()}
    groups = _Groups(tape)
    for tensor in tape:
        used = []
        for position, operand, value in operands(tensor):
            if operand is None:
                source = _add_constant(nodes, value, tensor, position, groups.path(tensor.scope))
            else:
                source = ids[operand.number]
            used.append((source, position))
        id, number = f"n{len(nodes)}", tensor.number
        name, line = names[number], line_of(tensor)
        function = tensor.function.__name__ if tensor.function else ""
        role = _role(tensor, tape[-1], suspect)
        value = np.asarray(seen.get(number, tensor.value))
        gradient, scope = arrays.get(number), groups.path(homes.get(number, tensor.scope))
        nodes.append(Vertex(id, name, function, role, value, gradient, scope, number, line))
        for source, position in used:
            edges.append(Edge(f"e{len(edges)}", source, id, position))
        ids[number] = id
    around_root = {*around(nodes[-1])}
    closed = {path: f for path, f in groups.composed.items() if path not in around_root}
    return Graph(tuple(nodes), tuple(edges), closed)


class _Groups:
    """Turns scopes into paths of text, and numbers the calls of one function: "var", "var 2".

    A call that made a single Tensor is no group.
    """

    def __init__(self, tape: Sequence[Tensor]) -> None:
        members = Counter(part for t in tape for part in t.scope if isinstance(part, OneCall))
        self._single = {call for call, count in members.items() if count == 1}
        self._names: dict[OneCall, str] = {}
        self._taken: Counter = Counter()
        self.composed: dict[GroupPath, str] = {}

    def path(self, scope: Sequence[str]) -> GroupPath:
        """Return the path of a scope, and remember the calls in it."""
        path: GroupPath = ()
        for part in scope:
            if part in self._single:
                continue
            if isinstance(part, OneCall):
                path = (*path, self._name(path, part))
                self.composed[path] = str(part)
            else:
                path = (*path, part)
        return path

    def _name(self, home: GroupPath, call: OneCall) -> str:
        if call not in self._names:
            self._taken[home, str(call)] += 1
            count = self._taken[home, str(call)]
            self._names[call] = f"{call} {count}" if count > 1 else f"{call}"
        return self._names[call]


def operands(tensor: Tensor) -> list[tuple[int, Tensor | None, Any]]:
    """Return the position of each operand, its Tensor (None for a constant), and its value then.

    Static arguments, such as an axis or an index, are left out.
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


def _add_constant(
    nodes: list[Vertex], value: Any, user: Tensor, position: int, path: GroupPath
) -> str:
    """Add a node for a constant, in the group of the Tensor that uses it; return its id."""
    id, name = f"n{len(nodes)}", name_of_constant(user, position)
    nodes.append(Vertex(id, name, "", "constant", np.asarray(value), scope=path))
    return id


def name_of_constant(user: Tensor, position: int) -> str:
    """Return the name of a constant that a Tensor was made with under trace(), or "" if unknown."""
    return dict(user.line.constants).get(position, "") if user.line else ""


def _role(tensor: Tensor, root: Tensor, suspect: Tensor | None) -> str:
    if tensor is suspect:
        return "suspect"
    if tensor.function is None:
        return tensor.role or "input"
    if tensor is root:
        return "result"
    return "gradient" if tensor.role == "gradient" else "computed"


def around(node: Vertex) -> list[GroupPath]:
    """Return the groups that a node is in, the outermost first."""
    return [node.scope[:n] for n in range(1, len(node.scope) + 1)]


def _merged(edges: list[Edge], home: Mapping[str, str]) -> Edge:
    """Return one edge that stands for all edges between two boxes."""
    first, uses = edges[0], tuple(edge.id for edge in edges)
    source, target = home[first.source], home[first.target]
    if (source, target) == (first.source, first.target):
        return first
    return replace(first, source=source, target=target, uses=uses)


def _closed_box(path: GroupPath, inside: list[Vertex], function: str) -> Vertex:
    """Return a closed group as one node. A call of a function shows its result, the last node."""
    members, last = tuple(node.id for node in inside), inside[-1]
    box = Vertex(f"g{members[0]}", path[-1], "", "group", None, scope=path[:-1], members=members)
    if not function:
        return box
    shown = {"name": last.name, "value": last.value, "gradient": last.gradient}
    return replace(box, function=function, **shown)
