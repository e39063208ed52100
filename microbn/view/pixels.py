"""A picture of fixed size as pixels: Pillow paints Graphviz's drawing and what stands beside."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from html import unescape
from typing import Any

import numpy as np

from .letters import EDGE, HEIGHT, PAPER, WIDTH, Box, font_of, pillow
from .painting import View

_FINER = 3  # times as many pixels while a drawing is painted, so that its lines become smooth
_PIECES = 8  # straight ones, of which a curve consists
_ELEMENT = re.compile(r"<(path|polygon|text)\s([^>]*?)/?>([^<]*)")
_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
_MOVED = re.compile(r"translate\(([-\d.]+) ([-\d.]+)\)")
_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}
_NO_COLOURS = {"none", "transparent"}


def as_image(placed: Iterable[Any], drawn: str, view: View) -> Any:
    """Paint a picture. ``drawn`` is the inside of the drawing's SVG."""
    image = pillow("Image").new("RGB", (WIDTH, HEIGHT), PAPER)
    seen = _drawing(drawn, view)
    image.paste(seen, (EDGE, (HEIGHT - seen.height) // 2))
    pen = pillow("ImageDraw").Draw(image)
    for one in placed:
        if isinstance(one, Box):
            corners = (one.x, one.y, one.x + one.width, one.y + one.height)
            pen.rectangle([round(at) for at in corners], one.fill, one.line)
        else:
            font = font_of(one.font, one.size)
            pen.text((one.x, one.y), one.text, one.ink, font, anchor="ls")
    return image


def _drawing(drawn: str, view: View) -> Any:
    """Paint the part of a drawing that is seen."""
    size = round(view.width * view.scale), round(view.height * view.scale)
    image = pillow("Image").new("RGB", (_FINER * size[0], _FINER * size[1]), PAPER)
    pen, scale = pillow("ImageDraw").Draw(image), _FINER * view.scale
    moved = _MOVED.search(drawn)
    assert moved
    corner = np.array([float(moved[1]) - view.x, float(moved[2]) - view.y])
    for kind, words, text in _ELEMENT.findall(drawn):
        look = dict(_ATTRIBUTE.findall(words))
        if kind == "text":
            at = (np.array([look["x"], look["y"]], float) + corner) * scale
            _lettered(pen, at, unescape(text), look, scale)
        else:
            line = _outline(look["d"]) if kind == "path" else _places_in(look["points"])
            _stroke(pen, (line + corner) * scale, look, scale)
    return image.reduce(_FINER)


def _lettered(pen: Any, at: np.ndarray, text: str, look: Mapping[str, str], scale: float) -> None:
    font = font_of(
        "mono" if "Mono" in look["font-family"] else "plain", float(look["font-size"]) * scale
    )
    words, ink = text.replace("\N{NO-BREAK SPACE}", " "), look.get("fill", "black")
    pen.text(tuple(at), words, ink, font, anchor=_ANCHORS[look.get("text-anchor", "start")])


def _stroke(pen: Any, line: np.ndarray, look: Mapping[str, str], scale: float) -> None:
    """Fill what a line encloses, and draw the line, in dashes if it has any."""
    width, dashes = float(look.get("stroke-width", 1)), look.get("stroke-dasharray")
    if look["fill"] == look["stroke"]:  # the tip of an arrow, which is as pointed as its line is
        return pen.polygon([*map(tuple, _broadened(line[:-1], width * scale / 2))], look["fill"])
    if look["fill"] not in _NO_COLOURS:
        pen.polygon([*map(tuple, line)], look["fill"])
    if look["stroke"] in _NO_COLOURS:
        return
    for part in _dashes(line, *_places_in(dashes)[0] * scale) if dashes else [line]:
        pen.line([*map(tuple, part)], look["stroke"], round(width * scale), joint="curve")


def _places_in(text: str) -> np.ndarray:
    """Return the places in a text such as ``3,4 5,6``."""
    return np.array(re.findall(r"-?[\d.]+", text), float).reshape(-1, 2)


def _outline(path: str) -> np.ndarray:
    """Return the places through which a path of lines and curves leads."""
    line = np.empty((0, 2))
    for letter, numbers in re.findall(r"([MCL])([^MCL]*)", path):
        places = _places_in(numbers)
        if letter == "C":
            t = np.linspace(0, 1, _PIECES + 1)[1:, None]
            for b, c, d in places.reshape(-1, 3, 2):
                a = line[-1]
                curve = (1 - t) ** 3 * a + 3 * t * (1 - t) ** 2 * b + 3 * t**2 * (1 - t) * c
                line = np.r_[line, curve + t**3 * d]
        else:
            line = np.r_[line, places]
    return line


def _broadened(corners: np.ndarray, by: float) -> np.ndarray:
    """Return the corners of a convex polygon whose sides are moved outwards."""
    sides = np.roll(corners, -1, axis=0) - corners
    normals = sides[:, ::-1] * (1, -1) / np.maximum(np.hypot(*sides.T), 1e-9)[:, None]
    before = np.roll(normals, 1, axis=0)
    out = (normals + before) / (1.05 + np.sum(normals * before, axis=1))[:, None]
    turn = np.sign(np.linalg.det(sides[:2]))
    return corners + by * turn * out


def _dashes(line: np.ndarray, dash: float, gap: float) -> Iterator[np.ndarray]:
    along = np.r_[0, np.cumsum(np.hypot(*np.diff(line, axis=0).T))]
    for start in np.arange(0, along[-1], dash + gap):
        end = min(start + dash, along[-1])
        at = [start, *along[(along > start) & (along < end)], end]
        yield np.column_stack([np.interp(at, along, side) for side in line.T])
