"""The reader's code in a page, run here as the page's Python runs it."""

import builtins
import os
import re
import subprocess
import sys
from textwrap import dedent

import numpy as np
import pytest

from microbn.engine.primitive import CALLS, RULES


def natively(home, code):
    """Return what `python mine.py` prints, here."""
    (home / "mine.py").write_text(dedent(code).lstrip())
    command = [sys.executable, str(home / "mine.py")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=home)
    return done.stdout, done.stderr


def test_what_is_printed_comes_in_its_streams_and_the_story_as_a_page(run):
    result, out, err = run("""
        import sys
        import microbn as mb
        x = mb.Tensor([1.0, 2.0], "x")
        story = mb.story((x * x).sum())
        print("printed"); print("and this", file=sys.stderr)
    """)
    assert (out, err) == ("printed\n", "and this\n")
    assert result["line"] is None
    assert result["story"].lower().startswith("<!doctype html>")


def test_code_without_a_story_gives_none(run):
    assert run("story = None") == ({"story": None, "line": None}, "", "")
    assert run("x = 1") == ({"story": None, "line": None}, "", "")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("story = [1]", "list"),
        ("from microbn import story", "the function story"),
        ("from microbn.view import Story as story", "the function Story"),
        ("import microbn as mb; story = mb.Tensor(1.0)", "Tensor"),
    ],
)
def test_a_story_that_is_none_is_said_to_be_none(run, code, kind):
    result, out, err = run(code)
    assert (result, out) == ({"story": None, "line": None}, "")
    assert err.startswith(f"story is not a story but {kind}, so there is nothing to show; write: ")


FAULTS = {
    "in the code": "def f(x):\n    return 1 / x\n\nprint(1)\nf(0)\n",
    "of syntax": "x = 1\nif x\n    y = 2\n",
    "of a level": "def f():\nx\n",
    "in a string": "x = 'abc\n",
    "of ours": "import microbn as mb\nmb.Tensor([1, 2])\n",
    "with a cause": "try:\n    {}['a']\nexcept KeyError as e:\n    raise ValueError('b') from e\n",
    "in its handler": "try:\n    {}['a']\nexcept KeyError:\n    1 / 0\n",
    "of recursion": "def f(n):\n    return f(n + 1)\n\nf(0)\n",
    "of a group": "raise ExceptionGroup('two', [ValueError('a'), TypeError('b')])\n",
    "of memory": "x = 1\nraise MemoryError\n",
    "of a key pressed": "x = 1\nraise KeyboardInterrupt\n",
    "of an exit": "import sys\nprint('a')\nsys.exit('that is all')\n",
    "a number of an exit": "import sys\nprint('a')\nsys.exit(0)\n",
    "of the reader's own": "class TooFar(Exception):\n    pass\n\nraise TooFar(3)\n",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_error_or_a_warning_is_printed_as_python_prints_it(run, home, fault):
    out, err = natively(home, FAULTS[fault])
    result, *printed = run(FAULTS[fault])
    repeated = r"repeated \d+ more"  # as deep as the stack is free
    assert printed[0] == out
    assert re.sub(repeated, "", printed[1]) == re.sub(repeated, "", err)
    assert result["story"] is None


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        *(("in the code", 2), ("of syntax", 2), ("of a level", 2), ("of ours", 2)),
        *(("with a cause", 4), ("of recursion", 2), ("of an exit", None), ("of memory", 2)),
    ],
)
def test_the_line_of_an_error_is_the_last_one_in_the_file(run, fault, line):
    assert run(FAULTS[fault])[0]["line"] == line


def test_a_warning_is_shown_with_its_line_by_each_run(home):
    code = "import numpy as np\n\nx = np.log(np.zeros(1))\n"
    _, err = natively(home, code)
    twice = f"""
        from pathlib import Path
        from microbn.workshop import inside
        inside.HOME = Path({str(home)!r})
        for _ in range(2):
            inside.run_code("mine.py", {code!r})
    """
    command = [sys.executable, "-c", dedent(twice)]
    assert subprocess.run(command, capture_output=True, text=True).stderr == 2 * err
    assert "mine.py:3: RuntimeWarning: divide by zero" in err


def test_input_is_refused_in_a_sentence(run):
    result, _, err = run("name = input('Your name? ')")
    assert err.endswith("input() cannot ask here; write the value into the code\n")
    assert result["line"] == 1


def test_the_seed_of_a_run_is_no_seed_of_the_next(run):
    seed = "import random, numpy as np; np.random.seed(0); random.seed(0); "
    draw = "import random, numpy as np; print(np.random.rand()); print(random.random())"
    seeded, *after = [run(code)[1].splitlines() for code in (seed + draw, seed, draw, seed, draw)]
    assert run(seed + draw)[1].splitlines() == seeded
    assert not {*after[1]} & {*after[3]}


def test_each_run_begins_anew_and_finds_the_files_of_other_tabs(run):
    assert run("helper = 1", "tools.py")[2] == ""
    assert "NameError" in run("print(helper)")[2]
    assert run("from tools import helper; print(helper)")[1] == "1\n"
    assert run("helper = 2", "tools.py")[2] == ""  # of the same length, in the same second
    assert run("from tools import helper; print(helper)")[1] == "2\n"
    assert run("print(__name__, __file__.endswith('mine.py'))")[1] == "__main__ True\n"


def test_a_class_of_the_code_can_be_pickled_as_in_a_program(run):
    code = "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))) is A)"
    assert run(code)[1] == "True\n"


def test_a_run_leaves_python_as_it_was(run):
    before = sys.path[:], sys.argv, sys.stdout, os.getcwd(), np.geterr(), builtins.input
    rules, main = ({**RULES}, {**CALLS}), sys.modules["__main__"]
    printed = np.get_printoptions()
    _, out, err = run("""
        import builtins, io, os, sys, warnings
        import numpy as np
        import microbn as mb
        os.makedirs("below"); os.chdir("below")
        sys.path.append("here"); sys.path[0] = "there"; sys.argv.append("-v")
        warnings.simplefilter("ignore"); np.seterr(all="ignore"); np.set_printoptions(precision=2)
        mb.defvjp(np.tanh, lambda g, out, x: g * 0)
        mb.defvjp(np.sinc, lambda g, out, x: g * 0)  # which has no rule
        builtins.input = print
        print("seen")
        sys.stdout = io.StringIO()
        1 / 0
    """)
    assert out == "seen\n"
    assert "ZeroDivisionError" in err
    after = sys.path[:], sys.argv, sys.stdout, os.getcwd(), np.geterr(), builtins.input
    assert after == before
    assert rules == (RULES, CALLS)
    assert np.get_printoptions() == printed
    assert sys.modules["__main__"] is main


def test_code_has_no_future_of_ours(run):
    assert "NameError: name 'missing'" in run("def f(x: missing): pass")[2]


def test_a_last_line_without_an_end_is_printed(home):
    code = f"""
        import os
        from pathlib import Path
        from microbn.workshop import inside
        inside.HOME = Path({str(home)!r})
        inside.run_code("mine.py", "print('no end', end='')")
        os._exit(0)  # Python would print it as it ends
    """
    command = [sys.executable, "-c", dedent(code)]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "no end"


def test_numbers_that_are_drawn_go_on_from_run_to_run(run):
    draw = "import random; print(random.random())"
    assert run(draw)[1] != run(draw)[1]
