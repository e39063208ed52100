"""The memory of a program: an array for each result, and one array for several in turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

import numpy as np

from ..engine.functions import getitem
from ..engine.node import is_node
from ..reading.tape import is_entrywise
from .source import REDUCTIONS, Storage

VIEWS = {np.reshape, np.transpose, np.matrix_transpose, np.swapaxes, np.expand_dims, np.squeeze}
VIEWS |= {np.broadcast_to, getitem}


def stored(nodes: list, roots: list, passes: Collection[str]) -> Storage:
    """Allocate an array for each result, and reuse it as soon as nothing needs the result."""
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

    def release(number: int) -> None:
        for whose in reads[number] - kept:
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
        if over := is_entrywise(node.function):  # an operand that ends here may be written over
            release(number)
        if number not in own and not _has_no_array(node):
            spare = free[_layout(array)]
            arrays[number] = spare.pop() if spare else np.empty_like(array)
        if not over:
            release(number)
    return storage


def _owners(nodes: list) -> dict[int, int]:
    """For each node the one in whose memory its result is: itself, unless that is a view."""
    owner: dict[int, int] = {}
    for node in nodes:
        x = node.inputs[0]
        owner[node.number] = owner.get(x.number, x.number) if _is_view(node) else node.number
    return owner


def _is_view(node: Any) -> bool:
    """Return whether a result is a view of its operand."""
    first, *others = node.inputs  # an index that is computed is another one in the next run
    views = node.function in VIEWS and is_node(first) and not any(map(is_node, others))
    return views and np.may_share_memory(node.value, node.args[0])


def _has_no_array(node: Any) -> bool:
    """Return whether a result is a single number or a view of a constant, made in every run."""
    return not node.shape or (node.function in VIEWS and not any(map(is_node, node.inputs)))


def _is_filled(node: Any) -> bool:
    """Return whether a result is an array that its function has just made."""
    return node.shape != () and (isinstance(node.function, np.ufunc) or node.function in REDUCTIONS)


def _layout(array: np.ndarray) -> tuple:
    return array.shape, array.dtype, array.strides
