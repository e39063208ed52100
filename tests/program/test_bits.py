"""Compiled code and its printed source give the bits that the engine gives, on any processor.

NumPy has more than one way to compute a power, an exponential or a product of matrices, and they
differ in the last bit: by the processor, by how an array lies in memory, and between a single
number and an array. So equal calls are what is tried here, on every function that has a rule.
"""

import numpy as np
import pytest
from derivatives import SEEDS

from microbn import Tensor, grad, nn, optim
from microbn.engine import functions as primitives
from microbn.engine.primitive import RULES
from microbn.lab import train
from microbn.lab.compiled import CompiledStep
from microbn.program.compile import PASSES, compile
from microbn.testing import programs

pytestmark = pytest.mark.bits
EXACT = [name for name in PASSES if name != "algebra"]
SHAPES = [(), (1,), (7,), (64, 3)]


def same_bits(mine, theirs):
    """Compare to the last bit and the sign of zero; any NaN equals any other."""
    mine, theirs = map(np.asarray, (mine, theirs))
    assert (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape)
    if mine.dtype.kind == "f":
        mine, theirs = (np.where(np.isnan(a), np.nan, a) for a in (mine, theirs))
    assert np.ascontiguousarray(mine).tobytes() == np.ascontiguousarray(theirs).tobytes()


def flat(results):
    return [y for x in results for y in (flat(x) if isinstance(x, tuple) else [x])]


def assert_same_bits(f, arrays, cotangent=None, twice=False):
    """Check that the engine, a program and its source agree on f and its gradients."""
    leaves = [Tensor(a) for a in arrays]
    with np.errstate(all="ignore"):
        out = f(*leaves)
        if cotangent is None:
            cotangent = np.random.default_rng(9).normal(size=out.shape).astype(out.dtype)
        expected = out.data, grad(out, leaves, cotangent)
        check(
            compile(f, *leaves, cotangent=cotangent, passes=EXACT), [*arrays, cotangent], expected
        )
        if not twice:
            return

        def squared(*xs):
            first = grad(f(*xs), xs, cotangent, create_graph=True)
            return sum(np.sum(np.square(g)) for g in first)

        value = squared(*leaves)
        expected = value.data, grad(value, leaves)
        check(compile(squared, *leaves, passes=EXACT), arrays, expected)


def check(program, given, expected):
    space = {}
    exec(program.source, space)
    source = space[program._run.__name__]
    packed = [np.array(a)[()] for a in given]  # as the engine takes them
    for results in (
        program(*given),
        source(*packed),
        source(*map(np.array, given)),
        program(*packed),
        program(*map(np.array, given)),
    ):
        for mine, theirs in zip(flat(results), flat(expected), strict=True):
            same_bits(mine, theirs)


def definite(x):
    """Return the first numbers of x as a positive definite matrix of three rows or fewer."""
    side = min(x.size, 3)
    row = x.reshape(1, -1)[:, :side]
    return row.mT * row + np.diag(np.arange(1.0, side + 1)).astype(x.dtype)


