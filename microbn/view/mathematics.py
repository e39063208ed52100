"""The mathematics of a step: its operation, and the gradient that each operand gets, typeset.

No formula is written here. The operation and the rules were read with marks in the place of values
(``words.py``), and are typeset as MathML, with ∂L/∂ for a gradient. Every name has the class of its
node's role, as the boxes of the graph have its colour; the gradient that is sent on is "now".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.functions import relu
from .axes import below_sum, repeated_axes
from .graph import Graph, Vertex
from .mathml import Tree, name_tree, operator, row, text_tree
from .typesetting import ATOM, POWER, SUM, Typeset, UnreadableError, enclosed, typeset
from .words import Words

# What a class says of a gradient that comes back through these functions.
_PATTERNS: dict[Callable, str] = {
    np.add: "add distributes", np.subtract: "add distributes",
    np.multiply: "mul swaps", np.matmul: "mul swaps",
    np.max: "max routes", np.min: "max routes", relu: "max routes",
    np.maximum: "max routes", np.minimum: "max routes",
}  # fmt: skip
_MOST_TERMS = 3  # of a sum that are written; of more, only the last
_INCOMING, _RESULT = "mark0", "mark1"


def gradient_pattern(function: Any, summed: str) -> str:
    """Return the name of the pattern by which a gradient comes back, "" if it has none.

    ``summed`` is not "" if the rule's result was summed because NumPy had repeated the operand.
    """
    return ", ".join(filter(None, [_PATTERNS.get(function), "broadcast sums" if summed else ""]))


class Mathematics:
    """Typesets the steps of a story, in their order. A line is a tree as in ``mathml.py``."""

    def __init__(self, graph: Graph, words: Words) -> None:
        self._words = words
        self._nodes = {node.id: node for node in graph.nodes}
        self._operands: dict[str, dict[int, str]] = {node.id: {} for node in graph.nodes}
        self._positions = {edge.id: edge.position for edge in graph.edges}
        for edge in graph.edges:
            self._operands[edge.target][edge.position] = edge.source
        self._root = graph.nodes[-1].id
        self._values: dict[str, Typeset] = {}
        self._terms: dict[str, list[Typeset]] = {}  # what a value has received, by its id

    def forward(self, id: str) -> tuple[Tree, ...]:
        """Typeset the operation that computed a value. A leaf has none."""
        if not self._nodes[id].function:
            return ()
        try:
            right = self._operation(id)
        except UnreadableError:
            right = Typeset(text_tree(self._words.formulas[id]))
        if self._is_formula(self._nodes[id]):
            return (["math", {}, right.tree],)
        return (_equation(self._value(id).tree, enclosed(right, SUM)),)

    def backward(self, id: str, parts: Sequence[Any]) -> tuple[Tree, ...]:
        """Typeset the operation again, and below it the gradient that each operand receives.

        ``parts`` are those of a StoryStep.
        A value that is used several times receives the sum of as many terms; terms that are still
        to come are written ⋯.
        """
        lines = []
        for part in parts:
            terms = self._terms.setdefault(part.receiver, [])
            shown = [*terms, self._term(id, part, now=True)]
            lines.append(self._received(part.receiver, shown, part.expected))
            terms.append(self._term(id, part))
        return (*self.forward(id), *lines)

    def _received(self, id: str, terms: Sequence[Typeset], expected: int) -> Tree:
        """Write ∂L/∂x = the terms so far, plus ⋯ if more are to come."""
        dots = [Typeset(operator("⋯"))]
        shown = [*terms] if len(terms) <= _MOST_TERMS else [*dots, terms[-1]]
        shown += dots * (len(terms) < expected)
        trees = [tree for term in shown for tree in _signed(term)]
        trees = trees[1:] if trees[0] == operator("+") else trees
        return _equation(self._partial(id), row(*trees))

    def _term(self, id: str, part: Any, now: bool = False) -> Typeset:
        """Typeset what a rule sends to an operand, with its sum if the operand was repeated."""
        position = self._positions[part.edge]
        axes = repeated_axes(part.product.shape, part.gradient.shape)
        over = below_sum(axes, part.product.shape) if axes else ""
        gradient = Typeset(self._partial(id, now), shape=self._nodes[id].value.shape)
        names = self._marks(id) | {_INCOMING: gradient, _RESULT: self._value(id)}
        text = _identified(self._words.marked_rules[id, position])
        try:
            return typeset(text, names, _INCOMING, over)
        except UnreadableError:
            said = f"{part.rule}, {part.summed}" if part.summed else part.rule
            return Typeset(text_tree(said))

    def _operation(self, id: str) -> Typeset:
        text = self._words.marked_operations[id]
        if not text:
            raise UnreadableError(id)
        return typeset(_identified(text), self._marks(id))

    def _marks(self, id: str) -> dict[str, Typeset]:
        """Return how the operands of a value look, by their marks."""
        operands = self._operands[id].items()
        return {f"mark{position + 2}": self._value(source) for position, source in operands}

    def _value(self, id: str) -> Typeset:
        """Typeset the name of a value. One that is called by its formula is that formula."""
        if id not in self._values:
            self._values[id] = self._named(self._nodes[id])
        return self._values[id]

    def _named(self, node: Vertex) -> Typeset:
        name, shape, level = self._words.names[node.id], node.value.shape, None
        if node.role == "constant":  # ε = 1e-05 is called ε
            name = name.partition(" = ")[0]
        tree = name_tree(name)
        if node.id == self._root and name == "loss" and not shape:
            tree = name_tree("L")
        elif self._is_formula(node):
            try:
                tree, level, _ = self._operation(node.id)
            except UnreadableError:
                tree = text_tree(name)
        role = {"class": node.role}
        if tree[0] in ("mi", "mover"):
            return Typeset([tree[0], tree[1] | role, *tree[2:]], shape=shape)
        if level is None:  # σ² is a power, and x₀₁ binds as tightly as x
            level = POWER if tree[0] in ("msup", "msubsup") else ATOM
        return Typeset(["mrow", role, tree], level, shape)

    def _is_formula(self, node: Vertex) -> bool:
        """Return whether a value has no name of its own, and is called by its formula."""
        name = self._words.names[node.id]
        return bool(node.function and not node.name and not name.isidentifier())

    def _partial(self, id: str, now: bool = False) -> Tree:
        """Return ∂L/∂x as a fraction."""
        curl: Tree = ["mi", {"mathvariant": "normal"}, "∂"]
        below = row(curl, enclosed(self._value(id), POWER))
        return ["mfrac", {"class": "now"} if now else {}, row(curl, ["mi", {}, "L"]), below]


def _identified(text: str) -> str:
    """Turn the marks ⟨-2⟩, ⟨-1⟩, ⟨0⟩ into identifiers, mark0, mark1, mark2, for Python's ast."""
    return re.sub(r"⟨(-?\d+)⟩", lambda found: f"mark{int(found[1]) + 2}", text)


def _equation(left: Tree, right: Tree) -> Tree:
    return ["math", {}, row(left, operator("="), right)]


def _signed(term: Typeset) -> list[Tree]:
    """Return a term of a sum behind its sign."""
    tree = term.tree
    if tree[0] == "mrow" and len(tree) > 3 and tree[2] == operator("−"):
        return [operator("−"), row(*tree[3:])]
    return [operator("+"), enclosed(term, SUM)]
