"""A graph that is laid out once: at each step it looks as Graphviz would draw it."""

import xml.etree.ElementTree as ET
from io import BytesIO

import numpy as np
import pytest
import stories
from PIL import Image

import microbn as mb
from microbn import Tensor
from microbn.view import dot
from microbn.view.letters import EDGE
from microbn.view.painting import View
from microbn.view.redrawn import Redrawn, drawing_of_names
from microbn.view.stills import Stills

pytestmark = pytest.mark.usefixtures("graphviz")
SVG = "{http://www.w3.org/2000/svg}"
MADE = [stories.batch_norm, stories.fork, stories.mlp, stories.residual, stories.hostile]


def stills_of(story, **options):
    return Stills(story.graph, story.names, story.gradient_names, story.steps, **options)


def elements(svg):
    """Return the kind of each box, arrow and frame, and what it is drawn with."""
    groups = [g for g in ET.fromstring(svg).iter(f"{SVG}g") if g.get("class") != "graph"]
    parts = [[part for part in group if part.tag != f"{SVG}title"] for group in groups]
    return [
        (group.get("class"), [(part.tag, part.attrib, part.text) for part in inside])
        for group, inside in zip(groups, parts, strict=True)
    ]


@pytest.mark.parametrize("depth", [None, 0])
@pytest.mark.parametrize("made", MADE)
def test_every_step_looks_as_graphviz_draws_it(made, depth):
    stills = stills_of(made(), depth=depth)
    redrawn = Redrawn(stills.graph)
    everything = View(0, 0, *redrawn.size, 1)
    steps = {0, 1, 2, 3, len(made()) // 4, made().starts["backward"], len(made()) - 1}
    for number in steps:
        looks = stills.looks(number)
        inside = redrawn.svg(looks, everything)
        found = elements(f'<svg xmlns="http://www.w3.org/2000/svg">{inside}</svg>')
        assert found == elements(drawing_of_names(stills.graph, looks).svg())


def chain(values):
    x = Tensor(np.ones((2, 2)), "x")
    for _ in range(values):
        x = np.tanh(x)
    return mb.story(x, np.ones((2, 2)))


def test_what_is_not_seen_is_left_out_so_that_a_slide_does_not_grow_with_the_graph():
    longest = [max(map(len, map(stills_of(chain(n)).svg, range(2 * n)))) for n in (30, 60)]
    assert longest[1] < 1.1 * longest[0]


@pytest.mark.parametrize("suffix", ["html", "gif"])
def test_graphviz_runs_as_often_for_many_steps_as_for_few(tmp_path, monkeypatch, suffix):
    run, calls = dot.Drawing.render, []
    monkeypatch.setattr(dot.Drawing, "render", lambda *given: calls.append(0) or run(*given))
    for values in (2, 6):
        story = chain(values)
        write = story.slides if suffix == "html" else story.save
        write(tmp_path / f"chain.{suffix}")
    assert len(calls) == 6


@pytest.mark.parametrize("number", [0, 3, 14])
def test_pixels_are_those_that_graphviz_paints(number):
    stills = stills_of(stories.batch_norm())
    whole = drawing_of_names(stills.graph, stills.looks(number)).render("png")
    ours = stills.image(number)
    redrawn = Redrawn(stills.graph)
    view = redrawn.view(stills.graph.nodes[0].id)
    size = round(view.width * view.scale), round(view.height * view.scale)
    theirs = Image.open(BytesIO(whole)).convert("RGB").resize(size)
    top = (ours.height - size[1]) // 2
    seen = ours.crop((EDGE, top, EDGE + size[0], top + size[1]))
    blurred = [np.asarray(one.reduce(6), float) for one in (seen, theirs)]
    assert np.mean(np.abs(blurred[0] - blurred[1])) < 3
    assert np.corrcoef(*(one.ravel() for one in blurred))[0, 1] > 0.95
