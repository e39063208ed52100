"""The reader's backward in a page, checked here as the page's Python checks it."""

import re

import pytest

RELU = """\
import numpy as np

def relu_forward(x):
    out = np.maximum(x, 0)
    return out, out

def relu_backward(dout, out):
    return dout * (out > 0)
"""


def test_a_check_prints_the_report_with_a_row_for_each_input(check):
    result, out, err = check(RELU, "relu", "4x3")
    assert (result, err) == ({"right": True, "changed": False, "story": None, "line": None}, "")
    first, empty, heads, row, *_ = out.splitlines()
    assert first.startswith("gradcheck of HandWritten(relu_forward, relu_backward): all 12 slopes")
    assert empty == ""
    assert heads.split("  ")[0] == "input"
    assert re.fullmatch(r"x +\(4, 3\) +\de.\d+ +\de-\d+ +agrees", row)
    assert "Again" not in out


def test_a_wrong_backward_is_told_as_far_as_the_hints_go(check):
    wrong = RELU.replace("> 0", ">= 0")
    said = [check(wrong, "relu", "4x3", hints=level) for level in (0, 1, 2)]
    assert {result["right"] for result, _, _ in said} == {False}
    verdict, where, why = (out for _, out, _ in said)
    assert verdict == "gradcheck of HandWritten(relu_forward, relu_backward): wrong\n"
    assert ("5 of 12 entries differ" in where, "Hint" in where) == (True, False)
    assert "Hint for 'x': dout is handed on where x < 0" in why


def test_a_wrong_stage_comes_with_its_page(check):
    code = RELU.replace("(out > 0)", "(out > 1)")
    result, out, _ = check(code, "relu", "4x3", stages=True)
    assert "first wrong stage" in out
    assert result["story"].lower().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("code", "line", "said"),
    [
        (RELU.replace("return dout", "return dot"), 8, "mine.py:relu, line 8: NameError: .*'dot'"),
        (RELU.replace("relu_back", "rel_back"), None, "mine.py has relu_forward and no backward"),
        (RELU.replace("def relu_b", "def relu_b!"), 7, "mine.py:relu, line 7: SyntaxError"),
        (f"{RELU}\nraise SystemExit('no')", 10, "mine.py:relu, line 10: SystemExit: no"),
        (f"{RELU}\ninput()", 10, "mine.py:relu, line 10: RuntimeError: input.. cannot ask here"),
        ("import nothing_here", 1, "mine.py:relu, line 1: ModuleNotFoundError: .*nothing_here"),
    ],
)
def test_code_that_cannot_be_checked_is_told_in_one_sentence_with_its_line(check, code, line, said):
    result, out, err = check(code, "relu", "4x3")
    assert result == {"right": None, "story": None, "line": line}
    assert out == ""
    assert re.match(said, err)
    assert err.count("\n") == 1


def test_inputs_that_do_not_fit_are_told_without_a_line(check):
    result, _, err = check(RELU, "relu", "4x3", "2")
    assert result["line"] is None
    assert err.startswith("mine.py:relu takes 1 shape, one for each parameter")


def test_a_key_pressed_during_a_check_ends_it_as_a_program(check):
    result, _, err = check(RELU.replace("return dout", "raise KeyboardInterrupt #"), "relu", "4x3")
    assert result == {"right": None, "story": None, "line": 8}
    assert err.startswith("Traceback")
    assert "checker" not in err.split("mine.py")[0]


def test_code_that_is_mended_is_checked_anew(check):
    rights = [
        check(RELU.replace("> 0", sign), "relu", "4x3")[0]["right"]
        for sign in ("> 0", "> 9", "> 0", "> 9")
    ]
    assert rights == [True, False, True, False]


# --- a forward that is not the one of the exercise

LAYER = """\
import numpy as np

print("made")

def layer_forward(x, gamma):
    centered = x - x.mean(axis=0)
    std = np.sqrt((centered**2).mean(axis=0) + 1e-5)
    return gamma * centered / std, (centered, std)

def layer_backward(dy, cache):
    return np.zeros_like(dy), (dy * cache[0] / cache[1]).sum(axis=0)
"""
SHIFTED = RELU.replace("np.maximum(x, 0)", "np.maximum(x, 0) + 0.5 * (x > 0)")


def test_a_forward_that_computes_something_else_is_told_above_a_report_that_finds_all_right(check):
    wider = SHIFTED.replace("0.5", "0.25")
    result, out, _ = check(SHIFTED, "relu", "4x3", starter=RELU)
    assert (result["right"], result["changed"]) == (True, True)
    first, empty, report, *_ = out.splitlines()
    assert (empty, report.split(":")[0]) == (
        "",
        "gradcheck of HandWritten(relu_forward, relu_backward)",
    )
    was, now = re.fullmatch(
        r"Your relu_forward computes something else than at the beginning: out\[0, 0\] was "
        r"(\S+) and is (\S+)\. The check compares your backward with your own forward\.", first
    ).groups()  # fmt: skip
    assert float(now) == pytest.approx(float(was) + 0.5)
    assert "and is" in check(wider, "relu", "4x3", starter=SHIFTED)[1]


def test_another_dtype_is_told_where_the_numbers_look_alike(check):
    coarse = RELU.replace("np.maximum(x, 0)", "np.maximum(x, 0).astype(np.float32)")
    _, out, _ = check(coarse, "relu", "4x3", starter=RELU)
    assert "than at the beginning: out was float64 and is float32." in out


def test_another_number_of_outputs_is_told(check):
    twice = RELU.replace("return out, out", "return out, out, out")
    twice = twice.replace("(dout, out)", "(dout, dmore, out)").replace(
        "return dout", "return (dout + dmore)"
    )
    result, out, _ = check(twice, "relu", "4x3", starter=RELU)
    assert result["right"] is True
    assert "than at the beginning: the number of outputs was 1 and is 2." in out


@pytest.mark.parametrize(
    ("line", "instead", "said"),
    [
        ("x - x.mean(axis=0)", "x - x.mean()", r"centered\[0, 0\] was "),
        ("+ 1e-5)", "+ 1e-2)", r"std\[0\] was "),
        ("return gamma * centered", "return 2 * gamma * centered", r"output\[0, 0\] was "),
        ("return gamma * centered / std", "return (gamma * centered / std)[:1]",
         r"the shape of output was \(4, 2\) and is \(1, 2\)"),
        ("gamma * centered / std,", "gamma * (x - x.mean(axis=0)) / std,", None),
        ("std = np", "std = 3 * np", r"std\[0\] was "),
        ("/ std, (c", "/ std, (2 * c", None),  # of the cache the backward decides
        ("std = np.sqrt(", "sigma = std = np.power(0.5 * 2, 0) * np.sqrt(", None),
    ],
)  # fmt: skip
def test_the_first_value_that_differs_is_named_below_a_report_that_finds_a_mistake(
    check, line, instead, said
):
    assert LAYER.count(line) == 1
    result, out, _ = check(LAYER.replace(line, instead), "layer", "4x2", "2", starter=LAYER)
    assert result["right"] is not True
    assert out.count("made") == 1  # the starter prints nothing
    found = re.search(r"\n\nYour layer_forward computes something else .*: (.*)", out)
    assert re.match(said, found[1]) if said else found is None


@pytest.mark.parametrize(
    "starter",
    [
        "", "1 / 0", "raise SystemExit", "x = 1",
        RELU.replace("np.maximum(x, 0)", "np.random.normal(size=x.shape)"),
        RELU.replace("return out, out", "return None"),
    ],
)  # fmt: skip
def test_nothing_is_said_of_a_starter_that_computes_nothing_or_at_random(check, starter):
    result, out, err = check(SHIFTED, "relu", "4x3", starter=starter)
    assert (result["right"], out.count("something else"), err) == (True, 0, "")
