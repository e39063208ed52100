"""Ctrl-C anywhere in the package: what was switched on is switched off again."""

import sys

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, nn
from microbn import functional as F
from microbn.engine.mode import Mode, mode


def second_derivative():
    x = Tensor([1.0, 2.0], "x")
    (first,) = mb.grad(np.sum(np.tanh(x) * x), [x], create_graph=True)
    mb.grad(first.sum(), x, create_graph=True)


def net():
    model = nn.Sequential(nn.Sequential(nn.Linear(2, 2, rng=0)), nn.ReLU())
    model(Tensor(np.eye(2)))


def quietly():
    with mb.no_grad():
        Tensor(1.0) * 2.0


def grouped():
    with mb.scope("a"), mb.scope("b"):
        Tensor(1.0) * 2.0


def traced():
    with mb.trace():
        (Tensor(1.0) * 2.0).backward()


def program():
    mb.compile(lambda x: F.softmax(x).sum(), Tensor([1.0, 2.0]), passes=["dead"])


def interrupted(work, place):
    """Run work, and raise KeyboardInterrupt at one of the places where Python would, by number.

    Python looks for signals when a function begins, and after one that is not written in Python.
    The functions of the package and of contextlib count, as with statements run these.
    """
    passed = 0

    def at(frame, event, arg):
        nonlocal passed
        name = frame.f_globals.get("__name__", "")
        if event in ("call", "c_return") and name.startswith(("microbn", "contextlib")):
            passed += 1
            if passed == place:
                sys.setprofile(None)
                raise KeyboardInterrupt

    before = sys.getprofile()
    sys.setprofile(at)
    try:
        work()
    except KeyboardInterrupt:
        return True
    finally:
        sys.setprofile(before)
    return False


# An interrupt inside of a generator that is being dropped is printed, and goes no further.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("work", [second_derivative, net, quietly, grouped, traced, program])
def test_ctrl_c_leaves_nothing_switched_on(work):
    work()  # what is done once, such as imports, is done
    place, left, errors = 0, [], np.geterr()
    while interrupted(work, place := place + 1):
        if (mode.get(), np.geterr()) != (Mode(), errors):
            left.append((place, mode.get(), np.geterr()))
            mode.set(Mode())
            np.seterr(**errors)
    assert place > 10
    assert left == []


def test_the_check_sees_a_switch_that_stays_on(monkeypatch):
    monkeypatch.setattr("microbn.engine.mode._set_back", lambda name, old: None)
    try:
        quietly()
        assert mode.get() != Mode()
    finally:
        mode.set(Mode())
