"""The steps of a story: what is given, computed and sent, in sentences and numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from linecache import getline
from textwrap import dedent

import numpy as np

from ..engine.backward import Message, Step
from ..errors import listed
from ..reading.trace import Line
from ..view.values import printable
from .graph import Edge, Graph, Vertex
from .mathematics import Mathematics, gradient_pattern
from .news import News
from .noise import Noise
from .values import short
from .words import Words


@dataclass(frozen=True, eq=False)
class Part:
    """The part of a gradient that one use of a value adds: a message that goes back along an edge.

    ``rule`` is the rule in words and ``product`` its result. ``gradient`` is the result in the
    shape of the receiver; ``summed`` names the axes it was summed over for that, "" if none.
    ``total`` is the sum at the receiver, which now has ``received`` of ``expected`` parts.
    ``count`` says so, ``1 of 2``, and is "" if there is one part only. ``earlier`` is the sum
    before, or None for the first part. ``pattern`` names the way in which the gradient comes back:
    "add distributes", "mul swaps", "max routes", "broadcast sums", two of them, or "". ``noise`` is
    how large rounding noise can be in the total.
    """

    edge: str
    receiver: str
    rule: str
    product: np.ndarray
    summed: str
    gradient: np.ndarray
    received: int
    expected: int
    count: str
    earlier: np.ndarray | None
    total: np.ndarray
    sentence: str
    pattern: str = ""
    noise: float = 0.0

    def terms(self) -> dict[str, np.ndarray]:
        """Return the numbers worth showing, in the order in which they are computed.

        The ``product`` is among them if it was summed, ``earlier`` and ``total`` if parts came
        before this one.
        """
        terms = {"gradient": self.gradient}
        if self.summed:
            terms = {"product": self.product, **terms}
        if self.earlier is not None:
            terms = {"earlier": self.earlier, **terms, "total": self.total}
        return terms


@dataclass(frozen=True, eq=False)
class StoryStep:
    """One step. ``phase`` is "given", "forward" or "backward", and ``sentence`` says what happens.

    ``nodes`` are all leaves at first, and after that the one value that is computed, or whose
    complete ``gradient`` is sent on in ``parts``. ``gradients`` are that one and the sums at the
    receivers, by the id of a node. ``edges`` are the uses that take part, and ``reads`` the other
    values: the operands, or those that the rules use. ``beside`` are gradients derived in another
    way, by their titles, for those that are complete now. Under trace() ``line`` is the line that
    computed the value, and ``code`` that line with the lines beside it that also ran. ``math`` are
    lines of mathematics, the operation and in the backward ∂L/∂ of each operand: trees of MathML.
    """

    number: int
    phase: str
    nodes: tuple[str, ...]
    sentence: str
    gradient: np.ndarray | None = None
    parts: tuple[Part, ...] = ()
    gradients: dict[str, np.ndarray] = field(default_factory=dict)
    edges: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    beside: dict[str, np.ndarray] = field(default_factory=dict)
    line: Line | None = None
    code: tuple[tuple[int, str], ...] = ()
    math: tuple = ()

    def __str__(self) -> str:
        lines = [self.sentence, *(f"  {part.sentence}" for part in self.parts)]
        return printable("\n".join(lines))

    @property
    def ran(self) -> Line | None:
        """Return the line to look at: microbn's own, if the user's line led to one, or the user's.

        Microbn's own line is one of functional.py, or of rules.py for a gradient's graph.
        """
        return self.line and (self.line.inside or self.line)


def tell_steps(
    graph: Graph, words: Words, swept: Sequence[Step], derived: Mapping[str, np.ndarray]
) -> tuple[StoryStep, ...]:
    """Return the steps of a story: forward as the graph was made, backward as it was swept.

    A leaf sends nothing on, so it has no backward step of its own. ``derived`` are gradients to
    compare with, by the id of a node.
    """
    teller = _Teller(graph, words, swept, derived)
    tensors = [node for node in graph.nodes if node.role != "constant"]
    steps = [
        teller.given([node for node in tensors if not node.function]),
        *(teller.forward(node) for node in tensors if node.function),
        *(teller.backward(step) for step in swept if step.node.function),
    ]
    ran = {(line.file, line.number) for step in steps if (line := step.ran)}
    return tuple(
        replace(step, number=number, code=_code_around(step.ran, ran))
        for number, step in enumerate(steps)
    )


def first_steps(steps: Iterable[StoryStep]) -> dict[str, int]:
    """Return the number of the first step of the forward, and of the backward."""
    phases = [step.phase for step in steps]
    return {phase: phases.index(phase) for phase in ("forward", "backward")}


class _Teller:
    """Tells one step after another, and keeps the sum of what every value has received."""

    def __init__(
        self, graph: Graph, words: Words, swept: Sequence[Step], derived: Mapping[str, np.ndarray]
    ) -> None:
        self.words, self.derived = words, derived
        self.mathematics = Mathematics(graph, words)
        self.nodes = {node.id: node for node in graph.nodes}
        self.ids = {node.number: node.id for node in graph.nodes}
        self.edges: dict[str, dict[int, Edge]] = {node.id: {} for node in graph.nodes}
        for edge in graph.edges:
            self.edges[edge.target][edge.position] = edge
        self.expected = Counter(m.operand.number for step in swept for m in step.messages)
        self.received: Counter[int] = Counter()
        self.totals: dict[int, np.ndarray] = {}
        self.news, self.noise = News(graph, words, swept), Noise(graph)

    def given(self, leaves: list[Vertex]) -> StoryStep:
        """Tell the leaves, which exist before anything is computed."""
        values = [(self.words.names[leaf.id], leaf.value) for leaf in leaves]
        named = [f"{name} {v.shape or f'= {short(v)}'}" for name, v in values]
        if len(named) > 6:
            held = sum(leaf.role == "parameter" for leaf in leaves)
            counts = {"parameter": held, "input": len(leaves) - held}
            named = [f"{n} {kind}{'s' * (n > 1)}" for kind, n in counts.items() if n]
        nodes = tuple(leaf.id for leaf in leaves)
        return StoryStep(0, "given", nodes, f"Given: {listed(named)}.")

    def forward(self, node: Vertex) -> StoryStep:
        """Tell how a value is computed."""
        edges = self.edges[node.id]
        return StoryStep(
            number=0,
            phase="forward",
            nodes=(node.id,),
            sentence=self.words.sentences[node.id],
            edges=tuple(edge.id for edge in edges.values()),
            reads=self._reads(node.id, edges),
            line=node.line,
            math=self.mathematics.forward(node.id),
        )

    def backward(self, step: Step) -> StoryStep:
        """Tell that a gradient is complete, and what it sends to each operand."""
        node = self.nodes[self.ids[step.node.number]]
        used = (p for m in step.messages for p in self.words.messages[node.id, m.position].reads)
        parts = tuple(self._part(step, message) for message in step.messages)
        gradient, count = np.asarray(step.gradient), self.expected[step.node.number]
        return StoryStep(
            number=0,
            phase="backward",
            nodes=(node.id,),
            sentence=self.news.of_step(step, parts, count, self.derived),
            gradient=gradient,
            parts=parts,
            gradients={part.receiver: part.total for part in parts} | {node.id: gradient},
            edges=tuple(part.edge for part in parts),
            reads=self._reads(node.id, used),
            beside=self._beside(parts),
            line=node.line,
            math=self.mathematics.backward(node.id, parts),
        )

    def _beside(self, parts: Iterable[Part]) -> dict[str, np.ndarray]:
        """Return the derived gradients to set beside those that these parts complete."""
        return {
            f"{self.words.gradient_names[part.receiver]} by hand": self.derived[part.receiver]
            for part in parts
            if part.received == part.expected and part.receiver in self.derived
        }

    def _part(self, step: Step, message: Message) -> Part:
        """Tell a message, and add it to the sum at its receiver."""
        number, sender = message.operand.number, self.ids[step.node.number]
        uses = self.edges[sender]
        earlier, gradient = self.totals.get(number), np.asarray(message.gradient)
        self.totals[number] = gradient if earlier is None else np.asarray(earlier + gradient)
        self.received[number] += 1
        received, expected = self.received[number], self.expected[number]
        count = f"{received} of {expected}" if expected > 1 else ""
        wording = self.words.messages[sender, message.position]
        rule = f"{wording.rule}, {wording.copied}" if wording.copied else wording.rule
        said = f"receives {rule}"
        said += f", {wording.summed}, because it was broadcast" if wording.summed else ""
        said += f": part {count}" if count else ""
        part = Part(
            edge=uses[message.position].id,
            receiver=self.ids[number],
            rule=rule,
            product=np.asarray(message.product),
            summed=wording.summed,
            gradient=gradient,
            received=received,
            expected=expected,
            count=count,
            earlier=earlier,
            total=self.totals[number],
            sentence=f"{self.words.names[self.ids[number]]} {said}.",
            pattern=gradient_pattern(step.node.function, wording.summed),
        )
        read = [sender if p < 0 else uses[p].source for p in wording.reads if p < 0 or p in uses]
        return replace(part, noise=self.noise.add(sender, step.gradient, read, part))

    def _reads(self, id: str, positions: Iterable[int]) -> tuple[str, ...]:
        """Return the operands at these positions, each once; -1 is the value itself.

        Numbers that are constants are left out, because the formula shows them.
        """
        edges = self.edges[id]
        ids = (id if p < 0 else edges[p].source for p in positions if p < 0 or p in edges)
        nodes = dict.fromkeys(self.nodes[id] for id in ids)
        return tuple(node.id for node in nodes if node.role != "constant" or node.value.ndim)


def _code_around(line: Line | None, ran: set[tuple[str, int]]) -> tuple[tuple[int, str], ...]:
    """Return a line of code, and those just above and below it that also ran."""
    if not line:
        return ()
    near = [n for n in range(line.number - 1, line.number + 2) if (line.file, n) in ran]
    texts = (getline(line.file, n).rstrip().expandtabs() for n in near)
    return tuple(zip(near, dedent("\n".join(texts)).split("\n"), strict=True))
