"""Gradients from finite differences, for a function or for any node inside a recorded graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..nodes import history
from ..tensor import Tensor


def numeric_vjp(
    f: Callable[[np.ndarray], np.ndarray], x: Any, cotangent: Any, step: float = 1e-4
) -> np.ndarray:
    """The gradient of ``sum(cotangent * f(x))`` with respect to x, by central differences.

    ``f`` takes and gives float64 arrays; the result has the shape of x. ``step`` is relative to
    each entry. The differences over it and over twice as far are combined so that the error
    falls with step⁴.

    Source: Richardson 1911; the five-point stencil, Abramowitz & Stegun 25.3.6.
    """
    x = np.array(x, np.float64)
    gradient = np.empty_like(x)
    least = 0.01 * (np.max(np.abs(x), initial=0) or 1)  # for entries that are 0, or almost
    for index in np.ndindex(x.shape):
        h = step * max(abs(x[index]), least)
        total = 0.0
        for way, weight in ((1, 8), (-1, -8), (2, -1), (-2, 1)):
            moved = x.copy()
            moved[index] += way * h
            total += weight * np.sum(cotangent * f(moved))
        gradient[index] = total / (12 * h)
    return gradient


def downstream(root: Tensor, node: Tensor) -> Callable[[np.ndarray], np.ndarray]:
    """``root`` as a function of the value of one node: what comes after it is computed again.

    The rest of the graph keeps its values. Raises ArgumentError if root was not made from node.
    """
    tape = history(root)
    if all(tensor is not node for tensor in tape):
        raise ArgumentError("downstream: the node is not part of the root's history")

    def function(value: np.ndarray) -> np.ndarray:
        values = {node.number: value}
        for tensor in tape:
            if tensor.number not in values and tensor.number > node.number and tensor.function:
                args = [
                    values.get(operand.number, value) if isinstance(operand, Tensor) else value
                    for operand, value in zip(tensor.inputs, tensor.args, strict=True)
                ]
                values[tensor.number] = tensor.function(*args, **tensor.kwargs)
        return values[root.number]

    return function
