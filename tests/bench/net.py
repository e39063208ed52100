"""The net that all contenders train, in some settings: its parameters, and the code they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

Step = Callable[[], Sequence[Any]]
FEATURES, CLASSES, EPS = 64, 10, 1e-5


class Setting(NamedTuple):
    """The size of a net and of its inputs."""

    width: int
    batch: int
    dtype: str
    depth: int = 10

    def __str__(self) -> str:
        return f"H={self.width} N={self.batch} {self.dtype.replace('float', 'f')}"


SETTINGS = [
    Setting(100, 128, "float64"),
    Setting(100, 128, "float32"),
    Setting(32, 32, "float64"),
    Setting(256, 256, "float32"),
]
# How far gradients may be apart, relative to the norm of the one derived by hand.
TOLERANCE = {"float64": 1e-11, "float32": 3e-4}


def problem(setting: Setting, seed: int) -> tuple[list, np.ndarray, np.ndarray]:
    """Return parameters (w, b, gamma, beta of each hidden layer; w, b of the last), x, labels."""
    rng = np.random.default_rng(seed)
    sizes = [FEATURES] + [setting.width] * setting.depth + [CLASSES]
    parameters = []
    for i, o in pairwise(sizes):
        w, b = rng.normal(0, np.sqrt(2 / i), (i, o)), rng.normal(0, 0.1, o)
        parameters += [w, b, rng.uniform(0.5, 1.5, o), rng.normal(0, 0.1, o)]
    x = rng.normal(size=(setting.batch, FEATURES)).astype(setting.dtype)
    parameters = [p.astype(setting.dtype) for p in parameters[:-2]]
    return parameters, x, rng.integers(0, CLASSES, setting.batch)


def layers(parameters: Sequence) -> list[Sequence]:
    """Split the parameters: four for each hidden layer and two for the last."""
    return [parameters[i : i + 4] for i in range(0, len(parameters), 4)]


def linear(x: Any, w: Any, b: Any) -> Any:
    return x @ w + b


def logits(
    parameters: Sequence, x: Any, batch_norm: Callable, relu: Callable, linear: Callable = linear
) -> Any:
    """Compute the net with the functions of any engine."""
    *hidden, last = layers(parameters)
    for w, b, gamma, beta in hidden:
        x = relu(batch_norm(linear(x, w, b), gamma, beta))
    return linear(x, *last)


def composed(sqrt: Callable) -> Callable:
    """Compose batch norm for an engine that finds the gradient by itself."""

    def batch_norm(x, gamma, beta):
        centered = x - x.mean(0)
        var = (centered * centered).mean(0)
        return gamma * (centered / sqrt(var + EPS)) + beta

    return batch_norm
