"""The story at a prompt: one step at a time, in sentences and small tables. It computes nothing."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ..errors import ArgumentError
from ..view.values import printable
from .steps import Part, StoryStep
from .story import Story
from .values import GAP, MOST_LEAVES, lined_up, table

COMMANDS = "n next · p back · g 12 · f forward · b backward · ? keys · q quit"
HELP = """\
n      next step                   f     where the forward starts
p      previous step               b     where the backward starts
g 12   go to step 12; so does 12   ?     these keys; so does h
g +5   go 5 steps on; g -5 back    q     quit; Ctrl-D does too
Enter moves the way you last moved: n, p, g +5. After a jump to a step it moves to the next.
"–" is no gradient, or none yet."""
_LONG_SHAPE = re.compile(r"\(\d+(?:, \d+)+\)")
_NO_BREAK = "\N{NO-BREAK SPACE}"
_BY = re.compile(r"g *([+-]\d{1,9})")  # go on, or back, by so many steps
_VALUE, _GRADIENT, _SENT, _NOW = "bold cyan", "bold magenta", "bold yellow", "bold green"


def tell(story: Story, console: Console, *, whole: bool = False) -> None:
    """Show a story at a prompt, or all of it at once if ``whole`` or if there is no terminal."""
    screen = _Screen(story, console)
    if whole or not console.file.isatty():
        for step in story:
            screen.show(step)
        return
    at, again = 0, "n"
    screen.show(story[at])
    while (command := _next_command(console, _where(story[at], story), again) or again) != "q":
        try:
            if command in ("h", "?"):
                console.print(_harmless(HELP))
                continue
            at = moved(story, at, command)
        except ArgumentError as error:  # its message stands below the step
            console.print(_harmless(str(error)))
        else:
            again = command if _is_relative(command) else "n"
            console.clear()
            screen.show(story[at])


def _is_relative(command: str) -> bool:
    """Return whether a command leads on from each step that it is given at."""
    return command in ("n", "p") or bool(_BY.fullmatch(command))


def _where(step: StoryStep, story: Story) -> str:
    return f"{step.number}/{len(story) - 1} {step.phase}"


def moved(story: Story, at: int, command: str) -> int:
    """Return the step that a command leads to.

    Raises ArgumentError for a command that leads nowhere; the message says which steps there are.
    """
    last = len(story) - 1
    if by := _BY.fullmatch(command):
        if not 0 <= at + int(by[1]) <= last:
            raise ArgumentError(f"{command} leads outside the story; there are steps 0 to {last}.")
        return at + int(by[1])
    led = {"n": at + 1, "p": at - 1, "f": story.starts["forward"], "b": story.starts["backward"]}
    if command.startswith("g") or command.isdecimal():
        if (number := command.removeprefix("g").strip()) not in map(str, range(len(story))):
            raise ArgumentError(f"There are steps 0 to {last}; g {last // 2} goes to one of them.")
        return int(number)
    if command not in led:
        raise ArgumentError(f"{command!r:.30} is not a command; n, p, g 12, f, b, ? and q are.")
    if not 0 <= led[command] <= last:
        raise ArgumentError(f"This is the {'last' if at else 'first'} step.")
    return led[command]


def _next_command(console: Console, where: str, again: str) -> str:
    console.print(_harmless(f"\n{COMMANDS} · Enter {again}", "dim"))
    try:
        return console.input(_harmless(f"{where}> ", "bold")).strip().lower()
    except EOFError:
        console.print()
        return "q"


class _Screen:
    """Shows steps of a story on a console."""

    def __init__(self, story: Story, console: Console) -> None:
        self.story, self.console = story, console
        self.values = {node.id: node.value for node in story.graph.nodes}

    def show(self, step: StoryStep) -> None:
        """Print one step: its place in the story, its sentences, the code and the numbers."""
        where = f"Step {step.number} of {len(self.story) - 1}, {step.phase}: {self.story.title}"
        self.console.print(Rule(_harmless(where, "bold"), align="left", style="dim"))
        self._say(step.sentence, "bold")
        for part in step.parts:
            self._say(part.sentence, indent="  ")
        if step.line:
            self.console.print(*_marked_code(step), sep="\n", no_wrap=True, overflow="ellipsis")
        self.console.print("", Columns(self._numbers(step), padding=(1, 3)), sep="\n")

    def _say(self, sentence: str, style: str = "", indent: str = "") -> None:
        """Print a sentence, whose lines do not end within a shape."""
        whole = _LONG_SHAPE.sub(lambda shape: shape[0].replace(" ", _NO_BREAK), printable(sentence))
        width = self.console.width - len(indent)
        lines = textwrap.wrap(whole, width, break_on_hyphens=False)
        text = textwrap.indent("\n".join(lines), indent).replace(_NO_BREAK, " ")
        self.console.print(Text(text, style))

    def _numbers(self, step: StoryStep) -> Iterator[RenderableType]:
        names, gradients = self.story.names, self.story.gradient_names
        if step.phase == "backward":
            yield self._table(gradients[step.nodes[0]], step.gradient, _GRADIENT)
        for id in step.reads:
            yield self._table(names[id], self.values[id], "")
        for id in step.nodes[:MOST_LEAVES] if step.phase != "backward" else ():
            yield self._table(names[id], self.values[id], _VALUE)
            if step.phase == "forward":
                yield Group(_harmless(gradients[id], _GRADIENT), _harmless("–"))  # not yet computed
        for part in step.parts:
            titles = _titles(part, gradients[part.receiver])
            for term, array in part.terms().items():
                if term in titles:
                    yield self._table(titles[term], array, _SENT)
        for title, array in step.beside.items():
            yield self._table(title, array, "")

    def _table(self, title: str, array: Any, style: str) -> RenderableType:
        """Return a title with the numbers below it, in as many columns as fit."""
        shown = table(array)
        rows = lined_up(shown.rows)
        room = self._columns_that_fit(rows, max(map(len, shown.labels), default=0))
        numbers = Table.grid(padding=(0, 2, 0, 0))
        for i, row in enumerate(rows):
            cut = [GAP] if len(row) > room and row[room - 1].strip() != GAP else []
            numbers.add_row(*map(_harmless, [*shown.labels[i : i + 1], *row[:room], *cut]))
        for column in numbers.columns:
            column.justify, column.no_wrap = "right", True
        head = _harmless(f"{title} {shown.shape}" if shown.shape else title, style)
        if not shown.blocks:
            return Group(head, numbers if shown.rows else _harmless("empty"))
        of_all = f"of all: {shown.low} … {shown.high}, mean {shown.mean}"
        return Group(head, numbers, _harmless(of_all, "dim"))

    def _columns_that_fit(self, rows: list[list[str]], labels: int) -> int:
        """Return how many columns fit beside labels of this width, with a "…" after them."""
        widths = [max(map(len, column)) + 2 for column in zip(*rows, strict=True)]
        room = self.console.width - labels - 5
        return max(1, sum(end <= room for end in accumulate(widths)))


def _titles(part: Part, gradient: str) -> dict[str, str]:
    """Return the titles of a part's numbers. The sum before it was shown with the part before."""
    mine = f"{gradient}, part {part.received}" if part.count else gradient
    return {
        "product": f"for {gradient}, the rule gives",
        "gradient": f"{mine}, summed" if part.summed else mine,
        "total": f"{gradient}, {part.count}",
    }


def _marked_code(step: StoryStep) -> Iterator[Text]:
    """Return the lines of code, the one that ran marked, and who called it if it is microbn's."""
    ran, line = step.ran, step.line
    assert ran
    assert line  # a step has code only if it has a line
    where = f"▸ {ran.place}"
    for number, text in step.code:
        now = number == ran.number
        yield _harmless(f"{where if now else ' ' * len(where)}  {text}", _NOW if now else "dim")
    if line.inside:
        yield _harmless(f"  called at {line}", "dim")


def _harmless(text: str, style: str = "") -> Text:
    """Return text without anything that a terminal would obey."""
    return Text(printable(text), style)
