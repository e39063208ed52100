"""Environments for other libraries, one for each set of pinned versions, and what is asked there.

An environment is made when it is needed first, and kept in a folder for the next time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

TESTS = Path(__file__).parents[1]
MEASURED = TESTS.parent / "docs" / "measured"
MINUTES = 15  # for an environment, and for a library's answers


class Library(NamedTuple):
    """A library that is asked: the adapter that asks it, its environment, and its variables."""

    adapter: str
    packages: str = ""  # with their versions; microbn runs where this runs
    beside: str = ""  # what they need and do not say
    variables: str = ""


class Inquiry(NamedTuple):
    """The questions to libraries: a module that prints one library's answers, and their page.

    The module is run in the folder of the tests, with an adapter and the names of packages. What it
    prints is ``completed`` here. The answers are kept in ``file`` as JSON, and the page of them
    beside it.
    """

    module: str
    libraries: dict[str, Library]
    file: Path
    page: Callable[[dict[str, Any]], str]
    completed: Callable[[Library, dict[str, Any]], dict[str, Any]] = lambda library, found: found


def main(prog: str, description: str | None, inquiry: Inquiry) -> None:
    """Ask the libraries, all or some, and write down what they answer."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    kept = Path(tempfile.gettempdir()) / "microbn-elsewhere"
    parser.add_argument("--cache", type=Path, metavar="DIR", default=kept)
    parser.add_argument("--only", nargs="+", metavar="LIBRARY", choices=[*inquiry.libraries])
    given = parser.parse_args()
    file = inquiry.file
    known = json.loads(file.read_text("utf-8")) if given.only and file.exists() else {}
    known |= answers(inquiry, given.cache.resolve(), given.only or inquiry.libraries)
    known = {name: known.get(name) for name in inquiry.libraries}
    file.write_text(json.dumps(known, ensure_ascii=False, indent=1) + "\n", "utf-8")
    file.with_suffix(".md").write_text(inquiry.page(known), "utf-8")


def answers(inquiry: Inquiry, cache: Path, wanted: Iterable[str]) -> dict[str, Any]:
    """Ask libraries, and tell how far it is. One that does not run has None for its answers."""
    found: dict[str, Any] = {}
    for name in wanted:
        try:
            library = inquiry.libraries[name]
            found[name] = inquiry.completed(library, asked(inquiry.module, library, cache))
            said = "ran"
        except (subprocess.SubprocessError, OSError) as error:
            found[name], said = None, f"did not run: {getattr(error, 'stderr', None) or error}"
        print(f"{name} {said}", file=sys.stderr)
    return found


def asked(module: str, library: Library, cache: Path) -> dict[str, Any]:
    """Return a library's versions and its answers, by question."""
    python = interpreter(library, cache)
    variables = dict(pair.split("=") for pair in library.variables.split())
    command = [python, "-m", module, library.adapter, *names(library)]
    return json.loads(run(command, **variables).splitlines()[-1])


def names(library: Library) -> list[str]:
    """Return the names of a library's packages, without their versions."""
    return [pin.split("==")[0] for pin in library.packages.split()]


def interpreter(library: Library, cache: Path) -> str:
    """Return the Python of a library's environment, which is made if it is not there."""
    if not library.packages:
        return sys.executable
    place = cache / library.packages.replace("==", "-").replace(" ", "_")
    python = str(place / "bin" / "python")
    if not (place / "whole").exists():  # or it was left half made
        run([sys.executable, "-m", "venv", "--clear", str(place)])
        wanted = [*library.packages.split(), *library.beside.split(), "numpy"]
        run([python, "-m", "pip", "install", "-q", *wanted])
        (place / "whole").touch()
    return python


def run(command: list[str], **variables: str) -> str:
    """Run a command in the folder of the tests, and return what it prints."""
    paths = os.pathsep.join([str(TESTS.parent), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
    environment = {**os.environ, "PYTHONPATH": paths, **variables}
    options: dict[str, Any] = {"capture_output": True, "text": True, "check": True}
    return subprocess.run(
        command, cwd=TESTS, env=environment, timeout=60 * MINUTES, **options
    ).stdout
