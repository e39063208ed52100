"""Random calls of each function with a rule, to check it with, and one plain call."""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra.numpy import broadcastable_shapes

from microbn.engine.functions import (
    astype,
    concatenate,
    gate,
    getitem,
    relu,
    scatter,
    spread,
    stack,
)
from microbn.testing.strategies import arrays, axes, broadcastable, distinct, indices, shapes

# For each function a strategy of (f, arrays): a call to check, and the arrays to call it with.


@st.composite
def binary(draw, function, positive=False):
    x, y = draw(distinct(*draw(broadcastable(2))))
    return function, [np.abs(x) if positive else x, y]


@st.composite
def unary(draw, function, positive=False):
    x = draw(arrays(shapes()))
    return function, [np.abs(x) if positive else x]


@st.composite
def choice(draw):
    c, x, y = draw(distinct(*draw(broadcastable(3))))
    return (lambda x, y: np.where(c > 0, x, y)), [x, y]


@st.composite
def products(draw):
    n, k, m = (draw(st.sampled_from([2, 3, 1, 0])) for _ in range(3))
    batch = draw(st.sampled_from([((2,), ()), ((), (2,)), ((2,), (2,)), ((1,), (2,)), ((), ())]))
    left = draw(st.sampled_from([(*batch[0], n, k), (k,)]))
    right = draw(st.sampled_from([(*batch[1], k, m), (k,)]))
    return np.matmul, draw(distinct(left, right))


@st.composite
def reduction(draw, function, of_nothing=True):
    x = draw(arrays(shapes()))
    axis, keepdims = draw(axes(x.ndim)), draw(st.booleans())
    if not of_nothing:
        assume(0 not in np.take(x.shape, range(x.ndim) if axis is None else axis).reshape(-1))
    return (lambda x: function(x, axis=axis, keepdims=keepdims)), [x]


@st.composite
def structural(draw, name):
    least = {"mT": 2, "swapaxes": 1}.get(name, 0)
    x = draw(arrays(shapes(min_dims=least)))
    axis = st.integers(-x.ndim, x.ndim - 1)
    if name == "reshape":
        known = x.size and x.ndim
        shape = draw(st.sampled_from([x.shape[::-1], (1, *x.shape)] + [(-1,), -1] * bool(known)))
        return (lambda x: np.reshape(x, shape)), [x]
    if name == "expand_dims":
        where = draw(st.integers(-x.ndim - 1, x.ndim) | st.just((0, -1)))
        return (lambda x: np.expand_dims(x, where)), [x]
    if name == "squeeze":
        where = draw(st.sampled_from([None, 0, -1, (0, -1)]))
        return (lambda x: np.squeeze(x, axis=where)), [x.reshape(1, *x.shape, 1)]
    if name in ("broadcast_to", "spread"):
        shape = draw(broadcastable_shapes(x.shape, min_side=0, max_side=3, max_dims=3))
        wide = np.broadcast_shapes(shape, x.shape)
        function = np.broadcast_to if name == "broadcast_to" else spread
        return (lambda x: function(x, wide)), [x]
    if name == "transpose":
        order = draw(st.none() | st.permutations(range(x.ndim)))
        order = order and [a - draw(st.sampled_from([0, x.ndim])) for a in order]
        return (lambda x: np.transpose(x, order)), [x]
    if name == "mT":
        return np.matrix_transpose, [x]
    a, b = draw(axis), draw(axis)
    return (lambda x: np.swapaxes(x, a, b)), [x]


@st.composite
def joined(draw, function):
    shape = draw(shapes(min_dims=1 if function is np.concatenate else 0, max_dims=2))
    extra = function is np.stack
    axis = draw(st.integers(-len(shape) - extra, len(shape) - 1 + extra))
    parts = draw(distinct(shape, shape, shape))
    if function is np.concatenate:
        parts[1] = np.delete(parts[1], 0, axis=axis) if shape[axis] else parts[1]
        axis = draw(st.sampled_from([axis, None]))
    return (lambda *xs: function(list(xs), axis=axis)), parts


