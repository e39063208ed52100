"""Calls of statistics."""

import numpy as np

RNG = np.random.default_rng(2)
X = RNG.normal(size=(4, 3))
CUBE = RNG.normal(size=(2, 3, 4))
ROW, OTHER = RNG.normal(size=5), RNG.normal(size=5)
WEIGHTS, FEW = RNG.uniform(1, 2, size=(4, 3)), RNG.uniform(1, 2, size=3)
NUMBER = np.array(0.7)
# No two entries are equal, whatever a finite difference does to them.
TIE_FREE = RNG.permutation(24).reshape(2, 3, 4) / 4 - 3
# In each row a zero, and in one of them two.
ZEROS = np.array([[1.5, 0.0, -2.0, 0.5], [0.0, 3.0, 0.0, -1.0], [2.0, -0.5, 1.0, 0.0]])

CALLS = {
    "np.var(x)": {"x": X},
    "np.var(x, axis=0, ddof=1, keepdims=True)": {"x": X},
    "np.var(x, axis=(0, -1))": {"x": CUBE},
    "np.var(x, axis=1, correction=1)": {"x": X},
    "np.var(x, axis=0, mean=mean)": {"x": X, "mean": RNG.normal(size=(1, 3))},
    "np.var(x, 0)": {"x": ROW},
    "np.std(x)": {"x": ROW},
    "np.std(x, axis=-1)": {"x": X},
    "np.std(x, axis=(0, 2), ddof=1, keepdims=True)": {"x": CUBE},
    "np.std(x, axis=0, mean=np.mean(x, axis=0, keepdims=True), correction=1)": {"x": X},
    "np.average(x)": {"x": X},
    "np.average(x, axis=-1, keepdims=True)": {"x": X},
    "np.average(x, weights=w)": {"x": X, "w": WEIGHTS},
    "np.average(x, 1, w)": {"x": X, "w": FEW},
    "np.average(x, axis=-1, weights=[1, 2, 3], keepdims=True)": {"x": X},
    "np.average(x, axis=0, weights=np.array([3, 2, 2, 1]))": {"x": X},
    "np.average([1, 2, 4], weights=w)": {"w": FEW},
    "np.average(x, axis=(2, 1), weights=w)": {"x": CUBE, "w": WEIGHTS},
    "np.amax(x, axis=0)": {"x": TIE_FREE},
    "np.amax(x)": {"x": TIE_FREE},
    "np.amin(x, axis=(0, -1), keepdims=True)": {"x": TIE_FREE},
    "np.ptp(x)": {"x": TIE_FREE},
    "np.ptp(x, axis=-1, keepdims=True)": {"x": TIE_FREE},
    "np.prod(x)": {"x": X},
    "np.prod(x, axis=1)": {"x": CUBE},
    "np.prod(x, axis=-1)": {"x": ZEROS},
    "np.prod(x, axis=(0, -1), keepdims=True)": {"x": CUBE},
    "np.prod(x, axis=(), initial=2)": {"x": X},
    "np.prod(x, axis=0, initial=2.5)": {"x": RNG.normal(size=(7, 2))},
    "np.prod(x)  # of one": {"x": NUMBER},
    "np.prod(x, axis=0)": {"x": RNG.normal(size=(1, 3))},
    "np.prod(x, axis=0, keepdims=True)": {"x": np.zeros((0, 2))},
    "np.cumprod(x)": {"x": X[:3]},
    "np.cumprod(x, axis=0)": {"x": RNG.normal(size=7)},
    "np.cumprod(x, axis=-1)": {"x": ZEROS},
    "np.cumprod(x, 1)": {"x": CUBE},
    "np.cumulative_sum(x)": {"x": ROW},
    "np.cumulative_sum(x, axis=-1, include_initial=True)": {"x": X},
    "np.cumulative_prod(x)": {"x": ROW},
    "np.cumulative_prod(x, axis=-2, include_initial=True)": {"x": CUBE},
    "np.cov(x)": {"x": X},
    "np.cov(x)  # of one": {"x": ROW},
    "np.cov(x, y)": {"x": ROW, "y": OTHER},
    "np.cov(x, y, rowvar=False)": {"x": X, "y": WEIGHTS},
    "np.cov(x, rowvar=False, bias=True)": {"x": X},
    "np.cov(x, ddof=0)": {"x": X},
    "np.cov(x, aweights=w)": {"x": X, "w": FEW},
    "np.cov(x, fweights=[1, 3, 2])": {"x": X},
    "np.cov(x, fweights=np.array([1, 3, 2]), aweights=w, ddof=2)": {"x": X, "w": FEW},
    "np.cov(x, bias=True, aweights=[1.0, 0.5, 2.0])": {"x": X},
    "np.cov([1.0, 2.0, 0.5, -1.0, 3.0], y)": {"y": OTHER},
    "np.corrcoef(x, rowvar=False)": {"x": RNG.normal(size=(6, 3))},
    "np.corrcoef(x, y)": {"x": ROW, "y": OTHER},
}
# NumPy says 1 for an empty product; of no scalars at all there is nothing to be recorded.
NOT_OF_SCALARS = ["np.prod(x, axis=0, keepdims=True)"]
