"""Batch norm's backward, derived by hand: by stages, and in one line. NumPy only.

This is what one would write without an autograd, and what the gradient that emerges from the
graph is held against. Shapes as in ``functional.batch_norm``: ``x`` and ``dy`` are (N, C),
``gamma`` and ``beta`` (C,). Names as in the graph: ``d["x_hat"]`` is the gradient of the loss
with respect to x_hat.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray
Cache = dict[str, Array]


def forward(x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> tuple[Array, Cache]:
    """Batch norm of x (N, C), and all that its backward needs."""
    mean = np.mean(x, axis=0, keepdims=True)
    centered = x - mean
    square = centered**2
    var = np.mean(square, axis=0, keepdims=True)
    std = np.sqrt(var + eps)
    x_hat = centered / std
    y = gamma * x_hat + beta
    return y, {"gamma": gamma, "centered": centered, "std": std, "x_hat": x_hat}


def backward_staged(dy: Array, cache: Cache) -> Cache:
    """The gradient of every intermediate, stage by stage from the output back.

    Two values are used twice, ``centered`` and ``x``: their gradients are sums of two parts.

    Raises ValueError for a dy of another shape than x.

    Source: Kratzert 2016, "Understanding the backward pass through Batch Normalization Layer".
    """
    _check(dy, cache)
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
    # centered, used twice: by x_hat, and by square
    d["centered"] = d["x_hat"] / std + 2 * centered * d["square"]
    # centered = x - mean
    d["mean"] = -np.sum(d["centered"], axis=0, keepdims=True)
    # x, used twice: by centered, and by mean
    d["x"] = d["centered"] + d["mean"] / n
    return d


def backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """dx, dgamma and dbeta: all stages multiplied out, in one line for dx.

    Source: Ioffe & Szegedy 2015, section 3, simplified.
    """
    _check(dy, cache)
    gamma, std, x_hat = cache["gamma"], cache["std"], cache["x_hat"]
    n = len(dy)
    dbeta = np.sum(dy, axis=0)
    dgamma = np.sum(dy * x_hat, axis=0)
    dx = gamma / (n * std) * (n * dy - dbeta - x_hat * dgamma)
    return dx, dgamma, dbeta


def _check(dy: Array, cache: Cache) -> None:
    if np.shape(dy) != cache["x_hat"].shape:
        raise ValueError(f"dy has shape {np.shape(dy)}, the forward was {cache['x_hat'].shape}")
