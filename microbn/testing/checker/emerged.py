"""The gradients that emerge from a forward: by the names of its values, part by part, in words."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from ...engine.backward import grad, sweep
from ...engine.names import OneCall, maker
from ...engine.node import is_node
from ...engine.tensor import Tensor
from ...reading.assigned import names_of
from ...reading.tape import history
from ...view.expressions import constants_of
from ...view.story import Story
from .spellings import bare, is_common, one_word

WITHIN = 1e-8  # two gradients are the same within this share of the largest entry
NOISE = 10  # and within this many times the rounding noise


class Arrival(NamedTuple):
    """A part of a gradient: what one use of a value adds to it.

    It arrives ``at`` a step of the story, as the message in this ``place`` of its ``sender``. The
    parts that come out of one call of a composed function, such as np.var, are one part, and then
    ``inside`` are the others.
    """

    at: int
    place: int
    sender: Tensor
    gradient: np.ndarray
    inside: tuple[Arrival, ...] = ()


class Emerged:
    """The gradients of all values of a story, by the numbers of their Tensors."""

    def __init__(self, told: Story) -> None:
        self.told, self.steps = told, told.steps
        self.root = self.steps.swept[0].node
        self.tape = history(self.root)
        self.gradients = {s.node.number: np.asarray(s.gradient) for s in self.steps.swept}
        self.names = names_of(self.tape)
        self.parts: dict[int, list[Arrival]] = defaultdict(list)
        senders = (step for step in self.steps.swept if step.node.function)
        for at, step in enumerate(senders, told.starts["backward"]):
            for place, message in enumerate(step.messages):
                arrival = Arrival(at, place, step.node, np.asarray(message.gradient))
                self.parts[message.operand.number].append(arrival)
        self._bundles: dict[int, list[Tensor]] = {}
        self._calls = {p: t.number for t in self.tape for p in t.scope if type(p) is OneCall}
        self.named: dict[str, list[Tensor]] = defaultdict(list)
        self.alike: dict[str, list[Tensor]] = defaultdict(list)
        for node in reversed(self.tape):
            if node.number in self.gradients and self._is_outside(node):
                self._note_name(node)

    def _note_name(self, node: Tensor) -> None:
        """Note the name of a value; without one, ``x.var(0)`` goes by its function."""
        if name := self.names[node.number]:
            self.named[bare(name)].append(node)
            self.alike[one_word(bare(name))].append(node)
        elif node.function and is_common(word := maker(node)):
            self.alike[one_word(word)].append(node)

    def _is_outside(self, node: Tensor) -> bool:
        """Return whether a value is the user's, and no step on the way inside a call."""
        calls = (part for part in node.scope if type(part) is OneCall)
        return all(self._calls[call] == node.number for call in calls)

    def called(self, word: str) -> list[Tensor]:
        """Return the values of this name, the last one first, or else those of a synonym."""
        return self.named.get(word) or self.alike.get(one_word(word)) or []

    def values(self) -> dict[str, Tensor]:
        """Return the values that have a name. Those that are given come first."""
        nodes = sorted((node for each in self.named.values() for node in each), key=_when_made)
        return {self.names[node.number]: node for node in nodes}

    def completed(self, node: Tensor) -> int:
        """Return the step of the story that completes the gradient of a value."""
        parts = self.parts[node.number]
        return max((part.at for part in parts), default=self.told.starts["backward"])

    def rule_step(self, node: Tensor) -> int:
        """Return the step with the last rule of a gradient; it may only be passed on after it."""
        parts = self.parts[node.number]
        last = max(parts, key=lambda part: part.at, default=None)
        return self.origin(last).at if last else self.told.starts["backward"]

    def origin(self, part: Arrival) -> Arrival:
        """Return the part whose rule gave this one, if it is passed on as it came: past ``+ ε``."""
        while not self.names[part.sender.number] and len(self.parts[part.sender.number]) == 1:
            before = self.parts[part.sender.number][0]
            if not np.array_equal(before.gradient, part.gradient):
                break
            part = before
        return part

    def summands(self, node: Tensor) -> list[Arrival]:
        """Return the parts of a gradient, those from one call of a composed function as one.

        The parts of its twins are among them.
        """
        around, found = {*node.scope}, defaultdict[Any, list[Arrival]](list)
        for part in (part for one in self.bundle(node) for part in self.parts[one.number]):
            part = part._replace(gradient=part.gradient.reshape(node.shape))
            calls = [p for p in part.sender.scope if type(p) is OneCall and p not in around]
            found[calls[0] if calls else (part.at, part.place)].append(part)
        return [_together(parts) for parts in found.values()]

    def along(self, start: Tensor, gradient: np.ndarray, node: Tensor) -> np.ndarray:
        """Return what flows on to ``node`` if ``start`` has this gradient."""
        if start.number == node.number:
            return gradient
        if not start.function or start.number < node.number:
            return np.zeros(node.shape)
        return np.asarray(grad(start, node, gradient))

    def message(self, part: Arrival, gradient: Any) -> np.ndarray:
        """Return what a part is if its sender has this gradient."""
        first = next(iter(sweep(part.sender, gradient)))
        return np.asarray(first.messages[part.place].gradient)

    def same(self, mine: np.ndarray, right: np.ndarray, node: Tensor) -> bool:
        """Return whether a gradient is the right one of a value, up to rounding."""
        noise = self.steps.noise.get(self._id(node), 0.0)
        return within(mine, right, NOISE * noise)

    def rule(self, part: Arrival) -> str:
        """Return a part in words, ``dx̂ · ivar``, down to gradients of values that have a name."""
        said, sender = self._wording(part), part.sender
        for _ in range(3):
            own, parts = self.told.gradient_names[self._id(sender)], self.parts[sender.number]
            if self.names[sender.number] or own not in said or len(parts) != 1:
                break
            inner, sender = self._wording(parts[0]), parts[0].sender
            if ", " in inner:  # such as "summed over the 8 rows"
                said += f", where {own} is {inner}"
            else:
                whole = said == own or " " not in inner
                said = said.replace(f"({own})", own).replace(own, inner if whole else f"({inner})")
        return re.sub(r" \*\* 1\.0(?!\d)", "", said)  # the rule of x ** 2 holds x ** 1.0

    def constants(self, part: Arrival) -> list[tuple[float, float]]:
        """Return the constants of a part's rule, as `constants_of` does."""
        part = self.origin(part)
        teller = self.steps.teller
        place = teller.senders[part.at - self.told.starts["backward"]]
        rule = teller.sums.sent[place][part.place].rule
        with suppress(SyntaxError):  # a rule that has no formula
            return constants_of(rule) if not part.inside else []
        return []

    def _wording(self, part: Arrival) -> str:
        if part.inside:
            calls = (p for p in part.sender.scope if type(p) is OneCall)
            return f"what comes back from {next(calls)}"
        told = self.told[part.at].parts[part.place]
        said = f"{told.rule}, {told.summed}" if told.summed else told.rule
        for node in (part.sender, *filter(is_node, part.sender.inputs)):
            if not self.names[node.number] and node.function:  # a name such as sqrt10 says nothing
                name = rf"(?<![\w(]){re.escape(self.name(node))}(?!\w)"
                said = self.formula(node).join(re.split(name, said))
        return said

    def formula(self, node: Tensor) -> str:
        """Return the formula that computed a value."""
        return self.steps.words.formula(self._id(node))

    def which(self, parts: Sequence[Arrival], i: int) -> str:
        """Return a part of a gradient by its number, if possible the one that its page gives it."""
        if (part := parts[i]).inside:
            return self._wording(part)
        count = self.told[part.at].parts[part.place].count
        return f"part {count or f'{i + 1} of {len(parts)}'}"

    def name(self, node: Tensor) -> str:
        """Return the name of a value in the story."""
        return self.told.names[self._id(node)]

    def gradient_name(self, node: Tensor) -> str:
        """Return the name of its gradient in the story."""
        return self.told.gradient_names[self._id(node)]

    def _id(self, node: Tensor) -> str:
        return self.steps.links.ids[node.number]

    def bundle(self, node: Tensor) -> list[Tensor]:
        """Return the value and its twins: the same value, computed once more.

        np.var centers its operand, and so does the user's ``x - mean``.
        """
        if node.number not in self._bundles:
            self._bundles[node.number] = [node, *self._twins(node)]
        return self._bundles[node.number]

    def _twins(self, node: Tensor) -> Iterator[Tensor]:
        flat, mine = np.squeeze(node.value), {x.number for x in history(node)}
        for other in self.tape if node.function else ():
            if other.function is node.function and other.number not in mine:
                value = np.squeeze(other.value)
                alike = value.shape == flat.shape and np.allclose(value, flat, 1e-12, 1e-12)
                if alike and all(x.number != node.number for x in history(other)):
                    yield other


def _when_made(node: Tensor) -> tuple[bool, int]:
    return bool(node.function), node.number


def _together(parts: Sequence[Arrival]) -> Arrival:
    if len(parts) == 1:
        return parts[0]
    total = sum((part.gradient for part in parts[1:]), parts[0].gradient)
    return parts[-1]._replace(gradient=np.asarray(total), inside=tuple(parts))


def within(mine: np.ndarray, right: np.ndarray, noise: float = 0.0) -> bool:
    """Return whether two arrays are the same, up to rounding. NaN is never the same."""
    off = np.max(np.abs(mine - right), initial=0)
    return bool(off <= WITHIN * np.max(np.abs(right), initial=0) + noise)
