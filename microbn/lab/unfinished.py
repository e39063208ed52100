"""The file of an unfinished grid: its first line names the experiment, each other line is a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import ArgumentError
from ..view.saving import write_whole
from ..view.values import printable
from .digest import digest
from .results import Row

RUN_BEGINS = b'["{'  # every line that is a run begins so


class Unfinished:
    """The file ``*.part`` beside ``save``, with the runs of this experiment that are done.

    ``rows`` has the runs in the file, by their settings as JSON. A last line that was cut off is
    dropped if all other lines are understood. A file without runs is begun anew.

    Raises ArgumentError for the runs of another experiment and for a line that no run wrote; the
    file is left as it was then. Raises OSError if nothing can be written.
    """

    def __init__(self, save: Path | str, experiment: Callable) -> None:
        self.path = Path(f"{save}.part")
        self.head = {"microbn": __version__, "digest": digest(experiment)}
        self.rows = self._resumed()

    def holds(self, keys: Iterable[str]) -> dict[str, Row]:
        """Return the runs with these settings that are done, and print how many there are."""
        done = {key: self.rows[key] for key in keys if key in self.rows}
        if done:
            kept = f"{self.path} holds {len(done)} runs, which are kept; remove it to start anew"
            print(printable(kept))
        return done

    def add(self, key: str, row: Row) -> None:
        """Add a run. Raises ArgumentError if another grid has begun the file anew."""
        with self.path.open("r+b") as file:
            if file.readline().rstrip() != _encoded(self.head).rstrip():
                raise self._refused("was begun anew meanwhile, by a grid of another experiment")
            file.seek(0, 2)
            file.write(_encoded([key, row]))

    def remove(self, done: Mapping[str, Row]) -> None:
        """Remove the file, unless it also holds runs of a larger grid."""
        if self.rows.keys() <= done.keys():
            self.path.unlink(missing_ok=True)

    def _resumed(self) -> dict[str, Row]:
        content = self.path.read_bytes() if self.path.exists() else b""
        first, *lines = content.split(b"\n")
        found = self._head_in(first) if content else {}
        rows, rest = self._rows_in(lines[:-1]), lines[-1] if lines else b""
        if not (rest.startswith(RUN_BEGINS) or RUN_BEGINS.startswith(rest)):
            raise self._damaged(len(lines) + 1, rest)
        if not rows:
            write_whole(self.path, _encoded(self.head))
            return {}
        self._check_experiment(found)
        with self.path.open("r+b") as file:
            file.truncate(len(content) - len(rest))
        return rows

    def _head_in(self, line: bytes) -> Row:
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or found.keys() != self.head.keys():
            text = line.decode(errors="replace")
            raise self._refused(f"is damaged, its first line is {text!r:.60}")
        return found

    def _check_experiment(self, found: Row) -> None:
        if found["microbn"] != __version__:
            raise self._refused(
                f"holds runs of microbn {found['microbn']}, and this is {__version__}"
            )
        if found != self.head:
            changed = "its code, or a value that it uses, has changed since, or Python has"
            raise self._refused(f"holds runs of another experiment: {changed}")

    def _rows_in(self, lines: list[bytes]) -> dict[str, Row]:
        """Read the runs. Those with settings of the same names must have the same columns."""
        rows: dict[str, Row] = {}
        columns: dict[tuple, Row] = {}
        for number, line in enumerate(lines, start=2):
            try:
                key, row = json.loads(line)
                settings = json.loads(key)
                whole = json.dumps({name: row[name] for name in settings}) == key
                whole = whole and row.keys() == columns.setdefault((*settings,), row).keys()
            except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
                whole = False
            if not whole:
                raise self._damaged(number, line)
            rows[key] = row
        return rows

    def _damaged(self, number: int, line: bytes) -> ArgumentError:
        text = line.decode(errors="replace")
        return ArgumentError(
            f"run_grid: line {number} of {self.path} is damaged, no run of this grid wrote "
            f"{text!r:.60}. Remove the line to have its run done again, or remove the file to "
            "start anew; nothing in it was changed"
        )

    def _refused(self, why: str) -> ArgumentError:
        return ArgumentError(
            f"run_grid: {self.path} {why}. Remove the file to start anew, or finish the grid that "
            "wrote it; nothing in it was changed"
        )


def _encoded(content: Any) -> bytes:
    return json.dumps(content).encode() + b"\n"
