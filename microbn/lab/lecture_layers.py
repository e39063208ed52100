"""Two layers of the lecture, in step on one slide: the second has weights ten times as large.

Both compute the same y, and the gradient of the larger weights is a tenth of the other one. This is
exact because ε is 0.
"""

from typing import Any

import numpy as np

from microbn import Tensor, functional


def layer() -> Any:
    """Return y and its gradient: two inputs, one unit, batch norm."""
    return _normed(1.0)


def layer_of_larger_weights() -> Any:
    """Return the same with weights ten times as large."""
    return _normed(10.0)


def _normed(scale: float) -> Any:
    x = np.array([[4.0, 1], [2, 3], [1, 0], [0, 1]])
    w = Tensor([[scale], [scale]], "w")
    h = x @ w
    y = functional.batch_norm(h, np.ones(1), np.zeros(1), eps=0)
    return y, np.array([[2.0], [-2], [0], [-2]])
