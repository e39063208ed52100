"""NumPy's functions that are composed: NumPy's own values, and gradients that emerge."""

import numpy as np
import pytest
from compositions import CALLS, FLAT, WHOLE, function_of

import microbn as mb
from microbn import Tensor, scalars
from microbn.engine.composed import COMPOSED
from microbn.reading.scalars import values_of
from microbn.testing import assert_gradients

calls = pytest.mark.parametrize("call", CALLS)


def parts(result):
    return result if isinstance(result, (tuple, list)) else [result]


def first(function):
    """Return a function of one array for one that returns several: their sum, each weighted."""
    return lambda *xs: sum((i + 1) * np.sum(np.sin(y)) for i, y in enumerate(parts(function(*xs))))


@calls
def test_a_composition_has_the_values_of_numpy_and_their_shape(call):
    f, arrays = function_of(call)
    found, expected = parts(f(*map(Tensor, arrays))), parts(f(*arrays))
    for one, other in zip(found, expected, strict=True):
        assert one.shape == np.shape(other)
        np.testing.assert_allclose(mb.engine.node.plain(one), other, rtol=1e-12, atol=1e-12)


@calls
def test_a_composition_keeps_float32(call):
    f, arrays = function_of(call)
    for one in parts(f(*(Tensor(x.astype(np.float32)) for x in arrays))):
        assert one.dtype == np.float32


@calls
def test_the_gradients_of_a_composition_emerge(call):
    f, arrays = function_of(call)
    f = f if isinstance(f(*arrays), (np.ndarray, np.generic)) else first(f)
    assert_gradients(f, *arrays, order=1 if call in FLAT else 2)


@pytest.mark.parametrize("call", [call for call in CALLS if call not in WHOLE])
def test_a_composition_of_scalars_has_the_values_and_gradients_of_the_whole(call):
    f, arrays = function_of(call)
    tensors, boxes = [*map(Tensor, arrays)], [*map(scalars, arrays)]
    whole, entries = first(f)(*tensors), first(f)(*boxes)
    np.testing.assert_allclose(values_of(entries), whole.data, rtol=1e-12, atol=1e-12)
    leaves = [leaf for box in boxes for leaf in (box.flat if np.ndim(box) else [box])]
    by_entry = mb.grad(entries, leaves)
    expected = np.concatenate([part.reshape(-1) for part in mb.grad(whole, tensors)])
    np.testing.assert_allclose(np.array(by_entry), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("function", COMPOSED, ids=lambda f: f.__name__)
def test_every_composition_has_a_docstring(function):
    assert COMPOSED[function].function.__doc__
