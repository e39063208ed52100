"""The pictures of the stepping page in these docs: ``python docs/screenshots.py``.

Needs playwright, which the extra ``test`` brings, and Debian's chromium-headless-shell.
"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from playwright.sync_api import sync_playwright

import microbn as mb
from microbn import Tensor, functional

IMAGES = Path(__file__).parent / "images"
STEPS = {"step_forward": 7, "step_fork": 16}


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


def main():
    browser = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        page = story().save(Path(folder) / "bn.html")
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        tab = chromium.new_page(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
        for name, step in STEPS.items():
            tab.goto(f"{page.as_uri()}#step={step}")
            tab.screenshot(path=IMAGES / f"{name}.png")
            print(IMAGES / f"{name}.png")
        chromium.close()


if __name__ == "__main__":
    main()
