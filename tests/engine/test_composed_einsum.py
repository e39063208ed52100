"""einsum: what it is made of, NumPy's values for any subscripts, and what it says of mistakes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microbn as mb
from microbn import Tensor, errors
from microbn.engine.composed.einsum import einsum
from microbn.reading.tape import history

RNG = np.random.default_rng(6)
X, Y, S = RNG.normal(size=(2, 3)), RNG.normal(size=(3, 4)), RNG.normal(size=(3, 3))
T, U = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(2, 4, 3))


@pytest.mark.parametrize(
    ("subscripts", "arrays", "made_of"),
    [
        ("ij,jk->ik", [X, Y], "matmul"),
        ("ij,jk", [X, Y], "matmul"),
        ("ij,jk->ki", [X, Y], "transpose transpose matmul"),
        ("ij,kj->ik", [X, S], "transpose matmul"),
        ("bij,bjk->bik", [T, U], "matmul"),
        ("...ij,...jk->...ik", [T, U], "matmul"),
        ("bij,bkj->bik", [T, T], "matrix_transpose matmul"),
        ("i,i", [X[0], X[1]], "matmul"),
        ("i,ij", [X[0], Y], "matmul"),
        ("ij,j", [X, X[0]], "matmul"),
        ("bti,io->bto", [U, Y], "reshape matmul reshape"),
        ("ij,ij->ij", [X, X], "multiply"),
        ("ij,j->ij", [X, X[0]], "multiply"),
        ("i,j", [X[0], Y[0]], "expand_dims multiply"),
        ("ij->i", [X], "sum"),
        ("ij->", [X], "sum"),
        ("ij->ji", [X], "transpose"),
        ("ii->i", [S], "getitem"),
        ("ii", [S], "getitem sum"),
        ("ij,jk,kl->il", [X, Y, U[0]], "matmul matmul"),
    ],
)
def test_einsum_is_made_of_as_few_calls_as_possible(subscripts, arrays, made_of):
    out = np.einsum(subscripts, *map(Tensor, arrays))
    assert " ".join(node.function.__name__ for node in history(out) if node.function) == made_of


def test_a_product_of_matrices_is_their_matmul():
    x, y = Tensor(X), Tensor(Y)
    out = np.einsum("ij,jk->ik", x, y)
    assert (out.function, out.inputs[0], out.inputs[1]) == (np.matmul, x, y)
    assert out.scope == ("einsum",)


def test_an_elementwise_square_has_twice_the_gradient():
    x = Tensor(X)
    np.einsum("ij,ij->", x, x).backward()
    np.testing.assert_allclose(x.grad, 2 * X)


def test_a_trace_has_the_identity_as_its_gradient():
    x = Tensor(S)
    np.einsum("ii", x).backward()
    np.testing.assert_array_equal(x.grad, np.eye(3))


def test_optimize_says_which_product_comes_first():
    x, y, z = Tensor(X), Tensor(Y), Tensor(U[0])
    left = np.einsum("ij,jk,kl->il", x, y, z)
    right = np.einsum("ij,jk,kl->il", x, y, z, optimize=["einsum_path", (1, 2), (0, 1)])
    assert left.inputs[1] is z
    assert right.inputs[0] is x


def test_a_list_is_a_constant():
    out = np.einsum("i,ij", [1, 2], Tensor(X))
    np.testing.assert_allclose(out.data, X[0] + 2 * X[1])


@st.composite
def contractions(draw):
    """Draw subscripts, and arrays of small integers that fit them; some sizes are 0 or 1."""
    sizes = {i: draw(st.integers(0, 3)) for i in "abcd"}
    terms = draw(st.lists(st.text("abcd", max_size=3), min_size=1, max_size=3))
    used = sorted({*"".join(terms)})
    out = "".join(draw(st.permutations(used)))[: draw(st.integers(0, len(used)))]
    dots = [draw(st.booleans()) for _ in terms]
    arrays = []
    for i, term in enumerate(terms):
        single = {j for j in term if term.count(j) == 1 and draw(st.integers(0, 4)) == 0}
        shape = (2,) * dots[i] + tuple(1 if j in single else sizes[j] for j in term)
        arrays.append(np.random.default_rng(i).integers(-3, 4, shape).astype(float))
    text = ",".join("..." * dot + term for dot, term in zip(dots, terms, strict=True))
    explicit = draw(st.booleans())
    return text + ("->" + "..." * any(dots) + out) * explicit, arrays


@given(contractions(), st.sampled_from([False, True, "optimal"]))
def test_einsum_has_the_values_of_numpy_for_any_subscripts(contraction, optimize):
    subscripts, arrays = contraction
    found = einsum(subscripts, *arrays, optimize=optimize)
    expected = np.einsum(subscripts, *arrays)
    assert np.shape(found) == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda x: np.einsum("ij,jk", x, x),
            "'ij,jk' with shapes (2, 3) and (2, 3): axis 'j' has ",
        ),
        (lambda x: np.einsum("ij,jk", x), "'ij,jk' with shape (2, 3): the number of operands is 1"),
        (lambda x: np.einsum("ijk", x), "'ijk' is for 3 axes, and shape (2, 3) has 2; write a "),
        (lambda x: np.einsum("i", x), "'i' is for 1 axes, and shape (2, 3) has 2; write a letter"),
        (lambda x: np.einsum("ij->k", x), "the output has 'k', which no operand has"),
        (lambda x: np.einsum("ij->ii", x), "the output has 'i' twice; multiply by np.eye"),
        (lambda x: np.einsum("ii", x), "axis 'i' has sizes 2 and 3; axes of different sizes"),
        (lambda x: np.einsum("i...->i", x), "the output lacks the axes that ... stands for"),
        (lambda x: np.einsum("...,...", x, x.T), "an axis that ... stands for has sizes 2 and 3"),
        (lambda x: np.einsum("i1", x), "'1' names no axis; axes are letters, or ..."),
        (lambda x: np.einsum("i.j", x), "'.' names no axis"),
        (lambda x: np.einsum("ij-i", x), "'-' names no axis"),
        (lambda x: np.einsum(x), "it starts with subscripts, as in np.einsum('ij,jk->ik', x, y)"),
        (lambda x: np.einsum(x, [0, 52]), "a list of numbers from 0 to 51 and ..., got [0, 52]"),
        (lambda x: np.einsum(x, ["i", "j"]), "a list of numbers from 0 to 51"),
        (
            lambda x: np.einsum("ij,jk,ki", x, x.T, x @ x.T, optimize="fast"),
            "optimize='fast' gives",
        ),
        (lambda x: np.einsum("ij", x, order="C"), "order= cannot be composed; leave it out"),
        (lambda x: np.einsum("ij", x, dtype=float), "dtype= cannot be composed"),
    ],
)
def test_a_mistake_is_named_with_the_way_out(call, message):
    with pytest.raises(errors.MicrobnError) as caught:
        call(Tensor(X))
    assert str(caught.value).startswith("np.einsum: ")
    assert message in str(caught.value)


def test_a_hessian_goes_through_einsum():
    hessian = mb.hessian(lambda x: np.einsum("i,ij,j", x, S, x), X[0])
    np.testing.assert_allclose(hessian, S + S.T)
