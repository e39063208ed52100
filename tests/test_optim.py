"""Optimizers: they follow their formulas step by step, and refuse wrong arguments."""

import numpy as np
import pytest

from microbn import Tensor, errors, nn, optim
from microbn.lab import train
from microbn.lab.compiled import CompiledStep


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
    numbers = dict.fromkeys(("lr", "weight_decay"), np.float64(0.1))
    p = Tensor([1.0], dtype=np.float32)
    numbers |= {"momentum": np.float64(0.5)} if kind is optim.SGD else {"eps": np.float64(1e-8)}
    optimizer = kind([p], **numbers)
    p.grad = np.ones(1)  # in float64, set by hand
    optimizer.step()
    descend(optimizer, p, 2)
    assert p.dtype == np.float32
    assert {a.dtype for a in optimizer.state[0] if np.ndim(a)} == {np.dtype(np.float32)}


# Weight decay

KINDS = {
    "SGD": (optim.SGD, {"lr": 0.1}),
    "SGD, momentum": (optim.SGD, {"lr": 0.1, "momentum": 0.9}),
    "Adam": (optim.Adam, {"lr": 0.1}),
    "Adam, betas": (optim.Adam, {"lr": 0.01, "betas": (0.5, 0.9), "eps": 1e-3}),
}


def decays_as_pytorch(torch, kind, options, steps=6):
    values, rng = np.random.default_rng(0).normal(size=(3, 2)), np.random.default_rng(1)
    mine, their = Tensor(values), torch.nn.Parameter(torch.tensor(values))
    ours, theirs = kind([mine], **options), getattr(torch.optim, kind.__name__)([their], **options)
    for gradient in rng.normal(size=(steps, 3, 2)):
        mine.grad, their.grad = gradient, torch.tensor(gradient)
        ours.step(), theirs.step()
        np.testing.assert_allclose(mine.data, their.detach().numpy(), rtol=1e-10)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("decay", [0, 0.01, 0.5])
def test_weight_decay_is_pytorchs(name, decay):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: optimizers unchecked")
    kind, options = KINDS[name]
    decays_as_pytorch(torch, kind, options | {"weight_decay": decay})


@pytest.mark.parametrize("name", KINDS)
def test_a_wrong_weight_decay_is_seen(name, monkeypatch):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: optimizers unchecked")
    kind, options = KINDS[name]
    for mistake in (
        lambda self, p, g: g,
        lambda self, p, g: g - self.weight_decay * p,
        lambda self, p, g: g + self.weight_decay / 2 * p,
        lambda self, p, g: g + self.lr * self.weight_decay * p,
    ):
        monkeypatch.setattr(optim.Optimizer, "decayed", mistake)
        with pytest.raises(AssertionError):
            decays_as_pytorch(torch, kind, options | {"weight_decay": 0.5})


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_weight_decay_follows_its_formula(kind):
    p, q = Tensor([1.0, -2.0]), Tensor([1.0, -2.0])
    with_it, without = kind([p], 0.1, weight_decay=0.5), kind([q], 0.1)
    for _ in range(3):
        p.grad, q.grad = np.array([0.5, 0.25]), np.array([0.5, 0.25]) + 0.5 * q.data
        with_it.step(), without.step()
        np.testing.assert_array_equal(p.data, q.data)


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_without_decay_the_parameter_is_not_even_multiplied(kind):
    p = Tensor([np.inf, 1.0])
    optimizer = kind([p], 0.1)
    p.grad = np.zeros(2)
    optimizer.step()
    assert np.isfinite(optimizer.state[0][-1]).all()


@pytest.mark.parametrize("name", ["SGD, momentum", "Adam"])
def test_compiled_step_decays_to_the_bit(name):
    kind, options = KINDS[name]
    models = [
        nn.Sequential(nn.Linear(2, 8, rng=0), nn.Tanh(), nn.Linear(8, 3, rng=1)) for _ in "ab"
    ]
    one, other = (kind(model.parameters(), **options, weight_decay=0.1) for model in models)
    step = CompiledStep(models[1], other)
    for i, x in enumerate(np.random.default_rng(0).normal(size=(4, 12, 2))):
        one.weight_decay = other.weight_decay = [0.1, 0.1, 0.0, 0.3][i]
        assert train.step(models[0], one, x, np.arange(12) % 3) == step(x, np.arange(12) % 3)
    assert len(step.programs) == 3
    for mine, theirs in zip(*(model.parameters() for model in models), strict=True):
        np.testing.assert_array_equal(mine.data, theirs.data)


def test_momentum_0_is_plain_descent():
    p, q = Tensor([1.0, -2.0]), Tensor([1.0, -2.0])
    with_it = descend(optim.SGD([p], 0.1, momentum=0), p, 3)
    assert with_it == descend(optim.SGD([q], 0.1), q, 3)
    assert with_it[1] == pytest.approx([0.64, -1.28])


# Gradients that somebody has set


