"""Batch norm's gradient as a projection: γ/σ · dy, less its mean, less its component along x̂."""

from __future__ import annotations

from typing import Any

import numpy as np

from .canvas import canvas

BATCH, COTANGENT = np.array([1.0, 2.0, 6.0]), np.array([2.0, -2.0, 4.0])  # of the figure
_COLOURS = {"γ/σ · dy": "#0072B2", "along 1": "#D55E00", "along x̂": "#A8457F", "dx": "#009E73"}
_HEADING = "dx is γ/σ · dy, less its mean, less its component along x̂"


def parts_of_dx(x: Any, dy: Any, gamma: float = 1.0, eps: float = 0.0) -> dict[str, np.ndarray]:
    """Split γ/σ · dy, for one feature (N,), into its mean, its component along x̂, and dx.

    The keys are "γ/σ · dy", "along 1", "along x̂" and "dx", which is the first less the two
    others. At ε = 0 the three parts are orthogonal. With ε, x̂ᵀx̂ is N(1 - r), r = ε/(σ² + ε), so
    "along x̂" is slightly shorter than the component.
    """
    x, dy = np.asarray(x, float), np.asarray(dy, float)
    std = np.sqrt(np.var(x) + eps)
    x_hat = (x - np.mean(x)) / std
    scaled = gamma / std * dy
    mean = np.full_like(scaled, np.mean(scaled))
    along = x_hat * np.mean(scaled * x_hat)
    return {"γ/σ · dy": scaled, "along 1": mean, "along x̂": along, "dx": scaled - mean - along}


def projection_figure() -> Any:
    """Draw the parts for three samples, in space: what is taken away, and dx, which is left.

    The space of one feature's three numbers is turned so that the direction x̂ points up and the
    direction 1 = (1, 1, 1) to the right.
    """
    parts = parts_of_dx(BATCH, COTANGENT)
    corner, top, tip = _corners(parts)
    with canvas(_HEADING, False, {"figure.constrained_layout.use": False}) as figure:
        ax = figure.add_axes((0, 0, 1, 0.92), projection="3d", proj_type="ortho")
        figure.suptitle(_HEADING, fontsize=26, fontweight="bold", y=0.97)
        _box(ax, *tip)
        _arrow(ax, np.zeros(3), tip, "γ/σ · dy", "γ/σ · dy", (0, -0.2, 0.2), "right")
        _arrow(ax, tip, top, "along 1", "less its mean", (0, 0, 0.14), "center")
        _arrow(ax, top, corner, "along x̂", "less its component\nalong x̂", (0, 0.06, -0.32))
        _arrow(ax, np.zeros(3), corner, "dx", "dx", (0, -0.08, -0.05), "right")
        _unseen(ax, *tip)
        _view(ax, *tip)
    return figure


def _corners(parts: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return three corners of the box: where dx ends, the one above it, and where γ/σ · dy ends.

    Axis 0 is the direction of dx, axis 1 that of 1, and axis 2 that of x̂.
    """
    out, right, up = (np.linalg.norm(parts[name]) for name in ("dx", "along 1", "along x̂"))
    return np.array([out, 0, 0]), np.array([out, 0, up]), np.array([out, right, up])


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
    size = 36 if part == "dx" else 24
    _label(ax, place, label, color=colour, ha=side, fontsize=size, fontweight="bold")


def _label(ax: Any, place: Any, text: str, **font: Any) -> None:
    """Write a text on a white edge, so that no line runs through its letters."""
    from matplotlib.patheffects import withStroke

    edge = [withStroke(linewidth=6, foreground="white")]
    ax.text(*place, text, va="center", path_effects=edge, **font)


def _box(ax: Any, out: float, right: float, up: float) -> None:
    """Draw the edges of the box whose diagonal is γ/σ · dy."""
    for axis in range(3):
        for u in (0, 1):
            for v in (0, 1):
                ends = np.insert(np.array([[u, v], [u, v]]), axis, [0, 1], axis=1)
                ax.plot(*(ends * (out, right, up)).T, color="#BBBBBB", lw=1.5, ls="-")


def _unseen(ax: Any, out: float, right: float, up: float) -> None:
    """Draw the two directions that batch norm cannot see, through the origin."""
    ends = {"direction (1, 1, 1)": (0, right + 0.35, 0), "direction x̂": (0, 0, up + 0.22)}
    for name, end in ends.items():
        ax.quiver(0, 0, 0, *end, color="#444444", lw=2.2, arrow_length_ratio=0.06)
        side = "left" if end[1] else "right"
        _label(ax, end, f" {name} ", color="#444444", ha=side, fontsize=20)


def _view(ax: Any, out: float, right: float, up: float) -> None:
    ax.view_init(elev=18, azim=-28)
    ax.set(xlim=(0, out), ylim=(0, right), zlim=(0, up))
    ax.set_box_aspect((out, right, up), zoom=1.0)
    ax.set_axis_off()
