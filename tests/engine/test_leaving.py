"""A number leaves a graph only on purpose, and no array loses what it means on its way in."""

import array
import math

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, errors, nn
from microbn import functional as F
from microbn.testing import gradcheck

IN_PASSING = {
    "float(t)": float,
    "int(t)": int,
    "complex(t)": complex,
    "math.exp(t)": math.exp,
    "math.floor(t)": math.floor,
    "math.isclose(t, 2)": lambda t: math.isclose(t, 2),
    "math.fsum": lambda t: math.fsum([t]),
    "'%f' % t": lambda t: "%f" % t,  # noqa: UP031
    "np.float64(t)": np.float64,
    "np.float32(t)": np.float32,
    "np.asarray(t)": np.asarray,
    "a[0] = t": lambda t: np.zeros(2).__setitem__(0, t),
    "a[:] = t": lambda t: np.zeros(2).__setitem__(slice(None), t),
    "a.fill(t)": lambda t: np.zeros(2).fill(t),
    "np.fromiter": lambda t: np.fromiter([t], float),
    "np.array([t])": lambda t: np.array([t]),
    "np.full(2, t)": lambda t: np.full(2, t),
    "box.astype(float)": lambda t: mb.scalars([1.0, 2.0]).astype(float),
    "np.mean(objects)": lambda t: np.mean(mb.scalars([1.0, 2.0]).view(np.ndarray)),
    "np.average(objects)": lambda t: np.average(mb.scalars([1.0, 2.0]).view(np.ndarray)),
    "np.median(objects)": lambda t: np.median(mb.scalars([1.0, 2.0]).view(np.ndarray)),
    "array.array": lambda t: array.array("d", [t]),
}
TENSORS = {"a leaf": lambda: Tensor(2.0), "computed": lambda: Tensor(1.0) * 2.0}


@pytest.mark.parametrize("made", TENSORS)
@pytest.mark.parametrize("way", IN_PASSING)
def test_no_number_leaves_its_graph_in_passing(way, made):
    with pytest.raises((TypeError, ValueError)) as caught:
        IN_PASSING[way](TENSORS[made]())
    ours = caught.value.__cause__ or caught.value  # NumPy hands on an error as a cause
    assert isinstance(ours, errors.DTypeError)
    assert "history would be lost" in str(ours)
    assert "t.data" in str(ours)


@pytest.mark.parametrize("made", TENSORS)
def test_item_data_and_format_give_the_number(made):
    t = TENSORS[made]()
    assert (t.item(), t.data.item(), f"{t:.1f}") == (2.0, 2.0, "2.0")


def test_what_no_gradient_flows_through_is_a_number():
    with mb.no_grad():
        t = Tensor(1.5) * 2.0
    assert (float(t), int(t), math.exp(t)) == (3.0, 3, math.exp(3.0))
    assert [10, 20, 30][int(Tensor([1.0, 5.0, 2.0]).argmax())] == 20
    assert float(Tensor(2.0) > 1) == 1.0


class Metres(np.ndarray):
    """An array with a unit, as libraries of units have them."""


