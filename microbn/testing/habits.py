"""What no difference shows: how a function and its backward behave while they are called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..errors import listed
from .subjects import Subject


def called_twice(subject: Subject) -> tuple[np.ndarray, str | None]:
    """What the function gives, and what it must not do if anything is to be told about it."""
    before = [value.copy() for value in subject.values]
    out = subject.output(subject.values)
    first = out.copy()
    again = subject.output(subject.values)
    if name := written(subject, before):
        return first, f"it writes into its input {name!r}; let it work on a copy"
    if first.tobytes() != again.tobytes():
        return first, "called twice, it gives two results: is there dropout, or a state?"
    if np.shares_memory(out, again) and not any(np.shares_memory(out, v) for v in subject.values):
        return first, "it gives the same array each time, and so overwrites what it gave before"
    if out.dtype.kind != "f":
        return first, f"it gives {out.dtype}, which has no gradient"
    if out.dtype != np.float64:
        return first, f"it gives {out.dtype} for float64, which is too coarse to tell: inconclusive"
    return first, None


def written(subject: Subject, before: Sequence[np.ndarray]) -> str | None:
    """The name of an input that is not what it was, which it is again afterwards."""
    for name, value, kept in zip(subject.names, subject.values, before, strict=True):
        if not np.array_equal(value, kept):
            value[...] = kept
            return name
    return None


def unfit(name: str, value: np.ndarray, gradient: np.ndarray) -> str | None:
    """Why this can be no gradient for the input."""
    if gradient.dtype != np.float64:
        what = "None" if gradient.shape == () and gradient.item() is None else str(gradient.dtype)
        return f"the gradient for {name!r} is {what}, its input float64"
    if gradient.shape == value.shape:
        return None
    new = range(gradient.ndim - value.ndim)
    fits = new and gradient.shape[len(new) :] == value.shape
    way_out = f"; sum it over axis {listed(new)}" if fits else ""
    return f"the gradient for {name!r} has shape {gradient.shape}, its input {value.shape}{way_out}"


def bent(name: str, gradient: np.ndarray, scaled: np.ndarray) -> Iterator[str]:
    """A backward is linear: ``scaled`` is its gradient for -2 times what came in."""
    if scaled.shape == gradient.shape and np.isfinite(gradient).all():
        off = np.abs(scaled + 2 * gradient) > 1e-9 * np.max(np.abs(gradient), initial=0)
        if off.any():
            alike = np.array_equal(gradient, scaled)
            what = "does not depend on" if alike else "is not linear (or not the same twice) in"
            yield f"the gradient for {name!r} {what} the gradient that comes in"
