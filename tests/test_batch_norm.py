"""Batch norm's gradient is the same from the graph, by stages and in one line; mistakes differ."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mistakes import MISTAKES

import microbn as mb
from microbn import Tensor, closed_form
from microbn import functional as F
from microbn.reading.tape import history
from microbn.testing import numeric_vjp
from microbn.testing.strategies import arrays, batches, distinct

STAGES = ["mean", "centered", "square", "var", "std", "x_hat", "scaled", "y", "x", "gamma", "beta"]


@st.composite
def calls(draw):
    """Draw x, gamma, beta and a cotangent."""
    x = draw(batches())
    gamma, beta = draw(distinct(x.shape[1], x.shape[1]))
    return x, gamma, beta, draw(arrays(x.shape, bulk=True))


def emergent(x, gamma, beta, dy, batch_norm=F.batch_norm):
    leaves = [Tensor(v, n) for v, n in ((x, "x"), (gamma, "gamma"), (beta, "beta"))]
    return {s.node.name: s.gradient for s in mb.sweep(batch_norm(*leaves), dy)}


@given(calls())
def test_emergent_gradient_is_the_staged_one_at_every_node(call):
    x, gamma, beta, dy = call
    gradients = emergent(*call)
    _, cache = closed_form.forward(x, gamma, beta)
    staged = closed_form.backward_staged(dy, cache)
    assert set(STAGES) == set(staged)
    for name in STAGES:
        assert gradients[name].shape == staged[name].shape, name
        assert close(gradients[name], staged[name], 1e-12), name


def test_cache_of_the_closed_form_holds_the_values_of_the_graph():
    rng = np.random.default_rng(0)
    x, gamma, beta = rng.normal(size=(6, 3)), rng.normal(size=3), rng.normal(size=3)
    y = F.batch_norm(*(Tensor(v, n) for v, n in ((x, "x"), (gamma, "gamma"), (beta, "beta"))))
    values = {node.name: node.data for node in history(y)}
    for name, array in closed_form.forward(x, gamma, beta)[1].items():
        np.testing.assert_array_equal(values[name], array, strict=True)


@pytest.mark.bits
@given(calls())
def test_emergent_gradient_is_the_one_line(call):
    x, gamma, beta, dy = call
    gradients = emergent(*call)
    y, cache = closed_form.forward(x, gamma, beta)
    assert np.array_equal(y, F.batch_norm(x, gamma, beta))
    for name, one_line in zip(("x", "gamma", "beta"), closed_form.backward(dy, cache), strict=True):
        scale = np.abs(dy).max() * np.abs(gamma).max() / cache["std"].min() if name == "x" else 0
        assert close(gradients[name], one_line, 1e-12, scale), name


def close(a, b, tolerance, scale=0.0):
    """Return whether a and b agree, relative to the largest entry, or to the terms that cancel."""
    return np.max(np.abs(a - b)) <= tolerance * max(1, scale, np.max(np.abs(b)))


@given(calls())
def test_second_derivative_is_that_of_the_closed_form_by_differences(call):
    x, gamma, beta, dy = call
    weights = np.random.default_rng(1).normal(size=x.shape)
    leaf = Tensor(x)
    (first,) = mb.grad(F.batch_norm(leaf, gamma, beta), [leaf], dy, create_graph=True)
    second = mb.grad(first, leaf, weights)

    def closed_gradient(x):
        return closed_form.backward(dy, closed_form.forward(x, gamma, beta)[1])[0]

    numeric = numeric_vjp(closed_gradient, x, weights)
    assert close(second, numeric, 1e-6)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_classic_mistakes_differ_from_the_closed_form(mistake):
    rng = np.random.default_rng(0)
    x, gamma, beta, dy = (rng.normal(size=s) for s in ((6, 3), 3, 3, (6, 3)))
    _, cache = closed_form.forward(x, gamma, beta)
    one_line = closed_form.backward(dy, cache)[0]
    assert close(emergent(x, gamma, beta, dy)["x"], one_line, 1e-12)
    assert not close(emergent(x, gamma, beta, dy, mistake)["x"], one_line, 1e-7)


def test_sum_as_cotangent_is_blind_to_the_whole_backward():
    rng = np.random.default_rng(0)
    x, gamma, beta = rng.normal(size=(6, 3)), rng.normal(size=3), rng.normal(size=3)
    assert np.abs(emergent(x, gamma, beta, np.ones((6, 3)))["x"]).max() < 1e-14


@pytest.mark.parametrize("shape", [(3,), (1, 3), (4, 3), (3, 3, 1), ()], ids=str)
def test_closed_form_refuses_a_cotangent_of_another_shape(shape):
    _, cache = closed_form.forward(np.eye(3), np.ones(3), np.ones(3))
    expected = re.escape(f"dy has shape {shape}, but x has (3, 3)")
    for backward in (closed_form.backward, closed_form.backward_staged):
        with pytest.raises(ValueError, match=expected):
            backward(np.ones(shape), cache)
