"""The graph on the page in a real browser: boxes, arrows, groups."""

import json
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
import stories
from browser import PHONE, SIZE, await_step, look

from microbn import Tensor, nn
from microbn.view import data
from microbn.view.graph import around

GRAPHS = {
    "batch norm": stories.batch_norm,
    "mlp": stories.mlp,
    "residual": lambda: stories.residual(8),
    "scalars": stories.scalar_batch_norm,
    "cycle": stories.cycle,
    "twice": stories.twice,
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
    """Return whether two rectangles share more than a rim."""
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
    """Return pairs that overlap although neither is a frame around the other."""
    wrong = [(a, b) for a, b in combinations(boxes, 2) if meet(a, b)]
    wrong += [(a, b) for a in frames for b in boxes if meet(a, b) and not holds(a, b)]
    nested = [(a, b) for a, b in combinations(frames, 2) if meet(a, b)]
    return wrong + [(a, b) for a, b in nested if not (holds(a, b) or holds(b, a))]


def test_boxes_never_overlap_stand_in_their_frames_and_hold_their_texts(opened, graph):
    page = opened(graph)
    page.evaluate("closeGroups([], false)")
    shown = look(page)
    assert len(shown.boxes) == len(graph.graph.nodes)
    assert len(shown.frames) == len(graph.graph.groups())
    assert not misplaced(shown.boxes, shown.frames)
    depths = [sum(holds(frame, box) for frame in shown.frames) for box in shown.boxes]
    assert depths == [len(node.scope) for node in graph.graph.nodes]
    for number in (0, len(graph) // 2, len(graph) - 1):
        look(page, number)
        assert page.evaluate(OUTSIDE) == []


def test_misplaced_boxes_are_found():
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


def test_any_number_of_values_fits_into_one_group(opened):
    page = opened(stories.chain(3))
    many = "begun({nodes: Array.from({length: 300_000}, (_, i) => story.nodes[1 + (i > 9)])})"
    assert page.evaluate(many) == 1


# --- arrows


@pytest.mark.parametrize("made", [stories.batch_norm, stories.mlp, stories.residual])
def test_arrows_go_down_if_all_groups_are_open(opened, made):
    page = opened(made())
    page.evaluate("closeGroups([], false)")
    edges = look(page).edges
    assert edges
    assert [edge["uses"] for edge in edges if edge["to"][1] <= edge["from"][1]] == []


def deep():
    layers = (nn.Sequential(nn.Linear(4, 4, rng=n), nn.BatchNorm(4), nn.ReLU()) for n in range(12))
    return stories.told(nn.Sequential(*layers)(Tensor(np.eye(5, 4), "x")))


@pytest.mark.parametrize("made", [stories.mlp, deep])
def test_no_box_is_cut_at_a_side_of_the_graph(opened, made):
    page = opened(made(), "#step=1")
    for number in range(1, len(made()), 5):
        look(page, number)
        room = page.locator("#graph")
        assert room.evaluate("room => room.scrollWidth - room.clientWidth") == 0


def key(path):
    """Write a group's path as the page does."""
    return json.dumps(path, ensure_ascii=False, separators=(",", ":"))


def astray(shown, graph):
    """Return the uses that are not drawn exactly once, from the operand's box to the user's."""
    boxes = {box["id"]: box for box in shown.boxes}
    homes = {
        node.id: next(boxes[id] for id in (*map(key, around(node)), node.id) if id in boxes)
        for node in graph.nodes
    }
    ends = {edge.id: (homes[edge.source], homes[edge.target]) for edge in graph.edges}
    between = {use: boxes for use, boxes in ends.items() if boxes[0] is not boxes[1]}
    drawn = [(use, edge) for edge in shown.edges for use in edge["uses"]]
    wrong = [
        use
        for use, edge in drawn
        if use in between and not all(map(touches, between[use], (edge["from"], edge["to"])))
    ]
    times = Counter(use for use, _ in drawn)
    return wrong + [use for use in times | between.keys() if times[use] != (use in between)]


def touches(box, point):
    """Return whether a point is on a box or on its rim, to within a pixel."""
    sides = zip(point, ("x", "y"), ("width", "height"), strict=True)
    return all(box[at] - 1 <= place <= box[at] + box[size] + 1 for place, at, size in sides)


def test_every_arrow_leads_from_the_operand_to_its_user(opened, graph):
    assert not astray(look(opened(graph)), graph.graph)


def test_arrows_that_go_astray_are_found(opened):
    story = stories.fork()
    shown = look(opened(story))
    first, *others = shown.edges
    everywhere = {"uses": ["e0"], "from": [0, 0], "to": [0, 0]}
    for wrong in (
        first | {"from": first["to"], "to": first["from"]},
        first | {"to": first["from"]},
        first | {"uses": others[-1]["uses"]},
        first | {"uses": [*first["uses"], "e99"]},
        everywhere,
    ):
        shown.edges = [wrong, *others]
        assert astray(shown, story.graph)
    shown.edges = others
    assert astray(shown, story.graph)


THROUGH = """() => [...document.querySelectorAll("#graph .edge")].filter((edge) => {
  const inner = [...document.querySelectorAll("#graph .box > rect")].map((rect) => rect.getBBox());
  const [length, steps] = [edge.getTotalLength(), 80];
  return Array.from({ length: steps + 1 }, (_, i) => edge.getPointAtLength((i * length) / steps))
    .some(({ x, y }) => inner.some((box) => box.x + 3 < x && x < box.x + box.width - 3
      && box.y + 3 < y && y < box.y + box.height - 3));
}).length"""


def test_no_arrow_passes_through_a_box(opened, graph):
    assert opened(graph).evaluate(THROUGH) == 0


LEVEL = """() => [...document.querySelectorAll("#graph .edge")].filter((edge) => {
  const [length, steps] = [edge.getTotalLength(), 80];
  return Array.from({ length: steps + 1 }, (_, i) => edge.getPointAtLength((i * length) / steps))
    .some((point, i, all) => i && point.y === all[i - 1].y);
}).length"""


def test_no_arrow_runs_level_so_its_pieces_meet_at_the_frames(opened, graph):
    assert opened(graph).evaluate(LEVEL) == 0


def test_level_arrow_through_a_box_is_found(opened):
    page = opened(stories.batch_norm())
    page.evaluate("""() => {
      const box = document.querySelector("#graph .box > rect").getBBox();
      const d = `M ${box.x - 9} ${box.y + 9} H ${box.x + box.width + 9}`;
      document.querySelector("#graph .edge").setAttribute("d", d);
    }""")
    assert page.evaluate(THROUGH) == page.evaluate(LEVEL) == 1


@pytest.mark.parametrize(
    ("made", "closed"),
    [(stories.batch_norm, []), (stories.mlp, []), (stories.fork, []), (stories.cycle, [("G",)])],
    ids=["batch norm", "mlp", "fork", "cycle, closed"],
)
def test_arrows_of_a_step_are_marked_and_turn_round_in_the_backward(opened, made, closed):
    story = made()
    page = opened(story)
    for path in closed:
        toggle(page, path)
    for step in story:
        back = step.phase == "backward"
        now = {part.edge for part in step.parts}
        if not back:
            now = {edge.id for edge in story.graph.edges if edge.target in step.nodes}
        for edge in look(page, step.number).edges:
            assert edge["now"] == bool(now & {*edge["uses"]})
            assert edge["arrows"] == ["start" if edge["now"] and back else "end"]


# --- groups


def toggle(page, path):
    page.locator("#groups button[data-path]").evaluate_all(
        "(all, path) => all.find((button) => button.dataset.path === path).click()", key(path)
    )


def dotted(path):
    return ".".join(path)


def counts(shown):
    return len(shown.boxes), len(shown.frames), len(shown.edges)


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


@pytest.mark.parametrize(
    "made", [stories.cycle, lambda: stories.residual(2)], ids=["cycle", "nested"]
)
def test_places_and_arrows_are_right_in_every_combination_of_closed_groups(opened, made):
    story = made()
    paths = story.graph.groups()
    page = opened(story)
    closed = set()
    for number in range(1, 2 ** len(paths)):
        path = paths[(number & -number).bit_length() - 1]  # a Gray code: one group at a time
        toggle(page, path)
        closed ^= {path}
        shown = look(page)
        assert counts(shown) == expected(story, closed)
        assert not misplaced(shown.boxes, shown.frames)
        assert not astray(shown, story.graph)


def test_closed_group_is_marked_at_the_steps_of_its_values(opened):
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


def test_large_graph_opens_with_only_the_groups_of_the_step_open(opened):
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


def test_page_takes_its_limits_from_the_story(opened, monkeypatch):
    monkeypatch.setattr(data, "MOST_BOXES", 6)
    monkeypatch.setattr(data, "NEAR_BOXES", 4)
    page = opened(stories.chain(6))
    assert len(look(page, 3).boxes) == 4


def test_large_graph_without_groups_is_drawn_around_the_step(opened):
    story = stories.chain(300)
    page = opened(story)
    for number in (0, 150, 450, len(story) - 1):
        shown = look(page, number)
        assert 10 < len(shown.boxes) < 120
        assert any(box["now"] for box in shown.boxes)
        assert not misplaced(shown.boxes, shown.frames)
    assert "301 values" in page.inner_text("#graph")
