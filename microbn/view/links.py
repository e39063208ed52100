"""Finds the nodes of a graph, and the uses that lead to and from each."""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property
from itertools import groupby

from .graph import Edge, Graph, Vertex


class Links:
    """An index of a graph: ``nodes`` maps ids to nodes, and ``ids`` the numbers of Tensors to ids.

    All rooms of a story share one.
    """

    def __init__(self, graph: Graph) -> None:
        self.nodes: dict[str, Vertex] = {node.id: node for node in graph.nodes}
        self.ids = {node.number: node.id for node in graph.nodes if node.number is not None}
        self.root = graph.nodes[-1].id
        by_target = groupby(graph.edges, lambda edge: edge.target)  # in the order of the targets
        self._into = {id: tuple(edges) for id, edges in by_target}

    def into(self, id: str) -> tuple[Edge, ...]:
        """Return the uses that a value was computed from, in the order of their positions."""
        return self._into.get(id, ())

    def source(self, id: str, position: int) -> str:
        """Return the operand of a value at a position, "" if the graph has none there."""
        uses = self.into(id)
        at = bisect_left(uses, position, key=lambda edge: edge.position)
        return uses[at].source if uses[at : at + 1] and uses[at].position == position else ""

    def operands(self, id: str) -> list[Vertex]:
        """Return the operands of a value. One that is used twice is there twice."""
        return [self.nodes[edge.source] for edge in self.into(id)]

    @cached_property
    def users(self) -> dict[str, list[str]]:
        """Map each value to those that were computed from it, in the order of the uses."""
        users: dict[str, list[str]] = {id: [] for id in self.nodes}
        for edges in self._into.values():
            for edge in edges:
                users[edge.source].append(edge.target)
        return users
