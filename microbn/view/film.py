"""A film of a training: one graph that moves, with a story for each training step."""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArgumentError, GraphError
from .graph import Graph
from .page import (
    FILM_SCRIPTS,
    FILM_STYLES,
    encodable,
    json_in_pieces,
    notebook_frame,
    shell,
)
from .saving import write_whole
from .story import Story
from .values import short, table


@dataclass(frozen=True, eq=False)
class Shot:
    """One training step: its story in training, and that of the same batch in eval.

    Both stories are of the model before the update. ``before`` and ``after`` hold the running
    statistics by path, ``"layers.1.running_mean"``: eval reads those before the step, and the
    forward in training moves them to those after it.
    """

    train: Story
    eval: Story
    before: Mapping[str, np.ndarray]
    after: Mapping[str, np.ndarray]


class Film(Sequence[Story]):
    """A training, step by step. ``film[k]`` is the story of training step k, counted from 0.

    The graph is the same in every step, so the same boxes move. ``shots[k]`` has everything of a
    step: its story in eval too, its loss, and the running statistics.

    Raises ArgumentError without shots. Raises GraphError for a step whose graph differs from that
    of the first step; the message says how.
    """

    def __init__(self, title: str, shots: Iterable[Shot]) -> None:
        self.title = title
        self.shots: list[Shot] = []
        for shot in shots:
            first = self.shots[0] if self.shots else shot
            _check_same(first.train, shot.train, len(self.shots), "training")
            _check_same(first.eval, shot.eval, len(self.shots), "eval")
            self.shots.append(shot)
        if not self.shots:
            raise ArgumentError("Film: there are no shots; a film has at least one training step")

    @property
    def losses(self) -> list[float]:
        """The loss of every training step, in training and before its update."""
        return [_last_value(shot.train) for shot in self.shots]

    def __len__(self) -> int:
        return len(self.shots)

    def __getitem__(self, index: Any) -> Any:
        shots = self.shots[index]
        return shots.train if isinstance(shots, Shot) else [shot.train for shot in shots]

    def __repr__(self) -> str:
        many, values = len(self), len(self[0].graph.nodes)
        moved = f"loss {short(self.losses[0])} → {short(self.losses[-1])}"
        steps = f"{many} training step{'s' * (many > 1)}"
        return f"Film({self.title!r}: {steps} of {values} values, {moved})"

    def save(self, path: str | Path) -> Path:
        """Write the film as a page, ``film.html``: one file that needs no network.

        Raises ArgumentError for another suffix.
        """
        if (path := Path(path)).suffix.lower() != ".html":
            raise ArgumentError(
                f"a film is saved as a page, film.html, not as {str(path)!r}; pictures of one "
                "training step are written by film[0].frames(folder)"
            )
        return write_whole(path, map(str.encode, self._page()))

    def _repr_html_(self) -> str:
        return notebook_frame(self.page(), self[0].last_step())

    def page(self) -> str:
        """Return the page as text, for instance to put it into a frame."""
        return "".join(self._page())

    def _page(self) -> Iterator[str]:
        before, after = shell(self.title, scripts=FILM_SCRIPTS, styles=FILM_STYLES)
        yield encodable(before)
        yield from map(encodable, json_in_pieces(self._data()))
        yield encodable(after)

    def _data(self) -> Iterator[tuple[str, Any]]:
        """Yield the data of both stories of the first step, and then what moves in each step."""
        first = self.shots[0].train.data(), self.shots[0].eval.data()
        losses = {
            mode: [_last_value(getattr(shot, mode)) for shot in self.shots]
            for mode in ("train", "eval")
        }
        steps = (self._moves(number, *first) for number in range(len(self)))
        film = {"losses": losses, "evaluated": first[1], "moves": packed(steps)}
        yield from (first[0] | {"title": self.title, "film": film}).items()

    def _moves(self, number: int, trained: Mapping, evaluated: Mapping) -> dict[str, Any]:
        """Return what moves up to a training step: numbers, sentences and running statistics."""
        shot = self.shots[number]
        return {
            "train": moves(trained, shot.train.data()),
            "eval": moves(evaluated, shot.eval.data()),
            "statistics": [
                {
                    **dict(zip(("layer", "name"), _parted(path), strict=True)),
                    "before": table(shot.before[path])._asdict(),
                    "after": table(after)._asdict(),
                }
                for path, after in shot.after.items()
            ],
        }


def moves(first: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what differs from the first step: tables by number, sentences by step, Jacobians."""
    tables, steps = (
        {
            n: new
            for n, (old, new) in enumerate(zip(first[part], data[part], strict=True))
            if old != new
        }
        for part in ("tables", "steps")
    )
    sentences = {number: step["sentence"] for number, step in steps.items()}
    return {"tables": tables, "sentences": sentences, "jacobians": data["jacobians"]}


def packed(items: Iterable[Any]) -> str:
    """Return items as lines of JSON, compressed by zlib, as base64: the page unpacks them."""
    packer, encode = zlib.compressobj(), json.JSONEncoder(separators=(",", ":")).encode
    pieces = [packer.compress(f"{encode(item)}\n".encode()) for item in items]
    return b64encode(b"".join([*pieces, packer.flush()])).decode()


def _parted(path: str) -> tuple[str, str]:
    """Return the path of a layer, and the name of its buffer."""
    layer, _, name = path.rpartition(".")
    return layer, name


def _last_value(told: Story) -> float:
    """Return the number that a story ends its forward with."""
    return float(told.graph.nodes[-1].value)


def _check_same(first: Story, other: Story, step: int, mode: str) -> None:
    """Raise GraphError unless two stories are of the same graph."""
    for one, two in zip(_values_in_words(first), _values_in_words(other), strict=False):
        if one != two:
            raise _differs(step, mode, f"it has {two}, where step 0 has {one}")
    sizes = [f"{len(s.graph.nodes)} values and {len(s)} steps" for s in (first, other)]
    if sizes[0] != sizes[1]:
        raise _differs(step, mode, f"it has {sizes[1]}, and step 0 has {sizes[0]}")


def _differs(step: int, mode: str, how: str) -> GraphError:
    return GraphError(
        f"film: the graph of training step {step}, in {mode}, differs from that of step 0: {how}. "
        "A film shows one graph that moves, so the model must compute the same functions of the "
        "same shapes in every step"
    )


def _values_in_words(story: Story) -> Iterator[str]:
    """Yield what stays the same from step to step, as text: each value, and what it reads."""
    graph: Graph = story.graph
    reads: dict[str, list[str]] = {node.id: [] for node in graph.nodes}
    for edge in graph.edges:
        reads[edge.target].append(edge.source)
    for node in graph.nodes:
        name, shape = story.names[node.id], node.value.shape
        of = ", ".join(story.names[id] for id in reads[node.id])
        yield f"{name} {shape}" + (f" = {node.function}({of})" if node.function else "")
