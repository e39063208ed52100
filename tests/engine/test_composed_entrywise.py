"""Functions of each entry where they have kinks, zeros, infinities and NaN."""

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, errors, formula

INF, NAN = np.inf, np.nan


def slopes(f, *arrays):
    """Return the value of f and its gradient for each array, None where none flows to it."""
    tensors = [Tensor(np.array(x, float)) for x in arrays]
    out = f(*tensors)
    out.backward(np.ones(out.shape))
    return out.data.tolist(), *(None if x.grad is None else x.grad.tolist() for x in tensors)


def second(f, x):
    """Return the second derivative of a function of one number."""
    x = Tensor(x)
    return mb.grad(mb.grad(f(x), [x], create_graph=True)[0], [x])[0].item()


def test_clip_halves_the_gradient_at_its_bounds():
    value, slope = slopes(lambda x: np.clip(x, -1, 1), [-2, -1, 0, 1, 2])
    assert value == [-1, -1, 0, 1, 1]
    assert slope == [0, 0.5, 1, 0.5, 0]


def test_the_bound_of_clip_takes_the_gradient_of_what_it_replaces():
    _, x, low, high = slopes(np.clip, [-2, 0, 2], [-1, -1, -1], [1, 1, 1])
    assert (x, low, high) == ([0, 1, 0], [1, 0, 0], [0, 0, 1])


def test_clip_is_given_its_bounds_once():
    with pytest.raises(errors.ArgumentError, match=r"np\.clip: the bounds are a_min and a_max, or"):
        np.clip(Tensor([1.0]), 0, 1, min=0)


def test_hypot_has_no_slope_at_the_origin_and_does_not_overflow():
    value, x, y = slopes(np.hypot, [0, 3e200, 3e-200, 3], [0, 4e200, 4e-200, 0])
    assert value == pytest.approx([0, 5e200, 5e-200, 3], rel=1e-15)
    assert (x, y) == (pytest.approx([0, 0.6, 0.6, 1]), pytest.approx([0, 0.8, 0.8, 0]))
    assert np.hypot(Tensor(INF), 1.0).item() == INF


def test_hypot_is_as_curved_where_its_operands_are_equal():
    assert second(lambda x: np.hypot(x, 2.0), 2.0) == pytest.approx(4 / 8**1.5)


def test_fmax_and_fmin_leave_out_nan_and_halve_a_tie():
    for function, larger in ((np.fmax, 1), (np.fmin, 0)):
        value, x, y = slopes(function, [NAN, 2, 3, 1, NAN], [1, NAN, 3, 2, NAN])
        np.testing.assert_array_equal(value, [1, 2, 3, 1 + larger, NAN])
        assert (x[:4], y[:4]) == ([0, 1, 0.5, 1 - larger], [1, 0, 0.5, larger])


def test_copysign_is_flat_at_0_and_sees_the_sign_of_0():
    value, x, y = slopes(np.copysign, [2, -2, 0, -3], [-0.0, 0.0, -1, -1])
    assert (value, x, y) == ([-2, 2, 0, -3], [-1, -1, 0, 1], None)


def test_remainders_go_on_evenly_through_0():
    for function in (np.remainder, np.fmod):
        assert slopes(function, [0, 0.5], [2, 2]) == ([0, 0.5], [1, 1], [0, 0])


def test_what_is_left_of_a_number_by_infinity_is_the_number_or_infinity():
    x, y = np.array([2.0, -2.0, -2.0, 2.0, 0.0]), np.array([INF, INF, -INF, -INF, INF])
    for function in (np.remainder, np.fmod):
        value, slope, _ = slopes(function, x, y)
        assert value == function(x, y).tolist()
        assert slope == [1] * 5


def test_the_two_remainders_have_the_signs_of_numpy():
    x, y = np.array([5.3, -5.3, 5.3, -5.3]), np.array([2.0, 2.0, -2.0, -2.0])
    for function, times in ((np.remainder, [2, -3, -3, 2]), (np.fmod, [2, -2, -2, 2])):
        value, by_x, by_y = slopes(function, x, y)
        assert value == pytest.approx(function(x, y).tolist(), rel=1e-14)
        assert (by_x, by_y) == ([1] * 4, [-n for n in times])


