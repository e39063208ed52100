"""Compiled programs: the results they return, how they read, and the calls they refuse."""

import copy
import linecache
import pickle
import re
import subprocess
import sys
import traceback
import weakref

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, errors, grad, nn
from microbn import functional as F
from microbn.program.compile import PASSES, compile

RNG = np.random.default_rng(5)
X, DY = RNG.normal(size=(2, 4, 3))
GAMMA, BETA = RNG.normal(size=(2, 3))


def batch_norm(**options):
    return compile(
        F.batch_norm, Tensor(X, "x"), Tensor(GAMMA), Tensor(BETA), cotangent=DY, **options
    )


def eager(f, *arrays, cotangent=None):
    leaves = [Tensor(a) for a in arrays]
    out = f(*leaves)
    return out.data, grad(out, leaves, cotangent)


def assert_close(found, expected, rtol=1e-12):
    """Compare relative to the largest number, since some gradients are 0 up to rounding."""
    mine, theirs = ((value, *gradients) for value, gradients in (found, expected))
    finite = [np.abs(array)[np.isfinite(array)] for array in map(np.asarray, theirs)]
    largest = max(np.max(array, initial=0) for array in finite)
    for one, other in zip(mine, map(np.asarray, theirs), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=rtol * largest, strict=True)


def net(x, targets, w1, gamma, beta, w2):
    return F.cross_entropy(F.relu(F.batch_norm(x @ w1, gamma, beta)) @ w2, targets)


def weights(seed=0, dtype=float):
    rng = np.random.default_rng(seed)
    shapes = (4, 6), (6,), (6,), (6, 3)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


# Results


