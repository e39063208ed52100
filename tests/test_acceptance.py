"""Our checker is never mistaken where the peers' rules are, and measured/checkers.md is right."""

import functools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from acceptance import __main__ as acceptance
from acceptance import cases
from acceptance.cases import RIGHT, WRONG
from acceptance.checkers import CHECKERS

import microbn as mb
from microbn.testing import HandWritten, gradcheck

DRAWS, SEED = 20, 0
ROOT = Path(__file__).parents[1]
PACKAGES = {"HIPS autograd": "autograd", "PyTorch": "torch"}


@functools.cache
def mistaken(checker, row):
    if package := PACKAGES.get(checker):
        pytest.importorskip(package, reason=f"{checker} is not installed: unchecked")
    return acceptance.mistaken(checker, row, DRAWS, SEED)


def draws(case):
    """Return the inputs and the generator that `acceptance` gives the checkers."""
    for draw in range(DRAWS):
        rng = np.random.default_rng([SEED, draw])
        yield case.inputs(rng), rng


def by_hand(case):
    return HandWritten(lambda *xs: (case.forward(*xs), xs), lambda g, xs: case.backward(g, *xs))


def recorded(case):
    """Make the function a primitive with the gradient as its rule."""
    function = mb.primitive(case.forward)
    rule = lambda g, out, *xs, position: case.backward(g, *xs)[position]  # noqa: E731
    mb.defvjp(function, rule)
    return function


def reports(f, case):
    return [gradcheck(f, *xs, seed=int(rng.integers(2**31))) for xs, rng in draws(case)]


def verdicts(report):
    return [part.verdict for part in report.inputs]


@pytest.mark.parametrize("fault", WRONG)
def test_microbn_accepts_no_wrong_gradient(fault):
    assert mistaken("microbn", fault) == "0.00"


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_gradient_is_found_to_differ_which_is_more_than_inconclusive(fault):
    case = WRONG[fault]
    assert all("differs" in verdicts(report) for report in reports(by_hand(case), case))


@pytest.mark.parametrize("fault", WRONG)
def test_a_recorded_primitive_with_a_wrong_rule_is_rejected_and_blamed(fault):
    case = WRONG[fault]
    function = recorded(case)
    for report in reports(function, case):
        assert "differs" in verdicts(report)
        assert report.suspect.node.function is function


@pytest.mark.parametrize("row", RIGHT)
def test_microbn_rejects_no_right_gradient(row):
    assert mistaken("microbn", row) == "0.00"


@pytest.mark.parametrize("row", RIGHT)
def test_a_recorded_primitive_with_a_right_rule_is_accepted(row):
    case = RIGHT[row]
    assert all(reports(recorded(case), case))


@pytest.mark.parametrize("row", RIGHT)
def test_no_right_gradient_is_said_to_differ(row):
    case = RIGHT[row]
    assert not any("differs" in verdicts(report) for report in reports(by_hand(case), case))


@pytest.mark.parametrize("fault", WRONG)
def test_a_planted_fault_is_one(fault):
    case = WRONG[fault]
    right = next(other for other in RIGHT.values() if other.forward is case.forward)
    for xs, rng in draws(case):
        g = rng.normal(size=case.forward(*xs).shape)
        pairs = zip(case.backward(g, *xs), right.backward(g, *xs), strict=True)
        assert any(np.max(np.abs(a / b - 1)) > 4e-4 for a, b in pairs)


# What is known of the peers: constants, and what they look at.
BLIND = [
    ("minitorch", "batch norm, no path through the variance", "a plain sum"),
    ("minitorch", "softmax, mean of g as the row term", "a plain sum"),
    ("minitorch", "1e-6 x², gradient 50% too large", "1e-2 absolute"),
    ("minitorch", "batch norm, gradients 0.05% too large", "1e-2 relative"),
    ("PyTorch", "1e-6 x², gradient 50% too large", "1e-5 absolute"),
    ("PyTorch", "batch norm, gradients 0.05% too large", "1e-3 relative"),
    ("PyTorch", "relu, one entry at 1e-7", "a step of 1e-6 crosses the kink"),
    ("PyTorch", "log, one entry at 1e-5", "a step of 1e-6 is a tenth of x"),
    ("JAX", "relu, one entry at 1e-7", "a step of 1e-4 crosses the kink"),
    ("JAX", "log, one entry at 1e-5", "a step of 1e-4 crosses the pole"),
    ("CS231n", "relu, one entry at 1e-7", "a step of 1e-5 crosses the kink"),
    ("CS231n", "log, one entry at 1e-5", "a step of 1e-5 reaches the pole"),
]


