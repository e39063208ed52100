"""A small table of results: a row for each run, its columns as arrays, kept as CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, listed
from ..view.saving import write_whole

Row = dict[str, Any]


@dataclass(frozen=True)
class Results:
    """A table with a row for each run: the run's settings, and then the values it measured.

    ``results["accuracy"]`` is a column as an array. Its shape is (runs,), or (runs, points) if each
    run measured a list of numbers.

    Raises ArgumentError for rows with different columns, and when asked for a column or a setting
    that the table does not have.
    """

    rows: list[Row]

    def __post_init__(self) -> None:
        if not isinstance(self.rows, list) or not all(isinstance(r, dict) for r in self.rows):
            raise DTypeError(f"Results: needs a list of dicts, got {self.rows!r:.60}")
        for i, row in enumerate(self.rows):
            if row.keys() != self.rows[0].keys():
                first = [*self.rows[0]]
                raise ArgumentError(
                    f"Results: row {i} has the columns {[*row]}, but the first row has {first}"
                )

    def where(self, **settings: Any) -> Results:
        """Return the rows with these settings."""
        rows = [row for row in self.rows if all(row.get(k) == v for k, v in settings.items())]
        if not rows:
            raise ArgumentError(f"Results: no row has {settings}")
        return Results(rows)

    def __getitem__(self, column: str) -> np.ndarray:
        self.check(column)
        values = [row[column] for row in self.rows]
        lengths = {len(value) if isinstance(value, list) else "no list": None for value in values}
        if len(lengths) > 1:
            raise ArgumentError(f"Results: the lists of {column!r} have lengths {listed(lengths)}")
        try:
            return np.array(values)
        except ValueError:  # such as [[1, 2], [3]]
            raise ArgumentError(
                f"Results: {column!r} has lists of lists of unlike lengths"
            ) from None

    def check(self, *columns: str) -> None:
        """Raise ArgumentError unless the table has all these columns."""
        for column in columns:
            if self.rows and column not in self.rows[0]:
                raise ArgumentError(f"Results: no column {column!r} among {[*self.rows[0]]}")

    def distinct(self, column: str) -> list:
        """Return each value of a column once, in the order of the rows."""
        return list(dict.fromkeys(row[column] for row in self.rows))

    def median(self, column: str, **settings: Any) -> float:
        """Return the median of a column over the rows with these settings."""
        values = self.where(**settings)[column]
        if values.dtype.kind not in "fiub":
            raise ArgumentError(
                f"Results: {column!r} is {values.tolist()[0]!r:.60}, which has no median"
            )
        return float(np.median(values))

    def medians(self, by: str, *columns: str) -> dict[str, float]:
        """Return the medians of these columns for each value of the column ``by``.

        They are named by the value and the column, such as "batch norm final accuracy".
        """
        return {
            f"{value} {column}": self.median(column, **{by: value})
            for value in self.distinct(by)
            for column in columns
        }

    def long(self, columns: Iterable[str], name: str, value: str) -> Results:
        """Return a table in which each row becomes one row for each of these columns.

        Column ``name`` of a new row says which column it was, and column ``value`` has its value.
        """
        columns = [*columns]
        self.check(*columns)
        return Results(
            [
                {k: v for k, v in row.items() if k not in columns} | {name: c, value: row[c]}
                for row in self.rows
                for c in columns
            ]
        )

    def save(self, path: Path | str) -> None:
        """Write the table as CSV: a line of names, then a line for each row. Lists become JSON."""
        names = [*self.rows[0]] if self.rows else []
        text = StringIO(newline="")
        csv.writer(text).writerows([names, *([_cell(r[k]) for k in names] for r in self.rows)])
        write_whole(path, text.getvalue().encode())

    @classmethod
    def load(cls, path: Path | str) -> Results:
        """Read a table that `save` wrote.

        Raises ArgumentError for a damaged file, and names the line.
        """
        csv.field_size_limit(2**31 - 1)  # a list of numbers is one field
        lines = csv.reader(StringIO(_decoded(path), newline=""), strict=True)
        rows: list[Row] = []
        try:
            names = next(lines)
            if len({*names}) < len(names):
                raise ValueError(f"two columns have the same name among {names}")
            for line in lines:
                if len(line) != len(names):
                    raise ValueError(f"{len(line)} cells for the {len(names)} columns {names}")
                rows.append(dict(zip(names, map(_parsed, line), strict=True)))
        except StopIteration:
            raise ArgumentError(
                f"Results.load: {path} is empty, it does not even name columns"
            ) from None
        except (ValueError, csv.Error) as error:
            raise ArgumentError(f"Results.load: line {lines.line_num} of {path}: {error}") from None
        return cls(rows)


def as_json(value: Any) -> str:
    """Write a value as JSON, arrays as lists. Raises DTypeError if JSON has no form for it."""
    try:
        return json.dumps(value, default=lambda array: array.tolist())
    except (TypeError, ValueError, AttributeError, RecursionError):
        raise DTypeError(
            f"run_grid: {value!r:.60} is not a number, a string or a list; for a Tensor, "
            "give t.item()"
        ) from None


def _decoded(path: Path | str) -> str:
    content = Path(path).read_bytes()
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ArgumentError(f"Results.load: line {line} of {path} is not text: {error}") from None


def _cell(value: Any) -> str:
    """Write a string as it stands, unless it would be read as another value; the rest as JSON."""
    return value if isinstance(value, str) and _parsed(value) == value else as_json(value)


def _parsed(cell: str) -> Any:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell
