"""Partial credit: what is right is paid for, and the reason says what is not."""

import shutil
from pathlib import Path

import pytest

from microbn import errors
from microbn.cli.grading.marks import Grader, mark, must_earn
from microbn.cli.grading.running import Outcome
from microbn.cli.grading.sheet import HABITS, Exercise, read_sheet

DOCS = Path(__file__).parents[3] / "docs"
SHEET = DOCS / "teach" / "sheet.toml"
LAYER = Exercise("layer", {"x": 3, "gamma": 1}, "layer", ("8x3", "3"))


def checked(habits=True, words="", output=None, **gradients):
    return {"gradients": gradients, "habits": habits, "words": words, "output": output or [1.0, 2]}


@pytest.mark.parametrize(
    ("checks", "points", "reason"),
    [
        ([checked(x=True, gamma=True)], 4, ""),
        ([checked(x=True, gamma=False, words="gamma!")], 3, "gamma!"),
        ([checked(x=True, gamma=True), checked(x=False, gamma=True, words="x!")], 1, "x!"),
        ([checked(x=False, gamma=True), checked(x=True, gamma=False, words="b")], 0, "b"),
        ([checked(x=True)], 3, "the layer has no gradient 'gamma'; it has 'x'"),
        ([checked(x=False, words="x!")], 0, "x!\nthe layer has no gradient 'gamma'; it has 'x'"),
        ([checked(words="forward!")], 0, "forward!"),
        ([checked(inputs=True, scale=False)], 3, ""),  # other names: the order counts
        ([checked(gamma=False, x=True)], 3, ""),  # the same names: they count
        ([checked(habits=False, x=True, gamma=True, words="dout")], 0, "dout"),
        ([], 0, "why"),
    ],
)
def test_gradient_earns_its_points_if_it_is_right_in_every_check(checks, points, reason):
    found = mark(LAYER, Outcome(tuple(checks), "why"))
    assert (found.points, found.of, found.reason) == (points, 4, reason)


def test_bad_habit_costs_the_row_of_habits_alone_if_there_is_one():
    exercise = Exercise("layer", {"x": 3, HABITS: 1}, "layer", ("8x3",))
    assert mark(exercise, Outcome((checked(x=True),))).points == 4
    assert mark(exercise, Outcome((checked(habits=False, x=True),))).points == 3
    assert mark(exercise, Outcome((checked(habits=False, x=False),))).points == 0


@pytest.mark.parametrize("output", [[1.0, 2.0001], [1.0], [[1.0, 2.0]]])
def test_gradients_of_another_function_earn_nothing(output):
    right = Outcome((checked(x=True, gamma=True, output=[1.0, 2 + 1e-12]),))
    assert mark(LAYER, right, [[1.0, 2.0]]).points == 4
    found = mark(LAYER, right, [output])
    assert (found.points, found.reason) == (0, "its forward does not compute what is asked for")


@pytest.fixture(scope="module")
def given():
    return Grader(read_sheet(SHEET)).marks(DOCS / "teach" / "exercises.py")


def test_nine_exercises_are_marked_with_partial_credit_and_reasons(given):
    points = {mark.exercise: dict(mark.earned) for mark in given}
    assert points == {
        "affine": {"x": 1, "w": 1, "b": 0},
        "relu": {"x": 0},
        "tanh": {"x": 0},
        "softmax": {"x": 0},
        "residual": {"x": 0, "w": 1},
        "batch_norm": {"x": 0, "gamma": 1, "beta": 1},
        "swish": {"x": 2},
        "dropout": {"x": 0},
        "gate": {"x": 1, HABITS: 0},
    }
    reasons = {mark.exercise: mark.reason for mark in given}
    assert [name for name, why in reasons.items() if not why] == ["swish"]
    assert "24 of 24 entries differ" in reasons["batch_norm"]
    assert not any("Hint" in why or "should" in why for why in reasons.values())
    assert "called twice, it gives two results" in reasons["dropout"]


def test_reasons_hold_neither_seeds_nor_what_the_grader_calls(given):
    words = "".join(mark.reason for mark in given)
    for secret in ("seed=", "gradcheck", "HandWritten", "sheet", "token", "hand-in-"):
        assert secret not in words


def test_solutions_earn_everything(tmp_path):
    text = (DOCS / "teach" / "solutions.md").read_text(encoding="utf-8")
    blocks = [part.split("```")[0] for part in text.split("```python\n")[1:]]
    code = "\n".join(line for b in blocks for line in own_lines(b))
    file = tmp_path / "solved.py"
    exercises = (DOCS / "teach" / "exercises.py").read_text(encoding="utf-8")
    file.write_text(f"{exercises}\n{code}\n", encoding="utf-8")
    marks = Grader(read_sheet(SHEET)).marks(file)
    assert {mark.exercise: mark.reason for mark in marks if mark.points < mark.of} == {}


def own_lines(block):
    """Return the lines of the functions in a block of the solutions."""
    inside = False
    for line in block.splitlines():
        if line and not line.startswith(" "):
            inside = line.startswith("def ") and "check" not in line
        if inside:
            yield line


