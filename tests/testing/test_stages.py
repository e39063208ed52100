"""Stages of a backward by hand: the first wrong one is named, and what it lacks."""

import ast
import re
from functools import partial
from inspect import getsource
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from staged import X, backward, check, first, forward, given_back, one_line, with_mistake, wrong

from microbn.testing import HandWritten, gradcheck


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
    (
        "divar = (dxhat * xmu)",
        "divar = (dxhat * xhat)",
        "divar",
        "Yours lacks the factor 'sqrtvar'",
    ),
    ("-divar / sqrtvar**2", "divar / sqrtvar**2", "dsqrtvar", "-1 times what it should be: the s"),
    ("-divar / sqrtvar**2", "-divar / sqrtvar", "dsqrtvar", "Yours lacks the factor 'ivar'"),
    ("0.5 * dsqrtvar", "dsqrtvar", "dvar", "2 times what it should be: is the 2 of the rule m"),
    ("dvar / n", "dvar", "dsq", "8 times what it should be, the length of axis 0 of 'x': a sum"),
    ("dvar / n", "dvar / (n - 1)", "dsq", "n = 8, the length of axis 0 of 'x': the biased var"),
    ("2 * xmu * dsq", "xmu * dsq", "dxmu2", "0.5 times what it should be: is the 2 of the rule m"),
    ("dxmu = dxmu1 + dxmu2", "dxmu = dxmu1", "dxmu", "Yours lacks part 2 of 2"),
    ("dxmu = dxmu1 + dxmu2", "dxmu = dxmu2", "dxmu", "Yours lacks part 1 of 2"),
    ("dxmu = dxmu1 + dxmu2", "dxmu = dxmu1 - dxmu2", "dxmu", "Yours has part 2 of 2 times -1: the"),
    ("dmu = -dxmu.sum(0)", "dmu = -dxmu.sum(1).sum()", "dmu", "is summed over axis 0"),
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


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (" - dy.mean(0)", "Yours lacks part 2 of 2"),
        (" - xhat * (dy * xhat).mean(0)", "Yours lacks the path through sq"),
        ("gamma * ivar", "Yours lacks the factor 'gamma'"),
    ],
)
def test_what_a_single_line_lacks_is_named_by_the_path(line, said):
    short = with_mistake(line, "ivar" if "gamma" in line else "", one_line)
    report = check(short)
    assert wrong(report) == ["dx"]
    assert said in first(report)


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


@pytest.mark.parametrize(("exponent", "rule"), [(2, "2 · a. "), (2.05, "2.05 · a ** 1.04")])
def test_the_exponent_of_a_rule_is_told_in_full_unless_it_is_1(exponent, rule):
    def forward(x):
        a = x * 1.0
        b = a**exponent
        return b * 3, a

    def backward(dout, a):
        db = 3 * dout
        da = db * a
        return da

    report = gradcheck(HandWritten(forward, backward), np.abs(X), stages=True)
    assert f"should be db · {rule}" in first(report)


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