@st.composite
def indexed(draw):
    x = draw(arrays(shapes()))
    index = draw(indices(x.shape))
    return (lambda x: x[index]), [x]


@st.composite
def scattered(draw):
    rows = draw(st.lists(st.integers(0, 2), min_size=1, max_size=4))
    g = draw(arrays((len(rows), 2)))
    return (lambda g: scatter(g, (3, 2), np.array(rows))), [g]


@st.composite
def gated(draw):
    g = draw(arrays(shapes()))
    return (lambda g: gate(g, g > 0.5)), [g]


CASES = {
    np.add: binary(np.add),
    np.subtract: binary(np.subtract),
    np.multiply: binary(np.multiply),
    np.divide: binary(np.divide),
    np.power: binary(np.power, positive=True),
    np.maximum: binary(np.maximum),
    np.minimum: binary(np.minimum),
    np.where: choice(),
    np.matmul: products(),
    np.positive: unary(np.positive),
    np.negative: unary(np.negative),
    np.square: unary(np.square),
    np.sqrt: unary(np.sqrt, positive=True),
    np.exp: unary(np.exp),
    np.log: unary(np.log, positive=True),
    np.tanh: unary(np.tanh),
    np.abs: unary(np.abs),
    relu: unary(relu),
    gate: gated(),
    astype: unary(lambda x: astype(x, np.float64)),
    np.sum: reduction(np.sum),
    np.mean: reduction(np.mean, of_nothing=False),
    np.max: reduction(np.max, of_nothing=False),
    np.min: reduction(np.min, of_nothing=False),
    np.reshape: structural("reshape"),
    np.expand_dims: structural("expand_dims"),
    np.squeeze: structural("squeeze"),
    np.broadcast_to: structural("broadcast_to"),
    np.transpose: structural("transpose"),
    spread: structural("spread"),
    np.matrix_transpose: structural("mT"),
    np.swapaxes: structural("swapaxes"),
    concatenate: joined(np.concatenate),
    stack: joined(np.stack),
    getitem: indexed(),
    scatter: scattered(),
}

# For each function a call in which every operand gets a gradient that is nowhere 0.
_RNG = np.random.default_rng(7)
X, Y, ROW = _RNG.uniform(0.5, 2, (3, 3)), _RNG.uniform(2.5, 4, (3, 3)), _RNG.uniform(2.5, 4, 3)
EXAMPLES = {
    **{f: (f, [X, ROW]) for f in (np.add, np.subtract, np.multiply, np.divide, np.power)},
    **{f: (f, [X, 4.5 - ROW]) for f in (np.maximum, np.minimum)},
    **{f: (f, [X]) for f in (np.negative, np.square, np.sqrt, np.exp, np.log, np.tanh, np.abs)},
    **{f: (f, [X]) for f in (relu, np.positive, np.transpose, np.matrix_transpose)},
    **{f: ((lambda x, f=f: f(x, axis=0)), [X]) for f in (np.sum, np.mean, np.max, np.min)},
    **{f: (f, [X, Y]) for f in (concatenate, stack)},
    np.where: (lambda x, y: np.where(np.tri(3) > 0, x, y), [X, Y]),
    np.matmul: (np.matmul, [X, Y]),
    np.reshape: (lambda x: np.reshape(x, 9), [X]),
    np.expand_dims: (lambda x: np.expand_dims(x, 1), [X]),
    np.squeeze: (lambda x: np.squeeze(x), [X[None]]),
    **{f: ((lambda x, f=f: f(x, (3, 3))), [ROW]) for f in (np.broadcast_to, spread)},
    np.swapaxes: (lambda x: np.swapaxes(x, 0, 1), [X]),
    gate: (lambda g: gate(g, X > 0.5), [X]),
    astype: (lambda x: astype(x, np.float64), [X]),
    getitem: (lambda x: x[[2, 0, 2]], [X]),
    scatter: (lambda g: scatter(g, (2, 3), np.array([1, 1, 0])), [X]),
}


def name(value):
    return getattr(value, "__name__", value)
