"""Layers as pairs of functions, as courses assign them."""

import numpy as np


def dropout_forward(x, dropout_param):
    if "seed" in dropout_param:
        np.random.seed(dropout_param["seed"])  # noqa: NPY002
    mask = (np.random.rand(*x.shape) < dropout_param["p"]) / dropout_param["p"]  # noqa: NPY002
    return x * mask, (dropout_param, mask)


def dropout_backward(dout, cache):
    return dout * cache[1]


def conv_forward_naive(x, w, b, conv_param):
    stride, pad = conv_param["stride"], conv_param["pad"]
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    height, width = w.shape[2:]
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), (2, 3))
    windows = windows[:, :, ::stride, ::stride]
    return np.einsum("nchwij,fcij->nfhw", windows, w) + b[:, None, None], (windows, w, x, pad)


def conv_backward_naive(dout, cache):
    windows, w, x, pad = cache
    padded = np.zeros_like(np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad))))
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            part = np.einsum("nf,fcij->ncij", dout[:, :, i, j], w)
            padded[:, :, i : i + w.shape[2], j : j + w.shape[3]] += part
    dw = np.einsum("nchwij,nfhw->fcij", windows, dout)
    return padded[:, :, pad:-pad, pad:-pad], dw, dout.sum(axis=(0, 2, 3))


def word_embedding_forward(x, W):
    return W[x], (x, W)


def word_embedding_backward(dout, cache):
    x, W = cache
    dW = np.zeros_like(W)
    np.add.at(dW, x, dout)
    return dW


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    i, f, o, g = np.split(x @ Wx + prev_h @ Wh + b, 4, axis=1)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    next_c = f * prev_c + i * g
    return o * np.tanh(next_c), next_c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)


def lstm_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    t = np.tanh(next_c)
    dc = dnext_c + dnext_h * o * (1 - t**2)
    parts = dc * g * i * (1 - i), dc * prev_c * f * (1 - f), dnext_h * t * o * (1 - o)
    da = np.hstack([*parts, dc * i * (1 - g**2)])
    return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(0)


def list_forward(x, w):
    return [x * w, [x, w]]


def list_backward(dout, cache):
    x, w = cache
    return [dout * w, (dout * x).sum(0)]


def linear_activation_forward(A_prev, W, activation):
    Z = W @ A_prev
    return (np.maximum(Z, 0) if activation == "relu" else sigmoid(Z)), (A_prev, W, Z)


def linear_activation_backward(dA, cache, activation):
    A_prev, W, Z = cache
    dZ = dA * (Z > 0 if activation == "relu" else sigmoid(Z) * (1 - sigmoid(Z)))
    return W.T @ dZ, dZ @ A_prev.T


def softmaxForward(x):
    y = np.exp(x - x.max(1, keepdims=True))
    y /= y.sum(1, keepdims=True)
    return y, y


def softmaxBackward(dout, y):
    return y * (dout - (dout * y).sum(1, keepdims=True))


def three_forward(x, w):
    return x * w, x, w


def three_backward(dout, cache):
    return dout


def pool_forward_fast(x):
    return x, x


def pool_backward_fast(dout, cache):
    return dout


def pool_forward_slow(x):
    return x, x


def pool_backward_slow(dout, cache):
    return 2 * dout


def lonely_forward(x):
    return x, [x]


def wants_forward(x):
    return x, x


def wants_backward(dout, cache, rate):
    return dout


def two_outputs(x):
    return x * 2.0, np.tanh(x)


def nothing_else(x):
    return x * 1.0, "no Tensor"


def spread_forward(x, w):
    return x * w, x, w


def spread_backward(dout, x, w):
    return dout * w, (dout * x).sum(0)


def taking_forward(x, options=None):
    return x + options.pop("shift"), None


def taking_backward(dout, cache):
    return 1.0 * dout


def optional(x, *, power=2, shift):
    assert (power, shift) == (3, 1)
    return x**power + shift


def swapped_forward(x):
    return x * x, x


def swapped_backward(cache, dout):
    return 2 * cache * dout


def swapped_of_two_forward(x):
    return x, 2 * x, None


def swapped_of_two_backward(cache, dh, dc):
    return dh + 2 * dc
