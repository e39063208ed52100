"""The loops of a kernel: what each of them reads from memory, computes, and writes back.

A kernel needs several loops, because a sum over all rows has to be finished before a call can read
it. A value that is cheap to compute is computed again in the next loop, or in the next
kernel, because a pass over memory takes longer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from ..engine.node import is_node
from .fusion import SUMS, float_of, gathered, kind, read_by, template, wide_shape

SLOW = (np.divide, np.reciprocal, np.sqrt)  # computing these again takes longer than fetching
MOST_CALLS = 3  # a value is computed again only if that takes no more calls than these, in all


class Loop(NamedTuple):
    """A pass over the rows of a kernel: nodes that it fetches, computes, stores, and sums up.

    ``rows`` are computed after the loop, from its sums.
    """

    fetched: list
    computed: list
    stored: list
    sums: list
    rows: list


class Kernel:
    """Calls that run together: ``inputs`` come from elsewhere, and ``outputs`` go into memory.

    ``place`` maps a member's number to the number of the first loop that can compute it. The loops
    that pass over memory count from 1. Number 0 has only rows, those that need no sum.
    """

    def __init__(self, members: list) -> None:
        self.members, self.role = members, members[0].role
        self.kinds = {node.number: kind(node) for node in members}
        self.shape = next(wide_shape(n) for n in members if self.kinds[n.number] != "row")
        self.dtype = next((d for d in map(float_of, members) if d is not None), np.dtype(float))
        self.place: dict[int, int] = {}
        for node in members:
            looped = self.kinds[node.number] != "row"
            read = read_by([node]) & self.place.keys()
            places = (self.place[x] + (looped and self.kinds[x] != "wide") for x in read)
            self.place[node.number] = max(places, default=int(looped))
        self.loops: list[Loop] = []
        self.inputs: list = []
        self.outputs: list = []

    def of_kind(self, *kinds: str) -> list:
        """Return the members of these kinds: "wide", "sum" or "row"."""
        return [node for node in self.members if self.kinds[node.number] in kinds]

    def at(self, place: int, what: str) -> list:
        """Return the members of this kind in this place."""
        return [node for node in self.of_kind(what) if self.place[node.number] == place]

    def held(self, outputs: Collection[int]) -> list:
        """Return the rows that need an array: outputs, sums, and those that another loop reads."""
        found = {*outputs}
        for place, loop in enumerate(self.loops):
            found |= {n.number for n in loop.sums} | read_by(loop.computed)
            found |= {x for x in read_by(loop.rows) if self.place.get(x) != place}
        return [n for n in self.members if n.number in found and self.kinds[n.number] != "wide"]

    def replaceable(self, node: Any) -> list[int]:
        """Return the numbers of the wide values that no loop fetches once this output is stored."""
        if self.kinds[node.number] != "wide":
            return []
        place, last = self.place[node.number], dict[int, int]()
        for i, loop in enumerate(self.loops):
            last |= {x.number: i for x in loop.fetched if is_node(x)}
        return [x for x, i in last.items() if i <= place]

    def traffic(self) -> tuple[int, int]:
        """Return how often NumPy's calls read or write a wide array, and how often the loops do."""
        wide = self.of_kind("wide", "sum")
        operands = sum(len({id(x) for x in _wide_operands(node)}) for node in wide)
        ours = sum(len(loop.fetched) + len(loop.stored) for loop in self.loops)
        return operands + len(self.of_kind("wide")), ours


def fused(nodes: Sequence, roots: Sequence) -> list:
    """Return the steps of a program: nodes whose calls stay NumPy's, and kernels of the others."""
    steps = [Kernel(calls) if len(calls) > 1 else calls[0] for calls in gathered(nodes)]
    kernels = [step for step in steps if isinstance(step, Kernel)]
    homes = {n.number: (k, k.place[n.number]) for k in kernels for n in k.of_kind("wide")}
    kept = _kept(homes, _readers(steps, roots))
    for kernel in kernels:
        places = range(max(kernel.place.values()) + 1)
        kernel.loops = [_loop(kernel, place, homes, kept) for place in places]
        kernel.inputs = _inputs(kernel)
    asked = read_by(step for step in steps if not isinstance(step, Kernel))
    asked |= {x.number for x in (*roots, *chain(*(k.inputs for k in kernels))) if is_node(x)}
    for kernel in kernels:
        stored = [node for loop in kernel.loops for node in loop.stored]
        rows = [node for node in kernel.of_kind("sum", "row") if node.number in asked]
        kernel.outputs = [*stored, *rows]
    return steps


