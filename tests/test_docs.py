"""What README and the docs show has run: every Python block, file by file, from top to bottom."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(text):
    return re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p.read_text())], ids=lambda p: p.name)
def test_blocks_run_as_they_stand(page):
    namespace = {}
    for block in blocks(page.read_text()):
        exec(compile(block, str(page), "exec"), namespace)


def test_blocks_are_found():
    assert blocks("text\n```python\nx = 1\n```\n```bash\nls\n```\n") == ["x = 1\n"]
    assert len(blocks((ROOT / "README.md").read_text())) == 3
