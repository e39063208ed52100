"""Functions composed in plain NumPy: same numbers for arrays and Tensors, emergent gradients."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microbn import Tensor, errors, grad, scalars
from microbn import functional as F
from microbn.reading.tape import history
from microbn.testing import assert_gradients

RNG = np.random.default_rng(0)
X, TARGETS = RNG.normal(size=(5, 3)), np.array([0, 2, 1, 1, 0])
GAMMA, BETA = RNG.normal(size=3), RNG.normal(size=3)
WIDE, (GAMMAS, BETAS) = RNG.normal(size=(3, 6)), RNG.normal(size=(2, 6))
FUNCTIONS = {
    "batch_norm": (F.batch_norm, [X, GAMMA, BETA]),
    "batch_norm of images": (F.batch_norm, [RNG.normal(size=(2, 3, 2, 2)), GAMMA, BETA]),
    "layer_norm": (F.layer_norm, [X, GAMMA, BETA]),
    "layer_norm of sentences": (F.layer_norm, [RNG.normal(size=(2, 2, 3)), GAMMA, BETA]),
    "group_norm": (lambda x, *rest: F.group_norm(x, 2, *rest), [WIDE, GAMMAS, BETAS]),
    "group_norm of images": (
        lambda x, *rest: F.group_norm(x, 2, *rest),
        [RNG.normal(size=(2, 6, 2, 2)), GAMMAS, BETAS],
    ),
    "moments": (lambda x: F.moments(x, 0)[2], [X]),
    "normalize": (lambda c, v: F.normalize(c, v * v), [X, GAMMA]),
    "softmax": (F.softmax, [X]),
    "log_softmax": (lambda x: F.log_softmax(x, axis=0), [X]),
    "cross_entropy": (lambda x: F.cross_entropy(x, TARGETS), [X]),
    "mse": (F.mse, [X, X[::-1].copy()]),
    "sigmoid": (F.sigmoid, [X]),
    "relu": (F.relu, [X]),
}


@pytest.mark.bits
@pytest.mark.parametrize("name", FUNCTIONS)
def test_arrays_and_tensors_give_the_same_numbers(name):
    f, arrays = FUNCTIONS[name]
    plain, recorded = f(*arrays), f(*map(Tensor, arrays))
    assert isinstance(plain, (np.ndarray, np.floating))
    assert np.array_equal(plain, recorded.data)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradient_emerges(name):
    f, arrays = FUNCTIONS[name]
    assert_gradients(f, *arrays, order=2)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float32_stays_float32(name):
    f, arrays = FUNCTIONS[name]
    tensors = [Tensor(a, dtype=np.float32) for a in arrays]
    out = f(*tensors)
    assert out.dtype == np.float32
    assert {g.dtype for g in grad(out, tensors, np.ones(out.shape))} == {np.dtype(np.float32)}


@given(st.floats(-30, 30))
def test_sigmoid_is_one_over_one_plus_exp(x):
    assert F.sigmoid(np.float64(x)) == pytest.approx(1 / (1 + np.exp(-x)), abs=1e-15)


def test_softmax_is_taken_over_the_last_axis_unless_another_is_named():
    x = RNG.normal(size=(2, 3, 4))
    powers = np.exp(x)
    for axis, named in ((-1, {}), (0, {"axis": 0}), (1, {"axis": 1})):
        expected = powers / powers.sum(axis, keepdims=True)
        np.testing.assert_allclose(F.softmax(x, **named), expected, rtol=1e-12)
        np.testing.assert_allclose(F.log_softmax(x, **named), np.log(expected), rtol=1e-12)


def test_cross_entropy_is_the_mean_of_minus_log_p_of_the_right_class():
    losses = [-np.log(p[target]) for p, target in zip(F.softmax(X), TARGETS, strict=True)]
    assert F.cross_entropy(X, TARGETS) == pytest.approx(np.mean(losses), rel=1e-12)
    for target in (0, 2):  # the first class and the last
        assert F.cross_entropy(X[:1], [target]) == pytest.approx(-np.log(F.softmax(X)[0, target]))


@pytest.mark.parametrize("bad", [-1e-5, -np.inf, np.inf, np.nan, "1e-5", None])
def test_eps_that_is_negative_or_not_finite_is_refused(bad):
    for norm in (F.batch_norm, F.layer_norm, lambda x, *rest: F.group_norm(x, 1, *rest)):
        with pytest.raises(
            errors.ArgumentError, match="normalize: eps must be 0 or positive, and fin"
        ):
            norm(X, GAMMA, BETA, bad)


def test_eps_is_1e_5_unless_another_is_given():
    small = 1e-3 * X
    for norm in (F.batch_norm, F.layer_norm, lambda x, *rest: F.group_norm(x, 1, *rest)):
        assert np.array_equal(norm(small, GAMMA, BETA), norm(small, GAMMA, BETA, 1e-5))
    assert np.array_equal(F.normalize(X, small**2), F.normalize(X, small**2, 1e-5))


def test_eps_of_zero_gives_unit_variance():
    assert F.batch_norm(X, np.ones(3), np.zeros(3), 0).var(0) == pytest.approx(1, abs=1e-14)


def test_a_norm_without_beta_is_gamma_times_x_hat():
    x_hat, gamma = np.array([[1.0, -2.0], [3.0, 4.0]]), np.array([2.0, 0.5])
    assert F.affine(x_hat, gamma, None).tolist() == [[2.0, -1.0], [6.0, 2.0]]


def test_scalars_are_centered_once():
    _, centered, _ = F.moments(scalars(X, "x"))
    made = {node.function for node in history(centered[0, 0])}
    assert made.isdisjoint({F.stop_gradient})


def test_sigmoid_takes_a_number_but_no_list():
    assert F.sigmoid(0.5) == pytest.approx(1 / (1 + np.exp(-0.5)))
    with pytest.raises(errors.DTypeError, match="sigmoid: needs an array or a Tensor, got list"):
        F.sigmoid([0.5])


@pytest.mark.parametrize(
    "one", [np.ones(1), np.ones(2), np.ones(4), np.ones((1, 3)), np.float64(1)]
)
def test_gamma_and_beta_never_broadcast(one):
    for norm in (F.batch_norm, F.layer_norm, lambda x, *rest: F.group_norm(x, 1, *rest)):
        for rest in ((one, BETA), (GAMMA, one), (one, one)):
            with pytest.raises(errors.ShapeError, match=r"gamma and beta of shape \(3,\), got"):
                norm(X, *rest)


def test_a_function_names_its_results_and_not_its_arguments():
    x = Tensor(X, name="images")
    y = F.batch_norm(x, Tensor(GAMMA), Tensor(BETA))
    assert (y.name, x.name) == ("y", "images")


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (lambda: F.batch_norm(X[0], GAMMA, BETA), errors.ShapeError, r"got shape \(3,\)"),
        (
            lambda: F.batch_norm(X, GAMMA[:, None], BETA),
            errors.ShapeError,
            r"shape \(3,\), got \(3, 1",
        ),
        (lambda: F.batch_norm([[1.0]], GAMMA, BETA), errors.DTypeError, "batch norm.*got list"),
        (lambda: F.layer_norm([[1.0]], GAMMA, BETA), errors.DTypeError, "layer norm.*got list"),
        (lambda: F.layer_norm(X[0], GAMMA, BETA), errors.ShapeError, r"layer norm .*shape \(3,\)"),
        (
            lambda: F.layer_norm(np.ones((2, 3, 4)), GAMMA, BETA),
            errors.ShapeError,
            r"norm of \(2, 3, 4\) needs gamma and beta of shape \(4,\), got \(3,\) and \(3,\)",
        ),
        (lambda: F.group_norm(X[0], 1, GAMMA, BETA), errors.ShapeError, "group norm needs"),
        (
            lambda: F.group_norm(WIDE, 4, GAMMAS, BETAS),
            errors.ShapeError,
            r"4 groups do not divide the 6 features of \(3, 6\); use 2",
        ),
        (lambda: F.group_norm(X, 1, GAMMA, BETAS), errors.ShapeError, r"\(3,\) and \(6,\)"),
        (
            lambda: F.group_norm(X, 1.5, GAMMA, BETA),
            errors.ArgumentError,
            "group norm: groups must be a positive integer, got 1.5",
        ),
        (lambda: F.cross_entropy(X, TARGETS[:2]), errors.ShapeError, r"\(5, 3\) and \(2,\)"),
        (lambda: F.cross_entropy(X[0], TARGETS), errors.ShapeError, r"\(3,\) and \(5,\)"),
        (
            lambda: F.cross_entropy(WIDE.reshape(3, 3, 2), TARGETS[:3]),
            errors.ShapeError,
            r"needs logits \(N, C\) and N targets, got shapes \(3, 3, 2\) and \(3,\)",
        ),
        (lambda: F.cross_entropy(X, TARGETS[:, None]), errors.ShapeError, r"and \(5, 1\)"),
        (
            lambda: F.cross_entropy(X, TARGETS - 1),
            errors.RangeError,
            r"target -1 at \[0\] is not one of 3 classes",
        ),
        (lambda: F.cross_entropy(X, TARGETS * 1.0), errors.DTypeError, "got float64"),
        (
            lambda: F.batch_norm(X.astype(np.float16), GAMMA, BETA),
            errors.DTypeError,
            r"batch norm: needs float32 or float64, got float16; use x.astype\(float\)",
        ),
        (lambda: F.softmax(X.astype(np.float16)), errors.DTypeError, "softmax: .*got float16"),
        (
            lambda: F.cross_entropy(X[:, 0], TARGETS),
            errors.ShapeError,
            r"needs logits \(N, C\) and N targets, got shapes \(5,\) and \(5,\)",
        ),
        (
            lambda: F.cross_entropy(X, TARGETS + 2),
            errors.RangeError,
            r"target 4 at \[1\] is not one of 3 classes",
        ),
        (
            lambda: F.cross_entropy(X, TARGETS + 1),
            errors.RangeError,
            r"target 3 at \[1\] is not one of 3 classes",
        ),
        (lambda: F.mse(X, X[:, :1]), errors.ShapeError, r"\(5, 3\), target \(5, 1\)"),
    ],
)
def test_faults_name_the_facts(fault, error, message):
    with pytest.raises(error, match=message):
        fault()
