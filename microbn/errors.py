"""What can go wrong, as a small tree.

Every class is also a built-in exception, the one that NumPy raises where it would raise any, so
code that catches ValueError, IndexError or TypeError goes on working.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any


class MicrobnError(Exception):
    """The root of the tree: everything microbn raises on purpose."""


class ShapeError(MicrobnError, ValueError):
    """Shapes that do not fit each other, or a function of nothing."""


class RangeError(MicrobnError, ValueError, IndexError):
    """An axis, an index or a class number outside what the array has."""


class DTypeError(MicrobnError, TypeError):
    """Something other than floats where floats are needed."""


class ArgumentError(MicrobnError, ValueError):
    """An argument that cannot be meant: a rate of -1, a state dict of another model."""


class RuleError(MicrobnError, TypeError):
    """A call without a gradient rule, or a rule that returns something else than a gradient."""


class GraphError(MicrobnError, RuntimeError):
    """A graph used for what it cannot give: no history, a leaf replaced, an array frozen."""


class NonFiniteError(MicrobnError, ArithmeticError):
    """A NaN or an infinity where it would do lasting damage."""


class GradientError(MicrobnError, AssertionError):
    """A gradient that is not what differences say; the message is the checker's report."""


class RenderError(MicrobnError, RuntimeError):
    """Graphviz is there, and fails; the message is its own."""


class MissingPackageError(MicrobnError, ImportError):
    """An optional package that is not installed; the message names the extra that brings it."""


def listed(items: Iterable) -> str:
    """``1, 2 and 3``."""
    *some, last = [*map(str, items)] or [""]
    return f"{', '.join(some)} and {last}" if some else last


def printable(text: str) -> str:
    """Text for a terminal: what it would obey, such as an escape character, is spelled ``\\x1b``.

    New lines stay, and so does all that can be seen, such as γ.
    """
    kept = (c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)
    return "".join(kept)


def spelled(function: Callable) -> str:
    """The function's name as a user writes it: ``np.linalg.norm``."""
    module = getattr(function, "__module__", None) or "numpy"
    prefix = "np" + module[5:] + "." if module.split(".")[0] == "numpy" else ""
    return prefix + function.__name__


class _Faults:
    """The engine's sentences, engine/faults.py: loaded when the first error is raised."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(".engine.faults", __package__), name)


faults = _Faults()
