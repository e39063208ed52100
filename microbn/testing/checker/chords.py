"""Chords of a function along one entry of its input, or along several that share no output.

A chord is the slope between two points of the function. With it comes its noise: how much of it can
be rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

EPS = float(np.finfo(np.float64).eps)
SLIGHT = 1e-10  # noise below this share of a chord does not matter
GOLDEN = 0.618  # times a step: another step that shares no period with it
CUBIC = 2.0**-9  # times the first step: a step at which most functions are like a cubic
FAIR = 1e-7  # an entry whose noise is below this share of its chord can be moved with others
TRIED = 64  # so many groups are tried for an entry, the latest ones

Measured = tuple[float, float, float]


class Spot:
    """A function at a point: its value there, and how much of its weighted sum is rounding.

    An output that does not move is not rounded again. An output close to 0 is assumed to round like
    the median output. A single output is assumed to round like f of the reversed entries of x, if
    that is larger. ``most`` is the noise if all outputs move.
    """

    def __init__(
        self, f: Callable, x: np.ndarray, here: np.ndarray, cotangent: Any, scale: float
    ) -> None:
        self.f, self.x, self.here = f, x, here
        self.flat, self.weights = x.reshape(-1), np.reshape(cotangent, -1)
        middling = np.sort(np.abs(here), axis=None)[here.size // 2] if here.size else 0.0
        if here.size == 1:
            elsewhere = float(np.abs(f(x.reshape(-1)[::-1].reshape(x.shape))).item())
            middling = max(middling, elsewhere) if elsewhere < np.inf else middling
        sizes = np.abs(self.weights) * np.maximum(np.abs(here), middling).reshape(-1)
        self.spread = extent(x)
        self.eps = EPS * (1 + np.abs(x).max(initial=0) / self.spread)  # far off x rounds more
        self.largest = float(sizes.max(initial=0)) or 1.0  # keeps the squares from overflowing
        self.squares = np.square(sizes / self.largest)
        self.still, self.scale = norm(cotangent) * middling, scale
        self.most = self.noise(np.ones(here.size))

    def noise(self, moves: Any) -> float:
        """Return the noise, given which outputs move."""
        moved = self.largest * float(np.vdot(self.squares, moves)) ** 0.5
        return self.eps * max(moved or self.still, self.scale)

    def change(self, where: Any, step: Any) -> tuple[np.ndarray, Any]:
        """Move x at a flat index, or at several. Return the changes of f in one row, and of x."""
        moved = self.x.copy()
        flat = moved.reshape(-1)
        flat[where] += step
        taken = flat[where] - self.flat[where]
        return (self.f(moved) - self.here).reshape(-1), taken

    def chord(self, number: int, step: float) -> tuple[np.ndarray, float]:
        """Move one entry alone. Return the changes of f, and the slope of the chord."""
        change, taken = self.change(number, step)
        return change, float(np.vdot(self.weights, change)) / taken if taken else np.nan


class Chords:
    """The chords along one entry: a function of the step, which remembers its results.

    It returns the slopes of the chords right and left, and their noise. An output that moved once
    is assumed to move at every step, even if too little to be seen.
    """

    def __init__(self, place: Spot, number: int) -> None:
        self.place, self.number = place, number
        self.seen: dict[float, Measured] = {}
        self.moving: Any = False
        self.far = False  # was the entry moved far?

    def __call__(self, step: float) -> Measured:
        if step not in self.seen:
            self.seen[step] = self._measured(step)
        return self.seen[step]

    def _measured(self, step: float) -> Measured:
        """Measure both sides, and their noise.

        If even the noise of all outputs is slight, it does not matter which of them move.
        """
        up, right = self.place.chord(self.number, step)
        down, left = self.place.chord(self.number, -step)
        self.moving = self.moving | (up != down)
        noise = self.place.most / step
        if not slight(right, left, noise):
            if not self.far:
                self.far, self.moving = True, self.moving | self._moves_far()
            noise = self.place.noise(self.moving) / step
        return right, left, noise

    def _moves_far(self) -> np.ndarray:
        """Return which outputs change if the entry becomes the one that is farthest from it."""
        place, far = self.place, self.place.x.copy()
        apart = np.abs(place.flat - place.flat[self.number])
        far.reshape(-1)[self.number] = place.flat[np.argmax(apart)]
        return np.reshape(place.f(far) != place.here, -1)


class Member(NamedTuple):
    """An entry in a group: its step, its chord to the right when it was moved alone, its noise."""

    number: int
    step: float
    right: float
    noise: float


class Group:
    """Entries that share no output as far as one step shows, and so can be moved together.

    ``owner`` has the number of a member for each output that it changes, counted from 1. An entry
    joins after it was moved alone, to the right and by its step. Other steps may show that it
    changes another member's output too. Each member takes a step of its own length, so that no two
    mistakes about the owners make up for each other.
    """

    def __init__(self, place: Spot) -> None:
        self.place, self.touched = place, 0  # the outputs that the members change, a bit for each
        self.owner = np.zeros(place.here.size, int)
        self.members: list[Member] = []

    def add(self, member: Member, moves: np.ndarray, touched: int) -> None:
        """Let an entry join, with the outputs that it moves."""
        self.touched |= touched
        self.members.append(member)
        self.owner[moves] = len(self.members)

    def without(self, dropped: set[int]) -> Group:
        """Return the group of the other members. The outputs of those dropped are nobody's."""
        rest = Group(self.place)
        for i, member in enumerate(self.members, 1):
            if member.number not in dropped:
                rest.add(member, self.owner == i, 0)
        return rest

    def chords(self, share: float) -> list[float]:
        """Move all members by this share of their steps, and return the slopes of their chords.

        They are NaN if an output changes that no member changed alone, or if f raises an error, as
        it may do at this point only.
        """
        numbers, steps = self.moved
        with suppress(Exception):
            change, taken = self.place.change(numbers, share * steps)
            sums = np.bincount(self.owner, self.place.weights * change, numbers.size + 1)
            if sums[0] == 0:
                return (sums[1:] / taken).tolist()
        return [np.nan] * numbers.size

    @cached_property
    def moved(self) -> tuple[np.ndarray, np.ndarray]:
        """The members' numbers and steps, once all have joined."""
        numbers, steps, *_ = zip(*self.members, strict=True)
        return np.array(numbers), np.array(steps)


