"""The patterns that mistakes leave in the gradient of a batch: the error, feature by feature."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from ..testing import Report

REST = 1e-4  # the rest that a pattern leaves of the error, as a share of its largest entry
SAME, INPUT, FACTOR, ROWS = "same in every row", "follows x", "a wrong factor", "a number per row"
NONE = "no pattern"


def pattern_of(report: Report) -> tuple[str, str]:
    """Return the pattern of the error in the gradient of the first input, and what its size is.

    The input is (N, C), a row for each sample. The pattern is one of ``SAME``, ``INPUT``,
    ``FACTOR`` and ``ROWS``, or ``NONE``. The second text is the wrong factor of a gradient that has
    one, and otherwise how far the gradient is off.

    Raises ShapeError for an input of another shape, and for one without entries.
    """
    first = report.inputs[0]
    right = first.numeric.value
    _check_shape(right.shape)
    error = first.analytic - right
    if not error.any():
        return NONE, "no error"
    if not np.all(np.isfinite(error)):
        return NONE, "not finite"
    size = f"off by up to {np.max(np.abs(error)):.1g}"
    rest = error - error.mean(0)
    if _is_close(rest, 0 * rest, error):
        return SAME, size
    factor = _multiples(first.analytic, right)
    if _is_close(first.analytic, factor * right, error):
        return FACTOR, _in_words(factor[_is_more_than_rounding(right)])
    x = first.value - first.value.mean(0)
    if _is_close(rest, _multiples(rest, x) * x, error):
        return INPUT, size
    left, sizes, up = np.linalg.svd(rest, full_matrices=False)
    if _is_close(rest, sizes[0] * np.outer(left[:, 0], up[0]), error):
        return ROWS, size
    return NONE, size


def _check_shape(shape: tuple[int, ...]) -> None:
    if len(shape) != 2 or 0 in shape:
        raise ShapeError(
            f"pattern_of: the first input must be (N, C), with a row for each sample, got {shape}; "
            "give (N, C) to the function, and let it reshape that"
        )


def _multiples(array: np.ndarray, pattern: np.ndarray) -> Any:
    """Return, for each column, the multiple of the pattern that comes closest to the array."""
    squares = np.sum(pattern * pattern, axis=0)
    return np.sum(array * pattern, axis=0) / np.where(squares, squares, 1)


def _is_close(array: np.ndarray, pattern: np.ndarray, error: np.ndarray) -> bool:
    return bool(np.max(np.abs(array - pattern)) <= REST * np.max(np.abs(error)))


def _is_more_than_rounding(right: np.ndarray) -> np.ndarray:
    """Return which columns are not 0, up to rounding: a column of zeros has any factor."""
    largest = np.max(np.abs(right), axis=0)
    return largest > REST * largest.max()


def _in_words(factor: np.ndarray) -> str:
    """Write a factor for each feature: as one number, as a range, or by how little it is not 1."""
    least, most = factor.min(), factor.max()
    off = max(factor - 1, key=abs)
    if abs(off) < 1e-3:
        return f"dx × (1 {'−' if off < 0 else '+'} {abs(off):.0e})"
    if most - least <= 1e-3 * abs(off):
        return f"dx × {most:.3g}".replace("-", "−")
    return f"dx × {least:.3g} to {most:.3g}".replace("-", "−")
