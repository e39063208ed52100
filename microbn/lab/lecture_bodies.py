"""The slides of a lecture hold text, code, figures, votes and live stories, written in HTML."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from json import dumps
from pathlib import Path
from typing import Any

from ..errors import ArgumentError, listed
from ..view.slides import paragraphs

MIME = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp", ".gif": "gif"}
MIME |= {".svg": "svg+xml"}


def text_body(title: str, text: str) -> str:
    """Return a slide with a title and paragraphs."""
    return f'<div class="body"><h2>{escape(title)}</h2>{paragraphs(text)}</div>'


def code_body(title: str, text: str, code: str, prints: str) -> str:
    """Return a slide with code. What it prints comes below it, with the next key press."""
    shown = f"<pre><code>{escape(code.strip())}</code></pre>"
    if prints:
        shown += f'<pre class="printed answer">{escape(prints.strip())}</pre>'
    return f'<div class="body"><h2>{escape(title)}</h2>{paragraphs(text)}{shown}</div>'


def vote_body(question: str, options: Sequence[str], right: int, answer: str) -> str:
    """Return a question with a place to type the hands that were counted for each option."""
    mark = ' <span class="right-mark">✓ right</span>'
    items = (
        f'<li class="{"right" * (i == right)}"><span class="bar"></span>'
        f'<span class="option">{escape(option)}{mark * (i == right)}</span><output></output>'
        '<input inputmode="numeric" maxlength="3" autocomplete="off" '
        f'aria-label="Hands for: {escape(option)}"></li>'
        for i, option in enumerate(options, 1)
    )
    return (
        f'<div class="body"><h2>{escape(question)}</h2><ol class="options">{"".join(items)}</ol>'
        f'<p class="answer">{escape(answer)}</p></div>'
    )


def framed_body(title: str, page: int, leads: Sequence[Mapping[str, Any]], **opens: Any) -> str:
    """Return a frame for a page of its own, such as a story's.

    The page opens as ``opens`` says, and then each press leads it to the next of the ``leads``,
    such as ``{"at": 3}`` for a step and ``{"training": 3}`` for a training step.
    """
    first = {**leads[0], "present": True, **opens}
    told = (
        f'data-{name}="{escape(dumps(what))}"'
        for name, what in (("opens", first), ("leads", leads))
    )
    return (
        f'<h2 class="unseen">{escape(title)}</h2>'
        f'<iframe class="framed" title="{escape(title)}" data-page="{page}" {" ".join(told)} '
        'sandbox="allow-scripts allow-downloads"></iframe>'
    )


def figure_body(title: str, name: str, alt: str, folder: Path) -> str:
    """Return a figure, whose picture is written into the page.

    Raises ArgumentError if there is no such figure.
    """
    kind, content = _picture(name, folder)
    address = f"data:image/{kind};base64,{b64encode(content).decode()}"
    return f'<h2 class="unseen">{escape(title)}</h2><img src="{address}" alt="{escape(alt)}">'


def _picture(name: str, folder: Path) -> tuple[str, bytes]:
    """Return the kind and the content of a picture: a file of one's own, or one of the demos'."""
    suffix = Path(name).suffix.lower()
    if suffix and suffix not in MIME:
        raise ArgumentError(
            f"figure = {name!r} is not a picture; end it with one of {listed(MIME)}"
        )
    place = folder / name if suffix else shipped() / f"{name}.png"
    try:
        return MIME[suffix or ".png"], place.read_bytes()
    except OSError as error:
        names = sorted(p.name[:-4] for p in shipped().iterdir() if p.name.endswith(".png"))
        raise ArgumentError(
            f"figure = {name!r}: there is no such picture; name a file beside the script, such as "
            f"{name.partition('.')[0]}.png, or one of {', '.join(names)}"
        ) from error


def shipped() -> Any:
    """Return the folder of the figures that come with microbn, from full runs of the demos."""
    installed = files(__package__) / "pictures"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "docs" / "images"