@pytest.mark.parametrize("left_out", [None, *PASSES, PASSES])
def test_other_arrays_than_the_examples_give_what_the_engine_gives(left_out):
    passes = [name for name in PASSES if name not in (left_out or ())]
    program = batch_norm(passes=passes)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        x, dy = rng.normal(3, 10, size=(4, 3)), rng.normal(size=(4, 3))
        expected = eager(F.batch_norm, x, GAMMA, BETA, cotangent=dy)
        assert_close(program(x, GAMMA, BETA, dy), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_stay(dtype):
    arrays = [a.astype(dtype) for a in (X, GAMMA, BETA, DY)]
    program = compile(F.batch_norm, *map(Tensor, arrays[:3]), cotangent=arrays[3])
    y, gradients = program(*arrays)
    assert {y.dtype, *(g.dtype for g in gradients)} == {np.dtype(dtype)}
    expected = eager(F.batch_norm, *arrays[:3], cotangent=arrays[3])
    assert_close((y, gradients), expected, rtol=1e-5 if dtype == np.float32 else 1e-12)


def test_images():
    x, dy = RNG.normal(size=(2, 2, 3, 2, 2))
    leaves = Tensor(x), Tensor(GAMMA), Tensor(BETA)
    program = compile(F.batch_norm, *leaves, cotangent=dy)
    expected = eager(F.batch_norm, x, GAMMA, BETA, cotangent=dy)
    assert_close(program(x, GAMMA, BETA, dy), expected)


def test_tensors_get_a_gradient_and_arrays_are_data():
    x, targets = RNG.normal(size=(5, 4)), np.array([0, 2, 1, 1, 0])
    program = compile(net, x, targets, *map(Tensor, weights()))
    assert "d_x " not in program.source
    for seed, labels in ((0, targets), (1, targets), (2, targets[::-1].copy())):
        expected = eager(lambda *w, y=labels: net(x, y, *w), *weights(seed))
        loss, gradients = program(x, labels, *weights(seed))
        assert len(gradients) == 4
        assert_close((loss, gradients), expected)


@pytest.mark.bits
def test_a_function_may_return_several_things_and_the_first_is_differentiated():
    program = compile(lambda x: ((x * x).sum(), x + 1, 2.0), Tensor(X))
    (total, more, two), (dx,) = program(X)
    assert total == pytest.approx(np.sum(X * X))
    assert np.array_equal(more, X + 1)
    assert np.array_equal(dx, 2 * X)
    assert two == 2


def test_without_gradients_it_gives_what_the_function_returns():
    def hessian_vector(x, v):
        (g,) = grad(np.sum(x**3), [x], create_graph=True)
        return grad(np.sum(g * v), x, create_graph=True)

    program = compile(hessian_vector, X, DY, gradients=False)
    np.testing.assert_allclose(program(X, DY), 6 * X * DY, rtol=1e-12)


def test_second_derivatives_are_programs_too():
    def gradient(x, gamma, beta, dy):
        return grad(F.batch_norm(x, gamma, beta), x, dy, create_graph=True)

    program = compile(gradient, Tensor(X), GAMMA, BETA, Tensor(DY), cotangent=DY)
    leaves = [Tensor(a) for a in (X, GAMMA, BETA, DY)]
    out = gradient(*leaves)
    expected = out.data, grad(out, (leaves[0], leaves[3]), DY)
    assert_close(program(X, GAMMA, BETA, DY, DY), expected, rtol=1e-10)


def test_an_operand_without_influence_has_the_gradient_zero():
    _, (dx, dy) = compile(lambda x, y: x.sum(), Tensor(X), Tensor(GAMMA))(X, GAMMA)
    assert (dx.tolist(), dy.tolist()) == (np.ones((4, 3)).tolist(), [0, 0, 0])


@pytest.mark.bits
def test_results_are_nobody_elses_memory():
    program = batch_norm()
    arrays = [a.copy() for a in (X, GAMMA, BETA, DY)]
    y, gradients = program(*arrays)
    kept = [a.copy() for a in (y, *gradients)]
    program(X + 1, GAMMA, BETA * 2, DY * 3)
    for result, before in zip((y, *gradients), kept, strict=True):
        assert np.array_equal(result, before)
        result += 1
    for given, before in zip(arrays, (X, GAMMA, BETA, DY), strict=True):
        assert np.array_equal(given, before)


def test_what_is_handed_on_is_copied():
    program = compile(lambda x: (x, x.T, x[0]), X, gradients=False)
    given = X.copy()
    for result in program(given):
        assert not np.shares_memory(result, given)


@pytest.mark.bits
def test_arrays_in_any_order_of_memory_give_the_same_bits():
    x, dy = RNG.normal(size=(2, 130, 70))  # large enough for the order of a sum to show
    gamma, beta = RNG.normal(size=(2, 70))
    leaves = Tensor(x), Tensor(gamma), Tensor(beta)
    program = compile(F.batch_norm, *leaves, cotangent=dy)
    found = program(np.asfortranarray(x), gamma, np.repeat(beta, 2)[::2], np.asfortranarray(dy))
    assert_close(found, program(x, gamma, beta, dy), rtol=0)


@pytest.mark.bits
def test_single_numbers():
    program = compile(lambda w, x, b: np.tanh(w * x + b), Tensor(0.5), Tensor(2.0), Tensor(-1.0))
    y, gradients = program(1.5, 2.0, np.float64(-3.0))
    assert (y, [float(g) for g in gradients]) == (0, [2, 1.5, 1])


def test_whatever_is_switched_on_around_does_not_matter():
    examples = [Tensor(a) for a in (X, GAMMA, BETA)]
    with mb.no_grad(), mb.scope("around"), mb.trace():
        program = compile(F.batch_norm, *examples, cotangent=DY)
        assert Tensor(1.0).scope == ("around",)
    assert program.source == batch_norm().source


def test_a_module_is_compiled_with_its_parameters_as_examples():
    norm = nn.BatchNorm(6, track_running_stats=False)
    model = nn.Sequential(nn.Linear(4, 6, rng=0), norm, nn.ReLU(), nn.Linear(6, 3, rng=1))
    x, parameters = RNG.normal(size=(5, 4)), model.parameters()
    program = compile(lambda x, *_: model(x).sum(), x, *parameters)
    for p in parameters:
        p.data += 0.1
    expected = model(x).sum()
    found = program(x, *(p.data for p in parameters))
    assert_close(found, (expected.data, grad(expected, parameters)))


def test_what_the_error_for_a_modules_parameters_says_can_be_run():
    model, x = nn.Linear(3, 2, rng=0), Tensor(X)

    def f(x):
        return np.sum(np.tanh(model(x)))

    with pytest.raises(errors.GraphError, match=r"'weight'.*none of the examples") as caught:
        compile(f, x)
    (advice,) = re.findall(r"\(for a module: (compile\(.*\))\), or use", str(caught.value))
    program = eval(advice, {"compile": compile, "f": f, "model": model, "x": x})
    parameters = model.parameters()
    expected = f(x)
    found = program(X, *(p.data for p in parameters))
    assert_close(found, (expected.data, grad(expected, [x, *parameters])))


# The source


def test_variables_have_the_names_of_the_graph():
    lines = [line.split(" = ")[0].strip() for line in batch_norm().source.splitlines()]
    for name in ("centered", "var", "std", "x_hat", "y", "d_x_hat", "d_std", "d_gamma", "d_x"):
        assert name in lines


def test_names_carry_their_groups_and_parameters_those_of_their_layer():
    model = nn.Sequential(nn.Linear(4, 6, rng=0), nn.BatchNorm(6), nn.BatchNorm(6)).eval()
    program = compile(lambda x, *_: model(x).sum(), X[:, [0, 1, 2, 0]], *model.parameters())
    for name in ("layers_0_weight", "layers_1_x_hat", "layers_2_x_hat", "d_layers_2_x_hat"):
        assert f" {name} = " in program.source or f" {name}," in program.source


def test_a_value_without_a_name_is_a_number_of_what_it_leads_to():
    source = compile(lambda x: mb.label({"total": (t := np.sum(x * 3 + 1))}) or t, Tensor(X)).source
    assert "total_1 = " in source
    assert "total = np.sum(total_2)" in source


def test_names_that_python_or_the_program_needs_are_left_alone():
    operands = [Tensor(X, name) for name in ("np", "lambda", "relu", "x 1", "x 1", "1st")]
    program = compile(lambda *xs: sum(F.relu(x).sum() for x in xs), *operands)
    assert program.source.splitlines()[-1].startswith("    return")
    loss, gradients = program(*[X] * 6)
    assert loss == pytest.approx(6 * np.maximum(X, 0).sum())
    assert all(np.array_equal(g, X > 0) for g in gradients)


def test_forward_and_backward_stand_apart_with_the_shapes_beside():
    source = batch_norm().source
    forward, backward = source.split("    # backward\n")
    assert "    # forward\n" in forward
    assert " d_" not in forward.partition("# forward")[2]
    assert all("# (" in line for line in backward.splitlines()[:-1])


def test_every_statement_is_one_operation():
    for line in batch_norm().source.split("# forward\n")[1].splitlines()[:-1]:
        if " = " in line:
            expression = line.split(" = ")[1].split("  #")[0]
            assert (
                sum(expression.count(f" {sign} ") for sign in "+-*/@") + expression.count("np.")
                <= 1
            )


@pytest.mark.bits
@pytest.mark.parametrize("left_out", [None, "algebra", PASSES])
def test_the_source_runs_with_numpy_alone_and_gives_the_same_bits(left_out, tmp_path):
    program = batch_norm(passes=[name for name in PASSES if name not in (left_out or ())])
    np.savez(tmp_path / "in.npz", x=X, gamma=GAMMA, beta=BETA, d_y=DY)
    (tmp_path / "module.py").write_text(str(program))
    script = (
        "import sys; sys.modules['microbn'] = None; import numpy as np, module\n"
        "y, grads = module.batch_norm(**np.load('in.npz')); np.savez('out.npz', y, *grads)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    out = np.load(tmp_path / "out.npz")
    y, gradients = program(X, GAMMA, BETA, DY)
    for i, result in enumerate((y, *gradients)):
        assert np.array_equal(out[f"arr_{i}"], result)


@pytest.mark.bits
def test_a_primitive_of_ones_own_is_imported_by_the_source():
    mb.defvjp(tripled, lambda g, out, x: 3 * g)
    program = compile(lambda x: np.sum(tripled(x)), Tensor(X))
    assert f"from {__name__} import tripled" in program.source
    space = {}
    exec(program.source, space)
    assert_close(space["program"](X), program(X), rtol=0)
    assert_close(program(X), (3 * X.sum(), (np.full(X.shape, 3.0),)))


@mb.primitive
def tripled(x):
    return 3 * x


@pytest.mark.bits
def test_constants_are_written_to_the_last_bit():
    odd = np.array([[0.1, np.inf], [1e-300, np.nan]])
    x, dy = X[:2, :2], DY[:2, :2]
    program = compile(
        lambda x: np.where(odd > 0, x + odd.T, x) + np.float64(0.1), Tensor(x), cotangent=dy
    )
    space = {}
    exec(program.source, space)
    assert_close(space["program"](x, dy), program(x, dy), rtol=0)


def test_a_traceback_shows_the_statement():
    program = compile(lambda x: np.log(x).sum(), Tensor(np.ones(3)))
    with np.errstate(invalid="raise"), pytest.raises(FloatingPointError) as caught:
        program(-np.ones(3))
    assert "np.log(x" in "".join(traceback.format_exception(caught.value))


def test_a_program_that_is_dropped_is_gone_with_its_lines():
    program = batch_norm()
    file, watch = program._run.__code__.co_filename, weakref.ref(program)
    assert "np.sqrt(std_1" in linecache.getline(file, 10)
    del program
    assert watch() is None
    assert file not in linecache.cache


def test_primitives_of_the_same_name_and_of_the_functions_own():
    def named(name, factor):
        def function(x):
            return factor * x

        function.__name__ = function.__qualname__ = name
        made = mb.primitive(function)
        mb.defvjp(made, lambda g, out, x: factor * g)
        return made

    two, five = named("scaled", 2), named("scaled", 5)
    value, (slope,) = compile(lambda x: np.sum(two(x) + five(x)), Tensor(X))(X)
    assert (value, slope.max()) == (pytest.approx(7 * X.sum()), 7)
    for f in (F.relu, named("gate", 1), named("spread", 1)):
        assert_close(compile(f, Tensor(X), cotangent=DY)(X, DY), eager(f, X, cotangent=DY))


def test_an_index_that_is_computed_is_another_one_in_the_next_run():
    def largest(x, i):
        return (x * 2)[np.argmax(x[:, 0])].sum() + (x * 3)[i].sum()

    program = compile(largest, Tensor(X), np.array(1))
    for x, i in ((X, 1), (X[::-1].copy(), 3)):
        expected = eager(lambda x, i=i: largest(x, i), x)
        assert_close(program(x, np.array(i)), expected)


def test_names_that_python_takes_for_the_same_stay_apart():
    def f(x):
        a, b, c = np.exp(x), np.tanh(x), np.exp(-x)
        mb.label({"\u00b5": a, "\u03bc": b, "x²": c})
        return (a * b * c).sum()

    assert compile(f, Tensor(X))(X)[0] == pytest.approx(np.tanh(X).sum())


def test_keywords_are_part_of_a_call():
    @mb.primitive
    def picked(x, weights=None):
        return x * weights[1]

    mb.defvjp(picked, lambda g, out, x, weights=None: g * weights[1])
    near = [np.array([1.0, 2.0 + d]) for d in (0, 1e-9)]
    program = compile(
        lambda x: np.sum(picked(x, weights=near[1]) - picked(x, weights=near[0])), ONE
    )
    assert program(X)[0] == pytest.approx(1e-9 * X.sum(), rel=1e-5)


@pytest.mark.bits
def test_the_same_gradient_twice_is_two_arrays():
    _, (dx, dy) = compile(lambda x, y: np.tanh(x + y).sum(), Tensor(X), Tensor(DY))(X, DY)
    assert np.array_equal(dx, dy)
    assert not np.shares_memory(dx, dy)


def test_a_program_is_neither_copied_nor_pickled():
    for way in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(errors.GraphError, match="is not copied"):
            way(batch_norm())


@pytest.mark.bits
def test_infinities_among_the_numbers():
    lower = np.tril(np.ones((3, 3), bool))
    x = X[:3]
    program = compile(lambda x: np.sum(np.exp(np.where(lower, x, -np.inf))), Tensor(x))
    space = {}
    exec(program.source, space)
    assert_close(program(x), space["program"](x), rtol=0)
    assert program(x)[0] == pytest.approx(np.exp(x)[lower].sum())


def test_a_square_reads_like_one():
    source = compile(lambda w: np.sum(w**2), Tensor(X)).source
    assert "out_1 = np.square(w)" in source
    assert "d_w = 2.0 * w" in source


@pytest.mark.bits
def test_long_statements_are_folded():
    program = compile(lambda *xs: [x + 1 for x in xs], *[X] * 40, gradients=False)
    assert max(map(len, program.source.splitlines())) <= 100
    assert all(np.array_equal(result, X + 1) for result in program(*[X] * 40))


def test_repr_names_the_operands():
    expected = "<Program of x (4, 3), gamma (3,), beta (3,) and d_y (4, 3)>"
    assert repr(batch_norm()) == expected


# Calls that are refused

HELD = Tensor([1.0, 2.0, 3.0], "held")
ONE = Tensor(X, "one")


def quietly(x):
    with mb.no_grad():
        return x.sum()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: batch_norm()(X, GAMMA), errors.ArgumentError, r"x, gamma, beta and d_y, got 2"),
        (lambda: batch_norm()(X[:2], GAMMA, BETA, DY), errors.ShapeError, r"x is .*\(2, 3\)"),
        (
            lambda: batch_norm()(X, 1.0, BETA, DY),
            errors.ShapeError,
            r"gamma .* \(3,\); convert",
        ),
        (
            lambda: batch_norm()(X, GAMMA, BETA, DY.astype(np.float32)),
            errors.DTypeError,
            "d_y is float32 .* compiled for float64",
        ),
        (
            lambda: batch_norm(passes=["speed"]),
            errors.ArgumentError,
            "'speed' is not a pass; write dead",
        ),
        (lambda: compile(F.relu, Tensor(X)), errors.ShapeError, "Pass the cotangent"),
        (lambda: compile(F.relu, Tensor(X), cotangent=GAMMA), errors.ShapeError, "cotangent has"),
        (lambda: compile(np.sum, X), errors.GraphError, "no example is a Tensor"),
        (lambda: compile(np.sum), errors.GraphError, "no example is a Tensor"),
        (lambda: compile(lambda x: np.sum(x * HELD), Tensor(X)), errors.GraphError, "uses 'held'"),
        (lambda: compile(np.add, ONE, ONE), errors.ArgumentError, "the same Tensor .* twice"),
        (lambda: compile(lambda x: x[x > 0].sum(), ONE), errors.ShapeError, r"x\[mask\] depends"),
        (lambda: compile(lambda x: (x, (x, x)), ONE), errors.DTypeError, "a tuple in a tuple"),
        (lambda: compile(np.sum, [ONE]), errors.DTypeError, r"example 0 is a list .* \*xs"),
        (
            lambda: compile(lambda x: x - grad(np.sum(x * x), x), X, gradients=False),
            errors.GraphError,
            "would be a constant .* create_graph=True",
        ),
        (
            lambda: compile(lambda x: np.sum(x).backward(), X, gradients=False),
            errors.GraphError,
            "would be a constant",
        ),
        (
            lambda: compile(lambda x: setattr(x, "data", X), X, gradients=False),
            errors.GraphError,
            "f replaces the data of 'x'",
        ),
        (lambda: compile(quietly, ONE), errors.GraphError, "no_grad.* would be a constant"),
        (
            lambda: compile(lambda x: batch_norm()(x, x, x, x)[0].sum(), ONE),
            errors.GraphError,
            "a program gives numbers",
        ),
        (
            lambda: compile(nn.BatchNorm(3), Tensor(X), cotangent=DY),
            errors.GraphError,
            "would not record; use lab's CompiledStep",
        ),
        (
            lambda: compile(np.sum, X, gradients=False, cotangent=DY),
            errors.ArgumentError,
            "a cotangent is for gradients",
        ),
        (lambda: compile(lambda x: {"y": x}, Tensor(X)), errors.DTypeError, "f returned a dict"),
        (lambda: compile(lambda x: [], Tensor(X)), errors.DTypeError, "f returned nothing"),
        (lambda: compile(lambda x: 1.0, Tensor(X)), errors.DTypeError, "starts from a Tensor"),
        (lambda: compile(np.sum, ONE, "text"), errors.DTypeError, "cannot make a tensor from text"),
        (lambda: compile(3, Tensor(X)), errors.DTypeError, "compiles a function, got 3"),
    ],
)
def test_what_cannot_be_meant_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_tensor_made_inside_is_a_constant():
    program = compile(lambda x: np.sum(x * Tensor([1.0, 2.0, 3.0])), Tensor(X))
    assert np.array_equal(program(X)[1][0], np.tile([1.0, 2, 3], (4, 1)))