def _wide_operands(node: Any) -> list:
    """Return the operands of a call that it passes over, entry by entry."""
    operands = node.inputs[:1] if node.function in SUMS else template(node)[1]
    return [x for x in operands if np.shape(x) == wide_shape(node)]


def _readers(steps: Sequence, roots: Iterable) -> dict[int, set]:
    """Map each node's number to its readers: a kernel and a place in it, or None for NumPy."""
    readers: dict[int, set] = defaultdict(set)
    for x in roots:
        readers[x.number].add(None)
    for step in steps:
        for node in step.members if isinstance(step, Kernel) else [step]:
            place = (step, step.place[node.number]) if isinstance(step, Kernel) else None
            for number in read_by([node]):
                readers[number].add(place)
    return readers


def _kept(homes: dict, readers: dict[int, set]) -> set[int]:
    """Return the numbers of the wide values that are stored. The others are computed again.

    A value is stored if NumPy reads it, or a loop that cannot compute it from one array in memory
    by a few cheap calls, so few that the loops that need it make no more than `MOST_CALLS` in all.
    """
    kept: set[int] = set()
    origins: dict[int, tuple[set, int]] = {}  # the arrays under a value, and the calls in between
    kernels = dict.fromkeys(kernel for kernel, _ in homes.values())
    nodes = {node.number: node for kernel in kernels for node in kernel.members}
    for number in sorted(homes):
        node, elsewhere = nodes[number], readers[number] - {homes[number]}
        arrays, calls = set[int](), 1 + MOST_CALLS * (node.function in SLOW)
        for x in _wide_operands(node):
            under, more = origins.get(_token(x), ({_token(x)}, 0))
            arrays, calls = arrays | under, calls + more
        cheap = len(arrays) <= 1 and calls * len(elsewhere) <= MOST_CALLS
        if None in elsewhere or (elsewhere and not cheap):
            kept.add(number)
        else:
            origins[number] = arrays, calls
    return kept


def _token(x: Any) -> int:
    """Return the number of a node, or the id of an array of constants, which is larger."""
    return x.number if is_node(x) else id(x)


def _loop(kernel: Kernel, place: int, homes: dict, kept: set[int]) -> Loop:
    """Return a loop, with all that it has to fetch and compute for what it stores and sums up."""
    stored = [node for node in kernel.at(place, "wide") if node.number in kept]
    sums = kernel.at(place, "sum")
    waiting = [*stored, *(node.inputs[0] for node in sums)]
    fetched, computed = dict[int, Any](), dict[int, Any]()
    while waiting:
        x = waiting.pop()
        home = homes.get(_token(x))
        if home is None or (x.number in kept and home != (kernel, place)):
            fetched[_token(x)] = x
        elif x.number not in computed:
            computed[x.number] = x
            waiting += _wide_operands(x)
    taken, made = ([found[key] for key in sorted(found)] for found in (fetched, computed))
    return Loop(taken, made, stored, sums, kernel.at(place, "row"))


def _inputs(kernel: Kernel) -> list:
    """Return the values from elsewhere that a kernel reads, in the order of their first use."""
    here = {node.number for loop in kernel.loops for node in loop.computed} | kernel.place.keys()
    found: dict[int, Any] = {}
    for loop in kernel.loops:
        calls = map(template, (*loop.computed, *loop.rows))
        for x in (*loop.fetched, *chain(*(operands for _, operands, _ in calls))):
            if x.number not in here if is_node(x) else np.ndim(x):  # a number is written out
                found.setdefault(_token(x), x)
    return [*found.values()]
