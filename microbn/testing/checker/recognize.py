"""The checker recognizes the thing that it is given, and makes a subject of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ...engine.node import is_node
from ...errors import ArgumentError, DTypeError
from ...nn.module import Module
from .byhand import ByHand, gradient_along, loss_with_gradient
from .inputs import HandWritten, Inputs, name_of, required
from .objects import Layer, is_layer
from .subjects import OfModule, Subject, same_on_arrays


@contextmanager
def subject_of(f: Any, inputs: Sequence) -> Iterator[Subject]:
    """Yield the subject of a check of ``f``. A Module is restored in the end.

    Raises DTypeError for anything that cannot be checked, and ArgumentError if inputs are missing.
    """
    if isinstance(f, type) and (issubclass(f, Module) or hasattr(f, "backward")):
        made_of = f"{f.__name__}({', '.join(required(f))})"
        raise DTypeError(f"gradcheck: {f.__name__} is a class; check an instance: {made_of}")
    if not inputs and not isinstance(f, Module):
        raise ArgumentError(f"gradcheck: {name_of(f)} is given no inputs; gradcheck(f, x, ...)")
    subject = _recognized(f, inputs)
    try:
        yield subject
    finally:
        if isinstance(subject, OfModule):
            subject.restore(subject.values[len(subject.inputs.places) :])


def _recognized(f: Any, inputs: Sequence) -> Subject:
    if isinstance(f, Module):
        return OfModule(f, Inputs(f, inputs))
    if isinstance(f, HandWritten):
        return ByHand(f, Inputs(f, inputs))
    if is_layer(f) and not is_node(f):
        layer = Layer(f, inputs)
        return ByHand(layer.by_hand(), layer.inputs, layer.notes())
    if callable(f):
        return _of_function(f, inputs)
    if hasattr(f, "forward"):
        raise DTypeError(
            f"gradcheck: {name_of(f)} has no backward: write backward(self, dout), or check "
            "gradcheck(layer.forward, x), for which microbn finds the gradient"
        )
    raise DTypeError(f"gradcheck: checks a function, a Module or a HandWritten, not {f!r:.60}")


def _of_function(f: Callable, given: Sequence) -> Subject:
    """Return the subject of a function of Tensors, or of one that returns a loss and gradients."""
    inputs = Inputs(f, given)
    inputs.need_floats()
    subject = Subject(f, inputs)
    count, subject.notes = gradient_along(subject)
    if count:
        return ByHand(loss_with_gradient(f, inputs.names), Inputs(f, given, count), subject.notes)
    subject.on_arrays = same_on_arrays(subject)
    return subject
