"""Slopes by finite differences, each with an error bar; at a kink, those on both sides of it.

Nothing here knows of gradients: it is what a gradient is held against.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...errors import DTypeError, ShapeError

EPS = float(np.finfo(np.float64).eps)
LEVELS = 5  # how often a step is quartered, before another start is tried
STARTS = [2.0**-k for k in range(0, 31, 6)]  # of the first step: kinks and poles may be close
FLAT = 200  # times the noise: chords of the first step below that are rounding, and the slope is 0
CLOSING = 0.6  # of the gap between the chords: what is left of it where a step is quartered
DONE, GOOD = 1e-7, 1e-6  # of a slope: an error at which to stop, one with which to be content
SURE = 1e-4  # of a slope: what is known so well is not given up for what smaller steps give
GOLDEN = 0.618  # of the first step, another one that has no common measure with it
LOST = 1e-12  # steps below that may be lost in what f adds to x
SHARP = 1e-3  # of the gap at a kink: how well both sides have to be known


class Slopes(NamedTuple):
    """The slopes of a function along the entries of an input, in arrays of its shape.

    Each lies between ``low - bar`` and ``high + bar``. The two differ at a kink alone, where they
    are the slopes on its sides. Where there is no estimate, ``bar`` is infinite. What is below
    ``rounding`` is as good as 0.
    """

    low: Any
    high: Any
    bar: Any
    rounding: Any

    @property
    def value(self) -> Any:
        """The slope; at a kink the middle."""
        return (self.low + self.high) / 2


class _Slope(NamedTuple):
    """That of one entry."""

    low: float
    high: float
    bar: float


UNKNOWN = _Slope(np.nan, np.nan, np.inf)
Chords = Callable[[float], tuple[float, float, float]]


def slopes(f: Callable[[np.ndarray], Any], x: Any, cotangent: Any, scale: float = 0.0) -> Slopes:
    """The slopes of ``sum(cotangent * f(x))`` along every entry of x.

    ``f`` takes and gives float64 arrays. The first step is a sixteenth of the spread of x, which
    also serves where x lies far from 0; it shrinks where f is not finite, and close to a kink.
    What is rounded is what f gives, or, where this is left over from larger terms, ``scale``.

    Raises DTypeError where x is no array of numbers, ShapeError where the cotangent is not like
    f(x).

    Source: Ridders 1982, "Accurate computation of F'(x) and F'(x)F''(x)".
    """
    try:
        x = np.array(x, np.float64)
    except (TypeError, ValueError):
        raise DTypeError(f"slopes: x is an array of floats, got {x!r:.60}") from None
    found = np.empty((4, *x.shape))
    with np.errstate(all="ignore"):  # beyond a pole f may be anything
        here, first = np.array(f(x)), spread(x) / 16
        if np.shape(cotangent) != here.shape:
            fits = f"the cotangent has shape {np.shape(cotangent)}, f(x) {here.shape}"
            raise ShapeError(f"slopes: {fits}")
        noise = _noise(f, x, here, cotangent, scale)
        for index in np.ndindex(x.shape):
            chords = _chords(f, x, index, here, cotangent, noise)
            start = _resolved(chords, first)
            found[:, *index] = *_slope(chords, start), 10 * chords(start)[2]
    return Slopes(*found)


def numeric_vjp(f: Callable[[np.ndarray], Any], x: Any, cotangent: Any) -> np.ndarray:
    """The values of `slopes`, without their bars: NaN where there is no estimate."""
    return slopes(f, x, cotangent).value


def _noise(f: Callable, x: np.ndarray, here: np.ndarray, cotangent: Any, scale: float) -> Callable:
    """How much of the weighed sum of f is rounding, given which of its outputs move.

    What does not move is not rounded anew. An output close to 0 is rounded like a middling one, and
    a single output like what f gives for the entries of x in another order, if that is more.
    """
    middling = np.median(np.abs(here)) if here.size else 0.0
    if here.size == 1:
        elsewhere = float(np.abs(f(x.reshape(-1)[::-1].reshape(x.shape))).item())
        middling = max(middling, elsewhere) if elsewhere < np.inf else middling
    sizes = np.abs(cotangent) * np.maximum(np.abs(here), middling)
    eps = EPS * (1 + np.max(np.abs(x), initial=0) / spread(x))  # far from 0, x is rounded more
    largest = float(np.max(sizes, initial=0)) or 1.0  # for the squares to have a size of their own
    squares, still = np.square(sizes / largest), norm(cotangent) * middling

    def noise(moves: Any) -> float:
        return eps * max(largest * float(np.vdot(squares, moves)) ** 0.5 or still, scale)

    return noise


def _chords(
    f: Callable, x: np.ndarray, index: tuple, here: Any, cotangent: Any, noise: Callable
) -> Chords:
    """For a step, the slopes of the chords to the right and to the left, and the noise in them.

    An output that moved once may move on, by less than can be seen.
    """
    far = x.copy()
    far[index] = x.flat[np.argmax(np.abs(x - x[index]))]
    moving = f(far) != here

    def chord(step: float) -> tuple[Any, float]:
        moved = x.copy()
        moved[index] += step
        change, taken = f(moved) - here, float(moved[index] - x[index])
        return change, float(np.vdot(cotangent, change)) / taken if taken else np.nan

    @functools.cache
    def chords(step: float) -> tuple[float, float, float]:
        nonlocal moving
        (up, right), (down, left) = chord(step), chord(-step)
        moving = moving | (up != down)
        return right, left, noise(moving) / step

    return chords


def _resolved(chords: Chords, first: float) -> float:
    """A step, of 1 at most, that is not lost in rounding: x may be spread by less than that."""
    right, left, noise = chords(first)
    while first < LOST and right == left == 0:  # f is not flat, but rounds so small a step off
        first *= 64
        right, left, noise = chords(first)
    while first < 1 / 64 and 0 < abs(right) + abs(left) < noise / GOOD:
        first *= 64
        right, left, noise = chords(first)
    return first


def _slope(chords: Chords, first: float) -> _Slope:
    """The slope along one entry, from the first start that gives a good one; or a kink's two."""
    right, left, noise = chords(first)
    other = chords(GOLDEN * first)  # as f may have just the period of the first
    if all(abs(up) + abs(down) <= FLAT * n for up, down, n in ((right, left, noise), other)):
        return _Slope((right + left) / 2, (right + left) / 2, FLAT * noise if right or left else 0)
    best = UNKNOWN
    for scale in STARTS:
        estimate = _central(chords, first * scale, flat=not (right and left))
        apart = abs(estimate.low - best.low) > 10 * (estimate.bar + best.bar)
        if not (apart and best.bar <= SURE * abs(best.low)):
            best = min(best, estimate, key=lambda slope: slope.bar)
        if best.bar <= GOOD * abs(best.low):
            return best
    kink = min((_kink(chords, first * scale) for scale in STARTS), key=lambda slope: slope.bar)
    return kink if kink.bar < best.bar else best


