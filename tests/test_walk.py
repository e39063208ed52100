"""A small computation and its backward walk a short way through the engine."""

import sys
from io import StringIO
from runpy import run_path

import walk
from bench.imports import PACKAGE
from rich.console import Console

import microbn as mb


def test_a_product_and_its_backward_walk_through_few_files_and_lines():
    walk.walk(walk.computation)
    lines = walk.walk(walk.computation)
    assert len(lines) <= 8  # one of them notes the user's code
    assert sum(map(len, lines.values())) <= 90
    assert {"tensor.py", "backward.py", "rules.py"} <= {file.name for file in lines}


def test_a_longer_way_has_more_lines():
    def longer():
        walk.computation()
        mb.formula(mb.functional.relu, "x")

    short, long = walk.walk(walk.computation), walk.walk(longer)
    assert len(long) > len(short)
    assert all({*lines} <= {*long[file]} for file, lines in short.items())


def test_each_line_is_found_once_and_a_line_that_is_passed_over_is_not(tmp_path):
    file = tmp_path / "engine" / "room.py"
    file.parent.mkdir()
    file.write_text(
        "def f(x):\n    if x:\n        x -= 1\n        f(x)\n        return\n    x = 0\n"
    )
    f = run_path(str(file))["f"]
    assert walk.walk(lambda: f(3), tmp_path) == {file: [2, 3, 4, 5, 6]}
    assert walk.walk(lambda: f(0), tmp_path) == {file: [2, 6]}
    assert walk.walk(lambda: f(0), tmp_path / "elsewhere") == {}


def test_another_trace_goes_on_afterwards():
    before = sys.gettrace()
    walk.walk(walk.computation)
    assert sys.gettrace() is before


def test_the_table_quotes_the_lines():
    said = StringIO()
    Console(file=said, width=200).print(walk.table({PACKAGE / "errors.py": [1]}))
    assert "microbn/errors.py" in said.getvalue()
    assert (PACKAGE / "errors.py").read_text("utf-8").splitlines()[0] in said.getvalue()
