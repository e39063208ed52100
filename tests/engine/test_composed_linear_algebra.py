"""Norms at 0 and at ties, determinants of singular matrices, and what is said of wrong shapes."""

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, errors, formula
from microbn.testing import assert_gradients

pytestmark = pytest.mark.bits  # singular values near 0 are what the processor's rounding leaves


def slope(f, x):
    """Return the gradient of a function of one array."""
    x = Tensor(np.array(x, float))
    return mb.grad(np.sum(f(x)), [x])[0]


def curvature(f, x):
    """Return the Hessian of a function of one array, as a matrix of its entries."""
    x = Tensor(np.array(x, float))
    first = mb.grad(f(x), [x], create_graph=True)[0].reshape(-1)
    return np.array([mb.grad(first[i], [x])[0].ravel() for i in range(x.size)])


@pytest.mark.parametrize("order", [None, 1, 2, 3, 2.5, np.inf, 0])
def test_a_norm_of_0_is_flat(order):
    assert slope(lambda x: np.linalg.norm(x, order), np.zeros(3)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("order", [None, "fro", 1, np.inf, -1])
def test_a_norm_of_a_matrix_of_0_is_flat(order):
    assert not slope(lambda x: np.linalg.norm(x, order), np.zeros((2, 3))).any()


def test_the_lengths_of_rows_are_flat_only_where_they_are_0():
    found = slope(lambda x: np.linalg.norm(x, axis=1), [[3.0, -4.0], [0.0, 0.0]])
    np.testing.assert_allclose(found, [[0.6, -0.8], [0, 0]])


def test_ties_share_the_gradient_of_a_norm_by_the_largest():
    assert slope(lambda x: np.linalg.norm(x, np.inf), [2, -2, 1]).tolist() == [0.5, -0.5, 0]
    assert slope(lambda x: np.linalg.norm(x, -np.inf), [2, -1, 1]).tolist() == [0, -0.5, 0.5]
    found = slope(lambda x: np.linalg.norm(x, 1), [[1, -3], [2, 0]])
    assert found.tolist() == [[0.5, -0.5], [0.5, 0]]
    np.testing.assert_allclose(slope(lambda x: np.linalg.norm(x, 2), np.eye(2)), np.eye(2) / 2)


def test_the_number_of_entries_that_are_not_0_has_no_slope():
    x = Tensor([[1.0, 0.0], [2.0, 3.0]])
    assert np.linalg.norm(x, 0, axis=0).data.tolist() == [2, 1]
    assert np.linalg.vector_norm(x, ord=0).item() == 3


def test_what_is_no_norm_says_why():
    x = Tensor(np.ones((2, 3, 4)))
    for call, error, why in (
        (lambda: np.linalg.norm(x, 2), errors.ShapeError, "over 1 axis or 2, not over 3"),
        (lambda: np.linalg.norm(x, "fro", axis=0), errors.ArgumentError, "not a norm of vectors"),
        (lambda: np.linalg.norm(x, 3, axis=(0, 1)), errors.ArgumentError, "is not a matrix norm"),
        (lambda: np.linalg.norm(x, axis=(0, -3)), errors.ShapeError, "repeated axis"),
        (lambda: np.linalg.norm(x, axis=3), errors.RangeError, "axis 3 is out of range"),
    ):
        with pytest.raises(error, match=why) as caught:
            call()
        assert "norm: " in str(caught.value)


MATRICES = {
    "singular": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]],
    "with a row of 0": [[1.0, 2.0, 3.0], [0.0, 0.0, 0.0], [2.0, 0.0, 1.0]],
    "with a column of 0": [[0.0, 2.0, 3.0], [0.0, 1.0, -1.0], [0.0, 0.0, 1.0]],
    "of rank 1": np.outer([1.0, 2.0, 4.0], [1.0, -1.0, 3.0]),
    "of 0": np.zeros((3, 3)),
    "a permutation": np.eye(3)[[2, 0, 1]],
    "regular": [[1.0, 2.0, 3.0], [4.0, -5.0, 6.0], [7.0, 8.0, 9.0]],
}


