"""The dtypes of constants: they fit the arrays that they are computed with."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import DTypeError
from ..arrays import from_list
from ..functions import astype


def alike(*xs: Any) -> list:
    """Return each Python number as an array, in the dtype that NumPy gives it beside the others.

    Beside `scalars`, whose dtype is object, it stays a number.
    """
    kinds = [x.dtype for x in xs if hasattr(x, "dtype")]
    if object in kinds:
        return [*xs]
    return [
        np.array(x, np.result_type(x, *kinds)) if isinstance(x, (int, float)) else x for x in xs
    ]


def promoted(x: Any, other: Any) -> Any:
    """Return a number, a list or an array in the float dtype that NumPy gives it beside another.

    Raises DTypeError for None.
    """
    if x is None:
        raise DTypeError("it computes with numbers and arrays, not with None")
    x = from_list(x)
    dtype = np.result_type(x, from_list(other))
    kind = getattr(dtype, "kind", "")  # a Symbol has none
    if hasattr(x, "dtype"):
        ready = not kind or x.dtype in (dtype, object)
        return x if ready else astype(x, dtype if kind == "f" else np.dtype(float))
    return x if kind in ("", "O") else np.array(x, dtype if kind == "f" else float)


def floating(x: Any) -> Any:
    """Return the dtype of x, or float64 if it holds integers or bools."""
    dtype = getattr(x, "dtype", np.dtype(float))
    return dtype if dtype in (np.float32, np.float64, object) else np.dtype(float)


def fitting(constants: Any, x: Any, *, floats: bool = False) -> Any:
    """Convert constants, so that ``x`` keeps its dtype beside them. Leave anything else alone.

    A list takes the dtype of ``x``, and so do integers. An array of floats keeps its own, unless
    ``floats`` says that it does not.
    """
    dtype = floating(x)
    if isinstance(constants, (list, tuple)):
        return from_list(constants).astype(dtype)
    if isinstance(constants, (np.ndarray, np.generic)):
        kinds = "iubf" if floats and dtype in (np.float32, np.float64) else "iub"
        return constants.astype(dtype, copy=False) if constants.dtype.kind in kinds else constants
    return alike(constants, x)[0]
