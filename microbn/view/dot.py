"""A snapshot drawn by Graphviz: one box a value, one arrow a use."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArgumentError, MissingPackageError, need_package
from .graph import Edge, Graph, Node

GREEK = {
    "gamma": "γ",
    "beta": "β",
    "eps": "ε",
    "mean": "μ",
    "var": "σ²",
    "x_hat": "x̂",
    "centered": "x − μ",
    "square": "(x − μ)²",
    "std": "√(σ² + ε)",
    "scaled": "γ · x̂",
}
SIGNS = {"add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "matmul": "@", "sqrt": "√"}
FORMATS = ("svg", "png", "pdf")
_FILL = {"leaf": "#dcebf7", "constant": "#f2f2f2", "computed": "#ffffff", "result": "#fbe3d0"}


class Drawing:
    """A graph in the DOT language, and what Graphviz makes of it.

    ``source`` is the DOT text, which needs no Graphviz. Rendering takes the ``dot`` program, or
    the copy of it inside pygraphviz's wheels; without either it raises MissingPackageError.
    """

    def __init__(self, source: str) -> None:
        self.source = source

    def render(self, format: str) -> bytes:
        """The picture as "svg", "png" or "pdf". Raises ArgumentError for any other format."""
        if format not in FORMATS:
            raise ArgumentError(f"draw: format {format!r} is not one of {', '.join(FORMATS)}")
        if shutil.which("dot"):
            import graphviz

            return graphviz.Source(self.source).pipe(format=format)
        try:
            pygraphviz = need_package("pygraphviz", "lab", "drawing")
        except MissingPackageError as error:
            raise MissingPackageError(
                "drawing needs Graphviz, and there is neither a `dot` program nor pygraphviz. "
                "Either: pip install 'microbn[lab]', or your system's graphviz package. "
                "The DOT text itself, drawing.source, needs neither"
            ) from error
        return pygraphviz.AGraph(string=self.source).draw(format=format, prog="dot")

    def svg(self) -> str:
        """The picture as SVG text."""
        return self.render("svg").decode()

    def save(self, path: str | Path) -> Path:
        """Write the picture; the format follows from the suffix, .svg, .png or .pdf."""
        path = Path(path)
        path.write_bytes(self.render(path.suffix.lstrip(".")))
        return path

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        try:
            return {"image/svg+xml": self.svg(), "text/plain": self.source}
        except Exception as error:  # a notebook's repr must not raise
            return {"text/plain": f"{error}\n\n{self.source}"}


def to_dot(graph: Graph, *, values: bool = True, grads: bool = True) -> Drawing:
    """Draw a snapshot: each node with its name, shape, value and gradient ("–" where none is)."""
    import graphviz

    dot = graphviz.Digraph("microbn")
    dot.attr(rankdir="LR", ranksep="0.35", nodesep="0.25", bgcolor="white")
    dot.attr("node", shape="box", style="rounded,filled", fontname="DejaVu Sans Mono,monospace")
    dot.attr("node", fontsize="11", margin="0.12,0.07", color="#555555")
    dot.attr("edge", color="#555555", arrowsize="0.7", fontsize="10", fontname="DejaVu Sans")
    for node in graph.nodes:
        label = graphviz.escape(_label(node, values, grads))
        dot.node(node.id, label, fillcolor=_FILL[node.role])
    sides = {e.target for e in graph.edges if e.position > 0}
    for edge in graph.edges:
        dot.edge(edge.source, edge.target, label=_side(edge) if edge.target in sides else None)
    return Drawing(dot.source)


def _side(edge: Edge) -> str:
    """Which operand an arrow is, where it matters."""
    return str(edge.position + 1)


def _label(node: Node, values: bool, grads: bool) -> str:
    sign = SIGNS.get(node.function, node.function)
    title = "   ".join(part for part in (GREEK.get(node.name, node.name), sign) if part)
    if node.role == "constant" and node.value.ndim == 0:
        return f"{node.value}"
    lines = [f"{title or node.role}   {node.value.shape}"]
    if values:
        lines.append(f"value {_numbers(node.value)}")
    if grads and node.role != "constant":
        lines.append(f"grad  {'–' if node.gradient is None else _numbers(node.gradient)}")
    return "\n".join(lines)


def _numbers(array: np.ndarray) -> str:
    """Up to a dozen entries in full, rows under each other; of more, the range and the mean."""
    if array.size > 12:
        least, mean, most = float(array.min()), float(array.mean()), float(array.max())
        return f"{least:.3g} … {most:.3g}, mean {mean:.3g}"
    numbers = np.array2string(array, precision=3, suppress_small=True, prefix="value ", sign=" ")
    return numbers.replace("[", " ").replace("]", " ").rstrip()
