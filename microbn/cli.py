"""The command line: ``microbn tour``, ``microbn check``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from . import __version__
from .errors import ArgumentError, MicrobnError
from .targets import BUILT_IN, find, users_code


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 if it went well, 1 with one line on stderr if it did not."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console without Greek shows ? instead
    args = _parser().parse_args(argv)
    try:
        return args.run(args) or 0
    except OSError as error:
        print(f"microbn: cannot write: {error}", file=sys.stderr)
        return 1
    except MicrobnError as error:
        print(f"microbn: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="microbn", description="See batch norm's gradient emerge, and what batch norm is for."
    )
    parser.add_argument("--version", action="version", version=f"microbn {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    tour = commands.add_parser(
        "tour", help="the main ideas in half a minute: two tables, two pictures"
    )
    tour.add_argument(
        "--out", type=Path, default=Path("microbn-tour"), metavar="DIR",
        help="where the pictures go (default: %(default)s)",
    )  # fmt: skip
    tour.add_argument(
        "--seeds", type=int, default=5, metavar="N", help="nets per setting (default: 5)"
    )
    tour.add_argument("--quick", action="store_true", help="half the training steps")
    tour.set_defaults(run=_tour)
    _add_check(commands)
    return parser


def _add_check(commands: Any) -> None:
    check = commands.add_parser(
        "check", help="hold a gradient against finite differences; 1 if it is wrong"
    )
    check.add_argument(
        "target", metavar="TARGET",
        help=f"one of {', '.join(BUILT_IN)}, or file.py:function",
    )  # fmt: skip
    check.add_argument(
        "shapes", nargs="*", metavar="SHAPE", help="of each input: 8x3, 3, or () for a number"
    )
    check.add_argument("--order", type=int, choices=(1, 2), default=1, help="2: second derivatives")
    check.add_argument("--seed", type=int, default=0, help="of inputs and cotangent (default: 0)")
    check.add_argument("--draw", type=Path, metavar="FILE", help="draw the graph, .svg, .png, .pdf")
    check.set_defaults(run=_check)


def _tour(args: argparse.Namespace) -> None:
    from .lab.tour import tour

    tour(args.out, args.seeds, args.quick)


def _check(args: argparse.Namespace) -> int:
    from rich.console import Console

    from .testing import HandWritten, gradcheck

    console = Console()
    with users_code(args.target):
        f, inputs = find(args.target, args.shapes, args.seed)
        if args.draw and isinstance(f, HandWritten):
            raise ArgumentError(f"--draw: {args.target} has no graph, its backward is by hand")
        with console.status(f"checking {args.target}"):
            report = gradcheck(f, *inputs, order=args.order, seed=args.seed)
    again = ["microbn check", args.target, *args.shapes, f"--order {args.order} --seed {args.seed}"]
    console.print(replace(report, again=" ".join(again)))
    if args.draw:
        print(f"Drawn: {report.draw().save(args.draw)}")
    return 0 if report else 1
