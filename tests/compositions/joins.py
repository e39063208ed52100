"""Calls of functions that join arrays and split them."""

import numpy as np

RNG = np.random.default_rng(6)
ROW, X, CUBE = RNG.normal(size=4), RNG.normal(size=(3, 4)), RNG.normal(size=(2, 3, 4))
ONE, Y = np.array(0.7), RNG.normal(size=(3, 4))

CALLS = {
    "np.concatenate([x, y])": {"x": X, "y": Y},
    "np.concatenate((x, y[:, :1]), axis=-1)": {"x": X, "y": Y},
    "np.concat([x, y], axis=None)": {"x": X, "y": ROW},
    "np.stack([x, y], axis=1)": {"x": X, "y": Y},
    "np.hstack([x, y])": {"x": X, "y": Y},
    "np.hstack((x, y, np.float32(2)))": {"x": ROW, "y": ONE},
    "np.hstack(x)": {"x": CUBE},
    "np.vstack([x, y])": {"x": X, "y": ROW},
    "np.vstack((x, np.ones((1, 4), 'f'), x))": {"x": X},
    "np.vstack([x, np.float32(2)])": {"x": ONE},
    "np.dstack([x, y])": {"x": X, "y": Y},
    "np.dstack((x, y))": {"x": ROW, "y": ROW + 1},
    "np.dstack((x, x[..., :0]))": {"x": CUBE},
    "np.column_stack([x, y])": {"x": X, "y": Y[:, 0]},
    "np.column_stack((x, np.ones(4, 'f'), x))": {"x": ROW},
    "np.append(x, y)": {"x": X, "y": ROW},
    "np.append(x, np.zeros(2, 'f'))": {"x": ROW},
    "np.append(x, y, axis=0)": {"x": X, "y": Y},
    "np.append(x, values=x[:, :1], axis=-1)": {"x": X},
    "np.append(x, np.float32(3))": {"x": ONE},
    "np.block([x, y])": {"x": X, "y": Y},
    "np.block([[x, y], [y, x]])": {"x": X, "y": Y},
    "np.block([[x, np.zeros((3, 1), 'f')], [y, np.float32(2)]])": {"x": X, "y": ROW},
    "np.block([[[x], [x]], [[y], [y]]])": {"x": X, "y": Y},
    "np.block([[x], [x]])": {"x": CUBE},
    "np.block(x)": {"x": X},
    "np.insert(x, 1, 5.0)": {"x": X},
    "np.insert(x, 1, y, axis=0)": {"x": X, "y": ROW},
    "np.insert(x, -1, y, axis=1)": {"x": X, "y": Y[:, 0]},
    "np.insert(x, [1], y, axis=1)": {"x": X, "y": Y[:, :2]},
    "np.insert(x, [0, 3, 3], y)": {"x": ROW, "y": ROW[:3] + 1},
    "np.insert(x, [2, 0], values=y, axis=1)": {"x": X, "y": Y[:, :2]},
    "np.insert(x, slice(0, 3, 2), 0, axis=0)": {"x": X},
    "np.insert(x, np.array([True, False, True, False]), y)": {"x": ROW, "y": ROW[:2] + 1},
    "np.insert(x, 4, [1, 2, 3])": {"x": ROW},
    "np.insert(x, [], 1.0, axis=0)": {"x": X},
    "np.insert(x, 0, y)": {"x": ONE, "y": ROW},
    "np.split(x, 3)": {"x": X},
    "np.split(x, [1, 3], axis=1)": {"x": X},
    "np.split(x, indices_or_sections=(2, 9), axis=-1)": {"x": X},
    "np.split(x, [-1])": {"x": ROW},
    "np.array_split(x, 2)": {"x": X},
    "np.array_split(x, 3, axis=1)": {"x": X},
    "np.array_split(x, 6)": {"x": ROW},
    "np.array_split(x, np.array([2, 1, 3]))": {"x": ROW},
    "np.hsplit(x, 2)": {"x": X},
    "np.hsplit(x, [1])": {"x": ROW},
    "np.vsplit(x, [1])": {"x": X},
    "np.dsplit(x, 2)": {"x": CUBE},
    "np.unstack(x)": {"x": X},
    "np.unstack(x, axis=-1)": {"x": CUBE},
}
# A single number is a Tensor, and no array of scalars that could be joined to one.
NOT_OF_SCALARS = {"np.hstack((x, y, np.float32(2)))", "np.insert(x, 0, y)"}
