"""Calls of differences."""

import numpy as np

RNG = np.random.default_rng(4)
X = RNG.normal(size=(4, 3))
CUBE = RNG.normal(size=(3, 4, 3))
ROW = RNG.normal(size=6)
PLACES = np.array([0.0, 0.5, 0.75, 2.0, 3.5, 4.0])
NUMBER = np.array(0.7)
# None of the steps is near half a turn, where it is not settled which way to go.
ANGLES = np.array([[0.5, 2.5, -2.0, 0.25, 3.0], [3.0, -3.0, 2.5, 9.0, -1.5], [0.0, 7, 14, 20, 28]])

CALLS = {
    "np.diff(x)": {"x": X},
    "np.diff(x)  # of a row": {"x": ROW},
    "np.diff(x, n=2, axis=0)": {"x": X},
    "np.diff(x, 3)": {"x": ROW},
    "np.diff(x, n=0)": {"x": X},
    "np.diff(x, axis=1)": {"x": CUBE},
    "np.diff(x, n=4)": {"x": X},
    "np.diff(x, prepend=0)": {"x": X},
    "np.diff(x, axis=0, append=[[1, 2, 3]])": {"x": X},
    "np.diff(x, axis=0, prepend=y, append=2.5)": {"x": X, "y": RNG.normal(size=(2, 3))},
    "np.diff(x, prepend=y)": {"x": ROW, "y": NUMBER},
    "np.ediff1d(x)": {"x": X},
    "np.ediff1d(x, to_begin=1, to_end=[2, 3])": {"x": ROW},
    "np.ediff1d(x, y)": {"x": ROW, "y": X},
    "np.gradient(x)": {"x": ROW},
    "np.gradient(x)  # in the plane": {"x": X},
    "np.gradient(x, 0.5, axis=-1)": {"x": CUBE},
    "np.gradient(x, 0.5, edge_order=2)": {"x": CUBE},
    "np.gradient(x, 2, [0, 1, 4], axis=(0, 2), edge_order=2)": {"x": CUBE},
    "np.gradient(x, np.array([0.0, 0.5, 0.75, 2.0, 3.5, 4.0]))": {"x": ROW.astype(float)},
    "np.gradient(x, places, edge_order=2)": {"x": ROW, "places": PLACES},
    "np.gradient(x, h)": {"x": ROW, "h": NUMBER},
    "np.gradient([1.0, 2.0, 4.0, 3.0, 1.0, 0.0], places)": {"places": PLACES},
    "np.gradient(x, axis=0)": {"x": X[:2]},
    "np.trapezoid(x)": {"x": ROW},
    "np.trapezoid(x, dx=0.5, axis=0)": {"x": X},
    "np.trapezoid(x, [0, 1, 3, 4], axis=1)": {"x": CUBE},
    "np.trapezoid(y, x)": {"y": ROW, "x": PLACES},
    "np.trapezoid(y, x, axis=-2)": {"y": CUBE, "x": RNG.normal(size=(3, 4, 3))},
    "np.trapezoid([1, 2, 4, 3, 1, 0], x)": {"x": PLACES},
    "np.trapezoid(x, dx=h)": {"x": X, "h": NUMBER},
    "np.trapezoid(x)  # of one": {"x": ROW[:1]},
    "np.unwrap(x)": {"x": ANGLES},
    "np.unwrap(x, axis=0)": {"x": ANGLES},
    "np.unwrap(x, 4.0)": {"x": ANGLES},
    "np.unwrap(x, discont=1.0, period=2)": {"x": np.array([0.2, 0.9, -0.4, 3.0, -5.1])},
}
NOT_OF_SCALARS = [
    "np.diff(x, prepend=y)",  # NumPy joins an array of scalars with a single scalar in its own way
    *("np.diff(x, n=4)", "np.trapezoid(x)  # of one"),  # no scalar is left to be recorded
]
