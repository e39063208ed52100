"""PyTorch's norms, attention and activations, written as a reader expects them.

The export would take them apart into operations that say less.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import functional as F
from ..engine.names import labelled, one_box
from ..engine.node import plain
from ..engine.primitive import RULES, defvjp, primitive
from .refused import Refused


@labelled
def normalized(x: Any, axes: Sequence[int], eps: float) -> tuple:
    """Return x with mean 0 and variance 1 over some axes, the mean, and the biased variance."""
    mean = np.mean(x, axis=tuple(axes), keepdims=True)
    centered = x - mean
    square = np.square(centered)
    var = np.mean(square, axis=tuple(axes), keepdims=True)
    return F.normalize(centered, var, eps), mean, var


@labelled
def scaled_and_shifted(x_hat: Any, gamma: Any, beta: Any, shape: Sequence[int]) -> Any:
    """Return ``gamma * x_hat + beta``, where gamma and beta take this shape, or are None."""
    scaled = x_hat if gamma is None else _in_shape(gamma, shape) * x_hat
    return scaled if beta is None else scaled + _in_shape(beta, shape)


def _in_shape(x: Any, shape: Sequence[int]) -> Any:
    return x if x.shape == tuple(shape) else np.reshape(x, shape)


def batch_norm_of_torch(x: Any, gamma: Any, beta: Any, *more: Any) -> tuple:
    """Return a batch norm in training or in evaluation, and the running statistics after it.

    ``more`` are the running mean and variance if there are any, whether it trains, the momentum
    and eps.
    """
    *running, training, momentum, eps = more
    if not training:
        mean, var = running
        return evaluated_batch_norm(x, gamma, beta, mean, var, momentum, eps)
    x_hat, *found = normalized(x, (0, *range(2, x.ndim)), eps)
    y = scaled_and_shifted(x_hat, gamma, beta, _along_features(x))
    if not running:
        return y, None, None
    n = x.size // x.shape[1]
    mean, var = (np.reshape(plain(part), -1) for part in found)
    pairs = zip(running, (mean, var * (n / (n - 1))), strict=True)
    return (y, None, None, *((1 - momentum) * old + momentum * new for old, new in pairs))


def evaluated_batch_norm(
    x: Any, gamma: Any, beta: Any, mean: Any, var: Any, momentum: float, eps: float
) -> tuple:
    """Return a batch norm with the running statistics, which stay as they are."""
    shape = _along_features(x)
    running_mean, running_var = np.reshape(mean, shape), np.reshape(var, shape)
    centered = x - running_mean
    x_hat = F.normalize(centered, running_var, eps)
    return scaled_and_shifted(x_hat, gamma, beta, shape), None, None, mean, var


def _along_features(x: Any) -> tuple[int, ...]:
    return (x.shape[1],) + (1,) * (x.ndim - 2)


def last_axes_norm(x: Any, sides: Sequence[int], gamma: Any, beta: Any, eps: float) -> tuple:
    """Return a layer norm over the last axes, which have these sides."""
    x_hat, *_ = normalized(x, range(x.ndim - len(sides), x.ndim), eps)
    return scaled_and_shifted(x_hat, gamma, beta, tuple(sides)), None, None


def grouped_norm(
    x: Any, gamma: Any, beta: Any, n: int, c: int, places: int, groups: int, eps: float
) -> tuple:
    """Return a norm of each sample over each group of its features."""
    x_hat, *_ = normalized(np.reshape(x, (n, groups, -1)), (2,), eps)
    y = scaled_and_shifted(np.reshape(x_hat, x.shape), gamma, beta, _along_features(x))
    return y, None, None


@one_box
@labelled
def attention(
    query: Any,
    key: Any,
    value: Any,
    mask: Any = None,
    dropout: float = 0.0,
    causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """Return means of the values, weighted by how well their keys fit a query."""
    if dropout or enable_gqa:
        raise Refused("attention has no dropout and no groups of heads here; leave them out")
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = (query @ np.swapaxes(key, -1, -2)) * scale
    if causal:
        mask = np.tril(np.ones(scores.shape[-2:], bool))
    weights = F.softmax(scores) if mask is None else _masked_softmax(scores, mask)
    return weights @ value


@labelled
def _masked_softmax(scores: Any, mask: Any) -> Any:
    """Return weights that are 0 where the mask is False or -inf.

    A row in which all are hidden gets zeros alone.
    """
    seen = mask if mask.dtype == bool else mask != -np.inf
    if mask.dtype == bool:
        masked = np.where(mask, scores, np.array(-np.inf, scores.dtype))
    else:
        masked = scores + mask
    rows = np.any(plain(seen), axis=-1, keepdims=True)
    if rows.all():
        return F.softmax(masked)
    return np.where(rows, F.softmax(np.where(rows, masked, 0.0)), 0.0)


erf: Any = primitive(lambda x: np.vectorize(math.erf, otypes=[float])(x).astype(x.dtype)[()])
erf.__name__ = "erf"


def error_function(x: Any) -> Any:
    """Return the error function of x. It gets its rule when it is first needed."""
    if erf not in RULES:
        defvjp(erf, lambda g, out, x: g * (2 / math.sqrt(math.pi)) * np.exp(-np.square(x)))
    return erf(x)


@one_box
@labelled
def gelu(x: Any, approximate: str = "none") -> Any:
    """Return x times the share of a normal distribution that lies below x."""
    if approximate == "none":
        share = 0.5 * (1 + error_function(math.sqrt(0.5) * x))
    else:
        share = 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return x * share


@one_box
def silu(x: Any) -> Any:
    """Return x times its sigmoid."""
    return x * F.sigmoid(x)


ATEN_WHOLE: dict[str, Callable] = {
    "_native_batch_norm_legit_functional": batch_norm_of_torch,
    "_native_batch_norm_legit": batch_norm_of_torch,
    "native_batch_norm": batch_norm_of_torch,
    "_native_batch_norm_legit_no_training": evaluated_batch_norm,
    "native_layer_norm": last_axes_norm,
    "native_group_norm": grouped_norm,
    "scaled_dot_product_attention": attention,
    "gelu": gelu,
    "silu": silu,
}
