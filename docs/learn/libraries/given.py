"""The same data for every library."""

import numpy as np

rng = np.random.default_rng(0)
x, gamma, beta, dy = (rng.normal(size=shape) for shape in ((4, 3), 3, 3, (4, 3)))
images, labels = rng.normal(size=(16, 64)), rng.integers(10, size=16)
batches = rng.normal(2, 3, size=(3, 8, 3))
