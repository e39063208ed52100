"""The memory of a program: an array for each result, and one array for several in turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

import numpy as np

from .nodes import is_node
from .primitives import getitem
from .source import REDUCTIONS, Storage, is_entrywise

VIEWS = {np.reshape, np.transpose, np.matrix_transpose, np.swapaxes, np.expand_dims, np.squeeze}
VIEWS |= {np.broadcast_to, getitem}


def stored(nodes: list, roots: list, passes: Collection[str]) -> Storage:
    """Give nodes an array, and one array to several, where each is needed no more by the next."""
    owner = _owners(nodes)
    shared = {whose for number, whose in owner.items() if whose != number}
    storage = Storage({}, {}, {x.number for x in roots if _is_filled(x)} - shared)
    if "buffers" not in passes:
        return storage
    arrays, views, own = storage
    reads = {n.number: {owner.get(x.number) for x in (n, *n.inputs) if is_node(x)} for n in nodes}
    last = {whose: number for number, read in reads.items() for whose in read}
    kept = {owner.get(x.number) for x in roots}
    free: dict[tuple, list] = defaultdict(list)

    def release(number: int, some: set) -> None:
        for whose in some - kept:
            if last[whose] == number and whose in arrays:
                free[_layout(arrays[whose])].append(arrays[whose])

    for node in nodes:
        number, array = node.number, node.value
        if owner[number] != number:
            base = arrays.get(node.inputs[0].number, views.get(node.inputs[0].number))
            if "views" in passes and base is not None:
                function = getattr(node.function, "__wrapped__", node.function)
                views[number] = function(base, *node.args[1:], **node.kwargs)
            continue
        over = _overwritten(node, owner)
        release(number, over)
        if number not in own and not _has_no_array(node):
            spare = free[_layout(array)]
            arrays[number] = spare.pop() if spare else _empty(array)
        release(number, reads[number] - over)
    return storage


def _overwritten(node: Any, owner: dict[int, int]) -> set:
    """The operands that the result may be written over, if they end here: in a function that works
    entry by entry those that are read as they lie in memory, and not through a view besides.
    """
    inputs = [x.number for x in node.inputs if is_node(x)] if is_entrywise(node.function) else []
    return {x for x in inputs if owner.get(x) == x} - {
        owner.get(x) for x in inputs if owner.get(x) != x
    }


def _owners(nodes: list) -> dict[int, int]:
    """For each node the one in whose memory its result is: itself, unless that is a view."""
    owner: dict[int, int] = {}
    for node in nodes:
        x = node.inputs[0]
        owner[node.number] = owner.get(x.number, x.number) if _is_view(node) else node.number
    return owner


def _is_view(node: Any) -> bool:
    """Whether a result is its operand's memory, seen otherwise."""
    first, *others = node.inputs  # an index that is computed is another one in the next run
    views = node.function in VIEWS and is_node(first) and not any(map(is_node, others))
    return views and np.may_share_memory(node.value, node.args[0])


def _has_no_array(node: Any) -> bool:
    """Whether a result is a single number, or a view of a constant: these are made in every run."""
    return not node.shape or (node.function in VIEWS and not any(map(is_node, node.inputs)))


def _is_filled(node: Any) -> bool:
    """Whether a result is an array that its function has just made."""
    return node.shape != () and (isinstance(node.function, np.ufunc) or node.function in REDUCTIONS)


def _layout(array: np.ndarray) -> tuple:
    return array.shape, array.dtype, array.strides


def _empty(array: np.ndarray) -> np.ndarray:
    """An array of the same layout; `np.empty_like` may change the strides of axes of one entry."""
    last = sum((n - 1) * step for n, step in zip(array.shape, array.strides, strict=True))
    if last + array.itemsize != array.nbytes or min(array.strides) < 0:
        return np.empty_like(array)
    return np.ndarray(array.shape, array.dtype, strides=array.strides)
