"""A sheet says what an exercise is worth; one that is wrong says where."""

import pytest

from microbn import errors
from microbn.cli.grading.sheet import read_sheet

ENTRY = '[[exercise]]\ntarget = "layer"\ninputs = ["8x3"]\npoints = { x = 2 }\n'


def read(tmp_path, text):
    (tmp_path / "sheet.toml").write_text(text, encoding="utf-8")
    return read_sheet(tmp_path / "sheet.toml")


def test_what_stands_above_holds_for_all_that_do_not_say_it(tmp_path):
    sheet = read(tmp_path, f"seeds = [5]\nhints = 0\n{ENTRY}{ENTRY}name = 'b'\nseeds = [6, 7]\n")
    first, second = sheet.exercises
    assert (first.name, first.seeds, first.hints, first.worth) == ("layer", (5,), 0, 2)
    assert (second.name, second.seeds, second.hints) == ("b", (6, 7), 0)
    assert (sheet.title, sheet.imports, sheet.visibility) == (
        "sheet",
        ("numpy", "math", "typing"),
        "visible",
    )
    assert sheet.only("b") is second


def test_sheet_that_begins_with_a_byte_order_mark_is_read(tmp_path):
    assert read(tmp_path, f"\ufeff{ENTRY}").only("layer").worth == 2


def test_digest_is_of_the_sheet_and_its_reference(tmp_path):
    (tmp_path / "right.py").write_text("x = 1")
    text = f"reference = 'right.py'\n{ENTRY}"
    digests = {read(tmp_path, text).digest(), read(tmp_path, f"{text}\n").digest()}
    (tmp_path / "right.py").write_text("x = 2")
    digests.add(read(tmp_path, text).digest())
    assert len(digests) == 3
    assert read(tmp_path, text).digest() in digests


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "sheet.toml has no exercises; begin each with [[exercise]]"),
        ("exercise = 1", "has no exercises"),
        ("[[exercise]", "sheet.toml is not TOML: "),
        (f"sedes = [1]\n{ENTRY}", "sheet.toml: there is no key 'sedes'; a sheet has title, "),
        (
            f"{ENTRY}point = 1",
            "exercise 1 (layer): there is no key 'point'; an exercise has target",
        ),
        (f"seeds = []\n{ENTRY}", "seeds = [] must be a list of integers from 0 on"),
        (f"seeds = [-1]\n{ENTRY}", "seeds = [-1] must be a list of integers from 0 on"),
        (f"seconds = 0\n{ENTRY}", "seconds = 0 must be an integer from 1 to 3600"),
        (f"megabytes = 1.5\n{ENTRY}", "megabytes = 1.5 must be an integer from 512 to"),
        (f"seconds = {10**11}\n{ENTRY}", f"seconds = {10**11} must be an integer from 1 to 3600"),
        (f"megabytes = 1\n{ENTRY}", "megabytes = 1 must be an integer from 512 to 1048576"),
        (f"megabytes = {10**20}\n{ENTRY}", f"megabytes = {10**20} must be an integer from 512"),
        (f"examples = 0\n{ENTRY}", "examples = 0 must be an integer from 1 to 1000"),
        (f"examples = {10**9}\n{ENTRY}", "must be an integer from 1 to 1000"),
        (f"imports = ['a.b']\n{ENTRY}", "imports = ['a.b'] must be a list of texts, such as"),
        (
            ENTRY.replace("8x3", "abc"),
            "exercise 1 (layer): inputs: 'abc' is not a shape; write 8x3",
        ),
        (ENTRY.replace("8x3", "-4x3"), "inputs: '-4x3' is not a shape; write 8x3"),
        (ENTRY.replace("8x3", ""), "inputs: '' is not a shape; write 8x3"),
        (ENTRY.replace("8x3", "x=0x3"), "inputs: '0x3' is not a shape; write 8x3"),
        (ENTRY.replace("8x3", "9999999x9"), "inputs: '9999999x9' has 9e+07 entries, and an input"),
        (ENTRY.replace("8x3", "9" * 5000), "(layer): inputs: "),
        (ENTRY.replace('"8x3"', ""), "exercise 1 (layer): inputs = [] needs a shape for each"),
        (f"hints = 3\n{ENTRY}", "hints = 3 must be 0, 1 or 2"),
        (f"hints = true\n{ENTRY}", "hints = True must be 0, 1 or 2"),
        (f"visibility = 'all'\n{ENTRY}", "must be one of visible, after_due_date"),
        (f"imports = 'numpy'\n{ENTRY}", "imports = 'numpy' must be a list of texts"),
        (f"title = 1\n{ENTRY}", "title = 1 must be a text in quotes"),
        (f"reference = 'no.py'\n{ENTRY}", "reference = 'no.py': there is no such file"),
        ("[[exercise]]\ninputs = []\npoints = {x = 1}", "exercise 1 needs target, a text"),
        ("[[exercise]]\ntarget = 'a'\ninputs = []", "exercise 1 (a) needs points, a table"),
        (ENTRY.replace("x = 2", "x = -2"), "points = {'x': -2} must be a table such as"),
        (ENTRY.replace("x = 2", "x = nan"), "points = {'x': nan} must be a table such as"),
        (ENTRY.replace("x = 2", "habits = 2"), "points = {'habits': 2} must be a table such as"),
        (ENTRY.replace("{ x = 2 }", "2"), "points = 2 must be a table such as"),
        (ENTRY.replace("inputs", "strategies"), "strategies = ['8x3'] must be a table of texts"),
        (f"{ENTRY}strategies = {{ x = 'batches()' }}", "needs either shapes, inputs = "),
        (f"{ENTRY}own_forward = 1", "own_forward = 1 must be true or false"),
        (f"{ENTRY}{ENTRY}", "sheet.toml has two exercises 'layer'; give each a name"),
        (f"{ENTRY}name = 'total'", "an exercise 'total', and so is a column of the marks called"),
    ],
)
def test_sheet_that_is_wrong_says_where(text, said, tmp_path):
    with pytest.raises(errors.ArgumentError) as error:
        read(tmp_path, text)
    assert said in str(error.value)


@pytest.mark.parametrize("text", ["()", "3", "8x3x2", "y=[0, 2]", "mode=train", "w=3x4", "p=-1"])
def test_shapes_and_values_are_inputs(text, tmp_path):
    (exercise,) = read(tmp_path, ENTRY.replace('"8x3"', f'"{text}"')).exercises
    assert exercise.inputs == (text,)


def test_sheet_and_exercise_that_are_not_there_are_named(tmp_path):
    with pytest.raises(errors.ArgumentError, match=r"no.toml' cannot be read"):
        read_sheet(tmp_path / "no.toml")
    with pytest.raises(errors.ArgumentError, match="has no exercise 'x'; it has layer"):
        read(tmp_path, ENTRY).only("x")
