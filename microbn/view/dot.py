"""A snapshot drawn by Graphviz: one box a value, one arrow a use."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
from collections.abc import Collection
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArgumentError, MissingPackageError, RenderError
from .graph import Edge, Graph, Node
from .saving import write_whole
from .values import number, short, spread
from .words import SIGNS, greek

_SYMMETRIC = {"add", "multiply", "maximum", "minimum"}  # whose operands need no numbers
FORMATS = ("svg", "png", "pdf")
_FILL = {
    "input": "#dcebf7", "parameter": "#d3ecdf", "constant": "#f2f2f2", "computed": "#ffffff",
    "gradient": "#eee2f5", "result": "#fbe3d0", "suspect": "#f4a09a", "group": "#e8e8e8",
}  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # which no SVG can hold
_CURRENT = {"color": "#c43c00", "penwidth": "3"}

# In a process of its own, as `dot` is: what its C library prints about fonts stays there.
_PYGRAPHVIZ = """
import sys, pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot", args=" ".join(sys.argv[2:])))
"""
_LEGIBLE = "-Gdpi=150"  # the text of a PNG is then 23 pixels high, 16 points at 1280 × 720


def renderers(format: str = "svg") -> list[list[str]]:
    """The commands that turn DOT into a picture on this machine, the best first."""
    options = [_LEGIBLE] if format == "png" else []
    commands = [["dot", f"-T{format}", *options]] if shutil.which("dot") else []
    pygraphviz = [sys.executable, "-c", _PYGRAPHVIZ, format, *options]
    return [*commands, pygraphviz] if find_spec("pygraphviz") else commands


def check_renderers() -> None:
    """Raise MissingPackageError, which names both remedies, where nothing here can draw."""
    if not renderers():
        raise MissingPackageError(
            "drawing needs Graphviz, and there is neither a `dot` program nor pygraphviz. "
            "Either: pip install 'microbn[lab]', or your system's graphviz package. "
            "The DOT text itself, drawing.source, needs neither"
        )


class Drawing:
    """A graph in the DOT language, and what Graphviz makes of it.

    ``source`` is the DOT text, which needs no Graphviz. Rendering takes the ``dot`` program, or
    the copy of it inside pygraphviz's wheels. It raises MissingPackageError without either, and
    RenderError where they fail.
    """

    def __init__(self, source: str) -> None:
        self.source = source

    def render(self, format: str) -> bytes:
        """The picture as "svg", "png" or "pdf". Raises ArgumentError for any other format."""
        if format not in FORMATS:
            raise ArgumentError(f"draw: {format!r} is no format; it is one of {', '.join(FORMATS)}")
        check_renderers()
        for command in renderers(format):
            source = self.source.encode(errors="replace")  # half a surrogate pair is "?"
            made = subprocess.run(command, input=source, capture_output=True)
            if made.returncode == 0:
                return made.stdout
        raise RenderError(f"Graphviz failed: {made.stderr.decode(errors='replace').strip()}")

    def svg(self) -> str:
        """The picture as SVG text."""
        return self.render("svg").decode()

    def save(self, path: str | Path) -> Path:
        """Write the picture; the format follows from the suffix, .svg, .png or .pdf."""
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
    direction: str = "LR",
    current: Collection[str] = (),
    sent: Collection[str] = (),
    caption: str = "",
) -> Drawing:
    """Draw a snapshot: each node with its name, shape, value and gradient ("–" where none is).

    Inputs are blue, parameters green, constants grey, the result is orange, the gradient's own
    graph violet and laid the other way, beside the forward; a suspect is red, and groups have a
    frame. Arrows into a function whose operands cannot trade places are numbered. ``current`` are
    the nodes and edges of a step, drawn bold; ``sent`` are edges along which a message goes, bold
    and against the arrow; and the ``caption`` stands below. ``direction`` is "LR" or "TB": left to
    right, top to bottom.
    """
    if direction not in ("LR", "TB"):
        raise ArgumentError(f"draw: direction is 'LR' or 'TB', not {direction!r}")
    clusters = _clusters(graph, direction, caption)
    for node in graph.nodes:
        lines = "".join(_escaped(line) + r"\l" for line in _lines(node, values, grads))
        bold = _CURRENT if {node.id, *node.members} & {*current} else {}
        clusters[node.scope].node(node.id, lines, fillcolor=_FILL[node.role], **bold)
    for path in reversed(clusters):  # from the inside out: what is added is copied
        if path:
            clusters[path[:-1]].subgraph(clusters[path])
    functions = {node.id: node.function for node in graph.nodes}
    numbered = {edge.target for edge in graph.edges if edge.position > 0} - {
        id for id, function in functions.items() if function in _SYMMETRIC
    }
    back = _backward(graph)
    for edge in graph.edges:
        label = str(edge.position + 1) if edge.target in numbered else None
        uses = {edge.id, *edge.uses}
        bold = _CURRENT if uses & {*current, *sent} else {}
        ends, way = _way(edge, back)
        against = {"dir": "forward" if "dir" in way else "back"} if uses & {*sent} else {}
        clusters[()].edge(*ends, label=label, **(way | bold | against))
    return Drawing(clusters[()].source)


def _escaped(text: str) -> str:
    """A text that is shown as it is, whatever DOT would read in it."""
    import graphviz

    text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    return graphviz.escape(text.replace("&", "&amp;"))  # Graphviz reads entities


def _clusters(graph: Graph, direction: str, caption: str) -> dict[tuple, Any]:
    """An empty picture, under the path (), and for each group the frame that its nodes go into."""
    import graphviz

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
    """The nodes of a gradient's own graph: what its sweep recorded, what is made from that, and
    leaves that nothing else uses.
    """
    back = {node.id for node in graph.nodes if _path(node)[:1] == ("gradient",)}
    for edge in graph.edges:
        if edge.source in back:
            back.add(edge.target)
    forward = {edge.source for edge in graph.edges if edge.target not in back}
    made = {edge.target for edge in graph.edges}
    leaves = {node.id for node in graph.nodes} - made - forward
    return back | leaves if back else back


def _path(node: Node) -> tuple[str, ...]:
    """The groups that a node is in; of a closed group its own path."""
    return (*node.scope, node.name) if node.members else node.scope


def _way(edge: Edge, back: set[str]) -> tuple[tuple[str, str], dict[str, str]]:
    """An arrow, and how it counts in the layout: a gradient's graph goes back as the forward came,
    and what it reads of the forward moves nothing.
    """
    if edge.source in back and edge.target in back:
        return (edge.target, edge.source), {"dir": "back"}
    if edge.target in back:
        return (edge.source, edge.target), {"constraint": "false", "style": "dashed"}
    return (edge.source, edge.target), {}


def _lines(node: Node, values: bool, grads: bool) -> list[str]:
    """A node in text: a title, then value and gradient side by side."""
    if node.role == "group":
        count = len(node.members)
        return [f"▸ {greek(node.name)}   {count} value{'s' * (count != 1)}"]
    if node.role == "constant" and node.value.ndim == 0:
        return [short(node.value)]
    sign = SIGNS.get(node.function, node.function)
    name = greek(node.name) or ("" if sign else node.role)
    shape = "" if node.value is None else str(node.value.shape)
    title = "   ".join(dict.fromkeys(part for part in (name, sign, shape) if part))
    columns = [["value", *_rows(node.value)]] if values else []
    if grads and node.role != "constant":
        columns.append(["gradient", *_rows(node.gradient)])
    for column in columns:
        width = max(map(len, column))
        column[:] = [cell.ljust(width) for cell in column]
    table = (" │ ".join(cells).rstrip() for cells in zip_longest(*columns, fillvalue=""))
    return [line.replace(" ", "\N{NO-BREAK SPACE}") for line in (title, *table)]  # SVG folds spaces


def _rows(array: np.ndarray | None) -> list[str]:
    """Up to a dozen entries in full, a line for each row; of more, the mean and the range."""
    if array is None:
        return ["–"]
    if not array.size:
        return ["empty"]
    if array.size > 12 or array.ndim > 2:
        low, mean, high = spread(array)
        return [f"mean {mean}", f"{low} … {high}"]
    cells = [[number(v) for v in row] for row in np.atleast_2d(array)]
    width = max(len(cell) for row in cells for cell in row)
    return ["  ".join(cell.rjust(width) for cell in row) for row in cells]
