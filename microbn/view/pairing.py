"""Pairs the steps of two stories by the names of their values, and compares these values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple

import numpy as np

from ..errors import listed
from .graph import Vertex, around
from .noise import largest_entry
from .steps import StoryStep
from .story import Story
from .values import short

_ROUNDINGS = 16  # so many roundings of the largest number are no difference
_SAME = "{} is the same on both sides."
_MOST_NAMED = 6  # in a sentence


class Pair(NamedTuple):
    """A step of two stories: the number of the step of each, and a sentence about the two.

    ``lacks`` is 0 if the left story has no such step, so that it stays at its last one; it is 1 if
    the right story has none, and None if both have one.
    """

    left: int
    right: int
    lacks: int | None
    sentence: str

    def __str__(self) -> str:
        numbers = ("–" if place == self.lacks else self[place] for place in (0, 1))
        return "  ".join(f"{number:>3}" for number in numbers) + f"  {self.sentence}"


class Side:
    """One of the two stories. ``named`` are its values by their names, the first of each name.

    ``steps`` are its steps by phase, each with its key: the name of its value or, as ``sum7`` and
    ``x · 2`` are no names, the function and the shape.
    """

    def __init__(self, story: Story, title: str) -> None:
        self.story, self.title = story, title
        self.nodes = {node.id: node for node in story.graph.nodes}
        self.named: dict[str, Vertex] = {}
        for node in story.graph.nodes:
            if node.name and node.role != "constant":
                self.named.setdefault(story.names[node.id], node)
        self.steps: dict[str, list[tuple[Any, StoryStep]]] = {"forward": [], "backward": []}
        every = story.steps[1:]
        for step, after in zip(every, [*every[1:], None], strict=True):
            if not (after and self._is_inside_a_call(step, after)):
                self.steps[step.phase].append((self._key(self.node_of(step)), step))

    def node_of(self, step: StoryStep) -> Vertex:
        """Return the value that a step is about."""
        return self.nodes[step.nodes[0]]

    def name_of(self, step: StoryStep) -> str:
        """Return the name of what a step computes, or of the gradient that it sends on."""
        names = self.story.names if step.phase == "forward" else self.story.gradient_names
        return names[step.nodes[0]]

    def leaves_completed(self, step: StoryStep) -> list[Vertex]:
        """Return the leaves whose gradients are complete with this step."""
        found = [part.receiver for part in step.parts if part.received == part.expected]
        return [self.nodes[id] for id in found if not self.nodes[id].function]

    def _key(self, node: Vertex) -> Any:
        return self.story.names[node.id] if node.name else (node.function, node.value.shape)

    def _is_inside_a_call(self, step: StoryStep, after: StoryStep) -> bool:
        """Return whether a step is inside the call of a composed function, and not its last."""
        call = self._call(step)
        return call is not None and call == self._call(after) and step.phase == after.phase

    def _call(self, step: StoryStep) -> Any:
        composed = self.story.graph.composed
        return next((path for path in around(self.node_of(step)) if path in composed), None)


class Pairing:
    """Pairs the steps of two sides in their order.

    ``differences`` say for each side, by the id of a node, how far its value and its gradient are
    from those of the other side: ``{"n3": {"value": "0.5"}}``. ``backward`` is the number of the
    first pair of the backward.
    """

    def __init__(self, left: Side, right: Side) -> None:
        self.sides = left, right
        self.differences: tuple[dict[str, dict[str, str]], ...] = {}, {}
        self.pairs = [Pair(0, 0, None, self._given()), *self._of_phase("forward", 0, 0)]
        self.backward = len(self.pairs)
        self.pairs += self._of_phase("backward", *self.pairs[-1][:2])

    def _given(self) -> str:
        """Compare the leaves of the same name."""
        left, right = (
            {name: node for name, node in side.named.items() if not node.function}
            for side in self.sides
        )
        both = [name for name in left if name in right]
        found = {name: self._compared(name, left[name], right[name]) for name in both}
        same = [name for name, sentence in found.items() if sentence == _SAME.format(name)]
        apart = [sentence for name, sentence in found.items() if name not in same]
        said = [_SAME.format(same[0])] if len(same) == 1 else []
        said += [f"{_some(same)} are the same on both sides."] if len(same) > 1 else []
        said += apart[:_MOST_NAMED]
        said += [f"{rest} more differ."] if (rest := len(apart) - _MOST_NAMED) > 0 else []
        for side, names in zip(self.sides, (left.keys() - right, right.keys() - left), strict=True):
            if only := [name for name in side.named if name in names]:
                said.append(f"Only “{side.title}” has {_some(only)}.")
        return " ".join(said)

    def _of_phase(self, phase: str, *last: int) -> Iterator[Pair]:
        """Yield the pairs of a phase. ``last`` are the steps at which both sides stand before."""
        at, steps = [*last], [side.steps[phase] for side in self.sides]
        keys = [[key for key, _ in some] for some in steps]
        for kind, i, end, k, its_end in SequenceMatcher(
            None, keys[0], keys[1], False
        ).get_opcodes():
            spans = steps[0][i:end], steps[1][k:its_end]
            if kind == "equal":
                for (_, one), (_, other) in zip(*spans, strict=True):
                    at = [one.number, other.number]
                    yield Pair(at[0], at[1], None, self._both(one, other))
                continue
            for place, span in enumerate(spans):
                for key, step in span:
                    at[place] = step.number
                    yield Pair(at[0], at[1], 1 - place, self._alone(place, key, step))

    def _both(self, one: StoryStep, other: StoryStep) -> str:
        """Compare the values of two steps, or the gradients that are complete with them."""
        left, right = self.sides
        name, its_name = left.name_of(one), right.name_of(other)
        name = name if name == its_name else f"{name} ({its_name} on the right)"
        what = "value" if one.phase == "forward" else "gradient"
        said = [self._compared(name, left.node_of(one), right.node_of(other), what)]
        theirs = {right.story.names[leaf.id]: leaf for leaf in right.leaves_completed(other)}
        for leaf in left.leaves_completed(one):
            if (same := theirs.get(left.story.names[leaf.id])) is not None:
                gradient = left.story.gradient_names[leaf.id]
                said.append(self._compared(gradient, leaf, same, "gradient"))
        return " ".join(said)

    def _alone(self, place: int, key: Any, step: StoryStep) -> str:
        """Say that the other side has no such step, or has it elsewhere."""
        other, name = self.sides[1 - place], self.sides[place].name_of(step)
        if isinstance(key, tuple):
            return f"“{other.title}” has nothing like {name} here."
        numbers = [theirs.number for its_key, theirs in other.steps[step.phase] if its_key == key]
        there = f"{name} in another place: its step {numbers[0]}" if numbers else f"no {name}"
        return f"“{other.title}” has {there}."

    def _compared(self, name: str, left: Vertex, right: Vertex, what: str = "value") -> str:
        """Say how far a value, or its gradient, is from that of the other side, and remember it."""
        a, b = (np.asarray(getattr(node, what)) for node in (left, right))
        if a.shape != b.shape:
            self._mark(left, right, what, "another shape")
            return f"{name} has shape {a.shape} on the left and {b.shape} on the right."
        apart, noise = _largest_distance(a, b), _rounding(a, b)
        if what == "gradient":
            known = zip(self.sides, (left, right), strict=True)
            noise = max(noise, *(side.story.steps.noise.get(node.id, 0.0) for side, node in known))
        if apart == 0:
            return _SAME.format(name)
        if apart <= noise:
            return f"{name} is the same on both sides, up to rounding: {short(apart)}."
        self._mark(left, right, what, short(apart))
        return f"{name} differs by up to {short(apart)}."

    def _mark(self, left: Vertex, right: Vertex, what: str, text: str) -> None:
        for marks, node in zip(self.differences, (left, right), strict=True):
            marks.setdefault(node.id, {})[what] = text


def _largest_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return the largest distance of two entries. Equal infinities and two NaNs have none."""
    with np.errstate(all="ignore"):
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        return float(np.max(np.abs(np.where(same, 0.0, a) - np.where(same, 0.0, b)), initial=0.0))


def _rounding(a: np.ndarray, b: np.ndarray) -> float:
    """Return how far roundings alone can bring two arrays apart."""
    floats = (array.dtype for array in (a, b) if array.dtype.kind == "f")
    eps = max((float(np.finfo(dtype).eps) for dtype in floats), default=0.0)
    return _ROUNDINGS * eps * max(largest_entry(a), largest_entry(b))


def _some(names: Sequence[str]) -> str:
    """Return names as a sentence has them, the first few if they are many."""
    rest = len(names) - _MOST_NAMED
    return listed([*names[:_MOST_NAMED], *([f"{rest} more"] if rest > 0 else [])])
