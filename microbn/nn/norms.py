"""Batch norm and its sisters as layers; batch norm keeps running statistics."""

from __future__ import annotations

from math import gcd, prod
from typing import Any

import numpy as np

from .. import functional as F
from ..arguments import check_counts, is_real
from ..engine.mode import lost
from ..engine.tensor import Tensor
from ..errors import ArgumentError, NonFiniteError, ShapeError
from ..reading.scalars import values_of
from ..reading.trace import first_fault, spell
from .module import Module


class BatchNorm(Module):
    """Batch norm of (N, C) or (N, C, ...), with the features on axis 1; PyTorch's semantics.

    In training it normalizes with the batch's mean and biased variance, and moves the running
    statistics: ``running = (1 - momentum) * running + momentum * batch``, with the unbiased
    variance; ``momentum=None`` averages over all batches equally. In eval it normalizes with the
    running statistics, or with the batch's where ``track_running_stats`` is False. ``affine``
    gives it gamma and beta, and with ``bias=False`` gamma alone. The statistics are buffers and no
    part of the graph; within the graph nothing is detached.

    Raises ShapeError for other shapes and for a single value per channel in training, and
    NonFiniteError where a batch to be tracked is not finite; the running statistics stay unchanged.

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
        self.num_features = num_features
        self.eps = _checked_eps("BatchNorm", eps)
        self.momentum = None if momentum is None else float(momentum)
        self.gamma = Tensor(np.ones(num_features), dtype=dtype) if affine else None
        self.beta = Tensor(np.zeros(num_features), dtype=dtype) if affine and bias else None
        self.running_mean = np.zeros(num_features, dtype) if track_running_stats else None
        self.running_var = np.ones(num_features, dtype) if track_running_stats else None
        self.num_batches_tracked = np.array(0) if track_running_stats else None

    def forward(self, x: Any) -> Any:
        """Normalize x with the statistics that the mode calls for."""
        F.batch_axes(x)
        _check_features(self, x)
        if self.training and x.size <= self.num_features:
            count = "no values" if x.size == 0 else "one value per channel"
            raise ShapeError(
                f"{_spelled(self)}: {count} in training, shape {x.shape}, so there is no "
                "variance; use a larger batch, or eval() for inference"
            )
        if self.training or self.running_mean is None:
            x_hat, *moments = self._normalized(x)
        else:
            along = (1, -1) + (1,) * (x.ndim - 2)
            centered = x - np.reshape(self.running_mean, along)
            x_hat = F.normalize(centered, np.reshape(self.running_var, along), self.eps)
        y = x_hat if self.gamma is None else F.affine(x_hat, self.gamma, self.beta)
        if self.training and self.running_mean is not None:
            self._track(x, *moments)
        return y

    def _normalized(self, x: Any) -> tuple:
        """x normalized by its own mean and variance; these, and of how many values they are."""
        mean, centered, var = F.moments(x, F.batch_axes(x))
        return F.normalize(centered, var, self.eps), mean, var, x.size // self.num_features

    def _track(self, x: Any, mean: Any, var: Any, n: int) -> None:
        """Move the running statistics towards a batch's, or refuse and leave all as it was.

        In a program that is being compiled they may be Tensors: their move is recorded then.
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
        """The running mean and variance after one more batch, and the number of batches."""
        batches = self.num_batches_tracked + 1
        rate = 1 / batches if self.momentum is None else self.momentum
        mean = (1 - rate) * self.running_mean + rate * mean.reshape(-1)
        var = (1 - rate) * self.running_var + rate * var.reshape(-1) * (n / (n - 1))
        dtype = self.running_mean.dtype
        return mean.astype(dtype), var.astype(dtype), batches


class GhostBatchNorm(BatchNorm):
    """Batch norm of every ``size`` samples by themselves, as if the batch were that small.

    The running statistics move once a batch, towards the average of these ghost batches' own. All
    else, and the other options, are `BatchNorm`'s.

    Raises ShapeError for a batch that is no multiple of ``size``, which is 2 or more.

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
                f"{_spelled(self)}: {samples} samples are no multiple of size {self.size}; leave "
                f"{samples % self.size} out, or choose a size that divides {samples}"
            )
        ghosts = np.reshape(x, (samples // self.size, self.size, *rest))
        mean, centered, var = F.moments(ghosts, (1, *range(3, ghosts.ndim)))
        x_hat = np.reshape(F.normalize(centered, var, self.eps), x.shape)
        return x_hat, mean, var, self.size * prod(rest[1:])

    def _moved(self, mean: Any, var: Any, n: int) -> tuple:
        return super()._moved(mean.mean(axis=0), var.mean(axis=0), n)


class LayerNorm(Module):
    """`functional.layer_norm` with a gamma and a beta: the same in training and in eval.

    It takes (N, C) or (N, ..., C), with the features on the last axis.
    """

    def __init__(self, num_features: int, eps: float = 1e-5, dtype: Any = np.float64) -> None:
        check_counts("LayerNorm", num_features=num_features)
        self.num_features, self.eps = num_features, _checked_eps("LayerNorm", eps)
        self.gamma = Tensor(np.ones(num_features), dtype=dtype)
        self.beta = Tensor(np.zeros(num_features), dtype=dtype)

    def forward(self, x: Any) -> Any:
        """Normalize each sample."""
        _check_features(self, x, -1)
        return F.layer_norm(x, self.gamma, self.beta, self.eps)


class GroupNorm(Module):
    """`functional.group_norm` with a gamma and a beta: the same in training and in eval.

    It takes (N, C) or (N, C, ...), with the features on axis 1, in ``num_groups`` equal groups.
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
        self.num_groups, self.num_features = num_groups, num_features
        self.eps = _checked_eps("GroupNorm", eps)
        self.gamma = Tensor(np.ones(num_features), dtype=dtype)
        self.beta = Tensor(np.zeros(num_features), dtype=dtype)

    def forward(self, x: Any) -> Any:
        """Normalize each group of features of each sample."""
        _check_features(self, x)
        return F.group_norm(x, self.num_groups, self.gamma, self.beta, self.eps)


def _checked_eps(owner: str, eps: Any) -> float:
    if not (is_real(eps) and 0 < eps < np.inf):
        raise ArgumentError(f"{owner}: eps must be positive and finite, got {eps!r:.60}")
    return float(eps)


def _check_features(layer: Any, x: Any, axis: int = 1) -> None:
    if np.shape(x)[axis:][:1] != (layer.num_features,):
        raise ShapeError(
            f"{_spelled(layer)}: expected {layer.num_features} features on axis {axis}, "
            f"got shape {np.shape(x)}"
        )


def _spelled(layer: Any) -> str:
    return f"{type(layer).__name__}({layer.num_features})"
