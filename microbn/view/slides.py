"""Slides as a page: one HTML file that needs no network, with notes, votes and a clock."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .page import encodable, json_text, shell

DECK_SCRIPTS = (
    *("elements.js", "key_list.js", "slides.js", "speaker.js", "frames.js", "votes.js"),
    *("clock.js", "touch.js", "slides_keys.js"),
)
_DECK_STYLES = "slides.css", "keys.css"


@dataclass(frozen=True)
class Slide:
    """One slide: its ``name``, its ``body`` in HTML, and the speaker's ``notes`` as text.

    ``minutes`` are planned for it, or None. The ``kind`` is its class in slides.css. The slide
    stays for so many ``presses`` of the key that leads on: each shows one thing more. In print and
    without a script, the bodies in ``handout`` stand in the place of a body with a frame.
    """

    name: str
    body: str
    notes: str = ""
    minutes: float | None = None
    kind: str = "still"
    presses: int = 0
    handout: Sequence[str] = ()


def deck(title: str, slides: Sequence[Slide], pages: Sequence[str] = ()) -> str:
    """Return a deck of slides as a page.

    A frame in a body, ``<iframe data-page="0">``, shows one of the ``pages``: whole HTML pages,
    whose scripts run in the frame and nowhere else.
    """
    inside = (found for page in pages for found in re.findall(r"'(sha256-[\w+/=]+)'", page[:2000]))
    parts = shell(title, "slides.html", DECK_SCRIPTS, _DECK_STYLES, dict.fromkeys(inside))
    before, between, after = parts
    slides_text = "\n".join(_articles(slides))
    return encodable("".join([before, slides_text, between, json_text([*pages]), after]))


def _articles(slides: Sequence[Slide]) -> Iterable[str]:
    for number, slide in enumerate(slides, 1):
        printed = (f'<div class="handout">{body}</div>' for body in slide.handout)
        minutes = "" if slide.minutes is None else f' data-minutes="{slide.minutes:g}"'
        yield (
            f'<article class="slide {slide.kind}" aria-label="{html.escape(slide.name)}" '
            f'data-presses="{slide.presses}"{minutes}>'
            f'<p class="number">{number} · {html.escape(slide.name)}</p>'
            f'<div class="paper">{slide.body}</div>{"".join(printed)}'
            f'<aside class="notes" aria-label="Notes">{paragraphs(slide.notes)}</aside></article>'
        )


def paragraphs(text: str) -> str:
    """Write a text as HTML: paragraphs, lists of lines that begin with "- ", `code`, **bold**."""
    parts = []
    for block in re.split(r"\n\s*\n", text.strip()):
        items = re.split(r"^- ", block, flags=re.MULTILINE)
        before, *items = (_inline(item) for item in items)
        parts.append(f"<p>{before}</p>" if before else "")
        parts.append(f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>" if items else "")
    return "".join(parts)


def _inline(text: str) -> str:
    text = html.escape(" ".join(text.split()))
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    return re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", text)
