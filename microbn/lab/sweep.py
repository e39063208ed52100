"""The same experiment over a grid of settings, on all cores; what came out, as a small table."""

from __future__ import annotations

import csv
import errno
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ..arguments import need_package
from ..errors import ArgumentError, DTypeError, listed, printable
from ..view.saving import write_whole
from .unfinished import Row, add, head_of, resumed


@dataclass(frozen=True)
class Table:
    """Rows with the same columns: for each run its settings, and then what it measured.

    ``table["accuracy"]`` is a column as an array: (runs,), or (runs, points) where each run
    measured a list of numbers. Raises ArgumentError for rows of different columns, and for a
    column or a setting that there is not.
    """

    rows: list[Row]

    def __post_init__(self) -> None:
        if not isinstance(self.rows, list) or not all(isinstance(r, dict) for r in self.rows):
            raise DTypeError(f"Table: needs a list of dicts, got {self.rows!r:.60}")
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
        self.check(column)
        values = [row[column] for row in self.rows]
        lengths = {len(value) if isinstance(value, list) else "no list": None for value in values}
        if len(lengths) > 1:
            raise ArgumentError(f"Table: the lists of {column!r} have lengths {listed(lengths)}")
        return np.array(values)

    def check(self, *columns: str) -> None:
        """Raise ArgumentError unless there are all these columns."""
        for column in columns:
            if self.rows and column not in self.rows[0]:
                raise ArgumentError(f"Table: no column {column!r} among {[*self.rows[0]]}")

    def median(self, column: str, **settings: Any) -> float:
        """The median of a column over the rows with these settings."""
        values = self.where(**settings)[column]
        if values.dtype.kind not in "fiub":
            raise ArgumentError(
                f"Table: {column!r} is {values.tolist()[0]!r:.60}, which has no median"
            )
        return float(np.median(values))

    def long(self, columns: Iterable[str], name: str, value: str) -> Table:
        """A row for each of these columns of each row: which one it is, and its value."""
        columns = [*columns]
        self.check(*columns)
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
        text = StringIO(newline="")
        csv.writer(text).writerows([names, *([_cell(r[k]) for k in names] for r in self.rows)])
        write_whole(path, text.getvalue().encode())

    @classmethod
    def load(cls, path: Path | str) -> Table:
        """Read what `save` wrote. Raises ArgumentError for a damaged file, and names the line."""
        csv.field_size_limit(2**31 - 1)  # a list of numbers is one field
        text = _text(path)
        lines = csv.reader(StringIO(text, newline=""), strict=True)
        rows: list[Row] = []
        try:
            names = next(lines)
            if len({*names}) < len(names):
                raise ValueError(f"two columns have the same name among {names}")
            for line in lines:
                if len(line) != len(names):
                    raise ValueError(f"{len(line)} cells for the {len(names)} columns {names}")
                rows.append(dict(zip(names, map(_value, line), strict=True)))
        except StopIteration:
            raise ArgumentError(f"Table.load: {path} is empty, it has not even columns") from None
        except (ValueError, csv.Error) as error:
            raise ArgumentError(f"Table.load: line {lines.line_num} of {path}: {error}") from None
        return cls(rows)


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
    run again, a grid that was interrupted goes on from there. The file says of which experiment
    its runs are, so that those of two never mix: by the version of microbn, by the bytecode of
    the experiment, and by the values that belong to it, such as a partial's arguments.

    Raises MissingPackageError without joblib, OSError where nothing can be saved, ArgumentError
    for axes that are no lists of values, for a result that has the name of a setting, for runs with
    other results than the first, and for a ``*.part`` that is damaged or of another experiment;
    DTypeError for results that are no numbers, strings or lists. An error of the experiment's own
    says in a note with which settings it was.
    """
    joblib = need_package("joblib", "lab", "a sweep over several cores")
    parallel, grid = _parallel(joblib, jobs), _grid(experiment, axes)
    if save and Path(save).is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), f"{save}")
    part = Path(f"{save}.part") if save else None
    head = head_of(experiment) if part else {}
    kept = resumed(part, head) if part else {}
    done = {key: kept[key] for key in map(_json, grid) if key in kept}
    if done:
        kept_runs = f"{part} holds {len(done)} runs, which are kept; remove it to start anew"
        print(printable(kept_runs))
    todo = [settings for settings in grid if _json(settings) not in done]
    runs = parallel(joblib.delayed(_run)(experiment, settings) for settings in todo)
    for key, row in track(runs, title, total=len(todo)):
        _check_columns(done, key, row)
        done[key] = row
        if part:
            add(part, head, key, row)
    table = Table([done[_json(settings)] for settings in grid])
    if save and part:
        table.save(save)
        if kept.keys() <= done.keys():  # else it holds runs of a larger grid too
            part.unlink(missing_ok=True)
    return table


def _grid(experiment: Callable, axes: Mapping[str, Iterable]) -> list[Row]:
    """Every combination of settings, checked."""
    if not callable(experiment) or not isinstance(axes, Mapping):
        raise ArgumentError(
            "run_grid: needs a function and a dict of lists of values, "
            f"got {experiment!r:.60} and {axes!r:.60}"
        )
    values = {}
    for name, axis in axes.items():
        if not isinstance(name, str) or isinstance(axis, str) or not isinstance(axis, Iterable):
            raise ArgumentError(
                f"run_grid: {name!r:.60} has the values {axis!r:.60}; write "
                f"{{'name': [value, ...]}}, a list for one value too"
            )
        values[name] = [*axis]
        if any(isinstance(value, float) and math.isnan(value) for value in values[name]):
            raise ArgumentError(
                f"run_grid: {name!r} contains NaN, which equals nothing, so that its rows could "
                "not be found again; use None"
            )
    grid = [dict(zip(values, row, strict=True)) for row in product(*values.values())]
    if not grid:
        raise ArgumentError(f"run_grid: no settings in {dict(axes)}")
    return grid


def _parallel(joblib: Any, jobs: int) -> Any:
    """Make a joblib pool of ``jobs`` processes that yields results as they finish."""
    if not isinstance(jobs, int) or isinstance(jobs, bool) or jobs == 0:
        raise ArgumentError(
            f"run_grid: jobs is a number of processes, or -1 for all cores; got {jobs!r:.60}"
        )
    try:
        return joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")
    except ValueError:  # some backends, as Ray's, give all results at once
        return joblib.Parallel(n_jobs=jobs)


def track(items: Iterable, title: str, total: int) -> Iterator:
    """Go through the items behind a progress bar, which vanishes at the end.

    No bar where the output is not a terminal.
    """
    from rich import console, markup, progress

    screen = console.Console(stderr=True)
    if screen.is_terminal:
        shown = markup.escape(printable(title))
        items = progress.track(items, shown, total=total, console=screen, transient=True)
    yield from items


def _run(experiment: Callable, settings: Row) -> tuple[str, Row]:
    """A row as it would be read from a file, so that a grid that was resumed is the same."""
    try:
        results = experiment(**settings)
    except Exception as error:
        error.add_note(f"run_grid: this was with {settings}")
        raise
    if not isinstance(results, Mapping):
        raise DTypeError(f"run_grid: an experiment gives a dict, not {results!r:.60}")
    if unnamed := [name for name in results if not isinstance(name, str)]:
        raise DTypeError(f"run_grid: a result's name is text, not {unnamed[0]!r:.60}")
    if both := settings.keys() & results.keys():
        raise ArgumentError(f"run_grid: {min(both)!r} is a setting; call the result otherwise")
    return _json(settings), {k: json.loads(_json(v)) for k, v in {**settings, **results}.items()}


def _check_columns(done: Mapping[str, Row], key: str, row: Row) -> None:
    """Raise ArgumentError for a run whose results have other names than those before it."""
    before, first = next(iter(done.items()), (key, row))
    if row.keys() != first.keys():
        raise ArgumentError(
            f"run_grid: a run with {before} has the columns {[*first]}, one with {key} {[*row]}; "
            "an experiment gives results of the same names for all settings"
        )


def _json(value: Any) -> str:
    try:
        return json.dumps(value, default=lambda array: array.tolist())
    except (TypeError, ValueError, AttributeError, RecursionError):
        raise DTypeError(
            f"run_grid: {value!r:.60} is no number, string or list; of a Tensor take t.item()"
        ) from None


def _text(path: Path | str) -> str:
    content = Path(path).read_bytes()
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ArgumentError(f"Table.load: line {line} of {path} is no text: {error}") from None


def _cell(value: Any) -> str:
    """A value as text: a string as it is, unless it would be read as something else."""
    return value if isinstance(value, str) and _value(value) == value else _json(value)


def _value(cell: str) -> Any:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell
