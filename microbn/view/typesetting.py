"""Expressions, typeset: the text of a Symbol, which is Python, looks as in a textbook."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from .axes import below_sum
from .expressions import as_product, called_name, expression_of, is_never
from .mathml import Tree, interleaved, name_tree, operator, row, summation, text_tree
from .values import constant_number

# How tightly an expression binds: one that binds less tightly than its place is in parentheses.
TRUTH, SUM, SIGNED, PRODUCT, MATRIX_PRODUCT, POWER, ATOM = range(7)
_LONGEST_READ = 400  # characters: a longer formula fills more than a line
_INVERSE: Tree = row(operator("−"), ["mn", {}, "1"])
_TRANSPOSED: Tree = ["mi", {"mathvariant": "normal"}, "T"]
_COMPARISONS: dict[type, str] = {
    ast.Eq: "=", ast.NotEq: "≠", ast.Lt: "<", ast.LtE: "≤", ast.Gt: ">", ast.GtE: "≥",
}  # fmt: skip
_INFIX: dict[type, str] = {ast.FloorDiv: "//", ast.Mod: "mod", ast.BitAnd: "∧", ast.BitOr: "∨"}
_ENTRYWISE = {
    *("square", "sqrt", "cbrt", "exp", "expm1", "log", "log1p", "abs", "absolute", "relu"),
    *("sin", "cos", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh"),
    *("arcsinh", "arccosh", "arctanh"),
}


class Typeset(NamedTuple):
    """A tree, how tightly it binds, and the shape of its value, or None if that is not known."""

    tree: Tree
    level: int = ATOM
    shape: tuple[int, ...] | None = None


class UnreadableError(Exception):
    """A text cannot be typeset; it is then shown as it stands. This error never leaves view/."""


def typeset(text: str, names: Mapping[str, Typeset], first: str = "", over: str = "") -> Typeset:
    """Typeset the text of a Symbol. ``names`` says how identifiers look.

    The factor named ``first`` comes first in a product, in front of all fractions. With ``over``
    the whole is summed over these axes, with its sign in front of the ∑. Raises UnreadableError if
    the text is no expression, or no expression that this file knows.
    """
    if len(text) > _LONGEST_READ:
        raise UnreadableError("too long")
    try:
        node = expression_of(text)
        setter = _Typesetter(names, first)
        return setter.summed(node, over) if over else setter.whole(node)
    except (SyntaxError, ValueError, TypeError, IndexError, MemoryError, RecursionError) as error:
        raise UnreadableError(text) from error


def enclosed(inner: Typeset, least: int) -> Tree:
    """Return a tree, in parentheses if it binds less tightly than ``least``."""
    if inner.level >= least:
        return inner.tree
    return row(operator("("), inner.tree, operator(")"))


def _typeset_number(value: Any) -> Typeset:
    """Typeset a number of at least 0, a small or large one as 2.5 · 10⁻⁷."""
    text = str(value) if isinstance(value, int) else constant_number(value)
    digits, _, exponent = text.partition("e")
    if not exponent:
        return Typeset(["mn", {}, digits], shape=())
    power: Tree = ["mn", {}, f"{int(exponent)}".replace("-", "−")]
    ten: Tree = ["msup", {}, ["mn", {}, "10"], power]
    if digits == "1":
        return Typeset(ten, POWER, ())
    return Typeset(row(["mn", {}, digits], operator("·"), ten), PRODUCT, ())


class _Typesetter:
    """Typesets the nodes of an expression, each by the method for its kind."""

    def __init__(self, names: Mapping[str, Typeset], first: str) -> None:
        self.names, self.first = names, first  # only a rule has a first factor

    def whole(self, node: ast.expr) -> Typeset:
        match node:
            case ast.Constant(value):
                return self._constant(value)
            case ast.Name(id):
                return self.names.get(id) or Typeset(name_tree(id))
            case ast.BinOp(left, ast.Add() | ast.Sub() as op, right):
                return self._sum(left, right, isinstance(op, ast.Sub))
            case ast.BinOp(_, ast.Mult() | ast.Div()) | ast.UnaryOp(ast.USub()):
                return self.product(*as_product(node))
            case ast.BinOp(base, ast.Pow(), exponent):
                return self._power(base, self.whole(exponent).tree)
            case ast.BinOp(left, ast.MatMult(), right):
                return self._matrix_product(left, right)
            case ast.BinOp(left, op, right) if type(op) in _INFIX:
                sides = (enclosed(self.whole(side), POWER) for side in (left, right))
                level = SUM if isinstance(op, (ast.FloorDiv, ast.Mod)) else TRUTH
                return Typeset(interleaved(sides, _INFIX[type(op)]), level)
            case ast.UnaryOp(ast.UAdd(), inner):
                return Typeset(row(operator("+"), enclosed(self.whole(inner), POWER)), SIGNED)
            case ast.Compare(left, [op], [right]) if type(op) in _COMPARISONS:
                sides = (enclosed(self.whole(side), SUM) for side in (left, right))
                return Typeset(interleaved(sides, _COMPARISONS[type(op)]), TRUTH)
        return self._bracketed(node)

    def _bracketed(self, node: ast.expr) -> Typeset:
        match node:
            case ast.Call():
                return self._call(called_name(node), node)
            case ast.Attribute(inner, "mT" | "T"):
                return self._power(inner, _TRANSPOSED)
            case ast.Subscript(inner, index):
                entries = index.elts if isinstance(index, ast.Tuple) else [index]
                place = interleaved(map(self._index, entries), ",")
                return Typeset(["msub", {}, enclosed(self.whole(inner), ATOM), place])
            case ast.Tuple(entries):
                return Typeset(self._arguments(entries))
            case ast.List(entries):
                inside = interleaved((self.whole(one).tree for one in entries), ",")
                return Typeset(row(operator("["), inside, operator("]")))
        raise UnreadableError(ast.unparse(node))

    def _index(self, index: ast.expr) -> Tree:
        """Typeset an index: the name of a value, or else its text, such as 1:3."""
        if isinstance(index, ast.Name):
            return self.whole(index).tree
        return text_tree(ast.unparse(index))

    def _constant(self, value: Any) -> Typeset:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return _typeset_number(value)
        return Typeset(text_tree("…" if value is ... else str(value)))

    def _sum(self, left: ast.expr, right: ast.expr, minus: bool) -> Typeset:
        sign, above, below = as_product(right)
        second = enclosed(self.product(1, above, below), PRODUCT)
        shown = "−" if minus != (sign < 0) else "+"
        first = enclosed(self.whole(left), SUM)
        return Typeset(row(first, operator(shown), second), SUM)

    def summed(self, node: ast.expr, over: str) -> Typeset:
        """Typeset the sum of an expression, with its sign in front of the ∑."""
        sign, above, below = as_product(node)
        tree = row(summation(over), enclosed(self.product(1, above, below), SIGNED))
        return Typeset(row(operator("−"), tree) if sign < 0 else tree, SIGNED)

    def product(self, sign: int, above: list[ast.expr], below: list[ast.expr]) -> Typeset:
        """Typeset a product of factors as a fraction, with the gradient and the sign in front."""
        front = [f for f in above if isinstance(f, ast.Name) and f.id == self.first]
        rest = [f for f in above if f not in front]
        if sign > 0 and not below and len(above) == 1:
            return self.whole(above[0])
        trees = [self.whole(factor).tree for factor in front]
        if below:
            trees.append(["mfrac", {}, self._times(rest), self._times(below)])
        else:
            trees += (enclosed(self.whole(factor), PRODUCT) for factor in rest)
        tree = interleaved(trees, "·")
        if sign > 0:  # the line of a fraction that stands alone shows where it ends
            return Typeset(tree, MATRIX_PRODUCT if tree[0] == "mfrac" else PRODUCT)
        return Typeset(row(operator("−"), tree), SIGNED)

    def _times(self, factors: list[ast.expr]) -> Tree:
        """Typeset one side of a fraction; a sum that stands alone there needs no parentheses."""
        if not factors:
            return ["mn", {}, "1"]
        if len(factors) == 1:
            return self.whole(factors[0]).tree
        return interleaved((enclosed(self.whole(f), PRODUCT) for f in factors), "·")

    def _power(self, base: ast.expr, exponent: Tree) -> Typeset:
        if self.first and exponent == ["mn", {}, "1"]:  # a value x¹ must not be called x
            return self.whole(base)
        return Typeset(["msup", {}, enclosed(self.whole(base), ATOM), exponent], POWER)

    def _matrix_product(self, *factors: ast.expr | Typeset) -> Typeset:
        typesets = (f if isinstance(f, Typeset) else self.whole(f) for f in factors)
        sides = [enclosed(factor, MATRIX_PRODUCT) for factor in typesets]
        space: Tree = ["mtext", {"class": "matmul"}, "\u2005"]
        return Typeset(row(sides[0], space, sides[1]), MATRIX_PRODUCT)

    def _call(self, name: str, node: ast.Call) -> Typeset:
        match name, node.args:
            case ("square", [x]):
                return self._power(x, ["mn", {}, "2"])
            case ("sqrt", [x]):
                return Typeset(["msqrt", {}, self.whole(x).tree])
            case ("exp", [x]):
                return Typeset(["msup", {}, ["mi", {}, "e"], self.whole(x).tree], POWER)
            case ("abs" | "absolute", [x]):
                return Typeset(row(operator("|"), self.whole(x).tree, operator("|")))
            case ("transpose" | "matrix_transpose", [x] | [x, ast.Constant(None)]):
                return self._power(x, _TRANSPOSED)
            case ("linalg.inv", [x]):
                return self._power(x, _INVERSE)
            case ("linalg.solve", [x, y]):
                return self._matrix_product(self._power(x, _INVERSE), y)
            case ("expand_dims", [x, _]) if self.first and self._shape(x) == ():
                return self.whole(x)
            case ("spread", [_, _]) if self.first:
                return self.product(*as_product(node))
            case ("where", [condition, _, y]) if self.first and is_never(condition):
                return self.whole(y)
            case ("where", [condition, x, y]):
                return self._cases(condition, x, y)
            case ("gate", [x, condition]):
                return self._cases(condition, x, ast.Constant(0))
            case ("sum" | "mean" | "max" | "min", [x, *_]):
                return self._reduction(name, x, node)
        return self._function(name, node)

    def _function(self, name: str, node: ast.Call) -> Typeset:
        upright: Tree = ["mi", {"mathvariant": "normal"}, name]
        return Typeset(row(upright, self._arguments(node.args, node.keywords)))

    def _arguments(self, args: Iterable[ast.expr], keywords: Iterable[ast.keyword] = ()) -> Tree:
        trees = [self.whole(arg).tree for arg in args]
        trees += (row(text_tree(f"{k.arg} ="), self.whole(k.value).tree) for k in keywords)
        return row(operator("("), *([interleaved(trees, ",")] if trees else []), operator(")"))

    def _cases(self, condition: ast.expr, x: ast.expr, y: ast.expr) -> Typeset:
        lines = []
        while True:
            lines.append((self.whole(x).tree, row(text_tree("where "), self.whole(condition).tree)))
            match y:
                case ast.Call(ast.Name("where"), [condition, x, y]):
                    continue
            break
        lines.append((self.whole(y).tree, text_tree("elsewhere")))
        rows = [["mtr", {}, *(["mtd", {}, cell] for cell in line)] for line in lines]
        return Typeset(row(operator("{"), ["mtable", {}, *rows]), SIGNED)

    def _reduction(self, name: str, x: ast.expr, node: ast.Call) -> Typeset:
        """Typeset a sum as ∑, a mean as a fraction of one, and max and min over their axes."""
        given = {k.arg: k.value for k in node.keywords}.get("axis")
        axis = ast.literal_eval(given or (node.args[1:] or [ast.Constant(None)])[0])
        shape = self._shape(x)
        if shape is None:
            return self._function(name, node)
        every = range(len(shape)) if axis is None else np.atleast_1d(axis) % max(len(shape), 1)
        axes = tuple(int(one) for one in every)
        over = below_sum(axes, shape)
        body = enclosed(self.whole(x), SIGNED)
        if isinstance(x, ast.Compare):  # 1 where it is true
            body = row(operator("["), self.whole(x).tree, operator("]"))
        if name in ("max", "min"):
            under: Tree = ["munder", {}, ["mi", {"mathvariant": "normal"}, name], text_tree(over)]
            return Typeset(row(under, body), SIGNED)
        count = int(np.prod([shape[one] for one in axes]))
        share = [["mfrac", {}, ["mn", {}, "1"], ["mn", {}, str(count)]]] if name == "mean" else []
        return Typeset(row(*share, summation(over), body), SIGNED)

    def _shape(self, node: ast.expr) -> tuple[int, ...] | None:
        """Return the shape of an expression that works entry by entry on numbers and operands.

        Returns None for any other expression, such as one that holds a list.
        """
        match node:
            case ast.Constant(int() | float()):
                return ()
            case ast.Name(id):
                return self.names[id].shape if id in self.names else None
            case ast.Call(ast.Name(name), [inner]) if name in _ENTRYWISE:
                return self._shape(inner)
            case ast.Call(ast.Name("spread"), [_, shape]):
                return ast.literal_eval(shape)
            case ast.UnaryOp(_, inner):
                return self._shape(inner)
            case ast.BinOp(left, op, right) if not isinstance(op, ast.MatMult):
                sides = self._shape(left), self._shape(right)
            case ast.Compare(left, [_], [right]):
                sides = self._shape(left), self._shape(right)
            case _:
                return None
        return None if None in sides else np.broadcast_shapes(*sides)  # type: ignore[arg-type]
