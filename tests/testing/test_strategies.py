"""What the public strategies draw, what they shrink to, and what they refuse."""

import functools
import math
import re

import numpy as np
import pytest
from hypothesis import Phase, find, given, seed, settings
from hypothesis import strategies as st

from microbn import Tensor, errors
from microbn.functional import moments, normalize
from microbn.testing.strategies import (
    arrays,
    axes,
    batches,
    broadcastable,
    distinct,
    indices,
    programs,
    shapes,
    tensors,
)

SHAPES = [(), (4,), (1,), (2, 3), (3, 1, 2), (0,), (0, 3), (3, 0)]


def drawn(strategy, count=100):
    """So many draws, fewer where there are fewer, the same in each run."""
    found = []

    @settings(max_examples=count, phases=[Phase.generate], database=None, derandomize=True)
    @given(strategy)
    def collect(value):
        found.append(value)

    collect()
    return found


def simplest(strategy, condition=lambda value: True):
    """What Hypothesis shrinks to among the values of which the condition holds."""
    once = settings(max_examples=500, database=None, derandomize=True)
    return find(strategy, condition, settings=once)


def entries(arrays):
    return [entry for array in arrays for entry in array.reshape(-1).tolist()]


def flat_features(x):
    return int(np.sum(np.ptp(x, axis=0) == 0))


# Shapes


def test_shapes_have_axes_of_length_zero_and_one_now_and_then():
    found = drawn(shapes())
    for length, often in ((0, 0.4), (1, 0.8)):
        assert 0.05 < np.mean([length in shape for shape in found]) < often


def test_shapes_have_from_min_dims_to_max_dims_axes_of_up_to_three():
    found = drawn(shapes())
    assert {len(shape) for shape in found} == {0, 1, 2, 3}
    assert {side for shape in found for side in shape} == {0, 1, 2, 3}
    assert {len(shape) for shape in drawn(shapes(min_dims=1, max_dims=2))} == {1, 2}


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_broadcastable_gives_as_many_shapes_as_asked_for_and_they_broadcast(count):
    for group in drawn(broadcastable(count)):
        assert isinstance(group, tuple)
        assert len(group) == count
        np.broadcast_shapes(*group)


def test_broadcastable_brings_new_axes_stretched_axes_and_axes_of_length_zero():
    pairs = drawn(broadcastable(), 300)
    ends = [(x[-1], y[-1]) for x, y in pairs if x and y]
    assert min(sum(len(x) < len(y) for x, y in pairs), sum(len(x) > len(y) for x, y in pairs)) > 20
    assert min(sum(x == 1 < y for x, y in ends), sum(x > 1 == y for x, y in ends)) > 5
    assert 15 < sum(0 in (*x, *y) for x, y in pairs) < 150


def stretch_each_other(x, y):
    """As (3, 1) and (1, 4): one is stretched along one axis, the other along another."""
    ends = [*zip(x[::-1], y[::-1], strict=False)]
    return any(a == 1 < b for a, b in ends) and any(b == 1 < a for a, b in ends)


@pytest.mark.parametrize("run", range(8))
def test_pairs_that_stretch_each_other_are_in_every_run_of_100(run):
    found = []

    @seed(run)
    @settings(max_examples=100, phases=[Phase.generate], database=None)
    @given(broadcastable())
    def collect(pair):
        found.append(pair)

    collect()
    assert any(stretch_each_other(*pair) for pair in found)


def test_broadcastable_shrinks_to_numbers_and_to_sides_of_two_that_stretch_each_other():
    assert simplest(broadcastable()) == ((), ())
    pair = simplest(broadcastable(), lambda pair: stretch_each_other(*pair))
    assert max(map(max, pair)) == 2  # of how many axes depends on Hypothesis' version


@pytest.mark.parametrize("ndim", [0, 1, 2, 3])
def test_axes_are_taken_by_a_reduction(ndim):
    for axis in drawn(axes(ndim)):
        np.sum(np.zeros((2,) * ndim), axis=axis)


def test_axes_are_none_or_one_or_several_from_either_end():
    found = drawn(axes(2), 300)
    several = {axis for axis in found if isinstance(axis, tuple)}
    assert set(found) - several == {None, -2, -1, 0, 1}
    assert {(0, 1), (1, 0), (-1, 0), (-1, -2), (0,)} <= several
    assert set(drawn(axes(0))) == {None}


