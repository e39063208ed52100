"""A digest of an experiment, so that runs that were kept can be matched to their experiment."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from ..errors import ArgumentError, need_package


def digest(experiment: Callable) -> str:
    """Hash the source of an experiment and the values that belong to it.

    The values are its defaults, those of a closure, a partial's arguments and the attributes of a
    callable object; functions and classes among them count by their own source. Comments and
    layout count too. What the experiment calls elsewhere does not.

    Raises ArgumentError for a value that cannot be pickled, as it cannot be told from others.
    """
    joblib = need_package("joblib", "lab", "a sweep over several cores")
    return joblib.hash(_read(experiment, joblib.hash, set()))


def _read(thing: Any, hashed: Callable, seen: set[int]) -> Any:
    """Source and values as text, lists and hashes."""
    if id(thing) in seen:  # a function that calls itself has itself in its closure
        return "again"
    parts: Any = ()
    text = type(thing).__qualname__
    if isinstance(thing, partial):
        parts = thing.func, thing.args, thing.keywords
    elif inspect.ismethod(thing):
        parts = thing.__func__, thing.__self__
    elif inspect.isfunction(thing):
        text = _source(thing)
        cells = [cell.cell_contents for cell in thing.__closure__ or ()]
        parts = thing.__defaults__, thing.__kwdefaults__, cells
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


def _source(code: Any) -> str:
    """The text of a function or a class; without one, as from exec, its bytecode or its name."""
    try:
        return inspect.getsource(code)
    except (OSError, TypeError):
        bytecode = getattr(code, "__code__", None)
        return f"{code.__qualname__} {bytecode and (bytecode.co_code, bytecode.co_consts)}"


def _value(thing: Any, hashed: Callable) -> str:
    try:
        return hashed(thing)
    except Exception as error:  # whatever a thing raises that cannot be pickled
        raise ArgumentError(
            f"run_grid: the experiment holds {thing!r:.60}, which cannot be pickled, and so cannot "
            "be told from another; make it inside the experiment, or leave out save="
        ) from error
