"""The functions of NumPy that need no rule: they are made of functions that have one.

This file is loaded when the first of them is called with a Tensor.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .functions import concatenate, stack
from .node import plain


def written_out(
    function: Callable, arrays: Any, axis: Any = 0, out: Any = None, **kwargs: Any
) -> tuple:
    """Turn NumPy's call, which takes a list of arrays, into one of `concatenate` or `stack`."""
    given = {"axis": axis, **({} if out is None else {"out": out}), **kwargs}
    return JOINS[function], [*arrays], given


def _of_operands(function: Callable, *args: Any, **kwargs: Any) -> Any:
    """Join arrays by a function of the arrays themselves."""
    joining, arrays, keywords = written_out(function, *args, **kwargs)
    return joining(*arrays, **keywords)


def _of_values(function: Callable, *args: Any, **kwargs: Any) -> Any:
    """Call a function of shapes on plain values, as no gradient is asked of it."""
    return function(*map(plain, args), **{key: plain(value) for key, value in kwargs.items()})


JOINS: dict[Callable, Callable] = {np.concatenate: concatenate, np.stack: stack}

ABOUT_SHAPES: tuple[Any, ...] = (np.shape, np.ndim, np.size, np.zeros_like, np.ones_like)
COMPOSED: dict[Callable, Callable] = {
    **{function: partial(_of_operands, function) for function in JOINS},
    **{function: partial(_of_values, function) for function in ABOUT_SHAPES},
}
