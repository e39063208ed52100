"""The same experiment over a grid of settings, on all cores; what came out, as a small table."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, need_package, printable

Row = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """Rows with the same columns: for each run its settings, and then what it measured.

    ``table["accuracy"]`` is a column as an array: (runs,), or (runs, points) where each run
    measured a list of numbers. Raises ArgumentError for rows of different columns, and for a
    column or a setting that there is not.
    """

    rows: list[Row]

    def __post_init__(self) -> None:
        for i, row in enumerate(self.rows):
            if row.keys() != self.rows[0].keys():
                first = [*self.rows[0]]
                raise ArgumentError(f"Table: row {i} has the columns {[*row]}, the first {first}")

    def where(self, **settings: Any) -> Table:
        """The rows with these settings."""
        rows = [row for row in self.rows if all(row.get(k) == v for k, v in settings.items())]
        if not rows:
            raise ArgumentError(f"Table: no row has {settings}")
        return Table(rows)

    def __getitem__(self, column: str) -> np.ndarray:
        if self.rows and column not in self.rows[0]:
            raise ArgumentError(f"Table: no column {column!r} among {[*self.rows[0]]}")
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
        names = [*self.rows[0]] if self.rows else []
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([names, *([_cell(r[k]) for k in names] for r in self.rows)])

    @classmethod
    def load(cls, path: Path | str) -> Table:
        """Read what `save` wrote."""
        csv.field_size_limit(2**31 - 1)  # a list of numbers is one field
        with Path(path).open(newline="", encoding="utf-8") as file:
            names, *lines = csv.reader(file)
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

    ``axes`` holds the values of each setting, numbers or strings; results are that too, or lists
    of numbers. Rows come in the order of the grid. ``jobs`` counts the processes, -1 takes all
    cores; within ``joblib.parallel_config`` another backend carries the runs.

    ``save`` is a CSV file. Until all is done, what is done stands in a file ``*.part`` beside it:
    run again, a grid that was interrupted goes on from there.

    Raises MissingPackageError without joblib, OSError where nothing can be saved, ArgumentError
    for no settings and for a result that has the name of one, DTypeError for other results.
    """
    joblib = need_package("joblib", "lab", "a sweep over several cores")
    grid = [dict(zip(axes, values, strict=True)) for values in product(*map(list, axes.values()))]
    if not grid:
        raise ArgumentError(f"run_grid: no settings in {dict(axes)}")
    part = Path(f"{save}.part") if save else None
    kept = _kept(part)
    done = {key: kept[key] for key in map(_json, grid) if key in kept}
    if done:
        kept_runs = f"{part} holds {len(done)} runs, which are kept; remove it to start anew"
        print(printable(kept_runs))
    todo = [settings for settings in grid if _json(settings) not in done]
    try:
        parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")
    except ValueError:  # some backends, as Ray's, give all results at once
        parallel = joblib.Parallel(n_jobs=jobs)
    runs = parallel(joblib.delayed(_run)(experiment, settings) for settings in todo)
    for key, row in track(runs, title, total=len(todo)):
        done[key] = row
        if part:
            with part.open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps([key, row])}\n")
    table = Table([done[_json(settings)] for settings in grid])
    if save and part:
        table.save(save)
        if kept.keys() <= done.keys():  # else it holds runs of a larger grid too
            part.unlink(missing_ok=True)
    return table


def track(items: Iterable, title: str, total: int) -> Iterator:
    """Go through the items behind a progress bar, which vanishes at the end.

    No bar where the output is not a terminal.
    """
    from rich import console, markup, progress

    screen = console.Console(stderr=True)
    hidden = not screen.is_terminal
    shown = markup.escape(printable(title))
    yield from progress.track(
        items, shown, total=total, console=screen, transient=True, disable=hidden
    )


def _run(experiment: Callable, settings: Row) -> tuple[str, Row]:
    """A row as it would be read from a file, so that a grid that was resumed is the same."""
    results = experiment(**settings)
    if not isinstance(results, Mapping):
        raise DTypeError(f"run_grid: an experiment gives a dict, not {results!r:.60}")
    if both := settings.keys() & results.keys():
        raise ArgumentError(f"run_grid: {min(both)!r} is a setting; call the result otherwise")
    return _json(settings), {k: json.loads(_json(v)) for k, v in {**settings, **results}.items()}


def _kept(part: Path | None) -> dict[str, Row]:
    """The runs of a grid that was interrupted, but for a last line that was cut off."""
    if part is None:
        return {}
    part.touch()  # a folder that nothing can be written into is found out before the work
    text = part.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    os.truncate(part, len(whole.encode()))
    return dict(json.loads(line) for line in whole.splitlines())


def _json(value: Any) -> str:
    try:
        return json.dumps(value, default=lambda array: array.tolist())
    except (TypeError, AttributeError):
        raise DTypeError(f"run_grid: {value!r:.60} is no number, string or list") from None


def _cell(value: Any) -> str:
    """A value as text: a string as it is, unless it would be read as something else."""
    return value if isinstance(value, str) and _value(value) == value else _json(value)


def _value(cell: str) -> Any:
    try:
        return json.loads(cell)
    except ValueError:
        return cell
