"""Batch norm, which keeps running statistics, and its sisters, which need none, as layers."""

from __future__ import annotations

from math import gcd, prod
from typing import Any

import numpy as np

from .. import functional as F
from ..arguments import check_counts, check_numbers, is_real
from ..engine.mode import lost
from ..engine.names import labelled
from ..engine.tensor import Tensor
from ..errors import ArgumentError, NonFiniteError, ShapeError
from ..reading.scalars import values_of
from ..reading.trace import first_fault, spell
from .module import Module


class BatchNorm(Module):
    """Normalizes each feature over the batch, as PyTorch does.

    The input is (N, C) or (N, C, ...), with the features on axis 1. In training the layer
    normalizes with the mean and the biased variance of the batch, and moves its running statistics:
    ``running = (1 - momentum) * running + momentum * batch``, where the batch's variance is the
    unbiased one. With ``momentum=None`` all batches count equally. In eval the layer normalizes
    with its running statistics, or still with those of the batch if ``track_running_stats`` is
    False. With ``affine`` it has a gamma and a beta, and with ``bias=False`` only a gamma. The
    running statistics are buffers, outside the graph; inside the graph nothing is detached. The
    layer before it needs no bias: the norm subtracts the mean, and any bias with it, and beta is a
    bias of its own.

    Raises ShapeError for another shape and, in training, for a batch with one value per channel.
    Raises NonFiniteError if the running statistics would not stay finite, and leaves them as they
    were.

    Source: Ioffe & Szegedy 2015, algorithms 1 and 2.
    """

    running_mean: Any  # arrays, or None without track_running_stats
    running_var: Any
    num_batches_tracked: Any

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        dtype: Any = np.float64,
        *,
        bias: bool = True,
    ) -> None:
        check_counts("BatchNorm", num_features=num_features)
        if momentum is not None and not (is_real(momentum) and 0 <= momentum <= 1):
            raise ArgumentError(
                f"BatchNorm: momentum must be in [0, 1] or None, got {momentum!r:.60}"
            )
        check_numbers("BatchNorm", "positive and finite", eps=eps)
        self.num_features, self.eps = num_features, float(eps)
        self.momentum = None if momentum is None else float(momentum)
        self.gamma = Tensor(np.ones(num_features), dtype=dtype) if affine else None
        self.beta = Tensor(np.zeros(num_features), dtype=dtype) if affine and bias else None
        self.running_mean = np.zeros(num_features, dtype) if track_running_stats else None
        self.running_var = np.ones(num_features, dtype) if track_running_stats else None
        self.num_batches_tracked = np.array(0) if track_running_stats else None

    def forward(self, x: Any) -> Any:
        """Normalize x with the statistics of the batch or, in eval, with the running ones."""
        F.batch_axes(x)
        _check_features(self, x)
        if self.training and x.size <= self.num_features:
            count = "no values" if x.size == 0 else "one value per channel"
            raise ShapeError(
                f"{_as_made(self)}: {count} in training, shape {x.shape}, so there is no "
                "variance; use a larger batch, or eval() for inference"
            )
        if self.training or self.running_mean is None:
            x_hat, *moments = self._normalized(x)
        else:
            along = (1, -1) + (1,) * (x.ndim - 2)
            running_mean = np.reshape(self.running_mean, along)
            running_var = np.reshape(self.running_var, along)
            x_hat = _normalized_in_eval(x, running_mean, running_var, self.eps)
        y = x_hat if self.gamma is None else F.affine(x_hat, self.gamma, self.beta)
        if self.training and self.running_mean is not None:
            self._track(x, *moments)
        return y

    def _normalized(self, x: Any) -> tuple:
        """Return x_hat, the mean and the variance of x, and how many values each was taken over."""
        mean, centered, var = F.moments(x, F.batch_axes(x))
        return F.normalize(centered, var, self.eps), mean, var, x.size // self.num_features

    def _track(self, x: Any, mean: Any, var: Any, n: int) -> None:
        """Move the running statistics towards those of a batch, unless they would not be finite.

        They are Tensors while `CompiledStep` records how they move.
        """
        if isinstance(self.running_mean, Tensor):
            moved = self._moved(mean, var, n)
            self.running_mean, self.running_var, self.num_batches_tracked = moved
            return
        lost("running statistics")
        with np.errstate(over="ignore"):
            mean, var, batches = self._moved(values_of(mean), values_of(var), n)
        if first_fault(mean) or first_fault(var):
            fault = first_fault(values_of(x))
            what = f"input is {spell(fault)}" if fault else "overflow"
            raise NonFiniteError(f"BatchNorm: {what}; running statistics left unchanged")
        self.running_mean[:], self.running_var[:] = mean, var
        self.num_batches_tracked[...] = batches

    def _moved(self, mean: Any, var: Any, n: int) -> tuple:
        """Return the running mean and variance and the number of batches after one more batch."""
        batches = self.num_batches_tracked + 1
        rate = 1 / batches if self.momentum is None else self.momentum
        mean = (1 - rate) * self.running_mean + rate * mean.reshape(-1)
        var = (1 - rate) * self.running_var + rate * var.reshape(-1) * (n / (n - 1))
        dtype = self.running_mean.dtype
        return mean.astype(dtype), var.astype(dtype), batches


