"""The file of a grid that is not finished: the runs that are done, and of which experiment."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import ArgumentError
from ..view.saving import write_whole
from .digest import digest

Row = dict[str, Any]


def head_of(experiment: Callable) -> Row:
    """The first line of the file, which says of which experiment its runs are."""
    return {"microbn": __version__, "digest": digest(experiment)}


def resumed(path: Path, head: Row) -> dict[str, Row]:
    """The runs in the file, by their settings as JSON. Begins the file where it holds none.

    Each line after the ``head`` is a run. A last line that was cut off is dropped, when all others
    are understood.

    Raises ArgumentError for the runs of another experiment and for a line that no run wrote; the
    file is left as it was. Raises OSError where nothing can be written.
    """
    content = path.read_bytes() if path.exists() else b""
    first, *lines = content.split(b"\n")
    found = _head(path, first, head) if content else {}
    rows, rest = _runs(path, lines[:-1]), lines[-1] if lines else b""
    if not (rest.startswith(_START) or _START.startswith(rest)):
        raise _damaged(path, len(lines) + 1, rest)
    if not rows:
        write_whole(path, _line(head))
        return {}
    _check_same(path, found, head)
    with path.open("r+b") as file:
        file.truncate(len(content) - len(rest))
    return rows


_START = b'["{'  # of every line that is a run


def add(path: Path, head: Row, settings: str, row: Row) -> None:
    """Add a run to the file. Raises ArgumentError if another grid has begun the file anew."""
    with path.open("r+b") as file:
        if file.readline().rstrip() != _line(head).rstrip():
            raise _refused(path, "was begun anew meanwhile, by a grid of another experiment")
        file.seek(0, 2)
        file.write(_line([settings, row]))


def _line(content: Any) -> bytes:
    return json.dumps(content).encode() + b"\n"


def _head(path: Path, line: bytes, head: Row) -> Row:
    """Read what the first line says of the experiment."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.keys() != head.keys():
        text = line.decode(errors="replace")
        raise _refused(path, f"is damaged, its first line is {text!r:.60}")
    return found


def _check_same(path: Path, found: Row, head: Row) -> None:
    if found["microbn"] != __version__:
        raise _refused(path, f"holds runs of microbn {found['microbn']}, and this is {__version__}")
    if found != head:
        changed = "its code, or a value that it uses, has changed since, or Python has"
        raise _refused(path, f"holds runs of another experiment: {changed}")


def _runs(path: Path, lines: list[bytes]) -> dict[str, Row]:
    """The rows by their settings. Those with settings of the same names have the same columns."""
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
            raise _damaged(path, number, line)
        rows[key] = row
    return rows


def _damaged(path: Path, number: int, line: bytes) -> ArgumentError:
    text = line.decode(errors="replace")
    return ArgumentError(
        f"run_grid: line {number} of {path} is damaged, no run of this grid wrote {text!r:.60}. "
        "Remove the line, and its run is done again, or the file, to start anew; nothing in it "
        "was changed"
    )


def _refused(path: Path, why: str) -> ArgumentError:
    return ArgumentError(
        f"run_grid: {path} {why}. Remove the file to start anew, or run what wrote it to the end; "
        "nothing in it was changed"
    )
