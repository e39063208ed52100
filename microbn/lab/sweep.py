"""The same experiment over a grid of settings, on all cores; what came out, as a small table."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, need_package
from ..view.saving import write_whole
from .unfinished import Row, add, resumed


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
    its runs are, so that those of two never mix: by the version of microbn, and by the code of the
    experiment and all of the user's own that it uses, functions and values (see `digest`).

    Raises MissingPackageError without joblib, OSError where nothing can be saved, ArgumentError
    for no settings, for a result that has the name of one, for runs with other results than the
    first, and for a ``*.part`` that is damaged or of another experiment; DTypeError for results
    that are no numbers, strings or lists.
    """
    joblib = need_package("joblib", "lab", "a sweep over several cores")
    grid = [dict(zip(axes, values, strict=True)) for values in product(*map(list, axes.values()))]
    if not grid:
        raise ArgumentError(f"run_grid: no settings in {dict(axes)}")
    part = Path(f"{save}.part") if save else None
    kept = resumed(part, experiment) if part else {}
    done = {key: kept[key] for key in map(_json, grid) if key in kept}
    if done:
        print(f"{part} holds {len(done)} runs, which are kept; remove it to start anew")
    todo = [settings for settings in grid if _json(settings) not in done]
    try:
        parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")
    except ValueError:  # some backends, as Ray's, give all results at once
        parallel = joblib.Parallel(n_jobs=jobs)
    runs = parallel(joblib.delayed(_run)(experiment, settings) for settings in todo)
    for key, row in track(runs, title, total=len(todo)):
        _check_columns(done, key, row)
        done[key] = row
        if part:
            add(part, key, row)
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
    from rich import console, progress

    screen = console.Console(stderr=True)
    hidden = not screen.is_terminal
    yield from progress.track(
        items, title, total=total, console=screen, transient=True, disable=hidden
    )


def _run(experiment: Callable, settings: Row) -> tuple[str, Row]:
    """A row as it would be read from a file, so that a grid that was resumed is the same."""
    results = experiment(**settings)
    if not isinstance(results, Mapping):
        raise DTypeError(f"run_grid: an experiment gives a dict, not {results!r:.60}")
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
        raise DTypeError(f"run_grid: {value!r:.60} is no number, string or list") from None


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
