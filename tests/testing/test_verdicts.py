"""Verdicts where numbers are hard: saturation, kinks, tiny and huge sizes, large constants."""

import numpy as np
import pytest

import microbn as mb
from microbn import functional as F
from microbn.testing import HandWritten, gradcheck

RNG = np.random.default_rng(0)
X, GAMMA, BETA = RNG.normal(size=(8, 3)), RNG.normal(size=3), RNG.normal(size=3)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (F.relu, [1e-7, 1.0, -2.0]),
        (F.relu, [-1e-7, 1.0, -2.0]),
        (np.log, [1e-5, 1.0, 2.0]),
        (F.relu, [0.0, 1.0]),
        (np.max, [1.0, 1.0]),
        (np.abs, [0.0, 1.0]),
        (lambda x: x, [1.0, 2.0]),
        (lambda x: F.batch_norm(X + x, GAMMA, BETA), [1.0, -0.3, 0.5]),
        (lambda x: F.batch_norm(X + x, GAMMA, BETA), [1e5, 1e5 + 1, 1e5 + 2]),
        (lambda x: 1e-9 * np.exp(x), [1.0, 2.0]),
        (lambda x: x.exp() if isinstance(x, mb.Tensor) else 1 / 0, [1.0, 2.0]),
        (np.sum, np.zeros((0, 2))),
        (np.tanh, 0.5),
    ],
)
def test_there_is_no_false_alarm_for(f, x):
    report = gradcheck(f, np.array(x))
    assert report, report


@pytest.mark.parametrize("margin", [5, 16, 20, 30, 40])
def test_a_confident_loss_is_no_false_alarm(margin):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        logits, targets = rng.normal(size=(6, 3)), rng.integers(0, 3, 6)
        logits[np.arange(6), targets] += margin
        report = gradcheck(lambda x, t=targets: F.cross_entropy(x, t), logits, seed=seed)
        assert report, report


@pytest.mark.parametrize("scale", [5, 12, 30])
@pytest.mark.parametrize("f", [F.sigmoid, np.tanh, lambda z: np.log(1 + np.exp(-z))])
def test_saturation_is_no_false_alarm(f, scale):
    for seed in range(5):
        report = gradcheck(f, scale * np.random.default_rng(seed).normal(size=(4, 3)), seed=seed)
        assert report, report


def sharp(factor):
    def forward(x):
        powers = np.exp(x - x.max(1, keepdims=True))
        y = powers / powers.sum(1, keepdims=True)
        return y, y

    return HandWritten(forward, lambda dy, y: factor * y * (dy - (dy * y).sum(1, keepdims=True)))


def confident(factor):
    """The cross-entropy of class 0."""

    def forward(x):
        shifted = x - x.max(1, keepdims=True)
        return np.mean(np.log(np.exp(shifted).sum(1)) - shifted[:, 0]), x

    def backward(dy, x):
        y = sharp(1).forward(x)[0]
        y[:, 0] = -y[:, 1:].sum(1)
        return factor * dy * y / len(x)

    return HandWritten(forward, backward)


@pytest.mark.parametrize(
    ("layer", "place"),
    [(sharp, lambda x: 20 * x), (confident, lambda x: x + 15 * np.eye(1, 3))],
)
def test_saturation_is_seen_through_without_a_graph(layer, place):
    for seed in range(20):
        x = place(np.random.default_rng(seed).normal(size=(4, 3)))
        right = gradcheck(layer(1.0), x, seed=seed)
        assert right, right
        assert not gradcheck(layer(1.001), x, seed=seed)


@pytest.mark.parametrize("size", [1.0, 1e-8, 1e-12])
def test_an_input_that_is_hardly_spread_is_checked_all_the_same(size):
    def layer(factor):
        return HandWritten(lambda x, b: (x + b, 0), lambda dy, _: (1.0 * dy, factor * dy.sum(0)))

    assert gradcheck(layer(1.0), X, size * BETA)
    assert not gradcheck(layer(1.001), X, size * BETA)
    assert not gradcheck(layer(0.0), X, size * BETA)


def test_a_loss_at_its_minimum_is_no_false_alarm():
    assert all(gradcheck(lambda x: F.mse(x, BETA), BETA, seed=seed) for seed in range(20))


