"""A program as JavaScript, run in a real browser under a strict policy: its numbers are NumPy's."""

import re

import derivatives
import numpy as np
import pytest
from derivatives import ARRAYS, CALLS
from scripts import Scripts, as_array, check

import microbn as mb
from microbn import Tensor, functional
from microbn.engine import functions as primitives
from microbn.engine.node import is_node
from microbn.engine.primitive import RULES
from microbn.errors import GraphError
from microbn.program import script
from microbn.program.compile import ALL_PASSES

FACTORIZATIONS = {
    *(np.linalg.inv, np.linalg.solve, np.linalg.cholesky, np.linalg.eigvalsh),
    primitives.eigenvectors,
}


@pytest.fixture
def run(browser, tmp_path):
    scripts = Scripts(browser, tmp_path)
    yield scripts
    scripts.context.close()


def compiled(f, operands, **options):
    """Compile f with its gradients for a random cotangent. Returns the program and its operands."""
    rng = np.random.default_rng(5)
    with np.errstate(all="ignore"):
        value = np.asarray(f(*operands))
        cotangent = rng.normal(size=value.shape).astype(value.dtype)
        examples = [Tensor(x) for x in operands]
        return mb.compile(f, *examples, cotangent=cotangent, **options), [*operands, cotangent]


def recorded(f, operands, **options):
    """Compile f alone. Returns the program and its operands."""
    examples = [Tensor(x) if np.asarray(x).dtype.kind == "f" else x for x in operands]
    with np.errstate(all="ignore"):
        return mb.compile(f, *examples, gradients=False, **options), operands


def function_of(expression):
    def call(x, y, z, row):
        names = {"np": np, "F": primitives, "ridge": np.diag([9.0, 16.0, 25.0])}
        return np.square(eval(expression, {**names, "x": x, "y": y, "z": z, "row": row}))

    return call


# --- all functions


def of_calls(passes):
    for function, expression in CALLS.items():
        if function not in FACTORIZATIONS:
            f = function_of(expression)
            yield expression, *compiled(f, [*ARRAYS.values()], passes=passes)


@pytest.mark.parametrize("passes", [ALL_PASSES, ()], ids=["all passes", "no passes"])
def test_every_function_and_its_rules_give_numpys_numbers(run, passes):
    check(run, [*of_calls(passes)])


def test_random_programs_and_their_gradients_give_numpys_numbers(run):
    cases = []
    for seed in range(60):
        one = derivatives.program(seed)
        cases.append((f"seed {seed}", *compiled(lambda *xs, f=one: f.run(xs), one.inputs)))
    check(run, cases)


SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, 1.5, -2.5, 3.0, 1e300, -7e-300]
LEFT, RIGHT = (np.repeat(SPECIAL, len(SPECIAL)), np.tile(SPECIAL, len(SPECIAL)))
WHOLE = np.array([[3, -4, 0, 7], [2, 5, -1, 0]])
TIES = np.array([[2.0, 1.0, 2.0, 1.0], [np.nan, 3.0, np.nan, 3.0], [0.5, -1.0, -1.0, 0.5]])
FLAT = {
    np.isclose: "np.isclose(x, y), np.isclose(x, y, 0.2, 0.1, equal_nan=True), np.isclose(t, 2)",
    np.allclose: "np.allclose(x, y), np.allclose(x, x, equal_nan=True), np.allclose(i, i + 1e-9)",
    np.array_equal: "np.array_equal(x, x), np.array_equal(i, i), np.array_equal(i, t), "
    "np.array_equal(x, x, equal_nan=True)",
    np.array_equiv: "np.array_equiv(i, i[0]), np.array_equiv(i, i), np.array_equiv(i, x)",
    np.all: "np.all(i), np.all(t, axis=1), np.all(i, axis=(0, -1), keepdims=True)",
    np.any: "np.any(i), np.any(t, axis=1), np.any(i == 0, axis=-1, keepdims=True)",
    np.bitwise_and: "np.bitwise_and(i, 6), i.astype(bool) & (t[:2] > 1)",
    np.bitwise_or: "np.bitwise_or(i, 2**40), i.astype(bool) | (t[:2] > 1)",
    np.bitwise_xor: "np.bitwise_xor(i, -2), i.astype(bool) ^ (t[:2] > 1)",
    np.invert: "np.invert(i), ~(t > 1)",
    np.round: "np.round(t / 3, 2), np.round(x), np.round(t * 100, -1)",
    np.floor_divide: "x // y, i // 2, i // -3, i // np.where(i < 0, 0, i)",
    np.argmax: "np.argmax(t), np.argmax(t, 0), np.argmax(t, axis=1, keepdims=True), np.argmax(i)",
    np.argmin: "np.argmin(t), np.argmin(t, 0), np.argmin(t, axis=1, keepdims=True), np.argmin(i)",
    np.nanargmax: "np.nanargmax(t), np.nanargmax(t, axis=1)",
    np.nanargmin: "np.nanargmin(t), np.nanargmin(t, axis=1)",
    np.argsort: "np.argsort(t, stable=True), np.argsort(t, axis=0), np.argsort(t, axis=None)",
    np.argpartition: "np.sort(t[0])[np.argpartition(t[0], 1)[1]], np.median(t, axis=1)",
    np.searchsorted: "np.searchsorted(np.array([-1, 0.5, 0.5, 2]), x), "
    "np.searchsorted(np.array([-1, 0.5, 0.5, 2, np.nan]), x, side='right'), "
    "np.searchsorted(np.sort(x), x[:9])",
    np.count_nonzero: "np.count_nonzero(i), np.count_nonzero(t, axis=1, keepdims=True)",
    primitives.stop_gradient: "F.stop_gradient(x)",
}
UNARY = [f for f in RULES if isinstance(f, np.ufunc) and f.nin == 1 and f is not np.invert]
UNARY += [np.isneginf, np.isposinf, np.fix, np.rint, np.around, primitives.relu]
BINARY = [f for f in RULES if isinstance(f, np.ufunc) and f.nin == 2 and not f.signature]
BITS = {np.bitwise_and, np.bitwise_or, np.bitwise_xor}


def test_special_values_are_numpys_in_every_function_entry_by_entry(run):
    cases = [(f.__name__, *recorded(f, [np.array(SPECIAL)])) for f in UNARY]
    pairs = [LEFT, RIGHT]
    cases += [(f.__name__, *recorded(f, pairs)) for f in BINARY if f not in BITS]
    check_entries(run, cases)


# Where both operands are 0, NumPy's own choice of the sign depends on the processor.
ANY_ZERO = {"maximum", "minimum", "relu"}


def check_entries(run, cases):
    """Like `check`, but each entry is compared on its own, and so is the sign of a zero."""
    for (name, program, operands), answer in zip(
        cases, run([(p.javascript, operands) for _, p, operands in cases]), strict=True
    ):
        with np.errstate(all="ignore"):
            expected = np.asarray(program(*operands), float)
        found = as_array(answer)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0, err_msg=name)
        zero = expected == 0
        if name not in ANY_ZERO:
            np.testing.assert_array_equal(np.signbit(found[zero]), np.signbit(expected[zero]), name)


def test_functions_without_a_gradient_give_numpys_numbers(run):
    operands = LEFT, RIGHT, TIES, WHOLE
    cases = []
    for expression in FLAT.values():
        space = {"np": np, "F": primitives}
        f = eval(f"lambda x, y, t, i: ({expression},)", space)
        cases.append((expression, *recorded(f, operands)))
    check(run, cases)


def test_every_function_of_the_table_is_tried_or_refused():
    tried = {*CALLS, *FLAT, *UNARY, *BINARY}
    assert {f.__name__ for f in RULES} - {f.__name__ for f in tried} == set()


def refused(name, f, *examples):
    program = mb.compile(f, *examples, gradients=False)
    with pytest.raises(GraphError, match=rf"a page cannot compute {name}; leave it out"):
        _ = program.javascript


@pytest.mark.parametrize(
    "function", sorted(FACTORIZATIONS, key=derivatives.name), ids=derivatives.name
)
def test_a_factorization_is_refused_by_its_name(function):
    spelled = script.spelled(function).replace(".", r"\.")
    refused(spelled, function_of(CALLS[function]), *map(Tensor, ARRAYS.values()))


