"""A lecture in one file: a script in TOML says which slides there are, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from importlib.resources import files
from math import inf
from pathlib import Path
from typing import Any

from ..arguments import read_toml
from ..errors import ArgumentError, listed
from ..view.slides import Slide, deck
from ..view.stills import Stills
from ..view.story import Story
from ..view.teller import Steps
from .lecture_bodies import code_body, figure_body, framed_body, text_body, vote_body

Told = Callable[[str, Sequence[str]], Story]

_MOST_PRINTED = 4  # steps of a story in a frame
DEFAULT = files(__package__) / "lecture.toml"
TEXT, TEXTS = "a text in quotes", "a list of texts"
ANY = {"title": TEXT, "minutes": "a number, 0 or more", "notes": TEXT}
# The keys of each kind of slide, besides those of any slide. Its first key names the kind.
KINDS: dict[str, dict[str, str]] = {
    "figure": {"figure": TEXT, "alt": TEXT},
    "story": {
        "story": TEXT,
        "inputs": TEXTS,
        "steps": "the first and the last step: [0, 10]",
        "live": "true or false",
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
    KINDS["story"]["live"]: lambda value: isinstance(value, bool),
    KINDS["vote"]["options"]: lambda value: IS[TEXTS](value) and len(value) > 1,
    KINDS["vote"]["right"]: lambda value: type(value) is int,
}


def lecture(told: Told, script: str | Path | None = None) -> str:
    """Return a lecture as a page. ``told`` tells the story of a target with its inputs.

    Without a ``script`` it is the lecture of 50 minutes. Raises ArgumentError for a script that
    cannot be read, and for an entry that is wrong, which it names. Raises MissingPackageError for a
    story if Graphviz or Pillow is missing.
    """
    place = DEFAULT if script is None else Path(script)
    read = _script_from(place)
    folder = Path("." if script is None else script).parent
    maker = _Maker(told, folder)
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
    for key, value in entry.items():
        if key not in keys:
            raise ArgumentError(f"lecture: {name}: {_strange(key, kind, keys)}")
        if not IS[keys[key]](value):
            raise ArgumentError(f"lecture: {name}: {key} = {value!r:.60} must be {keys[key]}")
    needed = ("title", *NEEDED.get(kind, ()))
    if missing := [key for key in needed if key not in entry]:
        raise ArgumentError(
            f"lecture: {name} needs {missing[0]}, {keys[missing[0]]}: {missing[0]} = …"
        )
    return kind


def _strange(key: str, kind: str, keys: Mapping[str, str]) -> str:
    everywhere = {name: other for other, names in KINDS.items() for name in names}
    if other := everywhere.get(key):
        return f"the key {key!r} belongs to a slide with {other}, and this is one with {kind}"
    alike = get_close_matches(key, keys, 1)
    meant = f"; did you mean {alike[0]!r}?" if alike else ""
    return f"there is no key {key!r}; a slide with {kind} has {', '.join(keys)}{meant}"


class _Maker:
    """Makes slides of the entries of a script. It tells each story once."""

    def __init__(self, told: Told, folder: Path) -> None:
        self.told, self.folder = told, folder
        self.stories: dict[Any, Story] = {}
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
        yield self._slide(entry, code_body(entry["title"], *parts), "code")

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
        key = entry["story"], *entry.get("inputs", ())
        if key not in self.stories:
            self.stories[key] = self.told(self._target(entry["story"]), entry.get("inputs", ()))
        story = self.stories[key]
        first, last = entry.get("steps", (0, len(story) - 1))
        if not 0 <= first <= last < len(story):
            there = f"{entry['story']} has the steps 0 to {len(story) - 1}"
            raise ArgumentError(f"steps = [{first}, {last}], but {there}")
        stills = Stills(story.graph, story.names, story.gradient_names, story.steps)
        if entry.get("live", False):
            self.pages.setdefault(key, story.page())
            number = [*self.pages].index(key)
            body = framed_body(entry["title"], number, first)
            handout = [stills.svg(step) for step in telling_steps(story.steps, first, last)]
            yield self._slide(entry, body, "framed", last - first, handout)
        else:
            yield from _still_slides(entry, stills, range(first, last + 1))

    def _target(self, target: str) -> str:
        """Return a target; a file of one's own stands beside the script."""
        return str(self.folder / target) if ".py:" in target else target


def telling_steps(steps: Steps, first: int, last: int) -> list[int]:
    """Return the steps that a handout shows of a part of a story, four at most.

    These are the first step and the last, the one that computes the result, those that complete a
    sum of several parts, and if there is room, others at equal distances.
    """
    between = range(first + 1, last)
    result = steps.starts["backward"] - 1
    sums = (n for n in between if any(p.received == p.expected > 1 for p in steps[n].parts))
    others = (first + round((last - first) * share) for share in (1 / 3, 2 / 3, 1 / 2, 1 / 4))
    wanted = dict.fromkeys([first, last, result, *sums, *others])
    return sorted([n for n in wanted if first <= n <= last][:_MOST_PRINTED])


def _still_slides(entry: Mapping[str, Any], stills: Stills, steps: range) -> Iterator[Slide]:
    """Yield a slide for each step, which share the minutes. The notes stand with the first."""
    minutes = entry["minutes"] / len(steps) if "minutes" in entry else None
    for number in steps:
        made = stills.slide(number, minutes)
        own = entry.get("notes", "") if number == steps[0] else ""
        yield Slide(f"{entry['title']}: {made.name}", made.body, f"{own}\n\n{made.notes}", minutes)
