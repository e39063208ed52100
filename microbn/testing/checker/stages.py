"""Stages: each gradient that a backward by hand computes on the way, beside the one that emerges.

The engine runs the same forward on Tensors, so that it has the gradient of every value. The first
stage that is wrong, on the way back, is where the mistake is; what comes after it follows from it.
"""

from __future__ import annotations

import traceback
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...engine.tensor import Tensor
from ...errors import listed
from ...reading.assigned import called
from ...reading.lines import Line, is_ours
from ...view.steps import Remark
from ...view.story import Story, story
from .byhand import ByHand
from .emerged import Arrival, Emerged
from .inputs import name_of
from .meant import Meanings, Meant, Said, in_shape, misfit, rights_of
from .missing import difference

FOLLOWS = "is wrong only because of a stage before it"


OTHERWISE = "the gradients are right, so its name means something else than here"


class CheckedStage(NamedTuple):
    """A gradient that a backward by hand computes on the way.

    ``name`` is the one that the backward gives it, ``ok`` is true if it is right, and ``sentence``
    says so, or says what it should be and how it differs. ``follows`` is true if it is wrong only
    because of a stage before it. ``input`` is the input that it is the gradient of, or "", and
    ``line`` the line of the backward that sets it, or "" if it is unknown.
    """

    name: str
    ok: bool
    sentence: str
    follows: bool = False
    input: str = ""
    line: str = ""


class Stages(NamedTuple):
    """The stages of a backward on the way back, and notes on what could not be compared.

    The ``story`` of the forward has the stages beside its own gradients. It opens at the first
    wrong one. Without a story, ``no_story`` says why.
    """

    found: tuple[CheckedStage, ...] = ()
    notes: tuple[str, ...] = ()
    story: Story | None = None
    no_story: str = ""


def stages_of(subject: ByHand, cotangent: np.ndarray, why: bool = True) -> Stages:
    """Compare the stages of a backward by hand with the gradients that emerge from its forward.

    The story says ``why`` one is wrong, and has the right numbers beside it, or only where.
    """
    with np.errstate(all="ignore"):  # a wrong gradient may be huge
        gradients, given, chosen, lines = subject.on_the_way(cotangent)
        try:
            outputs = subject.on_tensors()
            for output in outputs:
                output.name = called(output) or "out"
            told = story(*subject.given_back(outputs, cotangent), title=name_of(subject.f.forward))
        except Exception as error:  # a function of arrays may raise anything on Tensors
            why_not = _no_tensors(subject, error)
            return Stages((), (f"the stages are not compared: {why_not}",), None, why_not)
        comparison = _Comparison(Emerged(told), cotangent, lines, why)
        own = dict(zip(subject.names, gradients, strict=True))
        return comparison.run(given, own, chosen)


def _no_tensors(subject: ByHand, error: Exception) -> str:
    said = " ".join(str(error).partition(";")[0].split())
    frames = traceback.extract_tb(error.__traceback__)
    users = [Line(f.filename, f.lineno or 0).place for f in frames if not is_ours(f.filename)]
    where = f"{users[-1]}: " if users else ""
    return (
        f"{name_of(subject.f.forward)} does not run on Tensors "
        f"({where}{type(error).__name__}: {said}); write it with NumPy's functions and operators, "
        "and let it fill no array of its own"
    )


