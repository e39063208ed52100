"""A graph that is laid out once and drawn again for every step, with other boxes and arrows bold.

Graphviz draws it three times, each time with all boxes and arrows in another look. The drawing of a
step takes each of them from the one where it looks right, and leaves out what is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from typing import NamedTuple

import numpy as np

from .dot import Drawing, to_dot
from .graph import Graph
from .painting import View, measured, middle_of, view_of

_DRAWN = re.compile(
    r'<g id="([^"]*)" class="(node|edge|cluster)">\s*<title>([^<]*)</title>(.*?)</g>', re.DOTALL
)
_LINES = re.compile(r' (?:d|points)="([^"]*)"')
_AROUND = re.compile(r"^.*?<svg[^>]*>|</g>\s*</svg>\s*$|<!--.*?-->| id=\"[^\"]*\"", re.DOTALL)
_MARGIN = 4.0  # points, which Graphviz leaves free around a graph
_BEYOND = 40.0  # points: no text of an arrow stands farther beyond its line
_PLAIN, _BOLD, _OTHER = range(3)  # the last is a later box, or an arrow that carries a message


class Looks(NamedTuple):
    """The look of a graph at a step, by the ids of its nodes and edges.

    ``current`` ones are bold, ``sent`` are edges that carry a message, ``later`` nodes are dashed.
    """

    current: Set[str] = frozenset()
    sent: Set[str] = frozenset()
    later: Set[str] = frozenset()


def drawing_of_names(graph: Graph, looks: Looks) -> Drawing:
    """Draw a graph with names alone, so that its layout is the same at every step."""
    return to_dot(graph, values=False, grads=False, direction="TB", **looks._asdict())


class Redrawn:
    """Draws a graph with names alone, at any step. Graphviz lays it out once."""

    def __init__(self, graph: Graph) -> None:
        inside = {node.id: frozenset([node.id, *node.members]) for node in graph.nodes}
        inside |= {edge.id: frozenset([edge.id, *edge.uses]) for edge in graph.edges}
        every = frozenset().union(*inside.values())
        looks = Looks(), Looks(current=every), Looks(sent=every, later=every)
        drawn = [drawing_of_names(graph, one).svg() for one in looks]
        self.size = measured(drawn[_PLAIN])
        self._around = _AROUND.sub("", _DRAWN.sub("", drawn[_PLAIN])).strip()
        found = zip(*map(_DRAWN.findall, drawn), strict=True)
        self._pieces = [_Piece(inside, self.size[1], same) for same in found]
        self._middles = {
            piece.id: middle_of(piece.svg[_PLAIN], self.size[1])
            for piece in self._pieces
            if piece.kind == "node"
        }

    def view(self, id: str) -> View:
        """Return what is seen where this node is the one to look at."""
        return view_of(self.size, self._middles[id])

    def svg(self, looks: Looks, view: View) -> str:
        """Return what stands in the SVG of a step: all that is seen."""
        seen = (piece.svg[piece.look(looks)] for piece in self._pieces if piece.is_in(view))
        return "\n".join([self._around, *seen, "</g>"])


class _Piece:
    """A box, an arrow or a frame: its SVG in each look, and two corners, between which it lies."""

    def __init__(
        self, inside: dict[str, frozenset[str]], height: float, same: Sequence[tuple[str, ...]]
    ) -> None:
        id, self.kind, title, plain = same[_PLAIN]
        self.id = title if self.kind == "node" else id
        self.ids = inside.get(self.id, frozenset())
        self.svg = [f'<g class="{self.kind}">{text.rstrip()}</g>' for *_, text in same]
        numbers = re.findall(r"-?[\d.]+", " ".join(_LINES.findall(plain)))
        places = np.array(numbers, float).reshape(-1, 2) + np.array([_MARGIN, height - _MARGIN])
        self.low, self.high = places.min(0) - _BEYOND, places.max(0) + _BEYOND

    def is_in(self, view: View) -> bool:
        """Return whether some of it may be seen."""
        right, bottom = view.x + view.width, view.y + view.height
        (left, top), (x, y) = self.low, self.high
        return bool(left <= right and top <= bottom and x >= view.x and y >= view.y)

    def look(self, looks: Looks) -> int:
        """Return which of its looks is the right one."""
        if self.kind == "edge":
            return (
                _OTHER if self.ids & looks.sent else _BOLD if self.ids & looks.current else _PLAIN
            )
        if self.ids & looks.current:
            return _BOLD
        return _OTHER if self.ids and self.ids <= looks.later else _PLAIN
