"""Losses with labels, and losses that return their gradient as well."""

import numpy as np


def softmax_loss(x, y):
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    rows = np.arange(len(x))
    dx = p.copy()
    dx[rows, y] -= 1
    return -np.log(p[rows, y]).mean(), dx / len(x)


def svm_loss(W, X, y, reg):
    scores, rows = X @ W, np.arange(len(y))
    margins = np.maximum(0, scores - scores[rows, y][:, None] + 1)
    margins[rows, y] = 0
    d = (margins > 0).astype(float)
    d[rows, y] = -d.sum(1)
    return margins.sum() / len(y) + reg * (W * W).sum(), {"W": X.T @ d / len(y) + 2 * reg * W}


def wrong_loss(x):
    dx = x.copy()
    dx *= 2
    return np.mean(x**2), dx


def stub_loss(x, y):
    loss, dx = 0.0, None
    return loss, dx


def nll_forward(x, y):
    logs = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
    return -logs[np.arange(len(y)), y].mean(), (logs, y)


def nll_backward(dout, cache):
    logs, y = cache
    dx = np.exp(logs)
    dx[np.arange(len(y)), y] -= 1
    return dout * dx / len(y)


def on_tensors(x, y):
    return -(x - np.log(np.exp(x).sum(axis=1, keepdims=True)))[np.arange(4), y].mean()
