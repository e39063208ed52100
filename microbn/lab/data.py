"""Data to learn from: real handwriting, and a toy that needs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..errors import ArgumentError, need_package


@dataclass(frozen=True)
class Split:
    """A training and a test set: x (N, features) in float64, y N class numbers."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: int


def digits(seed: int, test: int = 500) -> Split:
    """1797 handwritten digits, 8 × 8 pixels in 0..1; ``test`` of them held out, chosen by seed.

    Raises MissingPackageError without scikit-learn, inside which they come.

    Source: Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits (UCI).
    """
    datasets = need_package("sklearn.datasets", "lab", "the digits data set")
    x, y = datasets.load_digits(return_X_y=True)
    return split(x / 16, y, seed, test)


def spirals(seed: int, n: int = 1000, test: int = 200, noise: float = 0.1) -> Split:
    """Two spirals in the plane, one class each, wound around each other; needs NumPy alone."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    turn = 3 * np.pi * np.sqrt(rng.uniform(0.02, 1, n))
    angle = turn + np.pi * y
    x = np.stack([turn * np.cos(angle), turn * np.sin(angle)], axis=1) / (3 * np.pi)
    return split(x + rng.normal(0, noise / 3, x.shape), y, seed, test)


def split(x: np.ndarray, y: np.ndarray, seed: int, test: int) -> Split:
    """Hold out ``test`` samples, chosen by seed. Raises ArgumentError if that leaves none."""
    if len(x) != len(y):
        raise ArgumentError(f"split: {len(x)} samples and {len(y)} class numbers")
    if not 0 < test < len(x):
        raise ArgumentError(f"split: test={test} of {len(x)} samples leaves an empty set")
    order = np.random.default_rng(seed).permutation(len(x))
    held, kept = order[:test], order[test:]
    return Split(x[kept], y[kept], x[held], y[held], int(y.max()) + 1)


def batches(n: int, size: int, seed: int) -> Iterator[np.ndarray]:
    """Index arrays of ``size``, without end: a new shuffle every epoch, its short rest left out.

    Raises ArgumentError unless 1 <= size <= n.
    """
    if not 1 <= size <= n:
        raise ArgumentError(f"batches: size must be in 1..{n}, got {size}")
    return _shuffled(n, size, np.random.default_rng(seed))


def _shuffled(n: int, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    while True:
        order = rng.permutation(n)
        yield from (order[i : i + size] for i in range(0, n - size + 1, size))
