"""Our checker is never mistaken where the peers' rules are, and measured/checkers.md is right."""

import functools
import json
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np
import pytest
from acceptance import __main__ as acceptance
from acceptance import cases, tables
from acceptance.cases import EDGES_RIGHT, EDGES_WRONG, RIGHT, WRONG
from acceptance.checkers import CHECKERS
from acceptance.verdicts import CASES, DRAWS, SEED, verdict, verdicts
from elsewhere import environments

import microbn as mb
from microbn.testing import HandWritten, gradcheck

KNOWN = json.loads(acceptance.INQUIRY.file.read_text("utf-8"))
HERE = ["microbn", "minitorch", "CS231n", "HIPS autograd", "PyTorch"]  # in this environment


@functools.cache
def said(name, row):
    """Return the verdicts of a checker, if it is installed here in the version that was asked."""
    library = acceptance.LIBRARIES[name]
    for package in environments.names(library):
        if find_spec(package) is None:
            pytest.skip(f"{name} is not installed: unchecked")
        if KNOWN[name] and version(package) != KNOWN[name]["versions"][package]:
            pytest.skip(f"the page is of another {name}: unchecked")
    return verdicts(CHECKERS[library.adapter], CASES[row])


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


def parts(report):
    return [part.verdict for part in report.inputs]


@pytest.mark.parametrize("fault", WRONG)
def test_microbn_rejects_every_wrong_gradient(fault):
    assert said("microbn", fault) == {"rejects": DRAWS}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_gradient_is_found_to_differ_which_is_more_than_inconclusive(fault):
    case = WRONG[fault]
    assert all("differs" in parts(report) for report in reports(by_hand(case), case))


@pytest.mark.parametrize("fault", WRONG)
def test_a_recorded_primitive_with_a_wrong_rule_is_rejected_and_blamed(fault):
    case = WRONG[fault]
    function = recorded(case)
    for report in reports(function, case):
        assert "differs" in parts(report)
        assert report.suspect.node.function is function


@pytest.mark.parametrize("row", RIGHT)
def test_microbn_accepts_every_right_gradient(row):
    assert said("microbn", row) == {"accepts": DRAWS}


@pytest.mark.parametrize("row", EDGES_WRONG | EDGES_RIGHT)
def test_microbn_is_not_mistaken_at_the_edges_either(row):
    right = {"accepts" if row in EDGES_RIGHT else "rejects": DRAWS}
    refused = [{f"raises {error}": DRAWS} for error in ("DTypeError", "NonFiniteError")]
    assert said("microbn", row) in [right, *refused * ("integers" in row or "NaN" in row)]


@pytest.mark.parametrize("row", RIGHT)
def test_a_recorded_primitive_with_a_right_rule_is_accepted(row):
    case = RIGHT[row]
    assert all(reports(recorded(case), case))


@pytest.mark.parametrize("row", RIGHT)
def test_no_right_gradient_is_said_to_differ(row):
    case = RIGHT[row]
    assert not any("differs" in parts(report) for report in reports(by_hand(case), case))


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
    ("CS231n", "relu, one entry at 1e-7", "a step of 1e-5 crosses the kink"),
    ("CS231n", "log, one entry at 1e-5", "a step of 1e-5 reaches the pole"),
]


@pytest.mark.parametrize(("checker", "row", "why"), BLIND)
def test_a_peer_is_mistaken_in_every_draw_where_its_constants_say_so(checker, row, why):
    assert mistaken(checker, row) == DRAWS, why


CHANCE = [
    ("minitorch", "relu, one entry at 1e-7", "one entry looked at"),
    ("HIPS autograd", "relu, one entry at 1e-7", "one direction"),
    ("HIPS autograd", "1e-6 x², gradient 50% too large", "1e-6 absolute, one direction"),
]


@pytest.mark.parametrize(("checker", "row", "why"), CHANCE)
def test_a_peer_that_looks_at_one_entry_or_direction_is_mistaken_by_chance(checker, row, why):
    assert 0 < mistaken(checker, row) < DRAWS, why


def mistaken(checker, row):
    """Count the draws in which a checker is mistaken."""
    return said(checker, row).get("rejects" if row in tables.RIGHTS else "accepts", 0)


@pytest.mark.parametrize("row", ["batch norm", "softmax", "1e-6 x²"])
@pytest.mark.parametrize("checker", HERE)
def test_all_accept_what_is_right_and_smooth(checker, row):
    assert said(checker, row) == {"accepts": DRAWS}


def test_verdicts_are_counted_and_an_error_is_none():
    answers = [True, False, None] * DRAWS

    def planned(*given):
        if len(answers) == 2 * DRAWS + 1:
            raise KeyError("no")
        return answers.pop()

    counted = verdicts(planned, WRONG["softmax, no row term"])
    assert sum(counted.values()) == DRAWS
    assert [*counted] == ["accepts", "cannot tell", "raises KeyError", "rejects"]


def test_a_checker_that_is_not_installed_has_no_verdict():
    def absent(*given):
        raise ImportError("no")

    with pytest.raises(ImportError):
        verdict(absent, RIGHT["softmax"], 0)


def test_a_wrong_verdict_is_marked_and_counted_where_there_are_others():
    wrong, right = next(iter(WRONG)), next(iter(RIGHT))
    assert tables.cell(wrong, {"rejects": 20}) == "rejects"
    assert tables.cell(right, {"rejects": 20}) == "**wrong: rejects**"
    assert tables.cell(wrong, {"accepts": 5, "rejects": 15}) == "**wrong: accepts** 5, rejects 15"
    assert tables.cell(wrong, {"raises KeyError": 20}) == "raises KeyError"


@pytest.mark.parametrize("checker", HERE)
def test_the_same_seed_gives_the_same_draws(checker):
    library = acceptance.LIBRARIES[checker]
    for package in environments.names(library):
        pytest.importorskip(package, reason=f"{checker} is not installed: unchecked")
    seen = []

    def spy(x):
        seen.append(x.copy())
        return cases.softmax(x)

    case = RIGHT["softmax"]._replace(forward=spy)
    for draw in (0, 1, 0, 1):
        verdict(CHECKERS[library.adapter], case, draw)
    half = len(seen) // 2
    assert all(np.array_equal(a, b) for a, b in zip(seen[:half], seen[half:], strict=True))
    assert not np.array_equal(seen[0], seen[half - 1])


def test_the_page_has_the_recorded_verdicts():
    assert acceptance.INQUIRY.file.with_suffix(".md").read_text("utf-8") == tables.page(KNOWN)
    assert [*KNOWN] == [*acceptance.LIBRARIES]
    assert {library.adapter for library in acceptance.LIBRARIES.values()} == {*CHECKERS}
    assert all([*found["cells"]] == [*CASES] for found in KNOWN.values() if found)


def test_the_page_calls_no_verdict_of_ours_wrong():
    shown = tables.page({"microbn": KNOWN["microbn"]})
    assert "wrong:" not in shown
    theirs = tables.page({name: found for name, found in KNOWN.items() if name != "microbn"})
    assert "wrong:" in theirs


@pytest.mark.parametrize("checker", HERE)
def test_the_page_says_what_is_found(checker):
    for row in CASES:
        assert said(checker, row) == KNOWN[checker]["cells"][row], row
