"""The passes of `compile`: from a recorded graph to one that computes the same with less work.

A pass looks at one call at a time, and may say what should stand in its place; the graph is then
recorded anew. The algebra is a table, like the rules of the gradients, and as these are it is
written in plain NumPy: what it says of Tensors is recorded, and so becomes part of the graph.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import chain
from math import prod
from typing import Any

import numpy as np

from ..engine.arrays import is_uniform
from ..engine.functions import astype, is_entrywise, spread, stop_gradient
from ..engine.mode import Mode, mode, of_gradient
from ..engine.node import history, is_node, plain
from ..engine.primitive import CALLS
from ..engine.tensor import record
from ..reading.replay import rerun
from .literals import is_numbers, literal


class Stage(str):
    """The name of a value that the algebra need not keep."""


ROUNDS = 12  # at most, as in a long chain of products numbers move by a factor in each


def simplified(outputs: Sequence, inputs: Sequence, passes: Collection[str]) -> list:
    """The same outputs of the same inputs, by way of the `REWRITES` that ``passes`` names.

    They are made until nothing changes, in `ROUNDS` at most. What outputs do not need is gone.
    """
    finds = [_same, *(find for name, find in REWRITES.items() if name in passes)]
    if "stages" in passes:
        for node in made_from(outputs, inputs):
            node.name = node.name and Stage(node.name)
    known: list[list] = []
    while len(known) < 2 or (known[-1] not in known[:-1] and len(known) < ROUNDS):
        outputs = _once(outputs, inputs, finds)
        known.append(_calls(outputs, inputs))
    return _once(outputs, inputs, [find for find in finds if find is not _algebra])


def made_from(outputs: Iterable, inputs: Iterable) -> list[Any]:
    """The nodes that outputs are made from, constants among them left out, and the inputs."""
    return history(*filter(is_node, outputs), leaves=inputs)


def rebuilt(outputs: Sequence, inputs: Sequence, anew: Sequence, make: Callable) -> list:
    """Record the outputs once more, from other inputs, and return them.

    ``make(node, operands)`` is what stands in the place of each node on the way. A leaf that is no
    input is a constant from now on. Names and scopes stay.
    """
    known = {x.number: y for x, y in zip(inputs, anew, strict=True)}
    tape = [x for x in made_from(outputs, inputs) if x.function and x.number not in known]

    def named(node: Any, operands: list) -> Any:
        mode.set(Mode(scope=node.scope))
        made = make(node, operands)
        if is_node(made) and made.name is None:
            made.name = node.name
        return made

    before = mode.get()
    try:
        with np.errstate(all="ignore"):
            rerun(tape, known, named)
    finally:
        mode.set(before)
    return [known.get(x.number, x.value) if is_node(x) else x for x in outputs]


def _once(outputs: Sequence, inputs: Sequence, finds: Sequence[Callable]) -> list:
    """Record anew; what the first of the ``finds`` has to say about a call stands in its place."""
    seen: dict[Any, Any] = {"apart": _apart(made_from(outputs, inputs))}

    def make(node: Any, args: list) -> Any:
        for find in finds:
            if (found := find(node, args, seen)) is not None:
                return found
        made = seen[_key(node, args)] = record(node.function, args, node.kwargs)
        seen[made.number] = [node.number]
        return made

    return rebuilt(outputs, inputs, inputs, make)


def _calls(outputs: Sequence, inputs: Sequence) -> list[tuple]:
    """A graph without its numbers: equal for the same calls of the same operands."""
    nodes = made_from(outputs, inputs)
    place = {node.number: i for i, node in enumerate(nodes)}
    return [_key(n, [place[x.number] if is_node(x) else x for x in n.inputs]) for n in nodes]


def _same(node: Any, args: list, seen: dict) -> Any:
    """Replace a call that returns its operand unchanged by the operand."""
    x = args[0]
    if node.function in (np.positive, stop_gradient, np.reshape, np.broadcast_to, spread, astype):
        return x if is_node(x) and _kind(x) == _kind(node) else None
    return None


def _kind(node: Any) -> tuple:
    """The type of a value, too: of an array without axes NumPy takes powers otherwise."""
    return type(node.value), node.shape, node.dtype


def _constants(node: Any, args: list, seen: dict) -> Any:
    """Compute now what follows from constants alone, and never again.

    A graph keeps its constants as copies. A value that a copy would change, such as a view that
    repeats a row, stays a call: whatever reads it, a product of matrices say, adds in its order.
    """
    if not all(map(_is_constant, args)):
        return None
    compute = operator.pow if node.function is np.power else CALLS[node.function].compute
    value = compute(*map(plain, args), **node.kwargs)
    arrays = isinstance(value, np.ndarray)
    return (
        None if arrays and (not value.ndim or value.strides != value.copy("K").strides) else value
    )


def _is_constant(x: Any) -> bool:
    """Return whether x is no node, or a call of constants that stays one."""
    return not is_node(x) or (
        x.function not in (None, stop_gradient) and all(map(_is_constant, x.inputs))
    )


def _common(node: Any, args: list, seen: dict) -> Any:
    """The same function of the same operands is computed once.

    But two arrays that meet in a product of matrices stay two: NumPy computes the product of an
    array and its own transpose in another way, with other last bits.
    """
    found = seen.get(_key(node, args))
    if found is None or any({node.number, other} in seen["apart"] for other in seen[found.number]):
        return None
    seen[found.number].append(node.number)
    return found


def _apart(nodes: Iterable) -> list[set]:
    """The pairs of nodes whose memory meets in a product of matrices."""
    products = (n for n in nodes if n.function is np.matmul and all(map(is_node, n.inputs)))
    return [{_base(x).number for x in n.inputs} for n in products]


def _base(x: Any) -> Any:
    """The node that owns the memory in which x lies: itself, unless it is a view."""
    while x.inputs and is_node(x.inputs[0]) and np.may_share_memory(x.value, x.inputs[0].value):
        x = x.inputs[0]
    return x


def _key(node: Any, args: list) -> tuple:
    operands = [*map(_identity, args)]
    if node.function in (np.add, np.multiply):
        operands.sort(key=str)
    return node.function, *operands, *((key, _identity(x)) for key, x in node.kwargs.items())


def _identity(arg: Any) -> Any:
    """Equal for what is the same: by content where that can be spelled, else by the object."""
    if is_node(arg):
        return arg.number
    if is_numbers(arg):
        return arg.shape, arg.strides, arg.dtype, arg.tobytes()
    if type(arg) in (tuple, list):
        return type(arg), *map(_identity, arg)
    if type(arg) is slice:
        return slice, *map(_identity, (arg.start, arg.stop, arg.step))
    return literal(arg) or ("object", id(arg))


def _algebra(node: Any, args: list, seen: dict) -> Any:
    """The same numbers by cheaper operations; only if shape and dtype stay what they were."""
    found, rewrite = _unspread(node, args), ALGEBRA.get(node.function)
    kinds = {x.dtype for x in args if hasattr(x, "dtype")}  # of others numbers do not regroup
    same = kinds == {node.dtype} and node.dtype.kind == "f"
    if found is None and rewrite and (same or node.function in (np.where, np.logical_and)):
        found = rewrite(node, *args, **node.kwargs)
    if _is_number(found):
        found = node.dtype.type(found)
    fits = found is not None and (found.shape, found.dtype) == (node.shape, node.dtype)
    return found if fits else None


def _unspread(node: Any, args: list) -> Any:
    """An operand need not be repeated to have the shape of the other: NumPy does that by itself."""
    broadcasts = isinstance(node.function, np.ufunc) and is_entrywise(node.function)
    for i, x in enumerate(args if broadcasts else ()):
        if is_node(x) and x.function in (spread, np.broadcast_to, np.expand_dims):
            narrow = x.inputs[0]
            if not is_node(narrow):
                continue
            others = [narrow, *args[:i], *args[i + 1 :]]
            ahead = x.function is not np.expand_dims or _padded(narrow, x.ndim) == x.shape
            if ahead and np.broadcast_shapes(*map(np.shape, others)) == node.shape:
                narrow.name = narrow.name or x.name
                return record(node.function, [*args[:i], narrow, *args[i + 1 :]])
        elif (number := _uniform(x)) is not None:
            others = [number, *args[:i], *args[i + 1 :]]
            if np.broadcast_shapes(*map(np.shape, others)) == node.shape:
                return record(node.function, [*args[:i], number, *args[i + 1 :]])
    return None


def _uniform(x: Any) -> float | None:
    """The number that is everywhere in a constant array of floats, if there is one."""
    floats = isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind == "f"
    number = x.ravel()[0].item() if floats and is_uniform(x) else np.nan
    return number if np.isfinite(number) else None


# Products. Of their factors, those that are smaller than the result come first: numbers, then
# rows, which cost little; what is wide is touched once. A value that has a name is kept as it is.


def _product(out: Any, x: Any, y: Any) -> Any:
    """``x * x`` is a square; any other product is put together anew."""
    if x is y:
        return np.square(x)
    (a, r), (b, s) = _factors(x, _narrower(out)), _factors(y, _narrower(out))
    return _joined(a + b, r + s)


def _quotient(out: Any, x: Any, y: Any) -> Any:
    """To divide by what is narrow, multiply by its inverse; but ``x / 4`` is as good as any."""
    (a, r), (b, s) = _factors(x, _narrower(out)), _factors(y, _narrower(out))
    if not s or (_is_number(y) and not r):
        return None
    wide = [(a[0] if a else 1) / b[0]] if b else a
    return _joined(wide, [*r, *map(_inverse, s)])


def _minus(out: Any, x: Any) -> Any:
    """The sign belongs to what is narrow."""
    wide, narrow = _factors(x, _narrower(out))
    return _joined(wide, [*narrow, -1]) if narrow else None


def _total(out: Any, x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Factors that are the same all along the axes of a sum are taken out of it.

    A gradient that has a name is no hindrance here: what is taken out leaves a sum that may be
    there already, as that of d_x_hat * x_hat leaves that of d_y * x_hat, which is d_gamma.
    """
    if not (ndim := np.ndim(x)):
        return None
    axes = {*range(ndim)} if axis is None else {*(np.atleast_1d(axis) % ndim).tolist()}

    def still(f: Any) -> bool:
        return all(_padded(f, ndim)[a] == 1 for a in axes)

    product = x.inputs if getattr(x, "function", None) is np.multiply else [x]
    found = [_factors(f, still, gradients=True) for f in product]
    wide, fixed = ([*chain(*parts)] for parts in zip(*found, strict=True))
    moving = prod(wide[1:], start=wide[0]) if wide and fixed else None
    if moving is None or np.shape(moving) != np.shape(x):
        return None
    rows = any(map(np.ndim, fixed))
    keywords: Any = {} if axis is None else {"axis": axis}
    total = np.sum(moving, **keywords | ({"keepdims": True} if keepdims and not rows else {}))
    if rows and keepdims:
        total = np.expand_dims(total, tuple(axes))
    elif rows:
        fixed = [_without(axes, f, ndim) for f in fixed]
    return _joined([total], fixed)


