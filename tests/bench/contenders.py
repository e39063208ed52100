"""One training step of a net with batch norm, forward and all gradients, once for each engine.

Each contender is as short as possible, and uses the engine's own functions where it has them. It
gets the parameters, the batch and the labels as arrays, and returns its step. A step returns the
gradients, in the order of the parameters. The first contender is derived by hand. All others are
compared with it, first in their results and then in their times.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

import microbn as mb
from microbn import functional as F
from microbn.program.compile import ALL_PASSES, PASSES

from . import peers
from .net import EPS, TOLERANCE, Setting, Step, layers, logits, problem


def by_hand(parameters: Sequence, x: Any, labels: Any) -> Step:
    """Use NumPy alone, with the closed forms of batch norm's and softmax's gradients."""
    *hidden, (w_last, b_last) = layers(parameters)
    rows = np.arange(len(x))

    def step():
        h, caches = x, []
        for layer in hidden:
            h, cache = _forward(h, *layer)
            caches.append(cache)
        z = h @ w_last + b_last
        e = np.exp(z - z.max(1, keepdims=True))
        dz = e / e.sum(1, keepdims=True)
        dz[rows, labels] -= 1
        dz /= len(x)
        dh, gradients = dz @ w_last.T, [dz.sum(0), h.T @ dz]
        for cache in reversed(caches):
            dh, of_layer = _backward(dh, *cache)
            gradients += of_layer
        return gradients[::-1]

    return step


def products(parameters: Sequence, x: Any, labels: Any) -> Step:
    """Compute the products of matrices in a step, and nothing else: the limit of all the others.

    They are of arrays of the right shapes, made beforehand. It returns no gradients.
    """
    weights = [layer[0] for layer in layers(parameters)]
    inputs = [x, *(np.ones((len(x), w.shape[1]), x.dtype) for w in weights)]
    calls = []
    for h, w, z in zip(inputs, weights, inputs[1:], strict=False):
        calls += [(h, w, np.empty_like(z)), (h.T, z, np.empty_like(w))]
        calls += [] if h is x else [(z, w.T, np.empty_like(h))]

    def step():
        for left, right, out in calls:
            np.matmul(left, right, out=out)
        return ()

    return step


def _forward(h, w, b, gamma, beta):
    z = h @ w + b
    centered = z - z.mean(0)
    std = np.sqrt((centered * centered).mean(0) + EPS)
    x_hat = centered / std
    y = gamma * x_hat + beta
    return np.maximum(y, 0), (h, w, gamma, std, x_hat, y)


def _backward(dh, h, w, gamma, std, x_hat, y):
    n = len(h)
    dy = dh * (y > 0)
    dbeta, dgamma = dy.sum(0), (dy * x_hat).sum(0)
    dz = gamma / (n * std) * (n * dy - dbeta - x_hat * dgamma)
    return dz @ w.T, [dbeta, dgamma, dz.sum(0), h.T @ dz]


def microbn_eager(parameters: Sequence, x: Any, labels: Any) -> Step:
    leaves = [mb.Tensor(p) for p in parameters]

    def step():
        return mb.grad(F.cross_entropy(logits(leaves, x, F.batch_norm, F.relu), labels), leaves)

    return step


def microbn_compiled(parameters: Sequence, x: Any, labels: Any, **options: Any) -> Step:
    program = program_of(parameters, x, labels, **options)
    return lambda: program(x, labels, *parameters)[1]


def program_of(parameters: Sequence, x: Any, labels: Any, **options: Any) -> mb.Program:
    """Compile the loss and its gradients, with these options of `compile`."""

    def loss(x, labels, *p):
        return F.cross_entropy(logits(p, x, F.batch_norm, F.relu), labels)

    return mb.compile(loss, x, labels, *map(mb.Tensor, parameters), **options)


def microbn_blas(parameters: Sequence, x: Any, labels: Any) -> Step:
    return microbn_compiled(parameters, x, labels, passes=[*PASSES, "blas"])


def microbn_merged(parameters: Sequence, x: Any, labels: Any) -> Step:
    return microbn_compiled(parameters, x, labels, passes=ALL_PASSES)


def microbn_kernels(parameters: Sequence, x: Any, labels: Any) -> Step:
    return microbn_compiled(parameters, x, labels, backend="numba")


BY_HAND = "hand-derived NumPy"
OURS, COMPILED = "microbn, eager", "microbn, compiled"
BLAS = "microbn, compiled, with BLAS's sums"
MERGED = "microbn, compiled, with BLAS's sums, stages merged"
KERNELS = "microbn, compiled, with Numba's kernels"
FUSED, COMPOSED = "PyTorch, its fused batch norm", "PyTorch, composed batch norm"
TORCH_COMPILED, JAX = "torch.compile, its fused batch norm", "jax.jit, composed batch norm"
CONTENDERS: dict[str, Callable[..., Step]] = {
    BY_HAND: by_hand,
    FUSED: peers.torch_fused,
    COMPOSED: peers.torch_composed,
    TORCH_COMPILED: peers.torch_compiled,
    JAX: peers.jax_jit,
    "HIPS autograd": peers.hips_autograd,
    "MyGrad": peers.mygrad,
    OURS: microbn_eager,
    COMPILED: microbn_compiled,
    BLAS: microbn_blas,
    MERGED: microbn_merged,
    KERNELS: microbn_kernels,
}


def ready(
    setting: Setting, seed: int, names: Collection[str]
) -> tuple[dict[str, Step], dict[str, str]]:
    """Return the checked steps of these contenders, and the package that each of the others lacks.

    The one derived by hand is always among them.
    """
    given = problem(setting, seed)
    steps, missing = {}, {}
    for name in [BY_HAND, *(name for name in names if name != BY_HAND)]:
        try:
            steps[name] = CONTENDERS[name](*given)
        except ImportError as error:
            missing[name] = str(error)
    for name, step in steps.items():
        check(name, step(), steps[BY_HAND](), setting.dtype)
    return steps, missing


def check(name: str, gradients: Sequence, by_hand: Sequence, dtype: str) -> None:
    """Raise ValueError unless the gradients equal those by hand, to the dtype's tolerance."""
    shapes, expected = [np.shape(g) for g in gradients], [np.shape(g) for g in by_hand]
    if shapes != expected:
        raise ValueError(f"{name}: its gradients have shapes {shapes}, by hand {expected}")
    if not (error := distance(gradients, by_hand)) <= TOLERANCE[dtype]:  # NaN too is too much
        raise ValueError(
            f"{name}: its gradients are {error:.1e} from the hand-derived ones, "
            f"more than {TOLERANCE[dtype]:.0e}"
        )


def distance(gradients: Sequence, by_hand: Sequence) -> float:
    """Return the largest ``norm(gradient - by hand) / norm(by hand)`` of any parameter.

    The gradient of a bias ahead of a batch norm is 0, so its norm is mere rounding. Therefore no
    norm counts as less than a thousandth of the largest.
    """
    norm = np.linalg.norm
    floor = 1e-3 * max(norm(h) for h in by_hand)
    pairs = zip(gradients, by_hand, strict=True)
    return float(np.max([norm(np.asarray(g) - h) / max(norm(h), floor) for g, h in pairs]))
