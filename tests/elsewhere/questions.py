"""The questions on batch norm that are put to each library.

``python -m elsewhere.questions LIBRARY``, run in the folder tests, prints the answers of one
library as JSON. It needs the library and NumPy alone.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

from . import norms, operators
from .operators import Layer
from .trained import trained

INF = float("inf")
FLOAT = np.float32
Make = Callable[..., Layer]  # of channels and axes, and a momentum if one is said


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(FLOAT)


def normalized(make: Make, x: np.ndarray) -> np.ndarray:
    """Normalize in float64, with the library's own ε."""
    x, axes = x.astype(float), (0, *range(2, x.ndim))
    var = x.var(axes, keepdims=True) + float(epsilon(make))
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(var)


def written(x: Any) -> str:
    """Write a number, or an array whose entries are all the same, with three digits."""
    entries = sorted({f"{entry + 0.0:.3g}" for entry in np.ravel(np.asarray(x, float))})
    if len(entries) != 1:
        return " to ".join([entries[0], entries[-1]]) if entries else "empty"
    return entries[0].replace("nan", "NaN")


def distance(found: Any, right: np.ndarray) -> str:
    """Write how far two arrays are apart at most, with one digit."""
    found = np.asarray(found, float)
    if found.shape != right.shape:
        return f"shape {found.shape}"
    return f"{np.max(np.abs(found - right)):.0e}".replace("nan", "NaN")


def epsilon(make: Make) -> str:
    x = np.array([[-1e-3], [1e-3]], FLOAT)
    y = make(1, 2).train(x)
    return f"{(1e-3 / float(y[1, 0])) ** 2 - 1e-6:.0e}"


def first_weight(make: Make) -> str:
    layer = make(1, 2)
    layer.train(np.array([[0], [2]], FLOAT))
    return written(layer.statistics()[0])


def kind_of_variance(make: Make) -> str:
    """The variance of -1 and 1 is 1, and 2 if it is unbiased; the weight is that of the mean."""
    layer, mean = make(1, 2), 1.0
    layer.train(np.array([[mean - 1], [mean + 1]], FLOAT))
    weight, var = (float(part[0]) for part in layer.statistics())
    kinds = {"biased": 1 - weight + weight, "unbiased": 1 - weight + 2 * weight}
    return next((kind for kind, value in kinds.items() if abs(var - value) < 1e-5), written(var))


def state_after(layer: Layer, x: np.ndarray) -> str:
    """Say what comes out, and the statistics after it, which begin with 0 and 1."""
    y = written(layer.train(x))
    return f"y {y}; mean {written(layer.statistics()[0])}, var {written(layer.statistics()[1])}"


def one_value(make: Make) -> str:
    return state_after(make(1, 2), np.array([[3]], FLOAT))


def empty(make: Make) -> str:
    return state_after(make(1, 2), np.zeros((0, 1), FLOAT))


def untrained(make: Make) -> str:
    return written(make(1, 2).evaluate(np.array([[2], [2]], FLOAT)))


def with_entry(entry: float) -> Callable[[Make], str]:
    """Put one bad entry into the first of two features, and look at both."""

    def ask(make: Make) -> str:
        layer, x = make(2, 2), normal(8, 2)
        x[3, 0] = entry
        y = layer.train(x)
        other = (
            "right"
            if np.allclose(y[:, 1], normalized(make, x[:, 1:])[:, 0], atol=1e-4)
            else "wrong"
        )
        moved = [written(part[0]) for part in layer.statistics()]
        layer.train(normal(8, 2, seed=1))
        after = np.isfinite([part[0] for part in layer.statistics()]).all()
        then = "mends" if after else "for good"
        return f"mean {moved[0]}, var {moved[1]}, {then}; other feature {other}"

    return ask


def huge(make: Make) -> str:
    return written(make(1, 2).train(np.array([[1], [1], [-1], [-1]], FLOAT) * FLOAT(1e20)))


def offset(size: float) -> Callable[[Make], str]:
    def ask(make: Make) -> str:
        x = normal(64, 3) + FLOAT(size)
        return distance(make(3, 2).train(x), normalized(make, x))

    return ask


def momentum_of(value: float) -> Callable[[Make], str]:
    """Give the library's own momentum, and see the mean after a batch of mean 1."""

    def ask(make: Make) -> str:
        layer = make(1, 2, momentum=value)
        layer.train(np.array([[0], [2]], FLOAT))
        return written(layer.statistics()[0])

    return ask


