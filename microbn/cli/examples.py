"""The examples that the commands know by name. In a story they stand for the user's code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import functional, nn, optim
from ..engine.primitive import defvjp, primitive
from ..engine.tensor import Tensor
from ..view.film import Film


def neuron(w: Any, x: Any, b: Any) -> Any:
    """Compute one neuron: ``tanh(w · x + b)``."""
    return np.tanh(w @ x + b)


def batchnorm(x: Any, gamma: Any, beta: Any) -> Any:
    """Normalise a batch (N, C)."""
    return functional.batch_norm(x, gamma, beta)


def batchnorm_of_small_numbers() -> Tensor:
    """Normalise a batch whose numbers a class can work out: every σ is 2, and every x̂ is 1 or -1.

    Return the loss. Its gradient with respect to y is whole numbers too. The loss is a primitive of
    its own, so that it is one box in the graph.
    """

    @primitive
    def squared_error(y: Any, target: Any) -> Any:
        return np.sum(np.square(y - target))

    defvjp(squared_error, lambda g, out, y, target: g * (2 * (y - target)), None)
    x = Tensor([[5.0, 3, 6], [5, -1, 2], [1, 3, 2], [1, -1, 6]], "x")
    gamma, beta = Tensor([1.0, 2, 2], "gamma"), Tensor([3.0, 1, -1], "beta")
    target = np.array([[1.0, 1, 3], [5, -3, -1], [1, 4, -2], [3, -2, 0]])
    y = functional.batch_norm(x, gamma, beta)
    loss = squared_error(y, target)
    loss.name = "loss"
    return loss


def softmax_of_rows(x: Any) -> Any:
    """Compute the softmax of every row of (N, C)."""
    return functional.softmax(x)


class MLP(nn.Module):
    """Two layers with batch norm between them, and the loss for classes 0 and 1 in turn."""

    def __init__(self) -> None:
        self.hidden, self.norm = nn.Linear(4, 3, rng=0), nn.BatchNorm(3)
        self.out = nn.Linear(3, 2, rng=1)

    def forward(self, x: Any) -> Any:
        hidden = np.tanh(self.norm(self.hidden(x)))
        return functional.cross_entropy(self.out(hidden), np.arange(x.shape[0]) % 2)


def training(seed: int) -> Film:
    """Train a small net with batch norm on the digits, and keep the story of each of 50 steps."""
    from ..lab.data import digits  # lab is slow to load
    from ..lab.filming import film
    from ..lab.train import mlp

    data = digits(seed)
    model = mlp([data.features, 8, 8, data.classes], seed=seed, norm=nn.BatchNorm)
    return film(model, optim.SGD(model.parameters(), 0.3), data, seed=seed, batch_size=12)


TRAINING = "training"  # the film above, for `step`
SCALARS = "batchnorm-scalars"  # batchnorm on 0-d Tensors, for `step` and `draw`
# fmt: off
BUILT_IN: dict[str, tuple[Callable, list[str]]] = {  # what makes it, and its usual inputs
    "neuron":    (lambda: neuron,          ["3", "3", "()"]),
    "softmax":   (lambda: softmax_of_rows, ["4x3"]),
    "batchnorm": (lambda: batchnorm,       ["4x3", "3", "3"]),
    SCALARS:     (lambda: batchnorm,       ["3x1", "1", "1"]),
    "mlp":       (MLP,                     ["6x4"]),
}
# fmt: on
