"""Make all pictures of README and these docs: ``python docs/pictures.py RUNS [DIR]``.

The projection is drawn from three numbers. All other pictures come from runs and from the page.

RUNS is the folder where the tour and the demos left their pictures (``microbn tour --out RUNS``,
and ``--save RUNS`` for every demo); these are copied. Two steps of batch norm's page are
photographed in a browser, which needs a Chromium and playwright, from the extra ``test``. Where
PyTorch is installed, so are the pages of its nets. The moving picture of the backward is made from
the pictures that ``microbn step batchnorm --slides bn.webp`` writes.
"""

import shutil
import sys
from contextlib import chdir
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageSequence
from playwright.sync_api import sync_playwright

from microbn.cli.targets import told
from microbn.lab import figures
from microbn.lab.projection import projection_figure

IMAGES = Path(__file__).parent / "images"
DEMOS = Path(__file__).parents[1] / "demos"
LIBRARIES = Path(__file__).parent / "learn" / "libraries"
NETS = {"convnet": "x̂₁ =", "transformer": "weights ="}  # of PyTorch's, and the step that is shown
FROM_THE_TOUR = ("comparison.png", "batchnorm.svg")
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
DRAWN = "d01_one_neuron"  # its picture is the drawing of a graph, and no figure
MOVING = 960, 540  # of the backward, in pixels: small to load, and its numbers can be read
PAUSE = 2500  # milliseconds for each of its steps


def wanted(runs):
    """Return the pictures of the tour and of each demo that has one. All must be there."""
    demos = [f"{demo.stem}.png" for demo in sorted(DEMOS.glob("d*.py")) if demo.stem != DRAWN]
    runs_of = {"the tour with --out": FROM_THE_TOUR, "all demos with --save": demos}
    for way_out, names in runs_of.items():
        if missing := [name for name in names if not (runs / name).exists()]:
            raise SystemExit(f"{runs} has no {missing[0]}; run {way_out} {runs}")
    return [runs / name for name in (*FROM_THE_TOUR, *demos)]


def found_browser():
    if not (found := [*filter(None, map(shutil.which, BROWSERS))]):
        raise SystemExit(f"docs/pictures.py needs a browser: one of {', '.join(BROWSERS)}")
    return found[0]


def steps(story):
    """Find the step that computes x̂, and the step that sends centered its second part."""
    fork = next(s for s in story for part in s.parts if part.received == part.expected > 1)
    normalized = next(s for s in story if s.sentence.startswith("x̂ ="))
    return {"step_forward": normalized.number, "step_fork": fork.number}


def photographed(browser, folder):
    """Photograph two steps of batch norm's page and the nets', at the size of a projector."""
    story = told("batchnorm")
    views = [(name, story, step) for name, step in steps(story).items()]
    views += [(f"net_{net}", *nets_step(net)) for net in NETS if find_spec("torch")]
    with TemporaryDirectory() as scratch, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser)
        tab = chromium.new_page(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
        for name, story, step in views:
            page = story.save(Path(scratch) / f"{name}.html")
            tab.goto(f"{page.as_uri()}#step={step}")
            print(picture := folder / f"{name}.png")
            tab.screenshot(path=picture)
        chromium.close()


def nets_step(net):
    """Return the story of a net of PyTorch's, and the number of its step."""
    with chdir(LIBRARIES):
        story = told(f"{net}.py:model")
    return story, next(s.number for s in story if s.sentence.startswith(NETS[net]))


def projected(folder=IMAGES):
    """Draw dx as a projection."""
    print(figures.save(projection_figure(), folder / "projection.png"))


def moving(folder=IMAGES):
    """Make the moving picture of batch norm's backward, which begins again at its end."""
    story = told("batchnorm")
    start = next(step.number for step in story if step.phase == "backward")
    with TemporaryDirectory() as scratch, Image.open(story.save(f"{scratch}/all.webp")) as steps:
        frames = [each.convert("RGB").resize(MOVING) for each in ImageSequence.Iterator(steps)]
    first, *others = frames[start:]
    print(picture := folder / "backward.webp")
    how = {"duration": PAUSE, "loop": 0, "quality": 75, "method": 6}
    first.save(picture, save_all=True, append_images=others, **how)


def main(runs, folder=IMAGES):
    pictures, browser = wanted(Path(runs)), found_browser()
    (folder := Path(folder)).mkdir(exist_ok=True)
    for picture in pictures:
        print(shutil.copy(picture, folder))
    projected(folder)
    moving(folder)
    photographed(browser, folder)


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
