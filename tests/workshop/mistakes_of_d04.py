"""The mistakes of demo d04, as a program for the page: what the checker says about each."""

import ast
from pathlib import Path

DEMO = Path(__file__).parents[2] / "demos" / "d04_test_your_batch_norm.py"
NAMES = {"forward", "dx", "MISTAKES", "FORWARDS", "DRAWN", "INPUTS", "check"}  # of the demo

START = """
from functools import partial
from types import SimpleNamespace
import numpy as np
from microbn.lab.patterns import pattern_of
from microbn.testing import HandWritten, gradcheck
args = SimpleNamespace(seeds=[0])
"""
END = """
def judged(report):
    return bool(report), str(report), pattern_of(report)[0]

value = {"right": judged(check(dx, 0))}
for mistake, wrong in MISTAKES.items():
    value[mistake] = judged(check(wrong, 0, FORWARDS.get(mistake, forward)))
"""


def program() -> str:
    """Return code that checks the demo's layer and each of its mistakes."""
    text = DEMO.read_text(encoding="utf-8")
    parts = [part for part in ast.parse(text).body if NAMES & defined(part)]
    return "\n".join([START, *(ast.unparse(part) for part in parts), END])


def defined(part: ast.stmt) -> set[str]:
    if isinstance(part, ast.FunctionDef):
        return {part.name}
    targets = part.targets if isinstance(part, ast.Assign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}
