"""A graph in words: names in Greek, a sentence for each value, and its gradient rules as formulas.

No formula is written here. Each is read off the code: the function or its rule is called with
Symbols, which are names, instead of arrays.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from ..engine.backward import Message, Step
from ..engine.names import OneCall
from ..engine.node import sources
from ..engine.primitive import rules_of
from ..engine.tensor import Tensor
from ..errors import listed
from ..reading.symbol import Symbol
from ..reading.tape import is_entrywise
from .axes import copied, over, repeated_axes, summed, to_all
from .graph import name_of_constant, operands
from .links import Links
from .names import greek
from .phrases import (
    NAME_LEVEL,
    OF_MASKS,
    TOLD_AS,
    constant_in_words,
    operand_in_words,
    shape_in_words,
    short_constant,
)
from .values import constant_number

_LONGEST_NAME = 18  # characters of a formula that is used as a name
_LONGEST_FORMULA = 120
_MARK = re.compile(r"⟨-?\d+⟩")


class Wording(NamedTuple):
    """A message in words: its ``rule``, and what is done with the rule's result, "" if nothing.

    It is ``copied`` to all the entries that a sum or a mean took together, or ``summed`` over the
    axes along which the operand was broadcast.
    """

    rule: str
    copied: str
    summed: str


class Words:
    """The words for a graph and its tape (from `history`).

    By the id of a node there are ``names``, ``gradient_names`` and ``tensors``. All other words are
    made when they are asked for, because a large graph has more of them than anybody reads.

    A Tensor without a name is called by its formula, ``σ² + 1e-05``. If that is long, it is called
    by its function and place, ``sum7``. Parameters with the same name are told apart by group.

    ``marks`` maps ids to texts that are written in the place of a number: of a constant, or of a
    value without axes.
    """

    def __init__(
        self, links: Links, tape: Sequence[Tensor], marks: Mapping[str, str] | None = None
    ) -> None:
        self._links, self.marks = links, marks or {}
        self.tensors = {links.ids[tensor.number]: tensor for tensor in tape}
        self._symbols: dict[int, Symbol] = {}  # one for each Tensor, to write formulas with
        constants = [node for node in links.nodes.values() if node.role == "constant"]
        self.names = {n.id: constant_in_words(n, self.marks.get(n.id, "")) for n in constants}
        uses = Counter(tensor.name for tensor in tape if tensor.role == "parameter")
        self._results = {part: t.number for t in tape for part in t.scope if type(part) is OneCall}
        for place, tensor in enumerate(tape):
            self._add_tensor(tensor, place, shared=uses[tensor.name] > 1)
        self._name_gradients()

    def _add_tensor(self, tensor: Tensor, place: int, shared: bool) -> None:
        node = self._links.nodes[self._links.ids[tensor.number]]
        if name := greek(node.name):
            name = f"{node.scope[-1]}.{name}" if shared and node.scope else name
            symbol = Symbol(name, node.value)
        else:
            symbol = self._formula(tensor)
            if not 0 < len(symbol.text) <= _LONGEST_NAME:
                symbol = Symbol(f"{self._maker(tensor)}{place}", node.value)
        self._symbols[tensor.number] = symbol
        self.names[node.id] = symbol.text

    def _maker(self, tensor: Tensor) -> str:
        """Return the name of the function that made a Tensor, as the user called it."""
        calls = (p for p in tensor.scope if self._results.get(p) == tensor.number)
        own = tensor.function.__name__ if tensor.function else "leaf"
        return next((str(call) for call in calls if type(call) is OneCall), own)

    def _name_gradients(self) -> None:
        """Call the gradient of x dx, or d(x) if a value of the graph is called dx itself."""
        self.gradient_names: dict[str, str] = {}
        values = {*self.names.values()}
        for id in self.tensors:
            name = self.names[id]
            known = self._links.nodes[id].name or name.isidentifier()
            plain = known and f"d{name}" not in values
            self.gradient_names[id] = f"d{name}" if plain else f"d({name})"

    def sentence(self, id: str) -> str:
        """Say how a value was computed."""
        name, formula = self.names[id], self.formula(id)
        head = formula if name == formula else f"{name} = {formula}"
        return f"{head}: {self._in_words(self.tensors[id])}."

    def formula(self, id: str) -> str:
        """Return the formula that computed a value, with the names of its operands."""
        return self._formula(self.tensors[id]).text

    def rules(self, step: Step) -> list[str]:
        """Return the rules of a step's messages as formulas with marks instead of names.

        The mark ⟨-2⟩ stands for the gradient, ⟨-1⟩ for the result, and ⟨0⟩ for the first operand.
        """
        tensor = step.node
        values = [self._symbols[tensor.number], *self._operands(tensor)]
        marked = [Symbol("⟨-2⟩", step.gradient)] + [
            Symbol(f"⟨{i}⟩", v.value, v.level) if isinstance(v, Symbol) else v
            for i, v in enumerate(values, -1)
        ]
        otherwise = tensor.function and f"the rule of {tensor.function.__name__}"
        return [
            _read_formula(partial(_run_rule, tensor, message.position, *marked), otherwise).text
            for message in step.messages
        ]

    def wording(self, id: str, message: Message, rule: str) -> Wording:
        """Put the message of a node in words: names take the places of the marks in its rule."""
        tensor = self.tensors[id]
        spread, product = _spread(rule), np.shape(message.product)

        def name(mark: re.Match) -> str:
            place = int(mark[0][1:-1])
            if place == -2:
                return self.gradient_names[id]
            return self.names[id] if place == -1 else str(self._operand(tensor, place))

        return Wording(
            rule=_cut_short(_MARK.sub(name, spread or rule)),
            copied=copied(_axis_given(tensor), product) if spread else "",
            summed=summed(product, np.shape(message.gradient)),
        )

    def _formula(self, tensor: Tensor) -> Symbol:
        """Return the formula that computed a Tensor; for a leaf it is empty."""
        function: Any = tensor.function
        if function is None:
            return Symbol("", tensor.value)
        operands = self._operands(tensor)
        read = _read_formula(lambda: function(*operands, **tensor.kwargs), function.__name__)
        text = _cut_short(read.text)
        return Symbol(text, tensor.value, read.level if text == read.text else NAME_LEVEL)

    def operation(self, id: str) -> str:
        """Return the formula that computed a value with marks, ``⟨0⟩ + ⟨1⟩``, or "".

        For a primitive of the user's own it is what that function does, if it can be read.
        """
        tensor = self.tensors[id]
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
        return [self._operand(tensor, position) for position in range(len(tensor.inputs))]

    def _operand(self, tensor: Tensor, position: int) -> Any:
        x: Any = tensor.inputs[position]
        if isinstance(x, Tensor):
            return self._symbols[x.number]
        return short_constant(x, name_of_constant(tensor, position), self._mark(tensor, position))

    def _mark(self, tensor: Tensor, position: int) -> str:
        """Return the mark of the constant that is an operand, or ""."""
        source = self._links.source(self._links.ids[tensor.number], position)
        return self.marks.get(source, "")

    def _in_words(self, tensor: Tensor) -> str:
        """Say how a Tensor was computed, which operands were broadcast, and its shape."""
        function: Any = tensor.function
        operands = self._operands(tensor)
        words = [operand_in_words(operand, alone=len(operands) == 1) for operand in operands]
        for position, x in enumerate(tensor.inputs):
            if isinstance(x, float) and name_of_constant(tensor, position):
                number = self._mark(tensor, position) or constant_number(x)
                words[position] += f" = {number}"  # the formula shows the name alone
        args: Any = tensor.args
        if tensor.dtype == bool:
            function = OF_MASKS.get(function, function)
        if sentence := TOLD_AS.get(function):
            together = over(_axis_given(tensor), np.shape(args[0])) if "{over}" in sentence else ""
            said = sentence.format(*words, over=together, all=listed(words))
        else:
            said = f"{function.__name__.replace('_', ' ')} of {listed(words)}"
        mark = self.marks.get(self._links.ids[tensor.number], "")
        return f"{said}{self._broadcast(tensor)}, {shape_in_words(tensor.value, mark)}"

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


def positions_read(rule: str) -> tuple[int, ...]:
    """Return the positions of the operands that the marks in a rule stand for; -1 is the result."""
    return tuple(sorted({int(mark[1:-1]) for mark in _MARK.findall(rule)} - {-2}))


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
    level = said.level if isinstance(said, Symbol) else NAME_LEVEL
    return Symbol(" ".join(str(said).split()), None, level)


def _cut_short(formula: str) -> str:
    if len(formula) <= _LONGEST_FORMULA:
        return formula
    return formula[: _LONGEST_FORMULA - 1] + "…"