def _central(chords: Chords, start: float, flat: bool) -> _Slope:
    """What central differences tend to, as well as it can be known.

    The chords to both sides have to close up with the step: where they do not, there is a kink,
    whatever their mean may tend to. Where f did not move to one side of the first step it may be
    ``flat`` here; where it moved to both, chords of 0 are no more than rounding.
    """
    limit, best, gap = _Limit(16), UNKNOWN, np.inf
    for level in range(LEVELS):
        right, left, noise = chords(start / 4**level)
        if right == left == 0:
            return _Slope(0.0, 0.0, 0.0) if flat else best
        before, gap = gap, abs(right - left)
        if not gap < np.inf or gap > max(CLOSING * before, 8 * noise, DONE * abs(right + left)):
            break  # a pole, or a kink
        limit.add((right + left) / 2)
        bar = max(limit.error, noise)
        if bar < best.bar:
            best = _Slope(limit.value, limit.value, bar)
        if bar <= max(DONE * abs(limit.value), 2 * noise):
            break
    return best


def _kink(chords: Chords, start: float) -> _Slope:
    """What the chords to both sides tend to, where these limits are apart."""
    rights, lefts, noise = _Limit(4), _Limit(4), 0.0
    for level in range(LEVELS):
        right, left, noise = chords(start / 4**level)
        rights.add(right)
        lefts.add(left)
    low, high = sorted((rights.value, lefts.value))
    bar = max(rights.error, lefts.error, noise)
    return _Slope(low, high, bar) if bar < SHARP * (high - low) else UNKNOWN


class _Limit:
    """What slopes at quartered steps tend to: Ridders's triangle, its error the change it makes.

    ``power`` is 16 where the slopes are off by even powers of the step, 4 for all powers.
    """

    def __init__(self, power: int) -> None:
        self.power, self.value, self.error = power, np.nan, np.inf
        self.row: list[float] = []

    def add(self, slope: float) -> None:
        row = [slope]
        for j, older in enumerate(self.row):
            row.append(row[j] + (row[j] - older) / (self.power ** (j + 1) - 1))
            error = max(abs(row[-1] - row[-2]), abs(row[-1] - older))
            if error <= self.error:
                self.value, self.error = row[-1], error
        self.row = row


def spread(x: np.ndarray) -> float:
    """How far the entries lie from each other; of a single one, or of equal ones, from 0."""
    return float(np.std(x) if x.size else 0) or float(np.max(np.abs(x), initial=0)) or 1.0


def norm(x: Any) -> float:
    """The root of the sum of the squares, whatever their size."""
    return math.hypot(*np.ravel(x))
