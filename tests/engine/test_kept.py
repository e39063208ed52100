"""A graph keeps what its rules read, and computes the rest again when somebody asks for it."""

import gc
import tracemalloc
import weakref
from functools import partial
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pytest
from examples import EXAMPLES, name

import microbn as mb
from microbn import Tensor
from microbn import functional as F
from microbn.engine import primitive
from microbn.engine.node import Record
from microbn.engine.primitive import CALLS
from microbn.reading.replay import replay
from microbn.reading.tape import history

RNG = np.random.default_rng(0)
X, W = RNG.normal(size=(64, 32)), RNG.normal(size=(32, 32))
GAMMA, BETA = RNG.uniform(0.5, 1.5, 32), RNG.normal(size=32)
LARGE = 400  # rows of the arrays whose bytes are counted


def layer(x, w, gamma, beta):
    return F.relu(F.batch_norm(x @ w, gamma, beta))


def leaves():
    return [Tensor(a, name) for a, name in zip((X, W, GAMMA, BETA), "xwgb", strict=True)]


def net(x, w, gamma, beta):
    for _ in range(3):
        x = layer(x, w, gamma, beta)
    return np.tanh(x).sum()


def peak(run):
    """Return the bytes at the peak of a run, and those that are left while its result is held."""
    run()
    gc.collect()
    tracemalloc.start()
    try:
        kept = run()
        left, highest = tracemalloc.get_traced_memory()
        del kept
    finally:
        tracemalloc.stop()
    return highest, left


def wide(count):
    """Return the bytes of so many arrays of the batch."""
    return count * LARGE * 32 * 8


