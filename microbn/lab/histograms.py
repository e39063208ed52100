"""The parts of a figure of histograms: the bins of its columns, and the histogram of a layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError


def bins_of(rows: Mapping[str, Mapping[str, Sequence[np.ndarray]]]) -> dict[str, np.ndarray]:
    """Return the columns, each with the edges of its bins, which leave out the least entries.

    Raises ArgumentError unless all rows have the same columns, with an array for each layer.
    """
    layers = {row: {name: len(arrays) for name, arrays in of.items()} for row, of in rows.items()}
    counts = {count for of_row in layers.values() for count in of_row.values()}
    if len({*map(tuple, layers.values())}) != 1 or len(counts) != 1 or 0 in counts:
        raise ArgumentError(
            "histograms: every row needs the same columns, and every column an array for each "
            f"layer; got {layers}"
        )
    edges = {}
    for column in next(iter(rows.values())):
        arrays = [np.abs(np.ravel(array)) for of_row in rows.values() for array in of_row[column]]
        sizes = np.concatenate(arrays)
        sizes = sizes[(sizes > 0) & np.isfinite(sizes)]
        if not sizes.size:
            raise ArgumentError(f"histograms: {column!r} has no finite number but 0")
        low, high = np.log10([np.percentile(sizes, 1), sizes.max()])
        edges[column] = np.logspace(np.floor(low), np.ceil(high), 61)
    return edges


def draw_histogram(ax: Any, sizes: np.ndarray, base: float, edges: np.ndarray, nth: int) -> str:
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
