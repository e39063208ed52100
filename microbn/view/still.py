"""The picture of a step is laid out: the words have their place, and the numbers theirs below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .letters import (
    EDGE,
    HEIGHT,
    INK,
    LEGIBLE,
    LINE,
    PAPER,
    SOFT,
    WIDTH,
    Box,
    Text,
    cut,
    width_of,
    wrapped,
)
from .panel import TableRow, Term, paint
from .values import CURRENT_COLOUR, lined_up

SIZES = (44, 40, 36, 33, 30, 28, 26, 24, 23, 21, 19, 17, 15, 13, 11, 9)  # of the numbers, in pixels


def placed_words(
    phase: str, where: str, sentence: str, code: str, x: float
) -> tuple[list[Any], float]:
    """Place the words above the numbers. Return them, and where they end."""
    width, y = WIDTH - EDGE - x, EDGE + 20.0
    ink = CURRENT_COLOUR if phase == "backward" else SOFT
    placed: list[Any] = [Text(x, y, where, LEGIBLE, "bold", ink)]
    for size in (28.0, 25.0, float(LEGIBLE)):
        if len(wrapped(sentence, width, size, "bold")) < 5:
            break
    for line in wrapped(cut(sentence, 450), width, size, "bold"):
        y += 1.22 * size
        placed.append(Text(x, y, line, size, "bold"))
    if code := cut(code, 90):
        size = min(LEGIBLE, LEGIBLE * (width - EDGE) / width_of(code, LEGIBLE, "strong"))
        placed.append(Box(x, y + 12, width, 34, CURRENT_COLOUR, CURRENT_COLOUR))
        placed.append(Text(x + 8, y + 29 + 0.36 * size, code, size, "strong", PAPER))
        y += 40
    return placed, y + 10


def placed_numbers(rows: Sequence[TableRow], x: float, y: float) -> tuple[list[Any], float]:
    """Place the tables in the largest size in which they fit. Return them, and the size.

    Values that are only read make room for the sums if the type would be too small to read.
    """
    needed, legible = [row for row in rows if not row.read], [s for s in SIZES if s >= LEGIBLE]
    for kept, sizes, broken in ((rows, legible, 0), (rows, legible, 9), (needed, SIZES, 9)):
        for size in sizes:
            flow = _Flow(x, y, size)
            for row in kept:
                flow.add(row)
            if flow.fits() and flow.broken <= broken:
                return flow.placed, size
    return flow.placed, size


class _Flow:
    """Places tables side by side as long as there is room, and then below each other.

    ``broken`` counts the signs that begin a line, away from what stands before them.
    """

    def __init__(self, x: float, y: float, size: float) -> None:
        self.placed: list[Any] = []
        self.size, self.left, self.top = size, x, y
        self.x, self.low, self.right = x, y, x
        self.broken, self.cards = 0, False

    def add(self, row: TableRow) -> None:
        gap = 0.7 * self.size
        if row.head:
            self._add_card(row, gap)
        elif self.cards:
            self._break()
        for i, term in enumerate(row.terms):
            width, height = _extent(term, self.size)
            if self.x > self.left and self.x + width > WIDTH - EDGE:
                self._break()
                self.broken += bool(term.sign and i)
            self.placed += _table(term, self.x, self.top, self.size)
            self.right = max(self.right, self.x + width)
            self.low = max(self.low, self.top + height)
            self.x += width + gap
        self.cards = bool(row.head)
        if self.cards:
            self.x, self.top = max(self.x, self.end) + gap, self.begin

    def _add_card(self, row: TableRow, gap: float) -> None:
        """Write the head of a message, beside the one before it if there is room."""
        size = min(self.size, LEGIBLE + 3)
        width = sum(_extent(term, self.size)[0] + gap for term in row.terms) - gap
        width = max(width, _head_width(row, size))
        if not self.cards or self.x + width > WIDTH - EDGE:
            self._break()
        self.begin, self.end = self.top, min(self.x + width, WIDTH - EDGE)
        self.placed += _head(row, self.x, self.top, self.end, size)
        self.low = max(self.low, self.top + 1.45 * size)
        self.top += 1.45 * size

    def _break(self) -> None:
        self.x, self.top = self.left, self.low

    def fits(self) -> bool:
        return self.low - 0.5 * self.size <= HEIGHT - EDGE and self.right <= WIDTH - EDGE


def _head_width(row: TableRow, size: float) -> float:
    words = ((row.head, "bold"), (row.rule, "strong"), (row.nth, "bold"))
    return sum(width_of(text, size, font) + 0.8 * size for text, font in words if text)


def _head(row: TableRow, x: float, y: float, right: float, size: float) -> Iterator[Any]:
    """Write to whom a message goes, by which rule, and as which part."""
    count = right - width_of(row.nth, size, "bold")
    after = x + width_of(row.head, size, "bold") + 0.8 * size
    share = (count - 0.5 * size - after) / (width_of(row.rule, size, "strong") or 1)
    base = y + 1.15 * size
    yield Box(x, y, right - x, 2, CURRENT_COLOUR, CURRENT_COLOUR)
    yield Text(x, base, row.head, size, "bold")
    yield Text(after, base, row.rule, size * max(min(share, 1), 0.1), "strong", CURRENT_COLOUR)
    yield Text(count, base, row.nth, size, "bold", CURRENT_COLOUR)


def _columns(term: Term, size: float) -> list[float]:
    """Return the width of each column, in which the widest number has some air."""
    columns = zip(*lined_up(term.table.rows), strict=True)
    return [0.603 * size * max(map(len, column)) + 0.5 * size for column in columns]


def _note(term: Term) -> str:
    """Return the range of an array of which the table shows a part, or that it is empty."""
    of = term.table
    if not of.rows:
        return "empty"
    return f"of all: {of.low} to {of.high}, mean {of.mean}" if of.blocks else ""


def _sign_lines(term: Term, size: float) -> tuple[float, list[str]]:
    """Return the room that a sign takes, and its lines."""
    lines = wrapped(term.sign, 6 * size, 0.85 * size, "plain") if term.sign else []
    return max((width_of(line, 0.85 * size) + 0.5 * size for line in lines), default=0.0), lines


def _labels(term: Term, size: float) -> float:
    return max((0.603 * 0.8 * size * (len(label) + 1) for label in term.table.labels), default=0.0)


def _title_width(term: Term, size: float) -> tuple[float, str, float]:
    """Return the size and the font of a table's title, and its width with the shape."""
    size, font = max(0.85 * size, min(size, LEGIBLE)), "bold" if term.whole else "plain"
    return size, font, width_of(term.title, size, font) + width_of(term.shape, 0.75 * size)


