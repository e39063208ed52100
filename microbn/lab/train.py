"""A fit loop, and the multilayer perceptron that the demos train."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from .. import functional as F
from ..arguments import check_counts, generator
from ..engine.mode import no_grad
from ..engine.node import plain
from ..errors import ArgumentError, NonFiniteError
from ..nn import Linear, Module, ReLU, Sequential, he
from ..optim import Optimizer
from .compiled import CompiledStep
from .data import Split, batches


@dataclass
class History:
    """What happened in a fit: the loss of every step, the test accuracy at some of them.

    ``steps[i]`` is the number of updates made before ``accuracies[i]`` was measured, and
    ``measured[i]``, where `fit` was given something else to measure.
    """

    losses: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    measured: list = field(default_factory=list)

    def steps_to(self, accuracy: float) -> float:
        """The first step at which the test accuracy was measured so high; infinity if never."""
        reached = (s for s, a in zip(self.steps, self.accuracies, strict=True) if a >= accuracy)
        return next(reached, np.inf)


def mlp(
    sizes: Iterable[int],
    *,
    seed: int,
    norm: Callable[[int], Module] | None = None,
    activation: Callable[[], Module] = ReLU,
    init: Callable[..., np.ndarray] = he,
) -> Sequential:
    """Linear → norm, if there is one → activation for every hidden layer, then Linear.

    ``sizes`` are the features in, of each hidden layer, and out: ``[64, 64, 64, 10]``; ``norm``
    makes a layer for so many features, such as BatchNorm. Raises ArgumentError for fewer than
    two sizes.
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
    compiled: bool = False,
    measure: Callable[[], Any] | None = None,
) -> History:
    """Minimize the cross-entropy on mini-batches; every ``every`` steps, and last, test.

    What ``measure()`` gives then is kept too, and what it moves in the model is put back; the
    model is in eval mode then, and at the end. ``seed`` orders the mini-batches. ``compiled`` makes
    one program of the whole step, which is faster and gives the same numbers: for models without
    chance, see `CompiledStep`. A fit that diverges goes on to its end: its losses show it, NaN
    where there is none. Ctrl-C ends a fit after a whole step, measured if its turn had come.
    """
    check_counts("fit", steps=steps, every=every, batch_size=batch_size)
    history = History()
    order = batches(len(data.x_train), batch_size, seed)
    train_step = CompiledStep(model, optimizer) if compiled else partial(step, model, optimizer)
    try:
        for done in range(1, steps + 1):
            rows = next(order)
            # a divergence is a result, not a surprise
            with Uninterrupted(), np.errstate(over="ignore", invalid="ignore"):
                try:
                    loss = train_step(data.x_train[rows], data.y_train[rows])
                except NonFiniteError:  # batch norm refuses to track it
                    loss = np.nan
                history.losses.append(loss)
                if done % every == 0 or done == steps:
                    history.steps.append(done)
                    _test(model, data, measure, history)
    finally:
        model.eval()
    return history


def _test(model: Module, data: Split, measure: Callable | None, history: History) -> None:
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
    return loss.item()


class Uninterrupted:
    """``with Uninterrupted():`` holds Ctrl-C back until the end of the block.

    So a training step happens whole or not at all. Outside the main thread, where Ctrl-C never
    arrives, nothing is held.
    """

    def __enter__(self) -> None:
        self.pressed, self.handler = False, None
        if threading.current_thread() is threading.main_thread():
            self.handler = signal.getsignal(signal.SIGINT)
        if self.handler is not None:  # None as well, if the handler is not Python's
            signal.signal(signal.SIGINT, self._press)

    def _press(self, *_: Any) -> None:
        self.pressed = True

    def __exit__(self, *_: Any) -> None:
        if self.handler is not None:
            signal.signal(signal.SIGINT, self.handler)
        if self.pressed:
            signal.raise_signal(signal.SIGINT)


def accuracy(model: Module, x: Any, y: np.ndarray) -> float:
    """The share of x that the model, in eval mode, classifies as y."""
    with no_grad():
        logits = model.eval()(x)
    return float(np.mean(np.argmax(logits.data, axis=1) == y))


def received(model: Sequential, kind: type[Module], x: Any) -> list[np.ndarray]:
    """What each of the model's layers of a kind is given when x goes through it, in its mode."""
    inputs = []
    with no_grad():
        for layer in model.layers:
            if isinstance(layer, kind):
                inputs.append(np.asarray(plain(x)))
            x = layer(x)
    return inputs
