"""A ufunc that is called with a Tensor and an array of objects goes entry by entry.

This file is loaded when the first such call is made.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import faults
from .node import is_node


def of_entries(ufunc: np.ufunc, method: str, operands: Any, kwargs: Any) -> Any:
    """Call a ufunc's method on object arrays: it goes entry by entry, and each call is recorded."""
    boxes = [*map(boxed, operands)]
    try:
        return getattr(ufunc, method)(*boxes, **kwargs)
    except (ValueError, TypeError) as error:
        raise faults.explain(ufunc, boxes, kwargs, error) from None


def boxed(operand: Any) -> Any:
    """Return a node as an object array of its entries, and anything else as it is."""
    if not is_node(operand):
        return operand
    box: Any = np.empty(operand.value.shape, object)
    for index in np.ndindex(box.shape):
        box[index] = operand[index] if index else operand
    return box
