"""Statistics at zeros, ties and NaN, where finite differences do not tell what is right."""

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, grad
from microbn.errors import ArgumentError, RangeError, RuleError, ShapeError

NAN, INF = np.nan, np.inf


def gradient_of(function, x):
    """Return the gradient of the sum of a function of one array."""
    x = Tensor(x)
    return grad(np.sum(function(x)), x)


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (np.std, [2.0, 2.0], [0, 0]),
        (np.nanstd, [2.0, NAN, 2.0], [0, 0, 0]),
        (np.amax, [1.0, 3.0, 3.0], [0, 0.5, 0.5]),
        (np.amin, [1.0, 3.0, 1.0], [0.5, 0, 0.5]),
        (np.ptp, [1.0, 3.0, 3.0, 1.0], [-0.5, 0.5, 0.5, -0.5]),
        (np.ptp, [2.0, 2.0], [0, 0]),
        (np.prod, [2.0, 0.0, 5.0], [0, 10, 0]),
        (np.prod, [0.0, 3.0, 0.0, 2.0], [0, 0, 0, 0]),
        (np.cumprod, [2.0, 0.0, 5.0], [1, 12, 0]),
        (np.cumprod, [0.0, 3.0, 0.0, 2.0], [4, 0, 0, 0]),
        (np.nansum, [2.0, NAN], [1, 0]),
        (np.nanmean, [2.0, NAN, 4.0], [0.5, 0, 0.5]),
        (np.nanmean, [NAN, NAN], [0, 0]),
        (np.nanvar, [1.0, NAN, 3.0], [-1, 0, 1]),
        (np.nanprod, [2.0, NAN, 0.0], [0, 0, 2]),
        (np.nancumsum, [2.0, NAN, 3.0], [3, 0, 1]),
        (np.nancumprod, [2.0, NAN, 3.0], [5, 0, 2]),
        (np.nanmax, [3.0, NAN, 3.0, 1.0], [0.5, 0, 0.5, 0]),
        (np.nanmin, [1.0, NAN, 3.0], [1, 0, 0]),
        (np.nanmax, [NAN, NAN], [0, 0]),
        (np.nan_to_num, [1.0, NAN, INF, -INF], [1, 0, 0, 0]),
        (lambda x: np.average(x, weights=[1, 0, 3]), [2.0, 5.0, 2.0], [0.25, 0, 0.75]),
    ],
)
def test_the_gradient_at_zeros_ties_and_nan(function, x, expected):
    np.testing.assert_allclose(gradient_of(function, x), expected, atol=1e-15)


def test_the_second_derivative_of_a_product_is_right_at_two_zeros():
    x = Tensor([0.0, 3.0, 0.0, 2.0])
    expected = np.zeros((4, 4))
    expected[0, 2] = expected[2, 0] = 6
    np.testing.assert_array_equal(mb.hessian(np.prod, x), expected)


def test_the_second_derivative_of_a_variance_stays_finite_beside_a_nan():
    x = Tensor([1.0, NAN, 3.0])
    np.testing.assert_allclose(
        mb.hessian(np.nanvar, x), [[0.5, 0, -0.5], [0, 0, 0], [-0.5, 0, 0.5]]
    )


@pytest.mark.parametrize("function", [np.nanmax, np.nanmin, np.nanmean, np.nanvar, np.nanstd])
def test_of_nothing_but_nan_the_result_is_nan(function):
    found = function(Tensor([[NAN, NAN], [1.0, 2.0]]), axis=1).data
    assert np.isnan(found[0])
    assert np.isfinite(found[1])


def test_a_nan_variance_is_nan_where_ddof_leaves_no_number():
    x = [[NAN, 2.0], [1.0, 2.0]]
    np.testing.assert_array_equal(np.nanvar(Tensor(x), axis=1, ddof=1).data, [NAN, 0.5])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_infinities_become_the_largest_number_of_their_dtype(dtype):
    x = np.array([NAN, INF, -INF, 1], dtype)
    np.testing.assert_array_equal(np.nan_to_num(Tensor(x)).data, np.nan_to_num(x))


@pytest.mark.parametrize("function", [np.prod, np.cumprod, np.nanprod, np.nancumprod])
def test_a_product_of_many_has_few_steps(function):
    x = Tensor(np.ones(1000))
    nodes, todo = set(), [function(x)]
    while todo:
        node = todo.pop()
        if isinstance(node, Tensor) and node not in nodes:
            nodes.add(node)
            todo.extend(node.inputs)
    assert len(nodes) < 60


