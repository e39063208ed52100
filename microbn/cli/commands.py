"""The command line: ``microbn tour``, ``step``, ``lecture``, ``draw``, ``check`` and others."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from .. import __version__
from ..errors import ArgumentError, MicrobnError
from ..view import Beside, Story
from ..view.dot import FORMATS, check_renderers
from ..view.values import printable
from .examples import BUILT_IN, TRAINING
from .finding import no_shape
from .loading import users_code
from .targets import (
    by_hand,
    closes_nothing,
    draws_nothing,
    filmed,
    find,
    gradients_graph,
    graph,
    told,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command. Return 0 if it went well, and 2 after one line on stderr if it could not run.

    A check returns 1 if a gradient is wrong.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console that lacks Greek letters shows ?
    try:
        args = _arguments_from(argv)
        return args.run(args) or 0
    except BrokenPipeError:  # the reader, such as `head`, has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    except OSError as error:
        _say(f"microbn: cannot write: {error}", sys.stderr)
        return 2
    except MicrobnError as error:
        _say(f"microbn: {error}", sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _arguments_from(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the arguments. Raises ArgumentError for -1x3, which argparse takes for an option."""
    parser = _parser()
    args, unknown = parser.parse_known_args(argv)
    if shapes := [text for text in unknown if re.match(r"-\d", text)]:
        raise ArgumentError(no_shape(shapes[0]))
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return args


