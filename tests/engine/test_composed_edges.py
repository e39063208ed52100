"""Arrays that are empty or hold a single number: NumPy's values, gradients, and errors."""

import warnings

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, errors
from microbn.testing import assert_gradients

RNG = np.random.default_rng(9)


def called(call, *shapes):
    """Return a call as a function of x and y, and arrays of these shapes for it."""
    names = "x, y"[: 3 * len(shapes) - 2]
    arrays = [np.array(RNG.uniform(0.5, 2, shape)) for shape in shapes]
    return eval(f"lambda {names}: {call}", {"np": np}), arrays


def assert_as_numpy(call, *shapes):
    f, arrays = called(call, *shapes)
    for dtype in (np.float64, np.float32):
        values = [np.asarray(x, dtype)[()] for x in arrays]
        found = f(*map(Tensor, values))
        with warnings.catch_warnings(action="ignore"):  # NumPy warns of a mean of nothing
            right = np.asarray(f(*values), dtype)  # a covariance of float32 is one here
        np.testing.assert_allclose(found.data, right, rtol=1e-6, strict=True)
    if found.size:
        assert_gradients(f, *arrays)


# NumPy takes a single number for a row where it sums, multiplies, takes or repeats.
LONE = [
    *(f"np.{name}(x, axis={axis})" for name in ("sum", "max", "min", "cumsum") for axis in (0, -1)),
    *(
        "np.prod(x, axis=0)",
        "np.prod(x, axis=-1, initial=2.5)",
        "np.prod(x, axis=0, keepdims=True)",
    ),
    *("np.nanprod(x, axis=-1)", "np.nansum(x, axis=0)", "np.cumprod(x, axis=0)"),
    *("np.cumprod(x, axis=-1)", "np.cumprod(x)", "np.cumulative_prod(x)", "np.cumulative_sum(x)"),
    *(
        "np.cumulative_prod(x, include_initial=True)",
        "np.repeat(x, 3, axis=0)",
    ),
    *("np.take(x, [0, 0], axis=0)", "np.take(x, 0, axis=-1)", "np.compress([True], x, axis=-1)"),
    "np.sum(x, axis=0, keepdims=True)",
]


@pytest.mark.parametrize("call", LONE)
def test_a_single_number_has_a_first_and_a_last_axis_where_numpy_says_so(call):
    assert_as_numpy(call, ())


NO_AXIS = [
    *("np.mean(x, axis=0)", "np.mean(x, axis=-1, keepdims=True)", "np.var(x, axis=0)"),
    *("np.std(x, axis=-1)", "np.average(x, axis=0)", "np.median(x, axis=0)"),
    *("np.linalg.vector_norm(x, axis=-1, ord=1)", "np.linalg.vector_norm(x, axis=0)"),
    *("np.linalg.vector_norm(x, axis=0, ord=np.inf)", "np.linalg.norm(x, 1, axis=0)"),
    *("np.prod(x, axis=1)", "np.cumprod(x, axis=1)", "np.sum(x, axis=1)", "np.take(x, 0, axis=1)"),
    *("np.delete(x, 0, axis=0)", "np.flip(x, axis=0)"),
]


@pytest.mark.parametrize("call", NO_AXIS)
def test_a_single_number_has_no_other_axis(call):
    f, [x] = called(call, ())
    with pytest.raises(np.exceptions.AxisError):
        f(np.asarray(x))
    with pytest.raises(errors.RangeError, match="out of range for shape"):
        f(Tensor(x))


VECTORS = [
    *("np.vander(x)", "np.vander(x, 3)", "np.polyval(x, 2.0)", "np.polyder(x)", "np.polyint(x)"),
    *("np.correlate(x, [1.0])", "np.correlate([1.0], x)", "np.interp(0.5, x, x)"),
]


@pytest.mark.parametrize("call", VECTORS)
def test_a_single_number_is_no_vector(call):
    f, [x] = called(call, ())
    with pytest.raises((ValueError, TypeError)):
        f(np.asarray(x))
    with pytest.raises(
        errors.ShapeError, match=r"takes vectors, got shape \(\); write \[x\] for one"
    ):
        f(Tensor(x))


def test_a_single_number_is_no_matrix():
    with pytest.raises(errors.ShapeError, match=r"np\.linalg\.matrix_power: .*square.* shape \(\)"):
        np.linalg.matrix_power(Tensor(2.0), 1)