def by_permutations(x):
    """Return the determinant of a 3 by 3 matrix as it is defined, which divides by nothing."""
    total = 0
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        total = total + x[0, i] * (x[1, j] * x[2, k] - x[1, k] * x[2, j])
    return total


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
def test_the_slopes_of_a_determinant_are_the_minors_even_of_a_singular_matrix(matrix):
    tolerance = {"rtol": 1e-12, "atol": 1e-12}
    assert np.linalg.det(Tensor(matrix)).item() == pytest.approx(np.linalg.det(matrix), abs=1e-12)
    expected = slope(by_permutations, matrix)
    np.testing.assert_allclose(slope(np.linalg.det, matrix), expected, **tolerance)
    expected = curvature(by_permutations, matrix)
    np.testing.assert_allclose(curvature(np.linalg.det, matrix), expected, **tolerance)


def test_a_large_determinant_keeps_its_digits():
    x = np.random.default_rng(0).normal(size=(40, 40))
    assert np.linalg.det(Tensor(x)).item() == pytest.approx(np.linalg.det(x), rel=1e-12)
    expected = np.linalg.det(x) * np.linalg.inv(x).T
    np.testing.assert_allclose(slope(np.linalg.det, x), expected, rtol=1e-9)


def test_determinants_of_nothing_are_1():
    none = Tensor(np.ones((2, 0, 0)))
    assert np.asarray(mb.engine.node.plain(np.linalg.det(none))).tolist() == [1, 1]
    sign, logarithm = np.linalg.slogdet(none)
    assert (sign.tolist(), logarithm.tolist()) == ([1, 1], [0, 0])


def test_slogdet_says_that_a_matrix_is_singular_and_does_not_overflow():
    sign, logarithm = np.linalg.slogdet(Tensor([[1.0, 2.0], [2.0, 4.0]]))
    assert (sign.item(), logarithm.item()) == (0, -np.inf)
    sign, logarithm = np.linalg.slogdet(Tensor(-1e3 * np.eye(201)))
    assert (sign.item(), logarithm.item()) == (-1, pytest.approx(201 * np.log(1e3)))
    x = np.random.default_rng(1).normal(size=(5, 5))
    found = slope(lambda x: np.linalg.slogdet(x).logabsdet, x)
    np.testing.assert_allclose(found, np.linalg.inv(x).T, rtol=1e-11)


def test_a_determinant_is_that_of_a_square_matrix():
    for function in (np.linalg.det, np.linalg.slogdet):
        with pytest.raises(errors.ShapeError, match=r"det: shape \(2, 3\) is not that of square"):
            function(Tensor(np.ones((2, 3))))


def test_the_results_have_the_names_that_numpy_gives_them():
    x = Tensor([[2.0, 1.0], [1.0, 3.0]])
    assert type(np.linalg.slogdet(x)) is type(np.linalg.slogdet(x.data))
    assert type(np.linalg.eigh(x)) is type(np.linalg.eigh(x.data))


def test_eigh_reads_one_triangle():
    x = np.array([[2.0, 1.0], [5.0, 3.0]])
    for triangle, read in (("L", [[1, 0], [1, 1]]), ("U", [[1, 1], [0, 1]])):
        found = slope(lambda x, t=triangle: np.linalg.eigh(x, UPLO=t).eigenvalues[1], x)
        assert ((found != 0) == read).all()
    with pytest.raises(errors.ArgumentError, match=r"np\.linalg\.eigh: UPLO='X'; the triangle"):
        np.linalg.eigh(Tensor(x), "X")


def test_the_sum_of_singular_values_has_a_slope_no_longer_than_1_where_one_is_0():
    found = slope(lambda x: np.linalg.norm(x, "nuc"), [[1.0, 0.0], [0.0, 0.0]])
    assert found[0, 0] == pytest.approx(1)
    assert np.linalg.norm(found, 2) <= 1 + 1e-12


@pytest.mark.parametrize("x", [[[2, 0], [0, 0]], [[0, 0], [0, 3]], [[0, 0], [0, 0]]])
def test_a_matrix_whose_least_singular_value_is_0_has_an_infinite_condition_number(x):
    x = Tensor(np.array(x, float))
    assert np.linalg.cond(x).item() == np.inf
    assert not mb.grad(np.linalg.cond(x), x).any()


def test_rounding_leaves_a_singular_matrix_a_huge_condition_number():
    x = Tensor(np.ones((2, 2)))
    assert np.linalg.cond(x).item() > 1e15


