"""Each pass does its own work, and none of them changes the results of a program."""

import re
from functools import partial

import numpy as np
import peers
import pytest
from derivatives import CALLS, SEEDS, SEEDS_TWICE, of_call, of_program

from microbn import Tensor, functional, grad, label
from microbn.engine import backward
from microbn.program import algebra, memory, once, source
from microbn.program.compile import ALL_PASSES, PASSES, compile
from microbn.testing import programs

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(2, 4, 3))
ROW = RNG.uniform(0.5, 1.5, 3)


def without(*names):
    return [name for name in PASSES if name not in names]


def lines(compiled, text=None):
    """Return the statements of a program as pairs of a name and an expression."""
    text = (text or compiled.source).split("# forward\n")[1]
    statements = [line.split("  #")[0].strip() for line in text.splitlines()[:-1]]
    return [tuple(s.split(" = ", 1)) for s in statements if " = " in s]


def expressions(compiled):
    return [expression for _, expression in lines(compiled)]


# Each pass by itself


@pytest.mark.bits
def test_dead_leaves_out_what_nobody_asked_for():
    f = lambda x, w: np.sum(np.tanh(x * w))  # noqa: E731
    kept, gone = (compile(f, X, Tensor(Y), passes=p) for p in (without("dead"), PASSES))
    assert "d_x" in dict(lines(kept))
    assert "d_x" not in dict(lines(gone))
    assert np.array_equal(kept(X, Y)[1][0], gone(X, Y)[1][0])


def test_constants_are_computed_at_once():
    f = lambda x: x * np.exp(Tensor(ROW))  # noqa: E731
    late, early = (
        compile(f, Tensor(X), cotangent=Y, passes=p) for p in (without("constants"), PASSES)
    )
    assert "np.exp(constant)" in expressions(late)
    assert "np.exp" not in early.source


def test_common_subexpressions_are_computed_once():
    f = lambda x: np.exp(x) * 2 + np.exp(x) / (x + Y + (Y + x))  # noqa: E731
    twice, once = (
        compile(f, X, gradients=False, passes=p) for p in (without("common", "algebra"), PASSES)
    )
    assert (expressions(twice).count("np.exp(x)"), expressions(once).count("np.exp(x)")) == (2, 1)
    assert sum(" + constant" in e or "constant + " in e for e in expressions(once)) == 1


def test_views_are_made_once():
    f = lambda x: (x + 1).T @ x  # noqa: E731
    again, once = (compile(f, X, gradients=False, passes=p) for p in (without("views"), PASSES))
    assert "np.transpose" in again.code
    assert "np.transpose" not in once.code


def test_buffers_are_reused_where_a_result_is_needed_no_more():
    f = lambda x: np.sum(np.tanh(np.exp(np.tanh(x * 2) + 1)))  # noqa: E731
    own, shared = (compile(f, X, gradients=False, passes=p) for p in (without("buffers"), PASSES))
    assert own.nbytes == 0
    assert shared.nbytes == X.nbytes  # single numbers need no array
    written = r", out_\d\)"  # the last argument of a call
    assert not re.search(written, own.code)
    assert len(re.findall(written, shared.code)) == 5
    towards = compile(lambda x: np.sum((x @ x.T) @ (x @ x.T + 1)), X, gradients=False)
    assert towards.nbytes == 3 * 16 * 8  # for five results of (4, 4)


def test_a_batch_norm_needs_less_memory_than_its_graph():
    leaves = Tensor(X, "x"), Tensor(ROW, "gamma"), Tensor(ROW, "beta")
    y = functional.batch_norm(*leaves)
    steps = [step for step in backward.sweep(y, Y) if step.node.function]
    graph = sum(np.asarray(a).nbytes for step in steps for a in (step.node.value, step.gradient))
    compiled = compile(functional.batch_norm, *leaves, cotangent=Y)
    value, gradients = compiled(X, ROW, ROW, Y)
    assert compiled.nbytes + sum(a.nbytes for a in (value, *gradients)) < graph


