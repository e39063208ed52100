"""Names of constants under trace(): a constant has the name of the variable that is its operand."""

import linecache

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor
from microbn import functional as F
from microbn.engine.node import is_node

VALUES = {
    "x": Tensor([1.0, -2.0], "x"),
    "alpha": 0.5,
    "beta": 0.5,
    "lr": 2.0,
    "minus": -2.0,
    "a": np.ones(2),
    "w": np.ones(2),
    "mask": np.array([True, False]),
    "box": type("Box", (), {"scale": 2.0, "shift": 0.5, "ones": np.ones(2)}),
    "halfway": mb.primitive(lambda x, low, high: x + (low + high) / 2),
}


def traced(code):
    """Run lines of code under trace(); return the names of the constants that z was made from."""
    mb.defvjp(VALUES["halfway"], lambda g, out, x, low, high: g, None, None)
    linecache.cache["lines.py"] = (len(code), None, code.splitlines(keepends=True), "lines.py")
    space = {**VALUES, "np": np}
    with mb.trace():
        exec(compile(code, "lines.py", "exec"), space)
    return [*names_of_constants(space["z"])]


def names_of_constants(node):
    """Yield the name, or None, of each float and array that a node was made from."""
    for position, operand in enumerate(node.inputs):
        if is_node(operand):
            yield from names_of_constants(operand)
        elif isinstance(operand, (float, np.ndarray)):
            yield dict(node.line.constants).get(position)


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("z = alpha * x + beta", ["alpha", "beta"]),
        ("z = a * x + w", ["a", "w"]),
        ("z = lr * x + 2.0", ["lr", None]),
        ("z = minus * x + -2.0", ["minus", None]),
        ("z = x * 2.0  # no lr here", [None]),
        ("z = x * 2.0; s = 'lr'", [None]),
        ("z = alpha * x + box.shift", ["alpha", None]),
        ("lr = 2.0; z = x * box.scale", [None]),
        ("z = (\n    alpha * x\n  + beta\n)", ["alpha", "beta"]),
        ("y = [x * 2.0,\n     x * lr]\nz = y[1]", ["lr"]),
        ("é, z = 'é', x * alpha", ["alpha"]),
        ("z = np.where(mask, alpha * x, beta)", ["mask", "alpha", "beta"]),
        ("z = np.where(mask, np.where(mask, x, alpha), 0.5)", ["mask", "mask", "alpha", None]),
        ("z = np.stack([x, a])[0]", ["a"]),
        ("z = -x\nz *= lr", ["lr"]),
        ("z = x ** 2 * alpha", ["alpha"]),
        ("z = (lambda t: t * lr)(x)", ["lr"]),
    ],
)
def test_a_constant_has_the_name_of_its_own_variable_or_none(code, names):
    assert traced(code) == names


def test_equal_constants_are_told_apart_by_their_places():
    assert traced("z = np.stack([a, x, 2 * a])") == ["a", None]
    assert traced("z = np.stack([a, x, w])") == ["a", "w"]
    assert traced("z = np.stack([a, x, a])") == ["a", "a"]
    assert traced("z = np.stack([x, a, box.ones])") == ["a", None]
    assert traced("z = np.stack([x, box.ones, a, w[:]])") == [None, "a", None]
    assert traced("z = np.where(a, x, np.where(x.data > 0, alpha, x))")[0] == "a"
    assert traced("z = halfway(x, box.shift, beta)") == [None, "beta"]


def test_an_equal_constant_has_no_name_where_its_place_is_unknown():
    assert traced("z = np.stack(arrays=[a, x, box.ones])") == [None, None]
    assert traced("z = np.stack([*[x, box.ones], a])") == [None, None]
    assert traced("z = np.stack(arrays=[a, x, a])") == ["a", "a"]


def test_epsilon_of_batch_norm_has_its_name():
    with mb.trace():
        y = F.batch_norm(Tensor([[1.0], [3.0]]), Tensor([1.0]), Tensor([0.0]))
    assert [*names_of_constants(y)] == ["eps"]


def test_a_line_that_cannot_be_read_gives_no_name():
    space = {**VALUES}
    with mb.trace():
        exec(compile("z = x * lr", "there is no such file", "exec"), space)
    assert space["z"].line.constants == ()


def test_a_sum_of_many_terms_can_be_read():
    assert traced("z = " + "x + " * 900 + "alpha") == ["alpha"]
