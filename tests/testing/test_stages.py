"""Stages of a backward by hand: the first wrong one is named, and what it lacks."""

import ast
import re
from functools import partial
from inspect import getsource
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from microbn.errors import ArgumentError
from microbn.testing import HandWritten, assert_gradients, gradcheck

RNG = np.random.default_rng(0)
X, GAMMA, BETA = RNG.normal(size=(8, 3)), RNG.normal(size=3), RNG.normal(size=3)


def forward(x, gamma, beta):
    mu = x.mean(axis=0)
    xmu = x - mu
    sq = xmu**2
    var = sq.mean(axis=0)
    sqrtvar = np.sqrt(var + 1e-5)
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar
    gammax = gamma * xhat
    out = gammax + beta
    return out, (gamma, xhat, xmu, ivar, sqrtvar)


def backward(dout, cache):
    gamma, xhat, xmu, ivar, sqrtvar = cache
    n = len(dout)
    dbeta = dout.sum(0)
    dgammax = 1.0 * dout
    dgamma = (dgammax * xhat).sum(0)
    dxhat = gamma * dgammax
    divar = (dxhat * xmu).sum(0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -divar / sqrtvar**2
    dvar = 0.5 * dsqrtvar / sqrtvar
    dsq = np.ones_like(dout) * dvar / n
    dxmu2 = 2 * xmu * dsq
    dxmu = dxmu1 + dxmu2
    dmu = -dxmu.sum(0)
    dx = dxmu + dmu / n
    return dx, dgamma, dbeta


def with_mistake(line, wrong, of=backward, **more):
    """Return the function with a line of it exchanged."""
    source = dedent(getsource(of))
    assert source.count(line) == 1
    space = {"np": np, **more}
    exec(compile(source.replace(line, wrong), "mistaken.py", "exec"), space)
    return space[of.__name__]


def check(backward=backward, forward=forward, inputs=(X, GAMMA, BETA), seed=0):
    return gradcheck(HandWritten(forward, backward), *inputs, stages=True, seed=seed)


def wrong(report):
    return [stage.name for stage in report.stages if not stage.ok]


def first(report):
    """Return the sentence on the first wrong stage."""
    return next(stage.sentence for stage in report.stages if not stage.ok)


def test_right_stages_agree_in_the_order_of_the_way_back():
    report = check()
    assert report
    names = " ".join(stage.name for stage in report.stages if stage.ok)
    assert names == "dbeta dgammax dgamma dxhat divar dxmu1 dsqrtvar dvar dsq dxmu2 dxmu dmu dx"
    assert "Stages: dbeta, dgammax, dgamma," in str(report)
    assert report.story.opens == 0
    assert not any("not compared" in note for note in report.notes)


MISTAKES = [  # the line, what is written instead, the stage, and what is said of it
    ("dbeta = dout.sum(0)", "dbeta = dout.mean(0)", "dbeta", "0.125 times what it should be"),
    ("dxhat = gamma * dgammax", "dxhat = dgammax", "dxhat", "Yours lacks the factor 'gamma'"),
    ("divar = (dxhat * xmu)", "divar = (dxhat * xhat)", "divar", ""),
    ("-divar / sqrtvar**2", "divar / sqrtvar**2", "dsqrtvar", "-1 times what it should be: the s"),
    ("-divar / sqrtvar**2", "-divar / sqrtvar", "dsqrtvar", "Yours lacks the factor 'ivar'"),
    ("0.5 * dsqrtvar", "dsqrtvar", "dvar", "2 times what it should be: is the 2 of the rule m"),
    ("dvar / n", "dvar", "dsq", "8 times what it should be, the length of axis 0 of 'x': a sum"),
    ("dvar / n", "dvar / (n - 1)", "dsq", "n = 8, the length of axis 0 of 'x': the biased var"),
    ("2 * xmu * dsq", "xmu * dsq", "dxmu2", "0.5 times what it should be: is the 2 of the rule m"),
    ("dxmu = dxmu1 + dxmu2", "dxmu = dxmu1", "dxmu", "Yours lacks part 2 of 2"),
    ("dxmu = dxmu1 + dxmu2", "dxmu = dxmu2", "dxmu", "Yours lacks part 1 of 2"),
    ("dxmu = dxmu1 + dxmu2", "dxmu = dxmu1 - dxmu2", "dxmu", "Yours has part 2 of 2 times -1: the"),
    ("dmu = -dxmu.sum(0)", "dmu = -dxmu.sum(1).sum()", "dmu", ""),
    ("dmu = -dxmu.sum(0)", "dmu = dxmu.sum(0)", "dmu", "-1 times what it should be: the sign"),
    ("dx = dxmu + dmu / n", "dx = dxmu", "dx", "Yours lacks part 2 of 2"),
    ("dx = dxmu + dmu / n", "dx = dxmu + dmu", "dx", "Yours has part 2 of 2 times 8, the length"),
]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("line", "instead", "stage", "said"), MISTAKES)
def test_the_first_wrong_stage_is_the_one_with_the_mistake(line, instead, stage, said, seed):
    report = check(with_mistake(line, instead), seed=seed)
    assert not report
    assert wrong(report)[0] == stage
    assert said in first(report)
    later = [stage for stage in report.stages if not stage.ok][1:]
    assert all(stage.follows for stage in later)
    assert all("only because of a stage before it" in stage.sentence for stage in later)


