"""Property tests of gradients: a checker, Hypothesis strategies, random programs."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from ..arguments import not_here as _not_here
from ..reading.replay import replay as replay
from .checker.differences import Slopes as Slopes
from .checker.differences import numeric_vjp as numeric_vjp
from .checker.differences import slopes as slopes
from .checker.inputs import HandWritten as HandWritten
from .checker.report import Compared as Compared
from .checker.report import Report as Report
from .checker.report import Suspect as Suspect
from .checker.stages import CheckedStage as CheckedStage
from .gradcheck import assert_gradients as assert_gradients
from .gradcheck import gradcheck as gradcheck

if _TYPE_CHECKING:
    from . import programs as programs
    from . import strategies as strategies
    from .given import given_gradients as given_gradients


def __getattr__(name: str) -> _Any:
    """Load the modules that need Hypothesis on first use."""
    if name == "given_gradients":
        return _import_module(".given", __name__).given_gradients
    if name in ("programs", "strategies"):
        return _import_module(f".{name}", __name__)
    raise _not_here(__name__, name)