class GhostBatchNorm(BatchNorm):
    """Cuts the batch into ghost batches of ``size`` samples, and normalizes each of them by itself.

    The running statistics move once for each batch, towards the average over its ghost batches.
    Everything else, and the other options, are those of `BatchNorm`.

    Raises ShapeError if the number of samples is not a multiple of ``size``, which is 2 or more.

    Source: Hoffer, Hubara & Soudry 2017, algorithm 1, which moves them once a ghost batch.
    """

    def __init__(self, num_features: int, size: int, **options: Any) -> None:
        check_counts("GhostBatchNorm", size=size)
        if size < 2:
            raise ArgumentError(f"GhostBatchNorm: size must be 2 or more, got {size}")
        super().__init__(num_features, **options)
        self.size = size

    def _normalized(self, x: Any) -> tuple:
        samples, *rest = x.shape
        if samples % self.size:
            raise ShapeError(
                f"{_as_made(self)}: {samples} samples are not a multiple of size {self.size}; "
                f"leave {samples % self.size} out, or choose a size that divides {samples}"
            )
        ghosts = np.reshape(x, (samples // self.size, self.size, *rest))
        mean, centered, var = F.moments(ghosts, (1, *range(3, ghosts.ndim)))
        x_hat = np.reshape(F.normalize(centered, var, self.eps), x.shape)
        return x_hat, mean, var, self.size * prod(rest[1:])

    def _moved(self, mean: Any, var: Any, n: int) -> tuple:
        return super()._moved(mean.mean(axis=0), var.mean(axis=0), n)


class LayerNorm(Module):
    """Normalizes each sample over its features, in training as in eval: `functional.layer_norm`.

    The input is (N, C) or (N, ..., C), with the features on the last axis.
    """

    def __init__(self, num_features: int, eps: float = 1e-5, dtype: Any = np.float64) -> None:
        check_counts("LayerNorm", num_features=num_features)
        check_numbers("LayerNorm", "positive and finite", eps=eps)
        self.num_features, self.eps = num_features, float(eps)
        self.gamma = Tensor(np.ones(num_features), dtype=dtype)
        self.beta = Tensor(np.zeros(num_features), dtype=dtype)

    def forward(self, x: Any) -> Any:
        """Normalize each sample."""
        _check_features(self, x, -1)
        return F.layer_norm(x, self.gamma, self.beta, self.eps)


class GroupNorm(Module):
    """Normalizes each sample over groups of features, in training as in eval.

    The input is (N, C) or (N, C, ...), with the features on axis 1, which are cut into
    ``num_groups`` equal groups: `functional.group_norm`.
    """

    def __init__(
        self, num_groups: int, num_features: int, eps: float = 1e-5, dtype: Any = np.float64
    ) -> None:
        check_counts("GroupNorm", num_groups=num_groups, num_features=num_features)
        if num_features % num_groups:
            raise ArgumentError(
                f"GroupNorm: {num_groups} groups do not divide {num_features} features; "
                f"use {gcd(num_groups, num_features)}"
            )
        check_numbers("GroupNorm", "positive and finite", eps=eps)
        self.num_groups, self.num_features, self.eps = num_groups, num_features, float(eps)
        self.gamma = Tensor(np.ones(num_features), dtype=dtype)
        self.beta = Tensor(np.zeros(num_features), dtype=dtype)

    def forward(self, x: Any) -> Any:
        """Normalize each group of features of each sample."""
        _check_features(self, x)
        return F.group_norm(x, self.num_groups, self.gamma, self.beta, self.eps)


@labelled  # so that a story shows "centered" in eval, as it does in training
def _normalized_in_eval(x: Any, running_mean: Any, running_var: Any, eps: float) -> Any:
    """Return ``(x - running_mean) / sqrt(running_var + eps)``."""
    centered = x - running_mean
    x_hat = F.normalize(centered, running_var, eps)
    return x_hat


def _check_features(layer: Any, x: Any, axis: int = 1) -> None:
    if np.shape(x)[axis:][:1] != (layer.num_features,):
        raise ShapeError(
            f"{_as_made(layer)}: expected {layer.num_features} features on axis {axis}, "
            f"got shape {np.shape(x)}"
        )


def _as_made(layer: Any) -> str:
    """Name a layer in a message as it was made: ``BatchNorm(3)``."""
    return f"{type(layer).__name__}({layer.num_features})"
