"""The story of a graph: forward step by step, then backward, as the engine's own sweep goes.

The one source that the page, the notebook, the terminal and the pictures tell from: every number
and every word that they show is here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..engine.backward import sweep
from ..engine.tensor import Tensor
from ..errors import ArgumentError, listed
from ..reading.tape import history
from .data import data
from .dot import FORMATS, Drawing, check_renderers, to_dot
from .graph import Graph, snapshot
from .page import notebook, page
from .saving import write_whole
from .steps import StoryStep
from .teller import Teller, code, shown
from .values import short
from .words import Words


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

        An array is its number among the ``tables``, each a `values.Table`. A part's ``product`` is
        None where nothing was summed, its ``total`` where it is the first.
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
        return write_whole(path, page(data(self)).encode())

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

        Options and errors as for `microbn.draw`.
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
    teller = Teller(graph, words, ids, swept)
    steps = [
        teller.given([tensor for tensor in tape if tensor.function is None]),
        *(teller.forward(tensor) for tensor in tape if tensor.function is not None),
        *map(teller.backward, swept),
    ]
    ran = {(line.file, line.number) for step in steps if (line := shown(step.line))}
    numbered = (
        replace(step, number=number, code=code(step.line, ran)) for number, step in enumerate(steps)
    )
    return Story(graph, names, gradient_names, tuple(numbered), title or names[ids[root.number]])
