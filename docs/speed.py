"""Draw the figure of docs/project/speed.md from the tables that were measured: python docs/speed.py

For each contender it shows the time of a training step, how often the step goes through memory, and
how much memory it needs at its peak.
"""

import re
import sys
from pathlib import Path

from matplotlib.figure import Figure

from microbn.lab import figures

DOCS = Path(__file__).parent
BY_HAND, LIMIT = "hand-derived NumPy", "its products of matrices alone"
PANELS = {  # the title of a table, the column that is shown, and what it is
    "Training step": (
        "H=100 N=128 f64",
        "time of a step, by hand: 1\nH=100 N=128 float64",
    ),
    "Passes over memory": ("a layer", "passes over memory, a layer\nthe same; where counted"),
    "Peak memory": ("bytes", "peak memory, MB\nH=256 N=2048 float32"),
}


def tables(text):
    """Return the numbers in each table of a page in Markdown: by title, column and row."""
    found = {}
    for title, body in re.findall(r"^## (.+)\n\n((?:\|.*\n)+)", text, re.MULTILINE):
        head, _, *rows = [
            [cell.strip() for cell in line[1:-2].split("|")] for line in body.splitlines()
        ]
        found[title] = {
            column: {row[0]: float(row[i].replace(",", "")) for row in rows if is_number(row[i])}
            for i, column in enumerate(head)
        }
    return found


def is_number(cell):
    return re.fullmatch(r"[\d,.]*\d", cell) is not None


def drawn(found):
    """Draw a panel for each table, with the contenders in the order of their times."""
    times = found["Training step"][PANELS["Training step"][0]]
    limit = times.pop(LIMIT)
    names = sorted(times, key=times.get, reverse=True)
    figure = Figure(figsize=(12, 5), layout="constrained")
    axes = figure.subplots(1, len(PANELS), sharey=True)
    for ax, (title, (column, label)) in zip(axes, PANELS.items(), strict=True):
        values = {name: n for name, n in found[title][column].items() if name in names}
        if column == "bytes":
            values = {name: n / 1e6 for name, n in values.items()}
        places = [names.index(name) for name in values]
        bars = ax.barh(places, [*values.values()], color=[*map(color, values)])
        ax.bar_label(bars, fmt="%.2f" if title == "Training step" else "%.0f", padding=3)
        ax.set_title(label, fontsize=11)
        ax.margins(x=0.15)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].axvline(limit, linestyle="--", color="black", linewidth=1)
    axes[0].set_xlabel(f"dashed: its products alone, {limit:.2f}")
    return figure


def color(name):
    if name == BY_HAND:
        return "tab:gray"
    return "tab:orange" if name.startswith("microbn") else "tab:blue"


def main(target=DOCS / "images" / "speed.png"):
    page = (DOCS / "measured" / "speed.md").read_text("utf-8")
    print(figures.save(drawn(tables(page)), Path(target)))


if __name__ == "__main__":
    main(*sys.argv[1:])
