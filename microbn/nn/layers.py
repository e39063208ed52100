"""The layers without the norms, and the functions that draw their initial weights."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from .. import functional as F
from ..arguments import check_counts, check_numbers, generator
from ..engine.mode import lost
from ..engine.tensor import Tensor
from ..errors import ArgumentError, DTypeError, ShapeError, listed
from .module import Module


def he(rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    """Draw weights (fan_in, fan_out) from N(0, 2 / fan_in), for relu.

    Source: He et al. 2015, equation 10.
    """
    return rng.normal(0, np.sqrt(2 / fan_in), (fan_in, fan_out))


def xavier(rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    """Draw weights (fan_in, fan_out) from N(0, 2 / (fan_in + fan_out)), for tanh and sigmoid.

    Source: Glorot & Bengio 2010, equation 12.
    """
    return rng.normal(0, np.sqrt(2 / (fan_in + fan_out)), (fan_in, fan_out))


class Linear(Module):
    """Computes ``x @ weight + bias``, where x is (N, in_features).

    The weight is (in_features, out_features). ``init`` draws it with ``rng``, a NumPy generator or
    a seed: `he`, `xavier`, or a function like them. The bias is (out_features,) and starts at 0.
    Before a batch norm ``bias=False`` loses nothing: the norm subtracts the mean, and any bias with
    it.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *more: Any,
        rng: np.random.Generator | int | None = None,
        bias: bool = True,
        init: Callable[[np.random.Generator, int, int], np.ndarray] = he,
        dtype: Any = np.float64,
        **unknown: Any,
    ) -> None:
        check_counts("Linear", in_features=in_features, out_features=out_features)
        rng = _checked_rng(Linear, f"{in_features}, {out_features}", rng, more, unknown)
        self.weight = _initial(Linear, init, rng, in_features, out_features, dtype)
        self.bias = Tensor(np.zeros(out_features), dtype=dtype) if bias else None

    def forward(self, x: Any) -> Any:
        """Multiply x by the weight and add the bias."""
        if np.shape(x)[-1:] != self.weight.shape[:1]:
            raise ShapeError(
                f"Linear{self.weight.shape}: the last axis of {np.shape(x)} "
                f"should have {self.weight.shape[0]} features"
            )
        y = x @ self.weight
        return y if self.bias is None else y + self.bias


