"""Lines of code: ``python -m tests.bench.lines`` counts them anew for README and docs/measured."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from functools import cache
from pathlib import Path

from .imports import AT_IMPORT, IN_FUNCTIONS, PACKAGE, path_of, reached

ROOT = PACKAGE.parent
PAGES = (ROOT / "README.md", ROOT / "docs" / "measured" / "speed.md")
ENGINE = tuple(map(path_of, reached("engine.tensor", AT_IMPORT, IN_FUNCTIONS)))

OWN_ROW = "engine/composed/"  # a folder that its wing's row leaves out

WING = re.compile(r"^(\| `[^|]*\|[^|]*\| )([\d,]+)(?= \|$)", re.MULTILINE)
RECORDING = re.compile(r"^(\| \d+\. lines of code that record and differentiate \| )[\d,]+", re.M)
COUNTED = re.compile(r"^Lines of microbn: .*", re.MULTILINE)


def main() -> None:
    for page in PAGES:
        text = recounted(page.read_text("utf-8"))
        page.write_text(text, "utf-8")
        for row in (*WING.finditer(text), *RECORDING.finditer(text)):
            print(f"{page.name}: {row[0]}")


def recounted(text: str) -> str:
    """Return the text of a page with all that it says of our lines of code counted again.

    The first cell of a row names the files and folders of which the last one gives the lines.
    """
    text = WING.sub(lambda row: f"{row[1]}{lines_of(*files_in(row[1])):,}", text)
    text = RECORDING.sub(lambda row: f"{row[1]}{lines_of(*ENGINE):,}", text)
    return COUNTED.sub(f"Lines of microbn: {', '.join(ENGINE)}.", text)


def files_in(row: str, package: Path = PACKAGE) -> list[str]:
    """Return the files of a row that begins with names such as "`engine/`, `functional.py`"."""
    names = re.findall("`(.+?)`", row.split("|")[1])
    found = [
        f for name in names for f in (sorted((package / name).rglob("*.py")) or [package / name])
    ]
    files = [file.relative_to(package).as_posix() for file in found]
    return [file for file in files if OWN_ROW in names or not file.startswith(OWN_ROW)]


def lines_of(*files: str) -> int:
    return sum(code_lines((PACKAGE / file).read_text("utf-8")) for file in files)


@cache
def code_lines(text: str) -> int:
    """Count the lines on which there is code: not blank, not a comment, not of a docstring."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    spans = (range(t.start[0], t.end[0] + 1) for t in tokens if t.type not in LAYOUT)
    found = {line for span in spans for line in span}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str):
            found -= {*range(node.lineno, (node.end_lineno or 0) + 1)}
    return len(found)


LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
LAYOUT |= {tokenize.ENDMARKER}


if __name__ == "__main__":
    main()
