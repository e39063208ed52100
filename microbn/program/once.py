"""Leave out calls that change nothing, follow from constants, or have been computed before.

Each of the three rewrites looks at one call, and returns what can stand in its place, or None.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.functions import astype, spread, stop_gradient
from ..engine.node import is_node, plain
from ..engine.primitive import CALLS
from ..engine.record import record
from ..engine.tensor import Tensor
from .literals import is_numbers, literal

HANDS_ON = (np.positive, stop_gradient, np.reshape, np.broadcast_to, spread, astype)


def handed_on(node: Any, args: list, seen: Seen) -> Any:
    """Replace a call that returns its operand unchanged by the operand."""
    x = args[0]
    return x if node.function in HANDS_ON and is_node(x) and _kind(x) == _kind(node) else None


def _kind(node: Any) -> tuple:
    """Return type, shape and dtype: NumPy computes powers of numbers and 0-d arrays differently."""
    return type(node.value), node.shape, node.dtype


def computed_now(node: Any, args: list, seen: Seen) -> Any:
    """Replace a call whose operands are all constants by its value.

    A graph keeps copies of its constants. A view that repeats a row would lose its strides in a
    copy, and a product of matrices would then add in another order; so such a call stays.
    """
    if any(map(seen.varies, args)):
        return None
    compute = operator.pow if node.function is np.power else CALLS[node.function].compute
    value = compute(*map(plain, args), **node.kwargs)
    if not isinstance(value, np.ndarray):
        return value
    return value if value.ndim and value.strides == value.copy("K").strides else None


def computed_before(node: Any, args: list, seen: Seen) -> Any:
    """Replace a call by an equal one that is already there."""
    return seen.find(node, args)


class Seen:
    """The calls that were recorded so far.

    Two arrays that meet in a product of matrices stay two, even where they are equal: NumPy
    computes the product of an array and its own transpose in another way, and the last bits
    differ.
    """

    def __init__(self, nodes: Sequence) -> None:
        self._made: dict[tuple, Any] = {}
        self._replaced: dict[int, list[int]] = {}  # by a node's number: the nodes it stands for
        self._varies: dict[int, bool] = {}  # by a node's number
        products = (n for n in nodes if n.function is np.matmul and all(map(is_node, n.inputs)))
        self._apart = [{_base(x).number for x in n.inputs} for n in products]

    def record(self, node: Any, args: list) -> Any:
        """Record the call of a node with these operands, and remember it."""
        made = self._made[_key(node, args)] = record(Tensor, node.function, args, node.kwargs)
        self._replaced[made.number] = [node.number]
        return made

    def find(self, node: Any, args: list) -> Any:
        """Return the result of an equal call, or None if no equal call may stand for this one."""
        found = self._made.get(_key(node, args))
        if found is None:
            return None
        others = self._replaced[found.number]
        if any({node.number, other} in self._apart for other in others):
            return None
        others.append(node.number)
        return found

    def varies(self, x: Any) -> bool:
        """Return whether x is made from an operand of the program, and not from constants alone."""
        known = self._varies
        waiting = [x] if is_node(x) and x.number not in known else []
        while waiting:  # no recursion, as a chain may be long
            node = waiting.pop()
            nodes = [*filter(is_node, node.inputs)]
            if unknown := [y for y in nodes if y.number not in known]:
                waiting += [node, *unknown]
            else:
                operand = node.function in (None, stop_gradient)
                known[node.number] = operand or any(known[y.number] for y in nodes)
        return is_node(x) and known[x.number]


def _base(x: Any) -> Any:
    """Return the node that owns the memory of x: x itself, unless it is a view."""
    while x.inputs and is_node(x.inputs[0]) and np.may_share_memory(x.value, x.inputs[0].value):
        x = x.inputs[0]
    return x


def fingerprint(nodes: Sequence) -> list[tuple]:
    """Return the calls of a graph as data: equal for graphs with the same calls, node by node."""
    place = {node.number: i for i, node in enumerate(nodes)}
    return [_key(n, [place[x.number] if is_node(x) else x for x in n.inputs]) for n in nodes]


def _key(node: Any, args: list) -> tuple:
    """Return the same key for the same function of the same operands."""
    operands = [*map(_identity, args)]
    if node.function in (np.add, np.multiply):
        operands.sort(key=str)
    return node.function, *operands, *((key, _identity(x)) for key, x in node.kwargs.items())


def _identity(arg: Any) -> Any:
    """Compare an operand by its content if that can be written out, and otherwise by the object."""
    if is_node(arg):
        return arg.number
    if is_numbers(arg):
        return arg.shape, arg.strides, arg.dtype, arg.tobytes()
    if type(arg) in (tuple, list):
        return type(arg), *map(_identity, arg)
    if type(arg) is slice:
        return slice, *map(_identity, (arg.start, arg.stop, arg.step))
    return literal(arg) or ("object", id(arg))
