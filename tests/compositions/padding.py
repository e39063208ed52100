"""Calls of functions that make arrays larger."""

import numpy as np

RNG = np.random.default_rng(4)
ROW, X, CUBE = RNG.normal(size=3), RNG.normal(size=(2, 3)), RNG.normal(size=(2, 1, 2))
ONE = np.array(0.7)

CALLS = {
    "np.pad(x, 1)": {"x": X},
    "np.pad(x, (1, 2))": {"x": ROW},
    "np.pad(x, ((0, 0), (2, 1)))": {"x": X},
    "np.pad(x, ((1,), (2,)), 'constant')": {"x": X},
    "np.pad(x, 1, constant_values=3)": {"x": X},
    "np.pad(x, [(1, 2), (3, 0)], mode='constant', constant_values=((1, 2), (3, 4)))": {"x": X},
    "np.pad(x, 1, constant_values=(np.nan, -1.5))[1:]": {"x": ROW},
    "np.pad(x, 0)": {"x": ONE},
    "np.pad(x, 2)": {"x": np.zeros((0, 1))},
    "np.pad(x, 2, 'edge')": {"x": X},
    "np.pad(x, ((3, 1), (0, 5)), mode='edge')": {"x": X},
    "np.pad(x, (2, 7), 'reflect')": {"x": ROW},
    "np.pad(x, 1, mode='reflect')": {"x": CUBE},
    "np.pad(x, (2, 7), 'symmetric')": {"x": ROW},
    "np.pad(x, 1, mode='symmetric')": {"x": CUBE},
    "np.pad(x, (5, 4), 'wrap')": {"x": ROW},
    "np.pad(x, ((1, 0), (0, 2)), mode='wrap')": {"x": X},
    "np.tile(x, 2)": {"x": ROW},
    "np.tile(x, (2, 3))": {"x": X},
    "np.tile(x, reps=(2, 1, 2))": {"x": X},
    "np.tile(x, [3])": {"x": CUBE},
    "np.tile(x, 0)": {"x": X},
    "np.tile(x, 3)": {"x": ONE},
    "np.repeat(x, 2)": {"x": X},
    "np.repeat(x, 3, axis=0)": {"x": X},
    "np.repeat(x, repeats=[1, 0, 2], axis=-1)": {"x": X},
    "np.repeat(x, np.array([2]), 1)": {"x": X},
    "np.repeat(x, 2, axis=1)": {"x": CUBE},
    "np.repeat(x, 4)": {"x": ONE},
    "np.resize(x, (3, 3))": {"x": X},
    "np.resize(x, 2)": {"x": X},
    "np.resize(x, new_shape=(2, 2, 3))": {"x": ROW},
}
NOT_OF_SCALARS = {"np.pad(x, 2)", "np.tile(x, 0)"}  # there are none, or none is left
