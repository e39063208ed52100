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


def relu_rising(g, x):
    """Give relu a slope of 2 at its kink, where 0 to 1 are right."""
    return (g * np.where(x == 0, 2.0, x > 0),)


def largest(x):
    return np.max(x, axis=1)


def largest_back(g, x):
    """Let all entries that are the largest of a row share its gradient."""
    tied = x == largest(x)[:, None]
    return (g[:, None] * tied / np.sum(tied, axis=1, keepdims=True),)


def square(x):
    return x * x


def square_back(g, x):
    return (g * 2 * x,)


def exp_back(g, x):
    return (g * np.exp(x),)


def row_of_exp(g, x):
    """Give the gradient of an input without rows the shape of a row."""
    return (np.zeros(x.shape[1]),)


def lost(x):
    """Return NaN for every entry."""
    return x * np.nan


def lost_back(g, x):
    return (g * np.nan,)


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


def far_away(rng):
    x, *parameters = normal_with_parameters(rng)
    return x + 1e5, *parameters


def on_the_kink(rng):
    return (_one_of(rng.normal(size=SHAPE), 0.0, rng),)


def tied(rng):
    """Let all entries of a row be its largest."""
    return (np.repeat(rng.normal(size=(SHAPE[0], 1)), SHAPE[1], axis=1),)


def integers(rng):
    return (rng.integers(1, 9, size=SHAPE),)


def no_rows(rng):
    return (np.zeros((0, SHAPE[1])),)


def in_float32(rng):
    return tuple(x.astype(np.float32) for x in normal_with_parameters(rng))


def with_nan(rng):
    x, *parameters = normal_with_parameters(rng)
    return _one_of(x, np.nan, rng), *parameters


def _one_of(x, value, rng):
    """Return x with one of its entries replaced."""
    x.flat[rng.integers(x.size)] = value
    return x


# fmt: off
WRONG: dict[str, Case] = {
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
RIGHT: dict[str, Case] = {
    "relu, one entry at 1e-7":  Case(relu, relu_back, close_to_the_kink),
    "log, one entry at 1e-5":   Case(np.log, log_back, close_to_the_pole),
    "batch norm":               Case(batch_norm, batch_norm_back, normal_with_parameters),
    "softmax":                  Case(softmax, softmax_back, normal),
    "1e-6 x²":                  Case(tiny_square, tiny_square_back, normal),
    "exp beside a mask of -1e9": Case(masked, masked_back, normal),
    "cross-entropy, 12 ahead":  Case(loss, loss_back, confident),
}
# Where a checker can do worse than err: at edges of what it is made for.
EDGES_WRONG: dict[str, Case] = {
    "batch norm at 1e5, gradients 1% too large":
        Case(batch_norm, too_large(1.01, batch_norm_back), far_away),
    "relu, slope 2 at 0":
        Case(relu, relu_rising, on_the_kink),
    "x² of integers, gradient 50% too large":
        Case(square, too_large(1.5, square_back), integers),
    "batch norm of float32, gradients 1% too large":
        Case(batch_norm, too_large(1.01, batch_norm_back), in_float32),
    "exp of size 0, gradient of another shape":
        Case(np.exp, row_of_exp, no_rows),
    "NaN throughout":
        Case(lost, lost_back, normal),
    "batch norm of a NaN":
        Case(batch_norm, batch_norm_back, with_nan),
}
EDGES_RIGHT: dict[str, Case] = {
    "batch norm at 1e5":         Case(batch_norm, batch_norm_back, far_away),
    "relu, slope 0 at 0":        Case(relu, relu_back, on_the_kink),
    "largest of three equals":   Case(largest, largest_back, tied),
    "x² of integers":            Case(square, square_back, integers),
    "batch norm of float32":     Case(batch_norm, batch_norm_back, in_float32),
    "exp of size 0":             Case(np.exp, exp_back, no_rows),
}
# fmt: on