@pytest.mark.parametrize(
    ("call", "shape", "right"),
    [
        ("np.linalg.norm(x, np.inf)", (0,), ()),
        ("np.linalg.norm(x, np.inf, axis=0)", (0, 3), (3,)),
        ("np.linalg.norm(x, np.inf, axis=0)", (0, 0), (0,)),
        ("np.linalg.norm(x, 1)", (3, 0), ()),
        ("np.linalg.norm(x, 2)", (0, 3), ()),
        ("np.linalg.norm(x, 1, axis=(2, 0), keepdims=True)", (0, 2, 2), (1, 2, 1)),
        ("np.linalg.norm(x, 'nuc')", (0, 0), ()),
        ("np.linalg.norm(x, 0.5, axis=0)", (0, 2), (2,)),
        ("np.linalg.vector_norm(x, ord=np.inf, keepdims=True)", (2, 0), (1, 1)),
        ("np.linalg.matrix_norm(x, ord=np.inf)", (2, 0, 2), (2,)),
    ],
)
def test_the_largest_size_of_nothing_is_0(call, shape, right):
    f, [x] = called(call, shape)
    x = Tensor(x.astype(np.float32))
    np.testing.assert_array_equal(f(x).data, np.zeros(right, np.float32), strict=True)
    assert mb.grad(f(x), x, np.ones(right)).shape == shape


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_norm_of_an_order_below_0_is_infinite_for_nothing_and_0_for_a_0():
    for ord in (-1, -2, -0.5):
        assert np.linalg.norm(Tensor(np.ones(0)), ord).item() == np.inf
        assert np.linalg.norm(Tensor([0.0, 4.0]), ord).item() == 0
        assert np.linalg.norm(Tensor([2.0, 4.0]), ord).item() == np.linalg.norm([2.0, 4.0], ord)


def test_the_least_size_of_nothing_is_none():
    for call in ("np.linalg.norm(x, -np.inf)", "np.min(x)", "np.max(x)"):
        with pytest.raises(errors.ShapeError, match="is empty"):
            called(call, (0,))[0](Tensor(np.ones(0)))


EMPTY = [
    ("np.resize(x, (2, 3))", (0,)),
    ("np.resize(x, 2)", (0, 3)),
    ("np.resize(x, (0, 2))", (0,)),
    ("np.resize(x, 0)", (2,)),
    ("np.median(x, axis=-1)", (0, 0)),
    ("np.median(x, axis=1, keepdims=True)", (0, 0)),
    ("np.nanmedian(x, axis=0)", (0, 0)),
    ("np.cov(x)", (0, 3)),
    ("np.cov(x, fweights=[1, 3, 2])", (0, 0)),
    ("np.corrcoef(x)", (0, 3)),
    ("np.apply_along_axis(np.sum, 0, x)", (0, 3)),
    ("np.apply_along_axis(np.cumsum, 1, x)", (2, 0)),
    ("np.polymul(x, x[:0])", (2,)),
    ("np.polymul(x[:0], x)", (2,)),
    ("np.polymul(x, x)", (0,)),
]


@pytest.mark.parametrize(("call", "shape"), EMPTY)
def test_an_empty_array_gives_what_numpy_gives(call, shape):
    assert_as_numpy(call, shape)


PAIRS = [
    ("np.cov(x, y)", (0, 3), (3,)),
    ("np.trapezoid(y, x)", (3, 0), (0,)),
    ("np.trapezoid(y, x)", (2, 2), (2,)),
    ("np.trapezoid(y, x)", (2, 3), (3,)),
    ("np.trapezoid(y, x, axis=-2)", (2, 2, 1), (2, 1)),
    ("np.insert(x, 0, y)", (3,), (1, 1)),
    ("np.insert(x, 1, y, axis=0)", (3, 2), (1, 1, 1)),
    ("np.insert(x, [1], y, axis=1)", (2, 2), (1, 2, 1)),
    ("np.linalg.tensorsolve(x, y)", (1,), (1,)),
    ("np.linalg.tensorsolve(x, y)", (0, 0), (0, 0)),
    ("np.linalg.tensorsolve(x, y)", (1, 1), (1, 1)),
]


@pytest.mark.parametrize(("call", "left", "right"), PAIRS)
def test_two_arrays_of_other_sizes_give_what_numpy_gives(call, left, right):
    assert_as_numpy(call, left, right)


WEIGHTS = [
    ("np.average(x, weights=y)", [1, 2], [1, -1]),
    ("np.average(x, weights=y)", [], []),
    ("np.average(x, axis=0, weights=y)", [[1, 2], [3, 4]], [[1, 0], [1, 0]]),
    ("np.cov(x, aweights=y)", [1, 2], [0, 0]),
]


@pytest.mark.parametrize(("call", "values", "weights"), WEIGHTS)
def test_weights_that_sum_to_0_give_no_mean(call, values, weights):
    f, _ = called(call, (), ())
    x, y = np.array(values, float), np.array(weights, float)
    with pytest.raises(ZeroDivisionError):
        f(x, y)
    for one, other in ((Tensor(x), y), (x, Tensor(y)), (Tensor(x), Tensor(y))):
        with pytest.raises(ZeroDivisionError) as caught:
            f(one, other)
        assert isinstance(caught.value, errors.WeightError)
        assert f"{call[: call.index('(')]}: weights of shape {y.shape} sum to 0" in str(
            caught.value
        )


def test_scalars_as_weights_that_sum_to_0_give_no_mean():
    for axis in (None, 0):
        with pytest.raises(errors.WeightError, match="sum to 0"):
            np.average(
                np.ones((2, 2)), axis=axis, weights=mb.scalars(np.array([[1.0, 2], [-1, -2]]))
            )
