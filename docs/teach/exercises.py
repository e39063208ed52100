"""Nine layers, each with a backward written by hand. One of them is right: which? And what is
wrong with the others? ``microbn check exercises.py:affine 5x3 3x2 2 --hints 1`` tells where.
"""

import numpy as np


def affine_forward(x, w, b):  # 5x3 3x2 2
    return x @ w + b, (x, w)


def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.mean(axis=0)


def relu_forward(x):  # 4x3
    out = np.maximum(x, 0)
    return out, out


def relu_backward(dout, out):
    return dout * (out >= 0)


def tanh_forward(x):  # 4x3
    out = np.tanh(x)
    return out, out


def tanh_backward(dout, out):
    return dout * (1 - out) ** 2


def softmax_forward(x):  # 4x3
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    out = powers / powers.sum(axis=1, keepdims=True)
    return out, out


def softmax_backward(dout, out):
    return dout * out * (1 - out)


def residual_forward(x, w):  # 4x3 3x3
    return x + np.tanh(x @ w), (x, w)


def residual_backward(dout, cache):
    x, w = cache
    dz = dout * (1 - np.tanh(x @ w) ** 2)
    return dz @ w.T, x.T @ dz


def batch_norm_forward(x, gamma, beta):  # 8x3 3 3
    centered = x - x.mean(axis=0)
    std = np.sqrt((centered**2).mean(axis=0) + 1e-5)
    return gamma * centered / std + beta, (gamma, centered, std)


def batch_norm_backward(dout, cache):
    gamma, centered, std = cache
    return dout * gamma / std, (dout * centered / std).sum(axis=0), dout.sum(axis=0)


def swish_forward(x):  # 4x3
    sigmoid = 1 / (1 + np.exp(-x))
    return x * sigmoid, (x, sigmoid)


def swish_backward(dout, cache):
    x, sigmoid = cache
    return dout * sigmoid * (1 + x * (1 - sigmoid))


def dropout_forward(x):  # 4x3
    kept = np.random.default_rng().random(x.shape) < 0.5
    return x * kept / 0.5, kept


def dropout_backward(dout, kept):
    return dout * kept / 0.5


def gate_forward(x):  # 4x3
    return x * (x > 0), x > 0


def gate_backward(dout, mask):
    dout *= mask
    return dout
