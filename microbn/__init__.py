"""microbn: a small autograd from which batch norm's gradient emerges."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from . import closed_form, functional, nn, optim
from .arguments import not_here as _not_here
from .engine.backward import Message, Step, grad, sweep
from .engine.jacobians import hessian, hvp, jacobian, jvp
from .engine.mode import no_grad, scope
from .engine.names import label
from .engine.primitive import defvjp, primitive
from .engine.tensor import Tensor
from .errors import MicrobnError
from .program.compile import Program, compile
from .reading.formula import formula
from .reading.lines import no_lines
from .reading.scalars import scalars
from .reading.trace import trace

if _TYPE_CHECKING:
    from . import lab, testing, view
    from .view import draw, story

__version__ = "0.1.0"

__all__ = [
    "Tensor",
    "scalars",
    "grad",
    "jvp",
    "jacobian",
    "hessian",
    "hvp",
    "sweep",
    "Step",
    "Message",
    "story",
    "draw",
    "compile",
    "Program",
    "formula",
    "defvjp",
    "primitive",
    "no_grad",
    "no_lines",
    "scope",
    "trace",
    "label",
    "MicrobnError",
    "functional",
    "closed_form",
    "nn",
    "optim",
    "testing",
    "view",
    "lab",
    "elsewhere",
]


def __dir__() -> list[str]:
    return [*__all__, "__version__", "__doc__"]  # which is what completion offers


def __getattr__(name: str) -> _Any:
    """Load the rooms that need more than NumPy when they are first asked for."""
    if name in ("draw", "story"):
        return getattr(_import_module(".view", __name__), name)
    if name in ("elsewhere", "lab", "testing", "view"):
        return _import_module(f".{name}", __name__)
    raise _not_here(__name__, name, nn.INSTEAD_OF_LAYERS)
