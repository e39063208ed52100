"""The answers of `questions`, as the tables of docs/measured/elsewhere.md."""

from __future__ import annotations

from typing import Any

LOADED = "eval of the layer, loaded here"
TABLES = {  # each with its questions
    "Defaults": [
        *("ε", "weight of the first mean", "running variance"),
        *("mean with momentum=0", "mean with momentum=1", "eval of 2, before any batch"),
    ],
    "Small batches and bad entries": [
        *("one value per channel", "1 and 3", "empty batch", "NaN", "infinity", "±1e20"),
    ],
    "Rounding": [
        *("offset 0", "offset 1e2", "offset 1e4", "offset 1e6"),
        *("three axes", "four axes", "float16", "integers"),
    ],
    "Gradients": ["gradient", "gradient at a constant feature", "second derivative"],
    "Loading": [LOADED],
}
NOTES = {
    "Defaults": """\
An output for a variance of 1e-6 shows ε. The next columns have the running mean after one batch of
mean 1, starting from 0: first with the defaults, and then with the library's momentum (or decay) at
0 and 1. In the last column a layer that has seen no batch normalizes the number 2 in eval. Haiku's
and Flax's layers were made with a batch of zeros.""",
    "Small batches and bad entries": """\
The layer is new: if it has statistics, they are mean 0 and var 1. "y" is the output. The second
column has the larger output for a batch of 1 and 3. A bad entry stands in one of two features; "for
good" says that the statistics are still not finite after a batch without one. The last column has
the outputs for a batch of 1e20 and -1e20, which should be 1 and -1.""",
    "Rounding": """\
Each number is the largest error of a normalized entry. In the first four columns 64 values of
deviation 1 stand on an offset, in float32. A dtype is that of the output.""",
    "Gradients": """\
Each number is the largest error, at 8 values of deviation 1, with a random cotangent in float32. At
a constant feature it is the relative error. "none" means that there are no gradients.""",
    "Loading": """\
The layer saw four batches, and `state` gave its arrays to a layer of ours. The number is the
largest difference between their outputs in eval, in float32.""",
}


def page(known: dict[str, Any]) -> str:
    """Return the page: the versions, the tables, and the libraries that did not run."""
    ran = {name: found for name, found in known.items() if found}
    parts = [f"`python -m tests.elsewhere` ran {versions(ran)}."]
    for title, questions in TABLES.items():
        parts += [f"**{title}**", table(ran, questions), NOTES[title]]
    parts += ["A name that ends in Error or Graph is the name of an error that was raised."]
    return "\n\n".join([*parts, *absent(known)]) + "\n"


def versions(ran: dict[str, Any]) -> str:
    """Name the libraries with the versions of their packages."""
    named = [
        f"{name} ({', '.join(' '.join(pair) for pair in found['versions'].items())})"
        for name, found in ran.items()
        if found["versions"]
    ]
    return f"microbn and {', '.join(named)}"


def absent(known: dict[str, Any]) -> list[str]:
    """Name the libraries that have no answers."""
    return [
        f"{name} could not be installed, or did not run."
        for name, found in known.items()
        if not found
    ]


def table(ran: dict[str, Any], questions: list[str]) -> str:
    """Return one table: a row for each library, a column for each question."""
    rows = [["library", *questions], [":--"] * (1 + len(questions))]
    rows += [[name, *(found["cells"][q] for q in questions)] for name, found in ran.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
