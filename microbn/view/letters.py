"""A picture of fixed size consists of lines of text, whose width is known, and of boxes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ..arguments import need_package, way_to_install
from ..errors import MissingPackageError

WIDTH, HEIGHT = 1280, 720
INK, SOFT, LINE, PAPER = "#1a1a1a", "#595959", "#8a8a8a", "#ffffff"
EDGE = 16  # free space around everything
LEGIBLE = 23  # 17 points
_FONT_FILES = {
    "plain": "DejaVuSans.ttf",
    "bold": "DejaVuSans-Bold.ttf",
    "mono": "DejaVuSansMono.ttf",
    "strong": "DejaVuSansMono-Bold.ttf",
}


class Text(NamedTuple):
    """A line of text that begins at x and stands on y."""

    x: float
    y: float
    text: str
    size: float
    font: str = "plain"
    ink: str = INK


class Box(NamedTuple):
    """A rectangle with its upper left corner at x and y."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    line: str = LINE


def pillow(module: str) -> Any:
    """Import a module of Pillow. Raises MissingPackageError if there is none."""
    from importlib import import_module

    try:
        return import_module(f"PIL.{module}")
    except ImportError as error:
        raise MissingPackageError(
            "slides and animated pictures need Pillow, which comes with matplotlib; "
            f"{way_to_install('pillow')}"
        ) from error


@cache
def font_of(name: str, size: float) -> Any:
    """Return one of matplotlib's fonts for Pillow, in a size in pixels."""
    matplotlib = need_package("matplotlib", "", "a picture of text")
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    return pillow("ImageFont").truetype(str(folder / _FONT_FILES[name]), size)


@cache
def width_of(text: str, size: float, font: str = "plain") -> float:
    """Return the width of a line of text in pixels."""
    return font_of(font, 100).getlength(text) * size / 100


def wrapped(text: str, width: float, size: float, font: str) -> list[str]:
    """Break a text into lines of at most this width; a word that is wider stands alone."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width_of(longer, size, font) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def cut(text: str, most: int) -> str:
    """Return a text on one line, of at most so many letters; "…" stands for the rest."""
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 1]}…"
