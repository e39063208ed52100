"""Functions read as words: evaluating them gives the same bits."""

import functools
import inspect
import operator

import numpy as np
import pytest
from wordings import evaluated, idle, same_bits

from microbn import Tensor, errors
from microbn import functional as F
from microbn.engine.functions import (
    concatenate,
)
from microbn.engine.names import spelled
from microbn.reading.formula import formula
from microbn.reading.symbol import Symbol

RNG = np.random.default_rng(0)
A, B, ROW = RNG.normal(size=(3, 2)), RNG.normal(size=(3, 2)), RNG.normal(size=(2,))


def test_a_none_or_false_that_is_the_default_is_not_read():
    def standard(x):
        return np.mean(x, None, keepdims=False) / np.std(x, axis=None, mean=None, keepdims=True)

    assert formula(standard) == "mean(x) / std(x, keepdims=True)"
    assert formula(np.var) == "mean(square(x - mean(x, keepdims=True)))"
    assert formula(lambda x: np.transpose(x, None)) == "transpose(x)"
    assert formula(lambda x: np.mean(a=x, axis=None)) == "mean(a=x)"
    assert formula(lambda x: np.isclose(x, 0, equal_nan=False)) == "isclose(x, 0)"


def test_a_none_or_false_that_changes_the_call_is_read():
    assert formula(lambda x: np.clip(x, 0, None)) == "clip(x, 0, None)"
    assert formula(lambda x: np.where(x > 0, x, False)) == "where(x > 0, x, False)"
    assert formula(lambda x: concatenate(x, x, axis=None)) == "concatenate(x, x, axis=None)"
    assert formula(lambda x: np.linalg.svd(x, False)) == "linalg.svd(x, False)"
    halves = formula(lambda x: np.linspace(0, x, 2, endpoint=False))
    assert halves == "linspace(0, x, 2, endpoint=False)"


def test_a_power_has_no_words_for_an_exponent_of_0_that_it_does_not_have():
    assert formula(np.power, "x", 2)[0] == "g · 2 · x ** 1.0"
    assert formula(np.power, "x", -0.5)[0] == "g · -0.5 · x ** -1.5"
    assert "where" in formula(np.power, "x", 0)[0]
    assert formula(lambda x: np.where(x > 0, 1, x), "x") == "where(x > 0, 1, x)"


@pytest.mark.bits
def test_a_tuple_inside_an_index_stays_one():
    text = formula(lambda x: x[(0, 1),], A)
    assert same_bits(evaluated(text, x=A), A[(0, 1),])


# Functions composed in NumPy.

LABELS = np.array([0, 1, 1])
IMAGES, FILTERS = RNG.normal(size=(2, 3, 4, 4)), RNG.normal(size=(2, 3, 2, 2))
COMPOSED = {
    F.batch_norm: (A, ROW, ROW[::-1].copy()),
    F.layer_norm: (A, ROW, ROW[::-1].copy()),
    F.group_norm: (A, 1, ROW, ROW[::-1].copy()),
    F.moments: (A,),
    F.normalize: (A, ROW**2),
    F.affine: (A, ROW, ROW[::-1].copy()),
    F.sigmoid: (A,),
    F.softmax: (A,),
    F.log_softmax: (A,),
    F.mse: (A, B),
    F.cross_entropy: (A, LABELS),
    F.conv2d: (IMAGES, FILTERS),
    F.max_pool2d: (IMAGES, 2),
    F.avg_pool2d: (IMAGES, 2),
}


@pytest.mark.bits
@pytest.mark.parametrize("function", COMPOSED, ids=spelled)
def test_functions_read_from_examples_evaluate_to_what_they_compute(function):
    assert_reads(function, formula(function, *COMPOSED[function]))


# These cannot be read without numbers.
NUMBERS = (F.group_norm, F.cross_entropy, F.conv2d, F.max_pool2d, F.avg_pool2d)


@pytest.mark.bits
@pytest.mark.parametrize("function", [f for f in COMPOSED if f not in NUMBERS], ids=spelled)
def test_functions_read_from_names_evaluate_to_what_they_compute(function):
    assert_reads(function, formula(function))


def assert_reads(function, texts):
    arrays = COMPOSED[function]
    values = function(*arrays)
    given = dict(zip(inspect.signature(function).parameters, arrays, strict=False))
    single = not isinstance(texts, tuple)
    for text, value in zip(*([[texts], [values]] if single else [texts, values]), strict=True):
        assert same_bits(evaluated(text, **given), value)
        assert [*idle(text)] == []


def test_every_composed_function_is_among_these():
    public = {f for name, f in vars(F).items() if inspect.isfunction(f) and name[0] != "_"}
    ours = {f for f in public if f.__module__ == F.__name__ and f is not F.batch_axes}
    assert ours == {*COMPOSED}


def test_batch_norm_reads_as_one_expression():
    assert formula(F.batch_norm) == (
        "gamma · ((x - mean(x, axis=0, keepdims=True)) / sqrt(mean(square(x - "
        "mean(x, axis=0, keepdims=True)), axis=0, keepdims=True) + 1e-05)) + beta"
    )
    assert "1e-05" not in formula(F.batch_norm, eps=0.1)


def test_images_read_from_an_example():
    text = formula(F.batch_norm, np.ones((2, 3, 2, 2)))
    assert text.startswith("reshape(gamma, (-1, 1, 1)) · ((x - mean(x, axis=(0, 2, 3), keepdims=")


