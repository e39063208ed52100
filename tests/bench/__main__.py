"""Measure, and print the tables: ``python -m tests.bench`` from the root of a clone.

Peers come with ``pip install -e '.[bench]'``. If a peer is not installed, the tables name it.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.table import Table as Grid

from .checker import checker
from .compositions import compositions
from .convolution import convolution
from .features import features
from .marking import marking
from .measures import MEASURES, Table
from .pages import pages
from .remembering import remembering
from .stories import stories
from .traffic import traffic
from .training import training, training_again
from .workshop import workshop

ALL = {
    "training": training,
    "traffic": traffic,
    **MEASURES,
    "remembering": remembering,
    "convolution": convolution,
    "compositions": compositions,
    "checker": checker,
    "marking": marking,
    "pages": pages,
    "stories": stories,
    "training-again": training_again,
    "features": features,
    "workshop": workshop,
}
PACKAGES = ["microbn", "numpy", "numba", "torch", "jax", "autograd", "mygrad", "micrograd"]


def main() -> None:
    args = options()
    console = Console(width=None if sys.stdout.isatty() else 120)
    lines = [about(), f"`{command(args)}`"]
    console.print("\n".join(lines), highlight=False, markup=False)
    tables = []
    for name in [args.only] if args.only else ALL:
        tables.append(ALL[name](args.rounds, args.seed))
        show(console, tables[-1])
    if args.markdown:
        text = "\n\n".join([*lines, *map(markdown, tables)])
        args.markdown.write_text(text + "\n", encoding="utf-8")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, metavar="N", help="default: 30")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.add_argument("--only", choices=ALL, help="one of the measures (default: all)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there too")
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {args.rounds}")
    if args.markdown and not args.markdown.parent.is_dir():
        parser.error(f"--markdown: there is no directory {args.markdown.parent}")
    return args


def command(args: argparse.Namespace) -> str:
    """Return the command that measures these numbers again."""
    only = f" --only {args.only}" if args.only else ""
    return f"python -m tests.bench --rounds {args.rounds} --seed {args.seed}{only}"


def about() -> str:
    """Say when, on which machine and with which versions this ran."""
    found = [f"Python {platform.python_version()}", *map(installed, PACKAGES)]
    return f"{date.today()}, one thread of {processor()}. {', '.join(found)}."


def installed(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} not installed"


def processor() -> str:
    """Return the processor's name, if the system tells it."""
    if platform.system() == "Darwin":
        ask = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(ask, capture_output=True, text=True).stdout.strip()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (named or [platform.processor() or platform.machine()])[0]


def show(console: Console, table: Table) -> None:
    grid = Grid(title=table.title, title_justify="left", title_style="bold")
    for i, column in enumerate(table.columns):
        grid.add_column(column, justify="right" if i else "left")
    for row in table.rows:
        grid.add_row(*row, style="bold" if row[0].startswith("microbn") else None)
    console.print()
    console.print(grid)
    for note in table.notes:
        console.print(note, style="dim", highlight=False, markup=False)


def markdown(table: Table) -> str:
    """Return the table in Markdown, for a page of the docs to include."""
    rule = [":--", *["--:"] * (len(table.columns) - 1)]
    rows = [" | ".join(cells) for cells in (table.columns, rule, *table.rows)]
    lines = [f"| {row} |" for row in rows]
    return "\n".join([f"## {table.title}", "", *lines, "", "\n\n".join(table.notes)])


if __name__ == "__main__":
    main()
