"""Where the stages of a backward by hand are found, and which value each belongs to."""

import re

import numpy as np
import pytest
from staged import BETA, GAMMA, X, check, first, forward, given_back, one_line, with_mistake, wrong

from microbn.errors import ArgumentError
from microbn.testing import HandWritten, assert_gradients, gradcheck


def in_cache(dout, cache):
    gamma, xhat, xmu, ivar, sqrtvar, grads = cache
    grads["dx̂"], grads["var"] = gamma * dout, 0 * ivar
    return one_line(dout, (gamma, xhat, xmu, ivar, sqrtvar))


def forward_with_dict(x, gamma, beta):
    out, cache = forward(x, gamma, beta)
    return out, (*cache, {})


def test_stages_are_taken_from_a_dict_behind_the_gradients():
    report = check(given_back)
    assert [name for name, *_ in report.stages] == ["dbeta", "d_x_hat", "dgamma", "dσ²", "dx"]
    assert wrong(report) == ["dσ²"]
    assert report  # the gradients are right: the verdict is theirs


def test_a_dict_behind_the_gradients_is_no_gradient():
    assert gradcheck(HandWritten(forward, given_back), X, GAMMA, BETA)
    assert_gradients(HandWritten(forward, given_back), X, GAMMA, BETA)


def test_stages_are_taken_from_the_cache():
    report = check(in_cache, forward_with_dict)
    assert "dx̂" in [name for name, *_ in report.stages]


def test_names_of_values_alone_are_taken_for_their_gradients():
    def staged(dout, cache):
        gamma, *_ = cache
        return *one_line(dout, cache), {"x_hat": gamma * dout, "variance": 1.0 + 0 * gamma}

    report = check(staged)
    assert {stage.name: stage.ok for stage in report.stages if stage.name[0] != "d"} == {
        "x_hat": True,
        "variance": False,
    }


@pytest.mark.parametrize("factor", [1, 2])
def test_a_name_before_its_own_with_a_2_may_be_the_first_part(factor):
    def back(dout, cache):
        gamma, xhat, xmu, ivar, _ = cache
        dxhat = gamma * dout
        dxmu = dxhat * ivar
        dvar = -0.5 * (dxhat * xmu).sum(0) * ivar**3
        dxmu2 = factor * 2 * xmu * dvar / len(dout)
        dx = dxmu + dxmu2 - dxmu.mean(0)
        return dx, (dout * xhat).sum(0), dout.sum(0)

    report = check(back)
    assert wrong(report) == ["dxmu2", "dx"][: 2 * (factor - 1)]
    said = [stage.sentence for stage in report.stages if stage.name == "dxmu"]
    assert said == ["dxmu agrees with a part of the gradient of xmu"]


def test_a_part_that_was_never_added_leaves_the_name_before_it_wrong():
    def back(dout, cache):
        gamma, xhat, xmu, ivar, _ = cache
        dxhat = gamma * dout
        dxmu = dxhat * ivar
        dvar = -0.5 * (dxhat * xmu).sum(0) * ivar**3
        dxmu2 = 2 * xmu * dvar / len(dout)
        return dxmu - dxmu.mean(0) + 0 * dxmu2, (dout * xhat).sum(0), dout.sum(0)

    assert wrong(check(back))[0] == "dxmu"


def test_a_value_that_is_called_h2_is_no_second_part_of_h():
    def forward(x, w, w2):
        h = np.tanh(x @ w)
        h2 = h + np.tanh(h @ w2)
        return h2, (x, w, w2, h, h2)

    def back(dout, cache):
        x, w, w2, h, h2 = cache
        dh2 = dout * (1 - (h2 - h) ** 2)
        dw2 = h.T @ dh2
        dh = dh2 @ w2.T  # without dout, which skips the second layer
        dx = (dh * (1 - h**2)) @ w.T
        return dx, x.T @ (dh * (1 - h**2)), dw2

    rng = np.random.default_rng(0)
    report = check(back, forward, [rng.normal(size=shape) for shape in ((4, 3), (3, 3), (3, 3))])
    assert [stage.name for stage in report.stages if stage.name == "dh" and stage.ok] == []


