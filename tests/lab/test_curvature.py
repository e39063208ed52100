"""Products with a Hessian, and its largest eigenvalue, beside known Hessians."""

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, errors
from microbn import functional as F
from microbn.engine.primitive import RULES
from microbn.lab import curvature
from microbn.lab.curvature import along_gradient, gradient_turn, hvp, top_eigenvalue

RNG = np.random.default_rng(0)
A = RNG.normal(size=(5, 5))
SYMMETRIC = A + A.T


def quadratic(matrix):
    """Half of x·Mx, whose Hessian is M."""
    x = Tensor(RNG.normal(size=len(matrix)))
    return 0.5 * (x * (matrix @ x)).sum(), [x]


def net_loss(w1, gamma, beta, w2):
    hidden = np.tanh(F.batch_norm(INPUTS @ w1, gamma, beta))
    return F.cross_entropy(hidden @ w2, np.array([0, 1, 2, 0, 1, 2]))


INPUTS = RNG.normal(size=(6, 4))
PARAMETERS = [RNG.normal(size=shape) for shape in ((4, 3), 3, 3, (3, 3))]


def gradient_at(arrays):
    leaves = [Tensor(a) for a in arrays]
    return mb.grad(net_loss(*leaves), leaves)


def test_hvp_is_the_change_of_the_gradient_along_the_vector():
    leaves = [Tensor(p) for p in PARAMETERS]
    vectors = [RNG.normal(size=p.shape) for p in PARAMETERS]
    products = hvp(net_loss(*leaves), leaves, vectors)
    h = 1e-5
    ahead = gradient_at([p + h * v for p, v in zip(PARAMETERS, vectors, strict=True)])
    behind = gradient_at([p - h * v for p, v in zip(PARAMETERS, vectors, strict=True)])
    for product, up, down in zip(products, ahead, behind, strict=True):
        np.testing.assert_allclose(product, (up - down) / (2 * h), rtol=1e-6, atol=1e-8)


def test_hvp_of_a_quadratic_is_its_matrix():
    loss, parameters = quadratic(SYMMETRIC)
    columns = [hvp(loss, parameters, [e])[0] for e in np.eye(5)]
    np.testing.assert_allclose(columns, SYMMETRIC, rtol=0, atol=1e-12)


def test_hvp_where_nothing_curves_is_zero():
    x = Tensor([1.0, 2.0])
    assert hvp((3.0 * x).sum(), [x], [np.ones(2)])[0].tolist() == [0, 0]


@pytest.mark.parametrize("sign", [1, -1])
def test_top_eigenvalue_is_the_largest_in_magnitude(sign):
    loss, parameters = quadratic(sign * SYMMETRIC)
    values, vectors = np.linalg.eigh(sign * SYMMETRIC)
    top = np.argmax(np.abs(values))
    found = top_eigenvalue(loss, parameters, tol=1e-6, max_iterations=2000)
    assert found.converged
    assert found.value == pytest.approx(values[top], rel=1e-6)
    assert abs(found.vector[0] @ vectors[:, top]) == pytest.approx(1, abs=1e-3)


def test_top_eigenvalue_of_a_net_is_that_of_its_hessian():
    leaves = [Tensor(p) for p in PARAMETERS]
    loss = net_loss(*leaves)
    sizes = [p.size for p in PARAMETERS]
    rows = []
    for e in np.eye(sum(sizes)):
        parts = np.split(e, np.cumsum(sizes)[:-1])
        given = [part.reshape(p.shape) for part, p in zip(parts, PARAMETERS, strict=True)]
        rows.append(np.concatenate([part.reshape(-1) for part in hvp(loss, leaves, given)]))
    hessian = np.array(rows)
    np.testing.assert_allclose(hessian, hessian.T, rtol=0, atol=1e-12)
    values = np.linalg.eigvalsh(hessian)
    found = top_eigenvalue(loss, leaves, tol=1e-4, max_iterations=5000)
    assert found.value == pytest.approx(values[np.argmax(np.abs(values))], rel=1e-5)


def test_seed_gives_the_same_numbers():
    loss, parameters = quadratic(SYMMETRIC)
    one, two = (top_eigenvalue(loss, parameters, seed=3) for _ in range(2))
    assert (one.value, one.iterations) == (two.value, two.iterations)


def test_iterations_that_do_not_suffice_are_said():
    found = top_eigenvalue(*quadratic(SYMMETRIC), max_iterations=1)
    assert (found.iterations, found.converged) == (1, False)


def test_at_a_saddle_of_two_equal_curvatures_it_says_that_it_did_not_converge():
    x = Tensor(np.zeros(2))
    assert not top_eigenvalue(x[0] ** 2 - x[1] ** 2, [x]).converged


