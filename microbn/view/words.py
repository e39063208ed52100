"""A graph in words: names in Greek, a sentence for each value, and its gradient rules as formulas.

No formula is written here. Each is read off the code: the function or its rule is called with
Symbols, which are names, instead of arrays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..engine.backward import Step, repeated
from ..engine.functions import getitem, is_entrywise, relu, scatter, stop_gradient
from ..engine.node import sources
from ..engine.primitive import RULES
from ..engine.tensor import Tensor
from ..errors import listed
from ..reading.symbol import Symbol
from .graph import Graph, Node
from .values import short

GREEK = {
    "gamma": "γ", "beta": "β", "eps": "ε",
    "mean": "μ", "var": "σ²", "std": "σ", "x_hat": "x̂",
}  # fmt: skip
# How functions are told: {0} is the first operand, {over} the axes that are taken together.
_SENTENCES: dict[Callable, str] = {
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
    np.sum: "the sum of {0} {over}",
    np.mean: "the mean of {0} {over}",
    np.max: "the largest of {0} {over}",
    np.min: "the smallest of {0} {over}",
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
_NAME_LEVEL = Symbol("").level  # a Symbol of this level needs no parentheses
_LONGEST_NAME = 18  # characters of a formula that is used as a name
_LONGEST_OPERAND = 40  # of an operand in a sentence
_LONGEST_FORMULA = 120


class MessageWords(NamedTuple):
    """A message in words: its ``rule``, and the axes over which it was ``summed``, "" if none.

    ``reads`` are the positions of the operands whose values the rule uses; -1 is the result.
    """

    rule: str
    summed: str
    reads: tuple[int, ...]


@dataclass(frozen=True)
class Words:
    """The words of a graph.

    The id of a node leads to its name, to the name of its gradient, and to a sentence that says
    how it was computed. The id and the position of an operand lead to the message it is sent.
    """

    names: dict[str, str]
    gradient_names: dict[str, str]
    sentences: dict[str, str]
    messages: dict[tuple[str, int], MessageWords]


def put_into_words(graph: Graph, tape: Sequence[Tensor], swept: Iterable[Step]) -> Words:
    """Find the words for a graph, its tape (from `history`), and the steps of its sweep."""
    nodes: dict[Any, Node] = {node.number: node for node in graph.nodes}
    reader = _Reader(tape, nodes)
    constants = [node for node in graph.nodes if node.role == "constant"]
    names = {node.id: "array" if node.value.ndim else short(node.value) for node in constants}
    tensors = {nodes[tensor.number].id: tensor for tensor in tape}
    return Words(
        names=names | {id: reader.name(tensor) for id, tensor in tensors.items()},
        gradient_names={id: reader.gradient_name(tensor) for id, tensor in tensors.items()},
        sentences={id: reader.sentence(t) for id, t in tensors.items() if t.function},
        messages={
            (nodes[step.node.number].id, message.position): MessageWords(
                rule=reader.rule(step.node, message.position, step.gradient),
                summed=_summed(np.shape(message.product), np.shape(message.gradient)),
                reads=reader.reads(step.node, message.position, step.gradient),
            )
            for step in swept
            for message in step.messages
        },
    )


def greek(name: str) -> str:
    """Return a name as pictures show it, on one line: ``x̂`` for x_hat, ``dσ²`` for d_var."""
    name = " ".join(name.split())
    if name.startswith("d_"):
        return "d" + greek(name[2:])
    word, bracket, index = name.partition("[")  # scalars() names its entries x_hat[0, 1]
    return GREEK.get(word, word) + bracket + index


class _Reader:
    """Gives each Tensor of a tape a Symbol to stand for it, and reads formulas with the Symbols.

    ``nodes`` maps a Tensor's number to its node, which has the value that was seen, and the group
    that tells apart parameters with the same name. A Tensor without a name is called by its
    formula, ``σ² + 1e-05``. If that is long, it is called by its function and place, ``sum7``.
    """

    def __init__(self, tape: Sequence[Tensor], nodes: Mapping[Any, Node]) -> None:
        shared = Counter(tensor.name for tensor in tape if tensor.held)
        self.symbols: dict[int, Symbol] = {}
        self.formulas: dict[int, str] = {}
        for i, tensor in enumerate(tape):
            symbol = self._formula(tensor)
            self.formulas[tensor.number] = symbol.text
            if name := greek(str(tensor.name or "")):
                if shared[tensor.name] > 1 and (home := nodes[tensor.number].scope):
                    name = f"{home[-1]}.{name}"
                symbol = Symbol(name, nodes[tensor.number].value)
            elif not 0 < len(symbol.text) <= _LONGEST_NAME:
                kind = tensor.function.__name__ if tensor.function else "leaf"
                symbol = Symbol(f"{kind}{i}", nodes[tensor.number].value)
            self.symbols[tensor.number] = symbol

    def name(self, tensor: Tensor) -> str:
        return self.symbols[tensor.number].text

    def gradient_name(self, tensor: Tensor) -> str:
        """Return ``dx̂`` or ``d(σ² + 1e-05)``."""
        name = self.name(tensor)
        return f"d{name}" if tensor.name or name.isidentifier() else f"d({name})"

    def sentence(self, tensor: Tensor) -> str:
        """Say how a Tensor was computed, in one sentence."""
        name, formula = self.name(tensor), self.formulas[tensor.number]
        head = formula if name == formula else f"{name} = {formula}"
        stretched = [*self._stretched(tensor)]
        also = f", {listed(stretched)} repeated to fit" if stretched else ""
        return f"{head}: {self._in_words(tensor)}{also}, {_shape_in_words(tensor.value)}."

    def rule(self, tensor: Tensor, position: int, gradient: Any) -> str:
        """Return the formula of the gradient for an operand: ``dx̂ / σ``."""
        g, out = Symbol(self.gradient_name(tensor), gradient), self.symbols[tensor.number]
        return self._ruled(tensor, position, g, out, self._operands(tensor))

    def reads(self, tensor: Tensor, position: int, gradient: Any) -> tuple[int, ...]:
        """Return which values the rule of an operand uses: -1 is the result, 0 the first operand.

        The rule is called with a mark for each value, and the marks in its formula are the answer.
        """
        out, *operands = (f"⟨{i}⟩" for i in range(-1, len(tensor.inputs)))
        marked = [
            Symbol(mark, value) if isinstance(operand, (Tensor, Symbol)) else operand
            for mark, value, operand in zip(
                operands, tensor.args, self._operands(tensor), strict=True
            )
        ]
        g, result = Symbol("g", gradient), Symbol(out, tensor.value)
        formula = self._ruled(tensor, position, g, result, marked)
        return tuple(i for i, mark in enumerate([out, *operands], start=-1) if mark in formula)

    def _ruled(self, tensor: Tensor, position: int, g: Any, out: Any, operands: list) -> str:
        function: Any = tensor.function
        vjps = RULES[function]
        each = position >= len(vjps) or vjps[position] is None  # one rule for all operands
        vjp: Any = vjps[0 if each else position]

        def product() -> Any:
            made = vjp(g, out, *operands, **tensor.kwargs)
            return made[position] if isinstance(made, (list, tuple)) else made

        return _read_formula(product, f"the rule of {function.__name__}", None).text

    def _formula(self, tensor: Tensor) -> Symbol:
        """Return the formula that computed a Tensor; for a leaf it is empty."""
        function: Any = tensor.function
        if function is None:
            return Symbol("", tensor.value)
        operands = self._operands(tensor)
        return _read_formula(
            lambda: function(*operands, **tensor.kwargs), function.__name__, tensor.value
        )

    def _operands(self, tensor: Tensor) -> list[Any]:
        inputs: Any = tensor.inputs
        return [
            self.symbols[x.number] if isinstance(x, Tensor) else _short_constant(x) for x in inputs
        ]

    def _in_words(self, tensor: Tensor) -> str:
        operands = self._operands(tensor)
        words = [_operand_in_words(operand, alone=len(operands) == 1) for operand in operands]
        function: Any = tensor.function
        args: Any = tensor.args
        if not (sentence := _SENTENCES.get(function)):
            return f"{function.__name__} of {listed(words)}"
        if "{over}" not in sentence:
            return sentence.format(*words)
        axis = args[1] if len(args) > 1 else tensor.kwargs.get("axis")
        return sentence.format(*words, over=_over(axis, np.shape(args[0])))

    def _stretched(self, tensor: Tensor) -> Iterable[str]:
        """Name the operands that NumPy repeated to the shape of the result, except numbers."""
        if is_entrywise(tensor.function):
            for operand, value in sources(tensor):
                if np.shape(value) != tensor.shape:
                    yield self.name(operand)


def _short_constant(x: Any) -> Any:
    """Return a constant as a formula shows it: four digits of a float, "array" for many floats."""
    if not (
        isinstance(x, (float, np.floating)) or (isinstance(x, np.ndarray) and x.dtype.kind == "f")
    ):
        return x
    return Symbol("array", x) if np.ndim(x) else float(short(x))


def _operand_in_words(operand: Any, alone: bool) -> str:
    """Return an operand as a sentence shows it: a formula beside another is in parentheses."""
    word = str(operand)
    if len(word) > _LONGEST_OPERAND:
        return "an array"
    compound = isinstance(operand, Symbol) and operand.level != _NAME_LEVEL
    return f"({word})" if compound and not alone else word


def _summed(product: tuple[int, ...], gradient: tuple[int, ...]) -> str:
    """Say over which axes a product was summed to the shape of its gradient: "" if over none."""
    new, same = repeated(product, gradient)
    axes = [*new, *(len(new) + axis for axis in same)]
    return f"summed {_over(axes, product)}" if axes else ""


def _over(axis: Any, shape: tuple[int, ...]) -> str:
    """Name the axes that are taken together: ``over the 4 rows``."""
    axes = range(len(shape)) if axis is None else np.atleast_1d(axis) % max(len(shape), 1)
    if not len(axes):
        return "over no axis"
    if len(axes) == len(shape):
        return "over all entries"
    if len(shape) == 2:
        return f"over the {shape[axes[0]]} {'columns' if axes[0] else 'rows'}"
    plural = "axes" if len(axes) > 1 else "axis"
    return f"over {plural} {listed(int(a) for a in axes)}"


def _shape_in_words(value: Any) -> str:
    """Return ``shape (4, 3)``, or for a single number ``which is 2.5``."""
    value = np.asarray(value)
    return f"shape {value.shape}" if value.ndim else f"which is {short(value)}"


def _read_formula(computed: Callable[[], Any], otherwise: str, value: Any) -> Symbol:
    """Run a computation on Symbols and return its formula, or ``otherwise`` if it fails."""
    try:
        with np.errstate(all="ignore"):
            said = computed()
    except Exception:  # a user's rule may do anything that only arrays allow
        return Symbol(otherwise, value)
    text = said.text if isinstance(said, Symbol) else str(said)
    if len(text := " ".join(text.split())) > _LONGEST_FORMULA:
        return Symbol(text[: _LONGEST_FORMULA - 1] + "…", value)
    return Symbol(text, value, said.level) if isinstance(said, Symbol) else Symbol(text, value)
