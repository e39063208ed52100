"""Two stories side by side and in step, on one page: their steps are paired by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from ..errors import ArgumentError, DTypeError, listed
from .page import (
    STORY_SCRIPTS,
    STORY_STYLES,
    encodable,
    hash_of,
    json_in_pieces,
    notebook_frame,
    script_of,
    shell,
)
from .pairing import Pair, Pairing, Side
from .saving import write_whole
from .story import Story

BESIDE_SCRIPTS = "elements.js", "key_list.js", "beside.js", "around.js", "remote.js"
PANE_SCRIPTS = (*STORY_SCRIPTS, "pane.js")  # a pane shows one of the two stories
_PANE_STYLES = (*STORY_STYLES, "pane.css")


def beside(left: Story, right: Story, *, title: str | None = None) -> Beside:
    """Set two stories side by side and in step: one key goes to the next step of both.

    A step of one story is paired with the step of the other that computes the value of the same
    name, or that sends its gradient on. If only one story has such a step, the other stays where
    it is and says so. Values and gradients that differ from those of the same name are marked.

    ``both.save("both.html")`` writes the page, and a notebook shows it.

    Raises DTypeError for anything but two stories, and ArgumentError if they share no name.
    """
    for given in (left, right):
        if not isinstance(given, Story):
            raise DTypeError(
                "beside: takes two stories, as microbn.story(root) returns them, not a "
                f"{type(given).__name__}"
            )
    titles = left.title, right.title
    if left.title == right.title:
        titles = f"{left.title}, left", f"{right.title}, right"
    sides = Side(left, titles[0]), Side(right, titles[1])
    if not sides[0].named.keys() & sides[1].named.keys():
        there = " and the right one ".join(listed([*side.named][:4]) for side in sides)
        raise ArgumentError(
            f"beside: the two stories share no name: the left one has {there}; give the values "
            "that belong together the same name, as in Tensor(array, 'x') or label(locals())"
        )
    pairing = Pairing(*sides)
    pairs, differences = tuple(pairing.pairs), pairing.differences
    title = title or " beside ".join(titles)
    return Beside(left, right, titles, title, pairs, differences, pairing.backward)


@dataclass(frozen=True, eq=False)
class Beside:
    """Two stories in step. ``pairs`` are the steps of both, each a `Pair`.

    ``differences`` has a dict for each story. By the id of a node it says how far the node's value
    and gradient are from those in the other story. ``backward`` is the first pair of the backward.
    """

    left: Story
    right: Story
    titles: tuple[str, str]
    title: str
    pairs: tuple[Pair, ...]
    differences: tuple[Mapping[str, Mapping[str, str]], ...]
    backward: int

    def __len__(self) -> int:
        return len(self.pairs)

    def __str__(self) -> str:
        return "\n".join(f"{number:>3}  {pair}" for number, pair in enumerate(self.pairs))

    def __repr__(self) -> str:
        return f"Beside({self.title!r}: {len(self)} steps)"

    def save(self, path: str | Path) -> Path:
        """Write both stories as one page, ``both.html``: a file that needs no network.

        Raises ArgumentError for another suffix.
        """
        if (path := Path(path)).suffix.lower() != ".html":
            raise ArgumentError(f"two stories are saved as a page, both.html, not as {str(path)!r}")
        return write_whole(path, map(str.encode, self._page()))

    def _repr_html_(self) -> str:
        pictures = self.left.last_step() + self.right.last_step()
        return notebook_frame(self.page(), pictures)

    def page(self) -> str:
        """Return the page as text, for instance to put it into a frame."""
        return "".join(self._page())

    def _page(self) -> Iterator[str]:
        """Yield the page. Its script puts the two panes into frames, each the page of a story."""
        allowed = [hash_of(script_of(PANE_SCRIPTS))]
        files = BESIDE_SCRIPTS, ["beside.css", "keys.css"]
        before, *others = shell(self.title, "beside.html", *files, allowed=allowed)
        yield encodable(before)
        for data, text in zip([self._own_data(), *self._panes()], others, strict=True):
            yield from map(encodable, json_in_pieces(data))
            yield encodable(text)

    def _own_data(self) -> Iterator[tuple[str, Any]]:
        yield "titles", self.titles
        yield "pairs", self.pairs
        yield "starts", {"forward": 1, "backward": self.backward}
        yield "pane", shell("", scripts=PANE_SCRIPTS, styles=_PANE_STYLES)

    def _panes(self) -> Iterator[Iterator[tuple[str, Any]]]:
        """Yield the data of both stories, with the title of each and what differs."""
        stories = self.left, self.right
        for story, title, differs in zip(stories, self.titles, self.differences, strict=True):
            yield chain(story.pieces(), [("pane", {"title": title, "differs": differs})])
