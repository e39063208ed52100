"""The gradient checker: is a gradient right, and if it is not, where does it go wrong?

Every check starts from a random cotangent. A plain sum will not do: the sum of a batch norm's
output does not depend on its input at all, and so any backward would pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from ..engine.node import is_node
from ..errors import ArgumentError, DTypeError, GradientError
from ..nn.module import Module
from .checker.blame import suspect
from .checker.byhand import ByHand, gradient_along, loss_with_gradient
from .checker.comparison import compare
from .checker.inputs import HandWritten, Inputs, name_of, required
from .checker.objects import Layer, is_layer
from .checker.report import Report
from .checker.subjects import OfModule, Subject, same_on_arrays


def gradcheck(
    f: Any,
    *inputs: Any,
    order: int = 1,
    closed_form: Callable | None = None,
    seed: int = 0,
    **others: Any,
) -> Report:
    """Hold the gradient of ``f`` at the ``inputs`` against finite differences.

    ``f`` is a function of Tensors, a Module (its parameters are inputs too), a `HandWritten`
    layer, an object with ``forward`` and ``backward``, or a function of arrays that gives a loss
    and its gradient. Inputs are arrays of floats, or Tensors; all is computed in float64. Other
    inputs, such as labels and options, are constants; they are given by position too. With
    ``order=2`` the gradient's own gradient is checked as well. ``closed_form(cotangent, *inputs)``
    is a backward written by hand, with a gradient for each input, that has to give the same.

    Returns a `Report`, which is true if all is right, and says in words what is not. Where a slope
    cannot be told, it is not right. Raises what f raises at the inputs (a ValueError or an
    ArithmeticError close by only means that f ends there); DTypeError and ArgumentError for what
    cannot be checked; NonFiniteError where f is not finite at the inputs.
    """
    if others:
        name, f_name = next(iter(others)), name_of(f)
        raise ArgumentError(
            f"gradcheck: {name}= is no option of gradcheck; an input of {f_name} is given by "
            f"position, or within a function: gradcheck(lambda x: {f_name}(x, {name}=...), x)"
        )
    if not (isinstance(order, int) and order in (1, 2)):
        raise ArgumentError(f"gradcheck: order is 1 or 2, got {order!r:.60}")
    if not (closed_form is None or callable(closed_form)):
        raise DTypeError(f"gradcheck: closed_form is a function, got {closed_form!r:.60}")
    rng = _generator(seed)
    options = ", closed_form=..." * (closed_form is not None) + ", order=2" * (order == 2)
    with _subject(f, inputs) as checked:
        if order == 2 and isinstance(checked, ByHand):
            raise ArgumentError("gradcheck: order=2 needs a graph; a HandWritten layer has none")
        called = ", ".join([checked.name, *checked.given[: len(inputs)]])
        again = f"gradcheck({called}{options}, seed={seed})"
        report = replace(compare(checked, rng, order, closed_form), again=again)
        report = replace(report, notes=report.notes + checked.notes)
        if isinstance(checked, ByHand):
            return report
        if not (report.faults or any(part.wrong.any() for part in report.inputs)):
            return replace(report, graph=checked.record(checked.values)[0])
        graph = checked.traced()
        with np.errstate(all="ignore"):  # infinities may be meant, as in a mask
            found = suspect(checked, graph, report.order, rng)
        return replace(report, graph=graph, suspect=found)


@contextmanager
def _subject(f: Any, inputs: Sequence) -> Iterator[Subject]:
    """The subject that ``f`` is; a Module is put back as it was in the end."""
    if isinstance(f, type) and (issubclass(f, Module) or hasattr(f, "backward")):
        made_of = f"{f.__name__}({', '.join(required(f))})"
        raise DTypeError(f"gradcheck: {f.__name__} is a class; check what it makes: {made_of}")
    if not inputs and not isinstance(f, Module):
        raise ArgumentError(f"gradcheck: {name_of(f)} is given no inputs; gradcheck(f, x, ...)")
    made = _made(f, inputs)
    try:
        yield made
    finally:
        if isinstance(made, OfModule):
            made.restore(made.values[len(made.inputs.places) :])


def _made(f: Any, inputs: Sequence) -> Subject:
    if isinstance(f, Module):
        return OfModule(f, Inputs(f, inputs))
    if isinstance(f, HandWritten):
        return ByHand(f, Inputs(f, inputs))
    if is_layer(f) and not is_node(f):
        layer = Layer(f, inputs)
        return ByHand(layer.by_hand(), layer.inputs, layer.notes())
    if callable(f):
        return _function(f, inputs)
    if hasattr(f, "forward"):
        raise DTypeError(
            f"gradcheck: {name_of(f)} has no backward: write backward(self, dout), or check "
            "gradcheck(layer.forward, x), for which microbn finds the gradient"
        )
    raise DTypeError(f"gradcheck: checks a function, a Module or a HandWritten, not {f!r:.60}")


def _function(f: Callable, given: Sequence) -> Subject:
    """A function of Tensors; or of arrays, if it gives a loss and its gradient along."""
    inputs = Inputs(f, given)
    inputs.need_floats()
    count, notes = gradient_along(f, inputs)
    if count:
        return ByHand(loss_with_gradient(f, inputs.names), Inputs(f, given, count), notes)
    made = Subject(f, inputs)
    made.notes = notes
    made.on_arrays = same_on_arrays(made)
    return made


def _generator(seed: int) -> np.random.Generator:
    """Not that of ``default_rng(seed)``, which the inputs may well be drawn from."""
    try:
        return np.random.default_rng([seed, ord("g")])
    except (ValueError, TypeError):
        raise ArgumentError(f"gradcheck: seed is an integer from 0, got {seed!r:.60}") from None


def assert_gradients(f: Any, *inputs: Any, **options: Any) -> None:
    """`gradcheck` for a plain test: raises GradientError, an AssertionError, with its report."""
    __tracebackhide__ = True  # pytest shows the caller's line
    if not (report := gradcheck(f, *inputs, **options)):
        raise GradientError(report)
