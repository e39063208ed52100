"""Every name of NumPy is recorded, composed, or refused with a way out of its own."""

import re
from pathlib import Path

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor
from microbn.engine.composed import COMPOSED
from microbn.engine.composed.refused import INSTEAD, REFUSED
from microbn.engine.names import spelled
from microbn.engine.primitive import CALLS, RULES

ROOMS = [np, np.linalg, np.fft, np.lib.stride_tricks]


def speaks_the_protocol(function):
    return isinstance(function, (np.ufunc, type(np.sum)))


FUNCTIONS = {
    f"{room.__name__}.{name}": getattr(room, name)
    for room in ROOMS
    for name in dir(room)
    if speaks_the_protocol(getattr(room, name))
}
# NumPy 2.2 still lists methods that are gone, and says so when they are asked for.
ARRAY = np.ones((1, 1))
METHODS = [name for name in dir(ARRAY) if name[0] != "_" and hasattr(ARRAY, name)]
OPERATORS = [
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "divmod", "pow", "matmul"),
    *("and", "or", "xor"),
]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_recorded_composed_or_refused(name):
    homes = [home for home in (CALLS, COMPOSED, REFUSED) if FUNCTIONS[name] in home]
    assert len(homes) == 1


@pytest.mark.parametrize("function", REFUSED, ids=spelled)
def test_a_refused_function_names_its_way_out(function):
    x = Tensor([1.0, 2.0])
    with pytest.raises(
        mb.errors.RuleError, match=f"has no gradient; {re.escape(REFUSED[function])}$"
    ):
        x.__array_function__(function, (Tensor,), (x,), {})


@pytest.mark.parametrize("name", METHODS)
def test_every_method_of_arrays_is_there_or_says_what_to_write(name):
    if name in INSTEAD:
        with pytest.raises(AttributeError, match="write "):
            getattr(Tensor([[1.0]]), name)
    else:
        assert hasattr(Tensor([[1.0]]), name)


@pytest.mark.parametrize(
    "name", [name for name in INSTEAD if FUNCTIONS.get(f"numpy.{name}") in REFUSED]
)
def test_a_method_and_a_function_of_one_name_have_one_way_out(name):
    assert INSTEAD[name] == REFUSED[FUNCTIONS[f"numpy.{name}"]]


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_of_arrays_is_there_either_way_round(name):
    assert {f"__{name}__", f"__r{name}__"} <= {*vars(Tensor)}


def test_there_are_at_most_60_rows_with_a_rule():
    assert 30 < sum(bool(vjps) for vjps in RULES.values()) <= 60


def test_each_row_of_the_table_is_two_lines_at_most():
    text = Path(mb.engine.rules.__file__).read_text("utf-8")
    table = text.split("# fmt: off")[1].split("# Recorded, without")[0]
    rows = re.sub(r"^ *(#.*)?\n", "", table, flags=re.MULTILINE).split("\ndefvjp(")
    assert len(rows) > 50
    assert [row for row in rows if len(row.strip().splitlines()) > 2] == []
