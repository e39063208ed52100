"""Rounding noise: gradients that would be 0 if numbers had more digits."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .graph import Graph, Vertex


class Noise(dict[str, float]):
    """Holds, by a node's id, how large rounding noise can be in its gradient.

    A gradient is a sum, of parts and over axes. The sum is wrong by some roundings of its largest
    term, even if the terms cancel and the gradient is 0. Errors of either sign cancel too, so that
    noise grows with the root of the number of terms. A rule scales the noise of the gradient that
    it is given as it scales the gradient itself, and that of the values that it reads: x̂ is less
    exact where the mean of x is large beside its spread.
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        nodes = {node.id: node for node in graph.nodes}
        operands: dict[str, list[Vertex]] = {id: [] for id in nodes}
        for edge in graph.edges:
            operands[edge.target].append(nodes[edge.source])
        self.of_values: dict[str, float] = {}  # by id; what is given has none
        self.shares: dict[str, float] = {}  # the same, of the largest entry
        for id, node in nodes.items():
            self.of_values[id] = noise = _finite(self._of_value(node, operands[id]))
            self.shares[id] = _finite(noise / (largest_entry(node.value) or 1))

    def add(self, sender: str, gradient: Any, reads: Iterable[str], part: Any) -> float:
        """Add the noise of a part, and return how much the gradient of its receiver has now.

        The rule of the part was given this gradient, and it read the values with these ids.
        """
        earlier = [] if part.earlier is None else [part.earlier]
        terms = max(map(largest_entry, [part.product, part.gradient, *earlier]))
        count = part.product.size / max(part.gradient.size, 1)  # of the terms of an entry
        rounded = (4 + math.sqrt(count)) * _eps(part.gradient) * terms
        share = self.get(sender, 0.0) / (largest_entry(gradient) or 1)
        share = math.hypot(share, *(self.shares[id] for id in reads))
        handed_on = _finite(math.sqrt(count) * share) * largest_entry(part.product)
        noise = math.hypot(self.get(part.receiver, 0.0), rounded, handed_on)
        self[part.receiver] = _finite(noise)
        return self[part.receiver]

    def _of_value(self, node: Vertex, operands: Sequence[Vertex]) -> float:
        """Return how large rounding noise can be in a value: for a product, that of its factors."""
        if not operands or node.value.dtype.kind != "f":
            return 0.0
        noise = [self.of_values[operand.id] for operand in operands]
        largest = largest_entry(node.value)
        if node.function in ("add", "subtract"):
            return math.hypot(*noise, _eps(node.value) * largest)
        if node.function in ("sum", "mean"):
            count = operands[0].value.size / max(node.value.size, 1)
            rounded = (1 + math.sqrt(count)) * _eps(node.value)
            of_mean = math.hypot(noise[0], rounded * largest_entry(operands[0].value))
            return of_mean * count if node.function == "sum" else of_mean
        shares = [self.shares[operand.id] for operand in operands]
        return _finite(math.hypot(*shares, _eps(node.value))) * largest


def largest_entry(array: Any) -> float:
    """Return the size of the largest finite entry, 0 if there is none."""
    sizes = np.abs(np.asarray(array, float))
    return float(sizes.max(initial=0.0, where=np.isfinite(sizes)))


def _eps(array: np.ndarray) -> float:
    return float(np.finfo(array.dtype).eps)


def _finite(noise: float) -> float:
    return min(noise, sys.float_info.max)  # JSON has no infinity
