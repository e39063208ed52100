"""A report in plain text, where no terminal draws its table."""

from __future__ import annotations

from collections.abc import Sequence

from ...view.values import printable
from .report import HEADINGS, Report


def in_columns(report: Report) -> str:
    """Return a report as lines of text: the words, a row for each input, and what the rows mean.

    A report in words alone would not say which inputs agree. At level 0 there is no table. The call
    that repeats the check is left out.
    """
    words = [line for line in str(report).splitlines() if not line.startswith("  Again: ")]
    if not (report.inputs and report.level):
        return "\n".join(words)
    rows = [[printable(cell) for cell in part.row()] for part in report.inputs]
    return "\n".join([*words, "", *_rows_of_text(rows), "", *report.meaning()])


def _rows_of_text(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows in columns below their headings, without the columns that are empty."""
    columns = [[head, *cells] for head, *cells in zip(HEADINGS, *rows, strict=True) if any(cells)]
    sides = ["<", "<", *[">"] * (len(columns) - 3), "<"]
    aligned = [
        [f"{cell:{side}{max(map(len, column))}}" for cell in column]
        for side, column in zip(sides, columns, strict=True)
    ]
    return ["  ".join(cells).rstrip() for cells in zip(*aligned, strict=True)]
