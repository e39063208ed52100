"""The numbers of a step for a picture of fixed size: rows of tables with signs between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from .graph import Vertex
from .letters import PAPER, SOFT, cut
from .noise import largest_entry
from .steps import Part, StoryStep
from .values import GAP, MOST_LEAVES, Table, table


class Term(NamedTuple):
    """A table with its title and shape, and the sign or the words that stand before it.

    The tables of a sum do not repeat their shape. A ``whole`` table is a result. The largest number
    of the row, ``most``, is painted darkest, and numbers up to ``noise`` stay white.
    """

    title: str
    table: Table
    most: float
    sign: str = ""
    whole: bool = False
    noise: float = 0.0
    shape: str = ""


class TableRow(NamedTuple):
    """Tables that belong together. The row of a message says to whom it goes, and by which rule.

    A row that is only ``read`` may be left out where there is no room.
    """

    terms: tuple[Term, ...]
    head: str = ""
    rule: str = ""
    nth: str = ""
    read: bool = False


class Panel:
    """Sets out the numbers of any step. It knows the values and the names of all nodes."""

    def __init__(
        self,
        nodes: Iterable[Vertex],
        names: Mapping[str, str],
        gradient_names: Mapping[str, str],
        noise: Mapping[str, float],
    ) -> None:
        self.nodes, self.noise = {node.id: node for node in nodes}, noise
        self.names = {id: cut(name, 24) for id, name in names.items()}
        self.gradient_names = {id: cut(name, 24) for id, name in gradient_names.items()}

    def rows(self, step: StoryStep) -> list[TableRow]:
        """Return the rows of a step, in the order in which they are read."""
        if step.phase == "given":
            return [TableRow(tuple(map(self._value, step.nodes[:MOST_LEAVES])))]
        (id,) = step.nodes
        reads = tuple(map(self._value, step.reads))
        if step.phase == "forward":
            sign = self.nodes[id].sign
            if len(reads) == len(step.edges) == 2 and not any(map(str.isalpha, sign)):
                reads = (reads[0], reads[1]._replace(sign=sign))
            return [TableRow((*reads, self._value(id)._replace(sign="→", whole=True)))]
        gradient = _term(self.gradient_names[id], step.gradient, noise=self.noise.get(id, 0.0))
        rows = [
            TableRow((gradient._replace(whole=True),)),
            TableRow(reads, read=True),
            *map(self._message, step.parts),
            TableRow(
                tuple(_term(title, array, whole=True) for title, array in step.beside.items())
            ),
        ]
        return [row for row in rows if row.terms]

    def _value(self, id: str) -> Term:
        return _term(self.names[id], self.nodes[id].value)

    def _message(self, part: Part) -> TableRow:
        """Write one part as a sum: the gradient so far, plus this part, is the new total."""
        own, arrays = self.gradient_names[part.receiver], part.terms()
        most = max(map(largest_entry, arrays.values()))
        titles = {
            "earlier": f"{own} so far",
            "product": "the rule gives",
            "gradient": "this part" if part.count else own,
            "total": f"{own}, {part.count}",
        }
        plus = "+" if "earlier" in arrays else ""
        signs = {"earlier": "", "product": plus, "total": "="}
        signs["gradient"] = f"{part.summed} →" if part.summed else plus
        complete = part.received == part.expected
        whole = {"total": complete, "gradient": not part.count}
        noise = self.noise.get(part.receiver, 0.0)
        terms = tuple(
            Term(title, table(arrays[kind]), most, signs[kind], whole.get(kind, False), noise)
            for kind, title in titles.items()
            if kind in arrays
        )
        nth = f"part {part.count}" if part.count else ""
        return TableRow(terms, f"to {self.names[part.receiver]}", cut(part.rule, 60), nth)


def _term(title: str, array: np.ndarray | None, whole: bool = False, noise: float = 0.0) -> Term:
    array = np.asarray(array)
    shape = f" {array.shape}" if array.ndim else ""
    return Term(title, table(array), largest_entry(array), whole=whole, noise=noise, shape=shape)


def paint(text: str, most: float, noise: float) -> tuple[str, str]:
    """Return the colours of a cell and of its ink: blue below 0, white at 0, red above.

    The number ``most`` is darkest. Black and white ink have the same contrast where they change.
    """
    if text.strip() == GAP:
        return PAPER, SOFT
    value = float(text)
    if not np.isfinite(value):
        return "#444444", "#ffffff"
    share = 0.0 if abs(value) <= noise else max(-1.0, min(1.0, value / (most or 1)))
    full = np.array([33, 102, 172] if share < 0 else [178, 24, 43])
    parts = np.floor(255.5 + (full - 255) * abs(share)).astype(int)
    light = np.array([0.2126, 0.7152, 0.0722]) @ (parts / 255) ** 2.2 > 0.18
    return "#{:02x}{:02x}{:02x}".format(*parts), "#000000" if light else "#ffffff"
