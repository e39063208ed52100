"""The story at a prompt: what it shows, and sessions in a real terminal."""

import os
import re
import select
import subprocess
import sys
from io import StringIO

import numpy as np
import pytest
import stories
from rich.console import Console, Group
from rich.padding import Padding

import microbn as mb
from microbn import Tensor, errors, scope
from microbn.cli import targets
from microbn.cli.examples import BUILT_IN
from microbn.cli.targets import graph
from microbn.view import terminal, values
from microbn.view.values import printable

STYLED = re.compile(r"\x1b\[[0-9;]*m")
COLOURED = re.compile(r"\x1b\[([0-9;]*;)?(3|4|9|10)[0-9]")  # bold and dim are not colours


def told(story, width=80):
    out = StringIO()
    terminal.tell(story, Console(file=out, width=width, highlight=False))
    return out.getvalue()


def words(text):
    return " ".join(text.split())


def batchnorm():
    return targets.told("batchnorm")


# What is shown


@pytest.mark.parametrize("target", BUILT_IN)
def test_without_a_terminal_every_step_is_told_with_every_sentence(target):
    story = mb.story(*graph(target), title=target)
    steps = re.split(r"^Step (?=\d+ of )", told(story), flags=re.M)[1:]
    assert len(steps) == len(story)
    for step, text in zip(story, steps, strict=True):
        assert text.startswith(f"{step.number} of {len(story) - 1}, {step.phase}: {target} ")
        for sentence in (step.sentence, *(part.sentence for part in step.parts)):
            assert words(sentence) in words(text)


def titled(story, step):
    """Return the arrays that a step must show, with their titles."""
    values, names = {node.id: node.value for node in story.graph.nodes}, story.names
    gradients = story.gradient_names
    if step.phase == "backward":
        yield gradients[step.nodes[0]], step.gradient
    yield from ((names[id], values[id]) for id in step.reads)
    if step.phase != "backward":
        yield from ((names[id], values[id]) for id in step.nodes)
    if step.phase == "forward":
        yield gradients[step.nodes[0]], None
    for part in step.parts:
        name = gradients[part.receiver]
        if part.summed:
            yield f"for {name}, the rule gives", part.product
        mine = f"{name}, part {part.received}" if part.expected > 1 else name
        yield f"{mine}, summed" if part.summed else mine, part.gradient
        if part.received > 1:
            yield f"{name}, {part.received} of {part.expected}", part.total
    yield from step.beside.items()


def below(tables, padding):
    """Put tables one below the other, where the terminal puts them side by side."""
    return Group(*(Padding(table, (1, 0, 0, 0)) for table in tables))


@pytest.mark.parametrize("made", [stories.mlp, stories.fork, batchnorm])
def test_below_each_title_are_the_numbers_of_that_array(made, monkeypatch):
    monkeypatch.setattr(terminal, "Columns", below)
    story = made()
    for step, text in zip(story, told(story, 120).split("\nStep "), strict=True):
        shown = [block.splitlines() for block in re.split(r"\n(?: *\n)+", text.strip())[1:]]
        expected = []
        for title, array in titled(story, step):
            rows = [["–"]] if array is None else values.table(array).rows
            shape = f" {array.shape}" if array is not None and np.ndim(array) else ""
            expected.append((title + shape, rows))
        assert [(title.strip(), [*map(str.split, rows)]) for title, *rows in shown] == expected


def test_a_gradient_that_is_not_computed_is_a_dash():
    story = batchnorm()
    forward, backward = told(story).split("Step 11 of 20, backward")
    assert forward.count("–") == 10
    assert "–" not in backward


def test_a_sum_over_rows_and_a_sum_of_parts_are_shown_as_such():
    steps = re.split(r"^Step ", told(batchnorm()), flags=re.M)[1:]
    for title in ("dx, part 1 (4, 3)", "for dμ, the rule gives (4, 3)", "dμ, summed (1, 3)"):
        assert title in steps[19]
    assert "dx, 2 of 2 (4, 3)" in steps[20]
    assert "2 of 2" not in steps[19]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_no_line_ends_within_a_shape(width):
    for story in (batchnorm(), stories.mlp()):
        text = told(story, width)
        assert all(len(line) <= width + line.count("\u0302") for line in text.splitlines())
        assert not re.search(r"\(\d+,( \d+,)*$", text, re.M)


def test_line_that_ran_is_marked_and_its_caller_is_named():
    step = told(batchnorm()).split("Step 7 of 20")[1].split("Step 8 ")[0].splitlines()
    before, now, called = step[3:6]
    assert re.match(r"▸ functional\.py:\d+  x_hat = centered / std$", now.rstrip())
    assert before.split() == ["std", "=", "np.sqrt(var", "+", "eps)"]
    assert "▸" not in before
    assert re.match(r"  called at examples\.py:\d+: y = functional\.batch_norm", called)


