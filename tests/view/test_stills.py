"""The steps of a story as pictures of one size: nothing is cut off, and both forms agree."""

import io
import re
import sys
import xml.etree.ElementTree as ET
from functools import cache
from itertools import chain, pairwise

import numpy as np
import pytest
import stories

import microbn as mb
from microbn import Tensor, errors
from microbn.cli.targets import told
from microbn.view.letters import LEGIBLE, width_of
from microbn.view.painting import measured
from microbn.view.panel import Panel, paint
from microbn.view.redrawn import Looks, drawing_of_names
from microbn.view.stills import Stills
from microbn.view.values import table

pytestmark = pytest.mark.usefixtures("graphviz")
SVG = "{http://www.w3.org/2000/svg}"
MADE = [stories.batch_norm, stories.fork, stories.mlp, stories.residual, stories.hostile]


def stills_of(story, **options):
    return Stills(story.graph, story.names, story.gradient_names, story.steps, **options)


@cache
def pictures_of(made):
    stills = stills_of(made())
    return [stills.svg(number) for number in range(len(made()))]


def read(svg):
    """Return the drawing, and what stands beside it: the rectangles and the texts."""
    root = ET.fromstring(svg)
    drawing = root.find(f"{SVG}svg")
    _paper, *boxes = [{k: v for k, v in box.items()} for box in root.findall(f"{SVG}rect")]
    texts = root.findall(f"{SVG}text")
    return drawing, boxes, texts


def numbers(element, *names):
    return [float(element.get(name)) for name in names]


@pytest.mark.parametrize("made", MADE)
def test_every_picture_has_one_size_and_all_that_it_says_lies_inside(made):
    for svg in pictures_of(made):
        assert ET.fromstring(svg).get("viewBox") == "0 0 1280 720"
        _, boxes, texts = read(svg)
        assert len(texts) > 3
        for text in texts:
            x, y, length, size = numbers(text, "x", "y", "textLength", "font-size")
            assert x >= 0
            assert x + length <= 1280
            assert size < y + size / 4 <= 720
        for box in boxes:
            x, y, width, height = numbers(box, "x", "y", "width", "height")
            assert min(x, y) >= 0
            assert x + width <= 1280
            assert y + height <= 720


@pytest.mark.parametrize("made", MADE)
def test_no_cell_lies_on_another(made):
    for svg in pictures_of(made):
        corners = np.array([numbers(b, "x", "y", "width", "height") for b in read(svg)[1]])
        low, high = corners[:, :2], corners[:, :2] + corners[:, 2:]
        apart = (high[:, None] <= low + 0.11) | (low[:, None] >= high - 0.11)
        apart = np.any(apart, axis=2)
        assert np.all(apart | np.eye(len(corners), dtype=bool))


def drawn(svg):
    """Return where the names stand in the drawing of the graph, and what is seen of it."""
    drawing, _, _ = read(svg)
    return names_in(drawing), drawing.attrib


def names_in(drawing):
    """Return the names in a drawing, and where they stand."""
    drawing = ET.fromstring(drawing) if isinstance(drawing, str) else drawing
    groups = [g for g in drawing.iter(f"{SVG}g") if g.get("class") == "node"]
    texts = [t for group in groups for t in group.iter(f"{SVG}text")]
    return [(t.text, t.get("x"), t.get("y")) for t in texts]


def is_seen(name, height, window):
    """Return whether a name begins in the part that is seen of a drawing of this height."""
    left, top, width, down = map(float, window["viewBox"].split())
    x, y = float(name[1]) + 4, float(name[2]) + height - 4
    return left <= x <= left + width and top <= y <= top + down


@pytest.mark.parametrize("made", MADE)
def test_the_drawing_has_the_same_layout_and_size_in_every_step(made):
    pictures = [drawn(svg) for svg in pictures_of(made)]
    layout = drawing_of_names(stills_of(made()).graph, Looks()).svg()
    whole, (_, height) = names_in(layout), measured(layout)
    for names, window in pictures:
        assert [name for name in whole if name in names] == names
        assert {name for name in whole if is_seen(name, height, window)} <= {*names}
    for side in ("x", "y", "width", "height"):
        assert len({place[side] for _, place in pictures}) == 1


