"""Code read as words: evaluating the text gives the same bits, and no parentheses are idle."""

import ast
import functools
import inspect
import operator

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from microbn import Tensor, errors
from microbn import functional as F
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
from microbn.engine.names import spelled
from microbn.engine.primitive import RULES, rules_of
from microbn.reading import symbol
from microbn.reading.symbol import Symbol, formula

RNG = np.random.default_rng(0)
PRIMITIVES = {f.__name__: f for f in RULES if hasattr(f, "compute")}


def evaluated(text, **operands):
    """Evaluate the text as Python."""
    with np.errstate(all="ignore"):
        return eval(text.replace("·", "*"), {**vars(np), **PRIMITIVES, **operands})


def same_bits(a, b):
    a, b = np.asarray(a), np.asarray(b)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def parsed(text):
    return ast.dump(ast.parse(text.replace("·", "*"), mode="eval"))


def pairs(text):
    """Yield where parentheses open and close, except those of calls."""
    opened = []
    for i, character in enumerate(text):
        if character == "(":
            opened.append(i)
        if character == ")":
            start = opened.pop()
            if not (start and (text[start - 1].isalnum() or text[start - 1] in "_])")):
                yield start, i


def idle(text):
    """Yield each text with one pair of parentheses fewer that means the same to Python."""
    for start, end in pairs(text):
        shorter = text[:start] + text[start + 1 : end] + text[end + 1 :]
        try:
            if parsed(shorter) == parsed(text):
                yield shorter
        except SyntaxError:
            pass


# Random expressions. Each is a function that computes it, and its text with all parentheses.

