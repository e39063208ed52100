"""The table of claims in these docs: ``python docs/claims.py DIR [DIR ...]`` prints it from the CSV
files that the demos leave in a folder with ``--save DIR``.

The first folder makes the table. Further folders hold the same demos, run with the arithmetic of
other processors, by whose names they are called; claims in which they differ are marked, and listed
below the table. docs/project/contributing.md has the commands.
"""

import sys
from pathlib import Path

from microbn.lab.results import Results

BAR = "\\|"
MARK = "†"
HEADER = """\
What these demos measured, with their own seeds, from 0 on, by the commands in
[contributing](../project/contributing.md), beside what is said elsewhere (without a source: what
textbooks say). A gate is what has to come out for a claim to be held. Where it does not, the demo
fails, but for claims that are only shown.

| demo | claim | textbook | here | gate | held |
|:--|:--|:--|:--|:--|:--|
"""
APART = """
## What depends on the processor

NumPy and OpenBLAS use what a processor offers, so their results differ in the last bits from one
processor to another. A training at the edge of divergence and a net trained on tiny batches make
much of these bits. The claims are given as they come out on `{first}`, which
`python -m tests.processors {first}` imitates. The rows marked with {mark} come out otherwise on
others, and no other row differs in a digit. {held}

| demo | claim | {names} |
|:--|:--|{columns}
"""


def table(folder, *others):
    measured, *elsewhere = runs = [claims(each) for each in (folder, *others)]
    for other, run in zip(others, elsewhere, strict=True):
        if run.keys() != measured.keys():
            raise SystemExit(f"{other} and {folder} do not hold the same claims; run all demos")
    apart = {key for key in measured if len({outcome(run[key]) for run in runs}) > 1}
    rows = "".join(line(row, MARK * (key in apart)) for key, row in measured.items())
    below = differences([Path(each).name for each in (folder, *others)], runs, apart)
    return HEADER + rows + below * bool(others)


def claims(folder):
    """The claims of a folder, by demo and sentence."""
    files = sorted(Path(folder).glob("d*.claims.csv"))
    rows = [row for file in files for row in Results.load(file).rows]
    if not rows:
        raise SystemExit(f"{folder} holds no claims; run the demos with --save {folder}")
    if other := [row["demo"] for row in rows if row["quick"] or row["data"] not in ("", "digits")]:
        raise SystemExit(f"{other[0]} was run with --quick or --data; run it without")
    return {(row["demo"][:3], row["claim"]): row for row in rows}


def line(row, mark):
    gate = f"{row['gate']} (only shown)" if row["shown"] else row["gate"]
    here = f"{row['here']} {mark}".strip()
    held = "yes" if row["held"] else "**no**"
    return written(row["demo"][:3], row["claim"], row["textbook"], here, gate, held)


def differences(names, runs, apart):
    """The claims that differ between runs, each with what came out in every run."""
    held = all(run[key]["held"] == runs[0][key]["held"] for run in runs for key in apart)
    sentence = (
        "The same claims are held on all of them."
        if held
        else "**Not all are held on each of them.**"
    )
    head = APART.format(
        first=names[0],
        mark=MARK,
        held=sentence,
        names=" | ".join(names),
        columns=":--|" * len(names),
    )
    rows = (written(*key, *(outcome(run[key]) for run in runs)) for key in runs[0] if key in apart)
    return head + "".join(rows)


def outcome(row):
    return row["here"] if row["held"] else f"{row['here']} (not held)"


def written(*cells):
    return f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |\n"


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    sys.stdout.write(table(*sys.argv[1:]))
