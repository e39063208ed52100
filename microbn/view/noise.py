"""Rounding noise: gradients that would be 0 if numbers had more digits."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from .steps import Part, StoryStep

_ROUNDINGS = 1000  # a sum of many numbers is wrong by fewer roundings than this


def noise_in(steps: Sequence[StoryStep]) -> dict[str, float]:
    """Return how large rounding noise can be in the gradient of each node, by its id.

    A gradient is a sum, of parts and over axes. The sum is wrong by some roundings of its largest
    term, even if the terms cancel and the gradient is 0. A rule scales the noise of the gradient
    that it is given as it scales the gradient itself.
    """
    noise: dict[str, float] = {}
    for step in steps:
        for part in step.parts:
            sent = noise.get(step.nodes[0], 0.0), _largest(step.gradient)
            added = _added(part, *sent)
            noise[part.receiver] = max(noise.get(part.receiver, 0.0), added)
    return noise


def _added(part: Part, noise: float, largest: float) -> float:
    """Return the noise of a part, whose rule was given a gradient with this noise."""
    terms = [part.product, part.gradient, *([] if part.earlier is None else [part.earlier])]
    rounded = _ROUNDINGS * float(np.finfo(part.gradient.dtype).eps) * max(map(_largest, terms))
    scaled = noise / largest * _largest(part.product) if largest else 0.0
    return min(max(rounded, scaled), sys.float_info.max)  # JSON has no infinity


def _largest(array: np.ndarray | None) -> float:
    """Return the size of the largest finite number, 0 if there is none."""
    sizes = np.abs(np.asarray(0.0 if array is None else array, float))
    return float(sizes.max(initial=0.0, where=np.isfinite(sizes)))
