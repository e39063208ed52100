"""Functions of each entry, and entries in a row between two ends."""

from __future__ import annotations

import operator
from collections.abc import Callable
from math import log, pi
from typing import Any

import numpy as np

from ...errors import ArgumentError, DTypeError, RangeError, ShapeError
from ..arrays import from_list
from ..functions import astype, stop_gradient
from .axes import floating
from .table import composes, root

_LOG_2, _LOG_10 = log(2), log(10)


@composes(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """Values below the lower bound are raised to it, values above the upper are lowered to it."""
    if (a_min is not None or a_max is not None) and (min is not None or max is not None):
        raise ArgumentError("the bounds are a_min and a_max, or min= and max=, not both")
    low, high = (a_min, a_max) if min is None and max is None else (min, max)
    a = np.positive(a) if low is None else np.maximum(a, low)
    return a if high is None else np.minimum(a, high)


@composes(np.tan)
def tan(x: Any) -> Any:
    """The sine over the cosine."""
    return np.sin(x) / np.cos(x)


@composes(np.sinc)
def sinc(x: Any) -> Any:
    """The sine of πx over πx. Near 0, where that loses digits, it is the Taylor polynomial."""
    y = pi * x
    near = np.abs(y) < 0.1
    square = np.square(np.where(near, y, 0))
    series = 1 - square / 72
    for k in (42, 20, 6):  # 1 - y²/6 (1 - y²/20 (1 - y²/42 (1 - y²/72)))
        series = 1 - square / k * series
    far = np.where(near, 1, y)
    return np.where(near, series, np.sin(far) / far)


@composes(np.log2)
def log2(x: Any) -> Any:
    """The natural logarithm over that of 2."""
    return np.log(x) / _LOG_2


@composes(np.log10)
def log10(x: Any) -> Any:
    """The natural logarithm over that of 10."""
    return np.log(x) / _LOG_10


@composes(np.exp2, grouped=False)
def exp2(x: Any) -> Any:
    """2 to the power of x."""
    return np.power(2.0, x)


@composes(np.logaddexp2)
def logaddexp2(x: Any, y: Any) -> Any:
    """The logarithm to base 2 of the sum of two powers of 2."""
    x, y = _in_dtype(x, y), _in_dtype(y, x)
    return np.logaddexp(x * _LOG_2, y * _LOG_2) / _LOG_2


@composes(np.float_power, grouped=False)
def float_power(x: Any, y: Any) -> Any:
    """x to the power of y. float32 stays float32 here, as everywhere in microbn."""
    return np.power(x, y)


@composes(np.ldexp)
def ldexp(x: Any, n: Any) -> Any:
    """x times 2 to the power of an integer n."""
    n = n if hasattr(n, "dtype") else np.array(n)
    if getattr(n.dtype, "kind", "i") == "f":
        raise DTypeError("the exponent is an integer; for any other write x * np.exp2(n)")
    x = _in_dtype(x, n)
    return x * 2.0 ** n.astype(x.dtype)


@composes(np.hypot)
def hypot(x: Any, y: Any) -> Any:
    """The root of x² + y², with the larger one taken out, so that no square overflows."""
    x, y = _in_dtype(x, y), _in_dtype(y, x)
    larger = np.maximum(np.abs(x), np.abs(y))
    usable = np.logical_and(larger > 0, np.isfinite(larger))
    scale = stop_gradient(np.where(usable, larger, 1))  # any scale gives the same value
    return scale * root(np.square(x / scale) + np.square(y / scale))


@composes(np.fmax)
def fmax(x: Any, y: Any) -> Any:
    """The larger of two numbers, or the other one where one is NaN."""
    return np.maximum(np.where(np.isnan(x), y, x), np.where(np.isnan(y), x, y))


@composes(np.fmin)
def fmin(x: Any, y: Any) -> Any:
    """The smaller of two numbers, or the other one where one is NaN."""
    return np.minimum(np.where(np.isnan(x), y, x), np.where(np.isnan(y), x, y))


@composes(np.copysign)
def copysign(x: Any, y: Any) -> Any:
    """The size of x with the sign of y."""
    size = np.abs(_in_dtype(x, y))
    return np.where(np.signbit(y), -size, size)


@composes(np.remainder)
def remainder(x: Any, y: Any) -> Any:
    """x less whole multiples of y, with the sign of y. Its value is right to a rounding of x."""
    x, y = _in_dtype(x, y), _in_dtype(y, x)
    return _remaining(x, y, np.floor_divide(x, y))


@composes(np.fmod)
def fmod(x: Any, y: Any) -> Any:
    """x less whole multiples of y, with the sign of x. Its value is right to a rounding of x."""
    x, y = _in_dtype(x, y), _in_dtype(y, x)
    times = np.floor_divide(np.abs(x), np.abs(y))
    return _remaining(x, y, np.sign(x) * np.sign(y) * times)


@composes(np.divmod)
def divmod(x: Any, y: Any) -> Any:
    """The whole quotient and the remainder."""
    return np.floor_divide(x, y), np.remainder(x, y)


@composes(np.modf)
def modf(x: Any) -> Any:
    """The fractional part and the whole part."""
    finite = np.where(np.isinf(x), 0, x)
    return finite - np.trunc(finite), np.trunc(x)


@composes(np.reciprocal, grouped=False)
def reciprocal(x: Any) -> Any:
    """1 over x."""
    return 1 / x


@composes(np.fabs, grouped=False)
def fabs(x: Any) -> Any:
    """The absolute value."""
    return np.abs(x)


@composes(np.conjugate, grouped=False)
def conjugate(x: Any) -> Any:
    """The number itself, as it is real."""
    return np.positive(x)


@composes(np.degrees, np.rad2deg, grouped=False)
def degrees(x: Any) -> Any:
    """An angle in degrees instead of radians."""
    return x * (180 / pi)


@composes(np.radians, np.deg2rad, grouped=False)
def radians(x: Any) -> Any:
    """An angle in radians instead of degrees."""
    return x * (pi / 180)


@composes(np.linspace)
def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, *, axis: int = 0) -> Any:
    """Numbers in equal steps: each lies a share of the way between the two ends."""
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
    """Powers of a base whose exponents go in equal steps."""
    if np.ndim(base):
        axes = max(map(np.ndim, (start, stop, base)))
        start, stop, base = (_with_axes(_in_dtype(x, base), axes) for x in (start, stop, base))
        base = np.expand_dims(base, axis)
    return np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))


