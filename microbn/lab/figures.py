"""Figures for a projector: one message each, labels at the lines' ends, no legend to decipher."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError, listed
from ..testing import Report
from ..view.dot import FORMATS
from ..view.saving import write_whole
from .sweep import Table

STYLE = str(files(__package__) / "lecture.mplstyle")
# Every figure has 1280 × 720 pixels, and a window where `show` is true.


def curves(
    results: Table,
    x: str,
    y: str,
    *,
    lines: str | None = None,
    panels: str | None = None,
    title: str,
    show: bool = False,
    **axes: Any,
) -> Any:
    """y against x: the line is the median over runs, the band their range.

    ``x`` and ``y`` are columns, of lists, or of numbers, a point for each x. ``lines`` is one too:
    a line for each of its values, which stands written at its end; and ``panels``: a panel with
    all lines for each. ``axes`` is for matplotlib: ``yscale="log"``, ``ylim=(0, 1)``, ... Raises
    ArgumentError for runs with different x.
    """
    _check("curves", results, y, x, *filter(None, (lines, panels)))
    with _figure(title, show) as figure:
        values = [None] if panels is None else distinct(results, panels)
        grid = figure.subplots(1, len(values), sharey=True, squeeze=False)[0]
        kinds = distinct(results, lines) if lines else [""]
        for ax, value in zip(grid, values, strict=True):
            shown = results if panels is None else results.where(**{panels: value})
            for kind in kinds:
                points, heights = _points(shown.where(**{lines: kind}) if lines else shown, x, y)
                low, middle, high = heights
                (line,) = ax.plot(points, middle, label=f"{kind}")
                ax.fill_between(points, low, high, color=line.get_color(), alpha=0.2, lw=0)
            ax.set(xlabel=_spaced(x), title=_named(panels, value) if panels else "", **axes)
            _tidy(ax.xaxis)
        _tidy(grid[0].yaxis)
        grid[0].set_ylabel(_spaced(y))
        if lines:
            figure.draw_without_rendering()  # now it is known how high the lines end
            _label_ends(grid[-1])
    return figure


def ranges(
    results: Table,
    value: str,
    *,
    rows: str,
    kinds: str | None = None,
    title: str,
    notes: Mapping[Any, str] | None = None,
    show: bool = False,
    **axes: Any,
) -> Any:
    """A line of the figure for each value of the column ``rows``: a dot at the median of its runs,
    and a bar over their range; ``kinds`` is a column too, each value in a colour of its own.
    ``notes`` stand at the right end of a line.
    """
    _check("ranges", results, value, *filter(None, (rows, kinds)))
    if unknown := [note for note in notes or () if note not in distinct(results, rows)]:
        known = distinct(results, rows)
        raise ArgumentError(f"ranges: a note for {unknown[0]!r:.60}, but {rows!r} has {known}")
    with _figure(title, show) as figure:
        ax = figure.subplots()
        places = distinct(results, rows)[::-1]
        for i, kind in enumerate(distinct(results, kinds) if kinds else [""]):
            of_kind = results.where(**{kinds: kind}) if kinds else results
            shown = [place for place in places if place in distinct(of_kind, rows)]
            heights = np.array([places.index(place) for place in shown])
            low, middle, high = _spread(of_kind.where(**{rows: place})[value] for place in shown)
            (dots,) = ax.plot(middle, heights, "osD^v<>pX*"[i % 10], ms=14, ls="")
            style = {"color": dots.get_color(), "fontweight": "bold", "ha": "center"}
            ax.hlines(heights, low, high, color=dots.get_color(), lw=8, alpha=0.35)
            ax.annotate(str(kind), (middle[-1], heights[-1] + 0.14), **style)
        for place, note in (notes or {}).items():
            where = (1.01, places.index(place))
            ax.annotate(note, where, xycoords=ax.get_yaxis_transform(), va="center", size=20)
        ax.set(xlabel=_spaced(value), yticks=range(len(places)), yticklabels=places, **axes)
        ax.set_ylim(-0.5, len(places) - 0.4)
        _tidy(ax.xaxis)
    return figure


def heatmaps(
    results: Table,
    value: str,
    *,
    rows: str,
    columns: str,
    panels: str,
    title: str,
    show: bool = False,
) -> Any:
    """The median of ``value`` over runs, as a colour and a number, in a panel for each of these."""
    _check("heatmaps", results, value, rows, columns, panels)
    with _figure(title, show, {"axes.grid": False}) as figure:
        kinds = distinct(results, panels)
        grid = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
        ys, xs = distinct(results, rows), distinct(results, columns)
        for ax, kind in zip(grid, kinds, strict=True):
            cells = [[{panels: kind, rows: y, columns: x} for x in xs] for y in ys]
            image = np.array([[np.median(results.where(**c)[value]) for c in row] for row in cells])
            ax.imshow(image, cmap="cividis", vmin=0, vmax=1, aspect="auto")
            _write(ax, image, "{:.0%}", white=image <= 0.6)
            ax.set(title=_named(panels, kind), xlabel=_spaced(columns))
            ax.set(xticks=range(len(xs)), xticklabels=xs, yticks=range(len(ys)), yticklabels=ys)
        grid[0].set_ylabel(_spaced(rows))
    return figure


def fingerprints(reports: Mapping[str, Report], show: bool = False) -> Any:
    """How far the gradient of the first input, (N, C), is off, beside that input itself.

    A panel for each mistake, of which ``reports`` are gradient checks; rows are samples. Each
    column is scaled by its largest entry: blue is too low, red too high.
    """
    if not reports:
        raise ArgumentError("fingerprints: needs a report for each mistake, got none")
    title = "What mistakes leave in the gradient: red is too high, blue too low"
    with _figure(title, show, {"axes.grid": False}) as figure:
        axes = figure.subplots(2, len(reports) // 2 + 1, squeeze=False).flatten()
        first = [report.inputs[0] for report in reports.values()]
        off = [part.analytic - part.numeric.value for part in first]
        panels = [("x, less its mean", "the input", first[0].value - first[0].value.mean(0))]
        panels += [
            (m, f"off by {np.max(np.abs(e)):.1g}", e) for m, e in zip(reports, off, strict=True)
        ]
        for ax, (name, below, array) in zip(axes, panels, strict=False):
            ax.imshow(array / np.abs(array).max(0), cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
            ax.set(title=fill(name, 17), xlabel=below, xticks=[], yticks=[])
        for ax in axes[len(panels) :]:
            ax.remove()
    return figure


def sums(rows: Mapping[str, Mapping[str, np.ndarray]], title: str, show: bool = False) -> Any:
    """Arrays that add up to the gradient of what a row is called: a panel for each, and their sum.

    Every entry is written out; blue is negative, red positive.
    """
    for name, parts in rows.items():
        shapes = [np.shape(part) for part in parts.values()] or [()]
        if len({*shapes}) > 1 or len(shapes[0]) != 2:
            raise ShapeError(f"sums: {name} adds up arrays (N, C) of one shape, got {shapes}")
    if not rows:
        raise ArgumentError("sums: needs a row with arrays, got none")
    with _figure(title, show, {"axes.grid": False}) as figure:
        grid = figure.subplots(len(rows), 1 + max(map(len, rows.values())), squeeze=False)
        totals = [np.sum([*parts.values()], axis=0) for parts in rows.values()]
        arrays = [*totals, *(part for parts in rows.values() for part in parts.values())]
        limit = np.max(np.abs(arrays))
        for axes, total, (name, parts) in zip(grid, totals, rows.items(), strict=True):
            signs = ["", *["+ "] * (len(parts) - 1), "= "]
            for ax, sign, (label, array) in zip(
                axes, signs, [*parts.items(), (f"gradient of {name}", total)], strict=True
            ):
                ax.imshow(array, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
                ax.set(title=f"{sign}{label}", xticks=[], yticks=[])
                _write(ax, array, "{:.2f}", white=np.abs(array) > 0.6 * limit)
    return figure


def save(figure: Any, path: Path | str) -> Path:
    """Write a figure; the format follows from the suffix, .svg, .png or .pdf."""
    format = Path(path).suffix.lstrip(".").lower()
    if format not in FORMATS:
        raise ArgumentError(f"save: {format!r} is no format; it is one of {listed(FORMATS)}")
    picture = BytesIO()
    figure.savefig(picture, format=format)
    return write_whole(path, picture.getvalue())


def distinct(results: Table, column: str) -> list:
    """The values of a column, each once, in the order of the rows."""
    return list(dict.fromkeys(row[column] for row in results.rows))


@contextmanager
def _figure(title: str, show: bool, style: Any = None) -> Iterator[Any]:
    """A figure in the style of a lecture, laid out while that style holds."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(fname=STYLE, rc=style):
        if show:
            import matplotlib.pyplot as plt  # which looks for a screen, and so waits until asked

            figure: Any = plt.figure()
        else:
            figure = Figure()
        figure.suptitle(title)
        yield figure
        figure.draw_without_rendering()


