"""The functions that the engine needs and NumPy lacks: `relu`, and functions of operands alone.

NumPy writes some calls as a method, an index or a list; here they are functions of their operands.
Their gradients stand with all others, in ``rules.py``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .primitive import primitive


@partial(primitive, entrywise=True, fresh=True)
def relu(x: Any) -> Any:
    """Return ``max(x, 0)``. The derivative at 0 is 0."""
    return np.maximum(x, 0)


@partial(primitive, entrywise=True, fresh=True)
def stop_gradient(x: Any) -> Any:
    """Return ``x`` as a constant: nothing flows back through it."""
    return x


@partial(primitive, fresh=True)
def astype(x: Any, dtype: Any) -> Any:
    """Return ``x`` in another dtype."""
    return x.astype(dtype)


@partial(primitive, fresh=True)
def getitem(x: Any, *index: Any) -> Any:
    """Return ``x[index]``, with the index as operands."""
    return x[index]


@partial(primitive, fresh=True)
def scatter(g: Any, shape: tuple[int, ...], *index: Any) -> Any:
    """Add ``g`` into zeros of ``shape`` at ``index``: the transpose of ``x[index]``."""
    out = np.zeros(shape, g.dtype)
    if any(map(np.ndim, index)):
        np.add.at(out, index, g)
    else:  # slices and numbers take no entry twice
        out[index] += g
    return out


@partial(primitive, fresh=True)
def gate(g: Any, mask: Any) -> Any:
    """Compute ``np.where(mask, g, 0)`` by the bits of g, without a branch for each entry."""
    return (g.view(f"i{g.itemsize}") * mask).view(g.dtype)


@partial(primitive, fresh=True)
def spread(x: Any, shape: tuple[int, ...]) -> Any:
    """Return ``np.broadcast_to``, written out: a copy is faster to compute with than the view."""
    out = np.empty(shape, x.dtype)
    out[...] = x
    return out


@partial(primitive, fresh=True)
def concatenate(*xs: Any, axis: int | None = 0) -> Any:
    """Return ``np.concatenate`` of the operands, without the list."""
    return np.concatenate(xs, axis)


@partial(primitive, fresh=True)
def stack(*xs: Any, axis: int = 0) -> Any:
    """Return ``np.stack`` of the operands, without the list."""
    return np.stack(xs, axis)


@partial(primitive, fresh=True)
def windows(x: Any, shape: tuple[int, ...]) -> Any:
    """Return the windows of ``shape`` over the last axes of x, as the last axes of the result."""
    return np.lib.stride_tricks.sliding_window_view(x, shape, tuple(range(-len(shape), 0)))


@partial(primitive, fresh=True)
def overlap_add(g: Any, shape: tuple[int, ...]) -> Any:
    """Add windows up into zeros of ``shape`` where they overlap: the transpose of `windows`."""
    places, sizes = g.shape[: len(shape)], g.shape[len(shape) :]
    whole = (slice(None),) * (len(shape) - len(sizes))
    out = np.zeros_like(g[(..., *(0 for _ in sizes))], shape=shape)  # in the memory order of g
    for index in np.ndindex(sizes):
        ends = zip(index, places[len(whole) :], strict=True)
        out[(*whole, *(slice(i, i + n) for i, n in ends))] += g[(..., *index)]
    return out


@partial(primitive, fresh=True)
def eigenvectors(x: Any, *, UPLO: Any = "L") -> Any:
    """Return the eigenvectors of symmetric matrices, ``np.linalg.eigh(x).eigenvectors``."""
    return np.linalg.eigh(x, UPLO).eigenvectors
