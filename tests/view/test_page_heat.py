"""A page draws again what has changed: boxes, arrows, and the heatmaps in sight. The rest stays."""

import numpy as np
import pytest
import stories
from browser import look
from stories import told

from microbn import Tensor
from microbn.view import Story

MARK = """() => {
  for (const part of document.querySelectorAll("#graph svg *")) part.marked = true;
}"""
NEW = """() => [...document.querySelectorAll("#graph svg *")]
  .filter((part) => !part.marked).map((part) => part.tagName + " " + part.textContent)"""
WAITING = "[...waiting].filter(({ element }) => element.isConnected).length"
FILLS = """(id) => [...document.querySelectorAll(`#graph [data-id="${id}"] .heat`)].map((heat) =>
  [...heat.querySelectorAll("rect:not(.rim)")].map((cell) => cell.getAttribute("fill")))"""


def chain(values=40) -> Story:
    """Return a story whose graph is higher than the window."""
    x = Tensor(np.linspace(-1, 1, 12).reshape(4, 3), "x")
    for _ in range(values):
        x = np.tanh(x)
    return told(x)


def test_a_changed_number_gives_heatmaps_other_colours_and_makes_nothing_anew(opened):
    story = stories.batch_norm()
    page = opened(story, f"#step={len(story) - 1}")
    before = {node.id: page.evaluate(FILLS, node.id) for node in story.graph.nodes}
    page.evaluate(MARK)
    page.evaluate("put(live.inputs[0], 0, 2)")
    after = {node.id: page.evaluate(FILLS, node.id) for node in story.graph.nodes}
    assert page.evaluate(NEW) == []
    assert {n for n in before if before[n] != after[n]} >= {story.graph.nodes[0].id}
    assert sum(before[n] != after[n] for n in before) > 5


def test_a_step_makes_only_what_it_adds_to_the_graph(opened):
    page = opened(stories.batch_norm(), "#step=3")
    page.evaluate(MARK)
    now = look(page, 4)
    made = page.evaluate(NEW)
    assert made
    assert all(name.startswith("rect") for name in made)  # the cells of the new heatmap
    assert [box["now"] for box in now.boxes].count(True) == 1


def test_arrows_of_the_step_come_last_and_those_of_the_step_before_are_plain_again(opened):
    story = stories.batch_norm()
    page = opened(story)
    for number in (*range(len(story)), 3, 12, 5):
        edges = look(page, number).edges
        now = [edge["now"] for edge in edges]
        assert now == sorted(now)
        assert {use for edge in edges if edge["now"] for use in edge["uses"]} >= {
            *story[number].edges
        }
        assert all(edge["arrows"] == (["end"]) for edge in edges if not edge["now"])


def test_heatmaps_out_of_sight_wait_until_they_come_into_sight(opened):
    page = opened(chain(), "#step=40")
    some = page.evaluate(WAITING)
    assert some > 10
    page.evaluate("""() => new Promise((done) => {
      $("graph").addEventListener("scroll", () => requestAnimationFrame(done), { once: true });
      $("graph").scrollTo({ top: 0, behavior: "instant" });
    })""")
    assert page.evaluate(WAITING) < some
    assert page.evaluate(FILLS, "n0")[0]


def test_a_saved_picture_has_the_heatmaps_out_of_sight_too(opened):
    page = opened(chain(), "#step=40")
    assert page.evaluate(WAITING) > 10
    assert page.evaluate("picture().match(/<rect/g).length") > (12 + 1) * 41


def test_a_change_works_out_only_the_tables_and_sentences_that_are_shown(opened):
    page = opened(chain(), "#step=40")
    made = page.evaluate("""() => {
      const made = { tabled: 0, sentenceNow: 0 };
      for (const name of Object.keys(made)) {
        const first = window[name];
        window[name] = (...given) => (made[name]++, first(...given));
      }
      put(live.inputs[0], 0, 2);
      return { ...made, tables: story.tables.length, steps: story.steps.length };
    }""")
    assert 0 < made["tabled"] < made["tables"] / 2
    assert 0 < made["sentenceNow"] < 5 < made["steps"]


def test_a_box_gets_more_room_when_its_number_becomes_longer(opened):
    page = opened(told(Tensor(1.0, "x") * Tensor(2.0, "y")))
    width = "drawn.boxes.get('n0').thumb.width"
    before = page.evaluate(width)
    page.evaluate("put(live.inputs[0], 0, -1.23456e-101)")
    assert page.evaluate(width) > before
    inside = """() => [...document.querySelectorAll("#graph .box")].every((box) => {
      const [rim, ...texts] = [box.querySelector("rect"), ...box.querySelectorAll("text")].map(
        (part) => part.getBoundingClientRect());
      return texts.every(({ left, right }) => left >= rim.left && right <= rim.right);
    })"""
    assert page.evaluate(inside)


@pytest.mark.parametrize("number", [0, 9, 17])
def test_what_is_changed_and_shown_step_by_step_is_what_a_new_drawing_shows(opened, number):
    page = opened(stories.batch_norm())
    for step in (4, 17, 9, number):
        look(page, step)
    page.evaluate("put(live.inputs[0], 0, 2)")
    parts = "[...document.querySelector('#graph svg').children].map((part) => part.outerHTML)"
    shown = page.evaluate(parts)
    page.evaluate("drawn.shown = null; show();")
    assert sorted(page.evaluate(parts)) == sorted(shown)
