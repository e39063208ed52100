"""The inputs of a check: arrays of floats, which get a gradient, and constants."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np

from ...engine.arrays import check_plain
from ...engine.node import is_node, plain
from ...errors import DTypeError, NonFiniteError, RuleError, ShapeError, listed
from ...nn.module import Module


class HandWritten(NamedTuple):
    """A layer on plain arrays whose backward is written by hand. It need not know microbn.

    ``forward(*inputs)`` returns the output and a cache. ``backward(dout, cache)`` returns a tuple
    with a gradient for each input, or the only gradient. A layer with several outputs returns all
    of them and then the cache: ``h, c, cache``. Its backward takes a gradient for each:
    ``backward(dh, dc, cache)``.
    """

    forward: Callable[..., Any]
    backward: Callable[..., Any]


class Inputs:
    """The inputs of a check, by name. ``values`` holds those that get a gradient, in float64.

    All others, such as labels, options and None, are constants and are passed on unchanged. With
    ``count``, only the first ``count`` float inputs get a gradient. The ``names`` default to those
    of f's parameters.
    """

    def __init__(
        self, f: Any, given: Sequence, count: int | None = None, names: Sequence[str] | None = None
    ) -> None:
        self.function, self.given = name_of(f), [*given]
        floats = [_float_copy(self.function, i, x) for i, x in enumerate(given)]
        self.places = [i for i, x in enumerate(floats) if x is not None][:count]
        self.values = [x for i in self.places if (x := floats[i]) is not None]
        named = zip(given, names or parameter_names(f, len(given)), strict=True)
        self.all_names = unique([(is_node(x) and x.name) or name for x, name in named])
        self.names = [self.all_names[i] for i in self.places]
        self.constants = [(i, x) for i, x in enumerate(given) if i not in self.places]

    def filled(self, values: Sequence) -> list[Any]:
        """Return all inputs, with these values in place of those that get a gradient.

        Each constant is a fresh copy, so a call that writes into one does not affect the next call.
        """
        filled = [*values]
        for i, x in self.constants:
            filled.insert(i, _copy(x))
        return filled

    def note(self) -> tuple[str, ...]:
        """Return a note that names the constants, if there are any."""
        named = [f"{self.all_names[i]!r} ({_type_name(x)})" for i, x in self.constants]
        verb = "are constants, and get" if len(named) > 1 else "is a constant, and gets"
        return (f"{listed(named)} {verb} no gradient",) * bool(named)

    def need_floats(self) -> None:
        """Raise DTypeError if no input can get a gradient."""
        if not self.places:
            raise DTypeError(
                f"gradcheck: input 0 of {self.function} holds {_type_name(self.given[0])}, and "
                "only floats have gradients: write 1.0, not 1"
            )


def name_of(f: Any) -> str:
    """Return the name of the function or object that is checked."""
    if isinstance(f, HandWritten):
        return f"HandWritten({name_of(f.forward)}, {name_of(f.backward)})"
    return getattr(f, "__name__", type(f).__name__)


def unique(names: Sequence[str]) -> list[str]:
    """Return the names, with a number after each one that repeats an earlier name."""
    return [
        f"{name} ({names[:i].count(name) + 1})" if name in names[:i] else name
        for i, name in enumerate(names)
    ]


def as_list(given: Any) -> list[Any]:
    """Return the parts of a tuple or a list; anything else is the only part."""
    return [*given] if isinstance(given, (tuple, list)) else [given]


def positional(parameters: Iterable[inspect.Parameter]) -> list[inspect.Parameter]:
    """Return the parameters that take one argument each, by position."""
    return [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def required(function: Any) -> list[str]:
    """Return the names of the positional parameters without a default.

    Raises ValueError or TypeError for a function without a signature, as some ufuncs are.
    """
    parameters = positional(inspect.signature(function).parameters.values())
    return [p.name for p in parameters if p.default is p.empty]


def parameter_names(f: Any, count: int) -> list[str]:
    """Return the names of the first ``count`` parameters; an unknown name is "input 0"."""
    function = f.forward if isinstance(f, (HandWritten, Module)) else f
    try:
        names = [p.name for p in positional(inspect.signature(function).parameters.values())]
    except (TypeError, ValueError):  # before NumPy 2.4 a ufunc has no signature
        names = []
    return [*names[:count], *(f"input {i}" for i in range(len(names), count))]


GRADIENT_NAME = re.compile("^d|grad|delta|^g$|^g_")  # the usual names of an incoming gradient
CACHE_NAME = re.compile("^(cache|ctx|context|saved)")  # no incoming gradient has such a name


def check_order(name: str, takes: Sequence[str]) -> None:
    """Raise RuleError for a backward whose parameters are named in the wrong order."""
    first, *others = takes or [""]
    if CACHE_NAME.search(first) and any(map(GRADIENT_NAME.search, others)):
        raise RuleError(
            f"gradcheck: {name} takes {first} first; the gradient that comes in goes first, and "
            f"the cache after it: backward({', '.join([*others, first])})"
        )


def outputs_of(takes: Sequence[str], known: Sequence[str] = ()) -> int:
    """Count the outputs that a backward is written for, from the names of its parameters.

    ``backward(dh, dc, cache)`` has two outputs, ``backward(dout, x, w)`` has one. The ``known``
    names are the forward's inputs: if forward takes ``data``, then ``backward(dout, data, w)`` has
    one output.
    """
    further = (
        i for i, name in enumerate(takes) if i and (name in known or not GRADIENT_NAME.search(name))
    )
    return next(further, len(takes))


def _float_copy(function: str, i: int, x: Any) -> np.ndarray | None:
    """Return a copy of x in float64 if it holds floats, or None if it is a constant."""
    if callable(x):
        raise DTypeError(
            f"gradcheck: input {i} of {function} is a function; to check a backward written by "
            "hand, pass it with its forward: gradcheck(HandWritten(forward, backward), x)"
        )
    if hasattr(x, "is_floating_point") and x.is_floating_point():  # one of PyTorch's
        x = x.detach().numpy()
    if not (is_node(x) or isinstance(x, (np.ndarray, np.generic, float, list, tuple))):
        return None
    check_plain(x)
    try:
        array = np.array(plain(x))
    except ValueError as error:
        raise ShapeError(f"gradcheck: input {i} of {function} is not an array: {error}") from None
    if array.dtype.kind in "cO" and isinstance(x, (np.ndarray, np.generic)):
        raise DTypeError(
            f"gradcheck: input {i} of {function} holds {array.dtype}, and only floats have "
            "gradients; keep it out: lambda x: f(x, other)"
        )
    if array.dtype.kind != "f":
        return None
    if not np.isfinite(array).all():
        raise NonFiniteError(
            f"gradcheck: input {i} of {function} is not finite, so no gradient can be checked "
            "there; keep a mask out: lambda x: f(x, mask)"
        )
    return array.astype(np.float64)


def _copy(x: Any) -> Any:
    try:
        return deepcopy(x)
    except Exception:  # an object that cannot be copied, such as a file or a lock, is passed itself
        return x


def _type_name(x: Any) -> str:
    """Return the dtype of an array, a list or a text, and otherwise the name of the type."""
    array = isinstance(x, (np.ndarray, np.generic, list, tuple, str))
    return str(np.array(x).dtype) if array else type(x).__name__
