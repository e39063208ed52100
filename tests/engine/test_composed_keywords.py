"""The functions with the most keywords, in any mixture of them: NumPy's values, and gradients."""

import numpy as np
import pytest
from compositions.order import METHODS
from derivatives import name
from hypothesis import given
from hypothesis import strategies as st

from microbn import Tensor
from microbn.engine.composed import COMPOSED
from microbn.engine.functions import stop_gradient
from microbn.errors import RuleError
from microbn.testing import assert_gradients
from microbn.testing.strategies import arrays, axes, broadcastable, distinct, shapes

FILLED = shapes().filter(all)  # without an axis of length 0
WITH_AXES, FILLED_WITH_AXES = shapes(1), shapes(1).filter(all)


def check(f, *arrays):
    """Compare a call with NumPy's, and its gradient with finite differences."""
    found, expected = f(*map(Tensor, arrays)), f(*arrays)
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found.data, expected, rtol=1e-12, atol=1e-12)
    assert_gradients(f, *arrays)


@pytest.mark.parametrize("fault", [lambda x: 2 * x, lambda x: 2 * x - stop_gradient(x), np.ravel])
def test_a_fault_in_values_in_gradients_or_in_the_shape_is_seen(fault, monkeypatch):
    x, right = np.arange(6.0).reshape(2, 3), COMPOSED[np.roll]
    check(lambda x: np.roll(x, 1), x)
    wrong = right._replace(function=lambda *args: fault(right.function(*args)))
    monkeypatch.setitem(COMPOSED, np.roll, wrong)
    with pytest.raises(AssertionError):
        check(lambda x: np.roll(x, 1), x)


@st.composite
def small(draw, shapes=FILLED):
    """Draw an array of a few numbers, among them zeros, on which products are no harder."""
    shape = draw(shapes)
    count = int(np.prod(shape))
    numbers = st.sampled_from([-1.5, -1.0, 0.0, 0.0, 0.5, 2.0])
    return np.array(draw(st.lists(numbers, min_size=count, max_size=count)), float).reshape(shape)


def an_axis(x):
    return st.integers(-x.ndim, x.ndim - 1)


@pytest.mark.parametrize(
    "function",
    [
        *(np.amax, np.amin, np.ptp, np.average, np.median, np.nanmean, np.nanmax, np.nanmin),
        *(np.nanmedian, np.linalg.vector_norm),
    ],
    ids=name,
)
@given(data=st.data(), x=arrays(FILLED), keepdims=st.booleans())
def test_reductions(function, data, x, keepdims):
    axis = data.draw(axes(x.ndim))
    check(lambda x: function(x, axis=axis, keepdims=keepdims), x)


@pytest.mark.parametrize("function", [np.prod, np.nanprod, np.nansum], ids=name)
@given(data=st.data(), x=small(shapes()), keepdims=st.booleans())
def test_sums_and_products_of_zeros_and_of_nothing(function, data, x, keepdims):
    axis = data.draw(axes(x.ndim))
    check(lambda x: function(x, axis=axis, keepdims=keepdims), x)


@pytest.mark.parametrize("function", [np.var, np.std, np.nanvar, np.nanstd], ids=name)
@pytest.mark.parametrize("word", ["ddof", "correction"])
@given(data=st.data(), x=arrays(FILLED), keepdims=st.booleans())
def test_spreads(function, word, data, x, keepdims):
    axis = data.draw(axes(x.ndim))
    count = x.size // np.size(np.sum(x, axis=axis))
    options = {word: data.draw(st.sampled_from([n for n in (0, 0.5, 1, 2) if n < count]))}
    check(lambda x: function(x, axis=axis, keepdims=keepdims, **options), x)


@given(data=st.data(), shapes=broadcastable(3))
def test_bounds(data, shapes):
    x, low, high = data.draw(distinct(*shapes))
    low, high = data.draw(st.sampled_from([(low, high), (None, high), (low, None), (0, high)]))
    check(lambda x: np.clip(x, low, high), x)
    check(lambda x: np.clip(x, min=low, max=high), x)
    if np.ndim(low):
        check(lambda x, low: np.clip(x, low, high), x, low)
    if np.ndim(high):
        check(lambda x, high: np.clip(x, low, a_max=high), x, high)


