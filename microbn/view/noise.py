"""Rounding noise: gradients that would be 0 if numbers had more digits."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

_ROUNDINGS = 1000  # a sum of many numbers is wrong by fewer roundings than this


class Noise(dict[str, float]):
    """Holds, by a node's id, how large rounding noise can be in its gradient.

    A gradient is a sum, of parts and over axes. The sum is wrong by some roundings of its largest
    term, even if the terms cancel and the gradient is 0. A rule scales the noise of the gradient
    that it is given as it scales the gradient itself.
    """

    def add(self, sender: str, gradient: Any, part: Any) -> None:
        """Add the noise of a part of a story's step, whose rule was given this gradient."""
        earlier = [] if part.earlier is None else [part.earlier]
        terms = max(map(largest_entry, [part.product, part.gradient, *earlier]))
        rounded = _ROUNDINGS * float(np.finfo(part.gradient.dtype).eps) * terms
        share = self.get(sender, 0.0) / (largest_entry(gradient) or 1)
        added = max(rounded, share * largest_entry(part.product))
        added = min(added, sys.float_info.max)  # JSON has no infinity
        self[part.receiver] = max(self.get(part.receiver, 0.0), added)


def largest_entry(array: Any) -> float:
    """Return the size of the largest finite entry, 0 if there is none."""
    sizes = np.abs(np.asarray(array, float))
    return float(sizes.max(initial=0.0, where=np.isfinite(sizes)))
