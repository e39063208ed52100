"""Gradient checkers: each accepts a gradient or not. Their docstrings stand below the tables.

All are called with ``forward(*inputs)``, ``backward(g, *inputs)``, the inputs and a generator.
"""

from __future__ import annotations

import random

import numpy as np

from microbn.testing import HandWritten, gradcheck


def microbn(forward, backward, inputs, rng):
    """`microbn.testing.gradcheck` of a `HandWritten` layer, as it comes."""
    layer = HandWritten(lambda *xs: (forward(*xs), xs), lambda g, xs: backward(g, *xs))
    return bool(gradcheck(layer, *inputs, seed=int(rng.integers(2**31))))


def minitorch(forward, backward, inputs, rng):
    """re-implemented from `grad_check` in minitorch/tensor_functions.py, commit 246f231: central
    differences of the plain sum at one entry of each input, which `random.seed(10)` chooses;
    epsilon 1e-6, tolerance 1e-2 relative and 1e-2 absolute.
    """
    gradients = backward(np.ones_like(forward(*inputs)), *inputs)
    choice = random.Random(10)
    for i, (x, gradient) in enumerate(zip(inputs, gradients, strict=True)):
        index = tuple(choice.randint(0, n - 1) for n in x.shape)
        slope = _difference(forward, inputs, i, index, 1e-6).sum()
        if not np.allclose(gradient[index], slope, rtol=1e-2, atol=1e-2):
            return False
    return True


def hips_autograd(forward, backward, inputs, rng):
    """`autograd.test_util.check_grads` itself, with `modes=["rev"]` and `order=1`, for which
    a backward in plain NumPy will do: central differences along one random direction, from one
    random cotangent; the step is 1e-6 from side to side, the tolerance 1e-6 absolute or relative.
    """
    from autograd.extend import defvjp, primitive
    from autograd.test_util import check_grads

    def rule(i):
        return lambda out, *xs: lambda g: backward(g, *xs)[i]

    planted = primitive(forward)
    defvjp(planted, *map(rule, range(len(inputs))))
    np.random.seed(int(rng.integers(2**31)))  # noqa: NPY002, it draws from there
    try:
        check_grads(planted, tuple(range(len(inputs))), modes=["rev"], order=1)(*inputs)
    except AssertionError:
        return False
    return True


def jax(forward, backward, inputs, rng):
    """re-implemented from `check_vjp` in jax/_src/public_test_util.py, commit 055a883, in float64:
    central differences along one direction, from one cotangent, both normal from
    `RandomState(0)`; step 1e-4, tolerance 1e-5 relative and 1e-5 absolute.
    """
    stream = np.random.RandomState(0)
    direction = [stream.randn(*x.shape) for x in inputs]
    ends = [
        forward(*(x + step * d for x, d in zip(inputs, direction, strict=True)))
        for step in (1e-4, -1e-4)
    ]
    cotangent = stream.randn(*ends[0].shape)
    slope = np.vdot(cotangent, (ends[0] - ends[1]) * (0.5 / 1e-4))
    gradients = backward(cotangent, *inputs)
    given = sum(np.vdot(d, g) for d, g in zip(direction, gradients, strict=True))
    return bool(np.allclose(given, slope, rtol=1e-5, atol=1e-5))


def cs231n(forward, backward, inputs, rng):
    """re-implemented from `eval_numerical_gradient_array` in cs231n/gradient_check.py and
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


def pytorch(forward, backward, inputs, rng):
    """`torch.autograd.gradcheck` itself, of a `torch.autograd.Function`, as it comes: central
    differences of every output along every entry; eps 1e-6, tolerance 1e-3 relative and 1e-5
    absolute.
    """
    import torch

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *xs):
            ctx.save_for_backward(*xs)
            return torch.as_tensor(np.asarray(forward(*(x.detach().numpy() for x in xs))))

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, g):
            arrays = [x.detach().numpy() for x in (g, *ctx.saved_tensors)]
            return tuple(map(torch.from_numpy, backward(*arrays)))

    leaves = [torch.tensor(x, requires_grad=True) for x in inputs]
    return torch.autograd.gradcheck(Planted.apply, leaves, raise_exception=False)


def _difference(forward, inputs, i, index, step):
    """Return the central difference of the output along one entry of input i."""
    ends = []
    for move in (step, -step):
        moved = [x.copy() for x in inputs]
        moved[i][index] += move
        ends.append(forward(*moved))
    return (ends[0] - ends[1]) / (2 * step)


CHECKERS = {
    "microbn": microbn,
    "minitorch": minitorch,
    "HIPS autograd": hips_autograd,
    "JAX": jax,
    "CS231n": cs231n,
    "PyTorch": pytorch,
}
