"""Kernels give the bits of a program without them, and their text says why they are fast.

They run as plain Python. ``KERNELS=numba pytest tests/program/test_kernels.py`` compiles them.
"""

import os
import random
import re
import sys

import numpy as np
import pytest
from test_bits import CALLS, MIXED, ONE_AXIS, flat, laid_out, same_bits

from microbn import Tensor, errors, nn, optim
from microbn import functional as F
from microbn.lab import data, train
from microbn.lab.compiled import CompiledStep
from microbn.program import fusion, kernels, loops
from microbn.program.compile import ALL_PASSES, PASSES, compile
from microbn.testing import programs

pytestmark = pytest.mark.bits
BACKEND = os.environ.get("KERNELS", "python")
DTYPES = [np.float64, np.float32]
RNG = np.random.default_rng(8)
X, Y = RNG.normal(size=(2, 6, 4))
ROW, OTHER = RNG.uniform(0.5, 1.5, (2, 4))


def both(f, *arrays, others=None, **how):
    """Check that f and its gradients have the same bits with kernels as without.

    They run on the arrays and, if given, on the ``others``. Returns the program with kernels.
    """
    leaves = [Tensor(a) for a in arrays]
    with np.errstate(all="ignore"):
        out = f(*leaves)
        cotangent = np.random.default_rng(9).normal(size=out.shape).astype(out.dtype)
        plain, fused = (
            compile(f, *leaves, cotangent=cotangent, backend=backend, **how)
            for backend in ("numpy", BACKEND)
        )
        for given in (arrays, others or arrays, arrays):  # a run leaves nothing to the next
            pairs = zip(
                *(flat(program(*given, cotangent)) for program in (fused, plain)), strict=True
            )
            for mine, theirs in pairs:
                same_bits(mine, theirs)
    return fused


def normalized(x, gamma, beta):
    return F.relu(F.batch_norm(x, gamma, beta))


def net(x, *parameters):
    """Compute Linear, batch norm and relu, for every four parameters."""
    for i in range(0, len(parameters), 4):
        w, b, gamma, beta = parameters[i : i + 4]
        x = normalized(x @ w + b, gamma, beta)
    return x


def parameters(depth, width=4, dtype=float):
    rng = np.random.default_rng(depth)
    shapes = [(width, width), width, width, width] * depth
    return [rng.uniform(-1, 1, shape).astype(dtype) for shape in shapes]


WIDE = [  # calls of wide arrays a and b, a row r, a column c, and a matrix m
    *("a + b", "a - b", "a * b", "a * r", "r - a", "-a", "a * a", "a / (b * b + 1)", "a / r"),
    *(
        "F.relu(a)",
        "np.abs(a) - b",
        "np.sqrt(a * a + r)",
        "np.where(a > b, a, r)",
        "a * c",
        "a @ m",
    ),
    *("np.where(a > 0, 0.5, b)", "a - a.mean(0)", "a * b.sum(axis=0, keepdims=True)", "np.tanh(a)"),
    *("b * a.mean(axis=1, keepdims=True)", "a[::-1] + a", "a * a.sum(0).mean()", "a.T.T - 0.1 * b"),
    *("F.batch_norm(a, r, r)", "np.maximum(a, b)", "0.5 * a", "a * (r * r - r.sum())", "a ** 2"),
]


def wide(seed):
    """Return a random program of wide arrays, and its operands."""
    rng = random.Random(seed)
    texts = [rng.choice(WIDE) for _ in range(10)]
    picks = [(rng.randrange(9), rng.randrange(9)) for _ in texts]

    def f(x, y, r, c, m):
        values = [x, y]
        for text, (i, j) in zip(texts, picks, strict=True):
            a, b = values[-1 - i % min(3, len(values))], values[j % len(values)]
            values.append(eval(text, {"np": np, "F": F, "a": a, "b": b, "r": r, "c": c, "m": m}))
        return values[-1]

    draw = np.random.default_rng(seed).uniform
    return f, [draw(-1, 1, s) for s in ((5, 3), (5, 3))] + [
        draw(0.5, 1, s) for s in (3, (5, 1), (3, 3))
    ]


@pytest.mark.parametrize("dtype", DTYPES)
def test_random_programs_have_the_same_bits(dtype):
    for seed in range(50):
        one = programs.program(seed)
        both(lambda *xs, one=one: one.run(xs), *(a.astype(dtype) for a in one.inputs))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("passes", [PASSES, ALL_PASSES, ["dead"]], ids=["usual", "all", "none"])