def _say(text: str, stream: TextIO | None = None) -> None:
    print(printable(text), file=stream)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="microbn", description="See batch norm's gradient emerge, and what batch norm is for."
    )
    parser.add_argument("--version", action="version", version=f"microbn {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (run, words, arguments) in SUBCOMMANDS.items():
        does, _, more = words.partition("\n\n")
        command = commands.add_parser(
            name, help=does, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        command.set_defaults(run=run)
        for flags, options in arguments.items():
            command.add_argument(*flags.split(), **options)
    return parser


def _seed_from(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"a seed is 0 or a positive integer, not {text!r}")
    return int(text)


def _file_as(*endings: str) -> Callable[[str], Path]:
    """Return a function that takes the path of a file with one of these endings."""

    def path_from(text: str) -> Path:
        if Path(text).suffix.lower() not in endings:
            raise argparse.ArgumentTypeError(f"{text!r} does not end with {' or '.join(endings)}")
        return Path(text)

    return path_from


def _run_tour(args: argparse.Namespace) -> None:
    from ..lab.tour import tour

    tour(args.out, args.seeds, args.quick)


def _run_step(args: argparse.Namespace) -> None:
    from rich.console import Console

    from ..view.terminal import tell

    if args.beside and (args.all or args.frames or args.slides or not args.html):
        raise ArgumentError(
            "--beside shows two graphs on one page: write --html both.html, and leave out --all, "
            "--frames and --slides"
        )
    console = Console(highlight=False)
    film = filmed(args.inputs, args.seed) if args.target == TRAINING else None
    with users_code(args.target, args.inputs):
        story = film[0] if film else told(args.target, args.inputs, args.seed)
    if not draws_nothing(args.target, args.inputs, args.seed):
        print(f"Seed: {args.seed or 0}")
    if film and not args.html:
        print(f"The first of {len(film)} training steps; --html film.html shows them all")
    if args.html:
        shown = _set_beside(story, args) if args.beside else film or story
        _say(f"Written: {shown.save(args.html)}")
    if args.slides or args.frames:
        with console.status(f"drawing {len(story)} steps"):
            written = _pictures_of(story, args)
        _say("\n".join(f"Written: {files}" for files in written))
    if args.all or not (args.html or args.slides or args.frames):
        tell(story, console, whole=args.all)


def _pictures_of(story: Story, args: argparse.Namespace) -> list[str]:
    """Write slides and pictures of all steps, as far as they are asked for. Return their files."""
    written = []
    if args.slides:
        write = story.slides if args.slides.suffix.lower() == ".html" else story.save
        written.append(str(write(args.slides)))
    if args.frames:
        frames = story.frames(args.frames)
        written.append(f"{frames[0]} to {frames[-1].name}")
    return written


def _set_beside(story: Story, args: argparse.Namespace) -> Beside:
    """Tell the story of the other target, with the same inputs and seed, and set it beside."""
    from ..view import beside

    with users_code(args.beside, args.inputs):
        other = told(args.beside, args.inputs, args.seed)
    return beside(story, other)


def _run_playground(args: argparse.Namespace) -> None:
    from ..lab.playing import playground

    _say(f"Written: {playground(args.out, quick=args.quick)}")


def _run_draw(args: argparse.Namespace) -> None:
    from ..view import draw

    with users_code(args.target, args.inputs):
        root, cotangent = graph(args.target, args.inputs, args.seed)
        if args.gradient:
            root, cotangent = gradients_graph(root, cotangent, args.seed)
        options = {"depth": args.depth, "collapse": args.collapse, "direction": args.direction}
        drawing = draw(root, cotangent, **options)
    if args.gradient or not draws_nothing(args.target, args.inputs, args.seed):
        print(f"Seed: {args.seed or 0}")
    _say(f"Written: {drawing.save(args.out)}")
    if args.depth is not None and (why := closes_nothing(root, args.depth)):
        _say(f"--depth {args.depth} closes nothing: {why}")


def _run_lecture(args: argparse.Namespace) -> None:
    from ..lab.lecture import lecture
    from ..view.saving import write_whole

    def tell_of(target: str, inputs: Sequence[str]) -> Story:
        with users_code(target, inputs):
            return told(target, inputs)

    _say(f"Written: {write_whole(args.out, lecture(tell_of, args.script).encode())}")


def _run_check(args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.text import Text

    from ..testing import gradcheck

    console = Console()
    with users_code(args.target, args.inputs):
        f, inputs = find(args.target, args.inputs, args.seed)
        if args.draw and by_hand(f):
            raise ArgumentError(
                f"--draw: {args.target} has no graph, its backward is by hand; leave --draw out"
            )
        if args.draw:
            check_renderers()
        with console.status(Text(printable(f"checking {args.target}"))):
            report = gradcheck(f, *inputs, order=args.order, seed=args.seed or 0)
    options = ["--order", str(args.order)] * (args.order != 1)
    options += ["--seed", str(args.seed)] * bool(args.seed)
    again = shlex.join(["microbn", "check", args.target, *args.inputs, *options])
    console.print(replace(report, again=""))
    if not report:  # on one line, so that it can be copied
        console.print(Text(printable(f"  Again: {again}")), soft_wrap=True)
    if args.draw:
        _say(f"Drawn: {report.draw().save(args.draw)}")
    return 0 if report else 1


PICTURE = _file_as(*(f".{format}" for format in FORMATS))
CHECK = """compare a gradient with finite differences

status 0: every gradient is right
status 1: a gradient is wrong, or cannot be told to be right
status 2: the check could not run (usage, an import, an error in your code)

±:    the error bar of a numeric slope; a gradient may be off by ten of them
kink: a point with a slope on each side, as 0 is for relu; any slope between the
      two is right"""
# fmt: off
TARGET: dict[str, dict[str, Any]] = {
    "target": {"metavar": "TARGET", "help": f"{', '.join(BUILT_IN)}, or file.py:function"},
    "inputs": {"metavar": "INPUT", "nargs": "*",
               "help": "a shape for each input: 8x3, 3, or '()' for a number; or a value: "
                       "y=\"[0, 2]\""},
    "--seed": {"type": _seed_from,
               "help": "draw the inputs and the cotangent from this seed (default: 0; but step and "
                       "draw show batchnorm in small numbers)"},
}
# What each command runs, what it does in words, and its arguments as argparse takes them.
# What is said below an empty line stands below the options.
SUBCOMMANDS: dict[str, tuple[Callable, str, dict[str, dict[str, Any]]]] = {
    "tour": (_run_tour, "show the main ideas in half a minute: two tables, two pictures, a page", {
        "--out":       {"type": Path, "default": Path("microbn-tour"), "metavar": "DIR",
                        "help": "write the pictures into this folder (default: %(default)s)"},
        "--seeds":     {"type": int, "default": 5, "metavar": "N",
                        "help": "train N nets per setting (default: 5)"},
        "--quick":     {"action": "store_true", "help": "train for half as many steps"},
    }),
    "step": (_run_step, "walk through a graph step by step, forward and back", TARGET | {
        "target":      TARGET["target"] | {"help": f"{', '.join(BUILT_IN)}, {TRAINING} (of a net "
                                                   "on the digits), or file.py:function"},
        "--all":       {"action": "store_true", "help": "print every step, without a prompt"},
        "--html":      {"type": _file_as(".html"), "metavar": "FILE",
                        "help": "write the steps as a web page"},
        "--slides":    {"type": _file_as(".html", ".webp", ".gif"), "metavar": "FILE",
                        "help": "write a slide of every step; or, as .webp or .gif, an animated "
                                "picture"},
        "--beside":    {"metavar": "TARGET",
                        "help": "set the steps of this target beside, on the page of --html"},
        "--frames":    {"type": Path, "metavar": "DIR", "help": "write a picture of every step"},
    }),
    "lecture": (_run_lecture, "write a lecture as slides: a page with notes, votes and a clock", {
        "script":      {"nargs": "?", "type": Path, "metavar": "SCRIPT",
                        "help": "your own script, in TOML (default: 50 minutes of batch norm)"},
        "-o --out":    {"type": _file_as(".html"), "required": True, "metavar": "FILE",
                        "help": "write the slides here; print them from the browser"},
    }),
    "playground": (_run_playground, "write a page on which one chooses how nets are trained", {
        "-o --out":    {"type": _file_as(".html"), "default": Path("playground.html"),
                        "metavar": "FILE", "help": "write the page here (default: %(default)s)"},
        "--quick":     {"action": "store_true", "help": "train few nets, for a test"},
    }),
    "draw": (_run_draw, "draw a graph, each node with its value and gradient", TARGET | {
        "-o --out":    {"type": PICTURE, "required": True, "metavar": "FILE",
                        "help": "write the picture here: .svg, .png or .pdf"},
        "--depth":     {"type": int, "metavar": "N", "help": "close groups below this depth"},
        "--collapse":  {"nargs": "+", "default": (), "metavar": "GROUP",
                        "help": "close these groups"},
        "--direction": {"choices": ("LR", "TB"),
                        "help": "draw the forward from left to right, or from top to bottom "
                                "(default: the way in which the text is larger on a screen)"},
        "--gradient":  {"action": "store_true",
                        "help": "draw the graph of the first input's gradient beside it"},
    }),
    "check": (_run_check, CHECK, TARGET | {
        "--order":     {"type": int, "choices": (1, 2), "default": 1,
                        "help": "2 checks second derivatives (default: 1)"},
        "--draw":      {"type": PICTURE, "metavar": "FILE",
                        "help": "draw the graph into this .svg, .png or .pdf"},
    }),
}
# fmt: on