def _factors(x: Any, narrow: Callable[[Any], bool], gradients: bool = False) -> tuple[list, list]:
    """The factors of x: a wide one, or none, and narrow ones, to which numbers belong.

    One look is enough, as every operand was put together like this before. It goes through no
    name but that of a `Stage` and, with ``gradients``, those of gradients.
    """
    if _is_number(x) or narrow(x):
        return [], [x]
    kept = is_node(x) and x.name and type(x.name) is not Stage
    if not is_node(x) or (kept and not (gradients and of_gradient(x.scope))):
        return [x], []
    if x.function is np.negative:
        return [x.inputs[0]], [-1]
    if x.function is np.multiply:
        for wide, other in (x.inputs, x.inputs[::-1]):
            if _is_number(other) or narrow(other):
                return [wide], [other]
    if x.function is np.divide and (_is_number(x.inputs[1]) or narrow(x.inputs[1])):
        return [x.inputs[0]], [_inverse(x.inputs[1])]
    return [x], []


def _joined(wide: list, narrow: list) -> Any:
    """Their product: first the numbers, then the rows, then what is wide.

    None where many would meet: a product of them alone could overflow where that of all does not.
    """
    numbers = [*filter(_is_number, narrow)]
    number = prod(numbers)
    rows = sorted((f for f in narrow if not _is_number(f)), key=np.size)
    extreme = not 1e-6 < abs(number) < 1e6 and all(numbers)  # a product of others may be 0, too
    if extreme or (len(rows) > 1 and any(map(_is_joined, rows))):
        return None
    first, *rest = [*rows, *([prod(wide[1:], start=wide[0])] if wide else [])]
    first = first if number == 1 else -first if number == -1 else number * first
    return prod(rest, start=first)