WITH_MEANING = {
    "a masked array": lambda: np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0]),
    "an array of metres": lambda: np.array([1.0, 2.0, 3.0]).view(Metres),
}
TAKEN_IN = {
    "Tensor(a)": Tensor,
    "Tensor([a, a])": lambda a: Tensor([a, a]),
    "Tensor([[a]])": lambda a: Tensor([[a]]),
    "np.add(t, [[a]])": lambda a: np.add(Tensor(np.ones(3)), [[a]]),
    "scalars(a)": mb.scalars,
    "t + a": lambda a: Tensor(np.ones(3)) + a,
    "a + t": lambda a: a + Tensor(np.ones(3)),
    "np.add(t, a)": lambda a: np.add(Tensor(np.ones(3)), a),
    "np.where": lambda a: np.where(a > 0, Tensor(np.ones(3)), 0.0),
    "np.stack": lambda a: np.stack([Tensor(np.ones(3)), a]),
    "t[a]": lambda a: Tensor(np.ones(4))[a.astype(int)],
    "backward(a)": lambda a: (Tensor(np.ones(a.shape)) * 2.0).backward(a),
    "t.data = a": lambda a: setattr(Tensor(np.ones(a.shape)), "data", a),
    "t.grad = a": lambda a: setattr(Tensor(np.ones(a.shape)), "grad", a),
    "compile(f, a)": lambda a: mb.compile(np.sum, a, gradients=False),
    "a program": lambda a: mb.compile(np.sum, Tensor(np.ones(a.shape)))(a),
    "gradcheck(f, a)": lambda a: gradcheck(np.exp, a),
    "a new buffer": lambda a: setattr(nn.Module(), "kept", [a]),
    "a buffer": lambda a: setattr(nn.BatchNorm(a.size), "running_mean", a),
    "load_state_dict": lambda a: nn.BatchNorm(a.size).load_state_dict(
        nn.BatchNorm(a.size).state_dict() | {"gamma": a}
    ),
    "logits": lambda a: F.cross_entropy(np.ma.atleast_2d(a) if np.ma.isMA(a) else a[None], [0]),
    "cross_entropy": lambda a: F.cross_entropy(Tensor(np.ones((a.size, 4))), a.astype(int)),
}


@pytest.mark.parametrize("way", TAKEN_IN)
@pytest.mark.parametrize("kind", WITH_MEANING)
def test_an_array_that_is_more_than_its_numbers_is_refused(kind, way):
    with pytest.raises(errors.DTypeError, match="would be lost"):
        TAKEN_IN[way](WITH_MEANING[kind]())


def test_a_file_mapped_into_memory_is_an_array_as_any_other(tmp_path):
    mapped = np.memmap(tmp_path / "numbers", float, "w+", shape=3)
    mapped[:] = 1.0
    assert (Tensor(np.ones(3)) + mapped).data.tolist() == [2.0] * 3
    assert (Tensor(mapped).data + Tensor(mapped)).data.tolist() == [2.0] * 3


# What a program would freeze


READ = {
    "if x[0] > 0": lambda x: x * 2 if x[0] > 0 else x * 3,
    "if x[0]": lambda x: x * 2 if x[0] else x * 3,
    "x[0].item()": lambda x: x * x[0].item(),
    "float(x[0])": lambda x: x * float(x[0]),
    "int(x[0])": lambda x: x * int(x[0]),
    "max(list(x))": lambda x: max(list(x)) * 2.0,
    "sorted": lambda x: sorted(x)[0] * 2.0,
    "while": lambda x: x if not x.sum() > 1.0 else x / 2,
    "x.data": lambda x: x * x.data,
    "of what was computed": lambda x: x * (x + 1).data,
    "an index": lambda x: x * int(x.argmax()),
}


@pytest.mark.parametrize("way", READ)
@pytest.mark.parametrize("kind", [Tensor, np.array])
def test_a_program_is_not_made_of_a_value_that_python_read(way, kind):
    with pytest.raises((errors.GraphError, errors.DTypeError), match=r"compile: f asks|in passing"):
        mb.compile(lambda x: READ[way](x).sum(), kind([1.0, 2.0]), gradients=False)


def test_what_is_not_traced_may_be_read_while_a_program_is_made():
    held = Tensor([2.0, 3.0])
    program = mb.compile(lambda x: (x * held.data).sum() * held.data[0], Tensor([1.0, 1.0]))
    assert program(np.array([1.0, 2.0]))[0] == 16.0


def test_integers_that_are_traced_are_not_read_either():
    with pytest.raises(errors.GraphError, match=r"compile: f asks for item\(\)"):
        mb.compile(lambda x, n: x * n.item(), Tensor(1.0), np.array(3))