def test_a_second_mistake_is_told_from_what_follows_from_the_first():
    source = dedent(getsource(backward)).replace("0.5 * dsqrtvar", "dsqrtvar")
    space = {"np": np}
    exec(source.replace("dmu = -dxmu", "dmu = dxmu"), space)
    text = str(check(space["backward"]))
    assert re.search(r"first wrong stage: dvar .*\n  also wrong: dmu ", text)
    assert "after that: dsq, dxmu2, dxmu and dx are wrong only because of" in text


# The seven mistakes of demo d04, in a backward that goes by stages.
DEMO = {
    "no path through the mean": ("dx = dxmu + dmu / n", "dx = dxmu", "dx"),
    "no path through the variance": ("dxmu = dxmu1 + dxmu2", "dxmu = dxmu1", "dxmu"),
    "ε outside the root": (
        "0.5 * dsqrtvar / sqrtvar", "0.5 * dsqrtvar / (np.sqrt(sqrtvar**2 - 1e-5) + 1e-5)", "dvar"
    ),
    "the unbiased variance": ("dvar / n", "dvar / (n - 1)", "dsq"),
    "γ forgotten": ("dxhat = gamma * dgammax", "dxhat = dgammax", "dxhat"),
    "mean over the wrong axis": ("+ dmu / n", "- dxmu.mean(1, keepdims=True)", "dx"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", DEMO)
def test_mistakes_of_the_demo_are_named_at_their_stage(mistake):
    line, instead, stage = DEMO[mistake]
    assert wrong(check(with_mistake(line, instead)))[0] == stage


def test_the_mistake_of_the_demo_in_the_forward_is_named_where_the_backward_differs():
    unbiased = with_mistake("sq.mean(axis=0)", "sq.sum(axis=0) / (len(x) - 1)", forward)
    report = check(forward=unbiased)
    assert wrong(report)[0] == "dsq"
    assert "0.875 times what it should be, ((n - 1) / n)" in first(report)


def of_demo():
    """Return the forward of demo d04, its mistakes, and the forwards that go with some of them."""
    demo = Path(__file__).parents[2] / "demos" / "d04_test_your_batch_norm.py"
    wanted, space = {"forward", "dx", "MISTAKES", "FORWARDS"}, {"np": np, "partial": partial}
    for part in ast.parse(demo.read_text("utf-8")).body:
        names = {getattr(part, "name", ""), *map(ast.unparse, getattr(part, "targets", []))}
        if names & wanted:
            exec(compile(ast.Module([part], []), "demo.py", "exec"), space)
    return (space[name] for name in ("forward", "MISTAKES", "FORWARDS"))


SAID = {  # of the demo's own backward, which computes dx in a single line
    "no path through the mean": "Yours lacks part 2 of 4",
    "no path through the variance": "Yours lacks what comes back from var",
    "ε outside the root": "Yours is nearly right: a small constant such as eps in another place",
    "the unbiased variance": "every entry is 0.93541435 times what it should be, √((n - 1) / n)",
    "γ forgotten": "Yours lacks the factor 'gamma'",
    "mean over the wrong axis": "a mean or a sum over the wrong axis",
    "N instead of N−1": "Yours has what comes back from var times 0.875, ((n - 1) / n) with n = 8",
}


@pytest.mark.parametrize("mistake", SAID)
def test_what_is_wrong_is_said_of_the_single_line_of_the_demo(mistake):
    forward, mistakes, forwards = of_demo()

    def backward(dy, cache):
        return mistakes[mistake](dy, *cache), (dy * cache[2]).sum(0), dy.sum(0)

    report = check(backward, forwards.get(mistake, forward))
    assert len(mistakes) == len(SAID)
    assert wrong(report) == ["dx"]
    assert SAID[mistake] in first(report)


def one_line(dy, cache):
    gamma, xhat, _, ivar, _ = cache
    dx = gamma * ivar * (dy - dy.mean(0) - xhat * (dy * xhat).mean(0))
    return dx, (dy * xhat).sum(0), dy.sum(0)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (" - dy.mean(0)", "the path through μ"),
        (" - xhat * (dy * xhat).mean(0)", "Yours lacks the path through sq"),
        ("gamma * ivar", ""),
    ],
)
def test_what_a_single_line_lacks_is_named_by_the_path(line, said):
    short = with_mistake(line, "ivar" if "gamma" in line else "", one_line)
    report = check(short)
    assert wrong(report) == ["dx"]
    assert said in first(report) or "lacks part 2 of 2" in first(report)


