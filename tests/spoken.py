"""A batch norm to tell stories of, and the sentences of a story, for its tests."""

import numpy as np

from microbn import Tensor
from microbn import functional as F

DY = np.random.default_rng(1).normal(size=(4, 3))


def batch_norm():
    rng = np.random.default_rng(0)
    leaves = [Tensor(rng.normal(size=s), n) for s, n in (((4, 3), "x"), (3, "gamma"), (3, "beta"))]
    return F.batch_norm(*leaves)


def told(story):
    """Return the sentences of a story, with those of the messages."""
    return [line.strip() for step in story for line in str(step).splitlines()]
