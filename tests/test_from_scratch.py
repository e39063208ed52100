"""The lecture that builds an autograd: its steps run, its slips show, its gradients are right."""

import builtins
import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from bench.lines import code_lines
from hypothesis import given
from hypothesis import strategies as st
from shown import same

import microbn
from microbn import functional

TEACH = Path(__file__).parents[1] / "docs" / "teach"
SOURCE = (TEACH / "from_scratch.py").read_text("utf-8")
PAGE = (TEACH / "from_scratch.md").read_text("utf-8")
STEPS = re.split(r"^(?=# %% )", SOURCE, flags=re.MULTILINE)[1:]
SECTIONS = re.split(r"^(?=## )", PAGE, flags=re.MULTILINE)[2:8]
NUMBERS = range(1, 7)


def typed(step):
    """Return all that stands in the file after a step."""
    return "".join(STEPS[:step])


def run(source):
    """Run the source as a file of its own, and return its names and what it prints."""
    names = {"__name__": "scratch"}
    with redirect_stdout(io.StringIO()) as printed:
        exec(compile(source, "scratch.py", "exec"), names)
    return names, printed.getvalue()


def prints(step, source=None):
    """Return what a step prints below all that the steps before it print."""
    before, whole = run(typed(step - 1))[1], run(source or typed(step))[1]
    return whole[len(before) :] if whole.startswith(before) else whole


NAMES, PRINTED = run(SOURCE)
Tensor, backward, check, RULES = (NAMES[n] for n in ("Tensor", "backward", "check", "RULES"))


@pytest.fixture(autouse=True)
def rng(monkeypatch):
    """Give each test numbers of its own, and the lecture's check as well."""
    monkeypatch.setitem(NAMES, "rng", np.random.default_rng(0))
    return np.random.default_rng(1)


def emerged(function, arrays, dy):
    """Return the gradients of a function in the lecture's engine, and its result."""
    leaves = [Tensor(a) for a in arrays]
    out = function(*leaves)
    backward(out, dy)
    return [leaf.grad for leaf in leaves], out.value


def expected(function, arrays, dy):
    """Return the gradients of a function in microbn, and its result."""
    leaves = [microbn.Tensor(a) for a in arrays]
    out = function(*leaves)
    out.backward(dy)
    return [leaf.grad for leaf in leaves], out.data


# The file, and what the page says of it.


def test_the_lecture_has_a_hundred_lines_of_code():
    assert code_lines(SOURCE) <= 100
    assert max(map(len, SOURCE.splitlines())) <= 87  # what the page shows without scrolling


def test_it_needs_numpy_alone():
    imported = re.findall(r"^(?:import|from) (\w+)", SOURCE, re.MULTILINE)
    assert imported == ["itertools", "numpy"]


@pytest.mark.parametrize("step", NUMBERS)
def test_each_step_runs_and_prints_what_its_section_shows(step):
    (shown,) = re.findall(r"^```text\n(.*?)^```", SECTIONS[step - 1], re.DOTALL | re.MULTILINE)
    assert same(prints(step), shown)


def test_each_step_only_adds_names_and_rules():
    known = set()
    for step in NUMBERS:
        defined = set(re.findall(r"^(?:def|class) (\w+)", STEPS[step - 1], re.MULTILINE))
        assert defined
        assert not defined & known
        known |= defined
    assert SOURCE.startswith('"""')
    assert SOURCE.endswith(typed(6))


@pytest.mark.parametrize("step", NUMBERS)
def test_the_page_shows_a_step_from_its_mark_to_the_next_one(step):
    marks = [text.splitlines()[0] for text in STEPS]
    (options,) = re.findall(
        r"```{literalinclude} from_scratch.py\n(.*?)```", SECTIONS[step - 1], re.S
    )
    wanted = f':start-at: "{marks[step - 1]}"\n'
    assert options == wanted + (f':end-before: "{marks[step]}"\n' if step < 6 else "")
    assert SECTIONS[step - 1].startswith(f"## {marks[step - 1][5:]}\n")