def test_batch_norms_gradient_needs_no_sum_that_d_gamma_has_made():
    leaves = Tensor(X, "x"), Tensor(ROW, "gamma"), Tensor(ROW, "beta")
    found = dict(lines(compile(functional.batch_norm, *leaves, cotangent=Y)))
    assert found["d_std_1"] == "gamma * d_gamma"
    assert sum("np.sum" in expression for expression in found.values()) == 3


def named(kept):
    label({"kept": kept})
    return kept


# fmt: off
ALGEBRA = {
    "a square":                        (lambda x, y, r: x * x, ["np.square(x)"]),
    "a sum of the same":               (lambda x, y, r: x + x, ["2 * x"]),
    "division by a row":               (lambda x, y, r: x / r, ["1 / r", "inv_r * x"]),
    "division by a number stays":      (lambda x, y, r: x / 4, ["x / 4"]),
    "rows meet first":                 (lambda x, y, r: (x * r) * r, ["np.square(r)", "out_1 * x"]),
    "numbers meet first":              (lambda x, y, r: 3 * (x * 2), ["6 * x"]),
    "a number belongs to the row":     (lambda x, y, r: (2 * x) * r, ["2 * r", "out_1 * x"]),
    "a minus belongs to the row":      (lambda x, y, r: -(x * r), ["-r", "out_1 * x"]),
    "two minus signs":                 (lambda x, y, r: -x * -y, ["x * y"]),
    "a row out of a sum":              (lambda x, y, r: (x * r).sum(0),
                                        ["np.sum(x, axis=0)", "r * out_1"]),
    "a column out of its own":         (lambda x, y, r: (x * y[:, :1]).sum(1),
                                        ["y[:, :1]", "np.sum(x, axis=1)",
                                         "np.reshape(out_1, (4,))", "out_3 * out_2"]),
    "a column stays in it":            (lambda x, y, r: (x * y[:, :1]).sum(0),
                                        ["y[:, :1]", "out_1 * x", "np.sum(out_2, 0)"]),
    "a number out of a sum":           (lambda x, y, r: (-x).sum(), ["np.sum(x)", "-out_1"]),
    "a row that is repeated":          (lambda x, y, r: x + np.broadcast_to(r, (4, 3)), ["x + r"]),
    "both repeated stay so":           (lambda x, y, r: np.broadcast_to(r, (4, 3)) + r,
                                        ["np.broadcast_to(r, (4, 3))", "out_1 + r"]),
    "a number goes before it":         (lambda x, y, r: np.broadcast_to(r, (4, 3)) * 2,
                                        ["np.broadcast_to(r, (4, 3))", "2 * out_1"]),
    "an array of one number":          (lambda x, y, r: np.full(3, 2.0) * x, ["2.0 * x"]),
    "one that gives the shape":        (lambda x, y, r: np.full((4, 3), 2.0) * r, ["r * constant"]),
    "numbers meet while they stay small": (lambda x, y, r: 1e3 * (1e2 * x), ["100000.0 * x"]),
    "and of either sign":              (lambda x, y, r: -10 * (10.0 * x), ["-100.0 * x"]),
    "not where they would be large":   (lambda x, y, r: 1e3 * (1e3 * x),
                                        ["1000.0 * x", "1000.0 * out_1"]),
    "nor large and negative":          (lambda x, y, r: -1e4 * (1e4 * x),
                                        ["10000.0 * x", "-10000.0 * out_1"]),
    "numbers meet while they are not tiny": (lambda x, y, r: 0.01 * (0.005 * x), ["5e-05 * x"]),
    "not where they would be tiny":    (lambda x, y, r: 0.001 * (0.0009 * x),
                                        ["0.0009 * x", "0.001 * out_1"]),
    "zero is not tiny":                (lambda x, y, r: 0.0 * (2.0 * x), ["0.0 * x"]),
    "two rows meet":                   (lambda x, y, r: (x * r) * y[0],
                                        ["y[0]", "r * out_1", "out_2 * x"]),
    "a third stays by itself":         (lambda x, y, r: ((x * r) * y[0]) * y[1],
                                        ["y[0]", "r * out_1", "out_2 * x", "y[1]",
                                         "out_3 * out_4"]),
    "a row with a number is one row":  (lambda x, y, r: (x * (2 * r)) * y[0],
                                        ["y[0]", "r * out_1", "2 * out_2", "out_3 * x"]),
    "a value with a name is kept":     (lambda x, y, r: r * named(x / r),
                                        ["1 / r", "inv_r * x", "r * kept"]),
}
# fmt: on


