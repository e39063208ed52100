"""Write the workshop: one page with an editor, Python, the checker and the stepper."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from .. import __version__
from ..errors import ArgumentError
from ..view.beside import PANE_SCRIPTS
from ..view.page import encodable, hash_of, json_in_pieces, script_of, shell
from ..view.saving import write_whole
from .distribution import LICENCES, Distribution, distribution
from .exercises import exercises_from

PACKAGE_FOLDER = Path(__file__).parents[1]
IN_THE_PAGE = (".py", ".js", ".css", ".html", ".toml")  # what the package needs of its files there
WORKER_SCRIPT = "python_worker.js"
EDITOR = Path(__file__).with_name("codemirror.js")  # .ci/editor/package.json makes it
WORKSHOP_SCRIPTS = (
    "elements.js",
    "key_list.js",
    "about.js",
    "python.js",
    "failures.js",
    "editor.js",
    "output.js",
    "divider.js",
    "keeping.js",
    "tabs.js",
    "exercise.js",
    "workshop.js",
)
WORKSHOP_STYLES = "page.css", "keys.css", "workshop.css"


def workshop(
    path: Path | str, script: Path | str | None = None, *, pyodide: Path | str | None = None
) -> Path:
    """Write a page in which Python runs: ``workshop.html``, with this package and with NumPy in it.

    A reader writes code there, runs it, steps through its graph, and checks backwards by hand.
    ``script`` is a TOML file with the exercises; without one they are those of the lab. With
    ``pyodide``, a folder of Pyodide that has NumPy, the page carries it and needs no network.
    Without it the page fetches Pyodide from its public CDN, and from another server if ``pyodide``
    is its address.

    Raises ArgumentError unless the path ends with .html, for a folder without the files, and for
    an entry of the script that is wrong; OSError if nothing can be written.
    """
    if (path := Path(path)).suffix.lower() != ".html":
        raise ArgumentError(f"workshop: a page ends with .html, not as {str(path)!r} does")
    title, exercises = exercises_from(script)
    source = distribution(pyodide)
    before, after = workshop_shell(title, source)
    data = {"title": title, "exercises": exercises, "nonce": story_nonce(), **setup(source)}
    if EDITOR.is_file():
        data["codemirror"] = EDITOR.read_text(encoding="utf-8")
        data["licences"] = {**LICENCES, "CodeMirror": "MIT"}
    pieces = (before, *json_in_pieces(data.items()), after)
    return write_whole(path, (encodable(piece).encode() for piece in pieces))


def setup(source: Distribution, inside: str = "microbn.workshop.inside") -> dict[str, Any]:
    """Return what a page needs to start Python: the names that ``python.js`` reads.

    ``inside`` is the module whose functions the page calls.
    """
    return {
        "version": __version__,
        "versions": source.versions,
        "licences": LICENCES,
        "address": source.address,
        "lock": source.lock,
        "files": source.files,
        "worker": f'const insideName = "{inside}";\n{script_of([WORKER_SCRIPT])}',
        "package": b64encode(package_archive()).decode(),
    }


def workshop_shell(title: str, source: Distribution) -> tuple[str, ...]:
    """Return the text of the page before its data, and the text after.

    The policy lets the page run its own script, Python's WebAssembly, a worker made of the page's
    own text, and the scripts of stories, which it marks with a nonce. Two stories in step have
    frames of their own, whose script it names by its hash. The page may reach the network only for
    Pyodide.
    """
    allowed = ["wasm-unsafe-eval", f"nonce-{story_nonce()}", hash_of(script_of(PANE_SCRIPTS))]
    connect = f"; connect-src {source.address}" if source.address else ""
    return shell(
        title,
        "workshop.html",
        WORKSHOP_SCRIPTS,
        WORKSHOP_STYLES,
        allowed=allowed,
        granted=f"; worker-src blob:{connect}",
    )


def story_nonce() -> str:
    """Return the word by which the page marks the scripts of its stories: the same each time."""
    return hash_of(script_of(WORKSHOP_SCRIPTS)).removeprefix("sha256-")


def package_archive(folder: Path = PACKAGE_FOLDER) -> bytes:
    """Return this package as a ZIP file, which has the same bytes each time."""
    held = BytesIO()
    with ZipFile(held, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for file in sorted(folder.rglob("*")):
            name = f"{folder.name}/{file.relative_to(folder).as_posix()}"
            if file.suffix in IN_THE_PAGE and file.is_file() and file != EDITOR:
                archive.writestr(ZipInfo(name), file.read_bytes(), ZIP_DEFLATED)
    return held.getvalue()
