"""Recording, scopes and tracing: each for its own thread or task, and over after an exception."""

import asyncio
import threading
from pathlib import Path

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, errors, nn
from microbn import functional as F
from microbn.engine.functions import stop_gradient
from microbn.engine.mode import Mode, mode


def made_by(x):
    return (x * 2.0).function


def test_no_grad_stays_in_its_thread():
    x, made = Tensor(1.0), []
    with mb.no_grad():
        thread = threading.Thread(target=lambda: made.append(made_by(x)))
        thread.start()
        thread.join()
    assert made == [np.multiply]


def test_no_grad_stays_in_its_asyncio_task():
    x = Tensor(1.0)

    async def quiet(inside, outside):
        with mb.no_grad():
            inside.set()
            await outside.wait()
            return made_by(x)

    async def loud(inside, outside):
        await inside.wait()  # by now the other task is under no_grad
        outside.set()
        return made_by(x)

    async def both():
        events = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(quiet(*events), loud(*events))

    assert asyncio.run(both()) == [stop_gradient, np.multiply]


@pytest.mark.parametrize("switch", [mb.no_grad, mb.trace, lambda: mb.scope("s")])
def test_switches_are_set_back_after_an_exception(switch):
    before = mode.get()
    inside = []
    with pytest.raises(ZeroDivisionError), switch():
        inside.append(mode.get()) or 1 / 0
    assert inside != [before]
    assert mode.get() == before


def test_switches_set_back_their_own_alone():
    def generator():
        with mb.scope("a"):
            yield

    paused = generator()
    next(paused)
    with mb.no_grad():
        paused.close()
        assert mode.get() == Mode(recording=False)
    assert mode.get() == Mode()


def test_switches_nest():
    with mb.scope("a"), mb.no_grad(), mb.scope("b"), mb.trace():
        recording, groups, watches, role, lines = mode.get()
        assert (recording, groups, len(watches), role, lines) == (False, ("a", "b"), 1, "", True)


def test_a_module_pushes_its_path_as_the_scope():
    net = nn.Sequential(nn.Sequential(nn.Linear(2, 2, rng=0), nn.BatchNorm(2)))
    y = net(Tensor(np.eye(2)))
    assert y.scope == ("layers.0", "layers.1")


@pytest.mark.parametrize("name", [None, 3, ["a"]])
def test_a_scope_has_a_name(name):
    with pytest.raises(errors.ArgumentError, match="scope: a name is text"), mb.scope(name):
        pass


def test_label_names_tensors_and_leaves_the_rest_alone():
    x, named, number, net = Tensor(1.0), Tensor(1.0, "given"), 3, nn.ReLU()
    mb.label(locals())
    assert (x.name, named.name, number, net.name) == ("x", "given", 3, None)
    with pytest.raises(errors.ArgumentError, match=r"takes a dict such as locals\(\)"):
        mb.label([x])


def test_label_names_the_entries_of_an_object_array():
    box = mb.scalars([[1.0, 2.0]], "x")
    y = box * 2.0
    mb.label({"y": y, "again": y})
    assert [t.name for t in y.flat] == ["y[0, 0]", "y[0, 1]"]


# Tracing


def test_trace_remembers_the_users_line():
    with mb.trace():
        x = Tensor([1.0, 2.0])
        y = F.softmax(x * 2.0)  # this line
    z = y * 2.0
    assert y.line.file == __file__
    assert str(y.line).startswith("test_mode.py:")
    assert "# this line" in str(y.line)
    assert x.line.number == y.line.number - 1
    assert z.line is None


def test_trace_also_remembers_the_line_of_functional_that_the_users_led_to():
    with mb.trace():
        y = F.sigmoid(Tensor([1.0, 2.0]))
        z = y + 1.0
    assert "return 0.5 * (1 + np.tanh(0.5 * x))" in str(y.line.inside)
    assert z.line.inside is None


def test_trace_of_a_gradients_graph_leads_into_the_rules():
    x = Tensor([1.0, 2.0])
    with mb.trace():
        first = mb.grad(np.exp(x), x, np.ones(2), create_graph=True)
    product = first.inputs[0]
    assert Path(product.line.inside.file).name == "rules.py"
    assert "defvjp(np.exp," in str(product.line.inside)


def nan_from(what):
    zero = Tensor([1.0, 0.0], name="zero")
    with mb.trace():
        what(zero)


FORWARD = {
    "log of 0": (lambda x: np.log(x), ["log: -inf at [1]", "appears here", "0 there"]),
    "division by 0": (lambda x: 1 / x, ["divide: inf at [1]", "1 and 0 there"]),
    "root of -1": (lambda x: np.sqrt(x - 1.0), ["sqrt: nan at [1]", "-1 there"]),
    "a constant": (lambda x: x * [1.0, np.nan], ["multiply: nan at [1]", "operand 1, a constant"]),
    "overflow": (lambda x: np.exp(x * 1e3), ["exp: inf at [0]", "1000 there"]),
    "a sum": (lambda x: np.sum(x + 1.7e308), ["sum: inf", "appears here, from finite operands"]),
    "an infinity elsewhere": (lambda x: x / [np.inf, 0.0], ["divide: nan at [1]", "0 and 0 there"]),
    "under no_grad": (mb.no_grad()(lambda x: np.log(x)), ["log: -inf at [1]"]),
    "in a scope": (mb.scope("net")(lambda x: np.log(x)), ["log in net: -inf at [1]"]),
    "a leaf": (lambda x: Tensor([np.nan], name="bad"), ["bad: nan at [0]"]),
    "a list": (lambda x: np.stack([x, [np.nan, 0.0]]), ["stack: nan at [1, 0]", "operand 1"]),
}


