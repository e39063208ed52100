"""Batch norm's twelve invariants: each holds for our batch norm, and fails for wrong ones.

In their formulas s = √(v + ε), r = ε/(v + ε) is the share of ε, and x̂ = (x - mean)/s.
"""

from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mistakes import (
    MISTAKES,
    detached_mean,
    detached_variance,
    eps_outside,
    first_half,
    gamma_forgotten,
    mean_forgotten,
    pooled_variance,
    unbiased_variance,
    wrong_axis,
)

import microbn as mb
from microbn import functional as F
from microbn import nn
from microbn.testing.strategies import arrays, batches, distinct

EPS = (1e-5, 1e-2, 1.0)


class Call(NamedTuple):
    """The arguments of batch norm, a cotangent, and the weights of a layer before it."""

    x: Any  # (N, C)
    gamma: Any  # (C,)
    beta: Any  # (C,)
    eps: float
    dy: Any  # (N, C)
    weights: Any  # (C, C)


@st.composite
def calls(draw):
    x = draw(batches(min_samples=2))
    n, c = x.shape
    gamma, beta = draw(distinct(c, c))
    eps = draw(st.sampled_from(EPS))
    dy, weights = (draw(arrays(shape, bulk=True)) for shape in ((n, c), (c, c)))
    return Call(x, gamma, beta, eps, dy, weights)


def gradients(batch_norm, x, gamma, beta, eps, dy, *_):
    leaves = [mb.Tensor(v) for v in (x, gamma, beta)]
    return mb.grad(batch_norm(*leaves, eps), leaves, dy)


def facts(x, eps):
    """Return s, r and x̂."""
    s = np.sqrt(x.var(0) + eps)
    return s, eps / s**2, (x - x.mean(0)) / s


def plain(x):
    """Return a gamma and a beta that change nothing."""
    return np.ones(x.shape[1]), np.zeros(x.shape[1])


def close(a, b, scale=1.0):
    """Return whether a and b differ by rounding alone. They are sums of terms as large as scale."""
    return np.all(np.abs(a - b) <= 1e-14 * np.asarray(scale))


def gradient_sums_to_zero(batch_norm, call):
    """1. Shifting a feature changes nothing."""
    dx = gradients(batch_norm, *call)[0]
    assert close(dx.sum(0), 0, size_of_dx(call))


def size_of_dx(call, s=None):
    """Return how large the terms of dx are, for each feature."""
    s = facts(call.x, call.eps)[0] if s is None else s
    return np.abs(call.gamma) * np.abs(call.dy).sum(0) / s * len(call.x)


def gradient_is_orthogonal_to_x_hat_but_for_eps(batch_norm, call):
    """2. <dx, x̂> = (γ/s)·r·dγ, which is 0 only at ε = 0."""
    for eps in (call.eps, 0.0):
        s, r, x_hat = facts(call.x, eps)
        dx, dgamma, _ = gradients(batch_norm, *call._replace(eps=eps))
        assert close((dx * x_hat).sum(0), call.gamma / s * r * dgamma, size_of_dx(call, s))


def x_hat_has_mean_zero_and_variance_one_but_for_eps(batch_norm, call):
    """3. Σx̂ = 0, Σx̂² = N(1 - r)."""
    n, (s, r, _) = len(call.x), facts(call.x, call.eps)
    x_hat = batch_norm(call.x, *plain(call.x), call.eps)
    assert close(x_hat.sum(0), 0, n * np.abs(call.x).max() / s)
    assert close((x_hat**2).sum(0), n * (1 - r), n * np.abs(call.x).max() / s)


def no_sample_is_further_out_than_the_root_of_n_minus_1(batch_norm, call):
    """4. |x̂| ≤ √(N - 1). At ε = 0 one sample reaches it if all others are equal."""
    furthest = np.sqrt(len(call.x) - 1)
    assert np.all(np.abs(batch_norm(call.x, *plain(call.x), call.eps)) <= furthest + 1e-14)
    alone = np.zeros_like(call.x)
    alone[-1] = call.gamma
    reached = np.abs(batch_norm(alone, *plain(alone), 0.0))[-1]
    assert close(reached, furthest, furthest)


