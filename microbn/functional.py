"""Batch norm and its neighbours, composed in plain NumPy.

Nothing here asks what flows through it. Called with arrays these functions compute; called with
Tensors they are recorded, and their gradients emerge from the rules of the functions they use.
No gradient is written in this file.
"""

from __future__ import annotations

from math import gcd
from typing import Any

import numpy as np

from .arguments import check_counts, is_real
from .engine.arrays import check_plain, from_list
from .engine.functions import relu as relu
from .engine.functions import stop_gradient
from .engine.names import label
from .engine.node import is_node, plain
from .errors import ArgumentError, DTypeError, RangeError, ShapeError, listed

# Losses divide a sum: np.mean of a whole object array of Tensors turns them into one float.
Array = Any  # an ndarray, a Tensor, an object array of 0-d Tensors


def batch_norm(x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Array:
    """Normalize each feature over the batch, then scale by gamma and shift by beta.

    ``x`` is (N, C) or (N, C, ...) with the features on axis 1; ``gamma`` and ``beta`` are (C,).
    The variance is the biased one, and ``eps`` stands inside the root.

    Source: Ioffe & Szegedy 2015, algorithm 1.
    """
    _, centered, var = moments(x, batch_axes(x))
    return affine(normalize(centered, var, eps), gamma, beta)


def layer_norm(x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Array:
    """Normalize each sample over its features, then scale by gamma and shift by beta.

    ``x`` is (N, C) or (N, ..., C) with the features on the last axis; gamma and beta are (C,).

    Source: Ba, Kiros & Hinton 2016, section 3.
    """
    _check_batch("layer norm", x, "(N, ..., C)")
    _, centered, var = moments(x, -1)
    return affine(normalize(centered, var, eps), gamma, beta, axis=-1)


def group_norm(x: Array, groups: int, gamma: Array, beta: Array, eps: float = 1e-5) -> Array:
    """Normalize each sample over each group of features, then scale by gamma and shift by beta.

    ``x`` is (N, C) or (N, C, ...) with the features on axis 1, of which C / ``groups`` neighbours
    are a group; gamma and beta are (C,). Raises ShapeError for a C that ``groups`` does not divide.

    Source: Wu & He 2018, section 3.
    """
    _check_batch("group norm", x, "(N, C, ...)")
    check_counts("group norm", groups=groups)
    n, features, *rest = x.shape
    if features % groups:
        raise ShapeError(
            f"group norm: {groups} groups do not divide the {features} features of {x.shape}; "
            f"use {gcd(groups, features)}"
        )
    grouped = np.reshape(x, (n, groups, features // groups, *rest))
    _, centered, var = moments(grouped, tuple(range(2, grouped.ndim)))
    x_hat = np.reshape(normalize(centered, var, eps), x.shape)
    return affine(x_hat, gamma, beta)


def moments(x: Array, axis: Any = 0) -> tuple[Array, Array, Array]:
    """The mean over ``axis``, x less its mean, and the biased variance; reduced axes are kept.

    The variance is the mean of the squares of what is left of x, which holds where
    mean(x²) - mean(x)² does not. In float32 x is centered once before, by a constant: what is
    left does not depend on it, and its digits are not spent on an offset.
    """
    _check_arrays("moments", x)
    offset = None
    if not (x.dtype == np.float64 or x.dtype == object):
        offset = stop_gradient(x.mean(axis=axis, keepdims=True))
        x = x - offset
    mean = left = x.mean(axis=axis, keepdims=True)
    centered = x - left
    square = np.square(centered)
    var = square.mean(axis=axis, keepdims=True)
    if offset is not None:
        mean = left + offset
    label({"mean": mean, "left": left, "offset": offset, "centered": centered})
    label({"square": square, "var": var})
    return mean, centered, var


def normalize(centered: Array, var: Array, eps: float = 1e-5) -> Array:
    """``centered / sqrt(var + eps)``: unit variance, short of it by the share of eps.

    Raises ArgumentError for an eps that is negative or not finite.
    """
    if not (is_real(eps) and 0 <= eps < np.inf):
        raise ArgumentError(f"normalize: eps must be 0 or positive, got {eps!r:.60}")
    std = np.sqrt(var + eps)
    x_hat = centered / std
    label({"std": std, "x_hat": x_hat})
    return x_hat


def affine(x_hat: Array, gamma: Array, beta: Array, axis: int = 1) -> Array:
    """``gamma * x_hat + beta``, with gamma and beta (C,) laid along axis 1 of x_hat, or -1.

    Nothing is added where beta is None. Raises ShapeError for other shapes.
    """
    given = [gamma] if beta is None else [gamma, beta]
    _check_arrays("affine", x_hat, *given)
    if any(part.shape != x_hat.shape[axis:][:1] for part in given):
        raise ShapeError(
            f"a norm of {x_hat.shape} needs gamma and beta of shape {x_hat.shape[axis:][:1]}, "
            f"got {listed(part.shape for part in given)}"
        )
    if axis == 1 and x_hat.ndim > 2:
        given = [np.reshape(part, (-1,) + (1,) * (x_hat.ndim - 2)) for part in given]
    gamma, beta = (*given, None)[:2]
    if beta is None:
        y = gamma * x_hat
        label({"y": y})
        return y
    scaled = gamma * x_hat
    y = scaled + beta
    label({"scaled": scaled, "y": y})
    return y


def batch_axes(x: Array) -> int | tuple[int, ...]:
    """The axes that batch norm reduces: all but axis 1, on which the features are.

    Raises ShapeError for fewer than two axes, DTypeError for anything but an array or a Tensor.
    """
    _check_batch("batch norm", x, "(N, C, ...)")
    return 0 if x.ndim == 2 else (0, *range(2, x.ndim))


def sigmoid(x: Array) -> Array:
    """``1 / (1 + exp(-x))``, by way of tanh, which overflows nowhere."""
    if not is_real(x):
        _check_arrays("sigmoid", x)
    return 0.5 * (1 + np.tanh(0.5 * x))


def softmax(x: Array, axis: int = -1) -> Array:
    """``exp(x) / sum(exp(x))`` over ``axis``."""
    powers = np.exp(_shifted(x, axis))
    total = np.sum(powers, axis=axis, keepdims=True)
    label({"powers": powers, "total": total})
    return powers / total


def log_softmax(x: Array, axis: int = -1) -> Array:
    """The logarithm of `softmax`, without its underflow."""
    shifted = _shifted(x, axis)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def _shifted(x: Array, axis: int) -> Array:
    """x less its largest entry, against overflow: no softmax and no derivative of one depends on
    such a shift, so it counts as a constant.
    """
    _check_arrays("softmax", x)
    largest = np.max(x, axis=axis, keepdims=True)
    shifted = x - stop_gradient(largest)
    label({"largest": largest, "shifted": shifted})
    return shifted


def cross_entropy(logits: Array, targets: Any) -> Array:
    """The mean of -log p of the right class, in nats.

    ``logits`` are (N, C), ``targets`` N class numbers in 0..C-1. Raises ShapeError, DTypeError or
    RangeError where they are not.
    """
    _check_arrays("cross_entropy", logits)
    check_plain(targets)
    if not is_node(targets):
        targets = from_list(targets) if isinstance(targets, (list, tuple)) else np.asarray(targets)
    if logits.ndim != 2 or targets.shape != logits.shape[:1]:
        raise ShapeError(
            f"cross_entropy: needs logits (N, C) and N targets, "
            f"got shapes {logits.shape} and {targets.shape}"
        )
    if targets.dtype.kind not in "iu":
        raise DTypeError(
            f"cross_entropy: targets are class numbers, got {targets.dtype}; "
            "keep them an array of integers, np.array([0, 2, 1])"
        )
    n, classes = logits.shape
    numbers = plain(targets)  # those of a program that is being compiled: the example's
    if (wrong := np.flatnonzero((numbers < 0) | (numbers >= classes))).size:
        i = wrong[0]
        raise RangeError(
            f"cross_entropy: target {numbers[i]} at [{i}] is not one of {classes} classes"
        )
    log_p = log_softmax(logits)
    loss = -np.sum(log_p[np.arange(n), targets]) / n
    label({"log_p": log_p, "loss": loss})
    return loss


def mse(prediction: Array, target: Array) -> Array:
    """The mean of the squared differences. Raises ShapeError unless the shapes are the same."""
    if isinstance(target, (list, tuple)):
        target = from_list(target)
    if np.shape(prediction) != np.shape(target):
        raise ShapeError(
            f"mse: prediction has shape {np.shape(prediction)}, target {np.shape(target)}; "
            "they would broadcast, which is never meant"
        )
    return np.sum(np.square(prediction - target)) / np.size(target)


def _check_batch(name: str, x: Any, more: str) -> None:
    _check_arrays(name, x)
    if x.ndim < 2:
        raise ShapeError(f"{name} needs (N, C) or {more}, got shape {x.shape}")


def _check_arrays(name: str, *arrays: Any) -> None:
    for x in arrays:
        check_plain(x)
        if not hasattr(x, "ndim"):
            raise DTypeError(f"{name}: needs an array or a Tensor, got {type(x).__name__}")
