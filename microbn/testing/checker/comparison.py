"""Gradients beside slopes: what agrees, what differs, what cannot be told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import NonFiniteError
from ...reading.trace import first_fault, spell
from .differences import Slopes, slopes
from .habits import TIMES, bent, called_twice, unfit
from .report import BENT, Compared, Report, told_apart
from .subjects import Gradient, Subject

BARS = 10  # how many error bars a gradient may be off
LOOSE = 1e-6  # of a slope, how much more it may be off
SMALL = 1e-3  # of the largest slope: smaller ones are held to the measure of this one
CLEAR = 1e-4  # of a slope, how much its bars may be
FAINT = 500  # times the rounding, the same where the slope is hardly more than that


def compare(
    subject: Subject,
    rng: np.random.Generator,
    order: int = 1,
    closed_form: Callable | None = None,
) -> Report:
    """Compare the gradients of a subject with its slopes, from a random cotangent.

    If they agree and ``order`` is 2, those of the gradient too.
    """
    out, hopeless, habit = called_twice(subject)
    if fault := first_fault(out):
        raise NonFiniteError(f"gradcheck: {subject.name} gives {spell(fault)} at these inputs")
    if hopeless:
        return Report(subject.name, faults=(hopeless,))
    cotangent = rng.normal(size=out.shape)
    report = _compare(subject, cotangent, closed_form)
    report = replace(report, faults=((habit,) if habit else ()) + report.faults, output=out)
    if report.ok and order == 2:
        second = compare(Gradient(subject, cotangent), rng)
        return replace(second, order=2)
    return report


def _compare(subject: Subject, cotangent: np.ndarray, closed_form: Callable | None) -> Report:
    with np.errstate(all="ignore"):  # an infinite gradient is reported
        found = subject.gradients(cotangent.copy())
        scaled = subject.gradients(TIMES * cotangent).arrays
    faults, compared = list(found.faults), []
    for i, (name, value) in enumerate(zip(subject.names, subject.values, strict=True)):

        def along(moved: np.ndarray, i: int = i) -> Any:
            try:
                return subject.output([*subject.values[:i], moved, *subject.values[i + 1 :]])
            except (ValueError, ArithmeticError):  # beyond where the function is defined
                return np.nan

        if fault := unfit(name, value, found.arrays[i]):
            faults.append(fault)
            continue
        numeric = slopes(along, value, cotangent, found.scale)
        judged = _judged(name, value, found.arrays[i], numeric)
        judged = judged._replace(bent=bent(found.arrays[i], scaled[i]))
        if judged.bent:
            right = " (for a gradient of 1 it is right)" * _right_for_1(judged, cotangent)
            faults.append(f"the gradient for {name!r} {BENT[judged.bent]}{right}")
        compared.append(judged)
    if closed_form and not faults:
        faults += _by_hand(closed_form, subject, cotangent, compared)
    return Report(subject.name, tuple(compared), tuple(faults), found.notes)


def _judged(name: str, value: np.ndarray, analytic: np.ndarray, numeric: Slopes) -> Compared:
    """Which entries differ from their slopes, and for which that cannot be told."""
    low, high, bar, rounding = numeric
    slope = np.maximum(np.abs(low), np.abs(high))
    slope = np.maximum(slope, SMALL * np.max(slope, where=np.isfinite(slope), initial=0))
    with np.errstate(invalid="ignore"):
        known = np.isfinite(bar) & (BARS * bar <= np.maximum(CLEAR * slope, FAINT * rounding))
        tolerance = BARS * bar + LOOSE * slope + rounding
        right = (low - tolerance <= analytic) & (analytic <= high + tolerance)
    return Compared(name, value, analytic, numeric, known & ~right, ~known)


def _right_for_1(judged: Compared, cotangent: np.ndarray) -> bool:
    """Return whether a gradient would be right if 1 had come in for a single number."""
    if cotangent.size != 1:
        return False
    low, high, bar, rounding = (part / cotangent.item() for part in judged.numeric)
    sides = np.minimum(low, high), np.maximum(low, high), np.abs(bar), np.abs(rounding)
    return _judged(*judged[:3], Slopes(*sides)).verdict == "agrees"


def _by_hand(
    closed_form: Callable, subject: Subject, cotangent: np.ndarray, compared: Sequence[Compared]
) -> Iterator[str]:
    """Where a closed form gives something else than the graph, to a 1e-9 of its largest entry."""
    values = [value.copy() for value in subject.values]
    places = subject.inputs.places  # a Module's parameters come after its inputs
    inputs = subject.inputs.filled(values[: len(places)])
    given = closed_form(cotangent.copy(), *inputs, *values[len(places) :])
    gradients = [*given] if isinstance(given, (tuple, list)) else [given]
    if len(gradients) == len(inputs) > len(compared):
        gradients = [gradients[i] for i in places]
    if len(gradients) != len(compared):
        yield f"the closed form gives {len(gradients)} gradients for {len(compared)} inputs"
        return
    for part, gradient in zip(compared, map(np.asarray, gradients), strict=True):
        if fault := unfit(part.name, part.value, gradient):
            yield f"of the closed form, {fault}"
            continue
        off = np.abs(gradient - part.analytic)
        apart = ~(off <= 1e-9 * np.max(np.abs(part.analytic), initial=0) + part.numeric.rounding)
        judged = _judged(part.name, part.value, gradient, part.numeric)
        apart = np.where(part.kinks, judged.wrong, apart)  # at a kink both may be right
        if apart.any():
            i = tuple(int(k) for k in np.argwhere(apart)[0])
            where = f" {list(i)}" if i else ""
            slope = part.numeric.value[i]
            mine, graphs, slopes_say = told_apart(gradient[i], part.analytic[i], slope)
            yield (
                f"the closed form's gradient for {part.name!r}{where} is {mine}, that of the "
                f"graph {graphs}; differences say {slopes_say}"
            )
