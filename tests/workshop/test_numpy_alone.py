"""In the page there are only NumPy and this package: what they do, and how the rest is refused."""

import subprocess
import sys
from textwrap import dedent

import pytest

from microbn import errors
from microbn.arguments import HAS_ALONE, need_package
from microbn.workshop.exercises import exercises_from

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
