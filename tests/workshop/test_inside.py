"""The reader's code in a page: run and checked here as the page's Python runs and checks it."""

import builtins
import os
import re
import subprocess
import sys
from textwrap import dedent

import numpy as np
import pytest

from microbn import errors
from microbn.arguments import HAS_ALONE, need_package
from microbn.engine.primitive import RULES
from microbn.workshop import inside
from microbn.workshop.exercises import exercises_from

RELU = """\
import numpy as np

def relu_forward(x):
    out = np.maximum(x, 0)
    return out, out

def relu_backward(dout, out):
    return dout * (out > 0)
"""


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    """Keep the reader's files in a folder of the test's."""
    monkeypatch.setattr(inside, "HOME", tmp_path / "home")
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def run(capsys):
    """Run code as a file. Return what it gives, and what it prints in each stream."""

    def run(code, name="mine.py"):
        result = inside.run_code(name, dedent(code).lstrip())
        return result, *capsys.readouterr()

    return run


@pytest.fixture
def check(capsys):
    def check(code, target, *inputs, **options):
        result = inside.check_code("mine.py", code, target, [*inputs], **options)
        return result, *capsys.readouterr()

    return check


def natively(home, code):
    """Return what `python mine.py` prints, here."""
    (home / "mine.py").write_text(dedent(code).lstrip())
    command = [sys.executable, str(home / "mine.py")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=home)
    return done.stdout, done.stderr


# --- running


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
    assert err.startswith(f"story is no story but {kind}, so there is nothing to show; write: ")


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
    rule, main = RULES[np.tanh], sys.modules["__main__"]
    _, out, err = run("""
        import builtins, io, os, sys, warnings
        import numpy as np
        import microbn as mb
        os.makedirs("below"); os.chdir("below")
        sys.path.append("here"); sys.path[0] = "there"; sys.argv.append("-v")
        warnings.simplefilter("ignore"); np.seterr(all="ignore")
        mb.defvjp(np.tanh, lambda g, out, x: g * 0)
        builtins.input = print
        print("seen")
        sys.stdout = io.StringIO()
        1 / 0
    """)
    assert out == "seen\n"
    assert "ZeroDivisionError" in err
    after = sys.path[:], sys.argv, sys.stdout, os.getcwd(), np.geterr(), builtins.input
    assert after == before
    assert RULES[np.tanh] is rule
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


# --- checking


def test_a_check_prints_the_report_with_a_row_for_each_input(check):
    result, out, err = check(RELU, "relu", "4x3")
    assert (result, err) == ({"right": True, "story": None, "line": None}, "")
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
    assert "First wrong stage" in out
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


# --- what the page lacks

ALONE = """
import sys

absent = "rich graphviz pygraphviz matplotlib hypothesis PIL sklearn joblib numba scipy anywidget"
sys.modules |= dict.fromkeys(absent.split())  # None says: there is none
import tempfile
from pathlib import Path
import numpy as np
import microbn as mb
from microbn.workshop import inside
from microbn.workshop.exercises import exercises_from

inside.HOME = Path(tempfile.mkdtemp())
"""