def test_where_nothing_curves_the_top_eigenvalue_is_zero():
    flat = Tensor([1.0, 2.0])
    found = top_eigenvalue((flat * 3.0).sum(), [flat])
    assert (found.value, found.converged) == (0, True)


def test_a_wrong_rule_is_seen(monkeypatch):
    monkeypatch.setitem(RULES, np.square, (lambda g, out, x: g * (2.001 * x),))
    with pytest.raises(AssertionError):
        test_hvp_is_the_change_of_the_gradient_along_the_vector()


X, ZERO = Tensor([1.0, 2.0]), Tensor(np.zeros(2))
FAULTS = [
    (lambda: hvp((X * X).sum(), [X], [np.ones(3)]), errors.ShapeError, r"\[\(3,\)\], the param"),
    (lambda: hvp((X * X).sum(), [X], []), errors.ShapeError, r"shapes \[\]"),
    (lambda: hvp((X * X).sum(), X, [np.ones(2)]), errors.DTypeError, "a list of parameters"),
    (lambda: hvp((X * X).sum(), [X], None), errors.DTypeError, "a vector per parameter"),
    (lambda: top_eigenvalue(X[0], X), errors.DTypeError, "top_eigenvalue: needs a list of param"),
    (lambda: top_eigenvalue(X * X, [X]), errors.ShapeError, "starts from a scalar"),
    (lambda: top_eigenvalue((X * X).sum(), [X], tol=0), errors.ArgumentError, "tol .*got 0"),
    (lambda: top_eigenvalue((X * X).sum(), [X], max_iterations=0), errors.ArgumentError, "got 0"),
    (lambda: top_eigenvalue((X * X).sum(), [X], max_iterations=1.5), errors.ArgumentError, "1.5"),
    (lambda: top_eigenvalue((X * X).sum(), [X], seed="a"), errors.ArgumentError, "got 'a'"),
    (lambda: hvp((X * X).sum(), [X], ["ab"]), errors.DTypeError, r"of numbers, got .*'ab'"),
    (lambda: along_gradient(lambda: X[0], [X], 0.1), errors.ArgumentError, "rates, got 0.1"),
    (lambda: along_gradient(lambda: X[0], [X], [0.0]), errors.ArgumentError, r"got \[0.0\]"),
    (lambda: along_gradient(lambda: X[0], [X], [np.nan]), errors.ArgumentError, r"got \[nan\]"),
    (lambda: along_gradient(lambda: X[0], [X], ["a"]), errors.ArgumentError, r"got \['a'\]"),
    (lambda: along_gradient(X[0], [X], [0.1]), errors.ArgumentError, "a function that returns"),
    (lambda: gradient_turn(lambda: X[0], [X], 0.0), errors.ArgumentError, "share .*got 0.0"),
    (lambda: gradient_turn(lambda: X[0], [X], np.inf), errors.ArgumentError, "share .*got inf"),
    (lambda: gradient_turn(lambda: X[0], [X], [0.1]), errors.ArgumentError, r"got \[0.1\]"),
    (lambda: gradient_turn(X[0], [X]), errors.ArgumentError, "a function that returns the loss"),
    (lambda: gradient_turn(lambda: X[0], X), errors.DTypeError, "turn: needs a list of parameters"),
    (lambda: along_gradient(lambda: X[0], X, [1]), errors.DTypeError, "nt: needs a list of param"),
    (lambda: gradient_turn(lambda: ZERO[0], [ZERO]), errors.ArgumentError, "parameter 0 is 0.0"),
    (lambda: gradient_turn(lambda: 0 * X[0], [X]), errors.ArgumentError, "gradient of .* is 0.0"),
    (lambda: gradient_turn(lambda: np.inf * X[0], [X]), errors.ArgumentError, "gradient .*is inf"),
    (lambda: top_eigenvalue((X * np.inf).sum() * X[0], [X]), errors.NonFiniteError, "Hessian"),
]


@pytest.mark.parametrize(("fault", "error", "message"), FAULTS)
def test_faults_name_the_facts(fault, error, message):
    with np.errstate(all="ignore"), pytest.raises(error, match=message):
        fault()


def test_along_the_gradient_of_a_quadratic_all_is_known_and_nothing_stays_changed():
    _, (x,) = quadratic(SYMMETRIC)
    start, g = x.data, SYMMETRIC @ x.data
    rates = [0.1, 0.5]
    along = along_gradient(lambda: 0.5 * (x * (SYMMETRIC @ x)).sum(), [x], rates)
    for rate, loss, smoothness in zip(rates, along.losses, along.smoothness, strict=True):
        there = start - rate * g
        assert loss == pytest.approx(0.5 * there @ SYMMETRIC @ there)
        assert smoothness == pytest.approx(np.linalg.norm(SYMMETRIC @ g) / np.linalg.norm(g))
    assert np.array_equal(x.data, start)


