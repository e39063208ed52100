"""Jacobians, Hessians and their products with a vector, against finite differences."""

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, closed_form, errors, nn
from microbn import functional as F

RNG = np.random.default_rng(11)
X, GAMMA, BETA = RNG.normal(size=(4, 3)), RNG.normal(size=3), RNG.normal(size=3)
ALL = (X, GAMMA, BETA)
V = tuple(RNG.normal(size=a.shape) for a in ALL)


def loss(x, gamma, beta):
    return np.sum(np.tanh(F.batch_norm(x, gamma, beta)) ** 2)


def numeric_jacobian(f, x, h=1e-6):
    columns = []
    for index in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[index] = h
        columns.append((f(x + step) - f(x - step)) / (2 * h))
    return np.moveaxis(np.array(columns), 0, -1).reshape(np.shape(f(x)) + x.shape)


def of_x(f):
    return lambda x: f(x, GAMMA, BETA)


def test_a_jacobian_times_a_vector_is_the_slope_along_it():
    value, along = mb.jvp(F.batch_norm, ALL, V)
    ahead = F.batch_norm(*(a + 1e-6 * v for a, v in zip(ALL, V, strict=True)))
    back = F.batch_norm(*(a - 1e-6 * v for a, v in zip(ALL, V, strict=True)))
    np.testing.assert_array_equal(value, F.batch_norm(*ALL))
    np.testing.assert_allclose(along, (ahead - back) / 2e-6, rtol=1e-6, atol=1e-8)


def test_both_products_with_a_jacobian_agree():
    g = RNG.normal(size=X.shape)
    _, along = mb.jvp(F.batch_norm, ALL, V)
    _, cache = closed_form.forward(*ALL)
    back = closed_form.backward(g, cache)
    expected = sum(np.sum(part * v) for part, v in zip(back, V, strict=True))
    np.testing.assert_allclose(np.sum(g * along), expected, rtol=1e-10)


