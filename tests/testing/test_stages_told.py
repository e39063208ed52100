"""What a report and its story say of the first wrong stage."""

import numpy as np
import pytest
from staged import BETA, GAMMA, X, check, first, forward, one_line, with_mistake

from microbn.testing import HandWritten, gradcheck


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
