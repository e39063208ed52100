"""Optimizers: their formulas, step by step, and what they refuse."""

import numpy as np
import pytest

from microbn import Tensor, errors, optim


def descend(optimizer, p, steps):
    path = []
    for _ in range(steps):
        optimizer.zero_grad()
        (p * p).sum().backward()
        optimizer.step()
        path.append(p.data.tolist())
    return path


def test_sgd_follows_its_formula():
    p = Tensor([1.0, -2.0])
    assert descend(optim.SGD([p], lr=0.25), p, 2) == [[0.5, -1.0], [0.25, -0.5]]


def test_momentum_follows_its_formula():
    p = Tensor([1.0])
    path = descend(optim.SGD([p], lr=0.1, momentum=0.5), p, 2)
    first = 1 - 0.1 * 2
    assert path == [[pytest.approx(first)], [pytest.approx(first - 0.1 * (0.5 * 2 + 2 * first))]]


def test_adams_first_step_has_the_length_of_the_rate():
    p = Tensor([1.0, -20.0])
    assert descend(optim.Adam([p], lr=0.1), p, 1)[0] == pytest.approx([0.9, -19.9])


def test_adam_follows_its_formula():
    p, x, mean, square = Tensor([1.0, -20.0, 1e-4]), np.array([1.0, -20.0, 1e-4]), 0.0, 0.0
    path = descend(optim.Adam([p], lr=0.1, betas=(0.8, 0.95), eps=1e-3), p, 4)
    for step in range(1, 5):
        g = 2 * x
        mean, square = 0.8 * mean + 0.2 * g, 0.95 * square + 0.05 * g**2
        x = x - 0.1 * (mean / (1 - 0.8**step)) / (np.sqrt(square / (1 - 0.95**step)) + 1e-3)
        assert path[step - 1] == pytest.approx(x.tolist(), rel=1e-12)


def test_adam_finds_the_minimum():
    p = Tensor([1.0, -2.0])
    assert np.abs(descend(optim.Adam([p], lr=0.1), p, 200)[-1]).max() < 1e-2


def test_parameters_without_a_gradient_stay():
    p, q = Tensor([1.0]), Tensor([2.0])
    for optimizer in (optim.SGD([p, q], 0.1, momentum=0.9), optim.Adam([p, q])):
        descend(optimizer, p, 2)
        assert q.data.tolist() == [2]


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_float32_stays_float32(kind):
    p = Tensor([1.0], dtype=np.float32)
    descend(kind([p], lr=0.1), p, 2)
    assert p.dtype == np.float32


P = Tensor([1.0])


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (lambda: optim.SGD([], 0.1), errors.ArgumentError, "SGD: no parameters"),
        (lambda: optim.SGD([P, P], 0.1), errors.ArgumentError, "parameter 1 is parameter 0 again"),
        (lambda: optim.SGD([np.ones(1)], 0.1), errors.DTypeError, "parameter 0 is a ndarray"),
        (
            lambda: optim.SGD([P * 2], 0.1),
            errors.GraphError,
            "parameter 0 was computed by multiply",
        ),
        (lambda: optim.SGD([P], 0), errors.ArgumentError, "lr must be positive and finite, got 0"),
        (lambda: optim.SGD([P], np.nan), errors.ArgumentError, "lr must be positive and finite"),
        (lambda: optim.SGD([P], 0.1, momentum=1), errors.ArgumentError, r"momentum must be in \[0"),
        (
            lambda: optim.Adam([P], betas=(0.9, 1)),
            errors.ArgumentError,
            r"betas must be two numbers in \[0",
        ),
        (lambda: optim.Adam([P], betas=(0.9,)), errors.ArgumentError, r"two numbers.*got \(0.9,\)"),
        (lambda: optim.SGD(P.backward, 0.1), errors.DTypeError, r"such as model.parameters\(\)"),
        (lambda: optim.SGD([P], "0.1"), errors.ArgumentError, "positive and finite, got '0.1'"),
        (lambda: optim.Adam([P], eps=0), errors.ArgumentError, "eps must be positive"),
    ],
)
def test_faults_name_the_facts(fault, error, message):
    with pytest.raises(error, match=message):
        fault()


@pytest.mark.parametrize("bad", [0, -0.1, np.inf, -np.inf, np.nan, "0.1", None])
def test_rates_and_eps_are_positive_and_finite(bad):
    for kind in (optim.SGD, optim.Adam):
        with pytest.raises(errors.ArgumentError, match="lr must be positive and finite, got"):
            kind([P], bad)
    with pytest.raises(errors.ArgumentError, match="Adam: eps must be positive, got"):
        optim.Adam([P], eps=bad)


@pytest.mark.parametrize("bad", [-0.1, 1, 1.5, np.inf, np.nan, "0.5", None])
def test_momentum_and_betas_are_0_or_more_and_less_than_1(bad):
    with pytest.raises(errors.ArgumentError, match=r"SGD: momentum must be in \[0, 1\), got"):
        optim.SGD([P], 0.1, momentum=bad)
    for betas in ((bad, 0.5), (0.5, bad), (bad, bad)):
        with pytest.raises(errors.ArgumentError, match=r"betas must be two numbers in \[0, 1\), "):
            optim.Adam([P], betas=betas)


def test_settings_that_are_not_given_are_those_of_the_papers():
    adam = optim.Adam([P])
    assert (adam.lr, adam.betas, adam.eps) == (1e-3, (0.9, 0.999), 1e-8)
    assert optim.SGD([P], 0.1).momentum == 0


def test_momentum_and_betas_of_0_remember_nothing():
    p, q = Tensor([1.0, -20.0]), Tensor([1.0, -20.0])
    assert descend(optim.SGD([p], lr=0.25, momentum=0), p, 2)[-1] == [0.25, -5]
    path = descend(optim.Adam([q], lr=0.25, betas=(0, 0), eps=1e-12), q, 3)
    assert path == [pytest.approx([1 - step / 4, -20 + step / 4]) for step in (1, 2, 3)]


def test_adam_in_float32_is_as_exact_as_float32():
    small, large = (Tensor([0.0, 0.0], dtype=dtype) for dtype in (np.float32, np.float64))
    for p in (small, large):
        p.grad = np.array([0.3, -1e-3], p.dtype)
        optim.Adam([p], 1e-2).step()
    assert small.dtype == np.float32
    np.testing.assert_allclose(small.data, large.data, rtol=1e-6)