@pytest.mark.parametrize(("checker", "row", "why"), BLIND)
def test_a_peer_is_mistaken_in_every_draw_where_its_constants_say_so(checker, row, why):
    assert mistaken(checker, row) == "1.00", why


CHANCE = [
    ("minitorch", "relu, one entry at 1e-7", "one entry looked at"),
    ("HIPS autograd", "relu, one entry at 1e-7", "one direction"),
    ("HIPS autograd", "1e-6 x², gradient 50% too large", "1e-6 absolute, one direction"),
    ("JAX", "1e-6 x², gradient 50% too large", "1e-5 absolute, one direction"),
]


@pytest.mark.parametrize(("checker", "row", "why"), CHANCE)
def test_a_peer_that_looks_at_one_entry_or_direction_is_mistaken_by_chance(checker, row, why):
    assert 0 < float(mistaken(checker, row)) < 1, why


@pytest.mark.parametrize("row", ["batch norm", "softmax", "1e-6 x²"])
@pytest.mark.parametrize("checker", CHECKERS)
def test_all_accept_what_is_right_and_smooth(checker, row):
    assert mistaken(checker, row) == "0.00"


def test_a_checker_that_says_always_the_same_is_always_or_never_mistaken(monkeypatch):
    for answer, wrong, right in ((True, "1.00", "0.00"), (False, "0.00", "1.00")):
        monkeypatch.setitem(CHECKERS, "constant", lambda *given, answer=answer: answer)
        assert {acceptance.mistaken("constant", row, 3, SEED) for row in WRONG} == {wrong}
        assert {acceptance.mistaken("constant", row, 3, SEED) for row in RIGHT} == {right}


def test_the_share_is_that_of_the_draws(monkeypatch):
    answers = iter([True, False, False, True])
    monkeypatch.setitem(CHECKERS, "planned", lambda *given: next(answers))
    assert acceptance.mistaken("planned", next(iter(WRONG)), 4, SEED) == "0.50"


def test_a_checker_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert acceptance.mistaken("PyTorch", next(iter(WRONG)), 1, SEED) == "not installed"


@pytest.mark.parametrize("checker", CHECKERS)
def test_the_same_seed_gives_the_same_draws(checker, monkeypatch):
    if package := PACKAGES.get(checker):
        pytest.importorskip(package, reason=f"{checker} is not installed: unchecked")
    seen = []

    def spy(x):
        seen.append(x.copy())
        return cases.softmax(x)

    case = RIGHT["softmax"]._replace(forward=spy)
    acceptance.accepted(CHECKERS[checker], case, 2, SEED)
    first = [*seen]
    seen.clear()
    acceptance.accepted(CHECKERS[checker], case, 2, SEED)
    assert all(np.array_equal(a, b) for a, b in zip(first, seen, strict=True))
    assert not np.array_equal(first[0], first[-1])


def cells(text):
    """Return the cells of a page's tables, by row and column."""
    lines = [line[2:-2].split(" | ") for line in text.splitlines() if line.startswith("| ")]
    columns = [name.strip() for name in lines[0]]
    rows = [line for line in lines if line[0].strip() and line[0] != ":--"]
    return {(row[0], name): cell for row in rows for name, cell in zip(columns, row, strict=True)}


PAGE = (ROOT / "docs" / "measured" / "checkers.md").read_text(encoding="utf-8")


def test_the_page_has_these_rows_and_columns_and_notes():
    asked = {(row, name) for row in (*WRONG, *RIGHT) for name in ("", *CHECKERS)}
    assert set(cells(PAGE)) == asked
    assert PAGE.startswith(f"`python -m tests.acceptance --draws {DRAWS} --seed {SEED}`")
    assert PAGE.endswith(acceptance.notes() + "\n")


@pytest.mark.parametrize("checker", CHECKERS)
def test_the_page_says_what_is_measured(checker):
    said = cells(PAGE)
    for row in (*WRONG, *RIGHT):
        assert said[row, checker] == mistaken(checker, row), row


def test_script_prints_and_writes_the_tables(tmp_path):
    file = tmp_path / "acceptance.md"
    command = ["-m", "tests.acceptance", "--draws", "1", "--markdown", str(file)]
    run = subprocess.run(
        [sys.executable, *command], cwd=ROOT, check=True, capture_output=True, encoding="utf-8"
    )
    text = file.read_text(encoding="utf-8")
    assert run.stdout == text
    assert text.startswith("`python -m tests.acceptance --draws 1 --seed 0`: 1 draws")
    assert set(cells(text)) == set(cells(PAGE))
    assert str(tmp_path) not in text
