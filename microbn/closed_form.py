"""Batch norm's backward, derived by hand: once by stages, and once in one line. NumPy only.

This is what one would write without an autograd, and the gradients that emerge from a graph are
compared with it. Shapes are those of ``functional.batch_norm``: ``x`` and ``dy`` are (N, C),
``gamma`` and ``beta`` (C,). Names are those of the graph: ``d["x_hat"]`` is the gradient of the
loss with respect to x_hat.
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray

Arrays = dict[str, ndarray]  # by name


def forward(x: ndarray, gamma: ndarray, beta: ndarray, eps: float = 1e-5) -> tuple[ndarray, Arrays]:
    """Return the batch norm of x, and a cache of the arrays that its backward needs."""
    mean = np.mean(x, axis=0, keepdims=True)
    centered = x - mean
    square = centered**2
    var = np.mean(square, axis=0, keepdims=True)
    std = np.sqrt(var + eps)
    x_hat = centered / std
    y = gamma * x_hat + beta
    return y, {"gamma": gamma, "centered": centered, "std": std, "x_hat": x_hat}


def backward_staged(dy: ndarray, cache: Arrays) -> Arrays:
    """Return the gradient of every intermediate, computed stage by stage from the output back.

    ``centered`` and ``x`` are used twice each, so their gradients are sums of two parts.

    Raises ValueError unless dy has the shape of x.

    Source: Kratzert 2016, "Understanding the backward pass through Batch Normalization Layer".
    """
    _check_cotangent(dy, cache)
    gamma, centered, std, x_hat = (cache[k] for k in ("gamma", "centered", "std", "x_hat"))
    n = len(dy)
    d = {"y": dy}
    # y = scaled + beta
    d["scaled"] = dy
    d["beta"] = np.sum(dy, axis=0)
    # scaled = gamma * x_hat
    d["gamma"] = np.sum(dy * x_hat, axis=0)
    d["x_hat"] = gamma * dy
    # x_hat = centered / std
    d["std"] = -np.sum(d["x_hat"] * x_hat / std, axis=0, keepdims=True)
    # std = sqrt(var + eps)
    d["var"] = 0.5 * d["std"] / std
    # var = mean(square), square = centered²
    d["square"] = np.broadcast_to(d["var"] / n, dy.shape)
    # centered is used twice: by x_hat and by square
    d["centered"] = d["x_hat"] / std + 2 * centered * d["square"]
    # centered = x - mean
    d["mean"] = -np.sum(d["centered"], axis=0, keepdims=True)
    # x is used twice: by centered and by mean
    d["x"] = d["centered"] + d["mean"] / n
    return d


def backward(dy: ndarray, cache: Arrays) -> tuple[ndarray, ndarray, ndarray]:
    """Return dx, dgamma and dbeta: all stages multiplied out, which leaves one line for dx.

    Raises ValueError unless dy has the shape of x.

    Source: Ioffe & Szegedy 2015, section 3, simplified.
    """
    _check_cotangent(dy, cache)
    gamma, std, x_hat = cache["gamma"], cache["std"], cache["x_hat"]
    n = len(dy)
    dbeta = np.sum(dy, axis=0)
    dgamma = np.sum(dy * x_hat, axis=0)
    dx = gamma / (n * std) * (n * dy - dbeta - x_hat * dgamma)
    return dx, dgamma, dbeta


def _check_cotangent(dy: ndarray, cache: Arrays) -> None:
    shape = cache["x_hat"].shape
    if np.shape(dy) != shape:
        raise ValueError(f"batch norm's backward: dy has shape {np.shape(dy)}, but x has {shape}")
