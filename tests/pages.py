"""The pages of README and of the book, for the tests that read them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
DEMOS = sorted((ROOT / "demos").glob("d*.py"))
MADE = ("_build", "gallery")
BOOK = sorted(p for p in DOCS.rglob("*.md") if p.relative_to(DOCS).parts[0] not in MADE)
PAGES = [ROOT / "README.md", *BOOK]
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}


def rows(text):
    """Return the cells of all rows of all tables, without the line below a heading."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