# Calls of each function that has a rule, for x and y of the same shape.
F = primitives
# fmt: off
ONE_AXIS = {
    np.sum:   [lambda x, y: np.sum(x, axis=-1), lambda x, y: np.sum(x, axis=0, keepdims=True)],
    np.mean:  [lambda x, y: np.mean(x, axis=-1), lambda x, y: np.mean(x, axis=0, keepdims=True)],
    np.max:   [lambda x, y: np.max(x, axis=-1)],
    np.min:   [lambda x, y: np.min(x, axis=0)],
    np.matmul: [lambda x, y: np.swapaxes(x, 0, -1) @ y, lambda x, y: x[:, None].T @ y],
    np.squeeze: [lambda x, y: np.squeeze(x[:1], 0) * y],
    np.swapaxes: [lambda x, y: np.exp(np.swapaxes(x, 0, -1))],
    F.getitem: [lambda x, y: np.exp(x[::-1]), lambda x, y: x[::2] * x[::2], lambda x, y: x[[0, 0]]],
    F.scatter: [lambda x, y: F.scatter(x, x.shape, np.arange(len(x)) // 2)],
    F.concatenate: [lambda x, y: F.concatenate(x, y, axis=-1)],
    np.cumsum: [lambda x, y: np.cumsum(x, axis=0) ** 3, lambda x, y: np.cumsum(x, axis=-1)],
    F.windows: [lambda x, y: F.windows(x, x.shape[-1:]) ** 3],
    F.overlap_add: [lambda x, y: F.overlap_add(F.windows(x, (1,)), x.shape) ** 3],
}
CALLS = {
    np.add:      [lambda x, y: x + y, lambda x, y: 0.1 + x],
    np.subtract: [lambda x, y: x - y, lambda x, y: 0.1 - x],
    np.multiply: [lambda x, y: x * y, lambda x, y: 0.1 * x],
    np.divide:   [lambda x, y: x / y, lambda x, y: 3 / x],
    np.power:    [lambda x, y: x**y, lambda x, y: x ** np.sum(y * 0 + 0.01),
                  *(lambda x, y, n=n: x**n for n in (2, 2.0, 3, 0.5, -1, -1.0, 0, 1, 0.7, -2)),
                  *(lambda x, y, n=n: x ** np.float32(n) for n in (2, 0.5, -1, 3)),
                  *(lambda x, y, b=b: b**x for b in (2, 0.9, 0.999, 10.0)),
                  lambda x, y: np.where(x > 1, x, y) ** 3, lambda x, y: np.sum(x) ** 3 * y],
    np.remainder: [lambda x, y: x % y, lambda x, y: x % 0.3, lambda x, y: 7 % x],
    np.maximum:  [lambda x, y: np.maximum(x, y), lambda x, y: np.maximum(x, 1.0)],
    np.minimum:  [lambda x, y: np.minimum(x, y), lambda x, y: np.minimum(1, x)],
    np.where:    [lambda x, y: np.where(x > y, x, y), lambda x, y: np.where(x > 1, x, 0)],
    np.matmul:   [lambda x, y: x.reshape(1, -1) @ y.reshape(-1, 1)],
    np.positive: [lambda x, y: np.positive(x) * y],
    np.negative: [lambda x, y: -x],
    np.square:   [lambda x, y: np.square(x)],
    np.sqrt:     [lambda x, y: np.sqrt(x)],
    np.exp:      [lambda x, y: np.exp(x)],
    np.log:      [lambda x, y: np.log(x)],
    np.tanh:     [lambda x, y: np.tanh(x)],
    np.abs:      [lambda x, y: np.abs(x - y)],
    F.relu:      [lambda x, y: F.relu(x - y) ** 3],
    F.gate:      [lambda x, y: F.gate(x, x > 1) ** 3],
    np.sin:      [lambda x, y: np.sin(x)],
    np.cos:      [lambda x, y: np.cos(x)],
    np.arcsin:   [lambda x, y: np.arcsin(x / 3)],
    np.arccos:   [lambda x, y: np.arccos(x / 3)],
    np.arctan:   [lambda x, y: np.arctan(x)],
    np.sinh:     [lambda x, y: np.sinh(x)],
    np.cosh:     [lambda x, y: np.cosh(x)],
    np.arcsinh:  [lambda x, y: np.arcsinh(x)],
    np.arccosh:  [lambda x, y: np.arccosh(x + 1)],
    np.arctanh:  [lambda x, y: np.arctanh(x / 3)],
    np.log1p:    [lambda x, y: np.log1p(x)],
    np.expm1:    [lambda x, y: np.expm1(x)],
    np.cbrt:     [lambda x, y: np.cbrt(x)],
    np.logaddexp: [lambda x, y: np.logaddexp(x, y), lambda x, y: np.logaddexp(0, x)],
    np.arctan2:  [lambda x, y: np.arctan2(x, y), lambda x, y: np.arctan2(1.0, x)],
    np.sum:      [lambda x, y: np.sum(x) * y],
    np.mean:     [lambda x, y: np.mean(x) * y],
    np.max:      [lambda x, y: np.max(x) * y],
    np.min:      [lambda x, y: np.min(x) * y],
    np.cumsum:   [lambda x, y: np.cumsum(x) ** 3],
    np.linalg.inv: [lambda x, y: np.linalg.inv(definite(x))],
    np.linalg.solve: [lambda x, y: np.linalg.solve(definite(x), y.reshape(-1)[:3]),
                      lambda x, y: np.linalg.solve(definite(x), y.reshape(-1)[:3, None])],
    np.linalg.cholesky: [lambda x, y: np.linalg.cholesky(definite(x))],
    np.linalg.eigvalsh: [lambda x, y: np.linalg.eigvalsh(definite(x))],
    F.eigenvectors: [lambda x, y: F.eigenvectors(definite(x))],
    F.windows:   [lambda x, y: F.windows(x.reshape(1, -1), (1, x.size)) ** 3,
                  lambda x, y: F.windows(x.reshape(-1), (1,)) ** 3],
    F.overlap_add: [lambda x, y: F.overlap_add(x.reshape(1, -1), (x.size,)) ** 3],
    np.reshape:  [lambda x, y: np.reshape(x, (1, -1)) ** 3,
                  lambda x, y: np.sum(x).reshape(()) ** 3],
    np.expand_dims: [lambda x, y: np.expand_dims(x, -1) ** 3],
    np.squeeze:  [lambda x, y: np.squeeze(x.reshape(1, -1)) ** 3],
    np.swapaxes: [lambda x, y: np.swapaxes(x.reshape(1, -1)[:, :9], 0, 1) @ y.reshape(1, -1)],
    np.broadcast_to: [lambda x, y: np.broadcast_to(np.sum(x), (5,)) ** 3],
    F.spread:    [lambda x, y: F.spread(np.sum(x), (5,)) ** 3,
                  lambda x, y: F.spread(x, x.shape) ** 3],
    np.transpose: [lambda x, y: np.exp(np.transpose(x)), lambda x, y: x.T * x.T],
    np.matrix_transpose: [lambda x, y: x.reshape(1, -1)[:, :9].mT @ y.reshape(1, -1)],
    F.astype:    [lambda x, y: x.astype(np.float32) ** 3, lambda x, y: x.astype(float) ** 0.7],
    F.getitem:   [lambda x, y: x[...] ** 3, lambda x, y: x.reshape(-1)[0] ** 0.7 * y],
    F.scatter:   [lambda x, y: F.scatter(x.reshape(-1), (x.size,), np.arange(x.size) // 2)],
    F.concatenate: [lambda x, y: F.concatenate(x, y, axis=None)],
    F.stack:     [lambda x, y: F.stack(x, y, axis=-1) ** 3],
}
# fmt: on


def test_no_rule_goes_unchecked():
    assert set(CALLS) == {function for function, vjps in RULES.items() if vjps}


def laid_out(shape, dtype, seed=0):
    """Yield the same numbers in several orders of memory."""
    x, y = np.random.default_rng(seed).uniform(0.1, 2, (2, *shape)).astype(dtype)
    yield [x, y]
    if len(shape) > 1:
        yield [np.asfortranarray(x), y[::-1]]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("function", CALLS, ids=lambda f: f.__name__)
def test_compiled_functions_give_the_bits_of_the_engine(function, shape, dtype):
    for f in CALLS[function] + (ONE_AXIS.get(function, []) if shape else []):
        for arrays in laid_out(shape, dtype):
            assert_same_bits(f, arrays, twice=True)


RNG = np.random.default_rng(4)
LARGE = RNG.uniform(0.1, 2, (260, 20))
ROW, WIDE = RNG.uniform(0.1, 2, 130), RNG.uniform(0.1, 2, (130, 130))
B, E = 0.9, np.arange(1.0, 60)
# fmt: off
MIXED = {
    "a power of constants is folded as it is computed":
        lambda x: x[0, :59] * F.stack(*(Tensor(B) ** float(n) for n in E)),
    "a power of constants without axes that are no numbers":
        lambda x: F.stack(*(np.where(True, Tensor(B), 1.0) ** (n + 0 * x[0, 0]) for n in E)),
    "powers of single numbers":
        lambda x: F.stack(*(v**3 for v in x[0, :40])),
    "powers of arrays without axes":
        lambda x: F.stack(*(F.spread(v, ()) ** 3 for v in x[0, :40])),
    "powers of what is chosen":
        lambda x: F.stack(*(np.where(v > 1, v, 0.5) ** 3 for v in x[0, :40])),
    "powers of what comes through a gate":
        lambda x: F.stack(*(F.gate(v, v > 1) ** 3 + v for v in x[0, :40])),
    "powers of means":
        lambda x: F.stack(*(np.mean(v) ** 3 for v in x[:40])),
    "steps that count":
        lambda x: F.stack(*(B ** (n + 0 * x[0, 0]) for n in E)),
    "a constant that repeats a row, in a product":
        lambda x: x @ np.broadcast_to(Tensor(ROW), (130, 130)),
    "a constant that repeats a number, as an exponent":
        lambda x: x[0] ** np.broadcast_to(Tensor(2.0), (130,)),
    "a constant with gaps, in a product":
        lambda x: x @ Tensor(LARGE)[::2, ::2],
    "a constant backwards":
        lambda x: x * np.exp(Tensor(WIDE)[::-1]),
    "a buffer read through a view while it ends":
        lambda x: np.exp((x * 2)[::-1]) + np.exp((x * 3).T),
    "equal arrays meet in a product":
        lambda x: np.exp(x) @ np.exp(x).T,
    "an array meets itself in a product":
        lambda x: (y := np.exp(x)) @ y.T + y.T @ y,
    "one column of a product":
        lambda x: (x.T @ x[:, :1]).T @ x + x @ x[0],
    "means of columns with their axis":
        lambda x: x.mean(axis=1, keepdims=True).T @ x,
    "a mean of single numbers":
        lambda x: x * (np.mean(x) ** 3 + np.mean(x > 1) ** 0.7),
}
# fmt: on


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("f", MIXED.values(), ids=MIXED)
def test_what_meets_in_a_program_gives_the_bits_of_the_engine(f, dtype):
    for x in (WIDE.astype(dtype), np.asfortranarray(WIDE, dtype)):
        assert_same_bits(f, [x])


def test_random_programs_give_the_bits_of_the_engine_in_float32_too():
    for seed in SEEDS[:100]:
        one = programs.program(seed)
        arrays = [a.astype(np.float32) for a in one.inputs]
        assert_same_bits(lambda *xs, one=one: one.run(xs), arrays)


def test_a_compiled_step_follows_the_order_of_memory_of_its_batches():
    models = [train.mlp([70, 33, 3], seed=0, norm=nn.BatchNorm) for _ in range(2)]
    one, other = (optim.Adam(model.parameters(), 1e-2) for model in models)
    step = CompiledStep(models[1], other)
    x, targets = WIDE[:, :70].copy(), np.arange(130) % 3
    for batch in (x, np.asfortranarray(x), x, WIDE[:, :70]):
        assert train.step(models[0], one, batch, targets) == step(batch, targets)
    for (path, array), again in zip(
        models[0].state_dict().items(), models[1].state_dict().values(), strict=True
    ):
        assert np.array_equal(array, again), path


def test_operands_without_axes_are_numbers_to_programs_and_sources():
    for dtype in (np.float64, np.float32):
        program = compile(lambda w, b: w**3 * b**w, *(Tensor(dtype(1)) for _ in "wb"), passes=EXACT)
        for w in WIDE[0, :60].astype(dtype):
            leaves = Tensor(w), Tensor(dtype(B))
            out = leaves[0] ** 3 * leaves[1] ** leaves[0]
            check(program, [np.array(w), dtype(B)], (out.data, grad(out, leaves)))


SIDES = [(4, 3, 5), (1, 3, 5), (4, 1, 5), (4, 3, 1), (1, 1, 1), (0, 3, 5), (4, 0, 5), (33, 70, 41)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["CC", "CF", "FC", "FF"])
@pytest.mark.parametrize("sides", SIDES, ids=str)
def test_products_of_matrices_are_made_by_the_quicker_method(sides, order, dtype):
    n, k, m = sides
    rng = np.random.default_rng(n + k + m)
    shapes = zip([(n, k), (k, m), (n,), (m,)], [*order, "C", "C"], strict=True)
    x, y, left, right = (np.array(rng.normal(size=size), dtype, order=o) for size, o in shapes)

    def products(x, y, left, right):
        return x @ y, left @ x, y @ right

    program = compile(products, x, y, left, right, gradients=False)
    assert program.code.count(".dot(") == 3
    for _ in range(2):  # what an array holds from the run before makes no difference
        for mine, theirs in zip(
            program(x, y, left, right), products(x, y, left, right), strict=True
        ):
            same_bits(mine, theirs)


OTHERS = {
    "parts of rows": lambda x: x[:, ::2] @ x[:3],
    "three axes": lambda x: x @ np.reshape(x, (1, 6, 4)),
    "integers": lambda x: (x > 0).astype(int) @ np.ones((6, 2), int),
    "one number": lambda x: x[0] @ x[1],
}


@pytest.mark.parametrize("f", OTHERS.values(), ids=OTHERS)
def test_a_product_of_other_arrays_is_left_to_matmul(f):
    x = np.random.default_rng(2).normal(size=(4, 6))
    program = compile(f, x, gradients=False)
    assert ".dot(" not in program.code
    same_bits(program(x), f(x))


def test_rows_in_two_shapes_meet_in_one():
    def f(x, gamma):
        std = np.sqrt(np.mean(x * x, axis=0, keepdims=True))
        return x * np.exp(gamma * std)

    rng = np.random.default_rng(1)
    x, gamma = rng.normal(size=(5, 3)), rng.normal(size=3)
    program = compile(f, x, gamma, gradients=False, passes=EXACT)
    assert "np.multiply(gamma, row_of_out_3, row_of_out_4)" in program.code
    same_bits(program(x, gamma), f(x, gamma))
