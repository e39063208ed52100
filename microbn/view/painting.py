"""A picture of fixed size, and in it the part of a graph's drawing that is seen: SVG or pixels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, NamedTuple

from .dot import Drawing
from .letters import EDGE, HEIGHT, PAPER, WIDTH, Box, Text, font_of, pillow, width_of

_MAP_SIZE = 13.4  # 10 points: the least size of the names in the graph
_NODE = re.compile(
    r'<g id="[^"]*" class="(?:node|cluster)">\s*<title>([^<]*)</title>.*?</g>', re.DOTALL
)
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


def view_of(svg: str, id: str) -> View:
    """Return what is seen of a drawing: all of it, or what is around a node, in a legible size."""
    width, height = measured(svg)
    most, room = 0.42 * WIDTH - EDGE, HEIGHT - 2 * EDGE
    scale = max(min(most / width, room / height, 2.0), _MAP_SIZE / 11)
    seen = min(width, most / scale), min(height, room / scale)
    nodes = {found[1]: found[0] for found in _NODE.finditer(svg)}
    x, y = _middle(nodes.get(id, ""), height) or (width / 2, height / 2)
    left, top = (
        min(max(at - part / 2, 0), whole - part)
        for at, part, whole in zip((x, y), seen, (width, height), strict=True)
    )
    return View(left, top, *seen, scale)


def _middle(node: str, height: float) -> tuple[float, float] | None:
    """Return where a node stands, from its first line of text; y is counted from the bottom."""
    if not (found := re.search(r'<text[^>]* x="([-\d.]+)" y="([-\d.]+)"', node)):
        return None
    return float(found[1]) + 4, float(found[2]) + height - 4


# --- as SVG, and as pixels


def as_svg(placed: Iterable[Any], drawn: str, view: View, said: str) -> str:
    """Write a picture as SVG. ``said`` is what a screen reader says of it."""
    inside = re.sub(
        r"^.*?<svg[^>]*>|</svg>\s*$|<title>[^<]*</title>|<!--.*?-->", "", drawn, flags=re.S
    )
    inside = re.sub(r' id="[^"]*"', "", inside)
    window = f"{view.x:.1f} {view.y:.1f} {view.width:.1f} {view.height:.1f}"
    top = (HEIGHT - view.height * view.scale) / 2
    size = f'width="{view.width * view.scale:.1f}" height="{view.height * view.scale:.1f}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(said)}"><rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>'
        f'<svg x="{EDGE}" y="{top:.1f}" {size} viewBox="{window}">{inside}</svg>'
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


def as_image(placed: Iterable[Any], drawing: Drawing, view: View) -> Any:
    """Paint a picture with Pillow."""
    from io import BytesIO

    images = pillow("Image")
    image = images.new("RGB", (WIDTH, HEIGHT), PAPER)
    graph = images.open(BytesIO(drawing.render("png"))).convert("RGB")
    dots = 150 / 72  # of Graphviz's PNG, to a point
    window = tuple(dots * v for v in (view.x, view.y, view.x + view.width, view.y + view.height))
    size = round(view.width * view.scale), round(view.height * view.scale)
    seen = graph.resize(size, images.Resampling.LANCZOS, box=_inside(window, graph.size))
    image.paste(seen, (EDGE, (HEIGHT - size[1]) // 2))
    pen = pillow("ImageDraw").Draw(image)
    for one in placed:
        if isinstance(one, Box):
            corners = (one.x, one.y, one.x + one.width, one.y + one.height)
            pen.rectangle([round(at) for at in corners], one.fill, one.line)
        else:
            font = font_of(one.font, one.size)
            pen.text((one.x, one.y), one.text, one.ink, font, anchor="ls")
    return image


def _inside(window: Sequence[float], size: tuple[int, int]) -> tuple[float, ...]:
    """Return the window, but no more than the picture has; Graphviz rounds to whole pixels."""
    return tuple(min(at, most) for at, most in zip(window, (*size, *size), strict=True))