def given_back(dout, cache):
    gamma, _, _, ivar, _ = cache
    stages = {"d_x_hat": gamma * dout, "dσ²": 0 * ivar}
    return *one_line(dout, cache), stages


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
    why = r"filling does not run on Tensors \(test_stages.py:\d+: "
    assert re.search(f"the stages are not compared: {why}", str(report))
    assert re.match(why, report.no_story)


def test_a_layer_that_is_an_object_keeps_its_stages_in_itself():
    class Dense:
        def __init__(self):
            self.W = RNG.normal(size=(3, 2))

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


@pytest.mark.parametrize(
    ("dh", "said"),
    [
        (
            "dout / 5",
            "In your dh every entry is 4 times what it should be: is the 0.25 of the rule m",
        ),
        ("dout / 20 * 0.5", "In your dh every entry is 0.5 times what it should be: halved, or a"),
    ],
)
def test_a_constant_of_the_rule_that_is_missing_is_named(dh, said):
    def scaled(x):
        h = np.tanh(x)
        k = h * 0.25
        return k / 5, h

    def back(dout, h):
        dh = eval(dh_of)
        return dh * (1 - h**2)

    dh_of = dh
    report = gradcheck(HandWritten(scaled, back), X, stages=True)
    assert wrong(report)[0] == "dh"
    assert said in report.story[report.story.opens].sentence


def test_a_constant_that_is_missing_in_one_part_of_a_sum_is_named():
    def two(x):
        h = np.tanh(x)
        return np.exp(h) * 3.0 + h**2, h

    def back(dout, h):
        dh = dout * 3.0 * np.exp(h) + dout * h
        return dh * (1 - h**2)

    said = "times 0.5: is the 2 of the rule missing?"
    assert said in first(gradcheck(HandWritten(two, back), X, stages=True))


def test_the_line_that_sets_a_stage_is_named():
    report = check(with_mistake("dmu = -dxmu.sum(0)", "dmu = 0 * mu_of(dxmu)", mu_of=np.sum))
    lines = {stage.name: stage.line for stage in report.stages}
    assert lines["dbeta"] == "mistaken.py:4"
    assert lines["dmu"] == "mistaken.py:15"
    assert first(report).startswith("dmu (mistaken.py:15) should be ")


def test_several_lines_that_set_a_stage_are_named_and_none_of_a_value_that_is_no_variable():
    twice = with_mistake("dxmu = dxmu1 + dxmu2", "dxmu = dxmu1\n    dxmu = dxmu - dxmu2")
    assert first(check(twice)).startswith("dxmu (mistaken.py:14, mistaken.py:15) is a sum of 2")
    assert {stage.line for stage in check(given_back).stages} == {""}

    def staged(dout, cache):
        dxhat = cache[0] * dout
        return *one_line(dout, cache), {"dxhat": 2 * dxhat}

    assert {stage.line for stage in check(staged).stages} == {""}


