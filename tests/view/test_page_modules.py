"""A graph with many boxes opens with the groups of modules closed, but for those of the step."""

import numpy as np
import pytest
from browser import await_step, look

import microbn as mb
from microbn import Tensor
from microbn.view import data


@pytest.fixture(scope="module")
def blocks():
    """Three blocks, each with a call of a composed function."""
    x, weight = Tensor(np.linspace(-1, 1, 6).reshape(2, 3), "x"), Tensor(np.eye(3), "weight")
    for number in range(3):
        with mb.scope(f"block{number}"):
            x = mb.functional.softmax(np.exp(x) @ weight) * np.var(x)
    return mb.story(np.sum(x), title="blocks")


def closed(shown):
    return [box["texts"][0] for box in shown.boxes if box["texts"][0].startswith("▸")]


def test_only_the_module_of_the_step_is_open(opened, blocks, monkeypatch):
    monkeypatch.setattr(data, "MOST_OPEN", 5)
    page = opened(blocks)
    nodes = {node.id: node for node in blocks.graph.nodes}
    for number in (3, len(blocks) // 2, len(blocks) - 3):
        shown = look(page, number)
        (block, *_) = nodes[blocks[number].nodes[0]].scope
        assert len(shown.frames) == 1
        others = {"▸ block0", "▸ block1", "▸ block2"} - {f"▸ {block}"}
        assert others <= {*closed(shown)}
        assert len(closed(shown)) > len(others)  # the composed functions stay closed


def test_a_step_inside_a_composed_function_is_passed(opened, blocks, monkeypatch):
    monkeypatch.setattr(data, "MOST_OPEN", 5)
    page = opened(blocks)
    inside = next(step.number for step in blocks if "powers" in step.sentence)
    look(page, inside - 1)
    page.keyboard.press("ArrowRight")
    await_step(page, inside + 2)


def test_few_boxes_are_all_open_and_so_are_all_when_asked(opened, blocks, monkeypatch):
    assert len(look(opened(blocks), 3).frames) == 3
    monkeypatch.setattr(data, "MOST_OPEN", 5)
    page = opened(blocks)
    page.click("#groups summary")
    page.get_by_role("button", name="Open all").click()
    assert len(look(page, 3).frames) > 3


def test_a_group_comes_after_what_it_reads_even_if_it_holds_a_parameter(opened):
    weight = Tensor(np.eye(3), "weight")
    weight.role = "parameter"
    x = Tensor(np.ones((2, 3)), "x")
    with mb.scope("layer"):
        y = x @ weight
    shown = look(opened(mb.story(np.sum(y * y), title="late")), 2)
    tops = {box["texts"][0]: box["y"] for box in shown.boxes}
    assert tops["x"] < tops["y"]


def test_a_parameter_stands_beside_the_composed_function_that_it_is_given_to():
    weight = Tensor(np.arange(3.0), "weight")
    weight.role = "parameter"
    with mb.scope("layer"):
        y = np.var(weight)
    (found,) = (node for node in mb.story(y).graph.nodes if node.role == "parameter")
    assert found.scope == ("layer",)
