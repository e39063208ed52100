"""Measure how long a teaching assistant waits for marks: of a hand-in, and of a class."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from microbn.cli.grading.course import grade_folder
from microbn.cli.grading.marks import Grader
from microbn.cli.grading.sheet import read_sheet

from .measures import Table, met
from .memory import ROOT

STUDENTS, NEVER_END, NEVER_LOAD = 60, 7, 5
ONE_GOAL, CLASS_GOAL = 20, 600  # seconds
TEACH = ROOT / "docs" / "teach"
HANGS = "\n\ndef relu_backward(dout, out):\n    while True:\n        pass\n"


def marking(rounds: int, seed: int) -> Table:
    """Time the nine exercises of one hand-in, and those of a class in which some never end."""
    with TemporaryDirectory() as folder:
        for name in ("sheet.toml", "exercises.py"):
            shutil.copy(TEACH / name, folder)
        sheet = read_sheet(Path(folder) / "sheet.toml")
        start = perf_counter()
        Grader(sheet).marks(Path(folder) / "exercises.py")
        one, start = perf_counter() - start, perf_counter()
        grade_folder(sheet, hand_ins(Path(folder)), Path(folder) / "marks.csv")
        whole = perf_counter() - start
    rows = [
        ["one hand-in", f"{one:.1f} s", f"≤ {ONE_GOAL} s: {met(one, ONE_GOAL)}"],
        [f"a class of {STUDENTS}", f"{whole:.0f} s", f"≤ {CLASS_GOAL} s: {met(whole, CLASS_GOAL)}"],
    ]
    note = (
        f"The nine layers of docs/teach/exercises.py by the sheet beside it, once. In the class "
        f"{NEVER_END} hand-ins have a layer that never ends, and {NEVER_LOAD} cannot be loaded; it "
        "is marked on all cores."
    )
    return Table("Marking", ["", "time", "goal"], rows, [note])


def hand_ins(folder: Path) -> Path:
    """Write the hand-ins of a class, no two of them alike, and return their folder."""
    layers = (folder / "exercises.py").read_text("utf-8")
    (folder / "class").mkdir()
    for i in range(STUDENTS):
        text = f"{layers}\n\nNUMBER = {i}\n"
        if i < NEVER_END:
            text += HANGS
        elif i < NEVER_END + NEVER_LOAD:
            text += "\n\nNUMBER ="
        (folder / "class" / f"student_{i}.py").write_text(text, "utf-8")
    return folder / "class"
