"""Hypothesis strategies for tests of one's own: shapes, arrays without ties, batches, programs.

::

    @given(batches())
    def test_normalized_features_have_the_mean_zero(x):
        _, centered, var = moments(x)
        assert np.allclose(normalize(centered, var).mean(0), 0)
"""

from __future__ import annotations

import math
from itertools import islice
from typing import Any

import numpy as np

from ..arguments import need_package
from ..engine.tensor import Tensor
from ..errors import ArgumentError, ShapeError
from .programs import Program, grow

need_package("hypothesis", "test", "microbn.testing.strategies")
from hypothesis import strategies as st  # noqa: E402
from hypothesis.extra import numpy as npst  # noqa: E402

Shape = tuple[int, ...]

MOST = 1000  # entries drawn one by one; Hypothesis gives up at a few times as many
_LEAST_SIDE = st.sampled_from([1, 1, 1, 0])  # an axis mostly holds something, at times nothing


def shapes(min_dims: int = 0, max_dims: int = 3) -> st.SearchStrategy[Shape]:
    """Shapes with axes of length 1 to 3, and now and then 0.

    Raises ArgumentError for a negative number of axes, or for fewer at most than at least.
    """
    _check_counts("shapes", 0, min_dims=min_dims, max_dims=max_dims)
    return _LEAST_SIDE.flatmap(
        lambda side: npst.array_shapes(
            min_dims=min_dims, max_dims=max_dims, min_side=side, max_side=3
        )
    )


def broadcastable(count: int = 2) -> st.SearchStrategy[tuple[Shape, ...]]:
    """Tuples of ``count`` shapes that broadcast with each other, some with fewer axes than others.

    Raises ArgumentError for a count below 1.
    """
    _check_counts("broadcastable", 1, count=count)
    return _broadcastable(count)