# Indices


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_index_works_on_an_array_and_a_tensor_of_the_shape(shape):
    x = np.arange(float(math.prod(shape))).reshape(shape)
    for index in drawn(indices(shape)):
        assert np.array_equal(Tensor(x)[index].data, x[index])


@functools.cache
def some_indices():
    """Indices of an array of shape (3, 2), each as the list of its parts."""
    found = drawn(indices((3, 2)), 300)
    return [list(index) if isinstance(index, tuple) else [index] for index in found]


def positions(parts):
    return [part for part in parts if isinstance(part, np.ndarray) and part.dtype == int]


def masks(parts):
    return [part.shape for part in parts if isinstance(part, np.ndarray) and part.dtype == bool]


KINDS = {
    "slice": lambda parts: any(isinstance(part, slice) for part in parts),
    "integer": lambda parts: any(isinstance(part, int) for part in parts),
    "new axis": lambda parts: any(part is None for part in parts),
    "ellipsis": lambda parts: any(p is Ellipsis for p in parts) and not positions(parts),
    "array of positions": lambda parts: len(positions(parts)) == len(parts) == 1,
    "matrix of positions": lambda parts: any(each.ndim == 2 for each in positions(parts)),
    "positions on the last axis": lambda parts: parts[0] is Ellipsis and positions(parts),
    "positions on each axis": lambda parts: len(positions(parts)) == 2,
    "repeats": lambda parts: any(len(set(each.flat)) < each.size for each in positions(parts)),
    "negatives": lambda parts: any(np.any(each < 0) for each in positions(parts)),
    "no positions": lambda parts: any(each.size == 0 for each in positions(parts)),
    "mask of rows": lambda parts: masks(parts) == [(3,)],
    "mask of entries": lambda parts: masks(parts) == [(3, 2)],
}


@pytest.mark.parametrize("kind", KINDS)
def test_indices_of_each_kind_occur(kind):
    assert len([parts for parts in some_indices() if KINDS[kind](parts)]) >= 3


# Arrays


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("bulk", [False, True])
def test_arrays_have_the_shape_are_float64_and_hold_no_entry_twice(shape, bulk):
    for array in drawn(arrays(shape, bulk=bulk)):
        assert isinstance(array, np.ndarray)
        assert array.shape == shape
        assert array.dtype == np.float64
        assert len(set(entries([array]))) == array.size


def test_length_may_stand_for_a_shape_and_so_may_a_strategy():
    assert {array.shape for array in drawn(arrays(4))} == {(4,)}
    for bulk in (False, True):
        found = drawn(arrays(shapes(), bulk=bulk))
        assert {array.ndim for array in found} == {0, 1, 2, 3}
        assert any(array.size == 0 for array in found)


def test_entries_are_never_zero_and_lie_on_both_sides_of_it():
    found = entries(drawn(arrays((2, 3))))
    assert 0 not in found
    assert 0.3 < np.mean(np.array(found) > 0) < 0.7


def test_entries_are_a_step_apart_or_more():
    assert all(np.diff(np.sort(x, axis=None)).min() >= 1 / 8 for x in drawn(arrays((3, 3))))


@pytest.mark.parametrize("size", [48, 49, 200, 1000])
def test_grid_holds_as_many_entries_as_the_array_needs(size):
    found = drawn(arrays(size), 5)
    assert all(len(set(array.tolist())) == size for array in found)
    assert np.min(found) < -size / 16  # it has grown to either side


def test_arrays_shrink_to_small_numbers():
    assert simplest(arrays((2, 2))).tolist() == [[0.0625, 0.1875], [0.3125, 0.4375]]
    assert simplest(arrays(3), lambda x: x[1] < 0).tolist() == [0.0625, -0.0625, 0.1875]
    assert simplest(arrays(shapes()), lambda x: x.size > 1).tolist() == [0.0625, 0.1875]


def test_bulk_gives_other_numbers_for_each_seed():
    firsts = [array[0] for array in drawn(arrays(2, bulk=True))]
    assert len(set(firsts)) > len(firsts) / 2
    assert min(firsts) < -1 < 1 < max(firsts)


def test_distinct_arrays_have_no_ties_between_them():
    for group in drawn(distinct((2, 3), (), 3, (0, 2))):
        assert [array.shape for array in group] == [(2, 3), (), (3,), (0, 2)]
        assert {array.dtype for array in group} == {np.dtype(np.float64)}
        assert len(set(entries(group))) == len(entries(group)) == 10
        assert 0 not in entries(group)
    assert drawn(distinct())[0] == []


