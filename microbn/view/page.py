"""The story as a page: one HTML file that asks the network for nothing; also inside a notebook."""

from __future__ import annotations

import html
import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .story import Story

_PARTS = Path(__file__).with_suffix("")
# As \u escapes, no text in the data can end the script element that it stands in.
_ESCAPES = {sign: f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def page(story: Story) -> str:
    """The whole page. Its script is named by its hash: a browser runs that, and nothing else."""
    scripts = ("layout.js", "state.js", "boxes.js", "graph.js", "panel.js", "page.js")
    *parts, style, frame = (
        (_PARTS / name).read_text(encoding="utf-8") for name in (*scripts, "page.css", "page.html")
    )
    script = "\n".join(['"use strict";', *parts])
    digest = b64encode(sha256(script.encode()).digest()).decode()
    data = json.dumps(story.data(), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign, escape in _ESCAPES.items():
        data = data.replace(sign, escape)
    whole = Template(frame).substitute(
        policy=(
            f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
            "img-src data:; base-uri 'none'; form-action 'none'"
        ),
        title=html.escape(story.title),
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
    try:
        svg = story.drawing(len(story) - 1, direction="TB").svg()
        address = b64encode(svg.encode()).decode()
        still = f'<img alt="The graph" src="data:image/svg+xml;base64,{address}">'
    except Exception:  # a notebook's repr must not raise
        still = f"<pre>{_written(html.escape(str(story)))}</pre>"
    frame = html.escape(page(story), quote=True)
    return (
        "<style>.microbn-untrusted { display: none; }</style>"
        '<iframe sandbox="allow-scripts allow-downloads" title="Step through the graph" '
        f'style="width: 100%; height: 640px; border: 0" srcdoc="{frame}"></iframe>'
        '<div class="microbn-untrusted"><p>To step through this graph, trust this notebook '
        f"(File, Trust Notebook) and run the cell again.</p>{still}</div>"
    )


def _written(text: str) -> str:
    """The text as a file can hold it: half a surrogate pair, which a name may have, is "?"."""
    return text.encode(errors="replace").decode()
