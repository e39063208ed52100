"""Make all pictures of README and these docs: ``python docs/pictures.py RUNS [DIR]``.

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

IMAGES = Path(__file__).parent / "images"
DEMOS = Path(__file__).parents[1] / "demos"
FROM_THE_TOUR = ("comparison.png", "batchnorm.svg")


def copied(runs, folder):
    """Copy the figures of the tour and one of each demo, except the first, which has none."""
    figures = sorted(set(runs.glob("d*.png")) - {*runs.glob("d01*"), *runs.glob("*.graph.png")})
    demos = sorted(DEMOS.glob("d*.py"))[1:]  # the first has a drawing
    if len(figures) != len(demos):
        raise SystemExit(f"{runs} has {len(figures)} figures for {len(demos)} demos; run all demos")
    for figure in (*(runs / name for name in FROM_THE_TOUR), *figures):
        print(shutil.copy(figure, folder))


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


def main(runs, folder=IMAGES):
    (folder := Path(folder)).mkdir(exist_ok=True)
    copied(Path(runs), folder)
    photographed(folder)


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
