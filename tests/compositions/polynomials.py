"""Calls of polynomials, convolutions and interp."""

import numpy as np

RNG = np.random.default_rng(5)
P, Q, V = RNG.normal(size=4), RNG.normal(size=2), RNG.normal(size=7)
X, N = RNG.normal(size=(2, 3)), np.array(RNG.normal())
KNOTS = np.array([-1, 0, 0.5, 2])
AT = np.array([[-1.5, -0.25, 0.125], [0.75, 1.5, 2.5]])

CALLS = {
    "np.convolve(x, y)": {"x": V, "y": P},
    "np.convolve(y, x, mode='same')": {"x": V, "y": P},
    "np.convolve(x, y, 'same')": {"x": V, "y": P[:3]},
    "np.convolve(x, y, 'valid')": {"x": V, "y": P},
    "np.convolve(x, y, 'same')  # alike": {"x": V[:4], "y": P},
    "np.convolve(x, np.array([2], np.float32), 'valid')": {"x": V},
    "np.convolve(x, np.array([1, 2, 1], np.float32))": {"x": V},
    "np.convolve(n, x)": {"n": N, "x": V},
    "np.correlate(x, y)": {"x": V, "y": P},
    "np.correlate(y, x)": {"x": V, "y": P},
    "np.correlate(x, y, 'full')": {"x": V, "y": P},
    "np.correlate(y, x, 'full')": {"x": V, "y": P},
    "np.correlate(x, y, mode='same')": {"x": V, "y": P},
    "np.correlate(y, x, mode='same')": {"x": V, "y": P},
    "np.correlate(y, x, mode='same')  # odd": {"x": V[:6], "y": P[:3]},
    "np.polyval(p, x)": {"p": P, "x": X},
    "np.polyval(p, n)": {"p": P, "n": N},
    "np.polyval(p, 2.0)": {"p": P},
    "np.polyval(p, x)  # at 0": {"p": P, "x": np.array([0.0, 1, -1])},
    "np.polyval(np.array([1, 0, -2], np.float32), x)": {"x": X},
    "np.polyval([a, b, b], x)": {"a": N, "b": np.array(RNG.normal()), "x": V},
    "np.polyval(p[:1], x) + x": {"p": P, "x": X},
    "np.vander(x)": {"x": P},
    "np.vander(x, 3)": {"x": V},
    "np.vander(x, N=2, increasing=True)": {"x": P},
    "np.vander(x, 0)": {"x": P},
    "np.poly(r)": {"r": P},
    "np.poly(r)  # one": {"r": P[:1]},
    "np.poly(r)  # three": {"r": P[:3]},
    "np.poly(r)  # seven": {"r": V},
    "np.poly([a, 2, b])": {"a": N, "b": np.array(RNG.normal())},
    "np.polyadd(p, q)": {"p": P, "q": Q},
    "np.polyadd(q, p)": {"p": P, "q": Q},
    "np.polyadd(p, q)  # alike": {"p": P, "q": V[:4]},
    "np.polyadd(p, np.array([3], np.float32))": {"p": P},
    "np.polysub(p, q)": {"p": P, "q": Q},
    "np.polysub(q, p)": {"p": P, "q": Q},
    "np.polysub(np.array([1, 2, 3], np.float32), q)": {"q": Q},
    "np.polymul(p, q)": {"p": P, "q": Q},
    "np.polymul(np.array([1, 2], np.float32), q)": {"q": Q},
    "np.polysub(1, p)": {"p": P},
    "np.polymul(p, 2.0)": {"p": P},
    "np.convolve(x, 2.0)": {"x": V},
    "np.polyder(p)": {"p": P},
    "np.polyder(p, 2)": {"p": V},
    "np.polyder(p, m=0)": {"p": P},
    "np.polyder(p, 4)": {"p": P},
    "np.polyint(p)": {"p": P},
    "np.polyint(p, 3)": {"p": P},
    "np.polyint(p, 2, k=[1, 2])": {"p": P},
    "np.polyint(p, m=2, k=3)": {"p": P},
    "np.polyint(p, 2, q)": {"p": P, "q": Q},
    "np.polyint(p, 0)": {"p": P},
    "np.interp(x, np.array([-1, 0, 0.5, 2], np.float32), y)": {"x": AT, "y": P},
    "np.interp(x, xp, y)": {"x": AT, "xp": KNOTS, "y": P},
    "np.interp(x, xp, y, left=-2, right=3.0)": {"x": AT, "xp": KNOTS, "y": P},
    "np.interp(n, np.array([0, 2], np.float32), q)": {"n": np.array(0.75), "q": Q},
    "np.interp(0.75, np.array([0, 2], np.float32), q)": {"q": Q},
    "np.interp(x, np.array([0], np.float32), q[:1], 1) + x": {"x": AT, "q": Q},
}
EMPTY = {"np.vander(x, 0)", "np.polyder(p, 4)"}
# A sum of no scalars is a number, and the place of a single scalar is no index into others.
NOT_OF_SCALARS = EMPTY | {call for call in CALLS if "interp(n" in call}
