"""The measurements, one function for each: scalars, growth, memory and the import.

Times are ratios to a reference that ran in the same round, since absolute times mean nothing on a
machine that others use too. The tables show medians over the rounds.
"""

from __future__ import annotations

import gc
import os
import random
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

from rich.console import Console
from rich.progress import track

import microbn as mb
from microbn import functional as F

from . import contenders, memory, net
from .contenders import BY_HAND, COMPILED, COMPOSED, FUSED, KERNELS, OURS

SCALAR_GOAL, GROWTH_GOAL, IMPORT_GOAL = 1.75, 1.15, 1.5
IN_MEMORY = [BY_HAND, FUSED, COMPOSED, OURS, COMPILED, KERNELS]
MEMORY_GOALS = {COMPILED: 70_000_000, KERNELS: 55_000_000}  # bytes
LENGTHS = [10**3, 10**4, 10**5, 10**6]


class Table(NamedTuple):
    """A measurement: a row for each contender, ours with its goal, and notes."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]


def scalars(rounds: int, seed: int) -> Table:
    """Measure micrograd's own net on single numbers, and the same net in 0-d Tensors."""
    title, columns = "Scalars", ["", "time", "goal"]
    try:
        steps = scalar_steps(seed)
    except ImportError as error:
        rows = [["micrograd", "–", ""], [OURS, "–", f"≤ {SCALAR_GOAL}: not measured"]]
        return Table(title, columns, rows, absent({"micrograd": str(error)}))
    contenders.check(OURS, steps[OURS](), steps["micrograd"](), "float64")
    ratio = median(race(timed(steps), "micrograd", rounds, seed, "scalars")[OURS])
    rows = [["micrograd", "1.00", ""], [OURS, f"{ratio:.2f}", verdict(ratio, SCALAR_GOAL)]]
    note = (
        "micrograd's MLP(2, [16, 16, 1]) on 10 points, forward and backward, beside the same net "
        "in 0-d Tensors with the same gradients, recorded under no_lines(); median of "
        f"{rounds} interleaved rounds."
    )
    return Table(title, columns, rows, [note])


def scalar_steps(seed: int) -> dict[str, net.Step]:
    """Return the steps of micrograd's net, and of its copy with Tensors instead of Values."""
    from micrograd import nn

    random.seed(seed)
    theirs = nn.MLP(2, [16, 16, 1])
    points = [[random.uniform(-1, 1) for _ in range(2)] for _ in range(10)]
    leaves = [mb.Tensor(float(p.data)) for p in theirs.parameters()]
    source = iter(leaves)
    layers = [
        [([next(source) for _ in n.w], next(source), n.nonlin) for n in layer.neurons]
        for layer in theirs.layers
    ]

    def ours(x):
        for layer in layers:
            x = [neuron(*parameters, x) for parameters in layer]
        return x[0]

    return {
        "micrograd": partial(scalar_step, theirs, points, theirs.parameters(), 0),
        OURS: mb.no_lines()(partial(scalar_step, ours, points, leaves, None)),
    }


def neuron(weights: Sequence, bias: mb.Tensor, nonlinear: bool, x: Sequence) -> mb.Tensor:
    total = sum((w * v for w, v in zip(weights, x, strict=True)), bias)
    return F.relu(total) if nonlinear else total


def scalar_step(net: Callable, points: Sequence, parameters: Sequence, none: float | None) -> list:
    """Run forward and backward for the sum over the points. Return the gradients."""
    loss = sum(net(x) for x in points)
    for p in parameters:
        p.grad = none
    loss.backward()
    return [p.grad for p in parameters]


