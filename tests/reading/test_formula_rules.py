"""Gradient rules read as words: evaluating them gives the same bits."""

import inspect

import numpy as np
import pytest
from wordings import evaluated, idle, same_bits

from microbn import errors
from microbn.engine.functions import (
    astype,
    concatenate,
    eigenvectors,
    gate,
    getitem,
    overlap_add,
    relu,
    scatter,
    spread,
    stack,
    windows,
)
from microbn.engine.names import spelled
from microbn.engine.primitive import RULES, rules_of
from microbn.reading import signs
from microbn.reading.formula import formula

RNG = np.random.default_rng(0)


# Gradient rules.

A, B, ROW = RNG.normal(size=(3, 2)), RNG.normal(size=(3, 2)), RNG.normal(size=(2,))
SPD = A.T @ A  # a symmetric matrix of which every eigenvalue is positive
REDUCTIONS = [((A,), kw) for kw in ({}, {"axis": 0}, {"axis": (0, 1), "keepdims": True})]
CALLS_OF_RULES = {  # other functions are called with two arrays, or with one
    np.matmul: [((A.T, B), {}), ((A[0], B.T), {}), ((A, ROW), {}), ((ROW, ROW), {})],
    np.power: [((np.abs(A), B), {})],
    np.sqrt: [((np.abs(A),), {})],
    np.log: [((np.abs(A),), {})],
    np.log1p: [((np.abs(A),), {})],
    **{f: [((np.tanh(A),), {})] for f in (np.arcsin, np.arccos, np.arctanh)},
    np.arccosh: [((1 + np.abs(A),), {})],
    np.where: [((A > 0, A, B), {})],
    np.sum: REDUCTIONS,
    np.mean: REDUCTIONS,
    np.max: REDUCTIONS,
    np.min: REDUCTIONS,
    np.cumsum: [((A,), {"axis": 0}), ((A,), {})],
    **{f: [((SPD,), {})] for f in (np.linalg.inv, np.linalg.cholesky)},
    **{f: [((SPD,), {})] for f in (np.linalg.eigvalsh, eigenvectors)},
    np.linalg.solve: [((SPD, A.T), {}), ((SPD, ROW), {})],
    np.reshape: [((A, (2, 3)), {})],
    np.expand_dims: [((A, 1), {})],
    np.squeeze: [((A[:, None],), {}), ((A[:, None],), {"axis": 1})],
    np.broadcast_to: [((A, (4, 3, 2)), {})],
    gate: [((A, B > 0), {})],
    spread: [((A, (4, 3, 2)), {})],
    np.transpose: [((A,), {}), ((A, (1, 0)), {})],
    np.swapaxes: [((A, 0, 1), {})],
    astype: [((A, np.float32), {})],
    getitem: [((A, 0), {}), ((A, slice(1, None), None), {}), ((A, np.array([0, 0, 2])), {})],
    scatter: [((A, (4, 2), np.array([0, 0, 2])), {})],
    windows: [((A, (2, 1)), {}), ((A, (2,)), {})],
    overlap_add: [((A[:, None], (3, 2)), {}), ((np.array([[A], [B]]), (4, 2)), {})],
    concatenate: [((A, B), {}), ((A, B), {"axis": -1})],
    stack: [((A, B), {}), ((A, B), {"axis": -1})],
}
RULED = [function for function, vjps in RULES.items() if any(vjps)]


def calls(function):
    two = isinstance(function, np.ufunc) and function.nin == 2
    return CALLS_OF_RULES.get(function, [((A, B) if two else (A,), {})])


def names(function):
    parameters = inspect.signature(next(filter(None, RULES[function]))).parameters
    return [name for name in parameters if name != "position"][2:]


def assert_reads_the_rules(function, operands, keywords, texts, given=None):
    out = function(*operands, **keywords)
    g = np.random.default_rng(1).normal(size=np.shape(out)).astype(out.dtype)
    if given is None:
        several = "xs" in names(function)
        given = {"xs": operands} if several else dict(zip(names(function), operands, strict=False))
    for vjp, text in zip(rules_of(function, len(operands)), texts, strict=True):
        assert (vjp is None) == (text is None)
        if vjp:
            read = evaluated(text, g=g, out=out, **given)
            assert same_bits(vjp(g, out, *operands, **keywords), read)
            assert [*idle(text)] == []


@pytest.mark.bits
@pytest.mark.parametrize("function", RULED, ids=spelled)
def test_rules_read_from_examples_evaluate_to_what_they_compute(function):
    for operands, keywords in calls(function):
        texts = formula(function, *operands, **keywords)
        assert_reads_the_rules(function, operands, keywords, texts)


@pytest.mark.bits
@pytest.mark.parametrize("function", RULED, ids=spelled)
def test_rules_read_from_names_evaluate_to_what_they_compute(function):
    for operands, keywords in calls(function):
        arrays = [x for x in operands if isinstance(x, np.ndarray) and x.dtype.kind in "fb"]
        if any(np.ndim(x) == 1 for x in arrays) or (function is stack and keywords):
            continue  # without an example every array is a matrix
        named = names(function)
        if "xs" in named:
            read = [f"xs[{i}]" for i in range(len(operands))]
            operands_by_name = {"xs": operands}
        else:
            operands_by_name = dict(zip(named, operands, strict=False))
            floats = [isinstance(x, np.ndarray) and x.dtype.kind in "fb" for x in operands]
            pairs = zip([*named, *named[-1:] * 9], operands, floats, strict=False)
            read = [name if is_float else x for name, x, is_float in pairs]
        texts = formula(function, *read, **keywords)
        assert_reads_the_rules(function, operands, keywords, texts, operands_by_name)


def test_a_planted_rule_is_rejected(monkeypatch):
    monkeypatch.setitem(signs.SIGNS, np.multiply, ("/", 4, 4, 5))
    with pytest.raises(AssertionError):
        test_rules_read_from_examples_evaluate_to_what_they_compute(np.multiply)


def test_rules_read_like_the_table():
    assert formula(np.add) == ("g", "g")
    assert formula(np.multiply) == ("g · y", "g · x")
    assert formula(np.multiply, "gamma", "x_hat") == ("g · x_hat", "g · gamma")
    assert formula(np.divide) == ("g / y", "-g · out / y")
    assert formula(np.matmul) == ("g @ y.mT", "x.mT @ g")
    assert formula(np.where) == (None, "where(c, g, 0)", "where(c, 0, g)")
    assert formula(relu) == ("gate(g, out > 0)",)
    assert formula(np.sign) == ()
    assert formula(np.reshape, shape=(3, 2)) == ("reshape(g, x.shape)",)
    assert formula(np.stack, ["x", "y"]) == ("g[0]", "g[1]")
    assert formula(stack) == formula(np.stack) == ("g[0]", "g[1]")
    with pytest.raises(errors.ArgumentError, match=r"np.multiply takes 2 operands, not 3"):
        formula(np.multiply, "a", "b", "c")
    assert formula(getitem) == ("scatter(g, x.shape, index)",)


def test_every_rule_reads_from_nothing_but_its_name():
    for function in RULED:
        texts = formula(function)
        assert len(texts) == len(rules_of(function, max(2, len(RULES[function]))))
        assert all(isinstance(text, str) for text in texts if text is not None)
