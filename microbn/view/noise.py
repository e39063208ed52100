"""Rounding noise: gradients that would be 0 if numbers had more digits."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np

from ..engine.backward import Message
from .graph import Vertex
from .links import Links


class Noise(dict[str, float]):
    """Holds, by a node's id, how large rounding noise can be in its gradient.

    A gradient is a sum, of parts and over axes. The sum is wrong by some roundings of its largest
    term, even if the terms cancel and the gradient is 0. Errors of either sign cancel too, so that
    noise grows with the root of the number of terms. A rule scales the noise of the gradient that
    it is given as it scales the gradient itself, and that of the values that it reads: x̂ is less
    exact where the mean of x is large beside its spread.
    """

    def __init__(self, links: Links) -> None:
        super().__init__()
        self._links = links
        self.of_values: dict[str, float] = {}  # by id; what is given has none
        self.shares: dict[str, float] = {}  # the same, of the largest entry
        for id, node in links.nodes.items():
            noise = self.of_values[id] = _finite(self._of_value(node, links.operands(id)))
            self.shares[id] = _finite(noise / (largest_entry(node.value) or 1)) if noise else 0.0

    def add(
        self, message: Message, sender: str, gradient: Any, reads: Iterable[str], earlier: Any
    ) -> float:
        """Add the noise of a message, and return how much the sum at its receiver has now.

        The rule was given the ``gradient`` of the sender, and it read the values with these ids.
        The sum before it is ``earlier``, or None.
        """
        receiver, part = self._links.ids[message.operand.number], np.asarray(message.gradient)
        product = largest_entry(message.product)
        before = 0.0 if earlier is None else largest_entry(earlier)
        terms = max(product, largest_entry(part), before)
        count = np.size(message.product) / max(part.size, 1)  # of the terms of an entry
        rounded = (4 + math.sqrt(count)) * _eps(part.dtype) * terms
        share = self.get(sender, 0.0) / (largest_entry(gradient) or 1)
        share = math.hypot(share, *(self.shares[id] for id in reads))
        handed_on = _finite(math.sqrt(count) * share) * product
        noise = math.hypot(self.get(receiver, 0.0), rounded, handed_on)
        self[receiver] = _finite(noise)
        return self[receiver]

    def _of_value(self, node: Vertex, operands: Sequence[Vertex]) -> float:
        """Return how large rounding noise can be in a value: for a product, that of its factors."""
        if not operands or node.value.dtype.kind != "f":
            return 0.0
        noise = [self.of_values[operand.id] for operand in operands]
        largest = largest_entry(node.value)
        if node.function in ("add", "subtract"):
            return math.hypot(*noise, _eps(node.value.dtype) * largest)
        if node.function in ("sum", "mean"):
            count = operands[0].value.size / max(node.value.size, 1)
            rounded = (1 + math.sqrt(count)) * _eps(node.value.dtype)
            of_mean = math.hypot(noise[0], rounded * largest_entry(operands[0].value))
            return of_mean * count if node.function == "sum" else of_mean
        shares = [self.shares[operand.id] for operand in operands]
        return _finite(math.hypot(*shares, _eps(node.value.dtype))) * largest


def largest_entry(array: Any) -> float:
    """Return the size of the largest finite entry, 0 if there is none."""
    if np.ndim(array) == 0:
        size = abs(float(array))
        return size if math.isfinite(size) else 0.0
    sizes = np.abs(np.asarray(array, float))
    return float(sizes.max(initial=0.0, where=np.isfinite(sizes)))


@cache
def _eps(dtype: np.dtype) -> float:
    return float(np.finfo(dtype).eps)


def _finite(noise: float) -> float:
    return min(noise, sys.float_info.max)  # JSON has no infinity
