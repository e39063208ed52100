"""Layers with right numbers and bad habits."""

import numpy as np


def relu_forward(x):
    return np.maximum(x, 0), x


def relu_backward(dout, x):
    dout[x <= 0] = 0
    return dout


def doubled_forward(x):
    return np.maximum(x, 0), x


def doubled_backward(dout, x):
    dout[x <= 0] = 0
    return 2 * dout


def square_forward(x):
    return x**2, [2 * x]


def square_backward(dout, cache):
    cache[0] *= dout
    return cache[0]


def popped_forward(x):
    return 3 * x, [3.0]


def popped_backward(dout, cache):
    return cache.pop() * dout


def inplace_forward(x):
    x[x < 0] = 0
    return x.copy(), x


def inplace_backward(dout, cache):
    return dout * (cache > 0)


def ignores_forward(x):
    return (x**2).mean(), x


def ignores_backward(dout, cache):
    return 2 * cache / cache.size
