"""``microbn grade``: marks for a hand-in, or for a folder of them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ...errors import ArgumentError
from ...view.saving import write_whole
from ...view.values import printable


def run_grade(args: argparse.Namespace) -> None:
    """Mark a hand-in, or a folder of hand-ins, by a sheet."""
    from rich.console import Console

    from .sheet import read_sheet

    sheet = read_sheet(args.sheet)
    if args.otter:
        from .formats import as_otter

        _leave_out(args, (*OF_ONE, "out"), "--otter writes a test file and marks nothing")
        _write(args.otter, as_otter(sheet, args.hand_in.name).encode(), Console())
    elif args.hand_in.is_dir():
        _grade_course(sheet, args)
    else:
        _grade_one(sheet, args)


def _grade_one(sheet: Any, args: argparse.Namespace) -> None:
    from rich.console import Console

    from .formats import as_gradescope, as_junit, as_table, said_total, total
    from .marks import Grader, check_hand_in

    check_hand_in(args.hand_in)
    _leave_out(args, ("out",), f"{args.hand_in.name} is one hand-in, and a CSV is of a folder")
    console = Console(stderr=args.nbgrader)
    with Console(stderr=True).status("marking"):
        marks = Grader(sheet, only=args.exercise).marks(args.hand_in)
    console.print(as_table(marks, sheet.title))
    console.print(said_total(marks))
    if args.gradescope:
        _write(args.gradescope, as_gradescope(marks, sheet.visibility).encode(), console)
    if args.junit:
        _write(args.junit, as_junit(marks, sheet.title), console)
    if args.nbgrader:
        print(float(total(marks)))


def _leave_out(args: argparse.Namespace, names: tuple[str, ...], why: str) -> None:
    """Raise ArgumentError for an option that would have no effect."""
    for name in names:
        if getattr(args, name):
            raise ArgumentError(f"grade: {why}; leave out --{name}")


def _write(path: Path, content: bytes, console: Any) -> None:
    from rich.text import Text

    console.print(Text(printable(f"Written: {write_whole(path, content)}")), soft_wrap=True)


def _grade_course(sheet: Any, args: argparse.Namespace) -> None:
    from .course import grade_folder

    out = args.out or MARKS
    for name in OF_ONE:
        if getattr(args, name):
            raise ArgumentError(
                f"grade: --{name} is for one hand-in, and {args.hand_in} is a folder; its marks "
                "go into a CSV: --out marks.csv"
            )
    results = grade_folder(sheet, args.hand_in, out, args.jobs)
    totals = results["total"]
    worth = sum(exercise.worth for exercise in sheet.exercises)
    hand_ins = f"{len(totals)} hand-in{'s' * (len(totals) != 1)}"
    print(f"{hand_ins}, {totals.mean():.4g} of {worth:g} points on average")
    print(printable(f"Written: {out}"))


def _jobs_from(text: str) -> int:
    if not (text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"jobs are a number of hand-ins at a time, not {text!r}")
    return int(text)


OF_ONE = ("gradescope", "junit", "nbgrader", "exercise")  # options for one hand-in
MARKS = Path("marks.csv")
WORDS = """mark a hand-in by a sheet of exercises, or a folder of hand-ins

The marks are printed as a table, each with the checker's reason. Those of a folder are written as
CSV; what has not changed since the last time is not run again.
A hand-in runs in a process of its own, with limits of time and memory. This is no sandbox: mark
files that you do not trust in a container."""
# fmt: off
ARGUMENTS: dict[str, dict[str, Any]] = {
    "sheet":        {"type": Path, "metavar": "SHEET", "help": "the exercises, in TOML"},
    "hand_in":      {"type": Path, "metavar": "HAND_IN",
                     "help": "a hand-in, such as anna.py, or a folder of them"},
    "--exercise":   {"metavar": "NAME", "help": "mark this exercise alone"},
    "--gradescope": {"type": Path, "metavar": "FILE", "help": "write Gradescope's results.json"},
    "--junit":      {"type": Path, "metavar": "FILE", "help": "write a report in JUnit's XML"},
    "--nbgrader":   {"action": "store_true",
                     "help": "print the points as the only line of stdout, for nbgrader"},
    "--otter":      {"type": Path, "metavar": "FILE",
                     "help": "write a test file for Otter, and mark nothing"},
    "-o --out":     {"type": Path, "metavar": "FILE",
                     "help": f"write the marks of a folder here (default: {MARKS})"},
    "--jobs":       {"type": _jobs_from, "default": -1, "metavar": "N",
                     "help": "mark so many hand-ins at a time (default: one on each core)"},
}
# fmt: on
GRADE = (run_grade, WORDS, ARGUMENTS)