def together(place: Spot, step: float) -> list[Group]:
    """Return groups of entries that can be moved together.

    Each entry is moved alone by up to a ``step``, which shows the outputs that depend on it. An
    entry that changes them too little to be sure is in no group.

    Source: Curtis, Powell & Reid 1974, "On the estimation of sparse Jacobian matrices".
    """
    groups: list[Group] = []
    for number in range(place.x.size):
        own = step * (1 - number * GOLDEN % 1 / 2)
        change, right = place.chord(number, own)
        member = Member(number, own, right, place.most / own)
        if not member.noise < FAIR * abs(right):
            continue
        moves = change != 0
        touched = int.from_bytes(np.packbits(moves).tobytes(), "big")
        for group in groups[-TRIED:]:
            if not group.touched & touched:
                break
        else:
            groups.append(group := Group(place))
        group.add(member, moves, touched)
    return groups


def slight(right: float, left: float, noise: float) -> bool:
    """Return whether noise does not matter beside two chords. Beside chords of 0 it does."""
    return noise < SLIGHT * (abs(right) + abs(left))


def extent(x: np.ndarray) -> float:
    """Return the standard deviation of the entries; if it is 0, their size; if that is 0, 1."""
    return float(x.std() if x.size else 0) or float(np.abs(x).max(initial=0)) or 1.0


def norm(x: Any) -> float:
    """Return the root of the sum of the squares, without overflow."""
    return math.hypot(*np.ravel(x))
