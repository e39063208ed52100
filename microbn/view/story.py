"""The story of a graph: forward step by step, then backward, as the engine's own sweep goes.

The one source that the page, the notebook, the terminal and the pictures tell from. None of them
computes anything of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from linecache import getline
from pathlib import Path
from typing import Any

import numpy as np

from ..backward import sweep
from ..errors import ArgumentError, listed
from ..finite import Line
from ..nodes import Message, history
from ..nodes import Step as Swept
from ..tensor import Tensor
from .dot import Drawing, to_dot
from .graph import Graph, Node, snapshot
from .values import Tables
from .words import SIGNS, Words, over, repeated

AROUND = 4  # lines of code shown above and below the one that runs


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class StoryStep:
    """One step. ``phase`` is "given", "forward" or "backward", ``sentence`` says what happens.

    ``nodes`` are what it is about: all the leaves that are given, or the one value that is
    computed or sends its ``gradient``, which is complete, on in ``parts``.
    """

    number: int
    phase: str
    nodes: tuple[str, ...]
    sentence: str
    gradient: np.ndarray | None = None
    parts: tuple[Part, ...] = ()
    line: Line | None = None

    def __str__(self) -> str:
        return "\n".join([self.sentence, *(f"  {part.sentence}" for part in self.parts)])


@dataclass(frozen=True)
class Story:
    """A graph and the steps in which it comes about.

    ``names`` are what its values are called, by the id of a node, and ``gradients`` what their
    gradients are: ``x̂``, ``dx̂``.

    A sequence of its steps: ``len(story)``, ``story[3]``, ``for step in story``.
    """

    graph: Graph
    names: dict[str, str]
    gradients: dict[str, str]
    steps: tuple[StoryStep, ...]
    title: str

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
        """All of it as lists, dicts, numbers and text, which JSON takes.

        An array is its number among the ``tables``, each a `Table`. A part's ``product`` is None
        where nothing was summed, its ``total`` where it is the first. ``code`` has the lines of
        each file around those that ran.
        """
        tables = Tables()
        return {
            "title": self.title,
            "nodes": [self._node(node, tables) for node in self.graph.nodes],
            "edges": [asdict(edge) for edge in self.graph.edges],
            "steps": [_step(step, tables) for step in self.steps],
            "code": _code(step.line for step in self.steps),
            "tables": tables.rows,
        }

    def save(self, path: str | Path) -> Path:
        """Write the story as a page, ``bn.html``: one file that needs no network.

        Raises ArgumentError for another suffix.
        """
        from .page import page

        if (path := Path(path)).suffix.lower() not in (".html", ".htm"):
            raise ArgumentError(
                f"a story is saved as a page, bn.html, not as {path.name!r}; pictures of its steps "
                "are written by story.frames(folder)"
            )
        path.write_text(page(self), encoding="utf-8")
        return path

    def frames(self, folder: str | Path, format: str = "svg", **options: Any) -> list[Path]:
        """A picture of every step, for slides: ``step000.svg``, or .png or .pdf.

        Options are those of `draw`, such as ``direction``; errors as for `Drawing`.
        """
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
        collapse: Collection[str] = (),
        depth: int | None = None,
        **options: Any,
    ) -> Drawing:
        """The graph as it is at a step: "–" for what is not computed yet. Options as for `draw`."""
        step = self.steps[number]
        known: set[str] = set()
        totals: dict[str, Any] = {}
        for past in self.steps[: step.number + 1]:
            known.update(past.nodes)
            totals.update((part.receiver, part.total) for part in past.parts)
            if past.phase == "backward":
                totals[past.nodes[0]] = past.gradient
        graph = self.graph.at(known, totals).folded(collapse, depth)
        edges = {part.edge for part in step.parts} or {
            edge.id for edge in graph.edges if edge.target in step.nodes
        }
        return to_dot(graph, **options, current=(*step.nodes, *edges), caption=step.sentence)

    def _repr_html_(self) -> str:
        from .page import notebook

        return notebook(self)

    def _node(self, node: Node, tables: Tables) -> dict[str, Any]:
        return {
            "id": node.id,
            "name": self.names[node.id],
            "gradient": self.gradients.get(node.id),
            "sign": SIGNS.get(node.function, node.function),
            "role": node.role,
            "scope": node.scope,
            "value": tables.add(node.value),
        }


def story(root: Tensor, cotangent: Any = None, *, title: str | None = None) -> Story:
    """Tell how ``root`` was computed, and how its gradient goes back to what it was made from.

    ``cotangent`` is where the gradients start, as for `sweep`, and errors are the same. Under
    trace() the lines of code are remembered, and belong to the story. No ``.grad`` is touched.
    """
    swept = list(sweep(root, cotangent))
    graph = snapshot(root, {step.node.number: step.gradient for step in swept})
    tape = history(root)
    words = Words(tape, {node.number: node.scope for node in graph.nodes})
    ids = {node.number: node.id for node in graph.nodes}
    names = {node.id: _constant(node) for node in graph.nodes if node.number is None}
    names |= {ids[tensor.number]: words.name(tensor) for tensor in tape}
    gradients = {ids[tensor.number]: words.gradient(tensor) for tensor in tape}
    teller = _Teller(graph, words, ids, swept)
    leaves = [tensor for tensor in tape if tensor.function is None]
    steps = [
        teller.given(leaves),
        *(teller.forward(tensor) for tensor in tape if tensor.function is not None),
        *map(teller.backward, swept),
    ]
    steps = [replace(step, number=number) for number, step in enumerate(steps)]
    return Story(graph, names, gradients, tuple(steps), title or names[ids[root.number]])


class _Teller:
    """What has to be known of the whole to tell a step."""

    def __init__(self, graph: Graph, words: Words, ids: dict, swept: list[Swept]) -> None:
        self.words, self.ids = words, ids
        self.edges = {(edge.target, edge.position): edge.id for edge in graph.edges}
        self.expected = Counter(m.operand.number for step in swept for m in step.messages)
        self.received: Counter[int] = Counter()
        self.totals: dict[int, np.ndarray] = {}
        self.root = swept[0].node

    def given(self, leaves: list[Tensor]) -> StoryStep:
        name = self.words.name
        named = [f"{name(leaf)} {leaf.shape or f'= {leaf.value:.4g}'}" for leaf in leaves]
        if len(named) > 6:
            held = sum(leaf.held for leaf in leaves)
            counts = {"parameter": held, "input": len(leaves) - held}
            named = [f"{n} {kind}{'s' * (n > 1)}" for kind, n in counts.items() if n]
        nodes = tuple(self.ids[leaf.number] for leaf in leaves)
        return StoryStep(0, "given", nodes, f"Given: {listed(named)}.")

    def forward(self, tensor: Tensor) -> StoryStep:
        nodes = (self.ids[tensor.number],)
        return StoryStep(0, "forward", nodes, self.words.told(tensor), line=tensor.line)

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
        if step.node.function is None:
            tail = f"backward() adds it to {name}.grad"
        return StoryStep(
            number=0,
            phase="backward",
            nodes=(self.ids[step.node.number],),
            sentence=f"{head}: {tail}.",
            gradient=np.asarray(step.gradient),
            parts=parts,
            line=step.node.line,
        )

    def _part(self, step: Swept, message: Message) -> Part:
        number = message.operand.number
        gradient, product = np.asarray(message.gradient), np.asarray(message.product)
        self.received[number] += 1
        sum_so_far = self.totals.get(number)
        self.totals[number] = gradient if sum_so_far is None else np.asarray(sum_so_far + gradient)
        rule = self.words.rule(step.node, message.position)
        axes = repeated(product.shape, gradient.shape)
        summed = f"summed {over(axes, product.shape)}" if axes else ""
        received, expected = self.received[number], self.expected[number]
        sentence = f"{self.words.name(message.operand)} receives {rule}"
        sentence += f", {summed}" if summed else ""
        sentence += f": part {received} of {expected}" if expected > 1 else ""
        return Part(
            edge=self.edges[self.ids[step.node.number], message.position],
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


def _constant(node: Node) -> str:
    return f"{node.value.item():.6g}" if node.value.ndim == 0 else "array"


def _step(step: StoryStep, tables: Tables) -> dict[str, Any]:
    return {
        "phase": step.phase,
        "nodes": step.nodes,
        "sentence": step.sentence,
        "gradient": tables.add(step.gradient),
        "parts": [_part(part, tables) for part in step.parts],
        "line": step.line and _line(step.line),
    }


def _part(part: Part, tables: Tables) -> dict[str, Any]:
    words = ("edge", "receiver", "rule", "summed", "received", "expected", "sentence")
    return {
        **{word: getattr(part, word) for word in words},
        "product": tables.add(part.product if part.summed else None),
        "gradient": tables.add(part.gradient),
        "total": tables.add(part.total if part.received > 1 else None),
    }


def _line(line: Line) -> dict[str, Any]:
    inside = line.inside and _line(line.inside)
    return {"file": line.file, "number": line.number, "inside": inside}


def _code(lines: Iterable[Line | None]) -> dict[str, dict[int, str]]:
    """The text of the lines, and of those around them, by file and number."""
    code: dict[str, dict[int, str]] = {}
    for line in {line for outer in lines if outer for line in (outer, outer.inside) if line}:
        texts = code.setdefault(line.file, {})
        for number in range(max(1, line.number - AROUND), line.number + AROUND + 1):
            texts[number] = getline(line.file, number).rstrip()
    return code
