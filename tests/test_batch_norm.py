"""Batch norm's gradient: emergent, by stages, in one line; its invariants; planted mistakes."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microbn as mb
from microbn import Tensor, closed_form
from microbn import functional as F
from microbn.testing import numeric_vjp
from microbn.testing.strategies import arrays, batches, distinct

STAGES = ["mean", "centered", "square", "var", "std", "x_hat", "scaled", "y", "x", "gamma", "beta"]


@st.composite
def calls(draw):
    """x, gamma, beta and a cotangent."""
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
        assert close(gradients[name], staged[name], 1e-12), name


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
    """Alike to ``tolerance``, relative to the largest entry, or to ``scale`` where they cancel."""
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


def detached_mean(x, gamma, beta):
    centered = x - F.stop_gradient(np.mean(x, axis=0, keepdims=True))
    return F.affine(F.normalize(centered, np.mean(np.square(centered), axis=0)), gamma, beta)


def detached_variance(x, gamma, beta):
    _, centered, var = F.moments(x)
    return F.affine(F.normalize(centered, F.stop_gradient(var)), gamma, beta)


def unbiased_variance(x, gamma, beta):
    _, centered, var = F.moments(x)
    return F.affine(F.normalize(centered, var * (len(x) / (len(x) - 1))), gamma, beta)


def eps_outside(x, gamma, beta):
    _, centered, var = F.moments(x)
    return F.affine(centered / (np.sqrt(var) + 1e-5), gamma, beta)


def gamma_forgotten(x, gamma, beta):
    _, centered, var = F.moments(x)
    return F.affine(F.normalize(centered, var), 0 * gamma + 1.0, beta)


def wrong_axis(x, gamma, beta):
    _, centered, var = F.moments(x, axis=1)
    return F.affine(F.normalize(centered, var), gamma, beta)


@pytest.mark.parametrize(
    "mistake",
    [detached_mean, detached_variance, unbiased_variance, eps_outside, gamma_forgotten, wrong_axis],
)
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


# The invariants of batch norm. s is the standard deviation, r the share of eps in the variance.


@given(calls(), st.sampled_from([1e-5, 1e-2, 1.0]))
def test_invariants_of_the_values(call, eps):
    x, gamma, beta, _ = call
    n = len(x)
    ones, zeros = np.ones_like(gamma), np.zeros_like(beta)
    x_hat = F.batch_norm(x, ones, zeros, eps)
    r = eps / (x.var(0) + eps)
    assert close(x_hat.sum(0), 0 * r, 1e-9)
    assert close((x_hat**2).sum(0), n * (1 - r), 1e-9)
    assert np.all(np.abs(x_hat) <= np.sqrt(n - 1) + 1e-12)
    assert close(
        F.batch_norm(3.0 * x + 7.0, ones, zeros, eps), F.batch_norm(x, ones, zeros, eps / 9), 1e-9
    )
    assert close(F.batch_norm(-x, ones, zeros, eps), -x_hat, 1e-12)
    assert close(F.batch_norm(x[::-1], gamma, beta), F.batch_norm(x, gamma, beta)[::-1], 1e-12)


@given(calls(), st.sampled_from([1e-5, 1e-2, 1.0]))
def test_invariants_of_the_gradient(call, eps):
    x, gamma, beta, dy = call
    g = emergent(x, gamma, beta, dy, lambda *leaves: F.batch_norm(*leaves, eps))
    s = np.sqrt(x.var(0) + eps)
    r = eps / s**2
    x_hat = (x - x.mean(0)) / s
    scale = np.abs(g["x_hat"] / s).max() * len(x)
    assert close(g["x"].sum(0), 0 * s, 1e-12, scale)
    assert close((g["x"] * x_hat).sum(0), gamma / s * r * g["gamma"], 1e-12, scale * len(x))


@given(calls())
def test_gamma_and_beta_can_undo_the_normalization(call):
    x, _, _, _ = call
    var, eps = x.var(0), 1e-5
    assert close(F.batch_norm(x, np.sqrt(var + eps), x.mean(0), eps), x, 1e-12)
    assert not close(F.batch_norm(x, np.sqrt(var), x.mean(0), 0.1), x, 1e-6)


def test_constant_feature_gives_beta_and_a_large_finite_gradient():
    x, gamma, beta, dy = np.full((4, 1), 3.0), np.ones(1), np.full(1, 0.5), np.eye(4)[:, :1]
    assert np.array_equal(F.batch_norm(x, gamma, beta), np.full((4, 1), 0.5))
    assert close(emergent(x, gamma, beta, dy)["x"], (dy - dy.mean()) / np.sqrt(1e-5), 1e-12)


def test_two_samples_carry_almost_no_gradient():
    x, dy, eps = np.array([[1.0], [2.0]]), np.array([[1.0], [-2.0]]), 1e-5
    dx = emergent(x, np.ones(1), np.zeros(1), dy)["x"]
    assert close(dx[0], 0.5 * (dy[0] - dy[1]) * eps / (0.25 + eps) ** 1.5, 1e-12)


def test_closed_form_refuses_a_cotangent_of_another_shape():
    _, cache = closed_form.forward(np.eye(3), np.ones(3), np.ones(3))
    for backward in (closed_form.backward, closed_form.backward_staged):
        with pytest.raises(ValueError, match=r"dy has shape \(3,\), the forward was \(3, 3\)"):
            backward(np.ones(3), cache)


def test_jacobian_projects_onto_what_is_left_of_the_batch():
    x, eps = np.random.default_rng(0).normal(size=(5, 1)), 1e-2
    s = np.sqrt(x.var() + eps)
    x_hat, n, r = (x - x.mean()) / s, len(x), eps / s**2
    rows = [
        emergent(x, np.ones(1), np.zeros(1), e[:, None], partial(F.batch_norm, eps=eps))["x"]
        for e in np.eye(n)
    ]
    jacobian = np.concatenate(rows, axis=1)
    assert close(jacobian, (np.eye(n) - 1 / n - x_hat @ x_hat.T / n) / s, 1e-12)
    assert np.trace(s * jacobian) == pytest.approx(n - 2 + r)


def test_weights_before_batch_norm_get_an_orthogonal_gradient_and_a_bias_none():
    rng, eps = np.random.default_rng(0), 1e-2
    x, w, b = Tensor(rng.normal(size=(6, 4))), Tensor(rng.normal(size=(4, 3))), Tensor(np.ones(3))
    gamma, dy = Tensor(rng.normal(size=3)), rng.normal(size=(6, 3))
    z = x @ w + b
    dw, db, dgamma = mb.grad(F.batch_norm(z, gamma, np.zeros(3), eps), [w, b, gamma], dy)
    r = eps / (z.data.var(0) + eps)
    assert close(np.sum(w.data * dw, axis=0), r * gamma.data * dgamma, 1e-12)
    assert close(db, np.zeros(3), 1e-12)


def test_gradient_of_scaled_weights_is_the_gradient_scaled_back():
    rng = np.random.default_rng(0)
    x, w, dy = rng.normal(size=(6, 4)), rng.normal(size=(4, 3)), rng.normal(size=(6, 3))
    gradients = []
    for a in (1.0, 3.0):
        leaf = Tensor(a * w)
        y = F.batch_norm(x @ leaf, np.ones(3), np.zeros(3), eps=0.0)
        gradients.append(mb.grad(y, leaf, dy))
    assert close(gradients[1], gradients[0] / 3, 1e-12)


def test_features_do_not_mix():
    rng = np.random.default_rng(0)
    x, gamma, beta, dy = (rng.normal(size=s) for s in ((6, 3), 3, 3, (6, 3)))
    dy[:, 1:] = 0.0
    assert np.array_equal(emergent(x, gamma, beta, dy)["x"][:, 1:], np.zeros((6, 2)))


def test_constant_feature_without_eps_is_nan():
    with np.errstate(invalid="ignore"):
        assert np.isnan(F.batch_norm(np.full((4, 1), 3.0), np.ones(1), np.zeros(1), eps=0.0)).all()
