"""Polynomials, convolutions and interp: kinks and zeros, and what they say of mistakes."""

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, errors
from microbn.reading.tape import history

V = np.array([1.0, 2.0, 4.0])


def test_at_a_point_the_slope_of_interp_is_the_mean_of_both_sides():
    x = Tensor([0.0, 1.0, 3.0])
    np.interp(x, [0, 1, 3], [0.0, 4.0, 5.0]).backward(np.ones(3))
    np.testing.assert_allclose(x.grad, [2, 2.25, 0.25])  # beyond the ends the slope is 0


def test_at_a_point_interp_takes_the_value_of_that_point_alone():
    y = Tensor([0.0, 4.0, 5.0])
    out = np.interp(1.0, [0, 1, 3], y)
    out.backward()
    np.testing.assert_array_equal(y.grad, [0, 1, 0])


def test_interp_of_nan_and_infinity_has_the_values_of_numpy():
    x, points = np.array([np.nan, np.inf, -np.inf]), ([0, 1, 3], [2.0, 4.0, 5.0])
    np.testing.assert_array_equal(np.interp(Tensor(x), *points).data, np.interp(x, *points))
    np.testing.assert_array_equal(np.interp(Tensor(x[1:]), [1], [2.0]).data, [2, 2])


def test_interp_goes_up_a_step():
    x, points = np.array([0.5, 1.0, 1.5]), ([0, 1, 1, 2], [0.0, 1.0, 5.0, 6.0])
    np.testing.assert_array_equal(np.interp(Tensor(x), *points).data, np.interp(x, *points))


def test_beyond_the_ends_interp_has_no_slope():
    x, y = Tensor([-1.0, 4.0]), Tensor([0.0, 4.0, 5.0])
    np.interp(x, [0, 1, 3], y).backward(np.array([1.0, 10.0]))
    np.testing.assert_array_equal(x.grad, [0, 0])
    np.testing.assert_array_equal(y.grad, [1, 0, 10])


def test_a_polynomial_has_its_derivatives_at_0():
    p = [5.0, 4.0, 3.0, 2.0]
    assert mb.grad(np.polyval(p, x := Tensor(0.0)), [x])[0] == 3
    np.testing.assert_allclose(mb.hessian(lambda x: np.polyval(p, x), np.array(0.0)), 8)


def test_leading_zeros_of_a_product_stay_as_they_have_a_gradient():
    p = Tensor([0.0, 1.0])
    out = np.polymul(p, [2.0, 3.0])
    np.testing.assert_array_equal(out.data, [0, 2, 3])
    out.backward(np.array([1.0, 0.0, 0.0]))
    np.testing.assert_array_equal(p.grad, [2, 0])


def test_coefficients_may_be_a_list_of_tensors_and_numbers():
    a, b = Tensor(2.0, dtype=np.float32), Tensor(3.0, dtype=np.float32)
    out = np.polyval([a, 1, b], Tensor(2.0, dtype=np.float32))
    assert (out.item(), out.dtype) == (13, np.float32)


def test_a_polynomial_of_many_roots_is_made_pair_by_pair():
    def length(count):
        return len(history(np.poly(Tensor(np.arange(1.0, count + 1)))))

    assert length(32) - length(16) == length(16) - length(8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda v: np.convolve(v, v, "x"),
            "np.convolve: mode is 'full', 'same' or 'valid', got 'x'",
        ),
        (lambda v: np.correlate(v, v, ["full"]), "np.correlate: mode is 'full', 'same' or 'valid'"),
        (lambda v: np.convolve(v, v[:0]), "np.convolve: an array is empty; both need at least one"),
        (
            lambda v: np.convolve(v, np.eye(2)),
            "it takes vectors, got shape (2, 2); call it for each",
        ),
        (lambda v: np.polyder(v, -1), "np.polyder: m is an integer from 0 on, got -1"),
        (lambda v: np.polyint(v, 1.5), "np.polyint: m is an integer from 0 on, got 1.5"),
        (lambda v: np.polyint(v, 2, [1, 2, 3]), "2 integrations need 2 constants or one, got 3"),
        (lambda v: np.vander(v, -1), "np.vander: N is an integer from 0 on, got -1"),
        (lambda v: np.poly(np.outer(v, v)), "np.poly: it takes vectors, got shape (3, 3)"),
        (
            lambda v: np.interp(v, [0, 1], [1, 2, 3]),
            "np.interp: each point has one number in xp and ",
        ),
        (lambda v: np.interp(v, [1, 0], [1, 2]), "np.interp: xp must increase; sort the points"),
        (lambda v: np.interp(v, V, V, period=2), "np.interp: period= cannot be composed"),
    ],
)
def test_a_mistake_is_named_with_the_way_out(call, message):
    with pytest.raises(errors.MicrobnError) as caught:
        call(Tensor(V))
    assert message in str(caught.value)


ENDS = [
    ([0, 0, 2], [0.0, 1, 5]),
    ([0, 2, 2], [0.0, 5, 6]),
    ([0, 0, 1, 1, 2, 2, 2], [0.0, 1, 3, -2, 5, 7, 8]),
    ([1, 1], [2.0, 3]),
    ([0, 1, 2], [1, 2, np.inf]),
    ([0, 1, 2], [np.nan, 2, 1]),
]


@pytest.mark.parametrize(("xp", "fp"), ENDS)
def test_lines_between_points_go_where_numpy_goes_at_the_points_and_beyond(xp, fp):
    x = np.array([-1, 0, 1, 2, 3, *xp], float)
    for left, right in ((None, None), (7.0, 8.0)):
        right_values = np.interp(x, xp, fp, left, right)
        for points in ((xp, fp), (Tensor(np.array(xp, float)), Tensor(np.array(fp, float)))):
            found = np.interp(Tensor(x), *points, left, right)
            np.testing.assert_array_equal(found.data, right_values)


def test_a_slope_beyond_the_points_is_0_and_at_a_point_that_of_both_sides():
    x, fp = Tensor([-1.0, 0.0, 1.0, 2.0, 3.0]), Tensor([1.0, 2.0, 5.0])
    g = np.array([1.0, -2, 0.5, 4, 3])
    dx, dfp = mb.grad(np.interp(x, [0.0, 1, 2], fp), [x, fp], g)
    assert dx.tolist() == (g * [0, 0.5, 2, 1.5, 0]).tolist()
    assert dfp.tolist() == [-1, 0.5, 7]
    dx, dfp = mb.grad(np.interp(x, [0.0, 0, 2], fp), [x, fp], g)
    assert (dx[[0, 2, 4]].tolist(), dfp.tolist()) == ([0, 0.75, 0], [1, -1.75, 7.25])


def test_a_constant_polynomial_of_nan_is_nan():
    x = np.array([np.nan, 2.0])
    for p in ([3.0], Tensor([3.0])):
        found = np.polyval(p, t := Tensor(x))
        np.testing.assert_array_equal(found.data, np.polyval([3.0], x))
        assert mb.grad(found, t, [1.0, 4.0])[1] == 0
    assert mb.grad(np.polyval(p, 2.0), p).tolist() == [1]
