"""The sums of the backward: what each value receives, part by part, with its rounding noise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ..engine.backward import Message, Step
from .links import Links
from .noise import Noise, largest_entry
from .words import Words, positions_read


class Sent(NamedTuple):
    """One message of the sweep. It is the ``nth`` that its receiver gets.

    ``sender`` is the id of the node that sends it, and ``rule`` a formula with marks. ``earlier``
    is the sum before it, or None, and ``total`` the sum with it. ``noise`` is how large rounding
    noise can be in the total, and ``terms`` how large the terms of the sum are so far.
    """

    sender: str
    message: Message
    rule: str
    nth: int
    gradient: np.ndarray
    earlier: np.ndarray | None
    total: np.ndarray
    noise: float
    terms: float


class Sums:
    """Adds up all messages of a sweep, once, so that a story can tell its steps in any order.

    ``sent`` holds the messages of each step. For a Tensor, by its number, ``expected`` is how many
    it gets, and ``shared`` holds them if there are several.
    """

    def __init__(self, links: Links, words: Words, swept: Sequence[Step]) -> None:
        self._links, self._words, self._noise = links, words, Noise(links)
        self.expected = Counter(m.operand.number for step in swept for m in step.messages)
        self.shared: dict[int, list[Sent]] = {n: [] for n, k in self.expected.items() if k > 1}
        self._texts: dict[str, str] = {}  # equal rules share one text
        self.sent = [tuple(self._of_step(step)) for step in swept]
        self.noise = dict(self._noise)  # maps a node's id to the noise in its whole gradient
        del self._noise

    def _of_step(self, step: Step) -> Iterator[Sent]:
        """Add up the messages of a step."""
        sender = self._links.ids[step.node.number]
        sources = {-1: sender} | {edge.position: edge.source for edge in self._links.into(sender)}
        for message, text in zip(step.messages, self._words.rules(step), strict=True):
            rule = self._texts.setdefault(text, text)
            number, gradient = message.operand.number, np.asarray(message.gradient)
            parts = self.shared.get(number, [])
            earlier, before = (parts[-1].total, parts[-1].terms) if parts else (None, 0.0)
            reads = [sources[p] for p in positions_read(rule) if p in sources]
            noise = self._noise.add(message, sender, step.gradient, reads, earlier)
            terms = max(before, largest_entry(message.product), largest_entry(gradient))
            total = gradient if earlier is None else np.asarray(earlier + gradient)
            nth = len(parts) + 1
            parts.append(Sent(sender, message, rule, nth, gradient, earlier, total, noise, terms))
            yield parts[-1]