def test_a_built_in_neuron_shows_its_own_line():
    assert "return np.tanh(w @ x + b)" in told(mb.story(*graph("neuron")))


WIDE = {
    "a large one": np.arange(1200.0).reshape(40, 30) / 7,
    "one with labels": np.full((2, 3, 8), -0.00123),
    "one without": np.full((3, 8), -0.00123),
}


@pytest.mark.parametrize("width", [40, 60, 80])
@pytest.mark.parametrize("case", WIDE)
def test_a_wide_array_is_cut_between_two_numbers(case, width):
    x = Tensor(WIDE[case], "x")
    table = told(mb.story(np.sum(x)), width).split("x (")[2].split("Step 1")[0]
    cells = values.table(x.data).rows[0]
    row = table.splitlines()[1].split("] ")[-1].split()
    shown = row[:-1] if row[-1] == "…" else row
    assert shown == cells[: len(shown)]
    assert len(shown) > 1
    assert (row[-1] == "…") == (len(shown) < len(cells))


def test_a_large_array_is_cut_and_its_range_is_told():
    out = told(mb.story(np.sum(Tensor(np.arange(1200.0).reshape(40, 30), "x"))))
    assert "of all: 0 … 1.2e+03, mean 600" in out
    assert re.search(r"^ *1\.17e\+03 .* 1\.18e\+03 +… *$", out, re.M)


def test_numbers_stand_in_a_line_at_their_points():
    x = Tensor([[1.5, 2.0], [-10.25, 1e-5], [0.125, 300.0]], "x")
    table = told(mb.story(np.sum(x))).split("x (3, 2)")[2].splitlines()[1:4]
    assert table == ["    1.5        2", "  -10.2    1e-05", "  0.125      300"]


def test_empty_arrays_are_called_so():
    assert "empty" in told(mb.story(np.sum(Tensor(np.zeros((0, 3)), "x") * 2.0)))


HOSTILE = {  # each with its spelling
    "[red]x[/]": "[red]x[/]",
    "[x]": "[x]",
    "[/": "[/",
    "a\nb": "a b",
    "\x1b[31mred": r"\x1b[31mred",
    "\x1b]0;title\x07": r"\x1b]0;title\x07",
    "\x9b2J": r"\x9b2J",
    "\u202ex": r"\u202ex",
}


@pytest.mark.parametrize(("name", "spelled"), HOSTILE.items())
def test_hostile_names_are_spelled_and_not_obeyed(name, spelled):
    with scope(name):
        y = Tensor([1.0, 2.0], name) * 2.0
    out = told(mb.story(np.sum(y), title=name))
    assert all(c.isprintable() or c == "\n" for c in out)
    for shown in (f"given: {spelled} ─", f"Given: {spelled} (2,).", f"\n{spelled} (2,) "):
        assert shown in out


@pytest.mark.parametrize(("name", "spelled"), HOSTILE.items())
def test_a_story_that_is_printed_spells_them_too(name, spelled):
    story = mb.story(np.sum(Tensor([1.0, 2.0], name) * 2.0), title=name)
    for text in (str(story), str(story[0])):
        assert all(c.isprintable() or c == "\n" for c in text)
        assert f"Given: {spelled} (2,)." in text


def test_visible_characters_are_left_alone():
    for text in ("γ · x̂ − μ", "d(σ²)\nβ", "名前", "é"):
        assert printable(text) == text
    assert printable("\x00\x1b\x9b\u202e\ud800\U000e0001\r\t") == (
        r"\x00\x1b\x9b\u202e\ud800\U000e0001\r\t"
    )


# Where commands lead


def test_commands_lead_through_the_story():
    story = batchnorm()
    for at, command, to in [
        (0, "n", 1), (5, "p", 4), (5, "g 12", 12), (5, "g12", 12), (5, "g 0", 0), (7, "f", 1),
        (1, "b", 11), (19, "n", 20), (3, "g +5", 8), (3, "g-3", 0), (0, "g +20", 20),
    ]:  # fmt: skip
        assert terminal.moved(story, at, command) == to


@pytest.mark.parametrize(
    ("at", "command", "said"),
    [
        (0, "p", "This is the first step."),
        (20, "n", "This is the last step."),
        (3, "g 21", "There are steps 0 to 20; g 10 goes to one of them."),
        (3, "g -4", "g -4 leads outside the story; there are steps 0 to 20."),
        (3, "g +18", "g +18 leads outside the story"),
        (3, "g +" + "9" * 5000, "There are steps 0 to 20"),
        (3, "-1", "'-1' is not a command"),
        (3, "g", "There are steps 0 to 20"),
        (3, "g " + "9" * 5000, "There are steps 0 to 20"),
        (3, "x", "'x' is not a command; n, p, g 12, f, b, ? and q are."),
        (3, "\x1b[C", "'\\x1b[C' is not a command"),
        (3, "n" * 1000, "'nnn"),
    ],
)
def test_command_that_leads_nowhere_says_in_one_line_what_is_possible(at, command, said):
    with pytest.raises(errors.ArgumentError) as caught:
        terminal.moved(batchnorm(), at, command)
    assert str(caught.value).startswith(said)
    assert len(str(caught.value)) <= 80
    assert "\n" not in str(caught.value)


