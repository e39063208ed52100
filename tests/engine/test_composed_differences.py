"""Differences, slopes, areas and unwrapped angles: their edges, and what they refuse."""

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, grad
from microbn.errors import ArgumentError, RangeError, ShapeError

NAN = np.nan
x = Tensor(np.arange(12.0).reshape(4, 3))


@pytest.mark.parametrize(
    ("values", "keys"),
    [
        ([0.0, 4.0, 8.0, 1.0], {}),
        ([0.0, np.pi, 0.0, -np.pi, 0.0], {}),  # half a turn stays as it is
        ([0.0, 1.0, 2.0, 1.0, -1.0], {"period": 2}),
        ([0.0, 1.0, 3.0, 0.0], {"period": 2, "discont": 1.5}),
    ],
)
def test_an_unwrapped_angle_moves_with_the_angle(values, keys):
    angle = Tensor(values)
    unwrapped = np.unwrap(angle, **keys)
    np.testing.assert_allclose(unwrapped.data, np.unwrap(values, **keys), atol=1e-12)
    cotangent = np.arange(1.0, len(values) + 1)
    np.testing.assert_array_equal(grad(unwrapped, angle, cotangent=cotangent), cotangent)


def test_a_nan_does_not_reach_the_slope_at_its_own_place():
    values = np.array([1.0, NAN, 2.0, 5.0, 3.0])
    np.testing.assert_array_equal(np.gradient(Tensor(values)).data, np.gradient(values))


def test_the_slope_of_a_line_is_its_own_on_any_grid():
    places = Tensor([0.0, 0.1, 0.5, 2.0])
    for order in (1, 2):
        slope = np.gradient(3 * places + 1, places, edge_order=order)
        np.testing.assert_allclose(slope.data, 3)
        np.testing.assert_allclose(grad(np.sum(slope * slope), places), 0, atol=1e-12)


def test_the_slopes_of_several_axes_are_a_tuple():
    slopes = np.gradient(x, 0.5, [0, 1, 3])
    assert isinstance(slopes, tuple)
    for found, expected in zip(slopes, np.gradient(x.data, 0.5, [0, 1, 3]), strict=True):
        np.testing.assert_allclose(found.data, expected)


def test_numbers_put_before_and_after_leave_float32_as_it_is():
    x = Tensor(np.ones((2, 3), np.float32))
    assert np.diff(x, prepend=1.0, append=[[1], [2]]).dtype == np.float32
    assert np.ediff1d(x, to_begin=np.ones(2), to_end=2).dtype == np.float32
    assert np.trapezoid(x, dx=0.1).dtype == np.float32
    assert np.gradient(x, np.array([0.0, 1.0, 3.0]), axis=1).dtype == np.float32
    assert np.unwrap(x).dtype == np.float32


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: np.diff(x, n=-1), RangeError, "n=-1 is below 0"),
        (lambda: np.diff(x, axis=2), RangeError, "axis 2 is out of range"),
        (lambda: np.diff(Tensor(1.0)), RangeError, "a 0-d tensor has no axes"),
        (lambda: np.gradient(x, 1, 2, 3), ShapeError, "3 spacings for 2 axes"),
        (lambda: np.gradient(x, [1, 2], axis=0), ShapeError, r"shape \(2,\) for 4 values"),
        (lambda: np.gradient(x, edge_order=3), ArgumentError, "neither 1 nor 2"),
        (lambda: np.gradient(x[:1]), ShapeError, "1 values along an axis"),
        (lambda: np.gradient(x[:2], edge_order=2, axis=0), ShapeError, "edge_order=2 needs more"),
        (lambda: np.trapezoid(x, [1, 2, 3, 4]), ShapeError, "do not broadcast"),
    ],
)
def test_what_cannot_be_is_said(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_difference_reads_as_words():
    assert mb.formula(np.diff, "x") == "x[:, 1:] - x[:, :-1]"
    assert mb.formula(np.ediff1d, "x") == "reshape(x, -1)[1:] - reshape(x, -1)[:-1]"


def test_a_number_beside_whole_numbers_keeps_its_fraction():
    places = np.argmax(Tensor([[1.0, 2.0], [3.0, 1.0]]), axis=1)
    assert np.diff(places, prepend=2.5).data.tolist() == [-1.5, -1]
    assert np.ediff1d(places, to_begin=2.5).data.tolist() == [2.5, -1]
    assert np.ediff1d(2, to_begin=Tensor([1.0])).data.tolist() == [1]