def shift_is_lost_and_scale_too_but_for_eps(batch_norm, call):
    """5. BN_ε(a·x + c) = BN_{ε/a²}(x) for a > 0; BN(-x) = -BN(x) if β = 0."""
    x, (gamma, zero), eps = call.x, (call.gamma, 0 * call.beta), call.eps
    y = batch_norm(x, gamma, zero, eps)
    assert close(batch_norm(-x, gamma, zero, eps), -y, np.abs(y).max())
    for a in (3.0, 0.1):
        moved = batch_norm(a * x + call.beta, gamma, zero, eps)
        rounded = np.abs(gamma) * (np.abs(x).max() + np.abs(call.beta) / a) / x.std(0)
        assert close(moved, batch_norm(x, gamma, zero, eps / a**2), rounded)


def weights_meet_eulers_identity_and_a_bias_gets_no_gradient(batch_norm, call):
    """6. <W_j, dW_j> = r_j·γ_j·dγ_j, 0 at ε = 0, where z = xW + b; db = 0."""
    x, (w, b, gamma) = call.x, map(mb.Tensor, (call.weights, call.beta, call.gamma))
    for eps in (call.eps, 0.0):
        z = x @ w + b
        y = batch_norm(z, gamma, call.beta, eps)
        dw, db, dgamma = mb.grad(y, [w, b, gamma], call.dy)
        s, r, _ = facts(z.data, eps)
        size = size_of_dx(call, s) * (1 + np.abs(z.data).max(0) / s)
        terms = s + np.abs(x).max() * np.abs(w.data).sum(0)
        assert close((w.data * dw).sum(0), r * call.gamma * dgamma, size * terms)
        assert close(db, 0, size)


def no_step_shortens_the_weights_and_larger_ones_move_less(batch_norm, call):
    """7. At ε = 0, dL/d(aW) = (1/a)·dL/dW, and |W_j - ηdW_j|² = |W_j|² + η²|dW_j|²."""
    x, w, rest = call.x, call.weights, (call.gamma, call.beta, 0.0)
    larger = [mb.Tensor(a * w) for a in (1.0, 3.0)]
    dw, dw3 = (mb.grad(batch_norm(x @ leaf, *rest), leaf, call.dy) for leaf in larger)
    s = (x @ w).std(0)
    size = size_of_dx(call, s) * np.abs(x).max() * (1 + np.abs(x @ w).max(0) / s)
    assert close(dw3, dw / 3, size)
    after = ((w - dw) ** 2).sum(0)
    assert close(after, (w**2).sum(0) + (dw**2).sum(0), after + np.abs(w).sum(0) * size)


def jacobian_is_a_projection_divided_by_s(batch_norm, call):
    """8. J = (I - 11ᵀ/N - x̂x̂ᵀ/N)/s for γ = 1, and the trace of s·J is N - 2 + r."""
    n, c = call.x.shape
    s, r, x_hat = facts(call.x, call.eps)
    cotangents = np.eye(n)[:, :, None] * np.ones(c)  # one sample, all features
    unscaled = call._replace(gamma=np.ones(c))
    rows = [gradients(batch_norm, *unscaled._replace(dy=dy))[0] for dy in cotangents]
    outer = x_hat[:, None] * x_hat[None]
    jacobian = s * np.stack(rows)  # (N, N, C)
    assert close(jacobian, cotangents - 1 / n - outer / n, n)
    assert close(np.trace(jacobian), n - 2 + r, n * n)