def test_random_programs_of_wide_arrays_have_the_same_bits(passes, dtype):
    found = [
        both(f, *(a.astype(dtype) for a in arrays), passes=passes).kernels
        for f, arrays in map(wide, range(50))
    ]
    assert sum(map(bool, found)) > 40


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", CALLS, ids=lambda f: f.__name__)
def test_calls_of_each_function_have_the_same_bits(function, dtype):
    for f in CALLS[function] + ONE_AXIS.get(function, []):
        for arrays in laid_out((9, 3), dtype):
            both(f, *arrays)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("f", MIXED.values(), ids=MIXED)
def test_what_meets_in_a_program_has_the_same_bits(f, dtype):
    x = np.random.default_rng(4).uniform(0.1, 2, (130, 130)).astype(dtype)
    both(f, x)


SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-310, -1e-310, 1e300, -1e300, 1e-30, 1.0, -1.0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("text", WIDE)
def test_infinities_and_their_like_have_the_same_bits(text, dtype):
    def f(a, b, r, c, m):
        return eval(text, {"np": np, "F": F} | locals()) * 1 + b

    rng = np.random.default_rng(0)
    for _ in range(3):
        arrays = [rng.normal(size=shape) for shape in ((6, 4), (6, 4), 4, (6, 1), (4, 4))]
        with np.errstate(all="ignore"):
            odd = [rng.choice(SPECIAL, a.shape).astype(dtype) for a in arrays]
        both(f, *(a.astype(dtype) for a in arrays), others=odd)


@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (1, 4), (4, 1), (2, 2), (1, 1), (3, 1, 2), (5,)])
def test_arrays_of_any_shape_have_the_same_bits(shape):
    x = np.random.default_rng(1).normal(size=shape)
    program = both(lambda x: np.sum(F.relu(x * 2 - x * x) * x, axis=0) + 1, x)
    assert bool(program.kernels) == (shape == (2, 2))


@pytest.mark.parametrize("dtype", DTYPES)
def test_operands_in_any_order_of_memory_have_the_same_bits(dtype):
    large = np.random.default_rng(2).normal(size=(70, 90)).astype(dtype)
    orders = large, np.asfortranarray(large), large[:, ::2], large[::2], large[::-1], large.T
    for x in orders:
        row = np.linspace(0.5, 1, 2 * x.shape[1], dtype=dtype)[::2]
        program = both(normalized, x, row, row)
        left = "np.add.reduce(x," in program.code  # NumPy adds up pairwise
        assert left != Tensor(x).data.flags.c_contiguous


def test_read_only_operands_have_the_same_bits():
    frozen = Tensor(X).data
    assert not frozen.flags.writeable
    both(normalized, frozen, ROW, OTHER)


def test_operands_of_several_dtypes_have_the_same_bits():
    small, whole = X.astype(np.float32), np.arange(24).reshape(6, 4) % 3
    both(lambda x, y: np.sum(x * y - y * y, axis=0) * (x + x * y), X, small)
    both(lambda x: np.where(whole > 1, x, 0.5) * whole + (x > 0) * x, X)
    both(lambda x: np.where(np.True_, x * 2, x) - x, X, passes=["dead"])
    both(lambda x: np.mean(x * (x > 0), axis=0) + np.mean(x > 0, axis=0) * x, X)


def test_masks_have_the_same_bits():
    either, no = np.logical_or, np.logical_not
    for f in (
        lambda x, r: np.where(np.logical_and(r > 1, x > 0), x, r) * 2 + np.sum(x, axis=0),
        lambda x, r: np.where(no(either(x.sum(0) > 0, x < r)), x, r) * np.sum(x * r, axis=0),
        lambda x, r: np.where((x > r) & ~(r > x.mean(0)) | (x == r), x * x, 0.5) - x.mean(0),
        lambda x, r: np.where(x.mean(0) >= r, np.where(x != r, x, 1.0), x - r) * 3,
    ):
        assert both(f, X, ROW).kernels


def test_a_view_of_an_array_that_could_be_written_over_has_the_same_bits():
    for view in (lambda a: a[::-1], lambda a: a[:, ::-1], lambda a: a.T):
        both(
            lambda x, m, view=view: np.tanh((x @ m) * 2 + view(x @ m)) @ m, X[:4], parameters(1)[0]
        )


def test_a_chain_of_thousands_of_calls_has_the_same_bits():
    def chain(x):
        for i in range(1500):
            x = x * 0.999 + i % 2
        return np.sum(x, axis=0)

    both(chain, X, passes=["dead", "buffers"])


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam])
def test_a_compiled_step_has_the_same_bits(make):
    x, targets = np.random.default_rng(3).normal(size=(12, 5)), np.arange(12) % 3
    losses, states = [], []
    for backend in ("numpy", BACKEND):
        model = train.mlp([5, 6, 6, 3], seed=0, norm=nn.BatchNorm)
        step = CompiledStep(model, make(model.parameters(), 0.1), backend)
        losses.append([step(x, targets) for _ in range(4)])
        states.append(model.state_dict())
    assert losses[0] == losses[1]
    for path, array in states[0].items():
        same_bits(states[1][path], array)
    assert all(program.kernels for program in step.programs.values())


