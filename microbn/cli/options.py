"""The commands share these: a way to print, and the options that several of them take."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from ..view.dot import FORMATS
from ..view.values import printable
from .examples import BUILT_IN


def say(text: str, stream: TextIO | None = None) -> None:
    """Print a text to a stream, without characters that a terminal could take for orders."""
    print(printable(text), file=stream)


def seed_from(text: str) -> int:
    """Return the seed in a text. Raises ArgumentTypeError for anything but 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"a seed is 0 or a positive integer, not {text!r}")
    return int(text)


def file_as(*endings: str) -> Callable[[str], Path]:
    """Return a function that takes the path of a file with one of these endings.

    It raises ArgumentTypeError for a path with another ending.
    """

    def path_from(text: str) -> Path:
        if Path(text).suffix.lower() not in endings:
            raise argparse.ArgumentTypeError(f"{text!r} does not end with {' or '.join(endings)}")
        return Path(text)

    return path_from


PICTURE = file_as(*(f".{format}" for format in FORMATS))
# fmt: off
TARGET: dict[str, dict[str, Any]] = {
    "target": {"metavar": "TARGET", "help": f"{', '.join(BUILT_IN)}, or file.py:function"},
    "inputs": {"metavar": "INPUT", "nargs": "*",
               "help": "a shape for each input: 8x3, 3, or '()' for a number; or a value: "
                       "y=\"[0, 2]\""},
    "--seed": {"type": seed_from,
               "help": "draw the inputs and the cotangent from this seed (default: 0; but step and "
                       "draw show batchnorm in small numbers)"},
}
# fmt: on
