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
from .checker.stages import stages_of


def gradcheck(
    f: Any,
    *inputs: Any,
    order: int = 1,
    closed_form: Callable | None = None,
    stages: bool = False,
    seed: int = 0,
    hints: int = 2,
    **others: Any,
) -> Report:
    """Compare the gradient of ``f`` at the ``inputs`` with finite differences.

    ``f`` is a function of Tensors, a Module (its parameters are inputs too), a `HandWritten` layer,
    an object with ``forward`` and ``backward``, or a function of arrays that returns a loss and its
    gradient. Inputs are arrays of floats, or Tensors; the check computes in float64. Other inputs,
    such as labels and options, are constants; pass them by position too. With ``order=2`` the check
    covers the gradient's own gradient as well. ``closed_form(cotangent, *inputs)`` is a backward
    written by hand that must return the same gradient for each input. With ``hints=0`` the report's
    text is the verdict alone, with ``hints=1`` it also says where a gradient is wrong, and with
    ``hints=2`` it also says why, as far as the numbers tell. The story follows the same level.

    ``stages=True`` compares each gradient that a backward by hand computes on the way, such as
    dx_hat, with the one that emerges from its forward, and names the first one that is wrong. These
    gradients are the backward's variables, and whatever it puts into a dict in its cache. If it
    returns a dict after its gradients, only those in the dict are compared. ``report.stages`` has
    them, and ``report.story`` their page.

    Returns a `Report`. It is true if every gradient is right, and otherwise says in words what is
    wrong. A gradient is not right if its slope cannot be determined. Raises whatever f raises at
    the inputs (close by, a ValueError or an ArithmeticError only means that f is undefined there),
    DTypeError and ArgumentError for an f or an input that cannot be checked, ArgumentError for
    stages of an f that has a graph, and NonFiniteError where f is not finite at the inputs.
    """
    _check_options(f, order, closed_form, stages, hints, others)
    rng = _cotangents(seed)
    with subject_of(f, inputs) as subject:
        by_hand = isinstance(subject, ByHand)
        if order == 2 and by_hand:
            raise ArgumentError("gradcheck: order=2 needs a graph; a HandWritten layer has none")
        if stages and not by_hand:
            raise ArgumentError(
                f"gradcheck: stages are those of a backward by hand, and {subject.name} has none; "
                "leave them out, and the report names the node that is wrong"
            )
        report = compare(subject, rng, order, closed_form)
        called = ", ".join([subject.name, *subject.given[: len(inputs)]])
        options = ", closed_form=..." * (closed_form is not None) + ", order=2" * (order == 2)
        options += ", stages=True" * bool(stages) + f", hints={hints}" * (hints != 2)
        again, notes = f"gradcheck({called}{options}, seed={seed})", report.notes + subject.notes
        report = replace(report, again=again, notes=notes, level=hints)
        if isinstance(subject, ByHand):
            return _with_stages(report, subject, rng) if stages else report
        if not (report.faults or any(part.wrong.any() for part in report.inputs)):
            return replace(report, graph=subject.graph())
        graph = subject.traced()
        with np.errstate(all="ignore"):  # infinities may be intended, as in a mask
            found = suspect(subject, graph, report.order, rng)
        return replace(report, graph=graph, suspect=found)


def assert_gradients(f: Any, *inputs: Any, **options: Any) -> None:
    """Run `gradcheck` in a plain test. Raises GradientError, an AssertionError, with its report."""
    __tracebackhide__ = True  # pytest shows the caller's line
    if not (report := gradcheck(f, *inputs, **options)):
        raise GradientError(report)


def _with_stages(report: Report, subject: ByHand, rng: np.random.Generator) -> Report:
    """Return the report with the stages of the backward, unless it could not be run at all."""
    if report.output is None:
        return replace(report, no_story="the layer cannot be checked as it stands")
    cotangent = rng.normal(size=report.output.shape)
    stages, notes, story, no_story = stages_of(subject, cotangent, why=report.level > 1)
    if not report.level:
        story, no_story = None, "its page shows where you are wrong; use hints=1 or hints=2"
    notes = report.notes + notes
    return replace(report, stages=stages, notes=notes, story=story, no_story=no_story)


def _check_options(
    f: Any, order: Any, closed_form: Any, stages: Any, hints: Any, others: dict[str, Any]
) -> None:
    if others:
        name, f_name = next(iter(others)), name_of(f)
        raise ArgumentError(
            f"gradcheck: {name}= is not an option of gradcheck; pass an input of {f_name} by "
            f"position, or within a function: gradcheck(lambda x: {f_name}(x, {name}=...), x)"
        )
    if not (isinstance(order, int) and order in (1, 2)):
        raise ArgumentError(f"gradcheck: order is 1 or 2, got {order!r:.60}")
    if not (isinstance(hints, int) and hints in (0, 1, 2)):
        raise ArgumentError(
            f"gradcheck: hints is 0 (the verdict), 1 (and where) or 2 (and why), got {hints!r:.60}"
        )
    if not (closed_form is None or callable(closed_form)):
        raise DTypeError(f"gradcheck: closed_form is a function, got {closed_form!r:.60}")
    if not isinstance(stages, bool):
        raise DTypeError(f"gradcheck: stages is True or False, got {stages!r:.60}")


def _cotangents(seed: int) -> np.random.Generator:
    """Return a generator unlike ``default_rng(seed)``, which a user may draw the inputs from."""
    try:
        return np.random.default_rng([seed, ord("g")])
    except (ValueError, TypeError):
        raise ArgumentError(f"gradcheck: seed is an integer from 0, got {seed!r:.60}") from None
