"""What is switched on while computing: recording, a scope, tracing.

Each thread and each asyncio task has its own switches, and an exception sets them back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from operator import not_
from typing import Any, NamedTuple

from ..errors import ArgumentError, GraphError


class Mode(NamedTuple):
    """The switches."""

    recording: bool = True
    scope: tuple[str, ...] = ()
    tracing: bool = False


mode: ContextVar[Mode] = ContextVar("microbn", default=Mode())  # noqa: B039 (immutable)
# While `compile` records: the numbers of the operands of the program. None otherwise.
compiling: ContextVar[Collection[int] | None] = ContextVar("compiling", default=None)


class _Gradient(str):
    """A scope's name that is told from a user's own of the same letters."""


GRADIENT = _Gradient("gradient")  # the scope of what a sweep with create_graph records


def of_gradient(scope: tuple[str, ...]) -> bool:
    """Whether a scope is that of a gradient's graph."""
    return bool(scope) and scope[0] is GRADIENT


@contextmanager
def no_grad() -> Iterator[None]:
    """``with no_grad():`` computes without recording, in this thread or task alone.

    Also a decorator of functions, not of generators. What is computed inside is constant, as if
    made by ``stop_gradient``. Raises GraphError in a function that is being compiled.
    """
    if compiling.get() is not None:
        raise GraphError(
            "compile: what no_grad() does not record would be a constant of the program; use "
            "microbn.functional.stop_gradient"
        )
    with _set("recording", False):
        yield


@contextmanager
def scope(name: str) -> Iterator[None]:
    """``with scope("encoder"):`` marks the Tensors made inside as one group. Scopes nest.

    Raises ArgumentError for a name that is not text.
    """
    if not isinstance(name, str):
        raise ArgumentError(f"scope: a name is text, got {name!r:.60}")
    with _set("scope", (*mode.get().scope, name)):
        yield


# Larger means further on: no recording, a deeper scope, tracing.
_STRENGTH: dict[str, Callable] = {"recording": not_, "scope": len, "tracing": bool}


@contextmanager
def _set(name: str, value: Any) -> Iterator[None]:
    """Set a switch inside a block. Ctrl-C may come at any place here, and does not leave it on."""
    before = mode.get()
    old = getattr(before, name)
    try:
        mode.set(before._replace(**{name: value}))
        yield
    finally:
        try:
            _set_back(name, old)
        except KeyboardInterrupt:
            _set_back(name, old)
            raise


def _set_back(name: str, old: Any) -> None:
    """Restore a switch, but do not turn it on again if an outer block has already ended.

    Ctrl-C may end an inner block after the outer one: where it comes just as `__exit__` begins.
    """
    now = mode.get()
    lower = min(old, getattr(now, name), key=_STRENGTH[name])
    mode.set(now._replace(**{name: lower}))


def gradient_mode(node: Any, gradient: Any) -> Mode:
    """The mode in which the rules of ``node`` are recorded; its gradient gets a name.

    The scope is ("gradient", *node.scope), so that the gradient's own graph has the groups of the
    forward.
    """
    if node.name and gradient.name is None:
        gradient.name = f"d_{node.name}"
    recording, _, tracing = mode.get()
    return Mode(recording, (GRADIENT, *node.scope), tracing)