@pytest.mark.bits
def test_a_refused_call_computes_nothing():
    program = batch_norm()
    before = program(X, GAMMA, BETA, DY)
    with pytest.raises(errors.ShapeError):
        program(2 * X, GAMMA, BETA, DY[:2])
    assert_close(program(X, GAMMA, BETA, DY), before, rtol=0)


@pytest.mark.parametrize("x", [np.array(2.0), np.array([1.0, 2.0], np.float32)], ids=["0-d", "f32"])
def test_a_program_may_return_its_operand(x):
    g = RNG.normal(size=x.shape).astype(x.dtype)
    program = mb.compile(lambda a, b: (a, a * b), Tensor(x), Tensor(x), cotangent=g)
    (first, product), (of_a, of_b) = program(x + 1, x, g)
    np.testing.assert_array_equal(first, x + 1)
    np.testing.assert_array_equal(product, (x + 1) * x)
    np.testing.assert_array_equal(of_a, g)
    np.testing.assert_array_equal(of_b, np.zeros_like(x))
    assert of_a.dtype == x.dtype


def test_a_program_of_one_number_may_return_it():
    program = mb.compile(lambda a: a, Tensor(2.0))
    assert program(3.0) == (3.0, (1.0,))


def test_an_array_that_f_returns_is_taken_as_it_was():
    held, number = np.ones(3), np.array(2.0)
    x = np.array([1.0, 2.0, 3.0])
    several = compile(lambda x: (x * held, held, number), Tensor(x), gradients=False)
    alone = compile(lambda x: held, Tensor(x), gradients=False)
    held[:] = number[...] = 7
    assert [y.tolist() for y in several(x)] == [[1, 2, 3], [1, 1, 1], 2]
    assert alone(x).tolist() == [1, 1, 1]
    alone(x)[:] = 5
    assert alone(x).tolist() == [1, 1, 1]
