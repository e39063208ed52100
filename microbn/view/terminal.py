"""The story at a prompt: one step at a time, in sentences and small tables. It computes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ..errors import ArgumentError
from ..view.values import printable
from .steps import Part, StoryStep
from .story import Story
from .values import MOST_LEAVES, table

COMMANDS = "n next · p previous · g 12 · f forward · b backward · h help · q quit"
HELP = """\
n     next step                  f     where the forward starts
p     previous step              b     where the backward starts
g 12  go to step 12; so does 12  q     quit; Ctrl-D does too
Enter repeats n or p, whichever was last. "–" is no gradient, or none yet."""
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
    while (command := _next_command(console, again) or again) != "q":
        if command in ("n", "p"):
            again = command
        try:
            if command in ("h", "?"):
                console.print(_harmless(HELP))
                continue
            at = moved(story, at, command)
        except ArgumentError as error:  # its message stands below the step
            console.print(_harmless(str(error)))
        else:
            console.clear()
            screen.show(story[at])


def moved(story: Story, at: int, command: str) -> int:
    """Return the step that a command leads to.

    Raises ArgumentError for a command that leads nowhere; the message says which steps there are.
    """
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


def _next_command(console: Console, again: str) -> str:
    try:
        return console.input(_harmless(f"\n{COMMANDS}  [{again}] ", "dim")).strip().lower()
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
        self.console.print(_harmless(step.sentence, "bold"))
        for part in step.parts:
            self.console.print(Padding(_harmless(part.sentence), (0, 0, 0, 2), expand=False))
        if step.line:
            self.console.print(*_marked_code(step), sep="\n", no_wrap=True, overflow="ellipsis")
        self.console.print("", Columns(self._numbers(step), padding=(1, 3)), sep="\n")

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
        widest = max((len(cell) for row in shown.rows for cell in row), default=0)
        labels = max(map(len, shown.labels), default=0)
        room = max(1, (self.console.width - labels - 5) // (widest + 2))
        numbers = Table.grid(padding=(0, 2, 0, 0))
        for i, row in enumerate(shown.rows):
            cut = ["…"] if len(row) > room else []
            numbers.add_row(*map(_harmless, [*shown.labels[i : i + 1], *row[:room], *cut]))
        for column in numbers.columns:
            column.justify, column.no_wrap = "right", True
        head = _harmless(f"{title} {shown.shape}" if shown.shape else title, style)
        if not shown.block:
            return Group(head, numbers if shown.rows else _harmless("empty"))
        blocks = "means of up to {} × {} numbers; of all:".format(*shown.block)
        of_all = _harmless(f"{blocks} {shown.low} … {shown.high}, mean {shown.mean}", "dim")
        return Group(head, numbers, of_all)


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
    where = f"▸ {Path(ran.file).name}:{ran.number}"
    for number, text in step.code:
        now = number == ran.number
        yield _harmless(f"{where if now else ' ' * len(where)}  {text}", _NOW if now else "dim")
    if line.inside:
        yield _harmless(f"  called at {line}", "dim")


def _harmless(text: str, style: str = "") -> Text:
    """Return text without anything that a terminal would obey."""
    return Text(printable(text), style)
