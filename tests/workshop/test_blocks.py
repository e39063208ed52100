"""Test how the blocks of a page run: in the names of those before, as in a notebook."""

import sys
from types import ModuleType

import pytest

from microbn.workshop import blocks, inside

STORY = "import microbn as mb\nstory = mb.story(mb.Tensor(2.0, 'x') * 3)"


@pytest.fixture(autouse=True)
def _page(tmp_path, monkeypatch):
    """Give the blocks a new page, and a folder."""
    monkeypatch.setattr(blocks, "HOME", tmp_path)
    monkeypatch.setattr(inside, "HOME", tmp_path)
    monkeypatch.setattr(blocks, "_page", ModuleType("__main__"))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


def test_a_block_knows_the_names_of_those_before_it(capsys):
    blocks.run_block("0/example.py", "x = 2")
    assert blocks.run_block("1/example.py", "print(x + 1)") == {"story": None, "line": None}
    assert capsys.readouterr().out == "3\n"


@pytest.mark.parametrize(
    "code", [STORY, f"{STORY}\nstory", f"{STORY}\nother, story = story, 0\nother"]
)
def test_a_story_that_a_block_leaves_or_ends_in_is_its_page(code):
    assert blocks.run_block("0/example.py", code)["story"].startswith("<!doctype html>")


@pytest.mark.parametrize("code", ["", "y = story", "1 + 1", "story.graph", "story = None"])
def test_a_story_is_shown_by_the_block_that_made_it_alone(code):
    blocks.run_block("0/example.py", STORY)
    assert blocks.run_block("1/example.py", code) == {"story": None, "line": None}


@pytest.mark.parametrize(
    ("code", "line", "said"),
    [
        ("x = 1\nx / 0\n", 2, "ZeroDivisionError"),
        ("x = 1\ny = x +\n", 2, "SyntaxError"),
        ("f()", 1, "RuntimeError: of f"),
    ],
)
def test_an_error_is_printed_with_its_line(code, line, said, capsys):
    blocks.run_block("0/example.py", "def f():\n    raise RuntimeError('of f')")
    assert blocks.run_block("1/example.py", code) == {"story": None, "line": line}
    printed = capsys.readouterr().err
    assert said in printed
    assert "blocks.py" not in printed


def test_a_block_has_no_future_of_ours(capsys):
    assert blocks.run_block("0/example.py", "def f(x: missing): pass")["line"] == 1
    assert "NameError: name 'missing'" in capsys.readouterr().err
