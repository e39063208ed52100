"""The pictures of a story's steps, for slides: equal in size, with every box in its place."""

from __future__ import annotations

import textwrap
from collections.abc import Collection
from typing import Any

from .boxes import Room, box_columns, box_lines, larger_direction, room_for_all, room_of
from .dot import Drawing, sizes_of, to_dot
from .graph import Graph
from .teller import Steps

_CHARACTER = 8  # points that a character of the caption takes
_SPACE = "\N{NO-BREAK SPACE}"
_NARROW, _WIDE = 80, 110  # characters in a line


class Frames:
    """The drawings of all steps, with one size and one layout: ``frames[3]`` is that of step 3.

    Each box has room for the longest text that it holds at any step, and the caption has room for
    the longest of all. The options are those of `microbn.draw`, and so are the errors.
    """

    def __init__(
        self,
        graph: Graph,
        steps: Steps,
        *,
        values: bool = True,
        grads: bool = True,
        collapse: Collection[str] = (),
        depth: int | None = None,
        direction: str | None = None,
    ) -> None:
        self._whole, self._steps = graph, steps
        self._fold: dict[str, Any] = {"collapse": collapse, "depth": depth}
        self._shown = {"values": values, "grads": grads}
        self._rooms: dict[str, Room] = {}
        for number in range(len(steps)):
            for node in self._graph(number).nodes:
                room = room_of(box_columns(node, values, grads))
                self._rooms[node.id] = room_for_all([room, self._rooms.get(node.id, room)])
        boxes = {
            node.id: box_lines(box_columns(node, values, grads), self._rooms[node.id])
            for node in self._graph(0).nodes
        }
        sizes = sizes_of(self._graph(0), boxes)
        self._direction = direction or larger_direction(sizes, self._lines(_WIDE))
        width = sizes[self._direction].width if self._direction in sizes else 0
        self._across = max(_NARROW, min(_WIDE, int(width / _CHARACTER)))
        self._down = self._lines(self._across)

    def __len__(self) -> int:
        return len(self._steps)

    def __getitem__(self, number: int) -> Drawing:
        said = self._caption(number, self._across)
        blank = [_SPACE] * (self._down - len(said))
        ruler = _SPACE * (2 * self._across)  # is broader than any line above it
        return drawing_of_step(
            self._graph(number),
            self._steps,
            number,
            caption="\n".join([*said, *blank, ruler]),
            direction=self._direction,
            rooms=self._rooms,
            **self._shown,
        )

    def _graph(self, number: int) -> Graph:
        return self._whole.at(*self._steps.known(number)).folded(**self._fold)

    def _caption(self, number: int, across: int) -> list[str]:
        """Return the caption of a step in lines of so many characters at most."""
        said = caption_of_step(self._steps, number).splitlines()
        lines = (textwrap.wrap(line, across, subsequent_indent="  ") for line in said)
        return [line for wrapped in lines for line in wrapped]

    def _lines(self, across: int) -> int:
        """Return how many lines the longest caption has."""
        return max(len(self._caption(number, across)) for number in range(len(self)))


def drawing_of_step(graph: Graph, steps: Steps, number: int, **options: Any) -> Drawing:
    """Draw the graph as it is at a step, with what happens in it drawn bold."""
    step = steps[number]
    sent = step.edges if step.phase == "backward" else ()
    return to_dot(graph, current=(*step.nodes, *step.edges), sent=sent, **options)


def caption_of_step(steps: Steps, number: int) -> str:
    """Return the sentences of a step, which stand below its picture."""
    return f"Step {number} of {len(steps) - 1}. {steps[number]}"
