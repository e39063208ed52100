"""The algebra of `compile`: the same numbers by cheaper operations.

`ALGEBRA`, at the end, is a table like that of the gradient rules, and it is written in plain NumPy
like them: what an entry does with Tensors is recorded, and becomes part of the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from math import prod
from typing import Any

import numpy as np

from ..engine.functions import spread
from ..engine.node import is_node
from ..engine.record import record
from ..engine.tensor import Tensor
from ..program.literals import is_uniform
from ..program.source import FLOATS
from ..reading.tape import is_entrywise


class Stage(str):
    """The name of a value that the algebra need not keep."""


def cheaper(node: Any, args: list, seen: Any) -> Any:
    """Replace a call by cheaper ones, if the shape and dtype of the result stay the same."""
    found, rewrite = _unspread(node, args), ALGEBRA.get(node.function)
    dtypes = {x.dtype for x in args if hasattr(x, "dtype")}
    floats = dtypes == {node.dtype} and node.dtype.kind == "f"  # other numbers do not regroup
    if found is None and rewrite and (floats or node.function in (np.where, np.logical_and)):
        found = rewrite(node, *args, **node.kwargs)
    if _is_number(found):
        found = node.dtype.type(found)
    fits = found is not None and (found.shape, found.dtype) == (node.shape, node.dtype)
    return found if fits else None


def _unspread(node: Any, args: list) -> Any:
    """Use an operand before it is repeated: NumPy repeats it by itself while it computes."""
    if not (isinstance(node.function, np.ufunc) and is_entrywise(node.function)):
        return None
    for i, x in enumerate(args):
        narrow = before_spread(x)
        others = [narrow, *args[:i], *args[i + 1 :]]
        if narrow is not None and np.broadcast_shapes(*map(np.shape, others)) == node.shape:
            if is_node(narrow):
                narrow.name = narrow.name or x.name
            return record(Tensor, node.function, [*args[:i], narrow, *args[i + 1 :]])
    return None


def before_spread(x: Any) -> Any:
    """Return the node that was repeated to make x, or the one number in an array of constants."""
    if not is_node(x):
        return _uniform(x)
    if x.function not in (spread, np.broadcast_to, np.expand_dims) or not is_node(x.inputs[0]):
        return None
    narrow = x.inputs[0]
    ahead = x.function is not np.expand_dims or padded(narrow, x.ndim) == x.shape
    return narrow if ahead else None


def _uniform(x: Any) -> float | None:
    """Return the number that fills an array of floats, or None if its entries differ."""
    floats = isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind == "f"
    number = x.ravel()[0].item() if floats and is_uniform(x) else np.nan
    return number if np.isfinite(number) else None


# Products. Factors that are narrower than the result, such as numbers and rows, are multiplied
# first, which costs little. Then the wide factor is touched only once. Values with names are kept.


def _product(out: Any, x: Any, y: Any) -> Any:
    """Write ``x * x`` as a square, and put any other product together anew."""
    if x is y:
        return np.square(x)
    (a, r), (b, s) = _factors(x, out, _narrower(out)), _factors(y, out, _narrower(out))
    return _joined(a + b, r + s)


def _quotient(out: Any, x: Any, y: Any) -> Any:
    """Multiply by the reciprocal of a narrow divisor; but leave ``x / 4`` alone."""
    (a, r), (b, s) = _factors(x, out, _narrower(out)), _factors(y, out, _narrower(out))
    if not s or (_is_number(y) and not r):
        return None
    wide = [(a[0] if a else 1) / b[0]] if b else a
    return _joined(wide, [*r, *map(_reciprocal, s)])


def _minus(out: Any, x: Any) -> Any:
    """Give the minus sign to the narrow factors."""
    wide, narrow = _factors(x, out, _narrower(out))
    return _joined(wide, [*narrow, -1]) if narrow else None


def _total(out: Any, x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Take factors that are constant along the axes of a sum out of the sum.

    It takes apart even gradients that have a name, because the remaining sum may exist already: the
    sum of d_x_hat * x_hat is gamma times the sum of d_y * x_hat, and that sum is d_gamma.
    """
    if not (ndim := np.ndim(x)):
        return None
    axes = {*range(ndim)} if axis is None else {*(np.atleast_1d(axis) % ndim).tolist()}

    def still(f: Any) -> bool:
        return all(padded(f, ndim)[a] == 1 for a in axes)

    product = x.inputs if getattr(x, "function", None) is np.multiply else [x]
    found = [_factors(f, out, still, gradients=True) for f in product]
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


