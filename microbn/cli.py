"""The command line: ``microbn tour``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path

from . import __version__
from .errors import MicrobnError


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 if it went well, 1 with one line on stderr if it did not."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console without Greek shows ? instead
    args = _parser().parse_args(argv)
    try:
        args.run(args)
    except OSError as error:
        print(f"microbn: cannot write: {error}", file=sys.stderr)
        return 1
    except MicrobnError as error:
        print(f"microbn: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


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
    return parser


def _tour(args: argparse.Namespace) -> None:
    from .lab.tour import tour

    tour(args.out, args.seeds, args.quick)
