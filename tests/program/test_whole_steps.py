"""A training step happens whole or not at all, even if it raises or Ctrl-C ends it."""

import signal
import sys
import threading

import numpy as np
import pytest

from microbn import Tensor, errors, nn, optim
from microbn.engine.mode import Mode, mode
from microbn.lab import data, train

pytest.importorskip("sklearn", reason="scikit-learn is not installed: lab unchecked")
SPLIT = data.spirals(0, n=40, test=10)
HERE = ("train.py", "compiled.py", "module.py", "parts.py", "norms.py", "optim.py")


@pytest.fixture(autouse=True)
def heard():
    """Let Ctrl-C raise, also where a shell runs the tests in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def made(kind=optim.Adam):
    model = train.mlp([2, 4, 4, 2], seed=0, norm=nn.BatchNorm)
    return model, kind(model.parameters(), 0.1)


def state(model, optimizer):
    arrays = [np.array(a) for own in optimizer.state for a in own]
    return [*model.state_dict().values(), *arrays]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def whole_steps(compiled, steps=3):
    """Return the states of the model and the optimizer after 0, 1, ... steps."""
    states = [state(*made())]
    for count in range(1, steps + 1):
        model, optimizer = made()
        fitted(model, optimizer, compiled, count)
        states.append(state(model, optimizer))
    return states


def fitted(model, optimizer, compiled, steps=3):
    how = {"batch_size": 8, "every": 2, "compiled": compiled}
    return train.fit(model, optimizer, SPLIT, steps=steps, seed=0, measure=lambda: 0, **how)


def interrupted(run, at, event="line", files=HERE):
    """Press Ctrl-C before the ``at``-th line or call of ``run`` in these files.

    Returns whether that ended it.
    """
    seen = 0

    def trace(frame, now, _):
        nonlocal seen
        if not frame.f_code.co_filename.endswith(files):
            return None
        if now == event:
            seen += 1
            if seen == at:
                signal.raise_signal(signal.SIGINT)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.parametrize("compiled", [False, True])
def test_ctrl_c_anywhere_in_a_fit_leaves_whole_steps_and_no_switch(compiled):
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("not in the main thread, where Ctrl-C arrives")
    wholes, handler, ends = whole_steps(compiled), signal.getsignal(signal.SIGINT), set()
    at, ended = 1, True
    while ended:
        model, optimizer = made()
        ended = interrupted(lambda m=model, o=optimizer: fitted(m, o, compiled), at)
        now = state(model, optimizer)
        found = [i for i, whole in enumerate(wholes) if same(now, whole)]
        assert found, at
        ends |= {*found}
        assert mode.get() == Mode(), at
        assert signal.getsignal(signal.SIGINT) is handler
        assert not any(p.training for p in model.modules()) or found == [0], at
        at += 1 + at // (10 if compiled else 60)
    assert ends == {0, 1, 2, 3}


def test_a_step_that_ctrl_c_could_end_is_seen(monkeypatch):
    monkeypatch.setattr(train.Uninterrupted, "__enter__", lambda self: None)
    monkeypatch.setattr(train.Uninterrupted, "__exit__", lambda *_: None)
    with pytest.raises(AssertionError):
        test_ctrl_c_anywhere_in_a_fit_leaves_whole_steps_and_no_switch(False)


def test_ctrl_c_goes_to_the_handler_that_was_there_once():
    pressed = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(1))
    try:
        with train.Uninterrupted():
            with train.Uninterrupted():
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
            assert pressed == []
        assert pressed == [1]
    finally:
        signal.signal(signal.SIGINT, before)


def test_outside_the_main_thread_a_fit_goes_on_as_ever():
    model, optimizer = made()
    thread = threading.Thread(target=fitted, args=(model, optimizer, False))
    thread.start()
    thread.join()
    assert same(state(model, optimizer), whole_steps(False)[-1])


def test_ctrl_c_at_any_call_in_a_module_leaves_no_switch_on():
    model, at = nn.Sequential(nn.Sequential(nn.ReLU()), nn.Tanh()), 1
    while interrupted(lambda: model(np.ones((2, 2))), at, "call", files=""):
        assert mode.get() == Mode(), at
        model.tanh = np.zeros(1)
        with pytest.raises(errors.ShapeError):  # no Module runs, so it is a buffer
            model.tanh = np.zeros(2)
        del model.tanh
        at += 1
    assert at > 10


class Refusing(nn.Module):
    """A layer that raises ``error`` once there is one."""

    error = None

    def forward(self, x):
        if self.error:
            raise self.error
        return x


def fails_in_the_second_norm(model):
    model.layers[3].weight.data = np.full((4, 4), np.inf)


def fails_after_both_norms(model):
    model.layers[-1].weight.data = np.full((4, 2), np.nan)
    model.layers.append(Refusing())
    model.layers[-1].error = ZeroDivisionError()


FAULTS = [fails_in_the_second_norm, fails_after_both_norms]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_step_that_fails_leaves_everything_as_it_was(fault, kind):
    model, optimizer = made(kind)
    train.step(model, optimizer, SPLIT.x_train, SPLIT.y_train)
    fault(model)
    before = state(model, optimizer)
    with (
        np.errstate(all="ignore"),
        pytest.raises((errors.NonFiniteError, ZeroDivisionError)),
    ):
        train.step(model, optimizer, SPLIT.x_train, SPLIT.y_train)
    now = state(model, optimizer)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(now, before, strict=True))


def test_class_that_there_is_not_leaves_everything_as_it_was():
    model, optimizer = made()
    before = state(model, optimizer)
    with pytest.raises(errors.RangeError):
        train.step(model, optimizer, SPLIT.x_train, SPLIT.y_train + 1)
    assert same(state(model, optimizer), before)


def test_measuring_that_fails_puts_back_what_it_moved():
    model, optimizer = made()
    states = []

    def moving():
        states.append(state(model, optimizer))
        model.parameters()[0].data += 1.0
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train.fit(model, optimizer, SPLIT, steps=2, seed=0, batch_size=8, every=1, measure=moving)
    assert same(state(model, optimizer), states[0])
    assert not model.training


def test_optimizers_step_that_fails_moves_no_parameter():
    for kind in (optim.SGD, optim.Adam):
        parameters = [Tensor([1.0, 2.0]) for _ in range(3)]
        optimizer = kind(parameters, 0.1)
        for p in parameters:
            p.grad = np.ones(2)
        optimizer.step()
        before = [p.data.tolist() for p in parameters], [np.array(a) for a in optimizer.state[0]]
        optimizer.state[2] = ["no array"] * len(optimizer.state[2])
        with pytest.raises(TypeError):
            optimizer.step()
        assert [p.data.tolist() for p in parameters] == before[0]
        assert same(optimizer.state[0], before[1])
