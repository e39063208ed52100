"""Typeset expressions: the text that is seen, read with no other brackets, is the expression."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microbn.view import typesetting
from microbn.view.mathml import name_tree
from microbn.view.typesetting import Typeset, typeset

SEEN = {"·": "*", "−": "-", "=": "==", "≠": "!=", "≤": "<=", "≥": ">=", "∧": "&", "∨": "|"}
SEEN["mod"] = "%"


def seen(tree):
    """Return a tree as a reader sees it, in Python's signs; ** stands for a matrix product.

    A row shows nothing of its own. A fraction shows where it begins and ends, and an exponent
    belongs to the sign that it stands beside.
    """
    tag, _, *children = tree
    if tag == "mfrac":
        return "(({})/({}))".format(*map(seen, children))
    if tag == "msup":
        return "{}.to({})".format(*map(seen, children))
    if tag == "mrow":
        return "".join(map(seen, children))
    (text,) = children
    if tag == "mtext":
        return {"\u2005": "**"}[text]
    return f"Value({text})" if tag == "mn" else SEEN.get(text, text)


class Value:
    """A matrix whose signs are those of `seen`; a comparison gives ones and zeros."""

    def __init__(self, array):
        self.array = np.asarray(array, float)

    def __bool__(self):
        raise AssertionError("one comparison is seen as the side of another")


def _computed(compute):
    def method(*values):
        arrays = [v.array if isinstance(v, Value) else v for v in values]
        return Value(np.nan_to_num(compute(*arrays)))

    return method


for _name, _compute in {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide,
    "floordiv": np.floor_divide, "neg": np.negative,
    "pow": np.matmul, "matmul": np.matmul,
    "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
    "ge": np.greater_equal, "and": np.logical_and, "or": np.logical_or,
    "mod": np.arctan2,  # which has no jump where rounding would decide
}.items():  # fmt: skip
    setattr(Value, f"__{_name}__", _computed(_compute))
Value.to = _computed(np.power)

MATRICES = {name: Value(np.random.default_rng(ord(name)).normal(size=(2, 2))) for name in "abcd"}
NAMES = {name: Typeset(name_tree(name), shape=(2, 2)) for name in MATRICES}
SIGNS = ["+", "-", "*", "/", "//", "%", "@", "==", "!=", "<", "<=", ">", ">=", "&", "|"]


def joined(inner):
    pairs = st.tuples(inner, st.sampled_from(SIGNS), inner)
    return st.one_of(
        pairs.map(lambda parts: "({} {} {})".format(*parts)),
        inner.map(lambda one: f"(-{one})"),
        inner.map(lambda one: f"({one} ** 2)"),
    )


EXPRESSIONS = st.recursive(st.sampled_from(sorted(MATRICES)), joined, max_leaves=6)


def value_of(text):
    with np.errstate(all="ignore"):
        return eval(text, {"Value": Value} | MATRICES).array


def check_seen(text):
    shown = seen(typeset(text, NAMES).tree)
    meant = value_of(re.sub(r" \*\* 2", ".to(2)", text))
    np.testing.assert_allclose(value_of(shown), meant, rtol=1e-9, atol=1e-12, err_msg=shown)


@given(EXPRESSIONS)
def test_an_expression_is_seen_with_the_brackets_that_it_needs(text):
    check_seen(text)


LOST = {
    "TRUTH": "(a > b) + c",
    "SUM": "(a + b) * c",
    "SIGNED": "(-a) ** 2",
    "PRODUCT": "(a * b) @ c",
    "MATRIX_PRODUCT": "(a @ b) ** 2",
}


@pytest.mark.parametrize("level", LOST)
def test_a_bracket_that_is_lost_is_noticed(level, monkeypatch):
    check_seen(LOST[level])
    enclosed, open_level = typesetting.enclosed, getattr(typesetting, level)

    def planted(inner, least):
        return inner.tree if inner.level == open_level else enclosed(inner, least)

    monkeypatch.setattr(typesetting, "enclosed", planted)
    with pytest.raises(AssertionError):
        check_seen(LOST[level])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("(a * b) @ c", "(a*b)**c"),
        ("a * (b @ c)", "a*b**c"),
        ("a @ (b * c)", "a**(b*c)"),
        ("(a @ b) * c", "a**b*c"),
        ("a @ b @ c", "a**b**c"),
        ("(a / b) @ c", "((a)/(b))**c"),
        ("(a > b) + c", "(a>b)+c"),
        ("(a > b) == (c > d)", "(a>b)==(c>d)"),
        ("a + b > c", "a+b>c"),
        ("(a & b) + c", "(a&b)+c"),
        ("linalg.inv(a) @ b", "a.to(-Value(1))**b"),
        ("linalg.inv(a @ b)", "(a**b).to(-Value(1))"),
        ("linalg.solve(a + b, c * d)", "(a+b).to(-Value(1))**(c*d)"),
        ("-(linalg.solve(a, b) @ c)", "-a.to(-Value(1))**b**c"),
    ],
)
def test_brackets_stand_where_they_are_needed_and_nowhere_else(text, shown):
    assert seen(typeset(text, NAMES).tree) == shown


@pytest.mark.parametrize("text", ["a ** 1", "expand_dims(s, 0)", "where(False, a, b)"])
def test_an_operation_that_changes_nothing_is_not_called_by_its_operand_except_in_a_rule(text):
    names = NAMES | {"s": Typeset(name_tree("s"), shape=()), "g": Typeset(name_tree("g"))}
    operand = {"where(False, a, b)": "b", "expand_dims(s, 0)": "s"}.get(text, "a")
    assert typeset(text, names).tree != name_tree(operand)
    assert seen(typeset(f"g * {text}", names, "g").tree) == f"g*{operand}"


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("1", "1"),
        ("0.99999", "0.99999"),
        ("1.00001", "1.00001"),
        ("2.00001", "2.00001"),
        ("0.50001", "0.50001"),
        ("0.30000000000000004", "0.3"),
        ("0.3333333333333333", "0.3333"),
        ("1234.567", "1235"),
        ("12345", "12345"),
    ],
)
def test_a_number_has_four_digits_or_as_many_as_tell_it_from_a_shorter_one(number, shown):
    assert typeset(number, {}).tree == ["mn", {}, shown]


OF_SHAPES = {n: Typeset(name_tree(n), shape=s) for n, s in {"v": (3,), "m": (2, 3)}.items()}


@pytest.mark.parametrize(
    ("inner", "rows"),
    [
        ("m", 2),
        ("sqrt(v) * m + 1", 2),
        ("sin(arctanh(m)) + log1p(v)", 2),
        ("v > m", 2),
        ("spread(v, (4, 3))", 4),
        ("v + [[1.0], [2.0]]", None),
        ("v > [[1.0], [2.0]]", None),
        ("v + ([1.0], [2.0])", None),
        ("v + array[5, 3]", None),
        ("v + unknown", None),
        ("v + m.T", None),
        ("v + cumsum(m)", None),
        ("v + m @ v", None),
    ],
)
def test_a_mean_is_a_fraction_only_where_the_number_of_its_rows_is_known(inner, rows):
    tree = typeset(f"mean({inner}, axis=0)", OF_SHAPES).tree
    if rows is None:
        assert tree[2] == ["mi", {"mathvariant": "normal"}, "mean"]
    else:
        assert tree[2] == ["mfrac", {}, ["mn", {}, "1"], ["mn", {}, str(rows)]]
        assert tree[3][3] == ["mtext", {}, f"{rows} rows"]
