"""The steps of a story as pictures of one size, 1280 x 720, with one layout: drawing and numbers.

A deck of slides shows them as SVG, and an animated picture as pixels.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cached_property
from io import BytesIO
from typing import Any

from .dot import check_renderers
from .graph import Graph
from .letters import EDGE, LEGIBLE, cut, pillow
from .painting import View, as_svg
from .panel import Panel
from .pixels import as_image
from .redrawn import Looks, Redrawn
from .slides import Slide
from .still import placed_numbers, placed_words
from .teller import Steps
from .values import MOST_BOXES

_READING = 1500, 30  # milliseconds for a picture, and for each letter of its sentence
_AT_LAST = 3000  # more for the last picture, before the first comes again


class Stills:
    """The pictures of a story. Groups are closed as `microbn.draw` closes them.

    Raises MissingPackageError without Graphviz or Pillow, and ArgumentError for a group that does
    not exist.
    """

    def __init__(
        self,
        graph: Graph,
        names: Mapping[str, str],
        gradient_names: Mapping[str, str],
        steps: Steps,
        *,
        collapse: Collection[str] = (),
        depth: int | None = None,
    ) -> None:
        check_renderers()
        pillow("Image")
        if depth is None and len(graph.folded(collapse).nodes) > MOST_BOXES:
            depth = 0
        folded = graph.folded(collapse, depth)
        short = {node.id: cut(node.name or names.get(node.id, ""), 24) for node in folded.nodes}
        nodes = (
            node if node.role == "constant" else replace(node, value=None, name=short[node.id])
            for node in folded.nodes
        )
        self.steps, self.graph = steps, replace(folded, nodes=tuple(nodes))
        self.panel = Panel(graph.nodes, names, gradient_names, steps.noise)
        boxes = ((node.id, *node.members) for node in self.graph.nodes)
        self._boxes = {id: box for box, *inside in boxes for id in (box, *inside)}

    def looks(self, number: int) -> Looks:
        """Return how the graph looks at a step."""
        step = self.steps[number]
        known, _ = self.steps.known(number)
        constants = {node.id for node in self.graph.nodes if node.role == "constant"}
        return Looks(
            current={*step.nodes, *step.edges},
            sent={*step.edges} if step.phase == "backward" else frozenset(),
            later={*self._boxes} - known - constants,
        )

    @cached_property
    def _redrawn(self) -> Redrawn:
        return Redrawn(self.graph)

    def _drawn(self, number: int) -> tuple[str, View]:
        """Return the graph at a step as SVG, and which part of it is seen."""
        view = self._redrawn.view(self._boxes[self.steps[number].nodes[0]])
        return self._redrawn.svg(self.looks(number), view), view

    def _placed(self, number: int, view: View) -> list[Any]:
        """Return the texts and boxes that stand beside the drawing."""
        step = self.steps[number]
        x = 3 * EDGE + view.width * view.scale
        ran = step.ran.number if step.ran else None
        code = next((text for at, text in step.code if at == ran), "").strip()
        where = f"{step.phase.capitalize()} · step {number} of {len(self.steps) - 1}"
        for line in (code, ""):  # the line of code makes room for numbers in legible type
            above, y = placed_words(step.phase, where, step.sentence, line, x)
            below, size = placed_numbers(self.panel.rows(step), x, y)
            if size >= LEGIBLE:
                break
        return [*above, *below]

    def svg(self, number: int) -> str:
        """Return the picture of a step as SVG."""
        drawn, view = self._drawn(number)
        return as_svg(self._placed(number, view), drawn, view, self.steps[number].sentence)

    def slide(self, number: int, minutes: float | None = None) -> Slide:
        """Return a step as a slide. Its notes have the sentences, also of each part."""
        step = self.steps[number]
        parts = "\n".join(f"- {part.sentence}" for part in step.parts)
        name = f"step {number}, {step.phase}"
        return Slide(name, self.svg(number), f"{step.sentence}\n\n{parts}", minutes)

    def image(self, number: int) -> Any:
        """Return the picture of a step as an image of Pillow's."""
        drawn, view = self._drawn(number)
        return as_image(self._placed(number, view), drawn, view)

    def animation(self, format: str) -> bytes:
        """Return an animated picture of all steps, "webp" or "gif", that begins again at its end.

        A picture stays for as long as its sentence takes to be read.
        """
        first, *others = map(self.image, range(len(self.steps)))
        pause, letter = _READING
        durations = [pause + letter * len(step.sentence) for step in self.steps]
        durations[-1] += _AT_LAST
        how = {"lossless": True} if format == "webp" else {"optimize": True}
        with BytesIO() as file:
            first.save(
                file, format, save_all=True, append_images=others, duration=durations, loop=0, **how
            )
            return file.getvalue()
