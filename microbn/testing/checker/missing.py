"""A stage can lack a part of the gradient that emerges, or have it too often: this finds out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ...engine.tensor import Tensor
from .emerged import Arrival, Emerged, within
from .hints import hint, times_too_large
from .meant import Said

MOST_PATHS = 100  # so many values are tried for a path that is missing


def difference(
    emerged: Emerged,
    node: Tensor,
    part: Arrival | None,
    mine: np.ndarray,
    right: np.ndarray,
    follows: np.ndarray,
) -> Said:
    """Say how the gradient ``mine`` of a value, or a part of it, differs from the right one.

    ``follows`` is the error that comes from earlier mistakes.
    """
    if not np.isfinite(mine).all():
        return Said("is not finite")
    guesses: Iterator[str] = iter(())
    if not part and not follows.any():
        guesses = _parts_and_paths(emerged, node, mine, right)
    if said := next(guesses, ""):
        return Said(said)
    should = right + follows
    parts = [part] if part else emerged.summands(node)
    for constant, ratio in emerged.constants(parts[0]) if len(parts) == 1 else ():
        if should.any() and within(mine, ratio * should):
            said = times_too_large(ratio, mine.size)
            return _of_hint(f"{said}{_constant_missing(constant)}")
    if words := _hint(emerged, node, mine, should):
        return _of_hint(words)
    i = np.unravel_index(np.argmax(np.abs(mine - should)), should.shape)
    where = f" at {[int(k) for k in i]}" if i else ""
    return Said(f"is {mine[i]:.5g}{where}, and the right number is {should[i]:.5g}")


def _of_hint(words: str) -> Said:
    return Said(words.removeprefix("it "), inside=not words.startswith("it "))


def _constant_missing(constant: float) -> str:
    return f": is the {constant:.6g} of the rule missing?"


def _parts_and_paths(
    emerged: Emerged, node: Tensor, mine: np.ndarray, right: np.ndarray
) -> Iterator[str]:
    """Guess at parts that are missing, or that are in it too often; then at whole paths."""
    parts = emerged.summands(node)
    times = often(mine, [part.gradient for part in parts])
    if times and np.ptp(times) <= 1e-6 * abs(times[0]):
        return  # a factor that is the same everywhere: the hint has words for it
    if times:
        pairs = zip(parts, times, strict=True)
        said = [_of_part(emerged, node, i, parts, k) for i, (_, k) in enumerate(pairs) if k != 1]
        yield ", and ".join(said)
    for through in _between(emerged, node):
        path = emerged.along(through, emerged.gradients[through.number], node)
        times = often(mine, [right - path, path])
        if times and times[0] == 1 != times[1]:
            yield _amount(times[1], f"the path through {emerged.name(through)}")


def _between(emerged: Emerged, node: Tensor) -> list[Tensor]:
    """Return the values from which gradients flow to ``node``: first those that have a name."""
    later = [
        x for x in emerged.tape[:-1] if x.number > node.number and x.number in emerged.gradients
    ]
    return sorted(later, key=lambda x: not emerged.names[x.number])[:MOST_PATHS]


def _of_part(emerged: Emerged, node: Tensor, i: int, parts: Sequence[Arrival], times: float) -> str:
    which = emerged.which(parts, i)
    constants = (c for c, ratio in emerged.constants(parts[i]) if abs(ratio - times) < 1e-6)
    meaning = next(map(_constant_missing, constants), "")
    if not meaning and times not in (0, 1) and np.abs(parts[i].gradient).any():
        words = _hint(emerged, node, times * parts[i].gradient, parts[i].gradient) or ""
        meaning = words.partition(" times what it should be")[2]
    return f"{_amount(times, which)}{meaning}"


def _amount(times: float, what: str) -> str:
    if times == 0:
        return f"lacks {what}"
    return f"has {what} times {times:.6g}"


def often(mine: np.ndarray, parts: Sequence[np.ndarray]) -> list[float] | None:
    """Return how often each part is in a sum, or None if the sum is not made of these parts.

    Parts that are 0 are in it once. Numbers that are nearly whole are whole.
    """
    sizes = [float(np.linalg.norm(part)) for part in parts]
    there = [i for i, size in enumerate(sizes) if size > 1e-9 * max(sizes)]
    columns = np.stack([np.ravel(parts[i]) / sizes[i] for i in there], 1) if there else np.ones(0)
    if not there or mine.size <= len(there):
        return None  # any few numbers are such a sum
    found, _, rank, _ = np.linalg.lstsq(columns, np.ravel(mine), rcond=1e-8)
    if rank < len(there) or not within(columns @ found, np.ravel(mine)):
        return None
    times = [1.0] * len(parts)
    for i, x in zip(there, found, strict=True):
        exact = float(x) / sizes[i]
        times[i] = float(round(exact)) if abs(exact - round(exact)) < 1e-6 else exact
    return times


def _hint(emerged: Emerged, node: Tensor, mine: np.ndarray, right: np.ndarray) -> str:
    """Return the likeliest guess at a mistake from the numbers alone, or ""."""
    values = emerged.values()
    name = emerged.names[node.number]
    gradients = {each: emerged.gradients[x.number] for each, x in values.items()} | {name: right}
    inputs = {each: x.value for each, x in values.items()} | {name: node.value}
    if not right.size or not np.abs(right).any():
        return ""
    return hint(name, mine, inputs, gradients) or ""