@pytest.mark.parametrize(("f", "expected"), ALGEBRA.values(), ids=ALGEBRA)
def test_algebra(f, expected):
    found = compile(f, X, Y, ROW, gradients=False)
    assert expressions(found) == expected
    np.testing.assert_allclose(found(X, Y, ROW), f(X, Y, ROW), rtol=1e-14)


@pytest.mark.parametrize(
    "f",
    [
        lambda x, u, m: np.sum(-(x * u), axis=0) + np.sum(2 * u, axis=0),
        lambda x, u, m: (x * u) * u[0] + (u * 200) / u[0],
        lambda x, u, m: x + (u * 200) * 200,
        lambda x, u, m: np.sum(m * (x - 1)) - (x * m) * (u > 3),
        lambda x, u, m: x.astype(np.float32) / np.float32(3) * x[0] + (u < 300),
        lambda x, u, m: np.sum(x[0, 0] * 2.0, axis=0),
    ],
)
def test_small_integers_masks_and_mixed_dtypes_are_left_as_they_are(f):
    u, m = RNG.integers(100, 200, size=(4, 3)).astype(np.uint8), X[:, :1] > 0
    found = compile(f, X, u, m, gradients=False)(X, u, m)
    np.testing.assert_allclose(found, f(X, u, m), rtol=1e-14, strict=True)


def test_numbers_do_not_overflow_where_they_meet():
    def chain(x, small):
        for _ in range(110):
            x = 1024.0 * (small * x)
        return np.sum(x)

    leaves = Tensor(X), Tensor(2.0**-10)
    y = chain(*leaves)
    found = compile(chain, *leaves)(X, 2.0**-10)
    assert_equal((*found, ()), (y.data, grad(y, leaves), ()), rtol=1e-12)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x, r: 1e200 * (1e200 * x), 1e-300),
        (lambda x, r: 1e-200 * (1e-200 * x), 1e300),
        (lambda x, r: x / 1e200 * 1e-200 / r, 1e300),
        (lambda x, r: np.sum(1e200 * (1e200 * x), axis=0), 1e-300),
        (lambda x, r: -(1e200 * (x * 1e200)), 1e-300),
        (lambda x, r: ((x * (r * 1e150)) * (2e150 * r)) * (3e150 * r), 1e-300),
        (lambda x, r: (x / (r * 1e150) / (r * 1e150)) / (r * 1e150), 1e300),
    ],
)
def test_what_is_finite_stays_finite_where_factors_meet(f, x):
    x, r = np.full((4, 3), x), np.ones(3)
    program = compile(f, x, r, gradients=False)
    expected = f(x, r)
    assert np.all((expected != 0) & np.isfinite(expected))
    np.testing.assert_allclose(program(x, r), expected, rtol=1e-12)


# No pass changes the results of a program


def compiled(f, arrays, cotangent, directions=None, *, names=PASSES, with_source=False):
    """Be an engine for `derivatives`, like the engines of peers.py."""

    def twice(*xs):
        out = f(*xs)
        first = grad(out, xs, cotangent, create_graph=True)
        return sum(np.sum(g * d) for g, d in zip(first, directions, strict=True)), out, *first

    leaves = [Tensor(a) for a in arrays]
    once = directions is None
    made = compile(
        f if once else twice, *leaves, cotangent=cotangent if once else None, passes=names
    )
    given = [*arrays, cotangent] if once else arrays
    if with_source:
        space = {}
        exec(made.source, space)
        run = next(space[name] for name in ("f", "twice") if callable(space.get(name)))
        assert_equal((*made(*given), ()), (*run(*given), ()), rtol=0)
    if once:
        return *made(*given), ()
    (_, value, *first), second = made(*given)
    return value, first, second


def assert_equal(mine, theirs, rtol):
    """Compare all results, relative to the largest number; to the bit if ``rtol`` is 0."""
    mine, theirs = ([a, *b, *c] for a, b, c in (mine, theirs))
    largest = max(np.max(np.abs(array), initial=0) for array in theirs)
    for one, other in zip(map(np.asarray, mine), map(np.asarray, theirs), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=rtol * largest, strict=True)


