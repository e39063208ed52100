"""The commands `microbn step` and `microbn draw`."""

import re

import numpy as np
import pytest

from microbn import grad
from microbn.cli import commands as cli
from microbn.cli.examples import BUILT_IN, SCALARS
from microbn.cli.targets import gradients_graph, graph, told
from microbn.reading.tape import history


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


@pytest.mark.parametrize("file", ["slides.html", "neuron.gif"])
def test_step_writes_slides(tmp_path, monkeypatch, capsys, graphviz, file):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["step", "neuron", "--slides", file]) == 0
    assert capsys.readouterr().out == f"Seed: 0\nWritten: {file}\n"
    assert (tmp_path / file).stat().st_size > 10_000
