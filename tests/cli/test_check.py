"""The command `microbn check`."""

import re
import shlex

import pytest

from microbn.cli import commands as cli
from microbn.cli.examples import BUILT_IN, SCALARS


def check(*args):
    return cli.main(["check", *args])


@pytest.mark.parametrize("target", sorted(BUILT_IN.keys() - {SCALARS}))
def test_built_in_targets_are_right(target, capsys):
    assert check(target) == 0
    out = capsys.readouterr().out
    assert "agrees" in out
    assert "slopes agree" in out


def test_check_of_second_derivatives_and_of_other_shapes(capsys):
    assert check("batchnorm", "5x2x3", "2", "2", "--order", "2", "--seed", "7") == 0
    assert "(5, 2, 3)" in capsys.readouterr().out


def test_a_file_with_an_error_in_it_is_one_line_too(tmp_path, capsys):
    (tmp_path / "bad.py").write_text("x = 1\ny = (\n")
    assert check(f"{tmp_path / 'bad.py'}:f", "3") == 2
    assert "bad.py:f, line 2: SyntaxError: '(' was never closed" in capsys.readouterr().err


def test_check_of_a_module_in_a_file(mine):
    assert check(f"{mine}:net", "5x4") == 0


@pytest.mark.usefixtures("graphviz")
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
        (["batchnrom"], "'batchnrom' is not a target; write one of neuron, softmax, batchnorm"),
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
        (["batchnorm", "8x3"], "batchnorm takes 3 shapes, one for each parameter without a defa"),
        (["batchnorm-scalars"], "is there to be looked at; check the same code as batchnorm"),
        (["{mine}:"], "mine.py:' is not a target"),
        (["{mine}:lyaer", "4"], "did you mean layer?"),
        (["{mine}:layer", "4x3", "4x3"], "mine.py:layer, line 10: ValueError: "),
        (["{mine}:broken", "3"], "mine.py:broken, line 28: ZeroDivisionError: division by zero"),
        (["{mine}:lost", "3"], "mine.py:lost, line 31: FileNotFoundError"),
        (["{mine}:layer", "4x3", "3x2", "--draw", "x.svg"], "has no graph, its backward is by h"),
        (["{mine}:cut", "8x-3"], "'8x-3' is not a shape"),
        (["{mine}:cut", "4y3"], "'4y3' is not a shape; write 8x3, 3, or () for a number"),
        (["{mine}:nothing"], "nothing() returned int; return a function and its inputs"),
    ],
)
def test_a_target_that_is_none_is_one_line(args, message, mine, capsys):
    assert check(*(arg.format(mine=mine) for arg in args)) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


def test_a_picture_that_nothing_can_draw_is_known_before_the_check(mine, monkeypatch, capsys):
    monkeypatch.setattr("microbn.view.dot.renderers", lambda format="svg": [])
    assert check(f"{mine}:cut", "4", "--draw", "cut.svg") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "neither a `dot` program nor pygraphviz" in err


@pytest.mark.parametrize("options", [[], ["--order", "2"], ["--seed", "7"]])
def test_how_to_see_it_again_is_a_command_for_the_shell_in_one_line(
    options, mine, capsys, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "40")
    given = [f"{mine}:named", "3", "y=[0, 2]", *options]
    assert check(*given) == 1
    again = capsys.readouterr().out.splitlines()[-1].strip()
    assert again.startswith("Again: ")
    assert shlex.split(again.removeprefix("Again: ")) == ["microbn", "check", *given]


STAGED = """
import numpy as np
def layer_forward(x, w):
    h = np.tanh(x)
    return h * h * w, (h, w)
def layer_backward(dout, cache):
    h, w = cache
    dh = dout * h * w
    return dh * (1 - h**2), (dout * h * h).sum(0)
def with_graph(x): return np.tanh(x)
"""


FILLING = """
import numpy as np
def layer_forward(x):
    out = np.zeros(x.shape)
    out[:] = np.tanh(x)
    return out, out
def layer_backward(dout, out): return dout * (1 - out**2)
"""


def test_check_says_why_it_writes_no_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    (tmp_path / "loop.py").write_text(FILLING)
    assert cli.main(["check", "loop.py:layer", "4x3", "--html", "loop.html"]) == 0
    why = "Not written: loop.html, because layer_forward does not run on Tensors (loop.py:5: "
    assert why in capsys.readouterr().out
    assert not (tmp_path / "loop.html").exists()


def test_check_names_the_first_wrong_stage_and_writes_its_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    (tmp_path / "staged.py").write_text(STAGED)
    args = ["check", "staged.py:layer", "4x3", "3"]
    assert cli.main([*args, "--html", "stages.html"]) == 1
    out = capsys.readouterr().out
    assert "first wrong stage: dh (staged.py:8) is a sum of 2 parts: " in out
    assert "Yours lacks part" in out or "times 0.5" in out or "0.5 times" in out
    assert "Again: microbn check staged.py:layer 4x3 3 --stages\n" in out
    step = re.search(r"Written: stages.html, opens at step (\d+)\n", out)[1]
    assert f'"opens":{step}' in (tmp_path / "stages.html").read_text("utf-8")
    pages = []
    for hints in "12":
        assert cli.main([*args, "--html", "stages.html", "--hints", hints]) == 1
        pages.append((tmp_path / "stages.html").read_text("utf-8"))
    assert "first wrong stage: dh (staged.py:8)\n" in capsys.readouterr().out
    assert "Your dh differs here." in pages[0]
    assert "Your dh has the path through h" in pages[1]
    assert "Your dh has" not in pages[0]
    capsys.readouterr()
    assert cli.main([*args, "--html", "none.html", "--hints", "0"]) == 2
    assert "--hints 0 says the verdict alone; use --hints 1 or 2" in capsys.readouterr().err
    assert not (tmp_path / "none.html").exists()
    assert cli.main(["check", "staged.py:with_graph", "4x3", "--stages"]) == 2
    assert "stages are those of a backward by hand" in capsys.readouterr().err
