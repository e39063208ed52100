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


REMAINDERS = (np.remainder, np.fmod)


def test_remainders_go_on_evenly_through_0():
    for function in REMAINDERS:
        assert slopes(function, [0, -0.0, 0.5], [2, 2, 2]) == ([0, 0, 0.5], [1] * 3, [0] * 3)


def test_the_remainder_by_infinity_is_the_number_or_infinity_and_has_slopes():
    x, y = np.array([2.0, -2.0, -2.0, 2.0, 0.0]), np.array([INF, INF, -INF, -INF, INF])
    for function, by_y in ((np.remainder, [0, 1, 0, 1, 0]), (np.fmod, [0] * 5)):
        assert slopes(function, x, y) == (function(x, y).tolist(), [1] * 5, by_y)


def test_the_two_remainders_have_the_signs_of_numpy():
    x, y = np.array([5.3, -5.3, 5.3, -5.3]), np.array([2.0, 2.0, -2.0, -2.0])
    for function, times in ((np.remainder, [2, -3, -3, 2]), (np.fmod, [2, -2, -2, 2])):
        value, by_x, by_y = slopes(function, x, y)
        assert value == function(x, y).tolist()
        assert (by_x, by_y) == ([1] * 4, [-n for n in times])


SIZES = [0, 1e-320, 1e-20, 0.1, 0.3, 1, 3, 7.5, 1e16, 1e300, INF, NAN]
ENDS = np.array([sign * size for size in SIZES for sign in (1, -1)])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "function", [*REMAINDERS, np.divmod, np.copysign], ids=lambda f: f.__name__
)
def test_remainders_have_the_bits_of_numpy(function, dtype):
    x, y = ENDS.astype(dtype)[:, None], ENDS.astype(dtype)
    for one, other in ((Tensor(x), Tensor(y)), (Tensor(x), y), (x, Tensor(y))):
        for found, right in zip(both(function(one, other)), both(function(x, y)), strict=True):
            assert_same(found, right)


def both(result):
    return result if isinstance(result, tuple) else (result,)


def assert_same(found, right):
    """Compare the values, dtypes and signs of zeros. A NaN has no sign."""
    np.testing.assert_array_equal(found.data, right, strict=True)
    number = ~np.isnan(right)
    assert (np.signbit(found.data) == np.signbit(right))[number].all()


INTEGERS = [np.array([-128, 127, 3, 0]).astype(kind) for kind in ("b", "B", "i8", "u8", bool)]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("whole", [*INTEGERS, 3, -2, True, np.uint8(3)])
def test_integers_beside_a_tensor_count_as_floats(whole, dtype):
    x = np.array([5.5, -3.2, 4.0, 1.0], dtype)
    for function in (*REMAINDERS, np.copysign, np.hypot, np.logaddexp2):
        for found, right in (
            (function(whole, Tensor(x)), function(whole, x)),
            (function(Tensor(x), whole), function(x, whole)),
        ):
            exact = function not in (np.hypot, np.logaddexp2)
            np.testing.assert_allclose(found.data, right, rtol=0 if exact else 1e-6, strict=True)


def test_remainders_of_scalars_are_those_of_the_array():
    x, y = np.array([5.3, -5.3, 7.0]), np.array([2.0, -3.0, -2.0])
    for function in REMAINDERS:
        found = [entry.item() for entry in function(mb.scalars(x), mb.scalars(y))]
        assert found == function(x, y).tolist()


def test_divmod_and_modf_return_two_tensors():
    quotient, rest = np.divmod(Tensor([7.5, -7.5]), 2)
    assert (quotient.data.tolist(), rest.data.tolist()) == ([3, -4], [1.5, 0.5])
    fraction, whole = np.modf(Tensor([2.5, -2.5, INF]))
    assert (fraction.data.tolist(), whole.data.tolist()) == ([0.5, -0.5, 0], [2, -2, INF])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_heaviside_has_a_slope_in_what_is_given_for_0_and_nowhere_else(dtype):
    x = np.array([-INF, -2, -0.0, 0.0, 3, INF, np.nan], dtype)
    for h in (np.arange(7, dtype=dtype), 0.25, 2, [1, 2, 3, 4, 5, 6, 7]):
        right = np.heaviside(x, h)
        np.testing.assert_array_equal(np.heaviside(Tensor(x), h).data, right, strict=True)
    h, g = Tensor(np.full(7, 0.5, dtype)), np.random.default_rng(1).normal(size=7).astype(dtype)
    dx, dh = mb.grad(np.heaviside(t := Tensor(x), h), [t, h], g)
    assert (dx.tolist(), dh.tolist()) == ([0] * 7, (g * (x == 0)).tolist())
    assert mb.grad(np.heaviside(0.0, n := Tensor(0.5)), n) == 1


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
    for function in (
        np.hypot,
        np.remainder,
        np.fmod,
        np.copysign,
        np.fmax,
        np.logaddexp2,
        np.heaviside,
    ):
        assert function(x, 2.5).dtype == function(2.5, x).dtype == np.float32


def test_where_and_out_are_refused_by_name():
    for key in ("where", "dtype", "casting"):
        with pytest.raises(errors.RuleError, match=f"np.tan: {key}= cannot be composed"):
            np.tan(Tensor([1.0]), **{key: "unsafe"})


def test_compositions_of_entries_read_as_formulas():
    assert formula(np.tan, "x") == "sin(x) / cos(x)"
    assert formula(np.exp2, "x") == "2.0 ** x"
    assert formula(np.clip, "x", 0, 1) == "minimum(maximum(x, 0), 1)"
    assert formula(np.fmax, "x", "y") == "maximum(where(isnan(x), y, x), where(isnan(y), x, y))"


def test_a_length_with_an_infinite_side_is_infinite_even_beside_nan():
    x, y = np.array([INF, -INF, np.nan, np.nan, 3]), np.array([np.nan, 1, -INF, 2, 4])
    for dtype in (np.float32, np.float64):
        a, b = x.astype(dtype), y.astype(dtype)
        np.testing.assert_array_equal(np.hypot(Tensor(a), b).data, np.hypot(a, b), strict=True)
