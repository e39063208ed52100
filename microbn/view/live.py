"""A page whose numbers can be changed computes its story, and tells it, again.

Its program gives the arrays. Sentences, names and formulas come with marks in the place of numbers,
and the page writes the numbers of the moment into them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .news import CANCELS
from .noise import largest_entry
from .steps import StoryStep
from .sums import Sent
from .teller import Steps, Teller
from .values import constant_number, short
from .words import Words, positions_read

MOST_VALUES = 600  # of a graph whose numbers can be changed
MOST_NUMBERS = 20_000  # in all its leaves
MOST_SCRIPT = 300_000  # characters
_SHAPE = re.compile(r" +// \[[\d, ]*\]$", re.MULTILINE)  # a comment that readers would need
FIRST_MARK, FILLER = 0x100000, chr(0x10FFFD)  # private characters, which no name has


class Live:
    """The changeable side of a story's page. ``script`` is its program in JavaScript, or "".

    Then ``why`` says why nothing can be changed.
    """

    def __init__(self, steps: Steps) -> None:
        self._steps, self._teller, self.script = steps, steps.teller, ""
        self.why = _too_large(steps.teller)
        if self.why:
            return
        from .replayed import TITLE, Replayed  # on first need, because it needs the compiler

        try:
            self._replayed = Replayed(steps.teller)
        except Exception as error:  # a user's rule may do anything that only arrays allow
            self.why = f"a rule of this graph cannot be recorded: {error}"
            return
        text = _SHAPE.sub("", self._replayed.script)
        if len(text) > MOST_SCRIPT:
            self.why = f"its program would have more than {MOST_SCRIPT:,} characters"
        else:
            self.script = f"(() => {{\n{text}\nreturn {TITLE};\n}})()"

    def data(self, places: Mapping[Any, int]) -> dict[str, Any]:
        """Return what the page needs besides the program.

        ``places`` maps what an array is, as in `Replayed`, to its number among the tables.
        """
        if not self.script:
            return {"why": self.why}
        marked = self._marked()
        words = marked.words
        outputs = {places[key]: at for key, at in self._replayed.outputs.items() if key in places}
        return {
            "why": "",
            "inputs": [*self._inputs(places)],
            "outputs": [[number, at] for number, at in outputs.items()],
            "still": dict(self._still(places, outputs)),
            "marks": [[id, self._number(id)] for id in words.marks],
            "names": {
                id: [name, words.gradient_names.get(id)]
                for id, name in words.names.items()
                if has_mark(name)
            },
            "steps": [_retold(step, marked) for step in self._steps],
            "cancels": CANCELS,
            "kinds": {n.id: n.function for n in self._nodes() if n.function in _NOISY},
        }

    def _nodes(self) -> Iterator[Any]:
        yield from self._teller.links.nodes.values()

    def _inputs(self, places: Mapping[Any, int]) -> Iterator[dict[str, Any]]:
        for x in self._replayed.inputs:
            yield {
                "node": x.node.id,
                "kind": "cotangent" if x.is_cotangent else x.node.role,
                "table": places["gradient" if x.is_cotangent else "value", x.node.id],
                "shape": [*x.value.shape],
                "data": [*map(_exact, np.ravel(x.value))],
                "refused": x.refused,
            }

    def _still(self, places: Mapping[Any, int], moving: Any) -> Iterator[tuple[int, float]]:
        """Yield the largest entry of each array that does not change, for the noise of others."""
        arrays: dict[Any, Any] = {("value", node.id): node.value for node in self._nodes()}
        for step in self._steps[self._steps.starts["backward"] :]:
            arrays["gradient", step.nodes[0]] = step.gradient
            for part in step.parts:
                arrays |= {(word, part.edge): x for word, x in part.terms().items()}
        for key, number in places.items():
            if number not in moving and key in arrays:
                yield number, largest_entry(arrays[key])

    def _number(self, id: str) -> str:
        """Return the number that stands in the place of a mark at first."""
        node = self._teller.links.nodes[id]
        return (constant_number if node.role == "constant" else short)(node.value)

    def _marked(self) -> Teller:
        """Return one who tells the same story with marks in the place of numbers."""
        teller = self._teller
        marks: dict[str, str] = {}
        for node in self._nodes():
            if not node.value.ndim:
                length = len(repr(float(self._number(node.id)))) - len(".0")
                marks[node.id] = chr(FIRST_MARK + len(marks)) + FILLER * (length - 1)
        words = Words(teller.links, [*teller.words.tensors.values()], marks)
        return Teller(teller.links, words, teller.swept, {})


# Of the functions in whose results noise is counted in a way of its own (noise.py).
_NOISY = {"add", "subtract", "sum", "mean"}


def _too_large(teller: Teller) -> str:
    leaves = sum(leaf.value.size for leaf in teller.leaves)
    if len(teller.words.tensors) > MOST_VALUES:
        return f"the graph has more than {MOST_VALUES:,} values"
    if leaves > MOST_NUMBERS:
        return f"its leaves hold more than {MOST_NUMBERS:,} numbers"
    if any(map(has_mark, teller.words.names.values())):
        return "a name has private characters"
    return ""


def _retold(step: StoryStep, marked: Teller) -> dict[str, Any]:
    """Return the texts of a step that change with its numbers, and the values that its rules read.

    ``taken`` are what is said where the terms of a part cancel, by the place of the part.
    """
    again = marked.step(step.number)
    told: dict[str, Any] = {}
    sentence, rules = again.sentence, [part.rule for part in again.parts]
    if step.phase == "backward":
        place = marked.senders[step.number - 1 - len(marked.computed)]
        swept = marked.swept[place]
        count = marked.sums.expected[swept.node.number]
        sentence = marked.news.of_flow(swept, again.parts, count)
        told["reads"] = [[*_ids_read(one, marked)] for one in marked.sums.sent[place]]
        taken = {n: marked.news.taken_away(p.receiver) for n, p in enumerate(again.parts)}
        told["taken"] = {str(n): said for n, said in taken.items() if said}
    changed = {
        "sentence": sentence != step.sentence and sentence,
        "rules": rules != [part.rule for part in step.parts] and rules,
        "math": has_mark(again.math) and again.math,
    }
    return {name: value for name, value in (told | changed).items() if value}


def _ids_read(sent: Sent, marked: Teller) -> Iterator[str]:
    """Yield the ids of the values that a rule reads."""
    for position in positions_read(sent.rule):
        id = sent.sender if position < 0 else marked.links.source(sent.sender, position)
        if id and marked.links.nodes[id].role != "constant":
            yield id


def has_mark(words: Any) -> bool:
    """Return whether a mark is in a text, or in one of a tree of texts."""
    if isinstance(words, (list, tuple)):
        return any(map(has_mark, words))
    return isinstance(words, str) and any(ord(c) >= FIRST_MARK for c in words)


def _exact(x: Any) -> float | str:
    """Return a number with the fewest digits that tell it from its neighbours."""
    text = str(x)  # of a float32, 0.1
    return float(text) if np.isfinite(x) else text.replace("inf", "Infinity").replace("nan", "NaN")
