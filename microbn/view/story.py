"""The story of a graph: forward step by step, then backward, as the engine's own sweep goes.

The one source that the page, the notebook, the terminal and the pictures tell from: every number
and every word that they show is here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from linecache import getline
from pathlib import Path
from typing import Any

import numpy as np

from ..backward import repeated, sweep
from ..errors import ArgumentError, listed
from ..finite import Line
from ..nodes import Message, history
from ..nodes import Step as Swept
from ..tensor import Tensor
from .data import data
from .dot import FORMATS, Drawing, check_renderers, to_dot
from .graph import Graph, snapshot
from .page import notebook, page
from .values import short
from .words import Words, over


@dataclass(frozen=True, eq=False)
class Part:
    """What one use of a value adds to its gradient: a message along an edge, against its arrow.

    ``rule`` is the rule in words and ``product`` what it gave. ``gradient`` is the same in the
    shape of the receiver, and ``summed`` says over which axes it was summed for that, "" if over
    none. With this part the receiver has ``received`` of ``expected`` parts, and they are
    ``total``.
    """

    edge: str
    receiver: str
    rule: str
    product: np.ndarray
    summed: str
    gradient: np.ndarray
    received: int
    expected: int
    total: np.ndarray
    sentence: str


@dataclass(frozen=True, eq=False)
class StoryStep:
    """One step. ``phase`` is "given", "forward" or "backward", ``sentence`` says what happens.

    ``nodes`` are what it is about: all the leaves that are given, or the one value that is
    computed or sends its ``gradient``, which is complete, on in ``parts``. ``reads`` are the other
    values that this takes: the operands, or what the rules make use of. Under trace() ``line`` is
    the line that computed the value, and ``code`` that line and those beside it that ran too.
    """

    number: int
    phase: str
    nodes: tuple[str, ...]
    sentence: str
    gradient: np.ndarray | None = None
    parts: tuple[Part, ...] = ()
    reads: tuple[str, ...] = ()
    line: Line | None = None
    code: tuple[tuple[int, str], ...] = ()

    def __str__(self) -> str:
        return "\n".join([self.sentence, *(f"  {part.sentence}" for part in self.parts)])


@dataclass(frozen=True, eq=False)
class Story:
    """A graph and the steps in which it comes about.

    ``names`` are what its values are called, by the id of a node, and ``gradient_names`` what
    their gradients are: ``x̂``, ``dx̂``.

    A sequence of its steps: ``len(story)``, ``story[3]``, ``for step in story``.
    """

    graph: Graph
    names: dict[str, str]
    gradient_names: dict[str, str]
    steps: tuple[StoryStep, ...]
    title: str

    @property
    def starts(self) -> dict[str, int]:
        """The first step of the forward, and of the backward."""
        phases = [step.phase for step in self.steps]
        return {phase: phases.index(phase) for phase in ("forward", "backward")}

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, index: int) -> StoryStep:
        return self.steps[index]

    def __iter__(self) -> Iterator[StoryStep]:
        return iter(self.steps)

    def __str__(self) -> str:
        return "\n".join(f"{step.number:>3}  {step}".replace("\n", "\n     ") for step in self)

    def __repr__(self) -> str:
        return f"Story({self.title!r}: {len(self.graph.nodes)} values, {len(self)} steps)"

    def data(self) -> dict[str, Any]:
        """All of it as lists, dicts, numbers and text, which JSON takes: what the page is given.

        An array is its number among the ``tables``, each a `Table`. A part's ``product`` is None
        where nothing was summed, its ``total`` where it is the first.
        """
        return data(self)

    def save(self, path: str | Path) -> Path:
        """Write the story as a page, ``bn.html``: one file that needs no network.

        Raises ArgumentError for another suffix.
        """
        if (path := Path(path)).suffix.lower() != ".html":
            raise ArgumentError(
                f"a story is saved as a page, bn.html, not as {str(path)!r}; pictures of its steps "
                "are written by story.frames(folder), or --frames"
            )
        path.write_text(page(data(self)), encoding="utf-8")
        return path

    def frames(self, folder: str | Path, format: str = "svg", **options: Any) -> list[Path]:
        """A picture of every step, for slides: ``step00.svg``, or .png or .pdf.

        Options and errors as for `drawing`; ArgumentError for another format.
        """
        if format not in FORMATS:
            raise ArgumentError(f"frames: {format!r} is no format; it is one of {listed(FORMATS)}")
        check_renderers()
        (folder := Path(folder)).mkdir(parents=True, exist_ok=True)
        width = len(str(len(self) - 1))
        return [
            self.drawing(number, **options).save(folder / f"step{number:0{width}}.{format}")
            for number in range(len(self))
        ]

    def drawing(
        self,
        number: int,
        *,
        values: bool = True,
        grads: bool = True,
        collapse: Collection[str] = (),
        depth: int | None = None,
        direction: str = "TB",
    ) -> Drawing:
        """The graph as it is at a step, with its words below; "–" is for what is not there yet.

        Options and errors as for `draw`.
        """
        step = self.steps[number]
        known: set[str] = set()
        totals: dict[str, Any] = {}
        for past in self.steps[: step.number + 1]:
            known.update(past.nodes)
            totals.update((part.receiver, part.total) for part in past.parts)
            if past.phase == "backward":
                totals[past.nodes[0]] = past.gradient
        sent = {part.edge for part in step.parts}
        fed = {edge.id for edge in self.graph.edges if edge.target in step.nodes}
        return to_dot(
            self.graph.at(known, totals).folded(collapse, depth),
            values=values,
            grads=grads,
            direction=direction,
            current=(*step.nodes, *(fed if step.phase == "forward" else ())),
            sent=sent,
            caption=f"Step {step.number} of {len(self) - 1}. {step}",
        )

    def _repr_html_(self) -> str:
        return notebook(self)


def story(root: Tensor, cotangent: Any = None, *, title: str | None = None) -> Story:
    """Tell how ``root`` was computed, and how its gradient goes back to what it was made from.

    ``cotangent`` is where the gradients start, as for `sweep`, and errors are the same. Under
    trace() the lines of code are remembered, and belong to the story. No ``.grad`` is touched.
    """
    swept = list(sweep(root, cotangent))
    graph = snapshot(root, {step.node.number: step.gradient for step in swept})
    tape = history(root)
    words = Words(tape, {node.number: node for node in graph.nodes})
    ids = {node.number: node.id for node in graph.nodes}
    constants = [node for node in graph.nodes if node.number is None]
    names = {c.id: "array" if c.value.ndim else short(c.value) for c in constants}
    names |= {ids[tensor.number]: words.name(tensor) for tensor in tape}
    gradient_names = {ids[tensor.number]: words.gradient(tensor) for tensor in tape}
    teller = _Teller(graph, words, ids, swept)
    steps = [
        teller.given([tensor for tensor in tape if tensor.function is None]),
        *(teller.forward(tensor) for tensor in tape if tensor.function is not None),
        *map(teller.backward, swept),
    ]
    ran = {(line.file, line.number) for step in steps if (line := _shown(step.line))}
    numbered = (
        replace(step, number=number, code=_code(step.line, ran))
        for number, step in enumerate(steps)
    )
    return Story(graph, names, gradient_names, tuple(numbered), title or names[ids[root.number]])


class _Teller:
    """What has to be known of the whole to tell a step."""

    def __init__(self, graph: Graph, words: Words, ids: dict, swept: list[Swept]) -> None:
        self.words, self.ids = words, ids
        self.edges = {(edge.target, edge.position): edge for edge in graph.edges}
        self.nodes = {node.id: node for node in graph.nodes}
        self.expected = Counter(m.operand.number for step in swept for m in step.messages)
        self.received: Counter[int] = Counter()
        self.totals: dict[int, np.ndarray] = {}
        self.root = swept[0].node

    def given(self, leaves: list[Tensor]) -> StoryStep:
        values = [(self.words.name(t), self.nodes[self.ids[t.number]].value) for t in leaves]
        named = [f"{name} {v.shape or f'= {short(v)}'}" for name, v in values]
        if len(named) > 6:
            held = sum(leaf.held for leaf in leaves)
            counts = {"parameter": held, "input": len(leaves) - held}
            named = [f"{n} {kind}{'s' * (n > 1)}" for kind, n in counts.items() if n]
        nodes = tuple(self.ids[leaf.number] for leaf in leaves)
        return StoryStep(0, "given", nodes, f"Given: {listed(named)}.")

    def forward(self, tensor: Tensor) -> StoryStep:
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


def _shown(line: Line | None) -> Line | None:
    """The line to look at: microbn's own, as in functional.py, that the user's led to."""
    return line and (line.inside or line)


def _code(line: Line | None, ran: set[tuple[str, int]]) -> tuple[tuple[int, str], ...]:
    """A line of code, and those just above and below that ran as well."""
    if not (shown := _shown(line)):
        return ()
    near = range(shown.number - 1, shown.number + 2)
    return tuple((n, getline(shown.file, n).rstrip()) for n in near if (shown.file, n) in ran)
