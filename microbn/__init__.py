"""microbn: a small autograd from which batch norm's gradient emerges."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from . import closed_form as closed_form
from . import functional as functional
from . import nn as nn
from . import optim as optim
from .backward import Message as Message
from .backward import Step as Step
from .backward import grad as grad
from .backward import sweep as sweep
from .errors import MicrobnError as MicrobnError
from .rules import defvjp as defvjp
from .rules import primitive as primitive
from .tensor import Tensor as Tensor
from .tensor import label as label
from .tensor import no_grad as no_grad
from .tensor import scope as scope

if _TYPE_CHECKING:
    from . import lab as lab
    from . import testing as testing
    from . import view as view
    from .view import draw as draw

__version__ = "0.1.0"


def __getattr__(name: str) -> _Any:
    """Load the rooms that need more than NumPy when they are first asked for."""
    if name == "draw":
        return _import_module(".view", __name__).draw
    if name in ("lab", "testing", "view"):
        return _import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