ARITHMETIC = {
    **{"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv},
    **{"**": operator.pow, "@": operator.matmul, "//": operator.floordiv},
}
COMPARISONS = {"<": operator.lt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne}
LOGIC = {"&": operator.and_, "|": operator.or_}
BINARY = ARITHMETIC | COMPARISONS | LOGIC
UNARY = {"-": operator.neg, "+": operator.pos, "~": operator.invert}
CALLS = {
    "exp({})": np.exp,
    "({})[::-1]": lambda x: x[::-1],
    "({})[..., [-1, 0]]": lambda x: x[..., [-1, 0]],
    "({}).mT": lambda x: x.mT,
    "mean({}, axis=0, keepdims=True)": lambda x: x.mean(axis=0, keepdims=True),
    "swapaxes({}, 0, -1)": lambda x: np.swapaxes(x, 0, -1),
    "reshape({}, (2, -1))": lambda x: x.reshape(2, -1),
    "where({} > 0, 1, -1)": lambda x: np.where(x > 0, 1, -1),
}


def named(name):
    return operator.itemgetter(name), name


def constant(value):
    return (lambda v: np.array(value) if isinstance(value, list) else value), f"({value})"


def binary(left, sign, right):
    return (lambda v: BINARY[sign](left[0](v), right[0](v))), f"({left[1]} {sign} {right[1]})"


def unary(sign, operand):
    return (lambda v: UNARY[sign](operand[0](v))), f"({sign} {operand[1]})"


def called(call, operand):
    return (lambda v: CALLS[call](operand[0](v))), call.format(operand[1])


def expressions(signs, unary_signs):
    constants = st.sampled_from([2, -1, 0.5, -1e-05, [[0.25, -3.0], [1.0, 7.5]]]).map(constant)
    arithmetic = st.sampled_from([*ARITHMETIC])  # Python turns 2 < x into x > 2
    return st.recursive(
        st.sampled_from("xyz").map(named),
        lambda inner: st.one_of(
            st.builds(binary, inner, st.sampled_from([*signs]), inner | constants),
            st.builds(binary, constants, arithmetic, inner),
            st.builds(unary, st.sampled_from([*unary_signs]), inner),
            st.builds(called, st.sampled_from([*CALLS]), inner),
        ),
        max_leaves=8,
    )


XYZ = {name: RNG.normal(size=(2, 2)) for name in "xyz"}
ANY = expressions(BINARY, UNARY)
NUMERIC = expressions(ARITHMETIC | COMPARISONS, "-+")


def assert_means(expression):
    """Check that Python reads the text as the same expression, and needs every parenthesis."""
    compute, full = expression
    text = str(compute({name: Symbol(name) for name in "xyz"}))
    assert parsed(text) == parsed(full)
    assert [*idle(text)] == []


@given(ANY)
def test_text_parses_as_the_code_did_with_no_parentheses_to_spare(expression):
    assert_means(expression)


@pytest.mark.bits
@given(NUMERIC)
def test_text_evaluates_to_the_same_bits(expression):
    compute, _ = expression
    try:
        with np.errstate(all="ignore"):
            value = compute(XYZ)
    except (TypeError, ValueError):  # minus True, or shapes that do not multiply
        assume(False)
    assert same_bits(evaluated(str(compute({n: Symbol(n) for n in "xyz"})), **XYZ), value)
    assert same_bits(compute({n: Symbol(n, a) for n, a in XYZ.items()}).value, value)


X, Y, Z = map(Symbol, "xyz")
PRECEDENCE = [
    (X - (Y - Z), "x - (y - z)"),
    (X - Y - Z, "x - y - z"),
    (X * (Y / Z), "x · (y / z)"),
    (X * Y / Z, "x · y / z"),
    (X @ (Y * Z), "x @ (y · z)"),
    ((-X) ** 2, "(-x) ** 2"),
    (-(X**2), "-x ** 2"),
    (2 ** (3**X), "2 ** 3 ** x"),
    ((2**X) ** 3, "(2 ** x) ** 3"),
    ((-1) ** X, "(-1) ** x"),
    (X**-Y, "x ** -y"),
    (-(X * Y), "-(x · y)"),
    (-X * Y, "-x · y"),
    (X - -1, "x - -1"),
    ((X < Y) < Z, "(x < y) < z"),
    ((X > 0) & (Y > 0), "(x > 0) & (y > 0)"),
    ((X + Y).mT @ Z, "(x + y).mT @ z"),
    ((-X)[0], "(-x)[0]"),
]


@pytest.mark.parametrize(("expression", "text"), PRECEDENCE, ids=[t for _, t in PRECEDENCE])
def test_operators_read(expression, text):
    assert str(expression) == text


FAULTS = {
    "a product as loose as a sum": {np.multiply: ("·", 3, 3, 4)},
    "subtraction from the right": {np.subtract: ("-", 3, 4, 3)},
    "powers from the left": {np.power: ("**", 6, 6, 7)},
    "a minus tighter than a power": {np.negative: ("-", 7, 7, 7)},
    "comparisons that nest": {np.less: ("<", 0, 0, 1)},
    "parentheses around every operand": {np.add: ("+", 3, 7, 7)},
}


def pairs_of_operators():
    x, y, z = map(named, "xyz")
    for one in BINARY:
        for two in BINARY:
            yield binary(binary(x, one, y), two, z)
            yield binary(x, one, binary(y, two, z))
        for sign in UNARY:
            yield unary(sign, unary("-", x))
            yield unary(sign, binary(x, one, y))
            yield binary(unary(sign, x), one, y)
            yield binary(x, one, unary(sign, y))
        yield binary(constant(-2), one, x) if one in ARITHMETIC else binary(x, one, constant(-2))


def test_every_pair_of_operators_reads():
    for expression in pairs_of_operators():
        assert_means(expression)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_precedence_is_rejected(fault, monkeypatch):
    for ufunc, row in FAULTS[fault].items():
        monkeypatch.setitem(symbol.SIGNS, ufunc, row)
    with pytest.raises(AssertionError):
        test_every_pair_of_operators_reads()


def test_the_check_finds_idle_parentheses():
    assert [*idle("(x + y) + z")] == ["x + y + z"]
    assert [*idle("x + (y + z) * exp(x)")] == []


# Gradient rules.

A, B, ROW = RNG.normal(size=(3, 2)), RNG.normal(size=(3, 2)), RNG.normal(size=(2,))
SPD = A.T @ A  # a symmetric matrix of which every eigenvalue is positive
REDUCTIONS = [((A,), kw) for kw in ({}, {"axis": 0}, {"axis": (0, 1), "keepdims": True})]
CALLS_OF_RULES = {  # other functions are called with two arrays, or with one
    np.matmul: [((A.T, B), {}), ((A[0], B.T), {}), ((A, ROW), {}), ((ROW, ROW), {})],
    np.power: [((np.abs(A), B), {})],
    np.sqrt: [((np.abs(A),), {})],
    np.log: [((np.abs(A),), {})],
    np.log1p: [((np.abs(A),), {})],
    **{f: [((np.tanh(A),), {})] for f in (np.arcsin, np.arccos, np.arctanh)},
    np.arccosh: [((1 + np.abs(A),), {})],
    np.where: [((A > 0, A, B), {})],
    np.sum: REDUCTIONS,
    np.mean: REDUCTIONS,
    np.max: REDUCTIONS,
    np.min: REDUCTIONS,
    np.cumsum: [((A,), {"axis": 0}), ((A,), {})],
    **{f: [((SPD,), {})] for f in (np.linalg.inv, np.linalg.cholesky)},
    **{f: [((SPD,), {})] for f in (np.linalg.eigvalsh, eigenvectors)},
    np.linalg.solve: [((SPD, A.T), {}), ((SPD, ROW), {})],
    np.reshape: [((A, (2, 3)), {})],
    np.expand_dims: [((A, 1), {})],
    np.squeeze: [((A[:, None],), {}), ((A[:, None],), {"axis": 1})],
    np.broadcast_to: [((A, (4, 3, 2)), {})],
    gate: [((A, B > 0), {})],
    spread: [((A, (4, 3, 2)), {})],
    np.transpose: [((A,), {}), ((A, (1, 0)), {})],
    np.swapaxes: [((A, 0, 1), {})],
    astype: [((A, np.float32), {})],
    getitem: [((A, 0), {}), ((A, slice(1, None), None), {}), ((A, np.array([0, 0, 2])), {})],
    scatter: [((A, (4, 2), np.array([0, 0, 2])), {})],
    windows: [((A, (2, 1)), {}), ((A, (2,)), {})],
    overlap_add: [((A[:, None], (3, 2)), {}), ((np.array([[A], [B]]), (4, 2)), {})],
    concatenate: [((A, B), {}), ((A, B), {"axis": -1})],
    stack: [((A, B), {}), ((A, B), {"axis": -1})],
}
RULED = [function for function, vjps in RULES.items() if any(vjps)]


def calls(function):
    two = isinstance(function, np.ufunc) and function.nin == 2
    return CALLS_OF_RULES.get(function, [((A, B) if two else (A,), {})])


def names(function):
    parameters = inspect.signature(next(filter(None, RULES[function]))).parameters
    return [name for name in parameters if name != "position"][2:]


def assert_reads_the_rules(function, operands, keywords, texts, given=None):
    out = function(*operands, **keywords)
    g = np.random.default_rng(1).normal(size=np.shape(out)).astype(out.dtype)
    if given is None:
        several = "xs" in names(function)
        given = {"xs": operands} if several else dict(zip(names(function), operands, strict=False))
    for vjp, text in zip(rules_of(function, len(operands)), texts, strict=True):
        assert (vjp is None) == (text is None)
        if vjp:
            read = evaluated(text, g=g, out=out, **given)
            assert same_bits(vjp(g, out, *operands, **keywords), read)
            assert [*idle(text)] == []


@pytest.mark.bits
@pytest.mark.parametrize("function", RULED, ids=spelled)
def test_rules_read_from_examples_evaluate_to_what_they_compute(function):
    for operands, keywords in calls(function):
        texts = formula(function, *operands, **keywords)
        assert_reads_the_rules(function, operands, keywords, texts)


@pytest.mark.bits
@pytest.mark.parametrize("function", RULED, ids=spelled)
def test_rules_read_from_names_evaluate_to_what_they_compute(function):
    for operands, keywords in calls(function):
        arrays = [x for x in operands if isinstance(x, np.ndarray) and x.dtype.kind in "fb"]
        if any(np.ndim(x) == 1 for x in arrays) or (function is stack and keywords):
            continue  # without an example every array is a matrix
        named = names(function)
        if "xs" in named:
            read = [f"xs[{i}]" for i in range(len(operands))]
            operands_by_name = {"xs": operands}
        else:
            operands_by_name = dict(zip(named, operands, strict=False))
            floats = [isinstance(x, np.ndarray) and x.dtype.kind in "fb" for x in operands]
            pairs = zip([*named, *named[-1:] * 9], operands, floats, strict=False)
            read = [name if is_float else x for name, x, is_float in pairs]
        texts = formula(function, *read, **keywords)
        assert_reads_the_rules(function, operands, keywords, texts, operands_by_name)


def test_a_planted_rule_is_rejected(monkeypatch):
    monkeypatch.setitem(symbol.SIGNS, np.multiply, ("/", 4, 4, 5))
    with pytest.raises(AssertionError):
        test_rules_read_from_examples_evaluate_to_what_they_compute(np.multiply)


def test_rules_read_like_the_table():
    assert formula(np.add) == ("g", "g")
    assert formula(np.multiply) == ("g · y", "g · x")
    assert formula(np.multiply, "gamma", "x_hat") == ("g · x_hat", "g · gamma")
    assert formula(np.divide) == ("g / y", "-g · out / y")
    assert formula(np.matmul) == ("g @ y.mT", "x.mT @ g")
    assert formula(np.where) == (None, "where(c, g, 0)", "where(c, 0, g)")
    assert formula(relu) == ("gate(g, x > 0)",)
    assert formula(np.sign) == ()
    assert formula(np.reshape, shape=(3, 2)) == ("reshape(g, x.shape)",)
    assert formula(np.stack, ["x", "y"]) == ("g[0]", "g[1]")
    assert formula(stack) == formula(np.stack) == ("g[0]", "g[1]")
    with pytest.raises(errors.ArgumentError, match=r"np.multiply takes 2 operands, not 3"):
        formula(np.multiply, "a", "b", "c")
    assert formula(getitem) == ("scatter(g, x.shape, index)",)


def test_a_none_or_false_that_is_the_default_is_not_read():
    def standard(x):
        return np.mean(x, None, keepdims=False) / np.std(x, axis=None, mean=None, keepdims=True)

    assert formula(standard) == "mean(x) / std(x, keepdims=True)"
    assert formula(np.var) == "mean(square(x - mean(x, keepdims=True)))"
    assert formula(lambda x: np.transpose(x, None)) == "transpose(x)"
    assert formula(lambda x: np.mean(a=x, axis=None)) == "mean(a=x)"
    assert formula(lambda x: np.isclose(x, 0, equal_nan=False)) == "isclose(x, 0)"


def test_a_none_or_false_that_changes_the_call_is_read():
    assert formula(lambda x: np.clip(x, 0, None)) == "clip(x, 0, None)"
    assert formula(lambda x: np.where(x > 0, x, False)) == "where(x > 0, x, False)"
    assert formula(lambda x: concatenate(x, x, axis=None)) == "concatenate(x, x, axis=None)"
    assert formula(lambda x: np.linalg.svd(x, False)) == "linalg.svd(x, False)"
    halves = formula(lambda x: np.linspace(0, x, 2, endpoint=False))
    assert halves == "linspace(0, x, 2, endpoint=False)"


@pytest.mark.bits
def test_a_tuple_inside_an_index_stays_one():
    text = formula(lambda x: x[(0, 1),], A)
    assert same_bits(evaluated(text, x=A), A[(0, 1),])


def test_every_rule_reads_from_nothing_but_its_name():
    for function in RULED:
        texts = formula(function)
        assert len(texts) == len(rules_of(function, 2))
        assert all(isinstance(text, str) for text in texts if text is not None)


# Functions composed in NumPy.

LABELS = np.array([0, 1, 1])
IMAGES, FILTERS = RNG.normal(size=(2, 3, 4, 4)), RNG.normal(size=(2, 3, 2, 2))
COMPOSED = {
    F.batch_norm: (A, ROW, ROW[::-1].copy()),
    F.layer_norm: (A, ROW, ROW[::-1].copy()),
    F.group_norm: (A, 1, ROW, ROW[::-1].copy()),
    F.moments: (A,),
    F.normalize: (A, ROW**2),
    F.affine: (A, ROW, ROW[::-1].copy()),
    F.sigmoid: (A,),
    F.softmax: (A,),
    F.log_softmax: (A,),
    F.mse: (A, B),
    F.cross_entropy: (A, LABELS),
    F.conv2d: (IMAGES, FILTERS),
    F.max_pool2d: (IMAGES, 2),
    F.avg_pool2d: (IMAGES, 2),
}


@pytest.mark.bits
@pytest.mark.parametrize("function", COMPOSED, ids=spelled)
def test_functions_read_from_examples_evaluate_to_what_they_compute(function):
    assert_reads(function, formula(function, *COMPOSED[function]))


# These cannot be read without numbers.
NUMBERS = (F.group_norm, F.cross_entropy, F.conv2d, F.max_pool2d, F.avg_pool2d)


@pytest.mark.bits
@pytest.mark.parametrize("function", [f for f in COMPOSED if f not in NUMBERS], ids=spelled)
def test_functions_read_from_names_evaluate_to_what_they_compute(function):
    assert_reads(function, formula(function))


def assert_reads(function, texts):
    arrays = COMPOSED[function]
    values = function(*arrays)
    given = dict(zip(inspect.signature(function).parameters, arrays, strict=False))
    single = not isinstance(texts, tuple)
    for text, value in zip(*([[texts], [values]] if single else [texts, values]), strict=True):
        assert same_bits(evaluated(text, **given), value)
        assert [*idle(text)] == []


def test_every_composed_function_is_among_these():
    public = {f for name, f in vars(F).items() if inspect.isfunction(f) and name[0] != "_"}
    ours = {f for f in public if f.__module__ == F.__name__ and f is not F.batch_axes}
    assert ours == {*COMPOSED}


def test_batch_norm_reads_as_one_expression():
    assert formula(F.batch_norm) == (
        "gamma · ((x - mean(x, axis=0, keepdims=True)) / sqrt(mean(square(x - "
        "mean(x, axis=0, keepdims=True)), axis=0, keepdims=True) + 1e-05)) + beta"
    )
    assert "1e-05" not in formula(F.batch_norm, eps=0.1)


def test_images_read_from_an_example():
    text = formula(F.batch_norm, np.ones((2, 3, 2, 2)))
    assert text.startswith("reshape(gamma, (-1, 1, 1)) · ((x - mean(x, axis=(0, 2, 3), keepdims=")


def test_a_function_of_the_users_own_is_read():
    assert formula(operator.itemgetter(0), "x") == "x[0]"
    assert formula(lambda x, *, power=3: x**power / x.size) == "x ** 3 / x.size"
    assert formula(lambda *xs: xs[0] - (xs[1] - 1), "a", "b") == "a - (b - 1)"
    assert formula(lambda *xs: xs[0] - xs[1], A, B) == "xs[0] - xs[1]"


def test_methods_read_as_the_functions_they_are():
    def rule(g, x):
        return g.sum(axis=0).reshape(x.shape) / (g.mean(axis=(0,), keepdims=True).size or 1)

    assert formula(rule) == (
        "reshape(sum(g, axis=0), x.shape) / mean(g, axis=(0,), keepdims=True).size"
    )
    assert formula(lambda g: g.swapaxes(0, 1).squeeze(-1).transpose()) == (
        "transpose(squeeze(swapaxes(g, 0, 1), -1))"
    )
    assert formula(lambda g, x: g.astype(x.dtype)) == "astype(g, x.dtype)"


# Operands and constants.


def test_a_tensor_gives_its_name_and_its_shape():
    t = Tensor(A, "weights")
    assert formula(np.sum, t) == ("spread(g, (3, 2))",)
    assert formula(np.square, t) == ("g · (2 · weights)",)
    assert formula(np.square, Tensor(A)) == ("g · (2 · x)",)
    assert formula(lambda x: x * t) == "x · weights"
    assert formula(lambda x: t @ x - t) == "weights @ x - weights"


def test_a_name_already_given_is_not_given_twice():
    assert formula(np.multiply, X, Y) == ("g · y", "g · x")
    assert formula(np.multiply, "y") == ("g · y_", "g · y")
    assert formula(np.multiply, Tensor(A, "y"), Tensor(A)) == ("g · y_", "g · y")


def test_arrays_are_constants_beside_a_name_and_examples_by_themselves():
    pair = np.array([0.5, -2.0])
    assert formula(np.multiply, "x", pair) == ("g · [0.5, -2.0]", "g · x")
    assert formula(np.multiply, Tensor(A), pair) == ("g · [0.5, -2.0]", "g · x")
    assert formula(np.multiply, A, pair) == ("g · y", "g · x")
    assert formula(np.multiply, A, 3) == formula(np.multiply, A, np.array(3)) == ("g · 3", "g · x")
    assert formula(np.multiply, A, np.array(0.5)) == ("g · 0.5", "g · x")
    assert formula(np.concatenate, [Tensor(A, "a"), B]) == (
        "reshape(g[0:3], (3, 2))",
        "reshape(g[3:6], (3, 2))",
    )
    assert formula(np.stack, [A, B]) == ("g[0]", "g[1]")
    assert formula(lambda xs: xs[0] - xs[1], [A, B]) == "xs[0] - xs[1]"


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (X[0], "x[0]"),
        (X[:, 1:3], "x[:, 1:3]"),
        (X[[0, 2]], "x[[0, 2]]"),
        (X[..., None], "x[..., None]"),
        (X[::-2, Y > 0], "x[::-2, y > 0]"),
        (X[np.array([[0, 1], [1, 0]])], "x[[[0, 1], [1, 0]]]"),
        (X[()], "x[()]"),
        (scatter(X, np.s_[:, 1:], (2, 3)), "scatter(x, s_[:, 1:], (2, 3))"),
        (X * np.array([1.0, 2.0]), "x · [1.0, 2.0]"),
        (np.array([1.0, 2.0]) - X, "[1.0, 2.0] - x"),
        (np.arange(3, dtype=np.float32) - X, "array([0.0, 1.0, 2.0], float32) - x"),
        (X + np.ones((5, 3)), "x + array[5, 3]"),
        (X + np.zeros((0, 3)), "x + array[0, 3]"),
        (X * np.float64(0.5), "x · 0.5"),
        (X * np.array(0.5), "x · 0.5"),
        (X * np.bool(True), "x · True"),
        (X.astype(np.float32), "astype(x, float32)"),
        (X.astype(np.dtype("f4")), "astype(x, float32)"),
        (np.reshape(X, (6,)), "reshape(x, (6,))"),
        (X.reshape(2, 3), "reshape(x, (2, 3))"),
        (X.transpose(1, 0), "transpose(x, (1, 0))"),
        (X.sum(axis=0).T, "sum(x, axis=0).T"),
        (np.linalg.norm(X), "linalg.norm(x)"),
        (np.einsum("ij,kj", X, Y), "einsum('ij,kj', x, y)"),
        (np.add.reduce(X, axis=1), "add.reduce(x, axis=1)"),
        (np.stack([X, Y]), "stack([x, y])"),
    ],
    ids=str,
)
def test_arguments_read(expression, text):
    assert str(expression) == text


