"""Numbers in a row between two ends."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...errors import RangeError
from ..functions import astype
from ..node import plain
from .dtypes import floating, promoted
from .table import composes


@composes(np.linspace)
def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, *, axis: int = 0) -> Any:
    """Return numbers in equal steps: each lies a share of the way between the two ends."""
    if (num := operator.index(num)) < 0:
        raise RangeError(f"num={num}; the number of values is 0 or more")
    axes = max(np.ndim(start), np.ndim(stop))
    dtype = np.result_type(*(floating(end) for end in (start, stop) if hasattr(end, "dtype")))
    share = np.arange(num) / max(num - bool(endpoint), 1)
    share = astype(share.reshape(num, *[1] * axes), dtype)
    line = (1 - share) * start + share * stop
    return line if axis == 0 else np.moveaxis(line, 0, axis)


@composes(np.logspace)
def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, *, axis: int = 0
) -> Any:
    """Return powers of a base whose exponents go in equal steps."""
    if np.ndim(base):
        axes = max(map(np.ndim, (start, stop, base)))
        start, stop, base = (_with_axes(promoted(x, base), axes) for x in (start, stop, base))
        base = np.expand_dims(base, axis)
    return np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))


@composes(np.geomspace)
def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, *, axis: int = 0) -> Any:
    """Return numbers whose logarithms go in equal steps. Both ends have the same sign."""
    start, stop = promoted(start, stop), promoted(stop, start)
    for end in map(plain, (start, stop)):
        if getattr(end, "dtype", None) in (np.float32, np.float64) and not np.all(end):
            raise RangeError("an end is 0, to which no ratio leads; np.linspace goes there")
    if operator.index(num) == 1:
        return np.linspace(start, stop, num, axis=axis)
    sign = np.sign(start)
    ends = np.log(sign * start), np.log(sign * stop)
    line = sign * np.exp(np.linspace(*ends, num, endpoint))
    return line if axis == 0 else np.moveaxis(line, 0, axis)


def _with_axes(x: Any, axes: int) -> Any:
    """Return x with axes of size 1 in front, so that it has this many."""
    return np.reshape(x, (1,) * (axes - np.ndim(x)) + np.shape(x))