def test_a_wrong_stage_takes_the_place_of_the_hint_for_its_input():
    wrongly = with_mistake("0.5 * dsqrtvar", "dsqrtvar")
    assert "first wrong stage: dvar " in str(check(wrongly))
    assert "Hint for" not in str(check(wrongly))
    assert "Hint for 'x'" in str(gradcheck(HandWritten(forward, wrongly), X, GAMMA, BETA))


def test_the_first_wrong_stage_stands_first():
    report = check(with_mistake("dxmu = dxmu1 + dxmu2", "dxmu = dxmu1"))
    start, after, of_input, right, _ = str(report).splitlines()
    assert start.startswith(f"gradcheck of {report.name}: first wrong stage: dxmu ")
    assert after.startswith("  after that: ")
    assert of_input.startswith("  input 'x' ")
    assert right.startswith("  Stages: dbeta, ")


@pytest.mark.parametrize("habit", [False, True])
def test_a_wrong_stage_is_no_contradiction_to_gradients_that_are_right(habit):
    def staged(dout, cache):
        gradients, dxhat = one_line(dout, cache), 2 * cache[0] * dout
        dout *= 1 + habit  # which writes into what came in
        return *gradients, {"dxhat": dxhat}

    lines = str(report := check(staged)).splitlines()
    assert bool(report) is not habit
    assert sum("first wrong stage: dxhat " in line for line in lines) == 1
    assert sum("the gradients that it returns are right: all 30 slopes" in x for x in lines) == 1
    assert "therwise right" not in str(report)
    assert ("first wrong stage" in lines[0]) is habit


def test_an_input_that_is_no_stage_keeps_its_hint():
    def first_alone(x, w):
        h = np.tanh(x)
        return h * 2, h

    def back(dout, h):
        dh = dout
        return dh * (1 - h**2), dout

    text = str(check(back, first_alone, (X, X)))
    assert "first wrong stage: dh " in text
    assert "Hint for 'x'" not in text
    assert "Hint for 'w': it should be 0 everywhere" in text


def test_the_story_opens_at_the_first_wrong_stage_with_both_numbers():
    report = check(with_mistake("dxmu = dxmu1 + dxmu2", "dxmu = dxmu1"))
    step = report.story[report.story.opens]
    assert f"See step {report.story.opens} of its page" in first(report)
    assert "Your dxmu lacks part 2 of 2." in step.sentence
    yours, right = step.beside.values()
    assert [*step.beside] == ["your dxmu", "dxmu"]
    assert np.abs(yours - right).max() > 0.01
    np.testing.assert_allclose(right, step.parts[0].total)
    assert any("Your dxhat agrees." in told.sentence for told in report.story)


def test_the_story_opens_at_the_step_whose_rule_is_wrong():
    report = check(with_mistake("0.5 * dsqrtvar", "dsqrtvar"))
    step = report.story[report.story.opens]  # and not at the next, which passes it on past + 1e-05
    assert [part.rule for part in step.parts] == ["dsqrtvar / (2 · sqrtvar)"]
    assert [*step.beside] == ["your dvar", "dσ²"]
    assert f"See step {report.story.opens} of its page" in first(report)


def test_the_story_says_as_much_as_the_level_of_the_check():
    layer = HandWritten(forward, with_mistake("0.5 * dsqrtvar", "dsqrtvar"))
    none, where, why = (
        gradcheck(layer, X, GAMMA, BETA, stages=True, hints=hints).story for hints in range(3)
    )
    assert none is None
    assert where.opens == why.opens
    step = where[where.opens]
    assert step.sentence.endswith(" Your dvar differs here.")
    assert [*step.beside] == ["your dvar"]
    told = [title for step in where for title in step.beside]
    assert told
    assert all(title.startswith("your ") for title in told)
    text = " ".join(step.sentence for step in where)
    assert "what it should be" not in text
    assert "the right number" not in text
    assert "every entry is 2 times" in why[why.opens].sentence
    assert [*why[why.opens].beside] == ["your dvar", "dσ²"]


def test_values_that_one_variable_holds_are_told_from_the_input():
    def looped(x, w):
        for _ in range(3):
            x = np.tanh(x @ w)
        return x, (x, w)

    def back(dout, cache):
        x, w = cache
        dx = dout * (1 - x * x)
        return dx @ w.T, x.T @ dx

    report = gradcheck(HandWritten(looped, back), X, RNG.normal(size=(3, 3)), stages=True)
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
