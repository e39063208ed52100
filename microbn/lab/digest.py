"""A digest of an experiment, so that runs that were kept can be matched to their experiment."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from types import CodeType
from typing import Any

from ..arguments import need_package
from ..errors import ArgumentError


def digest(experiment: Callable) -> str:
    """Hash the code of an experiment and the values that belong to it.

    The code is Python's bytecode, so that layout and comments do not count, and another version of
    Python has other digests. The values are defaults, those of a closure, a partial's arguments
    and the attributes of a callable object; functions among them count by their own code, and
    classes by their source. What the experiment calls elsewhere does not count.

    Raises ArgumentError for a value that cannot be pickled, as it cannot be told from others.
    """
    joblib = need_package("joblib", "lab", "a sweep over several cores")
    return joblib.hash(_read(experiment, joblib.hash, set()))


def _read(thing: Any, hashed: Callable, seen: set[int]) -> Any:
    """Code and values as text, lists and hashes."""
    if id(thing) in seen:  # a function that calls itself has itself in its closure
        return "again"
    parts: Any = ()
    text = type(thing).__qualname__
    if isinstance(thing, partial):
        parts = thing.func, thing.args, thing.keywords
    elif inspect.ismethod(thing):
        parts = thing.__func__, thing.__self__
    elif inspect.isfunction(thing):
        cells = [_content(cell) for cell in thing.__closure__ or ()]
        own = {key: x for key, x in vars(thing).items() if key != "__wrapped__"}  # it is in a cell
        parts = thing.__code__, thing.__defaults__, thing.__kwdefaults__, cells, own
    elif isinstance(thing, CodeType):
        text = thing.co_code.hex()
        parts = thing.co_names, thing.co_varnames, thing.co_consts
    elif inspect.isclass(thing):
        text = _source(thing)
    elif isinstance(thing, dict):
        parts = [*thing.items()]
    elif isinstance(thing, (set, frozenset)):
        parts = sorted(thing, key=repr)
    elif isinstance(thing, (list, tuple)):
        parts = thing
    elif callable(thing) and hasattr(thing, "__dict__"):
        parts = type(thing), vars(thing)
    else:
        text += _value(thing, hashed)
    return [text, *(_read(part, hashed, seen | {id(thing)}) for part in parts)]


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing has been assigned to that name yet
        return None


def _source(kind: type) -> str:
    """The text of a class; of one without a text, as from exec, its name."""
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):
        return kind.__qualname__


def _value(thing: Any, hashed: Callable) -> str:
    try:
        return hashed(thing)
    except Exception as error:  # whatever a thing raises that cannot be pickled
        raise ArgumentError(
            f"run_grid: the experiment holds {thing!r:.60}, which cannot be pickled, and so cannot "
            "be told from another; make it inside the experiment, or leave out save="
        ) from error
