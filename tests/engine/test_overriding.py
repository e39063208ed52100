"""A rule of one's own for a function that is composed: `defvjp` comes before the composition."""

from unittest.mock import patch

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, scalars
from microbn.engine.primitive import CALLS, RULES
from microbn.testing import assert_gradients, gradcheck

X = np.random.default_rng(3).normal(size=(4, 3))


@pytest.fixture(autouse=True)
def rules():
    """Take back the rules of a test."""
    with patch.dict(RULES), patch.dict(CALLS):
        yield


def var_rule(g, out, x, axis=None):
    centered = x - np.mean(x, axis=axis, keepdims=True)
    spread = g if axis is None else np.expand_dims(g, axis)
    return spread * 2 * centered / (x.size / out.size)


def var_of_columns(x):
    return np.var(x, axis=0)


def test_a_rule_makes_one_node_of_a_composed_function():
    before = np.var(x := Tensor(X), axis=0)
    mb.defvjp(np.var, var_rule)
    after = np.var(x, axis=0)
    assert (before.function, after.function) == (np.mean, np.var)
    assert after.inputs[0] is x
    np.testing.assert_array_equal(x.var(axis=0).data, after.data)
    assert_gradients(var_of_columns, X, order=2)


def test_a_wrong_rule_is_used_and_rejected():
    mb.defvjp(np.var, lambda g, out, x, axis=None: 2 * var_rule(g, out, x, axis))
    report = gradcheck(var_of_columns, X)
    assert not report
    assert report.suspect.node.function is np.var


def test_a_rule_takes_the_keywords_that_it_names():
    mb.defvjp(np.var, var_rule)
    with pytest.raises(mb.errors.RuleError, match="ddof"):
        np.var(Tensor(X), axis=0, ddof=1)


def test_a_formula_is_read_from_the_rule():
    words = mb.formula(np.tan)
    mb.defvjp(np.tan, lambda g, out, x: g * (1 + out * out))
    assert (words, mb.formula(np.tan)) == ("sin(x) / cos(x)", ("g · (1 + out · out)",))


def test_a_compiled_program_uses_the_rule():
    mb.defvjp(np.var, var_rule)
    x, g = Tensor(X, "x"), np.array([1.0, 2.0, 3.0])
    program = mb.compile(var_of_columns, x, cotangent=g)
    assert "np.var(x, axis=0)" in program.source
    np.testing.assert_array_equal(program(X, g)[1][0], mb.grad(np.var(x, axis=0), x, g))


def test_a_rule_for_each_entry_is_used_for_scalars():
    mb.defvjp(np.hypot, lambda g, out, x, y: g * x / out, lambda g, out, x, y: g * y / out)
    x = scalars([3.0, 4.0])
    box = np.hypot(x, np.array([4.0, 3.0]))
    assert [h.function for h in box] == [np.hypot, np.hypot]
    assert [float(g) for g in mb.grad(np.sum(box), list(x))] == [0.6, 0.8]


def test_scalars_are_taken_apart_where_a_rule_is_for_whole_arrays():
    mb.defvjp(np.var, var_rule)
    x = scalars(X)
    found = mb.grad(np.sum(np.var(x, axis=0)), list(x.flat))
    np.testing.assert_allclose(found, var_rule(np.ones(3), np.ones(3), X, 0).ravel(), rtol=1e-12)


def test_a_function_that_is_declared_flat_is_flat_for_scalars_too():
    mb.defvjp(np.ptp)
    assert not isinstance(np.ptp(scalars(X)), Tensor)
    y = np.ptp(Tensor(X))
    assert y.function is np.ptp
