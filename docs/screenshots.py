"""The pictures of the stepping page in these docs: ``python docs/screenshots.py [DIR]``.

Needs playwright, which the extra ``test`` brings, and Debian's chromium-headless-shell.
"""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from playwright.sync_api import sync_playwright

import microbn as mb
from microbn import Tensor, functional

IMAGES = Path(__file__).parent / "images"


def steps(told):
    """The step in which x̂ is computed, and the one that sends centered its second part."""
    fork = next(s for s in told for part in s.parts if part.received == part.expected > 1)
    normalized = next(s for s in told if s.sentence.startswith("x̂ ="))
    return {"step_forward": normalized.number, "step_fork": fork.number}


def story():
    rng = np.random.default_rng(0)
    x, gamma, beta = (
        Tensor(rng.normal(size=shape), name)
        for name, shape in {"x": (4, 3), "gamma": 3, "beta": 3}.items()
    )
    dy = rng.normal(size=(4, 3))
    with mb.trace():
        y = functional.batch_norm(x, gamma, beta)
    return mb.story(y, dy, title="batch norm")


def main(folder=IMAGES):
    browser = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    told = story()
    Path(folder).mkdir(exist_ok=True)
    with TemporaryDirectory() as scratch, sync_playwright() as playwright:
        page = told.save(Path(scratch) / "bn.html")
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        tab = chromium.new_page(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
        for name, step in steps(told).items():
            tab.goto(f"{page.as_uri()}#step={step}")
            print(picture := Path(folder) / f"{name}.png")
            tab.screenshot(path=picture)
        chromium.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
