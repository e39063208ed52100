"""Everything in the graph on the page is reached by mouse and by keys, and arrows say messages."""

import numpy as np
import pytest
import stories
from browser import PHONE, at, look
from test_page_readers import AXE, RULES, with_axe

import microbn as mb
from microbn import Tensor, functional
from microbn.view import story

HALFWAY = """uses => {
  const over = document.querySelector(`#graph .hit[data-id="${uses}"]`);
  const at = over.getPointAtLength(over.getTotalLength() / 2).matrixTransform(over.getScreenCTM());
  return [at.x, at.y];
}"""
FOCUSED = "document.activeElement.dataset.id ?? document.activeElement.id"


def box(page, id):
    return page.locator(f'#graph .box[data-id="{id}"]')


def into_graph(page):
    """Lead the focus to what the Tab key finds in the graph."""
    page.focus("#graph")
    page.keyboard.press("Tab")


# --- boxes


@pytest.mark.parametrize("keys", ["", "z"])
def test_a_click_on_a_box_leads_to_its_step_and_shows_its_value(opened, keys):
    told = stories.batch_norm()
    page = opened(told)
    for key in keys:
        page.keyboard.press(key)
    ids = {step.nodes[0]: step.number for step in told if step.phase == "forward"}
    for number in sorted(ids.values())[2:]:
        look(page, number)
        shown = {one["id"] for one in look(page).boxes} & ids.keys()
        for id in shown:
            look(page, number)
            box(page, id).click()
            assert at(page) == ids[id]
            captions = [one["caption"] for one in look(page).tables]
            assert any(caption.startswith(told.names[id]) for caption in captions)


def test_in_the_backward_a_click_leads_to_the_gradient_of_a_leaf_too(opened):
    told = stories.batch_norm()
    page = opened(told)
    last = len(told) - 1
    complete = {
        part.receiver: step.number
        for step in told
        for part in step.parts
        if part.received == part.expected
    }
    sent = {step.nodes[0]: step.number for step in told if step.phase == "backward"}
    for node in told.graph.nodes:
        look(page, last)
        box(page, node.id).click()
        if node.role == "constant":  # it has no gradient: its first user's step
            [user] = [edge.target for edge in told.graph.edges if edge.source == node.id]
            assert told[at(page)].nodes == (user,)
        else:
            assert at(page) == sent.get(node.id, complete.get(node.id))


def test_tab_leads_to_the_box_of_the_step_and_enter_to_its_step(opened):
    told = stories.batch_norm()
    page = opened(told, "#step=6")
    into_graph(page)
    assert page.evaluate(FOCUSED) == told[6].nodes[0]
    page.keyboard.press("b")
    assert page.evaluate(FOCUSED) == told[6].nodes[0]  # the focus stays where it was
    page.keyboard.press("Enter")
    assert told[at(page)].nodes == told[6].nodes
    assert told[at(page)].phase == "backward"
    number = at(page)
    page.keyboard.press("ArrowRight")  # still steps, with the focus on a box
    assert at(page) == number + 1


def test_up_and_down_lead_through_every_box_and_arrow_of_the_graph(opened):
    told = stories.batch_norm()
    page = opened(told, "#step=1")
    into_graph(page)
    for key in ("ArrowUp", "ArrowDown"):
        found = [page.evaluate(FOCUSED)]
        for _ in range(len(told.graph.nodes) + len(told.graph.edges)):
            page.keyboard.press(key)
            found.append(page.evaluate(FOCUSED))
    ids = {node.id for node in told.graph.nodes} | {edge.id for edge in told.graph.edges}
    assert {*found} == ids
    assert page.locator('#graph [tabindex="0"]').count() == 1
    assert at(page) == 1


def test_a_press_of_the_mouse_leaves_the_keys_to_the_page(opened):
    page = opened(stories.batch_norm(), "#step=3")
    box(page, stories.batch_norm()[5].nodes[0]).click()
    assert at(page) == 5
    page.keyboard.press("Space")
    assert page.inner_text("#play") == "Pause"


def test_space_on_a_box_does_what_enter_does(opened):
    page = opened(stories.batch_norm(), "#step=6")
    into_graph(page)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    assert page.inner_text("#play") == "Play"


# --- groups


