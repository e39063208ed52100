"""Calls of functions that choose entries."""

import numpy as np

RNG = np.random.default_rng(5)
ROW, X, CUBE = RNG.normal(size=4), RNG.normal(size=(3, 4)), RNG.normal(size=(2, 3, 4))
ONE, LONG = np.array(0.7), RNG.normal(size=6)
FAR = RNG.permutation(np.arange(-5.5, 6)).reshape(3, 4)  # no difference changes a sign
INSIDE = "np.array([0, 0, 1, 0, 1, 0], 'f')"  # keeps entries 0, as their differences would not be
FRAME = "np.array([[0, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 0]], 'f').T"

CALLS = {
    "np.take(x, 2)": {"x": X},
    "np.take(x, [0, 0, -1])": {"x": X},
    "np.take(x, (1, 0), axis=0)": {"x": X},
    "np.take(x, np.array([[0, 1], [1, 1]]), axis=-1)": {"x": X},
    "np.take(x, 1, 1)": {"x": CUBE},
    "np.take(x, [5, -6], axis=1, mode='wrap')": {"x": X},
    "np.take(x, indices=[5, -6, 1], axis=1, mode='clip')": {"x": X},
    "np.take(x, np.zeros((0, 2), int), axis=0)": {"x": X},
    "np.take(x, 0)": {"x": ONE},
    "np.take(x, np.argsort(x, axis=None)[:2])": {"x": X},
    "np.take_along_axis(x, np.argsort(x, axis=0), axis=0)": {"x": X},
    "np.take_along_axis(x, np.argsort(x, axis=-1)[:, :2], -1)": {"x": X},
    "np.take_along_axis(x, np.array([[1], [0], [3]]), axis=1)": {"x": X},
    "np.take_along_axis(x, np.array([[1, 2]]), axis=1)": {"x": X},
    "np.take_along_axis(x, np.array([5, 1, 1]), axis=None)": {"x": X},
    "np.take_along_axis(x, np.argmax(x, axis=1, keepdims=True), axis=1)": {"x": CUBE},
    "np.compress([False, True, True], x, axis=0)": {"x": X},
    "np.compress([0, 1], x, axis=1)": {"x": X},
    "np.compress(np.arange(12) % 5 == 0, x)": {"x": X},
    "np.compress([False], x, -1)": {"x": X},
    "np.extract([[1, 0], [0, 1]], x)": {"x": X},
    "np.delete(x, 1)": {"x": X},
    "np.delete(x, [0, -1], axis=1)": {"x": X},
    "np.delete(x, slice(None, None, 2), axis=0)": {"x": X},
    "np.delete(x, np.array([True, False, True]), 1)": {"x": CUBE},
    "np.delete(x, [], axis=0)": {"x": X},
    f"np.trim_zeros(x * {INSIDE})": {"x": LONG},
    f"np.trim_zeros(x * {INSIDE}, 'f')": {"x": LONG},
    f"np.trim_zeros(x * {INSIDE}, trim='B')": {"x": LONG},
    f"np.trim_zeros(x * {FRAME}, axis=None)": {"x": X},
    f"np.trim_zeros(x * {FRAME}, 'fb', axis=-1)": {"x": X},
    f"np.trim_zeros(x * {FRAME}, axis=0)": {"x": X},
    "np.trim_zeros(x * 0)": {"x": X},
    "np.select([x > 1, x > 0], [x * x, -x])": {"x": FAR},
    "np.select([x > 1, x > 0], [x * x, 2.5], default=7)": {"x": FAR},
    "np.select([x > 0, x < -1], [0.5, y], x)": {"x": FAR, "y": ROW},
    "np.select([np.array([True, False, False, True])], [x], default=-1.5)": {"x": FAR},
    "np.choose([0, 1, 1, 0], [x, y])": {"x": X, "y": ROW},
    "np.choose(np.array([[2], [0], [1]]), [x, 2.0, y])": {"x": X, "y": ROW},
    "np.choose([4, -1, 1, 0], choices=(x, y), mode='wrap')": {"x": X, "y": ROW},
    "np.choose([4, -1, 1, 0], [x, y, -x], mode='clip')": {"x": X, "y": ROW},
    "np.choose([2, 0, 1, 1], x)": {"x": X},
    "np.choose(1, [x, y])": {"x": X, "y": ROW},
    "np.choose(np.argmax(x, axis=0), [x[0], y, -y])": {"x": X, "y": ROW},
    "np.piecewise(x, [x < 0, x >= 0], [np.negative, np.exp])": {"x": FAR},
    "np.piecewise(x, [x < -1, x > 1], [np.sin, 2, lambda v: v * v])": {"x": FAR},
    "np.piecewise(x, x > 0, [np.sqrt, 0.5])": {"x": FAR[1]},
    "np.piecewise(x, [x > -1, x > 0], [np.square, np.log])": {"x": FAR[2]},
    "np.piecewise(x, [True, False, False, True], [np.exp])": {"x": FAR[2]},
    "np.piecewise(x, [x > 0], [lambda v, a, b: a * v + b, 1], 3, b=2)": {"x": FAR},
    "np.piecewise(x, [x > 0, x <= 0], [np.sqrt, np.negative])": {"x": ONE},
    "np.piecewise(x, [x > 100, x <= 100], [np.sqrt, lambda v: 3.0]) * x": {"x": FAR},
    "np.apply_along_axis(np.sum, 0, x)": {"x": X},
    "np.apply_along_axis(np.square, -1, x)": {"x": CUBE},
    "np.apply_along_axis(np.cumsum, 1, x)": {"x": CUBE},
    "np.apply_along_axis(lambda row, k: row[:2, None] * row[k], 1, x, 1)": {"x": CUBE},
    "np.apply_along_axis(np.mean, 0, x, keepdims=True)": {"x": ROW},
    "np.apply_along_axis(lambda row: [row[0], row[1] * row[1]], 0, x)": {"x": X},
}
# Nothing is chosen, and the sum of no scalars is the number 0.
NOT_OF_SCALARS = {
    "np.take(x, np.zeros((0, 2), int), axis=0)",
    "np.compress([False], x, -1)",
    "np.trim_zeros(x * 0)",
}
