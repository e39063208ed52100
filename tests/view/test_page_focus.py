"""The focus view: the value of a step, its operands and users, and the messages between them."""

import numpy as np
import pytest
import stories
from browser import look
from test_page_graph import misplaced

import microbn as mb
from microbn import Tensor
from microbn.cli.targets import graph
from microbn.engine.functions import stop_gradient
from microbn.view import story


def focused(opened, story):
    page = opened(story)
    page.keyboard.press("z")
    return page


@pytest.mark.parametrize("made", [stories.batch_norm, stories.mlp, stories.twice, stories.hostile])
def test_focus_shows_the_operands_the_value_and_its_users(opened, made):
    told = made()
    page = focused(opened, told)
    for step in told:
        drawn = look(page, step.number)
        uses = [e for e in told.graph.edges if {e.source, e.target} & {*step.nodes}]
        near = {*step.nodes, *(id for e in uses for id in (e.source, e.target))}
        if step.phase == "given":
            uses, near = [], {*step.nodes}
        assert {box["id"] for box in drawn.boxes} == near
        assert {use for edge in drawn.edges for use in edge["uses"]} == {e.id for e in uses}
        assert {box["id"] for box in drawn.boxes if box["now"]} == {*step.nodes}
        assert {use for edge in drawn.edges if edge["now"] for use in edge["uses"]} == {*step.edges}


def test_focus_writes_each_message_on_its_arrow(opened):
    told = stories.batch_norm()
    page = focused(opened, told)
    for step in told:
        look(page, step.number)
        written = page.locator("#graph .message").all_text_contents()
        assert len(written) == len(step.parts)
        for text, part in zip(sorted(written), sorted(p.rule for p in step.parts), strict=True):
            assert part.startswith(text.rstrip("…"))


@pytest.mark.parametrize("key", ["z", "p"])
def test_messages_of_batch_norm_are_written_whole_and_in_sight(opened, key):
    told = story(*graph("batchnorm"))
    page = opened(told)
    page.keyboard.press(key)
    for step in told:
        look(page, step.number)
        written = page.locator("#graph .message").all_text_contents()
        assert sorted(written) == sorted(part.rule for part in step.parts)
        assert page.locator("#graph").evaluate("room => room.scrollWidth <= room.clientWidth")


PAPERS = """() => [...document.querySelectorAll("#graph .message")].map((message) => {
  const [paper, words] = ["rect", "text"].map((name) => message.querySelector(name));
  const [{ x, y, width, height }, wide] = [paper.getBBox(), words.getBBox()];
  const [base, over] = [Number(words.getAttribute("y")), Node.DOCUMENT_POSITION_FOLLOWING];
  const across = x < wide.x && wide.x + wide.width < x + width;
  const held = across && y < base - 17 && base + 5 < y + height;
  const after = [...document.querySelectorAll("#graph .edge")].every(
    (edge) => edge.compareDocumentPosition(paper) & over);
  const white = getComputedStyle(paper).fill === getComputedStyle(document.body).backgroundColor;
  return { x, y, width, height, clear: held && after && white };
})"""


@pytest.mark.parametrize("made", [stories.batch_norm, stories.fork, stories.twice])
def test_no_arrow_runs_through_a_message_and_no_message_covers_a_box(opened, made):
    page = focused(opened, made())
    for step in made():
        boxes, papers = look(page, step.number).boxes, page.evaluate(PAPERS)
        assert all(paper["clear"] for paper in papers)
        assert not misplaced([*boxes, *papers], [])


@pytest.mark.parametrize(
    ("function", "name", "texts"),
    [
        (stop_gradient, "", ["stop_gradient(x)"]),
        (np.tanh, "", ["tanh(x)"]),
        (np.log, "logits", ["logits", "log"]),
        (np.log, "y", ["y", "log"]),
    ],
)
def test_focus_does_not_say_a_function_twice(opened, function, name, texts):
    x = Tensor(np.array([0.5, 0.25]), "x")
    [made] = [function(x)]  # which no variable names
    if name:
        mb.label({name: made})
    page = focused(opened, stories.told(x * made))
    [now] = [box for box in look(page, 1).boxes if box["now"]]
    assert [text for text in now["texts"] if text != "–"] == texts


def test_focus_leaves_out_some_of_very_many_neighbours_and_says_so(opened):
    x = np.exp(Tensor(2.0, "x"))
    told = story(sum(np.exp(x * k) for k in range(9)))
    page = focused(opened, told)
    for step in told:
        assert len(look(page, step.number).boxes) <= 10
    assert len(look(page, 1).boxes) == 5  # its operand, itself and three of nine users
    assert "6 more" in page.inner_text("#graph p")


def test_focus_on_a_large_graph_ignores_its_closed_groups(opened):
    told = stories.residual(30)
    page = focused(opened, told)
    for number in (100, 300):
        drawn = look(page, number)
        assert 1 < len(drawn.boxes) < 10
        assert not drawn.frames
        assert not any(box["texts"][0].startswith("▸") for box in drawn.boxes)
