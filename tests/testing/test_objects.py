"""Layers with parameters of their own: Modules, and objects with a forward and a backward."""

import numpy as np
import pytest

import microbn as mb
from microbn import nn
from microbn.testing import gradcheck

RNG = np.random.default_rng(0)
X, GAMMA, BETA = RNG.normal(size=(8, 3)), RNG.normal(size=3), RNG.normal(size=3)


def net(dtype=np.float64):
    layers = [nn.Linear(4, 3, rng=0, dtype=dtype), nn.BatchNorm(3, dtype=dtype), nn.Tanh()]
    return nn.Sequential(*layers)


def test_the_parameters_of_a_module_are_inputs_too():
    module = net()
    before = module.state_dict()
    report = gradcheck(module, RNG.normal(size=(5, 4)))
    assert report, report
    names = ["x", "layers.0.weight", "layers.0.bias", "layers.1.gamma", "layers.1.beta"]
    assert [part.name for part in report.inputs] == names
    assert all(np.array_equal(before[path], now) for path, now in module.state_dict().items())
    assert all(p.grad is None for p in module.parameters())


def test_a_module_is_put_back_even_where_it_fails():
    calls = []

    class Failing(nn.Module):
        def __init__(self):
            self.scale, self.kept = mb.Tensor([2.0]), None

        def forward(self, x):
            self.kept = x
            calls.append(x)
            if len(calls) > 4:
                raise RuntimeError
            return x * self.scale

    module = Failing()
    with pytest.raises(RuntimeError):
        gradcheck(module, np.array([1.0, 2.0]))
    assert module.scale.data.tolist() == [2]
    assert module.kept is None


class Affine:
    """A layer that keeps its weight in two places, and its input and the gradient for it too."""

    def __init__(self, factor=1.0):
        self.W, self.factor = RNG.normal(size=(3, 2)), factor
        self.params, self.x = [self.W], np.ones((5, 3))

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dout):
        self.dW = self.factor * (self.x.T @ dout)
        self.grads, self.dx = [self.dW], dout @ self.W.T
        return self.dx


def test_an_object_is_checked_with_its_parameters_and_left_as_it_is():
    layer = Affine()
    layer.forward(X[:5])
    layer.backward(np.ones((5, 2)))  # as one is that has been in use
    before = {name: np.copy(value) for name, value in vars(layer).items()}
    report = gradcheck(layer, X)
    assert report, report
    assert [part.name for part in report.inputs] == ["x", "W"]
    assert all(np.array_equal(before[name], value) for name, value in vars(layer).items())
    assert "Again: gradcheck(Affine, x, seed=0)" in str(gradcheck(Affine(1.001), X))
    assert "every entry is 2 times" in gradcheck(Affine(2.0), X).hints()["W"]


def test_an_object_says_for_what_no_gradient_was_found():
    layer = Affine()
    layer.scale = np.ones(2)
    assert "Note: no gradient was found for 'scale'; keep it in dscale or in grads['scale']" in str(
        gradcheck(layer, X)
    )


@pytest.mark.parametrize("in_place", [True, False])
@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_a_backward_that_updates_its_weights_is_told_with_the_verdict(in_place, factor):
    class Learning(Affine):
        def backward(self, dout):
            dx = super().backward(dout)
            if in_place:
                self.W -= 0.1 * self.dW
            else:
                self.W = self.W - 0.1 * self.dW
            return dx

    layer = Learning(factor)
    layer.forward(X)
    layer.dW = np.zeros((3, 2))
    report = gradcheck(layer, X)
    assert bool(report) == (factor == 1)
    assert [part.name for part in report.inputs] == ["x", "W"]
    assert "Note: its backward changes 'W'" in str(report)
    assert "which its forward uses; let the backward only compute gradients, and upd" in str(report)


def test_a_backward_that_adds_up_gradients_updates_nothing():
    class Summing(Affine):
        def __init__(self):
            super().__init__()
            self.dW = np.zeros((3, 2))

        def backward(self, dout):
            self.dW += self.x.T @ dout
            return dout @ self.W.T

    report = gradcheck(Summing(), X)
    assert report
    assert "Note" not in str(report)
