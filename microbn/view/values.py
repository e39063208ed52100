"""Arrays as they are shown: a table of true numbers, from whose middle a large array is cut."""

from __future__ import annotations

import re
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
MOST_ENTRIES = 16  # along an axis; of a longer one the first and the last are shown
FIRST_ENTRIES, LAST_ENTRIES = 6, 2
GAP = "…"  # stands for the entries between them
MOST_BLOCKS = 8  # along each axis of a large array's thumbnail
SHOWN = {
    "entries": MOST_ENTRIES, "first": FIRST_ENTRIES, "last": LAST_ENTRIES, "blocks": MOST_BLOCKS,
}  # fmt: skip
MOST_LEAVES = 12  # tables in the first step
MOST_BOXES = 120  # in a drawing; of a larger graph only the boxes near the step are drawn
NEAR_BOXES = 18  # so many of them
MOST_OPEN = 40  # boxes with which a page opens; with more, its groups are closed but for the step's


class Table(NamedTuple):
    """An array as text. ``rows`` are its numbers; the last axis runs across.

    ``labels`` are the indices of the rows, if the array has more than two axes. If there are more
    than 16 rows or columns, the table has the first six, "…" and the last two. Then ``low``,
    ``mean`` and ``high`` describe the whole array, and ``blocks`` are the means of its blocks, for
    a thumbnail of 8 by 8 cells at most. For a small array ``blocks`` and the three are empty.
    Numbers up to ``noise`` are rounding noise, which is painted white.
    """

    shape: tuple[int, ...]
    dtype: str
    rows: list[list[str]]
    labels: list[str]
    blocks: list[list[str]]
    low: str
    mean: str
    high: str
    noise: float = 0.0


def table(array: np.ndarray) -> Table:
    """Return every number of up to 16 rows of 16 columns, and the outer ones of a larger array."""
    array = np.asarray(array)
    columns = array.shape[-1] if array.ndim else 1
    grid = array.reshape(-1, columns) if array.size else np.empty((0, 0))
    down, across = map(_entries_shown, grid.shape)
    labels: list[str] = []
    if array.ndim > 2:
        indices = zip(*np.unravel_index(down, array.shape[:-1]), strict=True)
        labels = _with_gap([str([*map(int, index)]) for index in indices], len(grid), GAP)
    rows = [_with_gap(row, grid.shape[1], GAP) for row in _texts(grid[down][:, across], 3)]
    rows = _with_gap(rows, len(grid), [GAP] * len(rows[0] if rows else ()))
    blocks, whole = [], ("", "", "")
    if max(grid.shape) > MOST_ENTRIES:
        blocks, whole = _texts(_block_means(grid), 2), low_mean_high(array)
    return Table(array.shape, str(array.dtype), rows, labels, blocks, *whole)


def _entries_shown(length: int) -> np.ndarray:
    """Return which entries of an axis are shown."""
    if length <= MOST_ENTRIES:
        return np.arange(length)
    return np.r_[:FIRST_ENTRIES, length - LAST_ENTRIES : length]


def _with_gap(kept: list[Any], length: int, gap: Any) -> list[Any]:
    """Put a gap in the place of the entries of an axis that are not shown."""
    cut = length > MOST_ENTRIES
    return [*kept[:FIRST_ENTRIES], gap, *kept[FIRST_ENTRIES:]] if cut else kept


def _texts(grid: np.ndarray, digits: int) -> list[list[str]]:
    return [[f"{value:.{digits}g}" for value in row] for row in (grid + 0.0).tolist()]  # no -0


def lined_up(rows: list[list[str]]) -> list[list[str]]:
    """Pad the texts of numbers so that in each column, set right, the points stand in a line."""
    tails = [[len(text) - _before_point(text) for text in row] for row in rows]
    most = [max(column) for column in zip(*tails, strict=True)]
    return [
        [text + " " * (widest - tail) for text, tail, widest in zip(*line, most, strict=True)]
        for line in zip(rows, tails, strict=True)
    ]


def _before_point(text: str) -> int:
    """Return how many characters stand before the point of a number, or where it would be."""
    return len(re.split(r"\.|(?<=\d)e", text, maxsplit=1)[0])


class Tables:
    """Collects many arrays and yields their tables. An array that is added twice gets one table."""

    def __init__(self) -> None:
        self._by_place: dict[Any, int] = {}  # the number of an array, by its place in memory
        self._arrays: list[np.ndarray] = []  # kept alive, so that no other array takes their place
        self._noise: dict[int, float] = {}
        self.numbers: dict[Any, int] = {}  # by ``what`` an array is, if `add` is told

    def add(self, array: np.ndarray | None, noise: float = 0.0, what: Any = None) -> int | None:
        """Return the number of the array's table, or None if there is no array.

        An array that is handed on gets the largest noise of all its places.
        """
        if array is None:
            return None
        place: Any = array.__array_interface__["data"][0], array.dtype
        if array.ndim:
            place = *place, array.shape, array.strides
        if (number := self._by_place.setdefault(place, len(self._arrays))) == len(self._arrays):
            self._arrays.append(array)
        if noise:
            self._noise[number] = max(self._noise.get(number, 0.0), noise)
        if what:
            self.numbers[what] = number
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


def _block_means(grid: np.ndarray) -> np.ndarray:
    """Return the mean of each block; the last row and column of blocks may be smaller."""
    means = grid.astype(float)
    with np.errstate(all="ignore"):
        for axis, length in enumerate(grid.shape):
            size = -(-length // MOST_BLOCKS)
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
