"""The command line: ``microbn tour``, ``step``, ``lecture``, ``draw``, ``check`` and others."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from .. import __version__
from ..arguments import way_to_install
from ..errors import ArgumentError, MicrobnError
from ..view import Beside, Story
from ..view.film import Film
from .checking import CHECK
from .examples import BUILT_IN, TRAINING
from .finding import no_shape
from .grading.command import GRADE
from .loading import users_code
from .options import PICTURE, TARGET, file_as, say
from .targets import closes_nothing, draws_nothing, filmed, gradients_graph, graph, told


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
        say(f"microbn: cannot write: {error}", sys.stderr)
        return 2
    except MicrobnError as error:
        say(f"microbn: {error}", sys.stderr)
        return 2
    except ModuleNotFoundError as error:  # of ours: a user's has become an ArgumentError
        name = str(error.name).partition(".")[0]
        say(f"microbn: this command needs {name}; {way_to_install(name)}", sys.stderr)
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
        say(f"Written: {shown.save(args.html)}")
    if args.slides or args.frames:
        with console.status(f"drawing {len(story)} steps"):
            written = _pictures_of(story, args)
        say("\n".join(f"Written: {files}" for files in written))
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

    say(f"Written: {playground(args.out, quick=args.quick)}")


def _run_workshop(args: argparse.Namespace) -> None:
    from ..workshop.building import workshop

    say(f"Written: {workshop(args.out, args.script, pyodide=args.pyodide)}")


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
    say(f"Written: {drawing.save(args.out)}")
    if args.depth is not None and (why := closes_nothing(root, args.depth)):
        say(f"--depth {args.depth} closes nothing: {why}")


def _run_lecture(args: argparse.Namespace) -> None:
    from ..lab.lecture import lecture
    from ..view.saving import write_whole

    def tell_of(target: str, inputs: Sequence[str]) -> Story | Film:
        with users_code(target, inputs):
            return filmed(inputs) if target == TRAINING else told(target, inputs)

    say(f"Written: {write_whole(args.out, lecture(tell_of, args.script).encode())}")


# fmt: off
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
        "--html":      {"type": file_as(".html"), "metavar": "FILE",
                        "help": "write the steps as a web page"},
        "--slides":    {"type": file_as(".html", ".webp", ".gif"), "metavar": "FILE",
                        "help": "write a slide of every step; or, as .webp or .gif, an animated "
                                "picture"},
        "--beside":    {"metavar": "TARGET",
                        "help": "set the steps of this target beside, on the page of --html"},
        "--frames":    {"type": Path, "metavar": "DIR", "help": "write a picture of every step"},
    }),
    "lecture": (_run_lecture, "write a lecture as slides: a page with notes, votes and a clock", {
        "script":      {"nargs": "?", "type": Path, "metavar": "SCRIPT",
                        "help": "your own script, in TOML (default: 50 minutes of batch norm)"},
        "-o --out":    {"type": file_as(".html"), "required": True, "metavar": "FILE",
                        "help": "write the slides here; print them from the browser"},
    }),
    "playground": (_run_playground, "write a page on which you choose how nets are trained", {
        "-o --out":    {"type": file_as(".html"), "default": Path("playground.html"),
                        "metavar": "FILE", "help": "write the page here (default: %(default)s)"},
        "--quick":     {"action": "store_true", "help": "train few nets, for a test"},
    }),
    "workshop": (_run_workshop, "write a page in which Python runs, with exercises", {
        "script":      {"nargs": "?", "type": Path, "metavar": "SCRIPT",
                        "help": "your own exercises, in TOML (default: those of the lab)"},
        "-o --out":    {"type": file_as(".html"), "default": Path("workshop.html"),
                        "metavar": "FILE", "help": "write the page here (default: %(default)s)"},
        "--pyodide":   {"metavar": "FOLDER",
                        "help": "put this folder's Pyodide with NumPy into the page, which then "
                                "needs no network; or the address of a server that has it "
                                "(default: Pyodide's public CDN)"},
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
    "check": CHECK,
    "grade": GRADE,
}
# fmt: on