def test_the_condition_of_a_singular_matrix_by_another_norm_is_an_error():
    with pytest.raises(errors.ShapeError, match=r"np\.linalg\.cond: inv: Singular matrix"):
        np.linalg.cond(Tensor(np.zeros((2, 2))), 1)


def test_svd_gives_values_alone():
    x = Tensor([[3.0, 0.0], [0.0, -4.0], [0.0, 0.0]])
    np.testing.assert_allclose(np.linalg.svd(x, compute_uv=False).data, [4, 3])
    with pytest.raises(errors.RuleError, match=r"np\.linalg\.svd: its vectors get no gradient"):
        np.linalg.svd(x)


def test_what_cannot_be_inverted_or_solved_says_why():
    x = Tensor(np.ones((2, 3, 4)))
    with pytest.raises(errors.ArgumentError, match=r"tensorinv: ind=0; the number of axes"):
        np.linalg.tensorinv(x, 0)
    with pytest.raises(errors.ShapeError, match="tensorsolve: 12 unknowns need 12 × 12 entries"):
        np.linalg.tensorsolve(x, np.ones(2))
    with pytest.raises(errors.ShapeError, match=r"cond: a matrix of shape \(0, 4\)"):
        np.linalg.cond(Tensor(np.ones((0, 4))))


def test_the_upper_factor_reads_the_upper_triangle():
    x = np.array([[4.0, 1.0], [2.0, 5.0]])
    found = slope(lambda x: np.linalg.cholesky(x, upper=True), x)
    expected = slope(np.linalg.cholesky, x.T).T
    np.testing.assert_allclose(found, expected)
    assert found[1, 0] == 0


def test_compositions_of_matrices_read_as_formulas():
    assert formula(np.linalg.norm, "x", 1, 0) == "linalg.vector_norm(x, axis=0, ord=1)"
    assert formula(np.linalg.vector_norm, "x", ord=1) == "sum(absolute(x))"
    assert formula(np.linalg.matmul, "x", "y") == "x @ y"


def test_eigenvectors_of_equal_eigenvalues_have_no_derivative_unless_their_choice_is_idle():
    values = lambda x: np.sum(np.linalg.eigvalsh(x) ** 3)  # noqa: E731
    assert mb.grad(values(a := Tensor(np.eye(2))), a).tolist() == [[3, 0], [0, 3]]
    w, v = np.linalg.eigh(a := Tensor(np.eye(2)))
    assert np.isnan(mb.grad((v * np.sqrt(w)) @ v.mT, a, [[0, 1], [1, 0]])).any()
    assert np.isnan(mb.hessian(values, np.eye(2))[1, 0, 1, 0])
    tall = np.random.default_rng(3).normal(size=(4, 2))  # two singular values are those of nothing
    assert np.isfinite(mb.hessian(lambda x: np.sum(np.linalg.svdvals(x) ** 3), tall)).all()


def test_the_logarithm_of_a_singular_determinant_is_found_by_trace():
    singular = Tensor([[1.0, 2.0], [2.0, 4.0]])
    sign, logarithm = np.linalg.slogdet(singular)
    assert (sign.item(), logarithm.item()) == (0, -np.inf)
    with pytest.raises(errors.NonFiniteError, match="-inf"), mb.trace():
        np.linalg.slogdet(singular)


def test_singular_values_that_rounding_made_negative_are_0():
    rng = np.random.default_rng(0)
    for _ in range(50):
        x = rng.integers(-2, 3, (3, 4)).astype(float)
        x[2] = x[0] + x[1]
        found = np.linalg.svdvals(Tensor(x)).data
        assert (found >= 0).all()
        np.testing.assert_allclose(found, np.linalg.svdvals(x), rtol=0, atol=1e-14)
        assert np.linalg.norm(Tensor(x), -2).item() >= 0
        assert np.linalg.cond(Tensor(x)).item() > 1e14
        g = rng.normal(size=3)
        (found,) = mb.grad(np.linalg.svdvals(t := Tensor(x)), [t], g)
        assert np.linalg.norm(found, 2) <= np.abs(g).max() + 1e-12


def test_the_smallest_singular_value_of_a_regular_matrix_has_its_slope():
    x = np.random.default_rng(1).normal(size=(3, 3))
    assert_gradients(lambda x: np.linalg.norm(x, -2), x)
