"""Random calls of each function with a rule, to check it with, and one plain call."""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra.numpy import broadcastable_shapes

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
from microbn.testing.strategies import arrays, axes, broadcastable, distinct, indices, shapes

# For each function a strategy of (f, arrays): a call to check, and the arrays to call it with.


@st.composite
def binary(draw, function, positive=False):
    x, y = draw(distinct(*draw(broadcastable(2))))
    return function, [np.abs(x) if positive else x, y]


@st.composite
def remainders(draw):
    """Draw a call in which no entry is near a whole multiple of the other."""
    x, y = draw(distinct(*draw(broadcastable(2))))
    return np.remainder, [x + 0.1, np.where(y < 0, -1, 1) * 2.0 ** (4 * y % 4 - 2)]


@st.composite
def unary(draw, function, positive=False):
    x = draw(arrays(shapes()))
    return function, [np.abs(x) if positive else x]


@st.composite
def within(draw, function, least, most):
    """Draw a call with entries between two numbers, and not near either."""
    x = draw(arrays(shapes()))
    return function, [least + (most - least) * (0.5 + 0.4 * x / (1 + np.abs(x)))]


@st.composite
def matrices(draw, function, apart=0.0):
    """Draw a call with square matrices whose lower triangle makes a positive definite one.

    With ``apart`` its eigenvalues are at least about that far from each other.
    """
    n = draw(st.sampled_from([2, 3, 1, 0]))
    batch = draw(st.sampled_from([(), (2,), (1, 2)]))
    x = draw(arrays((*batch, n, n)))
    small = 0.5 * x / max(n * np.abs(x).max(initial=1), 1)
    return function, [small + np.diag(2 + apart * np.arange(n))]


@st.composite
def equations(draw):
    _, [x] = draw(matrices(np.linalg.solve))
    n = x.shape[-1]
    sides = [(n,), (n, 2), (*x.shape[:-2], n, 1), (3, *x.shape[:-2], n, 2)]
    return np.linalg.solve, [x, draw(arrays(draw(st.sampled_from(sides))))]


@st.composite
def running_sum(draw):
    x = draw(arrays(shapes()))
    axis = draw(st.none() | st.integers(-x.ndim, x.ndim - 1)) if x.ndim else None
    return (lambda x: np.cumsum(x, axis)), [x]


@st.composite
def windowed(draw, function):
    """Draw a call of windows, or of overlap_add, which adds such windows up."""
    x = draw(arrays(shapes(min_dims=1)))
    sides = x.shape[draw(st.integers(0, x.ndim - 1)) :]
    assume(0 not in sides)
    size = tuple(draw(st.integers(1, side)) for side in sides)
    if function is windows:
        return (lambda x: windows(x, size)), [x]
    shape = np.shape(windows(x, size))
    return (lambda g: overlap_add(g, x.shape)), [draw(arrays(shape))]


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
    np.remainder: remainders(),
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
    np.sin: unary(np.sin),
    np.cos: unary(np.cos),
    np.arcsin: within(np.arcsin, -1, 1),
    np.arccos: within(np.arccos, -1, 1),
    np.arctan: unary(np.arctan),
    np.sinh: within(np.sinh, -3, 3),
    np.cosh: within(np.cosh, -3, 3),
    np.arcsinh: unary(np.arcsinh),
    np.arccosh: within(np.arccosh, 1, 9),
    np.arctanh: within(np.arctanh, -1, 1),
    np.log1p: within(np.log1p, -1, 3),
    np.expm1: within(np.expm1, -3, 3),
    np.cbrt: unary(np.cbrt),
    np.logaddexp: binary(np.logaddexp),
    np.arctan2: binary(np.arctan2),
    gate: gated(),
    astype: unary(lambda x: astype(x, np.float64)),
    np.sum: reduction(np.sum),
    np.mean: reduction(np.mean, of_nothing=False),
    np.max: reduction(np.max, of_nothing=False),
    np.min: reduction(np.min, of_nothing=False),
    np.cumsum: running_sum(),
    np.linalg.inv: matrices(np.linalg.inv),
    np.linalg.solve: equations(),
    np.linalg.cholesky: matrices(np.linalg.cholesky),
    np.linalg.eigvalsh: matrices(np.linalg.eigvalsh, apart=1.0),
    eigenvectors: matrices(eigenvectors, apart=1.0),
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
    windows: windowed(windows),
    overlap_add: windowed(overlap_add),
}

# For each function a call in which every operand gets a gradient that is nowhere 0, except above
# the diagonal of a symmetric matrix, which NumPy does not read.
_RNG = np.random.default_rng(7)
X, Y, ROW = _RNG.uniform(0.5, 2, (3, 3)), _RNG.uniform(2.5, 4, (3, 3)), _RNG.uniform(2.5, 4, 3)
RIDGE = np.diag(np.float32([9, 16, 25]))  # makes a small matrix positive definite
SMALL, LARGE = X / 4, X + RIDGE
EXAMPLES = {
    **{f: (f, [X, ROW]) for f in (np.add, np.subtract, np.multiply, np.divide, np.power)},
    **{f: (f, [X, 4.5 - ROW]) for f in (np.maximum, np.minimum)},
    np.remainder: (np.remainder, [Y, 4.5 - ROW]),
    **{f: (f, [X]) for f in (np.negative, np.square, np.sqrt, np.exp, np.log, np.tanh, np.abs)},
    **{f: (f, [X]) for f in (relu, np.positive, np.transpose, np.matrix_transpose)},
    **{f: (f, [X]) for f in (np.sin, np.cos, np.arctan, np.sinh, np.cosh, np.arcsinh)},
    **{f: (f, [X]) for f in (np.log1p, np.expm1, np.cbrt)},
    **{f: (f, [SMALL]) for f in (np.arcsin, np.arccos, np.arctanh)},
    np.arccosh: (np.arccosh, [Y]),
    **{f: (f, [X, ROW]) for f in (np.logaddexp, np.arctan2)},
    **{f: (f, [LARGE]) for f in (np.linalg.inv, np.linalg.eigvalsh, eigenvectors)},
    np.linalg.cholesky: (lambda x: np.linalg.cholesky(x + RIDGE), [X]),
    np.linalg.solve: (np.linalg.solve, [LARGE, Y]),
    np.cumsum: (lambda x: np.cumsum(x, axis=0), [X]),
    windows: (lambda x: windows(x, (2,)), [X]),
    overlap_add: (lambda g: overlap_add(g, (4, 3)), [np.stack([X, Y])[:, None]]),
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
