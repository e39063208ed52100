"""Expressions as trees: the text of a Symbol is Python, so Python reads it."""

from __future__ import annotations

import ast
import re
from functools import lru_cache


@lru_cache(maxsize=1000)  # the same few texts come again and again
def expression_of(text: str) -> ast.expr:
    """Read the text of a Symbol. Raises SyntaxError if it is no expression."""
    return ast.parse(text.replace("·", "*"), mode="eval").body


def as_product(node: ast.expr) -> tuple[int, list[ast.expr], list[ast.expr]]:
    """Return the sign of a product, the factors above its fraction line and those below.

    A value that is repeated to fit a shape, as by ``spread``, is written as the value.
    """
    match node:
        case ast.UnaryOp(ast.USub(), inner):
            sign, above, below = as_product(inner)
            return -sign, above, below
        case ast.BinOp(left, ast.Mult() | ast.Div() as op, right):
            sign, above, below = as_product(left)
            other, more, less = as_product(right)
            if isinstance(op, ast.Div):
                more, less = less, more
            return sign * other, above + more, below + less
        case ast.Call(ast.Name("spread"), [inner, *_]):
            while isinstance(inner, ast.Call) and called_name(inner) == "expand_dims":
                inner = inner.args[0]
            return as_product(inner)
    return 1, [node], []


def constants_of(rule: str) -> list[tuple[float, float]]:
    """Return the constants of a rule, each with the factor by which it is too large without it.

    That is 2 and 2 for ``g / (2 · ⟨-1⟩)``, and 2 and 0.5 for ``g · 2``. The length that a mean
    divides by, in ``spread(g / 8, ...)``, is none of its constants.
    """
    tree = expression_of(re.sub("⟨-?\\d+⟩", "mark", rule))
    _, above, below = as_product(tree) if not isinstance(tree, ast.Call) else (1, [], [])
    return [(n, 1 / n) for n in _constants_among(above)] + [(n, n) for n in _constants_among(below)]


def _constants_among(factors: list[ast.expr]) -> list[float]:
    values = [factor.value for factor in factors if isinstance(factor, ast.Constant)]
    return [float(n) for n in values if isinstance(n, (int, float)) and n not in (0, 1)]


def called_name(node: ast.Call) -> str:
    """Return the name of the function that is called, such as ``logical_and`` or ``add.reduce``."""
    return ast.unparse(node.func)


def is_never(node: ast.expr) -> bool:
    """Return whether a condition holds nowhere, whatever the values are."""
    match node:
        case ast.Constant(value):
            return value is False
        case ast.Call(ast.Name("logical_and"), args):
            return any(map(is_never, args))
    return False
