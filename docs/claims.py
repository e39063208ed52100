"""The table of claims in these docs: ``python docs/claims.py DIR`` prints it from the CSV files.

``for demo in demos/d*.py; do python $demo --no-show --save DIR; done`` writes them.
"""

import sys
from pathlib import Path

from microbn.lab.sweep import Table

CELLS = "claim", "textbook", "here", "seeds", "gate"
HEADER = """\
What these demos measured, by the command in `docs/claims.py`, and what is said of batch norm
elsewhere. A gate is what a demo has to measure, or it fails; a claim without one is shown as it is.

| demo | claim | textbook | here | seeds | gate | held |
|:--|:--|:--|:--|:--|:--|:--|
"""


def table(folder):
    files = sorted(Path(folder).glob("d*.claims.csv"))
    rows = [row for file in files for row in Table.load(file).rows]
    if not rows:
        raise SystemExit(f"{folder} holds no claims; run the demos with --save {folder}")
    if quick := [row["demo"] for row in rows if row["quick"]]:
        raise SystemExit(f"{quick[0]} was run with --quick; run it without")
    return HEADER + "".join(map(line, rows))


def line(row):
    link = f"[{row['demo'][1:3]}](gallery/{row['demo']}.rst)"
    held = "yes" if row["held"] else "**no**"
    words = [(row[name] or "shown").replace("|", "\\|") for name in CELLS]
    return f"| {' | '.join([link, *words, held])} |\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    sys.stdout.write(table(sys.argv[1]))
