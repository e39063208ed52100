"""The size of drawings: the direction that they take, and frames that are equal."""

import re

import numpy as np
import pytest
import stories
from stories import shown

import microbn as mb
from microbn import Tensor
from microbn import functional as F
from microbn.cli.examples import BUILT_IN
from microbn.cli.targets import graph
from microbn.view import draw
from microbn.view.frames import Frames

SIZE = re.compile(r'<svg width="(\d+)pt" height="(\d+)pt"')


def second_order():
    rng = np.random.default_rng(0)
    leaves = [Tensor(rng.normal(size=s), n) for n, s in {"x": (4, 3), "g": 3, "b": 3}.items()]
    y = F.batch_norm(*leaves)
    return mb.grad(y, leaves[0], rng.normal(size=(4, 3)), create_graph=True), np.ones((4, 3))


def chain():
    x = Tensor(1.0, "x")
    for _ in range(30):
        x = -x
    return x, None


def fan():
    """Many leaves with long names, in one sum after another."""
    leaves = [Tensor(float(i), f"a_leaf_with_a_long_name_{i}") for i in range(12)]
    return sum(np.exp(leaf) for leaf in leaves), None


GRAPHS = {target: lambda target=target: graph(target) for target in BUILT_IN}
GRAPHS |= {"second order": second_order, "chain": chain, "fan": fan}


def type_size(drawing):
    """Return by how much a drawing has to shrink for a screen of 1280 x 720."""
    width, height = map(int, SIZE.search(drawing.svg()).groups())
    return min(1.0, 1280 / width, 720 / height)


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.usefixtures("graphviz")
def test_the_direction_that_is_not_given_is_the_one_with_larger_text(name):
    root, cotangent = GRAPHS[name]()
    found = {d: type_size(draw(root, cotangent, direction=d)) for d in ("LR", "TB")}
    assert type_size(draw(root, cotangent)) == max(found.values())


def test_a_small_graph_is_drawn_from_left_to_right_and_a_long_one_down():
    assert "rankdir=LR" in draw(Tensor(1.0) * 2.0).source
    assert "rankdir=TB" in draw(chain()[0]).source


PLACES = re.compile(
    r'<g id="[^"]*" class="node">\s*<title>([^<]*)</title>\s*<path [^>]*? d="([^"]*)"'
)


def places(picture):
    """Return the outline of each box, by its id."""
    return dict(PLACES.findall(picture))


TOLD = {
    "batch norm": stories.batch_norm,
    "fork": stories.fork,
    "scalars": stories.scalar_batch_norm,
    "hostile": stories.hostile,
}
OPTIONS = [{}, {"direction": "TB"}, {"direction": "LR"}, {"values": False}, {"depth": 0}]


@pytest.mark.parametrize(("name", "options"), [(name, {}) for name in TOLD])
@pytest.mark.usefixtures("graphviz")
def test_frames_have_one_size_and_no_box_moves(tmp_path, name, options):
    told = TOLD[name]()
    frames = [frame.read_text("utf-8") for frame in told.frames(tmp_path, **options)]
    assert len({SIZE.search(frame).groups() for frame in frames}) == 1
    first = places(frames[0])
    assert len(first) == len(told.graph.folded().nodes)
    assert all(places(frame) == first for frame in frames)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.usefixtures("graphviz")
def test_frames_are_equal_with_every_option(tmp_path, options):
    frames = [f.read_text("utf-8") for f in stories.fork().frames(tmp_path, **options)]
    assert len({SIZE.search(frame).groups() for frame in frames}) == 1
    assert len({tuple(places(frame).items()) for frame in frames}) == 1


@pytest.mark.usefixtures("graphviz")
def test_drawings_that_are_made_one_by_one_differ_in_size_and_boxes_move():
    told = stories.batch_norm()
    alone = [told.drawing(number).svg() for number in (0, 5, len(told) - 1)]
    assert len({SIZE.search(picture).groups() for picture in alone}) == 3
    assert places(alone[0]) != places(alone[1])


@pytest.mark.usefixtures("graphviz")
def test_frames_as_png_have_equally_many_pixels(tmp_path):
    frames = [frame.read_bytes() for frame in stories.fork().frames(tmp_path, "png")]
    assert len({frame[16:24] for frame in frames}) == 1  # the width and height of a PNG


def test_every_sentence_stands_whole_in_its_frame():
    told = stories.batch_norm()
    frames = Frames(told.graph, told.steps)
    for step in told:
        source = frames[step.number].source
        caption = re.search(r"\tlabel=\"(Step .*?)\"\n", source)
        assert caption
        assert shown(step.sentence) in shown(caption[1].replace("\\l", " "))
    assert len(frames) == len(told)
    with pytest.raises(IndexError):
        frames[len(told)]
