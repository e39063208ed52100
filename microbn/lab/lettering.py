"""Lettering in figures: numbers in cells, names at the ends of lines, headings, ticks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from textwrap import fill
from typing import Any

import numpy as np

from ..errors import ArgumentError


def label_cells(ax: Any, image: np.ndarray, form: str, white: np.ndarray) -> None:
    """Write every entry of an image into its cell, in white where ``white`` is true."""
    for (i, j), v in np.ndenumerate(image):
        color = "white" if white[i, j] else "black"
        ax.text(j, i, form.format(v), ha="center", va="center", color=color)


def label_ends(ax: Any) -> None:
    """Write each line's name to the right of its end, in its colour. Names do not touch."""
    lines = ax.get_lines()
    names = [fill(line.get_label(), 14) for line in lines]
    to_axes = ax.transData + ax.transAxes.inverted()
    points = [line.get_xydata()[np.isfinite(line.get_ydata())] for line in lines]
    ends = [to_axes.transform(p[-1])[1] if len(p) else 0.5 for p in points]
    gap = 0.01 + 0.055 * max(name.count("\n") + 1 for name in names)
    for line, name, height in zip(lines, names, separated(ends, gap), strict=True):
        style = {"color": line.get_color(), "fontweight": "bold", "va": "center"}
        ax.annotate(name, (1.02, height), xycoords="axes fraction", **style)


def separated(heights: Sequence[float], gap: float) -> list[float]:
    """Return heights for labels in 0..1, close to the given ones and ``gap`` from each other."""
    wanted = np.clip(heights, 0.02, 0.98)
    placed = wanted.copy()
    for higher, lower in pairwise(np.argsort(wanted)[::-1]):
        placed[lower] = min(placed[lower], placed[higher] - gap)
    placed += np.mean(wanted - placed)
    placed -= max(0, placed.max() - 0.98)
    lowest = 0.02
    for i in np.argsort(placed):
        placed[i] = max(placed[i], lowest)
        lowest = placed[i] + gap
    return list(placed)


def heading(column: str, value: Any) -> str:
    """Return the title of a panel: a text as it stands, a number with the name of its column."""
    return value if isinstance(value, str) else f"{in_words(column)} {value}"


def in_words(name: str) -> str:
    """Return the name of a column with spaces for underscores."""
    return name.replace("_", " ")


def tidy(axis: Any) -> None:
    """Draw few ticks, and no powers of ten where a person would write plain numbers."""
    axis.minorticks_off()
    if axis.get_scale() == "linear":
        axis.get_major_locator().set_params(nbins=5)
    elif np.all(np.abs(np.log10(axis.get_view_interval())) < 4):
        axis.set_major_formatter("{x:g}")


def check_known(what: str, named: Iterable[Any], where: str, known: Sequence[Any]) -> None:
    """Raise ArgumentError if lettering such as "ranges: a note" names a place that is not there."""
    if unknown := [name for name in named if name not in known]:
        raise ArgumentError(f"{what} for {unknown[0]!r:.60}, but {where} has {known}")
