"""An array as it is shown: a table of its numbers, or of the means of its blocks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

MOST_ROWS, MOST_COLUMNS = 12, 8  # of a table with every number
MOST_BLOCKS = 8  # along an axis, where there are more


class Table(NamedTuple):
    """An array in text: ``rows`` of its numbers, the last axis across.

    ``labels`` are the indices of the rows where there are more than two axes. Of a large array
    each cell is the mean of a block, and ``block`` says of how many rows and columns at most;
    else it is None. Only then are there ``low``, ``mean`` and ``high``, those of the array.
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
    """Every number of a small array, at most 12 rows of 8; of a large one at most 8 x 8 means."""
    array = np.asarray(array)
    columns = array.shape[-1] if array.ndim else 1
    grid = array.reshape(-1, columns) if array.size else np.empty((0, 0))
    labels: list[str] = []
    block, whole = None, ("", "", "")
    if len(grid) > MOST_ROWS or grid.shape[-1] > MOST_COLUMNS:
        block = -(-len(grid) // MOST_BLOCKS), -(-grid.shape[1] // MOST_BLOCKS)
        grid, whole = _means(grid, block), spread(array)
    elif array.ndim > 2:
        labels = [str(list(index)) for index in np.ndindex(array.shape[:-1])]
    digits = 2 if block else 3
    rows = [[f"{value:.{digits}g}" for value in row] for row in (grid + 0.0).tolist()]  # no -0
    return Table(array.shape, str(array.dtype), rows, labels, block, *whole)


class Tables:
    """The tables of many arrays, each array once, however often it is handed on."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._numbers: dict[tuple, int] = {}
        self._arrays: list[np.ndarray] = []  # kept, or another could come to lie where one lay

    def add(self, array: np.ndarray | None) -> int | None:
        """The number of the table of an array; of no array None."""
        if array is None:
            return None
        place = (array.__array_interface__["data"][0], array.shape, array.strides, array.dtype.str)
        if place not in self._numbers:
            self._numbers[place] = len(self.rows)
            self._arrays.append(array)
            self.rows.append(table(array)._asdict())
        return self._numbers[place]


def spread(array: np.ndarray) -> tuple[str, str, str]:
    """The smallest number, the mean and the largest, as text."""
    with np.errstate(all="ignore"):  # of infinities there is no mean
        return number(array.min()), number(array.mean()), number(array.max())


def number(value: float) -> str:
    """Three digits of a number, zeros at the end left out."""
    return f"{float(value) + 0.0:.3g}"  # no -0


def short(value: Any) -> str:
    """Four digits of a number: for a text, and for a constant."""
    return f"{float(value) + 0.0:.4g}"


def _means(grid: np.ndarray, block: tuple[int, int]) -> np.ndarray:
    """The mean of each block; those at the lower and the right rim may be smaller."""
    means = grid.astype(float)
    with np.errstate(all="ignore"):
        for axis, size in enumerate(block):
            starts = np.arange(0, grid.shape[axis], size)
            count = np.minimum(size, grid.shape[axis] - starts)
            means = np.add.reduceat(means, starts, axis) / (count if axis else count[:, None])
    return means