def test_layer_that_computes_nothing_earns_nothing(tmp_path):
    file = tmp_path / "lazy.py"
    file.write_text(
        "def relu_forward(x): return 0 * x, x\ndef relu_backward(dout, x): return 0 * x"
    )
    (found,) = Grader(read_sheet(SHEET), only="relu").marks(file)
    assert (found.points, found.reason) == (0, "its forward does not compute what is asked for")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x = 1", "hand_in.py has no function 'affine', nor affine_forward and affine_backward"),
        ("def affine_forward(x, w, b): return x", "has affine_forward and no backward for it"),
        (
            "def affine_forward(x): return x, x\ndef affine_backward(dout, x): return dout",
            "affine takes (x), and the exercise gives it 3 inputs",
        ),
        (
            "def affine_forward(x, w, b): pass\ndef affine_backward(dout, x): pass",
            "affine_forward is unfinished: it returns None",
        ),
        (
            "def affine_forward(x, w, b): raise NotImplementedError\n"
            "def affine_backward(dout, x): pass",
            "hand_in.py:affine, line 1: it is unfinished: NotImplementedError",
        ),
    ],
)
def test_what_is_missing_is_said(code, said, tmp_path):
    file = tmp_path / "hand_in.py"
    file.write_text(code)
    (found,) = Grader(read_sheet(SHEET), only="affine").marks(file)
    assert found.points == 0
    assert said in found.reason


def test_gradient_that_is_not_there_costs_its_own_points(tmp_path):
    file = tmp_path / "hand_in.py"
    file.write_text(
        "def affine_forward(x, w, b): return x @ w + b, (x, w)\n"
        "def affine_backward(dout, cache):\n"
        "    x, w = cache\n    return dout @ w.T, None, dout.sum(axis=0)\n"
    )
    (found,) = Grader(read_sheet(SHEET), only="affine").marks(file)
    assert dict(found.earned) == {"x": 1, "w": 0, "b": 1}
    assert "the gradient for 'w' is None" in found.reason


@pytest.mark.parametrize("level", [0, 1, 2])
def test_hints_are_given_at_the_level_of_the_sheet(level, tmp_path):
    shutil.copy(DOCS / "teach" / "exercises.py", tmp_path)
    sheet = tmp_path / "sheet.toml"
    text = SHEET.read_text(encoding="utf-8").replace("hints = 1", f"hints = {level}")
    sheet.write_text(text, encoding="utf-8")
    (found,) = Grader(read_sheet(sheet), only="affine").marks(tmp_path / "exercises.py")
    assert ("numeric" in found.reason) == (level > 0)
    assert ("a mean where a sum is meant?" in found.reason) == (level > 1)
    assert "'b'" in found.reason


def test_strategy_and_reference_that_do_not_run_are_the_sheets_own_faults(tmp_path):
    sheet, file = tmp_path / "sheet.toml", tmp_path / "a.py"
    entry = "[[exercise]]\ntarget = 'f'\npoints = { x = 1 }\n"
    file.write_text("def f(x): return x * x")
    sheet.write_text(f"{entry}strategies = {{ x = 'batch()' }}")
    with pytest.raises(
        errors.ArgumentError, match=r"a strategy of the sheet .* 'batch' is not def"
    ):
        Grader(read_sheet(sheet)).marks(file)
    sheet.write_text(f"{entry}strategies = {{ x = 'integers()' }}")
    with pytest.raises(errors.ArgumentError, match=r"f, x = 'integers\(\)': none of the inputs is"):
        Grader(read_sheet(sheet)).marks(file)
    sheet.write_text(f"{entry}strategies = {{ x = 'just(np.full(2, np.nan))' }}")
    with pytest.raises(errors.ArgumentError, match="input 0 of strategies is not finite"):
        Grader(read_sheet(sheet)).marks(file)
    sheet.write_text(f"reference = 'a.py'\n{entry}inputs = ['2', '3']")
    with pytest.raises(errors.ArgumentError, match=r"grade: a.py, f: f takes "):
        Grader(read_sheet(sheet))


def test_checker_that_does_not_start_is_no_fault_of_a_hand_in(tmp_path):
    sheet, file = tmp_path / "sheet.toml", tmp_path / "a.py"
    file.write_text("def f(x): return x * x")
    strategy = 'builds(__import__("os")._exit, just(0))'
    entry = "[[exercise]]\ntarget = 'f'\npoints = { x = 1 }\n"
    sheet.write_text(f"{entry}strategies = {{ x = '{strategy}' }}")
    with pytest.raises(errors.ArgumentError, match="the checker is not ready after 120 s, or was"):
        Grader(read_sheet(sheet)).marks(file)


def test_points_for_a_gradient_that_is_not_there_are_the_sheets_fault(tmp_path):
    sheet, file = tmp_path / "sheet.toml", tmp_path / "a.py"
    file.write_text(
        "def square_forward(x): return x * x, x\ndef square_backward(dout, x): return 2 * dout * x"
    )
    entry = "[[exercise]]\ntarget = 'square'\ninputs = ['4x3']\npoints = { x = 2, w = 3 }\n"
    sheet.write_text(entry)
    (found,) = Grader(read_sheet(sheet)).marks(file)
    assert (found.points, found.reason) == (2, "the layer has no gradient 'w'; it has 'x'")
    sheet.write_text(f"reference = 'a.py'\n{entry}")
    said = "sheet.toml, square: the layer of a.py has no gradient 'w'; it has 'x'; take the row out"
    with pytest.raises(errors.ArgumentError, match=said):
        Grader(read_sheet(sheet))


def test_missing_points_raise_the_reason_in_a_test_of_otters():
    arguments = (str(SHEET), str(DOCS / "teach" / "exercises.py"), "relu", "x")
    with pytest.raises(AssertionError, match="6 of 12 entries differ"):
        must_earn(*arguments)
    must_earn(*arguments[:2], "affine", "w")
