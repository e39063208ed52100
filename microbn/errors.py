"""The errors that microbn raises, as a small tree; below it, the phrases of their messages.

Every class is a built-in exception as well: the one that NumPy raises for such a mistake. Code
that catches ValueError, IndexError or TypeError goes on working.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class MicrobnError(Exception):
    """The root of the tree. Every error that microbn raises on purpose is one of these."""


class ShapeError(MicrobnError, ValueError):
    """Raised when shapes do not fit each other, and for an empty array where a value is needed."""


class RangeError(MicrobnError, ValueError, IndexError):
    """Raised for an axis, an index or a class number that does not exist in the array."""


class DTypeError(MicrobnError, TypeError):
    """Raised when floats are needed and something else is given."""


class ArgumentError(MicrobnError, ValueError):
    """Raised for an argument that must be a mistake: a rate of -1, another model's state dict."""


class RuleError(MicrobnError, TypeError):
    """Raised for a call that has no gradient rule, and for a rule that returns no gradient."""


class GraphError(MicrobnError, RuntimeError):
    """Raised when a graph cannot do what is asked: no history, a replaced leaf, a frozen array."""


class NonFiniteError(MicrobnError, ArithmeticError):
    """Raised for a NaN or an infinity where it would do lasting damage."""


class WeightError(MicrobnError, ZeroDivisionError):
    """Raised for weights that sum to 0, because a weighted mean is divided by their sum."""


class GradientError(MicrobnError, AssertionError):
    """Raised when a gradient and finite differences disagree; the message is the whole report."""


class RenderError(MicrobnError, RuntimeError):
    """Raised when Graphviz is installed but fails; the message is its own."""


class MissingPackageError(MicrobnError, ImportError):
    """Raised when an optional package is not installed; the message says how to install it."""


def listed(items: Any) -> str:
    """Join items as a sentence does: ``1, 2 and 3``."""
    *some, last = [*map(str, items)] or [""]
    return f"{', '.join(some)} and {last}" if some else last


class _Faults:
    """The engine's sentences: loaded with the first error."""

    def __getattr__(self, name: str) -> Any:
        of_calls = import_module(".engine.call_faults", __package__)
        of_tensors = import_module(".engine.faults", __package__)
        room = next((room for room in (of_tensors, of_calls) if hasattr(room, name)), None)
        return getattr(room or import_module(".engine.composed.refused", __package__), name)


faults = _Faults()
