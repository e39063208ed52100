"""Entries chosen: only those chosen get a gradient, and each as often as it is chosen."""

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, errors, formula

ROW, X = Tensor([1.0, 2.0, 3.0]), Tensor(np.arange(6.0).reshape(2, 3))


def gradient(function, values):
    x = Tensor(values)
    np.sum(function(x)).backward()
    return x.grad


def test_an_entry_that_is_chosen_twice_gets_both_gradients():
    taken = gradient(lambda x: np.take(x, [0, 0, -1]) * [1.0, 2.0, 4.0], [5.0, 6.0, 7.0])
    np.testing.assert_array_equal(taken, [3, 0, 4])


def test_a_condition_on_the_values_chooses_the_entries_that_get_a_gradient():
    values = [[1.0, -2.0], [-3.0, 4.0]]
    np.testing.assert_array_equal(gradient(lambda x: np.extract(x > 0, x), values), np.eye(2))
    chosen = gradient(lambda x: np.compress(x[0] > 0, x, axis=1), values)
    np.testing.assert_array_equal(chosen, [[1, 0], [1, 0]])


def test_the_first_condition_that_holds_gets_the_gradient():
    x, y = Tensor([1.0, -1.0, 3.0]), Tensor([4.0, 5.0, 6.0])
    np.sum(np.select([x > 2, x > 0], [x, y], -1)).backward()
    np.testing.assert_array_equal(x.grad, [0, 0, 1])
    np.testing.assert_array_equal(y.grad, [1, 0, 0])


def test_numbers_to_choose_from_do_not_widen_float32():
    x = Tensor(np.array([1, -1], np.float32))
    assert np.select([x > 2, x > 0], [1.5, 2], x).dtype == np.float32
    assert np.select([x > 2, x > 0, x < 0], [x, 1.5, 2]).dtype == np.float32
    assert np.choose([0, 1], [2.5, x]).dtype == np.float32
    assert np.piecewise(x, [x > 0], [lambda v: v * np.array([2.0]), 1.5]).dtype == np.float32


def test_each_piece_is_computed_only_where_its_condition_holds():
    values = [-1.0, 0.0, 2.0]
    found = gradient(lambda x: np.piecewise(x, [x > 0], [np.log, 0]), values)
    np.testing.assert_array_equal(found, [0, 0, 0.5])
    np.testing.assert_array_equal(
        gradient(lambda x: np.piecewise(x, [x >= 0], [np.square]), values), [0, 0, 4]
    )


def test_the_last_condition_that_holds_says_which_piece_counts():
    found = gradient(
        lambda x: np.piecewise(x, [x > 0, x > 1], [np.exp, lambda v: 3 * v]), [0.0, 2.0]
    )
    np.testing.assert_array_equal(found, [0, 3])


def test_a_function_without_entries_is_not_called():
    def never(v):
        raise AssertionError

    np.testing.assert_array_equal(
        np.piecewise(ROW, [ROW > 9], [never, np.negative]).data, -ROW.data
    )


def test_conditions_can_be_the_rows_of_an_array():
    masks = np.array([[True, False, False], [False, True, False]])
    found = np.piecewise(ROW, masks, [np.negative, 7, 8])
    np.testing.assert_array_equal(found.data, [-1, 7, 8])
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(
        np.piecewise(X, X > 2, [np.negative]).data, np.where(x > 2, -x, 0)
    )


def test_only_zeros_at_the_ends_are_left_out():
    found = gradient(lambda x: np.trim_zeros(x), [0.0, 3.0, 0.0, 4.0, 0.0])
    np.testing.assert_array_equal(found, [0, 1, 1, 1, 0])


def test_constants_are_chosen_by_a_recorded_index():
    table = np.array([10.0, 20.0, 30.0])
    best = np.argmax(X, axis=1)
    np.testing.assert_array_equal(np.take_along_axis(table, best, 0).data, [30, 30])
    np.testing.assert_array_equal(np.compress(ROW > 1, [10.0, 20.0, 30.0]).data, [20, 30])
    np.testing.assert_array_equal(np.take(ROW, best + 2, mode="clip").data, [3, 3])
    np.testing.assert_array_equal(np.take(ROW, best + 2, mode="wrap").data, [2, 2])


