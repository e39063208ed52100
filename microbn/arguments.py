"""What public functions ask of their arguments."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from .errors import ArgumentError, MissingPackageError


def is_real(x: Any) -> bool:
    """Whether x is one real number, Python's or NumPy's."""
    return isinstance(x, (int, float, np.integer, np.floating))


def check_counts(owner: str, **counts: Any) -> None:
    """Raise ArgumentError for what is no positive integer, by its name."""
    for name, count in counts.items():
        if not isinstance(count, (int, np.integer)) or isinstance(count, bool) or count < 1:
            raise ArgumentError(f"{owner}: {name} must be a positive integer, got {count!r:.60}")


def generator(owner: str, seed: Any) -> np.random.Generator:
    """NumPy's generator for a seed, or the generator given. Raises ArgumentError for others."""
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise ArgumentError(
            f"{owner}: a seed is an integer from 0 on, or a NumPy generator, got {seed!r:.60}"
        ) from None


def need_package(package: str, extra: str, purpose: str) -> Any:
    """Import ``package``, or say which extra brings it.

    Raises MissingPackageError at once, before any work is lost.
    """
    try:
        return import_module(package)
    except ImportError as error:
        raise MissingPackageError(
            f"{purpose} needs {package.split('.')[0]}; install it with: "
            f"pip install 'microbn[{extra}]'"
        ) from error
