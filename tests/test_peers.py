"""Differentiate a net with batch norm once and twice, and compare with other engines in float64."""

import numpy as np
import pytest

import microbn as mb
from microbn import functional as F

RNG = np.random.default_rng(0)
X, TARGETS = RNG.normal(size=(6, 4)), np.array([0, 1, 2, 0, 1, 2])
PARAMETERS = [RNG.normal(size=shape) for shape in ((4, 5), 5, 5, 5, (5, 3), 3)]
DIRECTION = [RNG.normal(size=p.shape) for p in PARAMETERS]


def loss(np, batch_norm, cross_entropy, w1, b1, gamma, beta, w2, b2):
    hidden = np.tanh(batch_norm(X @ w1 + b1, gamma, beta))
    return cross_entropy(hidden @ w2 + b2)


def ours():
    """Return the gradients, and the Hessian times DIRECTION."""
    leaves = [mb.Tensor(p) for p in PARAMETERS]
    value = loss(np, F.batch_norm, lambda z: F.cross_entropy(z, TARGETS), *leaves)
    first = mb.grad(value, leaves, create_graph=True)
    slope = sum((g * d).sum() for g, d in zip(first, DIRECTION, strict=True))
    return [g.data for g in first], mb.grad(slope, leaves)


def assert_same(theirs):
    for mine, their in zip(ours(), theirs, strict=True):
        for a, b in zip(mine, their, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_first_and_second_derivatives_are_those_of_hips_autograd():
    autograd = pytest.importorskip("autograd", reason="HIPS autograd is not installed: unchecked")
    import autograd.numpy as anp

    def batch_norm(x, gamma, beta):
        return gamma * (x - anp.mean(x, 0)) / anp.sqrt(anp.var(x, 0) + 1e-5) + beta

    def cross_entropy(z):
        return -anp.mean((z - anp.log(anp.sum(anp.exp(z), 1, keepdims=True)))[range(6), TARGETS])

    def f(parameters):
        return loss(anp, batch_norm, cross_entropy, *parameters)

    gradient = autograd.grad(f)

    def slope(parameters):
        return sum(anp.sum(g * d) for g, d in zip(gradient(parameters), DIRECTION, strict=True))

    assert_same((gradient(PARAMETERS), autograd.grad(slope)(PARAMETERS)))


def test_first_and_second_derivatives_are_those_of_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: unchecked")
    leaves = [torch.tensor(p, requires_grad=True) for p in PARAMETERS]
    w1, b1, gamma, beta, w2, b2 = leaves
    hidden = torch.tensor(X) @ w1 + b1
    hidden = torch.nn.functional.batch_norm(hidden, None, None, gamma, beta, training=True)
    logits = torch.tanh(hidden) @ w2 + b2
    value = torch.nn.functional.cross_entropy(logits, torch.tensor(TARGETS))
    first = torch.autograd.grad(value, leaves, create_graph=True)
    slope = sum((g * torch.tensor(d)).sum() for g, d in zip(first, DIRECTION, strict=True))
    second = torch.autograd.grad(slope, leaves)
    assert_same(([g.detach().numpy() for g in first], [h.numpy() for h in second]))