def test_divmod_and_modf_return_two_tensors():
    quotient, rest = np.divmod(Tensor([7.5, -7.5]), 2)
    assert (quotient.data.tolist(), rest.data.tolist()) == ([3, -4], [1.5, 0.5])
    fraction, whole = np.modf(Tensor([2.5, -2.5, INF]))
    assert (fraction.data.tolist(), whole.data.tolist()) == ([0.5, -0.5, 0], [2, -2, INF])


def test_sinc_is_flat_at_0_and_curved():
    assert slopes(np.sinc, [0.0, 1e-9]) == ([1, 1], pytest.approx([0, -(np.pi**2) / 3 * 1e-9]))
    assert second(np.sinc, 0.0) == pytest.approx(-(np.pi**2) / 3, rel=1e-14)


def test_sinc_and_its_slopes_go_on_evenly_where_the_polynomial_ends():
    edge = 0.1 / np.pi
    for order in (lambda x: np.sinc(Tensor(x)).item(), lambda x: second(np.sinc, x)):
        assert order(edge * (1 - 1e-9)) == pytest.approx(order(edge * (1 + 1e-9)), rel=1e-9)


def test_the_logarithm_of_nothing_and_nothing_shares_its_gradient():
    assert slopes(np.logaddexp2, -INF, -INF) == (-INF, 0.5, 0.5)


def test_ldexp_takes_integers():
    with pytest.raises(errors.DTypeError, match=r"np\.ldexp: the exponent is an integer"):
        np.ldexp(Tensor(1.0), 0.5)
    places = np.argmax(Tensor([[1.0, 2.0], [4.0, 3.0]]), axis=1)
    assert slopes(lambda x: np.ldexp(x, places), [3, 5]) == ([6, 5], [2, 1])


def test_a_number_takes_the_dtype_of_the_tensor_beside_it():
    x = Tensor(np.ones((2, 1), np.float32))
    for function in (np.hypot, np.remainder, np.fmod, np.copysign, np.fmax, np.logaddexp2):
        assert function(x, 2.5).dtype == function(2.5, x).dtype == np.float32
    assert np.geomspace(x, 4.0, 3).dtype == np.linspace(0, x, 3).dtype == np.float32


def test_a_line_ends_exactly_at_its_ends():
    start, stop = Tensor([0.1, 1e9]), Tensor([0.3, 1e-9])
    line = np.linspace(start, stop, 7)
    assert line[0].data.tolist() == start.data.tolist()
    assert line[-1].data.tolist() == stop.data.tolist()
    assert np.linspace(start, stop, 0).shape == (0, 2)


def test_what_cannot_be_a_line_says_why():
    x = Tensor([1.0, 2.0])
    with pytest.raises(errors.RangeError, match=r"np\.linspace: num=-1; the number of values"):
        np.linspace(x, 2, -1)
    with pytest.raises(errors.RangeError, match="axis 2 is out of"):
        np.linspace(x, 2, 3, axis=2)
    with pytest.raises(errors.RuleError, match=r"np\.linspace: retstep= cannot be composed"):
        np.linspace(x, 2, retstep=True)
    with pytest.raises(errors.ShapeError, match=r"shape \(0, 2\) has no row along axis 1"):
        np.apply_along_axis(np.sum, 1, Tensor(np.ones((0, 2))))


def test_where_and_out_are_refused_by_name():
    for key in ("where", "dtype", "casting"):
        with pytest.raises(errors.RuleError, match=f"np.tan: {key}= cannot be composed"):
            np.tan(Tensor([1.0]), **{key: None})


def test_compositions_of_entries_read_as_formulas():
    assert formula(np.tan, "x") == "sin(x) / cos(x)"
    assert formula(np.exp2, "x") == "2.0 ** x"
    assert formula(np.clip, "x", 0, 1) == "minimum(maximum(x, 0), 1)"
    assert formula(np.fmax, "x", "y") == "maximum(where(isnan(x), y, x), where(isnan(y), x, y))"
    assert formula(np.linspace, "a", "b", 3).endswith("· b")
