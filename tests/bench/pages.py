"""Measure the page of a large graph: the seconds until it is written, and until it is open."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import microbn as mb
from microbn import functional as F
from microbn import nn
from microbn.lab import train
from microbn.lab.data import split
from microbn.lab.filming import film
from microbn.optim import SGD
from microbn.view.film import Film

from .measures import Table, absent, clean, met, progress, seconds

GOAL = 2.0


def pages(rounds: int, seed: int) -> Table:
    """Measure two graphs of about 2,000 values, one with groups and one without."""
    graphs = {"a net of 130 layers": net(seed), "a chain without groups": chain(seed)}
    rounds, rows = max(1, rounds // 10), []
    with TemporaryDirectory() as folder, browser() as (tab, missing):
        for name, root in graphs.items():
            story, file = mb.story(root), Path(folder) / f"{len(rows)}.html"
            costs = [typical(partial(write, root, file), rounds, f"writing {name}")]
            if tab:
                costs.append(typical(partial(draw_first, tab, file), rounds, f"opening {name}"))
            size = f"{len(story.graph.nodes):,} values, {len(story):,} steps"
            goals = [f"{cost:.2f} s, ≤ {GOAL:.0f} s: {met(cost, GOAL)}" for cost in costs]
            rows.append([f"{name}: {size}", *goals, *["–"] * (2 - len(goals))])
        told, file = film_of_50_steps(seed), Path(folder) / "film.html"
        costs = [typical(partial(told.save, file), 1, "writing a film")]
        if tab:
            costs.append(
                typical(partial(draw_first, tab, file, "#trained"), rounds, "opening a film")
            )
        goals = [
            f"{costs[0]:.2f} s",
            *(f"{c:.2f} s, ≤ {GOAL:.0f} s: {met(c, GOAL)}" for c in costs[1:]),
        ]
        size = f"{len(told)} steps of 3 layers, {file.stat().st_size / 1e6:.1f} MB"
        rows.append([f"a film: {size}", *goals, *["–"] * (2 - len(goals))])
    notes = [
        "Written: from the recorded graph to the file. Opened: from its address to the first "
        f"drawing. Median of {rounds}.",
    ]
    return Table("Pages", ["", "written", "opened"], rows, [*notes, *absent(missing)])


def net(seed: int) -> mb.Tensor:
    rng = np.random.default_rng(seed)
    blocks = (nn.Sequential(nn.Linear(32, 32, rng=rng), nn.BatchNorm(32)) for _ in range(130))
    logits = nn.Sequential(*blocks)(rng.normal(size=(32, 32)))
    return F.cross_entropy(logits, rng.integers(0, 32, 32))


def chain(seed: int) -> mb.Tensor:
    node = mb.Tensor(np.random.default_rng(seed).normal(size=(8, 8)))
    for _ in range(2000):
        node = np.tanh(node)
    return node.sum()


def film_of_50_steps(seed: int) -> Film:
    rng = np.random.default_rng(seed)
    model = train.mlp([64, 64, 64, 10], seed=seed, norm=nn.BatchNorm)
    y = rng.integers(0, 10, 600)
    data = split(rng.normal(size=(600, 64)), y, seed, 100)
    return film(model, SGD(model.parameters(), 0.1), data, seed=seed)


def typical(act: Callable, rounds: int, title: str) -> float:
    """Return the median seconds of a call, after a first one."""
    act()
    return median(clean(partial(seconds, act)) for _ in progress(range(rounds), title))


def write(root: mb.Tensor, file: Path) -> None:
    mb.story(root).save(file)


def draw_first(tab: Any, file: Path, then: str = "body") -> None:
    """Open a page and wait until it has drawn its graph, and then has this element too."""
    tab.goto("about:blank")
    tab.goto(file.as_uri())
    tab.wait_for_selector("#graph svg .box.now")
    tab.wait_for_selector(then)


@contextmanager
def browser() -> Iterator[tuple[Any, dict[str, str]]]:
    """Return a window to open pages in, or None and the reason why there is none."""
    path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if not (path and find_spec("playwright")):
        yield None, {"Playwright, or a Chromium for it,": "no page was opened"}
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium.new_page(viewport={"width": 1280, "height": 720}), {}
        chromium.close()
