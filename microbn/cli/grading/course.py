"""The marks of a whole course: a folder of hand-ins becomes a CSV, on several cores."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...arguments import need_package
from ...errors import ArgumentError
from ...lab.results import Results, Row
from ...lab.sweep import pool_closed, track
from .formats import total
from .marks import Grader, Mark, no_points, readable
from .running import stop_running
from .sheet import Sheet


def grade_folder(sheet: Sheet, folder: Path, out: Path, jobs: int = -1) -> Results:
    """Mark all hand-ins of a folder, behind a progress bar, and write them as CSV to ``out``.

    The table has a row for each student: the points of each exercise, the total, the reasons. The
    marks stand in a file ``*.kept`` beside it as well, so that only hand-ins that are new or have
    changed are run again, also after an interruption. If the sheet has changed, all are run. A
    student whose hand-in is not clear has no points, and the reason.

    Raises MissingPackageError without joblib, ArgumentError if there are no hand-ins, and OSError
    if nothing can be written.
    """
    joblib = need_package("joblib", "lab", "marking a folder")
    found = hand_ins(folder, sheet)
    files = {name: file for name, file in found.items() if isinstance(file, Path)}
    kept = Kept(Path(f"{out}.kept"), sheet)
    todo = [file for file in files.values() if kept.marks(file) is None]
    if todo:
        grader = Grader(sheet, kept=[file.resolve() for file in files.values()])
        parallel = joblib.Parallel(jobs, prefer="threads", return_as="generator_unordered")
        runs = parallel(joblib.delayed(_marks_of)(grader, kept.key(file), file) for file in todo)
        with pool_closed(runs):
            try:  # a thread only waits for the processes of its hand-in
                for key, marks in track(runs, f"marking {folder.name}", len(todo)):
                    kept.add(key, marks)
            finally:
                stop_running()
    marks_of = {name: kept.marks(file) or [] for name, file in files.items()}
    unclear = {name: str(why) for name, why in found.items() if name not in files}
    marks_of |= {name: no_points(sheet, why) for name, why in unclear.items()}
    results = Results([_row(name, marks_of[name]) for name in found])
    results.save(out)
    return results


def hand_ins(folder: Path, sheet: Sheet) -> dict[str, Path | str]:
    """Return the files of a folder by student: ``anna.py``, or the only file in ``anna/``.

    A folder with several files has one named like the sheet's reference. If it is not clear what a
    student hands in, a sentence stands in the place of the file. Raises ArgumentError if there are
    no students.
    """
    ours = {sheet.path, sheet.reference}
    found: dict[str, Path | str] = {}
    for path in sorted(folder.iterdir()):
        if path.name[0] in "._" or Path(os.path.realpath(path)) in ours:
            continue
        if path.is_dir():
            name, file = path.name, _in_folder(path, sheet)
        elif path.suffix in (".py", ".ipynb"):
            name, file = path.stem, _clear(path)
        elif path.suffix or path.exists():
            continue
        else:  # a link that leads nowhere
            name, file = path.name, _clear(path)
        twice = f"there are two hand-ins of {name}; leave one of them"
        found[name] = twice if name in found else file
    if not found:
        raise ArgumentError(f"grade: {folder} has no hand-ins, such as anna.py or anna/layers.py")
    return found


def _clear(file: Path) -> Path | str:
    """Return a hand-in, or a sentence that says why it is none."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # a pipe would never end
            return f"{file.name} cannot be read: it is not a file"
        file.open("rb").close()
    except OSError as error:
        return f"{file.name} cannot be read: {error.strerror}"
    if file.suffix != ".py":
        return f"{file.name} is not a Python file; save its code as .py"
    return file


def _in_folder(folder: Path, sheet: Sheet) -> Path | str:
    files = sorted(folder.glob("*.py"))
    if len(files) == 1:
        return _clear(files[0])
    if not files:
        return f"the folder {folder.name} has no Python file"
    wanted = folder / (sheet.reference.name if sheet.reference else "")
    unclear = f"the folder {folder.name} has {len(files)} Python files; leave one of them"
    return _clear(wanted) if wanted in files else unclear


class Kept:
    """The marks that were given, a line for each hand-in, by a digest of its file and the sheet.

    A line that was cut off, or that something else wrote, counts as no marks.
    """

    def __init__(self, path: Path, sheet: Sheet) -> None:
        self.path, self.sheet, self._found = path, sheet.digest(), {}
        content = path.read_bytes() if path.exists() else b""
        self._begin = b"\n" if content and not content.endswith(b"\n") else b""  # it was cut off
        for line in content.splitlines():
            try:
                key, marks = json.loads(line)
                self._found[key] = [Mark(**mark) for mark in marks]
            except (ValueError, TypeError):
                continue

    def key(self, file: Path) -> str:
        """Return the digest of a hand-in, marked by this sheet."""
        parts = self.sheet.encode(), file.name.encode(), file.read_bytes()
        return hashlib.sha256(b"\0".join(parts)).hexdigest()

    def marks(self, file: Path) -> list[Mark] | None:
        """Return the marks of a hand-in as it is now, or None if there are none."""
        return self._found.get(self.key(file))

    def add(self, key: str, marks: Sequence[Mark]) -> None:
        """Keep the marks of a hand-in."""
        self._found[key] = [*marks]
        with self.path.open("ab") as file:
            line = json.dumps([key, [asdict(mark) for mark in marks]])
            file.write(self._begin + line.encode() + b"\n")
        self._begin = b""


def _marks_of(grader: Grader, key: str, file: Path) -> tuple[str, list[Mark]]:
    return key, grader.marks(file)


def _row(student: str, marks: Sequence[Mark]) -> Row:
    """Return a student's row. Every word in it is a word to a spreadsheet, and no formula."""
    whys = {mark.reason: None for mark in marks if mark.reason}
    of = {why: ", ".join(m.exercise for m in marks if m.reason == why) for why in whys}
    reasons = "\n".join(f"{exercises}: {why}" for why, exercises in of.items())
    points = {mark.exercise: mark.points for mark in marks} | {"total": total(marks)}
    numbers = {key: int(n) if n == int(n) else n for key, n in points.items()}
    row = {"student": readable(student), **numbers, "reasons": reasons}
    return {key: _as_words(value) for key, value in row.items()}


def _as_words(value: Any) -> Any:
    formula = isinstance(value, str) and value.startswith(("=", "+", "-", "@"))
    return f"'{value}" if formula else value
