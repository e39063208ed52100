"""A snapshot drawn by Graphviz: a box for each value, an arrow for each use."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..arguments import HAS_ALONE, need_package
from ..errors import ArgumentError, MissingPackageError, RenderError
from .boxes import (
    Room,
    Size,
    box_columns,
    box_lines,
    larger_direction,
    size_of_box,
    sizes_by_direction,
)
from .graph import Edge, Graph, Vertex
from .names import greek
from .saving import write_whole
from .values import CURRENT_COLOUR, ROLE_COLOURS

_SYMMETRIC = {"add", "multiply", "maximum", "minimum"}  # their operands need no numbers
FORMATS = ("svg", "png", "pdf")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # not allowed in an SVG
_CURRENT = {"color": CURRENT_COLOUR, "penwidth": "3"}

# Runs in its own process, as `dot` does, so that its C library's remarks on fonts are not seen.
_PYGRAPHVIZ = """
import sys, pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot", args=" ".join(sys.argv[2:])))
"""
_LEGIBLE = "-Gdpi=150"  # makes the text of a PNG 23 pixels high: 16 points at 1280 × 720


def renderers(format: str = "svg") -> list[list[str]]:
    """Return the commands that turn DOT into a picture on this machine, the best first."""
    options = [_LEGIBLE] if format == "png" else []
    commands = [["dot", f"-T{format}", *options]] if shutil.which("dot") else []
    pygraphviz = [sys.executable, "-c", _PYGRAPHVIZ, format, *options]
    return [*commands, pygraphviz] if find_spec("pygraphviz") else commands


def check_renderers() -> None:
    """Raise MissingPackageError, which names both remedies, if nothing here can draw."""
    if sys.platform == "emscripten":  # where no other program can run
        raise MissingPackageError(f"a drawing needs Graphviz; {HAS_ALONE}")
    if not renderers():
        raise MissingPackageError(
            "drawing needs Graphviz, and there is neither a `dot` program nor pygraphviz. "
            "Run pip install 'microbn[lab]', or install your system's graphviz package. "
            "The DOT text itself, drawing.source, needs neither"
        )


class Drawing:
    """A graph in the DOT language, and the picture that Graphviz draws of it.

    ``source`` is the DOT text, which needs no Graphviz. Rendering runs the ``dot`` program, or
    the copy of it inside pygraphviz's wheels. It raises MissingPackageError if neither is
    installed, and RenderError if they fail.
    """

    def __init__(self, source: str) -> None:
        self.source = source

    def render(self, format: str) -> bytes:
        """Return the picture as "svg", "png" or "pdf". Raises ArgumentError for another format."""
        if format not in FORMATS:
            raise ArgumentError(
                f"draw: {format!r} is not a format; use one of {', '.join(FORMATS)}"
            )
        check_renderers()
        for command in renderers(format):
            source = self.source.encode(errors="replace")  # writes half a surrogate pair as "?"
            made = subprocess.run(command, input=source, capture_output=True)
            if made.returncode == 0:
                return made.stdout
        raise RenderError(f"Graphviz failed: {made.stderr.decode(errors='replace').strip()}")

    def svg(self) -> str:
        """Return the picture as SVG text."""
        return self.render("svg").decode()

    def save(self, path: str | Path) -> Path:
        """Write the picture in the format of the suffix: .svg, .png or .pdf. Return the path."""
        return write_whole(path, self.render(Path(path).suffix.lstrip(".").lower()))

    def _repr_html_(self) -> str:
        try:
            return self.svg()
        except Exception as error:  # a notebook's repr must not raise
            return f"<pre>{html.escape(str(error))}\n\n{html.escape(self.source)}</pre>"


def to_dot(
    graph: Graph,
    *,
    values: bool = True,
    grads: bool = True,
    direction: str | None = None,
    current: Collection[str] = (),
    sent: Collection[str] = (),
    later: Collection[str] = (),
    caption: str = "",
    rooms: Mapping[str, Room] = MappingProxyType({}),
) -> Drawing:
    """Draw a snapshot: each node with its name, shape, value and gradient ("–" if there is none).

    Inputs are blue, parameters green, constants grey, the result orange, and a suspect is red. The
    gradient's own graph is violet and runs the other way, beside the forward. Groups have a frame.
    Arrows are numbered if the function's operands cannot trade places. ``current`` are the nodes
    and edges of a step, drawn bold. ``sent`` are edges with a message, drawn bold and against the
    arrow. Nodes that come ``later`` are dashed and white. The ``caption`` stands below.
    ``direction`` is "LR", left to right, or "TB", top to bottom; None is the one in which the text
    is larger on a screen of 1280 × 720. ``rooms`` has the room of a box, by its id, if it is to be
    larger than its text. A drawing of names alone, without values and gradients, is tight.
    """
    if direction not in ("LR", "TB", None):
        raise ArgumentError(f"draw: direction is 'LR' or 'TB', not {direction!r}")
    boxes = {
        node.id: box_lines(box_columns(node, values, grads), rooms.get(node.id))
        for node in graph.nodes
    }
    if direction is None:
        direction = larger_direction(sizes_of(graph, boxes), len(caption.splitlines()))
    clusters = _clusters(graph, direction, caption)
    if not (values or grads):
        clusters[()].attr("node", height="0.3")
        clusters[()].attr(ranksep="0.2", nodesep="0.15")
    for node in graph.nodes:
        lines = "".join(_escaped(_unfoldable(line)) + r"\l" for line in boxes[node.id])
        clusters[node.scope].node(node.id, lines, **_look(node, current, later))
    for path in reversed(clusters):  # the innermost first, because graphviz copies a subgraph
        if path:
            clusters[path[:-1]].subgraph(clusters[path])
    _draw_arrows(clusters[()], graph, current, sent)
    return Drawing(clusters[()].source)


def _look(node: Vertex, current: Collection[str], later: Collection[str]) -> dict[str, str]:
    ids = {node.id, *node.members}
    look = {"fillcolor": ROLE_COLOURS[node.role], **(_CURRENT if ids & {*current} else {})}
    dashed = {"fillcolor": "white", "style": "rounded,filled,dashed"}
    return look | (dashed if ids <= {*later} else {})


def sizes_of(graph: Graph, boxes: Mapping[str, list[str]]) -> dict[str, Size]:
    """Estimate how large the drawing of a graph becomes in each direction."""
    back = _backward(graph)
    ways = (_way(edge, back) for edge in graph.edges)
    ends = [ends for ends, way in ways if "constraint" not in way]
    forward = [id for id in boxes if id not in back]
    order = [*forward, *(id for id in reversed([*boxes]) if id in back)]
    return sizes_by_direction({id: size_of_box(boxes[id]) for id in order}, ends)


def _draw_arrows(dot: Any, graph: Graph, current: Collection[str], sent: Collection[str]) -> None:
    functions = {node.id: node.function for node in graph.nodes}
    numbered = {
        edge.target
        for edge in graph.edges
        if edge.position > 0 and functions[edge.target] not in _SYMMETRIC
    }
    back = _backward(graph)
    for edge in graph.edges:
        label = str(edge.position + 1) if edge.target in numbered else None
        uses = {edge.id, *edge.uses}
        bold = _CURRENT if uses & {*current, *sent} else {}
        ends, way = _way(edge, back)
        against = {"dir": "forward" if "dir" in way else "back"} if uses & {*sent} else {}
        dot.edge(*ends, label=label, id=edge.id, **(way | bold | against))


def _escaped(text: str) -> str:
    """Escape a text so that DOT shows it as it is."""
    graphviz = need_package("graphviz", "", "a drawing")
    text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    return graphviz.escape(text.replace("&", "&amp;"))  # or Graphviz would read entities


def _unfoldable(line: str) -> str:
    """Return a line with spaces that an SVG does not fold."""
    return line.replace(" ", "\N{NO-BREAK SPACE}")


def _clusters(graph: Graph, direction: str, caption: str) -> dict[tuple, Any]:
    """Return an empty picture, under the path (), and an empty frame for each group."""
    graphviz = need_package("graphviz", "", "a drawing")
    dot = graphviz.Digraph("microbn")
    dot.attr(rankdir=direction, ranksep="0.3", nodesep="0.25", bgcolor="white")
    dot.attr(fontname="DejaVu Sans", fontsize="14", labeljust="l")
    dot.attr(label="".join(_escaped(line) + r"\l" for line in caption.splitlines()))
    dot.attr("node", shape="box", style="rounded,filled", fontname="DejaVu Sans Mono,monospace")
    dot.attr("node", fontsize="11", margin="0.1,0.06", color="#555555")
    dot.attr("edge", color="#555555", arrowsize="0.7", fontsize="10", fontname="DejaVu Sans")
    clusters: dict[tuple, Any] = {(): dot}
    for i, path in enumerate(graph.groups()):
        frame = clusters[path] = graphviz.Digraph(f"cluster_{i}")
        frame.attr(label=_escaped(greek(path[-1])), style="rounded", color="#8a8a8a")
        frame.attr(fontcolor="#444444", fontsize="12")
    return clusters


def _backward(graph: Graph) -> set[str]:
    """Return the nodes of a gradient's own graph.

    They are recorded by its sweep, or made from such nodes, or leaves that only they use.
    """
    back = {node.id for node in graph.nodes if _is_gradient(node)}
    for edge in graph.edges:
        if edge.source in back:
            back.add(edge.target)
    forward = {edge.source for edge in graph.edges if edge.target not in back}
    made = {edge.target for edge in graph.edges}
    leaves = {node.id for node in graph.nodes} - made - forward
    return back | leaves if back else back


def _is_gradient(node: Vertex) -> bool:
    """Return whether a node, or a closed group, was recorded by a sweep."""
    path = (*node.scope, node.name)
    return path[0] == "gradient" if node.members else node.role == "gradient"


def _way(edge: Edge, back: set[str]) -> tuple[tuple[str, str], dict[str, str]]:
    """Return the ends of an arrow and its attributes.

    Arrows in a gradient's graph run backward, and those from the forward into it do not affect
    the layout.
    """
    if edge.source in back and edge.target in back:
        return (edge.target, edge.source), {"dir": "back"}
    if edge.target in back:
        return (edge.source, edge.target), {"constraint": "false", "style": "dashed"}
    return (edge.source, edge.target), {}
