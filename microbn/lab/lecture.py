"""A lecture in one file: a script in TOML says which slides there are, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from math import inf
from pathlib import Path
from typing import Any

from ..arguments import check_keys, read_toml
from ..errors import ArgumentError, listed
from ..view.beside import beside
from ..view.slides import Slide, deck
from ..view.story import Story
from .lecture_bodies import code_body, figure_body, text_body, vote_body
from .lecture_stories import Shown, handout, is_live, still_slides, stops_of, story_frame

Told = Callable[[str, Sequence[str]], Shown]

DEFAULT = files(__package__) / "lecture.toml"
TEXT, TEXTS = "a text in quotes", "a list of texts"
ANY = {"title": TEXT, "minutes": "a number, 0 or more", "notes": TEXT}
# The keys of each kind of slide, besides those of any slide. Its first key names the kind.
KINDS: dict[str, dict[str, str]] = {
    "figure": {"figure": TEXT, "alt": TEXT},
    "story": {
        "story": TEXT,
        "inputs": TEXTS,
        "beside": TEXT,
        "steps": "the first and the last step: [0, 10]",
        "stops": "a list of steps, one for each press: [0, 5, 9]",
        "live": "true or false",
        "jacobian": "true or false",
        "opens": "the number of a step",
    },
    "code": {"code": TEXT, "prints": TEXT, "text": TEXT},
    "vote": {
        "vote": TEXT,
        "options": "a list of two texts or more",
        "right": "the number of the right option, from 1",
        "answer": TEXT,
    },
    "text": {"text": TEXT},
}
NEEDED = {"figure": ("alt",), "vote": ("options", "right", "answer")}
IS: dict[str, Callable[[Any], bool]] = {
    TEXT: lambda value: isinstance(value, str),
    TEXTS: lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    ANY["minutes"]: lambda value: type(value) in (int, float) and 0 <= value < inf,
    KINDS["story"]["steps"]: lambda value: (
        isinstance(value, list) and len(value) == 2 and all(type(one) is int for one in value)
    ),
    KINDS["story"]["stops"]: lambda value: (
        isinstance(value, list) and len(value) > 0 and all(type(one) is int for one in value)
    ),
    KINDS["story"]["opens"]: lambda value: type(value) is int,
    KINDS["story"]["live"]: lambda value: isinstance(value, bool),
    KINDS["vote"]["options"]: lambda value: IS[TEXTS](value) and len(value) > 1,
    KINDS["vote"]["right"]: lambda value: type(value) is int,
}


def lecture(told: Told, script: str | Path | None = None) -> str:
    """Return a lecture as a page. ``told`` tells the story of a target with its inputs, or a film.

    Without a ``script`` it is the lecture of 50 minutes. Raises ArgumentError for a script that
    cannot be read, and for an entry that is wrong, which it names. Raises MissingPackageError for a
    story if Graphviz or Pillow is missing.
    """
    place = DEFAULT if script is None else Path(script)
    read = _script_from(place)
    maker = _Maker(told, Path(str(place)).parent)
    slides = [
        slide
        for number, entry in enumerate(read["slide"], 1)
        for slide in maker.slides(entry, _name_of(entry, number))
    ]
    return deck(read["title"], slides, [*maker.pages.values()])


def _script_from(place: Any) -> dict[str, Any]:
    """Return a script as it stands in its file. Raises ArgumentError if it is none."""
    read = read_toml("lecture", place)
    if strange := [key for key in read if key not in ("title", "slide")]:
        raise ArgumentError(
            f"lecture: {place.name} has the key {strange[0]!r}; a script has a title, and after it "
            "a [[slide]] for each slide"
        )
    if not isinstance(read.get("title"), str):
        raise ArgumentError(f'lecture: {place.name} needs a title in its first line: title = "…"')
    slides = read.get("slide")
    if not (isinstance(slides, list) and slides and all(isinstance(one, dict) for one in slides)):
        raise ArgumentError(
            f"lecture: {place.name} has no slides; begin each with [[slide]] on a line of its own"
        )
    return read


def _name_of(entry: Mapping[str, Any], number: int) -> str:
    title = entry.get("title")
    return f"slide {number} ({title})" if isinstance(title, str) else f"slide {number}"


def check_entry(entry: Mapping[str, Any], name: str) -> str:
    """Return the kind of a slide. Raises ArgumentError for a key or a value that is wrong."""
    kinds = [kind for kind in KINDS if kind in entry and kind != "text"] or ["text"]
    if len(kinds) > 1:
        raise ArgumentError(f"lecture: {name} is both {listed(kinds)}; make a slide of each")
    (kind,) = kinds
    keys = KINDS[kind] | ANY
    everywhere = {key: other for other, names in KINDS.items() for key in names}
    for key in entry:
        if key not in keys and key in everywhere:
            raise ArgumentError(
                f"lecture: {name}: the key {key!r} belongs to a slide with {everywhere[key]}, and "
                f"this is one with {kind}"
            )
    needed = ("title", *NEEDED.get(kind, ()))
    check_keys(f"lecture: {name}", entry, keys, IS, f"a slide with {kind}", needed)
    return kind


class _Maker:
    """Makes slides of the entries of a script. It tells each story once."""

    def __init__(self, told: Told, folder: Path) -> None:
        self.told, self.folder = told, folder
        self.shown: dict[Any, Shown] = {}
        self.pages: dict[Any, str] = {}

    def slides(self, entry: Mapping[str, Any], name: str) -> Iterator[Slide]:
        """Yield the slides of an entry: one, or one for each step of a story that is not live."""
        kind = check_entry(entry, name)
        try:
            yield from getattr(self, f"_of_{kind}")(entry)
        except ArgumentError as error:
            raise ArgumentError(f"lecture: {name}: {error}") from error

    def _slide(self, entry: Mapping[str, Any], body: str, kind: str, *more: Any) -> Slide:
        notes, minutes = entry.get("notes", ""), entry.get("minutes")
        return Slide(entry["title"], body, notes, minutes, kind, *more)

    def _of_text(self, entry: Mapping[str, Any]) -> Iterator[Slide]:
        yield self._slide(entry, text_body(entry["title"], entry.get("text", "")), "text")

    def _of_code(self, entry: Mapping[str, Any]) -> Iterator[Slide]:
        parts = (entry.get(key, "") for key in ("text", "code", "prints"))
        body, presses = code_body(entry["title"], *parts), int("prints" in entry)
        yield self._slide(entry, body, "code", presses)

    def _of_figure(self, entry: Mapping[str, Any]) -> Iterator[Slide]:
        body = figure_body(entry["title"], entry["figure"], entry["alt"], self.folder)
        yield self._slide(entry, body, "figure")

    def _of_vote(self, entry: Mapping[str, Any]) -> Iterator[Slide]:
        options, right = entry["options"], entry["right"]
        if not 1 <= right <= len(options):
            raise ArgumentError(
                f"right = {right}, but the options have the numbers 1 to {len(options)}"
            )
        yield self._slide(
            entry, vote_body(entry["vote"], options, right, entry["answer"]), "vote", 1
        )

    def _of_story(self, entry: Mapping[str, Any]) -> Iterator[Slide]:
        key = entry["story"], entry.get("beside"), *entry.get("inputs", ())
        if key not in self.shown:
            self.shown[key] = self._shown(entry)
        shown = self.shown[key]
        stops = stops_of(entry, shown)
        if is_live(entry, shown):
            if key not in self.pages:
                self.pages[key] = shown.page()
            body = story_frame(entry, [*self.pages].index(key), shown, stops)
            printed = handout(entry, shown, stops)
            yield self._slide(entry, body, "framed", len(stops) - 1, printed)
        elif isinstance(shown, Story):
            yield from still_slides(entry, shown, stops)

    def _shown(self, entry: Mapping[str, Any]) -> Shown:
        """Tell the story of a slide, and set the one of another target beside it if asked to."""
        targets = [entry[key] for key in ("story", "beside") if key in entry]
        told = [self.told(self._target(name), entry.get("inputs", ())) for name in targets]
        if len(told) == 1:
            return told[0]
        stories = [
            replace(story, title=name.rpartition(":")[2].replace("_", " "))
            for name, story in zip(targets, told, strict=True)
            if isinstance(story, Story)
        ]
        if len(stories) < len(told):
            raise ArgumentError("beside takes two stories, and a training is none")
        return beside(*stories)

    def _target(self, target: str) -> str:
        """Return a target; a file of one's own stands beside the script."""
        return str(self.folder / target) if ".py:" in target else target
