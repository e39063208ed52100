"""The table of claims in these docs: ``python docs/claims.py DIR`` prints it from the CSV files.

``for demo in demos/d*.py; do python $demo --no-show --save DIR; done`` writes them.
"""

import sys
from pathlib import Path

from microbn.lab.sweep import Table

BAR = "\\|"
HEADER = """\
What these demos measured, with their own seeds, from 0 on, by the command in `docs/claims.py`,
beside what is said elsewhere (without a source: what textbooks say). A gate is what has to come out
for a claim to be held. Where it does not, the demo fails, but for claims that are only shown.

| demo | claim | textbook | here | gate | held |
|:--|:--|:--|:--|:--|:--|
"""


def table(folder):
    files = sorted(Path(folder).glob("d*.claims.csv"))
    rows = [row for file in files for row in Table.load(file).rows]
    if not rows:
        raise SystemExit(f"{folder} holds no claims; run the demos with --save {folder}")
    if other := [row["demo"] for row in rows if row["quick"] or row["data"] not in ("", "digits")]:
        raise SystemExit(f"{other[0]} was run with --quick or --data; run it without")
    return HEADER + "".join(map(line, rows))


def line(row):
    gate = f"{row['gate']} (only shown)" if row["shown"] else row["gate"]
    cells = row["demo"][:3], row["claim"], row["textbook"], row["here"], gate
    held = "yes" if row["held"] else "**no**"
    return f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} | {held} |\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    sys.stdout.write(table(sys.argv[1]))
