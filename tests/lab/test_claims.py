"""The table of claims: its gates can fail, and the book prints what it says."""

import math
import re
from pathlib import Path

import pytest

from microbn import errors
from microbn.lab import claims

MEASURED = Path(__file__).parents[2] / "docs" / "measured" / "claims.md"
ENTRIES = [(demo, entry) for demo, entries in claims.CLAIMS.items() for entry in entries]


def names_in(entry):
    """Return the names that an entry's sentences and its condition use."""
    texts = "".join(entry[text] for text in ("claim", "here", "gate"))
    sides = re.split(r" and | <=? | >=? | == ", entry["holds"])
    return {*re.findall(r"\{([^:}]+)", texts), *(s for s in sides if not s[0].isdigit())}


def judged(demo, value, quick=False):
    """Judge the claims of a demo for which everything measured is this one value."""
    names = set().union(*(names_in(entry) for name, entry in ENTRIES if name == demo))
    cases = {case for name, e in ENTRIES if name == demo for case in e.get("cases", ())}
    limits = {"case", "enough"}
    return claims.judged(
        demo, dict.fromkeys(names - limits, value) | {case: {} for case in cases}, quick
    )


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("demo", claims.CLAIMS)
def test_no_gate_is_passed_by_numbers_that_are_not(demo, quick):
    assert not any(claim.held for claim in judged(demo, math.nan, quick))


def test_the_book_has_the_claims_the_textbooks_and_the_gates_of_the_table():
    rows = re.findall(r"^\| (d\d\d) \| (.+) \|$", MEASURED.read_text().split("## What")[0], re.M)
    printed = [(demo, *re.split(r" (?<!\\)\| ", rest)) for demo, rest in rows]
    known = [
        (demo[:3], c.claim, c.textbook, f"{c.gate} (only shown)" if c.shown else c.gate)
        for demo in claims.CLAIMS
        for c in judged(demo, 1.0)
    ]
    assert [(d, claim, book, gate) for d, claim, _, _, gate, book in printed] == known


def test_a_chain_of_comparisons_holds_if_each_of_them_does():
    holds = "0.95 <= plain net <= 1.05 and plain net < other"
    assert claims.holds(holds, {"plain net": 1.0, "other": 2.0})
    assert not claims.holds(holds, {"plain net": 1.1, "other": 2.0})
    assert not claims.holds(holds, {"plain net": 1.0, "other": 1.0})


SHIFTS = {
    "batch norm shift of the inputs": 0.015,
    "plain shift of the inputs": 0.16,
    "batch norm width of the band": 3.4,
    "plain width of the band": 3.0,
    "times less": 10.4,
}
DEBATE = {
    f"{net} {what}": value
    for net, values in {
        "batch norm": (40, 0.01, 0.0, 0.96),
        "noisy batch norm": (50, 1.43, 0.36, 0.95),
        "plain": (90, 0.56, 0.19, 0.95),
    }.items()
    for what, value in zip(
        ("steps to 90%", "shift", "in widths", "final accuracy"), values, strict=True
    )
}
DEBATE |= {"times the shift": 2.6, "times the in widths": 1.9}


@pytest.mark.parametrize(
    ("demo", "measured", "fault"),
    [
        ("d13_covariate_shift", SHIFTS, {"times less": 4.9}),
        ("d15_debate", DEBATE, {"noisy batch norm steps to 90%": 90}),
        ("d15_debate", DEBATE, {"plain steps to 90%": math.inf, "plain final accuracy": 0.24}),
        ("d15_debate", DEBATE, {"times the shift": 0.48 / 0.56}),
        ("d15_debate", DEBATE, {"times the in widths": 0.14 / 0.19}),
    ],
)
def test_claims_about_the_shift_hold_for_what_was_measured_and_fail_otherwise(
    demo, measured, fault
):
    (claim,) = claims.judged(demo, measured)
    (spoilt,) = claims.judged(demo, measured | fault)
    assert (claim.held, spoilt.held, claim.shown) == (True, False, False)


ENTRY = {
    "claim": "claim {case}",
    "textbook": "the book",
    "here": "{steps:.0f} steps, {errors:no|an} error",
    "gate": "≤ {enough}",
    "holds": "steps <= enough",
    "cases": {"one": {"enough": 5}, "two": {"enough": 7, "shown": True}},
    "quick": {"enough": 9},
}


@pytest.fixture
def entry(monkeypatch):
    monkeypatch.setitem(claims.CLAIMS, "demo", [ENTRY])


def test_each_case_has_its_own_gate_and_a_quick_run_another(entry):
    measured = {"errors": 0, "one": {"steps": 6}, "two": {"steps": 6}}
    one, two = claims.judged("demo", measured)
    assert (one.claim, one.gate, one.held, one.shown) == ("claim one", "≤ 5", False, False)
    assert (two.claim, two.gate, two.held, two.shown) == ("claim two", "≤ 7", True, True)
    assert one.here == "6 steps, no error"
    (quick,) = claims.judged("demo", {"errors": 2, "one": {"steps": math.inf}}, quick=True)
    assert (quick.gate, quick.held, quick.here) == ("≤ 9", False, "never steps, an error")


def test_a_number_that_was_not_measured_is_named(entry):
    with pytest.raises(errors.ArgumentError, match="'steps', which the demo did not"):
        claims.judged("demo", {"errors": 0, "one": {}, "two": {}})
    with pytest.raises(errors.ArgumentError, match="needs 'steps'"):  # a case is missing
        claims.judged("demo", {"errors": 0, "one": {"steps": 1}})
    with pytest.raises(errors.ArgumentError, match="'nosuch' has no claims"):
        claims.judged("nosuch", {})


@pytest.mark.parametrize("steps", [None, "five", [5]], ids=str)
def test_what_is_not_a_number_is_named_with_its_claim(entry, monkeypatch, steps):
    measured = {"errors": 0, "one": {"steps": steps}, "two": {"steps": 1}}
    named = f"'claim {{case}}' needs numbers, .* {re.escape(repr({'steps': steps}))}"
    with pytest.raises(errors.ArgumentError, match=named):
        claims.judged("demo", measured)
    monkeypatch.setitem(claims.CLAIMS, "demo", [ENTRY | {"here": "some"}])  # only the gate is left
    with pytest.raises(errors.ArgumentError, match=named):
        claims.judged("demo", measured)
    with pytest.raises(errors.ArgumentError, match="case 'one' needs a dict of numbers, got 3"):
        claims.judged("demo", {"errors": 0, "one": 3})
