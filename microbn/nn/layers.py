"""Layers, and how their weights begin; Module and the norms have files of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import functional as F
from ..arguments import check_counts, generator, is_real
from ..engine.mode import lost
from ..engine.tensor import Tensor
from ..errors import ArgumentError, DTypeError, ShapeError, listed
from .module import Module


def he(rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    """Weights (fan_in, fan_out) from N(0, 2 / fan_in), for relu. Source: He et al. 2015, eq. 10."""
    return rng.normal(0, np.sqrt(2 / fan_in), (fan_in, fan_out))


def xavier(rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    """Weights (fan_in, fan_out) from N(0, 2 / (fan_in + fan_out)), for tanh and sigmoid.

    Source: Glorot & Bengio 2010, equation 12.
    """
    return rng.normal(0, np.sqrt(2 / (fan_in + fan_out)), (fan_in, fan_out))


class Linear(Module):
    """``x @ weight + bias``: x (N, in_features), weight (in_features, out_features).

    ``rng`` is a NumPy generator or a seed; ``init`` draws the weights from it, `he` or `xavier`
    or a function like them. The bias starts at 0.
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
    ) -> None:
        check_counts("Linear", in_features=in_features, out_features=out_features)
        rng = _generator(f"Linear({in_features}, {out_features}, rng=0)", rng, more)
        if not callable(init):
            raise DTypeError(f"Linear: init is a function such as he, got {init!r:.60}")
        self.weight = Tensor(init(rng, in_features, out_features), dtype=dtype)
        if self.weight.shape != (in_features, out_features):
            raise ShapeError(
                f"Linear: init gave weights of shape {self.weight.shape}, "
                f"expected {(in_features, out_features)}"
            )
        self.bias = Tensor(np.zeros(out_features), dtype=dtype) if bias else None

    def forward(self, x: Any) -> Any:
        """The product, with the bias added."""
        if np.shape(x)[-1:] != self.weight.shape[:1]:
            raise ShapeError(
                f"Linear{self.weight.shape}: the last axis of {np.shape(x)} "
                f"should have {self.weight.shape[0]} features"
            )
        y = x @ self.weight
        return y if self.bias is None else y + self.bias


class ReLU(Module):
    """``max(x, 0)``."""

    def forward(self, x: Any) -> Any:
        """Apply it entry by entry."""
        return F.relu(x)


class Tanh(Module):
    """``tanh(x)``."""

    def forward(self, x: Any) -> Any:
        """Apply it entry by entry."""
        return np.tanh(x)


class Sigmoid(Module):
    """``1 / (1 + exp(-x))``."""

    def forward(self, x: Any) -> Any:
        """Apply it entry by entry."""
        return F.sigmoid(x)


class Dropout(Module):
    """Each entry is 0 with probability ``p``, or else divided by 1 - p; in eval it stays.

    ``rng`` is a NumPy generator or a seed; every call draws from it anew. Raises GraphError in a
    program that is being compiled, in which the draw would stay the same.

    Source: Srivastava et al. 2014, section 10.
    """

    def __init__(self, p: float, *more: Any, rng: np.random.Generator | int | None = None) -> None:
        if not (is_real(p) and 0 <= p < 1):
            raise ArgumentError(f"Dropout: p must be in [0, 1), got {p!r:.60}")
        self.p, self.rng = float(p), _generator(f"Dropout({p}, rng=0)", rng, more)

    def forward(self, x: Any) -> Any:
        """Drop entries of x in training; nothing in eval."""
        if not self.training:
            return x
        lost("a draw")
        kept = self.rng.random(np.shape(x)) >= self.p
        return x * kept / (1 - self.p)


class Sequential(Module):
    """Layers one after the other."""

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


def _generator(call: str, rng: Any, more: tuple) -> np.random.Generator:
    """The generator that a layer draws from. ``call`` is how one makes the layer."""
    if more:
        given = listed(f"{one!r:.40}" for one in more)
        raise ArgumentError(
            f"{call.split('(')[0]}: all else goes by name, unlike {given}; write {call}"
        )
    if rng is None or isinstance(rng, (bool, np.bool)):
        got = "is missing" if rng is None else f"cannot be {rng}"
        raise ArgumentError(
            f"{call.split('(')[0]}: rng {got}; it is the seed or the NumPy generator that chance "
            f"comes from, so that a run can be repeated: write {call}"
        )
    return generator(call.split("(")[0], rng)
