"""Figures for a projector: one message each, labels at the lines' ends, no legend to decipher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from itertools import pairwise
from textwrap import fill
from typing import Any

import numpy as np

from ..testing import Report
from .train import History

STYLE = str(files(__package__) / "lecture.mplstyle")


def accuracy_curves(
    panels: Mapping[str, Mapping[str, Sequence[History]]], title: str, show: bool = False
) -> Any:
    """Test accuracy over training, a panel for each setting and a line for each kind of net.

    ``panels[setting][kind]`` are the fits over seeds: the line is their median, the band their
    range, and the kind stands written at it. Returns a matplotlib Figure of 1280 × 720 pixels,
    which has a window where ``show`` is true.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(fname=STYLE):
        figure = _window() if show else Figure()
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for ax, (setting, kinds) in zip(axes, panels.items(), strict=True):
            ends = [_curve(ax, histories) for histories in kinds.values()]
            heights = _apart([end for _, end in ends])
            for kind, y, (line, _) in zip(kinds, heights, ends, strict=True):
                style = {"color": line.get_color(), "fontweight": "bold", "ha": "right"}
                ax.text(line.get_xdata()[-1], y, kind, va="center", **style)
            ax.set(title=setting, xlabel="training step", ylim=(0, 1.02), xlim=(0, None))
        axes[0].set_ylabel("test accuracy")
        axes[0].yaxis.set_major_formatter(lambda y, _: f"{y:.0%}")
        figure.suptitle(title)
        figure.draw_without_rendering()  # lay it out while the style holds
    return figure


def fingerprints(reports: Mapping[str, Report], show: bool = False) -> Any:
    """How far the gradient of the first input, (N, C), is off, beside that input itself.

    A panel for each mistake, of which ``reports`` are gradient checks; rows are samples. Each
    column is scaled by its largest entry: blue is too low, red too high.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(fname=STYLE, rc={"axes.grid": False}):
        figure = _window() if show else Figure()
        axes = figure.subplots(2, len(reports) // 2 + 1, squeeze=False).flatten()
        first = [report.inputs[0] for report in reports.values()]
        off = [part.analytic - part.numeric.value for part in first]
        panels = [("x, less its mean", "the input", first[0].value - first[0].value.mean(0))]
        panels += [
            (m, f"off by {np.max(np.abs(e)):.1g}", e) for m, e in zip(reports, off, strict=True)
        ]
        for ax, (title, below, array) in zip(axes, panels, strict=False):
            ax.imshow(array / np.abs(array).max(0), cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
            ax.set(title=fill(title, 17), xlabel=below, xticks=[], yticks=[])
        for ax in axes[len(panels) :]:
            ax.remove()
        figure.suptitle("Each mistake leaves its own pattern in the gradient")
        figure.draw_without_rendering()
    return figure


def _window() -> Any:
    import matplotlib.pyplot as plt  # which looks for a screen, and so waits until it is asked

    return plt.figure()


def _curve(ax: Any, histories: Sequence[History]) -> tuple[Any, float]:
    """Draw the median and the range over seeds; give the line, and the height where it ends."""
    steps = histories[0].steps
    curves = np.array([h.accuracies for h in histories])
    (line,) = ax.plot(steps, np.median(curves, axis=0))
    ax.fill_between(steps, curves.min(0), curves.max(0), color=line.get_color(), alpha=0.2, lw=0)
    return line, float(np.median(curves[:, -1]))


def _apart(heights: Sequence[float], gap: float = 0.15) -> list[float]:
    """Heights for the labels of lines: on the inner side of each, ``gap`` from each other."""
    placed = [h - 2 * gap if h > 0.5 else h + gap for h in heights]
    downwards = np.argsort(placed)[::-1]
    for higher, lower in pairwise(downwards):
        placed[lower] = min(placed[lower], placed[higher] - gap)
    return placed