def test_a_primitive_of_ones_own_is_refused_even_with_the_name_of_a_function():
    def add(x, y):
        return x - y

    own = mb.primitive(add)
    mb.defvjp(own)
    refused("add", own, Tensor(ARRAYS["x"]), Tensor(ARRAYS["y"]))


def test_an_index_of_a_truth_value_is_refused():
    refused("an index that is True", lambda x: x[True], Tensor([1.0]))


def test_a_dtype_that_a_page_lacks_is_refused():
    refused("with uint64", lambda x: x.astype(np.uint64), Tensor([1.0]))
    refused("with uint64", lambda x: x * 2, np.ones(3, np.uint64))
    refused("with uint64", lambda x: x + np.ones(3, np.uint64), Tensor([1.0]))


# --- shapes, indices, dtypes

INDEXED = [
    *("x[1]", "x[-1, :, 0]", "x[..., None, ::-2]", "x[1:, None, :-1]", "x[[1, 0, 1]]", "x[()]"),
    *("x[0, :, [1, 2]]", "x[:, [0, 2, 0], [1, 1, 3]]", "x[[[0], [1]], :, [0, 1, 2]]", "x[5:]"),
    *("x[None, 1, :, [0, 3]]", "x[np.array([True, False])]", "x[:, np.eye(3, 4) > 0]", "x[i]"),
    *(
        "x[i, i, i]",
        "x[:, i, None, 1]",
        "x[3:0:-1, ..., i]",
        "x[0, i[0], ..., None]",
        "np.flip(x, 1)",
    ),
    *("np.take_along_axis(x, np.argsort(x, axis=1), 1)", "np.tril(x)", "np.cumsum(x)", "x[:0]"),
    *("np.concatenate([x, 2 * x], axis=None)", "np.stack([x, x], -2)", "np.sum(x[:, :0], axis=1)"),
    *("x @ np.ones(4)", "np.ones(3) @ x", "x[0, 0] @ np.ones(4)", "x[:, :0] @ np.ones((4, 2))"),
    *("x[..., :0] @ np.ones((0, 2))", "x[:, None] @ np.ones((5, 4, 1))", "np.max(x, axis=())"),
    *(
        "np.sum(x)",
        "np.mean(x[0, 0, 0])",
        "np.cumsum(x[0, 0, 0])",
        "np.transpose(x)",
        "x[0, 0, 0].mean()",
    ),
    *(
        "np.broadcast_to(x[:, :1], (2, 2, 3, 4))",
        "np.mean(x, axis=(2, 0))",
        "+x",
        "x",
        "np.einsum('ijk->kj', x)",
    ),
    *("np.concatenate([x[0, 0], [1.0, 2.0]])", "np.stack([x[0, 0], (1.0, 2.0, 3.0, 4.0)], 1)"),
    *("np.where([True, False, True, False], x, 0)", "np.searchsorted([-1.0, 0.0, 1.0], x) * x"),
    *("np.pad(x, 1)", "np.var(x, axis=1)", "np.linalg.norm(x)", "np.convolve(x[0, 0], x[0, 1])"),
]


def test_indices_shapes_and_composed_functions_give_numpys_numbers(run):
    rng = np.random.default_rng(0)
    x, i = rng.normal(size=(2, 3, 4)), np.array([1, 0, -1])
    cases = []
    for expression in INDEXED:
        f = eval(f"lambda x, i: {expression}", {"np": np})
        cotangent = rng.normal(size=np.shape(f(x, i)))
        program = mb.compile(f, Tensor(x), i, cotangent=cotangent)
        cases.append((expression, program, [x, i, cotangent]))
    check(run, cases)


def test_empty_arrays_and_single_numbers_are_operands(run):
    def f(x, y):
        return np.sum(x * y, axis=0), x.T, y + 1

    cases = [(shape, *recorded(f, [np.ones(shape), 2.5])) for shape in [(0, 3), (3, 0), (0,)]]
    check(run, [*cases, ("()", *recorded(lambda x, y: (x * y, x - y), [np.array(3.0), -0.0]))])


