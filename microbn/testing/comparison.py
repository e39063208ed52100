"""Gradients beside slopes: what agrees, what differs, what cannot be told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import NonFiniteError, listed
from ..finite import first_fault, spell
from .differences import Slopes, slopes
from .report import Compared, Report
from .subjects import Gradient, Subject


def compare(
    subject: Subject,
    rng: np.random.Generator,
    order: int = 1,
    closed_form: Callable | None = None,
) -> Report:
    """Compare the gradients of a subject with its slopes, from a random cotangent.

    If they agree and ``order`` is 2, those of the gradient too.
    """
    out, habit = _called_twice(subject)
    if fault := first_fault(out):
        raise NonFiniteError(f"gradcheck: {subject.name} gives {spell(fault)} at these inputs")
    if habit:
        return Report(subject.name, faults=(habit,))
    cotangent = rng.normal(size=out.shape)
    report = replace(_compare(subject, cotangent, closed_form), output=out)
    if report.ok and order == 2:
        second = compare(Gradient(subject, cotangent), rng)
        return replace(second, name=subject.name, order=2)
    return report


def _compare(subject: Subject, cotangent: np.ndarray, closed_form: Callable | None) -> Report:
    with np.errstate(all="ignore"):  # an infinite gradient is reported
        gradients, faults, notes = subject.gradients(cotangent.copy())
        scaled, *_ = subject.gradients(-2 * cotangent)  # which no rounding tells from -2 times
    compared = []
    for i, (name, value) in enumerate(zip(subject.names, subject.values, strict=True)):

        def along(moved: np.ndarray, i: int = i) -> np.ndarray:
            return subject.output([*subject.values[:i], moved, *subject.values[i + 1 :]])

        if fault := _unfit(name, value, gradients[i]):
            faults.append(fault)
            continue
        faults += _bent(name, gradients[i], scaled[i])
        found = slopes(along, value, cotangent, subject.scale)
        compared.append(_judged(name, value, gradients[i], found))
    if closed_form and not faults:
        values = [value.copy() for value in subject.values]
        faults += _by_hand(closed_form(cotangent.copy(), *values), compared)
    return Report(subject.name, tuple(compared), tuple(faults), tuple(notes))


def _judged(name: str, value: np.ndarray, analytic: np.ndarray, numeric: Slopes) -> Compared:
    """What differs: by more than ten error bars and a millionth of the slope, or of a thousandth
    of the largest slope. What is unknown: slopes whose ten bars are over a 1e-4 of that, unless
    these too are hardly more than rounding.
    """
    low, high, bar, rounding = numeric
    slope = np.maximum(np.abs(low), np.abs(high))
    slope = np.maximum(slope, 1e-3 * np.max(slope, where=np.isfinite(slope), initial=0))
    with np.errstate(invalid="ignore"):
        known = 10 * bar <= np.maximum(1e-4 * slope, 500 * rounding)
        tolerance = 10 * bar + 1e-6 * slope + rounding
        right = (low - tolerance <= analytic) & (analytic <= high + tolerance)
    return Compared(name, value, analytic, numeric, known & ~right, ~known)


def _by_hand(given: Any, compared: Sequence[Compared]) -> Iterator[str]:
    """Where a closed form gives something else than the graph, to a 1e-9 of its largest entry."""
    gradients = given if isinstance(given, (tuple, list)) else [given]
    if len(gradients) != len(compared):
        yield f"the closed form gives {len(gradients)} gradients for {len(compared)} inputs"
        return
    for part, gradient in zip(compared, map(np.asarray, gradients), strict=True):
        if gradient.shape != part.value.shape:
            shapes = f"{gradient.shape}, its input {part.value.shape}"
            yield f"the closed form's gradient for {part.name!r} has shape {shapes}"
            continue
        off = np.where(part.numeric.low < part.numeric.high, 0, np.abs(gradient - part.analytic))
        least = 1e-9 * np.max(np.abs(part.analytic), initial=0) + part.numeric.rounding
        if not np.max(off, initial=0) <= least:
            i = tuple(map(int, np.unravel_index(np.argmax(off), off.shape)))
            where = f" {list(i)}" if i else ""
            yield (
                f"the closed form's gradient for {part.name!r}{where} is {gradient[i]:.6g}, that "
                f"of the graph {part.analytic[i]:.6g}; differences say {part.numeric.value[i]:.6g}"
            )


def _unfit(name: str, value: np.ndarray, gradient: np.ndarray) -> str | None:
    """Why this can be no gradient for the input."""
    if gradient.dtype != np.float64:
        what = "None" if gradient.shape == () and gradient.item() is None else str(gradient.dtype)
        return f"the gradient for {name!r} is {what}, its input float64"
    if gradient.shape == value.shape:
        return None
    new = gradient.ndim - value.ndim
    sum_over = (
        f"; sum over axis {listed(range(new))}" if gradient.shape[new:] == value.shape else ""
    )
    return (
        f"the gradient for {name!r} has shape {gradient.shape}, its input {value.shape}{sum_over}"
    )


def _bent(name: str, gradient: np.ndarray, scaled: np.ndarray) -> Iterator[str]:
    """A backward is linear: -2 times what comes in makes -2 times what goes out."""
    same = "it does not depend on it" if np.array_equal(gradient, scaled) else "it is not linear"
    off = np.abs(scaled + 2 * gradient) > 1e-9 * np.max(np.abs(gradient), initial=0)
    if scaled.shape != gradient.shape or off.any():
        yield (
            f"the gradient for {name!r} does not become -2 times as much with -2 times the "
            f"gradient that comes in: {same}, or there is chance in it"
        )


def _called_twice(subject: Subject) -> tuple[np.ndarray, str | None]:
    """What a function gives, and what it must not do if anything is to be told about it."""
    before = [value.copy() for value in subject.values]
    out = subject.output(subject.values)
    first = out.copy()
    again = subject.output(subject.values)
    for name, value, kept in zip(subject.names, subject.values, before, strict=True):
        if not np.array_equal(value, kept):
            value[...] = kept
            return first, f"it writes into its input {name!r}; let it work on a copy"
    if first.tobytes() != again.tobytes():
        return first, "called twice, it gives two results: is there dropout, or a state?"
    if np.shares_memory(out, again) and not any(np.shares_memory(out, v) for v in subject.values):
        return first, "it gives the same array each time, and so overwrites what it gave before"
    if out.dtype != np.float64:
        return first, f"it gives {out.dtype} for float64, which is too coarse to tell: inconclusive"
    return first, None
