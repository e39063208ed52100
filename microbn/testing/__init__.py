"""Property tests of gradients: a checker, Hypothesis strategies, random programs."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from .differences import Slopes as Slopes
from .differences import numeric_vjp as numeric_vjp
from .differences import slopes as slopes
from .gradcheck import assert_gradients as assert_gradients
from .gradcheck import gradcheck as gradcheck
from .inputs import HandWritten as HandWritten
from .replay import replay as replay
from .report import Compared as Compared
from .report import Report as Report
from .report import Suspect as Suspect

if _TYPE_CHECKING:
    from . import programs as programs
    from . import strategies as strategies
    from .given import given_gradients as given_gradients


def __getattr__(name: str) -> _Any:
    """Load what needs Hypothesis when it is first asked for."""
    if name == "given_gradients":
        return _import_module(".given", __name__).given_gradients
    if name in ("programs", "strategies"):
        return _import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