def alone(code):
    """Run code in a process that has NumPy alone. Return what it prints."""
    command = [sys.executable, "-c", ALONE + dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_numpy_alone_does_every_exercise_of_the_lab():
    printed = alone("""
        from contextlib import redirect_stdout
        from io import StringIO
        for tab in exercises_from()[1]:
            with redirect_stdout(StringIO()):
                found = inside.run_code(tab["name"], tab["code"])
                given = tab["name"], tab["code"], tab["check"], tab["inputs"]
                options = {key: tab[key] for key in ("hints", "stages")}
                checked = inside.check_code(*given, **options) if tab["check"] else {}
            assert found["line"] is None
            stories = [bool(one.get("story")) for one in (found, checked)]
            print(tab["title"], checked.get("right"), *stories)
    """)
    layers = [tab["title"] for tab in exercises_from()[1][1:10]]
    assert printed.splitlines() == [
        "Play None True False",
        *(f"{layer} {layer == 'swish'} False False" for layer in layers),
        "Write batch norm's backward False False True",
        "Break it False False False",
    ]


def test_numpy_alone_checks_compiles_and_tells():
    alone("""
        from microbn.testing import HandWritten, gradcheck
        rng = np.random.default_rng(0)
        x, w = (mb.Tensor(rng.normal(size=(3, 3)), name) for name in "xw")
        assert gradcheck(lambda x, w: np.tanh(x @ w), x, w, order=2)
        assert "all 9 slopes" in str(gradcheck(lambda x: x * x, x))
        square = HandWritten(lambda x: (x * x, x), lambda dy, x: dy * x)
        report = gradcheck(square, np.ones((2, 2)) + np.eye(2), stages=True)
        assert not report and report.story.page()
        assert "x" in mb.formula(lambda x: x * x)
        program = mb.compile(lambda x: (x * x).sum(), x)
        assert str(program)
        net = mb.nn.Sequential(mb.nn.Linear(3, 2, rng=0), mb.nn.BatchNorm(2))
        assert net(np.eye(3)).shape == (3, 2)
        one, other = (mb.story((x @ w).sum()), mb.story((x * w).sum()))
        assert len(mb.view.beside(one, other)) > 4
    """)


NEEDY = {
    "mb.draw((x * x).sum())": "a drawing needs graphviz; ",
    "mb.story((x * x).sum()).save('a.gif')": "",
    "mb.story((x * x).sum()).slides('a.html')": "",
    "from microbn.testing import given_gradients": "given_gradients needs hypothesis; ",
    "from microbn.testing.strategies import arrays": "strategies needs hypothesis; ",
    "from microbn.lab import data; data.digits(0)": "the digits data set needs sklearn; ",
    "mb.compile(lambda x: (x * x).sum(), x, backend='numba')": "needs numba; ",
    "mb.view.widget(mb.story((x * x).sum()))": "microbn.view.widget needs anywidget; ",
}


def test_whatever_needs_another_package_says_so_in_one_sentence():
    printed = alone(f"""
        from microbn.arguments import HAS_ALONE
        x = mb.Tensor([1.0, 2.0], "x")
        for platform in ("linux", "emscripten"):
            sys.platform = platform
            for code, said in {NEEDY}.items():
                try:
                    exec(code)
                except mb.MicrobnError as error:
                    assert isinstance(error, ImportError) and said in str(error), error
                    assert (HAS_ALONE in str(error)) == (platform == "emscripten"), error
                    assert ("pip install" in str(error)) == (platform == "linux"), error
                else:
                    print(code, "needs nothing")
    """)
    assert printed == ""


def test_a_command_that_needs_another_package_says_so_and_returns_2():
    printed = alone("""
        from contextlib import redirect_stderr
        from microbn.cli import main
        with redirect_stderr(sys.stdout):
            print(main(["check", "batchnorm"]), main(["step", "batchnorm"]))
            sys.platform = "emscripten"
            print(main(["check", "batchnorm"]))
    """)
    natively = "microbn: this command needs rich; install it with: pip install rich"
    in_the_page = f"microbn: this command needs rich; {HAS_ALONE}"
    assert printed.splitlines() == [natively, natively, "2 2", in_the_page, "2"]


def test_a_module_that_the_page_lacks_has_a_note(run, monkeypatch):
    assert HAS_ALONE not in run("import not_there")[2]
    monkeypatch.setattr(sys, "platform", "emscripten")
    assert run("import not_there")[2].endswith(
        f"ModuleNotFoundError: No module named 'not_there'\n{HAS_ALONE}\n"
    )


def test_a_package_that_is_missing_is_named_with_the_way_out(monkeypatch):
    with pytest.raises(errors.MissingPackageError, match="this needs not_there; install it with: "):
        need_package("not_there.below", "lab", "this")
    monkeypatch.setattr(sys, "platform", "emscripten")
    with pytest.raises(errors.MissingPackageError, match=f"^this needs not_there; {HAS_ALONE}$"):
        need_package("not_there.below", "lab", "this")
