"""The suspect of a wrong gradient: a wrong rule, a cut path, a number that left the graph."""

import functools

import numpy as np
import pytest

import microbn as mb
from microbn import functional as F
from microbn import nn
from microbn.engine.primitive import RULES
from microbn.testing import gradcheck

RNG = np.random.default_rng(0)
X, GAMMA, BETA = RNG.normal(size=(8, 3)), RNG.normal(size=3), RNG.normal(size=3)


def net(dtype=np.float64):
    layers = [nn.Linear(4, 3, rng=0, dtype=dtype), nn.BatchNorm(3, dtype=dtype), nn.Tanh()]
    return nn.Sequential(*layers)


def test_the_suspect_is_the_node_whose_own_rule_fails_and_its_line_is_shown():
    mb.defvjp(np.sqrt, lambda g, out, x: g / out)

    def normalized(x):
        centered = x - x.mean(0)
        std = np.sqrt(np.square(centered).mean(0) + 1e-5)
        return centered / std

    report = gradcheck(normalized, X)
    assert report.suspect.node.function is np.sqrt
    assert report.suspect.node.line.file == __file__
    assert "std = np.sqrt(np.square(centered)" in str(report.suspect)
    assert str(report.suspect).endswith("its own rule, g / out, is off by a factor of 2")


def test_the_suspect_tells_which_operand_is_wrong():
    mb.defvjp(np.multiply, lambda g, out, x, y: g * y, lambda g, out, x, y: -g * x)
    report = gradcheck(lambda x, y: np.tanh(x * y), X, X[::-1] + 1)
    assert "its own rule for operand 1, -g · x, is off by a factor of -1" in str(report)


def test_the_suspect_names_the_layer_that_it_belongs_to():
    mb.defvjp(np.tanh, lambda g, out, x: g * (1 - out))
    assert "tanh in layers.2 (node " in str(gradcheck(net(), RNG.normal(size=(5, 4))))


def test_a_cut_path_is_blamed_where_all_rules_are_right():
    def detached(x):
        mean = F.stop_gradient(x.mean(0))
        return F.softmax(x - mean, axis=0) * mean  # softmax has a constant of its own, rightly

    report = gradcheck(detached, X)
    assert "x.mean(0)" in str(report.suspect)
    assert str(report.suspect).endswith(
        "the result depends on it, and nothing flows back through it"
    )


def test_inputs_of_one_name_are_told_apart():
    one, other = mb.Tensor([1.0, 2.0], "x"), mb.Tensor([[1.0, 2.0], [3.0, 4.0]], "x")
    report = gradcheck(lambda a, b: a * F.stop_gradient(b), one, other)
    assert "Hint for 'x (2)': it is 0 everywhere" in str(report)


def test_an_infinity_on_the_way_keeps_nobody_from_being_told():
    with np.errstate(all="ignore"):
        report = gradcheck(lambda x: 1 / np.exp(x + 800) + x * F.stop_gradient(x), np.ones(2))
    assert "Hint for 'x': it is not finite" in str(report)


def test_what_was_computed_under_no_grad_is_blamed():
    def f(x):
        with mb.no_grad():
            scale = np.exp(x)
        return x * scale

    report = gradcheck(f, X)
    assert "scale = np.exp(x)" in str(report.suspect)


LEFT = "all rules are right: a number left the graph (t.data, t.item()); it comes back as operand"


def out_of_the_graph(t):
    return getattr(t, "value", t)


def test_where_a_number_that_left_the_graph_comes_back_is_the_suspect():
    report = gradcheck(lambda x: x - out_of_the_graph(x.mean(0)), X)
    assert not report
    assert report.suspect.node.function is np.subtract
    assert report.suspect.why == f"{LEFT} 1, which follows 'x'"
    assert "the same all along axis 0" in str(report)


@pytest.mark.parametrize(
    ("f", "function", "why"),
    [
        (lambda x, y: x * np.exp(out_of_the_graph(y)) + y, np.multiply, "1, which follows 'y'"),
        (lambda x, y: mb.Tensor(2 * out_of_the_graph(x)) * y, np.multiply, "0, which follows 'x'"),
        (lambda x, y: x / np.abs(out_of_the_graph(x)).max() * y, np.divide, "1, which follows 'x'"),
    ],
)
def test_a_number_that_left_is_found_wherever_it_comes_back(f, function, why):
    report = gradcheck(f, X, X[::-1] + 0.5)
    assert report.suspect.node.function is function
    assert report.suspect.why == f"{LEFT} {why}"


def test_a_shift_that_left_the_graph_and_changes_nothing_is_not_blamed():
    def f(x):
        shifted = x - out_of_the_graph(np.max(x))  # as in softmax, which does not mind
        powers = np.exp(shifted)
        return powers / powers.sum() * out_of_the_graph(np.sum(x))

    report = gradcheck(f, X)
    assert report.suspect.node.function is np.multiply
    assert report.suspect.why.startswith(LEFT)


def test_a_number_that_left_is_not_blamed_for_a_wrong_rule():
    mb.defvjp(np.exp, lambda g, out, x: 2 * g * out)
    report = gradcheck(lambda x: np.exp(x) * out_of_the_graph(x.sum()), X)
    assert report.suspect.node.function is np.exp
    assert "own rule" in report.suspect.why


@pytest.mark.parametrize("function", [np.exp, np.subtract, np.sum, np.where])
def test_a_mask_of_infinities_hides_no_suspect(function):
    def attention(q, k):
        scores = np.where(np.tri(8) > 0, q @ k.T, -np.inf)
        powers = np.exp(scores - scores.max(1, keepdims=True))
        return powers / np.sum(powers, axis=1, keepdims=True)

    assert gradcheck(attention, X, X[::-1])
    right = RULES[function]

    def wrong(vjp):
        return vjp and functools.wraps(vjp)(lambda *args, **kwargs: 2 * vjp(*args, **kwargs))

    mb.defvjp(function, *map(wrong, right))
    report = gradcheck(attention, X, X[::-1])
    assert report.suspect.node.function is function
    assert "off by a factor of 2" in report.suspect.why
