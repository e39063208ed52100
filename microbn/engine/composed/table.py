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

import numpy as np

from ...errors import MicrobnError, faults
from ..mode import OneCall, scope
from ..node import plain

Function = TypeVar("Function", bound=Callable)


class Composition(NamedTuple):
    """This says how a function is made of others."""

    function: Callable
    signature: inspect.Signature
    grouped: bool  # whether its nodes form a group in drawings
    forms: set  # the calls that are known to fit: how many arguments, and which keywords


COMPOSED: dict[Callable, Composition] = {}


def composes(*functions: Callable, grouped: bool = True) -> Callable[[Function], Function]:
    """Decorate the composition of a NumPy function, or of several that do the same.

    It takes the arguments of the function, as far as they can be composed. What it computes is a
    group named after the function, unless ``grouped`` is False: then it only moves or chooses
    numbers, or calls one other function.
    """

    def enter(composition: Function) -> Function:
        signature = inspect.signature(composition)
        for function in functions:
            COMPOSED[function] = Composition(composition, signature, grouped, set())
        return composition

    return enter


def compose(function: Callable, args: Sequence, kwargs: Mapping) -> Any:
    """Call the composition of a function.

    Raises RuleError for a function without one, and for arguments that it does not take.
    """
    if (composition := COMPOSED.get(function)) is None:
        raise faults.unruled(function)
    if (form := (len(args), *kwargs)) not in composition.forms:
        try:
            composition.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise faults.uncomposed(function, composition.signature, kwargs, error) from None
        composition.forms.add(form)
    with scope(OneCall(function.__name__)) if composition.grouped else nullcontext():
        try:
            return composition.function(*args, **kwargs)
        except MicrobnError as error:
            faults.name_caller(function, error)
            raise
        except (ValueError, IndexError, TypeError) as error:
            own = error if any(map(callable, args)) or function is np.piecewise else None
            raise faults.explain(function, [*map(plain, args)], kwargs, error) from own


def root(square: Any) -> Any:
    """Return the square root. At 0 its derivative counts as 0, as for a length or a deviation."""
    zero = square == 0
    return np.where(zero, 0, np.sqrt(np.where(zero, 1, square)))
