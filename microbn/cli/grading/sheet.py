"""A sheet of exercises in TOML: what each exercise is worth, and how a hand-in may run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf, prod
from pathlib import Path
from typing import Any

from ... import __version__
from ...arguments import check_keys, read_toml
from ...errors import ArgumentError, listed
from ..finding import PAIR, SHAPE, shape_from

LARGEST = 1_000_000  # entries of an input
HABITS = "habits"  # the row of an exercise's points for everything that is no gradient


@dataclass(frozen=True)
class Exercise:
    """An exercise: what is checked, at which inputs, for how many points, within which limits.

    ``target`` names a function, a layer or a class in the hand-in, as `microbn check` takes it.
    ``inputs`` are shapes and values, as on the command line; or ``strategies`` has a strategy in
    Python for each input, and ``examples`` says how many inputs it draws for a seed. ``points`` has
    a number for each gradient, in the order of the inputs, and perhaps one for good habits.
    """

    target: str
    points: Mapping[str, float]
    name: str = ""
    inputs: tuple[str, ...] = ()
    strategies: Mapping[str, str] = field(default_factory=dict)
    examples: int = 10
    own_forward: bool = False
    seeds: tuple[int, ...] = (0, 1, 2)
    seconds: int = 10
    hints: int = 2

    @property
    def worth(self) -> float:
        """The points of a hand-in that has everything right."""
        return sum(self.points.values())


@dataclass(frozen=True)
class Sheet:
    """The exercises of a sheet. ``reference`` is a file whose forwards are right, if there is one.

    ``visibility`` is what Gradescope is told: who sees the results, and when.
    """

    path: Path
    title: str
    exercises: tuple[Exercise, ...]
    reference: Path | None = None
    visibility: str = "visible"
    imports: tuple[str, ...] = ("numpy", "math", "typing")
    megabytes: int = 2048

    def only(self, name: str) -> Exercise:
        """Return the exercise of that name. Raises ArgumentError if there is none."""
        for exercise in self.exercises:
            if exercise.name == name:
                return exercise
        known = listed(exercise.name for exercise in self.exercises)
        raise ArgumentError(f"{self.path.name} has no exercise {name!r}; it has {known}")

    def digest(self) -> str:
        """Return a digest of all that the marks of a hand-in depend on, besides the hand-in."""
        files = [file for file in (self.path, self.reference) if file]
        contents = [__version__.encode(), *(file.read_bytes() for file in files)]
        return hashlib.sha256(b"\0".join(contents)).hexdigest()


def read_sheet(path: Path | str) -> Sheet:
    """Read a sheet. Raises ArgumentError if it cannot be read, and names the entry that is wrong.

    What stands above the first exercise, such as ``seeds``, holds for all that do not say it.
    """
    path = Path(path)
    read = read_toml("grade", path)
    entries = read.pop("exercise", None)
    if not (isinstance(entries, list) and entries and all(isinstance(e, dict) for e in entries)):
        raise ArgumentError(f"grade: {path.name} has no exercises; begin each with [[exercise]]")
    check_keys(f"grade: {path.name}", read, SHEET | SHARED, FITS, "a sheet")
    shared = {key: value for key, value in read.items() if key in SHARED}
    exercises = tuple(
        _exercise(shared | entry, f"grade: {path.name}: exercise {number}")
        for number, entry in enumerate(entries, 1)
    )
    _check_names(exercises, path.name)
    own = {key: value for key, value in read.items() if key in SHEET}
    own |= {"title": read.get("title", path.stem), "reference": _reference(path, own)}
    return Sheet(path.resolve(), exercises=exercises, **_fixed(own))


def _exercise(entry: dict[str, Any], where: str) -> Exercise:
    if isinstance(entry.get("target"), str):
        where += f" ({entry['target']})"
    needed = ("target", "points")
    check_keys(where, entry, EXERCISE | SHARED, FITS, "an exercise", needed)
    if ("inputs" in entry) == ("strategies" in entry):
        raise ArgumentError(
            f'{where} needs either shapes, inputs = ["8x3", "3"], or strategies = '
            '{ x = "batches()" }'
        )
    check_inputs(entry.get("inputs", ["1"]), where)
    return Exercise(**{"name": entry["target"]} | _fixed(entry))


def check_inputs(inputs: list[str], where: str) -> None:
    """Raise ArgumentError for a value that is not a shape, or too large to be checked."""
    if not inputs:
        raise ArgumentError(f'{where}: inputs = [] needs a shape for each input: ["8x3"]')
    for text in inputs:
        pair = PAIR.fullmatch(text)
        if pair and not SHAPE.fullmatch(pair[2]):
            continue
        try:
            size = prod(shape_from(pair[2] if pair else text))
        except ValueError as error:
            raise ArgumentError(f"{where}: inputs: {error}") from error
        if size > LARGEST:
            raise ArgumentError(
                f"{where}: inputs: {text!r:.60} has {size:.0e} entries, and an input may "
                f"have {LARGEST}; write a smaller shape"
            )


def _fixed(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in entry.items()}


def _check_names(exercises: tuple[Exercise, ...], where: str) -> None:
    names = [exercise.name for exercise in exercises]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ArgumentError(f"grade: {where} has two exercises {twice[0]!r}; give each a name")
    if taken := [name for name in names if name in COLUMNS]:
        raise ArgumentError(
            f"grade: {where} has an exercise {taken[0]!r}, and so is a column of the marks called; "
            "give it another name"
        )


def _reference(path: Path, entry: Mapping[str, Any]) -> Path | None:
    if "reference" not in entry:
        return None
    if not (file := path.parent / entry["reference"]).is_file():
        raise ArgumentError(
            f"grade: {path.name}: reference = {entry['reference']!r}: there is no such file"
        )
    return file.resolve()


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_within(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value <= most


COLUMNS = ("student", "total", "reasons")
VISIBILITY = ("visible", "after_due_date", "after_published", "hidden")
QUOTED, POINTS = "a text in quotes", "a table such as { x = 2, w = 1 }"
QUOTED_LIST, FLAG = "a list of texts", "true or false"
SHEET = {
    "title": QUOTED,
    "reference": QUOTED,
    "visibility": f"one of {', '.join(VISIBILITY)}",
    "imports": 'a list of texts, such as "numpy", each the name of a package without a dot',
    "megabytes": "an integer from 512 to 1048576",
}
SHARED = {
    "seeds": "a list of integers from 0 on",
    "seconds": "an integer from 1 to 3600",
    "hints": "0, 1 or 2",
    "examples": "an integer from 1 to 1000",
}
EXERCISE = {
    "target": QUOTED,
    "name": QUOTED,
    "inputs": QUOTED_LIST,
    "strategies": 'a table of texts: { x = "batches()" }',
    "points": POINTS,
    "own_forward": FLAG,
}
FITS: dict[str, Callable[[Any], bool]] = {
    QUOTED: lambda value: isinstance(value, str) and bool(value),
    SHEET["imports"]: lambda value: _are_texts(value) and all(map(str.isidentifier, value)),
    SHEET["megabytes"]: _is_within(512, 1 << 20),
    SHARED["seconds"]: _is_within(1, 3600),
    SHARED["examples"]: _is_within(1, 1000),
    QUOTED_LIST: _are_texts,
    SHARED["seeds"]: lambda value: (
        isinstance(value, list)
        and bool(value)
        and all(type(one) is int and one >= 0 for one in value)
    ),
    SHARED["hints"]: lambda value: type(value) is int and value in (0, 1, 2),
    SHEET["visibility"]: lambda value: value in VISIBILITY,
    EXERCISE["strategies"]: lambda value: (
        isinstance(value, dict) and bool(value) and _are_texts([*value.values()])
    ),
    FLAG: lambda value: isinstance(value, bool),
    POINTS: lambda value: (
        isinstance(value, dict)
        and bool({*value} - {HABITS})
        and all(type(one) in (int, float) and 0 <= one < inf for one in value.values())
    ),
}
