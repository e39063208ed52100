"""A function that is composed, such as np.var, is one box at first, in drawings and on the page."""

import numpy as np
import pytest
from browser import look

import microbn as mb
from microbn import Tensor
from microbn import functional as F
from microbn.view import draw, story
from microbn.view.graph import snapshot

X = np.array([[1.0, 5.0], [3.0, 1.0], [5.0, 3.0], [7.0, 7.0]])


def two_variances():
    x = Tensor(X, name="x")
    v = np.var(x, axis=0)
    w = np.var(x, axis=1, ddof=1)
    mb.label(locals())
    return np.sum(v) * np.sum(np.flip(w))


def boxes(graph):
    return [node.name or node.function for node in graph.nodes]


def test_two_calls_of_one_function_are_two_groups():
    graph = snapshot(two_variances())
    assert graph.composed == {("var",): "var", ("var 2",): "var"}
    assert {*graph.composed} == {*graph.groups()}


def test_a_call_that_makes_one_tensor_is_no_group():
    x = Tensor(X, name="x")
    graph = snapshot(np.tril(x) + np.sum(x))
    assert not graph.composed


def test_a_composed_function_is_drawn_as_one_box_with_its_value_and_gradient():
    root = two_variances()
    closed = snapshot(root).folded()
    assert boxes(closed)[:3] == ["x", "v", "w"]
    assert closed.nodes[1].value.tolist() == [5.0, 5.0]
    source = draw(root).source.replace("\N{NO-BREAK SPACE}", " ")
    assert "▸ v   var   (2,)" in source
    assert "center" not in source


def test_a_depth_opens_it():
    graph = snapshot(two_variances())
    opened = graph.folded(depth=1)
    assert boxes(opened) == boxes(graph)
    assert {"square₁", "square₂"} <= {*boxes(opened)}


def test_a_call_that_gives_the_result_is_open():
    graph = snapshot(F.cross_entropy(Tensor(X, name="x"), np.array([0, 1, 1, 0])))
    path = ("cross_entropy", "log_softmax")
    assert graph.composed == {path: "log_softmax"}
    assert graph.groups() == [("cross_entropy",), path]


@pytest.mark.parametrize("f", [F.sigmoid, F.softmax, F.log_softmax], ids=lambda f: f.__name__)
def test_functions_of_ours_are_boxes_too(f):
    graph = snapshot(np.sum(np.square(f(Tensor(X, name="x")))))
    assert [*graph.composed.values()] == [f.__name__]


def test_the_gradients_own_graph_has_the_same_groups():
    x = Tensor(X, name="x")
    (dx,) = mb.grad(np.sum(np.square(np.var(x, axis=0))), [x], create_graph=True)
    groups = snapshot(np.sum(np.square(dx))).groups()
    assert ("gradient", "var") in groups


@pytest.fixture
def page(opened):
    return opened(story(two_variances()))


def test_a_call_is_closed_at_first_and_passed_in_one_step(page):
    told = story(two_variances())
    inside = [node.id for node in told.graph.nodes if node.scope == ("var",)]
    drawn = look(page, 0)
    ids = [box["id"] for box in drawn.boxes]
    assert '["var"]' in ids
    assert not {*ids} & {*inside}
    page.keyboard.press("ArrowRight")
    after = look(page)
    assert told[after.at].nodes[0] == inside[-1]
    assert [box["id"] for box in after.boxes if box["now"]] == ['["var"]']
    page.keyboard.press("ArrowLeft")
    assert look(page).at == 0


def test_an_opened_call_is_gone_through_step_by_step(page):
    page.locator("[data-id='[\"var\"]']").click()
    frames = [frame["title"] for frame in look(page).frames]
    assert frames == ["▾ var"]
    page.keyboard.press("ArrowRight")
    assert look(page).at == 1


def test_a_closed_call_shows_its_result(page):
    box = next(box for box in look(page, 0).boxes if box["id"] == '["var"]')
    assert box["texts"][:2] == ["▸ v", "var (2,)"]
