"""Python text for what a program refers to: its names, its constants, and its functions.

Nothing that a user's object says about itself becomes code: neither its repr, nor its name, nor the
name of its module. An object that cannot be written out exactly goes into a program by reference.
"""

from __future__ import annotations

import inspect
import keyword
import re
import sys
import textwrap
import types
import unicodedata
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import functions as primitives

FUNCTIONS = (type, types.FunctionType, types.BuiltinFunctionType, np.ufunc, type(np.sum))
LONGEST = 1000  # bits: longer integers are not written out, as Python refuses to spell them


def identifier(text: str) -> str:
    """Turn a text into a name in Python: ``layers.0.weight`` becomes ``layers_0_weight``."""
    letters = unicodedata.normalize("NFKC", text)
    kept = "".join(c if f"a{c}".isidentifier() else " " for c in letters)
    word = re.sub(" +", "_", kept).strip("_") or "_"
    return word if word.isidentifier() else f"_{word}"


def is_name(text: Any) -> bool:
    """Return whether Python reads this text as a name, and changes no letter of it."""
    return (
        type(text) is str
        and text.isidentifier()
        and not keyword.iskeyword(text)
        and unicodedata.normalize("NFKC", text) == text
    )


def literal(x: Any) -> str | None:
    """Return an expression that evaluates to exactly ``x``, or None if there is no such expression.

    There is one for Python's and NumPy's numbers, text, bytes, None, dtypes and NumPy's functions.
    """
    kind = type(x)
    if x is None or x is ...:
        return "None" if x is None else "..."
    if kind in (bool, str, bytes) or (kind is int and x.bit_length() <= LONGEST):
        return repr(x)
    if kind is float:
        return repr(x) if np.isfinite(x) else f"{'-' * (x < 0)}np.{'nan' if x != x else 'inf'}"
    if issubclass(kind, np.generic) and _is_plain(x.dtype) and vars(np)[x.dtype.name] is kind:
        return f"np.{x.dtype.name}({literal(x.item())})"
    if issubclass(kind, np.dtype):
        return f'np.dtype("{x.name}")' if _is_plain(x) else None
    if issubclass(kind, FUNCTIONS):
        own = x.__name__
        return f"np.{own}" if is_name(own) and vars(np).get(own) is x else None
    return None


def _is_plain(dtype: np.dtype) -> bool:
    """Return whether NumPy finds this dtype again by its name."""
    named = dtype.kind in "fiub" and dtype.char not in "gG" and dtype.metadata is None
    return named and np.dtype(dtype.name) == dtype


def is_numbers(x: Any) -> bool:
    """Return whether x is an array that can be written out."""
    return type(x) is np.ndarray and _is_plain(x.dtype)


def written_array(array: np.ndarray) -> str:
    """Write an array in Python, with all its bits and in the same order of memory."""
    flat = array.ravel()
    dtype = f"np.{array.dtype.name}"
    if array.size > 1 and array.flags.c_contiguous and is_uniform(array):
        return f"np.full({array.shape}, {literal(flat[0].item())}, {dtype})"
    if array.ndim == 1 and array.dtype == int and np.array_equal(array, np.arange(len(array))):
        return f"np.arange({len(array)})"
    order = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
    if array.flags.c_contiguous or order == [*range(array.ndim)]:
        shape = "" if array.ndim == 1 else f".reshape({array.shape})"
        return f"np.array([{', '.join(map(str, map(literal, flat.tolist())))}], {dtype}){shape}"
    return f"{written_array(array.transpose(order))}.transpose({np.argsort(order).tolist()})"


def definition(x: Any, name: str) -> str:
    """Return the lines that define ``x`` as ``name`` in a module.

    A function of microbn is written out in full, and a user's is imported. A script or a prompt
    cannot be imported by its name, so a function from there is written out too. For anything else
    the line is a comment that asks for a definition.
    """
    if not issubclass(type(x), FUNCTIONS):
        return f"# {name} has to be defined here: a constant of type {identifier(type(x).__name__)}"
    told = getattr(x, "__module__", None)
    module, own = told if type(told) is str else "", x.__name__
    if module in (primitives.__name__, "__main__"):
        return _in_full(getattr(x, "__wrapped__", x), name)
    named = all(map(is_name, [*module.split("."), own]))
    if named and getattr(sys.modules.get(module), own, None) is x:
        return f"from {module} import {own}" + f" as {name}" * (name != own)
    return f"# {name} has to be defined here: it cannot be imported by name"


def _in_full(function: Callable, name: str) -> str:
    """Return the source of a function, under this name.

    A lambda or a closure becomes a comment, since its source cannot stand alone.
    """
    own = function.__name__
    try:
        source = textwrap.dedent(inspect.getsource(function))
        source = source[source.index(f"def {own}(") :]
    except (OSError, ValueError, TypeError):  # a lambda, a class, or something typed at a prompt
        source = ""
    if not source or getattr(function, "__closure__", None):
        return f"# {name} has to be defined here: its source is not known"
    shown = source.replace(": Any", "").replace(" -> Any", "")
    if function.__module__ == primitives.__name__:  # its types may be names of other constants
        shown = re.sub(r": (?:int \| None|int) = ", "=", shown).replace(": tuple[int, ...]", "")
    return shown.replace(f"def {own}(", f"def {name}(", 1).rstrip()


def folded(before: str, words: list[str], after: str, bracketed: bool = False) -> str:
    """Write a statement with a list in it: in one line or, if that is too long, in several."""
    if len(line := before + ", ".join(words) + after) <= 100:
        return line
    lines = [words[0]]
    for word in words[1:]:
        lines[-1] += ","
        if len(lines[-1] + word) < 87:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    if bracketed:
        before, after = f"{before}(", f"    ){after}"
    return "\n".join([before, *(f"        {line}" for line in lines), after])


def is_uniform(array: np.ndarray) -> bool:
    """Return whether there are entries, and all of them are the same to the bit."""
    return array.size > 0 and array.tobytes() == array.ravel()[:1].tobytes() * array.size
