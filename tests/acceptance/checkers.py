"""Gradient checkers: each accepts a gradient or not. Their docstrings stand below the tables.

All are called with ``forward(*inputs)``, ``backward(g, *inputs)``, the inputs and a generator. They
return True or False, or None if they cannot tell.
"""

from __future__ import annotations

import random

import numpy as np

from .frameworks import hips_autograd, jax, pytensor, pytorch, tensorflow
from .numeric import findiff, jacobi, numdifftools, scipy_check_grad, scipy_differentiate


def microbn(forward, backward, inputs, rng):
    """microbn: `microbn.testing.gradcheck` of a `HandWritten` layer, as it comes."""
    from microbn.testing import HandWritten, gradcheck

    layer = HandWritten(lambda *xs: (forward(*xs), xs), lambda g, xs: backward(g, *xs))
    report = gradcheck(layer, *inputs, seed=int(rng.integers(2**31)))
    said = {part.verdict for part in report.inputs}
    if "inconclusive" in said and "differs" not in said and not report.faults:
        return None
    return bool(report)


def minitorch(forward, backward, inputs, rng):
    """minitorch, re-implemented from `grad_check` in minitorch/tensor_functions.py, commit 246f231:
    central differences of the plain sum at one entry of each input, which `random.seed(10)`
    chooses; epsilon 1e-6, tolerance 1e-2 relative and 1e-2 absolute.
    """
    gradients = backward(np.ones_like(forward(*inputs)), *inputs)
    choice = random.Random(10)
    for i, (x, gradient) in enumerate(zip(inputs, gradients, strict=True)):
        index = tuple(choice.randint(0, n - 1) for n in x.shape)
        slope = _difference(forward, inputs, i, index, 1e-6).sum()
        if not np.allclose(gradient[index], slope, rtol=1e-2, atol=1e-2):
            return False
    return True


def cs231n(forward, backward, inputs, rng):
    """CS231n, re-implemented from `eval_numerical_gradient_array` in cs231n/gradient_check.py and
    `rel_error` in the notebooks of Stanford's assignments: central differences at every entry, h
    1e-5, from one random cotangent; the largest `|a - b| / max(1e-8, |a| + |b|)` has to be
    below 1e-7, of which the course notes say "1e-7 and less you should be happy".
    """
    g = rng.normal(size=forward(*inputs).shape)
    errors = []
    for i, gradient in enumerate(backward(g, *inputs)):
        for index in np.ndindex(gradient.shape):
            a, b = gradient[index], np.vdot(g, _difference(forward, inputs, i, index, 1e-5))
            errors.append(np.abs(a - b) / max(1e-8, np.abs(a) + np.abs(b)))
    return bool(np.max(errors) < 1e-7)


def _difference(forward, inputs, i, index, step):
    """Return the central difference of the output along one entry of input i."""
    ends = []
    for move in (step, -step):
        moved = [x.copy() for x in inputs]
        moved[i][index] += move
        ends.append(forward(*moved))
    return (ends[0] - ends[1]) / (2 * step)


CHECKERS = {
    checker.__name__: checker
    for checker in (
        *(microbn, pytorch, jax, hips_autograd, tensorflow, pytensor),
        *(scipy_check_grad, scipy_differentiate, numdifftools, jacobi, findiff),
        *(minitorch, cs231n),
    )
}
