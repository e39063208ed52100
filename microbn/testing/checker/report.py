"""What the checker found: in words, as a table, as a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...engine.tensor import Tensor
from ...errors import GraphError, printable
from .differences import Slopes
from .hints import hint

BENT = {
    "ignored": "does not depend on the gradient that comes in",
    "not linear": "is not linear (or not the same twice) in the gradient that comes in",
}


class Compared(NamedTuple):
    """The gradient for one input beside the slopes; masks say where it is wrong, where unknown."""

    name: str
    value: np.ndarray
    analytic: np.ndarray
    numeric: Slopes
    wrong: np.ndarray
    unknown: np.ndarray
    bent: str = ""  # how it fails to be linear in what comes in: a key of BENT

    @property
    def verdict(self) -> str:
        """One of "differs", "inconclusive" and "agrees"."""
        return "differs" if self.wrong.any() else "inconclusive" if self.unknown.any() else "agrees"

    @property
    def worst(self) -> tuple[int, ...]:
        """The index of the entry to show: the largest difference, or the first unknown one."""
        far = np.where(self.wrong, np.abs(self.analytic - self.numeric.value), -1.0)
        far = np.nan_to_num(far, nan=np.inf) if self.wrong.any() else self.unknown
        return tuple(int(i) for i in np.unravel_index(np.argmax(far), self.analytic.shape))

    @property
    def kinks(self) -> np.ndarray:
        """Where the slopes are different on their two sides."""
        return self.numeric.high > self.numeric.low

    def __str__(self) -> str:
        i, where = self.worst, f" {list(self.worst)}" if self.worst else ""
        analytic, low, high, bar = (float(p[i]) for p in (self.analytic, *self.numeric[:3]))
        gradient, left, right = told_apart(analytic, low, high)
        numeric = f"{left} ± {bar:.0e}" if np.isfinite(bar) else "unknown"
        if low < high and np.isfinite(bar):
            numeric = f"between {left} and {right} ± {bar:.0e}, at a kink"
        shown = f"input {self.name!r}{where}: analytic {gradient}, numeric {numeric}"
        if not self.wrong.any():
            count = f"{self.unknown.sum()} of {self.unknown.size}"
            return f"{shown}; inconclusive: {count} slopes cannot be told, which is no pass"
        middle = (low + high) / 2
        told = middle and np.isfinite(analytic) and not self.bent
        ratio = f" (ratio {told_apart(analytic / middle, 1.0, least=6)[0]})" if told else ""
        return f"{shown}{ratio}; {self.wrong.sum()} of {self.wrong.size} entries differ"

    def off(self) -> str:
        """By how much it is off."""
        right, wrong = self.numeric.value[self.wrong], self.analytic[self.wrong]
        ratio = wrong / np.where(right, right, np.nan)
        if ratio.size > 1 and np.isfinite(ratio).all() and ratio[0] != 1:
            off, unlike = abs(ratio[0] - 1), np.ptp(ratio)
            if unlike <= 1e-5 * np.abs(ratio).max() and unlike <= 0.1 * off:
                return f"off by {ratio[0]:.{max(4, math.ceil(-math.log10(off)) + 1)}f}"
        return f"wrong: {self}"

    def row(self) -> list[str]:
        """The same as cells of a table."""
        off = np.abs(self.analytic - self.numeric.value)
        numbers = [f"{np.max(x, initial=0):.0e}" for x in (off, self.numeric.bar)]
        counts = [str(n or "") for n in (self.kinks.sum(), self.wrong.sum(), self.unknown.sum())]
        return [self.name, str(self.value.shape), *numbers, *counts, self.verdict]


def told_apart(number: float, *others: float, least: int = 5) -> list[str]:
    """A number and others, with so many digits that it is told from each that differs."""
    digits = least
    for other in others:
        if np.isfinite([number, other]).all() and number != other:
            size = max(abs(number), abs(other))
            digits = max(digits, math.ceil(math.log10(size / abs(number - other))) + 2)
    return [f"{x:.{min(digits, 17)}g}" for x in (number, *others)]


class Suspect(NamedTuple):
    """A node of the graph, and what is wrong there: its own rule, checked by itself; a path that
    is cut; or a number that had left the graph, and comes back.
    """

    node: Tensor
    number: int
    why: str

    def __str__(self) -> str:
        where = f", {self.node.line}" if self.node.line else ""
        group = f" in {'.'.join(self.node.scope)}" if self.node.scope else ""
        name = getattr(self.node.function, "__name__", "")
        return f"{name}{group} (node {self.number}{where}): {self.why}"


@dataclass(frozen=True, repr=False)
class Report:
    """A gradient check: true if everything was found right.

    ``inputs`` has a `Compared` for each; ``faults`` says in words what no difference shows, and
    ``notes`` what is not wrong yet; ``again`` is how to see it again. ``suspect`` is where it goes
    wrong, ``graph`` the root of what was recorded, if anything was.
    """

    name: str
    inputs: tuple[Compared, ...] = ()
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    order: int = 1
    again: str = ""
    output: np.ndarray | None = None
    suspect: Suspect | None = None
    graph: Tensor | None = None

    @property
    def ok(self) -> bool:
        """Whether every gradient agrees, and nothing else was found."""
        return not self.faults and all(part.verdict == "agrees" for part in self.inputs)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        return printable(self._text())

    def _text(self) -> str:
        title = f"gradcheck of {self.name}"
        notes = [f"Note: {note}" for note in self.notes]
        if self.ok:
            return "\n  ".join([f"{title}: {self._agreement()}", *notes])
        order = {"differs": 0, "inconclusive": 1}
        bad = sorted((p for p in self.inputs if p.verdict in order), key=lambda p: order[p.verdict])
        found = [*self.faults, *map(str, bad)]
        if not bad and self.inputs:  # a bad habit hides no verdict
            found.append(f"Otherwise right: {self._agreement()}")
        suspect = [f"Suspect: {self.suspect}"] if self.suspect else []
        advice = [f"Hint for {name!r}: {words}" for name, words in self.hints().items()]
        last = [*suspect, *advice, *notes, *[f"Again: {self.again}"] * bool(self.again)]
        return "\n  ".join([f"{title}: {found[0]}", *found[1:], *last])

    __repr__ = __str__

    def _agreement(self) -> str:
        sizes = [part.analytic.size for part in self.inputs]
        if not sum(sizes):
            return "there are no slopes to compare, as the inputs are empty"
        off = [np.abs(p.analytic - p.numeric.value).max(initial=0) for p in self.inputs]
        kinks = sum(part.kinks.sum() for part in self.inputs)
        at_kinks = f"; {kinks} at a kink, where all between the two sides is right" if kinks else ""
        within = f", within {max(off):.0e}" if not kinks else ""
        second = "; and so do all of the gradient's own" if self.order == 2 else ""
        return f"all {sum(sizes)} slopes agree{within}{second}{at_kinks}"

    def hints(self) -> dict[str, str]:
        """By the name of the input, the likeliest guess at what is wrong with its gradient."""
        inputs = {part.name: part.value for part in self.inputs}
        right = {part.name: part.numeric.value for part in self.inputs}
        with np.errstate(all="ignore"):  # a wrong gradient may be of any size
            found = {
                part.name: hint(part.name, part.analytic, inputs, right, self.output)
                for part in self.inputs
                if part.wrong.any() and not part.unknown.any() and not part.bent
            }
        ignored = [part.name for part in self.inputs if part.bent == "ignored"]
        found |= dict.fromkeys(ignored, IGNORED)
        return {name: words for name, words in found.items() if words}

    def __rich__(self) -> Any:
        """The table: a row for each input; below it what is wrong."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        title = Text(printable(f"gradcheck of {self.name}"))
        table = Table("input", "shape", title=title)
        for column in ("off by", "± bar", "kinks", "wrong", "unknown"):
            table.add_column(column, justify="right")
        table.add_column("verdict")
        for part in self.inputs:
            cells = (Text(printable(cell)) for cell in part.row())
            table.add_row(*cells, style=_STYLE[part.verdict])
        return Group(*[table] * bool(self.inputs), Text(str(self)))

    def draw(self) -> Any:
        """The graph that was checked, the suspect in red. Raises GraphError where there is none."""
        if self.graph is None:
            raise GraphError(f"{self.name} has no graph to draw: its backward is written by hand")
        from ...view import draw

        suspect = self.suspect.node if self.suspect else None
        return draw(self.graph, grads=False, direction="TB", suspect=suspect)


IGNORED = "its backward ignores the gradient that comes in (dout): multiply by it"
_STYLE = {"agrees": "", "differs": "red", "inconclusive": "yellow"}
