"""Optimizers: gradient descent, plain or with momentum, and Adam."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .arguments import check_numbers, is_real, not_here
from .engine.names import maker
from .engine.tensor import Tensor
from .errors import ArgumentError, DTypeError, GraphError, ShapeError


class Optimizer:
    """Holds the parameters, the learning rate ``lr`` and the ``weight_decay`` of every optimizer.

    ``weight_decay * p`` is added to the gradient of a parameter p: the gradient of an extra loss
    ``weight_decay / 2 * sum(p**2)`` (L2).

    Raises ArgumentError if there are no parameters or one of them comes twice, if the rate is not
    positive and finite, or if the decay is negative or not finite. Raises DTypeError or GraphError
    for a parameter that is not a leaf Tensor.
    """

    state: list[list]  # for each parameter, the arrays that `update` moves along with it

    def __init__(
        self, parameters: Iterable[Tensor], lr: float | None, weight_decay: float = 0.0
    ) -> None:
        name = type(self).__name__
        self.parameters = _checked_parameters(name, parameters)
        if lr is None:
            raise ArgumentError(f"{name}: lr is missing, the learning rate; write lr=0.1")
        check_numbers(name, "positive and finite", lr=lr)
        check_numbers(name, "0 or positive, and finite", weight_decay=weight_decay)
        self.lr, self.weight_decay = float(lr), float(weight_decay)
        self.state = [[] for _ in self.parameters]
        self._from_modules = {id(p) for p in self.parameters if p.role == "parameter"}

    def update(self, p: Any, g: Any, *state: Any) -> tuple:
        """Return the new p and its new state, given its gradient g. Every optimizer has its own.

        It is written in plain NumPy: called with Tensors it is recorded, so that it can become part
        of a compiled program.
        """
        raise NotImplementedError(f"{type(self).__name__} has no update()")

    def step(self) -> None:
        """Update every parameter that has a gradient, or none of them if there is an error.

        Raises GraphError if another parameter has replaced one of them in its Module.
        """
        moved: dict[int, tuple] = {}
        for i, p in enumerate(self.parameters):
            if p.grad is None:
                self.check_current(i)
            else:
                new, *state = self.update(p.data, p.grad, *self.state[i])
                new = np.asarray(new)
                if new.shape != p.shape or new.dtype.kind not in "fiub":
                    raise ShapeError(
                        f"{self._described(i)} has shape {p.shape}, and update() gave {new!r:.60}"
                    )
                moved[i] = new, state
        for i, (new, state) in moved.items():
            self.parameters[i].data, self.state[i] = new, state

    def check_current(self, i: int) -> None:
        """Raise GraphError if another parameter has replaced this one in its Module."""
        p = self.parameters[i]
        if id(p) in self._from_modules and p.role != "parameter":
            raise GraphError(
                f"{self._described(i)} is no longer in the Module, which has another one in its "
                "place; make a new optimizer, or set values by p.data = ..."
            )

    def _described(self, i: int) -> str:
        name = self.parameters[i].name
        return f"{type(self).__name__}: parameter {i}" + f" ({name!r})" * bool(name)

    def decayed(self, p: Any, g: Any) -> Any:
        """Return the gradient with the weight decay added."""
        return g + self.weight_decay * p if self.weight_decay else g

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for p in self.parameters:
            p.grad = None


class SGD(Optimizer):
    """Gradient descent: ``velocity = momentum * velocity + grad``, then ``p -= lr * velocity``.

    ``grad`` includes ``weight_decay * p``. Raises ArgumentError unless 0 <= momentum < 1.

    Source: Sutskever et al. 2013, in the form that most libraries use.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float | None = None,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        check_numbers("SGD", "in [0, 1)", momentum=momentum)
        self.momentum = float(momentum)
        self.state = [[np.zeros(p.shape, p.dtype)] for p in self.parameters]

    def update(self, p: Any, g: Any, *state: Any) -> tuple:
        """Return the new parameter and its new velocity."""
        (velocity,) = state
        velocity = self.momentum * velocity + self.decayed(p, g)
        return p - self.lr * velocity, velocity


class Adam(Optimizer):
    """Divides the running mean of the gradient by the root of its running mean square.

    So its steps are about as large as lr. The gradient includes ``weight_decay * p``. Raises
    ArgumentError unless both betas are in [0, 1) and eps is positive and finite.

    Source: Kingma & Ba 2015, algorithm 1.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        two = isinstance(betas, (tuple, list)) and len(betas) == 2 and all(map(is_real, betas))
        if not two or not all(0 <= beta < 1 for beta in betas):
            raise ArgumentError(f"Adam: betas must be two numbers in [0, 1), got {betas!r:.60}")
        check_numbers("Adam", "positive and finite", eps=eps)
        self.betas, self.eps = (float(betas[0]), float(betas[1])), float(eps)
        self.state = [
            [np.zeros(()), np.zeros(p.shape, p.dtype), np.zeros(p.shape, p.dtype)]
            for p in self.parameters
        ]

    def update(self, p: Any, g: Any, *state: Any) -> tuple:
        """Return the new parameter, the number of its steps and its two new running means."""
        steps, mean, square = state
        b1, b2 = self.betas
        g = self.decayed(p, g)
        steps = steps + 1
        mean = b1 * mean + (1 - b1) * g
        square = b2 * square + (1 - b2) * g**2
        mean_hat = mean / (1 - b1**steps).astype(p.dtype)
        square_hat = square / (1 - b2**steps).astype(p.dtype)
        return p - self.lr * mean_hat / (np.sqrt(square_hat) + self.eps), steps, mean, square


def _checked_parameters(owner: str, parameters: Any) -> list[Tensor]:
    """Return the parameters as a list, if they are leaf Tensors and none of them comes twice."""
    if not isinstance(parameters, Iterable):
        raise DTypeError(
            f"{owner}: parameters are an iterable of Tensors, such as model.parameters(), "
            f"not a {type(parameters).__name__}"
        )
    if isinstance(parameters, Tensor):
        raise DTypeError(f"{owner}: parameters are a list of Tensors; write [p] for one")
    if not (parameters := list(parameters)):
        raise ArgumentError(f"{owner}: no parameters to optimize")
    seen: dict[int, int] = {}
    for i, p in enumerate(parameters):
        if not isinstance(p, Tensor):
            raise DTypeError(f"{owner}: parameter {i} is a {type(p).__name__}, not a Tensor")
        if p.function is not None:
            raise GraphError(
                f"{owner}: parameter {i} was computed by {maker(p)}; only leaves can be updated"
            )
        if (first := seen.setdefault(id(p), i)) != i:
            raise ArgumentError(f"{owner}: parameter {i} is parameter {first} again")
    return parameters


def __getattr__(name: str) -> Any:
    """Say where a name is that another module has."""
    raise not_here(__name__, name)
