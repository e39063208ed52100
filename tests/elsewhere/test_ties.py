"""The gradients of entries that tie, or stand on a bound, are PyTorch's."""

import numpy as np
import pytest

import microbn as mb

torch = pytest.importorskip("torch", reason="PyTorch is not installed: from_torch unchecked")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from microbn.elsewhere import from_torch  # noqa: E402


class Of(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


# Entries at all bounds of the functions below, and equal neighbours.
LINE = torch.tensor([-4.0, -3.0, -3.0, -1.0, -0.5, 0.0, 0.0, 0.5, 1.0, 1.0, 3.0, 6.0, 6.0, 20.0])
TABLE = torch.tensor([[1.0, 2.0, 2.0, 1.0], [0.0, 0.0, 0.0, 0.0], [3.0, 1.0, 3.0, 3.0]])
IMAGE = torch.tensor([0.0, 1.0, 1.0, 0.0, 2.0] * 10).reshape(1, 2, 5, 5)

FUNCTIONS = {
    "relu": (torch.relu, LINE),
    "relu6": (F.relu6, LINE),
    "leaky relu": (F.leaky_relu, LINE),
    "prelu": (lambda x: F.prelu(x, torch.tensor(0.2).double()), LINE),
    "elu": (F.elu, LINE),
    "celu": (F.celu, LINE),
    "selu": (F.selu, LINE),
    "hardtanh": (F.hardtanh, LINE),
    "hardsigmoid": (F.hardsigmoid, LINE),
    "hardswish": (F.hardswish, LINE),
    "hardshrink": (F.hardshrink, LINE),
    "softshrink": (F.softshrink, LINE),
    "tanhshrink": (F.tanhshrink, LINE),
    "softsign": (F.softsign, LINE),
    "threshold": (lambda x: F.threshold(x, 1.0, 7.0), LINE),
    "softplus": (F.softplus, LINE),
    "silu": (F.silu, LINE),
    "abs": (torch.abs, LINE),
    "sign": (lambda x: x * torch.sign(x), LINE),
    "clamp": (lambda x: x.clamp(-1, 1), LINE),
    "clamp below": (lambda x: x.clamp(min=-1), LINE),
    "clamp above": (lambda x: x.clamp_max(1.0), LINE),
    "clamp by an array": (lambda x: torch.clamp(x, max=x.flip(0)), LINE),
    "maximum": (lambda x: torch.maximum(x, x.flip(0).detach()), LINE),
    "minimum": (lambda x: torch.min(x, x.flip(0)), LINE),
    "max": (torch.max, TABLE),
    "min": (torch.min, TABLE),
    "max along an axis": (lambda x: x.max(dim=1).values, TABLE),
    "max along the first axis": (lambda x: x.max(0, keepdim=True)[0], TABLE),
    "min along an axis": (lambda x: x.min(dim=1).values, TABLE),
    "amax": (lambda x: x.amax(dim=1), TABLE),
    "amin": (lambda x: x.amin(dim=(0, 1)), TABLE),
    "max pool of a line": (lambda x: F.max_pool1d(x, 3, 2, 1), TABLE),
    "max pool": (lambda x: F.max_pool2d(x, 2), IMAGE),
    "max pool, padded": (lambda x: F.max_pool2d(x, 3, 2, 1), IMAGE),
    "max pool, dilated": (lambda x: F.max_pool2d(x, 2, 1, 0, 2), IMAGE),
    "max pool of a solid": (lambda x: F.max_pool3d(x[None], 2), IMAGE),
    "adaptive max pool": (lambda x: F.adaptive_max_pool2d(x, (2, 3)), IMAGE),
    "L1 loss": (lambda x: F.l1_loss(x, x.flip(1).detach()), TABLE),
    "smooth L1 loss": (lambda x: F.smooth_l1_loss(x, torch.ones_like(x)), TABLE),
    "huber loss": (lambda x: F.huber_loss(x, torch.ones_like(x)), TABLE),
    "norm": (lambda x: x.norm(dim=1), TABLE),
    "norm of order 1": (lambda x: torch.linalg.vector_norm(x, 1, dim=1), TABLE),
    "norm of all": (lambda x: 0 * x.norm() + (0 * x).norm(), TABLE),
    "norm of two axes": (lambda x: torch.linalg.vector_norm(x, 3, (0, 2), True), IMAGE[0]),
    "largest norm": (lambda x: torch.linalg.vector_norm(x, torch.inf, dim=1), TABLE),
    "normalize": (lambda x: F.normalize(x, dim=1), TABLE),
    "std": (lambda x: x.std(dim=1), TABLE),
    "prod": (lambda x: x.prod(dim=1), TABLE),
    "power": (lambda x: x**1.5, LINE.clamp(min=0)),
    "square root of a square": (lambda x: torch.sqrt(x * x + 1), LINE),
    "where": (lambda x: torch.where(x > 0, x, 2 * x), LINE),
    "logsumexp": (lambda x: x.logsumexp(1), TABLE),
}

# PyTorch's own gradient has 1/6 in float32 there.
TOLERANCE = {"hardsigmoid": 1e-8}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_agree_at_ties_and_bounds(name):
    function, x = FUNCTIONS[name]
    x = x.double().requires_grad_()
    right = function(x)
    dy = np.random.default_rng(0).normal(size=right.shape)
    (gradient,) = torch.autograd.grad(right, x, torch.tensor(dy))
    ours, _ = from_torch(Of(function), x)
    leaf = mb.Tensor(x.detach().numpy(), "x")
    y = ours(leaf)
    np.testing.assert_allclose(y.data, right.detach().numpy(), rtol=0, atol=1e-12)
    tolerance = TOLERANCE.get(name, 1e-12)
    np.testing.assert_allclose(mb.grad(y, leaf, dy), gradient.numpy(), rtol=0, atol=tolerance)


def test_another_convention_is_seen(monkeypatch):
    from microbn.elsewhere import aten

    monkeypatch.setitem(aten.ATEN, "clamp", lambda x, low, high: np.clip(x, low, high))
    with pytest.raises(AssertionError):
        test_gradients_agree_at_ties_and_bounds("clamp")


@pytest.mark.parametrize("name", ["max pool", "max along an axis", "clamp", "hardswish"])
def test_they_compile_for_other_ties(name):
    function, x = FUNCTIONS[name]
    ours, _ = from_torch(Of(function), x.double())
    first, second = (mb.Tensor(x.numpy().astype(float)) for x in (x, x.flip(-1)))
    dy = np.random.default_rng(0).normal(size=ours(first).shape)
    program = mb.compile(ours, first, cotangent=dy)
    value, gradients = program(second.data, dy)
    y = ours(second)
    gradient = gradients[0] if isinstance(gradients, (tuple, list)) else gradients
    np.testing.assert_allclose(value, y.data, rtol=1e-14)
    np.testing.assert_allclose(gradient, mb.grad(y, second, dy), rtol=0, atol=1e-14)
