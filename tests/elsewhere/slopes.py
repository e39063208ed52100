"""First and second derivatives in PyTorch, TensorFlow and JAX, at arrays of NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def by_torch(forward: Callable) -> tuple[Callable, Callable]:
    """Return the gradient and the second derivative of a function of PyTorch's."""
    import torch

    def once(x: Any, dy: Any, create_graph: bool) -> tuple:
        x = torch.tensor(x, requires_grad=True)
        return x, torch.autograd.grad(forward(x), x, torch.tensor(dy), create_graph=create_graph)[0]

    def second(x: Any, dy: Any, direction: Any) -> Any:
        x, dx = once(x, dy, True)
        return torch.autograd.grad((dx * torch.tensor(direction)).sum(), x)[0].numpy()

    return lambda x, dy: once(x, dy, False)[1].numpy(), second


def by_tensorflow(forward: Callable) -> tuple[Callable, Callable]:
    import tensorflow as tf

    def gradient(x: Any, dy: Any) -> Any:
        x = tf.Variable(x)
        with tf.GradientTape() as tape:
            y = forward(x)
        return tape.gradient(y, x, tf.constant(dy))

    def second(x: Any, dy: Any, direction: Any) -> Any:
        x = tf.Variable(x)
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                y = forward(x)
            slope = tf.reduce_sum(inner.gradient(y, x, tf.constant(dy)) * direction)
        return outer.gradient(slope, x)

    return gradient, second


def by_jax(forward: Callable) -> tuple[Callable, Callable]:
    """Return the gradient and the second derivative of a function of JAX's."""
    import jax

    def gradient(x: Any, dy: Any) -> Any:
        return jax.vjp(forward, jax.numpy.asarray(x))[1](jax.numpy.asarray(dy))[0]

    def second(x: Any, dy: Any, direction: Any) -> Any:
        return jax.grad(lambda x: (gradient(x, dy) * direction).sum())(jax.numpy.asarray(x))

    return gradient, second
