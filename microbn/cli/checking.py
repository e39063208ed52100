"""``microbn check``: a gradient beside finite differences, or beside its stages by hand."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace
from typing import Any

from ..errors import ArgumentError
from ..view.dot import check_renderers
from ..view.values import printable
from .loading import users_code
from .options import PICTURE, TARGET, file_as, say
from .targets import by_hand, find


def _run_check(args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.text import Text

    from ..testing import gradcheck

    if args.html and not args.hints:
        raise ArgumentError(
            f"--html {args.html}: the page shows where you are wrong, and --hints 0 says the "
            "verdict alone; use --hints 1 or 2, or leave --html out"
        )
    console = Console()
    with users_code(args.target, args.inputs):
        f, inputs = find(args.target, args.inputs, args.seed)
        if args.draw and by_hand(f):
            raise ArgumentError(
                f"--draw: {args.target} has no graph, its backward is by hand; leave --draw out"
            )
        if args.draw:
            check_renderers()
        stages = args.stages or bool(args.html)
        with console.status(Text(printable(f"checking {args.target}"))):
            report = gradcheck(
                f, *inputs, order=args.order, stages=stages, seed=args.seed or 0, hints=args.hints
            )
    console.print(replace(report, again=""))
    if args.hints and not report:  # on one line, so that it can be copied
        console.print(Text(printable(f"  Again: {_again(args)}")), soft_wrap=True)
    if args.draw:
        say(f"Drawn: {report.draw().save(args.draw)}")
    if args.html and report.story:
        say(f"Written: {report.story.save(args.html)}, opens at step {report.story.opens}")
    elif args.html:
        say(f"Not written: {args.html}, because {report.no_story}")
    return 0 if report else 1


def _again(args: argparse.Namespace) -> str:
    """Return the command that repeats a check."""
    options = ["--order", str(args.order)] * (args.order != 1)
    options += ["--stages"] * (args.stages or bool(args.html))
    options += ["--seed", str(args.seed)] * bool(args.seed)
    options += ["--hints", str(args.hints)] * (args.hints != 2)
    return shlex.join(["microbn", "check", args.target, *args.inputs, *options])


CHECK_WORDS = """compare a gradient with finite differences

status 0: every gradient is right
status 1: a gradient is wrong, or cannot be told to be right
status 2: the check could not run (usage, an import, an error in your code)

±:    the error bar of a numeric slope; a gradient may be off by ten of them
kink: a point with a slope on each side, as 0 is for relu; any slope
      between is right"""
# fmt: off
CHECK_ARGUMENTS: dict[str, dict[str, Any]] = TARGET | {
    "--order":     {"type": int, "choices": (1, 2), "default": 1,
                    "help": "2 checks second derivatives (default: 1)"},
    "--hints":     {"type": int, "choices": (0, 1, 2), "default": 2,
                    "help": "0 says the verdict, 1 also where, 2 also why (default: 2)"},
    "--draw":      {"type": PICTURE, "metavar": "FILE",
                    "help": "draw the graph into this .svg, .png or .pdf"},
    "--stages":    {"action": "store_true",
                    "help": "compare each gradient that a backward by hand computes on the "
                            "way, and name the first wrong one"},
    "--html":      {"type": file_as(".html"), "metavar": "FILE",
                    "help": "write the steps of the forward and its gradients as a web page, "
                            "with yours beside them; it opens at the first wrong stage"},
}
# fmt: on
CHECK = (_run_check, CHECK_WORDS, CHECK_ARGUMENTS)
