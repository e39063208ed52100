"""Slopes by finite differences, each with an error bar; at a kink, one slope for each side.

Nothing here knows of gradients: the checker compares gradients with these slopes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ...errors import DTypeError, ShapeError
from .chords import CUBIC, GOLDEN, Chords, Group, Measured, Spot, together

LEVELS = 5  # how often a step is quartered before another start is tried
STARTS = [2.0**-k for k in range(0, 31, 6)]  # shrink the first step: a kink or pole may be close
FLAT = 200  # first chords below this many times the noise are rounding, and the slope is 0
CLOSING = 0.6  # quartering a step must shrink the gap between its chords to this share of it
DONE, GOOD = 1e-7, 1e-6  # relative errors: stop refining at the first, accept a slope at the second
SURE = 1e-4  # a slope with this relative error is kept, even if smaller steps give another
LOST = 1e-12  # steps below this may be lost when f adds something to x
REGROUPED = 4  # so often a group is moved, each time without those that did not confirm
SHARP = 1e-3  # at a kink, the error of both sides must be below this share of their gap


class Slopes(NamedTuple):
    """The slopes of a function along the entries of an input, in arrays of its shape.

    Each slope lies between ``low - bar`` and ``high + bar``. ``low`` and ``high`` differ only at a
    kink, where they are the slopes on its two sides. Where there is no estimate, ``bar`` is
    infinite. A slope below ``rounding`` cannot be told from 0.
    """

    low: Any
    high: Any
    bar: Any
    rounding: Any

    @property
    def value(self) -> Any:
        """The slope; at a kink, the mean of the two."""
        return (self.low + self.high) / 2


class _Slope(NamedTuple):
    """The slope along one entry."""

    low: float
    high: float
    bar: float


UNKNOWN = _Slope(np.nan, np.nan, np.inf)
AtStep = Callable[[float], Measured]
Found = tuple[float, float, float, float]  # as in Slopes


def slopes(
    f: Callable[[np.ndarray], Any],
    x: Any,
    cotangent: Any,
    scale: float = 0.0,
    claim: np.ndarray | None = None,
) -> Slopes:
    """Return the slopes of ``sum(cotangent * f(x))`` along every entry of x.

    ``f`` takes and returns float64 arrays. The first step is a sixteenth of the spread of x, which
    works far from 0 too; it shrinks where f is not finite, and close to a kink. The error bars
    assume that f rounds numbers of the size it returns. If larger terms cancel on the way, pass
    their size as ``scale``. A ``claim`` holds slopes that are probably right. Three small steps
    confirm most of them, and entries that share no output take two of these steps together, which
    is faster. If an entry is not confirmed in this way, it is moved alone.

    Raises DTypeError if x is not an array of numbers, and ShapeError if the cotangent does not have
    the shape of f(x).

    Source: Ridders 1982, "Accurate computation of F'(x) and F'(x)F''(x)".
    """
    try:
        x = np.array(x, np.float64)
    except (TypeError, ValueError):
        raise DTypeError(f"slopes: x is an array of floats, got {x!r:.60}") from None
    with np.errstate(all="ignore"):
        here = np.array(f(x))
    if np.shape(cotangent) != here.shape:
        fits = f"the cotangent has shape {np.shape(cotangent)}, f(x) {here.shape}"
        raise ShapeError(f"slopes: {fits}")
    return slopes_at(f, x, here, cotangent, scale, claim)


def slopes_at(
    f: Callable, x: np.ndarray, here: np.ndarray, cotangent: Any, scale: float, claim: Any
) -> Slopes:
    """Return what `slopes` returns, given f(x) and arrays that fit."""
    with np.errstate(all="ignore"):  # beyond a pole f may be anything
        place = Spot(f, x, here, cotangent, scale)
        first = place.spread / 16
        confirmed = {} if claim is None else dict(_confirmed(place, first, claim))
        found = [confirmed.get(i) or _one_by_one(Chords(place, i), first) for i in range(x.size)]
    return Slopes(*np.reshape(found, (x.size, 4)).T.reshape(4, *x.shape))


def numeric_vjp(f: Callable[[np.ndarray], Any], x: Any, cotangent: Any) -> np.ndarray:
    """Return the values of `slopes` without their bars, and NaN where there is no estimate."""
    return slopes(f, x, cotangent).value


def _confirmed(place: Spot, first: float, claim: np.ndarray) -> Iterator[tuple[int, Found]]:
    """Yield the number of each entry that confirms its claim, and its slope."""
    claims = claim.reshape(-1).tolist()
    for group in together(place, first * CUBIC):
        for number, slope in _agreed(group, claims):
            yield number, (*slope, 10 * place.most / first)


def _agreed(group: Group, claims: list[float]) -> Iterator[tuple[int, _Slope]]:
    """Yield the members and slopes of a group in which all members confirm their claims.

    If one does not, another may move its outputs. So the others are moved again without it, and no
    output of it may change. What any claim is off might belong to any member's slope.
    """
    for _ in range(REGROUPED):
        if not group.members:
            return
        chords = zip(group.members, group.chords(-1), group.chords(1 / 4), strict=True)
        found = {m.number: _cubic(m.right, left, near, 4 * m.noise) for m, left, near in chords}
        off = {i: abs(slope.low - claims[i]) for i, slope in found.items()}
        sure = {i: GOOD * abs(s.low) for i, s in found.items()}
        doubtful = {i for i, s in found.items() if not (s.bar <= sure[i] and off[i] <= sure[i])}
        if not doubtful:
            worst = max(off.values())
            yield from ((i, s) for i, s in found.items() if worst <= sure[i])
            return
        group = group.without(doubtful)


def _cubic(right: float, left: float, near: float, noise: float) -> _Slope:
    """Return the slope of the cubic through f here, and one step to the right and left, and 1/4.

    Its error bar is how far it is from the mean of the chords right and left. A kink, a pole or a
    mistake about the owners of an output shows in it.
    """
    value = (32 * near - 5 * right + 3 * left) / 30
    return _Slope(value, value, max(abs(value - (right + left) / 2), noise))


def _one_by_one(chords: AtStep, first: float) -> Found:
    """Return the slope along one entry, and below which size it cannot be told from 0."""
    start = _resolved(chords, first)
    return *_slope(chords, start), 10 * chords(start)[2]


def _resolved(chords: AtStep, first: float) -> float:
    """Return a first step that is large enough not to be lost in rounding, and at most 1."""
    right, left, noise = chords(first)
    while first < LOST and right == left == 0:  # f may not be flat, but round so small a step away
        first *= 64
        right, left, noise = chords(first)
    while first < 1 / 64 and 0 < abs(right) + abs(left) < noise / GOOD:
        first *= 64
        right, left, noise = chords(first)
    return first


def _slope(chords: AtStep, first: float) -> _Slope:
    """Return the slope along one entry from the first start that gives a good one.

    At a kink, return the slopes on both sides.
    """
    right, left, noise = chords(first)
    if _lost(chords(first)) and _lost(chords(GOLDEN * first)):  # the first may be a period of f
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


def _lost(measured: Measured) -> bool:
    """Return whether both chords are no more than rounding."""
    right, left, noise = measured
    return abs(right) + abs(left) <= FLAT * noise


def _central(chords: AtStep, start: float, flat: bool) -> _Slope:
    """Return the limit of the central differences, with an error bar.

    The chords on both sides have to approach each other as the step shrinks. If they do not, there
    is a kink or a pole, even if their mean has a limit. If f did not move on one side of the first
    step, it may be ``flat`` here. If it moved on both, chords of 0 are only rounding.
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


def _kink(chords: AtStep, start: float) -> _Slope:
    """Return the limits of the chords on both sides, if the two are clearly apart."""
    rights, lefts, noise = _Limit(4), _Limit(4), 0.0
    for level in range(LEVELS):
        right, left, noise = chords(start / 4**level)
        rights.add(right)
        lefts.add(left)
    low, high = sorted((rights.value, lefts.value))
    bar = max(rights.error, lefts.error, noise)
    return _Slope(low, high, bar) if bar < SHARP * (high - low) else UNKNOWN


class _Limit:
    """The limit of slopes at quartered steps, by Ridders's triangle.

    Its error is the last change that the triangle made. ``power`` is 16 if the error of the slopes
    has only even powers of the step, and 4 if it has all powers.
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