def two(make: Make) -> str:
    x = np.array([[1], [3]], FLOAT)
    return written(np.sort(np.ravel(make(1, 2).train(x)))[1])


def half(make: Make) -> str:
    x = normal(64, 3).astype(np.float16)
    y = np.asarray(make(3, 2).train(x))
    return f"{y.dtype}, {distance(y, normalized(make, x))}"


def integers(make: Make) -> str:
    x = np.arange(8).reshape(4, 2) ** 2
    y = np.asarray(make(2, 2).train(x.astype(np.int32)))
    return f"{y.dtype}, {distance(y, normalized(make, x))}"


def axes(*shape: int) -> Callable[[Make], str]:
    def ask(make: Make) -> str:
        x = normal(*shape)
        return distance(make(shape[1], len(shape)).train(x), normalized(make, x))

    return ask


def slopes(x: np.ndarray, dy: np.ndarray, eps: float) -> np.ndarray:
    """The gradient of batch norm, by hand."""
    deviation = np.sqrt(x.var(0) + eps)
    x_hat = (x - x.mean(0)) / deviation
    return (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0)) / deviation


def constant(make: Make) -> str:
    """Compare with the right gradient at a constant feature, which ε alone decides."""
    layer, dy = make(2, 2), normal(8, 2, seed=1)
    x = np.full((8, 2), 3, FLOAT)
    dx, right = np.asarray(layer.gradient(x, dy), float), slopes(x, dy, float(epsilon(make)))
    return f"{np.max(np.abs(dx - right)) / np.max(np.abs(right)):.0e}".replace("nan", "NaN")


def gradient(make: Make) -> str:
    x, dy = normal(8, 2), normal(8, 2, seed=1)
    right = slopes(x.astype(float), dy, float(epsilon(make)))
    return distance(make(2, 2).gradient(x, dy), right)


def second(make: Make) -> str:
    """Compare with differences of the gradient by hand, in float64."""
    x, dy, v = normal(8, 2), normal(8, 2, seed=1), normal(8, 2, seed=2)
    eps, step = float(epsilon(make)), 1e-5
    right = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        nudge = np.zeros(x.shape)
        nudge[place] = step
        ends = [(slopes(x + sign * nudge, dy, eps) * v).sum() for sign in (1, -1)]
        right[place] = (ends[0] - ends[1]) / (2 * step)
    return distance(make(2, 2).second(x, dy, v), right)


QUESTIONS: dict[str, Callable[[Make], str]] = {
    "ε": epsilon,
    "weight of the first mean": first_weight,
    "running variance": kind_of_variance,
    "mean with momentum=0": momentum_of(0.0),
    "mean with momentum=1": momentum_of(1.0),
    "one value per channel": one_value,
    "empty batch": empty,
    "eval of 2, before any batch": untrained,
    "NaN": with_entry(np.nan),
    "infinity": with_entry(INF),
    "±1e20": huge,
    "offset 0": offset(0),
    "offset 1e2": offset(1e2),
    "offset 1e4": offset(1e4),
    "offset 1e6": offset(1e6),
    "1 and 3": two,
    "float16": half,
    "integers": integers,
    "three axes": axes(4, 3, 5),
    "four axes": axes(4, 3, 2, 5),
    "gradient": gradient,
    "gradient at a constant feature": constant,
    "second derivative": second,
}


def answer(ask: Callable[[Make], str], make: Make) -> str:
    """Return an answer, or the name of the error that the library raises instead."""
    try:
        return ask(make)
    except ImportError:  # of the library, or what it needs
        raise
    except TypeError as error:
        return "none" if "NoneType" in str(error) else type(error).__name__
    except Exception as error:  # each library has a tree of its own
        return type(error).__name__


def found(library: str, packages: list[str]) -> dict[str, Any]:
    """Return the versions and the answers of a library, and a trained layer."""
    make = getattr(operators if library.startswith("onnx") else norms, library)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cells = {label: answer(ask, make) for label, ask in QUESTIONS.items()}
        kept = None if library == "microbn" else trained(make)
    versions = {name: version(name) for name in packages}
    return {"versions": versions, "cells": cells, "trained": kept}


if __name__ == "__main__":
    print(json.dumps(found(sys.argv[1], sys.argv[2:])))
