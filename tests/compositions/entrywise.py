"""Calls of functions of each entry."""

import numpy as np

RNG = np.random.default_rng(5)
GRID = RNG.permutation(np.arange(-12, 12)).reshape(2, 3, 4) / 4 + 0.1
X, Y = GRID[0], RNG.permutation(np.arange(12)).reshape(3, 4) / 3 - 1.89
STEPS = RNG.uniform(0.6, 1.4, (3, 4)) * RNG.choice([-1, 1], (3, 4))  # they divide nothing here
V, A = X[0], np.abs(X)
ONE, BOX, EMPTY = np.float64(0.71), X[:1, :1], X[:0]

CALLS = {
    "np.clip(x, -1.0, 1.0)": {"x": X},
    "np.clip(x, None, 1)": {"x": X},
    "np.clip(x, -1, None)": {"x": X},
    "np.clip(x, min=-1)": {"x": GRID},
    "np.clip(x, min=-1, max=np.array(0.6, np.float32))": {"x": V},
    "np.clip(x, a_min=None, a_max=y)": {"x": X, "y": Y[0]},
    "np.clip(np.array([-2, 0, 2, 4], np.float32), low, high)": {"low": V - 1, "high": V + 2},
    "np.clip(x, None, None)": {"x": ONE},
    "np.tan(x)": {"x": X / 2},
    "np.log2(x)": {"x": A},
    "np.log10(x)": {"x": A},
    "np.exp2(x)": {"x": X},
    "np.logaddexp2(x, y)": {"x": X, "y": Y[:1]},
    "np.logaddexp2(x, 0.5)": {"x": V},
    "np.hypot(x, y)": {"x": X, "y": Y[0]},
    "np.hypot(3.0, x)": {"x": ONE},
    "np.fmax(x, y)": {"x": X, "y": Y},
    "np.fmax(x, 0)": {"x": GRID},
    "np.fmax(x, np.array([np.nan, 1, -2, np.nan], np.float32))": {"x": V},
    "np.fmin(x, y)": {"x": X, "y": Y[:, :1]},
    "np.fmin(0.5, x)": {"x": V},
    "np.copysign(x, y)": {"x": X, "y": Y},
    "np.copysign(2.0, x) * x": {"x": X},
    "np.copysign(x, -1.0)": {"x": V},
    "np.copysign(x, np.array([-0.0, 0.0, -1.0, 2.0], np.float32))": {"x": V},
    "np.heaviside(x, 0.5) * x": {"x": X},
    "np.heaviside(np.array([0, 2, -1, 0], np.float32), x)": {"x": V},
    "np.fmod(x, y)": {"x": GRID, "y": STEPS},
    "np.fmod(x, -0.71)": {"x": X},
    "np.fmod(5.0, x)": {"x": np.array([3.1, -3.4, 7.0, -6.0])},
    "np.fmod(x, np.array([np.inf, 1.5, -np.inf, -0.75], np.float32))": {"x": V},
    "np.divmod(x, y)": {"x": X, "y": STEPS},
    "np.divmod(x, 0.3)": {"x": ONE},
    "np.modf(x)": {"x": X},
    "np.reciprocal(x)": {"x": X},
    "np.fabs(x)": {"x": X},
    "np.conj(x)": {"x": X},
    "np.conjugate(x)": {"x": ONE},
    "np.degrees(x)": {"x": X},
    "np.rad2deg(x)": {"x": V},
    "np.radians(x)": {"x": X},
    "np.deg2rad(x)": {"x": ONE},
    "np.sinc(x)": {"x": GRID},
    "np.sinc(x / 100)": {"x": X},
    "np.float_power(x, y)": {"x": A, "y": Y},
    "np.float_power(2, x)": {"x": V},
    "np.ldexp(x, 3)": {"x": X},
    "np.ldexp(x, np.array([-2, 0, 1, 5]))": {"x": X},
    "np.ldexp(x, [-2, 0, 1, 5])": {"x": V},
    "np.tan(e)": {"e": EMPTY},
    "np.hypot(e, 1.0)": {"e": EMPTY},
    "np.sinc(e)": {"e": BOX},
    "np.fmod(e, b)": {"e": EMPTY, "b": BOX},
    "np.clip(b, -1, 1)": {"b": BOX},
}

# One number is a Tensor, not an array of them, and a sum of no numbers has no gradient.
NOT_OF_SCALARS = {
    c for c, arrays in CALLS.items() if any(a.size * a.ndim == 0 for a in arrays.values())
}
