"""Gradient descent: plain, with momentum, and Adam."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .arguments import is_real
from .engine.tensor import Tensor
from .errors import ArgumentError, DTypeError, GraphError, ShapeError


class Optimizer:
    """What all of them share: the parameters, checked, and the learning rate ``lr``.

    ``weight_decay`` times the parameter is added to its gradient, as the loss's share
    ``weight_decay / 2 * sum(p**2)`` would do (L2).

    Raises ArgumentError for no parameters, the same one twice, a rate that is not positive and
    finite, or a decay that is negative or not finite; DTypeError and GraphError for what is not a
    leaf Tensor.
    """

    state: list[list]  # of each parameter, the arrays that `update` needs and moves besides

    def __init__(
        self, parameters: Iterable[Tensor], lr: float | None, weight_decay: float = 0.0
    ) -> None:
        name = type(self).__name__
        if not isinstance(parameters, Iterable):
            raise DTypeError(
                f"{name}: parameters are an iterable of Tensors, such as model.parameters(), "
                f"not a {type(parameters).__name__}"
            )
        if isinstance(parameters, Tensor):
            raise DTypeError(f"{name}: parameters are a list of Tensors; write [p] for one")
        self.parameters = list(parameters)
        if not self.parameters:
            raise ArgumentError(f"{name}: no parameters to optimize")
        seen: dict[int, int] = {}
        for i, p in enumerate(self.parameters):
            if not isinstance(p, Tensor):
                raise DTypeError(f"{name}: parameter {i} is a {type(p).__name__}, not a Tensor")
            if p.function is not None:
                raise GraphError(
                    f"{name}: parameter {i} was computed by {p.function.__name__}; "
                    "only leaves can be updated"
                )
            if (first := seen.setdefault(id(p), i)) != i:
                raise ArgumentError(f"{name}: parameter {i} is parameter {first} again")
        if lr is None:
            raise ArgumentError(f"{name}: lr is missing, the learning rate; write lr=0.1")
        if not (is_real(lr) and 0 < lr < np.inf):
            raise ArgumentError(f"{name}: lr must be positive and finite, got {lr!r:.60}")
        if not (is_real(weight_decay) and 0 <= weight_decay < np.inf):
            raise ArgumentError(
                f"{name}: weight_decay must be 0 or positive, and finite, got {weight_decay!r:.60}"
            )
        self.lr, self.weight_decay = float(lr), float(weight_decay)
        self._from_modules = {id(p) for p in self.parameters if p.role == "parameter"}

    def update(self, p: Any, g: Any, *state: Any) -> tuple:
        """The new p and the new state of it, given the gradient g. Each kind of optimizer says how.

        In plain NumPy: of Tensors it is recorded, and so can be part of a compiled program.
        """
        raise NotImplementedError(f"{type(self).__name__} has no update()")

    def step(self) -> None:
        """Update every parameter that has a gradient: all of them, or none if an error is raised.

        Raises GraphError for a parameter in whose place the Module has another one by now.
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
                        f"{self._spelled(i)} has shape {p.shape}, and update() gave {new!r:.60}"
                    )
                moved[i] = new, state
        for i, (new, state) in moved.items():
            self.parameters[i].data, self.state[i] = new, state

    def check_current(self, i: int) -> None:
        """Raise GraphError if a Module has another parameter by now in the place of this one."""
        p = self.parameters[i]
        if id(p) in self._from_modules and p.role != "parameter":
            raise GraphError(
                f"{self._spelled(i)} is no longer in the Module, which has another one in its "
                "place; make a new optimizer, or set values by p.data = ..."
            )

    def _spelled(self, i: int) -> str:
        name = self.parameters[i].name
        return f"{type(self).__name__}: parameter {i}" + f" ({name!r})" * bool(name)

    def decayed(self, p: Any, g: Any) -> Any:
        """The gradient, with the share of the weight decay."""
        return g + self.weight_decay * p if self.weight_decay else g

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for p in self.parameters:
            p.grad = None


class SGD(Optimizer):
    """``velocity = momentum * velocity + grad``; ``p -= lr * velocity``.

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
        if not (is_real(momentum) and 0 <= momentum < 1):
            raise ArgumentError(f"SGD: momentum must be in [0, 1), got {momentum!r:.60}")
        self.momentum = float(momentum)
        self.state = [[np.zeros(p.shape, p.dtype)] for p in self.parameters]

    def update(self, p: Any, g: Any, *state: Any) -> tuple:
        """The parameter and its velocity, moved by the gradient."""
        (velocity,) = state
        velocity = self.momentum * velocity + self.decayed(p, g)
        return p - self.lr * velocity, velocity


class Adam(Optimizer):
    """Steps of about lr: the gradient's running mean over the root of its running square.

    The gradient includes ``weight_decay * p``. Raises ArgumentError unless both betas are in [0, 1)
    and eps is positive.

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
        if not (is_real(eps) and 0 < eps < np.inf):
            raise ArgumentError(f"Adam: eps must be positive and finite, got {eps!r:.60}")
        self.betas, self.eps = (float(betas[0]), float(betas[1])), float(eps)
        self.state = [
            [np.zeros(()), np.zeros(p.shape, p.dtype), np.zeros(p.shape, p.dtype)]
            for p in self.parameters
        ]

    def update(self, p: Any, g: Any, *state: Any) -> tuple:
        """The parameter, the number of its steps and its two running means, moved."""
        steps, mean, square = state
        b1, b2 = self.betas
        g = self.decayed(p, g)
        steps = steps + 1
        mean = b1 * mean + (1 - b1) * g
        square = b2 * square + (1 - b2) * g**2
        mean_hat = mean / (1 - b1**steps).astype(p.dtype)
        square_hat = square / (1 - b2**steps).astype(p.dtype)
        return p - self.lr * mean_hat / (np.sqrt(square_hat) + self.eps), steps, mean, square
