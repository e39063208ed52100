"""Measure the page of a large graph: the seconds until it is written, until it is open, and until a
changed number is shown.
"""

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

GOAL, EDIT_GOAL = 2.0, 0.2
PLACES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the story, at which a number is changed
# Changes a number at a step, so many times, and returns the milliseconds until each is painted.
EDITED = """async ([share, times]) => {
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  go(Math.round(share * (story.steps.length - 1)));
  await painted();
  const found = [];
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    put(live.inputs[0], 0, live.inputs[0].now[0] + 0.25);
    await painted();
    found.push(performance.now() - start);
  }
  return found;
}"""


def pages(rounds: int, seed: int) -> Table:
    """Measure two graphs of about 2,000 values, two that can be changed, and a film."""
    graphs = {"a net of 130 layers": net(seed), "a chain without groups": chain(seed)}
    smaller = {
        "a net of 6 layers": small_layers(seed, 6, 8),
        "a net of 29 layers": small_layers(seed, 29, 4),
    }
    rounds, rows = max(1, rounds // 10), []
    with TemporaryDirectory() as folder, browser() as (tab, missing):
        for name, root in graphs.items():
            rows.append(whole_page(tab, name, root, Path(folder) / "whole.html", rounds))
        for name, root in smaller.items():
            rows.append(changed_page(tab, name, root, Path(folder) / "changed.html"))
        rows.append(film_page(tab, film_of_50_steps(seed), Path(folder) / "film.html", rounds))
    notes = [
        "Written: from the recorded graph to the file. Opened: from its address to the first "
        f"drawing. Median of {rounds}. Changed: a number is changed ten times at each of five "
        "steps; the median at the slowest of these steps, until everything is painted again.",
    ]
    columns = ["", "written", "opened", "changed"]
    return Table("Pages", columns, rows, [*notes, *absent(missing)])


def whole_page(tab: Any, name: str, root: mb.Tensor, file: Path, rounds: int) -> list[str]:
    story = mb.story(root)
    written = typical(partial(write, root, file), rounds, f"writing {name}")
    opened = tab and typical(partial(draw_first, tab, file), rounds, f"opening {name}")
    return [titled(name, story), said(written, GOAL), said(opened, GOAL), "–"]


def changed_page(tab: Any, name: str, root: mb.Tensor, file: Path) -> list[str]:
    story = mb.story(root)
    if not tab:
        return [titled(name, story), "–", "–", "–"]
    draw_first(tab, story.save(file))
    cost = max(median(tab.evaluate(EDITED, [share, 10])) for share in PLACES) / 1e3
    return [titled(name, story), "–", "–", said(cost, EDIT_GOAL)]


def film_page(tab: Any, told: Film, file: Path, rounds: int) -> list[str]:
    written = typical(partial(told.save, file), 1, "writing a film")
    opened = tab and typical(partial(draw_first, tab, file, "#trained"), rounds, "opening a film")
    size = f"a film: {len(told)} steps of 3 layers, {file.stat().st_size / 1e6:.1f} MB"
    return [size, said(written), said(opened, GOAL), "–"]


def titled(name: str, story: Any) -> str:
    return f"{name}: {len(story.graph.nodes):,} values, {len(story):,} steps"


def said(cost: float | None, goal: float | None = None) -> str:
    """Write seconds, with their goal if there is one."""
    if cost is None:
        return "–"
    return f"{cost:.2f} s" + (f", ≤ {goal:g} s: {met(cost, goal)}" if goal else "")


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


def small_layers(seed: int, layers: int, width: int) -> mb.Tensor:
    """Return the loss of a net, which has 17 values for a layer."""
    rng = np.random.default_rng(seed)
    blocks = (
        nn.Sequential(nn.Linear(width, width, rng=rng), nn.BatchNorm(width), nn.Tanh())
        for _ in range(layers)
    )
    logits = nn.Sequential(*blocks)(mb.Tensor(rng.normal(size=(8, width)), "x"))
    return F.cross_entropy(logits, rng.integers(0, width, 8))


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
