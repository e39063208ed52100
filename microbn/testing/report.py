"""What the checker found: in words, as a table, as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..errors import GraphError
from ..tensor import Tensor
from .differences import Slopes
from .hints import hint


class Compared(NamedTuple):
    """The gradient for one input beside the slopes; masks say where it is wrong, where unknown."""

    name: str
    value: np.ndarray
    analytic: np.ndarray
    numeric: Slopes
    wrong: np.ndarray
    unknown: np.ndarray

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
        analytic, numeric = float(self.analytic[i]), self._spelled(i)
        shown = f"input {self.name!r}{where}: analytic {analytic:.5g}, numeric {numeric}"
        if not self.wrong.any():
            count = f"{self.unknown.sum()} of {self.unknown.size}"
            return f"{shown}; inconclusive: {count} slopes cannot be told, which is no pass"
        middle = float(self.numeric.value[i])
        ratio = f" (ratio {analytic / middle:.6g})" if middle and np.isfinite(analytic) else ""
        return f"{shown}{ratio}; {self.wrong.sum()} of {self.wrong.size} entries differ"

    def _spelled(self, i: tuple[int, ...]) -> str:
        low, high, bar = (float(part[i]) for part in self.numeric[:3])
        if not np.isfinite(bar):
            return "unknown"
        if low < high:
            return f"between {low:.5g} and {high:.5g} ± {bar:.0e}, at a kink"
        return f"{low:.5g} ± {bar:.0e}"

    def off(self) -> str:
        """By how much it is off."""
        right, wrong = self.numeric.value[self.wrong], self.analytic[self.wrong]
        ratio = wrong / np.where(right, right, np.nan)
        if np.isfinite(ratio).all() and np.ptp(ratio) <= 1e-5 * np.abs(ratio).max():
            return f"off by {ratio[0]:.4f}"
        return f"wrong: {self}"

    def row(self) -> list[str]:
        """The same as cells of a table."""
        off = np.abs(self.analytic - self.numeric.value)
        numbers = [f"{np.max(x, initial=0):.0e}" for x in (off, self.numeric.bar)]
        counts = [str(n or "") for n in (self.kinks.sum(), self.wrong.sum(), self.unknown.sum())]
        return [self.name, str(self.value.shape), *numbers, *counts, self.verdict]


class Suspect(NamedTuple):
    """A node of the graph whose own rule, checked by itself, fails; and what is wrong with it."""

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
        title = f"gradcheck of {self.name}"
        notes = [f"Note: {note}" for note in self.notes]
        if self.ok:
            return "\n  ".join([f"{title}: {self._agreement()}", *notes])
        order = {"differs": 0, "inconclusive": 1}
        bad = sorted((p for p in self.inputs if p.verdict in order), key=lambda p: order[p.verdict])
        found = [*self.faults, *map(str, bad)]
        suspect = [f"Suspect: {self.suspect}"] if self.suspect else []
        advice = [f"Hint for {name!r}: {words}" for name, words in self.hints().items()]
        last = [*suspect, *advice, *notes, f"Again: {self.again}"]
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
                if part.wrong.any() and not part.unknown.any()
            }
        return {name: words for name, words in found.items() if words}

    def __rich__(self) -> Any:
        """The table: a row for each input; below it what is wrong."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table("input", "shape", title=f"gradcheck of {self.name}")
        for column in ("off by", "± bar", "kinks", "wrong", "unknown"):
            table.add_column(column, justify="right")
        table.add_column("verdict")
        for part in self.inputs:
            table.add_row(*part.row(), style=_STYLE[part.verdict])
        return Group(*[table] * bool(self.inputs), Text(str(self)))

    def draw(self) -> Any:
        """The graph that was checked, the suspect in red. Raises GraphError where there is none."""
        if self.graph is None:
            raise GraphError(f"{self.name} has no graph to draw: its backward is written by hand")
        from ..view import draw

        suspect = self.suspect.node if self.suspect else None
        return draw(self.graph, grads=False, direction="TB", suspect=suspect)


_STYLE = {"agrees": "", "differs": "red", "inconclusive": "yellow"}