def _factors(
    x: Any, out: Any, narrow: Callable[[Any], bool], gradients: bool = False
) -> tuple[list, list]:
    """Split x into at most one wide factor and its narrow factors, numbers among them.

    It looks only one call deep, since every operand has been put together like this already. It
    stops at a value with a name, unless that is a `Stage` or, with ``gradients``, a gradient's. It
    takes out no factors of another dtype than that of the result: a product of integers wraps.
    """
    if _is_number(x):
        return [], [x]
    if _is_mixed(out, [x]):
        return [x], []
    if narrow(x):
        return [], [x]
    kept = is_node(x) and x.name and type(x.name) is not Stage
    if not is_node(x) or (kept and not (gradients and x.role == "gradient")):
        return [x], []
    if _is_mixed(out, x.inputs):
        return [x], []
    if x.function is np.negative:
        return [x.inputs[0]], [-1]
    if x.function is np.multiply:
        for wide, other in (x.inputs, x.inputs[::-1]):
            if _is_number(other) or narrow(other):
                return [wide], [other]
    if x.function is np.divide and (_is_number(x.inputs[1]) or narrow(x.inputs[1])):
        return [x.inputs[0]], [_reciprocal(x.inputs[1])]
    return [x], []


def _is_mixed(out: Any, operands: Iterable) -> bool:
    """Return whether an operand has another dtype than the result. Python's numbers have none."""
    return any(getattr(x, "dtype", out.dtype) != out.dtype for x in operands)


def _joined(wide: list, narrow: list) -> Any:
    """Multiply the numbers first, then the rows, then what is wide.

    Returns None where too much would be multiplied first: a product of a few factors may overflow
    although the product of all of them does not.
    """
    numbers = [*filter(_is_number, narrow)]
    number = prod(numbers)
    rows = sorted((f for f in narrow if not _is_number(f)), key=np.size)
    extreme = not 1e-6 < abs(number) < 1e6 and all(numbers)  # a factor of 0 makes no overflow
    if extreme or (len(rows) > 1 and any(map(_is_joined, rows))):
        return None
    first, *rest = [*rows, *([prod(wide[1:], start=wide[0])] if wide else [])]
    first = first if number == 1 else -first if number == -1 else number * first
    return prod(rest, start=first)


def _is_joined(x: Any) -> bool:
    """Return whether x is a square, or a product of several arrays, and has no name."""
    if not is_node(x) or x.name:
        return False
    product = x.function is np.multiply and not any(map(_is_number, x.inputs))
    return product or x.function is np.square


def _reciprocal(x: Any) -> Any:
    """Return ``1 / x``, and name it after x."""
    if _is_number(x):
        return float(np.divide(1, x))
    reciprocal = 1 / x
    if is_node(x) and x.name:
        reciprocal.name = f"inv_{x.name}"
    return reciprocal


def _is_number(x: Any) -> bool:
    return type(x) in (int, float)


def _narrower(out: Any) -> Callable[[Any], bool]:
    return lambda x: np.size(x) < out.size


def padded(x: Any, ndim: int) -> tuple[int, ...]:
    """Return the shape of x with ones in front, up to ``ndim`` axes."""
    return (1,) * (ndim - np.ndim(x)) + np.shape(x)


def _without(axes: set[int], x: Any, ndim: int) -> Any:
    """Drop these axes, in which x has one entry; they are counted as if x had ``ndim`` axes."""
    shape = tuple(n for axis, n in enumerate(padded(x, ndim)) if axis not in axes)
    return x if np.ndim(x) <= len(shape) else np.reshape(x, shape)


# Sums by BLAS.


def by_matmul(node: Any, args: list, seen: Any) -> Any:
    """Replace a sum or mean over one axis of a matrix by a product with a constant row or column.

    BLAS computes the product, in fewer passes over memory. It adds in an order of its own, so the
    last bits may differ.
    """
    x, *given = args
    axis = given[0] if given else node.kwargs.get("axis")
    reduced = node.function in (np.sum, np.mean) and np.ndim(x) == 2 and np.size(axis) == 1
    if not reduced or axis is None or not x.size or {x.dtype, node.dtype} - FLOATS:
        return None
    (axis,) = np.atleast_1d(axis) % 2
    n = x.shape[axis]
    shape = (n,) if node.ndim == 1 else (1, n) if axis == 0 else (n, 1)
    weights = np.full(shape, 1 / n if node.function is np.mean else 1, node.dtype)
    return record(Tensor, np.matmul, [x, weights] if axis else [weights, x])


# fmt: off
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
