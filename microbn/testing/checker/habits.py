"""Habits that finite differences cannot show: how a function and its backward behave in a call."""

from __future__ import annotations

import numpy as np

from ...errors import listed
from .subjects import Subject

TIMES = -1024.0  # scales the incoming gradient exactly, and so far that clipping would show


def called_twice(subject: Subject) -> tuple[np.ndarray, str | None, str | None]:
    """Return the output, a reason why it cannot be checked, if any, and a bad habit, if any."""
    out = subject.output(subject.values)
    first = out.copy()
    again, written = subject.again()
    if first.tobytes() != again.tobytes():
        chance = "is there dropout, or a state? Set its seed in the function"
        return first, f"called twice, it gives two results: {chance}", None
    if out.dtype.kind != "f":
        return first, f"it returns {out.dtype}, which has no gradient", None
    if out.dtype != np.float64:
        coarse = "which is too coarse to check: inconclusive"
        return first, f"it returns {out.dtype} for float64, {coarse}", None
    habit = None
    if written:
        habit = f"it writes into its input {written!r}; let it work on a copy"
    elif np.shares_memory(out, again) and not any(np.shares_memory(out, v) for v in subject.values):
        habit = "it returns the same array each time, and so overwrites its earlier results"
    return first, None, habit


def unfit(name: str, value: np.ndarray, gradient: np.ndarray) -> str | None:
    """Return why an array cannot be the gradient for an input, or None if it can."""
    if gradient.dtype != np.float64:
        if gradient.shape == () and gradient.item() is None:
            return f"the gradient for {name!r} is None, but its input is float64; is it unfinished?"
        why = "; are parentheses missing around a comparison?" if gradient.dtype == bool else ""
        return f"the gradient for {name!r} is {gradient.dtype}, but its input is float64{why}"
    if gradient.shape == value.shape:
        return None
    new = range(gradient.ndim - value.ndim)
    fits = new and gradient.shape[len(new) :] == value.shape
    way_out = f"; sum it over axis {listed(new)}" if fits else ""
    return f"the gradient for {name!r} has shape {gradient.shape}, its input {value.shape}{way_out}"


def bent(gradient: np.ndarray, scaled: np.ndarray) -> str:
    """Return "" if the gradient is linear in the incoming one, else "ignored" or "not linear".

    ``scaled`` is the gradient for `TIMES` the incoming one.
    """
    if scaled.shape != gradient.shape or not np.isfinite(gradient).all():
        return ""
    off = np.abs(scaled / TIMES - gradient) > 1e-9 * np.max(np.abs(gradient), initial=0)
    if not off.any():
        return ""
    return "ignored" if np.array_equal(gradient, scaled) else "not linear"
