"""Chords of a function along one entry of its input, or along several that share no output.

A chord is the slope between two points of the function. With it comes its noise: how much of it can
be rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np

EPS = float(np.finfo(np.float64).eps)
SLIGHT = 1e-10  # noise below this share of a chord does not matter
GOLDEN = 0.618  # times a step: another step that shares no period with it
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
        middling = np.median(np.abs(here)) if here.size else 0.0
        if here.size == 1:
            elsewhere = float(np.abs(f(x.reshape(-1)[::-1].reshape(x.shape))).item())
            middling = max(middling, elsewhere) if elsewhere < np.inf else middling
        sizes = np.abs(cotangent) * np.maximum(np.abs(here), middling)
        self.eps = EPS * (1 + np.max(np.abs(x), initial=0) / extent(x))  # far from 0 x rounds more
        self.largest = float(np.max(sizes, initial=0)) or 1.0  # keeps the squares from overflowing
        self.squares = np.square(sizes / self.largest).reshape(-1)
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
            self.measure(step, *self.side(step))
        return self.seen[step]

    def side(self, step: float) -> tuple[np.ndarray, float]:
        """Return the changes of f, and the slope of the chord, on one side."""
        change, taken = self.place.change(self.number, step)
        return change, float(np.vdot(self.place.weights, change)) / taken if taken else np.nan

    def measure(self, step: float, up: np.ndarray, right: float) -> None:
        """Measure the left side too, and the noise of both.

        If even the noise of all outputs is slight, it does not matter which of them move.
        """
        down, left = self.side(-step)
        self.moving = self.moving | (up != down)
        noise = self.place.most / step
        if not slight(right, left, noise):
            if not self.far:
                self.far, self.moving = True, self.moving | self._moves_far()
            noise = self.place.noise(self.moving) / step
        self.seen[step] = right, left, noise

    def _moves_far(self) -> np.ndarray:
        """Return which outputs change if the entry becomes the one that is farthest from it."""
        place, far = self.place, self.place.x.copy()
        apart = np.abs(place.flat - place.flat[self.number])
        far.reshape(-1)[self.number] = place.flat[np.argmax(apart)]
        return np.reshape(place.f(far) != place.here, -1)


class Group:
    """Entries that share no output as far as one step shows, and so can be moved together.

    ``owner`` has the number of a member for each output that it changes, counted from 1. An entry
    joins after it was moved alone, to the right and by the first step. Smaller steps may show that
    it changes another member's output too. Each member takes a step of its own length, so that no
    two mistakes about the owners make up for each other.
    """

    def __init__(self, place: Spot) -> None:
        self.place, self.touched = place, 0  # the outputs that the members change, a bit for each
        self.owner = np.zeros(place.here.size, int)
        self.numbers: list[int] = []

    def add(self, number: int, moves: np.ndarray, touched: int) -> None:
        """Let an entry join, with the outputs that it moves."""
        self.touched |= touched
        self.numbers.append(number)
        self.owner[moves] = len(self.numbers)

    def without(self, dropped: set[int]) -> Group:
        """Return the group of the other members. The outputs of those dropped are nobody's."""
        rest = Group(self.place)
        for i, number in enumerate(self.numbers, 1):
            if number not in dropped:
                rest.add(number, self.owner == i, 0)
        return rest

    def chords(self) -> Iterator[tuple[int, Callable[[float], Measured]]]:
        """Yield the number of each member with its chords."""
        lengths = 1 - np.arange(len(self.numbers)) * GOLDEN % 1 / 2
        side, most = self._side(lengths), self.place.most
        for i, number in enumerate(self.numbers):

            def chords(step: float, i: int = i) -> Measured:
                return side(step)[i], side(-step)[i], most / (step * lengths[i])

            yield number, chords

    def _side(self, lengths: np.ndarray) -> Callable[[float], list[float]]:
        """Return a function of the step: the slopes of all members' chords on one side.

        They are NaN if an output changes that no member changed alone, or if f raises an error, as
        it may do at this point only.
        """
        place, owner, count = self.place, self.owner, len(self.numbers) + 1
        numbers, nobodys = np.array(self.numbers), owner == 0
        seen: dict[float, list[float]] = {}

        def side(step: float) -> list[float]:
            if step not in seen:
                seen[step] = [np.nan] * (count - 1)
                with suppress(Exception):
                    change, taken = place.change(numbers, step * lengths)
                    if not change[nobodys].any():
                        sums = np.bincount(owner, place.weights * change, count)[1:]
                        seen[step] = (sums / taken).tolist()
            return seen[step]

        return side


def together(place: Spot, entries: Iterable[Chords], first: float) -> list[Group]:
    """Return groups of entries that can be moved together.

    Each entry is moved alone by the first step, which shows the outputs that depend on it. An entry
    that changes all of them, or too little to be sure, is measured alone.

    Source: Curtis, Powell & Reid 1974, "On the estimation of sparse Jacobian matrices".
    """
    groups: list[Group] = []
    noise = place.most / first
    for chords in entries:
        change, right = chords.side(first)
        moves = change != 0
        if not slight(right, 0.0, noise) or moves.all():
            chords.measure(first, change, right)
            continue
        touched = int.from_bytes(np.packbits(moves).tobytes(), "big")
        for group in groups[-TRIED:]:
            if not group.touched & touched:
                break
        else:
            groups.append(group := Group(place))
        group.add(chords.number, moves, touched)
    return groups


def slight(right: float, left: float, noise: float) -> bool:
    """Return whether noise does not matter beside two chords. Beside chords of 0 it does."""
    return noise < SLIGHT * (abs(right) + abs(left))


def extent(x: np.ndarray) -> float:
    """Return the standard deviation of the entries; if it is 0, their size; if that is 0, 1."""
    return float(np.std(x) if x.size else 0) or float(np.max(np.abs(x), initial=0)) or 1.0


def norm(x: Any) -> float:
    """Return the root of the sum of the squares, without overflow."""
    return math.hypot(*np.ravel(x))