def assert_programs_agree(seeds, rtol=1e-12, twice=False, **options):
    """Check that compiled programs return what the engine returns."""
    for seed in seeds:
        try:
            mine = of_program(partial(compiled, **options), seed, twice)
            assert_equal(mine, of_program(peers.microbn, seed, twice), rtol)
        except Exception as error:
            error.add_note(f"program({seed}):\n{programs.program(seed)}")
            raise


@pytest.mark.bits
def test_500_programs_give_what_the_engine_gives_and_their_sources_the_same_bits():
    assert_programs_agree(SEEDS, with_source=True)


@pytest.mark.bits
def test_without_the_algebra_they_give_the_same_bits():
    assert_programs_agree(SEEDS, rtol=0, names=without("algebra"))


def test_second_derivatives_of_100_programs():
    assert_programs_agree(SEEDS_TWICE, twice=True)


def test_stages_may_be_merged():
    assert_programs_agree(SEEDS[:50], names=ALL_PASSES)
    named = Tensor(X, "x"), Tensor(ROW, "gamma"), Tensor(ROW, "beta")
    kept, merged = (
        compile(functional.batch_norm, *named, cotangent=Y, passes=p) for p in (PASSES, ALL_PASSES)
    )
    assert "d_x_hat" in dict(lines(kept))
    assert "d_x_hat" not in dict(lines(merged))
    assert len(lines(merged)) < len(lines(kept))
    mine, theirs = (program(X, ROW, ROW, Y) for program in (merged, kept))
    assert_equal((*mine, ()), (*theirs, ()), rtol=1e-12)


# fmt: off
BLAS = {
    "a row":                  (lambda x: np.sum(x, axis=0), "constant @ x", (3,)),
    "a row that stays":       (lambda x: np.sum(x, 0, keepdims=True), "constant @ x", (1, 3)),
    "a column":               (lambda x: np.sum(x, axis=-1), "x @ constant", (4,)),
    "a column that stays":    (lambda x: x.sum((1,), keepdims=True), "x @ constant", (4, 1)),
    "a mean":                 (lambda x: np.mean(x, axis=0), "constant @ x", (3,)),
}
STAY = {
    "of everything":          lambda x: np.sum(x),
    "over both axes":         lambda x: np.sum(x, axis=(0, 1)),
    "over no axis":           lambda x: np.sum(x, axis=()),
    "of three axes":          lambda x: np.sum(np.reshape(x, (2, 2, 3)), axis=0),
    "of bools":               lambda x: np.sum(x > 0, axis=0),
    "of nothing":             lambda x: np.sum(x[:0], axis=0),
}
# fmt: on


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("f", "expected", "size"), BLAS.values(), ids=BLAS)
def test_blas_adds_up_a_matrix(f, expected, size, dtype):
    x = X.astype(dtype)
    found = compile(f, x, gradients=False, passes=[*PASSES, "blas"])
    assert expressions(found) == [expected]
    assert found(x).shape == size
    np.testing.assert_allclose(
        found(x), f(x), rtol=1e-5 if dtype == np.float32 else 1e-14, strict=True
    )
    assert "@" not in compile(f, x, gradients=False).source


@pytest.mark.parametrize("f", STAY.values(), ids=STAY)
def test_other_sums_stay_numpys(f):
    found = compile(f, X, gradients=False, passes=[*PASSES, "blas"])
    assert "@" not in found.source
    np.testing.assert_array_equal(found(X), f(X), strict=True)


def test_blas_keeps_the_names_and_the_bits_of_the_source():
    assert_programs_agree(SEEDS[:100], names=(*PASSES, "blas"), with_source=True)
    named = Tensor(X, "x"), Tensor(ROW, "gamma"), Tensor(ROW, "beta")
    without, by_blas = (
        compile(functional.batch_norm, *named, cotangent=Y, passes=p)
        for p in (PASSES, (*PASSES, "blas"))
    )
    assert [name for name, _ in lines(without)] == [name for name, _ in lines(by_blas)]