def composed():
    """One call of each function that is one box."""
    rng = np.random.default_rng(0)
    x = Tensor(rng.normal(size=(3, 4)), "x")
    functions = (functional.sigmoid, functional.softmax, functional.log_softmax, np.var, np.std)
    made = [np.sum(f(x)) for f in functions]
    return story(sum(made) + functional.cross_entropy(x, np.array([0, 1, 2])))


def test_every_composed_function_is_one_box_that_opens_and_closes_by_mouse_and_keys(opened):
    told = composed()
    page = opened(told)
    named = {function: path for path, function in told.graph.composed.items()}
    assert {*named} >= {"sigmoid", "softmax", "log_softmax", "var", "std", "cross_entropy"}
    for path in told.graph.composed:
        if len(path) > 1:
            continue
        id = page.evaluate("path => JSON.stringify(path)", [*path])
        part = page.locator("#graph [data-id]").and_(page.locator(f"css=[data-id='{id}']"))
        for act in ("mouse", "keys"):
            for kind in ("frame", "box"):
                if act == "mouse":
                    part.locator("text").first.click()
                else:
                    part.focus()
                    page.keyboard.press("Enter")
                    assert page.evaluate(FOCUSED) == id
                assert kind in part.get_attribute("class")


# --- arrows


def test_an_arrow_says_its_message_to_the_mouse_the_focus_and_a_screen_reader(opened):
    told = stories.batch_norm()
    page = opened(told)
    last = len(told) - 1
    parts = {part.edge: (part, step) for step in told for part in step.parts}
    look(page, last)
    for edge in told.graph.edges:
        page.mouse.move(0, 0)
        page.mouse.move(*page.evaluate(HALFWAY, edge.id))
        words = page.inner_text("#said")
        name = page.locator(f'#graph .hit[data-id="{edge.id}"]').get_attribute("aria-label")
        assert words.startswith(name)
        if edge.id not in parts:
            assert "no gradient comes back" in words
            continue
        part, step = parts[edge.id]
        assert f"In step {step.number}, {told.names[step.nodes[0]]} sends {part.rule} to" in words
        assert part.summed in words
        assert (f"part {part.count}" in words) == bool(part.count)
        assert page.locator("#said td").count() == part.gradient.size
    page.mouse.move(0, 0)
    assert page.is_hidden("#said")
    into_graph(page)
    page.keyboard.press("ArrowUp")
    assert page.is_visible("#said")
    page.keyboard.press("ArrowLeft")
    assert page.is_hidden("#said")


def test_the_numbers_of_a_message_are_shown_once_it_is_sent(opened):
    told = stories.batch_norm()
    page = opened(told)
    step = next(step for step in told if step.parts)
    edge = step.parts[0].edge
    for number in (step.number - 1, step.number):
        look(page, number)
        page.mouse.move(0, 0)
        page.mouse.move(*page.evaluate(HALFWAY, edge))
        assert page.locator("#said td").count() == (number == step.number) * step.gradient.size


def test_a_click_on_an_arrow_leads_to_the_step_of_its_message(opened):
    told = stories.batch_norm()
    page = opened(told)
    for step in told:
        for part in step.parts:
            look(page, 0)
            page.mouse.click(*page.evaluate(HALFWAY, part.edge))
            assert at(page) == step.number


def test_an_arrow_that_stands_for_many_uses_says_some_of_them(opened):
    x = Tensor(2.0, "x")
    with mb.scope("many"):
        inside = x * 3.0 + x * 4.0 + x * 5.0 + x * 6.0 + x * 7.0
    page = opened(stories.told(inside * 2.0))
    page.evaluate("closeGroups(paths.keys(), false)")
    said = page.locator("#graph .hit").evaluate_all("all => all.map((one) => one.ariaLabel)")
    assert any(one.endswith("; and 2 more") for one in said)


@pytest.mark.parametrize("keys", ["", "z", "p"], ids=["whole", "focus", "presenting"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_while_an_arrow_says_its_message(opened, keys, scheme):
    size = {"viewport": PHONE} if keys == "z" else {}
    page = with_axe(opened(stories.mlp(), "#step=20", color_scheme=scheme, **size))
    for key in keys:
        page.keyboard.press(key)
    into_graph(page)
    page.keyboard.press("ArrowUp")
    assert page.is_visible("#said")
    assert page.evaluate(AXE, RULES) == []
