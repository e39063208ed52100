"""A training step of a net with ten batch norms: ours beside hand-derived NumPy and the peers.

Contenders run in heats, each in a process of its own with few others: with sixteen in one process
everything small slows down. A process keeps to one core and counts its CPU time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median
from time import process_time

from .contenders import (
    BLAS,
    BY_HAND,
    COMPILED,
    COMPOSED,
    FUSED,
    JAX,
    KERNELS,
    MERGED,
    OURS,
    TORCH_COMPILED,
    products,
    ready,
)
from .measures import Table, absent, met, middle_half, progress, race
from .memory import ROOT
from .net import SETTINGS, TOLERANCE, problem

LIMIT = "its products of matrices alone"
HEATS = [
    [OURS, COMPOSED],
    [COMPILED, BLAS, MERGED],
    [KERNELS, FUSED, TORCH_COMPILED, JAX],
    ["HIPS autograd", "MyGrad"],
]
GOALS = {
    OURS: (1.5, 1.95, 3.4, 1.35),
    COMPILED: (0.95, 0.97, 0.95, 0.97),
    BLAS: (0.92, 0.87, 0.87, 0.95),
    MERGED: (0.83, 0.80, 0.80, 0.87),
    KERNELS: (0.68, 0.60, 0.45, 0.78),
}
# What the products took of the step by hand on the processor for which these goals were set. On
# others it is more or less, so the rest of the step is compared as well.
PRODUCTS = (0.51, 0.40, 0.17, 0.63)
# The most that a contender may take, as a part of the fastest of these peers in its heat.
BESIDE = {
    OURS: ([COMPOSED], (1.1, 1.1, 1.1, 1.1)),
    KERNELS: ([FUSED, TORCH_COMPILED, JAX], (0.8, 0.8, 0.8, 1.0)),
}
ONE_CORE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"} | {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "JAX_PLATFORMS": "cpu",
}


def training(rounds: int, seed: int) -> Table:
    """Measure a training step in four settings, heat by heat."""
    races: dict[tuple, dict] = {}
    missing: dict[str, str] = {}
    runs = [(i, setting) for i in range(len(HEATS)) for setting in range(len(SETTINGS))]
    for run in progress(runs, "training"):
        races[run], lacks = heat(*run, rounds, seed)
        missing |= lacks
    limit = rows_of(LIMIT, [races[0, setting] for setting in range(len(SETTINGS))])
    rows = [[BY_HAND, *["1.00"] * len(SETTINGS)], *limit]
    for i, names in enumerate(HEATS):
        of_heat = [races[i, setting] for setting in range(len(SETTINGS))]
        rows += [row for name in names for row in rows_of(name, of_heat)]
    notes = [
        "Forward and all gradients of an MLP: 64 inputs, 10 hidden layers of H with Linear, batch "
        "norm and relu, 10 classes; a batch of N.",
        f"Median of {rounds} interleaved rounds, as a ratio to the hand-derived NumPy of the same "
        "round: CPU time on one core. These ran together, each group in a process of its own: "
        + "; ".join(", ".join(names) for names in HEATS)
        + ".",
        "All gradients were first compared with the hand-derived ones. They differ by at most "
        f"{TOLERANCE['float64']:.0e} of their norm in float64, and by "
        f"{TOLERANCE['float32']:.0e} in float32.",
        "Programs are compiled before the rounds. A program keeps the named stages of batch norm's "
        "backward, unless the row says that they are merged.",
    ]
    return Table("Training step", ["", *map(str, SETTINGS)], rows, notes + absent(missing))


def training_again(rounds: int, seed: int) -> Table:
    """Measure the training step once more, to show how far two runs are apart."""
    return training(rounds, seed)._replace(title="Training step, in a second run")


def heat(number: int, setting: int, rounds: int, seed: int) -> tuple[dict, dict]:
    """Return what `main` prints in a fresh process: each contender's ratios, and who is missing."""
    command = [sys.executable, "-m", "tests.bench.training", *map(str, (number, setting))]
    command += map(str, (rounds, seed))
    run = subprocess.run(
        command, cwd=ROOT, env=os.environ | ONE_CORE, capture_output=True, text=True
    )
    if run.returncode:
        raise RuntimeError(f"heat {number} of {SETTINGS[setting]} failed: {run.stderr}")
    return tuple(json.loads(run.stdout.splitlines()[-1]))


def main(number: int, setting: int, rounds: int, seed: int) -> None:
    """Race the contenders of a heat in this process, and print their ratios."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    steps, missing = ready(SETTINGS[setting], seed, HEATS[number])
    steps[LIMIT] = products(*problem(SETTINGS[setting], seed))
    clocks = {name: partial(cpu_seconds, step) for name, step in steps.items()}
    print(json.dumps([race(clocks, BY_HAND, rounds, seed, str(SETTINGS[setting])), missing]))


def cpu_seconds(step: Callable) -> float:
    start = process_time()
    step()
    return process_time() - start


def rows_of(name: str, races: Sequence[Mapping[str, list[float]]]) -> list[list[str]]:
    """Return a contender's medians; below one of ours, the spread of the rounds and its goals."""
    rows = [[name, *(f"{median(r[name]):.2f}" if name in r else "–" for r in races)]]
    if name not in GOALS or any(name not in r for r in races):
        return rows
    rows.append(["  middle half of the rounds", *(middle_half(r[name]) for r in races)])
    found = zip((median(r[name]) for r in races), GOALS[name], strict=True)
    rows.append(["  goal", *(f"≤ {goal}: {met(ratio, goal)}" for ratio, goal in found)])
    rows.append(["  apart from the products", *apart_from_products(name, races)])
    if name in BESIDE:
        rows.append(beside(name, races, *BESIDE[name]))
    return rows


def apart_from_products(name: str, races: Sequence[Mapping[str, list[float]]]) -> list[str]:
    """Return what a contender takes beyond the products of its heat, and what its goal leaves."""
    cells = []
    for r, goal, there in zip(races, GOALS[name], PRODUCTS, strict=True):
        rest, left = median(r[name]) - median(r[LIMIT]), goal - there
        cells.append(f"{rest:.2f}, ≤ {left:.2f}: {met(rest, left)}")
    return cells


def beside(
    name: str, races: Sequence[Mapping], peers: Sequence[str], goals: Sequence[float]
) -> list[str]:
    """Return the row that compares a contender with the fastest of some peers in its heat."""
    cells = []
    for r, goal in zip(races, goals, strict=True):
        there = [median(r[peer]) for peer in peers if peer in r]
        ratio = median(r[name]) / min(there) if there else None
        cells.append(f"{ratio:.2f}, ≤ {goal}: {met(ratio, goal)}" if ratio else "not measured")
    return [f"  as a part of {' or '.join(peers)}", *cells]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