def test_a_result_is_an_operand_of_the_next_call(run):
    def grown(x):
        return x * x + 1

    text = recorded(grown, [np.array([1.0, 2.0])])[0].javascript
    (answer,) = run([(text, ["grown(grown([1, 2]))"])])
    assert as_array(answer).tolist() == [26.0, 677.0]


def test_float32_is_rounded_after_each_operation_and_integers_wrap(run):
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    tenth = np.array([0.1, 0.2], np.float32)
    small = np.array([200, 100, 7], np.uint8)

    def exact(x, tenth, small):
        sums = (
            x * 0.1 + x,
            x / 3,
            np.sqrt(np.abs(x)),
            tenth > 0.1,
            tenth == 0.1,
            tenth.astype(float),
        )
        return *sums, small + small, small * 3, (x * 1000).astype(np.int8), (x * 3).astype(bool)

    check(run, [("exact", *recorded(exact, [x, tenth, small]))], 0)
    normed = compiled(functional.batch_norm, [x, x[0] + 1, x[1]])
    check(run, [("batch norm", *normed)], 1e-5)


# --- the text


def test_names_that_javascript_keeps_for_itself_are_replaced(run):
    def delete(var, new, function, size, np_, Math):
        let = var * new + function - size
        this = np.maximum(let, Math) * np_
        mb.label(locals())
        return this

    check(run, [("names", *compiled(delete, [*np.random.default_rng(0).normal(size=(6, 2))]))])


def test_a_script_brings_only_the_functions_that_it_calls():
    text = recorded(lambda x: np.exp(x) + 1, [ARRAYS["x"]])[0].javascript
    brought = {*re.findall(r"^(np\.\w+) =", text, re.MULTILINE)}
    assert brought == {"np.array", "np.operand", "np.broadcast_to", "np.exp", "np.add"}


def test_no_script_makes_code_from_text_or_asks_for_anything():
    runtime = "".join(script._pieces().values())
    assert not re.search(r"eval|Function|fetch|import|XMLHttp|document|window\.", runtime)


def test_a_program_keeps_no_values_for_its_script():
    program = recorded(lambda x: np.sum(np.exp(x) * 2), [np.ones(1000)])[0]
    steps = program._script._body
    assert len(steps) == 3
    assert not [y for x in steps for y in x.inputs if isinstance(y, np.ndarray) or is_node(y)]


def test_operands_that_do_not_fit_are_named(run):
    text = recorded(lambda x: x * 2, [np.ones((2, 3))])[0].javascript
    bad = [np.ones((3, 2)), np.ones(6), 1.0]
    for answer in run([(text, [x]) for x in bad]):
        assert re.match(
            r"RangeError: x has shape \[.*\], the program was compiled for \[2,3\]", answer
        )
    other = [
        text.replace('np.operand("x", x,', f'np.operand("x", {x},') for x in ("'a'", "undefined")
    ]
    for answer in run([(text, [np.ones((2, 3))]) for text in other]):
        assert answer.startswith("TypeError: x has to be a number")


def test_an_index_that_is_out_of_bounds_is_an_error(run):
    program, _ = recorded(lambda x, i: x[i], [np.ones(3), np.array([0])])
    (answer,) = run([(program.javascript, [np.ones(3), np.array([3])])])
    assert answer == "RangeError: index 3 is out of bounds for an axis of 3"


# --- the tests notice a fault

FAULTS = {
    "np.multiply": ("x * y", "x * y * (1 + 1e-9)"),
    "np.subtract": ("x - y", "y - x"),
    "strides": ("axis + 1", "axis"),
    "addedUp": ("+= data", "= data"),
    "np.mean": (" / row.length", " / (row.length - 1)"),
    "np.matmul": ("row * k + j", "j * n + row"),
    "np.where": ("? x : y", "? y : x"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_a_function_is_noticed(run, monkeypatch, name):
    pieces, (right, wrong) = script._pieces(), FAULTS[name]
    assert right in pieces[name]
    faulty = {**pieces, name: pieces[name].replace(right, wrong)}
    monkeypatch.setattr(script, "_pieces", lambda: faulty)
    with pytest.raises(AssertionError):
        check(run, [*of_calls(ALL_PASSES)])