def test_a_forward_that_raises_close_by_is_checked_closer_by():
    def forward(x):
        if (x < 0).any():
            raise ValueError("no roots of negative numbers")
        return np.sqrt(x), x

    layer = HandWritten(forward, lambda dy, x: dy / (2 * np.sqrt(x)))
    assert gradcheck(layer, np.array([0.01, 2.0, 3.0]))


@pytest.mark.parametrize(("beside", "factor"), [(1e12, 1.01), (-1e9, 1.00001), (-1e9, 0.0)])
def test_large_constants_beside_it_hide_no_wrong_gradient(beside, factor):
    def forward(x):
        return np.concatenate([1e-3 * np.exp(x), np.full((1, 3), beside)]), x

    def layer(factor):
        return HandWritten(forward, lambda dy, x: factor * 1e-3 * dy[:-1] * np.exp(x))

    assert gradcheck(layer(1.0), X)
    assert not gradcheck(layer(factor), X)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_huge_and_tiny_functions_are_checked_alike(size):
    def layer(factor):
        return HandWritten(lambda x: (size * np.sin(x), x), lambda dy, x: dy * factor * np.cos(x))

    assert gradcheck(layer(size), X)
    assert not gradcheck(layer(1.0005 * size), X)
    assert not gradcheck(layer(0.0), X)
    assert "every entry is 1.0005 times" in str(gradcheck(layer(1.0005 * size), X))
    assert "it is not finite" in str(gradcheck(layer(np.inf), X))


def test_at_a_kink_all_between_the_two_sides_is_right():
    report = gradcheck(F.relu, np.array([0.0, 1.0]))
    assert "all 2 slopes agree; 1 at a kink" in str(report)
    mb.defvjp(F.relu, lambda g, out, x: g * np.where(x == 0, 0.3, x > 0))
    assert gradcheck(F.relu, np.array([0.0, 1.0]))
    mb.defvjp(F.relu, lambda g, out, x: g * np.where(x == 0, 1.1, x > 0))
    assert not gradcheck(F.relu, np.array([0.0, 1.0]))


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e-18, 1e-17, 1e-13, 1e-8, 0.0])
def test_an_input_however_small_hides_no_wrong_gradient(scale):
    """As a bias before a batch norm, which training leaves at some 1e-18."""
    x, w, b = RNG.normal(size=(4, 3)), RNG.normal(size=(3, 2)), scale * RNG.normal(size=2)

    def verdict(factor):
        def backward(dout, cache):
            x, w = cache
            return dout @ w.T, x.T @ dout, factor * dout.sum(0)

        return gradcheck(HandWritten(lambda x, w, b: (x @ w + b, (x, w)), backward), x, w, b)

    assert verdict(1)
    for factor in (0, 7, 1.0005):
        assert [part.verdict for part in verdict(factor).inputs] == ["agrees", "agrees", "differs"]


@pytest.mark.parametrize("scale", [1e-30, 1e-15, 1e-12, 1e-8])
def test_a_kink_close_by_is_one_however_small_the_input(scale):
    x = scale * RNG.normal(size=(3, 2))
    for factor, right in ((1, True), (2, False)):
        relu = HandWritten(
            lambda x: (np.maximum(x, 0), x), lambda dout, x, f=factor: f * dout * (x > 0)
        )
        assert bool(gradcheck(relu, x)) is right


@pytest.mark.parametrize("x", [[-1.0, 1.0], [1.0], [0.0, 2.0]])
def test_a_function_whose_period_is_the_first_step_is_not_flat(x):
    def wave(factor):
        def backward(dout, x):
            return factor * 32 * np.pi * np.cos(32 * np.pi * x + 0.3) * dout

        return HandWritten(lambda x: (np.sin(32 * np.pi * x + 0.3), x), backward)

    assert gradcheck(wave(1), np.array(x))
    assert not gradcheck(wave(0), np.array(x))


def test_what_cannot_be_told_is_no_pass():
    for f, x in ((np.sqrt, [0.0, 1.0]), (np.floor, [0.0, 1.5])):
        report = gradcheck(f, np.array(x))
        assert not report
        assert report.inputs[0].verdict == "inconclusive"
        unknown = "numeric unknown; inconclusive: 1 of 2 slopes cannot be determined, so this is no"
        assert unknown in str(report)
        assert report.suspect is None
