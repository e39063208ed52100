"""Scalars: the same code, entry by entry, with the gradients of the graph of arrays."""

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, errors, nn, scalars
from microbn import functional as F
from microbn.reading.scalars import values_of
from microbn.reading.tape import history

RNG = np.random.default_rng(0)
X, GAMMA, BETA = RNG.normal(size=(4, 3)), RNG.normal(size=3), RNG.normal(size=3)
TARGETS = np.array([0, 2, 1, 0])
NET = [RNG.normal(size=shape) for shape in ((3, 5), 5, (5, 3), 3)]


def mlp(x, w1, b1, w2, b2):
    return F.cross_entropy(np.tanh(x @ w1 + b1) @ w2 + b2, TARGETS)


FUNCTIONS = {
    "batch norm": (F.batch_norm, [X, GAMMA, BETA]),
    "batch norm of images": (F.batch_norm, [X.reshape(2, 3, 2), GAMMA, BETA]),
    "layer norm": (F.layer_norm, [X, GAMMA, BETA]),
    "group norm": (lambda x, *rest: F.group_norm(x, 3, *rest), [X.reshape(2, 3, 2), GAMMA, BETA]),
    "softmax": (F.softmax, [X]),
    "log softmax": (F.log_softmax, [X]),
    "sigmoid": (F.sigmoid, [X]),
    "relu": (F.relu, [X]),
    "mean squared error": (lambda x: F.mse(x, X + 1), [X]),
    "an MLP": (mlp, [X, *NET]),
}


def values(out):
    return values_of(out)


@pytest.mark.parametrize("case", FUNCTIONS)
def test_scalars_have_the_gradients_of_the_graph_of_arrays(case):
    f, arrays = FUNCTIONS[case]
    tensors, boxes = [Tensor(a) for a in arrays], [scalars(a) for a in arrays]
    whole, entries = f(*tensors), f(*boxes)
    g = RNG.normal(size=whole.shape)
    np.testing.assert_allclose(values(entries), whole.data, rtol=0, atol=1e-12)
    root = np.sum(entries * g)
    by_entry = mb.grad(root, [leaf for box in boxes for leaf in box.flat])
    expected = np.concatenate([part.reshape(-1) for part in mb.grad(whole, tensors, g)])
    np.testing.assert_allclose(np.array(by_entry), expected, rtol=0, atol=1e-12)
    assert not np.array_equal(expected, np.zeros_like(expected))


def test_every_node_of_a_graph_of_scalars_is_one_number():
    y = F.batch_norm(scalars(X), scalars(GAMMA, "gamma"), scalars(BETA, "beta"))
    assert {node.shape for node in history(y[0, 0])} == {()}


MIXED = {
    "object array, then Tensor": lambda box, whole, array: box * whole[0],
    "Tensor, then object array": lambda box, whole, array: whole[0] * box,
    "object array, then ndarray": lambda box, whole, array: box * array,
    "ndarray, then object array": lambda box, whole, array: array * box,
    "object array @ Tensor": lambda box, whole, array: box @ whole,
    "Tensor @ object array": lambda box, whole, array: whole @ box,
    "object array @ ndarray": lambda box, whole, array: box @ array,
    "ndarray @ object array": lambda box, whole, array: array @ box,
    "0-d Tensor - object array": lambda box, whole, array: whole[0, 0] - box,
}


@pytest.mark.parametrize("case", MIXED)
def test_scalars_mix_with_tensors_and_arrays_either_way_round(case):
    f, square, array = MIXED[case], X[:3], RNG.normal(size=(3, 3))
    box, whole, x = scalars(square), Tensor(array), Tensor(square)
    expected, mixed = f(x, whole, array), f(box, whole, array)
    g = RNG.normal(size=expected.shape)
    np.testing.assert_allclose(values(mixed), expected.data, rtol=0, atol=1e-12)
    by_entry = mb.grad(np.sum(mixed * g), [*box.flat, whole])
    by_array = mb.grad(expected, [x, whole], g)
    np.testing.assert_allclose(np.array(by_entry[:-1]), by_array[0].reshape(-1), atol=1e-12)
    np.testing.assert_allclose(by_entry[-1], by_array[1], rtol=0, atol=1e-12)


