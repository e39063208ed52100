"""A fit loop, and the multilayer perceptron that the demos train."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from .. import functional as F
from ..arguments import check_counts, generator
from ..engine.backward import grad
from ..engine.mode import no_grad
from ..engine.node import plain
from ..engine.tensor import Tensor
from ..errors import ArgumentError, NonFiniteError
from ..nn import Linear, Module, ReLU, Sequential, he
from ..optim import SGD, Optimizer
from .compiled import CompiledStep
from .data import Split, minibatches


@dataclass
class History:
    """The loss of every step of a fit, and the test accuracy at some of the steps.

    ``accuracies[i]`` was measured after ``steps[i]`` updates; so was ``measured[i]``, if `fit` was
    given something else to measure.
    """

    losses: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    measured: list = field(default_factory=list)

    def steps_to(self, accuracy: float) -> float:
        """Return the first step at which the test accuracy was this high, or infinity if none."""
        reached = (s for s, a in zip(self.steps, self.accuracies, strict=True) if a >= accuracy)
        return next(reached, np.inf)


def trained(
    data: Split,
    hidden: Sequence[int],
    rate: float,
    *,
    seed: int,
    norm: Callable[[int], Module] | None = None,
    activation: Callable[[], Module] = ReLU,
    init: Callable[..., np.ndarray] = he,
    measure: Callable[[Sequential], Any] | None = None,
    compiled: bool | str = True,
    **how: Any,
) -> tuple[Sequential, History]:
    """Make an `mlp` with these hidden layers for the data, and train it by SGD at this rate.

    ``measure(model)`` is called whenever the model is tested. ``how`` is for `fit`: ``steps``,
    ``batch_size``, ``every``, ``from_start``. Returns the model and the history of the fit.
    """
    sizes = [data.features, *hidden, data.classes]
    model = mlp(sizes, seed=seed, norm=norm, activation=activation, init=init)
    optimizer = SGD(model.parameters(), rate)
    how |= {"measure": measure and partial(measure, model)}
    return model, fit(model, optimizer, data, seed=seed, compiled=compiled, **how)


def mlp(
    sizes: Iterable[int],
    *,
    seed: int,
    norm: Callable[[int], Module] | None = None,
    activation: Callable[[], Module] = ReLU,
    init: Callable[..., np.ndarray] = he,
) -> Sequential:
    """Return a net: Linear → norm, if given → activation for each hidden layer, then Linear.

    ``sizes`` are the features of the input, of each hidden layer and of the output, such as
    ``[64, 64, 64, 10]``. ``norm`` makes a layer for a number of features, as BatchNorm does.

    Raises ArgumentError for fewer than two sizes.
    """
    sizes, rng = list(sizes), generator("mlp", seed)
    if len(sizes) < 2:
        raise ArgumentError(f"mlp: sizes are the features in, ..., and out; got {sizes}")
    layers: list[Module] = []
    for fan_in, fan_out in pairwise(sizes[:-1]):
        layers.append(Linear(fan_in, fan_out, rng=rng, init=init))
        layers += [norm(fan_out)] if norm else []
        layers.append(activation())
    return Sequential(*layers, Linear(sizes[-2], sizes[-1], rng=rng, init=init))


def fit(
    model: Module,
    optimizer: Optimizer,
    data: Split,
    *,
    steps: int,
    seed: int,
    batch_size: int = 64,
    every: int = 10,
    from_start: bool = False,
    compiled: bool | str = False,
    measure: Callable[[], Any] | None = None,
) -> History:
    """Minimize the cross-entropy on mini-batches. Test after every ``every`` steps, and at the end.

    ``from_start`` tests before the first step too. ``measure()`` is called at each test, with the
    model in eval mode; its results are kept, and whatever it changes in the model is put back.
    ``seed`` orders the mini-batches. ``compiled`` makes one program of the whole step, which is
    faster and gives the same numbers; it is for models without chance, see `CompiledStep`. With
    ``compiled="numba"`` the program runs fused loops. Numba compiles them first, which takes a few
    seconds, and the numbers are the same too.

    A fit that diverges goes on to its end. If a step raises NonFiniteError, its loss is NaN. Ctrl-C
    ends a fit after a whole step, and after the test if its turn had come. The model is in eval
    mode at the end.
    """
    check_counts("fit", steps=steps, every=every, batch_size=batch_size)
    history = History()
    order = minibatches(len(data.x_train), batch_size, seed)
    backend = compiled if isinstance(compiled, str) else "numpy"
    train_step = (
        CompiledStep(model, optimizer, backend) if compiled else partial(step, model, optimizer)
    )
    try:
        if from_start:
            _test(model, data, measure, history, 0)
        for done in range(1, steps + 1):
            rows = next(order)
            # a divergence is a result, not a surprise
            with Uninterrupted(), np.errstate(over="ignore", invalid="ignore"):
                history.losses.append(_loss_of(train_step, data.x_train[rows], data.y_train[rows]))
                if done % every == 0 or done == steps:
                    _test(model, data, measure, history, done)
    finally:
        model.eval()
    return history


def _loss_of(train_step: Callable[..., float], x: np.ndarray, targets: np.ndarray) -> float:
    try:
        return train_step(x, targets)
    except NonFiniteError:  # batch norm refuses to track it
        return np.nan


def _test(
    model: Module, data: Split, measure: Callable | None, history: History, done: int
) -> None:
    history.steps.append(done)
    history.accuracies.append(accuracy(model, data.x_test, data.y_test))
    if measure:
        state = model.state_dict()
        try:
            history.measured.append(measure())
        finally:
            model.load_state_dict(state)


def step(model: Module, optimizer: Optimizer, x: np.ndarray, targets: np.ndarray) -> float:
    """Train the model on one batch and return the loss before the update.

    After an error the parameters, the buffers and the optimizer's state are as they were.
    """
    return taken_step(model, optimizer, x, targets).item()


def taken_step(model: Module, optimizer: Optimizer, x: np.ndarray, targets: np.ndarray) -> Tensor:
    """Train as `step` does, and return the loss with its graph, which is that before the update."""
    before = {path: buffer.copy() for path, buffer in model.named_buffers()}
    try:
        loss = F.cross_entropy(model.train()(x), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    except BaseException:
        for path, buffer in model.named_buffers():
            if path in before:
                buffer[...] = before[path]
        raise
    return loss


class Uninterrupted:
    """``with Uninterrupted():`` holds Ctrl-C back until the end of the block.

    So a training step happens whole or not at all. Outside the main thread Ctrl-C never arrives,
    and nothing is held back.
    """

    def __enter__(self) -> None:
        self.pressed, self.handler = False, None
        if threading.current_thread() is threading.main_thread():
            self.handler = signal.getsignal(signal.SIGINT)
        if self.handler is not None:  # it is None as well if the handler is not Python's
            signal.signal(signal.SIGINT, self._press)

    def _press(self, *_: Any) -> None:
        self.pressed = True

    def __exit__(self, *_: Any) -> None:
        if self.handler is not None:
            signal.signal(signal.SIGINT, self.handler)
        if self.pressed:
            signal.raise_signal(signal.SIGINT)


def accuracy(model: Module, x: Any, y: np.ndarray) -> float:
    """Return the share of x that the model, in eval mode, classifies as y."""
    with no_grad():
        logits = model.eval()(x)
    return float(np.mean(np.argmax(logits.data, axis=1) == y))


def received(model: Sequential, kind: type[Module], x: Any) -> list[np.ndarray]:
    """Return the input of each layer of this kind when x goes through the model.

    The model stays in its mode, training or eval.
    """
    inputs = []
    with no_grad():
        for layer in model.layers:
            if isinstance(layer, kind):
                inputs.append(np.asarray(plain(x)))
            x = layer(x)
    return inputs


def passed_on(
    model: Sequential, kind: type[Module], x: Any, targets: np.ndarray
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return what each layer of this kind passes on: its output, and the gradient of its output.

    The gradient is that of the cross-entropy. The model stays in its mode, training or eval.
    """
    outputs = []
    for layer in model.layers:
        x = layer(x)
        if isinstance(layer, kind):
            outputs.append(x)
    gradients = grad(F.cross_entropy(x, targets), outputs)
    return [output.data for output in outputs], [*gradients]


def weights_and_gradients(
    model: Sequential, x: Any, targets: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the weight of each Linear layer, and the gradient of the cross-entropy for it."""
    weights = [layer.weight for layer in model.layers if isinstance(layer, Linear)]
    gradients = grad(F.cross_entropy(model(x), targets), weights)
    return [(weight.data, gradient) for weight, gradient in zip(weights, gradients, strict=True)]
