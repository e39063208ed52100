"""The inputs of a check: arrays of floats, which get a gradient, and constants."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np

from ...engine.arrays import check_plain
from ...engine.node import is_node, plain
from ...errors import DTypeError, NonFiniteError, ShapeError, listed
from ...nn.module import Module


class HandWritten(NamedTuple):
    """A layer whose backward is written by hand, on plain arrays; it need know nothing of microbn.

    ``forward(*inputs)`` gives the output and a cache, ``backward(dout, cache)`` the gradients, a
    tuple with one for each input, or the only one. A layer of several outputs gives them all, and
    then the cache: ``h, c, cache``; its backward takes as many, ``backward(dh, dc, cache)``.
    """

    forward: Callable[..., Any]
    backward: Callable[..., Any]


class Inputs:
    """The inputs of a check, by name. ``values`` are those that get a gradient, in float64.

    All others, such as labels, options and None, are constants, handed on as they are. Where
    ``count`` is given, only so many of the first floats get a gradient. ``names`` are those of f's
    parameters if there are no others.
    """

    def __init__(
        self,
        f: Any,
        given: Sequence,
        count: int | None = None,
        names: Sequence[str] | None = None,
    ) -> None:
        self.function, self.given = name_of(f), [*given]
        floats = [_floats(self.function, i, x) for i, x in enumerate(given)]
        self.places = [i for i, x in enumerate(floats) if x is not None][:count]
        self.values = [x for i in self.places if (x := floats[i]) is not None]
        named = zip(given, names or parameter_names(f, len(given)), strict=True)
        self.all_names = unique([(is_node(x) and x.name) or name for x, name in named])
        self.names = [self.all_names[i] for i in self.places]

    def filled(self, values: Sequence) -> list[Any]:
        """All inputs, these values in the places of those that get a gradient.

        The constants are copies, so that a call that writes into one is repeated as it was.
        """
        new = dict(zip(self.places, values, strict=True))
        return [new[i] if i in new else _copy(x) for i, x in enumerate(self.given)]

    def note(self) -> tuple[str, ...]:
        """Says which inputs are constants, if any are."""
        kept = [(i, name) for i, name in enumerate(self.all_names) if i not in self.places]
        named = [f"{name!r} ({_kind(self.given[i])})" for i, name in kept]
        verb = "are constants, and get" if len(named) > 1 else "is a constant, and gets"
        return (f"{listed(named)} {verb} no gradient",) * bool(named)

    def need_floats(self) -> None:
        """Raise DTypeError if nothing here can get a gradient."""
        if not self.places:
            raise DTypeError(
                f"gradcheck: input 0 of {self.function} holds {_kind(self.given[0])}, and "
                "gradients belong to floats: write 1.0, not 1"
            )


def _floats(function: str, i: int, x: Any) -> np.ndarray | None:
    """A copy of x in float64 if it holds floats; None for a constant."""
    if callable(x):
        raise DTypeError(
            f"gradcheck: input {i} of {function} is a function; a backward written by hand comes "
            "with its forward: gradcheck(HandWritten(forward, backward), x)"
        )
    if not (is_node(x) or isinstance(x, (np.ndarray, np.generic, float, list, tuple))):
        return None
    check_plain(x)
    try:
        array = np.array(plain(x))
    except ValueError as error:
        raise ShapeError(f"gradcheck: input {i} of {function} is no array: {error}") from None
    if array.dtype.kind in "cO" and isinstance(x, (np.ndarray, np.generic)):
        raise DTypeError(
            f"gradcheck: input {i} of {function} holds {array.dtype}, and gradients belong to "
            "floats; keep it out: lambda x: f(x, other)"
        )
    if array.dtype.kind != "f":
        return None
    if not np.isfinite(array).all():
        raise NonFiniteError(
            f"gradcheck: input {i} of {function} is not finite; nothing can be told; keep a mask "
            "out: lambda x: f(x, mask)"
        )
    return array.astype(np.float64)


def _copy(x: Any) -> Any:
    try:
        return deepcopy(x)
    except Exception:  # a file, a lock: whatever cannot be copied is handed on itself
        return x


def _kind(x: Any) -> str:
    """The dtype of an array, of a list or of text; else the type."""
    array = isinstance(x, (np.ndarray, np.generic, list, tuple, str))
    return str(np.array(x).dtype) if array else type(x).__name__


def unique(names: Sequence[str]) -> list[str]:
    """The names, those that were there before with a number."""
    return [
        f"{name} ({names[:i].count(name) + 1})" if name in names[:i] else name
        for i, name in enumerate(names)
    ]


def name_of(f: Any) -> str:
    """The name of what is checked."""
    if isinstance(f, HandWritten):
        return f"HandWritten({name_of(f.forward)}, {name_of(f.backward)})"
    return getattr(f, "__name__", type(f).__name__)


def required(function: Any) -> list[str]:
    """The names of the parameters that are given by position and have no default.

    Raises ValueError or TypeError for a function without a signature, as some ufuncs are.
    """
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.default is p.empty and p.kind in kinds]


def outputs_of(takes: Sequence[str], known: Sequence[str] = ()) -> int:
    """Count the outputs for which a backward is written, by the names of its parameters.

    ``backward(dh, dc, cache)`` is for two, ``backward(dout, x, w)`` for one. The ``known`` names
    are those of the forward's inputs: ``backward(dout, data, w)`` is for one where forward takes
    ``data``.
    """
    further = (
        i for i, name in enumerate(takes) if i and (name in known or not GRADIENT.search(name))
    )
    return next(further, len(takes))


GRADIENT = re.compile("^d|grad|delta|^g$|^g_")  # what a gradient is called where it comes in


def parameter_names(f: Any, count: int) -> list[str]:
    """The names of the first parameters, where they are known."""
    function = f.forward if isinstance(f, (HandWritten, Module)) else f
    try:
        names = [
            p.name
            for p in inspect.signature(function).parameters.values()
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):  # before NumPy 2.4 a ufunc has no signature
        names = []
    return [*names[:count], *(f"input {i}" for i in range(len(names), count))]
