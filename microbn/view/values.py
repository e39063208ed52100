"""Arrays as they are shown: a table of the numbers, or of the means of a large array's blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

# The colour of a box by its role, in the order of the legend. The page has its own in dark mode.
ROLE_COLOURS = {
    "input": "#dcebf7", "parameter": "#d3ecdf", "constant": "#f2f2f2", "computed": "#ffffff",
    "gradient": "#eee2f5", "result": "#fbe3d0", "suspect": "#f4a09a", "group": "#e8e8e8",
}  # fmt: skip
CURRENT_COLOUR = "#c43c00"  # of the step's boxes and arrows
# How much is shown at once. The page reads these numbers from the story's data.
MOST_ROWS, MOST_COLUMNS = 12, 8  # a larger array is summed up in blocks
MOST_BLOCKS = 8  # along each axis
MOST_LEAVES = 12  # tables in the first step
MOST_BOXES = 120  # in a drawing; of a larger graph only the boxes near the step are drawn
NEAR_BOXES = 18  # so many of them


class Table(NamedTuple):
    """An array as text. ``rows`` are its numbers, with the last axis across.

    ``labels`` are the indices of the rows, if the array has more than two axes. For a large array
    each cell is the mean of a block. Then ``block`` is the largest size of a block, in rows and
    columns, and ``low``, ``mean`` and ``high`` describe the whole array. For a small array
    ``block`` is None, and the three are empty. Numbers up to ``noise`` are rounding noise, which
    is painted white.
    """

    shape: tuple[int, ...]
    dtype: str
    rows: list[list[str]]
    labels: list[str]
    block: tuple[int, int] | None
    low: str
    mean: str
    high: str
    noise: float = 0.0


def table(array: np.ndarray) -> Table:
    """Return every number of an array of up to 12 rows of 8; of a larger one up to 8 x 8 means."""
    array = np.asarray(array)
    columns = array.shape[-1] if array.ndim else 1
    grid = array.reshape(-1, columns) if array.size else np.empty((0, 0))
    labels: list[str] = []
    block, whole = None, ("", "", "")
    if len(grid) > MOST_ROWS or grid.shape[-1] > MOST_COLUMNS:
        block = -(-len(grid) // MOST_BLOCKS), -(-grid.shape[1] // MOST_BLOCKS)
        grid, whole = _block_means(grid, block), low_mean_high(array)
    elif array.ndim > 2:
        labels = [str(list(index)) for index in np.ndindex(array.shape[:-1])]
    digits = 2 if block else 3
    rows = [[f"{value:.{digits}g}" for value in row] for row in (grid + 0.0).tolist()]  # no -0
    return Table(array.shape, str(array.dtype), rows, labels, block, *whole)


class Tables:
    """Collects many arrays and yields their tables. An array that is added twice gets one table."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}  # by the place of an array in memory
        self._arrays: list[np.ndarray] = []  # kept alive, so that no other array takes their place
        self._noise: dict[int, float] = {}

    def add(self, array: np.ndarray | None, noise: float = 0.0) -> int | None:
        """Return the number of the array's table, or None if there is no array.

        An array that is handed on gets the largest noise of all its places.
        """
        if array is None:
            return None
        place: Any = array.__array_interface__["data"][0], array.dtype
        if array.ndim:
            place = *place, array.shape, array.strides
        if (number := self._numbers.setdefault(place, len(self._arrays))) == len(self._arrays):
            self._arrays.append(array)
        if noise:
            self._noise[number] = max(self._noise.get(number, 0.0), noise)
        return number

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for number, array in enumerate(self._arrays):
            yield table(array)._asdict() | {"noise": self._noise.get(number, 0.0)}


def low_mean_high(array: np.ndarray) -> tuple[str, str, str]:
    """Return the smallest number, the mean and the largest number as text."""
    with np.errstate(all="ignore"):  # the mean of infinities may be NaN
        return number(array.min()), number(array.mean()), number(array.max())


def number(value: float) -> str:
    """Write a number with three digits, without zeros at the end."""
    return f"{float(value) + 0.0:.3g}"  # no -0


def short(value: Any) -> str:
    """Write a number with four digits, as in a sentence."""
    return f"{float(value) + 0.0:.4g}"


def constant_number(value: Any) -> str:
    """Write a constant with four digits, or with more where four look like a shorter number.

    So 0.99999 is not shown as 1. Beyond nine digits a difference may be rounding, and is not shown.
    """
    exact = float(str(value + 0))  # of a float32, 0.1 is 0.1; of a bool, True is 1
    shorter = float(f"{exact:.3g}")
    texts = (f"{exact:.{digits}g}" for digits in range(4, 10))
    return next((text for text in texts if float(text) != shorter), f"{shorter:.3g}")


def _block_means(grid: np.ndarray, block: tuple[int, int]) -> np.ndarray:
    """Return the mean of each block; the last row and column of blocks may be smaller."""
    means = grid.astype(float)
    with np.errstate(all="ignore"):
        for axis, size in enumerate(block):
            starts = np.arange(0, grid.shape[axis], size)
            count = np.minimum(size, grid.shape[axis] - starts)
            means = np.add.reduceat(means, starts, axis) / (count if axis else count[:, None])
    return means


def printable(text: str) -> str:
    """Make text safe to print: a terminal would obey an escape character, so it becomes ``\\x1b``.

    Line breaks stay, and so does every character that can be seen, such as γ.
    """
    kept = (c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)
    return "".join(kept)
