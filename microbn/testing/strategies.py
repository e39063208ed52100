"""Hypothesis strategies for your own tests: shapes, arrays without ties, batches, programs.

::

    @given(batches())
    def test_normalized_features_have_the_mean_zero(x):
        _, centered, var = moments(x)
        assert np.allclose(normalize(centered, var).mean(0), 0)
"""

from __future__ import annotations

import math
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from ..arguments import need_package
from ..engine.tensor import Tensor
from ..errors import ArgumentError, ShapeError
from .programs import RandomProgram, grow

need_package("hypothesis", "test", "microbn.testing.strategies")
from hypothesis import strategies as st  # noqa: E402
from hypothesis.extra import numpy as npst  # noqa: E402

Shape = tuple[int, ...]

MOST = 1000  # entries are drawn one by one, and Hypothesis gives up at a few times as many
_LEAST_SIDE = st.sampled_from([1, 1, 1, 0])  # most shapes have no axis of length 0


def shapes(min_dims: int = 0, max_dims: int = 3) -> st.SearchStrategy[Shape]:
    """Draw shapes with axes of length 1 to 3, and now and then 0.

    Raises ArgumentError if ``min_dims`` is negative or larger than ``max_dims``.
    """
    _check_counts("shapes", 0, min_dims=min_dims, max_dims=max_dims)
    drawn = partial(npst.array_shapes, min_dims=min_dims, max_dims=max_dims, max_side=3)
    return _LEAST_SIDE.flatmap(lambda side: drawn(min_side=side))


def broadcastable(count: int = 2) -> st.SearchStrategy[tuple[Shape, ...]]:
    """Draw tuples of ``count`` shapes that broadcast together, some with fewer axes than others.

    Raises ArgumentError for a count below 1.
    """
    _check_counts("broadcastable", 1, count=count)
    return _broadcastable(count)


@st.composite
def _broadcastable(draw: st.DrawFn, count: int) -> tuple[Shape, ...]:
    """Draw an owner for each axis: all of the shapes, or one of them.

    The axis has length 1 in the other shapes. Some shapes then lose a few of their first axes.
    """
    dims, side = draw(st.sampled_from([0, 2, 2])), draw(st.sampled_from([0, 2, 2]))
    full = draw(npst.array_shapes(min_dims=dims, max_dims=3, min_side=side, max_side=3))
    owners = [draw(st.sampled_from([None, *range(count), *range(count)])) for _ in full]
    group = []
    for i in range(count):
        own = [n if by in (None, i) else 1 for n, by in zip(full, owners, strict=True)]
        group.append(tuple(own[draw(st.sampled_from([0, 0, 0, *range(len(own) + 1)])) :]))
    return tuple(group)


def axes(ndim: int) -> st.SearchStrategy[int | tuple[int, ...] | None]:
    """Draw values for ``axis=``: None, one axis or a tuple of several, counted from either end.

    Raises ArgumentError for a negative number of axes.
    """
    _check_counts("axes", 0, ndim=ndim)
    if not ndim:
        return st.none()
    one = st.integers(-ndim, ndim - 1)
    several = st.lists(one, unique_by=lambda axis: axis % ndim, min_size=1).map(tuple)
    return st.none() | one | several


def indices(shape: int | Shape) -> st.SearchStrategy[Any]:
    """Draw an ``index`` for ``x[index]``, for an x of this shape.

    These are slices, integers, new axes and ellipses; integer arrays, with repeats and negatives;
    and boolean masks of the first axis or of all axes.

    Raises ArgumentError if ``shape`` is not a shape, and ShapeError for a negative length.
    """
    shape = _checked("indices", shape)
    basic = npst.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True)
    masks = st.sampled_from([shape[:1], shape]).flatmap(_masks)
    return basic | _positions(shape) | masks if shape else basic | masks


def arrays(
    shape: int | Shape | st.SearchStrategy[Shape], bulk: bool = False
) -> st.SearchStrategy[np.ndarray]:
    """Draw float64 arrays whose entries are all different and never 0.

    ``shape`` may be a strategy for shapes. Entries are odd multiples of 1/16; the simplest are
    0.0625, 0.1875, 0.3125. With ``bulk`` they are normal numbers from a seed: this is faster and
    has no limit on their number, but they do not shrink.

    Raises ArgumentError if ``shape`` is not a shape and, without ``bulk``, for more than 1000
    entries, because these are drawn one by one. Raises ShapeError for a negative length.
    """
    return _arrays_for("arrays", shape, bulk)


def distinct(*shapes: int | Shape) -> st.SearchStrategy[list[np.ndarray]]:
    """Draw lists of arrays of these shapes, like ``arrays``. No two of them share an entry.

    Raises ArgumentError for anything but shapes and for more than 1000 entries, and ShapeError for
    a negative length.
    """
    return _grids("distinct", *shapes)


def tensors(
    shape: int | Shape | st.SearchStrategy[Shape], name: str | None = None
) -> st.SearchStrategy[Tensor]:
    """Draw leaves of this shape and name, with data like that of ``arrays``.

    Raises the same errors as ``arrays``, and DTypeError for a name that is not text.
    """
    Tensor(0.0, name)  # a wrong name raises here, not when a Tensor is drawn
    return _arrays_for("tensors", shape).map(lambda array: Tensor(array, name))