def test_a_condition_of_one_size_chooses_whatever_its_form():
    for condition in ([1, 0, 1], (True, False, True), np.array([2.0, 0.0, 1.0])):
        np.testing.assert_array_equal(np.compress(condition, ROW).data, [1, 3])


@pytest.mark.parametrize(
    ("function", "operands", "words"),
    [
        (np.take, ("x", [0, 1], 1), "x[:, [0, 1]]"),
        (np.take, ("x", "i"), "reshape(x, -1)[i]"),
        (np.select, (["c", "d"], ["x", "y"]), "where(c, x, where(d, y, 0))"),
        (np.choose, ("i", ["x", "y"]), "select([i == 0, i == 1], [x, y])"),
    ],
)
def test_a_composition_reads_as_words(function, operands, words):
    assert formula(function, *operands) == words


REFUSED = [
    (lambda: np.take(X, 6), errors.RangeError, "index 6 is out of bounds"),
    (lambda: np.take(X, [0.5]), errors.RangeError, "integer"),
    (lambda: np.take(X, [True, False]), errors.RangeError, r"np.take: .* x\[mask\]"),
    (lambda: np.take(X, 0, 2), errors.RangeError, "axis 2 is out of range"),
    (lambda: np.take(X, 0, mode="nearest"), errors.ArgumentError, "not 'nearest'"),
    (lambda: np.take_along_axis(X, np.array([0]), 0), errors.ShapeError, "need 2 axes"),
    (lambda: np.take_along_axis(X, X > 0, 0), errors.RangeError, r"x\[mask\]"),
    (lambda: np.compress([[True]], X), errors.ShapeError, "a condition has one axis"),
    (lambda: np.compress([True] * 4, X, axis=1), errors.RangeError, "boolean index"),
    (lambda: np.delete(X, 2, axis=0), errors.RangeError, "index 2 is out of bounds"),
    (lambda: np.trim_zeros(X, "x"), errors.ArgumentError, "'f', 'b' or 'fb', not 'x'"),
    (lambda: np.select([X > 0], [X, X]), errors.ShapeError, "1 conditions do not choose from 2"),
    (lambda: np.choose([0, 2, 0], [ROW, ROW]), errors.RangeError, "2 choices, numbered from 0"),
    (lambda: np.choose([0, -1, 0], [ROW, ROW]), errors.RangeError, "2 choices, numbered from 0"),
    (lambda: np.choose(np.argmax(X, axis=1), [ROW[:2]]), errors.RangeError, "1 choices"),
    (
        lambda: np.apply_along_axis(np.sum, 1, X[:0]),
        errors.ShapeError,
        r"shape \(0, 3\) has no row along axis 1",
    ),
    (lambda: np.piecewise(X, [X > 0], [1, 2, 3]), errors.ArgumentError, "do not go with 3"),
    (
        lambda: mb.compile(lambda x: np.sum(np.extract(x > 0, x)), ROW),
        errors.ShapeError,
        r"the shape of x\[mask\] depends on values",
    ),
]


@pytest.mark.parametrize(("call", "error", "words"), REFUSED)
def test_what_cannot_be_composed_is_refused_by_name(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_condition_may_be_longer_than_the_axis_if_it_chooses_nothing_there():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    for condition in ([True, False, False], np.array([0, 1, 0, 0]), Tensor([0.0, 1.0, 0.0])):
        mask = np.asarray(getattr(condition, "data", condition)).astype(bool)
        found = np.compress(condition, x, axis=1)
        np.testing.assert_array_equal(found.data, np.compress(mask, x.data, axis=1))
        slope = mb.grad(found, x, [[5.0], [7.0]])
        np.testing.assert_array_equal(slope, [[5.0], [7.0]] * mask[:2])
    with pytest.raises(errors.RangeError, match=r"np\.compress"):
        np.compress([True, False, True], x, axis=1)