def test_a_function_of_the_users_own_is_read():
    assert formula(operator.itemgetter(0), "x") == "x[0]"
    assert formula(lambda x, *, power=3: x**power / x.size) == "x ** 3 / x.size"
    assert formula(lambda *xs: xs[0] - (xs[1] - 1), "a", "b") == "a - (b - 1)"
    assert formula(lambda *xs: xs[0] - xs[1], A, B) == "xs[0] - xs[1]"


def test_methods_read_as_the_functions_they_are():
    def rule(g, x):
        return g.sum(axis=0).reshape(x.shape) / (g.mean(axis=(0,), keepdims=True).size or 1)

    assert formula(rule) == (
        "reshape(sum(g, axis=0), x.shape) / mean(g, axis=(0,), keepdims=True).size"
    )
    assert formula(lambda g: g.swapaxes(0, 1).squeeze(-1).transpose()) == (
        "transpose(squeeze(swapaxes(g, 0, 1), -1))"
    )
    assert formula(lambda g, x: g.astype(x.dtype)) == "astype(g, x.dtype)"


# Operands and constants.


def test_a_tensor_gives_its_name_and_its_shape():
    t = Tensor(A, "weights")
    assert formula(np.sum, t) == ("spread(g, (3, 2))",)
    assert formula(np.square, t) == ("g · (2 · weights)",)
    assert formula(np.square, Tensor(A)) == ("g · (2 · x)",)
    assert formula(lambda x: x * t) == "x · weights"
    assert formula(lambda x: t @ x - t) == "weights @ x - weights"


def test_a_name_already_given_is_not_given_twice():
    assert formula(np.multiply, Symbol("x"), Symbol("y")) == ("g · y", "g · x")
    assert formula(np.multiply, "y") == ("g · y_", "g · y")
    assert formula(np.multiply, Tensor(A, "y"), Tensor(A)) == ("g · y_", "g · y")


def test_arrays_are_constants_beside_a_name_and_examples_by_themselves():
    pair = np.array([0.5, -2.0])
    assert formula(np.multiply, "x", pair) == ("g · [0.5, -2.0]", "g · x")
    assert formula(np.multiply, Tensor(A), pair) == ("g · [0.5, -2.0]", "g · x")
    assert formula(np.multiply, A, pair) == ("g · y", "g · x")
    assert formula(np.multiply, A, 3) == formula(np.multiply, A, np.array(3)) == ("g · 3", "g · x")
    assert formula(np.multiply, A, np.array(0.5)) == ("g · 0.5", "g · x")
    assert formula(np.concatenate, [Tensor(A, "a"), B]) == (
        "reshape(g[0:3], (3, 2))",
        "reshape(g[3:6], (3, 2))",
    )
    assert formula(np.stack, [A, B]) == ("g[0]", "g[1]")
    assert formula(lambda xs: xs[0] - xs[1], [A, B]) == "xs[0] - xs[1]"


@pytest.mark.parametrize("name", ["__import__('os').abort()", "a\nb", "x); del x", "", "{x}", "%s"])
def test_a_hostile_name_is_only_text(name):
    assert formula(np.multiply, name, "x") == ("g · x", f"g · {name}")


# Code that words cannot read.

UNREADABLE = {
    "a truth": lambda x: x if x > 0 else -x,
    "a length": len,
    "a size": lambda x: x if x.size > 1000 else -x,
    "a loop": lambda x: [row for row in x],
    "unpacking": lambda x: x.shape[0] + [*x.shape][1],
    "membership": lambda x: 3 in x,
    "a range": lambda x: [x[i] for i in range(x.size)],
    "a number": lambda x: float(np.sum(x)),
    "a new array": lambda x: np.zeros(x.shape),
    "an array": np.asarray,
    "an array of several": lambda x: np.array([x, x]),
    "an index": lambda x: np.arange(3)[x],
    "endless doubling": lambda x: functools.reduce(lambda x, _: x * x, range(99), x),
    "class numbers": lambda x: F.cross_entropy(A, x),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_words_cannot_tell_is_an_error(what):
    function = UNREADABLE[what]
    message = "in parts" if "doubling" in what else r"give formula\(\) an example array"
    with pytest.raises((errors.ArgumentError, errors.DTypeError), match=message):
        formula(lambda x: function(x))


def test_an_example_answers_for_its_values():
    assert formula(lambda x: x if x[0, 0] == x.max() else -x, np.eye(2)) == "x"
    assert formula(lambda x: sum(row * n for n, row in enumerate(x)), np.eye(2)) == (
        "0 + x[0] · 0 + x[1] · 1"
    )
    assert formula(lambda x: x / len(x), Tensor(A, "rows")) == "rows / 3"


def test_an_example_computes_without_warnings():
    assert formula(lambda x: np.log(x) / 0, -A) == "log(x) / 0"


@pytest.mark.parametrize("function", [lambda x: f"{x:.3f}", str, "{:>9}".format])
def test_a_function_that_returns_a_text_has_no_formula(function):
    with pytest.raises(errors.ArgumentError, match="returns a text; it has to return what it comp"):
        formula(function, "x")


def test_a_function_that_returns_nothing_has_no_formula(capsys):
    with pytest.raises(errors.ArgumentError, match="formula: print returns None; it has to return"):
        formula(print)


def test_a_function_that_prints_its_operand_with_digits_is_read(capsys):
    def shown(x):
        print(f"{x:.3f}")
        return x + 1

    assert formula(shown) == "x + 1"
    assert capsys.readouterr().out == "x\n"


@pytest.mark.parametrize("function", [np.fft.fft, np.unique, np.linalg.qr], ids=spelled)
def test_a_function_that_a_tensor_refuses_has_no_formula(function):
    with pytest.raises(errors.RuleError, match="has no gradient; "):
        formula(function)
