"""Every composed function is read in words: from names, from examples, and from nothing."""

import ast

import numpy as np
import pytest
from compositions import CALLS, called
from wordings import evaluated

from microbn import Tensor, errors
from microbn.engine.composed import COMPOSED
from microbn.engine.names import spelled
from microbn.engine.primitive import RULES
from microbn.reading.formula import formula


def is_plain(call):
    """Tell whether a call is of one function that has no rule, with names among its arguments."""
    body = ast.parse(call, mode="eval").body
    if not isinstance(body, ast.Call) or called(call) not in COMPOSED or called(call) in RULES:
        return False
    inside = [*body.args, *(keyword.value for keyword in body.keywords)]
    lists = (x.elts if isinstance(x, (ast.List, ast.Tuple)) else [x] for x in inside)
    taken = [x for parts in lists for x in parts if not isinstance(x, ast.Name)]
    used = {name.id for x in taken for name in ast.walk(x) if isinstance(name, ast.Name)}
    if called(call) is np.einsum and not isinstance(body.args[0], ast.Constant):
        return False  # a string that comes first is always read as the subscripts
    return ast.unparse(body.func) == spelled(called(call)) and not used & {*CALLS[call]}


PLAIN = [call for call in CALLS if is_plain(call)]
JOINS = (np.concatenate, np.stack)  # the words of both have the name of a function of microbn too


def read(call, operands):
    body = ast.parse(call, mode="eval").body
    body.func = ast.Name("formula_of", ast.Load())
    space = {"np": np, "formula_of": lambda *args, **kw: formula(called(call), *args, **kw)}
    return eval(ast.unparse(body), {**space, **operands})


def texts_of(words):
    return words if isinstance(words, tuple) else (words,)


def test_most_calls_are_plain():
    assert len(PLAIN) > len(CALLS) / 3


@pytest.mark.parametrize("call", [call for call in PLAIN if called(call) not in JOINS])
def test_a_composed_function_reads_from_names_and_from_examples(call):
    arrays = CALLS[call]
    examples = {name: Tensor(array, name) for name, array in arrays.items()}
    for operands in ({name: name for name in arrays}, examples):
        for text in texts_of(read(call, operands)):
            assert 0 < len(text) <= 2_000
            if "<lambda>" not in text:
                ast.parse(text.replace("·", "*"), mode="eval")


@pytest.mark.parametrize("function", [f for f in COMPOSED if f not in RULES], ids=spelled)
def test_a_composed_function_reads_from_nothing_but_its_name(function):
    if function is np.linalg.svd:
        with pytest.raises(errors.RuleError, match="its vectors get no gradient"):
            formula(function)
    else:
        assert all(texts_of(formula(function)))


MATRIX, ROW = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([2.0, 3.0, 5.0])
READ = [
    (np.pad, ("x", 1), "pad(x, 1)"),
    (np.pad, ("x", 1, "edge"), "pad(x, 1, 'edge')"),
    (np.pad, (ROW, 1), "concatenate([[0.0], x, [0.0]], 0)"),
    (np.pad, (Tensor(ROW, "row"), 1), "concatenate([[0.0], row, [0.0]], 0)"),
    (np.polyval, ("p", "x"), "polyval(p, x)"),
    (np.polyval, (ROW, ROW), "expand_dims(x, -1) ** [2.0, 1.0, 0.0] @ p"),
    (np.einsum, ("ij,jk->ik", "x", "y"), "einsum('ij,jk->ik', x, y)"),
    (np.einsum, ("ij,jk->ik", MATRIX, MATRIX), "operands[0] @ operands[1]"),
    (np.einsum, ("ij,kj", Tensor(MATRIX, "a"), Tensor(MATRIX, "b")), "a @ b.T"),
    (np.linalg.cond, ("x", "fro"), "linalg.cond(x, 'fro')"),
    (np.gradient, ("x",), "gradient(x)"),
    (np.linalg.det, (np.eye(9),), "linalg.det(a)"),  # the pivots would take pages
]


@pytest.mark.parametrize(("function", "operands", "text"), READ, ids=[text for *_, text in READ])
def test_where_words_cannot_tell_what_it_is_composed_of_the_call_is_read(function, operands, text):
    assert formula(function, *operands) == text


def test_an_operand_by_keyword_is_a_name_or_an_example_too():
    assert formula(np.average, "x", weights="w") == formula(
        np.average, Tensor(ROW, "x"), weights=Tensor(ROW, "w")
    )
    x, y = Tensor(ROW, "x"), Tensor([1.0], "y")
    text = formula(np.diff, x, prepend=y)
    assert text == "concatenate([y, x], axis=0)[1:] - concatenate([y, x], axis=0)[:-1]"
    text = formula(np.trapezoid, x, dx=Tensor(0.5, "h"))
    np.testing.assert_allclose(evaluated(text, x=ROW, h=0.5), np.trapezoid(ROW, dx=0.5))


@pytest.mark.parametrize(
    ("function", "operands", "keywords", "message"),
    [
        (np.pad, ("x", -1), {}, "integers from 0 on, got -1"),
        (np.pad, ("x", 1), {"mode": "mean"}, "mode='mean' cannot be composed"),
        (np.pad, ("x", 1, "edge", 2, 3), {}, "np.pad: too many positional arguments"),
        (np.trim_zeros, ("x", "q"), {}, "trim is 'f', 'b' or 'fb', not 'q'"),
        (np.var, ("x",), {"where": True}, "np.var: where= cannot be composed"),
    ],
)
def test_a_mistake_in_the_arguments_is_an_error(function, operands, keywords, message):
    with pytest.raises((errors.ArgumentError, errors.RuleError), match=message):
        formula(function, *operands, **keywords)
