"""Scalars: an array as one Tensor for each of its numbers, as in a scalar engine."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.arrays import as_floats
from ..engine.node import plain
from ..engine.tensor import Tensor
from ..errors import DTypeError


def scalars(array: Any, name: str = "x", *, dtype: Any = None) -> Any:
    """An object array of 0-d Tensors of the same shape, named ``x[0, 1]``; of one number a Tensor.

    NumPy does with it entry by entry what it does with numbers, so the same code that makes a
    graph of arrays, ``batch_norm`` or a net, makes one of scalars. Raises what `Tensor` does.

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
