"""The nine layers of docs/teach/exercises.py: what each level of hints tells of them."""

from pathlib import Path

import pytest

from microbn.cli import commands as cli

TEACH = Path(__file__).parents[2] / "docs" / "teach"
WRONG = {  # its shapes, the place of the mistake, and the reason
    "affine": (
        ["5x3", "3x2", "2"],
        "input 'b' [0]: analytic",
        "Hint for 'b': every entry is 0.2 times what it should be, 1 / the length of axis 0 of "
        "'x': a mean where a sum is meant?",
    ),
    "relu": (
        ["4x3"],
        "input 'x' [3, 1]: analytic",
        "Hint for 'x': dout is handed on where x < 0, and should be stopped there",
    ),
    "tanh": (
        ["4x3"],
        "input 'x' [3, 0]: analytic",
        "Hint for 'x': tanh' is 1 - out², and yours is (1 - out)²",
    ),
    "softmax": (
        ["4x3"],
        "input 'x' [2, 0]: analytic",
        "Hint for 'x': each row of softmax's gradient sums to 0, and yours does not: it is dout "
        "times out · (1 - out), as if each output came from its own input alone",
    ),
    "residual": (
        ["4x3", "3x3"],
        "input 'x' [2, 1]: analytic",
        "Hint for 'x': with dout added it is right: is the shortcut's dout missing, where x itself "
        "is added to the output?",
    ),
    "batch_norm": (
        ["8x3", "3", "3"],
        "input 'x' [4, 2]: analytic",
        "Hint for 'x': the error follows the input along axis 0: a path through a variance is "
        "missing, or wrong, and so is one through a mean?",
    ),
    "dropout": (
        ["4x3"],
        "called twice, it gives two results",
        ": is there dropout, or a state? Set its seed in the function",
    ),
    "gate": (
        ["4x3"],
        "its backward writes into dout (the gradient that came in)",
        "; let it work on a copy",
    ),
}


@pytest.fixture
def check(monkeypatch, capsys):
    """Give a function that checks a layer at a level of hints. It returns the printed lines."""
    monkeypatch.chdir(TEACH)
    monkeypatch.setenv("COLUMNS", "300")

    def check(layer, shapes, level, *options):
        level = () if level is None else ("--hints", str(level))
        status = cli.main(["check", f"exercises.py:{layer}", *shapes, *level, *options])
        out, err = capsys.readouterr()
        assert err == ""
        assert status == int(layer in WRONG)
        return out.splitlines()

    return check


@pytest.mark.parametrize("layer", WRONG)
def test_at_level_0_there_is_the_verdict_and_nothing_else(layer, check):
    (line,) = check(layer, WRONG[layer][0], 0)
    verdict = "it cannot be checked as it stands" if layer == "dropout" else "wrong"
    assert line == f"gradcheck of HandWritten({layer}_forward, {layer}_backward): {verdict}"


@pytest.mark.parametrize("layer", WRONG)
def test_at_level_1_there_is_a_place_and_no_reason(layer, check):
    shapes, place, reason = WRONG[layer]
    said = "\n".join(check(layer, shapes, 1))
    assert f": {place}" in said
    assert [word for word in ("Hint", "ratio", "copy", "seed", reason) if word in said] == []


@pytest.mark.parametrize("level", [2, None])
@pytest.mark.parametrize("layer", WRONG)
def test_at_level_2_and_without_a_level_the_reason_is_given(layer, level, check):
    shapes, place, reason = WRONG[layer]
    said = "\n".join(check(layer, shapes, level))
    assert f": {place}" in said
    assert f"{reason}\n" in said


@pytest.mark.parametrize("layer", ["relu", "tanh", "softmax", "residual", "batch_norm"])
@pytest.mark.parametrize("seed", "123")
def test_a_hint_does_not_hang_on_what_is_drawn(layer, seed, check):
    shapes, _, reason = WRONG[layer]
    assert f"  {reason}" in check(layer, shapes, 2, "--seed", seed)


def test_the_layer_that_is_right_is_right_at_every_level(check):
    (line,) = check("swish", ["4x3"], 0)
    assert line == "gradcheck of HandWritten(swish_forward, swish_backward): right"
    for level in (1, 2):
        assert "all 12 slopes agree" in check("swish", ["4x3"], level)[-1]


OF_THE_ENGINE = ("node", "rule of", "cotangent", "operand", "t.data", "graph")


@pytest.mark.parametrize("layer", WRONG)
def test_a_layer_in_numpy_is_told_nothing_in_the_words_of_the_engine(layer, check):
    said = "\n".join(check(layer, WRONG[layer][0], 2))
    assert [word for word in OF_THE_ENGINE if word in said] == []


def test_every_exercise_is_tried():
    text = (TEACH / "exercises.py").read_text("utf-8")
    assert [layer for layer in [*WRONG, "swish"] if f"def {layer}_backward" not in text] == []
    assert text.count("_backward(") == len(WRONG) + 1
