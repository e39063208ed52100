"""Marks: what each exercise of a hand-in earns, and why it does not earn more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ArgumentError, listed
from .running import Outcome, run_hand_in
from .sheet import HABITS, Exercise, Sheet, read_sheet


@dataclass(frozen=True)
class Mark:
    """The mark of an exercise: points for each row, such as a gradient, and the reason for less."""

    exercise: str
    earned: Mapping[str, float]
    worth: Mapping[str, float]
    reason: str = ""

    @property
    def points(self) -> float:
        """The points that were earned."""
        return sum(self.earned.values())

    @property
    def of(self) -> float:
        """The points of an exercise that is right."""
        return sum(self.worth.values())


class Grader:
    """Marks hand-ins by a sheet. ``kept`` names files that a hand-in must not open.

    The outputs of the reference are computed once. Raises ArgumentError if the reference itself
    cannot be run.
    """

    def __init__(self, sheet: Sheet, kept: Sequence[Path] = (), only: str | None = None) -> None:
        self.sheet = sheet
        self.kept = [sheet.path, *filter(None, [sheet.reference]), *kept]
        self.exercises = [sheet.only(only)] if only else [*sheet.exercises]
        self.outputs = self._right_outputs()

    def marks(self, file: Path) -> list[Mark]:
        """Return a mark for each exercise. Whatever the hand-in does, this returns."""
        check_hand_in(file)
        others = [path for path in self.kept if path != file.resolve()]
        outcomes = run_hand_in(self.sheet, self.exercises, file, others)
        return [
            mark(exercise, outcome, self.outputs.get(exercise.name, ()))
            for exercise, outcome in zip(self.exercises, outcomes, strict=True)
        ]

    def _right_outputs(self) -> dict[str, list[Any]]:
        """Return the outputs of the reference, where a hand-in must have the same forward."""
        reference = self.sheet.reference
        given = [e for e in self.exercises if not e.own_forward] if reference else []
        if not (reference and given):
            return {}
        found = {}
        for exercise, outcome in zip(given, run_hand_in(self.sheet, given, reference), strict=True):
            found[exercise.name] = [check["output"] for check in outcome.checked]
            if not outcome.checked or None in found[exercise.name]:
                why = outcome.refused or "its outputs differ from call to call: own_forward = true"
                raise ArgumentError(f"grade: {reference.name}, {exercise.name}: {why}")
            if why := _not_there(exercise, outcome, f"the layer of {reference.name}"):
                where = f"grade: {self.sheet.path.name}, {exercise.name}"
                raise ArgumentError(f"{where}: {why}; take the row out of its points")
        return found


def mark(exercise: Exercise, outcome: Outcome, outputs: Sequence[Any] = ()) -> Mark:
    """Give marks for what the checker said. A gradient has to be right in every check.

    Nothing is earned by the gradients of another function than the one whose ``outputs`` are given.
    A bad habit costs the row `HABITS`, and everything where the exercise has no such row.
    """
    nothing = dict.fromkeys(exercise.points, 0.0)
    if not outcome.checked:
        return Mark(exercise.name, nothing, exercise.points, readable(outcome.refused))
    if outputs and not _same([check["output"] for check in outcome.checked], outputs):
        why = "its forward does not compute what is asked for"
        return Mark(exercise.name, nothing, exercise.points, why)
    habits = all(check["habits"] for check in outcome.checked)
    wrong = {row for check in outcome.checked for row in _wrong_rows(exercise, check["gradients"])}
    if not habits:
        wrong |= {HABITS} if HABITS in exercise.points else {*exercise.points}
    earned = {row: 0.0 if row in wrong else worth for row, worth in exercise.points.items()}
    reasons = [check["words"] for check in outcome.checked if check["words"]][:1]
    reasons += filter(None, [_not_there(exercise, outcome, "the layer")])
    return Mark(exercise.name, earned, exercise.points, readable("\n".join(reasons)))


def _wrong_rows(exercise: Exercise, right: Mapping[str, bool]) -> list[str]:
    """Return the rows whose gradient is wrong or missing.

    A hand-in may give its inputs other names than the sheet does. Then their order counts.
    """
    rows = [row for row in exercise.points if row != HABITS]
    if not {*rows} <= {*right} and len(rows) == len(right):
        right = dict(zip(rows, right.values(), strict=True))
    return [row for row in rows if not right.get(row)]


def _not_there(exercise: Exercise, outcome: Outcome, layer: str) -> str:
    """Name the rows that no gradient can earn, or return "". No gradients say nothing about it."""
    rows = [row for row in exercise.points if row != HABITS]
    for found in filter(None, (check["gradients"] for check in outcome.checked)):
        if len(rows) != len(found) and (missing := [row for row in rows if row not in found]):
            names, known = (listed(map(repr, some)) for some in (missing, found))
            return f"{layer} has no gradient {names}; it has {known}"
    return ""


def _same(found: Sequence[Any], wanted: Sequence[Any]) -> bool:
    """Return whether two lists of outputs are the same, but for rounding."""
    if len(found) != len(wanted) or None in found:
        return False
    pairs = zip(map(np.asarray, found), map(np.asarray, wanted), strict=True)
    return all(
        f.shape == w.shape and np.allclose(f, w, 1e-7, 1e-9 * np.max(np.abs(w), initial=0))
        for f, w in pairs
    )


def no_points(sheet: Sheet, why: str) -> list[Mark]:
    """Return marks without points for all exercises of a sheet, with a reason."""
    none = {e.name: dict.fromkeys(e.points, 0.0) for e in sheet.exercises}
    return [Mark(e.name, none[e.name], e.points, why) for e in sheet.exercises]


def readable(text: str) -> str:
    """Return a text without characters that a terminal, a table or XML could take for orders."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)


def check_hand_in(file: Path) -> None:
    """Raise ArgumentError unless this is a file of Python."""
    if not file.is_file():
        raise ArgumentError(f"grade: there is no hand-in {str(file)!r}")
    if file.suffix != ".py":
        raise ArgumentError(f"grade: {file.name} is not a Python file; save its code as .py")


def must_earn(sheet: str, hand_in: str, exercise: str, row: str) -> None:
    """Raise AssertionError with the reason if a hand-in misses the points of a row.

    The test files that `microbn grade --otter` writes call this. An exercise is run once.
    """
    found = _marked(Path(sheet), Path(hand_in), exercise)
    if found.earned[row] < found.worth[row]:
        raise AssertionError(found.reason)


@cache
def _marked(sheet: Path, hand_in: Path, exercise: str) -> Mark:
    return Grader(read_sheet(sheet), only=exercise).marks(hand_in)[0]
