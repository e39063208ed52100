"""Print the table of claims in these docs: ``python docs/claims.py DIR [DIR ...]``.

A folder holds the CSV files that all demos leave there with ``--save DIR``. The first folder makes
the table. Each further folder is named after a processor, and holds the same demos run with that
processor's arithmetic; claims that come out differently there are marked, and listed below the
table. docs/project/contributing.md has the commands.
"""

import sys
from pathlib import Path

from microbn.errors import MicrobnError
from microbn.lab.claims import CLAIMS, Claim
from microbn.lab.results import Results

COLUMNS = ("demo", "seeds", "data", "quick", *Claim.__annotations__)
BAR = "\\|"
MARK = "†"
HEADER = """\
The demos measured these results with seeds from 0 on, by the commands in
[contributing](../project/contributing.md): d05 is the run of `demos/d05_training_speed.py`. The
gate is the result that a claim has to reach to count as held. If a gate is missed, the demo fails,
unless the claim is only shown. The last column has the textbook's sentence, with its source unless
all textbooks say so.

| demo | claim | here | held | gate | textbook |
|:--|:--|:--|:--|:--|:--|
"""
APART = """
## What depends on the processor

NumPy and OpenBLAS use what a processor offers, so their results differ in the last bits from one
processor to another. A training at the edge of divergence and a net trained on tiny batches magnify
these bits. The claims are given as they come out on `{first}`, which
`python -m tests.processors {first}` imitates. The rows marked with {mark} come out differently on
other processors, and no other row differs in a digit. {held}

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
    """Read the claims in a folder, by demo and sentence. They must be those of all demos."""
    files = sorted(Path(folder).glob("d*.claims.csv"))
    rows = [row for file in files for row in rows_of(file)]
    if not rows:
        raise SystemExit(f"{folder} holds no claims; run the demos with --save {folder}")
    if other := [row["demo"] for row in rows if row["quick"] or row["data"] not in ("", "digits")]:
        raise SystemExit(f"{other[0]} was run with --quick or --data; run it without")
    if other := [row["demo"] for row in rows if str(row["seeds"]).split()[0] != "0"]:
        raise SystemExit(f"{other[0]} was run with --first; run it without")
    for demo, entries in CLAIMS.items():
        wanted = sum(len(entry.get("cases", [entry])) for entry in entries)
        if (count := sum(row["demo"] == demo for row in rows)) != wanted:
            raise SystemExit(
                f"{folder} has {count} of {demo}'s {wanted} claims; run {demo} with --save {folder}"
            )
    return {(row["demo"][:3], row["claim"]): row for row in rows}


def rows_of(file):
    try:
        (results := Results.load(file)).check(*COLUMNS)
    except MicrobnError as error:
        raise SystemExit(f"{file} is not as a demo writes it: {error}") from None
    return results.rows


def line(row, mark):
    gate = f"{row['gate']} (only shown)" if row["shown"] else row["gate"]
    here = f"{row['here']} {mark}".strip()
    held = "yes" if row["held"] else "**no**"
    return written(row["demo"][:3], row["claim"], here, held, gate, row["textbook"])


def differences(names, runs, apart):
    """List the claims that differ between runs, each with its outcome in every run."""
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
