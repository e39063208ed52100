"""The walk through the engine: ``python -m tests.walk`` prints which lines of microbn a small
computation and its backward execute, in a process that has done it before.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from microbn import Tensor

ROOT = Path(__file__).parents[1]


def computation() -> None:
    x = Tensor(3.0, "x")
    y = x * 2
    y.backward()


def main() -> None:
    walk(computation)  # the first time more is executed than later on
    lines = walk(computation)
    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(table(lines))
    console.print(f"{sum(map(len, lines.values()))} lines of {len(lines)} files")


def walk(run: Callable, folder: Path = ROOT / "microbn") -> dict[Path, list[int]]:
    """Run it, and return the numbers of the lines that it executes in each file of a folder."""
    found: dict[Path, set[int]] = {}
    inside = f"{folder.resolve()}/"

    def watch(frame, event, arg):
        if not frame.f_code.co_filename.startswith(inside):
            return None
        if event == "line":
            found.setdefault(Path(frame.f_code.co_filename), set()).add(frame.f_lineno)
        return watch

    before = sys.gettrace()  # a debugger's or that of a measurement of coverage
    sys.settrace(watch)
    try:
        run()
    finally:
        sys.settrace(before)
    return {file: sorted(lines) for file, lines in found.items()}


def table(walked: dict[Path, list[int]]) -> Table:
    """Make a row for each file, in the order in which they are entered, with its lines."""
    grid = Table("file", "lines", "which", show_lines=True)
    for file, numbers in walked.items():
        name = file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else str(file)
        grid.add_row(name, str(len(numbers)), Text("\n".join(quoted(file, numbers))))
    return grid


def quoted(file: Path, numbers: Iterable[int]) -> Iterable[str]:
    for number in numbers:
        yield f"{number:4} {linecache.getline(str(file), number).rstrip()}"


if __name__ == "__main__":
    main()