@pytest.mark.parametrize("bias_first", [False, True])
def test_a_bias_cancels_where_the_mean_is_taken_off(bias_first):
    def f(x, r):
        y = r + x if bias_first else x + r
        return y - np.mean(y, axis=0, keepdims=True)

    found = compile(f, X, ROW, gradients=False, passes=ALL_PASSES)
    assert " + " not in found.source
    np.testing.assert_allclose(found(X, ROW), f(X, ROW), rtol=1e-13)


@pytest.mark.parametrize(
    ("f", "passes"),
    [
        (lambda x, r: (x + r) - np.mean(x + r, axis=1, keepdims=True), ALL_PASSES),
        (lambda x, r: (x + r) - np.mean(x + x[:, ::-1], axis=0, keepdims=True), ALL_PASSES),
        (lambda x, r: (x + r) - np.mean(x + r, axis=0, keepdims=True), PASSES),
    ],
    ids=["it differs along the axis", "a mean of something else", "nobody asked for it"],
)
def test_what_does_not_cancel_stays(f, passes):
    found = compile(f, X, ROW, gradients=False, passes=passes)
    assert "x + r" in found.source
    np.testing.assert_allclose(found(X, ROW), f(X, ROW), rtol=1e-13)


def centered(x):
    return x - np.mean(x, axis=0, keepdims=True)


# fmt: off
ZERO = {
    "less its mean":          (centered, 0),
    "plus minus its mean":    (lambda x: x + -np.sum(x, axis=0) / len(x), 0),
    "times a row":            (lambda x: -(ROW * centered(x)) / (ROW + x[:1]), 0),
    "less its mean, apart":   (lambda x: centered(x) + Y, 0),
    "a term of a sum":        (lambda x: np.square(x) - 3 * centered(x), 1),
    "first, of a difference": (lambda x: centered(x) - np.square(x), 1),
}
NOT_ZERO = {
    "less another's mean":    lambda x: x - np.mean(np.square(x), axis=0),
    "less half its mean":     lambda x: x - np.mean(x, axis=0) / 2,
    "plus its mean":          lambda x: x + np.mean(x, axis=0),
    "less its sum":           lambda x: x - np.sum(x, axis=0),
    "over another axis":      lambda x: x - np.mean(x, axis=1, keepdims=True),
    "over all":               lambda x: x - np.mean(x),
    "times all":              lambda x: centered(x) * np.square(x),
    "divided by all":         lambda x: centered(x) / (1 + np.square(x)),
    "divides":                lambda x: 1 / (3 + centered(x)),
    "plus a row":             lambda x: x + 2 * np.sum(x, axis=0),
    "a row, plus":            lambda x: (x[0] - np.mean(x[0])) + x * x,
    "in a row":               lambda x: 3 * np.mean(x[:, :1] - np.mean(x), axis=0) + x,
}
# fmt: on


@pytest.mark.parametrize(("f", "left"), ZERO.values(), ids=ZERO)
def test_a_sum_that_is_zero_is_left_out(f, left):
    total = compile(lambda x: np.sum(f(x), 0), X, gradients=False, passes=[*PASSES, "stages"])
    assert total.source.count("np.sum(") == left
    assert "np.mean(" not in total.source
    np.testing.assert_allclose(total(X), np.sum(f(X), 0), rtol=1e-13, atol=1e-13, strict=True)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(x - np.mean(x, axis=1), axis=1),
        lambda x: np.sum(x - np.expand_dims(np.mean(x, axis=0), 1), axis=0),
    ],
    ids=["a column as a row", "a row as a column"],
)
def test_the_mean_of_a_square_matrix_may_lie_along_the_other_axis(f):
    x = X[:3]
    total = compile(f, x, gradients=False, passes=[*PASSES, "stages"])
    np.testing.assert_allclose(total(x), f(x), rtol=1e-13, strict=True)
    assert np.min(np.abs(total(x))) > 1e-3