def test_what_is_not_matched_is_said():
    def staged(dout, cache):
        return *one_line(dout, cache), {"dxhat": cache[0] * dout, "dfoo": dout * 2, "dbar": dout[0]}

    note = (
        "not compared: dfoo and dbar; no value of the forward has such a name: give it one, "
        "foo = ...; it has x, gamma, beta, mu, xmu, sq, var, "
    )
    assert note in str(check(staged))


@pytest.mark.parametrize("shape", [(1, 3), (3,), (1, 1, 3), (8, 3)])
def test_a_stage_in_another_form_of_its_shape_counts(shape):
    def staged(dout, cache):
        gamma, _, xmu, ivar, _ = cache
        dvar = -0.5 * (gamma * dout * xmu).sum(0) * ivar**3
        dsq = dvar / len(dout)
        rows = {"dvar": dvar.reshape(shape)} if np.prod(shape) == 3 else {"dsq": dsq}
        return *one_line(dout, cache), rows | {"dxhat": gamma * dout}

    assert wrong(check(staged)) == []


def test_a_stage_of_a_wrong_shape_is_said():
    def staged(dout, cache):
        gamma, _, xmu, *_ = cache
        return *one_line(dout, cache), {"divar": gamma * dout * xmu, "dmu": np.ones(5)}

    report = check(staged)
    assert "Yours has shape (8, 3), and the value has (3,): sum it over axis 0" in first(report)
    assert "Yours has shape (5,), and the value has (3,)." in report.stages[-2].sentence


def test_a_value_that_np_var_computes_once_more_is_one_value():
    def with_var(x, gamma, beta):
        mean = x.mean(0)
        centered = x - mean
        std = np.sqrt(x.var(0) + 1e-5)
        x_hat = centered / std
        return gamma * x_hat + beta, (gamma, x_hat, centered, 1 / std, std)

    report = check(forward=with_var)
    assert report
    assert wrong(report) == []
    assert {"dxmu", "dmu", "dsqrtvar"} <= {stage.name for stage in report.stages}
    scaled = check(with_mistake("dvar = 0.5", "dvar = 1.5"), with_var)
    assert "first wrong stage: dvar (mistaken.py:11) should be" in str(scaled)
    assert "after that: dxmu2, dxmu and dx are wrong only because of it" in str(scaled)
    lacking = check(with_mistake("dxmu = dxmu1 + dxmu2", "dxmu = dxmu1"), with_var)
    assert wrong(lacking) == ["dx"]
    assert "what comes back from var" in first(lacking)


def test_a_forward_that_does_not_run_on_tensors_is_said():
    def filling(x, gamma, beta):
        out = np.zeros(x.shape)
        out[:] = gamma * x + beta
        return out, (x, gamma)

    def back(dout, cache):
        x, gamma = cache
        return gamma * dout, (dout * x).sum(0), dout.sum(0)

    report = check(back, filling)
    assert report
    assert report.stages == ()
    assert report.story is None
    why = r"filling does not run on Tensors \(test_stages_matched.py:\d+: "
    assert re.search(f"the stages are not compared: {why}", str(report))
    assert re.match(why, report.no_story)


def test_a_layer_that_is_an_object_keeps_its_stages_in_itself():
    class Dense:
        def __init__(self):
            self.W = np.random.default_rng(0).normal(size=(3, 2))

        def forward(self, x):
            self.x = x
            self.z = x @ self.W
            return np.tanh(self.z)

        def backward(self, dout):
            self.dz = dout * (1 - np.tanh(self.z))
            self.dW = self.x.T @ self.dz
            return self.dz @ self.W.T

    report = gradcheck(Dense(), X, stages=True)
    assert not report
    assert wrong(report) == ["dz", "dW", "dx"]
    assert report.stages[1].sentence == "dW is wrong only because of a stage before it"


def test_several_outputs_have_stages_too():
    def two(x):
        h = np.tanh(x)
        c = 2 * h
        return h * x, c, (h, x)

    def back(dy, dc, cache):
        h, x = cache
        dh = dy * x
        return dh * (1 - h**2) + dy * h

    report = gradcheck(HandWritten(two, back), X, stages=True)
    assert wrong(report)[0] == "dh"
    assert "Yours lacks part" in first(report)


