"""What every demo does besides its own: the options, the runs, the figure, the claims."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArgumentError, MicrobnError
from .data import load
from .figures import save
from .sweep import Table, run_grid


def options(name: str, seeds: int = 5, *, data: bool = True) -> argparse.Namespace:
    """Read the command line of the demo of this name; in a notebook, where there is none, nothing.

    ``seeds`` is a range, by default 0, 1, ...; ``quick`` asks for a run in a few seconds, with
    two seeds at most; ``data`` is for `data.load`, for demos that train. What is wrong is said in
    one sentence, before any work.
    """
    parser = argparse.ArgumentParser(prog=name)
    parser.add_argument("--seeds", type=int, default=seeds, help="how many; default: %(default)s")
    parser.add_argument("--first", type=int, default=0, help="the first seed; default: 0")
    if data:
        parser.add_argument(
            "--data", default="digits", help="digits (default), mnist, or a folder that holds MNIST"
        )
    parser.add_argument("--save", type=Path, metavar="DIR", help="write figure and tables there")
    parser.add_argument("--no-show", dest="show", action="store_false", help="open no window")
    parser.add_argument("--quick", action="store_true", help="less of everything")
    args = parser.parse_args([] if "ipykernel" in sys.modules else None)
    if args.seeds < 1:
        parser.error(f"--seeds must be at least 1, got {args.seeds}")
    if args.first < 0:
        parser.error(f"--first must be at least 0, got {args.first}")
    count = min(args.seeds, 2) if args.quick else args.seeds
    args.name, args.seeds = name, range(args.first, args.first + count)
    try:
        if args.save:
            args.save.mkdir(parents=True, exist_ok=True)
        if data and args.data != "digits":
            load(args.data, args.first)
    except FileExistsError:
        parser.error(f"--save: {args.save} is not a folder")
    except (OSError, MicrobnError) as error:
        parser.error(str(error))
    return args


def run(
    experiment: Callable[..., Mapping[str, Any]],
    axes: Mapping[str, Iterable],
    args: argparse.Namespace,
    name: str = "runs",
) -> Table:
    """`run_grid`, with its results kept in DEMO.NAME.csv, as the options ask."""
    save = args.save / f"{args.name}.{name}.csv" if args.save else None
    try:
        return run_grid(experiment, axes, f"{args.name}: {name}", save=save)
    except KeyboardInterrupt:
        kept = "; the same command goes on from here" if save else ""
        raise SystemExit(f"{args.name}: interrupted{kept}") from None


def summary(results: Table, by: Sequence[str], forms: Mapping[str, str]) -> None:
    """Print a line for each setting: median and range, over its runs, of some columns.

    ``forms`` says how each is written: ``{"steps to 90%": "{:.0f}"}``.
    """
    results.check(*by, *forms)
    table = _rich_table(name.replace("_", " ") for name in [*by, *forms])
    for setting in dict.fromkeys(tuple(row[name] for name in by) for row in results.rows):
        runs = results.where(**dict(zip(by, setting, strict=True)))
        table.add_row(*map(str, setting), *(spread(runs[c], form) for c, form in forms.items()))
    _print(table)


def spread(values: Iterable[float], form: str = "{:.3g}") -> str:
    """``median [least–most]``; infinity is "never"."""
    if not (values := [*values]):
        raise ArgumentError("spread: there is no value, and so no median")
    numbers = (np.median(values), np.min(values), np.max(values))
    median, least, most = ("never" if v == np.inf else form.format(v) for v in numbers)
    return median if least == most else f"{median} [{least}–{most}]"


def present(figure: Any, args: argparse.Namespace) -> None:
    """Save the figure as DEMO.png and show it, as the options ask."""
    if args.save:
        save(figure, args.save / f"{args.name}.png")
    if args.show:
        import matplotlib.pyplot as plt

        plt.show()


def keep(shown: Any, name: str, args: argparse.Namespace) -> Any:
    """Save a drawing or a story as DEMO.NAME, as the options ask, and give it back to be shown."""
    if args.save:
        shown.save(args.save / f"{args.name}.{name}")
    return shown


@dataclass(frozen=True)
class Claim:
    """What is said of batch norm, what the textbook has to show for it, and what came out here.

    ``gate`` says what has to come out for it to be ``held``. The demo fails where it did not,
    unless the claim is only ``shown``.
    """

    claim: str
    textbook: str
    here: str
    held: bool
    gate: str
    shown: bool = False


def conclude(args: argparse.Namespace, *claims: Claim) -> None:
    """Say of each claim whether it held here, keep that in DEMO.claims.csv, as the options ask,
    and end with status 1 where one did not that had to.
    """
    table = _rich_table(["claim", "textbook", "here", "gate"], lines=True)
    for c in claims:
        table.add_row(c.claim, c.textbook, c.here, f"{c.gate} (only shown)" if c.shown else c.gate)
    _print(table)
    seeds = f"{args.seeds[0]} to {args.seeds[-1]}" if len(args.seeds) > 1 else f"{args.seeds[0]}"
    data = getattr(args, "data", "")
    if args.save:
        about = {"demo": args.name, "seeds": seeds, "data": data, "quick": args.quick}
        Table([about | asdict(c) for c in claims]).save(args.save / f"{args.name}.claims.csv")
    print("\n" + ", ".join(filter(None, [f"seeds {seeds}", data, "quick" * args.quick])))
    for c in claims:
        print(f"{'Held' if c.held else 'Did not hold'}: {c.claim}")
    if not all(c.held or c.shown for c in claims):
        raise SystemExit(1)


def _rich_table(headings: Iterable[str], lines: bool = False) -> Any:
    from rich.table import Table as RichTable

    return RichTable(*headings, show_lines=lines)


def _print(table: Any) -> None:
    from rich.console import Console

    Console(markup=False, highlight=False).print(table)
