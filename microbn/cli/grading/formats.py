"""The marks of a hand-in as a table, and as the graders of the world read them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

from ...view.values import printable
from .marks import Mark
from .sheet import Sheet


def as_table(marks: Sequence[Mark], title: str) -> Any:
    """Return a table with a row for each exercise: its points, and why they are not more."""
    from rich.table import Table
    from rich.text import Text

    table = Table("exercise", title=Text(printable(title)))
    table.add_column("points", justify="right")
    table.add_column("reason")
    for mark in marks:
        style = "" if mark.points == mark.of else "red" if not mark.points else "yellow"
        cells = (mark.exercise, of(mark), mark.reason or "right")
        table.add_row(*(Text(printable(cell)) for cell in cells), style=style)
    return table


def total(marks: Sequence[Mark]) -> float:
    """Return the points of all exercises."""
    return sum(mark.points for mark in marks)


def said_total(marks: Sequence[Mark]) -> str:
    """Say what a hand-in earns: ``Total: 14 of 20``."""
    return f"Total: {total(marks):g} of {sum(mark.of for mark in marks):g}"


def of(mark: Mark) -> str:
    """Say what an exercise earns: ``2 of 3``."""
    return f"{mark.points:g} of {mark.of:g}"


def as_gradescope(marks: Sequence[Mark], visibility: str) -> str:
    """Return the results.json that Gradescope reads: a test for each exercise."""
    tests = [
        {
            "name": mark.exercise,
            "score": mark.points,
            "max_score": mark.of,
            "status": "passed" if mark.points == mark.of else "failed",
            "output": mark.reason or "right",
            "visibility": visibility,
        }
        for mark in marks
    ]
    whole = {"score": total(marks), "output": said_total(marks), "visibility": visibility}
    return json.dumps(whole | {"tests": tests}, indent=1, ensure_ascii=False) + "\n"


def as_junit(marks: Sequence[Mark], title: str) -> bytes:
    """Return a report in JUnit's XML: an exercise that does not earn all is a failure."""
    failed = [mark for mark in marks if mark.points < mark.of]
    counts = {"tests": f"{len(marks)}", "failures": f"{len(failed)}", "errors": "0"}
    suite = ElementTree.Element("testsuite", {"name": title} | counts)
    for mark in marks:
        case = ElementTree.SubElement(suite, "testcase", classname=title, name=mark.exercise)
        if mark in failed:
            failure = ElementTree.SubElement(case, "failure", message=of(mark))
            failure.text = mark.reason
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, "utf-8", xml_declaration=True) + b"\n"


def as_otter(sheet: Sheet, hand_in: str) -> str:
    """Return a test file for Otter, with a case for each row of points.

    It names the sheet and the exercises, and holds neither seeds nor code of the sheet.
    """
    rows = [(x, row, worth) for x in sheet.exercises for row, worth in x.points.items()]
    cases = [
        CASE.format(
            name=f"{exercise.name}: {row}",
            points=float(worth),
            function=f"earns_{number}",
            asked=", ".join(map(repr, (sheet.path.name, hand_in, exercise.name, row))),
        )
        for number, (exercise, row, worth) in enumerate(rows)
    ]
    name = "_".join(re.findall(r"\w+", sheet.path.stem))
    return HEAD.format(name=name) + "".join(cases)


HEAD = '''"""Marks by microbn. Sheet and hand-in lie in the folder where the tests run."""

from microbn.cli.grading.marks import must_earn
from otter.test_files import test_case

OK_FORMAT = False
name = {name!r}
'''
CASE = """

@test_case(name={name!r}, points={points})
def {function}():
    must_earn({asked})
"""
