"""MathML as plain data: rows, names and sums, and their text.

A tree is a list ``[tag, {attributes}, child, ...]``, where a child is a tree or a text. A page
makes its own elements from trees, and `mathml` writes them as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Any

Tree = list[Any]
_LONGEST_NAME_SHOWN = 40
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


def mathml(tree: Tree) -> str:
    """Write a tree as text. The names in it are escaped, so that none can become a tag."""
    tag, attributes, *children = tree
    if tag == "math":
        attributes = {
            "xmlns": "http://www.w3.org/1998/Math/MathML",
            "display": "block",
        } | attributes
    words = "".join(f' {key}="{escape(str(value))}"' for key, value in attributes.items())
    inside = "".join(escape(c) if isinstance(c, str) else mathml(c) for c in children)
    return f"<{tag}{words}>{inside}</{tag}>"


def row(*trees: Tree, **attributes: str) -> Tree:
    """Put trees side by side. A single tree without attributes stays as it is."""
    return trees[0] if len(trees) == 1 and not attributes else ["mrow", attributes, *trees]


def operator(sign: str) -> Tree:
    """Typeset the sign of an operation, such as +."""
    return ["mo", {}, sign]


def text_tree(text: str) -> Tree:
    """Typeset a text upright, with its spaces."""
    return ["mtext", {}, text]


def interleaved(trees: Iterable[Tree], sign: str) -> Tree:
    """Put trees in a row, with an operator between them."""
    spaced = [part for tree in trees for part in (operator(sign), tree)]
    return row(*spaced[1:])


def summation(over: str) -> Tree:
    """Typeset a ∑, and below it what the sum runs over."""
    return ["munder", {}, operator("∑"), text_tree(over)]


def name_tree(name: str) -> Tree:
    """Typeset a name of the story: x̂ with a hat, σ² with a raised 2, h₁ and x[0, 1] indexed."""
    if len(name) > _LONGEST_NAME_SHOWN:
        name = name[: _LONGEST_NAME_SHOWN - 1] + "…"
    parts = re.fullmatch(r"(.+?)(²?)([₀-₉]*)(\[[^\[\]]*\])?", name, re.DOTALL)
    base, square, number, index = parts.groups() if parts else (name, "", "", None)
    tree: Tree = ["mi", {}, base]
    if len(base) == 2 and base[1] == "\u0302":
        tree = [
            "mover",
            {"accent": "true"},
            ["mi", {}, base[0]],
            ["mo", {"stretchy": "false"}, "^"],
        ]
    two: Tree = ["mn", {}, "2"]
    below = ", ".join(filter(None, [number.translate(_SUBSCRIPTS), (index or "")[1:-1]]))
    if square and below:
        return ["msubsup", {}, tree, text_tree(below), two]
    if below:
        return ["msub", {}, tree, text_tree(below)]
    return ["msup", {}, tree, two] if square else tree