def test_a_stage_that_is_not_finite_is_wrong():
    report = check(with_mistake("0.5 * dsqrtvar / sqrtvar", "dsqrtvar / (0 * sqrtvar)"))
    assert "Yours is not finite" in first(report)


def test_stages_are_those_of_a_backward_by_hand():
    with pytest.raises(ArgumentError, match="stages are those of a backward by hand, and exp has"):
        gradcheck(np.exp, X, stages=True)


def test_values_that_one_variable_holds_are_told_from_the_input():
    def looped(x, w):
        for _ in range(3):
            x = np.tanh(x @ w)
        return x, (x, w)

    def back(dout, cache):
        x, w = cache
        dx = dout * (1 - x * x)
        return dx @ w.T, x.T @ dx

    report = gradcheck(
        HandWritten(looped, back), X, np.random.default_rng(0).normal(size=(3, 3)), stages=True
    )
    assert sorted(wrong(report)) == ["dw", "dx"]
    assert "dw is a sum of 3 parts: " in str(report)
    assert "dx should be (dx₁ · (1 - square(x₁))) @ w.mT" in str(report)
    assert "not compared: dx; the forward gives this name to several values" in str(report)


def test_a_stage_without_floats_is_said():
    def staged(dout, cache):
        return *one_line(dout, cache), {"dvar": None, "dmu": np.ones(3, int), "dsq": np.ones(3)}

    assert "not compared: dvar and dmu; a gradient is an array of floats" in str(check(staged))


def test_an_output_without_a_name_is_out_and_parameters_are_no_stages():
    def unnamed(x):
        return np.tanh(x) * x, x

    def back(dout, x):
        dout = dout * 1.0
        dout *= 2
        return dout * x

    report = gradcheck(HandWritten(unnamed, back), X, stages=True)
    assert wrong(report) == ["dx"]
    assert "dout" in first(report)
    assert not any("not compared" in note for note in report.notes)


def test_gradient_that_is_written_over_is_that_of_the_value_further_back():
    def forward(x, w1, w2):
        hidden = np.maximum(0, x @ w1)
        return hidden @ w2, (x, w1, w2, hidden)

    def backward(dout, cache, factor=1):
        x, w1, w2, hidden = cache
        dw2 = hidden.T @ dout
        dhidden = dout @ w2.T
        dhidden[hidden <= 0] = 0
        return dhidden @ w1.T, factor * (x.T @ dhidden), dw2

    rng = np.random.default_rng(0)
    given = [rng.normal(size=shape) for shape in ((4, 3), (3, 5), (5, 2))]
    report = gradcheck(HandWritten(forward, backward), *given, stages=True)
    assert [name for name, ok, *_ in report.stages if not ok] == []
    wrong = HandWritten(forward, lambda dout, cache: backward(dout, cache, 2))
    report = gradcheck(wrong, *given, stages=True)
    assert not report
    assert "dhidden" not in [name for name, ok, *_ in report.stages if not ok]


@pytest.mark.parametrize("unfinished", [None, "later", [1, 2]])
def test_gradient_that_is_unfinished_has_no_stage(unfinished):
    layer = HandWritten(lambda x, w: (x * w, (x, w)), lambda d, c: (d * c[1], unfinished))
    report = gradcheck(layer, np.ones((2, 3)), np.ones((2, 3)), stages=True)
    assert not report
    assert "dw" not in [name for name, *_ in report.stages]


def test_cache_may_hold_itself():
    def forward(x):
        cache = {"x": x}
        cache["own"] = [cache]
        return x * 2, cache

    report = gradcheck(HandWritten(forward, lambda d, cache: 2 * d), np.ones(3), stages=True)
    assert report


def test_variable_with_another_meaning_is_no_mistake_if_the_gradients_are_right():
    def backward(dout, cache):
        gamma, xhat, _, ivar, _ = cache
        dxhat = dout * gamma
        dmu, dvar = dxhat.mean(axis=0), (dxhat * xhat).mean(axis=0)
        return (dxhat - dmu - xhat * dvar) * ivar, (dout * xhat).sum(axis=0), dout.sum(axis=0)

    report = gradcheck(HandWritten(forward, backward), X, GAMMA, BETA, stages=True)
    assert report
    assert wrong(report) == []
    assert "not compared: dmu and dvar; the gradients are right" in str(report)
