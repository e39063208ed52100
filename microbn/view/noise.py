"""Rounding noise: gradients that would be 0 if numbers had more digits."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

_LARGEST = sys.float_info.max  # JSON has no infinity


class Noise(dict[str, float]):
    """Holds, by a node's id, how large rounding noise can be in its gradient.

    A gradient is a sum, of parts and over axes. The sum is wrong by some roundings of its largest
    term, even if the terms cancel and the gradient is 0. Errors of either sign cancel too, so that
    noise grows with the root of the number of terms. A rule scales the noise of the gradient that
    it is given as it scales the gradient itself.
    """

    def add(self, sender: str, gradient: Any, part: Any) -> None:
        """Add the noise of a part of a story's step, whose rule was given this gradient."""
        earlier = [] if part.earlier is None else [part.earlier]
        terms = max(map(largest_entry, [part.product, part.gradient, *earlier]))
        root = math.sqrt(part.product.size / max(part.gradient.size, 1))  # of the entries summed
        rounded = (4 + root) * float(np.finfo(part.gradient.dtype).eps) * terms
        share = min(self.get(sender, 0.0) / (largest_entry(gradient) or 1), _LARGEST)
        added = rounded + root * (share * largest_entry(part.product))
        self[part.receiver] = min(math.hypot(self.get(part.receiver, 0.0), added), _LARGEST)


def largest_entry(array: Any) -> float:
    """Return the size of the largest finite entry, 0 if there is none."""
    sizes = np.abs(np.asarray(array, float))
    return float(sizes.max(initial=0.0, where=np.isfinite(sizes)))