def test_along_the_gradient_comes_back_after_an_error_and_refuses_a_gradient_of_zero():
    x = Tensor([1.0, 2.0])
    with pytest.raises(errors.DTypeError):
        along_gradient(lambda: (x * x).sum() if x.data[0] == 1 else 3.0, [x], [0.1])
    assert x.data.tolist() == [1, 2]
    with pytest.raises(errors.ArgumentError, match=r"squared norm 0\.0"):
        along_gradient(lambda: (0.0 * x).sum(), [x], [0.1])


def test_gradients_of_a_product_turn_by_the_arctangent_of_the_share():
    x, y = Tensor([1.0, 0.0]), Tensor([0.0, 3.0])  # from (0, 1) to (-share, 1), and the same for y
    for share in (1e-9, 0.01, 1.0):
        turns = gradient_turn(lambda: (x * y).sum(), [x, y], share)
        np.testing.assert_allclose(turns, np.degrees(np.arctan(share)), rtol=1e-6)
    assert (x.data.tolist(), y.data.tolist()) == ([1, 0], [0, 3])


@pytest.mark.parametrize(("share", "turn"), [(0.5, 0), (2.0, 180)])
def test_gradient_of_a_bowl_turns_around_beyond_its_bottom(share, turn):
    x = Tensor([3.0, -4.0])
    np.testing.assert_allclose(gradient_turn(lambda: 0.5 * (x * x).sum(), [x], share), [turn])


def test_gradient_turn_steps_back_after_an_error():
    x = Tensor([1.0, 2.0])
    with pytest.raises(errors.DTypeError):
        gradient_turn(lambda: (x * x).sum() if x.data[0] == 1 else 3.0, [x])
    assert x.data.tolist() == [1, 2]


def normed(w1, w2):
    hidden = F.relu(F.batch_norm(INPUTS @ w1, np.ones(3), np.zeros(3), eps=1e-12))
    return F.cross_entropy(hidden @ w2, np.array([0, 1, 2, 0, 1, 2]))


def relu(w1, w2):
    return F.cross_entropy(F.relu(INPUTS @ w1) @ w2, np.array([0, 1, 2, 0, 1, 2]))


@pytest.mark.parametrize(("net", "scales"), [(normed, (10, 1)), (relu, (10, 0.1))])
def test_scaling_weights_that_leaves_the_loss_changes_only_measures_with_a_unit(net, scales):
    def measured(*scales):
        pairs = zip(scales, (PARAMETERS[0], PARAMETERS[3]), strict=True)
        weights = [Tensor(scale * p) for scale, p in pairs]

        def loss():
            return net(*weights)

        relative = top_eigenvalue(loss(), weights, relative=True, tol=1e-6, max_iterations=5000)
        free = [loss().item(), *gradient_turn(loss, weights), relative.value]
        return free, [along_gradient(loss, weights, [1e-3]).smoothness[0]]

    (free, bound), (free_scaled, bound_scaled) = measured(1, 1), measured(*scales)
    np.testing.assert_allclose(free_scaled, free, rtol=1e-6)
    assert not np.allclose(bound_scaled, bound, rtol=0.1)


@pytest.mark.parametrize("fault", ["_length", "_norm"])
def test_step_or_curvature_with_a_unit_is_seen(monkeypatch, fault):
    right = getattr(curvature, fault)
    wrong = {
        "_length": lambda what, array: 1.0 if what.startswith("parameter") else right(what, array),
        "_norm": lambda array: 1.0,
    }
    monkeypatch.setattr(curvature, fault, wrong[fault])
    with pytest.raises(AssertionError):
        test_scaling_weights_that_leaves_the_loss_changes_only_measures_with_a_unit(relu, (10, 0.1))


def test_relative_top_eigenvalue_is_that_of_the_hessian_in_units_of_the_norms():
    x, y = Tensor([3.0, 4.0]), Tensor([0.0, 0.5, 0.0])
    both = 0.5 * np.concatenate([x, y]) @ (SYMMETRIC @ np.concatenate([x, y]))
    units = np.repeat([5, 0.5], [2, 3])
    values = np.linalg.eigvalsh(units[:, None] * SYMMETRIC * units)
    found = top_eigenvalue(both, [x, y], relative=True, tol=1e-6, max_iterations=2000)
    assert found.value == pytest.approx(values[np.argmax(np.abs(values))])


def test_relative_curvature_leaves_out_a_parameter_without_length():
    x, zero = Tensor([2.0]), Tensor([0.0])
    loss = 1.5 * (x * x).sum() + 100 * (zero * zero).sum()
    assert top_eigenvalue(loss, [x, zero], relative=True).value == pytest.approx(12)