def _write(ax: Any, image: np.ndarray, form: str, white: np.ndarray) -> None:
    """Every entry of an image into its cell."""
    for (i, j), v in np.ndenumerate(image):
        color = "white" if white[i, j] else "black"
        ax.text(j, i, form.format(v), ha="center", va="center", color=color)


def _points(runs: Table, x: str, y: str) -> tuple[np.ndarray, np.ndarray]:
    """The points of a line, and the lowest run, the median and the highest at each, (3, points)."""
    if runs[y].ndim != runs[x].ndim:
        raise ArgumentError(f"curves: {x!r} and {y!r} are both numbers, or both lists of them")
    if runs[y].ndim == 2:
        if runs[x].shape != runs[y].shape or not np.all(runs[x] == runs[x][0]):
            raise ArgumentError(f"curves: not all runs have the same {x!r}")
        return runs[x][0], _spread(runs[y].T)
    points = sorted(distinct(runs, x))
    return np.array(points), _spread(runs.where(**{x: point})[y] for point in points)


def _spread(runs: Iterable[np.ndarray]) -> np.ndarray:
    """Least, median and most at each point, of which one may have more runs than another."""
    return np.array([(np.min(r), np.median(r), np.max(r)) for r in runs]).T


def _check(owner: str, results: Table, value: str, *columns: str) -> None:
    """Raise ArgumentError for what cannot be drawn: no rows, no such columns, values of text."""
    if not isinstance(results, Table) or not results.rows:
        raise ArgumentError(f"{owner}: needs a Table with rows, got {results!r:.60}")
    results.check(value, *columns)
    if results[value].dtype.kind not in "fiub":
        raise ArgumentError(f"{owner}: {value!r} is {results.rows[0][value]!r:.60}, no number")