def characters(text):
    """Return how many characters one types: no indents, docstrings, or words to a formatter."""
    return len(re.sub(r'^ +| {2,}|"""[^"]*"""|# fmt: o\w+', "", text, flags=re.MULTILINE))


def test_the_minutes_and_lines_of_the_table_are_right():
    rows = re.findall(r"^\| (\d) \| (\d+) \| (\d+) \| (\d+) \|", PAGE, re.MULTILINE)
    number, start, minutes, lines = zip(*(map(int, row) for row in rows), strict=True)
    assert [*number] == [*NUMBERS]
    assert [*start] == [sum(minutes[:i]) for i in range(6)]
    assert sum(minutes) <= 40
    assert [*lines] == [code_lines(text) for text in STEPS]
    rules = SOURCE.split("    np.negative:")[1].split("}\n")[0]
    check = SOURCE.split("def check(")[1].split("\n\n\n")[0]
    count = characters(SOURCE) - characters(rules) - characters(check)
    assert f"about {round(count, -2):,} characters" in " ".join(PAGE.split())
    assert 0.4 < count / 200 / sum(minutes) < 0.6  # "half of the time"


# The slips. The page says "Type `new` in place of `old`. The step prints `this`."

SLIPS = [
    (step, *slip)
    for step, section in zip(NUMBERS, SECTIONS, strict=True)
    for slip in re.findall(
        r"Type `([^`]+)` in place of `([^`]+)`\. The step prints\s(?:`([^`]+)`|nothing)",
        " ".join(section.split()),
    )
]


def test_every_slip_of_the_page_is_found():
    told = [section.count("**Slip.**") for section in SECTIONS]
    found = [sum(step == slip[0] for slip in SLIPS) for step in NUMBERS]
    assert told == [1, 1, 3, 1, 1, 2]
    assert found == [0, 1, 3, 1, 1, 1]  # two more have tests of their own


@pytest.mark.parametrize(("step", "new", "old", "shown"), SLIPS)
def test_a_slip_prints_the_wrong_number_that_the_page_shows(step, new, old, shown):
    assert typed(step).count(old) == 1
    printed = prints(step, typed(step).replace(old, new)).splitlines()
    assert any(same(line, shown) for line in printed) if shown else printed == []
    assert not any(same(line, shown) for line in prints(step).splitlines())


def test_numpy_asks_for_record_before_it_is_written():
    error, message = re.search(r"Type `a \* b`.*?`(\w+): (.*?)`", SECTIONS[0]).groups()
    with pytest.raises(getattr(builtins, error), match=message):
        run(typed(1) + "a * b\n")


def test_without_the_sum_dx_is_gone_and_a_wrong_variance_is_not_seen_by_a_plain_sum():
    _, new, old, _ = SLIPS[1]
    lines = prints(6, SOURCE.replace(old, new)).splitlines()
    (shown,) = re.findall(r"`operand\.grad = g`\. The step\sprints\s`(.*?)`", SECTIONS[5])
    assert same(lines[-2], shown)
    assert same(lines[-3], re.findall(r"Step 5 prints `(.*?)`", SECTIONS[5])[0])
    (_, new, old, _) = SLIPS[-1]
    assert run(SOURCE.replace(old, new))[1].splitlines()[-1] == "0.0 0.0"


def test_the_check_of_step_4_misses_a_slip_about_broadcasting():
    _, new, old, _ = SLIPS[3]
    assert "unbroadcast" in old
    assert "wrong: []\n" in run(typed(4).replace(old, new))[1]


# The gradients, beside microbn's.