def test_a_product_of_no_numbers_is_one():
    x = Tensor(np.zeros((0, 2)))
    np.testing.assert_array_equal(np.prod(x, axis=0).data, [1, 1])
    assert np.prod(x).item() == 1
    assert np.prod(x, axis=1).shape == (0,)


def test_a_variable_correlates_with_itself_whatever_it_is():
    x = Tensor([[1.0, 2.0, 4.0], [2.0, 4.0, 8.0]])
    ratio = np.corrcoef(x)
    np.testing.assert_allclose(ratio.data, 1, rtol=1e-15)
    assert ratio.data.max() <= 1
    np.testing.assert_allclose(grad(ratio[0, 0], x), 0, atol=1e-15)
    assert np.corrcoef(x[0]).item() == 1


def test_a_variance_of_no_axis_left_is_empty():
    assert np.var(Tensor(np.zeros((4, 0))), axis=0, ddof=1).shape == (0,)


def test_lists_and_integers_beside_float32_leave_it_float32():
    x = Tensor(np.ones((2, 3), np.float32))
    assert np.average(x, axis=1, weights=np.array([1, 2, 3])).dtype == np.float32
    assert np.cov(x, fweights=np.array([1, 2, 3]), aweights=[1.0, 0.5, 2]).dtype == np.float32
    assert np.average(x, axis=1, weights=np.ones(3)).dtype == np.float64  # as NumPy has it


x = Tensor(np.arange(12.0).reshape(4, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: np.var(x, axis=0, ddof=4), RangeError, "var: 4 values leave no degree of freedom"),
        (lambda: np.var(x, ddof=1, correction=1), ArgumentError, "give one of them"),
        (lambda: np.nanvar(x, ddof=1, correction=1), ArgumentError, "give one of them"),
        (lambda: np.average(x, returned=True), RuleError, "returned= cannot be composed"),
        (lambda: np.average(x, weights=[1, 2]), ShapeError, r"\(2,\) for values of shape \(4, 3\)"),
        (lambda: np.average(x, axis=0, weights=[1, 2]), ShapeError, r"\(2,\) for axes of sizes"),
        (lambda: np.cov(x[:, :1]), RangeError, "1 values leave no degree of freedom"),
        (lambda: np.cov(x, aweights=[1, 2]), ShapeError, r"aweights of shape \(2,\) for 3 samples"),
        (lambda: np.cov(x, fweights=[1, 2.5, 1]), ArgumentError, "aweights= takes any weights"),
        (lambda: np.cov(np.reshape(x, (2, 2, 3))), ShapeError, "more axes than variables and sam"),
        (lambda: np.cumulative_sum(x), ArgumentError, "say by axis= which is meant"),
        (lambda: np.cumulative_prod(x), ArgumentError, "say by axis= which is meant"),
        (lambda: np.nansum(x, where=x > 0), RuleError, "choose with np.where first"),
        (lambda: np.nan_to_num(x, copy=False), RuleError, "copy= cannot be composed"),
        (lambda: np.cumprod(x, axis=2), RangeError, "axis 2 is out of range"),
    ],
)
def test_what_cannot_be_is_said(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_statistic_reads_as_words():
    assert mb.formula(np.nansum, "x") == "sum(where(isnan(x), 0, x))"
    assert "square(x - mean(x, keepdims=True))" in mb.formula(np.var, "x", ddof=1)
    assert mb.formula(np.cov, "x").endswith(".mT / (x.shape[1] - 1))")
    assert mb.formula(np.corrcoef, "x").startswith("clip(cov(x, None, True) / expand_dims(sqrt(")


def test_masks_and_counts_have_the_statistics_of_numpy():
    x = np.array([[1.0, 5.0, 2.0], [3.0, 0.0, 4.0]])
    mask, counts = Tensor(x) > 1, (Tensor(x) > 1).sum(axis=0)
    assert np.nanmean(mask).item() == np.nanmean(x > 1)
    assert np.nanvar(mask).item() == np.nanvar(x > 1)
    assert np.tril(mask).dtype == np.triu(mask).dtype == np.diag(mask[0]).dtype == bool
    n, weights = (x > 1).sum(axis=0), [0.2, 0.3, 0.5]
    for f in (
        lambda c: np.average(c, weights=weights),
        lambda c: np.trapezoid(c, [0, 0.5, 1.2]),
        lambda c: np.gradient(c, [0, 0.5, 1.2]),
        lambda c: np.diff(c, prepend=[0.5]),
        lambda c: np.quantile(c, 0.3),
        lambda c: np.linspace(0, c, 3),
        lambda c: np.cov(c, [0.1, 0.5, 0.7]),
    ):
        np.testing.assert_allclose(f(counts).data, f(n), rtol=1e-12)
