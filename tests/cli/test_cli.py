"""The command line, as a user runs it."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from microbn import grad
from microbn.cli import commands as cli
from microbn.cli.examples import BUILT_IN, SCALARS
from microbn.cli.targets import gradients_graph, graph, told
from microbn.reading.tape import history


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


def test_lecture_is_written_in_one_file(tmp_path, graphviz):
    result = run("lecture", "-o", "talk.html", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "Written: talk.html\n"
    assert "what is batch norm for?" in (tmp_path / "talk.html").read_text(encoding="utf-8")


def test_lecture_of_ones_own_tells_the_story_of_a_file_and_says_what_is_wrong(
    tmp_path, capsys, monkeypatch, graphviz
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "talk").mkdir()
    (tmp_path / "talk" / "net.py").write_text("def double(x): return 2.0 * x\n")
    script = tmp_path / "talk" / "talk.toml"
    entry = "title='x'\n[[slide]]\ntitle='a'\nstory='net.py:double'\ninputs=['2']"
    script.write_text(entry)
    assert cli.main(["lecture", "talk/talk.toml", "-o", "talk.html"]) == 0
    assert "double" in (tmp_path / "talk.html").read_text(encoding="utf-8")
    capsys.readouterr()
    for text, words in {
        entry.replace("double", "treble"): "slide 1 (a): net.py has no function 'treble'",
        entry + "\nminutes=-1": "slide 1 (a): minutes = -1 must be a number, 0 or more",
        entry.replace("['2']", "['2', '3']"): "slide 1 (a):",
    }.items():
        script.write_text(text)
        assert cli.main(["lecture", "talk/talk.toml", "-o", "other.html"]) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert words in err
    assert not (tmp_path / "other.html").exists()


@pytest.mark.parametrize("file", ["slides.html", "neuron.gif"])
def test_step_writes_slides(tmp_path, monkeypatch, capsys, graphviz, file):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["step", "neuron", "--slides", file]) == 0
    assert capsys.readouterr().out == f"Seed: 0\nWritten: {file}\n"
    assert (tmp_path / file).stat().st_size > 10_000


def test_tour_without_scikit_learn_says_at_once_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert cli.main(["tour", "--out", str(tmp_path / "out")]) == 2
    assert "the tour needs sklearn; install it with: pip install 'microbn[lab]'" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "out").exists()


def test_tour_without_graphviz_says_so_at_once(monkeypatch, tmp_path, capsys):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: the tour unchecked")
    monkeypatch.setattr("microbn.view.dot.renderers", lambda format="svg": [])
    assert cli.main(["tour", "--out", str(tmp_path / "out")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "neither a `dot` program nor pygraphviz" in err


def test_folder_that_cannot_be_made_is_one_line(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert cli.main(["tour", "--seeds", "1", "--out", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_folder_that_cannot_be_written_into_is_known_before_the_work(tmp_path, capsys):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: the tour unchecked")
    if not Path("/proc/self").exists():
        pytest.skip("no /proc, which nobody can write into")
    assert cli.main(["tour", "--out", "/proc/self"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("microbn: cannot write: ")


def test_console_without_greek_gets_question_marks(tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: the tour unchecked")
    env = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    result = run("tour", "--quick", "--seeds", "1", cwd=tmp_path, env=env)
    assert result.returncode == 0, result.stderr


def test_interruption_ends_quietly(monkeypatch):
    monkeypatch.setattr("microbn.lab.tour.tour", interrupted)
    assert cli.main(["tour"]) == 130


def interrupted(*args):
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


@pytest.mark.parametrize("target", sorted(BUILT_IN.keys() - {SCALARS}))
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
from microbn import Tensor, functional, nn, scalars
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

def with_cotangent():
    y = np.exp(Tensor([1.0, 2.0], name="x"))
    return y, [3.0, 5.0]

def two_tensors():
    return Tensor([1.0]) * 2.0, {}

def misfit():
    return Tensor([1.0, 2.0]) + Tensor([1.0, 2.0, 3.0])

def of_scalars():
    return functional.softmax(scalars([1.0, 2.0], "z"))

def nan():
    return np.log(Tensor([-1.0], name="x"))

def hostile():
    return np.exp(Tensor(1.0, name="[red]\\x1b[31m[/]"))

net = nn.Sequential(nn.Linear(4, 2, rng=0), nn.Tanh())

def named(x, y):
    return functional.stop_gradient(x[y]) * x[y]
"""


