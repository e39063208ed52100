"""Sums of products with named axes: einsum, and the contraction that other products use too."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from math import prod
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from typing import Any

import numpy as np

from ...errors import ArgumentError, ShapeError, listed
from ..arrays import from_list
from .table import composes


@composes(np.einsum)
def einsum(subscripts: str, /, *operands: Any, optimize: str | Any = False) -> Any:
    """Multiply arrays with named axes, and sum over the names that the output does not have."""
    subscripts, arrays = _read((subscripts, *operands))
    shapes = tuple(getattr(x, "shape", ()) for x in arrays)
    terms, out, sizes = _subscripts(subscripts, shapes)
    left = [_simplified(x, term, sizes) for x, term in zip(arrays, terms, strict=True)]
    for step in _order(left, out, optimize):
        chosen = [left.pop(i) for i in sorted(step, reverse=True)][::-1]
        x, xs = chosen.pop(0)
        while chosen:
            y, ys = chosen.pop(0)
            needed = {*out}.union(*(term for _, term in chosen + left))
            kept = tuple(i for i in dict.fromkeys((*xs, *ys)) if i in needed)
            x, xs = contract(x, xs, y, ys, out if {*kept} == {*out} else kept)
        left.append((x, xs))
    return ordered(*_summed(*left[0], out), out)


def contract(x: Any, xs: Sequence, y: Any, ys: Sequence, out: Sequence) -> tuple[Any, Sequence]:
    """Multiply x and y, whose axes are named xs and ys, and sum over the names not in ``out``.

    Return the result and the names of its axes. They are those of ``out``, perhaps in another
    order. Names that are summed over become one axis of a matrix product. Without any it is a
    multiplication.
    """
    (x, xs), (y, ys) = _summed(x, xs, {*ys, *out}), _summed(y, ys, {*xs, *out})
    over = [i for i in xs if i in ys and i not in out]
    if not over:
        return np.multiply(_spread_out(x, xs, out), _spread_out(y, ys, out)), out
    batch = [i for i in xs if i in ys and i in out]
    rows, columns = [i for i in xs if i not in ys], [i for i in ys if i not in xs]
    if rows and columns and out.index(columns[0]) < out.index(rows[0]):
        return contract(y, ys, x, xs, out)  # its result has the axes of y first
    product = _as_matrices(x, xs, batch, rows, over) @ _as_matrices(y, ys, batch, over, columns)
    names = [*batch, *rows, *columns]
    if not _single(batch, rows, columns):
        size = dict(zip((*xs, *ys), (*x.shape, *y.shape), strict=True))
        product = np.reshape(product, tuple(size[i] for i in names))
    return product, names


def ordered(x: Any, xs: Sequence, order: Sequence) -> Any:
    """Transpose x, whose axes are named xs, so that their names stand in this order."""
    axes = [xs.index(i) for i in order]
    count = len(axes)
    if axes == [*range(count)]:
        return x
    if axes == [*range(count)][::-1]:
        return x.T
    if axes == [*range(count - 2), count - 1, count - 2]:
        return x.mT
    return np.transpose(x, tuple(axes))


def _summed(x: Any, xs: Sequence, kept: Collection) -> tuple[Any, Sequence]:
    """Sum over the axes whose names are not kept."""
    axes = tuple(axis for axis, i in enumerate(xs) if i not in kept)
    if not axes:
        return x, xs
    return np.sum(x, axis=axes if len(axes) > 1 else axes[0]), [i for i in xs if i in kept]


def _spread_out(x: Any, xs: Sequence, out: Sequence) -> Any:
    """Bring the axes of x into the order of ``out``, with an axis of size 1 where x has none."""
    order = [i for i in out if i in xs]
    x, first = ordered(x, xs, order), out.index(order[0]) if order else len(out)
    missing = tuple(axis - first for axis, i in enumerate(out) if axis > first and i not in xs)
    return np.expand_dims(x, missing) if missing else x


def _as_matrices(x: Any, xs: Sequence, batch: Sequence, rows: Sequence, columns: Sequence) -> Any:
    """Merge axes, so that x becomes a batch of matrices; or a vector, without a batch and rows."""
    order = [*batch, *rows, *columns]
    x = ordered(x, xs, order)
    if _single(batch, rows, columns):
        return x
    size = dict(zip(order, x.shape, strict=True))
    sides = [prod(size[i] for i in side) for side in (rows, columns) if side or batch]
    return np.reshape(x, (*(size[i] for i in batch), *sides))


def _single(batch: Sequence, *sides: Sequence) -> bool:
    """Return whether each side is a single axis already. Without a batch it may be missing."""
    return all(len(side) == 1 for side in sides if side or batch)


def _simplified(x: Any, xs: Sequence, sizes: dict) -> tuple[Any, Sequence]:
    """Take the diagonal for a repeated name, and drop axes of size 1 that would be broadcast."""
    for name in [i for i in dict.fromkeys(xs) if xs.count(i) > 1]:
        places = [axis for axis, i in enumerate(xs) if i == name]
        along = np.arange(x.shape[places[0]])
        x = x[tuple(along if i == name else slice(None) for i in xs)]
        apart = places[-1] - places[0] >= len(places)
        first = 0 if apart else places[0]  # NumPy puts the axis of such an index in front
        rest = [i for i in xs if i != name]
        xs = [*rest[:first], name, *rest[first:]]
    drop = [axis for axis, i in enumerate(xs) if x.shape[axis] != sizes[i]]
    if drop:
        x, xs = np.squeeze(x, tuple(drop)), [i for a, i in enumerate(xs) if a not in drop]
    return x, xs


def _order(operands: Sequence, out: Sequence, optimize: Any) -> Any:
    """Return which operands are multiplied in each step, as `np.einsum_path` says it."""
    if len(operands) < 3:
        return [range(len(operands))]
    subscripts = ",".join("".join(xs) for _, xs in operands) + "->" + "".join(out)
    shells = [np.broadcast_to(0.0, np.shape(x)) for x, _ in operands]
    try:
        return np.einsum_path(subscripts, *shells, optimize=optimize)[0][1:]
    except (ValueError, IndexError, TypeError, KeyError, RuntimeError) as error:
        raise ArgumentError(
            f"optimize={optimize!r:.60} gives no order: {error}; write True, 'greedy', 'optimal' "
            "or what np.einsum_path returns first"
        ) from None


def _read(operands: Sequence) -> tuple[str, list]:
    """Return the subscripts as a text, and the arrays, from either form of a call."""
    if operands and isinstance(operands[0], str):
        return operands[0].replace(" ", ""), [*map(from_list, operands[1:])]
    if len(operands) < 2:
        raise ShapeError("it starts with subscripts, as in np.einsum('ij,jk->ik', x, y)")
    pairs, end = len(operands) // 2 * 2, len(operands) % 2
    terms = [_spelled(axes) for axes in operands[1:pairs:2]]
    arrow = "->" + _spelled(operands[-1]) if end else ""
    return ",".join(terms) + arrow, [*map(from_list, operands[:pairs:2])]


def _spelled(axes: Any) -> str:
    """Return a list of numbers, which name axes, as letters: 0 is A."""
    letters = ascii_uppercase + ascii_lowercase
    try:
        return "".join("..." if axis is ... else letters[range(52)[axis]] for axis in axes)
    except (TypeError, IndexError):
        raise ShapeError(
            f"the axes of an array are a list of numbers from 0 to 51 and ..., got {axes!r:.60}; "
            "write np.einsum(x, [0, 1], y, [1, 2], [0, 2]), or 'ij,jk->ik' in front"
        ) from None


@lru_cache(1024)
def _subscripts(subscripts: str, shapes: tuple) -> tuple[list[str], str, dict[str, int]]:
    """Return a letter for each axis of each array and of the output, and the letters' sizes."""
    inputs, arrow, output = subscripts.partition("->")
    for why in _mistakes(inputs, bool(arrow), output, shapes):
        raise _fault(subscripts, shapes, why)
    terms = inputs.split(",")
    spare = [i for i in ascii_letters if i not in subscripts]
    extra = [len(s) - len(t.replace("...", "")) for s, t in zip(shapes, terms, strict=True)]
    others = "".join(spare[: max(extra)])  # the letters of the axes that ... stands for
    if not arrow:
        output = "..." + "".join(sorted(i for i in {*inputs} - {*".,"} if inputs.count(i) == 1))
    elif others and "..." not in output:
        why = "the output lacks the axes that ... stands for; write ... in it too"
        raise _fault(subscripts, shapes, why)
    full = [t.replace("...", others[len(others) - n :]) for t, n in zip(terms, extra, strict=True)]
    return full, output.replace("...", others), _sizes(subscripts, shapes, full)