class _Comparison:
    """Compares stages in the order of the way back, and tells a mistake from what follows of it."""

    def __init__(
        self, emerged: Emerged, cotangent: np.ndarray, lines: Mapping[str, str], why: bool
    ) -> None:
        self.lines, self.why = lines, why
        self.emerged, self.meanings = emerged, Meanings(emerged, cotangent)
        self.mistakes: list[tuple[Tensor, np.ndarray]] = []  # the error of a stage by itself
        self.wrong: list[Meant] = []
        self.remarks: dict[str, Said] = {}  # by the name of a stage: how it differs

    def run(self, given: Mapping[str, Any], own: Mapping[str, np.ndarray], chosen: bool) -> Stages:
        """Compare what the backward gives, and its ``own`` gradients if they are not in it."""
        further = self.meanings.of_inputs(own)
        found = self.meanings.with_first_parts(self.meanings.all_of(given, chosen), further)
        there = {meant.node.number for meant in found if not meant.part}
        notes = [*self.meanings.notes()]
        if not chosen and all(map(self.meanings.agrees, further)):  # no variable can be wrong
            others = [meant.name for meant in found if not self.meanings.agrees(meant)]
            found = [meant for meant in found if self.meanings.agrees(meant)]
            notes += [f"not compared: {listed(others)}; {OTHERWISE}"] * bool(others)
        further = [meant for meant in further if meant.node.number not in there]
        named = {meant.name for meant in found} - {meant.name for meant in further}
        self.lines = {name: line for name, line in self.lines.items() if name in named}
        found += further
        found.sort(key=lambda meant: meant.at)
        stages = tuple(map(self._described, found))
        opens = self._due(self.wrong[0]) if self.wrong else 0
        remarks: dict[int, list[Remark]] = defaultdict(list)
        for meant, stage in zip(found, stages, strict=True):
            remarks[self._due(meant)].append(self._remark(meant, stage))
        story = self.emerged.told.with_remarks(remarks, opens)
        return Stages(stages, tuple(notes), story)

    def _due(self, meant: Meant) -> int:
        """Return the step of the story to look at for a gradient."""
        if meant.part:
            return self.emerged.origin(meant.part).at
        return self.emerged.rule_step(meant.node)

    def _errors(self, meant: Meant) -> list[np.ndarray]:
        """Return the errors that the mistakes so far make in what `rights_of` returns."""
        if meant.part:
            return [self._error_in(meant.part)]
        bundle = self.emerged.bundle(meant.node)
        each = [self._error_at(one).reshape(meant.node.shape) for one in bundle]
        return [each[0], np.sum(each, axis=0)]

    def _described(self, meant: Meant) -> CheckedStage:
        line = self.lines.get(meant.name, "")
        return self._stage(meant)._replace(input=_input_of(meant), line=line)

    def _stage(self, meant: Meant) -> CheckedStage:
        """Compare a gradient. Mistakes that came before explain a part of its error."""
        if (mine := in_shape(meant)) is None:
            return self._mistake(meant, misfit(meant))
        agrees, rights = self.meanings.agrees(meant), rights_of(self.emerged, meant)
        pairs = zip(rights, self._errors(meant), strict=False)
        rest, right, follows = min(
            ((mine - right - error, right, error) for right, error in pairs),
            key=lambda one: np.abs(one[0]).max(initial=0),
        )
        known = np.abs(rest).max(initial=0) <= 1e-6 * np.abs(mine - right).max(initial=0)
        if agrees:
            of_part = f" with a part of the gradient of {self.emerged.name(meant.node)}"
            return CheckedStage(
                meant.name, True, f"{meant.name} agrees{of_part * bool(meant.part)}"
            )
        if known and follows.any():
            return CheckedStage(meant.name, False, f"{meant.name} {FOLLOWS}", follows=True)
        if np.isfinite(rest).all():
            self.mistakes.append((meant.node, rest))
        said = difference(self.emerged, meant.node, meant.part, mine, right, follows)
        return self._mistake(meant, said)

    def _mistake(self, meant: Meant, said: Said) -> CheckedStage:
        """Return a stage that is wrong by itself: what it should be, and how it differs."""
        self.wrong.append(meant)
        self.remarks[meant.name] = said
        look = f"See step {self._due(meant)} of its page"
        return CheckedStage(meant.name, False, f"{self._should_be(meant)}. {said.of()} {look}")

    def _remark(self, meant: Meant, stage: CheckedStage) -> Remark:
        """Return what the page says of a stage; a wrong one stands beside the right one."""
        yours = f"your {meant.name}"
        if stage.ok:
            return Remark(Said("agrees as a part" if meant.part else "agrees").of(yours))
        said = Said(FOLLOWS) if stage.follows else self.remarks[meant.name]
        if not self.why:
            said = said if stage.follows else Said("differs here")
            return Remark(said.of(yours), {yours: meant.mine})
        right = "this part" if meant.part else self.emerged.gradient_name(meant.node)
        beside = {yours: meant.mine, right: rights_of(self.emerged, meant)[-1]}
        return Remark(said.of(yours), beside)

    def _error_in(self, part: Arrival) -> np.ndarray:
        """Return the error that the mistakes so far make in a part."""
        total = np.zeros(part.gradient.shape)
        for one in part.inside or (part,):
            if (error := self._error_at(one.sender)).any():
                total = total + self.emerged.message(one, error).reshape(total.shape)
        return total

    def _error_at(self, node: Tensor) -> np.ndarray:
        """Return the error that they make in the gradient of a value."""
        flows = [self.emerged.along(start, error, node) for start, error in self.mistakes]
        return sum(flows, np.zeros(node.shape))

    def _should_be(self, meant: Meant) -> str:
        """Say what a gradient should be: a rule, or a sum of parts."""
        parts = [meant.part] if meant.part else self.emerged.summands(meant.node)
        name = _at_line(meant.name, self.lines.get(meant.name, ""))
        if not parts:
            return f"{name} should be the gradient that came in"
        rules = [self.emerged.rule(part) for part in parts]
        if len(parts) == 1:
            return f"{name} should be {rules[0]}"
        steps = (
            f"{rule} (step {self.emerged.origin(part).at})"
            for rule, part in zip(rules, parts, strict=True)
        )
        count = "a sum" if any(part.inside for part in parts) else f"a sum of {len(parts)} parts"
        return f"{name} is {count}: {'; '.join(steps)}"


def _at_line(name: str, line: str) -> str:
    return f"{name} ({line})" if line else name


def _input_of(meant: Meant) -> str:
    """Return the name of the input that a gradient belongs to, or "" on the way."""
    return "" if meant.part or meant.node.function else str(meant.node.name)


def right_in_words(stages: Sequence[CheckedStage]) -> Iterator[str]:
    """Yield a line for the stages that are right, if there are any."""
    if right := [stage.name for stage in stages if stage.ok]:
        verb = "agrees" if len(right) == 1 else "agree"
        yield f"Stages: {listed(right)} {verb}"


def wrong_in_words(stages: Sequence[CheckedStage], why: bool = True) -> Iterator[str]:
    """Yield a line for each stage that is wrong by itself, and one for those that follow."""
    wrong = [stage for stage in stages if not stage.ok]
    further = [stage.name for stage in wrong if stage.follows]
    mistakes = [stage for stage in wrong if not stage.follows]
    for i, stage in enumerate(mistakes):
        said = stage.sentence if why else _at_line(stage.name, stage.line)
        yield f"{'also wrong' if i else 'first wrong stage'}: {said}"
    if further:
        verb = "is" if len(further) == 1 else "are"
        yield f"after that: {listed(further)} {verb} wrong only because of it"
