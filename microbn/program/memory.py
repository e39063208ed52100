"""The memory of a program: an array for each result, and one array for several results in turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from ..engine.functions import getitem, windows
from ..engine.node import is_node
from ..reading.tape import is_entrywise
from .source import REDUCTIONS, Storage

VIEWS = {np.reshape, np.transpose, np.matrix_transpose, np.swapaxes, np.expand_dims, np.squeeze}
VIEWS |= {np.broadcast_to, getitem, windows}


def allocated(steps: Sequence, roots: list, passes: Collection[str]) -> Storage:
    """Allocate an array for each result, and reuse it as soon as nothing needs the result."""
    by_kernels = {x.number for step in steps if not is_node(step) for x in step.outputs}
    owner = _owners(steps)
    shared = {whose for number, whose in owner.items() if whose != number}
    own = {x.number for x in roots if _is_filled(x) or x.number in by_kernels} - shared
    if "buffers" not in passes:
        return Storage({}, {}, own)
    kept = {owner.get(x.number) for x in roots}
    arrays = _arrays_of(steps, owner, own, kept)
    return Storage(arrays, _views_of(steps, arrays) if "views" in passes else {}, own)


def _arrays_of(
    steps: Sequence, owner: dict, own: Collection[int], kept: set
) -> dict[int, np.ndarray]:
    """Give each result an array, a used one if possible. Arrays of the nodes in ``kept`` stay."""
    pool = _Pool(steps, owner, kept)
    for i, step in enumerate(steps):
        if over := is_node(step) and is_entrywise(step.function):
            pool.release(i)  # the result may be written over an operand that ends here
        for node in _results(step):
            if owner[node.number] == node.number not in own and not _has_no_array(node):
                pool.arrays[node.number] = pool.array_for(i, node)
        if not over:
            pool.release(i)
    return pool.arrays


class _Pool:
    """The arrays of a program's results: ``arrays`` maps a node's number to its array."""

    def __init__(self, steps: Sequence, owner: dict, kept: set) -> None:
        self.steps, self.kept = steps, kept
        self.reads = [
            [owner.get(x.number) for x in (*_results(step), *step.inputs) if is_node(x)]
            for step in steps
        ]
        self.last = {whose: i for i, read in enumerate(self.reads) for whose in read}
        self.arrays: dict[int, np.ndarray] = {}
        self.free: dict[tuple, list] = defaultdict(list)
        self.passed_on: set[int] = set()

    def release(self, i: int) -> None:
        """Free the arrays that no step after number ``i`` reads."""
        for whose in self._ending(i):
            self.free[_layout(self.arrays[whose])].append(self.arrays[whose])

    def array_for(self, i: int, node: Any) -> np.ndarray:
        """Return an array for a result of step ``i``: an operand's, a free one, or a new one."""
        layout, step, ending = _layout(node.value), self.steps[i], self._ending(i)
        for number in step.replaceable(node) if not is_node(step) else ():
            alone = self.reads[i].count(number) == 1  # the kernel does not read a view of it too
            if alone and number in ending and _layout(self.arrays[number]) == layout:
                self.passed_on.add(number)
                return self.arrays[number]
        return self.free[layout].pop() if self.free[layout] else np.empty_like(node.value)

    def _ending(self, i: int) -> set[int]:
        """Return the nodes whose arrays step ``i`` is the last to read."""
        ending = {n for n in self.reads[i] if self.last[n] == i and n in self.arrays}
        return ending - self.kept - self.passed_on


def _results(step: Any) -> list:
    """Return the nodes that a step leaves in memory."""
    return step.outputs if not is_node(step) else [step]


def _views_of(steps: Sequence, arrays: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """Make the views of these arrays, and the views of views."""
    views: dict[int, np.ndarray] = {}
    for node in filter(_is_view, steps):
        operand = node.inputs[0].number
        base = arrays.get(operand, views.get(operand))
        if base is not None:
            function = getattr(node.function, "__wrapped__", node.function)
            views[node.number] = function(base, *node.args[1:], **node.kwargs)
    return views


def _owners(steps: Sequence) -> dict[int, int]:
    """Map each node to the one that owns its memory: itself or, for a view, the node it shows."""
    owner: dict[int, int] = {}
    for step in steps:
        for node in _results(step):
            x = node.inputs[0]
            owner[node.number] = owner.get(x.number, x.number) if _is_view(step) else node.number
    return owner


def _is_view(node: Any) -> bool:
    """Return whether a step is a view of its operand, and the same view in every run."""
    if not is_node(node):
        return False
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
