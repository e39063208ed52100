"""Signs: the functions that Python writes as operators, and how tightly these bind."""

from __future__ import annotations

from typing import Any

import numpy as np

# Python's operators. The first number says how tightly an operator binds. The other two say how
# tightly its left and its right operand have to bind to need no parentheses: (a - b) - c needs
# none, and a - (b - c) does.
# fmt: off
_OPERATORS: tuple[tuple[int, int, int, dict[np.ufunc, str]], ...] = (
    (0, 1, 1, {np.equal: "==", np.not_equal: "!=", np.less: "<", np.less_equal: "<=",
               np.greater: ">", np.greater_equal: ">="}),
    (1, 1, 2, {np.bitwise_or: "|"}),
    (2, 2, 3, {np.bitwise_and: "&"}),
    (3, 3, 4, {np.add: "+", np.subtract: "-"}),
    (4, 4, 5, {np.multiply: "·", np.divide: "/", np.floor_divide: "//", np.remainder: "%",
               np.matmul: "@"}),
    (5, 5, 5, {np.negative: "-", np.positive: "+", np.invert: "~"}),
    (6, 7, 5, {np.power: "**"}),
)
# fmt: on
SIGNS: dict[np.ufunc, Any] = {
    ufunc: (sign, *row) for *row, signs in _OPERATORS for ufunc, sign in signs.items()
}
# The signs of arithmetic by the name of the function, as a box in a drawing shows them.
BOX_SIGNS = {"sqrt": "√"} | {
    ufunc.__name__: {"-": "−", "·": "×", "/": "÷"}.get(sign, sign)
    for ufunc, (sign, level, *_) in SIGNS.items()
    if level in (3, 4)
}
# How tightly a number with a minus sign binds, and how tightly a name, a call or brackets do.
MINUS, WHOLE = 5, 7
