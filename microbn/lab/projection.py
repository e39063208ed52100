"""Batch norm's gradient as a projection: dy less its mean, less its component along x̂."""

from __future__ import annotations

from typing import Any

import numpy as np

from .canvas import STYLE

BATCH, COTANGENT = np.array([1.0, 2.0, 6.0]), np.array([2.0, -2.0, 4.0])  # of the figure
_COLOURS = {"dy": "#0072B2", "along 1": "#D55E00", "along x̂": "#A8457F", "dx": "#009E73"}
_HEADING = "dx is dy, less its mean, less its component along x̂"


def parts_of_dx(x: Any, dy: Any, gamma: float = 1.0, eps: float = 0.0) -> dict[str, np.ndarray]:
    """Split γ/σ · dy, for one feature (N,), into its mean, its component along x̂, and dx.

    The keys are "dy" (times γ/σ), "along 1", "along x̂" and "dx", which is the first less the two
    others. At ε = 0 the three parts are orthogonal. With ε, x̂ᵀx̂ is N(1 - r), r = ε/(σ² + ε), so
    "along x̂" is slightly shorter than the component.
    """
    x, dy = np.asarray(x, float), np.asarray(dy, float)
    std = np.sqrt(np.var(x) + eps)
    x_hat = (x - np.mean(x)) / std
    scaled = gamma / std * dy
    mean = np.full_like(scaled, np.mean(scaled))
    along = x_hat * np.mean(scaled * x_hat)
    return {"dy": scaled, "along 1": mean, "along x̂": along, "dx": scaled - mean - along}


def projection_figure() -> Any:
    """Draw the parts for three samples, in space: what is taken away, and dx, which is left.

    The space of one feature's three numbers is turned so that the direction x̂ points up and the
    direction 1 = (1, 1, 1) to the right.
    """
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    parts = parts_of_dx(BATCH, COTANGENT)
    lengths = {name: float(np.linalg.norm(part)) for name, part in parts.items()}
    right, up, out = lengths["along 1"], lengths["along x̂"], lengths["dx"]
    with mpl.rc_context(), plt.style.context(STYLE):
        figure = plt.figure(layout="none")
        ax = figure.add_axes((0, 0, 1, 0.92), projection="3d", proj_type="ortho")
        figure.suptitle(_HEADING, fontsize=26, fontweight="bold", y=0.97)
        corner, top, tip = np.array([out, 0, 0]), np.array([out, 0, up]), np.array([out, right, up])
        _box(ax, out, right, up)
        _arrow(ax, np.zeros(3), tip, "dy", "γ/σ · dy", (0, -0.2, 0.2), "right")
        _arrow(ax, tip, top, "along 1", "less its mean", (0, 0, 0.14), "center")
        _arrow(ax, top, corner, "along x̂", "less its component\nalong x̂", (0, 0.06, -0.32))
        _arrow(ax, np.zeros(3), corner, "dx", "dx", (0, -0.08, -0.05), "right")
        _unseen(ax, right, up)
        _view(ax, out, right, up)
        plt.close(figure)
    return figure


def _arrow(
    ax: Any, start: Any, end: Any, part: str, label: str, off: Any, side: str = "left"
) -> None:
    """Draw an arrow, and its label beside its middle."""
    taken = part.startswith("along")
    colour, size = _COLOURS[part], 8 if part == "dx" else 5
    style = "--" if taken else "-"
    ax.quiver(*start, *(end - start), color=colour, lw=size, ls=style, arrow_length_ratio=0)
    away = (end - start) / np.linalg.norm(end - start)
    ax.quiver(*(end - 0.14 * away), *(0.14 * away), color=colour, lw=size, arrow_length_ratio=1)
    place = (start + end) / 2 + np.array(off)
    font = {"fontsize": 36 if part == "dx" else 24, "fontweight": "bold", "va": "center"}
    ax.text(*place, label, color=colour, ha=side, **font)


def _box(ax: Any, out: float, right: float, up: float) -> None:
    """Draw the edges of the box whose diagonal is dy."""
    for axis in range(3):
        for u in (0, 1):
            for v in (0, 1):
                ends = np.insert(np.array([[u, v], [u, v]]), axis, [0, 1], axis=1)
                ax.plot(*(ends * (out, right, up)).T, color="#BBBBBB", lw=1.5, ls="-")


def _unseen(ax: Any, right: float, up: float) -> None:
    """Draw the two directions that batch norm cannot see, through the origin."""
    ends = {"direction (1, 1, 1)": (0, right + 0.35, 0), "direction x̂": (0, 0, up + 0.22)}
    for name, end in ends.items():
        ax.quiver(0, 0, 0, *end, color="#444444", lw=2.2, arrow_length_ratio=0.06)
        side = "left" if end[1] else "right"
        ax.text(*end, f" {name} ", color="#444444", fontsize=20, ha=side, va="center")


def _view(ax: Any, out: float, right: float, up: float) -> None:
    ax.view_init(elev=18, azim=-28)
    ax.set(xlim=(0, out), ylim=(0, right), zlim=(0, up))
    ax.set_box_aspect((out, right, up), zoom=1.0)
    ax.set_axis_off()
