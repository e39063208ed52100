"""Measure the workshop: the size of its page, the seconds until it shows its first story, and the
milliseconds of later runs. ``python -m tests.workshop.pyodide`` fetches the Python that it carries.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from microbn.workshop.building import workshop as write_page

from ..workshop.pyodide import COMMAND, folder, unusable
from .measures import Table, met, progress, seconds
from .pages import browser, said

BOOT_GOAL, RUN_GOAL, SIZE_GOAL = 20.0, 0.1, 15.0  # seconds, seconds, MB
RUNS = 20
SCRIPT = '''
title = "A workshop"
[[exercise]]
title = "Batch norm"
text = "Run it."
code = """
import numpy as np
import microbn as mb
from microbn import Tensor, functional

x = Tensor([[1.0, 4.0], [3.0, 0.0], [2.0, 2.0]], "x")
gamma, beta = Tensor([1.0, 2.0], "gamma"), Tensor([0.0, 0.0], "beta")
story = mb.story(functional.batch_norm(x, gamma, beta), np.eye(3, 2), title="Batch norm")
"""
'''
# Runs the code so many times, and returns the milliseconds from asking until its story is there.
RUN = """async (times) => {
  const found = [];
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    const { story } = await python.call("run_code", ["mine.py", setup.exercises[0].code]);
    if (!story) throw new Error("no story");
    found.push(performance.now() - start);
  }
  return found;
}"""


def workshop(rounds: int, seed: int) -> Table:
    """Measure the page with one exercise, batch norm. Nothing in it depends on the seed."""
    rounds = max(1, rounds // 10)
    columns = ["", "size", "first story", "later runs"]
    if why := unusable(folder()):
        return Table("Workshop", columns, [], [f"Nothing was measured: {why}. {COMMAND}"])
    with TemporaryDirectory() as room, browser() as (tab, missing):
        (script := Path(room) / "script.toml").write_text(SCRIPT, encoding="utf-8")
        file = write_page(Path(room) / "workshop.html", script, pyodide=folder())
        size = file.stat().st_size / 1e6
        boot = runs = None
        if tab:
            tab.context.set_offline(True)
            opened = progress(range(rounds), "opening a workshop")
            boot = median(seconds(lambda: first_story(tab, file)) for _ in opened)
            runs = median(tab.evaluate(RUN, RUNS)) / 1e3
    row = ["the lab's Python, NumPy and microbn in one file"]
    row += [f"{size:.1f} MB, ≤ {SIZE_GOAL:g} MB: {met(size, SIZE_GOAL)}"]
    row += [said(boot, BOOT_GOAL), said(runs, RUN_GOAL)]
    note = (
        "First story: from the page's address, without a network, until Python has started, the "
        f"code has run and its graph is drawn. Median of {rounds}. Later runs: from asking until "
        f"the story is there; median of {RUNS}."
    )
    return Table("Workshop", columns, [row], [note, *map(" ".join, missing.items())])


def first_story(tab: Any, file: Path) -> None:
    """Open the page, start Python, run the code, and wait for the drawing of its graph."""
    tab.goto("about:blank")
    tab.goto(file.as_uri())
    tab.evaluate("() => python.start()")
    tab.click("#run")
    tab.frame_locator("iframe").locator("#graph svg .box.now").first.wait_for(timeout=60_000)
