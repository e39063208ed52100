"""The exercises of a workshop: a script in TOML says which tabs the page has."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..arguments import check_keys, read_toml
from ..cli.grading.sheet import FITS, FLAG, QUOTED, QUOTED_LIST, SHARED, check_inputs
from ..errors import ArgumentError

LAB = files(__package__) / "lab.toml"
TAB = {
    "title": QUOTED,
    "text": QUOTED,
    "code": QUOTED,
    "file": QUOTED,
    "check": QUOTED,
    "inputs": QUOTED_LIST,
    "hints": SHARED["hints"],
    "stages": FLAG,
}
OF_A_CHECK = ("inputs", "hints", "stages")
IMPORTED = {*sys.stdlib_module_names, "numpy", "microbn", "js", "pyodide", "pyodide_js"}


def exercises_from(script: Path | str | None = None) -> tuple[str, list[dict[str, Any]]]:
    """Return the title of a workshop and its exercises, each a tab of the page.

    Each has a title, the ``name`` of its file, its text, the code to begin with, and what is
    checked: ``check`` names a function or a layer in the code, and is "" if nothing is. Without a
    ``script`` they are the exercises of the lab. Raises ArgumentError for a script that cannot be
    read, and for an entry that is wrong, which it names.
    """
    place = LAB if script is None else Path(script)
    folder = Path("." if script is None else script).parent
    where = f"workshop: {place.name}"
    read = read_toml("workshop", place)
    entries = read.pop("exercise", None)
    check_keys(where, read, {"title": QUOTED}, FITS, "a script", ["title"])
    if not (isinstance(entries, list) and entries and all(isinstance(e, dict) for e in entries)):
        raise ArgumentError(
            f"{where} has no exercises; begin each with [[exercise]] on a line of its own"
        )
    tabs = [_tab(e, f"{where}: exercise {n}", folder) for n, e in enumerate(entries, 1)]
    _check_different(tabs, where)
    return read["title"], tabs


def _tab(entry: Mapping[str, Any], where: str, folder: Path) -> dict[str, Any]:
    """Return an exercise with all its keys. Raises ArgumentError for an entry that is wrong."""
    if isinstance(entry.get("title"), str):
        where += f" ({entry['title']})"
    check_keys(where, entry, TAB, FITS, "an exercise", ["title"])
    if ("code" in entry) == ("file" in entry):
        raise ArgumentError(
            f'{where} needs either the code to begin with, code = "…", or a file beside the '
            'script that has it, file = "start.py"'
        )
    if idle := [key for key in OF_A_CHECK if key in entry and "check" not in entry]:
        raise ArgumentError(
            f"{where} has {idle[0]} and checks nothing; name a function or a layer in its code: "
            'check = "layer"'
        )
    if "inputs" in entry:
        check_inputs(entry["inputs"], where)
    code = entry["code"] if "code" in entry else _starter(folder / entry["file"], where)
    usual = {"text": "", "check": "", "inputs": [], "hints": 2, "stages": False}
    own = {key: value for key, value in entry.items() if key != "file"}
    return usual | own | {"name": _file_name(entry["title"], where), "code": f"{code.strip()}\n"}


def _starter(path: Path, where: str) -> str:
    """Return the code in a file. Raises ArgumentError if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentError(
            f"{where}: file = {path.name!r} cannot be read: {error}; put it beside the script"
        ) from error


def _file_name(title: str, where: str) -> str:
    """Return the name of a tab's file: ``Batch norm's backward`` gives batch_norms_backward.py.

    Raises ArgumentError if nothing is left of the title, or if the file would hide a module.
    """
    name = re.sub(r"\W+", "_", re.sub(r"['’]", "", title.lower())).strip("_")
    if not name:
        raise ArgumentError(f"{where}: the title names the tab's file too; write a letter into it")
    if name in IMPORTED:
        raise ArgumentError(
            f"{where}: the tab's file would be {name}.py and hide the module {name}; give it "
            "another title"
        )
    return f"{name}.py"


def _check_different(tabs: list[dict[str, Any]], where: str) -> None:
    """Raise ArgumentError for two tabs with one file."""
    seen: dict[str, str] = {}
    for title, name in ((tab["title"], tab["name"]) for tab in tabs):
        if name in seen:
            shared = f", which share the file {name}" * (seen[name] != title)
            raise ArgumentError(
                f"{where} has the exercises {seen[name]!r} and {title!r}{shared}; give one of them "
                "another title"
            )
        seen[name] = title
