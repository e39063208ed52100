"""The marks as the graders of the world read them, and what a command prints."""

import ast
import json
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path
from xml.etree import ElementTree

import pytest

from microbn.cli import commands as cli
from microbn.cli.grading import marks as rooms
from microbn.cli.grading.formats import as_gradescope, as_junit, as_otter
from microbn.cli.grading.marks import Mark
from microbn.cli.grading.sheet import read_sheet

TEACH = Path(__file__).parents[3] / "docs" / "teach"
MARKS = [
    Mark("affine", {"x": 1.0, "b": 0.0}, {"x": 1, "b": 1}, "input 'b' is <wrong> & so on\nHint"),
    Mark("relu", {"x": 1.5}, {"x": 1.5}),
]
SHEET = """
title = "Two layers"
seeds = [918273]
visibility = "after_published"
[[exercise]]
target = "affine"
strategies = { x = "arrays((4, 3))", b = "arrays(3)" }
points = { x = 1, b = 1 }
[[exercise]]
target = "relu-like"
name = "like a relu"
inputs = ["4x3"]
points = { x = 1.5 }
"""
OTTER = ("--otter", "t.py")
NOTHING = "grade: --otter writes a test file and marks nothing; leave out"
AFFINE = """
def affine_forward(x, b):
    return x + b, None
def affine_backward(dout, cache):
    return dout + 0, dout.mean(axis=0)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sheet.toml").write_text(SHEET)
    (tmp_path / "anna.py").write_text(AFFINE)
    return tmp_path


def test_gradescope_gets_a_test_for_each_exercise():
    read = json.loads(as_gradescope(MARKS, "after_published"))
    assert (read["score"], read["visibility"]) == (2.5, "after_published")
    assert read["output"] == "Total: 2.5 of 3.5"
    first, second = read["tests"]
    assert first == {
        "name": "affine",
        "score": 1.0,
        "max_score": 2,
        "status": "failed",
        "output": MARKS[0].reason,
        "visibility": "after_published",
    }
    assert (second["status"], second["output"]) == ("passed", "right")


def test_junit_gets_a_case_for_each_exercise():
    suite = ElementTree.fromstring(as_junit(MARKS, "Two layers"))
    assert suite.attrib == {"name": "Two layers", "tests": "2", "failures": "1", "errors": "0"}
    first, second = suite
    assert (first.get("name"), first[0].get("message")) == ("affine", "1 of 2")
    assert first[0].text == MARKS[0].reason
    assert [*second] == []


def test_otter_gets_a_case_for_each_row_without_seeds_or_code(folder, monkeypatch):
    text = as_otter(read_sheet("sheet.toml"), "anna.py")
    assert not any(secret in text for secret in ("918273", "arrays", "4x3", "inputs"))
    asked, cases = [], {}

    def test_case(name, points):
        return lambda f: cases.setdefault(name, (points, f))

    otter = types.ModuleType("otter.test_files")
    otter.test_case = test_case
    monkeypatch.setitem(sys.modules, "otter", types.ModuleType("otter"))
    monkeypatch.setitem(sys.modules, "otter.test_files", otter)
    monkeypatch.setattr(rooms, "must_earn", lambda *given: asked.append(given))
    namespace = {}
    exec(text, namespace)
    assert (namespace["OK_FORMAT"], namespace["name"]) == (False, "sheet")
    assert {name: points for name, (points, _) in cases.items()} == {
        "affine: x": 1,
        "affine: b": 1,
        "like a relu: x": 1.5,
    }
    for _, case in cases.values():
        case()
    assert asked[2] == ("sheet.toml", "anna.py", "like a relu", "x")


def test_otter_gets_a_function_for_each_row_whatever_its_name(folder):
    weights = "points = { 'params.W' = 1, 'params W' = 1, 'params_W' = 1 }"
    sheet = f"[[exercise]]\ntarget = 'Linear'\ninputs = ['4x3']\n{weights}"
    (folder / "weights.toml").write_text(sheet)
    tree = ast.parse(as_otter(read_sheet("weights.toml"), "anna.py"))
    names = [part.name for part in tree.body if isinstance(part, ast.FunctionDef)]
    assert len({*names}) == 3


def test_command_prints_a_table_and_writes_what_is_asked_for(folder, capsys):
    options = ["--gradescope", "results.json", "--junit", "report.xml"]
    assert cli.main(["grade", "sheet.toml", "anna.py", *options]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for words in ("Two layers", "1 of 2", "sum is meant?", "0 of 1.5", "Total: 1 of 3.5"):
        assert words in out
    assert "Written: results.json\nWritten: report.xml\n" in out
    whole = out + (folder / "results.json").read_text() + (folder / "report.xml").read_text()
    assert "918273" not in whole
    assert json.loads((folder / "results.json").read_text())["score"] == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no bash")
def test_the_script_for_gradescope_marks_in_folders_like_its_own(tmp_path):
    for folder in ("source", "submission", "results", "venv"):
        (tmp_path / folder).mkdir()
    (tmp_path / "venv" / "bin").symlink_to(Path(sys.executable).parent)
    for file in ("source/sheet.toml", "source/exercises.py", "submission/exercises.py"):
        shutil.copy(TEACH / Path(file).name, tmp_path / file)
    text = (TEACH / "marking.md").read_text(encoding="utf-8")
    _, script = re.findall(r"```\{code-block\} bash\n(#!/bin/bash\n.*?)```", text, re.DOTALL)
    subprocess.run(["bash", "-ec", script.replace("/autograder", str(tmp_path))], check=True)
    read = json.loads((tmp_path / "results" / "results.json").read_text())
    assert read["output"] == "Total: 8 of 19"
    assert "Total: 8 of 19" in text


def test_nbgrader_gets_a_number_and_the_table_goes_elsewhere(folder, capsys):
    assert cli.main(["grade", "sheet.toml", "anna.py", "--exercise", "affine", "--nbgrader"]) == 0
    out, err = capsys.readouterr()
    assert out == "1.0\n"
    assert "Total: 1 of 2" in err


def test_otter_file_is_written_without_a_hand_in(folder, capsys):
    assert cli.main(["grade", "sheet.toml", "layers.py", "--otter", "q1.py"]) == 0
    assert "must_earn('sheet.toml', 'layers.py', 'affine', 'b')" in (folder / "q1.py").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no.toml", "anna.py"], "grade: 'no.toml' cannot be read"),
        (["sheet.toml", "no.py"], "grade: there is no hand-in 'no.py'"),
        (["sheet.toml", "sheet.toml"], "grade: sheet.toml is not a Python file"),
        (["sheet.toml", "anna.py", "--exercise", "x"], "sheet.toml has no exercise 'x'"),
        (["sheet.toml", ".", "--nbgrader"], "grade: --nbgrader is for one hand-in, and . is a"),
        (["sheet.toml", "anna.py", "-o", "x.csv"], "and a CSV is of a folder; leave out --out"),
        (["sheet.toml", "anna.py", *OTTER, "--gradescope", "x"], f"{NOTHING} --gradescope"),
        (["sheet.toml", "anna.py", *OTTER, "--junit", "x"], f"{NOTHING} --junit"),
        (["sheet.toml", "anna.py", *OTTER, "--nbgrader"], f"{NOTHING} --nbgrader"),
        (["sheet.toml", "anna.py", *OTTER, "--exercise", "affine"], f"{NOTHING} --exercise"),
        (["sheet.toml", "anna.py", *OTTER, "-o", "x"], f"{NOTHING} --out"),
        (["sheet.toml", "empty"], "grade: empty has no hand-ins, such as anna.py"),
    ],
)
def test_command_that_cannot_run_says_so_in_a_sentence(arguments, said, folder, capsys):
    (folder / "empty").mkdir()
    assert cli.main(["grade", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err
    assert not {*folder.iterdir()} - {folder / name for name in ("sheet.toml", "anna.py", "empty")}