@pytest.mark.parametrize(
    ("gradient", "error"),
    [
        (np.ones(1), errors.ShapeError),
        (np.ones((2, 1)), errors.ShapeError),
        (np.ones((4, 2, 3)), errors.ShapeError),
        (1.0, errors.ShapeError),
        (Tensor(np.ones((2, 3))), errors.DTypeError),
        (np.full((2, 3), "a"), errors.DTypeError),
        (np.full((2, 3), None), errors.DTypeError),
        (np.ones((2, 3), complex), errors.DTypeError),
    ],
)
def test_gradient_unlike_its_parameter_is_refused_where_it_is_set(gradient, error):
    p = Tensor(np.ones((2, 3)), name="w")
    p.grad = mine = np.ones((2, 3))
    with pytest.raises(error, match=r"the \.grad of 'w' \(leaf\)"):
        p.grad = gradient
    assert p.grad is mine


def test_gradient_of_a_parameter_of_no_axes_is_one_number():
    p = Tensor(2.0)
    np.square(p).backward()
    optim.SGD([p], 0.25).step()
    assert p.data == 1.0


@pytest.mark.parametrize("given", [1.0, np.ones(3), np.array(["a", "b"]), None])
def test_an_own_update_that_returns_no_parameter_is_named_and_moves_none(given):
    class Odd(optim.SGD):
        def update(self, p, g, *state):
            return (given if p[0] > 1 else p - g), *state

    first, second = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    first.grad = second.grad = np.ones(2)
    with pytest.raises(
        errors.ShapeError, match=r"parameter 1 has shape \(2,\), and update\(\) gave"
    ):
        Odd([first, second], 0.1).step()
    assert (first.data.tolist(), second.data.tolist()) == ([1, 2], [3, 4])


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
        (lambda: optim.Adam([P], betas=(0, 0, 0)), errors.ArgumentError, r"got \(0, 0, 0\)"),
        (lambda: optim.SGD(P.backward, 0.1), errors.DTypeError, r"such as model.parameters\(\)"),
        (lambda: optim.SGD([P], "0.1"), errors.ArgumentError, "positive and finite, got '0.1'"),
        (lambda: optim.Adam([P], eps=0), errors.ArgumentError, "eps must be positive and finite"),
        (lambda: optim.SGD([P]), errors.ArgumentError, "SGD: lr is missing.*write lr=0.1"),
        (lambda: optim.Optimizer([P], 0.1).update(1, 1), NotImplementedError, "has no update"),
    ],
)
def test_faults_name_the_facts(fault, error, message):
    with pytest.raises(error, match=message):
        fault()


def test_default_settings_are_those_of_the_papers():
    adam = optim.Adam([P])
    assert (adam.lr, adam.betas, adam.eps) == (1e-3, (0.9, 0.999), 1e-8)
    assert optim.SGD([P], 0.1).momentum == 0


def test_adam_without_memory_steps_by_lr():
    p = Tensor([1.0, -20.0])
    path = descend(optim.Adam([p], lr=0.25, betas=(0, 0), eps=1e-12), p, 3)
    assert path == [pytest.approx([1 - step / 4, -20 + step / 4]) for step in (1, 2, 3)]


def test_adam_in_float32_is_as_exact_as_float32():
    small, large = (Tensor([0.0, 0.0], dtype=dtype) for dtype in (np.float32, np.float64))
    for p in (small, large):
        p.grad = np.array([0.3, -1e-3], p.dtype)
        optim.Adam([p], 1e-2).step()
    assert small.dtype == np.float32
    np.testing.assert_allclose(small.data, large.data, rtol=1e-6)


NOT_POSITIVE = [0, -0.1, float("inf"), -np.inf, np.nan, "0.1", [0.1]]
SETTINGS = {
    "lr": (NOT_POSITIVE, "lr must be positive and finite"),
    "weight_decay": ([*NOT_POSITIVE[1:], None], "weight_decay must be 0 or positive, and finite"),
    "momentum": ([1, 1.5, *NOT_POSITIVE[1:], None], r"SGD: momentum must be in \[0, 1\), got"),
    "eps": ([*NOT_POSITIVE, None], "Adam: eps must be positive and finite"),
    "betas": (
        [(b, 0.9) for b in (1, 1.5, -0.1, np.inf, np.nan, "a")]
        + [(0.9, b) for b in (1, 1.5, -0.1, np.nan, None)]
        + [0.9, None],
        r"Adam: betas must be two numbers in \[0, 1\), got",
    ),
}


@pytest.mark.parametrize(
    ("name", "value"), [(n, v) for n, (some, _) in SETTINGS.items() for v in some]
)
def test_a_setting_outside_its_limits_is_named(name, value):
    kinds = {"momentum": [optim.SGD], "eps": [optim.Adam], "betas": [optim.Adam]}
    for kind in kinds.get(name, [optim.SGD, optim.Adam]):
        with pytest.raises(errors.ArgumentError, match=SETTINGS[name][1]):
            kind([P], **{"lr": 0.1} | {name: value})


def test_settings_at_their_limits_are_taken():
    assert optim.SGD([P], 1e300, momentum=0.0, weight_decay=0).momentum == 0
    assert optim.Adam([P], betas=(0, 0), eps=1e-300).betas == (0, 0)


def test_an_optimizer_of_ones_own_has_no_weight_decay_unless_it_is_asked_for():
    class Descent(optim.Optimizer):
        def update(self, p, g, *state):
            return (p - self.lr * self.decayed(p, g),)

    p = Tensor([4.0])
    optimizer = Descent([p], 0.5)
    np.sum(p).backward()
    optimizer.step()
    assert p.data.tolist() == [3.5]
