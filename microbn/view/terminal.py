"""The story at a prompt: a step at a time, in sentences and small tables. It computes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ..errors import ArgumentError, printable
from .steps import Part, StoryStep
from .story import Story
from .values import table

MOST_GIVEN = 12  # tables of leaves; there may be many
COMMANDS = "n next · p previous · g 12 · f forward · b backward · h help · q quit"
HELP = """\
n     next step                  f     where the forward starts
p     previous step              b     where the backward starts
g 12  go to step 12; so does 12  q     quit; Ctrl-D does too
Enter repeats n or p, whichever was last. "–" is no gradient, or none yet."""
_VALUE, _GRADIENT, _SENT, _NOW = "bold cyan", "bold magenta", "bold yellow", "bold green"


def tell(story: Story, console: Console, *, whole: bool = False) -> None:
    """Show a story at a prompt; all of it at once if ``whole``, or where no terminal is."""
    screen = _Screen(story, console)
    if whole or not console.file.isatty():
        for step in story:
            screen.show(step)
        return
    at, again = 0, "n"
    screen.show(story[at])
    while (command := _asked(console, again) or again) != "q":
        if command in ("n", "p"):
            again = command
        try:
            if command in ("h", "?"):
                console.print(_text(HELP))
                continue
            at = moved(story, at, command)
        except ArgumentError as error:  # what it says stands below the step
            console.print(_text(str(error)))
        else:
            console.clear()
            screen.show(story[at])


def moved(story: Story, at: int, command: str) -> int:
    """The step that a command leads to. Raises ArgumentError, which says what is possible."""
    last = len(story) - 1
    led = {"n": at + 1, "p": at - 1, "f": story.starts["forward"], "b": story.starts["backward"]}
    if command.startswith("g") or command.isdecimal():
        if (number := command.removeprefix("g").strip()) not in map(str, range(len(story))):
            raise ArgumentError(f"There are steps 0 to {last}; g {last // 2} goes to one of them.")
        return int(number)
    if command not in led:
        raise ArgumentError(f"{command!r:.30} is no command; n, p, g 12, f, b, h and q are.")
    if not 0 <= led[command] <= last:
        raise ArgumentError(f"This is the {'last' if at else 'first'} step.")
    return led[command]


def _asked(console: Console, again: str) -> str:
    try:
        return console.input(_text(f"\n{COMMANDS}  [{again}] ", "dim")).strip().lower()
    except EOFError:
        console.print()
        return "q"


class _Screen:
    """A console, and what has to be looked up in a story to show a step of it."""

    def __init__(self, story: Story, console: Console) -> None:
        self.story, self.console = story, console
        self.values = {node.id: node.value for node in story.graph.nodes}

    def show(self, step: StoryStep) -> None:
        """Print one step: where it is, what happens, the code, the numbers."""
        where = f"Step {step.number} of {len(self.story) - 1}, {step.phase}: {self.story.title}"
        self.console.print(Rule(_text(where, "bold"), align="left", style="dim"))
        self.console.print(_text(step.sentence, "bold"))
        for part in step.parts:
            self.console.print(Padding(_text(part.sentence), (0, 0, 0, 2), expand=False))
        if step.line:
            self.console.print(*_code(step), sep="\n", no_wrap=True, overflow="ellipsis")
        self.console.print("", Columns(self._numbers(step), padding=(1, 3)), sep="\n")

    def _numbers(self, step: StoryStep) -> Iterator[RenderableType]:
        names, gradients = self.story.names, self.story.gradient_names
        if step.phase == "backward":
            yield self._table(gradients[step.nodes[0]], step.gradient, _GRADIENT)
        for id in step.reads:
            yield self._table(names[id], self.values[id], "")
        for id in step.nodes[:MOST_GIVEN] if step.phase != "backward" else ():
            yield self._table(names[id], self.values[id], _VALUE)
            if step.phase == "forward":
                yield Group(_text(gradients[id], _GRADIENT), _text("–"))  # not computed yet
        for part in step.parts:
            for title, array in _sent(part, gradients[part.receiver]):
                yield self._table(title, array, _SENT)

    def _table(self, title: str, array: Any, style: str) -> RenderableType:
        """A title and the numbers, as many columns as there is room for."""
        shown = table(array)
        widest = max((len(cell) for row in shown.rows for cell in row), default=0)
        labels = max(map(len, shown.labels), default=0)
        room = max(1, (self.console.width - labels - 5) // (widest + 2))
        numbers = Table.grid(padding=(0, 2, 0, 0))
        for i, row in enumerate(shown.rows):
            cut = ["…"] if len(row) > room else []
            numbers.add_row(*map(_text, [*shown.labels[i : i + 1], *row[:room], *cut]))
        for column in numbers.columns:
            column.justify, column.no_wrap = "right", True
        head = _text(f"{title} {shown.shape}" if shown.shape else title, style)
        if not shown.block:
            return Group(head, numbers if shown.rows else _text("empty"))
        blocks = "means of up to {} × {} numbers; of all:".format(*shown.block)
        of_all = _text(f"{blocks} {shown.low} … {shown.high}, mean {shown.mean}", "dim")
        return Group(head, numbers, of_all)


def _sent(part: Part, gradient: str) -> Iterator[tuple[str, np.ndarray]]:
    """What a part adds: what its rule gave, that summed to fit, and all that came so far."""
    if part.summed:
        yield f"for {gradient}, the rule gives", part.product
    mine = f"{gradient}, part {part.received}" if part.expected > 1 else gradient
    yield mine + ", summed" * bool(part.summed), part.gradient
    if part.received > 1:
        yield f"{gradient}, {part.received} of {part.expected}", part.total


def _code(step: StoryStep) -> Iterator[Text]:
    """The line that runs, with those beside it; and what called it, if that is microbn's own."""
    line = step.line
    assert line  # a step has code only where it has a line
    runs = line.inside or line
    where = f"▸ {Path(runs.file).name}:{runs.number}"
    texts = dedent("\n".join(text.expandtabs() for _, text in step.code)).split("\n")
    for (number, _), text in zip(step.code, texts, strict=True):
        now = number == runs.number
        yield _text(f"{where if now else ' ' * len(where)}  {text}", _NOW if now else "dim")
    if line.inside:
        yield _text(f"  called at {line}", "dim")


def _text(text: str, style: str = "") -> Text:
    """Text that a terminal obeys nothing in."""
    return Text(printable(text), style)
