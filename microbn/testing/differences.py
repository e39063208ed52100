"""Slopes by finite differences, each with an error bar; at a kink, those on both sides of it.

Nothing here knows of gradients: it is what a gradient is held against.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

EPS = float(np.finfo(np.float64).eps)
LEVELS = 5  # how often a step is quartered, before another start is tried
STARTS = [2.0**-k for k in range(0, 31, 6)]  # of the first step: kinks and poles may be close


class Slopes(NamedTuple):
    """The slopes of a function along the entries of an input, in arrays of its shape.

    Each lies between ``low - bar`` and ``high + bar``. The two differ at a kink alone, where they
    are the slopes on its sides. Where there is no estimate, ``bar`` is infinite. What is below
    ``rounding``, a number for all, is as good as 0.
    """

    low: Any
    high: Any
    bar: Any
    rounding: float = 0.0

    @property
    def value(self) -> Any:
        """The slope; at a kink the middle."""
        return (self.low + self.high) / 2


UNKNOWN = Slopes(np.nan, np.nan, np.inf)
Chords = Callable[[float], tuple[float, float, float]]


def slopes(f: Callable[[np.ndarray], Any], x: Any, cotangent: Any, scale: float = 0.0) -> Slopes:
    """The slopes of ``sum(cotangent * f(x))`` along every entry of x.

    ``f`` takes and gives float64 arrays. The first step is a tenth of the spread of x, which also
    serves where x lies far from 0; it shrinks where f is not finite, and close to a kink. Rounding
    is taken to be that of what f gives, or of ``scale``, where f is what is left of larger terms.

    Source: Ridders 1982, "Accurate computation of F'(x) and F'(x)F''(x)".
    """
    x = np.array(x, np.float64)
    here = np.array(f(x))
    eps = EPS * (1 + np.max(np.abs(x), initial=0) / spread(x))  # far from 0, x is rounded more
    first, squares = spread(x) / 10, np.square(cotangent * here)

    def noise(moves: Any) -> float:  # what does not move is not rounded anew
        return eps * max(float(np.sum(squares * moves)) ** 0.5, scale)

    found = np.empty((3, *x.shape))
    for index in np.ndindex(x.shape):
        chords = _chords(f, x, index, here, cotangent, noise)
        with np.errstate(all="ignore"):  # beyond a pole f may be anything
            found[:, *index] = _slope(chords, first, noise(True) / first)[:3]
    low, high, bar = found
    return Slopes(low, high, bar, 10 * noise(True) / first)


def numeric_vjp(f: Callable[[np.ndarray], Any], x: Any, cotangent: Any) -> np.ndarray:
    """The values of `slopes`, without their bars: NaN where there is no estimate."""
    return slopes(f, x, cotangent).value


def _chords(
    f: Callable, x: np.ndarray, index: tuple, here: Any, cotangent: Any, noise: Callable
) -> Chords:
    """For a step, the slopes of the chords to the right and to the left, and the noise in them."""

    def chord(step: float) -> tuple[Any, float]:
        moved = x.copy()
        moved[index] += step
        change = f(moved) - here
        return change, np.vdot(cotangent, change) / (moved[index] - x[index])

    @functools.cache
    def chords(step: float) -> tuple[float, float, float]:
        (up, right), (down, left) = chord(step), chord(-step)
        return right, left, noise(up != down) / step if right or left else 0.0

    return chords


def _slope(chords: Chords, first: float, rounding: float) -> Slopes:
    """The slope along one entry, from the first start that gives a good one; or a kink's two."""
    right, left, _ = chords(first)
    if abs(right) + abs(left) <= 200 * rounding:  # f does not change but for its rounding
        middle = (right + left) / 2
        return Slopes(middle, middle, 200 * rounding)
    best = UNKNOWN
    for scale in STARTS:
        estimate, good = _central(chords, first * scale)
        apart = abs(estimate.low - best.low) > 10 * (estimate.bar + best.bar)
        if apart and best.bar <= 1e-4 * abs(best.low):
            continue  # at steps this small f may be nothing but its own rounding
        if good:
            return estimate
        best = min(best, estimate, key=lambda slope: slope.bar)
    kink = min((_kink(chords, first * scale) for scale in STARTS), key=lambda slope: slope.bar)
    return kink if kink.bar < best.bar else best


def _central(chords: Chords, start: float) -> tuple[Slopes, bool]:
    """What central differences tend to, and whether that is known well.

    The chords to both sides have to close up with the step: where they do not, there is a kink,
    whatever their mean may tend to.
    """
    limit, best, gap = _Limit(16), UNKNOWN, np.inf
    for level in range(LEVELS):
        right, left, noise = chords(start / 4**level)
        before, gap = gap, abs(right - left)
        if not gap < np.inf or gap > max(0.6 * before, 8 * noise, 1e-7 * (abs(right) + abs(left))):
            break  # a pole, or a kink
        limit.add((right + left) / 2)
        bar = max(limit.error, noise)
        if bar < best.bar:
            best = Slopes(limit.value, limit.value, bar)
        if bar <= max(1e-7 * abs(limit.value), 2 * noise):
            return best, True
    return best, best.bar <= 1e-6 * abs(best.low)


def _kink(chords: Chords, start: float) -> Slopes:
    """What the chords to both sides tend to, where these limits are apart."""
    rights, lefts, noise = _Limit(4), _Limit(4), 0.0
    for level in range(LEVELS):
        right, left, noise = chords(start / 4**level)
        rights.add(right)
        lefts.add(left)
    low, high = sorted((rights.value, lefts.value))
    bar = max(rights.error, lefts.error, noise)
    return Slopes(low, high, bar) if bar <= 1e-3 * (high - low) else UNKNOWN


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
    x = np.asarray(x).reshape(-1)
    return float(x @ x) ** 0.5
