"""A step of a story: what is given, computed or sent, in sentences and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from ..reading.lines import Line
from .values import printable


@dataclass(frozen=True, eq=False, slots=True)
class Part:
    """The part of a gradient that one use of a value adds: a message that goes back along an edge.

    ``rule`` is the rule in words and ``product`` its result. ``gradient`` is the result in the
    shape of the receiver; ``summed`` names the axes it was summed over for that, "" if none.
    ``copied`` says where a sum or a mean copies it to, and ``rule`` says so too. ``total`` is the
    sum at the receiver, which now has ``received`` of ``expected`` parts. ``count`` says so, as in
    ``1 of 2``, and is "" if there is only one part. ``earlier`` is the sum before, or None for the
    first part. ``pattern`` names the way in which the gradient comes back: "add distributes", "mul
    swaps", "max routes", "broadcast sums", two of them, or "". ``noise`` is how large rounding
    noise can be in the total, and ``largest`` how large the terms are that it is the sum of.
    """

    edge: str
    receiver: str
    rule: str
    product: np.ndarray
    summed: str
    gradient: np.ndarray
    received: int
    expected: int
    count: str
    earlier: np.ndarray | None
    total: np.ndarray
    sentence: str
    pattern: str = ""
    noise: float = 0.0
    copied: str = ""
    largest: float = 0.0

    def terms(self) -> dict[str, np.ndarray]:
        """Return the numbers worth showing, in the order in which they are computed.

        The ``product`` is among them if it was summed, ``earlier`` and ``total`` if parts came
        before this one.
        """
        terms = {"gradient": self.gradient}
        if self.summed:
            terms = {"product": self.product, **terms}
        if self.earlier is not None:
            terms = {"earlier": self.earlier, **terms, "total": self.total}
        return terms


class Remark(NamedTuple):
    """A sentence that is added to a step, and arrays by title to show beside its own."""

    said: str
    beside: Mapping[str, np.ndarray] = MappingProxyType({})


@dataclass(frozen=True, eq=False, slots=True)
class StoryStep:
    """One step. ``phase`` is "given", "forward" or "backward", and ``sentence`` says what happens.

    In the first step ``nodes`` are all leaves. In each later step it is one value: the one that is
    computed, or the one whose complete ``gradient`` is sent on in ``parts``. By the id of a node,
    ``gradients`` has this gradient and the sums at the receivers. ``edges`` are the uses that take
    part, and ``reads`` the other values: the operands, or those that the rules use. ``beside`` are
    gradients derived in another way, by their titles, for those that are complete now. ``line`` is
    the line that computed the value, unless that was under no_lines(), and ``code`` that line with
    the lines beside it that also ran. ``math`` has lines of mathematics as trees of MathML: the
    operation and, in the backward, ∂L/∂ of each operand.
    """

    number: int
    phase: str
    nodes: tuple[str, ...]
    sentence: str
    gradient: np.ndarray | None = None
    parts: tuple[Part, ...] = ()
    gradients: dict[str, np.ndarray] = field(default_factory=dict)
    edges: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    beside: dict[str, np.ndarray] = field(default_factory=dict)
    line: Line | None = None
    code: tuple[tuple[int, str], ...] = ()
    math: tuple = ()

    def __str__(self) -> str:
        lines = [self.sentence, *(f"  {part.sentence}" for part in self.parts)]
        return printable("\n".join(lines))

    def remarked(self, remarks: Sequence[Remark]) -> StoryStep:
        """Return the step with these remarks."""
        said = " ".join([self.sentence, *(remark.said for remark in remarks)])
        beside = {title: x for remark in remarks for title, x in remark.beside.items()}
        return replace(self, sentence=said, beside=self.beside | beside) if remarks else self

    @property
    def ran(self) -> Line | None:
        """Return the line to look at: microbn's own, if the user's line led to one, or the user's.

        Microbn's own line is one of functional.py, or of rules.py for a gradient's graph.
        """
        return self.line and (self.line.inside or self.line)