def test_adding_in_place_reads_as_adding_and_writing_into_an_array_is_an_error():
    total = X
    total += Y
    assert str(total) == "x + y"
    with pytest.raises(errors.ArgumentError, match=r"np\.add writes into an array"):
        np.add(X, Y, out=np.ones(2))


@pytest.mark.parametrize("name", ["__import__('os').abort()", "a\nb", "x); del x", "", "{x}", "%s"])
def test_a_hostile_name_is_only_text(name):
    assert formula(np.multiply, name, "x") == ("g · x", f"g · {name}")


# Code that words cannot read.

UNREADABLE = {
    "a truth": lambda x: x if x > 0 else -x,
    "a length": len,
    "a size": lambda x: x if x.size > 1000 else -x,
    "a loop": lambda x: [row for row in x],
    "unpacking": lambda x: x.shape[0] + [*x.shape][1],
    "membership": lambda x: 3 in x,
    "a range": lambda x: [x[i] for i in range(x.size)],
    "a number": lambda x: float(np.sum(x)),
    "a new array": lambda x: np.zeros(x.shape),
    "an array": np.asarray,
    "an array of several": lambda x: np.array([x, x]),
    "an index": lambda x: np.arange(3)[x],
    "endless doubling": lambda x: functools.reduce(lambda x, _: x * x, range(99), x),
    "class numbers": lambda x: F.cross_entropy(A, x),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_words_cannot_tell_is_an_error(what):
    function = UNREADABLE[what]
    message = "in parts" if "doubling" in what else r"give formula\(\) an example array"
    with pytest.raises((errors.ArgumentError, errors.DTypeError), match=message):
        formula(lambda x: function(x))


def test_an_example_answers_for_its_values():
    assert formula(lambda x: x if x[0, 0] == x.max() else -x, np.eye(2)) == "x"
    assert formula(lambda x: sum(row * n for n, row in enumerate(x)), np.eye(2)) == (
        "0 + x[0] · 0 + x[1] · 1"
    )
    assert formula(lambda x: x / len(x), Tensor(A, "rows")) == "rows / 3"


def test_an_absent_array_is_not_empty_and_has_a_shape_that_fits():
    assert formula(lambda x: x / (x.size or 1)) == "x / x.size"
    assert formula(lambda x, y: x if x.shape != y.shape[:1] else -x) == "-x"
    assert (X.ndim, np.ndim(X)) == (2, 2)
    assert (str(np.size(X)), str(np.shape(X - Y))) == ("x.size", "(x - y).shape")


def test_an_example_computes_without_warnings():
    assert formula(lambda x: np.log(x) / 0, -A) == "log(x) / 0"


def test_symbols_can_be_keys_and_are_shown_as_themselves():
    assert {X: 1}[X] == 1
    assert repr(X + 1) == "Symbol('x + 1')"
