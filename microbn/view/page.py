"""The story as a page: one HTML file that needs no network. It also works inside a notebook."""

from __future__ import annotations

import html
import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from string import Template
from typing import Any

from .values import CURRENT_COLOUR, ROLE_COLOURS

_SCRIPTS = (
    *("layout.js", "state.js", "colours.js", "boxes.js", "focus.js", "graph.js", "room.js"),
    *("maths.js", "panel.js", "groups.js", "picture.js", "page.js"),
)
_PAGE_FOLDER = Path(__file__).with_suffix("")
# Written as \u escapes, these cannot end the script element that the data stand in.
_ESCAPES = {character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def page(data: Mapping[str, Any]) -> str:
    """Return the whole page for a story's data."""
    return "".join(page_in_pieces(data["title"], data.items()))


def page_in_pieces(title: str, data: Iterable[tuple[str, Any]]) -> Iterator[str]:
    """Yield the page piece by piece. An iterator in the data becomes a list on the page.

    The policy names the script by its hash, so that the browser runs this script and no other.
    """
    *parts, style, frame = (
        (_PAGE_FOLDER / name).read_text(encoding="utf-8")
        for name in (*_SCRIPTS, "page.css", "page.html")
    )
    script = "\n".join(['"use strict";', *parts])
    digest = b64encode(sha256(script.encode()).digest()).decode()
    words = {
        "policy": (
            f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
            "img-src data:; base-uri 'none'; form-action 'none'"
        ),
        "title": html.escape(title),
        "style": Template(style).substitute(ROLE_COLOURS, now=CURRENT_COLOUR),
        "script": script,
    }
    before, after = (Template(part) for part in frame.split("$story"))
    yield encodable(before.substitute(words))
    yield from map(encodable, _as_json(data))
    yield encodable(after.substitute(words))


def _as_json(data: Iterable[tuple[str, Any]]) -> Iterator[str]:
    """Yield named values as the text of a JSON object; an iterator is written item by item."""
    sign = "{"
    for name, value in data:
        yield f'{sign}"{name}":'
        if isinstance(value, Iterator):
            items = (f"{',' * (number > 0)}{_json(item)}" for number, item in enumerate(value))
            yield "["
            yield from items
            yield "]"
        else:
            yield _json(value)
        sign = ","
    yield "}"


def _json(value: Any) -> str:
    text = _ENCODER.encode(value)
    for character, escape in _ESCAPES.items():
        text = text.replace(character, escape)
    return text


def notebook_frame(whole: str, picture: str) -> str:
    """Return a page in a frame that can reach neither the notebook nor the network.

    A notebook that is not trusted loses the frame and the style. Then it shows what the style
    hides: how to trust the notebook, and the HTML of a ``picture``.
    """
    frame = html.escape(whole, quote=True)
    return (
        "<style>.microbn-untrusted { display: none; }</style>"
        '<iframe sandbox="allow-scripts allow-downloads" title="Step through the graph" '
        f'style="width: 100%; height: 640px; border: 0" srcdoc="{frame}"></iframe>'
        '<div class="microbn-untrusted"><p>To step through this graph, trust this notebook '
        f"(File, Trust Notebook) and run the cell again.</p>{picture}</div>"
    )


def encodable(text: str) -> str:
    """Return the text as a file can hold it: half a surrogate pair, in a name, becomes "?"."""
    return text.encode(errors="replace").decode()
