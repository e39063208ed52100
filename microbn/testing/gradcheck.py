"""The gradient checker: is a gradient right, and if not, where does it go wrong?

Every check starts from a random cotangent, because a plain sum would be blind: the sum of a batch
norm's output does not depend on its input at all, so any multiple of its backward would pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, GradientError
from .checker.blame import suspect
from .checker.byhand import ByHand
from .checker.comparison import compare
from .checker.inputs import name_of
from .checker.recognize import subject_of
from .checker.report import Report


def gradcheck(
    f: Any,
    *inputs: Any,
    order: int = 1,
    closed_form: Callable | None = None,
    seed: int = 0,
    **others: Any,
) -> Report:
    """Compare the gradient of ``f`` at the ``inputs`` with finite differences.

    ``f`` is a function of Tensors, a Module (its parameters are inputs too), a `HandWritten`
    layer, an object with ``forward`` and ``backward``, or a function of arrays that returns a loss
    and its gradient. Inputs are arrays of floats, or Tensors; the check computes in float64. Other
    inputs, such as labels and options, are constants; pass them by position too. With ``order=2``
    the check covers the gradient's own gradient as well. ``closed_form(cotangent, *inputs)`` is a
    backward written by hand that must return the same gradient for each input.

    Returns a `Report`. It is true if every gradient is right, and otherwise says in words what is
    wrong. A slope that cannot be determined counts as not right. Raises whatever f raises at the
    inputs (close by, a ValueError or an ArithmeticError only means that f is undefined there),
    DTypeError and ArgumentError for an f or an input that cannot be checked, and NonFiniteError
    where f is not finite at the inputs.
    """
    _check_options(f, order, closed_form, others)
    rng = _cotangents(seed)
    with subject_of(f, inputs) as subject:
        by_hand = isinstance(subject, ByHand)
        if order == 2 and by_hand:
            raise ArgumentError("gradcheck: order=2 needs a graph; a HandWritten layer has none")
        report = compare(subject, rng, order, closed_form)
        called = ", ".join([subject.name, *subject.given[: len(inputs)]])
        options = ", closed_form=..." * (closed_form is not None) + ", order=2" * (order == 2)
        again, notes = f"gradcheck({called}{options}, seed={seed})", report.notes + subject.notes
        report = replace(report, again=again, notes=notes)
        if by_hand:
            return report
        if not (report.faults or any(part.wrong.any() for part in report.inputs)):
            return replace(report, graph=subject.record(subject.values)[0])
        graph = subject.traced()
        with np.errstate(all="ignore"):  # infinities may be intended, as in a mask
            found = suspect(subject, graph, report.order, rng)
        return replace(report, graph=graph, suspect=found)


def assert_gradients(f: Any, *inputs: Any, **options: Any) -> None:
    """Run `gradcheck` in a plain test. Raises GradientError, an AssertionError, with its report."""
    __tracebackhide__ = True  # pytest shows the caller's line
    if not (report := gradcheck(f, *inputs, **options)):
        raise GradientError(report)


def _check_options(f: Any, order: Any, closed_form: Any, others: dict[str, Any]) -> None:
    if others:
        name, f_name = next(iter(others)), name_of(f)
        raise ArgumentError(
            f"gradcheck: {name}= is no option of gradcheck; pass an input of {f_name} by "
            f"position, or within a function: gradcheck(lambda x: {f_name}(x, {name}=...), x)"
        )
    if not (isinstance(order, int) and order in (1, 2)):
        raise ArgumentError(f"gradcheck: order is 1 or 2, got {order!r:.60}")
    if not (closed_form is None or callable(closed_form)):
        raise DTypeError(f"gradcheck: closed_form is a function, got {closed_form!r:.60}")


def _cotangents(seed: int) -> np.random.Generator:
    """Return a generator unlike ``default_rng(seed)``, which a user may draw the inputs from."""
    try:
        return np.random.default_rng([seed, ord("g")])
    except (ValueError, TypeError):
        raise ArgumentError(f"gradcheck: seed is an integer from 0, got {seed!r:.60}") from None
