"""Sorted values, medians and quantiles: at ties, at NaN, at the first and the last level."""

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, grad, scalars
from microbn.errors import ArgumentError, RangeError, RuleError, ShapeError
from microbn.reading.scalars import values_of

NAN = np.nan
x = Tensor(np.arange(12.0).reshape(4, 3))


@pytest.mark.parametrize(
    ("function", "values", "expected"),
    [
        (np.median, [4.0, 1.0, 3.0, 2.0], [0, 0, 0.5, 0.5]),
        (np.median, [4.0, 1.0, 3.0], [0, 0, 1]),
        (np.median, [2.0, 2.0], [0.5, 0.5]),
        (np.nanmedian, [4.0, NAN, 1.0, 3.0, 2.0], [0, 0, 0, 0.5, 0.5]),
        (np.nanmedian, [4.0, NAN, 1.0, 3.0], [0, 0, 0, 1]),
        (lambda x: np.quantile(x, 0), [4.0, 1.0, 3.0], [0, 1, 0]),
        (lambda x: np.quantile(x, 1), [4.0, 1.0, 3.0], [1, 0, 0]),
        (lambda x: np.quantile(x, 0.25), [4.0, 1.0, 3.0], [0, 0.5, 0.5]),
        (lambda x: np.percentile(x, 75, method="lower"), [4.0, 1.0, 3.0], [0, 0, 1]),
        (lambda x: np.nanquantile(x, 0.25), [4.0, NAN, 1.0, 3.0], [0, 0, 0.5, 0.5]),
        (lambda x: np.sort(x) * [1, 2, 3], [4.0, 1.0, 3.0], [3, 1, 2]),
    ],
)
def test_the_gradient_goes_to_the_entries_that_were_chosen(function, values, expected):
    x = Tensor(values)
    np.testing.assert_allclose(grad(np.sum(function(x)), x), expected, atol=1e-15)


def test_of_equal_entries_each_gets_one_place():
    x = Tensor([2.0, 1.0, 2.0, 2.0])
    gradient = grad(np.sort(x), x, cotangent=np.array([1.0, 2.0, 3.0, 4.0]))
    assert gradient[1] == 1
    assert sorted(gradient) == [1, 2, 3, 4]


@pytest.mark.parametrize("function", [np.median, lambda x, **keys: np.quantile(x, 0.3, **keys)])
def test_where_there_is_a_nan_it_is_the_result_as_in_numpy(function):
    values = np.array([[1.0, NAN, 2.0], [3.0, 1.0, 2.0], [9.0, 0.0, -4.0]])
    found, boxes = function(Tensor(values), axis=1), function(scalars(values), axis=1)
    np.testing.assert_allclose(found.data, function(values, axis=1))
    np.testing.assert_allclose(values_of(boxes).astype(float), function(values, axis=1))
    assert np.isnan(function(Tensor(values)).data)


@pytest.mark.parametrize("function", [np.nanmedian, lambda x, axis: np.nanquantile(x, 0.3, axis)])
def test_of_nothing_but_nan_the_result_is_nan(function):
    found = function(Tensor([[NAN, NAN], [2.0, NAN]]), 1).data
    np.testing.assert_array_equal(found, [NAN, 2])


def test_the_slope_by_the_level_is_that_between_two_neighbours():
    values, level = np.array([1.0, 4.0, 2.0]), Tensor(0.25)
    quantile = np.quantile(values, level)
    assert quantile.item() == 1.5
    assert grad(quantile, level) == 2.0  # the level passes from 1 to 2 in half of 1
    assert grad(np.percentile(values, level * 100), level) == pytest.approx(2.0)


def test_a_partition_has_the_smaller_entries_before_the_larger():
    values = np.random.default_rng(6).permutation(50) / 4
    x = Tensor(values)
    parts = np.partition(x, 20)
    np.testing.assert_array_equal(np.sort(parts.data[:20]), np.sort(values)[:20])
    np.testing.assert_array_equal(np.sort(parts.data[20:]), np.sort(values)[20:])
    assert parts.data[20] == 5
    np.testing.assert_array_equal(grad(np.sum(parts * parts), x), 2 * values)


def test_the_order_is_found_anew_for_other_values_of_a_compiled_program():
    x = np.array([[3.0, 1.0, 2.0], [5.0, 6.0, 4.0]])
    program = mb.compile(lambda x: np.sum(np.median(x, axis=1) * [1.0, 2.0]), Tensor(x))
    other = x[:, ::-1].copy()
    value, (gradient,) = program(other)
    assert value == 2 + 10
    np.testing.assert_array_equal(gradient, [[1, 0, 0], [0, 0, 2]])


def test_the_level_leaves_float32_as_it_is():
    x = Tensor(np.array([1, 3, 2], np.float32))
    for level in (0.3, [0.3, 0.7], np.array([0.3]), np.float64(0.3), Tensor(0.3)):
        assert np.quantile(x, level).dtype == np.float32


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: np.quantile(x, 1.2), RangeError, "q=.*1.2.* is outside 0 to 1"),
        (lambda: np.percentile(x, [3, 101]), RangeError, "outside 0 to 100"),
        (lambda: np.quantile(x, Tensor(-0.1)), RangeError, "outside 0 to 1"),
        (
            lambda: np.quantile(x, 0.5, method="mean"),
            ArgumentError,
            "none of inverted_cdf, ",
        ),
        (lambda: np.quantile(x, 0.5, weights=[1, 2]), RuleError, "weights= cannot be composed"),
        (lambda: np.median(x[:0]), ShapeError, r"shape \(0, 3\) has no values to order"),
        (lambda: np.nanquantile(x[:0], 0.5), ShapeError, "has no values to order"),
        (lambda: np.median(x, axis=2), RangeError, "axis 2 is out of range"),
        (lambda: np.sort(Tensor(1.0)), RangeError, "a 0-d tensor has no axes"),
        (lambda: np.sort(x, order="name"), RuleError, "order= cannot be composed"),
        (lambda: np.partition(x, 9), ShapeError, "kth"),
    ],
)
def test_what_cannot_be_is_said(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_order_reads_as_words():
    assert mb.formula(np.sort, "x") == "take_along_axis(x, argsort(x, axis=-1), axis=-1)"
    row = Tensor([3.0, 1.0, 2.0], "x")
    assert "mean(sort(x, axis=0)[1:2], axis=0)" in mb.formula(np.median, row, axis=0)
