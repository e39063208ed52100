"""A file with functions of all kinds, and the command that steps through them."""

import pytest

from microbn.cli import commands as cli

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


@pytest.fixture
def mine(tmp_path):
    (tmp_path / "beside.py").write_text("")
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path / "mine.py"


@pytest.fixture
def step(capsys):
    def step(*args):
        """Return the status, and the texts on stdout and on stderr."""
        return cli.main(["step", *args]), *capsys.readouterr()

    return step
