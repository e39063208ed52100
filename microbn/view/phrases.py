"""Phrases of a story: how functions, names, constants and shapes are said."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import functions
from ..engine.functions import eigenvectors, getitem, overlap_add, relu, scatter, windows
from ..reading.symbol import Symbol
from .graph import Vertex
from .names import greek
from .values import constant_number, short

# How functions are told: {0} is the first operand, {all} stands for all of them, and {over} for the
# axes that are taken together.
TOLD_AS: dict[Callable, str] = {
    np.add: "{0} plus {1}",
    np.subtract: "{0} minus {1}",
    np.multiply: "{0} times {1}",
    np.divide: "{0} divided by {1}",
    np.matmul: "the matrix product of {0} and {1}",
    np.power: "{0} to the power {1}",
    np.remainder: "the remainder of {0} divided by {1}",
    np.maximum: "the larger of {0} and {1}",
    np.minimum: "the smaller of {0} and {1}",
    np.where: "{1} where {0}, else {2}",
    np.negative: "{0} with its sign reversed",
    np.positive: "{0} unchanged",
    np.square: "the square of {0}",
    np.sqrt: "the square root of {0}",
    np.exp: "the exponential of {0}",
    np.log: "the logarithm of {0}",
    np.sin: "the sine of {0}",
    np.cos: "the cosine of {0}",
    np.arcsin: "the angle whose sine is {0}",
    np.arccos: "the angle whose cosine is {0}",
    np.arctan: "the angle whose tangent is {0}",
    np.arctan2: "the angle of the point with height {0} and width {1}",
    np.arcsinh: "the number whose hyperbolic sine is {0}",
    np.arccosh: "the number whose hyperbolic cosine is {0}",
    np.arctanh: "the number whose hyperbolic tangent is {0}",
    np.sinh: "the hyperbolic sine of {0}",
    np.cosh: "the hyperbolic cosine of {0}",
    np.tanh: "the hyperbolic tangent of {0}",
    np.log1p: "the logarithm of 1 + {0}",
    np.expm1: "the exponential of {0}, less 1",
    np.cbrt: "the cube root of {0}",
    np.logaddexp: "the logarithm of the sum of the exponentials of {0} and {1}",
    np.abs: "the absolute value of {0}",
    np.sum: "the sum of {0} {over}",
    np.mean: "the mean of {0} {over}",
    np.max: "the largest of {0} {over}",
    np.min: "the smallest of {0} {over}",
    np.cumsum: "the running sum of {0}",
    np.linalg.inv: "the inverse of {0}",
    np.linalg.solve: "the solution of equations with the matrix {0} and the right side {1}",
    np.linalg.cholesky: "the Cholesky factor of {0}, a lower triangle",
    np.linalg.eigvalsh: "the eigenvalues of {0}",
    eigenvectors: "the eigenvectors of {0}",
    windows: "windows that slide over {0}",
    overlap_add: "the windows of {0}, added up where they overlap",
    relu: "{0} where it is positive, else 0",
    functions.stop_gradient: "{0} as a constant, so that no gradient flows back",
    getitem: "entries of {0}",
    scatter: "{0} put back where it was taken from",
    np.reshape: "{0} in another shape",
    np.expand_dims: "{0} in another shape",
    np.squeeze: "{0} in another shape",
    np.transpose: "{0} with its axes in another order",
    np.matrix_transpose: "{0} transposed",
    np.swapaxes: "{0} with two axes swapped",
    np.broadcast_to: "{0} copied to a larger shape",
    functions.spread: "{0} copied to a larger shape",
    functions.astype: "{0} in another dtype",
    functions.gate: "{0} where {1}, else 0",
    functions.concatenate: "{all} joined, one after another",
    functions.stack: "a stack of {all}",
}
# The same for functions without a gradient. Most of them ask whether something holds.
TOLD_AS |= {
    np.equal: "whether {0} equals {1}",
    np.not_equal: "whether {0} differs from {1}",
    np.less: "whether {0} is less than {1}",
    np.less_equal: "whether {0} is less than or equal to {1}",
    np.greater: "whether {0} is greater than {1}",
    np.greater_equal: "whether {0} is greater than or equal to {1}",
    np.logical_and: "whether {0} and {1} are both true",
    np.logical_or: "whether {0} or {1} is true",
    np.logical_xor: "whether only one of {0} and {1} is true",
    np.logical_not: "whether {0} is false",
    np.isnan: "whether {0} is NaN",
    np.isfinite: "whether {0} is finite",
    np.isinf: "whether {0} is infinite",
    np.isneginf: "whether {0} is minus infinity",
    np.isposinf: "whether {0} is plus infinity",
    np.isclose: "whether {0} is close to {1}",
    np.allclose: "whether every entry of {0} is close to that of {1}",
    np.array_equal: "whether {0} and {1} have the same shape and entries",
    np.array_equiv: "whether {0} and {1} have the same entries, once they are broadcast",
    np.all: "whether every entry of {0} is true, {over}",
    np.any: "whether any entry of {0} is true, {over}",
    np.bitwise_and: "the bits that {0} and {1} share",
    np.bitwise_or: "the bits that {0} or {1} has",
    np.bitwise_xor: "the bits in which {0} and {1} differ",
    np.invert: "{0} with every bit flipped",
    np.sign: "the sign of {0}",
    np.signbit: "whether {0} has a minus sign",
    np.floor: "{0} rounded down",
    np.ceil: "{0} rounded up",
    np.trunc: "{0} rounded toward 0",
    np.fix: "{0} rounded toward 0",
    np.rint: "{0} rounded to the nearest integer",
    np.round: "{0} rounded",
    np.around: "{0} rounded",
    np.floor_divide: "{0} divided by {1} and rounded down",
    np.argmax: "the index of the largest of {0} {over}",
    np.argmin: "the index of the smallest of {0} {over}",
    np.nanargmax: "the index of the largest of {0} {over}, without NaNs",
    np.nanargmin: "the index of the smallest of {0} {over}, without NaNs",
    np.argsort: "the indices that sort {0}",
    np.argpartition: "the indices that partition {0}",
    np.searchsorted: "the index in {0} at which {1} keeps it sorted",
    np.count_nonzero: "the number of entries of {0} that are not 0, counted {over}",
    np.heaviside: "0 where {0} is negative, 1 where it is positive, else {1}",
}
# The functions that are told instead, if the operands are masks.
OF_MASKS: dict[Any, Any] = {
    np.bitwise_and: np.logical_and,
    np.bitwise_or: np.logical_or,
    np.bitwise_xor: np.logical_xor,
    np.invert: np.logical_not,
}
NAME_LEVEL = Symbol("").level  # a Symbol of this level needs no parentheses
_MOST_ENTRIES = 4  # of a constant array whose entries are shown
_LONGEST_OPERAND = 40  # of an operand in a sentence


def constant_in_words(node: Vertex, mark: str = "") -> str:
    """Return what the box of a constant says: ``ε = 1e-05``, ``2``, ``[2, 3]``, or ``array``.

    The box of a larger array has the shape beside it. A ``mark`` takes the place of a number.
    """
    name, value = greek(node.name), node.value
    if value.ndim:
        return name or array_in_formula(value).partition("[")[0] or array_in_formula(value)
    number = mark or constant_number(value)
    return f"{name} = {number}" if name else number


def array_in_formula(array: np.ndarray) -> str:
    """Return a constant array without a name: ``[0.5, 2]``, or ``array[5, 3]`` for its shape."""
    if not 0 < array.size <= _MOST_ENTRIES:
        return f"array[{', '.join(map(str, array.shape))}]"
    if array.ndim > 1:
        return f"[{', '.join(map(array_in_formula, array))}]"
    numbers = array.dtype.kind in "iuf"
    return f"[{', '.join(constant_number(x) if numbers else str(x) for x in array)}]"


def short_constant(x: Any, name: str, mark: str = "") -> Any:
    """Return a constant as a formula shows it: its name, a few digits, or the shape of an array.

    A ``mark`` takes the place of the digits, with ".0" behind it for a float.
    """
    if mark:
        return Symbol(greek(name) or mark + ".0" * (np.asarray(x).dtype.kind == "f"), x)
    if isinstance(x, np.ndarray) and x.ndim and x.dtype.kind in "biuf":
        return Symbol(greek(name) or array_in_formula(x), x)
    if not isinstance(x, (float, np.floating, np.ndarray)) or np.asarray(x).dtype.kind != "f":
        return x
    return Symbol(greek(name), x) if name else float(constant_number(x))


def operand_in_words(operand: Any, alone: bool) -> str:
    """Return an operand as a sentence shows it: a formula beside another is in parentheses."""
    word = str(operand)
    if shape := re.fullmatch(r"array\[(\d+(?:, \d+)*)\]", word):
        return f"an array of shape ({shape[1]}{',' * (',' not in shape[1])})"
    if len(word) > _LONGEST_OPERAND:
        return "an array"
    compound = isinstance(operand, Symbol) and operand.level != NAME_LEVEL
    return f"({word})" if compound and not alone else word


def shape_in_words(value: Any, mark: str = "") -> str:
    """Return ``shape (4, 3)``, or for a single number ``which is 2.5``, or a mark in its place."""
    value = np.asarray(value)
    return f"shape {value.shape}" if value.ndim else f"which is {mark or short(value)}"