def gamma_and_beta_can_undo_it(batch_norm, call):
    """9. γ = √(v + ε), β = mean gives x; γ = √v misses it by almost ε/2v, but never by more."""
    x, eps, mean, v = call.x, call.eps, call.x.mean(0), call.x.var(0)
    largest = np.abs(x).max()
    assert close(batch_norm(x, np.sqrt(v + eps), mean, eps), x, largest)
    missed = x - batch_norm(x, np.sqrt(v), mean, eps)
    most = eps / (2 * v) * np.abs(x - mean)
    assert np.all(np.abs(missed) <= most + 1e-14 * largest)
    assert np.all(np.abs(missed) >= most * (1 - eps / v) - 1e-14 * largest)


def two_samples_carry_almost_no_gradient_unless_they_nearly_tie(batch_norm, call):
    """10. For N = 2, dx₁ = -dx₂ = γ·½(dy₁ - dy₂)·ε/(v + ε)^1.5."""
    first, dy, eps = call.x[0], call.dy[:2], call.eps
    for apart in (call.x[1] - first, np.full_like(first, 0.01 * np.sqrt(eps))):
        x = np.stack([first, first + apart])
        dx = gradients(batch_norm, *call._replace(x=x, dy=dy))[0]
        v = x.var(0)
        expected = call.gamma * 0.5 * (dy[0] - dy[1]) * eps / (v + eps) ** 1.5
        scale = np.abs(call.gamma * dy).max(0) / np.sqrt(v + eps)
        assert close(dx, np.stack([expected, -expected]), scale)


def constant_feature_gives_beta_and_a_large_finite_gradient(batch_norm, call):
    """11. y = β, dx = (γ/√ε)(dy - mean dy); at ε = 0 both are NaN."""
    gamma, beta, eps, dy = call.gamma[:1], call.beta[:1], call.eps, call.dy[:, :1]
    x = np.full_like(dy, call.x[0, 0])
    assert np.array_equal(batch_norm(x, gamma, beta, eps), beta + 0 * x)
    dx, _, _ = gradients(batch_norm, x, gamma, beta, eps, dy)
    large = gamma / np.sqrt(eps)
    assert close(dx, large * (dy - dy.mean()), np.abs(large * dy).max())
    with np.errstate(invalid="ignore"):
        assert np.isnan(batch_norm(x, gamma, beta, 0.0)).all()


def samples_are_equal_and_features_apart(batch_norm, call):
    """12. Permuting the batch permutes y and dx; each feature is normalized as if alone."""
    order = np.argsort(call.dy[:, 0])
    y, dx = batch_norm(*call[:4]), gradients(batch_norm, *call)[0]
    permuted = call._replace(x=call.x[order], dy=call.dy[order])
    size = size_of_dx(call)
    assert close(batch_norm(*permuted[:4]), y[order], 1 + np.abs(y).max())
    assert close(gradients(batch_norm, *permuted)[0], dx[order], size)
    for j in range(call.x.shape[1]):
        x, gamma, beta = (v[..., j : j + 1] for v in call[:3])
        assert close(batch_norm(x, gamma, beta, call.eps), y[:, j : j + 1], 1 + np.abs(y).max())
        only = np.arange(call.x.shape[1]) == j
        dx_only = gradients(batch_norm, *call._replace(dy=call.dy * only))[0]
        assert np.array_equal(dx_only[:, ~only], 0 * dx[:, ~only])
        assert close(dx_only[:, only], dx[:, only], size[only])


def all_but(*missed):
    return [mistake for mistake in MISTAKES if mistake not in missed]


