"""The checkers of libraries that differentiate. The planted function is made one of their own."""

from __future__ import annotations

import numpy as np


def pytorch(forward, backward, inputs, rng):
    """PyTorch: `torch.autograd.gradcheck`, of a `torch.autograd.Function`, as it comes: central
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


def jax(forward, backward, inputs, rng):
    """JAX: `jax.test_util.check_grads` of a `jax.custom_vjp`, with `modes=["rev"]` and `order=1`:
    central differences along one direction, from one cotangent; step and tolerance are its own, for
    the precision. In float32 the function computes in float32.
    """
    import jax
    from jax.test_util import check_grads

    def called(function, *given):
        return jax.tree.map(jax.numpy.asarray, function(*map(np.asarray, given)))

    planted = jax.custom_vjp(lambda *xs: called(forward, *xs))
    planted.defvjp(
        lambda *xs: (called(forward, *xs), xs),
        lambda xs, g: tuple(called(backward, g, *xs)),
    )
    arrays = tuple(map(jax.numpy.asarray, inputs))
    try:
        check_grads(planted, arrays, order=1, modes=["rev"])
    except AssertionError:
        return False
    return True


def hips_autograd(forward, backward, inputs, rng):
    """HIPS autograd: `autograd.test_util.check_grads`, with `modes=["rev"]` and `order=1`, for
    which a backward in plain NumPy will do: central differences along one random direction, from
    one random cotangent; the step is 1e-6 from side to side, the tolerance 1e-6 absolute or
    relative.
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


def tensorflow(forward, backward, inputs, rng):
    """TensorFlow: `tf.test.compute_gradient` of a `tf.custom_gradient`, and the comparison that its
    documentation shows, `assertAllClose`, with 1e-6 relative and absolute: central differences of
    every output along every entry, with the step 2**-10.
    """
    import tensorflow as tf

    @tf.custom_gradient
    def planted(*xs):
        def rule(g):
            return [tf.constant(y) for y in backward(*(x.numpy() for x in (g, *xs)))]

        return tf.constant(forward(*(x.numpy() for x in xs))), rule

    claimed, numeric = tf.test.compute_gradient(planted, inputs)
    try:
        tf.test.TestCase().assertAllClose(claimed, numeric)
    except AssertionError:
        return False
    return True


def pytensor(forward, backward, inputs, rng):
    """pytensor: `pytensor.gradient.verify_grad` of an `Op`, as it comes: one-sided differences of
    randomly weighted outputs along every entry; in float64 the step is 1e-7, and the tolerance 1e-4
    absolute or relative. It is run by Python.
    """
    from pytensor import tensor
    from pytensor.compile.mode import Mode
    from pytensor.gradient import GradientError, verify_grad
    from pytensor.graph import Apply, Op

    class Rule(Op):
        def make_node(self, *given):
            return Apply(self, given, [x.type() for x in given[1:]])

        def perform(self, node, given, cells):
            for cell, y, x in zip(cells, backward(*given), given[1:], strict=True):
                cell[0] = np.asarray(y, x.dtype)

    class Planted(Op):
        def make_node(self, *xs):
            like = np.asarray(forward(*inputs))
            out = tensor.TensorType(like.dtype, shape=like.shape)()
            return Apply(self, [tensor.as_tensor(x) for x in xs], [out])

        def perform(self, node, xs, cells):
            cells[0][0] = np.asarray(forward(*xs))

        def pullback(self, xs, outs, gradients):
            return Rule()(*gradients, *xs, return_list=True)

    try:
        verify_grad(lambda *xs: Planted()(*xs), inputs, rng=rng, mode=Mode("py", None))
    except GradientError:
        return False
    return True
