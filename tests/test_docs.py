"""What README and the docs show has run: every Python block, file by file, from top to bottom."""

import re
import runpy
from pathlib import Path

import pytest

from microbn.lab.sweep import Table

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(text):
    """The code of each Python block, and what a text block right below says that it prints."""
    fences = r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?"
    return re.findall(fences, text, re.DOTALL | re.MULTILINE)


def words(text):
    """A text without its decimals, whose last digits differ between machines, and line breaks."""
    decimal = r"-?\d+\.\d*(e[-+]?\d+)?|-?\d+e[-+]?\d+"
    return re.sub(rf"(?<![\w.])({decimal})", "#", text).split()


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p.read_text())], ids=lambda p: p.name)
def test_blocks_run_as_they_stand_and_print_what_is_shown(page, capsys):
    namespace = {}
    for code, shown in blocks(page.read_text()):
        exec(compile(code, str(page), "exec"), namespace)
        printed = capsys.readouterr().out
        assert not shown or words(printed) == words(shown)


def test_blocks_are_found():
    page = "```python\nx = 1\n```\n\n```text\n2\n```\n```bash\nls\n```\n```python\ny\n```\n\nz"
    assert blocks(page) == [("x = 1\n", "2\n"), ("y\n", "")]
    assert words("off by 2.5e-08,\n  1 in x") == words("off by 3e-7, 1 in x")
    assert words("d_x_1 / 4") != words("d_x_2 / 4") != words("d_x_2 / 5")
    assert len(blocks((ROOT / "README.md").read_text())) == 4


def test_the_table_beside_the_derivation_by_hand_has_every_line_of_both():
    page = (ROOT / "docs" / "program.md").read_text()
    rows = re.findall(r"^\| \w+ \| (`d\[.*?) \| (`d_.*) \|$", page, re.MULTILINE)
    by_hand, ours = (re.findall("`(.*?)`", "".join(column)) for column in zip(*rows, strict=True))
    staged = (ROOT / "microbn" / "closed_form.py").read_text().split('d["scaled"] = dy')[1]
    stages = re.findall(r'd\["\w+"\] = .*', staged.split("return d")[0])
    assert sorted(by_hand) == sorted(stages)
    printed = blocks(page)[0][1].split("# backward")[1].splitlines()[1:-1]
    assert sorted(ours) == sorted(line.split("  #")[0].strip() for line in printed)


CLAIM = {
    "demo": "d05_training_speed",
    "seeds": "0 to 4",
    "data": "digits",
    "quick": False,
    "claim": "trains faster",
    "textbook": "14 times",
    "here": "|2| times",
    "held": False,
    "gate": "≥ 3",
    "shown": True,
}


def test_the_table_of_claims_is_made_from_the_files_of_the_demos(tmp_path):
    table = runpy.run_path(str(ROOT / "docs" / "claims.py"))["table"]
    with pytest.raises(SystemExit, match="holds no claims; run the demos"):
        table(tmp_path)
    Table([CLAIM]).save(tmp_path / "d05_training_speed.claims.csv")
    row = "| d05 | trains faster | 14 times | \\|2\\| times | ≥ 3 (only shown) | **no** |"
    assert table(tmp_path).splitlines()[-1] == row
    for other in ({"quick": True}, {"data": "mnist"}):
        Table([CLAIM | other]).save(tmp_path / "d05_training_speed.claims.csv")
        with pytest.raises(SystemExit, match="d05_training_speed was run with --quick or --data"):
            table(tmp_path)


def test_the_table_of_claims_has_every_demo_and_no_gate_that_was_missed():
    rows = (ROOT / "docs" / "claims.md").read_text().splitlines()
    rows = [row.split(" | ") for row in rows if row.startswith("| d0") or row.startswith("| d1")]
    assert sorted({row[0][2:] for row in rows}) == [f"d{i:02}" for i in range(1, 15)]
    for *_, gate, held in rows:
        assert held == "yes |" or gate.endswith("(only shown)")
