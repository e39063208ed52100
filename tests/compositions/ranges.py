"""Calls of functions that make numbers in a row between two ends."""

import numpy as np

RNG = np.random.default_rng(5)
X = RNG.permutation(np.arange(-6, 6)).reshape(3, 4) / 4 + 0.1
Y = RNG.permutation(np.arange(12)).reshape(3, 4) / 3 - 1.89
V, A, ONE = X[0], np.abs(X), np.float64(0.71)

CALLS = {
    "np.linspace(x, y, 5)": {"x": ONE, "y": -2 * ONE},
    "np.linspace(x, 1, num=4, endpoint=False)": {"x": V},
    "np.linspace(0.5, x, 3, axis=-1)": {"x": X},
    "np.linspace(x, y, 3, axis=1)": {"x": X, "y": Y[0]},
    "np.linspace(x, 2.0, 1)": {"x": ONE},
    "np.linspace(x, 2.0)": {"x": ONE},
    "np.logspace(x, 1, 4)": {"x": V / 4},
    "np.logspace(x, y, 3, base=2.0)": {"x": V, "y": ONE},
    "np.logspace(x, 2.0, 4, False, base=b)": {"x": V / 4, "b": A[0] + 1},
    "np.logspace(x, 2.0, 4, base=b, axis=-1)": {"x": V / 4, "b": np.float64(1.5)},
    "np.geomspace(x, 8.0, 4)": {"x": A},
    "np.geomspace(0.5, x, 3, axis=-1)": {"x": A},
    "np.geomspace(-x, -y, num=4, endpoint=False)": {"x": A[0], "y": ONE},
    "np.geomspace(-x, -y, 3, axis=1)": {"x": A[0], "y": A},
}

# One number is a Tensor, not an array of them.
NOT_OF_SCALARS = {c for c, arrays in CALLS.items() if any(a.ndim == 0 for a in arrays.values())}
