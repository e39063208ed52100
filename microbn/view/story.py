"""The story of a graph: forward step by step, then backward as the engine's own sweep goes.

The page, the notebook, the terminal and the pictures all tell this story. Every number and every
word that they show comes from here.
"""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.backward import sweep
from ..engine.tensor import Tensor
from ..errors import ArgumentError, MicrobnError, RenderError, ShapeError, listed
from ..reading.tape import history
from .data import data_of_story
from .dot import FORMATS, Drawing, check_renderers
from .frames import Frames, caption_of_step, drawing_of_step
from .graph import Graph, Vertex, snapshot_of_tape
from .links import Links
from .live import Live
from .outputs import one_root
from .page import encodable, notebook_frame, page_in_pieces
from .saving import write_whole
from .slides import deck
from .steps import Remark, StoryStep
from .stills import Stills
from .teller import Steps
from .values import MOST_BOXES
from .words import Words


def story(
    root: Tensor | Sequence[Tensor],
    cotangent: Any = None,
    *,
    title: str | None = None,
    derived: Mapping[str, Any] | None = None,
) -> Story:
    """Tell how ``root`` was computed, and how its gradient flows back to what it was made from.

    The gradient starts with ``cotangent``, as for `sweep`, and errors are the same. Several outputs
    come in a list, with a list of their cotangents; the group outputs joins them. The story shows
    the user's lines of code, and those of microbn's own if the graph was made under trace().
    ``derived`` are gradients that were derived by hand, by the names of their Tensors:
    ``{"x": dx}``. Each is set beside the one that emerged, with the largest difference between the
    two. No ``.grad`` is touched.

    Raises ArgumentError for a derived gradient that belongs to no value or to several, and for one
    that is not made of real numbers. Raises ShapeError for one that does not fit.
    """
    root, cotangent = one_root("story", root, cotangent)
    swept = list(sweep(root, cotangent))
    tape = history(root)
    graph = snapshot_of_tape(tape, {step.node.number: step.gradient for step in swept})
    words = Words(links := Links(graph), tape)
    steps = Steps(links, words, swept, _by_id(graph, {} if derived is None else derived))
    title = title or words.names[graph.nodes[-1].id]
    return Story(graph, words.names, words.gradient_names, steps, title)


