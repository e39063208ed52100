"""Functions that ask only for a shape or a dtype, and so return a constant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..node import plain
from .table import composes


def _of_sizes(function: Callable) -> Callable:
    def of_values(*args: Any, **kwargs: Any) -> Any:
        """Call NumPy's function with the plain values."""
        return function(*map(plain, args), **{key: plain(x) for key, x in kwargs.items()})

    return of_values


for _function in (
    *(np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.empty_like, np.can_cast),
    *(np.common_type, np.result_type, np.min_scalar_type, np.iscomplexobj, np.isrealobj),
    *(np.may_share_memory, np.shares_memory),
    *(np.diag_indices_from, np.tril_indices_from, np.triu_indices_from),
):
    composes(_function, grouped=False)(_of_sizes(_function))


@composes(np.full_like, grouped=False)
def full_like(x: Any, fill_value: Any, dtype: str | Any = None, *, shape: Any = None) -> Any:
    """Write one value into all places of an array like this one."""
    whole = np.broadcast_to(fill_value, x.shape if shape is None else shape)
    return whole.astype(x.dtype if dtype is None else dtype)
