"""Layers as classes: each keeps its cache and the gradients of its parameters in its own way."""

import numpy as np

from microbn import nn


class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b
        self.x = self.dW = self.db = None

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T


class Doubled(Affine):
    def backward(self, dout):
        dx = super().backward(dout)
        self.dW = 2 * self.dW
        return dx


class Linear:
    def __init__(self, n_in, n_out):
        self.params = {"W": np.random.randn(n_in, n_out), "b": np.zeros(n_out)}  # noqa: NPY002
        self.grads = {}

    def forward(self, x):
        self.cache = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, dout):
        self.grads["W"] = self.cache.T @ dout
        self.grads["b"] = dout.sum(0)
        return dout @ self.params["W"].T


class MatMul:
    def __init__(self, W):
        self.params, self.grads = [W], [np.zeros_like(W)]

    def forward(self, x):
        self.x = x
        return x @ self.params[0]

    def backward(self, dout):
        self.grads[0][...] = self.x.T @ dout
        return dout @ self.params[0].T


class Dense:  # returns nothing: the output and the gradient are attributes
    def __init__(self, n_inputs, n_neurons):
        self.weights = np.random.randn(n_inputs, n_neurons)  # noqa: NPY002
        self.biases = np.zeros((1, n_neurons))

    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs @ self.weights + self.biases

    def backward(self, dvalues):
        self.dweights = self.inputs.T @ dvalues
        self.dbiases = dvalues.sum(axis=0, keepdims=True)
        self.dinputs = dvalues @ self.weights.T


class Returns:
    def __init__(self, w, b):
        self.w, self.b = w, b

    def forward(self, x):
        self.x = x
        return x @ self.w + self.b

    def backward(self, dout):
        return dout @ self.w.T, self.x.T @ dout, dout.sum(0)


class Net:
    def __init__(self):
        self.layers = [Linear(3, 4), Relu(), Linear(4, 2)]

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dout):
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return dout


class Relu:
    def forward(self, x):
        self.mask = x <= 0
        return np.where(self.mask, 0, x)

    def backward(self, dout):
        dout = dout.copy()
        dout[self.mask] = 0
        return dout


class InPlace(Relu):
    def backward(self, dout):
        dout[self.mask] = 0
        return dout


class SoftmaxWithLoss:
    def forward(self, x, t):
        self.t = t
        y = np.exp(x - x.max(1, keepdims=True))
        self.y = y / y.sum(1, keepdims=True)
        return -np.log(self.y[np.arange(len(t)), t]).mean()

    def backward(self, dout=1):
        dx = self.y.copy()
        dx[np.arange(len(self.t)), self.t] -= 1
        return dx / len(self.t)


class Accumulates:
    def __init__(self, W):
        self.W, self.W_grad = W, np.zeros_like(W)

    def __call__(self, x):
        self.x = x
        return x @ self.W

    def backward(self, g):
        self.W_grad += self.x.T @ g
        return g @ self.W.T


class WithCache:
    @staticmethod
    def forward(x):
        return np.sin(x), x

    @staticmethod
    def backward(dout, cache):
        return dout * np.cos(cache)


class TwoOutputs:
    def forward(self, x, h):
        self.h = np.tanh(x + h)
        return self.h, 2 * self.h

    def backward(self, dh, dtwice):
        d = (dh + 2 * dtwice) * (1 - self.h**2)
        return d, d.copy()


class Updates:
    def __init__(self):
        self.weights = np.full((2, 3), 0.5)

    def forward(self, x):
        self.x = x
        return x @ self.weights

    def backward(self, dout, learning_rate=0.1):
        dx = dout @ self.weights.T
        self.weights -= learning_rate * self.x.T @ dout
        return dx


class NeedsRate(Updates):
    def backward(self, dout, learning_rate):
        return super().backward(dout, learning_rate)


class Single:
    def __init__(self):
        self.W = np.ones((3, 2), np.float32)

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ self.W.T


class NoBackward:
    def forward(self, x):
        return 2 * x


class Empty:
    pass


class Broken(Relu):
    def forward(self, x):
        return x @ undefined  # noqa: F821


class Module(nn.Module):
    def __init__(self, size=4):
        self.linear = nn.Linear(size, 3, rng=0)

    def forward(self, x):
        return np.tanh(self.linear(x))


class Switched:
    def __init__(self, size, *, slope=1.0):
        self.w, self.slope = np.full(size, 3.0), slope

    def forward(self, x, train=True, *, twice=False):
        assert not train, "it is told not to train"
        assert twice
        assert self.slope == 2.0
        self.x = x
        return x * self.w

    def backward(self, dout):
        self.dw = (dout * self.x).sum(0)
        return dout * self.w


relu, switched = Relu(), Switched(3, slope=2.0)


class Sized(nn.Module):
    def __init__(self, n_in, n_out):
        self.linear = nn.Linear(n_in, n_out, rng=0)

    def forward(self, x):
        return self.linear(x)


class Called(nn.Module):
    def __call__(self, x):
        return x * x


class Unforwarded(nn.Module):
    pass


class Swapped:
    def forward(self, x):
        return x * x, x

    def backward(self, cache, dout):
        return 2 * cache * dout


Norm, called = nn.LayerNorm, Called()

given = nn.Module()
given.linear = nn.Linear(3, 2, rng=0)
given.forward = lambda x: given.linear(x)
