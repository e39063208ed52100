"""A figure of histograms shows, layer over layer, how large the entries of arrays are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError
from .canvas import canvas
from .lettering import check_known, tidy


def by_layer(
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
    columns = _bins_of(rows)
    check_known("by_layer: a mark", marks or (), "each row", [*columns])
    with canvas(title, show) as figure:
        grid = figure.subplots(len(rows), len(columns), sharex="col", sharey=True, squeeze=False)
        for i, (row, arrays) in enumerate(rows.items()):
            for ax, (column, edges) in zip(grid[i], columns.items(), strict=True):
                for layer, array in enumerate(arrays[column], 1):
                    color = _draw_histogram(ax, np.abs(np.ravel(array)), layer, edges, i)
                ax.set(xscale="log", title="" if i else column)
                tidy(ax.xaxis)
                if marks and column in marks:
                    place, name = marks[column]
                    ax.axvline(place, color="black", ls=":")
                    if not i:
                        ax.text(0.9 * place, layer + 1, name, ha="right", va="top")
            layers = range(1, 1 + len(arrays[column]))
            grid[i, 0].set(yticks=layers, yticklabels=[f"layer {n}" for n in layers])
            grid[i, 0].set_ylabel(row, color=color, fontweight="bold")
    return figure


def _bins_of(rows: Mapping[str, Mapping[str, Sequence[np.ndarray]]]) -> dict[str, np.ndarray]:
    """Return the columns, each with the edges of its bins, which leave out the least entries.

    Raises ArgumentError unless all rows have the same columns, with an array for each layer.
    """
    layers = {row: {name: len(arrays) for name, arrays in of.items()} for row, of in rows.items()}
    counts = {count for of_row in layers.values() for count in of_row.values()}
    if len({*map(tuple, layers.values())}) != 1 or len(counts) != 1 or 0 in counts:
        raise ArgumentError(
            "by_layer: every row needs the same columns, and every column an array for each "
            f"layer; got {layers}"
        )
    edges = {}
    for column in next(iter(rows.values())):
        arrays = [np.abs(np.ravel(array)) for of_row in rows.values() for array in of_row[column]]
        sizes = np.concatenate(arrays)
        sizes = sizes[(sizes > 0) & np.isfinite(sizes)]
        if not sizes.size:
            raise ArgumentError(f"by_layer: {column!r} has no finite number but 0")
        low, high = np.log10([np.percentile(sizes, 1), sizes.max()])
        edges[column] = np.logspace(np.floor(low), np.ceil(high), 61)
    return edges


def _draw_histogram(ax: Any, sizes: np.ndarray, base: float, edges: np.ndarray, nth: int) -> str:
    """Draw a histogram on ``base``, less than 1 high, or a dot for one number. Return its color."""
    from matplotlib.colors import to_hex

    color = to_hex(f"C{nth}")  # now, while the style of a lecture holds
    if sizes.size == 1:
        ax.plot(sizes, [base], "o", ms=14, color=color)
        return color
    counts = np.histogram(sizes, edges)[0]
    heights = base + 0.9 * counts / max(counts.max(), 1)
    ax.fill_between(np.sqrt(edges[1:] * edges[:-1]), base, heights, color=color, alpha=0.7)
    return color
