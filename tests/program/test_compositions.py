"""Compiled calls of composed functions: other values than the examples give what eager gives."""

import numpy as np
import peers
import pytest
from compositions import CALLS, whole

import microbn as mb
from microbn import Tensor, errors

# How many entries are chosen depends on their values.
BY_VALUES = [
    call for call in CALLS if "trim_zeros" in call or ("piecewise" in call and {*"<>"} & {*call})
]


def other(arrays):
    """Return other arrays of the same shapes, whose entries stand in another order."""
    return [np.reshape(0.875 * x.ravel()[::-1], x.shape) for x in arrays]


def assert_same(program, f, arrays, cotangent):
    value, gradients, _ = peers.microbn(f, arrays, cotangent)
    mine, parts = program(*arrays, cotangent)
    for one, right in zip([mine, *parts], map(np.asarray, [value, *gradients]), strict=True):
        largest = np.max(np.abs(right[np.isfinite(right)]), initial=1)
        np.testing.assert_allclose(one, right, rtol=0, atol=1e-12 * largest, strict=True)


def assert_compiled(call):
    f, arrays = whole(call)
    cotangent = np.random.default_rng(0).normal(size=np.shape(f(*arrays)))
    program = mb.compile(f, *map(Tensor, arrays), cotangent=cotangent)
    assert_same(program, f, arrays, cotangent)
    assert_same(program, f, other(arrays), 1 - cotangent)


@pytest.mark.parametrize("call", [call for call in CALLS if call not in BY_VALUES])
def test_a_compiled_call_gives_what_the_engine_gives(call):
    assert_compiled(call)


@pytest.mark.parametrize("call", BY_VALUES)
def test_a_call_whose_shapes_depend_on_values_is_refused(call):
    f, arrays = whole(call)
    with pytest.raises(errors.ShapeError, match="depends on values"):
        mb.compile(f, *map(Tensor, arrays), gradients=False)


def test_the_size_of_a_choice_is_refused_even_where_nothing_is_chosen():
    with pytest.raises(errors.ShapeError, match="depends on values"):
        mb.compile(lambda x: x * x[x > 100].size, Tensor([1.0, 2.0]), cotangent=np.ones(2))
