"""Guesses in a layer's own words: a relu, a tanh, a softmax, a layer with a shortcut.

No guess reads the layer's name: it takes a layer for a tanh because out equals tanh(x). Each is
found by trying equations between the gradient, the input x, the output out and the gradient that
comes in, dout; and it says only equations that hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

CLOSE = 1e-5  # two arrays are taken for the same within this share of the largest entry
STRAIGHT = 1e-7  # or within this share, where the slopes are those of straight lines
COMPUTED = 1e-9  # or within this share, where neither was estimated
FORMULAS: dict[str, Any] = {
    "1 - out²": lambda x, out: 1 - out**2,
    "(1 - out)²": lambda x, out: (1 - out) ** 2,
    "out · (1 - out)": lambda x, out: out * (1 - out),
    "out": lambda x, out: out,
    "1 - out": lambda x, out: 1 - out,
    "1 + out²": lambda x, out: 1 + out**2,
    "out²": lambda x, out: out**2,
    "-out²": lambda x, out: -(out**2),
    "1 / (2 · out)": lambda x, out: 1 / (2 * out),
    "1 / out": lambda x, out: 1 / out,
    "1": lambda x, out: np.ones_like(x),
    "x": lambda x, out: x,
    "2 · x": lambda x, out: 2 * x,
    "x²": lambda x, out: x**2,
    "3 · x²": lambda x, out: 3 * x**2,
    "1 / x": lambda x, out: 1 / x,
    "1 - x²": lambda x, out: 1 - x**2,
    "x · (1 - x)": lambda x, out: x * (1 - x),
    "sin(x)": lambda x, out: np.sin(x),
    "cos(x)": lambda x, out: np.cos(x),
    "-sin(x)": lambda x, out: -np.sin(x),
    "exp(x)": lambda x, out: np.exp(x),
    "sigmoid(x)": lambda x, out: _sigmoid(x),
    "1 - tanh(out)²": lambda x, out: 1 - np.tanh(out) ** 2,
    "sigmoid(out) · (1 - sigmoid(out))": lambda x, out: _sigmoid(out) * (1 - _sigmoid(out)),
}
KNOWN: dict[str, tuple[Any, str]] = {  # and the formula for the slope of each
    "tanh": (np.tanh, "1 - out²"),
    "sigmoid": (lambda x: _sigmoid(x), "out · (1 - out)"),
    "exp": (np.exp, "out"),
    "log": (np.log, "1 / x"),
    "sqrt": (np.sqrt, "1 / (2 · out)"),
    "square": (np.square, "2 · x"),
    "sin": (np.sin, "cos(x)"),
    "cos": (np.cos, "-sin(x)"),
    "softplus": (lambda x: np.logaddexp(0, x), "sigmoid(x)"),
}


def region_of(name: str, wrong: Any, should: Any, x: Any, out: Any, dout: Any) -> Iterator[str]:
    """Guess where a mask is wrong: on both sides of a border, dx is a multiple of dout."""
    for inside, words, opposite in (
        (x < 0, f"{name} < 0", f"{name} ≥ 0"),
        (x > 0, f"{name} > 0", f"{name} ≤ 0"),
        (np.abs(x) < 1, f"|{name}| < 1", f"|{name}| ≥ 1"),
        (out == 0, "out = 0", "out ≠ 0"),
    ):
        if inside.all() or not inside.any():
            continue
        found = [
            (_multiple(wrong, dout, side, STRAIGHT), _multiple(should, dout, side, STRAIGHT), where)
            for side, where in ((inside, words), (~inside, opposite))
        ]
        off = [_stopped(*one) for one in found if abs(one[0] - one[1]) > STRAIGHT]
        if off and np.isfinite([factors for *factors, _ in found]).all():
            yield "; ".join(off)


def _multiple(array: Any, dout: Any, where: Any, share: float) -> float:
    """Return which multiple of dout the array is there, or NaN if it is none.

    One number is always some multiple of another, so then only -1, 0 and 1 count.
    """
    part, unit = array[where], dout[where]
    factor = float(part @ unit / (unit @ unit))
    if usual := abs(factor) < 1.5 and abs(factor - round(factor)) < share:
        factor = float(round(factor))
    near = share * np.max(np.abs(unit)) * (1 if usual else abs(factor))
    is_multiple = np.max(np.abs(part - factor * unit)) <= near
    return factor if is_multiple and (usual or part.size > 1) else np.nan


def _stopped(given: float, due: float, where: str) -> str:
    if (given, due) == (1, 0):
        return f"dout is handed on where {where}, and should be stopped there"
    if (given, due) == (0, 1):
        return f"dout is stopped where {where}, and should be handed on there"
    return f"where {where} it is {_times_dout(given)}, and should be {_times_dout(due)}"


def _times_dout(factor: float) -> str:
    return {0.0: "0", 1.0: "dout", -1.0: "-dout"}.get(factor, f"{factor:.6g} · dout")


def slope_of(name: str, wrong: Any, should: Any, x: Any, out: Any, dout: Any) -> Iterator[str]:
    """Guess which formula was taken for the slope of a function that is applied to each entry."""
    if given := formula_for(name, wrong, x, out, dout, COMPUTED):
        if function := _known_function(x, out, should, dout):
            yield f"{_slope_in_words(function, name)}, and yours is {given}"
        elif due := formula_for(name, should, x, out, dout, CLOSE):
            yield f"it should be dout times {due}, and is dout times {given}"


def other_slope(name: str, should: Any, x: Any, out: Any, dout: Any) -> Iterator[str]:
    """Say the slope of the function that is applied to each entry, if it is a known function."""
    if function := _known_function(x, out, should, dout):
        yield f"{_slope_in_words(function, name)}, and yours is not"


def _known_function(x: Any, out: Any, should: Any, dout: Any) -> str | None:
    """Return the name of the known function that out is of x, if its slope is right."""
    if _is_special(x):
        return None
    for function, (f, slope) in KNOWN.items():
        due = dout * FORMULAS[slope](x, out)
        if nearly_equal(out, f(x), COMPUTED) and nearly_equal(should, due):
            return function
    return None


def _slope_in_words(function: str, name: str) -> str:
    return f"{function}' is {_with_name(KNOWN[function][1], name)}"


def formula_for(
    name: str, gradient: Any, x: Any, out: Any, dout: Any, share: float = COMPUTED
) -> str | None:
    """Return the formula by which dout was multiplied, if it is known."""
    if _is_special(x):
        return None
    for words, formula in FORMULAS.items():
        if nearly_equal(gradient, dout * formula(x, out), share):
            return _with_name(words, name)
    return None


def _is_special(x: Any) -> bool:
    """Return whether x has so few values that many formulas give the same, as on 0 and 1."""
    return bool(np.unique(np.abs(x)).size < 3)


def _with_name(words: str, name: str) -> str:
    """Write a formula of x in the name of the input."""
    return re.sub(r"(?<![a-z])x(?![a-z])", lambda _: name, words)


def shortcut(name: str, wrong: Any, should: Any, dout: Any) -> Iterator[str]:
    """Guess whether dout itself is missing, as where x is added to the output."""
    factor = _multiple(should - wrong, dout, np.full(dout.shape, True), CLOSE)
    if factor == 1:
        added = f"where {name} itself is added to the output"
        yield f"with dout added it is right: is the shortcut's dout missing, {added}?"
    elif factor == -1:
        yield "with dout subtracted it is right: is dout added once too often?"
    elif factor and np.isfinite(factor):
        yield f"with {_times_dout(factor)} added it is right"


def row_sum(name: str, wrong: Any, should: Any, x: Any, out: Any, dout: Any) -> Iterator[str]:
    """Guess at a sum or a mean over an axis, along which the right gradient sums to 0."""
    largest = max(np.max(np.abs(wrong)), np.max(np.abs(should)))
    for axis, n in enumerate(should.shape):
        off = np.max(np.abs(wrong.sum(axis)))
        if n < 2 or not sums_to_zero(should, axis) or off <= CLOSE * largest:
            continue
        each = {(2, 0): "each column of ", (2, 1): "each row of "}.get((should.ndim, axis), "")
        along = f" along axis {axis}" if should.ndim > 2 else ""
        if np.shape(out) == x.shape and nearly_equal(out, _softmax(x, axis), COMPUTED):
            said = f"{each}softmax's gradient sums to 0{along}, and yours does not"
            given = formula_for(name, wrong, x, out, dout)
            alone = "as if each output came from its own input alone"
            yield f"{said}: it is dout times {given}, {alone}" if given else said
        else:
            yield f"{each}it should sum to 0{along}, and does not"


def _softmax(x: Any, axis: int) -> Any:
    powers = np.exp(x - x.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def nearly_equal(a: Any, b: Any, share: float = CLOSE) -> bool:
    """Return whether two arrays differ by no more than this share of the largest entry of b.

    An array with an entry that is not finite is equal to none.
    """
    largest = np.max(np.abs(b))
    return bool(np.isfinite(largest) and np.max(np.abs(a - b)) <= share * largest)


def sums_to_zero(right: Any, axis: int) -> bool:
    """Return whether a shift along the axis changes nothing, as when the mean is subtracted."""
    return bool(np.max(np.abs(right.sum(axis))) <= CLOSE * np.max(np.abs(right)))
