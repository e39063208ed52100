"""Figures for a projector: one message each, with labels at the lines' ends and no legend.

Every figure has 1280 × 720 pixels, and a window if ``show`` is true.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError, listed
from ..testing import Report
from ..view.dot import FORMATS
from ..view.saving import write_whole
from .histograms import bins_of, draw_histogram
from .lettering import heading, in_words, label_cells, label_ends, tidy, without_rounding
from .patterns import INPUT, pattern_of
from .results import Results

STYLE = str(files(__package__) / "lecture.mplstyle")


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
    _check_drawable("curves", results, y, x, *filter(None, (lines, panels)))
    with _figure(title, show) as figure:
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


def side_by_side(
    results: Results,
    panels: Mapping[str, tuple[str, str, Mapping[str, Any]]],
    *,
    lines: str,
    title: str,
    show: bool = False,
) -> Any:
    """Draw panels that do not share an axis. Each is drawn as `curves` draws.

    ``panels`` has for each heading the columns x and y, and the options for matplotlib's axes:
    ``{"the test": ("training step", "test accuracy", {"ylim": (0, 1)})}``.
    """
    if not panels:
        raise ArgumentError("side_by_side: needs a panel, got none")
    for x, y, _ in panels.values():
        _check_drawable("side_by_side", results, y, x, lines)
    with _figure(title, show) as figure:
        grid = figure.subplots(1, len(panels), squeeze=False)[0]
        for ax, (name, (x, y, axes)) in zip(grid, panels.items(), strict=True):
            for kind in results.distinct(lines):
                _curve(ax, results.where(**{lines: kind}), x, y, f"{kind}")
            ax.set(xlabel=in_words(x), ylabel=in_words(y), title=name, **axes)
            tidy(ax.yaxis)
            if "xticks" not in axes:
                tidy(ax.xaxis)
        figure.draw_without_rendering()  # only now the heights of the lines' ends are known
        for ax in grid:
            label_ends(ax)
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
    _check_drawable("ranges", results, value, *filter(None, (rows, kinds)))
    places = results.distinct(rows)[::-1]
    if unknown := [note for note in notes or () if note not in places]:
        raise ArgumentError(
            f"ranges: a note for {unknown[0]!r:.60}, but {rows!r} has {places[::-1]}"
        )
    with _figure(title, show) as figure:
        ax = figure.subplots()
        for i, kind in enumerate(results.distinct(kinds) if kinds else [""]):
            of_kind = results.where(**{kinds: kind}) if kinds else results
            _dots(ax, of_kind, value, rows, places, "osD^v<>pX*"[i % 10], str(kind))
        for place, note in (notes or {}).items():
            where = (1.01, places.index(place))
            ax.annotate(note, where, xycoords=ax.get_yaxis_transform(), va="center", size=20)
        ax.set(xlabel=in_words(value), yticks=range(len(places)), yticklabels=places, **axes)
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
) -> Any:
    """Draw the median of ``value`` over runs as a colour and a number, in a panel for each kind."""
    _check_drawable("heatmaps", results, value, rows, columns, panels)
    with _figure(title, show, {"axes.grid": False}) as figure:
        kinds = results.distinct(panels)
        grid = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
        ys, xs = results.distinct(rows), results.distinct(columns)
        for ax, kind in zip(grid, kinds, strict=True):
            cells = [[{panels: kind, rows: y, columns: x} for x in xs] for y in ys]
            image = np.array([[np.median(results.where(**c)[value]) for c in row] for row in cells])
            ax.imshow(image, cmap="cividis", vmin=0, vmax=1, aspect="auto")
            label_cells(ax, image, "{:.0%}", white=image <= 0.6)
            ax.set(title=heading(panels, kind), xlabel=in_words(columns))
            ax.set(xticks=range(len(xs)), xticklabels=xs, yticks=range(len(ys)), yticklabels=ys)
        grid[0].set_ylabel(in_words(rows))
    return figure


def fingerprints(reports: Mapping[str, Report], show: bool = False) -> Any:
    """Draw the error in the gradient of the first input, (N, C), a column for each pattern of it.

    ``reports`` has a gradient check for each mistake, and each has a panel whose rows are samples.
    Each feature is scaled by its largest entry: blue is too low, red is too high. Below each panel
    stands the wrong factor, or how far off it is. The input stands with the errors that follow it.
    """
    if not reports:
        raise ArgumentError("fingerprints: needs a report for each mistake, got none")
    columns: dict[str, list] = {}
    for mistake, report in reports.items():
        pattern, size = pattern_of(report)
        first = report.inputs[0]
        if pattern == INPUT and pattern not in columns:
            x = first.value - first.value.mean(0)
            columns[pattern] = [("x, less its mean", "the input itself", x)]
        error = first.analytic - first.numeric.value
        columns.setdefault(pattern, []).append((mistake, size, error))
    largest = max(np.max(np.abs(r.inputs[0].numeric.value)) for r in reports.values())
    title = f"Mistakes leave {len(columns)} patterns in dx: red is too high, blue is too low"
    with _figure(title, show, {"axes.grid": False}) as figure:
        parts = figure.subfigures(1, len(columns), squeeze=False)[0]
        deepest = max(map(len, columns.values()))
        for part, (pattern, panels) in zip(parts, columns.items(), strict=True):
            part.suptitle(pattern, fontweight="bold", fontsize=18)
            axes = part.subplots(deepest, 1, squeeze=False)[:, 0]
            for ax, (name, below, array) in zip(axes, panels, strict=False):
                shown = without_rounding(array, largest)
                scale = np.abs(shown).max(0)
                _red_and_blue(ax, shown / np.where(scale, scale, 1), 1)
                ax.set_title(name, fontsize=15)
                ax.set(xlabel=below, xticks=[], yticks=[])
            for ax in axes[len(panels) :]:
                ax.set_axis_off()
    return figure


def sums(rows: Mapping[str, Mapping[str, np.ndarray]], title: str, show: bool = False) -> Any:
    """Draw, for each named row, the arrays that add up to the gradient of that name, and their sum.

    Every entry is written out; blue is negative, red is positive.
    """
    _check_sums(rows)
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
                shown = without_rounding(array, limit)
                _red_and_blue(ax, shown, limit)
                ax.set(title=f"{sign}{label}", xticks=[], yticks=[])
                label_cells(ax, shown, "{:.2f}", white=np.abs(shown) > 0.6 * limit)
    return figure


def histograms(
    rows: Mapping[str, Mapping[str, Sequence[np.ndarray]]],
    title: str,
    marks: Mapping[str, tuple[float, str]] | None = None,
    show: bool = False,
) -> Any:
    """Draw how large the entries of arrays are, layer over layer: a histogram for each layer.

    ``rows`` has for each row of the figure, such as a net, and for each column, such as "gradient",
    an array for each layer. The first layer is at the bottom, and the axes are logarithmic. A
    single number becomes a dot. ``marks`` draws a line through a column: a number, and its name.
    """
    columns = bins_of(rows)
    with _figure(title, show) as figure:
        grid = figure.subplots(len(rows), len(columns), sharex="col", sharey=True, squeeze=False)
        for i, (row, arrays) in enumerate(rows.items()):
            for ax, (column, edges) in zip(grid[i], columns.items(), strict=True):
                for layer, array in enumerate(arrays[column], 1):
                    color = draw_histogram(ax, np.abs(np.ravel(array)), layer, edges, i)
                ax.set(xscale="log", title="" if i else column)
                tidy(ax.xaxis)
                for place, name in [marks[column]] if marks and column in marks else []:
                    ax.axvline(place, color="black", ls=":")
                    if not i:
                        ax.text(0.9 * place, layer + 1, name, ha="right", va="top")
            layers = range(1, 1 + len(arrays[column]))
            grid[i, 0].set(yticks=layers, yticklabels=[f"layer {n}" for n in layers])
            grid[i, 0].set_ylabel(row, color=color, fontweight="bold")
    return figure


def save(figure: Any, path: Path | str) -> Path:
    """Write a figure and return its path. The suffix decides the format: .svg, .png or .pdf."""
    format = Path(path).suffix.lstrip(".").lower()
    if format not in FORMATS:
        raise ArgumentError(f"save: {format!r} is not a format; the formats are {listed(FORMATS)}")
    picture = BytesIO()
    figure.savefig(picture, format=format)
    return write_whole(path, picture.getvalue())


@contextmanager
def _figure(title: str, show: bool, style: Any = None) -> Iterator[Any]:
    """Make a figure in the style of a lecture, and lay it out while that style holds."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(fname=STYLE, rc=style):
        if show:
            import matplotlib.pyplot as plt  # it looks for a screen, and so it waits until asked

            figure: Any = plt.figure()
        else:
            figure = Figure()
        figure.suptitle(title)
        yield figure
        figure.draw_without_rendering()


def _red_and_blue(ax: Any, array: np.ndarray, limit: float) -> None:
    ax.imshow(array, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")


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


def _check_drawable(owner: str, results: Results, value: str, *columns: str) -> None:
    """Raise ArgumentError if there are no rows, a column is missing, or values are not numbers."""
    if not isinstance(results, Results) or not results.rows:
        raise ArgumentError(f"{owner}: needs Results with rows, got {results!r:.60}")
    results.check(value, *columns)
    if results[value].dtype.kind not in "fiub":
        raise ArgumentError(
            f"{owner}: {value!r} is {results.rows[0][value]!r:.60}, which is not a number"
        )


def _check_sums(rows: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    for name, parts in rows.items():
        shapes = [np.shape(part) for part in parts.values()] or [()]
        if len({*shapes}) > 1 or len(shapes[0]) != 2:
            raise ShapeError(f"sums: {name} adds up arrays (N, C) of one shape, got {shapes}")
    if not rows:
        raise ArgumentError("sums: needs a row with arrays, got none")
