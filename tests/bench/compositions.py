"""Measure what a composed function costs beside the same computation written out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from statistics import median

import numpy as np

import microbn as mb

from . import contenders
from .measures import Table, middle_half, race, seconds, verdict

GOAL, COMPILED_GOAL = 1.2, 1.05
SIZE, REPEATS = 256, 10


def written_out(x):
    return np.mean(np.square(x - np.mean(x, axis=0, keepdims=True)), axis=0)


VAR = "np.var(x, axis=0)"
CALLS = {
    VAR: (lambda x: np.var(x, axis=0), written_out),
    'np.einsum("ij,jk->ik", x, y)': (lambda x, y: np.einsum("ij,jk->ik", x, y), lambda x, y: x @ y),
}


def compositions(rounds: int, seed: int) -> Table:
    """Time calls of composed functions, forward and back, as ratios to the same written out."""
    measured = [(call, pair, eager, GOAL) for call, pair in CALLS.items()]
    measured.append((f"{VAR}, compiled", CALLS[VAR], compiled, COMPILED_GOAL))
    rows = [
        row(name, [made(f, seed) for f in pair], goal, rounds, seed)
        for name, pair, made, goal in measured
    ]
    notes = [
        f"Forward and all gradients, of float64 arrays of ({SIZE}, {SIZE}). Written out: np.var as "
        "np.mean(np.square(x - np.mean(x, axis=0, keepdims=True)), axis=0), np.einsum as x @ y.",
        f"Median of {rounds} interleaved rounds, as a ratio to the same written out.",
    ]
    return Table("Composed functions", ["", "time", "middle half", "goal"], rows, notes)


def row(call: str, steps: Sequence, goal: float, rounds: int, seed: int) -> list[str]:
    """Compare the gradients of a call with those written out, and its time."""
    contenders.check(call, *(step() for step in steps), "float64")
    clocks = {name: partial(repeated, step) for name, step in zip((call, ""), steps, strict=True)}
    ratios = race(clocks, "", rounds, seed, call)[call]
    return [call, f"{median(ratios):.2f}", middle_half(ratios), verdict(median(ratios), goal)]


def repeated(step: Callable) -> float:
    return seconds(lambda: [step() for _ in range(REPEATS)])


def given(f: Callable, seed: int) -> tuple[list, np.ndarray]:
    """Return arrays for the operands of f, and a cotangent."""
    rng = np.random.default_rng(seed)
    arrays = [*rng.normal(size=(f.__code__.co_argcount, SIZE, SIZE))]
    return arrays, rng.normal(size=np.shape(f(*arrays)))


def eager(f: Callable, seed: int) -> Callable:
    arrays, cotangent = given(f, seed)

    def step():
        leaves = [mb.Tensor(x) for x in arrays]
        return mb.grad(f(*leaves), leaves, cotangent)

    return step


def compiled(f: Callable, seed: int) -> Callable:
    arrays, cotangent = given(f, seed)
    program = mb.compile(f, *map(mb.Tensor, arrays), cotangent=cotangent)
    return lambda: program(*arrays, cotangent)[1]
