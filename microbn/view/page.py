"""The story as a page: one HTML file that asks the network for nothing; also inside a notebook."""

from __future__ import annotations

import html
import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from ..errors import RenderError

if TYPE_CHECKING:
    from .story import Story

_LARGE = 120  # values, more than which take dot a while
_SCRIPTS = (
    *("layout.js", "state.js", "colours.js", "boxes.js", "graph.js", "panel.js"),
    *("groups.js", "picture.js", "page.js"),
)
_PARTS = Path(__file__).with_suffix("")
# As \u escapes, no text in the data can end the script element that it stands in.
_ESCAPES = {sign: f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def page(story: dict[str, Any]) -> str:
    """The whole page of a story's data. Its script is named by its hash: a browser runs that, and
    nothing else.
    """
    *parts, style, frame = (
        (_PARTS / name).read_text(encoding="utf-8") for name in (*_SCRIPTS, "page.css", "page.html")
    )
    script = "\n".join(['"use strict";', *parts])
    digest = b64encode(sha256(script.encode()).digest()).decode()
    data = json.dumps(story, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign, escape in _ESCAPES.items():
        data = data.replace(sign, escape)
    whole = Template(frame).substitute(
        policy=(
            f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
            "img-src data:; base-uri 'none'; form-action 'none'"
        ),
        title=html.escape(story["title"]),
        style=style,
        story=data,
        script=script,
    )
    return _written(whole)


def notebook(story: Story) -> str:
    """The page in a frame of its own, which can reach neither the notebook nor the network.

    A notebook that is not trusted loses frame and style, and so shows what the style hides: how
    to trust it, and a picture of the last step, or the story as text where nothing can draw.
    """
    frame = html.escape(page(story.data()), quote=True)
    return (
        "<style>.microbn-untrusted { display: none; }</style>"
        '<iframe sandbox="allow-scripts allow-downloads" title="Step through the graph" '
        f'style="width: 100%; height: 640px; border: 0" srcdoc="{frame}"></iframe>'
        '<div class="microbn-untrusted"><p>To step through this graph, trust this notebook '
        f"(File, Trust Notebook) and run the cell again.</p>{_still(story)}</div>"
    )


def _still(story: Story) -> str:
    """A picture of the last step, its groups closed if it is large; else the story as text."""
    try:
        depth = 0 if len(story.graph.nodes) > _LARGE else None
        if len(story.graph.folded(depth=depth).nodes) > _LARGE:
            raise RenderError("too large to be drawn")
        address = b64encode(story.drawing(len(story) - 1, depth=depth).svg().encode()).decode()
        return f'<img alt="The graph" src="data:image/svg+xml;base64,{address}">'
    except Exception:  # a notebook's repr must not raise
        text = repr(story) if len(story.graph.nodes) > _LARGE else str(story)
        return f"<pre>{_written(html.escape(text))}</pre>"


def _written(text: str) -> str:
    """The text as a file can hold it: half a surrogate pair, which a name may have, is "?"."""
    return text.encode(errors="replace").decode()