def test_a_jacobian_has_the_shape_of_the_result_and_of_the_operand():
    found = mb.jacobian(F.batch_norm, ALL)
    assert [j.shape for j in found] == [(4, 3, 4, 3), (4, 3, 3), (4, 3, 3)]
    numeric = numeric_jacobian(of_x(F.batch_norm), X)
    np.testing.assert_allclose(found[0], numeric, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(mb.jacobian(of_x(F.batch_norm), X), found[0])


def test_a_hessian_is_symmetric_and_the_jacobian_of_the_gradient():
    blocks = mb.hessian(loss, ALL)
    assert [[block.shape for block in row] for row in blocks][1] == [(3, 4, 3), (3, 3), (3, 3)]
    np.testing.assert_allclose(blocks[0][1], blocks[1][0].transpose(1, 2, 0), atol=1e-12)

    def gradient(x):
        x = Tensor(x)
        return mb.grad(loss(x, GAMMA, BETA), x)

    np.testing.assert_allclose(blocks[0][0], numeric_jacobian(gradient, X), rtol=1e-5, atol=1e-7)


def test_a_hessian_times_a_vector_is_the_hessian_applied():
    found = mb.hvp(loss, ALL, V)
    blocks = mb.hessian(loss, ALL)
    for row, product in zip(blocks, found, strict=True):
        applied = sum(np.tensordot(h, v, v.ndim) for h, v in zip(row, V, strict=True))
        np.testing.assert_allclose(product, applied, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(mb.hvp(of_x(loss), X, V[0]), np.tensordot(blocks[0][0], V[0], 2))


def test_what_does_not_depend_on_the_operand_has_derivatives_of_0():
    flat = lambda x: np.ones(2) * np.sum(0 * x)  # noqa: E731
    assert not mb.jacobian(flat, X).any()
    assert not mb.jvp(flat, X, V[0])[1].any()
    assert not mb.hvp(lambda x: np.sum(2 * x), X, V[0]).any()
    assert not mb.hessian(lambda x: np.sum(2 * x), X).any()
    assert not mb.jacobian(lambda x, gamma: np.sum(x), (X, GAMMA))[1].any()


LOST = {
    "values": lambda x: x.data**2,
    "a gradient": lambda x: mb.grad(np.prod(x), x),
    "a Jacobian": lambda x: mb.jacobian(np.prod, x),
    "a product with a Hessian": lambda x: mb.hvp(np.prod, x, np.ones(3)),
    "a Jacobian times a vector": lambda x: mb.jvp(np.prod, x, np.ones(3))[1],
    "a number": lambda x: 3.0,
    "no_grad": mb.no_grad()(np.var),
}


@pytest.mark.parametrize("f", LOST.values(), ids=LOST)
@pytest.mark.parametrize("of", [mb.jacobian, mb.hessian, lambda f, x: mb.jvp(f, x, x)])
def test_a_history_that_was_lost_is_not_taken_for_a_derivative_of_0(f, of):
    with pytest.raises(errors.GraphError, match=r"has no history.*create_graph=True"):
        of(f, np.array([1.0, 2.0, 3.0]))


def test_a_jacobian_of_a_gradient_is_the_hessian():
    x = np.array([1.0, 2.0, 3.0])
    gradient = lambda x: mb.grad(np.prod(x), x, create_graph=True)  # noqa: E731
    np.testing.assert_array_equal(mb.jacobian(gradient, x), mb.hessian(np.prod, x))
    assert mb.hessian(np.prod, x).tolist() == [[0, 3, 2], [3, 0, 1], [2, 1, 0]]


def test_float32_stays_float32():
    x, v = X.astype(np.float32), V[0].astype(np.float32)
    assert mb.jvp(np.tanh, x, v)[1].dtype == np.float32
    assert mb.jacobian(np.tanh, x[0]).dtype == np.float32
    assert mb.hvp(lambda x: np.sum(np.tanh(x)), x, v).dtype == np.float32


def test_the_operands_and_their_gradients_stay_as_they_were():
    x = Tensor(X)
    mb.jvp(np.tanh, x, V[0])
    mb.hessian(lambda x: np.sum(np.tanh(x)), x)
    assert x.grad is None


@pytest.mark.parametrize(
    ("fault", "error", "facts"),
    [
        (lambda: mb.jvp(np.tanh, X, V[1]), errors.ShapeError, r"jvp: .*\(4, 3\), got \(3,\)"),
        (lambda: mb.hvp(loss, ALL, V[:2]), errors.ShapeError, "hvp: v has the shape of x"),
        (
            lambda: mb.jacobian(lambda x: (x, x), X),
            errors.DTypeError,
            "gives a tuple; .* one array",
        ),
        (
            lambda: mb.hessian(np.tanh, X),
            errors.ShapeError,
            r"\(4, 3\), and a Hessian is of a single",
        ),
        (lambda: mb.jvp(np.tanh, [[1, 2]], V), errors.DTypeError, "1."),
    ],
    ids=["v", "several", "tuple", "several numbers", "integers"],
)
def test_a_fault_is_named_where_it_is_made(fault, error, facts):
    with pytest.raises(error, match=facts):
        fault()


@pytest.mark.parametrize("x", [X, np.array(2.0), X.astype(np.float32)], ids=["2-d", "0-d", "f32"])
@pytest.mark.parametrize("f", [lambda x: x, nn.Dropout(0.5, rng=0).eval()], ids=["x", "Dropout"])
def test_a_function_that_returns_its_operand_has_the_identity_for_a_jacobian(f, x):
    v = RNG.normal(size=x.shape).astype(x.dtype)
    whole = mb.jacobian(f, x)
    np.testing.assert_array_equal(whole, np.eye(x.size).reshape(x.shape * 2))
    value, along = mb.jvp(f, x, v)
    np.testing.assert_array_equal(value, x)
    np.testing.assert_array_equal(along, v)
    assert whole.dtype == along.dtype == x.dtype


def test_one_of_several_operands_may_be_returned():
    of_x, of_gamma = mb.jacobian(lambda x, gamma: gamma, (X, GAMMA))
    np.testing.assert_array_equal(of_gamma, np.eye(3))
    assert of_x.shape == (3, 4, 3)
    assert not of_x.any()


def test_the_identity_of_a_number_has_a_second_derivative_of_0():
    assert mb.hessian(lambda x: x, np.array(2.0)) == 0
    assert mb.hvp(lambda x: x, np.array([2.0]), np.array([3.0])).tolist() == [0]


@pytest.mark.parametrize("of", [mb.jacobian, mb.hessian, lambda f, x: mb.jvp(f, x, x)])
@pytest.mark.parametrize("f", [lambda x: np.sum(x**3), lambda x, y, z: x, lambda: 1])
def test_a_list_that_is_several_arguments_says_so(of, f):
    with pytest.raises(errors.ArgumentError, match=r"x is several arguments, np\.array\(x\) one"):
        of(f, [1.0, 2.0])


def test_a_mistake_inside_the_function_stays_as_it_is():
    with pytest.raises(TypeError, match=r"^unsupported operand") as caught:
        mb.jacobian(lambda x: x + {}, [1.0])
    assert not isinstance(caught.value, errors.MicrobnError)
