"""Axes in words: what is summed over the 4 rows, copied to all 4 rows, or broadcast to them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ..engine.backward import repeated
from ..errors import listed


def over(axis: Any, shape: tuple[int, ...]) -> str:
    """Name the axes that a reduction takes together: ``over the 4 rows``."""
    axes = _counted_from_first(axis, shape)
    if not axes:
        return "over no axis"
    return "over all entries" if len(axes) == len(shape) else f"over {_named(axes, shape, 'the')}"


def copied(axis: Any, shape: tuple[int, ...]) -> str:
    """Say where a gradient is copied to on its way back through a reduction: "" if nowhere."""
    axes = [axis for axis in _counted_from_first(axis, shape) if shape[axis] != 1]
    return f"copied {to_all(axes, shape)}" if axes else ""


def summed(wide: tuple[int, ...], narrow: tuple[int, ...]) -> str:
    """Say over which axes an array of a wide shape was summed to a narrow one: "" if over none."""
    axes = repeated_axes(wide, narrow)
    return f"summed {over(axes, wide)}" if axes else ""


def below_sum(axes: Sequence[int], shape: tuple[int, ...]) -> str:
    """Name the axes below a ∑: ``4 rows``."""
    if len(axes) != len(shape):
        return _named(axes, shape, "").strip()
    if len(shape) == 1:
        return f"{shape[0]} entr{'y' if shape[0] == 1 else 'ies'}"
    return "all entries"


def to_all(axes: Sequence[int], shape: tuple[int, ...]) -> str:
    """Name the axes along which something is repeated: ``to all 4 rows``."""
    if len(axes) == len(shape):
        return f"to all {prod(shape)} entries"
    return f"{'to' if len(shape) == 2 else 'along'} {_named(axes, shape, 'all')}"


def repeated_axes(wide: tuple[int, ...], narrow: tuple[int, ...]) -> list[int]:
    """Return the axes along which NumPy repeats an array of a narrow shape to fit a wide one."""
    new, same = repeated(wide, narrow)
    return [*new, *(len(new) + axis for axis in same)]


def _counted_from_first(axis: Any, shape: tuple[int, ...]) -> list[int]:
    """Return the axes that an argument ``axis`` means, counted from the first."""
    every = range(len(shape))
    return [*every] if axis is None else [every[int(a)] for a in np.atleast_1d(axis)]


def _named(axes: Sequence[int], shape: tuple[int, ...], which: str) -> str:
    """Return ``the 4 rows`` or ``both columns`` of a matrix; in other arrays ``axes 0 and 2``."""
    if len(shape) == 2:
        count = shape[axes[0]]
        many = "both" if (which, count) == ("all", 2) else f"{which} {count}"
        return f"{many} {'column' if axes[0] else 'row'}{'s' * (count != 1)}"
    return f"{'axes' if len(axes) > 1 else 'axis'} {listed(axes)}"