def batches(
    min_samples: int = 3, max_samples: int = 6, max_features: int = 3, constant: bool = False
) -> st.SearchStrategy[np.ndarray]:
    """Draw batches (N, C) to normalize, with entries like those of ``arrays``.

    No feature is constant; with ``constant``, at least one is. Raises ArgumentError for fewer than
    2 samples, which have no variance, for fewer than 1 feature, and for more than 1000 entries.
    """
    alone = ", as one row has no variance"
    _check_counts("batches", 2, alone, min_samples=min_samples, max_samples=max_samples)
    _check_counts("batches", 1, max_features=max_features)
    _check_size("batches", max_samples * max_features)
    varied = arrays(st.tuples(st.integers(min_samples, max_samples), st.integers(1, max_features)))
    return varied.flatmap(_with_constants) if constant else varied


def programs(max_ops: int = 12) -> st.SearchStrategy[RandomProgram]:
    """Draw random differentiable programs of 1 to ``max_ops`` operations, which shrink to a few.

    For many programs, ``microbn.testing.programs.program(seed)`` makes them without Hypothesis.
    Raises ArgumentError if ``max_ops`` is below 1.
    """
    _check_counts("programs", 1, max_ops=max_ops)
    return _grown(max_ops)


@st.composite
def _grown(draw: st.DrawFn, max_ops: int) -> RandomProgram:
    return grow(lambda low, high: draw(st.integers(low, high)), max_ops)


def _arrays_for(function: str, shape: Any, bulk: bool = False) -> st.SearchStrategy[np.ndarray]:
    if isinstance(shape, st.SearchStrategy):
        return shape.flatmap(lambda drawn: _arrays_for(function, drawn, bulk))
    shape = _checked(function, shape)
    if not bulk:
        return _alone(_grids(function, shape))
    seeds = st.integers(0, 2**32 - 1)
    return seeds.map(lambda seed: np.random.default_rng(seed).normal(size=shape))


@st.composite
def _alone(draw: st.DrawFn, grids: st.SearchStrategy[list[np.ndarray]]) -> np.ndarray:
    """Draw the only array of a list, so that a failing test shows an array and no list."""
    (array,) = draw(grids)
    return array


def _grids(function: str, *given: Any) -> st.SearchStrategy[list[np.ndarray]]:
    """Draw a list of arrays whose entries are odd multiples of 1/16, all different."""
    wanted = [_checked(function, shape) for shape in given]
    size = sum(map(math.prod, wanted))
    _check_size(function, size)
    half = max(24, size)

    def arranged(numbers: list[int]) -> list[np.ndarray]:
        entries = iter([(k + 0.5) / 8 for k in _untied(numbers)])
        return [np.array([*islice(entries, math.prod(s))]).reshape(s) for s in wanted]

    return st.lists(st.integers(-half, half - 1), min_size=size, max_size=size).map(arranged)


def _untied(numbers: list[int]) -> list[int]:
    """Return the numbers, each repeated one moved up to the next number that is free.

    Unlike ``unique=True``, this keeps every draw, however full the range is.
    """
    taken: dict[int, None] = {}
    for k in numbers:
        while k in taken:
            k += 1
        taken[k] = None
    return list(taken)


@st.composite
def _positions(draw: st.DrawFn, shape: Shape) -> Any:
    """Draw integer arrays that index the first axis, the last, or each axis."""
    first, last, each = shape[:1], shape[-1:], shape
    places = [(first, lambda i: i), (last, lambda i: (..., i)), (each, lambda *parts: parts)]
    sides, place = draw(st.sampled_from(places))
    if not all(sides):  # an axis of length 0 has no positions
        return place(*(np.zeros(0, int) for _ in sides))
    common = draw(shapes(min_dims=1, max_dims=2))
    size = math.prod(common)
    lists = [st.lists(st.integers(-n, n - 1), min_size=size, max_size=size) for n in sides]
    return place(*(np.array(draw(drawn), int).reshape(common) for drawn in lists))


def _masks(shape: Shape) -> st.SearchStrategy[np.ndarray]:
    size = math.prod(shape)
    entries = st.lists(st.booleans(), min_size=size, max_size=size)
    return entries.map(lambda drawn: np.array(drawn, bool).reshape(shape))


def _with_constants(x: np.ndarray) -> st.SearchStrategy[np.ndarray]:
    """Draw features of the batch, one or more, and hold them at their first entry."""
    features = range(x.shape[1])
    chosen = st.lists(st.sampled_from(features), min_size=1, unique=True)
    return chosen.map(lambda some: np.where(np.isin(features, some), x[0], x))


def _checked(function: str, shape: Any) -> Shape:
    """Return the shape as a tuple. Raises ArgumentError or ShapeError if it is none."""
    sides = shape if isinstance(shape, tuple) else (shape,)
    if not all(isinstance(side, (int, np.integer)) for side in sides):
        raise ArgumentError(
            f"{function}: a shape is an int or a tuple of them, such as (2, 3), got {shape!r:.60}"
        )
    if any(side < 0 for side in sides):
        raise ShapeError(f"{function}: shape {shape} has a negative length; use 0 or more")
    return tuple(int(side) for side in sides)


def _check_counts(function: str, least: int, why: str = "", **counts: Any) -> None:
    """Raise ArgumentError unless the counts are ints, each at least as large as the one before."""
    for name, count in counts.items():
        if not isinstance(count, int) or count < least:
            raise ArgumentError(
                f"{function}: {name} is {count!r:.60}; use an int of at least {least}{why}"
            )
        least, why = int(count), f", which is {name}"


def _check_size(function: str, size: int) -> None:
    if size > MOST:
        raise ArgumentError(
            f"{function}: {size} entries are more than the {MOST} that are drawn one by one; ask "
            "for fewer, or for arrays(shape, bulk=True)"
        )
