"""An array as it is shown: a table of its numbers, or of the means of its blocks."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

MOST_ROWS, MOST_COLUMNS = 12, 8  # of a table with every number
MOST_BLOCKS = 16  # along an axis, where there are more


class Table(NamedTuple):
    """An array in text: ``rows`` of its numbers, the last axis across.

    ``labels`` are the indices of the rows where there are more than two axes. Of a large array
    each cell is the mean of a block, and ``block`` says of how many rows and columns at most;
    else it is None. ``low``, ``mean`` and ``high`` are those of the array, "" where it is empty.
    """

    shape: tuple[int, ...]
    dtype: str
    rows: list[list[str]]
    labels: list[str]
    block: tuple[int, int] | None
    low: str
    mean: str
    high: str


def table(array: np.ndarray) -> Table:
    """Every number of a small array, at most 12 rows of 8; of a large one at most 16 x 16 means."""
    array = np.asarray(array)
    grid = array.reshape(-1, array.shape[-1] if array.ndim else 1) if array.size else array[:0, None]
    labels = [str(list(index)) for index in np.ndindex(array.shape[:-1])] if array.ndim > 2 else []
    block = None
    if len(grid) > MOST_ROWS or grid.shape[-1] > MOST_COLUMNS:
        block = -(-len(grid) // MOST_BLOCKS), -(-grid.shape[1] // MOST_BLOCKS)
        grid, labels = _means(grid, block), []
    rows = [[number(value) for value in row] for row in grid.tolist()] if array.size else []
    return Table(array.shape, str(array.dtype), rows, labels[: len(rows)], block, *spread(array))


def spread(array: np.ndarray) -> tuple[str, str, str]:
    """The smallest number, the mean and the largest, as text; empty of nothing."""
    if not array.size:
        return "", "", ""
    with np.errstate(all="ignore"):  # of infinities there is no mean
        return number(array.min()), number(array.mean()), number(array.max())


def number(value: float) -> str:
    """Three digits of a number, its zeros at the end left out."""
    return f"{float(value):.3g}"


def _means(grid: np.ndarray, block: tuple[int, int]) -> np.ndarray:
    edges = [[*range(0, n, b), n] for n, b in zip(grid.shape, block, strict=True)]
    with np.errstate(all="ignore"):
        return np.array(
            [[grid[i:j, k:m].mean() for k, m in pairwise(edges[1])] for i, j in pairwise(edges[0])]
        )
