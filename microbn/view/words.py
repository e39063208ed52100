"""A graph in words: names in Greek, a sentence for each value, and its gradient rules as formulas.

No formula is written here. Each is read off the code: the function or its rule is called with
Symbols, which are names, instead of arrays.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from ..engine.backward import Message, Step
from ..engine.functions import (
    eigenvectors,
    getitem,
    overlap_add,
    relu,
    scatter,
    stop_gradient,
    windows,
)
from ..engine.node import sources
from ..engine.primitive import rules_of
from ..engine.tensor import Tensor
from ..errors import listed
from ..reading.symbol import Symbol
from ..reading.tape import is_entrywise
from .axes import copied, over, repeated_axes, summed, to_all
from .graph import Graph, Vertex, name_of_constant, operands
from .values import constant_number, short

GREEK = {
    "gamma": "γ", "beta": "β", "eps": "ε",
    "mean": "μ", "var": "σ²", "std": "σ", "x_hat": "x̂",
}  # fmt: skip
# How functions are told: {0} is the first operand, {over} the axes that are taken together.
_SENTENCES: dict[Callable, str] = {
    np.add: "{0} plus {1}",
    np.subtract: "{0} minus {1}",
    np.multiply: "{0} times {1}",
    np.divide: "{0} divided by {1}",
    np.matmul: "the matrix product of {0} and {1}",
    np.power: "{0} to the power {1}",
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
    stop_gradient: "{0} as a constant, so that no gradient flows back",
    getitem: "entries of {0}",
    scatter: "{0} put back where it was taken from",
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


class Wording(NamedTuple):
    """A message in words: its ``rule``, and what is done with the rule's result, "" if nothing.

    It is ``copied`` to all the entries that a sum or a mean took together, or ``summed`` over the
    axes along which the operand was broadcast. ``reads`` are the positions of the operands whose
    values the rule uses; -1 is the result.
    """

    rule: str
    copied: str
    summed: str
    reads: tuple[int, ...]


class Words:
    """The words for a graph, its tape (from `history`), and the steps of its sweep.

    By the id of a node there are ``names``, ``gradient_names``, and ``sentences`` that say how it
    was computed. By the id of a node and the position of an operand there are ``messages``.
    ``formulas`` say how values were computed; ``marked_operations`` and ``marked_rules`` are
    formulas with marks instead of names.

    A Tensor without a name is called by its formula, ``σ² + 1e-05``. If that is long, it is called
    by its function and place, ``sum7``. Parameters with the same name are told apart by group.
    """

    def __init__(self, graph: Graph, tape: Sequence[Tensor], swept: Iterable[Step]) -> None:
        self._nodes: dict[Any, Vertex] = {node.number: node for node in graph.nodes}
        self._symbols: dict[int, Symbol] = {}  # one for each Tensor, to write formulas with
        constants = [node for node in graph.nodes if node.role == "constant"]
        self.names = {node.id: constant_in_words(node) for node in constants}
        self.sentences: dict[str, str] = {}
        self.messages: dict[tuple[str, int], Wording] = {}
        self.formulas: dict[str, str] = {}  # with names, by the id of the value they computed
        self.marked_operations: dict[str, str] = {}  # ⟨0⟩ + ⟨1⟩, "" if the function is unreadable
        self.marked_rules: dict[tuple[str, int], str] = {}
        uses = Counter(tensor.name for tensor in tape if tensor.role == "parameter")
        for place, tensor in enumerate(tape):
            self._add_tensor(tensor, place, shared=uses[tensor.name] > 1)
        self._name_gradients(tape)
        for step in swept:
            for message in step.messages:
                self._add_message(step, message)

    def _add_tensor(self, tensor: Tensor, place: int, shared: bool) -> None:
        node, symbol = self._nodes[tensor.number], self._formula(tensor)
        formula = symbol.text
        if name := greek(str(tensor.name or "")):
            name = f"{node.scope[-1]}.{name}" if shared and node.scope else name
            symbol = Symbol(name, node.value)
        elif not 0 < len(formula) <= _LONGEST_NAME:
            symbol = Symbol(f"{node.function or 'leaf'}{place}", node.value)
        self._symbols[tensor.number] = symbol
        name = self.names[node.id] = symbol.text
        head = formula if name == formula else f"{name} = {formula}"
        self.formulas[node.id], self.marked_operations[node.id] = formula, self._marked(tensor)
        if tensor.function:
            self.sentences[node.id] = f"{head}: {self._in_words(tensor)}."

    def _name_gradients(self, tape: Iterable[Tensor]) -> None:
        """Call the gradient of x dx, or d(x) if a value of the graph is called dx itself."""
        self.gradient_names: dict[str, str] = {}
        values = {*self.names.values()}
        for tensor in tape:
            id = self._nodes[tensor.number].id
            name = self.names[id]
            plain = (tensor.name or name.isidentifier()) and f"d{name}" not in values
            self.gradient_names[id] = f"d{name}" if plain else f"d({name})"

    def _add_message(self, step: Step, message: Message) -> None:
        """Call the rule with marks: ⟨-2⟩ for the gradient, ⟨-1⟩ for the result, ⟨0⟩ for an operand.

        The marks in its formula tell which values it uses; then names take their places.
        """
        tensor, id = step.node, self._nodes[step.node.number].id
        g = Symbol(self.gradient_names[id], step.gradient)
        values = [g, self._symbols[tensor.number], *self._operands(tensor)]
        marks = {f"⟨{i}⟩": v for i, v in enumerate(values, -2) if isinstance(v, Symbol)}
        marked = [
            Symbol(f"⟨{i}⟩", v.value, v.level) if isinstance(v, Symbol) else v
            for i, v in enumerate(values, -2)
        ]
        otherwise = f"the rule of {self._nodes[tensor.number].function}"
        read = _read_formula(lambda: _run_rule(tensor, message.position, *marked), otherwise)
        self.marked_rules[id, message.position] = read.text
        spread, product = _spread(read.text), np.shape(message.product)
        text = spread or read.text
        self.messages[id, message.position] = Wording(
            rule=_cut_short(re.sub(r"⟨-?\d+⟩", lambda m: str(marks.get(m[0], m[0])), text)),
            copied=copied(_axis_given(tensor), product) if spread else "",
            summed=summed(product, np.shape(message.gradient)),
            reads=tuple(int(mark[1:-1]) for mark in [*marks][1:] if mark in read.text),
        )

    def _formula(self, tensor: Tensor) -> Symbol:
        """Return the formula that computed a Tensor; for a leaf it is empty."""
        function: Any = tensor.function
        if function is None:
            return Symbol("", tensor.value)
        operands = self._operands(tensor)
        read = _read_formula(lambda: function(*operands, **tensor.kwargs), function.__name__)
        text = _cut_short(read.text)
        return Symbol(text, tensor.value, read.level if text == read.text else _NAME_LEVEL)

    def _marked(self, tensor: Tensor) -> str:
        """Return the formula that computed a Tensor with the mark ⟨0⟩ for its first operand.

        For a primitive of the user's own it is what that function does, if it can be read.
        """
        function: Any = tensor.function
        drawn = {position for position, _, _ in operands(tensor)}  # those that the graph has
        marked = [
            Symbol(f"⟨{i}⟩", v.value) if isinstance(v, Symbol) and i in drawn else v
            for i, v in enumerate(self._operands(tensor))
        ]
        calls = [] if function is None else [function]
        own = hasattr(function, "compute") and not function.__module__.startswith("microbn.engine")
        if own:
            calls.insert(0, function.__wrapped__)
        texts = (_read_formula(partial(f, *marked, **tensor.kwargs), "").text for f in calls)
        return next(filter(None, texts), "")

    def _operands(self, tensor: Tensor) -> list[Any]:
        inputs: Any = tensor.inputs
        return [
            self._symbols[x.number]
            if isinstance(x, Tensor)
            else _short_constant(x, name_of_constant(tensor, position))
            for position, x in enumerate(inputs)
        ]

    def _in_words(self, tensor: Tensor) -> str:
        """Say how a Tensor was computed, which operands were broadcast, and its shape."""
        function: Any = tensor.function
        operands = self._operands(tensor)
        words = [_operand_in_words(operand, alone=len(operands) == 1) for operand in operands]
        for position, x in enumerate(tensor.inputs):
            if isinstance(x, float) and isinstance(operands[position], Symbol):
                words[position] += f" = {constant_number(x)}"  # the formula shows the name alone
        args: Any = tensor.args
        if sentence := _SENTENCES.get(function):
            together = over(_axis_given(tensor), np.shape(args[0])) if "{over}" in sentence else ""
            said = sentence.format(*words, over=together)
        else:
            said = f"{function.__name__.replace('_', ' ')} of {listed(words)}"
        return f"{said}{self._broadcast(tensor)}, {_shape_in_words(tensor.value)}"

    def _broadcast(self, tensor: Tensor) -> str:
        """Say which operands were broadcast: ``, σ broadcast to all 4 rows``."""
        narrow: dict[str, list[str]] = {}
        for x, value in sources(tensor) if is_entrywise(tensor.function) else ():
            wide = repeated_axes(tensor.shape, np.shape(value))
            if axes := [axis for axis in wide if tensor.shape[axis] != 1]:
                name = self._symbols[x.number].text
                narrow.setdefault(to_all(axes, tensor.shape), []).append(name)
        said = (f", {listed(dict.fromkeys(names))} broadcast {to}" for to, names in narrow.items())
        return "".join(said)


def greek(name: str) -> str:
    """Return a name as pictures show it, on one line: ``x̂`` for x_hat, ``dσ²`` for d_var."""
    name = " ".join(name.split())
    if name.startswith("d_"):
        return "d" + greek(name[2:])
    word, bracket, index = name.partition("[")  # scalars() names its entries x_hat[0, 1]
    return GREEK.get(word, word) + bracket + index


def constant_in_words(node: Vertex) -> str:
    """Return what the box of a constant says: ``ε = 1e-05``, ``2``, or the name of an array."""
    name = greek(node.name)
    if node.value.ndim:
        return name or "array"
    number = constant_number(node.value)
    return f"{name} = {number}" if name else number


def _short_constant(x: Any, name: str) -> Any:
    """Return a constant as a formula shows it: its name, or a few digits of a float.

    An array of floats without a name is an "array".
    """
    if not (
        isinstance(x, (float, np.floating)) or (isinstance(x, np.ndarray) and x.dtype.kind == "f")
    ):
        return x
    if name or np.ndim(x):
        return Symbol(greek(name) or "array", x)
    return float(constant_number(x))


def _operand_in_words(operand: Any, alone: bool) -> str:
    """Return an operand as a sentence shows it: a formula beside another is in parentheses."""
    word = str(operand)
    if len(word) > _LONGEST_OPERAND:
        return "an array"
    compound = isinstance(operand, Symbol) and operand.level != _NAME_LEVEL
    return f"({word})" if compound and not alone else word


def _axis_given(tensor: Tensor) -> Any:
    """Return the axis that a reduction was given, by position or by name."""
    args: Any = tensor.args
    return args[1] if len(args) > 1 else tensor.kwargs.get("axis")


def _spread(rule: str) -> str:
    """Return what the text of a rule spreads over an array: ``g / 4`` of ``spread(g / 4, (4, 3))``.

    Returns "" for a rule that does anything else.
    """
    if not (whole := re.fullmatch(r"spread\((.*), \([\d, ]*\)\)", rule)):
        return ""
    inner = whole[1]
    if expanded := re.fullmatch(r"expand_dims\((.*), (-?\d+|\([-\d, ]*\))\)", inner):
        inner = expanded[1]
    open_brackets = accumulate((c in "([") - (c in ")]") for c in inner)
    return inner if min(open_brackets, default=0) >= 0 else ""


def _shape_in_words(value: Any) -> str:
    """Return ``shape (4, 3)``, or for a single number ``which is 2.5``."""
    value = np.asarray(value)
    return f"shape {value.shape}" if value.ndim else f"which is {short(value)}"


def _run_rule(tensor: Tensor, position: int, g: Any, out: Any, *operands: Any) -> Any:
    """Run the rule of an operand."""
    function: Any = tensor.function
    vjp: Any = rules_of(function, len(operands))[position]
    return vjp(g, out, *operands, **tensor.kwargs)


def _read_formula(computed: Callable[[], Any], otherwise: str) -> Symbol:
    """Run a computation on Symbols and return its formula, or ``otherwise`` if it fails."""
    try:
        with np.errstate(all="ignore"):
            said = computed()
    except Exception:  # a user's rule may do anything that only arrays allow
        return Symbol(otherwise)
    level = said.level if isinstance(said, Symbol) else _NAME_LEVEL
    return Symbol(" ".join(str(said).split()), None, level)


def _cut_short(formula: str) -> str:
    if len(formula) <= _LONGEST_FORMULA:
        return formula
    return formula[: _LONGEST_FORMULA - 1] + "…"
