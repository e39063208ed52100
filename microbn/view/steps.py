"""What a story is made of: steps, and the parts of gradients that a step sends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import printable
from ..reading.trace import Line


@dataclass(frozen=True, eq=False)
class Part:
    """What one use of a value adds to its gradient: a message along an edge, against its arrow.

    ``rule`` is the rule in words and ``product`` what it gave. ``gradient`` is the same in the
    shape of the receiver, and ``summed`` says over which axes it was summed for that, "" if over
    none. With this part the receiver has ``received`` of ``expected`` parts, and they are
    ``total``.
    """

    edge: str
    receiver: str
    rule: str
    product: np.ndarray
    summed: str
    gradient: np.ndarray
    received: int
    expected: int
    total: np.ndarray
    sentence: str


@dataclass(frozen=True, eq=False)
class StoryStep:
    """One step. ``phase`` is "given", "forward" or "backward", ``sentence`` says what happens.

    ``nodes`` are what it is about: all the leaves that are given, or the one value that is
    computed or sends its ``gradient``, which is complete, on in ``parts``. ``reads`` are the other
    values that this takes: the operands, or what the rules make use of. Under trace() ``line`` is
    the line that computed the value, and ``code`` that line and those beside it that ran too.
    """

    number: int
    phase: str
    nodes: tuple[str, ...]
    sentence: str
    gradient: np.ndarray | None = None
    parts: tuple[Part, ...] = ()
    reads: tuple[str, ...] = ()
    line: Line | None = None
    code: tuple[tuple[int, str], ...] = ()

    def __str__(self) -> str:
        lines = [self.sentence, *(f"  {part.sentence}" for part in self.parts)]
        return printable("\n".join(lines))
