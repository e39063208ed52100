"""Make all pictures of README and these docs: ``python docs/pictures.py RUNS [DIR]``.

The projection is drawn from three numbers. All other pictures come from runs and from the page.

RUNS is the folder where the tour and the demos left their pictures (``microbn tour --out RUNS``,
and ``--save RUNS`` for every demo); these are copied. Two steps of batch norm's page are
photographed in a browser, which needs a Chromium and playwright, from the extra ``test``.
"""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from microbn.cli.targets import told
from microbn.lab import figures
from microbn.lab.projection import projection_figure

IMAGES = Path(__file__).parent / "images"
DEMOS = Path(__file__).parents[1] / "demos"
FROM_THE_TOUR = ("comparison.png", "batchnorm.svg")
DRAWN = "d01_one_neuron"  # its picture is the drawing of a graph, and no figure


def copied(runs, folder):
    """Copy the figures of the tour and of each demo that has one."""
    demos = [f"{demo.stem}.png" for demo in sorted(DEMOS.glob("d*.py")) if demo.stem != DRAWN]
    if missing := [name for name in demos if not (runs / name).exists()]:
        raise SystemExit(f"{runs} has no {missing[0]}; run all demos")
    for name in (*FROM_THE_TOUR, *demos):
        print(shutil.copy(runs / name, folder))


def steps(story):
    """Find the step that computes x̂, and the step that sends centered its second part."""
    fork = next(s for s in story for part in s.parts if part.received == part.expected > 1)
    normalized = next(s for s in story if s.sentence.startswith("x̂ ="))
    return {"step_forward": normalized.number, "step_fork": fork.number}


def photographed(folder):
    """Photograph two steps of batch norm's page, at the size of a projector."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    browser = next(filter(None, map(shutil.which, names)))
    story = told("batchnorm")
    with TemporaryDirectory() as scratch, sync_playwright() as playwright:
        page = story.save(Path(scratch) / "bn.html")
        chromium = playwright.chromium.launch(executable_path=browser)
        tab = chromium.new_page(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
        for name, step in steps(story).items():
            tab.goto(f"{page.as_uri()}#step={step}")
            print(picture := folder / f"{name}.png")
            tab.screenshot(path=picture)
        chromium.close()


def projected(folder=IMAGES):
    """Draw dx as a projection."""
    print(figures.save(projection_figure(), folder / "projection.png"))


def main(runs, folder=IMAGES):
    (folder := Path(folder)).mkdir(exist_ok=True)
    copied(Path(runs), folder)
    projected(folder)
    photographed(folder)


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
