"""The switches of a computation: whether it records, in which scope, and who watches.

Each thread and each asyncio task has its own switches, and an exception sets them back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from operator import not_
from typing import Any, NamedTuple

from ..errors import faults


class Watch:
    """Looks on while nodes are made and gradients are sent, and may raise an error.

    `trace` is one, and `compile` has another. The engine knows neither of them.
    """

    def made(self, node: Any) -> None:
        """Look at a node that was made. Under `no_grad` it is about to forget its operands."""

    def sent(self, node: Any, position: int, operand: Any, part: Any, earlier: Any) -> None:
        """Look at the gradient that a node sends to its operand, and at the ``earlier`` sum.

        For the gradient that a backward starts with, ``node`` is None and the root is the operand.
        """

    def lost(self, what: str, node: Any) -> None:
        """Look at something that the graph will not record, such as "a draw" or "no_grad"."""


class Mode(NamedTuple):
    """The switches."""

    recording: bool = True
    scope: tuple[str, ...] = ()
    watches: tuple[Watch, ...] = ()
    role: str = ""  # of the nodes that are made: "gradient" while a gradient is recorded
    # Whether each node looks up the code that makes it. If not, all have this origin, or none.
    lines: Any = True


mode: ContextVar[Mode] = ContextVar("microbn", default=Mode())  # noqa: B039 (immutable)


def lost(what: str, node: Any = None) -> None:
    """Tell every watch that the graph will not record this."""
    for watch in mode.get().watches:
        watch.lost(what, node)


@contextmanager
def no_grad() -> Iterator[None]:
    """``with no_grad():`` computes without recording, in this thread or task alone.

    It is also a decorator of functions, but not of generators. The Tensors made inside are
    constants, as if `functional.stop_gradient` had made them. Raises GraphError in a function that
    is being compiled.
    """
    lost("no_grad")
    with switched("recording", False):
        yield


@contextmanager
def scope(name: str) -> Iterator[None]:
    """``with scope("encoder"):`` marks the Tensors made inside as one group. Scopes nest.

    Raises ArgumentError for a name that is not text.
    """
    if not isinstance(name, str):
        raise faults.scope_name(name)
    with switched("scope", (*mode.get().scope, name)):
        yield


# Of two settings of a switch the larger belongs to the inner block: not recording is larger than
# recording, and so are a deeper scope and more watches.
_DEPTH: dict[str, Callable] = {"recording": not_, "lines": not_, "scope": len, "watches": len}


@contextmanager
def switched(name: str, value: Any) -> Iterator[None]:
    """Set a switch inside a block. It is set back even if Ctrl-C comes anywhere in here."""
    old = getattr(mode.get(), name)
    try:
        mode.set(mode.get()._replace(**{name: value}))
        yield
    finally:
        try:
            _set_back(name, old)
        except KeyboardInterrupt:
            _set_back(name, old)
            raise


def _set_back(name: str, old: Any) -> None:
    """Restore a switch, but do not turn it on again if an outer block has already ended.

    An inner block may end after the outer one, if Ctrl-C comes just as its `__exit__` begins.
    """
    now = mode.get()
    mode.set(now._replace(**{name: min(old, getattr(now, name), key=_DEPTH[name])}))
