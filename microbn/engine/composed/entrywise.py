"""Functions of each entry."""

from __future__ import annotations

from math import log, pi
from typing import Any

import numpy as np

from ...errors import ArgumentError, DTypeError
from ..functions import stop_gradient
from .dtypes import promoted
from .table import composes

_LOG_2, _LOG_10 = log(2), log(10)


@composes(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """Raise values below the lower bound to it, and lower values above the upper bound to it."""
    if (a_min is not None or a_max is not None) and (min is not None or max is not None):
        raise ArgumentError("the bounds are a_min and a_max, or min= and max=, not both")
    low, high = (a_min, a_max) if min is None and max is None else (min, max)
    a = np.positive(a) if low is None else np.maximum(a, low)
    return a if high is None else np.minimum(a, high)


@composes(np.tan)
def tan(x: Any) -> Any:
    """Divide the sine by the cosine."""
    return np.sin(x) / np.cos(x)


@composes(np.sinc)
def sinc(x: Any) -> Any:
    """Divide the sine of πx by πx; near 0, where that loses digits, take the Taylor polynomial."""
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
    """Divide the natural logarithm by that of 2."""
    return np.log(x) / _LOG_2


@composes(np.log10)
def log10(x: Any) -> Any:
    """Divide the natural logarithm by that of 10."""
    return np.log(x) / _LOG_10


@composes(np.exp2, grouped=False)
def exp2(x: Any) -> Any:
    """Return 2 to the power of x."""
    return np.power(2.0, x)


@composes(np.logaddexp2)
def logaddexp2(x: Any, y: Any) -> Any:
    """Return the logarithm to base 2 of the sum of two powers of 2. The larger is taken out."""
    x, y = promoted(x, y), promoted(y, x)
    larger = np.maximum(x, y)
    larger = stop_gradient(np.where(np.isfinite(larger), larger, 0))  # its gradient cancels
    return larger + np.logaddexp((x - larger) * _LOG_2, (y - larger) * _LOG_2) / _LOG_2


@composes(np.float_power, grouped=False)
def float_power(x: Any, y: Any) -> Any:
    """Return x to the power of y. float32 stays float32 here, as everywhere in microbn."""
    return np.power(x, y)


@composes(np.ldexp)
def ldexp(x: Any, n: Any) -> Any:
    """Multiply x by 2 to the power of an integer n."""
    n = n if hasattr(n, "dtype") else np.array(n)
    if getattr(n.dtype, "kind", "i") == "f":
        raise DTypeError("the exponent is an integer; for any other write x * np.exp2(n)")
    x = promoted(x, 1.0)
    return x * 2.0 ** n.astype(x.dtype)


@composes(np.hypot)
def hypot(x: Any, y: Any) -> Any:
    """Return the root of x² + y². The larger one is taken out, so that no square overflows."""
    x, y = promoted(x, y), promoted(y, x)
    larger = np.maximum(np.abs(x), np.abs(y))
    usable = np.logical_and(larger > 0, np.isfinite(larger))
    scale = stop_gradient(np.where(usable, larger, 1))  # it cancels, and so does its gradient
    length = scale * root(np.square(x / scale) + np.square(y / scale))
    return np.where(np.logical_or(np.isinf(x), np.isinf(y)), np.inf, length)


def root(square: Any) -> Any:
    """Return the square root. At 0 its derivative counts as 0, as for a length or a deviation."""
    zero = square == 0
    return np.where(zero, 0, np.sqrt(np.where(zero, 1, square)))


@composes(np.fmax)
def fmax(x: Any, y: Any) -> Any:
    """Return the larger of two numbers. Where one is NaN, return the other."""
    return np.maximum(np.where(np.isnan(x), y, x), np.where(np.isnan(y), x, y))


@composes(np.fmin)
def fmin(x: Any, y: Any) -> Any:
    """Return the smaller of two numbers. Where one is NaN, return the other."""
    return np.minimum(np.where(np.isnan(x), y, x), np.where(np.isnan(y), x, y))


@composes(np.copysign)
def copysign(x: Any, y: Any) -> Any:
    """Return the size of x with the sign of y."""
    size = np.abs(promoted(x, y))
    return np.where(np.signbit(y), -size, size)


@composes(np.heaviside)
def heaviside(x: Any, at_zero: Any) -> Any:
    """Return 1 above zero and 0 below it; at zero return what is given for it."""
    x, at_zero = promoted(x, at_zero), promoted(at_zero, x)
    return np.where(x == 0, at_zero, (np.sign(x) + 1) / 2)


@composes(np.fmod)
def fmod(x: Any, y: Any) -> Any:
    """Return the remainder of x by y, with the sign of x: y gets that sign first."""
    return np.remainder(x, np.copysign(y, x))


@composes(np.divmod)
def divmod(x: Any, y: Any) -> Any:
    """Return the whole quotient and the remainder."""
    return np.floor_divide(x, y), np.remainder(x, y)


@composes(np.modf)
def modf(x: Any) -> Any:
    """Return the fractional part and the whole part."""
    finite = np.where(np.isinf(x), 0, x)
    return finite - np.trunc(finite), np.trunc(x)


@composes(np.reciprocal, grouped=False)
def reciprocal(x: Any) -> Any:
    """Divide 1 by x."""
    return 1 / x


@composes(np.fabs, grouped=False)
def fabs(x: Any) -> Any:
    """Return the absolute value."""
    return np.abs(x)


@composes(np.conjugate, grouped=False)
def conjugate(x: Any) -> Any:
    """Return the number itself, as it is real."""
    return np.positive(x)


@composes(np.degrees, np.rad2deg, grouped=False)
def degrees(x: Any) -> Any:
    """Convert an angle from radians to degrees."""
    return x * (180 / pi)


@composes(np.radians, np.deg2rad, grouped=False)
def radians(x: Any) -> Any:
    """Convert an angle from degrees to radians."""
    return x * (pi / 180)
