"""Products: what they are made of, orders of multiplication, and what they say of mistakes."""

from itertools import pairwise

import numpy as np
import pytest

from microbn import Tensor, errors, formula
from microbn.reading.tape import history

RNG = np.random.default_rng(7)
X, Y, V = RNG.normal(size=(2, 3)), RNG.normal(size=(3, 4)), RNG.normal(size=3)


def calls_of(out):
    return " ".join(node.function.__name__ for node in history(out) if node.function)


def test_a_product_of_matrices_is_one_call():
    x, y, v = Tensor(X), Tensor(Y), Tensor(V)
    for out in (np.dot(x, y), np.dot(x, v), np.dot(v, v), np.linalg.matmul(x, y)):
        assert (calls_of(out), out.scope) == ("matmul", ())
    for out in (np.vdot(v, v), np.vecdot(x, v), np.matvec(x, v), np.vecmat(v, y)):
        assert calls_of(out) == "matmul"


def test_products_read_as_matrix_products():
    assert formula(np.dot, "x", "y") == "x @ y"
    assert formula(np.inner, "x", "y") == "x @ y.T"


def test_a_power_is_made_by_squaring():
    assert calls_of(np.linalg.matrix_power(Tensor(Y[:, :3]), 16)) == "matmul " * 3 + "matmul"


def test_the_power_0_of_a_matrix_is_the_identity_without_a_gradient():
    x = Tensor([[np.inf, 0.0], [1.0, 2.0]])
    out = np.linalg.matrix_power(x, 0)
    np.testing.assert_array_equal(out.data, np.eye(2))
    out.backward(np.ones((2, 2)))
    np.testing.assert_array_equal(x.grad, np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("sizes", "first"), [((2, 30, 2, 30), (0, 1)), ((30, 2, 30, 2), (1, 2)), ((9, 1, 9, 1), (1, 2))]
)
def test_multi_dot_multiplies_in_the_cheapest_order(sizes, first):
    arrays = [Tensor(np.ones(shape)) for shape in pairwise(sizes)]
    product = next(n for n in history(np.linalg.multi_dot(arrays)) if n.function)
    assert [product.inputs[0], product.inputs[1]] == [arrays[i] for i in first]


def test_lists_are_constants():
    x = Tensor(X)
    np.testing.assert_allclose(np.dot([1, 2], x).data, [1, 2] @ X)
    np.testing.assert_allclose(np.inner(x, [[1, 2, 3]]).data, np.inner(X, [[1, 2, 3]]))
    np.testing.assert_allclose(np.outer([1, 2], x).data, np.outer([1, 2], X))
    np.testing.assert_allclose(np.cross(x, [1, 0, 0]).data, np.cross(X, [1, 0, 0]))
    np.testing.assert_allclose(np.kron([[1, 2]], x).data, np.kron([[1, 2]], X))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: np.dot(x, x), "np.dot: matmul: (2, 3) @ (2, 3): 3 columns on the left, 2 rows"),
        (
            lambda x: np.inner(x, x.T),
            "np.inner: axes [1] of shape (2, 3) and [1] of shape (3, 2) do",
        ),
        (lambda x: np.vdot(x, V), "np.vdot: matmul: (6,) @ (3,): 6 columns"),
        (lambda x: np.vecdot(x, x[:, :1]), "np.vecdot: matmul: (2, 1, 3) @ (2, 1, 1): 3 columns"),
        (lambda x: np.vecdot(x, V, axes=[0, 0, ()]), "np.vecdot: axes= cannot be composed"),
        (lambda x: np.matvec(V, x), "np.matvec: it takes matrices, got shape (3,)"),
        (lambda x: np.vecmat(x, V), "np.vecmat: it takes matrices, got shape (3,)"),
        (
            lambda x: np.linalg.outer(x, V),
            "np.linalg.outer: it takes two vectors, got shapes (2, 3)",
        ),
        (lambda x: np.outer(x, V, out=V), "np.outer: out= cannot be composed; use the result"),
        (
            lambda x: np.cross(x[:, :2], x[:, :2]),
            "np.cross: it takes vectors of 3 numbers, got axes ",
        ),
        (lambda x: np.cross(x, x[:, :2]), "in the plane write x[..., 0] * y[..., 1] - x[..., 1]"),
        (lambda x: np.tensordot(x, x, axes=1), "np.tensordot: axes [1] of shape (2, 3) and [0] of"),
        (lambda x: np.tensordot(x, x, axes=([1, 1], [1, 0])), "do not pair; name axes of equal "),
        (lambda x: np.tensordot(x, x, axes="ij"), "np.tensordot: axes are a number or a pair"),
        (lambda x: np.tensordot(x, x, axes=3), "axis 2 is out of range"),
        (lambda x: np.linalg.matrix_power(x, 2), "it takes square matrices, got shape (2, 3)"),
        (
            lambda x: np.linalg.matrix_power(x @ x.T, 0.5),
            "the power of a matrix is an integer, got ",
        ),
        (lambda x: np.linalg.multi_dot([x]), "np.linalg.multi_dot: it takes two or more matrices"),
        (lambda x: np.linalg.multi_dot([x, x[0], x]), "got shapes (2, 3), (3,) and (2, 3)"),
    ],
)
def test_a_mistake_is_named_with_the_way_out(call, message):
    with pytest.raises(errors.MicrobnError) as caught:
        call(Tensor(X))
    assert message in str(caught.value)
