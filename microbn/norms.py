"""Batch norm as a layer, with its running statistics."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import functional as F
from .arrays import check_counts, is_real
from .context import compiling
from .errors import ArgumentError, GraphError, NonFiniteError, ShapeError
from .finite import first_fault, spell
from .module import Module
from .tensor import Tensor


class BatchNorm(Module):
    """Batch norm of (N, C) or (N, C, ...), with the features on axis 1; PyTorch's semantics.

    In training it normalizes with the batch's mean and biased variance, and moves the running
    statistics: ``running = (1 - momentum) * running + momentum * batch``, with the unbiased
    variance; ``momentum=None`` averages over all batches equally. In eval it normalizes with the
    running statistics, or with the batch's where ``track_running_stats`` is False. ``affine``
    gives it gamma and beta. The statistics are buffers and no part of the graph; within the graph
    nothing is detached.

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
    ) -> None:
        check_counts("BatchNorm", num_features=num_features)
        if not (is_real(eps) and 0 < eps < np.inf):
            raise ArgumentError(f"BatchNorm: eps must be positive, got {eps!r}")
        if momentum is not None and not (is_real(momentum) and 0 <= momentum <= 1):
            raise ArgumentError(f"BatchNorm: momentum must be in [0, 1] or None, got {momentum!r}")
        self.num_features = num_features
        self.eps = float(eps)
        self.momentum = None if momentum is None else float(momentum)
        self.gamma = Tensor(np.ones(num_features), dtype=dtype) if affine else None
        self.beta = Tensor(np.zeros(num_features), dtype=dtype) if affine else None
        self.running_mean = np.zeros(num_features, dtype) if track_running_stats else None
        self.running_var = np.ones(num_features, dtype) if track_running_stats else None
        self.num_batches_tracked = np.array(0) if track_running_stats else None

    def forward(self, x: Any) -> Any:
        """Normalize x with the statistics that the mode calls for."""
        axes = F.batch_axes(x)
        if x.shape[1] != self.num_features:
            raise ShapeError(
                f"BatchNorm({self.num_features}): axis 1 of {x.shape} has {x.shape[1]} features, "
                f"expected {self.num_features}"
            )
        if self.training or self.running_mean is None:
            if self.training and x.size <= self.num_features:
                count = "no values" if x.size == 0 else "one value per channel"
                raise ShapeError(
                    f"BatchNorm({self.num_features}): {count} in training, shape {x.shape}, so "
                    "there is no variance; use a larger batch, or eval() for inference"
                )
            mean, centered, var = F.moments(x, axes)
        else:
            along = (1, -1) + (1,) * (x.ndim - 2)
            mean, centered = None, x - np.reshape(self.running_mean, along)
            var = np.reshape(self.running_var, along)
        y = F.normalize(centered, var, self.eps)
        if self.gamma is not None:
            y = F.affine(y, self.gamma, self.beta)
        if self.training and self.running_mean is not None:
            self._track(mean, var, x)
        return y

    def _track(self, mean: Any, var: Any, x: Any) -> None:
        """Move the running statistics towards a batch's, or refuse and leave all as it was.

        In a program that is being compiled they may be Tensors: their move is recorded then.
        """
        if isinstance(self.running_mean, Tensor):
            moved = self._moved(mean, var, x.size)
            self.running_mean, self.running_var, self.num_batches_tracked = moved
            return
        if compiling.get():
            raise GraphError(
                "BatchNorm: in training it moves its running statistics, which compile would not "
                "record; use lab's CompiledStep, eval(), or track_running_stats=False"
            )
        with np.errstate(over="ignore"):
            mean, var, batches = self._moved(_value(mean), _value(var), x.size)
        if first_fault(mean) or first_fault(var):
            fault = first_fault(_value(x))
            what = f"input is {spell(fault)}" if fault else "overflow"
            raise NonFiniteError(f"BatchNorm: {what}; running statistics left unchanged")
        self.running_mean[:], self.running_var[:] = mean, var
        self.num_batches_tracked[...] = batches

    def _moved(self, mean: Any, var: Any, size: int) -> tuple:
        """The running mean and variance after one more batch, and the number of batches."""
        n, batches = size // self.num_features, self.num_batches_tracked + 1
        rate = 1 / batches if self.momentum is None else self.momentum
        mean = (1 - rate) * self.running_mean + rate * mean.reshape(-1)
        var = (1 - rate) * self.running_var + rate * var.reshape(-1) * (n / (n - 1))
        dtype = self.running_mean.dtype
        return mean.astype(dtype), var.astype(dtype), batches


def _value(x: Any) -> np.ndarray:
    return x.value if isinstance(x, Tensor) else x.astype(float) if x.dtype == object else x