# The mistakes that each invariant must reject. The others keep it, and must pass.
# fmt: off
SEES = {
    gradient_sums_to_zero: [detached_mean, mean_forgotten, wrong_axis],
    gradient_is_orthogonal_to_x_hat_but_for_eps: all_but(detached_mean),
    x_hat_has_mean_zero_and_variance_one_but_for_eps: all_but(
        detached_mean, detached_variance, gamma_forgotten
    ),
    no_sample_is_further_out_than_the_root_of_n_minus_1: [
        unbiased_variance, mean_forgotten, wrong_axis, first_half, pooled_variance
    ],
    shift_is_lost_and_scale_too_but_for_eps: [eps_outside, mean_forgotten, wrong_axis],
    weights_meet_eulers_identity_and_a_bias_gets_no_gradient: MISTAKES,
    no_step_shortens_the_weights_and_larger_ones_move_less: [
        detached_mean, detached_variance, wrong_axis, pooled_variance
    ],
    jacobian_is_a_projection_divided_by_s: all_but(gamma_forgotten),
    gamma_and_beta_can_undo_it: all_but(detached_mean, detached_variance),
    two_samples_carry_almost_no_gradient_unless_they_nearly_tie: MISTAKES,
    constant_feature_gives_beta_and_a_large_finite_gradient: all_but(
        detached_variance, unbiased_variance, pooled_variance
    ),
    samples_are_equal_and_features_apart: [wrong_axis, first_half, pooled_variance],
}
# fmt: on
RNG = np.random.default_rng(0)
GRID = (RNG.permutation(24).reshape(8, 3) - 11.5) / 8
CALL = Call(GRID[:6], *GRID[6:], 1.0, *(RNG.normal(size=(n, 3)) for n in (6, 3)))


def name(function):
    return function.__name__


@pytest.mark.parametrize("invariant", SEES, ids=name)
@given(call=calls())
def test_invariant_holds(invariant, call):
    invariant(F.batch_norm, call)


@pytest.mark.parametrize("eps", EPS)
@pytest.mark.parametrize("mistake", MISTAKES, ids=name)
@pytest.mark.parametrize("invariant", SEES, ids=name)
def test_invariant_sees_the_mistakes_that_it_should_and_no_others(invariant, mistake, eps):
    call, seen = CALL._replace(eps=eps), mistake in SEES[invariant]
    invariant(F.batch_norm, call)
    with np.errstate(all="ignore"), pytest.raises(AssertionError) if seen else nullcontext():
        invariant(mistake, call)


def test_all_twelve_are_here_and_every_mistake_is_seen():
    assert [int(invariant.__doc__.split(".")[0]) for invariant in SEES] == [*range(1, 13)]
    assert {mistake for seen in SEES.values() for mistake in seen} == set(MISTAKES)


@given(calls())
def test_orthogonality_to_x_hat_is_exact_only_without_eps(call):
    for eps, exact in ((0.0, True), (1.0, False)):
        s, _, x_hat = facts(call.x, eps)
        dx = gradients(F.batch_norm, *call._replace(eps=eps, dy=x_hat))[0]
        scale = np.abs(call.gamma) / s * len(call.x)
        assert close((dx * x_hat).sum(0), 0, scale) == exact


@pytest.mark.bits
def test_eps_outside_the_root_looks_fine_forward_and_gives_nan_backward():
    x, dy, ones = np.full((4, 1), 3.0), np.eye(4)[:, :1], np.ones(1)
    for batch_norm, is_nan in ((F.batch_norm, False), (eps_outside, True)):
        assert np.array_equal(batch_norm(x, ones, ones, 1e-5), np.ones((4, 1)))
        with np.errstate(all="ignore"):
            dx = gradients(batch_norm, x, ones, ones, 1e-5, dy)[0]
        assert np.isnan(dx).all() == is_nan


def sample_stands_alone(layer, x):
    """12, for a layer: the output for a sample does not depend on the other samples."""
    assert close(layer(x).data[:2], layer(x[:2]).data, 1 + np.abs(x).max())


@given(calls())
def test_eval_is_per_sample_and_training_is_not(call):
    layer = nn.BatchNorm(call.x.shape[1])
    for batch in (call.x, call.dy):
        layer(batch)
    sample_stands_alone(layer.eval(), call.x)
    with pytest.raises(AssertionError):
        sample_stands_alone(layer.train(), np.concatenate([call.x, 2 * call.x]))
