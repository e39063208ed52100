"""Calls of functions that take a NaN for absent. Finite differences cannot step from a NaN, so a
call replaces an entry of x by one.
"""

import numpy as np

RNG = np.random.default_rng(3)
X = RNG.normal(size=(4, 3))
CUBE = RNG.normal(size=(2, 3, 4))
TIE_FREE = RNG.permutation(12).reshape(4, 3) / 4 - 1.4
HOLES = "np.where(np.array([[0, 1, 0], [0, 0, 0], [1, 1, 0], [0, 0, 0]]) > 0, np.nan, x)"
ENDS = f"np.where(np.array([[0, 1, 0], [0, 0, 0], [0, 0, 0], [1, 0, 0]]) > 0, -np.inf, {HOLES})"

CALLS = {
    "np.nansum(x)": {"x": X},
    f"np.nansum({HOLES}, axis=0, keepdims=True)": {"x": X},
    "np.nanprod(x, axis=-1)": {"x": CUBE},
    f"np.nanprod({HOLES}, axis=0)": {"x": X},
    f"np.nanprod({HOLES}, keepdims=True)": {"x": X},
    f"np.nancumsum({HOLES})": {"x": X},
    f"np.nancumsum({HOLES}, axis=-1)": {"x": X},
    f"np.nancumprod({HOLES})": {"x": X},
    f"np.nancumprod({HOLES}, axis=0)": {"x": X},
    "np.nanmean(x, axis=(0, 2))": {"x": CUBE},
    f"np.nanmean({HOLES})": {"x": X},
    f"np.nanmean({HOLES}, axis=1, keepdims=True)": {"x": X},
    "np.nanvar(x)": {"x": CUBE},
    f"np.nanvar({HOLES}, axis=0)": {"x": X},
    f"np.nanvar({HOLES}, axis=0, ddof=1, keepdims=True)": {"x": X},
    f"np.nanvar({HOLES}, correction=1)": {"x": X},
    f"np.nanvar({HOLES}, axis=0, mean=mean)": {"x": X, "mean": RNG.normal(size=(1, 3))},
    f"np.nanstd({HOLES}, axis=0)": {"x": X},
    f"np.nanstd({HOLES}, ddof=1, keepdims=True)": {"x": X},
    f"np.nanmax({HOLES})": {"x": TIE_FREE},
    f"np.nanmax({HOLES}, axis=-1)": {"x": TIE_FREE},
    f"np.nanmin({HOLES}, axis=0, keepdims=True)": {"x": TIE_FREE},
    "np.nanmin(x, axis=(0, -1))": {"x": CUBE},
    f"np.nan_to_num({HOLES})": {"x": X},
    f"np.nan_to_num({ENDS}, nan=-1, posinf=7.5, neginf=2)": {"x": X},
}