def test_with_stages_the_backward_of_a_batch_norm_adds_up_twice():
    """They are the sums of d_beta and d_gamma; the gradient of the bias is zero."""

    def f(x, bias, gamma, beta):
        return functional.relu(functional.batch_norm(x + bias, gamma, beta))

    for dtype, tolerance in ((np.float64, 1e-13), (np.float32, 1e-4)):
        arrays = [a.astype(dtype) for a in (X, ROW, ROW, ROW)]
        examples, g = [*map(Tensor, arrays)], Y.astype(dtype)
        merged = compile(f, *examples, cotangent=g, passes=[*PASSES, "stages"])
        assert merged.source.split("# backward")[1].count("np.sum(") == 2
        _, (_, d_bias, *_) = found = merged(*arrays, g)
        assert not d_bias.any()
        out = f(*examples)
        expected = out.data, grad(out, examples, g)
        np.testing.assert_array_less(np.abs(expected[1][1]), tolerance)
        assert_equal((*found, ()), (*expected, ()), rtol=tolerance)


@pytest.mark.parametrize("f", NOT_ZERO.values(), ids=NOT_ZERO)
def test_a_sum_that_is_not_zero_stays(f):
    total = compile(lambda x: np.sum(f(x), 0), X, gradients=False, passes=[*PASSES, "stages"])
    np.testing.assert_allclose(total(X), np.sum(f(X), 0), rtol=1e-13, strict=True)
    assert np.min(np.abs(total(X))) > 1e-3


@pytest.mark.parametrize("left_out", PASSES)
def test_50_programs_without_a_pass(left_out):
    assert_programs_agree(range(50), names=without(left_out))


@pytest.mark.parametrize("function", CALLS, ids=lambda function: function.__name__)
def test_every_rule_by_itself_once_and_twice(function):
    assert_equal(of_call(compiled, function), of_call(peers.microbn, function), rtol=1e-12)


@pytest.mark.parametrize("seed", range(100))
def test_in_float32_too(seed):
    one, rng = programs.program(seed), np.random.default_rng(seed)
    arrays = [a.astype(np.float32) for a in one.inputs]
    leaves = [Tensor(a) for a in arrays]
    out = one.run(leaves)
    cotangent = rng.normal(size=out.shape).astype(out.dtype)
    found = compile(lambda *xs: one.run(xs), *leaves, cotangent=cotangent)(*arrays, cotangent)
    expected = out.data, grad(out, leaves, cotangent), [cotangent]
    assert_equal((*found, [cotangent]), expected, rtol=1e-4)


FAULTS = {
    "a sum instead of a product": (algebra.ALGEBRA, np.multiply, lambda out, x, y: x + y),
    "an inverse that is none": (algebra, "_reciprocal", lambda x: x),
    "the same function, whatever of": (once, "_key", lambda node, args: node.function),
    "equal shapes, equal constants": (once, "_identity", np.shape),
    "a minus left inside": (algebra.ALGEBRA, np.negative, lambda out, x: x),
    "arrays of another dtype": (memory, "_layout", np.shape),
    "a copy taken for a view": (memory, "_is_view", lambda node: node.function in memory.VIEWS),
    "largest for smallest": (source, "REDUCTIONS", {**source.REDUCTIONS, np.max: "minimum"}),
}


@pytest.mark.parametrize(("where", "name", "wrong"), FAULTS.values(), ids=FAULTS)
def test_a_planted_fault_is_rejected(where, name, wrong, monkeypatch):
    if isinstance(where, dict):
        monkeypatch.setitem(where, name, wrong)
    else:
        monkeypatch.setattr(where, name, wrong)
    with pytest.raises((AssertionError, ValueError, TypeError)):
        assert_programs_agree(SEEDS)


@pytest.mark.parametrize("passes", [["constants"], PASSES, ALL_PASSES], ids=len)
def test_a_long_chain_is_compiled_without_recursion(passes):
    def chain(x):
        for _ in range(1500):
            x = np.tanh(x)
        return x * np.exp(Tensor(2.0) - 2)

    x, g = np.array([0.5, -0.25]), np.array([1.0, -3.0])
    leaf = Tensor(x)
    expected = grad(out := chain(leaf), leaf, g)
    value, (slope,) = compile(chain, Tensor(x), cotangent=g, passes=passes)(x, g)
    assert value == pytest.approx(out.data, rel=1e-13)
    assert slope == pytest.approx(expected, rel=1e-13)