def test_a_file_with_an_error_in_it_is_one_line_too(tmp_path, capsys):
    (tmp_path / "bad.py").write_text("x = 1\ny = (\n")
    assert check(f"{tmp_path / 'bad.py'}:f", "3") == 2
    assert "bad.py:f, line 2: SyntaxError: '(' was never closed" in capsys.readouterr().err


def test_check_of_a_module_in_a_file(mine):
    assert check(f"{mine}:net", "5x4") == 0


@pytest.fixture
def mine(tmp_path):
    (tmp_path / "beside.py").write_text("")
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path / "mine.py"


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


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["check", "{mine}:broken", "3", "--draw", "x.jpg"], "--draw: 'x.jpg' does not end with "),
        (["check", "{mine}:broken", "3", "--draw", "svg"], "'svg' does not end with .svg or .png"),
        (["draw", "{mine}:broken", "3", "-o", "x.gif"], "-o/--out: 'x.gif' does not end with .svg"),
        (["step", "{mine}:broken", "3", "--html", "x.txt"], "'x.txt' does not end with .html"),
        (["check", "{mine}:broken", "3", "--nix"], "unrecognized arguments: --nix"),
        (["check", "{mine}:broken", "3", "--seed", "-1"], "a seed is 0 or a positive integer"),
        (["check", "{mine}:broken", "3", "--hints", "3"], "argument --hints: invalid choice: "),
    ],
)
def test_what_the_arguments_say_wrongly_is_known_before_anything_runs(args, message, mine, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main([arg.format(mine=mine) for arg in args])
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: microbn")
    assert message in err.splitlines()[-1]


def test_a_picture_that_nothing_can_draw_is_known_before_the_check(mine, monkeypatch, capsys):
    monkeypatch.setattr("microbn.view.dot.renderers", lambda format="svg": [])
    assert check(f"{mine}:cut", "4", "--draw", "cut.svg") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "neither a `dot` program nor pygraphviz" in err


def test_help_of_check_explains_its_statuses_and_the_words_of_its_report(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = run("check", "--help").stdout
    said = ["status 0: every gradient is right", "status 1: a gradient is wrong", "status 2: the c"]
    lines = [
        *said,
        "±:    the error bar of a numeric slope",
        "kink: a point with a slope on each side",
        "  --hints {0,1,2}  0 says the verdict, 1 also where, 2 also why (default: 2)",
    ]
    assert [line for line in lines if f"\n{line}" not in shown] == []
    assert max(map(len, shown.splitlines())) <= 80
    assert "compare a gradient with finite differences\n" in run("--help").stdout


# microbn step, microbn draw


@pytest.fixture
def step(capsys):
    def step(*args):
        """Return the status, and the texts on stdout and on stderr."""
        return cli.main(["step", *args]), *capsys.readouterr()

    return step


@pytest.mark.parametrize("target", BUILT_IN)
def test_step_goes_through_to_the_end_of_every_built_in(target, step):
    code, out, err = step(target)
    assert (code, err) == (0, "")
    last = int(out.rpartition("\nStep ")[2].split()[0])
    assert f"\nStep {last} of {last}, backward: {target}" in out


@pytest.mark.parametrize("target", BUILT_IN)
def test_the_same_seed_tells_the_same_and_another_one_something_else(target, step):
    first, again, other = (step(target, "--seed", seed)[1] for seed in ("3", "3", "4"))
    assert first.startswith("Seed: 3\n")
    assert first == again
    assert first.partition("\n")[2] != other.partition("\n")[2]


@pytest.mark.parametrize("target", ["batchnorm", SCALARS])
def test_no_cotangent_is_a_plain_sum_which_batch_norms_gradient_vanishes_for(target):
    root, cotangent = graph(target)
    x = history(root)[0]
    assert np.abs(grad(root, x, cotangent)).min() > 0.01


def test_the_gradient_that_is_drawn_is_the_inputs_and_not_a_parameters():
    gradient, cotangent = gradients_graph(*graph("mlp"))
    assert gradient.shape == cotangent.shape == (6, 4)


def test_batch_norm_is_shown_in_numbers_that_a_class_can_work_out():
    root, cotangent = graph("batchnorm")
    assert (root.name, root.item(), cotangent) == ("loss", pytest.approx(32, abs=1e-3), None)
    tensors = [node for node in history(root) if node.name not in (None, "loss")]
    shown = [node.data for node in tensors] + [*grad(root, tensors)]
    for array in shown:
        eighths = 8 * array
        np.testing.assert_allclose(eighths, np.round(eighths), rtol=0, atol=1e-3)
        assert np.abs(array).min() > 0.1  # a 0 would be shown as 2.5e-06, because of ε
    values = {node.name: node.data for node in tensors}
    np.testing.assert_allclose(values["std"], 2, atol=1e-5)
    np.testing.assert_allclose(np.abs(values["x_hat"]), 1, atol=1e-5)
    assert (values["gamma"] > 0).all()


@pytest.mark.parametrize(("inputs", "seed"), [((), None), ((), 0), (("6x2", "2", "2"), 5)])
def test_the_dx_of_batch_norm_stands_beside_the_one_derived_by_hand(inputs, seed):
    *earlier, last = told("batchnorm", inputs, seed)
    assert last.sentence.endswith("dx and the one derived by hand are 0 apart.")
    assert np.array_equal(last.beside["dx by hand"], last.parts[-1].total)
    assert not any(step.beside for step in earlier)
    assert not any(step.beside for step in told("batchnorm", ("5x2x3", "2", "2")))


def test_a_shape_or_a_seed_draws_the_inputs_of_batch_norm():
    for given in ((("4x3", "3", "3"), None), ((), 1), ((), 0)):
        root, cotangent = graph("batchnorm", *given)
        assert (root.name, cotangent.shape) == ("y", (4, 3))


@pytest.mark.parametrize(
    ("asked", "seed"),
    [
        (["batchnorm"], None),
        (["batchnorm", "--seed", "0"], 0),
        (["batchnorm", "4x3", "3", "3"], 0),
        (["neuron"], 0),
        (["neuron", "--seed", "0"], 0),
    ],
    ids=str,
)
def test_a_seed_is_said_if_numbers_were_drawn_from_it(asked, seed, step):
    _, out, _ = step(*asked)
    assert re.findall(r"^Seed: (\d+)$", out, re.MULTILINE) == ([] if seed is None else [str(seed)])


def test_step_takes_other_shapes(step):
    assert "Given: x (5, 2), γ (2,) and β (2,)." in step("batchnorm", "5x2", "2", "2")[1]
    assert "Given: x[0] = " in step(SCALARS, "2x1", "1", "1")[1].replace("[0, 0]", "[0]")


def test_step_through_what_a_file_gives(step, mine):
    told = {name: step(f"{mine}:{name}")[1] for name in ("graph", "with_cotangent", "of_scalars")}
    assert "▸ mine.py:21" in told["graph"]
    assert "dy (2,)" in told["with_cotangent"]
    assert "3  5" in told["with_cotangent"]
    assert "exp(leaf0): the exponential of leaf0, shape (2,)." in step(f"{mine}:with_inputs")[1]
    assert "Given: z[0] = 1 and z[1] = 2." in told["of_scalars"]
    assert "Given: x (4,)." in step(f"{mine}:cut", "4")[1]
    assert "Given: weight (4, 2), bias (2,) and x (5, 4)." in step(f"{mine}:net", "5x4")[1]


def test_step_obeys_no_name_in_a_file(step, mine):
    code, out, _ = step(f"{mine}:hostile")
    assert code == 0
    assert r"[red]\x1b[31m[/]" in out
    assert "\x1b" not in out


HOSTILE = "[/i]\x1b[31m\u202e.py"  # a terminal and rich would obey these characters
SHOWN = r"i]\x1b[31m\u202e.py"


@pytest.fixture
def hostile(tmp_path):
    if os.name == "nt":
        pytest.skip("no such names on Windows")
    (tmp_path / HOSTILE).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / HOSTILE).write_text(
        "def f(x):\n    return 2.0 * x\n\ndef bad(x):\n    raise ValueError('\\x1b[2J')\n"
    )
    return str(tmp_path / HOSTILE)


def test_check_obeys_no_name_of_a_file(hostile, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "500")
    assert check(f"{hostile}:f", "3", "--draw", f"{hostile[:-3]}.svg") == 0
    out, err = capsys.readouterr()
    assert f"Drawn: {os.path.dirname(hostile)}" in out.replace("\n", "")
    assert r"i]\x1b[31m\u202e.svg" in out
    assert check(f"{hostile}:bad", "3") == 2
    err += capsys.readouterr().err
    assert SHOWN + r":bad, line 5: ValueError: \x1b[2J" in err
    assert check(f"{hostile}:nix", "3") == 2
    err += capsys.readouterr().err
    assert all(c.isprintable() or c == "\n" for c in out + err)


def test_check_shows_in_its_status_what_rich_would_obey(hostile, monkeypatch):
    rich = pytest.importorskip("rich.console")
    shown = []
    status = rich.Console.status
    monkeypatch.setattr(
        rich.Console, "status", lambda self, text: shown.append(text) or status(self, text)
    )
    assert check(f"{hostile}:f", "3") == 0
    assert SHOWN in shown[0].plain


def test_step_obeys_no_name_of_a_file(hostile, step):
    page = f"{hostile[:-3]}.html"
    code, out, _ = step(f"{hostile}:f", "3", "--html", page, "--all")
    assert code == 0
    assert r"\u202e.html" in out
    assert SHOWN in out
    assert all(c.isprintable() or c == "\n" for c in out)


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


def test_step_and_draw_take_values_by_name_too(mine, step, tmp_path):
    assert "Given: x (3,)." in step(f"{mine}:named", "3", "y=[0, 2]")[1]
    picture = str(tmp_path / "x.svg")
    assert cli.main(["draw", f"{mine}:named", "3", "y=[0, 2]", "-o", picture]) == 0


@pytest.mark.usefixtures("graphviz")
def test_step_writes_a_page_and_pictures_and_asks_nothing(step, tmp_path):
    page, frames = tmp_path / "bn.html", tmp_path / "frames"
    code, out, _ = step("neuron", "--html", str(page), "--frames", str(frames))
    assert code == 0
    assert out.splitlines() == [
        "Seed: 0",
        f"Written: {page}",
        f"Written: {frames / 'step0.svg'} to step6.svg",
    ]
    assert "<title>neuron" in page.read_text(encoding="utf-8")
    assert len(list(frames.iterdir())) == 7


def test_step_sets_another_target_beside_with_the_same_inputs(step, mine, tmp_path):
    page = tmp_path / "both.html"
    code, out, _ = step(
        "softmax", "2x3", "--seed", "5", "--beside", f"{mine}:cut", "--html", f"{page}"
    )
    assert code == 0
    assert out.splitlines() == ["Seed: 5", f"Written: {page}"]
    text = page.read_text(encoding="utf-8")
    assert f"<title>softmax beside {mine}:cut" in text
    assert "x is the same on both sides." in text


@pytest.mark.usefixtures("graphviz")
def test_draw_writes_a_picture(tmp_path, capsys):
    plain, beside = tmp_path / "plain.svg", tmp_path / "beside.svg"
    assert cli.main(["draw", "batchnorm", "-o", str(plain)]) == 0
    assert capsys.readouterr().out == f"Written: {plain}\n"
    assert cli.main(["draw", "batchnorm", "-o", str(beside), "--gradient"]) == 0
    assert capsys.readouterr().out == f"Seed: 0\nWritten: {beside}\n"
    assert "dcentered" not in plain.read_text(encoding="utf-8")
    assert "dcentered" in beside.read_text(encoding="utf-8")


@pytest.mark.usefixtures("graphviz")
def test_draw_closes_groups_and_turns(tmp_path):
    pictures = {}
    for name, options in {
        "open": [], "norm": ["--collapse", "norm"], "closed": ["--depth", "0"],
        "across": ["--direction", "LR"],
    }.items():  # fmt: skip
        path = tmp_path / f"{name}.svg"
        assert cli.main(["draw", "mlp", "-o", str(path), *options]) == 0
        pictures[name] = path.read_text(encoding="utf-8")
    closed = [picture.count("▸") for picture in pictures.values()]
    assert closed == [1, 2, 4, 1]  # log_softmax is closed in each of them
    assert pictures["across"] != pictures["open"]


@pytest.mark.parametrize(
    ("target", "depth", "said"),
    [
        ("mlp", "0", ""),
        ("mlp", "1", ""),
        ("mlp", "2", "--depth 2 closes nothing: its groups are 2 deep; --depth 1 closes the "),
        ("softmax", "3", "--depth 3 closes nothing: its groups are 1 deep; --depth 0 closes the "),
        ("neuron", "0", "--depth 0 closes nothing: this graph has no groups; scope and Modules "),
    ],
)
@pytest.mark.usefixtures("graphviz")
def test_a_depth_that_closes_nothing_is_said(target, depth, said, tmp_path, capsys):
    assert cli.main(["draw", target, "-o", str(tmp_path / "x.svg"), "--depth", depth]) == 0
    more = capsys.readouterr().out.split("x.svg\n")[1]
    assert more.startswith(said)
    assert bool(more) == bool(said)


@pytest.mark.parametrize("target", BUILT_IN)
@pytest.mark.usefixtures("graphviz")
def test_the_graph_of_every_built_ins_gradient_is_drawn(target, tmp_path):
    assert cli.main(["draw", target, "--gradient", "-o", str(tmp_path / "x.svg")]) == 0


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["step", "batchnrom"], "'batchnrom' is not a target"),
        (["step", "{mine}:cut"], "cut takes 1 shape, one for each parameter without a default (x)"),
        (["step", "{mine}:layer", "3x4", "4x2"], "layer has no graph, its backward is by hand"),
        (["step", "{mine}:nothing"], "nothing() returned int; return the Tensor that was c"),
        (["step", "{mine}:two_tensors"], "returned Tensor and dict; return the Tensor that w"),
        (["step", "bacthnorm"], "or file.py:function; did you mean batchnorm?"),
        (["step", "{mine}:graph", "3"], "graph takes no shapes: it has no parameters"),
        (["step", "{mine}:misfit"], "misfit, line 41: add: shapes (2,) and (3,) do not broadcast"),
        (["step", "{mine}:broken", "3"], "broken, line 28: ZeroDivisionError: division by zero"),
        (["step", "{mine}:nan"], "log: nan at [0], made at mine.py:47: return np.log(Tensor("),
        (["step", "batchnorm", "4x3", "2", "2"], "a norm of (4, 3) needs gamma and beta"),
        (["step", "neuron", "--html", "no/where.html"], "cannot write: "),
        (
            ["step", "neuron", "--beside", "batchnrom", "--html", "x.html"],
            "'batchnrom' is not a target",
        ),
        (["step", "neuron", "--beside", "softmax"], "--beside shows two graphs on one page: write"),
        (
            ["step", "neuron", "--beside", "softmax", "--html", "x.html", "--all"],
            "write --html both.html, and leave out --all, --frames and --slides",
        ),
        (
            ["step", "{mine}:named", "3", "y=0", "--beside", "neuron", "--html", "x.html"],
            "neuron has no parameter 'y'; it has w, x, b",
        ),
        (["draw", "neuron", "3", "3x0", "()", "-o", "x.svg"], "'3x0' is not a shape; write 8x3, 3"),
        (
            ["step", "neuron", "3", "-3", "()"],
            "'-3' is not a shape; write 8x3, 3, or () for a number",
        ),
        (
            ["step", "neuron", "3", "-1x3", "()"],
            "'-1x3' is not a shape; write 8x3, 3, or () for a n",
        ),
        (["draw", "mlp", "-o", "x.svg", "--collapse", "nrom"], "there is no group 'nrom'"),
        (["draw", "{mine}:layer", "3x4", "4x2", "-o", "x.svg"], "has no graph"),
    ],
)
def test_what_cannot_be_stepped_or_drawn_is_one_line(args, message, mine, capsys):
    assert cli.main([arg.format(mine=mine) for arg in args]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert message in err


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


def test_the_line_of_the_command_itself_is_never_shown(tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text(
        "import numpy as np\n"
        "from microbn import nn\n"
        "layer = nn.BatchNorm(3)\n"
        "def target():\n"
        "    return layer, np.eye(4, 3)\n"
        "def blown():\n"
        "    return np.log, np.zeros(3)\n"
    )
    for target in (["target"], ["layer", "4x3"]):
        assert cli.main(["step", f"{file}:{target[0]}", *target[1:], "--all"]) == 0
        said = capsys.readouterr().out
        assert "targets.py" not in said
    assert "functional.py" in said  # the layer's own line
    cli.main(["step", f"{file}:blown", "--all"])
    assert "targets.py" not in "".join(capsys.readouterr())
