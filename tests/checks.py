"""What the gradient tests share: values without ties, and the comparison with differences."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, mutually_broadcastable_shapes

from microbn.testing import assert_gradients

ENTRIES = st.integers(-24, 23).map(lambda k: (k + 0.5) / 8)  # never 0, never half a step apart


@st.composite
def grids(draw, *shapes):
    """Arrays of these shapes, all their entries different: no ties within or between them."""
    sizes = [int(np.prod(shape)) for shape in shapes]
    entries = draw(st.lists(ENTRIES, min_size=sum(sizes), max_size=sum(sizes), unique=True))
    parts = np.split(np.array(entries), np.cumsum(sizes)[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


SIDES = st.sampled_from([1, 1, 1, 0])  # the least length of an axis: mostly something, at times 0


def shapes(min_dims=0, max_dims=3):
    """Shapes with up to 27 entries, axes of length 0 and 1 among them."""
    return SIDES.flatmap(
        lambda side: array_shapes(min_dims=min_dims, max_dims=max_dims, min_side=side, max_side=3)
    )


def broadcastable(count):
    """Shapes that broadcast with each other."""
    return SIDES.flatmap(
        lambda side: mutually_broadcastable_shapes(
            num_shapes=count, min_side=side, max_side=3 if count < 3 else 2, max_dims=3
        )
    ).map(lambda drawn: drawn.input_shapes)


def axes(ndim):
    """None, one axis or several of them, counted from either end."""
    one = st.integers(-ndim, ndim - 1) if ndim else st.nothing()
    several = st.lists(one, unique_by=lambda axis: axis % ndim, min_size=1).map(tuple)
    return st.none() | one | several if ndim else st.none()