def _by_id(graph: Graph, derived: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return derived gradients by the ids of the nodes that they belong to."""
    if not isinstance(derived, Mapping):
        raise ArgumentError(
            'story: derived holds gradients by the names of their Tensors, {"x": dx}; it is no '
            f"{type(derived).__name__}"
        )
    found = {}
    for name, gradient in derived.items():
        node, array = _value_called(name, graph), _real(gradient, name)
        if array.shape != (shape := node.value.shape):
            raise ShapeError(
                f"story: the derived gradient of {name} has shape {array.shape}; {name} has {shape}"
            )
        found[node.id] = array
    return found


def _value_called(name: Any, graph: Graph) -> Vertex:
    """Return the value of this name, with a gradient. Raises ArgumentError unless there is one."""
    named = [node for node in graph.nodes[:-1] if node.gradient is not None and node.name]
    found = [node for node in named if node.name == name]
    if not found:
        there = listed(dict.fromkeys(node.name for node in named)) or "values without a name"
        raise ArgumentError(
            f"story: derived has {name!r}, but the gradients that emerge are those of {there}"
        )
    if len(found) > 1:
        raise ArgumentError(
            f"story: derived has {name!r}, but {len(found)} values are called {name}; give each a "
            "name of its own"
        )
    return found[0]


def _real(gradient: Any, name: str) -> np.ndarray:
    """Return a derived gradient as an array. Raises ArgumentError unless its numbers are real."""
    with suppress(MicrobnError, TypeError, ValueError):
        if (array := np.array(gradient)).dtype.kind in "fiu":
            return array  # a copy: the caller may change theirs before the story tells of it
    raise ArgumentError(
        f"story: the derived gradient of {name} must be an array of real numbers, got "
        f"{gradient!r:.60}"
    )


@dataclass(frozen=True, eq=False)
class Story:
    """A graph and the steps in which it is made.

    By the id of a node, ``names`` has the name of its value and ``gradient_names`` the name of its
    gradient: ``x̂``, ``dx̂``. A story is a sequence of its steps: ``len(story)``, ``story[3]``,
    ``for step in story``. Its page ``opens`` at the step of this number.
    """

    graph: Graph
    names: dict[str, str]
    gradient_names: dict[str, str]
    steps: Steps
    title: str
    opens: int = 0

    @property
    def starts(self) -> dict[str, int]:
        """The numbers of the first step of the forward and of the backward."""
        return self.steps.starts

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, index: int) -> StoryStep:
        return self.steps[index]

    def __iter__(self) -> Iterator[StoryStep]:
        return iter(self.steps)

    def with_remarks(self, remarks: Mapping[int, Sequence[Remark]], opens: int) -> Story:
        """Return the story with remarks on some steps, by their numbers. Its page opens at one."""
        return replace(self, steps=self.steps.with_remarks(remarks), opens=opens)

    def __str__(self) -> str:
        return "\n".join(f"{step.number:>3}  {step}".replace("\n", "\n     ") for step in self)

    def __repr__(self) -> str:
        return f"Story({self.title!r}: {len(self.graph.nodes)} values, {len(self)} steps)"

    def data(self) -> dict[str, Any]:
        """Return the whole story as lists, dicts, numbers and text for JSON: the page's data.

        An array is its number among the ``tables``, each a `values.Table`, or None if
        ``Part.terms`` leaves it out.
        """
        return {
            name: [*value] if isinstance(value, Iterator) else value
            for name, value in self.pieces()
        }

    def pieces(self, live: Live | None = None) -> Iterator[tuple[str, Any]]:
        """Yield the data in named pieces, to be read in order; a long piece is an iterator."""
        names = self.names, self.gradient_names
        yield "opens", self.opens
        yield from data_of_story(self.title, self.graph, *names, self.steps, live)

    def _page(self) -> Iterator[str]:
        live = Live(self.steps)
        return page_in_pieces(self.title, self.pieces(live), live.script)

    def page(self) -> str:
        """Return the story's page as HTML: what `save` writes."""
        return "".join(self._page())

    def save(self, path: str | Path) -> Path:
        """Write the story as a page, ``bn.html``: one file that needs no network.

        ``bn.webp`` or ``bn.gif`` is an animated picture of all steps, 1280 x 720, which begins
        again at its end. It raises the errors of `slides`. Raises ArgumentError for another suffix.
        """
        suffix = (path := Path(path)).suffix.lower()
        if suffix in (".webp", ".gif"):
            return write_whole(path, self._stills().animation(suffix[1:]))
        if suffix != ".html":
            raise ArgumentError(
                "a story is saved as a page, bn.html, or as an animated picture, bn.webp or "
                f"bn.gif, not as {str(path)!r}; pictures of its steps are written by "
                "story.frames(folder), or --frames"
            )
        return write_whole(path, map(str.encode, self._page()))

    def slides(
        self, path: str | Path, *, collapse: Collection[str] = (), depth: int | None = None
    ) -> Path:
        """Write a deck of slides, ``slides.html``: one file, with a slide of each step.

        Each slide has the graph, always in the same layout, and the numbers and sums beside it. The
        sentences are also the speaker's notes, which the key "n" shows. Printing gives one slide a
        page. ``collapse`` and ``depth`` close groups, as for `microbn.draw`.

        Raises ArgumentError for another suffix and for a group that does not exist, and
        MissingPackageError without Graphviz or Pillow.
        """
        if (path := Path(path)).suffix.lower() != ".html":
            raise ArgumentError(
                f"slides are written as a page, slides.html, not as {str(path)!r}; an animated "
                "picture is written by story.save('bn.webp')"
            )
        stills = self._stills(collapse=collapse, depth=depth)
        return write_whole(path, deck(self.title, [*map(stills.slide, range(len(self)))]).encode())

    def _stills(self, **options: Any) -> Stills:
        return Stills(self.graph, self.names, self.gradient_names, self.steps, **options)

    def frames(self, folder: str | Path, format: str = "svg", **options: Any) -> list[Path]:
        """Write a picture of every step, for slides: ``step00.svg``, or .png or .pdf.

        All pictures have the same size and the same layout, so that no box moves from one to the
        next. Takes the options of `drawing` and raises the same errors. Raises ArgumentError for
        another format.
        """
        if format not in FORMATS:
            raise ArgumentError(f"frames: {format!r} is not a format; use one of {listed(FORMATS)}")
        check_renderers()
        (folder := Path(folder)).mkdir(parents=True, exist_ok=True)
        frames, width = Frames(self.graph, self.steps, **options), len(str(len(self) - 1))
        return [
            frames[number].save(folder / f"step{number:0{width}}.{format}")
            for number in range(len(frames))
        ]

    def drawing(
        self,
        number: int,
        *,
        values: bool = True,
        grads: bool = True,
        collapse: Collection[str] = (),
        depth: int | None = None,
        direction: str | None = None,
    ) -> Drawing:
        """Draw the graph as it is at a step, with the sentences below; "–" means not yet computed.

        Takes the options of `microbn.draw` and raises the same errors.
        """
        number = range(len(self))[number]
        return drawing_of_step(
            self.graph.at(*self.steps.known(number)).folded(collapse, depth),
            self.steps,
            number,
            values=values,
            grads=grads,
            direction=direction,
            caption=caption_of_step(self.steps, number),
        )

    def _repr_html_(self) -> str:
        return notebook_frame(self.page(), self.last_step())

    def last_step(self) -> str:
        """Return a picture of the last step, its groups closed if it is large, or else text."""
        large = len(self.graph.nodes) > MOST_BOXES
        try:
            depth = 0 if large else None
            if len(self.graph.folded(depth=depth).nodes) > MOST_BOXES:
                raise RenderError("Graphviz would take too long")
            picture = self.drawing(len(self) - 1, depth=depth).svg()
        except Exception:  # a notebook's repr must not raise
            return f"<pre>{encodable(html.escape(repr(self) if large else str(self)))}</pre>"
        address = b64encode(picture.encode()).decode()
        return f'<img alt="The graph" src="data:image/svg+xml;base64,{address}">'
