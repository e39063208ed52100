"""The demos' claims: claims.toml says them, and a demo's numbers decide which of them held.

The table is data, in the order of the demos. Each entry has the ``claim``, the ``textbook``'s
sentence and a sentence for the result ``here``. It has the ``gate`` twice: in words, and as the
condition under which the claim ``holds``, such as ``0.95 <= plain <= 1.05 and normed > plain``. The
names in braces and in conditions stand for the demo's numbers, or for numbers of the entry itself.
"""

from __future__ import annotations

import operator
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from string import Formatter
from typing import Any

from ..arguments import is_real
from ..errors import ArgumentError

CLAIMS = tomllib.loads((files(__package__) / "claims.toml").read_text(encoding="utf-8"))
COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
COMPARISONS |= {"==": operator.eq}


@dataclass(frozen=True)
class Claim:
    """A claim about batch norm, with the textbook's sentence for it and the result here.

    ``gate`` is the result that the claim needs in order to be ``held``. If it is not held, the demo
    fails, unless the claim is only ``shown``.
    """

    claim: str
    here: str
    held: bool
    gate: str
    textbook: str
    shown: bool = False


def judged(demo: str, measured: Mapping[str, Any], quick: bool = False) -> list[Claim]:
    """Judge each claim of this demo by the numbers it ``measured``.

    Some claims are made for several cases, such as depths of a net. Then ``measured`` has a dict
    of numbers under the name of each case. A ``quick`` run may leave cases out, and an entry may
    have another gate for it.

    Raises ArgumentError if the demo has no claims, if a number that a claim needs is missing, or if
    it is not a number.
    """
    if demo not in CLAIMS:
        raise ArgumentError(f"judged: {demo!r} has no claims in claims.toml")
    claims = []
    for entry in CLAIMS[demo]:
        own = entry.get("quick", {}) if quick else {}
        for case, limits in entry.get("cases", {"": {}}).items():
            if case in measured or not (case and quick):
                found = {**measured, **_of_case(case, measured)}
                claims.append(_judge({**entry, **limits, **own, **found, "case": case}, found))
    return claims


def _of_case(case: str, measured: Mapping[str, Any]) -> Mapping[str, Any]:
    numbers = measured.get(case, {})
    if not isinstance(numbers, Mapping):
        raise ArgumentError(f"judged: case {case!r} needs a dict of numbers, got {numbers!r:.60}")
    return numbers


def _judge(facts: Mapping[str, Any], measured: Mapping[str, Any]) -> Claim:
    """Write the sentences of a claim and decide it. ``facts`` holds its entry too."""
    try:
        texts = {
            name: _Sentence().vformat(facts[name], (), facts)
            for name in ("claim", "textbook", "here", "gate")
        }
        held = holds(facts["holds"], facts)
    except KeyError as error:
        raise ArgumentError(
            f"judged: {facts['claim']!r} needs {error}, which the demo did not measure"
        ) from None
    except (TypeError, ValueError) as error:
        others = {
            name: value
            for name, value in measured.items()
            if not (is_real(value) or isinstance(value, Mapping))
        }
        raise ArgumentError(
            f"judged: {facts['claim']!r} needs numbers, and the demo measured {others!r:.200}: "
            f"{error}"
        ) from None
    return Claim(**texts, held=held, shown=facts.get("shown", False))


def holds(condition: str, facts: Mapping[str, Any]) -> bool:
    """Decide a condition: comparisons of names and numbers, joined by "and"."""
    return all(_satisfied(part, facts) for part in condition.split(" and "))


def _satisfied(part: str, facts: Mapping[str, Any]) -> bool:
    """Decide a comparison, which may be a chain such as ``0.95 <= plain <= 1.05``."""
    words = re.split(f" ({'|'.join(COMPARISONS)}) ", part)
    values = [float(w) if re.fullmatch(r"\d[\d.e-]*", w) else facts[w] for w in words[::2]]
    found = zip(words[1::2], pairwise(values), strict=True)
    return all(COMPARISONS[sign](low, high) for sign, (low, high) in found)


class _Sentence(Formatter):
    """Fills the numbers into a sentence.

    Infinity is written "never". ``{errors:no|an}`` is "no" if the number is 0, and "an" otherwise.
    """

    def format_field(self, value: Any, spec: str) -> str:
        if "|" in spec:
            return spec.split("|")[bool(value)]
        return "never" if value == float("inf") else super().format_field(value, spec)
