"""A training step of the net with each peer: PyTorch, JAX, HIPS autograd and MyGrad.

A peer is imported by the function that needs it, so that the others run where it is not installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from shutil import which
from typing import Any

import numpy as np

from .net import EPS, Step, composed, logits


def torch_fused(parameters: Sequence, x: Any, labels: Any, batch_norm: Any = None) -> Step:
    import torch

    torch.set_num_threads(1)
    functional = torch.nn.functional
    leaves = [torch.tensor(p, requires_grad=True) for p in parameters]
    x, labels = torch.tensor(x), torch.tensor(labels)

    def fused(x, gamma, beta):
        return functional.batch_norm(x, None, None, gamma, beta, training=True, eps=EPS)

    def linear(x, w, b):  # one call, as in nn.Linear
        return torch.addmm(b, x, w)

    def step():
        z = logits(leaves, x, batch_norm or fused, torch.relu, linear)
        return torch.autograd.grad(functional.cross_entropy(z, labels), leaves)

    return step


def torch_composed(parameters: Sequence, x: Any, labels: Any) -> Step:
    import torch

    return torch_fused(parameters, x, labels, composed(torch.sqrt))


def torch_compiled(parameters: Sequence, x: Any, labels: Any) -> Step:
    """Let PyTorch compile the loss with its own batch norm. That needs a C++ compiler."""
    import torch

    if not any(map(which, ("c++", "g++", "clang++", "cl"))):
        raise ImportError("torch.compile needs a C++ compiler")
    torch.set_num_threads(1)
    torch._dynamo.reset()
    functional = torch.nn.functional
    leaves = [torch.tensor(p, requires_grad=True) for p in parameters]
    x, labels = torch.tensor(x), torch.tensor(labels)

    def fused(x, gamma, beta):
        return functional.batch_norm(x, None, None, gamma, beta, training=True, eps=EPS)

    @torch.compile
    def loss(x, labels, *p):
        z = logits(p, x, fused, torch.relu, lambda x, w, b: torch.addmm(b, x, w))
        return functional.cross_entropy(z, labels)

    return lambda: torch.autograd.grad(loss(x, labels, *leaves), leaves)


def jax_jit(parameters: Sequence, x: Any, labels: Any) -> Step:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    batch_norm = composed(jnp.sqrt)

    @jax.jit
    @jax.grad
    def gradients(p, x, labels):
        log_p = jax.nn.log_softmax(logits(p, x, batch_norm, jax.nn.relu))
        return -jnp.mean(log_p[jnp.arange(len(x)), labels])

    given = jax.tree.map(jnp.asarray, (list(parameters), x, labels))
    return lambda: jax.block_until_ready(gradients(*given))


def hips_autograd(parameters: Sequence, x: Any, labels: Any) -> Step:
    import autograd
    import autograd.numpy as anp

    batch_norm, rows = composed(anp.sqrt), np.arange(len(x))

    def loss(parameters):
        z = logits(parameters, x, batch_norm, lambda y: anp.maximum(y, 0))
        z = z - anp.max(z, axis=1, keepdims=True)
        return -anp.mean((z - anp.log(anp.sum(anp.exp(z), axis=1, keepdims=True)))[rows, labels])

    gradient = autograd.grad(loss)
    return lambda: gradient(parameters)


def mygrad(parameters: Sequence, x: Any, labels: Any) -> Step:
    import mygrad
    from mygrad.nnet.activations import relu
    from mygrad.nnet.layers import batchnorm
    from mygrad.nnet.losses import softmax_crossentropy

    leaves = [mygrad.tensor(p) for p in parameters]

    def batch_norm(x, gamma, beta):
        return batchnorm(x, gamma=gamma, beta=beta, eps=EPS)

    def step():
        softmax_crossentropy(logits(leaves, x, batch_norm, relu), labels).backward()
        return [p.grad for p in leaves]

    return step
