"""The mathematics of a step: its operation, and the gradient that each operand gets, typeset.

No formula is written here. The operation and the rules were read with marks in the place of values
(``words.py``), and are typeset as MathML, with ∂L/∂ for a gradient. Every name has the class of its
node's role, as the boxes of the graph have its colour; the gradient that is sent on is "now".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..engine.functions import relu
from .axes import below_sum, repeated_axes
from .graph import Vertex
from .links import Links
from .mathml import Tree, name_tree, operator, row, text_tree
from .phrases import array_in_formula
from .sums import Sent, Sums
from .typesetting import ATOM, POWER, SUM, Typeset, UnreadableError, enclosed, typeset
from .words import Words, positions_read

# What a class says of a gradient that comes back through these functions.
_PATTERNS: dict[Callable, str] = {
    np.add: "add distributes", np.subtract: "add distributes",
    np.multiply: "mul swaps", np.matmul: "mul swaps",
    np.max: "max routes", np.min: "max routes", relu: "max routes",
    np.maximum: "max routes", np.minimum: "max routes",
}  # fmt: skip
_MOST_TERMS = 3  # of a sum that are written; of more, only the last
_MOST_VALUES = 1000  # so many typeset values are kept
_INCOMING, _RESULT = "mark0", "mark1"


def gradient_pattern(function: Any, summed: str) -> str:
    """Return the name of the pattern by which a gradient comes back, "" if it has none.

    ``summed`` is not "" if the rule's result was summed because NumPy had repeated the operand.
    """
    return ", ".join(filter(None, [_PATTERNS.get(function), "broadcast sums" if summed else ""]))


class Mathematics:
    """Typesets the steps of a story, in any order. A line is a tree as in ``mathml.py``."""

    def __init__(self, links: Links, words: Words) -> None:
        self._words, self._links = words, links
        self._values: dict[str, Typeset] = {}  # some that were typeset before, by their ids

    def forward(self, id: str) -> tuple[Tree, ...]:
        """Typeset the operation that computed a value. A leaf has none."""
        if not self._links.nodes[id].function:
            return ()
        try:
            right = self._operation(id)
        except UnreadableError:
            right = Typeset(text_tree(self._words.formula(id)))
        if self._is_formula(self._links.nodes[id]):
            return (["math", {}, right.tree],)
        return (_equation(self._value(id).tree, enclosed(right, SUM)),)

    def backward(self, id: str, sent: Iterable[Sent], sums: Sums) -> tuple[Tree, ...]:
        """Typeset the operation again, and below it the gradient that each operand receives.

        A value that is used several times receives the sum of as many terms; terms that are still
        to come are written ⋯.
        """
        return (*self.forward(id), *(self._received(one, sums) for one in sent))

    def _received(self, sent: Sent, sums: Sums) -> Tree:
        """Write ∂L/∂x = the terms so far, plus ⋯ if more are to come."""
        number, dots = sent.message.operand.number, Typeset(operator("⋯"))
        shown = [self._term(sent, now=True)]
        if sent.nth > _MOST_TERMS:
            shown = [dots, *shown]
        elif sent.nth > 1:
            shown = [*map(self._term, sums.shared[number][: sent.nth - 1]), *shown]
        shown += [dots] * (sent.nth < sums.expected[number])
        trees = [tree for term in shown for tree in _signed(term)]
        trees = trees[1:] if trees[0] == operator("+") else trees
        return _equation(self._partial(self._links.ids[number]), row(*trees))

    def _term(self, sent: Sent, now: bool = False) -> Typeset:
        """Typeset what a rule sends to an operand, with its sum if the operand was repeated."""
        id, wide = sent.sender, np.shape(sent.message.product)
        axes = repeated_axes(wide, sent.gradient.shape)
        over = below_sum(axes, wide) if axes else ""
        gradient = Typeset(self._partial(id, now), shape=self._links.nodes[id].value.shape)
        names = self._marks(id, sent.rule) | {_INCOMING: gradient, _RESULT: self._value(id)}
        try:
            return typeset(_identified(sent.rule), names, _INCOMING, over)
        except UnreadableError:
            wording = self._words.wording(id, sent.message, sent.rule)
            return Typeset(text_tree(", ".join(filter(None, wording))))

    def _operation(self, id: str) -> Typeset:
        text = self._words.operation(id)
        if not text:
            raise UnreadableError(id)
        return typeset(_identified(text), self._marks(id, text))

    def _marks(self, id: str, text: str) -> dict[str, Typeset]:
        """Return the typeset operands for the marks in a text, by mark."""
        sources = {p: self._links.source(id, p) for p in positions_read(text) if p >= 0}
        return {f"mark{p + 2}": self._value(source) for p, source in sources.items() if source}

    def _value(self, id: str) -> Typeset:
        """Typeset the name of a value. One that is called by its formula is that formula."""
        if id not in self._values:
            tree = self._named(self._links.nodes[id])
            if len(self._values) >= _MOST_VALUES:
                self._values.clear()
            self._values[id] = tree
        return self._values[id]

    def _named(self, node: Vertex) -> Typeset:
        name, shape, level = self._words.names[node.id], node.value.shape, None
        if node.role == "constant":  # ε = 1e-05 is called ε
            name = name.partition(" = ")[0]
        tree = name_tree(name)
        if node.id == self._links.root and name == "loss" and not shape:
            tree = name_tree("L")
        elif node.role == "constant" and shape and not node.name:
            tree = typeset(array_in_formula(node.value), {}).tree
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