# A layer keeps centered, x_hat and its result; in the first layer the batch is the user's.
@pytest.mark.parametrize(("layers", "arrays"), [(1, 3), (2, 6), (5, 15)])
def test_a_forward_keeps_three_wide_arrays_a_layer(layers, arrays):
    batch, (_, w, gamma, beta) = np.tile(X, (LARGE // 64 + 1, 1))[:LARGE], leaves()

    def forward():
        x = batch
        for _ in range(layers):
            x = layer(x, w, gamma, beta)
        return x.sum()

    highest, left = peak(forward)
    assert wide(arrays) < left < wide(arrays + 1 + 0.2 * layers)  # the batch is copied
    assert highest < wide(arrays + 5 + 0.2 * layers)


def test_a_step_of_a_net_takes_little_more_than_its_forward_keeps():
    batch, parameters = np.tile(X, (LARGE // 64 + 1, 1))[:LARGE], leaves()[1:]

    def step():
        x = batch
        for _ in range(5):
            x = layer(x, *parameters)
        return mb.grad(x.sum(), parameters)

    highest, left = peak(step)
    assert highest < wide(15 + 1 + 6)
    assert left < wide(0.5)


CHAINS = {  # what three calls keep of x: the wide arrays that their rules read
    "sums read nothing": (lambda x: x + 1.0 + x - x, 0),
    "a root reads its result": (lambda x: np.sqrt(x + 4.0) + 1.0, 1),
    "a square reads its operand": (lambda x: np.square(x + 1.0) + 1.0, 1),
    "a quotient reads itself and what divides": (lambda x: (x + 1.0) / (x + 5.0), 2),
    "a product reads both": (lambda x: (x + 1.0) * (x + 2.0), 2),
    "the mean reads a shape": (lambda x: np.mean(x + 1.0, axis=0), 0),
    "relu reads its result": (lambda x: F.relu(x + 1.0), 1),
    "shapes are shapes": (lambda x: np.transpose((x + 1.0).reshape(32, -1)), 0),
    "an index reads the index": (lambda x: (x + 1.0)[:, 0], 0),
    "comparisons read nothing, and masks are kept": (lambda x: (x + 1.0 > 0).sum(), 1 / 8),
    "joined arrays are read for their shapes": (lambda x: np.stack([x, x + 1.0]).sum(), 1),
}


@pytest.mark.parametrize("what", CHAINS)
def test_a_graph_keeps_what_its_rules_read(what):
    function, arrays = CHAINS[what]
    x = Tensor(np.tile(np.abs(X), (LARGE // 64 + 1, 1))[:LARGE])
    _, left = peak(lambda: function(x).sum())
    assert wide(arrays) <= left < wide(arrays + 0.2)


# Values again


@pytest.mark.bits
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("function", EXAMPLES, ids=name)
def test_a_value_that_nobody_held_is_computed_again_to_the_bit(function, dtype):
    call, arrays = EXAMPLES[function]
    operands = [+Tensor(array, dtype=dtype) for array in arrays]
    result = call(*operands)
    expected = [node.value for node in history(result)]
    with mb.trace():
        root = call(*(+Tensor(array, dtype=dtype) for array in arrays)).sum()
    for once in (call(*(+Tensor(array, dtype=dtype) for array in arrays)).sum(), root):
        *nodes, _ = history(once)
        assert len(nodes) == len(expected)
        for node, value in zip(nodes, expected, strict=True):
            assert type(node.value) is type(value)
            assert node.value.dtype == value.dtype
            assert node.value.tobytes("A") == value.tobytes("A")
            assert node.value.strides == value.strides


def test_gradients_are_the_same_when_everything_is_kept():
    plain = mb.grad(net(*(given := leaves())), given)
    with mb.trace():
        watched = mb.grad(net(*(given := leaves())), given)
    for one, other in zip(plain, watched, strict=True):
        assert np.array_equal(one, other)


def test_backward_runs_again_after_values_were_asked_for():
    given = leaves()
    root = net(*given)
    first = mb.grad(root, given)
    steps = [*mb.sweep(root)]
    assert all(step.node.value is not None for step in steps)
    recorded = mb.grad(root, given, create_graph=True)
    second = mb.grad(root, given)
    for one, other, again in zip(first, recorded, second, strict=True):
        assert np.array_equal(one, other.data)
        assert np.array_equal(one, again)


def test_values_are_computed_again_from_the_leaves_as_they_were():
    x = Tensor([1.0, 2.0], "x")
    root = ((x + 1.0) - 3.0).sum()
    x.data = [50.0, 60.0]
    values = [node.value.tolist() for node in history(root)]
    assert values == [[50, 60], [2, 3], [-1, 0], -1]
    assert mb.grad(root, x).tolist() == [1, 1]
    assert root.inputs[0].inputs[0].args[0].tolist() == [1, 2]


def test_values_are_computed_again_from_constants_as_they_were():
    offset = np.array([1.0, 2.0])
    root = ((Tensor([1.0, 2.0]) + offset) - 3.0).sum()
    offset[:] = 9.0
    assert [node.value.tolist() for node in history(root)][1:] == [[2, 4], [-1, 1], 0]


def test_whoever_holds_a_tensor_holds_its_value():
    x = Tensor([1.0, 2.0])
    hidden = x + 1.0
    value = hidden.value
    root = (hidden - 3.0).sum()
    assert hidden.value is value
    assert root.inputs[0].inputs[0] is hidden
    assert next(step for step in mb.sweep(root) if step.node.number == hidden.number).node is hidden
    hidden.name = "hidden"
    del hidden
    root.backward(retain_grads=True)
    again = root.inputs[0].inputs[0]
    assert (again.name, again.grad.tolist(), again.value.tolist()) == ("hidden", [1, 1], [2, 3])


def test_a_function_that_gives_other_values_each_time_is_not_called_again():
    rng, calls = np.random.default_rng(0), []

    @mb.primitive
    def noisy(x):
        calls.append(x)
        return x + rng.normal(size=x.shape)

    mb.defvjp(noisy, lambda g, out, x: g)
    root = (noisy(Tensor(np.zeros(3)) + 1.0) + 1.0).sum()
    mb.grad(root, root.inputs[0])
    noise = root.inputs[0].inputs[0]
    assert np.sum(noise.value + 1.0) == root.value
    assert len(calls) == 1


def test_a_value_is_computed_again_once():
    calls = []

    def counted(x):
        calls.append(x)
        return x + 1.0

    function = mb.primitive(counted, fresh=True)
    mb.defvjp(function, lambda g, out, x: g)
    root = node = Tensor([1.0])
    for _ in range(100):
        node = function(node)
    root = node * 1.0
    del node
    before = len(calls)
    for look in (history, history, lambda root: [*mb.sweep(root)], history):
        look(root)
        assert (before, len(calls)) == (100, 200)


def test_numbers_are_kept_as_dropping_them_saves_nothing():
    x = Tensor([1.0, 2.0])
    total = np.sum(x + 1.0)
    root = total + total * 2.0 - 1.0
    assert [node.record.out for node in history(root)[2:]] == [5, 10, 15, 14]
    assert total.record.args[0] is total.inputs[0].record  # which is wide
    assert root.record.args == (15, 1)


def test_numpy_warns_of_a_value_only_once():
    with pytest.warns(RuntimeWarning, match="overflow"):
        root = (np.square(Tensor([1e200]) + 1.0) + 1.0).sum()
    assert [node.value.item() for node in history(root)] == [1e200, 1e200, np.inf, np.inf, np.inf]


def test_a_long_chain_is_computed_again_without_recursion():
    node = Tensor([1.0])
    for _ in range(100_000):
        node = node + 1.0
    assert node.args[0] == 100_000
    assert [n.value for n in history(node)[-3:]] == [99_999, 100_000, 100_001]


def test_values_that_came_back_go_with_the_root_with_the_collector_off():
    gc.collect()
    gc.disable()
    try:
        given = leaves()
        root = net(*given)
        refs = [weakref.ref(node.record) for node in history(root)[4:]]
        list(mb.sweep(root))
        mb.grad(root, given, create_graph=True)
        assert all(ref() is not None for ref in refs)
        del root
        assert all(ref() is None for ref in refs)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_replaying_and_drawing_see_every_value():
    given = leaves()
    root = net(*given)
    hidden = next(node for node in history(root) if node.function is np.square)
    operand = hidden.inputs[0]
    assert np.array_equal(replay(root, operand)(operand.value), root.value)
    drawn = mb.view.graph.snapshot(root).nodes
    assert all(vertex.value is not None for vertex in drawn)


# What a rule says by itself


def keeps(*vjps, every=False):
    """Return the operands that a call with these rules keeps, and whether it keeps its result."""
    function = mb.primitive(
        (lambda *xs: xs[0] * 1.0) if every else (lambda x, y: x * y), fresh=True
    )
    mb.defvjp(function, *vjps)
    result = function(+Tensor([1.0, 2.0]), +Tensor([3.0, 4.0]))
    kept = {i for i, x in enumerate(result.record.args) if type(x) is not Record}
    return kept, result.record.out is not None


def reads_both(g, out, x, y):
    return g * x * y


class Rule:
    def __call__(self, g, out, x, y):
        return g * x * y

    def method(self, g, out, x, y):
        return g * y


RULES_AND_WHAT_THEY_READ = {
    "nothing": ([lambda g, out, x, y: g, lambda g, out, x, y: -g], (set(), False)),
    "one operand": ([lambda g, out, x, y: g * y, lambda g, out, x, y: -g], ({1}, False)),
    "one each": ([lambda g, out, x, y: g * y, lambda g, out, x, y: g * x], ({0, 1}, False)),
    "other names": ([lambda g, y, b, a: g * y, None], (set(), True)),
    "a shape": ([lambda g, out, x, y: g.reshape(x.shape), None], (set(), False)),
    "a shape and more": ([lambda g, out, x, y: g * x / x.size, None], ({0}, False)),
    "shapes of all": (
        [lambda g, out, x, y: g * x.size * y.ndim * out.size if out.dtype == x.dtype else g, None],
        (set(), False),
    ),
    "a transpose": ([lambda g, out, x, y: g + x.T, None], ({0}, False)),
    "handed on": ([lambda g, out, x, y: reads_both(g, out, x, y), None], ({0, 1}, True)),
    "a function inside": ([lambda g, out, x, y: (lambda: g * x)(), None], ({0}, False)),
    "a comprehension": (
        [lambda g, out, x, y: sum(g * i * x for i in range(2)), None],
        ({0}, False),
    ),
    "a default": ([lambda g, out, x, y, z=1.0: g * z, None], (set(), False)),
    "no code": ([partial(reads_both), None], ({0, 1}, True)),
    "an object": ([Rule(), None], ({0, 1}, True)),
    "a method": ([Rule().method, None], ({1}, False)),
    "none": ([None, None], ({0, 1}, True)),
}


@pytest.mark.parametrize("what", RULES_AND_WHAT_THEY_READ)
def test_a_rule_says_by_itself_what_it_reads(what):
    vjps, expected = RULES_AND_WHAT_THEY_READ[what]
    kept = keeps(*vjps)
    if what == "none":
        assert kept[0] <= expected[0]
    else:
        assert kept == expected


def test_a_rule_is_read_when_its_function_is_first_recorded():
    function = mb.primitive(lambda x: x * 1.0, fresh=True)
    with patch.object(primitive, "_unread", side_effect=primitive._unread) as read:
        mb.defvjp(function, lambda g, out, x: g)
        assert not read.called
        for _ in range(2):
            function(Tensor([1.0, 2.0]))
        assert read.call_count == 1


def test_a_rule_behind_a_wrapper_is_given_everything():
    def wrapper(*args, **kwargs):
        return reads_both(*args, **kwargs)

    assert {-1, 0, 1}.isdisjoint(primitive._unread(wrapper))
    wrapper.__wrapped__ = lambda g, out, x, y: g
    assert {-1, 0, 1}.isdisjoint(primitive._unread(wrapper))


def test_python_loads_two_names_at_once_and_both_are_read():
    """Python 3.13 does; here the instructions are made up."""
    two = SimpleNamespace(opname="LOAD_FAST_LOAD_FAST", argrepr="x, y")
    shape = SimpleNamespace(opname="LOAD_ATTR", argrepr="shape")
    end = SimpleNamespace(opname="RETURN_VALUE", argrepr="")
    rule = lambda g, out, x, y: g  # noqa: E731
    for steps, unread in (([two, end], {-2, -1}), ([two, shape, end], {-2, -1, 1})):
        with patch.object(primitive.dis, "get_instructions", lambda _, steps=steps: steps):
            assert primitive._unread(rule) == unread


# fmt: off
READ = {  # which operands the rules of each function read, and whether they read the result
    np.add: ("", False),       np.subtract: ("", False),  np.multiply: ("01", False),
    np.divide: ("1", True),    np.matmul: ("01", False),  np.square: ("0", False),
    np.sqrt: ("", True),       np.exp: ("", True),        np.log: ("0", False),
    np.tanh: ("", True),       F.relu: ("", True),        np.sum: ("", False),
    np.mean: ("", False),      np.max: ("0", True),       np.reshape: ("", False),
    np.transpose: ("", False), np.where: ("0", False),    np.equal: ("", False),
}
# fmt: on


@pytest.mark.parametrize("function", READ, ids=name)
def test_the_rules_on_the_page_read(function):
    call, (read, out) = CALLS[function], READ[function]
    operands = range(max(1, call.rules))
    assert "".join(str(i) for i in operands if i not in call.unread()) == read
    assert (-1 not in call.unread()) == out
