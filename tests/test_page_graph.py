"""The graph on the page, as it stands in a real browser: places, groups, colours, readers."""

import re
from itertools import combinations

import numpy as np
import pytest
import stories
from browser import PHONE, SIZE, await_step, look

from microbn import Tensor

GRAPHS = {
    "batch norm": stories.batch_norm,
    "mlp": stories.mlp,
    "residual": lambda: stories.residual(8),
    "scalars": stories.scalar_batch_norm,
    **{f"program {seed}": lambda seed=seed: stories.random_program(seed) for seed in (1, 7)},
}


@pytest.fixture(params=GRAPHS)
def graph(request):
    return GRAPHS[request.param]()


# --- places

OUTSIDE = """() => [...document.querySelectorAll("#graph .box")].flatMap((box) => {
  const outer = box.querySelector("rect").getBBox();
  return [...box.querySelectorAll("text:not(.sum), .rim")].filter((part) => {
    const inner = part.getBBox();
    return inner.width && (inner.x < outer.x || inner.x + inner.width > outer.x + outer.width
      || inner.y < outer.y - 2 || inner.y + inner.height > outer.y + outer.height + 2);
  }).map((part) => part.textContent || "heatmap");
})"""


def meet(one, other):
    """Whether two rectangles share more than a rim."""
    return all(
        min(one[at] + one[size], other[at] + other[size]) - max(one[at], other[at]) > 0.01
        for at, size in (("x", "width"), ("y", "height"))
    )


def holds(outer, inner):
    return all(
        outer[at] <= inner[at] and inner[at] + inner[size] <= outer[at] + outer[size]
        for at, size in (("x", "width"), ("y", "height"))
    )


def misplaced(boxes, frames):
    """Pairs that overlap without the one being a frame around the other."""
    wrong = [(a, b) for a, b in combinations(boxes, 2) if meet(a, b)]
    wrong += [(a, b) for a in frames for b in boxes if meet(a, b) and not holds(a, b)]
    nested = [(a, b) for a, b in combinations(frames, 2) if meet(a, b)]
    return wrong + [(a, b) for a, b in nested if not (holds(a, b) or holds(b, a))]


