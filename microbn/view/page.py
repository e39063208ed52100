"""The story as a page: one HTML file that needs no network. It also works inside a notebook."""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from string import Template
from typing import Any

from .values import CURRENT_COLOUR, ROLE_COLOURS

STORY_SCRIPTS = (
    *("elements.js", "layout.js", "state.js", "colours.js", "boxes.js", "focus.js", "stack.js"),
    *("graph.js", "heat.js", "room.js", "zoom.js", "reach.js", "key_list.js", "keys.js"),
    *("maths.js", "points.js", "panel.js", "words.js", "jacobian.js", "explored.js", "groups.js"),
    *("picture.js", "numbers.js", "noise.js", "live.js", "cells.js", "sliders.js", "page.js"),
    "around.js",
)
STORY_STYLES = "page.css", "keys.css", "jacobian.css", "live.css"
FILM_SCRIPTS = (*STORY_SCRIPTS[:-2], "curves.js", "film.js", *STORY_SCRIPTS[-2:], "remote.js")
FILM_STYLES = (*STORY_STYLES, "film.css")
_PAGE_FOLDER = Path(__file__).with_suffix("")
# Written as \u escapes, these cannot end the script element that the data stand in.
_ESCAPES = {character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def page(data: Mapping[str, Any]) -> str:
    """Return the whole page for a story's data."""
    return "".join(page_in_pieces(data["title"], data.items()))


def page_in_pieces(
    title: str, data: Iterable[tuple[str, Any]], program: str = "", around: str = "remote.js"
) -> Iterator[str]:
    """Yield the page piece by piece. An iterator in the data becomes a list on the page.

    With a ``program``, from `Live`, its numbers can be changed. ``around`` is the script for what
    may stand around the page: a lecture, or a notebook.
    """
    before, after = shell(title, scripts=(*STORY_SCRIPTS, around), program=program)
    yield encodable(before)
    yield from map(encodable, json_in_pieces(data))
    yield encodable(after)


def shell(
    title: str,
    frame: str = "page.html",
    scripts: Iterable[str] = STORY_SCRIPTS,
    styles: Iterable[str] = STORY_STYLES,
    allowed: Iterable[str] = (),
    program: str = "",
    granted: str = "",
) -> tuple[str, ...]:
    """Return the page that is made of these files: the text before its data, and the text after.

    The policy names the script by its hash, so that the browser runs this script and no other. What
    else may run is ``allowed``, such as the hashes of scripts in frames of the page; what else it
    may do is ``granted`` by directives.
    """
    script = script_of(scripts, program)
    sources = (f"'{one}'" for one in (hash_of(script), *allowed))
    words = {
        "policy": (
            f"default-src 'none'; style-src 'unsafe-inline'; script-src {' '.join(sources)}; "
            f"img-src data:; base-uri 'none'; form-action 'none'{granted}"
        ),
        "title": html.escape(title),
        "style": Template(_style_of(styles)).substitute(ROLE_COLOURS, now=CURRENT_COLOUR),
        "script": script,
    }
    whole = _text_of("head.html") + _text_of(frame)
    return tuple(Template(part).substitute(words) for part in whole.split("$story"))


def script_of(names: Iterable[str] = STORY_SCRIPTS, program: str = "") -> str:
    """Return the script that these files make, without comments and with little space."""
    start = ['"use strict";', f"const program = {program or 'null'};"]
    lines = _without_indents("\n".join([*start, *map(_text_of, names)])).split("\n")
    kept = (re.sub(r" // [^\"'`]*$", "", line) for line in lines if not line.startswith("//"))
    return "\n".join(filter(None, kept))


def _style_of(names: Iterable[str]) -> str:
    text = "".join(map(_text_of, names))
    return _without_indents(re.sub(r"/\*.*?\*/\n?", "", text, flags=re.DOTALL))


def _without_indents(text: str) -> str:
    return "\n".join(map(str.strip, text.split("\n")))


def hash_of(script: str) -> str:
    """Return the hash by which a policy names a script."""
    return f"sha256-{b64encode(sha256(script.encode()).digest()).decode()}"


def _text_of(name: str) -> str:
    return (_PAGE_FOLDER / name).read_text(encoding="utf-8")


def json_in_pieces(data: Iterable[tuple[str, Any]]) -> Iterator[str]:
    """Yield named values as the text of a JSON object; an iterator is written item by item."""
    sign = "{"
    for name, value in data:
        yield f'{sign}"{name}":'
        if isinstance(value, Iterator):
            items = (f"{',' * (number > 0)}{json_text(item)}" for number, item in enumerate(value))
            yield "["
            yield from items
            yield "]"
        else:
            yield json_text(value)
        sign = ","
    yield "}"


def json_text(value: Any) -> str:
    """Write a value as JSON that may stand in a script element."""
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