def _named(column: str, value: Any) -> str:
    return value if isinstance(value, str) else f"{_spaced(column)} {value}"


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _tidy(axis: Any) -> None:
    """Few ticks, and numbers without powers of ten where a person would write none."""
    axis.minorticks_off()
    if axis.get_scale() == "linear":
        axis.get_major_locator().set_params(nbins=5)
    elif np.all(np.abs(np.log10(axis.get_view_interval())) < 4):
        axis.set_major_formatter("{x:g}")


def _label_ends(ax: Any) -> None:
    """Write each line's name at the right of its end, in its colour; names do not touch."""
    lines = ax.get_lines()
    names = [fill(line.get_label(), 14) for line in lines]
    to_axes = ax.transData + ax.transAxes.inverted()
    points = [line.get_xydata()[np.isfinite(line.get_ydata())] for line in lines]
    ends = [to_axes.transform(p[-1])[1] if len(p) else 0.5 for p in points]
    gap = 0.01 + 0.055 * max(name.count("\n") + 1 for name in names)
    for line, name, height in zip(lines, names, _apart(ends, gap), strict=True):
        style = {"color": line.get_color(), "fontweight": "bold", "va": "center"}
        ax.annotate(name, (1.02, height), xycoords="axes fraction", **style)


def _apart(heights: Sequence[float], gap: float) -> list[float]:
    """Heights for labels, in 0..1: as near to these as may be, and ``gap`` from each other."""
    wanted = np.clip(heights, 0.02, 0.98)
    placed = wanted.copy()
    for higher, lower in pairwise(np.argsort(wanted)[::-1]):
        placed[lower] = min(placed[lower], placed[higher] - gap)
    placed += np.mean(wanted - placed)
    placed -= max(0, placed.max() - 0.98)
    return list(placed + max(0, 0.02 - placed.min()))
