"""Functions with PyTorch's gradients where entries tie or stand on a bound.

A gradient is a convention there. ``max`` shares it equally here and gives it to one entry there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.names import one_box


@one_box
def clamp(x: Any, low: Any = None, high: Any = None) -> Any:
    """Keep x within bounds. An entry that stands on a bound keeps its gradient."""
    x = x if low is None else np.where(x < low, low, x)
    return x if high is None else np.where(x > high, high, x)


@one_box
def hardtanh(x: Any, low: Any = -1.0, high: Any = 1.0) -> Any:
    """Keep x within bounds. An entry that stands on a bound has no gradient."""
    x = np.where(x <= low, low, x)
    return np.where(x >= high, high, x)


@one_box
def hardsigmoid(x: Any) -> Any:
    """Return a line between 0 at -3 and 1 at 3. An entry that stands there has no gradient."""
    return hardtanh(x + 3, 0.0, 6.0) / 6


@one_box
def hardswish(x: Any) -> Any:
    """Return x times its hard sigmoid. The gradient is 0 at -3 and 1 at 3."""
    middle = np.where(x < 3, x * (x + 3) / 6, x)
    return np.where(x <= -3, 0.0, middle)


@one_box
def first_max(x: Any, axis: int, keepdims: bool = False) -> Any:
    """Return the largest entries along an axis. Of equal ones the first gets the gradient."""
    return entries_at(x, np.argmax(x, axis=axis), axis, keepdims)


@one_box
def first_min(x: Any, axis: int, keepdims: bool = False) -> Any:
    """Return the smallest entries along an axis. Of equal ones the first gets the gradient."""
    return entries_at(x, np.argmin(x, axis=axis), axis, keepdims)


def with_places(entries: Callable, places: Callable) -> Callable:
    """Return a function of the entries and of a way to compute their places, for who asks."""
    return lambda *args, **kwargs: (entries(*args, **kwargs), lambda: places(*args, **kwargs))


def place_by(function: Callable) -> Callable:
    """Return ``np.argmax`` or ``np.argmin`` with PyTorch's arguments: of equal ones the first."""
    return lambda x, dim=None, keepdim=False: function(x, axis=dim, keepdims=keepdim)


def entries_at(x: Any, places: Any, axis: int, keepdims: bool) -> Any:
    """Return the entries at these places along an axis."""
    index = np.expand_dims(places, axis)
    entries = np.take_along_axis(x, index, axis)
    return entries if keepdims else np.squeeze(entries, axis)


largest = with_places(first_max, place_by(np.argmax))
smallest = with_places(first_min, place_by(np.argmin))