def _mistakes(inputs: str, explicit: bool, output: str, shapes: tuple) -> Iterator[str]:
    """Say what is wrong with the subscripts of arrays of these shapes."""
    terms = inputs.split(",")
    if len(terms) != len(shapes):
        yield (
            f"the number of operands is {len(shapes)}, and {len(terms)} have letters; put a comma "
            "between the letters of two operands"
        )
    for term in (*terms, output):
        letters = term.replace("...", "", 1)
        if odd := {*letters} - {*ascii_letters}:
            yield f"{min(odd)!r} names no axis; axes are letters, or ... for all others"
    for term, shape in zip(terms, shapes, strict=True):
        count = len(term.replace("...", ""))
        if count > len(shape) or (count < len(shape) and "..." not in term):
            yield (
                f"{term!r} is for {count} axes, and shape {shape} has {len(shape)}; write a letter "
                "for each axis, or ... for those without a letter"
            )
    names = output.replace("...", "")
    for i in names:
        if i not in inputs:
            yield f"the output has {i!r}, which no operand has; use a letter of theirs"
        if names.count(i) > 1:
            yield f"the output has {i!r} twice; multiply by np.eye for a diagonal"


def _sizes(subscripts: str, shapes: tuple, terms: Sequence[str]) -> dict[str, int]:
    """Return the size of each axis by its name. A size of 1 gives way to any other."""
    sizes: dict[str, int] = {}
    for i in dict.fromkeys("".join(terms)):
        pairs = [zip(term, shape, strict=True) for term, shape in zip(terms, shapes, strict=True)]
        found = [{size for j, size in pair if j == i} for pair in pairs]
        larger = set().union(*found) - {1}
        if len(larger) > 1 or any(len(sides) > 1 for sides in found):
            every = listed(dict.fromkeys(size for sides in found for size in sides))
            why = f"axis {i!r} has sizes {every}; axes of different sizes need different letters"
            if i not in subscripts:
                why = f"an axis that ... stands for has sizes {every}; give these axes letters"
            raise _fault(subscripts, shapes, why)
        sizes[i] = max(larger, default=1)
    return sizes


def _fault(subscripts: str, shapes: tuple, why: str) -> ShapeError:
    plural = "s" * (len(shapes) > 1)
    return ShapeError(f"{subscripts!r} with shape{plural} {listed(shapes)}: {why}")