def test_tensors_are_leaves_with_a_name_and_without_ties():
    for tensor in drawn(tensors((2, 2), name="w")):
        assert isinstance(tensor, Tensor)
        assert (tensor.function, tensor.name, tensor.shape) == (None, "w", (2, 2))
        assert len(set(entries([tensor.data]))) == 4
    assert simplest(tensors(shapes())).name is None


# Batches and programs


def test_batches_have_three_to_six_samples_and_one_to_three_features():
    sizes = np.array([x.shape for x in drawn(batches())])
    assert (set(sizes[:, 0]), set(sizes[:, 1])) == ({3, 4, 5, 6}, {1, 2, 3})
    sizes = np.array([x.shape for x in drawn(batches(2, 4, max_features=1))])
    assert (set(sizes[:, 0]), set(sizes[:, 1])) == ({2, 3, 4}, {1})


def test_feature_is_constant_only_when_asked_for():
    assert {flat_features(x) for x in drawn(batches())} == {0}
    found = drawn(batches(constant=True))
    assert min(flat_features(x) for x in found) == 1
    assert {flat_features(x) for x in found if x.shape[1] == 3} == {1, 2, 3}


def test_batches_come_from_the_grid_and_shrink():
    for x in drawn(batches()):
        assert len(set(entries([x]))) == x.size
        assert np.all(x * 16 % 2 == 1)
    assert simplest(batches()).tolist() == [[0.0625], [0.1875], [0.3125]]
    assert simplest(batches(constant=True)).tolist() == [[0.0625]] * 3


@given(batches())
def test_example_at_the_top_of_the_module_holds(x):
    _, centered, var = moments(x)
    assert np.allclose(normalize(centered, var).mean(0), 0)


def test_program_shrinks_to_the_lines_that_matter():
    least = simplest(programs(6), lambda one: "np.tanh" in str(one))
    assert len(least.statements) <= 2, least


def test_programs_have_up_to_max_ops_operations():
    for most in (1, 4):
        found = drawn(programs(most))
        assert {len(one.statements) for one in found} == set(range(1, most + 1))
        assert len({str(one) for one in found}) > len(found) / 2


# Faults: what raises ArgumentError, and what it says

FAULTS = {
    "shapes: min_dims is -1; use an int of at least 0": lambda: shapes(min_dims=-1),
    "shapes: max_dims is 3; use an int of at least 4, which is min_dims": lambda: shapes(4),
    "broadcastable: count is 0; use an int of at least 1": lambda: broadcastable(0),
    "axes: ndim is (2, 3); use an int of at least 0": lambda: axes((2, 3)),
    "indices: a shape is an int or a tuple of them": lambda: indices("x"),
    "arrays: a shape is an int or a tuple of them, such as (2, 3), got 't'": lambda: arrays("t"),
    "arrays: 2500 entries are more than the 1000": lambda: arrays((50, 50)),
    "ask for fewer, or for arrays(shape, bulk=True)": lambda: distinct(999, 2),
    "distinct: a shape is an int or a tuple of them": lambda: distinct((2,), [3]),
    "min_samples is 1; use an int of at least 2, as one row has no variance": lambda: batches(1),
    "batches: max_samples is 6; use an int of at least 8, which is min_samples": lambda: batches(8),
    "batches: max_features is 0; use an int of at least 1": lambda: batches(max_features=0),
    "batches: 1200 entries are more than the 1000": lambda: batches(3, 400),
    "programs: max_ops is 0; use an int of at least 1": lambda: programs(0),
}


@pytest.mark.parametrize("message", FAULTS)
def test_wrong_argument_is_named_at_the_call(message):
    with pytest.raises(errors.ArgumentError, match=re.escape(message)):
        FAULTS[message]()


@pytest.mark.parametrize("strategy", [indices, arrays, distinct, tensors], ids=lambda s: s.__name__)
def test_negative_length_is_named_at_the_call(strategy):
    with pytest.raises(errors.ShapeError, match=rf"{strategy.__name__}: shape \(2, -1\) has a neg"):
        strategy((2, -1))


def test_name_that_is_no_text_is_named_at_the_call():
    with pytest.raises(errors.DTypeError, match="a Tensor's name is text, got 3"):
        tensors(2, 3)


def test_arrays_of_wrong_shapes_from_a_strategy_are_named_when_drawn():
    with pytest.raises(errors.ShapeError, match="arrays: shape -1 has a negative length"):
        simplest(arrays(st.just(-1)))
