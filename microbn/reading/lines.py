"""The line of code that made a value: the user's, outside of microbn and NumPy.

Each node notes its `Origin`, a code object and an instruction in it, and no frame: a frame would
keep the user's variables alive. The line is looked up when somebody reads it.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from itertools import islice
from linecache import getline
from os import sep
from pathlib import Path
from sys import _getframe
from types import CodeType
from typing import Any, NamedTuple, cast

import numpy as np

from ..engine.mode import switched
from ..engine.names import SomeFunction
from ..engine.node import Record, is_node
from .instructions import RETURNED, destination


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

    Recording a single number then takes less time. The Tensors made inside have no
    line of code in a story, and no name from an assignment. It is also a decorator of functions.
    """
    with switched("lines", None):
        yield


def line_of(node: Any) -> Line | None:
    """Return the line of code that made a node or a record, or None if `no_lines` was on.

    The commands call what is in the user's file. Their own line says nothing, so what it led to in
    microbn stands alone, or None.
    """
    if (line := noted_line(node)) is None or line.file != _COMMANDS:
        return line
    return line.inside and line.inside._replace(constants=line.constants)


def noted_line(node: Any) -> Line | None:
    """Return the line of code that made a node or a record, even if it is one of the commands'."""
    record: Any = node if isinstance(node, Record) else node.record
    if record.line is not None or record.origin is None:
        return record.line
    code = record.origin.code
    number = place_in_file(code, record.origin.at)[0]
    return Line(code.co_filename, number or code.co_firstlineno)


def place_in_file(code: CodeType, at: int) -> tuple[int | None, ...]:
    """Return the first line, the last one, and the columns of what an instruction computes."""
    return next(islice(code.co_positions(), at // 2, None))


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


class Origin:
    """The instruction of the user's code that made a value, outside of microbn and NumPy."""

    __slots__ = ("code", "at", "callers", "is_result")

    def __init__(self, code: CodeType, at: int, callers: Any = (), is_result: bool = False) -> None:
        self.code, self.at = code, at
        self.callers = callers  # who gets it returned: the code and the instruction of each
        self.is_result = is_result  # of a Module's call, and no value on the way to it


def here(record: Any, depth: int) -> Origin | None:
    """Return the origin of a value that is made now. It is looked for from ``depth`` frames up.

    Each instruction has one origin, which is made when it first runs. One whose value is returned
    has an origin for each caller.
    """
    try:
        frame: Any = _getframe(depth)
        while not (known := _ORIGINS[id(code := frame.f_code)]):
            frame = frame.f_back
        return known[frame.f_lasti] or _returned(frame)
    except KeyError:  # the first time that this instruction runs
        _learn(code, frame.f_lasti)
        return here(record, depth + 1)
    except (AttributeError, ValueError):  # Python calls microbn with nobody else in between
        return None


def _learn(code: CodeType, at: int) -> None:
    """Make the origin of an instruction. Our code has none, and what is returned waits for one."""
    if len(_ALIVE) > _MOST_CODES:
        _ORIGINS.clear()
        _ALIVE.clear()
    _ALIVE[id(code)] = code  # so that no other code gets its id
    known = _ORIGINS.setdefault(id(code), {})
    if not is_ours(code.co_filename):
        known[at] = None if _returns(code, at) else Origin(code, at)


def _returned(frame: Any) -> Origin:
    """Return the origin of a value that its function returns, with those who receive it."""
    if (caller := frame.f_back) is None:
        return Origin(frame.f_code, frame.f_lasti)
    key = id(frame.f_code), frame.f_lasti, caller.f_lasti
    try:
        return _ORIGINS[id(caller.f_code)][key]
    except KeyError:  # the first time, or it is returned further than to the caller
        origin = Origin(frame.f_code, frame.f_lasti, tuple(_receivers(frame)))
    if origin.callers and caller.f_code is (to := origin.callers[-1])[0] and not _returns(*to):
        _learn(*to)
        _ORIGINS[id(to[0])][key] = origin
    return origin


def _receivers(frame: Any) -> Iterator[tuple[CodeType, int]]:
    """Yield the user's code and the instruction of each caller that a value is returned to."""
    while _returns(frame.f_code, frame.f_lasti) and (frame := frame.f_back):
        if not is_ours(frame.f_code.co_filename):
            yield frame.f_code, frame.f_lasti


@lru_cache(4096)
def _returns(code: CodeType, at: int) -> bool:
    """Return whether a function returns the value of an instruction as it is."""
    is_function = not code.co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)
    return code in _GIVE_BACK or (is_function and destination(code, at)[0] == RETURNED)


def gives_back(function: SomeFunction) -> SomeFunction:
    """Decorate a function of ours that gives back what the user's code returned to it."""
    _GIVE_BACK.add(function.__code__)
    return function


def note_result(result: Any) -> None:
    """Note that a Tensor is what the user's code received from the call of a Module.

    Other nodes that were made in that call have the same instruction.
    """
    if is_node(result) and (origin := result.record.origin):
        caller = _getframe(2)
        if caller.f_code is origin.code and caller.f_lasti == origin.at:
            result.record.origin = Origin(origin.code, origin.at, origin.callers, True)


def is_ours(file: str) -> bool:
    """Return whether a file is ours; the built-in examples stand in for the user's code."""
    return file.startswith(_FOLDERS) and file not in _EXAMPLES


_ORIGINS: dict[int, dict] = {}  # by the id of a code, and the instruction
_ALIVE: dict[int, CodeType] = {}
_MOST_CODES = 20_000
_GIVE_BACK: set[CodeType] = set()
_HOME = Path(here.__code__.co_filename).parents[1]
_FOLDERS = (
    *(f"{folder}{sep}" for folder in (_HOME, Path(np.__file__).parent)),
    contextmanager.__code__.co_filename,
)
_COMMANDS = str(_HOME / "cli/targets.py")  # it names the root
_EXAMPLES = {
    _COMMANDS,
    *(str(_HOME / file) for file in ("cli/examples.py", "lab/tour.py", "lab/lecture_layers.py")),
}
Record.here = here


def _notebook_cell(file: str) -> str:
    """Return the notebook's name of a cell, by the file that stands for it, or ""."""
    with suppress(Exception):  # IPython knows the number of each cell that it ran
        kind, name = sys.modules["IPython"].get_ipython().compile.format_code_name(file)
        if kind == "Cell":
            return f"cell {name.strip('In[]')}"
    if named := re.match(r"<ipython-input-(\d+)|.*__marimo__cell_([^_]+)_", file):
        return f"cell {named[1] or named[2]}"
    return "a cell" if re.search(r"[\\/]ipykernel_\d+[\\/]\d+\.py$", file) else ""
