"""One training step of a net with batch norm, forward and all gradients, once for each engine.

Each contender is as short as possible, and uses the engine's own functions where it has them. It
gets the parameters, the batch and the labels as arrays, and returns its step. A step returns the
gradients, in the order of the parameters. The first contender is derived by hand. All others are
compared with it, first in their results and then in their times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

import microbn as mb
from microbn import functional as F
from microbn.program.compile import ALL_PASSES, PASSES

Step = Callable[[], Sequence[Any]]
FEATURES, CLASSES, EPS = 64, 10, 1e-5


class Setting(NamedTuple):
    """The size of a net and of its inputs."""

    width: int
    batch: int
    dtype: str
    depth: int = 10

    def __str__(self) -> str:
        return f"H={self.width} N={self.batch} {self.dtype.replace('float', 'f')}"


SETTINGS = [
    Setting(100, 128, "float64"),
    Setting(100, 128, "float32"),
    Setting(32, 32, "float64"),
    Setting(256, 256, "float32"),
]
# How far gradients may be apart, relative to the norm of the one derived by hand.
TOLERANCE = {"float64": 1e-11, "float32": 3e-4}


def problem(setting: Setting, seed: int) -> tuple[list, np.ndarray, np.ndarray]:
    """Return parameters (w, b, gamma, beta of each hidden layer; w, b of the last), x, labels."""
    rng = np.random.default_rng(seed)
    sizes = [FEATURES] + [setting.width] * setting.depth + [CLASSES]
    parameters = []
    for i, o in pairwise(sizes):
        w, b = rng.normal(0, np.sqrt(2 / i), (i, o)), rng.normal(0, 0.1, o)
        parameters += [w, b, rng.uniform(0.5, 1.5, o), rng.normal(0, 0.1, o)]
    x = rng.normal(size=(setting.batch, FEATURES)).astype(setting.dtype)
    parameters = [p.astype(setting.dtype) for p in parameters[:-2]]
    return parameters, x, rng.integers(0, CLASSES, setting.batch)


def layers(parameters: Sequence) -> list[Sequence]:
    """Split the parameters: four for each hidden layer and two for the last."""
    return [parameters[i : i + 4] for i in range(0, len(parameters), 4)]


# What everybody shares


def linear(x: Any, w: Any, b: Any) -> Any:
    return x @ w + b


def logits(
    parameters: Sequence, x: Any, batch_norm: Callable, relu: Callable, linear: Callable = linear
) -> Any:
    """Compute the net with the functions of any engine."""
    *hidden, last = layers(parameters)
    for w, b, gamma, beta in hidden:
        x = relu(batch_norm(linear(x, w, b), gamma, beta))
    return linear(x, *last)


def composed(sqrt: Callable) -> Callable:
    """Compose batch norm for an engine that finds the gradient by itself."""

    def batch_norm(x, gamma, beta):
        centered = x - x.mean(0)
        var = (centered * centered).mean(0)
        return gamma * (centered / sqrt(var + EPS)) + beta

    return batch_norm


# The contenders


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


def microbn_compiled(
    parameters: Sequence, x: Any, labels: Any, passes: Sequence[str] = PASSES
) -> Step:
    leaves = [mb.Tensor(p) for p in parameters]

    def loss(x, labels, *p):
        return F.cross_entropy(logits(p, x, F.batch_norm, F.relu), labels)

    program = mb.compile(loss, x, labels, *leaves, passes=passes)
    return lambda: program(x, labels, *parameters)[1]


def microbn_merged(parameters: Sequence, x: Any, labels: Any) -> Step:
    return microbn_compiled(parameters, x, labels, ALL_PASSES)


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


BY_HAND = "hand-derived NumPy"
OURS, COMPILED = "microbn, eager", "microbn, compiled"
MERGED = "microbn, compiled, stages merged"
FUSED, COMPOSED = "PyTorch, its fused batch norm", "PyTorch, composed batch norm"
CONTENDERS: dict[str, Callable[..., Step]] = {
    BY_HAND: by_hand,
    FUSED: torch_fused,
    COMPOSED: torch_composed,
    "HIPS autograd": hips_autograd,
    "MyGrad": mygrad,
    OURS: microbn_eager,
    COMPILED: microbn_compiled,
    MERGED: microbn_merged,
}


def ready(setting: Setting, seed: int) -> tuple[dict[str, Step], dict[str, str]]:
    """Return the checked steps of all contenders, and the package that each of the others lacks."""
    given = problem(setting, seed)
    steps, missing = {}, {}
    for name, contender in CONTENDERS.items():
        try:
            steps[name] = contender(*given)
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