@composes(np.geomspace)
def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, *, axis: int = 0) -> Any:
    """Numbers whose logarithms go in equal steps. Both ends have the same sign."""
    start, stop = _in_dtype(start, stop), _in_dtype(stop, start)
    sign = np.sign(start)
    ends = np.log(sign * start), np.log(sign * stop)
    line = sign * np.exp(np.linspace(*ends, num, endpoint))
    return line if axis == 0 else np.moveaxis(line, 0, axis)


@composes(np.apply_along_axis)
def apply_along_axis(func1d: Callable, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a function on each row along an axis. Its results stand in the place of that axis."""
    axis = np.lib.array_utils.normalize_axis_index(axis, arr.ndim)
    rest = tuple(i for i in range(arr.ndim) if i != axis)
    outer = tuple(arr.shape[i] for i in rest)
    rows = np.transpose(arr, (*rest, axis)).reshape(-1, arr.shape[axis])
    if 0 in outer:
        raise ShapeError(f"shape {arr.shape} has no row along axis {axis}")
    results = [func1d(row, *args, **kwargs) for row in rows]
    results = [np.stack(x) if isinstance(x, (list, tuple)) else x for x in results]
    inner = np.shape(results[0])
    whole = np.reshape(np.stack(results), outer + inner)
    places, first = range(whole.ndim), len(outer)
    return np.transpose(whole, (*places[:axis], *places[first:], *places[axis:first]))


def _in_dtype(x: Any, other: Any) -> Any:
    """Return a number or a list as an array, in the dtype that it takes beside another operand."""
    dtype = floating(other)
    if hasattr(x, "dtype") or (dtype.kind == "O" and np.ndim(x) == 0):
        return x
    x = from_list(x)
    return np.array(x) if dtype.kind == "O" else np.array(x, np.result_type(x, dtype))


def _remaining(x: Any, y: Any, times: Any) -> Any:
    """Return what is left of x: all of it where y goes into it 0 times, even if y is infinite."""
    return x - np.where(times == 0, 0, y) * times


def _with_axes(x: Any, axes: int) -> Any:
    """Return x with axes of size 1 in front, so that it has this many."""
    return np.reshape(x, (1,) * (axes - np.ndim(x)) + np.shape(x))
