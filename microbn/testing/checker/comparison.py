"""Compare gradients with slopes: they agree, they differ, or it cannot be told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import NonFiniteError
from ...reading.trace import first_fault, spell
from .differences import Slopes, slopes_at
from .habits import TIMES, bent, called_twice, unfit
from .inputs import as_list
from .report import BENT, Compared, Report, told_apart
from .subjects import Gradient, Subject

BARS = 10  # a gradient may be off by this many error bars
LOOSE = 1e-6  # and by this share of the slope
SMALL = 1e-3  # a slope below this share of the largest one counts as this large
CLEAR = 1e-4  # a slope is known if its bars are below this share of it
FAINT = 500  # or, for a slope lost in rounding, below this many times the rounding


def compare(
    subject: Subject, rng: np.random.Generator, order: int = 1, closed_form: Callable | None = None
) -> Report:
    """Compare the gradients of a subject with its slopes, from a random cotangent.

    If they agree and ``order`` is 2, compare the gradient's own gradient with its slopes too.
    """
    out, unusable, habit = called_twice(subject)
    if fault := first_fault(out):
        raise NonFiniteError(f"gradcheck: {subject.name} gives {spell(fault)} at these inputs")
    if unusable:
        return Report(subject.name, faults=(unusable,))
    cotangent = rng.normal(size=out.shape)
    report = _compared(subject, out, cotangent, closed_form)
    faults = ((habit,) if habit else ()) + report.faults
    report = replace(report, faults=faults, output=out, dout=cotangent)
    if report.ok and order == 2:
        return replace(compare(Gradient(subject, cotangent), rng), order=2)
    return report


def _compared(
    subject: Subject, out: np.ndarray, cotangent: np.ndarray, closed_form: Callable | None
) -> Report:
    with np.errstate(all="ignore"):  # an infinite gradient is reported
        found = subject.gradients(cotangent.copy())
        scaled = subject.once_more(TIMES * cotangent)
    faults, compared = list(found.faults), []
    for i, (name, value) in enumerate(zip(subject.names, subject.values, strict=True)):
        if fault := unfit(name, value, found.arrays[i]):
            faults.append(fault)
            continue
        claim = found.arrays[i]
        numeric = slopes_at(_along(subject, i), value, out, cotangent, found.scale, claim)
        judged = _judged(name, value, claim, numeric)._replace(bent=bent(claim, scaled[i]))
        if judged.bent:
            right = " (for a gradient of 1 it is right)" * _right_for_1(judged, cotangent)
            faults.append(f"the gradient for {name!r} {BENT[judged.bent]}{right}")
        compared.append(judged)
    if closed_form and not faults:
        faults += _closed_form_faults(closed_form, subject, cotangent, compared)
    return Report(subject.name, tuple(compared), tuple(faults), found.notes)


def _along(subject: Subject, i: int) -> Callable[[np.ndarray], Any]:
    """Return the subject's output as a function of input i alone, NaN where it is not defined."""

    def output(moved: np.ndarray) -> Any:
        try:
            return subject.output([*subject.values[:i], moved, *subject.values[i + 1 :]])
        except (ValueError, ArithmeticError):
            return np.nan

    return output


def _judged(name: str, value: np.ndarray, analytic: np.ndarray, numeric: Slopes) -> Compared:
    """Decide which entries differ from their slopes, and for which entries this is unknown."""
    low, high, bar, rounding = numeric
    slope = np.maximum(np.abs(low), np.abs(high))
    slope = np.maximum(slope, SMALL * np.max(slope, where=np.isfinite(slope), initial=0))
    with np.errstate(invalid="ignore"):
        known = np.isfinite(bar) & (BARS * bar <= np.maximum(CLEAR * slope, FAINT * rounding))
        tolerance = BARS * bar + LOOSE * slope + rounding
        right = (low - tolerance <= analytic) & (analytic <= high + tolerance)
    return Compared(name, value, analytic, numeric, known & ~right, ~known)


def _right_for_1(judged: Compared, cotangent: np.ndarray) -> bool:
    """Return whether the gradient of a single number would be right for an incoming gradient 1."""
    if cotangent.size != 1:
        return False
    low, high, bar, rounding = (part / cotangent.item() for part in judged.numeric)
    sides = np.minimum(low, high), np.maximum(low, high), np.abs(bar), np.abs(rounding)
    return _judged(*judged[:3], Slopes(*sides)).verdict == "agrees"


def _closed_form_faults(
    closed_form: Callable, subject: Subject, cotangent: np.ndarray, compared: Sequence[Compared]
) -> Iterator[str]:
    """Yield a sentence for each gradient of the closed form that is not that of the graph.

    They are the same if no entry is off by more than 1e-9 of the largest one, or than rounding.
    """
    values = [value.copy() for value in subject.values]
    places = subject.inputs.places  # a Module's parameters come after its inputs
    inputs = subject.inputs.filled(values[: len(places)])
    gradients = as_list(closed_form(cotangent.copy(), *inputs, *values[len(places) :]))
    if len(gradients) == len(inputs) > len(compared):
        gradients = [gradients[i] for i in places]
    if len(gradients) != len(compared):
        yield f"the closed form gives {len(gradients)} gradients for {len(compared)} inputs"
        return
    for part, gradient in zip(compared, map(np.asarray, gradients), strict=True):
        if fault := unfit(part.name, part.value, gradient):
            yield f"in the closed form, {fault}"
            continue
        numeric, off = part.numeric.value, np.abs(gradient - part.analytic)
        apart = ~(off <= 1e-9 * np.max(np.abs(part.analytic), initial=0) + part.numeric.rounding)
        judged = _judged(part.name, part.value, gradient, part.numeric)
        apart = np.where(part.kinks, judged.wrong, apart)  # at a kink both may be right
        if apart.any():
            i = tuple(int(k) for k in np.argwhere(apart)[0])
            where = f" {list(i)}" if i else ""
            mine, graphs, slope = told_apart(*(x[i] for x in (gradient, part.analytic, numeric)))
            yield (
                f"the closed form's gradient for {part.name!r}{where} is {mine}, that of the graph "
                f"is {graphs}; finite differences give {slope}"
            )
