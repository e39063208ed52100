"""Figures of runs, for a projector: one message each, with labels at the lines' ends, no legend.

Every figure has 1280 × 720 pixels, and a window if ``show`` is true.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArgumentError, listed
from ..view.dot import FORMATS
from ..view.saving import write_whole
from .canvas import canvas
from .lettering import check_known, heading, in_words, label_cells, label_ends, tidy
from .results import Results


def curves(
    results: Results,
    x: str,
    y: str,
    *,
    lines: str | None = None,
    panels: str | None = None,
    title: str,
    show: bool = False,
    **axes: Any,
) -> Any:
    """Draw y against x: a line is the median over runs, and its band their range.

    ``x`` and ``y`` are columns, both of lists, or both of numbers, with a point for each x.
    ``lines`` is a column too: each of its values has a line, with its name at the end; and each
    value of the column ``panels`` has a panel. ``axes`` is for matplotlib: ``yscale="log"``,
    ``ylim=(0, 1)``, ...

    Raises ArgumentError for runs with different x.
    """
    _check_drawable("curves", results, (y, x), *filter(None, (lines, panels)))
    with canvas(title, show) as figure:
        values = results.distinct(panels) if panels else [None]
        grid = figure.subplots(1, len(values), sharey=True, squeeze=False)[0]
        kinds = results.distinct(lines) if lines else [""]
        for ax, value in zip(grid, values, strict=True):
            shown = results.where(**{panels: value}) if panels else results
            for kind in kinds:
                _curve(ax, shown.where(**{lines: kind}) if lines else shown, x, y, f"{kind}")
            ax.set(xlabel=in_words(x), title=heading(panels, value) if panels else "", **axes)
            tidy(ax.xaxis)
        tidy(grid[0].yaxis)
        grid[0].set_ylabel(in_words(y))
        if lines:
            figure.draw_without_rendering()  # only now the heights of the lines' ends are known
            label_ends(grid[-1])
    return figure


def beside(
    panels: Mapping[str, tuple[Results, str, str, Mapping[str, Any]]],
    *,
    lines: str,
    title: str,
    ends: Mapping[str, Mapping[Any, str]] | None = None,
    show: bool = False,
) -> Any:
    """Draw panels that share no axis, each as `curves` draws it.

    ``panels`` has, for each panel's title, Results, their columns x and y, and the options for
    matplotlib's axes: ``{"the test": (results, "training step", "accuracy", {"ylim": (0, 1)})}``.
    Each line ends with its name and with the text that ``ends`` has for this panel and line.
    """
    if not panels:
        raise ArgumentError("beside: needs a panel, got none")
    check_known("beside: ends", ends or (), "the figure", [*panels])
    for name, (results, x, y, _) in panels.items():
        _check_drawable("beside", results, (y, x), lines)
        of_lines = (ends or {}).get(name, ())
        check_known(f"beside: an end in {name!r}", of_lines, repr(lines), results.distinct(lines))
    with canvas(title, show) as figure:
        grid = figure.subplots(1, len(panels), squeeze=False)[0]
        for ax, (name, (results, x, y, axes)) in zip(grid, panels.items(), strict=True):
            for kind in results.distinct(lines):
                end = str((ends or {}).get(name, {}).get(kind, ""))
                end = end.replace(" ", "\u00a0")  # on one line
                label = f"{kind}: {end}" if end else f"{kind}"
                _curve(ax, results.where(**{lines: kind}), x, y, label)
            ax.set(**{"xlabel": in_words(x), "ylabel": in_words(y), "title": name, **axes})
            tidy(ax.yaxis)
            if "xticks" not in axes:
                tidy(ax.xaxis)
        figure.draw_without_rendering()  # only now the heights of the lines' ends are known
        for ax in grid:
            label_ends(ax)
    return figure


def crowds(
    results: Results,
    x: str,
    y: str,
    *,
    one: Sequence[str],
    panels: str,
    note: str,
    title: str,
    show: bool = False,
    **axes: Any,
) -> Any:
    """Draw each run's many lines in grey, in a panel for each run, and one in colour with its band.

    Column ``y`` holds the many lines, (lines, points). ``one`` names three columns: the lower edge
    of the band, the line in colour, and the upper edge. ``note`` stands in the last panel, and
    ``axes`` is for matplotlib.
    """
    _check_drawable("crowds", results, (y, x, *one), panels)
    _check_crowds(results, x, y, one)
    with canvas(title, show) as figure:
        grid = figure.subplots(1, len(results.rows), sharey=True, squeeze=False)[0]
        for ax, row in zip(grid, results.rows, strict=True):
            low, middle, high = (row[column] for column in one)
            (line,) = ax.plot(row[x], middle, zorder=3)
            ax.plot(row[x], np.transpose(row[y]), color="0.65", ls="-", lw=1)
            ax.fill_between(row[x], low, high, color=line.get_color(), alpha=0.3, lw=0)
            ax.set(xlabel=in_words(x), title=heading(panels, row[panels]), **axes)
            ax.label_outer()
            tidy(ax.xaxis)
        tidy(grid[0].yaxis)
        grid[-1].text(0.04, 0.04, note, transform=grid[-1].transAxes)
    return figure


def ranges(
    results: Results,
    value: str,
    *,
    rows: str,
    kinds: str | None = None,
    title: str,
    notes: Mapping[Any, str] | None = None,
    show: bool = False,
    **axes: Any,
) -> Any:
    """Draw a dot at the median over runs, and a bar over their range.

    Each value of the column ``rows`` has a row of the figure, and each value of the column
    ``kinds`` a colour. ``notes`` stand at the right end of a row.
    """
    _check_drawable("ranges", results, (value,), *filter(None, (rows, kinds)))
    places = results.distinct(rows)[::-1]
    check_known("ranges: a note", notes or (), repr(rows), places[::-1])
    with canvas(title, show) as figure:
        ax = figure.subplots()
        for i, kind in enumerate(results.distinct(kinds) if kinds else [""]):
            of_kind = results.where(**{kinds: kind}) if kinds else results
            _dots(ax, of_kind, value, rows, places, "osD^v<>pX*"[i % 10], str(kind))
        for place, note in (notes or {}).items():
            where = (1.01, places.index(place))
            ax.annotate(note, where, xycoords=ax.get_yaxis_transform(), va="center", size=20)
        ax.set(**{"xlabel": in_words(value), **axes}, yticks=range(len(places)), yticklabels=places)
        ax.set_ylim(-0.5, len(places) - 0.4)
        tidy(ax.xaxis)
    return figure


def heatmaps(
    results: Results,
    value: str,
    *,
    rows: str,
    columns: str,
    panels: str,
    title: str,
    show: bool = False,
    **axes: Any,
) -> Any:
    """Draw the median of ``value`` over runs as a colour and a number, in a panel for each kind."""
    _check_drawable("heatmaps", results, (value,), rows, columns, panels)
    with canvas(title, show, {"axes.grid": False}) as figure:
        kinds = results.distinct(panels)
        grid = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
        ys, xs = results.distinct(rows), results.distinct(columns)
        for ax, kind in zip(grid, kinds, strict=True):
            cells = [[{panels: kind, rows: y, columns: x} for x in xs] for y in ys]
            image = np.array([[np.median(results.where(**c)[value]) for c in row] for row in cells])
            ax.imshow(image, cmap="cividis", vmin=0, vmax=1, aspect="auto")
            label_cells(ax, image, "{:.0%}", white=image <= 0.6)
            ax.set(**{"title": heading(panels, kind), "xlabel": in_words(columns), **axes})
            ax.set(xticks=range(len(xs)), xticklabels=xs, yticks=range(len(ys)), yticklabels=ys)
        grid[0].set_ylabel(in_words(rows))
    return figure


def save(figure: Any, path: Path | str) -> Path:
    """Write a figure and return its path. The suffix decides the format: .svg, .png or .pdf."""
    format = Path(path).suffix.lstrip(".").lower()
    if format not in FORMATS:
        raise ArgumentError(f"save: {format!r} is not a format; the formats are {listed(FORMATS)}")
    picture = BytesIO()
    figure.savefig(picture, format=format)
    return write_whole(path, picture.getvalue())


def _curve(ax: Any, runs: Results, x: str, y: str, name: str) -> None:
    points, (low, middle, high) = _points(runs, x, y)
    (line,) = ax.plot(points, middle, label=name)
    ax.fill_between(points, low, high, color=line.get_color(), alpha=0.2, lw=0)


def _points(runs: Results, x: str, y: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of a line, and the least, median and most at each of them, (3, points)."""
    if runs[y].ndim != runs[x].ndim:
        raise ArgumentError(f"curves: {x!r} and {y!r} must both be numbers, or both lists of them")
    if runs[y].ndim == 2:
        if runs[x].shape != runs[y].shape or not np.all(runs[x] == runs[x][0]):
            raise ArgumentError(f"curves: not all runs have the same {x!r}")
        return runs[x][0], _extremes(runs[y].T)
    points = sorted(runs.distinct(x))
    return np.array(points), _extremes(runs.where(**{x: point})[y] for point in points)


