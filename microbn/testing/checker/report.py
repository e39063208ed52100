"""The report of a check: in words, as a table, as a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...engine.tensor import Tensor
from ...errors import GraphError
from ...reading.lines import line_of
from ...view.values import printable
from .differences import Slopes
from .hints import hint


class Compared(NamedTuple):
    """The gradient for one input beside its slopes.

    ``wrong`` and ``unknown`` are masks of the entries that differ, and of those that cannot be
    compared. ``bent`` is "" or says how the gradient fails to be linear in the incoming one: it is
    a key of ``BENT``.
    """

    name: str
    value: np.ndarray
    analytic: np.ndarray
    numeric: Slopes
    wrong: np.ndarray
    unknown: np.ndarray
    bent: str = ""

    @property
    def verdict(self) -> str:
        """One of "differs", "inconclusive" and "agrees"."""
        return "differs" if self.wrong.any() else "inconclusive" if self.unknown.any() else "agrees"

    @property
    def worst(self) -> tuple[int, ...]:
        """The index of the entry with the largest difference, or of the first unknown entry."""
        far = np.where(self.wrong, np.abs(self.analytic - self.numeric.value), -1.0)
        far = np.nan_to_num(far, nan=np.inf) if self.wrong.any() else self.unknown
        return tuple(int(i) for i in np.unravel_index(np.argmax(far), self.analytic.shape))

    @property
    def kinks(self) -> np.ndarray:
        """A mask of the entries at a kink, where the slopes on the two sides differ."""
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
            return f"{shown}; inconclusive: {count} slopes cannot be determined, so this is no pass"
        middle = (low + high) / 2
        told = middle and np.isfinite(analytic) and not self.bent
        ratio = f" (ratio {told_apart(analytic / middle, 1.0, least=6)[0]})" if told else ""
        return f"{shown}{ratio}; {self.wrong.sum()} of {self.wrong.size} entries differ"

    def off(self) -> str:
        """Say how the wrong entries are off: by a common factor, or one by one."""
        right, wrong = self.numeric.value[self.wrong], self.analytic[self.wrong]
        ratio = wrong / np.where(right, right, np.nan)
        known = ratio.size > 1 and np.isfinite(ratio).all() and ratio[0] != 1
        if known and np.ptp(ratio) <= min(1e-5 * np.abs(ratio).max(), 0.1 * abs(ratio[0] - 1)):
            return f"off by a factor of {told_apart(float(ratio[0]), 1.0)[0]}"
        return f"wrong: {self}"

    def row(self) -> list[str]:
        """Return the cells of its row in the table."""
        off = np.abs(self.analytic - self.numeric.value)
        numbers = [f"{np.max(x, initial=0):.0e}" for x in (off, self.numeric.bar)]
        counts = [str(n or "") for n in (self.kinks.sum(), self.wrong.sum(), self.unknown.sum())]
        return [self.name, str(self.value.shape), *numbers, *counts, self.verdict]


def told_apart(number: float, *others: float, least: int = 5) -> list[str]:
    """Format numbers with enough digits to tell the first from each of the others."""
    digits = least
    for other in others:
        if np.isfinite([number, other]).all() and number != other:
            size = max(abs(number), abs(other))
            digits = max(digits, math.ceil(math.log10(size / abs(number - other))) + 2)
    return [f"{x:.{min(digits, 17)}g}" for x in (number, *others)]


class Suspect(NamedTuple):
    """A node of the graph, and why it is suspected.

    Its own rule is wrong, a path is cut there, or a number that left the graph comes back there.
    """

    node: Tensor
    number: int
    why: str

    def __str__(self) -> str:
        where = f", {line}" if (line := line_of(self.node)) else ""
        group = f" in {'.'.join(self.node.scope)}" if self.node.scope else ""
        name = getattr(self.node.function, "__name__", "")
        return f"{name}{group} (node {self.number}{where}): {self.why}"


@dataclass(frozen=True, repr=False)
class Report:
    """The result of a gradient check. It is true if everything was found right.

    ``inputs`` holds a `Compared` for each input. ``faults`` lists mistakes that finite differences
    cannot show, and ``notes`` lists habits that are not wrong yet. ``again`` is the call that
    repeats the check. ``suspect`` is the node where the gradient goes wrong, and ``graph`` the root
    of the recorded graph, if there is one.
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
        """True if every gradient agrees and no other fault was found."""
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
        verdicts = ("differs", "inconclusive")
        bad = [part for verdict in verdicts for part in self.inputs if part.verdict == verdict]
        found = [*self.faults, *map(str, bad)]
        if not bad and self.inputs:  # a bad habit does not hide the verdict
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
        between = "where any slope between the two sides is right"
        at_kinks = f"; {kinks} at a kink, {between}" if kinks else ""
        within = f", within {max(off):.0e}" if not kinks else ""
        second = "; and so do all of the gradient's own" if self.order == 2 else ""
        return f"all {sum(sizes)} slopes agree{within}{second}{at_kinks}"

    def hints(self) -> dict[str, str]:
        """Return the likeliest guess at what is wrong with each gradient, by the input's name."""
        inputs = {part.name: part.value for part in self.inputs}
        right = {part.name: part.numeric.value for part in self.inputs}
        with np.errstate(all="ignore"):  # a wrong gradient may be huge
            found = {
                part.name: hint(part.name, part.analytic, inputs, right, self.output)
                for part in self.inputs
                if part.wrong.any() and not part.unknown.any() and not part.bent
            }
        ignored = [part.name for part in self.inputs if part.bent == "ignored"]
        found |= dict.fromkeys(ignored, IGNORED)
        return {name: words for name, words in found.items() if words}

    def __rich__(self) -> Any:
        """Return a table with a row for each input, and the report in words below it."""
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
        """Draw the checked graph with the suspect in red. Raises GraphError if there is none."""
        if self.graph is None:
            raise GraphError(f"{self.name} has no graph to draw: its backward is written by hand")
        from ...view import draw

        suspect = self.suspect.node if self.suspect else None
        return draw(self.graph, grads=False, direction="TB", suspect=suspect)


BENT = {
    "ignored": "does not depend on the gradient that comes in",
    "not linear": "is not linear (or not the same twice) in the gradient that comes in",
}
IGNORED = "its backward ignores the gradient that comes in (dout): multiply by it"
_STYLE = {"agrees": "", "differs": "red", "inconclusive": "yellow"}
