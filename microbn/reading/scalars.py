"""Scalars: one Tensor for each number of an array, as in a scalar engine."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.arrays import as_floats
from ..engine.node import plain
from ..engine.tensor import Tensor
from ..errors import DTypeError


def scalars(array: Any, name: str = "x", *, dtype: Any = None) -> Any:
    """Return an object array of 0-d Tensors in the shape of ``array``, named ``x[0, 1]``.

    A single number becomes a single Tensor. NumPy computes with an object array entry by entry, so
    the code that makes a graph of arrays, such as ``batch_norm`` or a net, makes a graph of single
    numbers from it. Raises the same errors as `Tensor`.

    >>> x = scalars([[1.0, 2.0], [3.0, 4.0]])
    >>> np.sum(x[0] * x[1]).backward()
    >>> float(x[0, 0].grad)
    3.0
    """
    data = as_floats(array, dtype)
    if not isinstance(name, str):
        raise DTypeError(f"scalars: a name is text, got {name!r:.60}")
    box = np.empty(data.shape, object)
    for index in np.ndindex(data.shape):
        box[index] = Tensor(data[index], f"{name}[{', '.join(map(str, index))}]")
    return box if box.ndim else Tensor(data, name)


def values_of(x: Any) -> np.ndarray:
    """Return the values of a node, or of an object array of nodes, as an array of numbers."""
    array = np.asarray(plain(x))
    if array.dtype != object:
        return array
    return np.array([plain(entry) for entry in array.flat]).reshape(array.shape)
