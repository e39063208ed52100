"""What every demo does besides its own: the options, the figure, the verdict."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def options(seeds: int = 5) -> argparse.Namespace:
    """Read the command line of a demo: ``--seeds --save --no-show --quick``.

    ``--quick`` halves the training and takes two seeds at most, for a run in a few seconds.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=seeds, help="default: %(default)s")
    parser.add_argument("--save", type=Path, metavar="DIR", help="write the picture there")
    parser.add_argument("--no-show", dest="show", action="store_false", help="open no window")
    parser.add_argument("--quick", action="store_true", help="less of everything")
    args = parser.parse_args()
    if args.seeds < 1:
        parser.error(f"--seeds must be at least 1, got {args.seeds}")
    if args.quick:
        args.seeds = min(args.seeds, 2)
    if args.save:
        try:
            args.save.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            parser.error(f"--save: {error}")
    return args


def present(figure: Any, name: str, args: argparse.Namespace) -> None:
    """Save the figure as NAME.png and show it, as the options ask."""
    if args.save:
        figure.savefig(args.save / f"{name}.png")
    if args.show:
        import matplotlib.pyplot as plt

        plt.show()


def verdict(held: bool, words: str) -> None:
    """Say whether the claim held here; end the demo with status 1 if it did not."""
    print(f"{'Held' if held else 'Did not hold'}: {words}")
    if not held:
        raise SystemExit(1)
