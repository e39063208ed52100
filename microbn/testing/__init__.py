"""Checking gradients against finite differences; ``programs`` are random ones to check.

``strategies`` draw arrays, batches and programs with Hypothesis, which they need.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from .gradcheck import downstream as downstream
from .gradcheck import numeric_vjp as numeric_vjp

if _TYPE_CHECKING:
    from . import strategies as strategies


def __getattr__(name: str) -> _Any:
    """Load the strategies, and with them Hypothesis, when they are first asked for."""
    if name == "strategies":
        return _import_module(".strategies", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
