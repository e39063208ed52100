"""The command line, as a user runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from microbn import cli
from microbn.targets import BUILT_IN


def run(*args, **options):
    return subprocess.run(
        [sys.executable, "-m", "microbn", *args],
        capture_output=True,
        text=True,
        errors="replace",
        **options,
    )


def test_tour_prints_its_tables_and_writes_its_pictures(tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: the tour unchecked")
    result = run("tour", "--quick", "--seeds", "1", "--out", "out", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    for words in ("nobody wrote", "by stages", "steps to 90%", "out/comparison.png", "Try next"):
        assert words in result.stdout
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "batchnorm.html",
        "batchnorm.svg",
        "comparison.png",
    ]


def test_tour_without_scikit_learn_says_at_once_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert cli.main(["tour", "--out", str(tmp_path / "out")]) == 1
    assert "the tour needs sklearn; install it with: pip install 'microbn[lab]'" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "out").exists()


def test_tour_without_graphviz_says_so_at_once(monkeypatch, tmp_path, capsys):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: the tour unchecked")
    monkeypatch.setattr("microbn.view.dot.renderers", lambda format="svg": [])
    assert cli.main(["tour", "--out", str(tmp_path / "out")]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "neither a `dot` program nor pygraphviz" in err


def test_folder_that_cannot_be_made_is_one_line(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert cli.main(["tour", "--seeds", "1", "--out", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_folder_that_cannot_be_written_into_is_known_before_the_work(tmp_path, capsys):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: the tour unchecked")
    if not Path("/proc/self").exists():
        pytest.skip("no /proc, which nobody can write into")
    assert cli.main(["tour", "--out", "/proc/self"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("microbn: cannot write: ")


def test_console_without_greek_gets_question_marks(tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: the tour unchecked")
    env = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    result = run("tour", "--quick", "--seeds", "1", cwd=tmp_path, env=env)
    assert result.returncode == 0, result.stderr


def test_interruption_ends_quietly(monkeypatch):
    monkeypatch.setattr(cli, "_tour", interrupted)
    assert cli.main(["tour"]) == 130


def interrupted(args):
    raise KeyboardInterrupt


def test_no_command_shows_the_usage():
    result = run()
    assert result.returncode == 2
    assert "usage: microbn" in result.stderr


def test_version_is_the_packages():
    assert run("--version").stdout.startswith("microbn 0.")


# microbn check


def check(*args):
    return cli.main(["check", *args])


@pytest.mark.parametrize("target", BUILT_IN)
def test_built_in_targets_are_right(target, capsys):
    assert check(target) == 0
    out = capsys.readouterr().out
    assert "agrees" in out
    assert "slopes agree" in out


def test_check_of_second_derivatives_and_of_other_shapes(capsys):
    assert check("batchnorm", "5x2x3", "2", "2", "--order", "2", "--seed", "7") == 0
    assert "(5, 2, 3)" in capsys.readouterr().out


MINE = """
import numpy as np
from microbn import Tensor, functional, nn
import beside

def cut(x):
    return x * functional.stop_gradient(np.exp(x))

def layer_forward(x, w, scale=2.0):
    return scale * x @ w, (x, w)

def layer_backward(dout, cache):
    x, w = cache
    return 2 * dout @ w.T, x.T @ dout

def with_inputs():
    return np.exp, np.array([1.0, 2.0])

def graph():
    x = Tensor([1.0, 2.0], name="x")
    return np.exp(x).sum() * x

def nothing():
    return 3

number = 3
def broken(x):
    return x * (1 / 0)

def lost(x):
    return open("nowhere.txt")

net = nn.Sequential(nn.Linear(4, 2, rng=0), nn.Tanh())
"""


def test_a_file_with_an_error_in_it_is_one_line_too(tmp_path, capsys):
    (tmp_path / "bad.py").write_text("x = 1\ny = (\n")
    assert check(f"{tmp_path / 'bad.py'}:f", "3") == 1
    assert "bad.py:f, line 2: SyntaxError: '(' was never closed" in capsys.readouterr().err


def test_check_of_a_module_in_a_file(mine):
    assert check(f"{mine}:net", "5x4") == 0


@pytest.fixture
def mine(tmp_path):
    (tmp_path / "beside.py").write_text("")
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path / "mine.py"


def test_check_of_a_wrong_function_ends_with_1_and_draws_the_suspect(mine, tmp_path, capsys):
    picture = tmp_path / "cut.svg"
    code = check(f"{mine}:cut", "4", "--draw", str(picture))
    out = capsys.readouterr().out
    assert code == 1
    assert "Suspect: stop_gradient (node 2, mine.py:7:" in " ".join(out.split())
    assert "stop_gradient" in picture.read_text()


def test_check_of_forward_and_backward_by_the_name_they_share(mine, capsys):
    assert check(f"{mine}:layer", "3x4", "4x2") == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "input 'w' [" in out
    assert "every entry is 0.5 times what it should be" in out


@pytest.mark.parametrize("name", ["with_inputs", "graph"])
def test_a_function_without_parameters_gives_what_is_checked(mine, name):
    assert check(f"{mine}:{name}") == 0


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["batchnrom"], "'batchnrom' is no target; it is one of neuron, softmax, batchnorm, mlp"),
        (["nowhere.py:f"], "there is no Python file 'nowhere.py'"),
        (["{mine}:nix"], "mine.py has no function 'nix', nor nix_forward and nix_backward"),
        (["{mine}:number"], "mine.py has no function 'number'"),
        (
            ["{mine}:layer"],
            "layer takes 2 shapes, one for each parameter without a default (x, w): ",
        ),
        (
            ["{mine}:cut", "4", "3"],
            "cut takes 1 shape, one for each parameter without a default (x): ",
        ),
        (["batchnorm", "8x3"], "batchnorm has 3 inputs; 1 shapes are given"),
        (["{mine}:"], "mine.py:' is no target"),
        (["{mine}:lyaer", "4"], "did you mean layer?"),
        (["{mine}:layer", "4x3", "4x3"], "mine.py:layer, line 10: ValueError: "),
        (["{mine}:broken", "3"], "mine.py:broken, line 28: ZeroDivisionError: division by zero"),
        (["{mine}:lost", "3"], "mine.py:lost, line 31: FileNotFoundError"),
        (["{mine}:layer", "4x3", "3x2", "--draw", "x.svg"], "has no graph, its backward is by h"),
        (["{mine}:cut", "8x-3"], "'8x-3' is no shape"),
        (["{mine}:cut", "4y3"], "'4y3' is no shape; write 8x3, 3, or () for a number"),
        (["{mine}:nothing"], "nothing() gives int; it has to give a function and its inputs"),
    ],
)
def test_a_target_that_is_none_is_one_line(args, message, mine, capsys):
    assert check(*(arg.format(mine=mine) for arg in args)) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err