class Conv2d(Module):
    """Moves filters of ``kernel_size`` × ``kernel_size`` pixels over images.

    It computes `functional.conv2d`. The input is (N, in_channels, H, W) and the weight
    (out_channels, in_channels, kernel_size, kernel_size). The filters move by ``stride`` pixels,
    and ``padding`` pixels of zeros are set around the images. ``init`` and ``bias`` are as in
    `Linear`; to ``init`` a filter is a column of in_channels · kernel_size² weights.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        *more: Any,
        rng: np.random.Generator | int | None = None,
        bias: bool = True,
        init: Callable[[np.random.Generator, int, int], np.ndarray] = he,
        dtype: Any = np.float64,
        **unknown: Any,
    ) -> None:
        check_counts("Conv2d", in_channels=in_channels, out_channels=out_channels)
        check_counts("Conv2d", kernel_size=kernel_size, stride=stride)
        check_counts("Conv2d", 0, padding=padding)
        call = f"{in_channels}, {out_channels}, {kernel_size}"
        rng = _checked_rng(Conv2d, call, rng, more, unknown)
        self.stride, self.padding = stride, padding
        matrix = _initial(Conv2d, init, rng, in_channels * kernel_size**2, out_channels, dtype)
        self.weight = Tensor(matrix.data.T.reshape(-1, in_channels, kernel_size, kernel_size))
        self.bias = Tensor(np.zeros(out_channels), dtype=dtype) if bias else None

    def forward(self, x: Any) -> Any:
        """Move the filters over the images."""
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding)


class MaxPool2d(Module):
    """Keeps the largest pixel of each window of ``kernel_size`` by ``kernel_size`` pixels.

    The windows are ``stride`` pixels apart; by default they stand side by side.
    """

    def __init__(self, kernel_size: int, stride: int | None = None) -> None:
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        check_counts("MaxPool2d", kernel_size=self.kernel_size, stride=self.stride)

    def forward(self, x: Any) -> Any:
        """Take the largest pixel of each window."""
        return F.max_pool2d(x, self.kernel_size, self.stride)


class AvgPool2d(Module):
    """Takes the mean of each window of ``kernel_size`` by ``kernel_size`` pixels.

    The windows are ``stride`` pixels apart; by default they stand side by side.
    """

    def __init__(self, kernel_size: int, stride: int | None = None) -> None:
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        check_counts("AvgPool2d", kernel_size=self.kernel_size, stride=self.stride)

    def forward(self, x: Any) -> Any:
        """Take the mean of each window."""
        return F.avg_pool2d(x, self.kernel_size, self.stride)


class Flatten(Module):
    """Turns (N, ...) into (N, D), so that a Linear can follow. Raises ShapeError for a number."""

    def forward(self, x: Any) -> Any:
        """Put all features of a sample in a row."""
        if not (shape := np.shape(x)):
            raise ShapeError("Flatten: needs (N, ...), got a single number")
        return np.reshape(x, (shape[0], prod(shape[1:])))


class ReLU(Module):
    """Computes ``max(x, 0)`` of every entry."""

    def forward(self, x: Any) -> Any:
        """Apply relu to every entry."""
        return F.relu(x)


class Tanh(Module):
    """Computes ``tanh(x)`` of every entry."""

    def forward(self, x: Any) -> Any:
        """Apply tanh to every entry."""
        return np.tanh(x)


class Sigmoid(Module):
    """Computes ``1 / (1 + exp(-x))`` of every entry."""

    def forward(self, x: Any) -> Any:
        """Apply sigmoid to every entry."""
        return F.sigmoid(x)


class Dropout(Module):
    """Sets each entry to 0 with probability ``p`` in training, and divides the rest by 1 - p.

    In eval nothing changes. Every call draws again from ``rng``, a NumPy generator or a seed.
    Raises GraphError in a program that is being compiled, because all runs of the program would
    drop the same entries.

    Source: Srivastava et al. 2014, section 10.
    """

    def __init__(
        self,
        p: float,
        *more: Any,
        rng: np.random.Generator | int | None = None,
        **unknown: Any,
    ) -> None:
        check_numbers("Dropout", "in [0, 1)", p=p)
        self.p, self.rng = float(p), _checked_rng(Dropout, f"{p}", rng, more, unknown)

    def forward(self, x: Any) -> Any:
        """Drop entries of x in training, and return x in eval."""
        if not self.training:
            return x
        lost("a draw")
        kept = self.rng.random(np.shape(x)) >= self.p
        return x * kept / (1 - self.p)


class Sequential(Module):
    """Calls layers one after the other."""

    _one_line = False

    def __init__(self, *layers: Module) -> None:
        for i, layer in enumerate(layers):
            if not isinstance(layer, Module):
                raise DTypeError(
                    f"Sequential: layer {i} is {layer!r:.40}, not a Module; "
                    "write Sequential(Linear(...), ReLU())"
                )
        self.layers = list(layers)

    def forward(self, x: Any) -> Any:
        """Pass x through every layer in turn."""
        for layer in self.layers:
            x = layer(x)
        return x


def _initial(
    layer: type, init: Any, rng: np.random.Generator, fan_in: int, fan_out: int, dtype: Any
) -> Tensor:
    """Draw the initial weights (fan_in, fan_out) of a layer."""
    name, shape = layer.__name__, (fan_in, fan_out)
    if not callable(init):
        raise DTypeError(f"{name}: init is a function such as he, got {init!r:.60}")
    weight = Tensor(init(rng, fan_in, fan_out), dtype=dtype)
    if weight.shape != shape:
        raise ShapeError(f"{name}: init gave weights of shape {weight.shape}, expected {shape}")
    return weight


def _checked_rng(
    layer: type, shown: str, rng: Any, more: tuple, unknown: Mapping[str, Any]
) -> np.random.Generator:
    """Return the generator that a layer draws from. ``shown`` are arguments that make the layer.

    Raises ArgumentError for arguments without a name (``more``), and if there is no generator.
    Raises DTypeError for arguments with an ``unknown`` name.
    """
    name, call = layer.__name__, f"{layer.__name__}({shown}, rng=0)"
    if unknown:
        arguments = inspect.signature(layer).parameters.values()
        named = listed(p.name for p in arguments if p.kind == p.KEYWORD_ONLY)
        raise DTypeError(
            f"{name}: there is no argument {next(iter(unknown))!r}; by name it takes {named}, and "
            f"rng is a seed or a NumPy generator: write {call}"
        )
    if more:
        given = listed(f"{one!r:.40}" for one in more)
        raise ArgumentError(f"{name}: the other arguments go by name, unlike {given}; write {call}")
    if rng is None or isinstance(rng, (bool, np.bool)):
        got = "is missing" if rng is None else f"cannot be {rng}"
        raise ArgumentError(
            f"{name}: rng {got}; it is a seed or a NumPy generator, so that a run can be "
            f"repeated: write {call}"
        )
    return generator(name, rng)
