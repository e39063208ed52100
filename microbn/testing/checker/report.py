"""The report of a check: in words, as a table, as a picture."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...engine.tensor import Tensor
from ...errors import GraphError
from ...reading.lines import line_of
from ...view.story import Story
from ...view.values import printable
from .differences import Slopes
from .hints import CUT, NOT_WRITTEN, hint
from .stages import CheckedStage, right_in_words, wrong_in_words


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

    @property
    def right(self) -> np.ndarray:
        """The right gradient: the slopes found by differences.

        At a kink several slopes are right. There it is the given gradient, if that is one of them.
        """
        return np.where(self.kinks & ~self.wrong, self.analytic, self.numeric.value)

    def __str__(self) -> str:
        return self.told()

    def told(self, ratio: bool = True) -> str:
        """Say where the largest difference is, with or without the ratio of the two numbers."""
        i, where = self.worst, f" {list(self.worst)}" if self.worst else ""
        analytic, low, high, bar = (float(p[i]) for p in (self.analytic, *self.numeric[:3]))
        gradient, left, right = told_apart(analytic, low, high)
        numeric = f"{left} ± {bar:.0e}" if np.isfinite(bar) else "unknown"
        if low < high and np.isfinite(bar):
            numeric = f"between {left} and {right} ± {bar:.0e}, at a kink"
        shown = f"input {self.name!r}{where}: analytic {gradient}, numeric {numeric}"
        if not self.wrong.any():
            count = f"{self.unknown.sum()} of {self.unknown.size}"
            unknown = f"{count} slopes cannot be determined, so this is not a pass"
            return f"{shown}; inconclusive: {unknown}"
        middle = (low + high) / 2
        known = ratio and middle and np.isfinite(analytic) and not self.bent
        times = f" (ratio {told_apart(analytic / middle, 1.0, least=6)[0]})" if known else ""
        return f"{shown}{times}; {self.wrong.sum()} of {self.wrong.size} entries differ"

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
        return f"{self.place()}: {self.why}"

    def place(self) -> str:
        """Say which node it is, and the line of code that made it."""
        where = f", {line}" if (line := line_of(self.node)) else ""
        group = f" in {'.'.join(self.node.scope)}" if self.node.scope else ""
        name = getattr(self.node.function, "__name__", "")
        return f"{name}{group} (node {self.number}{where})"


@dataclass(frozen=True, repr=False)
class Report:
    """The result of a gradient check. It is true if everything was found right.

    ``inputs`` holds a `Compared` for each input. ``faults`` lists mistakes that finite differences
    cannot show, and ``notes`` lists habits that are not wrong yet. ``again`` is the call that
    repeats the check. ``output`` is the function's output, and ``dout`` the gradient that came in.
    ``suspect`` is the node where the gradient goes wrong, and ``graph`` the root of the recorded
    graph, if there is one. ``level`` decides what the report says: the verdict (0), where the
    gradient is wrong (1), or also why (2). With ``stages=True`` there are also the ``stages`` of a
    backward by hand, and the ``story`` of its forward, which opens at the first wrong one;
    without a story, ``no_story`` says why there is none.
    """

    name: str
    inputs: tuple[Compared, ...] = ()
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    order: int = 1
    again: str = ""
    output: np.ndarray | None = None
    dout: np.ndarray | None = None
    suspect: Suspect | None = None
    graph: Tensor | None = None
    level: int = 2
    stages: tuple[CheckedStage, ...] = ()
    story: Story | None = None
    no_story: str = ""

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
        if self.level == 0:
            return f"{title}: {self._verdict()}"
        notes = [f"Note: {note}" for note in self.notes]
        right, wrong = right_in_words(self.stages), [*wrong_in_words(self.stages, self.level > 1)]
        returned = "the gradients that it returns are right: " * bool(wrong)
        if self.ok:
            agree = f"{title}: {returned}{self._agreement()}"
            return "\n  ".join([agree, *wrong, *right, *notes])
        faults = [fault if self.level > 1 else _what_happens(fault) for fault in self.faults]
        found = [*wrong, *faults]  # the first wrong stage is where to look
        verdicts = ("differs", "inconclusive")
        bad = [part for verdict in verdicts for part in self.inputs if part.verdict == verdict]
        found += [part.told(ratio=self.level > 1) for part in bad]
        if not bad and self.inputs:  # a bad habit does not hide the verdict
            found.append(f"{returned or 'Otherwise right: '}{self._agreement()}")
        last = [*self._advice(), *notes, *[f"Again: {self.again}"] * bool(self.again)]
        return "\n  ".join([f"{title}: {found[0]}", *found[1:], *right, *last])

    def _verdict(self) -> str:
        if self.output is None:
            return "it cannot be checked as it stands"
        unsure = not (self.faults or any(part.wrong.any() for part in self.inputs))
        return "right" if self.ok else "inconclusive" if unsure else "wrong"

    def _advice(self) -> list[str]:
        """Return a line for the suspect, and one for each hint."""
        suspects = [self.suspect] if self.suspect else []
        lines = [f"Hint for {name!r}: {words}" for name, words in self.hints().items()]
        if self.graph is not None and any("dout" in line for line in lines):
            lines.append("(dout is the gradient of the output, which the check draws)")
        named = (str(node) if self.level > 1 else node.place() for node in suspects)
        return [*(f"Suspect: {node}" for node in named), *lines]

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
        """Return the likeliest guess at what is wrong with each gradient, by the input's name.

        Below level 2 it returns none. It makes no guess if the first wrong stage says more.
        """
        if self.level < 2:
            return {}
        inputs = {part.name: part.value for part in self.inputs}
        right = {part.name: part.right for part in self.inputs}
        of_layer = (self.output, self.dout) if self.order == 1 else (None, None)
        given = (inputs, right, *of_layer, NOT_WRITTEN if self.graph is None else CUT)
        told = {stage.input for stage in self.stages if not stage.ok}
        with np.errstate(all="ignore"):  # a wrong gradient may be huge
            found = {
                part.name: hint(part.name, part.analytic, *given)
                for part in self.inputs
                if part.wrong.any()
                and part.name not in told
                and not (part.unknown | part.kinks & part.wrong).any()
            }
        for part in self.inputs:
            if part.bent:  # its numbers say nothing
                found[part.name] = IGNORED if part.bent == "ignored" else None
        return {name: words for name, words in found.items() if words}

    def __rich__(self) -> Any:
        """Return a table with a row for each input, what it means, and the report in words.

        At level 0 there is no table.
        """
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        title = Text(printable(f"gradcheck of {self.name}"))
        table = Table(*HEADINGS[:2], title=title)
        for column in HEADINGS[2:-1]:
            table.add_column(column, justify="right")
        table.add_column(HEADINGS[-1])
        for part in self.inputs:
            cells = (Text(printable(cell)) for cell in part.row())
            table.add_row(*cells, style=_STYLE[part.verdict])
        meaning = Text("\n".join(self.meaning()), style="dim")
        words = Text(str(self))
        return Group(table, meaning, words) if self.inputs and self.level else words

    def meaning(self) -> list[str]:
        """Return a line for each column of the table that needs a word."""
        lines = [OFF_BY, BAR]
        return lines + [KINKS] * any(part.kinks.any() for part in self.inputs)

    def draw(self) -> Any:
        """Draw the checked graph with the suspect in red. Raises GraphError if there is none."""
        if self.graph is None:
            raise GraphError(f"{self.name} has no graph to draw: its backward is written by hand")
        from ...view import draw

        suspect = self.suspect.node if self.suspect else None
        return draw(self.graph, grads=False, direction="TB", suspect=suspect)


def _what_happens(fault: str) -> str:
    """Return a fault's sentence up to its reason or its way out, after a semicolon or a colon."""
    return re.split(r"[;:] ", fault)[0]


BENT = {
    "ignored": "does not depend on dout, the gradient that comes in",
    "not linear": "is not linear (or not the same twice) in dout, the gradient that comes in",
}
IGNORED = "its backward ignores the gradient that comes in (dout): multiply by it"
HEADINGS = "input", "shape", "off by", "± bar", "kinks", "wrong", "unknown", "verdict"
OFF_BY = "off by: how far the gradient is, at most, from the slope that finite differences find"
BAR = "± bar: how far that slope itself may be off; the gradient may be off by ten of these bars"
KINKS = "kinks: points with a slope on each side, as 0 is for relu; any slope between is right"
_STYLE = {"agrees": "", "differs": "red", "inconclusive": "yellow"}