@pytest.mark.parametrize("case", FORWARD)
def test_a_value_that_is_not_finite_is_named_with_its_line(case):
    what, facts = FORWARD[case]
    with pytest.raises(errors.NonFiniteError) as caught:
        nan_from(what)
    for fact in [*facts, "test_mode.py:"]:
        assert fact in str(caught.value)


def test_an_operand_from_outside_is_named_as_the_one_that_brought_it():
    with np.errstate(all="ignore"):
        bad = np.log(Tensor([1.0, 0.0]))
    bad.name = "bad"
    with pytest.raises(errors.NonFiniteError, match=r"operand 0, 'bad' \(log\), brought it: -inf"):
        nan_from(lambda x: bad + x)


MASK = np.tril(np.ones((3, 3), bool))
BIAS = np.where(MASK, 0.0, -np.inf)
MEANT = {
    "chosen": lambda scores: np.where(MASK, scores, -np.inf),
    "added": lambda scores: scores + np.where(MASK, 0.0, -np.inf),
    "from a leaf": lambda scores: scores + Tensor(np.where(MASK, 0.0, -np.inf)),
    "of a leaf in a sum": lambda scores: scores + Tensor([[-np.inf, 0], [0, 0]]).sum(1)[1] + BIAS,
    "after an operation": lambda scores: np.where(MASK, scores, -np.inf) * 2.0,
}


@pytest.mark.parametrize("way", MEANT)
def test_an_infinity_that_the_user_wrote_is_no_fault(way):
    scores, dy = Tensor(np.eye(3) + 0.5), np.array([1.0, -2.0, 0.5])
    with mb.trace():
        weights = F.softmax(MEANT[way](scores))
        gradient = mb.grad(weights @ dy, scores, dy)
    assert np.all(weights.data[~MASK] == 0)
    assert np.all((gradient != 0)[1:] == MASK[1:])


def test_a_nan_that_follows_from_such_an_infinity_is_one():
    with (
        mb.trace(),
        pytest.raises(errors.NonFiniteError, match=r"subtract in softmax: nan at \[0, 0\]"),
    ):
        F.softmax(np.where(False, Tensor(np.ones((1, 2))), -np.inf))


HUGE = [[np.inf, 0.0], [1.7e308, 1.7e308]]
BESIDE = {
    "entry by entry": lambda x: Tensor([np.inf, 1.0]) / [1.0, 0.0],
    "a sum": lambda x: x.sum(axis=1),
    "a mean": lambda x: x.mean(axis=1),
    "a product": lambda x: x @ np.ones(2),
    "another dtype": lambda x: Tensor([np.inf, 1e300]).astype(np.float32),
}


@pytest.mark.parametrize("way", BESIDE)
def test_an_infinity_beside_one_that_was_meant_is_a_fault_all_the_same(way):
    with mb.trace(), pytest.raises(errors.NonFiniteError, match=r"inf at \[1\]"):
        BESIDE[way](Tensor(HUGE))


BACKWARD = {
    "root at 0": (np.sqrt, ["backward of sqrt", "operand 0, 'zero' (leaf), is inf at [1]"]),
    "power at 0": (lambda x: x**0.5, ["backward of power", "is inf at [1]", "0 and 0.5 there"]),
    "relu before a root": (
        lambda x: np.sqrt(F.relu(x)),
        ["backward of sqrt", "operand 0, relu, is inf at [1]"],
    ),
}


@pytest.mark.parametrize("case", BACKWARD)
def test_a_gradient_that_is_not_finite_is_named_with_its_line(case):
    what, facts = BACKWARD[case]
    with pytest.raises(errors.NonFiniteError) as caught:
        nan_from(lambda x: what(x).sum().backward())
    for fact in [*facts, "test_mode.py:"]:
        assert fact in str(caught.value)


def test_a_sum_of_finite_gradients_that_overflows_is_named_as_one():
    x = Tensor([1.0], name="x")
    with mb.trace(), pytest.raises(errors.NonFiniteError, match=r"its sum becomes inf at \[0\]"):
        (x * 1.0 + x * 1.0).backward([1.7e308])


def test_a_cotangent_that_is_not_finite_is_named():
    with pytest.raises(errors.NonFiniteError, match=r"the cotangent is nan at \[0\]"):
        nan_from(lambda x: (x * 2.0).backward([np.nan, 1.0]))


def test_a_failed_traced_backward_leaves_every_grad_as_it_was():
    x, y = Tensor([1.0, 0.0]), Tensor([1.0, 1.0])
    root = (np.sqrt(x) + y * 2.0).sum()
    with mb.trace(), pytest.raises(errors.NonFiniteError):
        root.backward()
    assert (x.grad, y.grad) == (None, None)


def test_without_trace_ieee_is_what_comes_out():
    x = Tensor([0.0, 1.0])
    with np.errstate(all="ignore"):
        assert np.log(x).data.tolist() == [-np.inf, 0]
        assert mb.grad(np.log(x).sum(), x).tolist() == [np.inf, 1]
        assert mb.grad(np.sqrt(x).sum(), x).tolist() == [np.inf, 0.5]
        assert np.isnan(np.sqrt(x - 1.0).data[0])