@pytest.mark.parametrize(
    "function", [np.cumprod, np.nancumsum, np.nancumprod, np.cumulative_prod], ids=name
)
@given(data=st.data(), x=small(WITH_AXES))
def test_running_sums_and_products(function, data, x):
    axis = data.draw(an_axis(x))
    check(lambda x: function(x, axis=axis), x)


@pytest.mark.parametrize("function", [np.cumulative_sum, np.cumulative_prod], ids=name)
@given(data=st.data(), x=small(WITH_AXES))
def test_running_sums_that_begin_with_nothing(function, data, x):
    axis = data.draw(an_axis(x))
    check(lambda x: function(x, axis=axis, include_initial=True), x)


@given(data=st.data(), x=arrays(WITH_AXES))
def test_sorted_values(data, x):
    axis = data.draw(st.none() | an_axis(x))
    check(lambda x: np.sort(x, axis=axis), x)


@given(data=st.data(), x=arrays(FILLED_WITH_AXES), n=st.integers(0, 3))
def test_differences(data, x, n):
    axis = data.draw(an_axis(x))
    ends = st.sampled_from([None, 2.5, x.take([0], axis) + 1, x])
    given_ends = {word: data.draw(ends) for word in ("prepend", "append")}
    options = {word: end for word, end in given_ends.items() if end is not None}
    check(lambda x: 1 * np.diff(x, n, axis, **options), x)


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric", "wrap"])
@given(data=st.data(), x=arrays(FILLED))
def test_borders(mode, data, x):
    pairs = st.lists(st.tuples(*[st.integers(0, 4)] * 2), min_size=x.ndim, max_size=x.ndim)
    widths = data.draw(st.integers(0, 4) | pairs) if x.ndim else 0
    options = {"constant_values": data.draw(st.integers(-3, 3))} if mode == "constant" else {}
    check(lambda x: 1 * np.pad(x, widths, mode, **options), x)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("function", [np.quantile, np.nanquantile], ids=name)
@given(data=st.data(), x=arrays(FILLED), keepdims=st.booleans())
def test_quantiles(function, method, data, x, keepdims):
    level = st.integers(0, 64).map(lambda k: k / 64)  # exact, also times a count
    q = data.draw(level | st.lists(level, min_size=1, max_size=3))
    axis = data.draw(axes(x.ndim))
    check(lambda x: function(x, q, axis=axis, method=method, keepdims=keepdims), x)


@pytest.mark.parametrize("order", [None, 1, 2, 3, 0.5, -1, -2, np.inf, -np.inf])
@given(data=st.data(), x=arrays(FILLED_WITH_AXES), keepdims=st.booleans())
def test_norms_of_vectors(order, data, x, keepdims):
    axis = data.draw(an_axis(x))
    check(lambda x: np.linalg.norm(x, order, axis, keepdims), x)


@pytest.mark.parametrize("order", [None, "fro", 1, -1, np.inf, -np.inf])
@given(data=st.data(), x=arrays(shapes(2).filter(all)), keepdims=st.booleans())
def test_norms_of_matrices(order, data, x, keepdims):
    pair = st.lists(an_axis(x), min_size=2, max_size=2, unique_by=lambda axis: axis % x.ndim)
    axis = tuple(data.draw(pair))
    check(lambda x: np.linalg.norm(x, order, axis, keepdims), x)


def test_an_operand_that_is_given_by_its_keyword_goes_by_position():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    for call, key in (
        (lambda: np.var(a=x), "np.var: a="),
        (lambda: np.sum(a=x), "np.sum: a="),
        (lambda: np.take(a=x, indices=0), "np.take: a="),
        (lambda: np.pad(array=x, pad_width=1), "np.pad: array="),
        (lambda: np.append(arr=x, values=1.0), "np.append: arr="),
        (lambda: np.compress(condition=[True], a=x), "np.compress: a="),
        (lambda: np.linalg.solve(a=x, b=[1, 2]), r"np.linalg.solve: a="),
    ):
        with pytest.raises(RuleError, match=rf"{key} cannot be .*; pass it by position"):
            call()
    with pytest.raises(RuleError, match=r"np\.var: dtype= cannot be composed; leave it out"):
        np.var(x, dtype=float)
