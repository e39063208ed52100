"""The memory of a program: an array for each result, and one array for several results in turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

import numpy as np

from ..engine.functions import getitem, windows
from ..engine.node import is_node
from ..reading.tape import is_entrywise
from .source import REDUCTIONS, Storage

VIEWS = {np.reshape, np.transpose, np.matrix_transpose, np.swapaxes, np.expand_dims, np.squeeze}
VIEWS |= {np.broadcast_to, getitem, windows}


def allocated(nodes: list, roots: list, passes: Collection[str]) -> Storage:
    """Allocate an array for each result, and reuse it as soon as nothing needs the result."""
    owner = _owners(nodes)
    shared = {whose for number, whose in owner.items() if whose != number}
    own = {x.number for x in roots if _is_filled(x)} - shared
    if "buffers" not in passes:
        return Storage({}, {}, own)
    kept = {owner.get(x.number) for x in roots}
    arrays = _arrays_of(nodes, owner, own, kept)
    return Storage(arrays, _views_of(nodes, arrays) if "views" in passes else {}, own)


def _arrays_of(nodes: list, owner: dict, own: Collection[int], kept: set) -> dict[int, np.ndarray]:
    """Give each node an array, a used one if possible. Arrays of the nodes in ``kept`` stay."""
    reads = {n.number: {owner.get(x.number) for x in (n, *n.inputs) if is_node(x)} for n in nodes}
    last = {whose: number for number, read in reads.items() for whose in read}
    arrays: dict[int, np.ndarray] = {}
    free: dict[tuple, list] = defaultdict(list)

    def release(number: int) -> None:
        for whose in reads[number] - kept:
            if last[whose] == number and whose in arrays:
                free[_layout(arrays[whose])].append(arrays[whose])

    for node in nodes:
        number, array = node.number, node.value
        if owner[number] != number:
            continue
        if over := is_entrywise(node.function):  # it may write over an operand that ends here
            release(number)
        if number not in own and not _has_no_array(node):
            spare = free[_layout(array)]
            arrays[number] = spare.pop() if spare else np.empty_like(array)
        if not over:
            release(number)
    return arrays


def _views_of(nodes: list, arrays: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """Make the views of these arrays, and the views of views."""
    views: dict[int, np.ndarray] = {}
    for node in filter(_is_view, nodes):
        operand = node.inputs[0].number
        base = arrays.get(operand, views.get(operand))
        if base is not None:
            function = getattr(node.function, "__wrapped__", node.function)
            views[node.number] = function(base, *node.args[1:], **node.kwargs)
    return views


def _owners(nodes: list) -> dict[int, int]:
    """Map each node to the one that owns its memory: itself or, for a view, the node it shows."""
    owner: dict[int, int] = {}
    for node in nodes:
        x = node.inputs[0]
        owner[node.number] = owner.get(x.number, x.number) if _is_view(node) else node.number
    return owner


def _is_view(node: Any) -> bool:
    """Return whether a result is a view of its operand, and the same view in every run."""
    first, *others = node.inputs  # an index that is computed is another one in the next run
    views = node.function in VIEWS and is_node(first) and not any(map(is_node, others))
    return views and np.may_share_memory(node.value, node.args[0])


def _has_no_array(node: Any) -> bool:
    """Return whether a result is a number or a view of a constant, which each run makes anew."""
    return not node.shape or (node.function in VIEWS and not any(map(is_node, node.inputs)))


def _is_filled(node: Any) -> bool:
    """Return whether a result is an array that its function has just made."""
    return node.shape != () and (isinstance(node.function, np.ufunc) or node.function in REDUCTIONS)


def _layout(array: np.ndarray) -> tuple:
    return array.shape, array.dtype, array.strides
