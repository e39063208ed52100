"""A graph in words: names in Greek, formulas read off the code by Symbol, a sentence for a node.

No gradient is written here: what a rule says is the rule itself, called with names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..engine.functions import getitem, relu, scatter, stop_gradient
from ..engine.node import sources
from ..engine.primitive import RULES
from ..engine.tensor import Tensor
from ..errors import listed
from ..reading.symbol import Symbol
from ..reading.tape import is_entrywise
from .graph import Node
from .values import short

GREEK = {
    "gamma": "γ", "beta": "β", "eps": "ε",
    "mean": "μ", "var": "σ²", "std": "σ", "x_hat": "x̂",
}  # fmt: skip
SIGNS = {"add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "matmul": "@", "sqrt": "√"}
_NAME = Symbol("").level  # of what needs no parentheses: no operator stands open in it
_LONGEST_NAME = 18  # of an expression in the place of a name
_LONGEST_OPERAND = 40  # of a user's own name, or a constant, in a sentence
_LONGEST = 120  # of a formula


def greek(name: str) -> str:
    """A name as pictures show it, on one line: ``x̂`` for x_hat, ``dσ²`` for d_var."""
    name = " ".join(name.split())
    if name.startswith("d_"):
        return "d" + greek(name[2:])
    word, bracket, index = name.partition("[")  # an entry of scalars is named x_hat[0, 1]
    return GREEK.get(word, word) + bracket + index


class Words:
    """The names and formulas of a tape, which is a list of Tensors in the order of their making.

    ``nodes`` are those of a snapshot, by a Tensor's number: they know the values that were seen,
    and the groups by which parameters of one name are told apart.
    A Tensor without a name is called by what computed it, ``σ² + 1e-05``, where that is short;
    else by the function and its number on the tape, ``sum7``.
    """

    def __init__(self, tape: Sequence[Tensor], nodes: Mapping[Any, Node]) -> None:
        shared = Counter(tensor.name for tensor in tape if tensor.role == "parameter")
        self.symbols: dict[int, Symbol] = {}
        self.formulas: dict[int, str] = {}
        for i, tensor in enumerate(tape):
            made = self._made(tensor)
            self.formulas[tensor.number] = made.text
            if name := greek(str(tensor.name or "")):
                if shared[tensor.name] > 1 and (home := nodes[tensor.number].scope):
                    name = f"{home[-1]}.{name}"
                made = Symbol(name, nodes[tensor.number].value)
            elif not 0 < len(made.text) <= _LONGEST_NAME:
                kind = tensor.function.__name__ if tensor.function else "leaf"
                made = Symbol(f"{kind}{i}", nodes[tensor.number].value)
            self.symbols[tensor.number] = made

    def name(self, tensor: Tensor) -> str:
        """What a Tensor is called."""
        return self.symbols[tensor.number].text

    def gradient(self, tensor: Tensor) -> str:
        """What its gradient is called: ``dx̂``, ``d(σ² + 1e-05)``."""
        name = self.name(tensor)
        return f"d{name}" if tensor.name or name.isidentifier() else f"d({name})"

    def _made(self, tensor: Tensor) -> Symbol:
        """What computed it, in words; of a leaf nothing."""
        function: Any = tensor.function
        if function is None:
            return Symbol("", tensor.value)
        operands = self._operands(tensor)
        return _read(lambda: function(*operands, **tensor.kwargs), function.__name__, tensor.value)

    def rule(self, tensor: Tensor, position: int, gradient: Any) -> str:
        """What the rule of an operand makes of the gradient, in words: ``dx̂ / σ``."""
        g, out = Symbol(self.gradient(tensor), gradient), self.symbols[tensor.number]
        return self._ruled(tensor, position, g, out, self._operands(tensor))

    def reads(self, tensor: Tensor, position: int, gradient: Any) -> list[int]:
        """Which values the rule of an operand makes use of: -1 is the result, 0 an operand."""
        marks = [f"⟨{i}⟩" for i in range(-1, len(tensor.inputs))]
        plain: Any = (tensor.value, *tensor.args)
        marked = [
            Symbol(mark, value) if i == 0 or isinstance(operand, (Tensor, Symbol)) else operand
            for i, (mark, value, operand) in enumerate(
                zip(marks, plain, [None, *self._operands(tensor)], strict=True)
            )
        ]
        said = self._ruled(tensor, position, Symbol("g", gradient), marked[0], marked[1:])
        return [i - 1 for i, mark in enumerate(marks) if mark in said]

    def _ruled(self, tensor: Tensor, position: int, g: Any, out: Any, operands: list) -> str:
        function: Any = tensor.function
        vjps = RULES[function]
        each = position >= len(vjps) or vjps[position] is None  # one rule for all operands
        vjp: Any = vjps[0 if each else position]

        def made() -> Any:
            made = vjp(g, out, *operands, **tensor.kwargs)
            return made[position] if isinstance(made, (list, tuple)) else made

        return _read(made, f"the rule of {function.__name__}", None).text

    def _operands(self, tensor: Tensor) -> list[Any]:
        inputs: Any = tensor.inputs
        return [self.symbols[x.number] if isinstance(x, Tensor) else _constant(x) for x in inputs]

    def told(self, tensor: Tensor) -> str:
        """What a node is, in one sentence."""
        name, formula = self.name(tensor), self.formulas[tensor.number]
        head = formula if name == formula else f"{name} = {formula}"
        repeated = [*self._repeated(tensor)]
        also = f", {listed(repeated)} repeated to fit" if repeated else ""
        return f"{head}: {self._gloss(tensor)}{also}, {shape(tensor.value)}."

    def _gloss(self, tensor: Tensor) -> str:
        operands = self._operands(tensor)
        words = [_word(operand, alone=len(operands) == 1) for operand in operands]
        function: Any = tensor.function
        args: Any = tensor.args
        if function in _REDUCTIONS:
            axis = args[1] if len(args) > 1 else tensor.kwargs.get("axis")
            return f"{_REDUCTIONS[function]} of {words[0]} {over(axis, np.shape(args[0]))}"
        if function in _GLOSS:
            return _GLOSS[function].format(*words)
        return f"{function.__name__} of {listed(words)}"

    def _repeated(self, tensor: Tensor) -> Iterable[str]:
        """The operands that NumPy repeated to the shape of the result, numbers aside."""
        if is_entrywise(tensor.function):
            for operand, value in sources(tensor):
                if np.shape(value) != tensor.shape:
                    yield self.name(operand)


_REDUCTIONS: dict[Callable, str] = {
    np.sum: "the sum", np.mean: "the mean", np.max: "the largest", np.min: "the smallest",
}  # fmt: skip
_GLOSS: dict[Callable, str] = {
    np.add: "{0} plus {1}",
    np.subtract: "{0} less {1}",
    np.multiply: "{0} times {1}",
    np.divide: "{0} divided by {1}",
    np.matmul: "the matrix product of {0} and {1}",
    np.power: "{0} to the power {1}",
    np.maximum: "the larger of {0} and {1}",
    np.minimum: "the smaller of {0} and {1}",
    np.where: "{1} where {0}, else {2}",
    np.negative: "{0} with its sign turned",
    np.positive: "{0} as it is",
    np.square: "the square of {0}",
    np.sqrt: "the square root of {0}",
    np.exp: "the exponential of {0}",
    np.log: "the logarithm of {0}",
    np.tanh: "the hyperbolic tangent of {0}",
    np.abs: "{0} without its sign",
    relu: "{0} where it is positive, else 0",
    stop_gradient: "{0} as a constant, which no gradient flows through",
    getitem: "entries taken out of {0}",
    scatter: "{0} put back to where it was taken from",
    np.reshape: "{0} in another shape",
    np.expand_dims: "{0} in another shape",
    np.squeeze: "{0} in another shape",
    np.transpose: "{0} with its axes in another order",
    np.matrix_transpose: "{0} transposed",
    np.swapaxes: "{0} with two axes swapped",
}


def _constant(x: Any) -> Any:
    """A constant as it is shown: an array of floats by that name, of a float four digits."""
    if not (
        isinstance(x, (float, np.floating)) or (isinstance(x, np.ndarray) and x.dtype.kind == "f")
    ):
        return x
    return Symbol("array", x) if np.ndim(x) else float(short(x))


def _word(operand: Any, alone: bool) -> str:
    """An operand in a sentence; in parentheses, if something stands beside it."""
    word = str(operand)
    if len(word) > _LONGEST_OPERAND:
        return "an array"
    compound = isinstance(operand, Symbol) and operand.level != _NAME
    return f"({word})" if compound and not alone else word


def over(axis: Any, shape: tuple[int, ...]) -> str:
    """The axes that a reduction takes together: ``over the 4 rows``."""
    axes = range(len(shape)) if axis is None else np.atleast_1d(axis) % max(len(shape), 1)
    if not len(axes):
        return "over no axis"
    if len(axes) == len(shape):
        return "over all entries"
    if len(shape) == 2:
        return f"over the {shape[axes[0]]} {'columns' if axes[0] else 'rows'}"
    plural = "axes" if len(axes) > 1 else "axis"
    return f"over {plural} {listed(int(a) for a in axes)}"


def shape(value: Any) -> str:
    """``shape (4, 3)``, or of one number that number."""
    value = np.asarray(value)
    return f"shape {value.shape}" if value.ndim else f"which is {short(value)}"


def _read(made: Callable[[], Any], otherwise: str, value: Any) -> Symbol:
    """What a computation on Symbols says; a rule or function that cannot be read has its name."""
    try:
        with np.errstate(all="ignore"):
            said = made()
    except Exception:  # whatever a user's own rule does with what is no array
        return Symbol(otherwise, value)
    text = said.text if isinstance(said, Symbol) else str(said)
    if len(text := " ".join(text.split())) > _LONGEST:
        return Symbol(text[: _LONGEST - 1] + "…", value)
    return Symbol(text, value, said.level) if isinstance(said, Symbol) else Symbol(text, value)
