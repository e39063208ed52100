"""The laboratory of the demos: data, training, grids of runs, figures and claims."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from ..arguments import not_here as _not_here

if _TYPE_CHECKING:
    from .filming import film as film
    from .playing import playground as playground

_ROOMS = {"film": "filming", "playground": "playing"}  # the rooms of functions that stand here too


def __getattr__(name: str) -> _Any:
    """Load the room of a function when it is first asked for."""
    if name in _ROOMS:
        return getattr(_import_module(f".{_ROOMS[name]}", __name__), name)
    raise _not_here(__name__, name, {})