def _dots(
    ax: Any, runs: Results, value: str, rows: str, places: list, marker: str, name: str
) -> None:
    """Draw one kind in one colour: a dot and a bar in each of its places, its name over the top."""
    shown = [place for place in places if place in runs.distinct(rows)]
    heights = np.array([places.index(place) for place in shown])
    low, middle, high = _extremes(runs.where(**{rows: place})[value] for place in shown)
    (dots,) = ax.plot(middle, heights, marker, ms=14, ls="")
    color = dots.get_color()
    ax.hlines(heights, low, high, color=color, lw=8, alpha=0.35)
    style = {"color": color, "fontweight": "bold", "ha": "center"}
    ax.annotate(name, (middle[-1], heights[-1] + 0.14), **style)


def _extremes(runs: Iterable[np.ndarray]) -> np.ndarray:
    """Return least, median and most at each point. Points may have different numbers of runs."""
    return np.array([(np.min(r), np.median(r), np.max(r)) for r in runs]).T


def _check_drawable(owner: str, results: Results, numbers: Iterable[str], *columns: str) -> None:
    """Raise ArgumentError if there are no rows, a column is missing, or values are not numbers."""
    if not isinstance(results, Results) or not results.rows:
        raise ArgumentError(f"{owner}: needs Results with rows, got {results!r:.60}")
    results.check(*numbers, *columns)
    for column in numbers:
        if results[column].dtype.kind not in "fiub":
            raise ArgumentError(
                f"{owner}: {column!r} is {results.rows[0][column]!r:.60}, which is not a number"
            )


def _check_crowds(results: Results, x: str, y: str, one: Sequence[str]) -> None:
    """Raise ArgumentError unless every line, and each edge of the band, has all points of x."""
    if len(one) != 3:
        raise ArgumentError(f"crowds: one names three columns, low, middle, high; got {one!r:.60}")
    shapes = {column: results[column].shape[1:] for column in (x, *one, y)}
    points = shapes[x]
    fits = all(shapes[column] == points for column in one) and shapes[y][1:] == points
    if not (fits and len(points) == 1):
        raise ArgumentError(
            f"crowds: {x!r} and each column of the band need the shape (points,), and {y!r} needs "
            f"(lines, points); got {shapes}"
        )
