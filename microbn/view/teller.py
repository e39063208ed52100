"""Tells the steps of a story: who is given, computed and sent what, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from linecache import getline

import numpy as np

from ..engine.backward import Message, repeated
from ..engine.backward import Step as Swept
from ..engine.tensor import Tensor
from ..errors import listed
from ..reading.trace import Line
from .graph import Graph
from .steps import Part, StoryStep
from .values import short
from .words import Words, over


class Teller:
    """Tells one step after another, and keeps count of what every value has received."""

    def __init__(self, graph: Graph, words: Words, ids: dict, swept: list[Swept]) -> None:
        self.words, self.ids = words, ids
        self.edges = {(edge.target, edge.position): edge for edge in graph.edges}
        self.nodes = {node.id: node for node in graph.nodes}
        self.expected = Counter(m.operand.number for step in swept for m in step.messages)
        self.received: Counter[int] = Counter()
        self.totals: dict[int, np.ndarray] = {}
        self.root = swept[0].node

    def given(self, leaves: list[Tensor]) -> StoryStep:
        """The leaves, which are there before anything is computed."""
        values = [(self.words.name(t), self.nodes[self.ids[t.number]].value) for t in leaves]
        named = [f"{name} {v.shape or f'= {short(v)}'}" for name, v in values]
        if len(named) > 6:
            held = sum(leaf.role == "parameter" for leaf in leaves)
            counts = {"parameter": held, "input": len(leaves) - held}
            named = [f"{n} {kind}{'s' * (n > 1)}" for kind, n in counts.items() if n]
        nodes = tuple(self.ids[leaf.number] for leaf in leaves)
        return StoryStep(0, "given", nodes, f"Given: {listed(named)}.")

    def forward(self, tensor: Tensor) -> StoryStep:
        """A value is computed."""
        id, positions = self.ids[tensor.number], range(len(tensor.inputs))
        return StoryStep(
            number=0,
            phase="forward",
            nodes=(id,),
            sentence=self.words.told(tensor),
            reads=self._sources(id, positions),
            line=tensor.line,
        )

    def _sources(self, id: str, positions: Iterable[int]) -> tuple[str, ...]:
        """The operands at these positions, each once, and the value itself at -1; but for numbers
        that are constants, which stand in the formula.
        """
        found = (id if p < 0 else self._source(id, p) for p in positions)
        return tuple(dict.fromkeys(source for source in found if source))

    def _source(self, id: str, position: int) -> str:
        edge = self.edges.get((id, position))
        node = edge and self.nodes[edge.source]
        return node.id if node and (node.role != "constant" or node.value.ndim) else ""

    def backward(self, step: Swept) -> StoryStep:
        """A gradient is complete, and sends each operand its part."""
        parts = tuple(self._part(step, message) for message in step.messages)
        name, count = self.words.name(step.node), self.expected[step.node.number]
        head = f"The gradient of {name} is complete"
        if step.node is self.root:
            start = self.words.gradient(step.node)
            head = f"The way back starts with {start}, the gradient of {name}"
        elif count > 1:
            head += f", the sum of {count} parts"
        receivers = listed(dict.fromkeys(self.words.name(m.operand) for m in step.messages))
        tail = f"it goes on to {receivers}" if receivers else "it goes no further"
        used = [
            p for m in step.messages for p in self.words.reads(step.node, m.position, step.gradient)
        ]
        if step.node.function is None:
            tail = f"backward() adds it to {name}.grad"
        return StoryStep(
            number=0,
            phase="backward",
            nodes=(self.ids[step.node.number],),
            sentence=f"{head}: {tail}.",
            gradient=np.asarray(step.gradient),
            parts=parts,
            reads=self._sources(self.ids[step.node.number], used),
            line=step.node.line,
        )

    def _part(self, step: Swept, message: Message) -> Part:
        number = message.operand.number
        gradient, product = np.asarray(message.gradient), np.asarray(message.product)
        self.received[number] += 1
        sum_so_far = self.totals.get(number)
        self.totals[number] = gradient if sum_so_far is None else np.asarray(sum_so_far + gradient)
        rule = self.words.rule(step.node, message.position, step.gradient)
        new, same = repeated(product.shape, gradient.shape)
        axes = [*new, *(len(new) + axis for axis in same)]
        summed = f"summed {over(axes, product.shape)}" if axes else ""
        received, expected = self.received[number], self.expected[number]
        sentence = f"{self.words.name(message.operand)} receives {rule}"
        sentence += f", {summed}" if summed else ""
        sentence += f": part {received} of {expected}" if expected > 1 else ""
        return Part(
            edge=self.edges[self.ids[step.node.number], message.position].id,
            receiver=self.ids[number],
            rule=rule,
            product=product,
            summed=summed,
            gradient=gradient,
            received=received,
            expected=expected,
            total=self.totals[number],
            sentence=f"{sentence}.",
        )


def shown(line: Line | None) -> Line | None:
    """The line to look at: microbn's own, as in functional.py, that the user's led to."""
    return line and (line.inside or line)


def code(line: Line | None, ran: set[tuple[str, int]]) -> tuple[tuple[int, str], ...]:
    """A line of code, and those just above and below that ran as well."""
    if not (runs := shown(line)):
        return ()
    near = range(runs.number - 1, runs.number + 2)
    return tuple((n, getline(runs.file, n).rstrip()) for n in near if (runs.file, n) in ran)
