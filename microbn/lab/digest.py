"""A digest of an experiment, by which kept runs are matched to their experiment."""

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

    The code is Python's bytecode: layout and comments do not count, and another version of Python
    gives another digest. The values are defaults, values in a closure, a partial's arguments and
    the attributes of a callable object. Functions among them count by their own code, and classes
    by their source. Functions that the experiment calls by a global name do not count.

    Raises ArgumentError for a value that cannot be pickled, because it cannot be told from others.
    """
    joblib = need_package("joblib", "lab", "a sweep over several cores")
    return joblib.hash(_unfolded(experiment, joblib.hash, set()))


def _unfolded(thing: Any, hashed: Callable, seen: set[int]) -> Any:
    """Return the text of a thing and, in nested lists, the texts of all its parts."""
    if id(thing) in seen:  # a function that calls itself has itself in its closure
        return "again"
    text, parts = type(thing).__qualname__, _parts_of(thing)
    if isinstance(thing, CodeType):
        text = thing.co_code.hex()
    elif inspect.isclass(thing):
        text = _source_of(thing)
    elif parts is None:
        text += _pickled(thing, hashed)
    return [text, *(_unfolded(part, hashed, seen | {id(thing)}) for part in parts or ())]


def _parts_of(thing: Any) -> Any:
    """Return the parts by which a thing is known, or None for a plain value."""
    if isinstance(thing, partial):
        return thing.func, thing.args, thing.keywords
    if inspect.ismethod(thing):
        return thing.__func__, thing.__self__
    if inspect.isfunction(thing):
        cells = [_content(cell) for cell in thing.__closure__ or ()]
        own = {key: x for key, x in vars(thing).items() if key != "__wrapped__"}  # it is in a cell
        return thing.__code__, thing.__defaults__, thing.__kwdefaults__, cells, own
    if isinstance(thing, CodeType):
        return thing.co_names, thing.co_varnames, thing.co_consts
    if inspect.isclass(thing):
        return ()
    if isinstance(thing, dict):
        return [*thing.items()]
    if isinstance(thing, (set, frozenset)):
        return sorted(thing, key=repr)
    if isinstance(thing, (list, tuple)):
        return thing
    if callable(thing) and hasattr(thing, "__dict__"):
        return type(thing), vars(thing)
    return None


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing has been assigned to that name yet
        return None


def _source_of(kind: type) -> str:
    """Return the source of a class, or its name if there is no source, as for one from exec."""
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):
        return kind.__qualname__


def _pickled(thing: Any, hashed: Callable) -> str:
    try:
        return hashed(thing)
    except Exception as error:  # whatever a thing raises that cannot be pickled
        raise ArgumentError(
            f"run_grid: the experiment holds {thing!r:.60}, which cannot be pickled, and so cannot "
            "be told from another; make it inside the experiment, or leave out save="
        ) from error
