"""A story calls values, gradients and constants by names."""

import re

import numpy as np
import pytest
from spoken import DY, told

import microbn as mb
from microbn import Tensor, nn
from microbn.view.phrases import greek


def test_long_formulas_are_cut_and_long_names_are_numbers():
    x = Tensor(np.ones(3), "a_very_long_name_of_a_tensor")
    y = ((x + x) * (x - x)).sum()
    names = mb.story(y).names.values()
    assert list(names) == [
        "a_very_long_name_of_a_tensor",
        "add1",
        "subtract2",
        "add1 · subtract2",
        "y",
    ]


def test_names_are_greek_where_pictures_are():
    assert [greek(name) for name in ("x_hat", "d_var", "d_d_mean", "std[0, 1]", "a\n b")] == [
        *("x̂", "dσ²", "ddμ", "σ[0, 1]", "a b")
    ]


def test_no_gradient_is_called_as_a_value_is():
    x = Tensor(3.0, "x")
    story = mb.story(mb.grad(x**3, x, create_graph=True) * 1.0)
    assert not {*story.names.values()} & {*story.gradient_names.values()}
    assert {"dx", "d(x)", "ddx"} <= {*story.names.values(), *story.gradient_names.values()}
    assert any("d(x) is complete: backward() adds it to x.grad." in line for line in told(story))


def test_operands_side_by_side_are_kept_apart_and_constants_are_short():
    a, b = Tensor(1.0, "a"), Tensor(2.0, "b")
    lines = told(mb.story((a + b) * (a - b) * 0.123456789))
    assert "(a + b) · (a - b): (a + b) times (a - b), which is -3." in lines
    assert any("· 0.1235: " in line for line in lines)


def test_parameters_of_one_name_are_told_apart_by_their_groups():
    net = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Linear(2, 2, rng=1))
    names = mb.story(net(np.ones((1, 2))).sum()).names.values()
    assert {"layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"} <= {*names}
    layer = nn.Linear(2, 2, rng=0)
    assert {"weight", "bias"} <= {*mb.story(layer(np.ones((1, 2))).sum()).names.values()}


def test_a_group_of_that_name_is_no_gradient():
    with mb.scope("gradient"):
        y = Tensor(2.0, "x") * 3.0
    drawing = mb.draw(y + 1.0)
    assert "dir=back" not in drawing.source
    assert {node.role for node in mb.story(y + 1.0).graph.nodes} >= {"computed"}


def test_constants_are_called_by_the_variables_on_their_line_under_trace():
    x, target, rate = Tensor([1.0, 2.0], "x"), np.array([3.0, 5.0]), 0.25
    with mb.trace():
        y = (x - target) * rate / 2.0
    lines = told(mb.story(y, [1.0, -2.0]))
    assert "x - target: x minus target, shape (2,)." in lines
    assert any("times rate = 0.25, " in line for line in lines)
    assert any("divided by 2.0, " in line for line in lines)


@pytest.mark.parametrize(
    ("constant", "text", "said", "box"),
    [
        (np.array([2.0, 3.123456]), "[2, 3.123]", "[2, 3.123]", "[2, 3.123]"),
        (np.array([2, 3]), "[2, 3]", "[2, 3]", "[2, 3]"),
        (np.array([[-2.0], [4.0]]), "[[-2], [4]]", "[[-2], [4]]", "[[-2], [4]]"),
        (np.ones((3, 2, 2)), "array[3, 2, 2]", "an array of shape (3, 2, 2)", "array"),
        (np.ones((5, 1)), "array[5, 1]", "an array of shape (5, 1)", "array"),
        (np.ones(6), "array[6]", "an array of shape (6,)", "array"),
    ],
    ids=str,
)
def test_a_constant_array_is_called_by_its_few_entries_or_by_its_shape(constant, text, said, box):
    x = Tensor([1.0], "x")
    for function, sign, word in (
        (np.multiply, "·", " times"),
        (np.floor_divide, "//", " divided by"),
    ):
        y = function(x, constant)
        story = mb.story(y, np.ones(y.shape))
        line = told(story)[1]
        assert f"x {sign} {text}" in line
        assert f"x{word} {said}" in line
        assert sign == "//" or box in story.names.values()
    source = mb.draw(x * constant, grads=False).source
    assert f'"{box} ' in source.replace("\N{NO-BREAK SPACE}", " ")


def test_a_remainder_by_an_array_names_the_array():
    x, w = Tensor([5.0, 7.0], "x"), np.array([2.0, 3.0])
    assert not any(re.search(r"\barray\b", line) for line in told(mb.story(x % w, DY[0, :2])))
