"""`microbn check` on files as people write them, in tests/students, from that folder."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from microbn.cli import commands as cli
from microbn.cli import finding

STUDENTS = Path(__file__).parents[1] / "students"
BN, Y = "bn_param={'mode': 'train'}", "y=[0, 2, 1, 0]"


@pytest.fixture
def check(monkeypatch, capsys):
    """The status, and what is printed on stdout and on stderr; the files are forgotten after it."""
    monkeypatch.chdir(STUDENTS)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("COLUMNS", "300")
    before, state = {*sys.modules}, np.random.get_state()  # noqa: NPY002

    def check(*args):
        return cli.main(["check", *args]), *capsys.readouterr()

    yield check
    np.random.set_state(state)  # noqa: NPY002
    for name in {*sys.modules} - before:
        if str(STUDENTS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


RIGHT = [  # and the names of what was checked
    (["batchnorm.py:batchnorm", "8x3", "3", "3", BN], "x gamma beta"),
    (["batchnorm.py:batchnorm_forward", "8x3", "3", "3", BN], "x gamma beta"),
    (["batchnorm.py:batchnorm_alt", "8x3", "3", "3", BN], "x gamma beta"),
    (["batchnorm.py:batchnorm_backward_alt", "8x3", "3", "3", BN], "x gamma beta"),
    (["batchnorm.py:plain", "3", "scale=0.5"], "x"),
    (["functions.py:dropout", "4x3", "dropout_param={'p': 0.5, 'seed': 1}"], "x"),
    (["functions.py:conv", "1x2x4x4", "2x2x3x3", "2", "conv_param={'stride':1,'pad':1}"], "x w b"),
    (["functions.py:conv_naive", "1x1x3x3", "1x1x3x3", "1", "conv_param={'stride':1,'pad':1}"],
     "x w b"),
    (["functions.py:word_embedding", "x=[[0, 1, 1], [2, 0, 3]]", "4x2"], "W"),
    (["functions.py:lstm_step", "2x3", "2x2", "2x2", "3x8", "2x8", "8"],
     "x prev_h prev_c Wx Wh b"),
    (["functions.py:list", "4x3", "3"], "x w"),
    (["functions.py:linear_activation", "3x4", "2x3", "activation=relu"], "A_prev W"),
    (["functions.py:linear_activation", "3x4", "2x3", "activation=sigmoid"], "A_prev W"),
    (["functions.py:softmax", "4x3"], "x"),
    (["functions.py:spread", "4x3", "3"], "x w"),
    (["functions.py:taking", "4x3", "options={'shift': 3.0}"], "x"),
    (["functions.py:pool_fast", "3"], "x"),
    (["functions.py:two_outputs", "3"], "x"),
    (["losses.py:softmax_loss", "4x3", Y], "x"),
    (["losses.py:svm_loss", "3x4", "5x3", "y=[0, 1, 2, 3, 0]", "reg=0.1"], "W"),
    (["losses.py:nll", "4x3", Y], "x"),
    (["losses.py:on_tensors", "4x3", Y], "x"),
    (["layers.py:Affine", "3x2", "2", "4x3"], "x W b"),
    (["layers.py:Affine", "4x3", "W=3x2", "b=[0.5, 1.0]"], "x W b"),
    (["layers.py:Linear", "4x3", "n_in=3", "n_out=2"], "x params.W params.b"),
    (["layers.py:MatMul", "3x2", "4x3"], "x params.0"),
    (["layers.py:Dense", "4x3", "n_inputs=3", "n_neurons=2"], "inputs weights biases"),
    (["layers.py:Net", "4x3"], "x layers.0.params.W layers.0.params.b layers.2.params.W "
     "layers.2.params.b"),
    (["layers.py:Returns", "3x2", "2", "4x3"], "x w b"),
    (["layers.py:Relu", "4x3"], "x"),
    (["layers.py:relu", "4x3"], "x"),
    (["layers.py:Accumulates", "3x2", "4x3"], "x W"),
    (["layers.py:WithCache", "3"], "x"),
    (["layers.py:Switched", "4x3", "size=3", "slope=2.0", "train=False", "twice=True"], "x w"),
    (["layers.py:switched", "4x3", "train=False", "twice=True"], "x w"),
    (["functions.py:optional", "3", "power=3", "shift=1"], "x"),
    (["layers.py:TwoOutputs", "3", "3"], "x h"),
    (["layers.py:Updates", "4x2"], "x"),
    (["layers.py:given", "5x3"], "x linear.weight linear.bias"),
    (["layers.py:Module", "5x4"], "x linear.weight linear.bias"),
    (["layers.py:Module", "5x2", "size=2"], "x linear.weight linear.bias"),
    (["examples.py:by_hand"], "x gamma beta"),
    (["examples.py:labels"], "x"),
    (["examples.py:tensors"], "x"),
    (["examples.py:options"], "x"),
    (["examples.py:layer"], "x W b"),
    (["examples.py:norm", "8x3", "3", "3", BN], "x gamma beta"),
    (["course/layers.py:scale", "4x3", "3"], "x w"),
    (["course/nets/net.py:scale", "4x3", "3"], "x w"),
    (["loose/use.py:scale", "4x3", "3"], "x w"),
    (["apart/use.py:nll", "4x3", Y], "x"),
]  # fmt: skip


@pytest.mark.parametrize(("args", "names"), RIGHT, ids=lambda value: value[0])
def test_a_right_layer_agrees_whatever_its_style(args, names, check):
    status, out, err = check(*args)
    assert (status, err) == (0, "")
    rows = [line.split("│") for line in out.splitlines() if line.startswith("│")]
    assert [row[1].strip() for row in rows] == names.split()
    assert {row[-2].strip() for row in rows} == {"agrees"}


WRONG = [  # and what is said of it
    (["layers.py:Doubled", "3x2", "2", "4x3"], "Hint for 'W': every entry is 2 times"),
    (["losses.py:wrong_loss", "4x3"], "every entry is 12 times what it should be, the number of e"),
    (["losses.py:wrong_loss", "4x3"], "Note: the arrays beside the loss are taken for its grad"),
    (["functions.py:pool_slow", "3"], "Hint for 'x': every entry is 2 times what it should be"),
    (["habits.py:relu", "4x3"], "its backward writes into dout (the gradient that came in);"),
    (["habits.py:relu", "4x3"], "Otherwise right: all 12 slopes agree"),
    (["habits.py:doubled", "4x3"], "its backward writes into dout (the gradient that came in);"),
    (["habits.py:doubled", "4x3"], "(ratio 2); "),
    (["habits.py:square", "4x3"], "its backward changes its cache: called again, it gives somethi"),
    (["habits.py:square", "4x3"], "Otherwise right: all 12 slopes agree"),
    (["habits.py:popped", "4x3"], "changes its cache: called again, it raises IndexError"),
    (["habits.py:inplace", "4x3"], "it writes into its input 'x'; let it work on a copy"),
    (["habits.py:inplace", "4x3"], "Otherwise right: all 12 slopes agree"),
    (["habits.py:ignores", "4x3"], "not depend on dout, the gradient that comes in (for a grad"),
    (["habits.py:ignores", "4x3"], "Hint for 'x': its backward ignores the gradient that comes in"),
    (["layers.py:InPlace", "4x3"], "its backward writes into dout (the gradient that came in);"),
    (["layers.py:SoftmaxWithLoss", "4x3", "t=[0, 2, 1, 0]"], "(for a gradient of 1 it is right)"),
    (["stubs.py:mul", "3", "3"], "the gradient for 'y' is None, but its input is float64; is it "),
    (["functions.py:dropout", "4x3", "dropout_param={'p': 0.5}"], "Set its seed in the function"),
    (["numbers_out.py:largest", "4x3"], "multiply (node 1, numbers_out.py:7: return x * np.max(np"),
    (["numbers_out.py:largest", "4x3"], "all rules are right: a number left the graph (t.data, t."),
]  # fmt: skip


@pytest.mark.parametrize(("args", "words"), WRONG, ids=lambda value: str(value)[:40])
def test_a_wrong_layer_is_told_with_its_verdict(args, words, check):
    status, out, err = check(*args)
    assert status == 1
    assert words in out + err
    assert "every entry is -" not in out


BY_HAND = [args for args, _ in WRONG if "numbers_out.py" not in args[0]]
OF_THE_ENGINE = ("node", "rule", "cotangent", "operand", "t.data", "graph", "Tensor")


@pytest.mark.parametrize("args", BY_HAND, ids=lambda value: str(value)[:40])
def test_who_brings_numpy_is_told_nothing_in_the_words_of_the_engine(args, check):
    _, out, err = check(*args)
    assert [word for word in OF_THE_ENGINE if word in out + err] == []


TIP = '; labels, options and sizes are given by name: y="[0, 2]", n=3\n'
REFUSED = [  # and the one sentence
    (["batchnorm.py:batchnorm", "8x3", "3", "3"],
     "takes 4 shapes, one for each parameter without a default (x, gamma, beta, bn_param): "
     "write 8x3, 3 or () for each that is an array of floats; labels, options and sizes are given "
     "by name: bn_param=VALUE, in Python, such as 4, "),
    (["batchnorm.py:batchnorm", "8x3", "3", "3", "3"],
     "batchnorm, line 7: IndexError: only integers"),
    (["batchnorm.py:batchnorm", "8x3", "3", "3", "3"], TIP),
    (["losses.py:nll", "4x3", "4"], TIP),
    (["losses.py:on_tensors", "4x3", "4"], TIP),
    (["layers.py:Linear", "3", "2", "4x3"], TIP),
    (["layers.py:Sized", "3", "2", "4x3"], "in_features must be a positive integer, got array("),
    (["layers.py:Sized", "3", "2", "4x3"], TIP),
    (["layers.py:Sized", "n_in=3", "2", "4x3"], TIP),
    (["layers.py:Norm", "3", "4x3"], TIP),
    (["layers.py:Sized", "n_in=3", "n_out=2", "8x0"], "'8x0' is not a shape; write 8x3, 3, or ()"),
    (["layers.py:Affine", "4x3", "W=3x0", "b=2"], "'3x0' is not a shape; write 8x3, 3, or ()"),
    (["layers.py:Affine", "4x3", "W=-3x2", "b=2"], "'-3x2' is not a shape; write 8x3, 3, or ()"),
    (["layers.py:relu", "-1x3"], "microbn: '-1x3' is not a shape; write 8x3, 3, or () for a number,"
     " with no side below 1, or name=value for anything but an array of floats"),
    (["layers.py:relu", "-3"], "'-3' is not a shape; write 8x3, 3, or () for a number, with no "),
    (["layers.py:relu", "x=nan"], "input 0 of forward is not finite, so no gradient can be checke"),
    (["layers.py:relu", "x=[1.0, -inf]"], "input 0 of forward is not finite, so no gradient can b"),
    (["layers.py:Called", "4x3"], "Called has no forward; write forward(self, x) in place of __ca"),
    (["layers.py:called", "4x3"], "Called has no forward; write forward(self, x) in place of __ca"),
    (["layers.py:Unforwarded", "4x3"], "Unforwarded has no forward; write forward(self, x)\n"),
    (["layers.py:Swapped", "3"], "gradcheck: Swapped.backward takes cache first; the gradient that"
     " comes in goes first, and the cache after it: backward(dout, cache)"),
    (["functions.py:swapped_of_two", "3"], "cache after it: backward(dh, dc, cache)\n"),
    (["functions.py:swapped", "3"], "swapped_backward takes cache first; the gradient that"),
    (["batchnorm.py:batchnorm", "8x3", "3", "3", "param=1"],
     "has no parameter 'param'; it has x, gamma, beta, bn_param"),
    (["batchnorm.py:batchnorm", "8x3", "3", "3", "bn_param={mode: train}"],
     "; bn_param was read as the text '{mode: train}'\n"),
    (["losses.py:nll", "y=[0, 1"], "microbn: losses.py:nll takes 2 shapes, one for each param"),
    (["losses.py:nll", "4x3", "q=text"], "microbn: losses.py:nll has no parameter 'q'; it has"),
    (["losses.py:nll", "4x3", "y=np.array([0,1])"], "; y was read as the text 'np.array([0,1])'\n"),
    (["losses.py:nll", "4x3"], "given by name: y=VALUE, in Python, such as 4, "),
    (["functions.py:three", "3", "3"], "three_forward returns 3 values, and three_backward takes"),
    (["functions.py:pool", "3"], "has several of that name: choose pool_fast or pool_slow"),
    (["functions.py:lonely", "3"], "has lonely_forward and no backward for it; write "
     "lonely_backward(dout, cache), which returns a gradient for each input"),
    (["functions.py:lonely_forward", "3"], "HandWritten(forward, backward)"),
    (["functions.py:softmax_naive_pair", "3"], "has no function 'softmax_naive_pair'"),
    (["functions.py:wants", "3"], "wants_backward takes 'rate' after the cache, and its forward "
     "does not; put it into the cache, or give it a default"),
    (["functions.py:nothing_else", "3"], "returns a tuple of Tensor and str"),
    (["losses.py:stub_loss", "3", "y=1"], "stub_loss is unfinished: it returns None"),
    (["layers.py:Affine", "4x3"], "Affine takes 3 shapes, one for each parameter without a default"
     " (W, b, x): write 8x3, 3 or () for each that is an array of floats; "),
    (["layers.py:Linear", "4x3"], "without a default (n_in, n_out, x): write 8x3, 3 or () for ea"),
    (["layers.py:NeedsRate", "4x2"], "NeedsRate.backward takes dout and learning_rate; give "
     "learning_rate a default, learning_rate=0.0"),
    (["layers.py:Single", "4x3"], "'W' of Single is float32, too coarse to check; use float64"),
    (["layers.py:NoBackward", "3"], "NoBackward has no backward: write backward(self, dout), or "),
    (["layers.py:Empty", "3"], "Empty has no forward to check"),
    (["layers.py:Broken", "3"], "layers.py:Broken, line 205: NameError: name 'undefined'"),
    (["stubs.py:affine", "4x3", "3x2", "2"], "affine_forward is unfinished: it returns None for"),
    (["stubs.py:relu", "3"], "backward returned None; return a tuple, one for each input: "
     "relu_backward is unfinished"),
    (["stubs.py:tanh", "3"], "stubs.py:tanh, line 30: it is unfinished: NotImplementedError"),
    (["stubs.py:empty", "3"], "empty is unfinished: it returns None"),
    (["stubs.py:nones", "3"], "nones is unfinished: it returns None"),
    (["stubs.py:Layer", "3"], "Layer.backward is unfinished: it returns None"),
    (["stubs.py:Unwritten", "3"], "Unwritten.forward is unfinished: it returns None"),
    (["examples.py:alone"], "alone() gives a layer alone; return it with its inputs: layer, x"),
    (["examples.py:ints"], "holds int64, and only floats have gradients: write 1.0, not 1"),
    (["course/nets/net.py:broken", "3"], "net.py:broken, layers.py, line 11: NameError: name 'unk"),
    (["layers.py:relu", "4x3", "--draw", "x.svg"], "has no graph, its backward is by hand"),
]  # fmt: skip


@pytest.mark.parametrize(("args", "sentence"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_cannot_be_checked_is_one_sentence(args, sentence, check):
    status, out, err = check(*args)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert sentence in err


OTHER_ERRORS = ["zero", "none", "key", "index", "axis", "too_many"]
OTHER_ERRORS += ["misspelled", "sorts", "half"]


@pytest.mark.parametrize("name", OTHER_ERRORS)
@pytest.mark.parametrize("inputs", [["4x3", "3"], ["4x3", "y=text"]], ids=str)
def test_an_error_that_no_input_is_to_blame_for_says_nothing_of_inputs(name, inputs, check):
    status, out, err = check(f"unlike.py:{name}", *inputs)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert f"unlike.py:{name}, line " in err
    assert "by name" not in err


def test_text_is_not_to_blame_for_a_division_by_zero(check):
    assert "was read as the text" not in check("unlike.py:zero", "4x3", "y=text")[2]
    assert "; y was read as the text 'text'\n" in check("unlike.py:adds", "4x3", "y=text")[2]


@pytest.mark.parametrize(
    ("text", "value"),
    [("nan", np.nan), ("inf", np.inf), ("-inf", -np.inf), ("[1.0, -inf]", [1, -np.inf])],
)
def test_nan_and_infinity_are_numbers(text, value):
    found = finding.matched("f", finding.parameters(lambda x: x), [f"x={text}"], None)[0]["x"]
    np.testing.assert_array_equal(found, value)


def test_a_dict_that_is_written_into_is_new_for_each_call(check):
    assert "all 30 slopes agree" in check("batchnorm.py:batchnorm", "8x3", "3", "3", BN)[1]
    assert (
        "'bn_param' (dict) is a constant, and gets no gradient"
        in (check("batchnorm.py:batchnorm", "8x3", "3", "3", BN)[1])
    )


def test_what_a_file_draws_is_the_same_again_with_the_same_seed(check):
    args = "layers.py:Linear", "4x3", "n_in=3", "n_out=2"
    one, two, other = (check(*args, "--seed", seed)[1] for seed in "334")
    assert one == two != other


def test_masked_scores_hide_no_suspect(check, monkeypatch):
    import microbn as mb

    assert check("numbers_out.py:attention", "4x3", "4x3")[0] == 0
    mb.defvjp(np.exp, lambda g, out, x: 2 * g * out)
    _, out, _ = check("numbers_out.py:attention", "4x3", "4x3")
    assert "Suspect: exp (node 7" in out
    assert "its own rule, 2 · g · out, is off by a factor of 2" in out


def test_the_command_sees_the_working_directory_as_python_does(tmp_path):
    """``microbn`` is started with a path that lacks it, as ``python -P`` is."""
    (tmp_path / "pair.py").write_text("def f(x):\n    return 2.0 * x\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "mine.py").write_text("from pair import f\n")
    script = "import sys; from microbn.cli.commands import main; sys.exit(main())"
    result = subprocess.run(
        [sys.executable, "-P", "-c", script, "check", "sub/mine.py:f", "3"],
        capture_output=True, text=True, encoding="utf-8", cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")


def test_a_notebook_and_a_missing_package_are_told(tmp_path, check):
    (tmp_path / "nb.ipynb").touch()
    (tmp_path / "needs.py").write_text("import nothing_of_this_name\n")
    (tmp_path / "user.py").write_text("import needs\n")
    assert "is not a Python file; save its code as nb.py" in check(f"{tmp_path / 'nb.ipynb'}:f")[2]
    said = check(f"{tmp_path / 'user.py'}:f")[2]
    assert "user.py:f, line 1, needs.py, line 1: ModuleNotFoundError: No module named" in said
    assert "; install it, or run this in the folder where it is" in said
