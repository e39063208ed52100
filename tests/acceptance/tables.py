"""The verdicts of all checkers, as the tables of docs/measured/checkers.md."""

from __future__ import annotations

import inspect
from typing import Any

from elsewhere.tables import absent, table, versions

from .cases import EDGES_RIGHT, EDGES_WRONG, RIGHT, SHAPE, WRONG
from .checkers import CHECKERS
from .verdicts import DRAWS, SEED

TABLES = {
    "Wrong gradients": WRONG,
    "Right gradients": RIGHT,
    "Wrong gradients, and none at all, at the edges": EDGES_WRONG,
    "Right gradients at the edges": EDGES_RIGHT,
}
RIGHTS = RIGHT | EDGES_RIGHT
LEGEND = f"""\
Every case has {DRAWS} draws, from seed {SEED}; if verdicts vary, each has its number of draws. A
verdict is wrong if it accepts a wrong gradient or rejects a right one. "raises" names the error
that comes instead of a verdict. "cannot tell" means that the checker, or the library's own estimate
of an error, gives no answer. Arrays have shape {SHAPE}, or 0 rows; batch norm has its
scale and shift. Every checker gets the same plain NumPy functions, forward and backward, at the
same inputs. A library that gives only numeric derivatives gets the sum of the outputs with random
weights; beside -1e9 a sum loses small terms. The checkers:"""


def page(known: dict[str, Any]) -> str:
    """Return the page: the versions, the tables, what each checker is, and which did not run."""
    ran = {name: found for name, found in known.items() if found}
    shown = {
        name: {"cells": {case: cell(case, said) for case, said in found["cells"].items()}}
        for name, found in ran.items()
    }
    parts = [f"`python -m tests.acceptance` ran {versions(ran)}."]
    for title, cases in TABLES.items():
        parts += [f"## {title}", table(shown, [*cases])]
    return "\n\n".join([*parts, LEGEND, notes(), *absent(known)]) + "\n"


def cell(case: str, said: dict[str, int]) -> str:
    """Write the verdicts on a case, and mark the wrong one."""
    wrong = "rejects" if case in RIGHTS else "accepts"
    shown = {f"**wrong: {word}**" if word == wrong else word: n for word, n in said.items()}
    if len(shown) == 1:
        return next(iter(shown))
    return ", ".join(f"{words} {count}" for words, count in shown.items())


def notes() -> str:
    """Say what each checker is."""
    return "\n".join(
        f"- {' '.join((inspect.getdoc(checker) or '').split())}" for checker in CHECKERS.values()
    )
