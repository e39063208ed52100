"""Figures of arrays, every entry a colour: blue is below 0, red is above, and rounding is white."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..testing import Report
from .canvas import canvas
from .lettering import label_cells
from .patterns import INPUT, ROWS, pattern_of


def fingerprints(reports: Mapping[str, Report], show: bool = False) -> Any:
    """Draw the error in the gradient of the first input (N, C), with a column for each pattern.

    ``reports`` has a gradient check for each mistake, and each has a panel whose rows are samples.
    Each feature is divided by its largest entry, which is then red. Where an error has another
    number for each row, its mean over the rows is left out. Below each panel stands the wrong
    factor, or how far off it is. Errors that follow the input stand in its column.
    """
    if not reports:
        raise ArgumentError("fingerprints: needs a report for each mistake, got none")
    columns = _panels_by_pattern(reports)
    largest = max(np.max(np.abs(r.inputs[0].numeric.value)) for r in reports.values())
    title = (
        f"Mistakes leave {len(columns)} patterns in dx (each column divided by its largest entry)"
    )
    with canvas(title, show, {"axes.grid": False}) as figure:
        parts = figure.subfigures(1, len(columns), squeeze=False)[0]
        deepest = max(map(len, columns.values()))
        for part, (pattern, panels) in zip(parts, columns.items(), strict=True):
            part.suptitle(pattern, fontweight="bold", fontsize=18)
            axes = part.subplots(deepest, 1, squeeze=False)[:, 0]
            for ax, (name, below, array) in zip(axes, panels, strict=False):
                shown = without_rounding(array, largest)
                scale = shown[np.abs(shown).argmax(0), range(shown.shape[1])]
                _red_and_blue(ax, shown / np.where(np.isfinite(scale) & (scale != 0), scale, 1), 1)
                ax.set_title(name, fontsize=16)
                ax.set(xlabel=below, xticks=[], yticks=[])
            _switch_off(axes[len(panels) :])
    return figure


def _panels_by_pattern(reports: Mapping[str, Report]) -> dict[str, list]:
    """Return the panels of each pattern: a title, the text below, and an array."""
    columns: dict[str, list] = {}
    for mistake, report in reports.items():
        pattern, size = pattern_of(report)
        first = report.inputs[0]
        if pattern == INPUT and pattern not in columns:
            x = first.value - first.value.mean(0)
            columns[pattern] = [("x, less its mean", "the input itself", x)]
        error = first.analytic - first.numeric.value
        array = error - error.mean(0) if pattern == ROWS else error
        columns.setdefault(pattern, []).append((mistake, size, array))
    return columns


def sums(rows: Mapping[str, Mapping[str, np.ndarray]], title: str, show: bool = False) -> Any:
    """Draw, for each named row, the arrays that add up to the gradient of that name, and their sum.

    Every entry is written out; blue is negative, red is positive.
    """
    _check_sums(rows)
    with canvas(title, show, {"axes.grid": False}) as figure:
        grid = figure.subplots(len(rows), 1 + max(map(len, rows.values())), squeeze=False)
        totals = [np.sum([*parts.values()], axis=0) for parts in rows.values()]
        arrays = [*totals, *(part for parts in rows.values() for part in parts.values())]
        limit = max(np.max(np.abs(array)) for array in arrays)
        for axes, total, (name, parts) in zip(grid, totals, rows.items(), strict=True):
            signs = ["", *["+ "] * (len(parts) - 1), "= "]
            panels = [*parts.items(), (f"gradient of {name}", total)]
            for ax, sign, (label, array) in zip(axes, signs, panels, strict=False):
                shown = without_rounding(array, limit)
                _red_and_blue(ax, shown, limit)
                ax.set(title=f"{sign}{label}", xticks=[], yticks=[])
                label_cells(ax, shown, "{:.2f}", white=np.abs(shown) > 0.6 * limit)
            _switch_off(axes[len(panels) :])
    return figure


def without_rounding(array: np.ndarray, largest: float) -> np.ndarray:
    """Return the array with 0 for what is only rounding: below a billionth of ``largest``."""
    return np.where(np.abs(array) < 1e-9 * largest, 0.0, array)


def _red_and_blue(ax: Any, array: np.ndarray, limit: float) -> None:
    ax.imshow(array, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")


def _switch_off(axes: Iterable[Any]) -> None:
    for ax in axes:
        ax.set_axis_off()


def _check_sums(rows: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    for name, parts in rows.items():
        shapes = [np.shape(part) for part in parts.values()] or [()]
        if len({*shapes}) > 1 or len(shapes[0]) != 2 or 0 in shapes[0]:
            raise ShapeError(
                f"sums: {name} adds up arrays (N, C) of one shape, none of them empty; got {shapes}"
            )
    if not rows:
        raise ArgumentError("sums: needs a row with arrays, got none")
