"""The table of compositions: NumPy's functions that need no rule, by what they are made of.

Each composition stands in one of the rooms beside this one, in plain NumPy, under the name of its
function. It calls functions that have a rule or a composition, and its gradient emerges from
theirs. Called with arrays, it computes what NumPy's own function does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple, TypeVar

from ...errors import MicrobnError, RuleError, faults
from ..entries import mixed
from ..mode import scope
from ..names import OneCall
from ..node import plain
from .refused import needed, uncomposed, unruled

Function = TypeVar("Function", bound=Callable)


class Recipe(NamedTuple):
    """A recipe makes a function of others. It knows which calls it covers."""

    function: Callable  # the composition
    signature: inspect.Signature
    grouped: bool  # whether its nodes form a group in drawings
    forms: set  # the calls that are known to fit: how many arguments, and which keywords


COMPOSED: dict[Callable, Recipe] = {}


def composes(*functions: Callable, grouped: bool = True) -> Callable[[Function], Function]:
    """Decorate the composition of a NumPy function, or of several that do the same.

    It takes the arguments of the function, as far as they can be composed. What it computes is a
    group named after the function, unless ``grouped`` is False: then it only moves or chooses
    numbers, or calls one other function.
    """

    def enter(composition: Function) -> Function:
        signature = inspect.signature(composition)
        for function in functions:
            COMPOSED[function] = Recipe(composition, signature, grouped, set())
        return composition

    return enter


def call_composed(function: Callable, args: Sequence, kwargs: Mapping) -> Any:
    """Call the composition of a function.

    Raises RuleError for a function without one, and for arguments that it does not take.
    """
    if (recipe := COMPOSED.get(function)) is None:
        raise unruled(function)
    if call := mixed(function, args, kwargs):
        return call()
    if (form := (len(args), *kwargs)) not in recipe.forms:
        try:
            check_arguments(function, args, kwargs)
        except RuleError:
            if len(fewer := needed(function, kwargs)) == len(kwargs):
                raise
            return call_composed(function, args, fewer)
        recipe.forms.add(form)
    with scope(OneCall(function.__name__)) if recipe.grouped else nullcontext():
        try:
            return recipe.function(*args, **kwargs)
        except MicrobnError as error:
            raise faults.called_by(function, error) from error.__cause__
        except (ValueError, IndexError, TypeError, AttributeError) as error:
            own = error if any(map(_calls, args)) else None  # its traceback shows the user's line
            raise faults.explain(function, [*map(plain, args)], kwargs, error) from own


def _calls(argument: Any) -> bool:
    """Return whether an argument is a function, or holds one, which is the user's then."""
    held = argument if isinstance(argument, (list, tuple)) else [argument]
    return any(map(callable, held))


def check_arguments(function: Callable, args: Sequence, kwargs: Mapping) -> None:
    """Raise RuleError for arguments that the composition of a function does not take."""
    signature = COMPOSED[function].signature
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise uncomposed(function, signature, kwargs, error) from None
