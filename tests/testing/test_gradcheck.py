"""The door: what `gradcheck` passes and rejects, its options, its seed."""

import numpy as np
import pytest

import microbn as mb
from microbn import closed_form, errors, nn
from microbn import functional as F
from microbn.testing import HandWritten, assert_gradients, gradcheck

RNG = np.random.default_rng(0)
X, GAMMA, BETA = RNG.normal(size=(8, 3)), RNG.normal(size=3), RNG.normal(size=3)
LAYER = HandWritten(closed_form.forward, closed_form.backward)


def net(dtype=np.float64):
    layers = [nn.Linear(4, 3, rng=0, dtype=dtype), nn.BatchNorm(3, dtype=dtype), nn.Tanh()]
    return nn.Sequential(*layers)


def by_hand(dy, x, gamma, beta):
    return closed_form.backward(dy, closed_form.forward(x, gamma, beta)[1])


@pytest.mark.parametrize("order", [1, 2])
def test_batch_norm_passes(order):
    report = gradcheck(F.batch_norm, X, GAMMA, BETA, order=order)
    assert report, report
    assert [part.name for part in report.inputs] == ["x", "gamma", "beta"]
    assert str(report).startswith("gradcheck of batch_norm: all 30 slopes agree, within ")


@pytest.mark.parametrize("layer", [F.batch_norm, LAYER])
def test_a_check_of_30_entries_evaluates_a_batch_norm_50_times_for_the_slopes(layer):
    """Each entry is moved alone once. In 8 + 1 + 1 groups of three it is moved twice more."""
    calls = []
    forward = layer.forward if layer is LAYER else layer

    def counting(x, gamma, beta):
        calls.append(x)
        return forward(x, gamma, beta)

    counted = HandWritten(counting, layer.backward) if layer is LAYER else counting
    assert gradcheck(counted, X, GAMMA, BETA)
    assert 50 < len(calls) <= 56


def test_a_closed_form_is_held_against_the_graph():
    assert gradcheck(F.batch_norm, X, GAMMA, BETA, closed_form=by_hand)

    def wrong(dy, x, gamma, beta):
        dx, dgamma, dbeta = by_hand(dy, x, gamma, beta)
        return dx, dgamma, dbeta * (1 + 1e-8)

    report = gradcheck(F.batch_norm, X, GAMMA, BETA, closed_form=wrong)
    assert "the closed form's gradient for 'beta' [" in str(report)
    assert "that of the graph" in str(report)
    at_a_kink = [
        gradcheck(F.relu, np.array([0.0, 1.0]), closed_form=form)
        for form in (
            lambda dy, x: dy * np.where(x == 0, 0.5, x > 0),
            lambda dy, x: dy * np.where(x == 0, 2, 1),
        )
    ]
    assert [*map(bool, at_a_kink)] == [True, False]
    few = gradcheck(F.batch_norm, X, GAMMA, BETA, closed_form=lambda dy, *xs: dy)
    assert "the closed form gives 1 gradients for 3 inputs" in str(few)
    shape = gradcheck(F.relu, X, closed_form=lambda dy, x: dy[0])
    assert "in the closed form, the gradient for 'x' has shape (3,), its input (8, 3)" in str(shape)


def test_the_cotangent_is_not_what_a_user_draws_from_the_same_seed():
    x = np.random.default_rng(0).normal(size=(8, 3))
    report = gradcheck(lambda x: x * 1.0, x, seed=0)  # its gradient is the cotangent
    assert np.min(np.abs(report.inputs[0].analytic - x)) > 0


