"""The same experiment over a grid of settings, on all cores; what came out, as a small table."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, need_package
from .train import track

Row = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """Rows with the same columns: for each run its settings, and then what it measured.

    ``table["accuracy"]`` is a column as an array: (runs,), or (runs, points) where each run
    measured a list of numbers.
    """

    rows: list[Row]

    def where(self, **settings: Any) -> Table:
        """The rows with these settings. Raises ArgumentError if there are none."""
        rows = [row for row in self.rows if all(row[name] == settings[name] for name in settings)]
        if not rows:
            raise ArgumentError(f"Table: no row has {settings}")
        return Table(rows)

    def __getitem__(self, column: str) -> np.ndarray:
        return np.array([row[column] for row in self.rows])

    def median(self, column: str, **settings: Any) -> float:
        """The median of a column over the rows with these settings."""
        return float(np.median(self.where(**settings)[column]))

    def long(self, columns: Iterable[str], name: str, value: str) -> Table:
        """A row for each of these columns of each row: which one it is, and its value."""
        columns = [*columns]
        return Table(
            [
                {k: v for k, v in row.items() if k not in columns} | {name: c, value: row[c]}
                for row in self.rows
                for c in columns
            ]
        )

    def save(self, path: Path | str) -> None:
        """Write it as CSV: the names, then a line for each row, in which lists are JSON."""
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([self.rows[0], *map(_cells, self.rows)])

    @classmethod
    def load(cls, path: Path | str) -> Table:
        """Read what `save` wrote, but for a last line that was cut off."""
        with Path(path).open(newline="", encoding="utf-8") as file:
            lines = csv.reader(line for line in file if line.endswith("\n"))
            names = next(lines, [])
            return cls([dict(zip(names, map(_value, line), strict=True)) for line in lines])


def run_grid(
    experiment: Callable[..., Mapping[str, Any]],
    axes: Mapping[str, Iterable],
    title: str,
    *,
    save: Path | str | None = None,
    jobs: int = -1,
) -> Table:
    """``experiment(**settings)`` for every combination of settings, behind a progress bar.

    ``axes`` holds the values of each setting. Settings and results are numbers, strings, or lists
    of numbers; rows come in the order of the grid. ``jobs`` counts the processes, -1 takes all
    cores; within ``joblib.parallel_config`` another backend carries the runs.

    ``save`` is a CSV file. Until all is done, what is done stands in ``*.part.csv``: run again,
    an interrupted grid goes on from there.

    Raises MissingPackageError without joblib, ArgumentError for a ``*.part.csv`` of other
    settings, DTypeError for a result that is none of these.
    """
    joblib = need_package("joblib", "lab", "a sweep over several cores")
    grid = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    part = Path(save).with_suffix(".part.csv") if save else None
    done = {_key(row, axes): row for row in _kept(part, axes)}
    todo = [settings for settings in grid if _key(settings, axes) not in done]
    parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")
    runs = parallel(joblib.delayed(_run)(experiment, settings) for settings in todo)
    for row in track(runs, title, total=len(todo)):
        done[_key(row, axes)] = row
        if part:
            _append(part, row)
    table = Table([done[_key(settings, axes)] for settings in grid])
    if save and part:
        table.save(save)
        part.unlink(missing_ok=True)
    return table


def _run(experiment: Callable, settings: Row) -> Row:
    """A row as it would be read from a file, so that a grid that was resumed is the same."""
    row = settings | experiment(**settings)
    return dict(zip(row, map(_value, _cells(row)), strict=True))


def _kept(part: Path | None, axes: Mapping[str, Iterable]) -> list[Row]:
    """The rows of a grid that was interrupted."""
    if part is None or not part.exists():
        return []
    rows = Table.load(part).rows
    if rows and [*rows[0]][: len(axes)] != [*axes]:
        raise ArgumentError(f"{part} is of another grid; remove it, or save elsewhere")
    print(f"{part} holds {len(rows)} runs, which are kept; remove it to start anew")
    part.unlink()
    for row in rows:  # without a last line that was cut off
        _append(part, row)
    return rows


def _append(part: Path, row: Row) -> None:
    lines = [_cells(row)] if part.exists() else [row, _cells(row)]
    with part.open("a", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(lines)


def _key(row: Row, axes: Iterable[str]) -> tuple:
    return tuple(_cells({name: row[name] for name in axes}))


def _cells(row: Row) -> Sequence[str]:
    """A row as text: strings as they are, unless they would be read as something else."""
    cells = []
    for name, value in row.items():
        try:
            text = json.dumps(value, default=lambda array: array.tolist())
        except (TypeError, AttributeError):
            raise DTypeError(f"run_grid: {name!r} is {value!r:.60}, not a number") from None
        cells.append(value if isinstance(value, str) and _value(value) == value else text)
    return cells


def _value(cell: str) -> Any:
    try:
        return json.loads(cell)
    except ValueError:
        return cell