@pytest.mark.parametrize("made", [stories.mlp, stories.residual])
def test_of_a_large_drawing_the_part_with_the_step_is_seen_and_its_names_are_legible(made):
    for svg in pictures_of(made)[1:]:
        drawing, _, _ = read(svg)
        x, y, width, height = map(float, drawing.get("viewBox").split())
        moved = re.search(
            r"translate\(([\d.-]+) ([\d.-]+)\)", drawing.find(f"{SVG}g").get("transform")
        )
        (now,) = [
            g
            for g in drawing.iter(f"{SVG}g")
            if g.get("class") == "node" and g.find(f"{SVG}path").get("stroke-width") == "3"
        ]
        text = now.find(f"{SVG}text")
        at = [float(text.get(k)) + float(m) for k, m in zip("xy", moved.groups(), strict=True)]
        assert x <= at[0] <= x + width
        assert y <= at[1] <= y + height
        scale = float(drawing.get("width")) / width
        assert 11 * scale >= 13.3


def test_whole_graph_of_batch_norm_is_seen():
    stills = stills_of(told("batchnorm"))
    whole = drawing_of_names(stills.graph, stills.looks(3)).svg()
    seen = read(stills.svg(3))[0].get("viewBox").split()
    assert [*map(float, seen)] == pytest.approx([0, 0, *measured(whole)], abs=0.1)


def test_what_is_not_computed_yet_is_dashed():
    story = stories.batch_norm()
    stills = stills_of(story)
    looks = map(stills.looks, range(len(story)))
    dashed = [drawing_of_names(stills.graph, one).source.count("dashed") for one in looks]
    computed = sum(1 for node in story.graph.nodes if node.function)
    assert dashed == [*range(computed, -1, -1), *[0] * (len(story) - computed - 1)]


@pytest.mark.parametrize("made", [stories.batch_norm, stories.fork, stories.mlp])
def test_every_picture_has_the_sentence_and_all_terms_of_its_sums(made):
    for step, svg in zip(made(), pictures_of(made), strict=True):
        _, _, texts = read(svg)
        said = " ".join(text.text for text in texts)
        assert step.sentence in " ".join(said.split())
        cells = [t.text for t in texts if "Mono" in t.get("font-family")]
        for part in step.parts:
            for term in part.terms().values():
                wanted = [*chain(*table(term).rows)]
                assert any(cells[i : i + len(wanted)] == wanted for i in range(len(cells)))


def test_a_message_that_is_not_the_first_is_shown_as_a_sum():
    story = stories.batch_norm()
    panel = Panel(story.graph.nodes, story.names, story.gradient_names, story.steps.noise)
    forks = [(s, i) for s in story for i, p in enumerate(s.parts) if p.received > 1]
    for step, i in forks:
        row = [row for row in panel.rows(step) if row.head][i]
        before, *_, last = row.terms
        assert (before.sign, last.sign) == ("", "=")
        assert "+" in [term.sign for term in row.terms]
        assert before.title.endswith("so far")
        assert (last.whole, row.nth) == (True, "part 2 of 2")
    assert len(forks) == 2


def test_the_numbers_of_batch_norm_can_be_read_from_the_back_of_a_room():
    stills = stills_of(told("batchnorm"))
    for number in range(len(stills.steps)):
        _, _, texts = read(stills.svg(number))
        cells = [t for t in texts if re.fullmatch(r"-?[\d.]+(e-?\d+)?", t.text)]
        assert cells
        assert min(float(t.get("font-size")) for t in cells) >= LEGIBLE


@pytest.mark.parametrize("number", [0, 3, 14, 20])
def test_pixels_show_what_the_svg_shows(number):
    stills = stills_of(told("batchnorm"))
    image = np.asarray(stills.image(number))
    assert image.shape == (720, 1280, 3)
    drawing, boxes, _ = read(stills.svg(number))
    for box in boxes:
        x, y, width, height = numbers(box, "x", "y", "width", "height")
        if height > 10:
            colour = image[round(y + 3), round(x + width - 3)]
            assert "#{:02x}{:02x}{:02x}".format(*colour) == box["fill"]
    left, top, width, height = numbers(drawing, "x", "y", "width", "height")
    inside = image[int(top) : int(top + height), int(left) : int(left + width)]
    assert np.mean(inside < 255) > 0.02  # the graph


@pytest.mark.parametrize(
    "root",
    [
        pytest.param(lambda: Tensor(np.zeros((0, 3)), "x") * 2.0, id="empty"),
        pytest.param(lambda: Tensor(np.ones((2, 2, 2)), "x") * 2.0, id="three axes"),
        pytest.param(lambda: Tensor(np.ones((40, 30)), "x") * 2.0, id="large"),
        pytest.param(lambda: Tensor([np.nan, np.inf, -1.0], "x") * 2.0, id="not finite"),
        pytest.param(lambda: np.sum(Tensor(np.ones(3), "long " * 40)), id="a long name"),
    ],
)
def test_other_arrays_have_a_picture_too(root):
    story = stories.told(root())
    stills = stills_of(story)
    for number in range(len(story)):
        _, _, texts = read(stills.svg(number))
        assert texts
        assert stills.image(number).size == (1280, 720)