def test_fit_trains_with_kernels():
    split = data.spirals(0, n=20, test=10)
    histories = []
    for compiled in (False, True, BACKEND):
        model = train.mlp([2, 4, 2], seed=0, norm=nn.BatchNorm)
        optimizer = optim.SGD(model.parameters(), 0.1)
        how = {"steps": 4, "seed": 0, "batch_size": 8, "compiled": compiled}
        histories.append(train.fit(model, optimizer, split, **how))
    assert histories[0] == histories[1] == histories[2]


class Dispatcher:
    """Stands for a function that Numba compiles: it knows the types that it is compiled for."""

    def __init__(self, function):
        self.function, self.types = function, set()

    def compile(self, types):
        self.types.add(types)

    def typeof_pyval(self, x):
        flags = x.flags
        return type(x), x.dtype, x.ndim, flags.c_contiguous, flags.f_contiguous, flags.writeable

    def __call__(self, *given):
        assert tuple(map(self.typeof_pyval, given)) in self.types
        self.function(*given)


def test_no_run_waits_for_a_kernel_to_be_compiled(monkeypatch):
    monkeypatch.setattr(kernels, "compiler_of", lambda backend: Dispatcher)
    for dtype in DTYPES:
        arrays = [a.astype(dtype) for a in (X, *parameters(2), Y)]
        program = compile(net, *map(Tensor, arrays[:-1]), cotangent=arrays[-1], backend="numba")
        for _ in range(2):
            program(*arrays)
        of_numbers = compile(lambda x, a: F.relu(x.T * a + x.T), X, X[0, 0], gradients=False)
        same_bits(of_numbers(X, X[0, 0]), np.maximum(X.T * X[0, 0] + X.T, 0))


# Wrong kernels are noticed


def body(change):
    right = kernels.Writer._body
    return lambda self: [change(line) for line in right(self)]


FAULTS = {
    "sums from the last row on": (
        kernels.Writer,
        "_body",
        body(lambda s: re.sub(r"^for i in range\((\d+)\)", r"for i in range(\1 - 1, -1, -1)", s)),
    ),
    "sums of columns that do not lie side by side": (
        fusion,
        "_sums_rows",
        lambda node: node.inputs[0].ndim == 2 and node.shape[-1:] == node.inputs[0].shape[-1:],
    ),
    "a live array is written over": (
        loops.Kernel,
        "replaceable",
        lambda self, node: [
            x.number for loop in self.loops for x in loop.fetched if fusion.is_node(x)
        ],
    ),
    "a mean divides first": (
        kernels.Writer,
        "_body",
        body(lambda s: s.replace(" / 70.0", " * (1 / 70)")),
    ),
    "relu drops a NaN": (
        fusion,
        "ENTRIES",
        fusion.ENTRIES | {F.relu: ("{0} if {0} > zero else zero", "f")},
    ),
    "a mask is multiplied": (
        fusion,
        "ENTRIES",
        fusion.ENTRIES | {fusion.gate: ("{0} * {1}", "fb")},
    ),
    "forgets a new sum": (kernels.Writer, "_body", body(lambda s: s.replace(" = 0.0", " += 0.0"))),
}


def hard_cases():
    large = np.random.default_rng(2).normal(size=(70, 90))
    odd = np.where(large > 2, np.nan, np.where(large < -2, np.inf, large))
    rows = np.ones(90), np.zeros(90)
    for x in (large, np.asfortranarray(large)):
        both(normalized, x, *rows)
    both(lambda x, y: (x + y) * x.mean(0), np.asfortranarray(large), large)
    both(lambda x: F.relu(x * 2) * 3, large, others=[odd])
    both(net, X, *parameters(3))
    for f, arrays in map(wide, range(20)):
        both(f, *arrays)


def test_the_hard_cases_have_the_same_bits():
    hard_cases()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_kernel_is_noticed(fault, monkeypatch):
    monkeypatch.setattr(*FAULTS[fault])
    with pytest.raises(AssertionError):
        hard_cases()


# What a kernel is


def kernels_of(program):
    """Map the name of each kernel to its text."""
    parts = re.split(r"\n\n\n(?=def )", program.kernels)
    return {part.split("(")[0].removeprefix("def "): part for part in parts[1:]}


def stored(text):
    return re.findall(r"(\w+)\[i, j\] = ", text)