def test_help_names_every_command():
    for command in ("n ", "p ", "g 12 ", "g +5 ", "f ", "b ", "? ", "q ", "Enter"):
        assert command in terminal.HELP


def test_a_number_alone_is_a_step_too():
    assert terminal.moved(batchnorm(), 3, "12") == terminal.moved(batchnorm(), 3, "g 12") == 12


# A session


class Session:
    """``microbn step`` in a terminal of 80 x 24."""

    def __init__(self, *args, **env):
        pty = pytest.importorskip("pty", reason="no pseudo-terminals here: the prompt unchecked")
        self.terminal, its = pty.openpty()
        pytest.importorskip("termios").tcsetwinsize(its, (24, 80))
        kept = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "microbn", "step", *args],
            stdin=its,
            stdout=its,
            stderr=its,
            env={**kept, "TERM": "xterm-256color", "COLORTERM": "", **env},
        )
        os.close(its)
        self.raw = ""
        self.first = self.shown()

    def shown(self):
        """Return everything up to the next prompt, or to the end."""
        new = b""
        while not new.endswith((b"> ", b"> \x1b[0m")):
            assert select.select([self.terminal], [], [], 60)[0], "nothing came for a minute"
            try:
                read = os.read(self.terminal, 10_000)
            except OSError:  # Linux says so that the other end is closed
                read = b""
            if not read:
                break
            new += read
        text = new.decode(errors="replace")
        self.raw += text
        return STYLED.sub("", text)

    def types(self, keys):
        os.write(self.terminal, keys.encode())
        return self.shown()

    def ends(self):
        code = self.process.wait(60)
        os.close(self.terminal)
        return code


def test_a_session_goes_where_the_keys_say():
    session = Session("batchnorm")
    assert "Seed" not in session.first  # its numbers are drawn from none
    assert "Step 0 of 20, given: batchnorm" in session.first
    for keys, step in [
        ("n", 1), ("", 2), ("", 3), ("p", 2), ("", 1), ("g 12", 12), ("", 13), ("p", 12),
        ("b", 11), ("", 12), ("f", 1), ("", 2), ("g +3", 5), ("", 8), ("", 11), ("g -4", 7),
        ("", 3), ("9", 9), ("", 10), ("p", 9),
    ]:  # fmt: skip
        shown = session.types(f"{keys}\n")
        assert f"Step {step} of 20" in shown
        assert shown.endswith(f"\n{step}/20 {['forward', 'backward'][step > 10]}> ")
    for keys, said in [
        ("jump", "'jump' is not a command; n, p, g 12, f, b, ? and q are."),
        ("g 999", "There are steps 0 to 20; g 10 goes to one of them."),
        ("g +12", "g +12 leads outside the story; there are steps 0 to 20."),
        ("h", "Enter moves the way you last moved"),
        ("?", "Enter moves the way you last moved"),
    ]:
        out = session.types(f"{keys}\n")
        assert said in out
        assert "Step" not in out
    assert "Step 8 of 20" in session.types("\n")
    assert "Step" not in session.types("q\n")
    assert session.ends() == 0


def test_the_end_of_the_input_ends_the_session():
    session = Session("neuron")
    session.types("\x04")
    assert session.ends() == 0


@pytest.mark.parametrize("again", ["n", "g +5", "g -123"])
def test_the_commands_stand_in_one_line(again):
    out = StringIO()
    console = Console(file=out, width=80, highlight=False)
    console.input = lambda prompt: "q"
    terminal._next_command(console, "12/20 backward", again)
    assert out.getvalue().count("\n") == 2  # one above
    assert f"Enter {again}" in out.getvalue()


def test_colours_are_for_terminals_that_want_them():
    for env, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        session = Session("batchnorm", **env)
        session.types("g 12\n")
        session.types("q\n")
        assert session.ends() == 0
        assert bool(COLOURED.search(session.raw)) == coloured


def test_whole_story_in_a_terminal_asks_nothing():
    session = Session("neuron", "--all")
    out = session.first
    while new := session.shown():
        out += new
    assert session.ends() == 0
    assert "Step 6 of 6" in out
    assert "quit" not in out


def test_piped_story_is_plain_and_whole_whatever_is_typed():
    result = subprocess.run(
        [sys.executable, "-m", "microbn", "step", "neuron"],
        input="q\n", capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    assert "\x1b" not in result.stdout
    assert "quit" not in result.stdout
    assert "Step 6 of 6" in result.stdout
