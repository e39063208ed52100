"""The verdicts of one checker on all cases.

``python -m acceptance.verdicts CHECKER PACKAGES``, run in the folder tests, prints them as JSON,
with the versions of the packages. It needs the checker's library and NumPy alone.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

from .cases import EDGES_RIGHT, EDGES_WRONG, RIGHT, WRONG, Case
from .checkers import CHECKERS

CASES = WRONG | RIGHT | EDGES_WRONG | EDGES_RIGHT
DRAWS, SEED = 20, 0
WORDS = {True: "accepts", False: "rejects", None: "cannot tell"}


def verdict(checker: Callable, case: Case, draw: int) -> str:
    """Return what a checker says of a case, or the name of the error that it raises instead."""
    rng = np.random.default_rng([SEED, draw])
    inputs = case.inputs(rng)
    with np.errstate(all="ignore"), warnings.catch_warnings():  # a step beyond a pole
        warnings.simplefilter("ignore")
        try:
            return WORDS[checker(case.forward, case.backward, inputs, rng)]
        except ImportError:
            raise
        except Exception as error:  # each library has a tree of its own
            return f"raises {type(error).__name__}"


def verdicts(checker: Callable, case: Case) -> dict[str, int]:
    """Count what a checker says in all draws of a case."""
    return dict(sorted(Counter(verdict(checker, case, draw) for draw in range(DRAWS)).items()))


def found(checker: str, packages: list[str]) -> dict[str, Any]:
    """Return the versions of the packages, and a checker's verdicts, by case."""
    cells = {name: verdicts(CHECKERS[checker], case) for name, case in CASES.items()}
    return {"versions": {name: version(name) for name in packages}, "cells": cells}


if __name__ == "__main__":
    print(json.dumps(found(sys.argv[1], sys.argv[2:]), ensure_ascii=False))
