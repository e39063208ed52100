"""A whole training step as one program: loss, gradients, running statistics and the update."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np

from .. import functional as F
from ..backward import grad
from ..errors import NonFiniteError
from ..nn import Module
from ..optim import Optimizer
from ..program import PASSES, Program, compile

EXACT = tuple(name for name in PASSES if name != "algebra")  # the bits of the eager step


class CompiledStep:
    """``step(x, targets)`` trains a model on a batch and gives the loss, as the eager step does.

    It is compiled once for each shape of batch and each learning rate. What the model computes has
    to follow from the batch, its parameters and its buffers: chance, and what Python decides by
    values, stay what they were in the first step.

    Raises NonFiniteError, and leaves everything as it was, where batch norm would not track.
    """

    def __init__(self, model: Module, optimizer: Optimizer) -> None:
        self.model, self.optimizer = model, optimizer
        updated = {id(p) for p in optimizer.parameters}
        self.others = [p for p in model.parameters() if id(p) not in updated]
        self.buffers = [
            (vars(part), name)
            for part in model.modules()
            for name, value in vars(part).items()
            if isinstance(value, np.ndarray)
        ]
        self.programs: dict[Any, Program] = {}

    def __call__(self, x: np.ndarray, targets: np.ndarray) -> float:
        optimizer, groups = self.optimizer, self._groups()
        operands = [x, targets, *chain(*groups)]
        key = x.shape, x.dtype, targets.dtype, optimizer.lr
        if key not in self.programs:
            self.model.train()
            self.programs[key] = compile(self._recorded, *operands, gradients=False, passes=EXACT)
        loss, *results = self.programs[key](*operands)
        parameters, buffers, state, _ = _cut(results, groups)
        if not all(np.isfinite(buffer).all() for buffer in buffers):
            raise NonFiniteError("a running statistic would not be finite; nothing was updated")
        for p, new in zip(optimizer.parameters, parameters, strict=True):
            p.data = new
        for (owner, name), new in zip(self.buffers, buffers, strict=True):
            owner[name][...] = new
        optimizer.state = _cut(state, optimizer.state)
        return float(loss)

    def _groups(self) -> list[list]:
        """All that a step reads besides the batch; the first three are what it changes."""
        buffers = [owner[name] for owner, name in self.buffers]
        return [self.optimizer.parameters, buffers, [*chain(*self.optimizer.state)], self.others]

    def _recorded(self, x: Any, targets: Any, *operands: Any) -> tuple:
        """A step that computes all of it, and changes nothing."""
        before = self._groups()
        parameters, buffers, state, _ = _cut(operands, before)
        try:
            self._hold(buffers)
            loss = F.cross_entropy(self.model(x), targets)
            buffers = [owner[name] for owner, name in self.buffers]
        finally:
            self._hold(before[1])
        gradients = grad(loss, parameters, create_graph=True)
        states = _cut(state, self.optimizer.state)
        moved = [
            self.optimizer.update(p, g, *own)
            for p, g, own in zip(parameters, gradients, states, strict=True)
        ]
        return loss, *(p for p, *_ in moved), *buffers, *chain(*(own for _, *own in moved))

    def _hold(self, buffers: Iterable) -> None:
        for (owner, name), buffer in zip(self.buffers, buffers, strict=True):
            owner[name] = buffer


def _cut(flat: Iterable, like: Sequence[Sequence]) -> list[list]:
    """A sequence in pieces as long as these."""
    items = iter(flat)
    return [[*islice(items, len(piece))] for piece in like]
