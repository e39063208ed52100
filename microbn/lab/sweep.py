"""Run the same experiment over a grid of settings, on all cores."""

from __future__ import annotations

import errno
import json
import math
import os
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

from ..arguments import need_package
from ..errors import ArgumentError, DTypeError
from ..view.values import printable
from .results import Results, Row, as_json
from .unfinished import Unfinished


def run_grid(
    experiment: Callable[..., Mapping[str, Any]],
    axes: Mapping[str, Iterable],
    title: str,
    *,
    save: Path | str | None = None,
    jobs: int = -1,
) -> Results:
    """Run ``experiment(**settings)`` for every combination of settings, behind a progress bar.

    ``axes`` holds a list of values for each setting, numbers or strings. The experiment returns a
    dict of results: numbers, strings or lists of numbers. Rows come in the order of the grid.
    ``jobs`` is the number of processes, and -1 takes all cores; within ``joblib.parallel_config``
    another backend carries the runs.

    ``save`` is a CSV file. Until the grid is done, its finished runs stand in a file ``*.part``
    beside it, so that an interrupted grid resumes there when it is run again. That file says which
    experiment its runs are of, so that runs of two experiments never mix. It tells them apart by
    the version of microbn, by the experiment's bytecode, and by the values that belong to the
    experiment, such as a partial's arguments.

    Raises MissingPackageError without joblib, OSError if nothing can be saved, and DTypeError for
    results that are not numbers, strings or lists. Raises ArgumentError for axes that are not lists
    of values, for a result named like a setting, for runs whose results have other names than the
    first run's, and for a ``*.part`` that is damaged or of another experiment. An error that the
    experiment raises gets a note with the settings of that run.
    """
    joblib = need_package("joblib", "lab", "a sweep over several cores")
    parallel, grid = _parallel(joblib, jobs), _grid(experiment, axes)
    if save and Path(save).is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), f"{save}")
    file = Unfinished(save, experiment) if save else None
    done = file.holds(map(as_json, grid)) if file else {}
    todo = [settings for settings in grid if as_json(settings) not in done]
    runs = parallel(joblib.delayed(_one_run)(experiment, settings) for settings in todo)
    with pool_closed(runs):
        for key, row in track(runs, title, total=len(todo)):
            _check_columns(done, key, row)
            done[key] = row
            if file:
                file.add(key, row)
    results = Results([done[as_json(settings)] for settings in grid])
    if save and file:
        results.save(save)
        file.remove(done)
    return results


@contextmanager
def pool_closed(runs: Iterable) -> Iterator[None]:
    """End a pool on the way out, also if it was interrupted and some of its runs go on.

    joblib then warns of results that nobody used. These runs are made again the next time.
    """
    try:
        yield
    finally:
        if isinstance(runs, Generator):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                runs.close()


def track(items: Iterable, title: str, total: int) -> Iterator:
    """Go through the items behind a progress bar, which vanishes at the end.

    There is no bar if the output is not a terminal.
    """
    from rich import console, markup, progress

    screen = console.Console(stderr=True)
    if screen.is_terminal:
        shown = markup.escape(printable(title))
        items = progress.track(items, shown, total=total, console=screen, transient=True)
    yield from items


def _grid(experiment: Callable, axes: Mapping[str, Iterable]) -> list[Row]:
    """Check the axes and return every combination of settings."""
    if not callable(experiment) or not isinstance(axes, Mapping):
        raise ArgumentError(
            "run_grid: needs a function and a dict of lists of values, "
            f"got {experiment!r:.60} and {axes!r:.60}"
        )
    values = {name: _values_of(name, axis) for name, axis in axes.items()}
    grid = [dict(zip(values, row, strict=True)) for row in product(*values.values())]
    if not grid:
        raise ArgumentError(f"run_grid: there are no settings in {dict(axes)}")
    return grid


def _values_of(name: Any, axis: Any) -> list:
    if not isinstance(name, str) or isinstance(axis, str) or not isinstance(axis, Iterable):
        raise ArgumentError(
            f"run_grid: {name!r:.60} has the values {axis!r:.60}; write {{'name': [value, ...]}}, "
            "with a list even for one value"
        )
    values = [*axis]
    if any(isinstance(value, float) and math.isnan(value) for value in values):
        raise ArgumentError(
            f"run_grid: {name!r} contains NaN, which equals nothing, so that its rows could not be "
            "found again; use None"
        )
    return values


def _parallel(joblib: Any, jobs: int) -> Any:
    """Make a joblib pool of ``jobs`` processes that yields results as they finish."""
    if not isinstance(jobs, int) or isinstance(jobs, bool) or jobs == 0:
        raise ArgumentError(
            f"run_grid: jobs is a number of processes, or -1 for all cores; got {jobs!r:.60}"
        )
    try:
        return joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")
    except ValueError:  # some backends, such as Ray's, give all results at once
        return joblib.Parallel(n_jobs=jobs)


def _one_run(experiment: Callable, settings: Row) -> tuple[str, Row]:
    """Run once. Return the row as a file would give it back, so that a resumed grid is the same."""
    try:
        results = experiment(**settings)
    except Exception as error:
        error.add_note(f"run_grid: this was with {settings}")
        raise
    if not isinstance(results, Mapping):
        raise DTypeError(f"run_grid: an experiment returns a dict, not {results!r:.60}")
    if unnamed := [name for name in results if not isinstance(name, str)]:
        raise DTypeError(f"run_grid: a result's name is a string, not {unnamed[0]!r:.60}")
    if both := settings.keys() & results.keys():
        raise ArgumentError(f"run_grid: {min(both)!r} is a setting; give the result another name")
    return as_json(settings), {
        name: json.loads(as_json(value)) for name, value in {**settings, **results}.items()
    }


def _check_columns(done: Mapping[str, Row], key: str, row: Row) -> None:
    """Raise ArgumentError if the results of this run have other names than those before it."""
    before, first = next(iter(done.items()), (key, row))
    if row.keys() != first.keys():
        raise ArgumentError(
            f"run_grid: a run with {before} has the columns {[*first]}, one with {key} {[*row]}; "
            "an experiment must return results of the same names for all settings"
        )
