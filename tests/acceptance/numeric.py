"""Libraries that give numeric derivatives alone: a gradient is compared with theirs.

The derivatives are those of the outputs' sum, weighted at random. A gradient is accepted if it is
as close to them as the library says that they are to the truth, give or take CLOSE.
"""

from __future__ import annotations

import numpy as np

CLOSE = 1e-6  # of the largest slope


def scipy_check_grad(forward, backward, inputs, rng):
    """SciPy, check_grad: `scipy.optimize.check_grad` for each input, as it comes: one-sided
    differences, with the step 1.5e-8. It returns the norm of the difference, and gives no bound;
    here it may be 1e-6 of the norm of the gradient.
    """
    from scipy.optimize import check_grad

    for sum_of, gradient, x in weighted(forward, backward, inputs, rng):
        if np.shape(gradient) != x.shape:
            return False
        apart = check_grad(sum_of, lambda _, g=gradient: g.ravel(), x.ravel())
        if not apart <= CLOSE * np.linalg.norm(gradient):
            return False
    return True


def scipy_differentiate(forward, backward, inputs, rng):
    """SciPy, differentiate: `scipy.differentiate.jacobian`, as it comes: central differences of
    order 8 with shrinking steps. A gradient may be off by its `error`, and by 1e-6 of the largest
    slope.
    """
    from scipy.differentiate import jacobian

    def ask(sum_of, x):
        def of_columns(points):
            return np.apply_along_axis(sum_of, 0, points)

        result = jacobian(of_columns, x)
        return result.df, result.error

    return within(ask, forward, backward, inputs, rng)


def numdifftools(forward, backward, inputs, rng):
    """numdifftools: `numdifftools.Gradient`, as it comes: extrapolated central differences. A
    gradient may be off by its `error_estimate`, and by 1e-6 of the largest slope.
    """
    from numdifftools import Gradient

    def ask(sum_of, x):
        return Gradient(sum_of, full_output=True)(x)[:2]

    return within(ask, forward, backward, inputs, rng)


def jacobi(forward, backward, inputs, rng):
    """jacobi: `jacobi.jacobi`, as it comes: extrapolated central differences. A gradient may be off
    by its estimate of the error, and by 1e-6 of the largest slope.
    """
    from jacobi import jacobi

    return within(jacobi, forward, backward, inputs, rng)


def findiff(forward, backward, inputs, rng):
    """findiff: `findiff.Diff` on nine points along each entry, 1e-3 apart, with `acc=4`. It gives
    no bound; here it may be 1e-6 of the largest slope.
    """
    from findiff import Diff

    def ask(sum_of, x):
        grid = 1e-3 * np.arange(-4, 5)
        slopes = np.zeros(x.shape)
        for i in range(x.size):
            moves = grid[:, None] * (np.arange(x.size) == i)
            values = np.array([sum_of(x + move) for move in moves])
            slopes[i] = Diff(0, 1e-3, acc=4)(values)[4]
        return slopes, np.zeros(x.shape)

    return within(ask, forward, backward, inputs, rng)


def within(ask, forward, backward, inputs, rng):
    """Accept a gradient if it is within the bounds of the slopes that a library gives."""
    told = True
    for sum_of, gradient, x in weighted(forward, backward, inputs, rng):
        if np.shape(gradient) != x.shape:
            return False
        slopes, bounds = map(np.ravel, ask(sum_of, x.ravel()))
        off = np.abs(np.ravel(gradient) - slopes)
        bounds = bounds + CLOSE * np.max(np.abs(slopes), initial=0)
        if np.any(off > bounds):
            return False
        told &= bool(np.all(off <= bounds))
    return told or None


def weighted(forward, backward, inputs, rng):
    """Yield for each input the weighted sum as a function of it, the gradient, and the input."""
    g = rng.normal(size=np.shape(forward(*inputs)))
    for i, gradient in enumerate(backward(g, *inputs)):

        def sum_of(flat, i=i):
            moved = [*inputs]
            moved[i] = np.reshape(flat, inputs[i].shape)
            return np.vdot(g, forward(*moved))

        yield sum_of, gradient, inputs[i]
