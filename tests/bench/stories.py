"""Measure the story of a large graph, in a process of its own: its memory, its seconds, a step.

Run ``python -m tests.bench.stories TASK KIND VALUES SEED`` such as
``told "chain of products" 2000 0``.
"""

from __future__ import annotations

import gc
import json
import random
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import numpy as np

import microbn as mb
from microbn import functional as F
from microbn import nn

from .measures import Table, met, progress
from .memory import RESET, VIA, level, peak, tidy

ROOT = Path(__file__).parents[2]
VALUES, FOR_A_STEP = 100_000, 50_000
A_VALUE, ALL, WHOLE, A_STEP = 6.0, 500.0, 25.0, 0.15  # kB, MB, seconds, seconds: the goals
STEPS = 20  # that are told, at random places


def stories(rounds: int, seed: int) -> Table:
    """Measure three graphs, each once: a second round would tell nearly the same."""
    rows = []
    for kind in progress([*GRAPHS], "stories"):
        whole = measured("told", kind, VALUES, seed)
        part = measured("told", kind, FOR_A_STEP, seed)
        page = measured("written", kind, VALUES, seed)
        goals = [
            (f"{whole['kB']:.1f} kB", A_VALUE, whole["kB"]),
            (f"{whole['MB']:.0f} MB", ALL, whole["MB"]),
            (f"{whole['seconds']:.1f} s", WHOLE, whole["seconds"]),
            (f"{part['step']:.3f} s", A_STEP, part["step"]),
        ]
        cells = [f"{said}, ≤ {goal:g}: {met(value, goal)}" for said, goal, value in goals]
        saved = f"{page['seconds']:.1f} s, {page['size']:.0f} MB"
        rows.append([f"{kind}: {whole['values']:,} values", *cells, saved])
    notes = [
        "The peak of mb.story(root) above the level before it, for a value of the graph; and the "
        "peak of the process, with NumPy and the graph itself. Then the processor's seconds for "
        f"the story, and for the slowest of {STEPS} steps at random places in a graph of half as "
        "many values: its sentences, its mathematics and all gradients at that moment. A page has "
        "every step: the seconds until it is written, and its size.",
    ]
    columns = ["", "peak of a value", "peak in all", "told", "a step", "its page"]
    return Table("Stories", columns, rows, notes)


def products(values: int, seed: int) -> mb.Tensor:
    """Return a chain of products of 0-d Tensors, with 50 factors that are used again and again."""
    rng = np.random.default_rng(seed)
    factors = [mb.Tensor(factor) for factor in rng.normal(1, 0.01, 50)]
    node = mb.Tensor(1.0, "x")
    for place in range(values):
        node = node * factors[place % 50]
    return node


def scalar_batch_norm(values: int, seed: int) -> mb.Tensor:
    """Return a batch norm whose every number is a value of the graph, about 44 for a row."""
    rng = np.random.default_rng(seed)
    box = mb.scalars(rng.normal(size=(max(2, values // 44), 4)), "x")
    gamma, beta = (mb.Tensor(rng.normal(size=4), name) for name in ("gamma", "beta"))
    return np.sum(F.batch_norm(box, gamma, beta) * rng.normal(size=box.shape))


def net(values: int, seed: int) -> mb.Tensor:
    """Return the loss of a net of small layers, with about 17 values each."""
    rng = np.random.default_rng(seed)
    layers = (
        nn.Sequential(nn.Linear(4, 4, rng=rng), nn.BatchNorm(4), nn.Tanh())
        for _ in range(max(1, values // 17))
    )
    logits = nn.Sequential(*layers)(rng.normal(size=(6, 4)))
    return F.cross_entropy(logits, rng.integers(0, 4, 6))


GRAPHS: dict[str, Callable[[int, int], mb.Tensor]] = {
    "chain of products": products,
    "batch norm of scalars": scalar_batch_norm,
    "net of small layers": net,
}


def measured(task: str, kind: str, values: int, seed: int) -> dict[str, float]:
    """Return what a fresh process finds."""
    given = [task, kind, str(values), str(seed)]
    command = [sys.executable, "-c", VIA, "-m", "tests.bench.stories", *given]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(f"the story of {kind} failed: {run.stderr}")
    return json.loads(run.stdout)


def told(root: mb.Tensor, seed: int) -> dict[str, float]:
    """Tell a story: its peak and its seconds, and those of the slowest of some steps."""
    str(mb.story(products(2, seed)))  # loads what is loaded late
    tidy()
    before, stories = level(), []
    if RESET.exists():
        RESET.write_text("5")
    whole = seconds(lambda: stories.append(mb.story(root)))
    most, story = peak(), stories[0]
    places = random.Random(seed).sample(range(len(story)), STEPS)
    step = max(seconds(partial(at, story, number)) for number in places)
    count = len(story.graph.nodes)
    sizes = {"kB": (most - before) / count / 1e3, "MB": most / 1e6}
    return {"values": count, "seconds": whole, "step": step, **sizes}


def seconds(act: Callable) -> float:
    """Return the processor's seconds for a call: others may use it for much longer."""
    gc.collect()
    start = process_time()
    act()
    return process_time() - start


def at(story: Any, number: int) -> None:
    """Go to a step."""
    step = story[number]
    assert step.math or step.phase == "given"
    assert str(step)
    story.steps.known(number)


def written(root: mb.Tensor, seed: int) -> dict[str, float]:
    """Write the page of a story: its seconds, and its size in MB."""
    story = mb.story(root)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "story.html"
        return {"seconds": seconds(partial(story.save, file)), "size": file.stat().st_size / 1e6}


TASKS: dict[str, Callable[[mb.Tensor, int], dict[str, float]]] = {"told": told, "written": written}


def main(task: str, kind: str, values: str, seed: str) -> None:
    print(json.dumps(TASKS[task](GRAPHS[kind](int(values), int(seed)), int(seed))))


if __name__ == "__main__":
    main(*sys.argv[1:])
