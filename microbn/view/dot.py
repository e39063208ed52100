"""A snapshot drawn by Graphviz: one box a value, one arrow a use."""

from __future__ import annotations

import html
import shutil
import subprocess
import sys
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path

import numpy as np

from ..errors import ArgumentError, MissingPackageError, RenderError
from .graph import Graph, Node

GREEK = {
    "gamma": "γ", "beta": "β", "eps": "ε",
    "mean": "μ", "var": "σ²", "std": "σ", "x_hat": "x̂",
}  # fmt: skip
SIGNS = {"add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "matmul": "@", "sqrt": "√"}
_SYMMETRIC = {"add", "multiply", "maximum", "minimum"}  # whose operands need no numbers
FORMATS = ("svg", "png", "pdf")
_FILL = {
    "leaf": "#dcebf7", "constant": "#f2f2f2", "computed": "#ffffff", "result": "#fbe3d0",
    "suspect": "#f4a09a",
}  # fmt: skip

# In a process of its own, as `dot` is: what its C library prints about fonts stays there.
_PYGRAPHVIZ = """
import sys, pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot"))
"""


def renderers(format: str = "svg") -> list[list[str]]:
    """The commands that turn DOT into a picture on this machine, the best first."""
    commands = [["dot", f"-T{format}"]] if shutil.which("dot") else []
    pygraphviz = [sys.executable, "-c", _PYGRAPHVIZ, format]
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
            made = subprocess.run(command, input=self.source.encode(), capture_output=True)
            if made.returncode == 0:
                return made.stdout
        raise RenderError(f"Graphviz failed: {made.stderr.decode(errors='replace').strip()}")

    def svg(self) -> str:
        """The picture as SVG text."""
        return self.render("svg").decode()

    def save(self, path: str | Path) -> Path:
        """Write the picture; the format follows from the suffix, .svg, .png or .pdf."""
        path = Path(path)
        path.write_bytes(self.render(path.suffix.lstrip(".").lower()))
        return path

    def _repr_html_(self) -> str:
        try:
            return self.svg()
        except Exception as error:  # a notebook's repr must not raise
            return f"<pre>{html.escape(str(error))}\n\n{html.escape(self.source)}</pre>"


def to_dot(
    graph: Graph, *, values: bool = True, grads: bool = True, direction: str = "LR"
) -> Drawing:
    """Draw a snapshot: each node with its name, shape, value and gradient ("–" where none is).

    Leaves are blue, constants grey, the result is orange, a suspect red; arrows into a function
    whose operands cannot trade places are numbered. ``direction`` is "LR" or "TB": left to right,
    top to bottom.
    """
    if direction not in ("LR", "TB"):
        raise ArgumentError(f"draw: direction is 'LR' or 'TB', not {direction!r}")
    import graphviz

    dot = graphviz.Digraph("microbn")
    dot.attr(rankdir=direction, ranksep="0.3", nodesep="0.25", bgcolor="white")
    dot.attr("node", shape="box", style="rounded,filled", fontname="DejaVu Sans Mono,monospace")
    dot.attr("node", fontsize="11", margin="0.1,0.06", color="#555555")
    dot.attr("edge", color="#555555", arrowsize="0.7", fontsize="10", fontname="DejaVu Sans")
    functions = {node.id: node.function for node in graph.nodes}
    numbered = {e.target for e in graph.edges if e.position > 0} - {
        id for id, function in functions.items() if function in _SYMMETRIC
    }
    for node in graph.nodes:
        # graphviz.escape takes names as they are; \\l ends a line that is set to the left
        lines = [graphviz.escape(line) + r"\l" for line in _lines(node, values, grads)]
        dot.node(node.id, "".join(lines), fillcolor=_FILL[node.role])
    for edge in graph.edges:
        number = str(edge.position + 1) if edge.target in numbered else None
        dot.edge(edge.source, edge.target, label=number)
    return Drawing(dot.source)


def _lines(node: Node, values: bool, grads: bool) -> list[str]:
    """A node in text: a title, then value and gradient side by side."""
    if node.role == "constant" and node.value.ndim == 0:
        return [str(node.value)]
    sign = SIGNS.get(node.function, node.function)
    name = " ".join(GREEK.get(node.name, node.name).split()) or ("" if sign else node.role)
    title = "   ".join(dict.fromkeys(part for part in (name, sign, str(node.value.shape)) if part))
    columns = [["value", *_rows(node.value)]] if values else []
    if grads and node.role != "constant":
        columns.append(["gradient", *(["–"] if node.gradient is None else _rows(node.gradient))])
    for column in columns:
        width = max(map(len, column))
        column[:] = [cell.ljust(width) for cell in column]
    table = (" │ ".join(cells).rstrip() for cells in zip_longest(*columns, fillvalue=""))
    return [line.replace(" ", "\N{NO-BREAK SPACE}") for line in (title, *table)]  # SVG folds spaces


def _rows(array: np.ndarray) -> list[str]:
    """Up to a dozen entries in full, a line for each row; of more, the mean and the range."""
    if not array.size:
        return ["empty"]
    if array.size > 12 or array.ndim > 2:
        with np.errstate(all="ignore"):  # of infinities there is no mean
            return [f"mean {array.mean():.3g}", f"{array.min():.3g} … {array.max():.3g}"]
    cells = [[f"{float(v):.3g}" for v in row] for row in np.atleast_2d(array)]
    width = max(len(cell) for row in cells for cell in row)
    return ["  ".join(cell.rjust(width) for cell in row) for row in cells]