def _extent(term: Term, size: float) -> tuple[float, float]:
    """Return the width and the height of a table with its sign and its title."""
    grid = _labels(term, size) + sum(_columns(term, size))
    width = max(grid, _title_width(term, size)[2], width_of(_note(term), 0.7 * size))
    lines = len(term.table.rows) + 1 + bool(_note(term))
    return _sign_lines(term, size)[0] + width, 1.25 * size * lines + 0.5 * size


def _table(term: Term, x: float, y: float, size: float) -> Iterator[Any]:
    """Place a table: its sign, its title, and its cells."""
    lead, lines = _sign_lines(term, size)
    height, rows = 1.25 * size, lined_up(term.table.rows)
    for i, line in enumerate(lines):
        base = y + height * (1 + len(rows) / 2) + size * (i + 0.8 - len(lines) / 2)
        yield Text(x, base, line, 0.85 * size, ink=SOFT)
    x, (big, font, _) = x + lead, _title_width(term, size)
    yield Text(x, y + 0.95 * size, term.title, big, font, INK if term.whole else SOFT)
    after = x + width_of(term.title, big, font)
    yield Text(after, y + 0.95 * size, term.shape, 0.75 * big, ink=SOFT)
    for i, row in enumerate(rows):
        top = y + height * (i + 1)
        if term.table.labels:
            yield Text(x, top + 0.95 * size, term.table.labels[i], 0.8 * size, "mono", SOFT)
        yield from _cells(term, row, x + _labels(term, size), top, size)
    yield Text(x, y + height * (len(rows) + 1.75), _note(term), 0.7 * size, ink=SOFT)


def _cells(term: Term, row: Sequence[str], x: float, top: float, size: float) -> Iterator[Any]:
    for text, width in zip(row, _columns(term, size), strict=True):
        fill, ink = paint(text, term.most, term.noise)
        yield Box(x, top, width, 1.25 * size, fill, INK if term.whole else LINE)
        begin = x + width - 0.25 * size - 0.603 * size * len(text)
        yield Text(begin, top + 0.97 * size, text, size, "strong" if term.whole else "mono", ink)
        x += width
