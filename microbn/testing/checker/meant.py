"""The value that each gradient of a backward belongs to, found by its name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from ...engine.node import sources
from ...engine.tensor import Tensor
from ...errors import listed
from .emerged import Arrival, Emerged
from .spellings import bare, is_common, values_meant


class Meant(NamedTuple):
    """A gradient of the backward's, and the value that it belongs to.

    It may be a part of that value's gradient. It is due ``at`` a step of the story.
    """

    name: str
    mine: np.ndarray
    node: Tensor
    part: Arrival | None
    at: int


class Said(NamedTuple):
    """The words about a stage: about "yours" in a report, and about "your dvar" on its page.

    If it is ``inside``, the words are a sentence of their own, such as "every entry is 0".
    """

    words: str
    inside: bool = False

    def of(self, yours: str = "yours") -> str:
        """Return the sentence about it."""
        said = f"in {yours} {self.words}" if self.inside else f"{yours} {self.words}"
        return f"{said[0].upper()}{ended(said[1:])}"


def ended(sentence: str) -> str:
    """Return a sentence with a full stop, unless it is a question."""
    return sentence if sentence.endswith("?") else f"{sentence}."


class Meanings:
    """Finds the values of gradients by their names, among those of a forward.

    It notes the names that are ``unknown``, those of ``several`` values, and ``odd`` ones: None, or
    an array of integers.
    """

    def __init__(self, emerged: Emerged, cotangent: np.ndarray) -> None:
        self.emerged, self.cotangent = emerged, cotangent
        self.unknown: list[str] = []
        self.several: list[str] = []
        self.odd: list[str] = []

    def all_of(self, given: Mapping[str, Any], chosen: bool) -> list[Meant]:
        """Return the gradients with their values, and note the names of those without one.

        If they were ``chosen``, and no name begins as that of a gradient does, then each name is
        that of a value itself.
        """
        words_of_all = (word for name in given for word in values_meant(name))
        marked = not chosen or any(map(self._values, words_of_all))
        found = []
        for name, value in given.items():
            words = [*values_meant(name)] if marked else [bare(name)]
            nodes = next(filter(None, map(self._values, words)), [])
            part = next(filter(None, map(self._numbered, words)), None)
            array = _floats(value)
            if [node.number for node in nodes] == [self.emerged.root.number] or not (
                marked or self._is_new(name, array)
            ):
                continue  # it came in, or is a value of the forward
            if array is None:
                self.odd += [name] * bool(nodes and isinstance(value, (np.ndarray, type(None))))
            elif nodes:
                found += self._chosen(name, array, nodes, 0)
            elif part:
                found += self._chosen(name, array, *part)
            elif words and self._is_new(name, array):
                self.unknown.append(name)
        return found

    def with_first_parts(self, found: Sequence[Meant], returned: Sequence[Meant]) -> list[Meant]:
        """Return the gradients, where dh is the first part if dh2 is the second.

        But if the parts were never added, dh is the mistake, and stays the whole: then its error
        explains all that is wrong in the gradients that are ``returned``.
        """
        parts = {bare(meant.name) for meant in found if meant.part}
        return [self._first_part(m, returned) if _leads(bare(m.name), parts) else m for m in found]

    def notes(self) -> Iterator[str]:
        """Say which gradients are not compared, and why."""
        if self.unknown:
            names = listed([*self.emerged.values()][:12])
            name = re.sub("^(d|grad)_?", "", self.unknown[0])
            yield (
                f"not compared: {listed(self.unknown)}; no value of the forward has such a name: "
                f"give it one, {name} = ...; it has {names}"
            )
        if self.several:
            why = "the forward gives this name to several values, and it is the gradient of none"
            yield f"not compared: {listed(self.several)}; {why}"
        if self.odd:
            yield f"not compared: {listed(self.odd)}; a gradient is an array of floats"

    def of_inputs(self, gradients: Mapping[str, np.ndarray]) -> list[Meant]:
        """Return the gradients that a backward returns, with the inputs as their values."""
        leaves = {node.name: node for node in self.emerged.tape if not node.function}
        arrays = {name: _floats(mine) for name, mine in gradients.items() if name in leaves}
        given = {name: mine for name, mine in arrays.items() if mine is not None}
        return [self._meant(f"d{name}", mine, leaves[name], 0) for name, mine in given.items()]

    def _values(self, word: str) -> list[Tensor]:
        return self.emerged.called(word)

    def _numbered(self, word: str) -> tuple[list[Tensor], int] | None:
        """Return the values of a name with a number behind it, which is that of a part."""
        numbered = re.fullmatch(r"(.*?)(?:part)?(\d)", word)
        if not numbered or is_common(word) or not (nodes := self._values(numbered[1])):
            return None
        return nodes, int(numbered[2])

    def _is_new(self, name: str, array: np.ndarray | None) -> bool:
        """Return whether it neither came in nor is the value of this name in the forward."""
        values = [self.cotangent, *(node.value for node in self._values(bare(name)))]
        return not any(np.array_equal(array, value) for value in values if array is not None)

    def _chosen(
        self, name: str, mine: np.ndarray, nodes: Sequence[Tensor], number: int
    ) -> list[Meant]:
        """Return the value, and the part, that a gradient agrees with, or else the likeliest.

        If one variable held several values, there is no likeliest.
        """
        likely = [self._meant(name, mine, node, number) for node in nodes]
        if agreeing := [meant for meant in likely if self.agrees(meant)]:
            return agreeing[:1]
        operands = [x for x, _ in sources(nodes[0])] if len(nodes) == 1 else []
        further = [self._meant(name, mine, x, 0) for x in operands]
        if agreeing := [meant for meant in further if self.agrees(meant)]:
            return agreeing[:1]  # it was written over on the way back: dh[h <= 0] = 0
        if len(nodes) > 1 and len({self.emerged.names[node.number] for node in nodes}) == 1:
            self.several.append(name)
            return []
        return likely[:1]

    def _meant(self, name: str, mine: np.ndarray, node: Tensor, number: int) -> Meant:
        parts, at = self.emerged.summands(node), self.emerged.completed(node)
        if not self.agrees(whole := Meant(name, mine, node, None, at)):
            whole = whole._replace(at=max([at, *(part.at for part in parts)]))
        if not number or len(parts) < 2:
            return whole
        each = [whole._replace(part=part, at=part.at) for part in parts]
        likely = each[min(number, len(each)) - 1]
        return next((meant for meant in (*each, whole) if self.agrees(meant)), likely)

    def _first_part(self, meant: Meant, returned: Sequence[Meant]) -> Meant:
        """Return a gradient as a part, if it is wrong as the whole and right as a part."""
        part = self._meant(meant.name, meant.mine, meant.node, 1)
        inner = bool(meant.node.function)  # the gradient of an input is returned whole
        may_be = inner and part.part and self.agrees(part)
        return part if may_be and not self._explains(meant, returned) else meant

    def _explains(self, meant: Meant, returned: Sequence[Meant]) -> bool:
        """Return whether the returned gradients are right but for the error of this one."""
        error = np.subtract(cast(np.ndarray, in_shape(meant)), rights_of(self.emerged, meant)[0])
        flows = [self.emerged.along(meant.node, error, one.node) for one in returned]
        pairs = zip(returned, flows, strict=True)
        return all(self.agrees(one._replace(mine=one.mine - flow)) for one, flow in pairs)

    def agrees(self, meant: Meant) -> bool:
        """Return whether a gradient is right."""
        mine = in_shape(meant)
        rights = rights_of(self.emerged, meant)
        return mine is not None and any(self.emerged.same(mine, x, meant.node) for x in rights)


def _leads(word: str, words: Collection[str]) -> bool:
    """Return whether a name leads a row of parts: dh before dh2, without a dh1."""
    return f"{word}2" in words and f"{word}1" not in words


def rights_of(emerged: Emerged, meant: Meant) -> list[np.ndarray]:
    """Return the right gradient; for a value with twins, also that of all of them together."""
    if meant.part:
        return [meant.part.gradient]
    bundle = [x.number for x in emerged.bundle(meant.node) if x.number in emerged.gradients]
    each = [emerged.gradients[number].reshape(meant.node.shape) for number in bundle]
    return each if len(each) == 1 else [each[0], np.sum(each, axis=0)]


def _floats(value: Any) -> np.ndarray | None:
    """Return a copy of a float array, or None for anything else."""
    array = np.array(value) if isinstance(value, (np.ndarray, np.floating, float)) else None
    return array if array is not None and array.dtype.kind == "f" else None


def in_shape(meant: Meant) -> np.ndarray | None:
    """Return a gradient in the shape of its value, or None if it does not fit.

    It fits if the two shapes differ by axes of length 1, or if it can be broadcast.
    """
    shape, mine = meant.node.shape, meant.mine
    if [n for n in shape if n != 1] == [n for n in mine.shape if n != 1]:
        return mine.reshape(shape)
    try:
        return np.broadcast_to(mine, shape)
    except ValueError:
        return None


def misfit(meant: Meant) -> Said:
    """Say that the shape of a gradient is wrong."""
    value, mine = meant.node.shape, meant.mine.shape
    new = len(mine) - len(value)
    axes = [i for i, n in enumerate(mine) if i < new or n != value[i - new] == 1]
    left = [n for i, n in enumerate(mine) if i not in axes]
    fits = axes and left == [n for n in value if n != 1]
    way_out = f": sum it over axis {listed(map(str, axes))}" if fits else ""
    return Said(f"has shape {mine}, and the value has {value}{way_out}")