def test_a_row_of_three_axes_has_its_index_and_a_large_table_its_range():
    cube, large = np.arange(8.0).reshape(2, 2, 2), np.ones((40, 30))
    for array, word in ((cube, "[1, 0]"), (large, "of all: 1 to 1, mean 1")):
        svg = stills_of(stories.told(Tensor(array, "x") * 2.0)).svg(1)
        assert word in [text.text for text in read(svg)[2]]


def test_width_of_a_text_is_that_of_its_letters():
    assert width_of("000", 20, "mono") == pytest.approx(3 * 0.602 * 20, rel=1e-2)
    assert width_of("ab", 20) == pytest.approx(2 * width_of("ab", 10))


# --- an animated picture


@pytest.mark.parametrize("format", ["webp", "gif"])
def test_animated_picture_has_a_frame_of_each_step_and_begins_again(tmp_path, format):
    from PIL import Image

    story = stories.fork()
    shown, durations = [], []
    with Image.open(story.save(tmp_path / f"fork.{format}")) as image:
        assert (image.n_frames, image.size, image.info["loop"]) == (len(story), (1280, 720), 0)
        for number in range(image.n_frames):
            image.seek(number)
            shown.append(np.asarray(image.convert("RGB")).astype(int))
            durations.append(image.info["duration"])
    stills = stills_of(story)
    for number in (0, len(story) - 1):
        right = np.asarray(stills.image(number)).astype(int)
        assert np.mean(np.abs(shown[number] - right)) < 2
    assert all(np.any(one != other) for one, other in pairwise(shown))
    assert min(durations) >= 1500
    assert durations[-1] > max(durations[:-1])


# --- what goes wrong


def test_another_suffix_is_refused_and_the_way_out_named(tmp_path):
    story = stories.fork()
    with pytest.raises(errors.ArgumentError, match=r"bn\.html.*bn\.webp.*story\.frames"):
        story.save(tmp_path / "bn.mp4")
    with pytest.raises(errors.ArgumentError, match=r"slides\.html, not as .*story\.save"):
        story.slides(tmp_path / "bn.pdf")
    assert [*tmp_path.iterdir()] == []


def test_without_pillow_or_graphviz_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "PIL.Image", None)
        with pytest.raises(errors.MissingPackageError, match="pip install pillow"):
            stories.fork().slides(tmp_path / "slides.html")
    monkeypatch.setattr("microbn.view.dot.renderers", lambda format="svg": [])
    with pytest.raises(errors.MissingPackageError, match=r"microbn\[lab\]"):
        stories.fork().save(tmp_path / "bn.gif")


def test_groups_are_closed_on_demand_and_a_group_that_does_not_exist_is_refused(tmp_path):
    story = stories.residual()
    with pytest.raises(errors.ArgumentError, match="nosuch"):
        story.slides(tmp_path / "slides.html", collapse=["nosuch"])
    whole, closed = (len(drawn(stills_of(story, depth=depth).svg(0))[0]) for depth in (None, 0))
    assert closed < whole


def test_a_large_graph_has_its_groups_closed():
    x = Tensor(1.0, "x")
    for block in range(40):
        with mb.scope(f"block{block}"):
            for _ in range(4):
                x = x + 1.0
    stills = stills_of(mb.story(x))
    assert len(stills.graph.nodes) <= 120


# --- colours


def test_a_cell_is_painted_as_on_the_page(opened):
    page = opened(stories.fork())
    texts = ["0", "-0.5", "0.5", "1", "-1", "0.25", "-0.75", "3", "nan", "inf", "1e-9"]
    given = [(text, most, noise) for text in texts for most in (1.0, 2.5) for noise in (0, 1e-6)]
    asked = "all => all.map(([text, most, noise]) => colour(text, most, noise))"
    theirs = page.evaluate(asked, [list(one) for one in given])
    for one, their in zip(given, theirs, strict=True):
        ground = their["background"]
        if found := re.findall(r"\d+", ground if ground.startswith("rgb") else ""):
            ground = "#{:02x}{:02x}{:02x}".format(*map(int, found))
        assert paint(*one) == (ground, their["ink"]), one


def test_picture_says_its_sentence_to_a_screen_reader():
    story = stories.fork()
    picture = ET.parse(io.StringIO(stills_of(story).svg(2))).getroot()
    assert (picture.get("role"), picture.get("aria-label")) == ("img", story[2].sentence)
