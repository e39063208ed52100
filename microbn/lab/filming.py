"""Train a model and keep the story of every training step: a film."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import functional as F
from ..arguments import check_counts
from ..engine.tensor import Tensor
from ..nn import Module
from ..optim import Optimizer
from ..reading.trace import trace
from ..view.film import Film, Shot
from ..view.story import Story, story
from .data import Split, minibatches
from .sweep import track
from .train import taken_step


def film(
    model: Module,
    optimizer: Optimizer,
    data: Split,
    *,
    steps: int = 50,
    seed: int = 0,
    batch_size: int = 32,
    title: str = "training",
) -> Film:
    """Train the model for some steps on mini-batches, and return a film of it.

    The loss is the cross-entropy, as in `fit`, and ``seed`` orders the mini-batches. Every training
    step is told twice: in training, and for the same batch in eval, both before the update. In a
    notebook the film shows itself; ``film.save("film.html")`` writes its page, and ``film[k]`` is
    the story of training step k. The model and the optimizer are trained, and the model is in eval
    mode at the end.

    Raises GraphError if the graph of a step differs from that of the first, for example because the
    model branches on values. Raises NonFiniteError for a NaN or an infinity, and names the line
    that made it; the training step stands in a note.
    """
    check_counts("film", steps=steps, batch_size=batch_size)
    order = minibatches(len(data.x_train), batch_size, seed)
    batches = ((data.x_train[rows], data.y_train[rows]) for rows in order)
    try:
        return Film(title, _shots(model, optimizer, batches, steps, title))
    finally:
        model.eval()


def _shots(
    model: Module, optimizer: Optimizer, batches: Iterator, steps: int, title: str
) -> Iterator[Shot]:
    """Train, and yield the shot of each step."""
    for number in track(range(steps), "training", total=steps):
        x, targets = next(batches)
        try:
            yield _shot(model, optimizer, x, targets, title)
        except ArithmeticError as error:  # NonFiniteError is one
            before = f"film(..., steps={number}) shows those before"
            error.add_note(f"This happened in training step {number}; {before}.")
            raise


def _shot(model: Module, optimizer: Optimizer, x: Any, targets: np.ndarray, title: str) -> Shot:
    """Tell of a batch in eval, train on it, and tell of that."""
    before = _statistics(model)
    with trace():
        evaluated = F.cross_entropy(model.eval()(x), targets)
        trained = taken_step(model, optimizer, x, targets)
    after = _statistics(model)
    return Shot(
        _with_loss(trained, title), _with_loss(evaluated, f"{title}, in eval"), before, after
    )


def _with_loss(loss: Tensor, title: str) -> Story:
    loss.name = "loss"
    return story(loss, title=title)


def _statistics(model: Module) -> dict[str, np.ndarray]:
    """Return copies of the running statistics: all buffers that hold floats."""
    buffers = model.named_buffers()
    return {path: buffer.copy() for path, buffer in buffers if buffer.dtype.kind == "f"}