@pytest.mark.bits
def test_the_same_seed_gives_the_same_report():
    one, two, other = (gradcheck(F.batch_norm, X, GAMMA, BETA, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(one.inputs[0].analytic, two.inputs[0].analytic)
    assert not np.array_equal(one.inputs[0].analytic, other.inputs[0].analytic)


def test_the_sum_as_a_cotangent_would_have_been_blind():
    blind = HandWritten(closed_form.forward, lambda dy, cache: (0 * dy, *by_backward(dy, cache)))
    ones = np.ones_like(X)
    assert np.allclose(closed_form.backward(ones, closed_form.forward(X, GAMMA, BETA)[1])[0], 0)
    assert not gradcheck(blind, X, GAMMA, BETA)


def by_backward(dy, cache):
    return closed_form.backward(dy, cache)[1:]


def test_second_derivatives_are_checked_with_order_2():
    mb.defvjp(np.exp, lambda g, out, x: g * F.stop_gradient(out))
    assert gradcheck(np.exp, X)
    report = gradcheck(lambda x: np.exp(x), X, order=2)
    assert not report
    assert report.suspect.node.function is np.exp
    assert "Again: gradcheck(<lambda>, x, order=2, seed=0)" in str(report)


def test_a_rule_that_keeps_half_of_the_digits_is_told():
    mb.defvjp(np.exp, lambda g, out, x: (g * out).astype(np.float32))
    report = gradcheck(lambda x: np.tanh(np.exp(x)), X)
    assert "the rule of exp for operand 0 gives float32, the operand is float64" in str(report)
    assert report.suspect.node.function is np.exp


class Dense:
    """A layer with a backward of its own."""

    def forward(self, x):
        return 2.0 * x

    def backward(self, dout):
        return 2.0 * dout


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: gradcheck(Dense, X), errors.DTypeError, "Dense is a class; check an instance"),
        (lambda: gradcheck(nn.Tanh, X), errors.DTypeError, "Tanh is a class; check an instance"),
        (lambda: gradcheck(np.exp, X, order=3), errors.ArgumentError, "order is 1 or 2, got 3"),
        (lambda: gradcheck(np.exp), errors.ArgumentError, "exp is given no inputs"),
        (
            lambda: gradcheck(F.batch_norm, X, GAMMA, BETA, eps=1e-3),
            errors.ArgumentError,
            r"eps= is not an option of gradcheck; pass an input of batch_norm by position, or with"
            r"in a function: gradcheck\(lambda x: batch_norm\(x, eps=...\), x\)",
        ),
        (
            lambda: assert_gradients(LAYER, X, bn_param={}),
            errors.ArgumentError,
            "bn_param= is not an option",
        ),
        (lambda: gradcheck("exp", X), errors.DTypeError, "not 'exp'"),
        (lambda: gradcheck(np.exp, X.astype(complex)), errors.DTypeError, "input 0 of exp holds c"),
        (
            lambda: gradcheck(np.exp, [1, 2]),
            errors.DTypeError,
            "floats have gradients: write 1.0, not 1",
        ),
        (
            lambda: gradcheck(np.add, X, np.full(3, np.inf)),
            errors.NonFiniteError,
            "keep a mask out",
        ),
        (lambda: gradcheck(np.exp, "text"), errors.DTypeError, "input 0 of exp holds"),
        (lambda: gradcheck(np.exp, np.array([np.nan])), errors.NonFiniteError, "is not finite"),
        (lambda: gradcheck(np.log, np.array([-1.0])), errors.NonFiniteError, "log gives nan at"),
        (
            lambda: gradcheck(lambda x: (x, 1), X),
            errors.DTypeError,
            "tuple of Tensor and int. A la",
        ),
        (
            lambda: gradcheck(lambda x: None, X),
            errors.RuleError,
            "<lambda> is unfinished: it returns",
        ),
        (
            lambda: gradcheck(lambda x: x.item(), np.array(2.0)),
            errors.GraphError,
            "returns float, although",
        ),
        (lambda: gradcheck(LAYER, X, GAMMA, BETA, order=2), errors.ArgumentError, "needs a graph"),
        (lambda: gradcheck(net(np.float32), X[:, [0, 1, 2, 0]]), errors.DTypeError, "is float32"),
        (
            lambda: gradcheck(HandWritten(np.exp, lambda dy, c: dy), X),
            errors.RuleError,
            "forward returns a pair",
        ),
        (
            lambda: gradcheck(HandWritten(lambda x: (x, x), lambda dy, c: (dy, dy)), X),
            errors.RuleError,
            "backward returned 2 gradients for 1 inputs",
        ),
        (
            lambda: gradcheck(np.exp, lambda dy: dy, X),
            errors.DTypeError,
            "input 0 of exp is a func",
        ),
        (lambda: gradcheck(np.exp, [[1.0], [1.0, 2.0]]), errors.ShapeError, "input 0 of exp is no"),
        (lambda: gradcheck(np.exp, X, seed=-1), errors.ArgumentError, "seed is an integer from 0"),
        (lambda: gradcheck(np.exp, X, closed_form=3), errors.DTypeError, "closed_form is a func"),
        (
            lambda: gradcheck(HandWritten(lambda x: (x, x), lambda dy, c: None), X),
            errors.RuleError,
            "backward returned None; return a tuple, one for each input: <lambda> is unfinished",
        ),
        (
            lambda: gradcheck(HandWritten(lambda x: (x, x), lambda dy, c: {"x": dy}), X),
            errors.RuleError,
            "backward returned a dict; return a tuple",
        ),
        (lambda: gradcheck(lambda x: np.i0(x), X), errors.RuleError, "np.i0 has no gradient"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_what_cannot_be_checked_is_refused(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