def test_ten_layers_share_a_few_kernels():
    program = both(net, X, *parameters(10))
    found = kernels_of(program)
    assert len(found) <= 4
    assert sum(len(re.findall(rf"\b{name}\(", program.code)) for name in found) == 20


def test_programs_share_kernels_that_differ_in_names_alone():
    def other(v, g, b):
        return normalized(v, g, b)

    programs = [both(f, X, ROW, OTHER) for f in (normalized, other)]
    assert programs[0].kernels != programs[1].kernels
    one, other = (program._run.__globals__["kernel_1"] for program in programs)
    assert one is other


def test_a_layer_stores_what_the_next_one_reads_and_what_many_loops_would_compute():
    program = both(net, X, *parameters(2))
    forward = kernels_of(program)["kernel_1"]
    assert stored(forward) == ["v_1", "v_3"]
    assert "v_1[i, j] = centered_ij" in forward  # over what is read no more
    assert "v_3.dot(" in program.code


def test_a_value_that_is_slow_to_compute_is_stored():
    forward = kernels_of(both(lambda x, y: x / (y * y + 1) * np.exp(x), X, Y))["kernel_1"]
    assert stored(forward)


def test_an_array_that_is_read_no_more_is_written_over():
    def f(x, w):
        centered = x @ w - np.mean(x @ w, axis=0)
        return np.tanh(np.abs(centered) * 2)

    program = compile(f, X, parameters(1)[0], gradients=False, backend=BACKEND)
    assert "def kernel_1(out_1):" in program.kernels
    assert stored(program.kernels) == ["out_1"]
    assert program.nbytes == X.nbytes


def test_kernels_need_less_memory_than_numpys_calls():
    x = np.random.default_rng(5).normal(size=(100, 4))
    plain, fused = (
        compile(net, *map(Tensor, (x, *parameters(10))), cotangent=x, backend=backend)
        for backend in ("numpy", BACKEND)
    )
    assert fused.nbytes < 0.7 * plain.nbytes


def test_passes_over_memory_are_counted_beside_those_of_numpy():
    def f(x, y):
        return F.relu(x * y + x) * 2  # NumPy's calls take 3 + 3 + 2 + 2, the loop reads x and y

    text = compile(f, X, Y, gradients=False, backend=BACKEND).kernels
    assert "in 3 passes over memory instead of 10." in text
    assert "array 10 times. These loops do so 3 times:" in text


def test_numbers_have_the_dtype_of_the_arrays():
    arrays = [a.astype(np.float32) for a in (X, ROW, OTHER)]
    text = both(normalized, *arrays).kernels
    bare = re.sub(r"np\.float32\([^)]*\)", "", text)
    assert set(re.findall(r"[\d.]+\d*\.\d+.*", bare)) == {"0.0"}  # a new sum takes any zero


def test_names_that_kernels_use_themselves_are_left_to_them():
    names = "i", "j", "zero", "rows", "x_ij", "x_j", "float64", "np", "abs", "kernel_1"
    operands = [
        Tensor(x, n) for n, x in zip(names, [X, Y, ROW, X + 1, Y + 1, *[ROW] * 5], strict=True)
    ]

    def f(i, j, zero, rows, x_ij, x_j, *others):
        return np.abs(F.relu(i * j + zero) * np.sum(rows * x_ij, axis=0) + x_j * sum(others))

    plain, fused = (
        compile(f, *operands, cotangent=Y, backend=backend) for backend in ("numpy", BACKEND)
    )
    given = [*(x.data for x in operands), Y]
    for mine, theirs in zip(flat(fused(*given)), flat(plain(*given)), strict=True):
        same_bits(mine, theirs)
    assert "kernel_1_1" in kernels_of(fused)


def test_a_program_of_numpy_has_no_kernels():
    assert compile(normalized, *map(Tensor, (X, ROW, OTHER)), cotangent=Y).kernels == ""


def test_without_numba_one_sentence_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    told = (
        r"^compile\(\.\.\., backend=\"numba\"\) needs numba; install it with: .*microbn\[fast\]'$"
    )
    with pytest.raises(errors.MissingPackageError, match=told):
        compile(normalized, *map(Tensor, (X, ROW, OTHER)), cotangent=Y, backend="numba")
    model = train.mlp([4, 4, 2], seed=0)
    with pytest.raises(errors.MissingPackageError, match=told):
        CompiledStep(model, optim.SGD(model.parameters(), 0.1), "numba")


@pytest.mark.parametrize("backend", ["numbas", "", None, 3, ["numba"], X])
def test_a_backend_that_there_is_not_is_refused(backend):
    with pytest.raises(errors.ArgumentError, match=r"is not a backend; write 'numpy', 'numba' or"):
        compile(np.exp, Tensor(X), cotangent=Y, backend=backend)
