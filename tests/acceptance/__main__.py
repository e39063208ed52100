"""Measure how often gradient checkers are mistaken, on wrong gradients and on right ones.

``python -m tests.acceptance`` from the root of a clone prints the tables. Every checker gets the
same plain NumPy functions, ``forward(*inputs)`` and ``backward(g, *inputs)``, at the same inputs. A
peer's rule has the peer's own constants. If a peer is not installed, the tables name it.
"""

from __future__ import annotations

import argparse
import inspect
import platform
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from .cases import RIGHT, SHAPE, WRONG, Case
from .checkers import CHECKERS

PACKAGES = ["microbn", "numpy", "autograd", "torch"]


def accepted(checker: Callable, case: Case, draws: int, seed: int) -> float:
    """Return the share of draws in which the checker accepts the gradient."""
    verdicts = []
    for draw in range(draws):
        rng = np.random.default_rng([seed, draw])
        with np.errstate(all="ignore"):  # a step beyond a pole
            verdicts.append(checker(case.forward, case.backward, case.inputs(rng), rng))
    return sum(verdicts) / draws


def mistaken(name: str, row: str, draws: int, seed: int) -> str:
    """Return the share of draws where a checker accepts a wrong gradient or rejects a right one."""
    try:
        if row in WRONG:
            return f"{accepted(CHECKERS[name], WRONG[row], draws, seed):.2f}"
        return f"{1 - accepted(CHECKERS[name], RIGHT[row], draws, seed):.2f}"
    except ImportError:
        return "not installed"


def table(title: str, rows: Any, draws: int, seed: int) -> str:
    """Return the shares of all checkers, in Markdown."""
    cells = [["", *CHECKERS], [":--", *["--:"] * len(CHECKERS)]]
    cells += [[row, *(mistaken(name, row, draws, seed) for name in CHECKERS)] for row in rows]
    return "\n".join([f"## {title}", "", *(f"| {' | '.join(row)} |" for row in cells)])


def notes() -> str:
    """Say what each column is."""
    return "\n".join(
        f"- {name}: {' '.join(inspect.getdoc(checker).split())}"
        for name, checker in CHECKERS.items()
    )


def page(draws: int, seed: int) -> str:
    command = f"`python -m tests.acceptance --draws {draws} --seed {seed}`"
    found = [f"Python {platform.python_version()}", *map(installed, PACKAGES)]
    parts = [
        f"{command}: {draws} draws for each number, seed {seed}. {', '.join(found)}.",
        table("Wrong gradients: the share of draws accepted", WRONG, draws, seed),
        table("Right gradients: the share of draws rejected", RIGHT, draws, seed),
        f"Arrays of shape {SHAPE}; batch norm with its scale and shift. The columns:",
        notes(),
    ]
    return "\n\n".join(parts) + "\n"


def installed(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} not installed"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance", description=__doc__)
    parser.add_argument("--draws", type=int, default=20, metavar="N", help="default: 20")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there too")
    args = parser.parse_args()
    if args.draws < 1 or args.seed < 0:
        parser.error("--draws must be at least 1, and --seed at least 0")
    if args.markdown and not args.markdown.parent.is_dir():
        parser.error(f"--markdown: there is no directory {args.markdown.parent}")
    text = page(args.draws, args.seed)
    print(text, end="")
    if args.markdown:
        args.markdown.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
