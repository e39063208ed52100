"""Differentiate random programs, and a call of each rule, by any engine."""

import functools

import numpy as np

from microbn.engine import functions as primitives
from microbn.testing import programs

SEEDS, SEEDS_TWICE = range(500), range(100)
program = functools.cache(programs.program)


def name(value):
    return value.__name__


def derivatives(engine, f, arrays, twice=False, seed=0):
    """Return the value of f and its gradients from a random cotangent.

    If ``twice``, return also the gradients of these gradients, in random directions.
    """
    rng = np.random.default_rng(seed)
    cotangent = rng.normal(size=np.shape(f(*arrays)))
    directions = [rng.normal(size=a.shape) for a in arrays] if twice else None
    return engine(f, arrays, cotangent, directions)


def of_program(engine, seed, twice=False):
    one = program(seed)

    def f(*inputs, np=np, **names):  # squared, even what is linear has a second derivative
        out = one.run(inputs, np=np, **names)
        return np.square(out) if twice else out

    return derivatives(engine, f, one.inputs, twice, seed)


# For each function with a gradient a call; F holds what NumPy lacks, from whichever engine.
OURS = primitives
# fmt: off
_RNG = np.random.default_rng(7)
ARRAYS = {
    "x":   _RNG.uniform(0.5, 2.0, (3, 3)),
    "y":   _RNG.uniform(0.5, 2.0, (3, 3)),
    "z":   _RNG.normal(size=(2, 3, 3)),
    "row": _RNG.uniform(0.5, 2.0, 3),
}
CALLS = {
    np.add:              "x + row",
    np.subtract:         "row - x",
    np.multiply:         "x * row",
    np.divide:           "row / x",
    np.power:            "x ** row",
    np.matmul:           "z @ x",
    np.remainder:        "np.remainder(z, row)",
    np.maximum:          "np.maximum(z, row)",
    np.minimum:          "np.minimum(row, z)",
    np.where:            "np.where(z > x, y, row)",
    np.positive:         "np.positive(z)",
    np.negative:         "np.negative(z)",
    np.square:           "np.square(z)",
    np.sqrt:             "np.sqrt(x)",
    np.exp:              "np.exp(z)",
    np.log:              "np.log(x)",
    np.tanh:             "np.tanh(z)",
    np.abs:              "np.abs(z)",
    np.sin:              "np.sin(z)",
    np.cos:              "np.cos(z)",
    np.arcsin:           "np.arcsin(x / 3)",
    np.arccos:           "np.arccos(x / 3)",
    np.arctan:           "np.arctan(z)",
    np.sinh:             "np.sinh(z)",
    np.cosh:             "np.cosh(z)",
    np.arcsinh:          "np.arcsinh(z)",
    np.arccosh:          "np.arccosh(x + 1)",
    np.arctanh:          "np.arctanh(x / 3)",
    np.log1p:            "np.log1p(x)",
    np.expm1:            "np.expm1(z)",
    np.cbrt:             "np.cbrt(x)",
    np.logaddexp:        "np.logaddexp(z, row)",
    np.arctan2:          "np.arctan2(z, row)",
    np.sum:              "np.sum(z, axis=(0, -1))",
    np.mean:             "np.mean(z, axis=(0, -1))",
    np.max:              "np.max(z, axis=(0, -1))",
    np.min:              "np.min(z, axis=(0, -1))",
    np.cumsum:           "np.cumsum(z, axis=1)",
    np.linalg.inv:       "np.linalg.inv(z @ x + ridge)",
    np.linalg.solve:     "np.linalg.solve(x + ridge, y)",
    np.linalg.cholesky:  "np.linalg.cholesky(x + np.matrix_transpose(x) + ridge)",
    np.linalg.eigvalsh:  "np.linalg.eigvalsh(x + np.matrix_transpose(x) + ridge)",
    primitives.eigenvectors: "F.eigenvectors(x + np.matrix_transpose(x) + ridge)",
    np.reshape:          "np.reshape(z, (3, -1))",
    np.expand_dims:      "np.expand_dims(z, -2)",
    np.squeeze:          "np.squeeze(z[:, :1], axis=1)",
    np.broadcast_to:     "np.broadcast_to(row, (2, 3, 3))",
    primitives.gate:     "F.gate(z, z > 0.1)",
    primitives.spread:   "F.spread(row, (2, 3, 3))",
    np.transpose:        "np.transpose(z, (1, -1, 0))",
    np.matrix_transpose: "np.matrix_transpose(z)",
    np.swapaxes:         "np.swapaxes(z, 0, -1)",
    primitives.concatenate: "np.concatenate([x, y], axis=-1)",
    primitives.stack:    "np.stack([x, y], axis=-1)",
    primitives.relu:          "F.relu(z)",
    primitives.astype:        "F.astype(z, float)",
    primitives.getitem:       "z[:, np.array([2, 0, 2])]",
    primitives.scatter:       "F.scatter(x, (2, 3), np.array([1, 1, 0]))",
    primitives.windows:       "F.windows(z, (2,))",
    primitives.overlap_add:   "F.overlap_add(z, (2, 5))",
}
# fmt: on
def of_call(engine, function):
    call = compile(CALLS[function], name(function), "eval")

    def f(*arrays, np=np, F=OURS):
        names = dict(zip(ARRAYS, arrays, strict=True))
        ridge = np.array([[9.0, 0.0, 0.0], [0.0, 16.0, 0.0], [0.0, 0.0, 25.0]])
        return np.square(eval(call, {"np": np, "F": F, "ridge": ridge, **names}))

    return derivatives(engine, f, list(ARRAYS.values()), twice=True)