def test_a_module_runs_on_scalars_as_it_does_on_arrays():
    def model():
        return nn.Sequential(nn.Linear(3, 5, rng=0), nn.BatchNorm(5), nn.ReLU())

    on_arrays, on_scalars = model(), model()
    expected, box = on_arrays(X), on_scalars(scalars(X))
    np.testing.assert_allclose(values(box), expected.data, rtol=0, atol=1e-12)
    g = RNG.normal(size=expected.shape)
    expected.backward(g)
    np.sum(box * g).backward()
    for mine, theirs in zip(on_scalars.parameters(), on_arrays.parameters(), strict=True):
        np.testing.assert_allclose(mine.grad, theirs.grad, rtol=0, atol=1e-12)
    for name, buffer in on_scalars.named_buffers():
        np.testing.assert_allclose(buffer, dict(on_arrays.named_buffers())[name], atol=1e-12)


def test_scalars_are_named_and_keep_shape_and_dtype():
    box = scalars(np.ones((2, 1), np.float32), "weight")
    assert [leaf.name for leaf in box.flat] == ["weight[0, 0]", "weight[1, 0]"]
    assert {leaf.dtype for leaf in box.flat} == {np.dtype(np.float32)}
    assert scalars(np.ones((2, 0))).shape == (2, 0)
    assert (scalars(2.0, "s").name, scalars(2.0).item()) == ("s", 2.0)


@pytest.mark.parametrize("fault", [[1, 2], "text", [[1.0], [1.0, 2.0]], None])
def test_scalars_want_floats(fault):
    with pytest.raises((errors.DTypeError, errors.ShapeError), match="a tensor"):
        scalars(fault)


def test_the_name_of_scalars_is_text():
    with pytest.raises(errors.DTypeError, match="a name is text, got 3"):
        scalars([1.0], 3)


def test_methods_of_an_array_of_scalars_are_numpys_functions():
    values = np.array([[1.0, 5.0], [2.0, 5.0]])
    for name in ("mean", "var", "std", "max", "min"):
        for axis in (None, 0):
            whole = getattr(values, name)(axis)
            np.testing.assert_allclose(values_of(getattr(scalars(values), name)(axis)), whole)
    box = scalars(values)
    assert [float(g) for g in mb.grad(box.max(), list(box.flat))] == [0, 0.5, 0, 0.5]


METHODS = {
    "clip at a bound": (lambda x: x.clip(X[0, 0], 0.5), True),
    "clip of all": (lambda x: x.clip(-0.01, 0.01), True),
    "round": (lambda x: x.round(2), False),
    "round, without digits": (lambda x: x.round(), False),
    "prod": (lambda x: x.prod(0), True),
    "cumprod": (lambda x: x.cumprod(1), True),
    "cumsum": (lambda x: x.cumsum(), True),
    "dot": (lambda x: x.dot(X.T), True),
    "trace": (lambda x: x.trace(), True),
    "argmax": (lambda x: x.argmax(1), False),
    "argsort": (lambda x: x.argsort(0), False),
    "argpartition": (lambda x: x.argpartition(1, axis=0), False),
    "all": (lambda x: x.all(0), False),
    "any": (lambda x: x.any(), False),
    "searchsorted": (lambda x: x[:, 0].searchsorted([0.0, 1.0]), False),
}


@pytest.mark.parametrize(("method", "flows"), METHODS.values(), ids=METHODS)
def test_a_method_of_scalars_is_that_of_a_tensor(method, flows):
    x, box = Tensor(X), scalars(X)
    whole, entries = method(x), method(box)
    np.testing.assert_allclose(values(entries), whole.data, rtol=0, atol=1e-12)
    if flows:
        g = RNG.normal(size=whole.shape)
        by_entry = mb.grad(np.sum(entries * g), [*box.flat])
        expected = mb.grad(whole, x, g).reshape(-1)
        np.testing.assert_allclose(np.array(by_entry), expected, rtol=0, atol=1e-12)


def test_scalars_that_are_all_clipped_have_a_gradient_of_0():
    x = scalars([1.0, 2.0])
    x.clip(-0.1, 0.1).sum().backward()
    assert [entry.grad for entry in x] == [0, 0]


def test_scalars_as_objects_stay_scalars():
    x = scalars(X)
    assert x.astype(object)[0, 0] is x[0, 0]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: x.choose([X, X]), "np.choose: "),
        (lambda x: x.searchsorted(0.0), "searchsorted: "),
        (lambda x: x.astype(complex), "a Tensor does not become an array"),
    ],
)
def test_a_method_of_scalars_that_fails_says_why(call, words):
    with pytest.raises(errors.MicrobnError, match=f"^{words}"):
        call(scalars(X))
