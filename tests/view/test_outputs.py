"""Several outputs are told and drawn together, and each starts from a cotangent of its own."""

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor
from microbn.cli.commands import main
from microbn.errors import ArgumentError, DTypeError, ShapeError

RNG = np.random.default_rng(0)
CALLS = {
    "one made from the other": lambda x, w: (y := np.tanh(x * w), y * 2 + x),
    "a number and an array": lambda x, w: (np.sum(x * w), -w),
    "one output twice": lambda x, w: (y := x * w, y),
    "a list of one": lambda x, w: (x - w,),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CALLS)
def test_gradients_are_the_sums_of_those_of_each_output(name, dtype):
    x, w = Tensor(RNG.normal(size=(3, 2)), "x", dtype=dtype), Tensor([0.5, -1.5], "w", dtype=dtype)
    roots = CALLS[name](x, w)
    cotangents = [RNG.normal(size=root.shape) for root in roots]
    told = mb.story([*roots], cotangents)
    found = {node.name: node.gradient for node in told.graph.nodes}
    for root, cotangent in zip(roots, cotangents, strict=True):
        (root + 0).backward(cotangent)
    for leaf in (x, w):
        assert found[leaf.name].dtype == dtype
        assert np.allclose(found[leaf.name], leaf.grad, rtol=1e-5 if dtype == np.float32 else 1e-13)


def test_the_group_that_joins_them_is_named():
    x = Tensor([1.0, 2.0], "x")
    y, total = x * 3, np.sum(x)
    mb.label({"y": y, "total": total})
    told = mb.story((y, total), ([1.0, -1.0], None))
    assert "y receives " in str(told)
    assert told.graph.nodes[-1].scope == ("outputs",)
    assert told.graph.nodes[-1].name == "outputs"


def test_several_outputs_are_drawn():
    x = Tensor([1.0, 2.0], "x")
    for options in ({}, {"grads": False}):
        assert "outputs" in mb.draw([x * 2, np.exp(x)], [[1.0, 1.0], [2.0, 2.0]], **options).source


def test_an_output_without_its_cotangent_is_seen(monkeypatch):
    monkeypatch.setattr(
        mb.view.outputs, "outputs", lambda *pairs: np.sum(pairs[0][0] * pairs[0][1])
    )
    with pytest.raises(AssertionError):
        test_gradients_are_the_sums_of_those_of_each_output("one made from the other", np.float64)


def test_what_does_not_fit_is_refused():
    x = Tensor([1.0, 2.0], "x")
    y, z = x * 2, np.exp(x)
    with pytest.raises(ArgumentError, match=r"story: 2 outputs need 2 cotangents.*\[dy, dz\]"):
        mb.story([y, z], [[1.0, 1.0]])
    with pytest.raises(DTypeError, match="draw starts from a Tensor, not from int"):
        mb.draw([y, 3], [[1.0, 1.0], 1.0])
    with pytest.raises(ShapeError, match=r"has shape \(3,\), .* \(2,\)"):
        mb.story([y, z], [[1.0, 1.0], [1.0, 1.0, 1.0]])


def test_a_command_shows_a_function_with_several_outputs(tmp_path, capsys):
    file = tmp_path / "own.py"
    file.write_text("def two(x):\n    return [x * 2, x.sum()]\n")
    assert main(["step", f"{file}:two", "3", "--all"]) == 0
    assert "outputs = " in capsys.readouterr().out
