"""Everything that demos share: their options, their runs, their figures and their claims."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArgumentError, MicrobnError
from ..view.values import printable
from .claims import judged
from .data import dataset
from .figures import save
from .results import Results
from .sweep import run_grid


def options(name: str, seeds: int = 5, *, data: bool = True) -> argparse.Namespace:
    """Read the command line of the demo of this name. In a notebook, return the defaults.

    ``seeds`` is a range, by default 0, 1, ...; ``quick`` asks for a run of a few seconds, with two
    seeds at most; ``data`` names a `dataset`, for demos that train. A wrong option ends the demo
    with one sentence, before any work is done.
    """
    parser = _options_of(name, seeds, data)
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
            dataset(args.data, args.first)
    except FileExistsError:
        parser.error(f"--save: {args.save} is not a folder")
    except (OSError, MicrobnError) as error:
        parser.error(printable(str(error)))
    return args


def _options_of(name: str, seeds: int, data: bool) -> argparse.ArgumentParser:
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
    return parser


def run(
    experiment: Callable[..., Mapping[str, Any]],
    axes: Mapping[str, Iterable],
    args: argparse.Namespace,
    name: str = "runs",
) -> Results:
    """Run the experiment for all settings, each with all seeds and the data of the options.

    The results are kept in DEMO.NAME.csv if the options ask for it.
    """
    save = args.save / f"{args.name}.{name}.csv" if args.save else None
    asked = {"seed": args.seeds} | ({"data": [args.data]} if "data" in args else {})
    axes = {**axes, **{axis: values for axis, values in asked.items() if axis not in axes}}
    try:
        return run_grid(experiment, axes, f"{args.name}: {name}", save=save)
    except KeyboardInterrupt:
        kept = "; the same command goes on from here" if save else ""
        raise SystemExit(f"{args.name}: interrupted{kept}") from None


def summary(results: Results, by: Sequence[str], forms: Mapping[str, str]) -> None:
    """Print a line for each setting, with the median and the range of some columns over its runs.

    ``forms`` says which columns, and how each is written: ``{"steps to 90%": "{:.0f}"}``.
    """
    results.check(*by, *forms)
    table = _rich_table(name.replace("_", " ") for name in [*by, *forms])
    for setting in dict.fromkeys(tuple(row[name] for name in by) for row in results.rows):
        runs = results.where(**dict(zip(by, setting, strict=True)))
        cells = [*map(str, setting), *(median_range(runs[c], form) for c, form in forms.items())]
        table.add_row(*map(printable, cells))
    _print(table)


def median_range(values: Iterable[float], form: str = "{:.3g}") -> str:
    """Write ``median [least–most]``. Infinity is written "never"."""
    if not (values := [*values]):
        raise ArgumentError("median_range: there are no values, and so there is no median")
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
    """Save a drawing or a story as DEMO.NAME if the options ask for it. Return it, to be shown."""
    if args.save:
        shown.save(args.save / f"{args.name}.{name}")
    return shown


def conclude(args: argparse.Namespace, measured: Mapping[str, Any]) -> None:
    """Print which of the demo's claims held, judged by the numbers it measured.

    The claims and their gates stand in claims.toml, see `judged`. They are kept in DEMO.claims.csv
    if the options ask for it. The demo ends with status 1 if a claim that had to hold did not.
    """
    claims = judged(args.name, measured, args.quick)
    table = _rich_table(["claim", "here", "held", "gate", "textbook"], lines=True)
    for c in claims:
        gate = f"{c.gate} (only shown)" if c.shown else c.gate
        held = "yes" if c.held else "no"
        table.add_row(*map(printable, (c.claim, c.here, held, gate, c.textbook)))
    _print(table)
    seeds = f"{args.seeds[0]} to {args.seeds[-1]}" if len(args.seeds) > 1 else f"{args.seeds[0]}"
    data = getattr(args, "data", "")
    if args.save:
        common = {"demo": args.name, "seeds": seeds, "data": data, "quick": args.quick}
        Results([common | asdict(c) for c in claims]).save(args.save / f"{args.name}.claims.csv")
    about = ", ".join(filter(None, [f"seeds {seeds}", data, "quick" * args.quick]))
    print(printable(f"\n{about}"))
    for c in claims:
        print(printable(f"{'Held' if c.held else 'Did not hold'}: {c.claim}"))
    if not all(c.held or c.shown for c in claims):
        raise SystemExit(1)


def _rich_table(headings: Iterable[str], lines: bool = False) -> Any:
    from rich.table import Table

    return Table(*map(printable, headings), show_lines=lines)


def _print(table: Any) -> None:
    from rich.console import Console

    Console(markup=False, highlight=False).print(table)