X, Y, ROW, COLUMN = (
    np.random.default_rng(i).uniform(0.5, 2, size=s)
    for i, s in enumerate(((3, 3), (3, 3), 3, (3, 1)))
)
FUNCTIONS = {
    **{f.__name__: (f, (X, Y, ROW)[: len(rules)]) for f, rules in RULES.items() if f},
    "a row repeated": (lambda x, row: x / row, (X, ROW)),
    "a column repeated": (lambda x, column: x * column - column, (X, COLUMN)),
    "a number repeated": (lambda x, n: x**n, (X, np.array(2.5))),
    "a constant": (lambda x: 2 - 3 / x, (X,)),
    "an array on the left": (lambda x: Y * x, (X,)),
    "a sum along an axis": (lambda x: np.sum(x, axis=1), (X,)),
    "means of all axes": (lambda x: x * np.mean(x, axis=(0, 1), keepdims=True), (X,)),
    "softmax": (NAMES["softmax"], (X,)),
    "a layer": (lambda x, w, b: np.tanh(x @ w + b), (X, Y, ROW)),
    "a value used thrice": (lambda x: x * x + np.exp(x), (X,)),
    "batch norm": (NAMES["batch_norm"], (X, ROW, ROW)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_are_those_of_microbn(name, rng):
    function, arrays = FUNCTIONS[name]
    dy = rng.normal(size=function(*arrays).shape)
    found, out = emerged(function, arrays, dy)
    wanted, there = expected(function, arrays, dy)
    assert np.allclose(out, there, rtol=1e-14)
    for mine, its in zip(found, wanted, strict=True):
        assert mine.shape == its.shape
        assert np.allclose(mine, its, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", [(2, 1), (4, 3), (64, 5)], ids=str)
def test_dx_of_batch_norm_is_that_of_microbn(shape, rng):
    x, dy = rng.normal(size=(2, *shape))
    arrays = x, rng.normal(size=shape[1]), rng.normal(size=shape[1])
    found, out = emerged(NAMES["batch_norm"], arrays, dy)
    wanted, there = expected(functional.batch_norm, arrays, dy)
    assert np.abs(out - there).max() < 1e-12
    assert max(np.abs(a - b).max() for a, b in zip(found, wanted, strict=True)) < 1e-12
    by_hand = NAMES["derived"](x, arrays[1], dy)
    assert np.abs(found[0] - by_hand).max() < 1e-12


OPERATIONS = [
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: np.tanh(x) * y,
    lambda x, y: x / (np.square(y) + 0.5),
    lambda x, y: (np.square(x) + 0.5) ** np.tanh(y),
    MATMUL := lambda x, y: np.matmul(np.tanh(x), y),
    lambda x, y: -x,
    lambda x, y: np.sqrt(np.square(x) + 0.5),
    lambda x, y: np.exp(np.tanh(x)),
    lambda x, y: np.log(np.square(x) + 0.5),
    lambda x, y: np.sum(x, axis=0, keepdims=True) * 0.1,
    lambda x, y: np.mean(x, axis=-1, keepdims=True),
    lambda x, y: np.mean(x),
]
INSTRUCTIONS = st.tuples(*[st.integers(0, 99)] * 3)


def fits(f, x, y):
    """Tell whether arrays fit an operation."""
    try:
        f(x, y)
        return f is not MATMUL or x.ndim == y.ndim == 2  # the lecture leaves vectors out
    except ValueError:
        return False


def program(instructions, arrays):
    """Return the function that a list of instructions is, without those that do not fit."""
    plain, kept = list(arrays), []
    for n, i, j in instructions:
        f, i, j = OPERATIONS[n % len(OPERATIONS)], -1 - i % len(plain), -1 - j % len(plain)
        if fits(f, plain[i], plain[j]):
            plain.append(f(plain[i], plain[j]))
            kept.append((f, i, j))

    def function(*leaves):
        values = list(leaves)
        for f, i, j in kept:
            values.append(f(values[i], values[j]))
        return sum(np.sum(v) for v in values)

    return function


ARRAYS = [np.random.default_rng(7).normal(size=s) for s in ((3, 3), (3,), (1, 3), (3, 1), ())]


@given(st.lists(INSTRUCTIONS, max_size=12), st.integers(-40, 40).map(lambda k: k / 4 + 0.1))
def test_random_programs_have_the_gradients_of_microbn(instructions, dy):
    function = program(instructions, ARRAYS)
    found, out = emerged(function, ARRAYS, dy)
    wanted, there = expected(function, ARRAYS, dy)
    assert np.allclose(out, there)
    for mine, its in zip(found, wanted, strict=True):
        assert np.shape(mine) == its.shape
        scale = max(1.0, np.abs(its).max())
        assert np.abs(mine - its).max() < 1e-9 * scale


# Planted faults.

FAULTS = {
    "doubled": lambda rule: lambda *a, **k: 2 * rule(*a, **k),
    "a little too large": lambda rule: lambda *a, **k: 1.0005 * rule(*a, **k),
    "negated": lambda rule: lambda *a, **k: -rule(*a, **k),
    "zeroed": lambda rule: lambda *a, **k: 0 * rule(*a, **k),
    "transposed": lambda rule: lambda *a, **k: np.asarray(rule(*a, **k)).T,
}
PLANTED = [
    (f, i, fault)
    for f, rules in RULES.items()
    for i in range(len(rules))
    for fault in FAULTS
    if fault != "transposed" or f not in (np.sum, np.mean)  # all entries of theirs are equal
]


@pytest.mark.parametrize(
    ("function", "i", "fault"), PLANTED, ids=[f"{f.__name__}-{i}-{w}" for f, i, w in PLANTED]
)
def test_a_broken_rule_is_rejected(function, i, fault, monkeypatch, rng):
    weights = np.arange(9.0).reshape(3, 3) + 1
    mixed = lambda *leaves: function(*leaves) * weights  # noqa: E731
    arrays = (X, Y)[: len(RULES[function])]
    assert check(mixed, *arrays)
    broken = list(RULES[function])
    broken[i] = FAULTS[fault](broken[i])
    monkeypatch.setitem(RULES, function, broken)
    if function is np.multiply:
        mixed = function  # or the weights would be broken as well
    assert not check(mixed, *arrays)
    dy = rng.normal(size=np.shape(mixed(*arrays)))
    found, wanted = emerged(mixed, arrays, dy)[0], expected(mixed, arrays, dy)[0]
    assert not np.allclose(found[i], wanted[i], rtol=1e-4)


EVERY = [(n, 3 * n, 5 * n + k) for k in range(3) for n in range(len(OPERATIONS))]


@pytest.mark.parametrize(
    ("function", "i"),
    [(f, i) for f, rules in RULES.items() for i in range(len(rules))],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_program_tells_a_broken_rule(function, i, monkeypatch):
    run_all = program(EVERY, ARRAYS)
    wanted = expected(run_all, ARRAYS, 1.0)[0]
    broken = list(RULES[function])
    broken[i] = FAULTS["a little too large"](broken[i])
    for there in (False, True):
        if there:
            monkeypatch.setitem(RULES, function, broken)
        found = emerged(run_all, ARRAYS, 1.0)[0]
        equal = [np.allclose(a, b, rtol=1e-9) for a, b in zip(found, wanted, strict=True)]
        assert all(equal) is not there


def test_a_method_of_a_ufunc_and_a_wrong_number_of_operands_are_refused():
    with pytest.raises(AssertionError, match=r"multiply\.outer is not recorded"):
        np.multiply.outer(Tensor(X), X)
    with pytest.raises(TypeError, match="positional arguments"):
        backward(np.mean(Tensor(X), 0), 1)  # the axis has to come by keyword
    with pytest.raises(KeyError, match="sin"):
        backward(np.sin(Tensor(X)), 1)


def test_a_long_chain_needs_no_recursion():
    x = y = Tensor(1.0)
    for _ in range(5000):
        y = y + 0.5
    backward(y, 1)
    assert x.grad == 1
