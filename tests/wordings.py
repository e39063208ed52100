"""Words as Python: evaluated, parsed, and searched for parentheses that they do not need."""

import ast

import numpy as np

from microbn.engine.primitive import RULES

PRIMITIVES = {f.__name__: f for f in RULES if hasattr(f, "compute")}


def evaluated(text, **operands):
    """Evaluate the text as Python."""
    with np.errstate(all="ignore"):
        return eval(text.replace("·", "*"), {**vars(np), **PRIMITIVES, **operands})


def same_bits(a, b):
    a, b = np.asarray(a), np.asarray(b)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def parsed(text):
    return ast.dump(ast.parse(text.replace("·", "*"), mode="eval"))


def pairs(text):
    """Yield where parentheses open and close, except those of calls."""
    opened = []
    for i, character in enumerate(text):
        if character == "(":
            opened.append(i)
        if character == ")":
            start = opened.pop()
            if not (start and (text[start - 1].isalnum() or text[start - 1] in "_])")):
                yield start, i


def idle(text):
    """Yield each text with one pair of parentheses fewer that means the same to Python."""
    for start, end in pairs(text):
        shorter = text[:start] + text[start + 1 : end] + text[end + 1 :]
        try:
            if parsed(shorter) == parsed(text):
                yield shorter
        except SyntaxError:
            pass
