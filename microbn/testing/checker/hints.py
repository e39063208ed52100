"""Guesses at the mistake behind a wrong gradient, from its numbers alone.

What the numbers show is said as a statement, and holds; what may have caused it is a question.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .layerwise import (
    CLOSE,
    nearly_equal,
    other_slope,
    region_of,
    row_sum,
    shortcut,
    slope_of,
    sums_to_zero,
)

NOT_WRITTEN = "it is 0 everywhere: is it still to be written, or is a factor of it 0?"
CUT = "it is 0 everywhere: is the path cut (t.data, a constant), or a rule missing?"


def hint(
    name: str,
    wrong: Any,
    inputs: Mapping[str, Any],
    right: Mapping[str, Any],
    output: Any = None,
    dout: Any = None,
    zero: str = NOT_WRITTEN,
) -> str | None:
    """Return the likeliest guess at the mistake in the gradient of the input ``name``, if any.

    ``wrong`` is the gradient that was given. ``inputs`` and ``right`` hold all inputs and their
    right gradients, by name. ``output`` is the function's output, ``dout`` the gradient that came
    in, and ``zero`` what to say of a gradient that is 0.
    """
    if np.isfinite(wrong).all() and not wrong.any():
        return zero
    return next(_guesses(name, wrong, inputs, right, output, dout), None)


def _guesses(
    name: str,
    wrong: Any,
    inputs: Mapping[str, Any],
    right: Mapping[str, Any],
    output: Any,
    dout: Any,
) -> Iterator[str]:
    should, x = right[name], inputs[name]
    if not np.isfinite(wrong).all():
        yield "it is not finite: a division by 0, or the root or the logarithm of one?"
    elif not should.any():
        yield f"it should be 0 everywhere: here the output does not change with {name}"
    elif np.isfinite(should).all():
        layer = (name, wrong, should, x, output, dout)
        entrywise = dout is not None and np.shape(output) == x.shape
        yield from _constant_ratio(wrong, should, inputs, right)
        yield from _misplaced(wrong, should)
        for other in (key for key in inputs if key != name):
            yield from _mixed_up(wrong, should, other, inputs[other], right[other])
        if entrywise:
            yield from (*region_of(*layer), *slope_of(*layer))
            yield from shortcut(name, wrong, should, dout)
        if nearly_equal(wrong, should, 1e-3):
            yield "it is nearly right: a small constant such as eps in another place, or float32?"
        yield from _missing_path(wrong, should, x)
        if entrywise:
            yield from _row_term(wrong - should, output)
            yield from other_slope(name, should, x, output, dout)
        yield from row_sum(*layer)


def _constant_ratio(
    wrong: Any, should: Any, inputs: Mapping[str, Any], right: Mapping[str, Any]
) -> Iterator[str]:
    """Guess what a factor that is the same everywhere might mean."""
    largest = np.argmax(np.abs(should))
    ratio = float(wrong.flat[largest] / should.flat[largest])
    if abs(ratio - 1) > 1e-6 and nearly_equal(wrong, ratio * should, 1e-7):
        close = CLOSE * abs(ratio)
        known = _known_ratios(inputs, right)
        meant = (words for factor, words in known if abs(factor - ratio) < close)
        words = next(meant, "")
        if wrong.size > 1 or words:  # one number is always some multiple of another
            yield f"{times_too_large(ratio, wrong.size)}{words}"


def times_too_large(ratio: float, size: int) -> str:
    """Say of a gradient with so many entries that a factor is wrong."""
    each = "every entry" if size > 1 else "it"
    return f"{each} is {ratio:.8g} times what it should be"


def _known_ratios(
    inputs: Mapping[str, Any], right: Mapping[str, Any]
) -> Iterator[tuple[float, str]]:
    """Yield the factors that have a meaning, and the words for it."""
    yield -1.0, ": the sign"
    yield 2.0, ": counted twice, or a sum where a mean is meant?"
    yield 0.5, ": halved, or a mean where a sum is meant?"
    for name, x in inputs.items():
        lengths = {axis: n for axis, n in enumerate(np.shape(x)) if n > 1}
        counts = [(np.size(x), f"the number of entries of {name!r}")] * (np.ndim(x) > 1)
        counts += [(n, f"the length of axis {axis} of {name!r}") for axis, n in lengths.items()]
        for n, words in counts:
            yield n, f", {words}: a sum where a mean is meant?"
            yield 1 / n, f", 1 / {words}: a mean where a sum is meant?"
        for axis, n in lengths.items():
            for power, sign in ((1.0, ""), (0.5, "√")) * sums_to_zero(right[name], axis):
                words = f"with n = {n}, the length of axis {axis} of {name!r}"
                words += ": the biased variance, or the unbiased?"
                yield (n / (n - 1)) ** power, f", {sign}(n / (n - 1)) {words}"
                yield ((n - 1) / n) ** power, f", {sign}((n - 1) / n) {words}"


def _misplaced(wrong: Any, right: Any) -> Iterator[str]:
    """Guess whether the right numbers stand in the wrong place, or are added up."""
    if wrong.ndim == 2 and wrong.shape[0] == wrong.shape[1] and nearly_equal(wrong, right.T):
        yield "it is transposed"
    for axis, n in enumerate(wrong.shape):
        if np.count_nonzero(right, axis).min() < 2:  # a single number is its own sum
            continue
        total = right.sum(axis, keepdims=True) + 0 * right
        if n > 1 and nearly_equal(wrong, total):
            yield f"it is summed over axis {axis}, and the sum spread back"
        elif n > 1 and nearly_equal(wrong, total / n):
            yield f"it is averaged over axis {axis}, and the mean spread back"


def _mixed_up(wrong: Any, right: Any, other: str, value: Any, its_right: Any) -> Iterator[str]:
    """Guess whether it is another input's gradient, or has another input as a factor too often."""
    if wrong.shape == its_right.shape and nearly_equal(wrong, its_right):
        yield f"it is the gradient of {other!r}"
    try:
        factor = np.broadcast_to(value, wrong.shape)
    except ValueError:
        return
    if factor.size and np.ptp(factor) > 0:
        if nearly_equal(wrong * factor, right):
            yield f"it lacks the factor {other!r}"
        elif nearly_equal(wrong, right * factor):
            yield f"it has the factor {other!r} once too often"


