"""A picture of fixed size as SVG, and in it the part of a graph's drawing that is seen."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Any, NamedTuple

from .letters import EDGE, HEIGHT, PAPER, WIDTH, Box, Text, width_of

_MAP_SIZE = 13.4  # 10 points: the least size of the names in the graph
_FAMILIES = {
    "plain": ("DejaVu Sans, Verdana, sans-serif", "400"),
    "bold": ("DejaVu Sans, Verdana, sans-serif", "700"),
    "mono": ("DejaVu Sans Mono, monospace", "400"),
    "strong": ("DejaVu Sans Mono, monospace", "700"),
}


class View(NamedTuple):
    """The part of a drawing that is seen, and where: ``x``, ``y`` in the drawing's points.

    ``scale`` is how many pixels a point has.
    """

    x: float
    y: float
    width: float
    height: float
    scale: float


def measured(svg: str) -> tuple[float, float]:
    """Return the width and the height of Graphviz's SVG in points."""
    found = re.search(r'viewBox="0\.00 0\.00 ([\d.]+) ([\d.]+)"', svg)
    assert found
    return float(found[1]), float(found[2])


def view_of(size: tuple[float, float], middle: tuple[float, float] | None) -> View:
    """Return what is seen of a drawing: all of it, or what is around a place, in a legible size."""
    width, height = size
    most, room = 0.42 * WIDTH - EDGE, HEIGHT - 2 * EDGE
    scale = max(min(most / width, room / height, 2.0), _MAP_SIZE / 11)
    seen = min(width, most / scale), min(height, room / scale)
    left, top = (
        min(max(at - part / 2, 0), whole - part)
        for at, part, whole in zip(middle or (width / 2, height / 2), seen, size, strict=True)
    )
    return View(left, top, *seen, scale)


def middle_of(node: str, height: float) -> tuple[float, float] | None:
    """Return where a node stands, from its first line of text; y is counted from the bottom."""
    if not (found := re.search(r'<text[^>]* x="([-\d.]+)" y="([-\d.]+)"', node)):
        return None
    return float(found[1]) + 4, float(found[2]) + height - 4


def as_svg(placed: Iterable[Any], drawn: str, view: View, said: str) -> str:
    """Write a picture. ``drawn`` is the inside of the drawing's SVG, and ``said`` is what a screen
    reader says of the picture.
    """
    window = f"{view.x:.1f} {view.y:.1f} {view.width:.1f} {view.height:.1f}"
    top = (HEIGHT - view.height * view.scale) / 2
    size = f'width="{view.width * view.scale:.1f}" height="{view.height * view.scale:.1f}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(said)}"><rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>'
        f'<svg x="{EDGE}" y="{top:.1f}" {size} viewBox="{window}">{drawn}</svg>'
        f"{''.join(map(_element, placed))}</svg>"
    )


def _element(one: Text | Box) -> str:
    if isinstance(one, Box):
        size = f'width="{one.width:.1f}" height="{one.height:.1f}"'
        return (
            f'<rect x="{one.x:.1f}" y="{one.y:.1f}" {size} fill="{one.fill}" stroke="{one.line}"/>'
        )
    if not one.text.strip():
        return ""
    family, weight = _FAMILIES[one.font]
    length = width_of(one.text.strip(), one.size, one.font)
    spaces = len(one.text) - len(one.text.lstrip())
    x = one.x + width_of(" " * spaces, one.size, one.font)
    return (
        f'<text x="{x:.1f}" y="{one.y:.1f}" font-family="{family}" font-weight="{weight}" '
        f'font-size="{one.size:.1f}" fill="{one.ink}" textLength="{length:.1f}" '
        f'lengthAdjust="spacingAndGlyphs">{escape(one.text.strip())}</text>'
    )
