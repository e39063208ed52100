"""The cost of remembering the code that makes each value, beside the same under `no_lines`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import median

import microbn as mb

from .contenders import microbn_eager
from .measures import Table, middle_half, race, verdict
from .net import SETTINGS, problem
from .training import cpu_seconds

OPERATIONS = 300
GOALS = {"a product of two numbers": 1.3, f"a training step, {SETTINGS[2]}": 1.03}


def remembering(rounds: int, seed: int) -> Table:
    """Measure a scalar operation and a small training step, with and without their code."""
    x, y = mb.Tensor(1.5), mb.Tensor(0.5)

    def products() -> None:
        for _ in range(OPERATIONS):
            x * y

    steps = [products, microbn_eager(*problem(SETTINGS[2], seed))]
    rows = []
    for (name, goal), step in zip(GOALS.items(), steps, strict=True):
        found = race(clocks(step), "without", 5 * rounds, seed, name)["with"]
        rows += [[name, f"{median(found):.3f}", verdict(median(found), goal)]]
        rows += [["  middle half of the rounds", middle_half(found), ""]]
    note = (
        f"CPU time beside the same under no_lines(), median of {5 * rounds} interleaved rounds; "
        f"{OPERATIONS} products in a round."
    )
    return Table("Remembering the code", ["", "time", "goal"], rows, [note])


def clocks(step: Callable) -> dict[str, Callable]:
    """Return the clocks of a step with lines of code, and without."""
    return {
        "with": partial(cpu_seconds, step),
        "without": partial(cpu_seconds, mb.no_lines()(step)),
    }