def _missing_path(wrong: Any, right: Any, x: Any) -> Iterator[str]:
    """Guess at a path through a mean or a variance that was not taken.

    The error is then the same along an axis, or it follows the input along it.
    """
    error = wrong - right
    for axis, n in enumerate(error.shape):
        if n < 3 or error.ndim < 2 or not sums_to_zero(right, axis):
            continue
        mean = error.mean(axis, keepdims=True)
        centered = x - x.mean(axis, keepdims=True)
        squares = (centered * centered).sum(axis, keepdims=True)
        slope = (error * centered).sum(axis, keepdims=True) / np.where(squares, squares, 1)
        if nearly_equal(error, mean + 0 * error):
            yield _path_hint("is the same all along", "a path through a mean or a sum", axis)
        elif nearly_equal(error - mean, slope * centered):
            also = "" if sums_to_zero(wrong, axis) else ", and so is one through a mean"
            yield _path_hint("follows the input along", "a path through a variance", axis, also)
    yield from _wrong_axis(wrong, right)


def _wrong_axis(wrong: Any, right: Any) -> Iterator[str]:
    """Guess at a mean over the wrong axis.

    The error is then a number for each row times one for each column.
    """
    error = wrong - right
    off = np.abs(error) > CLOSE * np.max(np.abs(error))
    if error.ndim != 2 or min(error.shape) < 3 or min(off.any(0).sum(), off.any(1).sum()) < 3:
        return
    lost = any(sums_to_zero(right, axis) and not sums_to_zero(wrong, axis) for axis in (0, 1))
    first, second, *_ = np.linalg.svd(error - error.mean(0), compute_uv=False)
    if lost and second <= CLOSE * first:
        yield "the error looks like that of a mean or a sum over the wrong axis"


def _row_term(error: Any, output: Any) -> Iterator[str]:
    """Guess at a sum that was not differentiated, as in a softmax without its row term.

    The error then follows the output along an axis.
    """
    for axis in range(error.ndim):
        squares = (output * output).sum(axis, keepdims=True)
        slope = (error * output).sum(axis, keepdims=True) / np.where(squares, squares, 1)
        several = np.count_nonzero(output, axis).min() > 2
        if several and nearly_equal(error, slope * output):
            yield _path_hint("follows the output along", "a path through a sum", axis)


def _path_hint(pattern: str, path: str, axis: int, also: str = "") -> str:
    return f"the error {pattern} axis {axis}: {path} is missing, or wrong{also}?"
