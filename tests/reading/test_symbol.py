"""A Symbol spells out what is done with it, and no parentheses are idle."""

import operator

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from wordings import evaluated, idle, parsed, same_bits

from microbn import Tensor, errors
from microbn.engine.functions import (
    scatter,
)
from microbn.reading import signs
from microbn.reading.formula import formula
from microbn.reading.symbol import Symbol

RNG = np.random.default_rng(0)


# Random expressions. Each is a function that computes it, and its text with all parentheses.

ARITHMETIC = {
    **{"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv},
    **{"**": operator.pow, "@": operator.matmul, "//": operator.floordiv, "%": operator.mod},
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
        monkeypatch.setitem(signs.SIGNS, ufunc, row)
    with pytest.raises(AssertionError):
        test_every_pair_of_operators_reads()


def test_the_check_finds_idle_parentheses():
    assert [*idle("(x + y) + z")] == ["x + y + z"]
    assert [*idle("x + (y + z) * exp(x)")] == []


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
        (round(X, 2), "round(x, 2)"),
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


def test_an_absent_array_is_not_empty_and_has_a_shape_that_fits():
    assert formula(lambda x: x / (x.size or 1)) == "x / x.size"
    assert formula(lambda x, y: x if x.shape != y.shape[:1] else -x) == "-x"
    assert (X.ndim, np.ndim(X)) == (2, 2)
    assert (str(np.size(X)), str(np.shape(X - Y))) == ("x.size", "(x - y).shape")


def test_symbols_can_be_keys_and_are_shown_as_themselves():
    assert {X: 1}[X] == 1
    assert repr(X + 1) == "Symbol('x + 1')"


# A Tensor's methods.

CALLED = {  # methods that need arguments
    "reshape": (4,), "transpose": (1, 0), "swapaxes": (0, 1), "astype": (np.float32,),
    "clip": (0.0, 0.5), "take": ([1, 0],), "repeat": (2,), "compress": ([True, False],),
    "dot": (XYZ["y"],), "choose": ([XYZ["x"], XYZ["y"]],), "searchsorted": (0.5,),
    "argpartition": (1,),
}  # fmt: skip
NO_WORDS = {"backward", "item"}  # they have a gradient, or a number, for a result
METHODS = [name for name in vars(Tensor) if name[0] != "_" and callable(getattr(Tensor, name))]


def example_of(name):
    """Return values that the method can take."""
    return {"choose": np.array([[0, 1], [1, 0]]), "searchsorted": np.array([0.25, 0.75])}.get(
        name, np.abs(XYZ["x"])
    )


@pytest.mark.parametrize("name", [name for name in METHODS if name not in NO_WORDS])
def test_a_symbol_has_every_method_that_a_tensor_has(name):
    x, args = example_of(name), CALLED.get(name, ())
    read = getattr(Symbol("x", x), name)(*args)
    meant = getattr(np, name, None) if not hasattr(x, name) else getattr(x, name)
    np.testing.assert_array_equal(read.value, meant(*args) if hasattr(x, name) else meant(x))
    without = getattr(Symbol("x"), name)(*args)
    for text in {str(read), str(without)}:
        np.testing.assert_array_equal(evaluated(text, x=x), read.value)


def test_words_have_no_gradient_and_no_number():
    assert {name for name in METHODS if not hasattr(Symbol, name)} == set()
    assert {*NO_WORDS} <= {*METHODS}
    with pytest.raises(errors.ArgumentError, match=r"calls backward\(\) on x"):
        X.backward()
    with pytest.raises(errors.ArgumentError, match="makes a number of x; give formula"):
        X.item()
    with pytest.raises(AttributeError, match="asks for tolist of x, which a Tensor lacks"):
        X.tolist()


def test_several_results_read_one_by_one():
    spd = XYZ["x"].T @ XYZ["x"]
    for matrix in (Symbol("m"), Symbol("m", spd)):
        assert str(np.linalg.eigh(matrix).eigenvalues) == "linalg.eigh(m).eigenvalues"
        assert str(np.linalg.slogdet(matrix)[1] + 1) == "linalg.slogdet(m)[1] + 1"
    *_, last = np.linalg.eigh(Symbol("m", spd))
    np.testing.assert_array_equal(last.value, np.linalg.eigh(spd).eigenvectors)
    assert [*map(str, divmod(X, Y))] == ["divmod(x, y)[0]", "divmod(x, y)[1]"]