@st.composite
def _broadcastable(draw: st.DrawFn, count: int) -> tuple[Shape, ...]:
    """Each axis belongs to all of the shapes, or to one of them and is 1 in the others; some of
    these have not even that, and so fewer axes.
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
    """What ``axis=`` takes: None, one axis or a tuple of several, counted from either end.

    Raises ArgumentError for a negative number of axes.
    """
    _check_counts("axes", 0, ndim=ndim)
    if not ndim:
        return st.none()
    one = st.integers(-ndim, ndim - 1)
    several = st.lists(one, unique_by=lambda axis: axis % ndim, min_size=1).map(tuple)
    return st.none() | one | several


def indices(shape: int | Shape) -> st.SearchStrategy[Any]:
    """What ``x[index]`` takes for an x of this shape.

    Slices, integers, new axes and ellipses; integer arrays, repeats and negatives among them;
    boolean masks of the first axis and of all.

    Raises ArgumentError for what is no shape, ShapeError for a negative length.
    """
    shape = _checked("indices", shape)
    basic = npst.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True)
    masks = st.sampled_from([shape[:1], shape]).flatmap(_masks)
    return basic | _positions(shape) | masks if shape else basic | masks


def arrays(
    shape: int | Shape | st.SearchStrategy[Shape], bulk: bool = False
) -> st.SearchStrategy[np.ndarray]:
    """Arrays of float64, all entries different, none 0; ``shape`` may be a strategy for shapes.

    Entries are odd multiples of 1/16; the simplest are 0.0625, 0.1875, 0.3125. With ``bulk`` they
    are normal numbers from a seed: faster, in any number, and not to be shrunk.

    Raises ArgumentError for what is no shape and, without ``bulk``, for more than 1000 entries,
    which are drawn one by one; ShapeError for a negative length.
    """
    return _arrays("arrays", shape, bulk)


def distinct(*shapes: int | Shape) -> st.SearchStrategy[list[np.ndarray]]:
    """Lists of arrays of these shapes, as ``arrays`` gives them, without ties between them either.

    Raises ArgumentError for what is no shape and for more than 1000 entries; ShapeError for a
    negative length.
    """
    return _grids("distinct", *shapes)


def tensors(
    shape: int | Shape | st.SearchStrategy[Shape], name: str | None = None
) -> st.SearchStrategy[Tensor]:
    """Leaves of this shape and name, their data as ``arrays`` gives it.

    Raises what ``arrays`` raises, and DTypeError for a name that is no text.
    """
    Tensor(0.0, name)  # what is wrong with the name shows here, not where one is drawn
    return _arrays("tensors", shape).map(lambda array: Tensor(array, name))


def batches(
    min_samples: int = 3, max_samples: int = 6, max_features: int = 3, constant: bool = False
) -> st.SearchStrategy[np.ndarray]:
    """Batches (N, C) to normalize, entries as ``arrays`` gives them: no feature is constant.

    With ``constant`` at least one is. Raises ArgumentError for fewer than 2 samples, where there
    is no variance, fewer than 1 feature, and more than 1000 entries.
    """
    alone = ", as one row has no variance"
    _check_counts("batches", 2, alone, min_samples=min_samples, max_samples=max_samples)
    _check_counts("batches", 1, max_features=max_features)
    _check_size("batches", max_samples * max_features)
    varied = arrays(st.tuples(st.integers(min_samples, max_samples), st.integers(1, max_features)))
    return varied.flatmap(_with_constants) if constant else varied


def programs(max_ops: int = 12) -> st.SearchStrategy[Program]:
    """Random differentiable programs of 1 to ``max_ops`` operations, which shrink to a few.

    To go through many, ``microbn.testing.programs.program(seed)`` makes them without Hypothesis.
    Raises ArgumentError for less than one operation.
    """
    _check_counts("programs", 1, max_ops=max_ops)
    return _grown(max_ops)


@st.composite
def _grown(draw: st.DrawFn, max_ops: int) -> Program:
    return grow(lambda low, high: draw(st.integers(low, high)), max_ops)


def _arrays(function: str, shape: Any, bulk: bool = False) -> st.SearchStrategy[np.ndarray]:
    if isinstance(shape, st.SearchStrategy):
        return shape.flatmap(lambda drawn: _arrays(function, drawn, bulk))
    shape = _checked(function, shape)
    if not bulk:
        return _alone(_grids(function, shape))
    seeds = st.integers(0, 2**32 - 1)
    return seeds.map(lambda seed: np.random.default_rng(seed).normal(size=shape))


@st.composite
def _alone(draw: st.DrawFn, grids: st.SearchStrategy[list[np.ndarray]]) -> np.ndarray:
    """The only array of a list: shown as an array where a test fails."""
    (array,) = draw(grids)
    return array


def _grids(function: str, *given: Any) -> st.SearchStrategy[list[np.ndarray]]:
    """Arrays of odd multiples of 1/16, all different."""
    wanted = [_checked(function, shape) for shape in given]
    size = sum(map(math.prod, wanted))
    _check_size(function, size)
    half = max(24, size)

    def arranged(numbers: list[int]) -> list[np.ndarray]:
        entries = iter([(k + 0.5) / 8 for k in _untied(numbers)])
        return [np.array([*islice(entries, math.prod(s))]).reshape(s) for s in wanted]

    return st.lists(st.integers(-half, half - 1), min_size=size, max_size=size).map(arranged)


def _untied(numbers: list[int]) -> list[int]:
    """Each number that was there before moved up to the next that was not.

    Unlike ``unique=True`` this drops no draw, however full the range, and each stays its own.
    """
    taken: dict[int, None] = {}
    for k in numbers:
        while k in taken:
            k += 1
        taken[k] = None
    return list(taken)


@st.composite
def _positions(draw: st.DrawFn, shape: Shape) -> Any:
    """Integer arrays: for the first axis, for the last, or one for each."""
    first, last, each = shape[:1], shape[-1:], shape
    places = [(first, lambda i: i), (last, lambda i: (..., i)), (each, lambda *parts: parts)]
    sides, place = draw(st.sampled_from(places))
    if not all(sides):  # no position points into an axis of length 0
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
    """The batch with one feature or several held at their first entry."""
    features = range(x.shape[1])
    chosen = st.lists(st.sampled_from(features), min_size=1, unique=True)
    return chosen.map(lambda some: np.where(np.isin(features, some), x[0], x))


def _checked(function: str, shape: Any) -> Shape:
    """The shape as a tuple."""
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
