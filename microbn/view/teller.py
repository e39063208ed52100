"""Tells the steps of a story, each when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from linecache import getline
from textwrap import dedent
from typing import Any

import numpy as np

from ..engine.backward import Step
from ..errors import listed
from ..reading.lines import Line
from .graph import Vertex
from .links import Links
from .mathematics import Mathematics, gradient_pattern
from .news import News
from .steps import Part, Remark, StoryStep
from .sums import Sent, Sums
from .values import short
from .words import Words, positions_read

_MOST_KEPT = 100  # so many told steps are kept


class Steps(Sequence[StoryStep]):
    """The steps of a story: forward as the graph was made, backward as it was swept.

    A leaf sends nothing on, so it has no backward step of its own. Each step is told when it is
    asked for, and the last few are kept. ``starts`` are the numbers of the first step of the
    forward, and of the backward, and ``remarks`` are found by the numbers of theirs. ``noise`` is
    how large rounding noise can be in the gradient of a node, by its id.
    """

    def __init__(
        self, links: Links, words: Words, swept: Sequence[Step], derived: Mapping[str, np.ndarray]
    ) -> None:
        """Tell of a sweep. ``derived`` are gradients to compare with, by the id of a node."""
        self.teller = teller = Teller(links, words, swept, derived)
        self._told: dict[int, StoryStep] = {}
        self.links, self.words, self.swept = links, words, swept
        self.remarks: Mapping[int, Sequence[Remark]] = {}
        self.starts = {"forward": 1, "backward": 1 + len(teller.computed)}
        self.noise: Mapping[str, float] = teller.sums.noise

    def __len__(self) -> int:
        return self.starts["backward"] + len(self.teller.senders)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return tuple(map(self.__getitem__, range(len(self))[index]))
        number = range(len(self))[index]
        if number not in self._told:
            if len(self._told) >= _MOST_KEPT:
                del self._told[next(iter(self._told))]
            remarks = self.remarks.get(number, ())
            self._told[number] = self.teller.step(number).remarked(remarks)
        return self._told[number]

    def with_remarks(self, remarks: Mapping[int, Sequence[Remark]]) -> Steps:
        """Return the same steps with remarks on some, by their numbers."""
        steps = Steps(self.links, self.words, self.swept, self.teller.derived)
        steps.remarks = remarks
        return steps

    def known(self, last: int) -> tuple[set[str], dict[str, np.ndarray]]:
        """Return the ids of the values that are known after a step, and the gradients so far."""
        teller, ids = self.teller, self.teller.links.ids
        nodes = [*teller.leaves, *teller.computed[:last]]
        gradients: dict[str, Any] = {}
        for place in teller.senders[: max(0, last + 1 - self.starts["backward"])]:
            for sent in teller.sums.sent[place]:
                gradients[ids[sent.message.operand.number]] = sent.total
            sender = ids[teller.swept[place].node.number]
            gradients[sender] = teller.links.nodes[sender].gradient
        return {node.id for node in nodes}, gradients


class Teller:
    """Tells any step of a story."""

    def __init__(
        self, links: Links, words: Words, swept: Sequence[Step], derived: Mapping[str, np.ndarray]
    ) -> None:
        self.links, self.words, self.swept, self.derived = links, words, swept, derived
        tensors = [node for node in links.nodes.values() if node.role != "constant"]
        self.leaves = [node for node in tensors if not node.function]
        self.computed = [node for node in tensors if node.function]
        self.senders = [place for place, step in enumerate(swept) if step.node.function]
        self.sums, self.news = Sums(links, words, swept), News(links, words, swept)
        self.mathematics = Mathematics(links, words)
        ran = {line.inside or line for node in self.computed if (line := node.line)}
        lines = {(line.file, line.number): _code_line(line) for line in ran}
        self.code = {place: text for place, text in lines.items() if text}

    def step(self, number: int) -> StoryStep:
        """Tell the step with this number."""
        if number == 0:
            return self.given()
        if number <= len(self.computed):
            return self.forward(number, self.computed[number - 1])
        return self.backward(number, self.senders[number - 1 - len(self.computed)])

    def given(self) -> StoryStep:
        """Tell the leaves, which exist before anything is computed."""
        if len(self.leaves) > 6:
            held = sum(leaf.role == "parameter" for leaf in self.leaves)
            counts = {"parameter": held, "input": len(self.leaves) - held}
            named = [f"{n} {kind}{'s' * (n > 1)}" for kind, n in counts.items() if n]
        else:
            marks = self.words.marks
            named = [
                f"{self.words.names[x.id]} "
                f"{x.value.shape or f'= {marks.get(x.id) or short(x.value)}'}"
                for x in self.leaves
            ]
        nodes = tuple(leaf.id for leaf in self.leaves)
        return StoryStep(0, "given", nodes, f"Given: {listed(named)}.")

    def forward(self, number: int, node: Vertex) -> StoryStep:
        """Tell how a value is computed."""
        edges = self.links.into(node.id)
        return StoryStep(
            number=number,
            phase="forward",
            nodes=(node.id,),
            sentence=self.words.sentence(node.id),
            edges=tuple(edge.id for edge in edges),
            reads=self._reads(node.id, (edge.position for edge in edges)),
            line=node.line,
            code=self._code_around(node.line),
            math=self.mathematics.forward(node.id),
        )

    def backward(self, number: int, place: int) -> StoryStep:
        """Tell that a gradient is complete, and what it sends to each operand."""
        step, sent = self.swept[place], self.sums.sent[place]
        node = self.links.nodes[self.links.ids[step.node.number]]
        used = (position for one in sent for position in positions_read(one.rule))
        edges = {edge.position: edge.id for edge in self.links.into(node.id)}
        parts = tuple(self._part(one, edges[one.message.position]) for one in sent)
        gradient, count = np.asarray(step.gradient), self.sums.expected[step.node.number]
        return StoryStep(
            number=number,
            phase="backward",
            nodes=(node.id,),
            sentence=self.news.of_step(step, parts, count, self.derived),
            gradient=gradient,
            parts=parts,
            gradients={part.receiver: part.total for part in parts} | {node.id: gradient},
            edges=tuple(part.edge for part in parts),
            reads=self._reads(node.id, used),
            beside=self._beside(parts),
            line=node.line,
            code=self._code_around(node.line),
            math=self.mathematics.backward(node.id, sent, self.sums),
        )

    def _beside(self, parts: Iterable[Part]) -> dict[str, np.ndarray]:
        """Return the derived gradients to set beside those that these parts complete."""
        return {
            f"{self.words.gradient_names[part.receiver]} by hand": self.derived[part.receiver]
            for part in parts
            if part.received == part.expected and part.receiver in self.derived
        }

    def _part(self, sent: Sent, edge: str) -> Part:
        """Tell a message and the sum at its receiver."""
        number, receiver = sent.message.operand.number, self.links.ids[sent.message.operand.number]
        nth, expected = sent.nth, self.sums.expected[number]
        count = f"{nth} of {expected}" if expected > 1 else ""
        wording = self.words.wording(sent.sender, sent.message, sent.rule)
        rule = f"{wording.rule}, {wording.copied}" if wording.copied else wording.rule
        said = f"receives {rule}"
        said += f", {wording.summed}, because it was broadcast" if wording.summed else ""
        said += f": part {count}" if count else ""
        function = self.words.tensors[sent.sender].function
        return Part(
            edge=edge,
            receiver=receiver,
            rule=rule,
            product=np.asarray(sent.message.product),
            summed=wording.summed,
            gradient=sent.gradient,
            received=nth,
            expected=expected,
            count=count,
            earlier=sent.earlier,
            total=sent.total,
            sentence=f"{self.words.names[receiver]} {said}.",
            pattern=gradient_pattern(function, wording.summed),
            noise=sent.noise,
            copied=wording.copied,
            largest=sent.terms,
        )

    def _reads(self, id: str, positions: Iterable[int]) -> tuple[str, ...]:
        """Return the operands at these positions, each once; -1 is the value itself.

        Numbers that are constants are left out, because the formula shows them.
        """
        edges = {edge.position: edge.source for edge in self.links.into(id)} | {-1: id}
        nodes = dict.fromkeys(self.links.nodes[edges[p]] for p in positions if p in edges)
        return tuple(node.id for node in nodes if node.role != "constant" or node.value.ndim)

    def _code_around(self, line: Line | None) -> tuple[tuple[int, str], ...]:
        """Return a line of code, and those just above and below it that also ran."""
        if not line:
            return ()
        ran = line.inside or line
        if (ran.file, ran.number) not in self.code:  # as of code that was made by exec
            return ()
        near = range(ran.number - 1, ran.number + 2)
        code = {n: self.code[ran.file, n] for n in near if (ran.file, n) in self.code}
        return tuple(zip(code, dedent("\n".join(code.values())).split("\n"), strict=True))


def _code_line(line: Line) -> str:
    return getline(line.file, line.number).rstrip().expandtabs()
