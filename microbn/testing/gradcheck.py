"""The gradient checker: is a gradient right, and if it is not, where does it go wrong?

Every check starts from a random cotangent. A plain sum will not do: the sum of a batch norm's
output does not depend on its input at all, and so any backward would pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, GradientError
from .blame import suspect
from .comparison import compare
from .report import Report
from .subjects import ByHand, subject


def gradcheck(
    f: Any,
    *inputs: Any,
    order: int = 1,
    closed_form: Callable | None = None,
    seed: int = 0,
) -> Report:
    """Hold the gradient of ``f`` at the ``inputs`` against finite differences.

    ``f`` is a function of Tensors, a Module (its parameters are inputs too) or a `HandWritten`
    layer. Inputs are arrays of floats, or Tensors; all is computed in float64. With ``order=2``
    the gradient's own gradient is checked as well. ``closed_form(cotangent, *inputs)`` is a
    backward written by hand, with a gradient for each input, that has to give the same.

    Returns a `Report`, which is true if all is right, and says in words what is not. Where a slope
    cannot be told, it is not right. Raises what f raises at the inputs (a ValueError or an
    ArithmeticError close by only means that f ends there); DTypeError and ArgumentError for what
    cannot be checked; NonFiniteError where f is not finite at the inputs.
    """
    if not (isinstance(order, int) and order in (1, 2)):
        raise ArgumentError(f"gradcheck: order is 1 or 2, got {order!r:.60}")
    if not (closed_form is None or callable(closed_form)):
        raise DTypeError(f"gradcheck: closed_form is a function, got {closed_form!r:.60}")
    rng = _generator(seed)
    options = ", closed_form=..." * (closed_form is not None) + ", order=2" * (order == 2)
    with subject(f, inputs) as checked:
        if order == 2 and isinstance(checked, ByHand):
            raise ArgumentError("gradcheck: order=2 needs a graph; a HandWritten layer has none")
        again = f"gradcheck({checked.name}, {', '.join(checked.given)}{options}, seed={seed})"
        report = replace(compare(checked, rng, order, closed_form), again=again)
        if isinstance(checked, ByHand):
            return report
        if not (report.faults or any(part.wrong.any() for part in report.inputs)):
            return replace(report, graph=checked.record(checked.values)[0])
        graph = checked.traced()
        return replace(report, graph=graph, suspect=suspect(graph, report.order, rng))


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