def _is_joined(x: Any) -> bool:
    """Return whether x is a square or a product of several things, without a name."""
    if not is_node(x) or x.name:
        return False
    product = x.function is np.multiply and not any(map(_is_number, x.inputs))
    return product or x.function is np.square


def _inverse(x: Any) -> Any:
    if _is_number(x):
        return float(np.divide(1, x))
    inverse = 1 / x
    if is_node(x) and x.name:
        inverse.name = f"inv_{x.name}"
    return inverse


def _is_number(x: Any) -> bool:
    return type(x) in (int, float)


def _narrower(out: Any) -> Callable[[Any], bool]:
    return lambda x: np.size(x) < out.size


def _padded(x: Any, ndim: int) -> tuple[int, ...]:
    """The shape of x, with ones ahead."""
    return (1,) * (ndim - np.ndim(x)) + np.shape(x)


def _without(axes: set[int], x: Any, ndim: int) -> Any:
    """x of ``ndim`` axes, in the end, without these, along which it has one entry."""
    shape = tuple(n for axis, n in enumerate(_padded(x, ndim)) if axis not in axes)
    return x if np.ndim(x) <= len(shape) else np.reshape(x, shape)


# fmt: off
REWRITES: dict[str, Callable] = {  # asked in this order
    "constants": _constants,
    "common":    _common,
    "algebra":   _algebra,
}
ALGEBRA: dict[Callable, Callable] = {
    np.add:      lambda out, x, y: 2 * x if x is y else None,
    np.multiply: _product,
    np.divide:   _quotient,
    np.negative: _minus,
    np.sum:      _total,
    np.power:    lambda out, x, y: {1: x, 2: np.square(x)}.get(y) if _is_number(y) else None,
    np.where:    lambda out, c, x, y: None if is_node(c) or np.any(c) else y,
    np.logical_and:
                 lambda out, x, y: None if is_node(y) or np.any(y) else np.zeros(out.shape, bool),
}
# fmt: on
