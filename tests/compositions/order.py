"""Calls of functions that put values in order."""

import numpy as np

RNG = np.random.default_rng(5)
# No two entries are equal, whatever a finite difference does to them.
CUBE = RNG.permutation(24).reshape(2, 3, 4) / 4 - 3
X = RNG.permutation(15).reshape(5, 3) / 4 - 2
ROW = RNG.permutation(8) / 4 - 1
NUMBER = np.array(0.7)
LEVELS = np.array([[0.15, 0.4], [0.62, 0.93]])
HOLES = "np.where(np.array([[0, 1, 0], [0, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0]]) > 0, np.nan, x)"
METHODS = [
    *("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf"),
    *("hazen", "weibull", "linear", "median_unbiased", "normal_unbiased"),
    *("lower", "higher", "midpoint", "nearest"),
]

CALLS = {
    "np.sort(x)": {"x": CUBE},
    "np.sort(x, axis=None)": {"x": X},
    "np.sort(x, axis=0)": {"x": X},
    "np.sort(x, -2, kind='stable')": {"x": CUBE},
    "np.sort(x, stable=True)": {"x": ROW},
    "np.sort(x)  # of none": {"x": np.zeros((2, 0))},
    "np.partition(x, 2)[..., 2]": {"x": CUBE},
    "np.partition(x, (1, -2), axis=0)[np.array([1, -2])]": {"x": X},
    "np.partition(x, 3, axis=None)[3]": {"x": X},
    "np.median(x)": {"x": X},
    "np.median(x)  # of many": {"x": CUBE},
    "np.median(x)  # of one": {"x": NUMBER},
    "np.median(x, axis=-1)": {"x": CUBE},
    "np.median(x, axis=(0, -1), keepdims=True)": {"x": CUBE},
    "np.median(x, axis=(2, 0))": {"x": CUBE},
    "np.median(x, axis=0, keepdims=True)": {"x": X},
    "np.quantile(x, 0.3)": {"x": X},
    "np.quantile(x, 0.5, axis=0)": {"x": X},
    "np.quantile(x, [0, 0.25, 1], axis=-1, keepdims=True)": {"x": CUBE},
    "np.quantile(x, np.array([[0.1, 0.9]]), axis=(0, 1))": {"x": CUBE},
    "np.quantile(x, q, axis=-1)": {"x": CUBE, "q": LEVELS},
    "np.quantile(x, q)": {"x": ROW, "q": NUMBER},
    "np.quantile([3, 1, 2, 5], q)": {"q": NUMBER},
    "np.percentile(x, 30)": {"x": X},
    "np.percentile(x, [5, 50, 95], axis=-1, keepdims=True)": {"x": CUBE},
    "np.percentile(x, q, axis=0)": {"x": X, "q": 100 * LEVELS},
    "np.nanmedian(x)": {"x": X},
    f"np.nanmedian({HOLES})": {"x": X},
    f"np.nanmedian({HOLES}, axis=0)": {"x": X},
    f"np.nanmedian({HOLES}, axis=1, keepdims=True)": {"x": X},
    f"np.nanquantile({HOLES}, 0.3)": {"x": X},
    f"np.nanquantile({HOLES}, [0, 0.3, 1], axis=0, keepdims=True)": {"x": X},
    f"np.nanquantile({HOLES}, q, axis=-1)": {"x": X, "q": LEVELS},
    f"np.nanpercentile({HOLES}, 45, axis=(0, 1))": {"x": X},
    f"np.nanpercentile({HOLES}, [5, 50], axis=0)": {"x": X},
    **{
        f"np.{name}({x}, [0, 0.08, 0.4, 0.62, 1], axis=0, method={method!r})": {"x": X}
        for method in METHODS
        for name, x in (("quantile", "x"), ("nanquantile", HOLES))
    },
}
NOT_OF_SCALARS = [
    *("np.quantile(x, q)", "np.quantile([3, 1, 2, 5], q)"),  # a single scalar as the level
    "np.sort(x)  # of none",  # no scalar is left to be recorded
]