def test_boxes_never_overlap_and_stand_in_their_frames_with_what_is_written_on_them(opened, graph):
    page = opened(graph)
    shown = look(page)
    assert len(shown.boxes) == len(graph.graph.nodes)
    assert len(shown.frames) == len(graph.graph.groups())
    assert not misplaced(shown.boxes, shown.frames)
    depths = [sum(holds(frame, box) for frame in shown.frames) for box in shown.boxes]
    assert depths == [len(node.scope) for node in graph.graph.nodes]
    assert shown.edges == len(graph.graph.edges)
    for number in (0, len(graph) // 2, len(graph) - 1):
        look(page, number)
        assert page.evaluate(OUTSIDE) == []


def test_the_check_sees_what_is_misplaced():
    box = {"x": 0, "y": 0, "width": 10, "height": 10}
    beside, across = box | {"x": 10}, box | {"x": 5}
    assert not misplaced([box, beside], [])
    assert misplaced([box, across], [])
    assert not misplaced([box], [box | {"width": 12}])
    assert misplaced([box], [across])
    assert misplaced([], [box, across])


UNSEEN = """() => {
  const room = document.getElementById("graph").getBoundingClientRect();
  return [...document.querySelectorAll("#graph .box.now > rect")].filter((rect) => {
    const box = rect.getBoundingClientRect();
    return box.left < room.left || box.right > room.right
      || box.top < room.top || box.bottom > room.bottom;
  }).length;
}"""


@pytest.mark.parametrize(
    ("made", "size"),
    [(stories.batch_norm, SIZE), (stories.mlp, PHONE)],
    ids=["lecture room", "phone"],
)
def test_box_of_the_step_is_in_sight_at_every_step(opened, made, size):
    page = opened(made(), viewport=size, reduced_motion="reduce")
    for step in made():
        shown = look(page, step.number)
        assert any(box["now"] for box in shown.boxes)
        if step.phase != "given":
            assert page.evaluate(UNSEEN) == 0


def test_whole_batch_norm_is_in_sight_in_a_lecture_room(opened):
    page = opened(stories.batch_norm())
    graph = page.locator("#graph")
    scrolls = "e => e.scrollHeight > e.clientHeight + 1 || e.scrollWidth > e.clientWidth + 1"
    assert not graph.evaluate(scrolls)


@pytest.mark.parametrize("made", [stories.batch_norm, stories.mlp, stories.hostile])
def test_nothing_is_wider_than_a_phone(opened, made):
    page = opened(made(), viewport=PHONE)
    for number in (0, 1, len(made()) // 2, len(made()) - 1):
        look(page, number)
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) <= 0


# --- groups


def dotted(path):
    return ".".join(path)


def counts(shown):
    return len(shown.boxes), len(shown.frames), shown.edges


def expected(story, closed):
    folded = story.graph.folded([dotted(path) for path in closed])
    return len(folded.nodes), len(folded.groups()), len(folded.edges)


def button(page, path):
    return page.locator("#groups button[data-path]").nth(list(PATHS).index(path))


PATHS = stories.mlp().graph.groups()


def test_group_closes_and_opens_by_its_button(opened):
    page = opened(stories.mlp())
    page.click("#groups summary")
    for path in PATHS:
        for closed in ([path], []):
            button(page, path).click()
            assert counts(look(page)) == expected(stories.mlp(), closed)
            assert button(page, path).get_attribute("aria-pressed") == str(not closed).lower()


def test_group_closes_by_a_click_on_its_frame_and_opens_by_one_on_its_box(opened):
    page = opened(stories.mlp())
    for path in PATHS:
        page.locator("#graph .frame text").filter(has_text=path[-1]).click()
        assert counts(look(page)) == expected(stories.mlp(), [path])
        page.locator("#graph .box.group").click()
        assert counts(look(page)) == expected(stories.mlp(), [])


def test_closed_groups_keep_places_and_arrows_right_in_every_combination(opened):
    story = stories.residual()
    paths = story.graph.groups()
    page = opened(story)
    page.click("#groups summary")
    closed = []
    for i in range(0, len(paths), 2):
        page.locator("#groups button[data-path]").nth(i).click()
        closed.append(paths[i])
        shown = look(page)
        assert counts(shown) == expected(story, closed)
        assert not misplaced(shown.boxes, shown.frames)


def test_closed_group_is_marked_at_the_steps_of_what_is_in_it(opened):
    story = stories.mlp()
    page = opened(story)
    page.click("#groups summary")
    button(page, PATHS[1]).click()
    nodes = {node.id: node for node in story.graph.nodes}
    for step in story:
        if step.phase != "given":
            inside = nodes[step.nodes[0]].scope[: len(PATHS[1])] == PATHS[1]
            marked = [box["texts"][0] for box in look(page, step.number).boxes if box["now"]]
            assert len(marked) == 1
            assert marked[0].startswith("▸") == inside


def test_box_that_is_clicked_leads_to_its_step(opened):
    story = stories.batch_norm()
    page = opened(story)
    box = page.locator("#graph .box").filter(has_text="square").first
    box.click()
    await_step(page, 3)
    look(page, len(story) - 1)
    page.locator("#graph .box").filter(has_text="square").first.click()
    assert story[look(page).at].sentence.startswith("The gradient of square is complete")


def test_large_graph_opens_with_its_groups_closed_but_for_those_of_the_step(opened):
    story = stories.residual(30)
    page = opened(story)
    assert len(story.graph.nodes) > 200
    first = look(page, 1)
    assert len(first.boxes) < 50
    nodes = {node.id: node for node in story.graph.nodes}
    for number in (1, 100, len(story) // 2 + 1, len(story) - 5):
        shown = look(page, number)
        [now] = [box for box in shown.boxes if box["now"]]
        assert not now["texts"][0].startswith("▸")
        assert len(shown.frames) == len(nodes[story[number].nodes[0]].scope)


def test_large_graph_without_groups_is_drawn_around_the_step(opened):
    story = stories.chain(300)
    page = opened(story)
    for number in (0, 150, 450, len(story) - 1):
        shown = look(page, number)
        assert 10 < len(shown.boxes) < 120
        assert any(box["now"] for box in shown.boxes)
        assert not misplaced(shown.boxes, shown.frames)
    assert "301 values" in page.inner_text("#graph")


# --- colours and motion

COLOURS = """() => [
  ["body", "body"], ["#where", "#step"], ["#sentence", "#step"], ["#tables caption", "#step"],
  ["#next", "#next"], ["#play", "#play"], ["#pace", "#pace"],
].map(([over, under]) => [
  over,
  getComputedStyle(document.querySelector(over)).color,
  getComputedStyle(document.querySelector(under)).backgroundColor,
]).concat(
  [...document.querySelectorAll("#tables td")].map((cell) => [
    "td", getComputedStyle(cell).color, getComputedStyle(cell).backgroundColor]),
  [...document.querySelectorAll("#graph .box text:not(.sum)")].map((text) => [
    "box", getComputedStyle(text).fill,
    getComputedStyle(text.parentNode.querySelector("rect")).fill]),
  [...document.querySelectorAll("#graph .frame text, #graph .sum")].map((text) => [
    "frame", getComputedStyle(text).fill, getComputedStyle(document.body).backgroundColor]),
)"""


def contrast(one, other):
    """Of two colours, from 1 to 21. Source: WCAG 2.2, contrast ratio."""
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour):
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_contrast_is_measured():
    assert contrast("rgb(0, 0, 0)", "rgb(255, 255, 255)") == pytest.approx(21)
    assert contrast("rgb(119, 119, 119)", "rgb(255, 255, 255)") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_that_is_written_can_be_read_in_light_and_dark(opened, scheme):
    page = opened(stories.mlp(), color_scheme=scheme)
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (luminance(paper) < 0.5) == (scheme == "dark")
    for number in (0, 4, 20, len(stories.mlp()) - 1):
        look(page, number)
        weak = [found for found in page.evaluate(COLOURS) if contrast(*found[1:]) < 4.5]
        assert weak == []


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_nothing_moves_for_who_wants_no_motion(opened, motion):
    page = opened(stories.mlp(), reduced_motion=motion)
    smooth = "getComputedStyle(document.getElementById('graph')).scrollBehavior === 'smooth'"
    assert page.evaluate(smooth) == (motion == "no-preference")
    if motion == "reduce":
        look(page, 20)
        assert page.evaluate("document.getAnimations().length") == 0


# --- readers

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


AXE = """tags => axe.run({ runOnly: tags, resultTypes: ["violations"] })
  .then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map((n) => n.html)]))"""


def with_axe(page):
    """The page with axe-core in it, which goes past the policy: that would block its script."""
    axe = pytest.importorskip("axe_playwright_python.base", reason="axe is not installed")
    page.evaluate(axe.AXE_SCRIPT)
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [SIZE, PHONE], ids=["1280x720", "phone"])
def test_axe_finds_nothing_to_object_to(opened, size, scheme):
    page = with_axe(opened(stories.batch_norm(), viewport=size, color_scheme=scheme))
    for number in (0, 4, 12):  # what is given, one step forward, one backward
        look(page, number)
        assert page.evaluate(AXE, RULES) == []


def test_axe_finds_nothing_in_tables_that_are_too_wide_for_a_phone(opened):
    x = Tensor(np.full((2, 2, 8), -0.00123456), "x")
    page = with_axe(opened(stories.told(x * x), viewport=PHONE))
    for number in range(3):
        look(page, number)
        assert page.evaluate(AXE, RULES) == []


def test_axe_sees_a_planted_violation(opened):
    page = with_axe(opened(stories.fork()))
    page.evaluate("document.getElementById('slider').removeAttribute('aria-label')")
    page.evaluate("document.getElementById('sentence').style.color = '#cccccc'")
    assert {id for id, _ in page.evaluate(AXE, RULES)} >= {"label", "color-contrast"}


def test_everything_can_be_reached_and_done_by_keyboard_alone(opened):
    page = opened(stories.mlp())
    seen = []
    for _ in range(30):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    controls = {"graph", "step", "next", "last", "turn", "play", "pace", "save", "slider"}
    assert controls | {"SUMMARY"} <= set(seen)
