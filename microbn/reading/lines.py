"""The line of code that made a value: the user's, outside of microbn and NumPy.

Each node notes a code object and an instruction in it, and no frame: a frame would keep the user's
variables alive. The line is looked up when somebody reads it.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import islice
from linecache import getline
from os import sep
from pathlib import Path
from sys import _getframe
from types import CodeType
from typing import Any, NamedTuple, cast

import numpy as np

from ..engine.mode import switched
from ..engine.node import Record, is_node


class Line(NamedTuple):
    """A line of the user's code; ``inside`` is the line of microbn's own that it led to, as in
    functional.py or, of a gradient's graph, in rules.py.

    ``constants`` are the positions and the names of those operands that are constants, as far as
    the expression that ran has them in variables. Both are known under trace() alone.
    """

    file: str
    number: int
    inside: Line | None = None
    constants: tuple[tuple[int, str], ...] = ()

    @property
    def place(self) -> str:
        """Return the file's name and the number, ``net.py:12``, or ``cell 3, line 12``."""
        cell = _notebook_cell(self.file)
        return f"{cell}, line {self.number}" if cell else f"{Path(self.file).name}:{self.number}"

    def __str__(self) -> str:
        code = getline(self.file, self.number).strip()
        return self.place + (f": {code}" if code else "")


@contextmanager
def no_lines() -> Iterator[None]:
    """``with no_lines():`` computes without remembering the code that makes each Tensor.

    Recording a single number then takes about a tenth less time. The Tensors made inside have no
    line of code in a story, and no name from an assignment. It is also a decorator of functions.
    """
    with switched("lines", False):
        yield


def line_of(node: Any) -> Line | None:
    """Return the line of code that made a node, or None if it was made under `no_lines`."""
    record = node.record
    if record.line is not None or record.code is None:
        return record.line
    number = place_in_file(record.code, record.at)[0]
    return Line(record.code.co_filename, number or record.code.co_firstlineno)


def place_in_file(code: CodeType, at: int) -> tuple[int | None, ...]:
    """Return the first line, the last one, and the columns of what an instruction computes."""
    return next(islice(code.co_positions(), max(at, ~at) // 2, None))


@lru_cache
def expression_at(code: CodeType, at: int) -> ast.AST:
    """Return the expression that an instruction computes, or ``ast.Pass()`` if it is unknown.

    It may stand on several lines. A statement such as ``x *= 2`` is returned as a whole.
    """
    source = _source(code, at)
    for text in (f"({source}\n)", source):
        with suppress(SyntaxError, ValueError, RecursionError):
            (statement,) = ast.parse(text).body
            return statement.value if isinstance(statement, ast.Expr) else statement
    return ast.Pass()


def _source(code: CodeType, at: int) -> str:
    """Return the source of the expression that an instruction computes, "" if it is unknown."""
    place = place_in_file(code, at)
    if None in place:  # as with python -X no_debug_ranges
        return ""
    first, last, start, end = cast(tuple[int, int, int, int], place)
    lines = [getline(code.co_filename, n).encode() for n in range(first, last + 1)]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    return b"".join(lines).decode()


def note_code(record: Any, depth: int) -> CodeType | None:
    """Return the code of the first frame outside of microbn and NumPy, and note its instruction.

    It is called for each record that is made, and looks from ``depth`` frames up.
    """
    try:
        frame: Any = _getframe(depth)
        while _OURS[(code := frame.f_code).co_filename]:
            frame = frame.f_back
    except KeyError as new:  # the first time that this file is met
        _OURS[new.args[0]] = is_ours(new.args[0])
        return note_code(record, depth + 1)
    except (AttributeError, ValueError):  # Python calls microbn with nobody else in between
        return None
    record.at = frame.f_lasti
    return code


def note_result(result: Any) -> None:
    """Note that a Tensor is what the user's code received from the call of a Module.

    Other nodes that were made in that call have the same instruction. The complement of the
    instruction marks this one.
    """
    if is_node(result) and (at := getattr(result.record, "at", -1)) >= 0:
        caller = _getframe(2)
        if caller.f_code is result.record.code and caller.f_lasti == at:
            result.record.at = ~at


def is_ours(file: str) -> bool:
    """Return whether a file is ours; the built-in examples stand in for the user's code."""
    return file.startswith(_FOLDERS) and file not in _EXAMPLES


_OURS: dict[str, bool] = {}  # by the name of a file
_HOME = Path(note_code.__code__.co_filename).parents[1]
_FOLDERS = (
    *(f"{folder}{sep}" for folder in (_HOME, Path(np.__file__).parent)),
    contextmanager.__code__.co_filename,
)
_EXAMPLES = {str(_HOME / file) for file in ("cli/targets.py", "cli/examples.py", "lab/tour.py")}
Record.note_code = note_code


def _notebook_cell(file: str) -> str:
    """Return the notebook's name of a cell, by the file that stands for it, or ""."""
    with suppress(Exception):  # IPython knows the number of each cell that it ran
        kind, name = sys.modules["IPython"].get_ipython().compile.format_code_name(file)
        if kind == "Cell":
            return f"cell {name.strip('In[]')}"
    if named := re.match(r"<ipython-input-(\d+)|.*__marimo__cell_([^_]+)_", file):
        return f"cell {named[1] or named[2]}"
    return "a cell" if re.search(r"[\\/]ipykernel_\d+[\\/]\d+\.py$", file) else ""