def growth(rounds: int, seed: int) -> Table:
    """Measure longer and longer chains: the time for a node must not grow with their length."""
    rounds = max(3, rounds // 4)
    columns = ["nodes", *(f"{n:,}" for n in LENGTHS), "largest / smallest", "goal"]
    rows = []
    for name, collect in ((OURS, True), ("  with Python's collector off", False)):
        clocks = {n: partial(per_node, n, collect) for n in LENGTHS}
        ratios = race(clocks, LENGTHS[0], rounds, seed, f"growth,{name}")
        medians = [median(ratios[n]) for n in LENGTHS]
        spread = max(medians) / min(medians)
        rows.append([name, *(f"{m:.2f}" for m in medians), f"{spread:.2f}"])
        rows[-1].append(verdict(spread, GROWTH_GOAL))
    note = (
        "Time for each node of a chain of products, forward and backward, as a ratio to that in a "
        f"chain of {LENGTHS[0]:,}; median of {rounds} interleaved rounds. Graphs have no "
        "cycles, but Python's garbage collector looks for some in everything that is alive."
    )
    return Table("Growth", columns, rows, [note])


def per_node(nodes: int, collect: bool) -> float:
    """Return the seconds for each node of a chain. Short chains are repeated to be timed."""
    repeats = max(1, 100_000 // nodes)
    if not collect:
        gc.disable()
    try:
        return seconds(lambda: [chain(nodes) for _ in range(repeats)]) / (repeats * nodes)
    finally:
        gc.enable()


def chain(nodes: int) -> None:
    """Record as many products by 1, and walk back."""
    y = x = mb.Tensor(1.0)
    for _ in range(nodes):
        y = y * 1.0
    y.backward()
    if x.grad != 1:
        raise ValueError(f"the gradient of a chain of {nodes} products by 1 is {x.grad}")


def peak_memory(rounds: int, seed: int) -> Table:
    """Measure the peak memory of training steps, and compare it with PyTorch's and the goals."""
    rounds = max(3, rounds // 10)
    _, missing = contenders.ready(memory.SETTING._replace(batch=8, depth=1), seed, IN_MEMORY)
    names = [name for name in IN_MEMORY if name not in missing]
    if not memory.RESET.exists():
        names = [name for name in names if name not in MEMORY_GOALS]
    runs = [(name, memory.measured(name)) for name in progress(names * rounds, "memory")]
    peaks = {name: median(n for who, n in runs if who == name) for name in names}
    parameters = sum(p.nbytes for p in net.problem(memory.SETTING, seed)[0])
    notes = [
        f"Peak of {memory.STEPS} training steps, {memory.SETTING}, above the level after import "
        f"and a step with two samples; median of {rounds} fresh processes for each.",
        "The peak includes the memory that a contender keeps, but not the memory that only its "
        "making needed."
        if COMPILED in peaks
        else f"{COMPILED} was not measured: this system cannot forget the peak of compiling.",
        f"The goal of eager is PyTorch's peak plus the parameters, {parameters:,} bytes.",
    ]
    rows = memory_rows(peaks, parameters)
    return Table("Peak memory", ["", "bytes", "goal"], rows, notes + absent(missing))


def memory_rows(peaks: Mapping[str, float], parameters: int) -> list[list[str]]:
    """Return each contender's peak, and the goals of ours."""
    goals = dict(MEMORY_GOALS)
    if FUSED in peaks:
        goals[OURS] = int(peaks[FUSED]) + parameters
    return [
        [name, f"{n:,.0f}", f"≤ {goals[name]:,}: {met(n, goals[name])}" if name in goals else ""]
        for name, n in peaks.items()
    ]


def importing(rounds: int, seed: int) -> Table:
    """Compare ``import microbn`` with the ``import numpy`` that it includes."""
    with TemporaryDirectory() as cache:
        clocks = {name: partial(import_seconds, name, cache) for name in ("numpy", "microbn")}
        ratio = median(race(clocks, "numpy", rounds, seed, "import")["microbn"])
    rows = [
        ["import numpy", "1.00", ""],
        ["import microbn", f"{ratio:.2f}", verdict(ratio, IMPORT_GOAL)],
    ]
    note = f"In fresh processes, from bytecode; median of {rounds} interleaved rounds."
    return Table("Import", ["", "time", "goal"], rows, [note])


def import_seconds(package: str, cache: str) -> float:
    """Time an import in a fresh process, which finds the bytecode of an earlier one.

    The cache is its own: the usual cache may be switched off, or not be writable.
    """
    clock = "from time import perf_counter as t; a = t(); import {}; print(t() - a)"
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", clock.format(package)]
    env["PYTHONPYCACHEPREFIX"] = cache
    run = subprocess.run(command, cwd=memory.ROOT, env=env, capture_output=True, check=True)
    return float(run.stdout)


# What they share


def race(
    clocks: Mapping, reference: object, rounds: int, seed: int, title: str
) -> dict[object, list[float]]:
    """Return each clock's times, round by round, as ratios to the reference in the same round.

    Every round calls all clocks in a new random order, so that none always follows the same one.
    Each starts after the garbage of the one before has been collected.
    """
    rng, names = random.Random(seed), list(clocks)
    for clock in clocks.values():
        clock()
    gc.collect()
    gc.freeze()
    found = []
    for _ in progress(range(rounds), title):
        found.append({name: clean(clocks[name]) for name in rng.sample(names, len(names))})
    gc.unfreeze()
    return {name: [taken[name] / taken[reference] for taken in found] for name in names}


def clean(clock: Callable[[], float]) -> float:
    gc.collect()
    return clock()


def timed(steps: Mapping[str, Callable]) -> dict[str, Callable[[], float]]:
    return {name: partial(seconds, step) for name, step in steps.items()}


def seconds(step: Callable) -> float:
    start = perf_counter()
    step()
    return perf_counter() - start


def progress(rounds: Sequence, title: str):
    """Show a bar on stderr until it is full. Show none if nobody watches."""
    console = Console(stderr=True)
    return track(rounds, title, console=console, transient=True, disable=not console.is_terminal)


def verdict(ratio: float, goal: float) -> str:
    return f"≤ {goal}: {met(ratio, goal)}"


def met(value: float, goal: float) -> str:
    return "met" if value <= goal else "not met"


def middle_half(ratios: Sequence[float]) -> str:
    low, _, high = quantiles(ratios, method="inclusive") if len(ratios) > 1 else ratios * 3
    return f"{low:.2f}–{high:.2f}"


def absent(missing: Mapping[str, str]) -> list[str]:
    """Return a note that names each contender that is not installed."""
    return [
        f"{name} is not installed and was not measured ({why}): pip install -e '.[bench]'"
        for name, why in missing.items()
    ]


MEASURES = {
    "scalars": scalars,
    "growth": growth,
    "memory": peak_memory,
    "import": importing,
}
