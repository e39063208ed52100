"""Functions with wrong gradients and with right ones, and the inputs to check them at."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from microbn import closed_form

SHAPE = (8, 3)


class Case(NamedTuple):
    """A function, a right or wrong gradient of it, and the inputs to check it at."""

    forward: Callable[..., np.ndarray]
    backward: Callable[..., tuple]
    inputs: Callable[[np.random.Generator], tuple]


# Functions, and their gradients.


def batch_norm(x, gamma, beta):
    return closed_form.forward(x, gamma, beta)[0]


def batch_norm_back(g, x, gamma, beta):
    return closed_form.backward(g, closed_form.forward(x, gamma, beta)[1])


def no_variance_path(g, x, gamma, beta):
    """Treat the standard deviation as a constant."""
    _, dgamma, dbeta = batch_norm_back(g, x, gamma, beta)
    std = np.sqrt(np.var(x, axis=0) + 1e-5)
    return gamma / std * (g - np.mean(g, axis=0)), dgamma, dbeta


def softmax(x):
    powers = np.exp(x - np.max(x, axis=1, keepdims=True))
    return powers / np.sum(powers, axis=1, keepdims=True)


def softmax_back(g, x):
    y = softmax(x)
    return (y * (g - np.sum(g * y, axis=1, keepdims=True)),)


def no_row_term(g, x):
    return (softmax(x) * g,)


def unweighted_row_term(g, x):
    """Take the mean of g for the row term, without the weights y."""
    return (softmax(x) * (g - np.mean(g, axis=1, keepdims=True)),)


def tiny_square(x):
    return 1e-6 * x**2


def tiny_square_back(g, x):
    return (g * 2e-6 * x,)


def too_large(factor, backward):
    return lambda g, *inputs: tuple(factor * gradient for gradient in backward(g, *inputs))


def relu(x):
    return np.maximum(x, 0)


def relu_back(g, x):
    return (g * (x > 0),)


def log_back(g, x):
    return (g / x,)


def masked(x):
    """Compute softmax beside a row that an attention mask has set to -1e9."""
    return np.concatenate([np.exp(x), np.full((1, x.shape[1]), -1e9)])


def masked_back(g, x):
    return (g[:-1] * np.exp(x),)


def loss(x):
    """Return the cross-entropy of targets that are all class 0."""
    shifted = x - np.max(x, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(shifted), axis=1)) - shifted[:, 0])


def loss_back(g, x):
    y = softmax(x)
    y[:, 0] = -np.sum(y[:, 1:], axis=1)  # y - 1, without the 1
    return (g * y / len(x),)


# Where they are checked.


def normal(rng):
    return (rng.normal(size=SHAPE),)


def normal_with_parameters(rng):
    return rng.normal(size=SHAPE), rng.normal(size=SHAPE[1]), rng.normal(size=SHAPE[1])


def confident(rng):
    x = rng.normal(size=SHAPE)
    x[:, 0] += 12
    return (x,)


def close_to_the_kink(rng):
    return (_one_of(rng.normal(size=SHAPE), 1e-7, rng),)


def close_to_the_pole(rng):
    return (_one_of(rng.uniform(0.5, 2, size=SHAPE), 1e-5, rng),)


def _one_of(x, value, rng):
    """Return x with one of its entries replaced."""
    x.flat[rng.integers(x.size)] = value
    return x


# fmt: off
WRONG = {
    "batch norm, no path through the variance":
        Case(batch_norm, no_variance_path, normal_with_parameters),
    "softmax, no row term":
        Case(softmax, no_row_term, normal),
    "softmax, mean of g as the row term":
        Case(softmax, unweighted_row_term, normal),
    "1e-6 x², gradient 50% too large":
        Case(tiny_square, too_large(1.5, tiny_square_back), normal),
    "batch norm, gradients 0.05% too large":
        Case(batch_norm, too_large(1.0005, batch_norm_back), normal_with_parameters),
    "exp beside a mask of -1e9, gradient 1% too large":
        Case(masked, too_large(1.01, masked_back), normal),
}
RIGHT = {
    "relu, one entry at 1e-7":  Case(relu, relu_back, close_to_the_kink),
    "log, one entry at 1e-5":   Case(np.log, log_back, close_to_the_pole),
    "batch norm":               Case(batch_norm, batch_norm_back, normal_with_parameters),
    "softmax":                  Case(softmax, softmax_back, normal),
    "1e-6 x²":                  Case(tiny_square, tiny_square_back, normal),
    "exp beside a mask of -1e9": Case(masked, masked_back, normal),
    "cross-entropy, 12 ahead":  Case(loss, loss_back, confident),
}
# fmt: on
