"""This runs in the page: the reader's code, and checks of it. The worker calls these functions."""

from __future__ import annotations

import builtins
import linecache
import os
import random
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import invalidate_caches
from io import FileIO, TextIOWrapper
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

import numpy as np

from ..arguments import HAS_ALONE

HOME = Path("/home/pyodide")
# A run may change these, and the next one finds them as they were.
KEPT = ((sys, ("path", "argv", "stdout", "stderr", "dont_write_bytecode")), (builtins, ("input",)))


def run_code(name: str, code: str) -> dict[str, Any]:
    """Run code as the file ``name``. Return its story as a page, and the line of its error.

    The story is what the code leaves as ``story``: any object with a page. Everything that the code
    prints, and its error, is printed as in a terminal.
    """
    with as_a_new_process(name, code) as path:
        module = sys.modules["__main__"] = ModuleType("__main__")
        module.__file__ = str(path)
        try:
            exec(compile(code, str(path), "exec", dont_inherit=True), vars(module))
            return {"story": page_of(vars(module).get("story")), "line": None}
        except BaseException as error:
            return {"story": None, "line": print_error(error, path)}


def check_code(
    name: str,
    code: str,
    target: str,
    inputs: Sequence[str] = (),
    starter: str = "",
    **options: Any,
) -> dict[str, Any]:
    """Check a gradient in the code, as ``microbn check NAME:TARGET INPUTS`` does.

    Print the report. If the forward computes something else than in the ``starter``, the code that
    the exercise began with, say so too. Return whether the gradient is right, or None if it could
    not be checked; whether the forward has ``changed``; the page of its first wrong stage; and the
    line of an error in the code. The ``options`` are those of `gradcheck`, such as ``hints``.
    """
    from ..errors import MicrobnError

    with as_a_new_process(name, code) as path:
        try:
            return {**print_report(f"{name}:{target}", inputs, starter, options), "line": None}
        except MicrobnError as error:
            print(error, file=sys.stderr)
            return {"right": None, "story": None, "line": line_in(error.__cause__ or error, path)}
        except BaseException as error:
            return {"right": None, "story": None, "line": print_error(error, path)}


def print_report(
    where: str, inputs: Sequence[str], starter: str, options: dict[str, Any]
) -> dict[str, Any]:
    """Check a gradient, and print the report and how the forward has changed. Return what it found.

    What matters more is printed first: the mistake, or else the change.
    """
    from ..cli.loading import users_code
    from ..cli.targets import find
    from ..testing import gradcheck
    from ..testing.checker.columns import in_columns
    from .forwards import change_since

    with users_code(where, inputs):
        f, given = find(where, inputs, None)
        report = gradcheck(f, *given, seed=0, **options)
    change = change_since(starter, f, HOME / "starter" / where, inputs, given)
    parts = change, in_columns(report)
    print(*filter(None, parts if report else parts[::-1]), sep="\n\n")
    return {"right": bool(report), "changed": bool(change), "story": page_of(report.story)}


@contextmanager
def as_a_new_process(name: str, code: str) -> Iterator[Path]:
    """Write code to its file, and let it find what a new process finds there. Yield the path.

    Files that are kept beside it can be imported, and are imported anew. Afterwards the working
    directory, the paths of imports, the streams, the warnings, NumPy's handling of errors, how it
    prints, and the engine's rules are as they were.
    """
    path = HOME / name
    path.write_text(code, encoding="utf-8")
    forget_files()
    kept = [(owner, key, getattr(owner, key)) for owner, keys in KEPT for key in keys]
    main, folder = sys.modules["__main__"], os.getcwd()
    try:
        os.chdir(HOME)
        sys.path, sys.argv, sys.dont_write_bytecode = [str(HOME), *sys.path], [str(path)], True
        builtins.input = _no_input
        random.seed()  # a seed that an earlier run set ends with that run
        np.random.seed()  # noqa: NPY002  # the old interface, for code that still uses it
        with warnings.catch_warnings(), np.errstate(), np.printoptions(), rules_kept():
            yield path
    finally:
        for owner, key, value in kept:
            setattr(owner, key, value)
        os.chdir(folder)
        sys.modules["__main__"] = main


@contextmanager
def rules_kept() -> Iterator[None]:
    """Restore the engine's rules at the end."""
    from ..engine.primitive import CALLS, RULES

    tables: tuple[dict[Any, Any], ...] = (RULES, CALLS)
    before = [{**table} for table in tables]
    try:
        yield
    finally:
        for table, entries in zip(tables, before, strict=True):
            table.clear()
            table.update(entries)


def unbuffer_streams() -> None:
    """Make both streams send every text at once.

    Otherwise an endless loop keeps back a line that was printed without its end.
    """
    sys.stdout, sys.stderr = (
        TextIOWrapper(
            FileIO(stream.fileno(), "w", closefd=False), "utf-8", stream.errors, write_through=True
        )
        for stream in (sys.stdout, sys.stderr)
    )


def forget_files() -> None:
    """Forget the modules and the lines that earlier runs read from the reader's files."""
    own = str(HOME) + os.sep
    for name, module in [*sys.modules.items()]:
        if str(getattr(module, "__file__", "")).startswith(own):
            del sys.modules[name]
    for file in [*linecache.cache]:
        if file.startswith(own):
            del linecache.cache[file]
    invalidate_caches()


def page_of(story: Any) -> str | None:
    """Return a story as a page, and None without one. Say so if it is something else."""
    if story is None:
        return None
    if hasattr(story, "page") and not isinstance(story, type):
        return story.page()
    kind = f"the function {story.__name__}" if hasattr(story, "__name__") else type(story).__name__
    advice = "write: import microbn as mb, and then story = mb.story(y, dy)"
    said = f"story is not a story but {kind}, so there is nothing to show; {advice}"
    print(said, file=sys.stderr)
    return None


def print_error(error: BaseException, path: Path) -> int | None:
    """Print an error as Python does, from the reader's file on. Return the line of that file.

    A program that leaves by `sys.exit` has no error.
    """
    if isinstance(error, SystemExit):
        if error.code not in (None, 0):
            print(error.code, file=sys.stderr)
        return None
    start = error.__traceback__
    while start and not _is_of(start.tb_frame, path):
        start = start.tb_next
    if isinstance(error, ModuleNotFoundError) and sys.platform == "emscripten":
        error.add_note(HAS_ALONE)
    traceback.print_exception(type(error), error, start)
    return line_in(error, path)


def line_in(error: BaseException, path: Path) -> int | None:
    """Return the last line of a file that an error passed through, or that cannot be read."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno
    return last_line(error.__traceback__, path)


def last_line(trace: TracebackType | None, path: Path) -> int | None:
    """Return the last line of a file in a traceback."""
    lines = [line for frame, line in traceback.walk_tb(trace) if _is_of(frame, path)]
    return lines[-1] if lines else None


def _is_of(frame: Any, path: Path) -> bool:
    return frame.f_code.co_filename == str(path)


def _no_input(prompt: object = "") -> str:
    raise RuntimeError("input() cannot ask here; write the value into the code")
