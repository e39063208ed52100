"""A whole training step as one program: loss, gradients, running statistics and the update."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np

from .. import functional as F
from ..engine.arrays import check_plain
from ..engine.backward import sweep
from ..engine.names import label
from ..engine.node import plain
from ..engine.tensor import Tensor
from ..errors import ArgumentError, NonFiniteError, RangeError
from ..nn.module import Module
from ..nn.parts import attributes
from ..optim import Optimizer
from ..program.compile import PASSES, Program, compile, placeholder
from ..program.kernels import compiler_of

EXACT = tuple(rewrite for rewrite in PASSES if rewrite != "algebra")  # the eager step's bits
MOST_PROGRAMS = 8  # one for each shape of batch and each setting
NUMBERS = (bool, int, float, str, type(None), np.generic)


class CompiledStep:
    """``step(x, targets)`` trains a model on a batch and returns the loss, as the eager step does.

    The step is compiled again for another shape of batch, and when a setting of the optimizer or of
    the model changes, such as the learning rate. The model must compute its output from the batch,
    its parameters and its buffers alone: random numbers, and decisions that Python takes by values,
    stay as they were when the step was compiled.

    ``backend`` is that of `compile`. "numba" is faster and gives the same numbers.

    Raises ArgumentError for a model whose buffers cannot be set, RangeError for a class number that
    the model does not have, NonFiniteError if batch norm would not track a statistic, and
    GraphError for a parameter that is no longer in the model. After an error everything is as it
    was.
    """

    def __init__(self, model: Module, optimizer: Optimizer, backend: str = "numpy") -> None:
        compiler_of(backend)  # raises ArgumentError for an unknown backend
        self.model, self.optimizer, self.backend = model, optimizer, backend
        self.programs: dict[Any, Program] = {}
        self.taken: list = []
        self._take()

    def _take(self) -> None:
        """Take stock of the model's parts. If they have changed, drop the programs."""
        updated = {id(p) for p in self.optimizer.parameters}
        others = [p for p in self.model.parameters() if id(p) not in updated]
        parts = self.model.modules()
        places = [place for part in parts for place in _arrays_in(vars(part))]
        taken = [*map(id, parts), *map(id, others), *((id(owner), key) for owner, key in places)]
        if taken == self.taken:
            return
        held = [owner[key] for owner, key in places]
        if len({*map(id, held)}) < len(held) or not all(array.flags.writeable for array in held):
            raise ArgumentError("CompiledStep: a buffer is read-only, or in two places; copy it")
        self.parts, self.others, self.places = parts, others, places
        self.taken = taken
        self.programs.clear()

    def __call__(self, x: Any, targets: Any) -> float:
        for i in range(len(self.optimizer.parameters)):
            self.optimizer.check_current(i)
        self.model.train()
        self._take()
        check_plain(x, targets)
        x, targets = np.asarray(x), np.asarray(targets)
        if np.min(targets, initial=0) < 0:
            raise RangeError(f"a training step: class number {np.min(targets)} is negative")
        groups = self._groups()
        program = self._program(x, targets, groups)
        try:
            loss, *results = program(x, targets, *map(plain, chain(*groups)))
        except IndexError as error:
            raise RangeError(f"a training step: a class number is too large ({error})") from None
        parameters, buffers, state, _ = _in_pieces(results, groups)
        for old, new in zip(groups[1], buffers, strict=True):
            if not (np.isfinite(new) | (new == old)).all():
                raise NonFiniteError("a running statistic would not be finite; nothing was updated")
        for p, new in zip(self.optimizer.parameters, parameters, strict=True):
            p.data = new
        for (owner, key), new in zip(self.places, buffers, strict=True):
            owner[key][...] = new
        self.optimizer.state = _in_pieces(state, self.optimizer.state)
        return float(loss)

    def _groups(self) -> list[list]:
        """Return all that a step reads besides the batch. It changes the first three groups."""
        buffers = [owner[key] for owner, key in self.places]
        return [self.optimizer.parameters, buffers, [*chain(*self.optimizer.state)], self.others]

    def _program(self, x: np.ndarray, targets: np.ndarray, groups: list[list]) -> Program:
        settings = (_setting(attributes(part)) for part in (self.optimizer, *self.parts))
        key = x.shape, x.strides, x.dtype, targets.dtype, *settings
        if key not in self.programs:
            if len(self.programs) == MOST_PROGRAMS:
                self.programs.pop(next(iter(self.programs)))
            parameters, buffers, _, others = groups
            paths = {id(array): path for path, array in self.model.named_buffers()}
            paths |= {id(p): p.name or "parameter" for p in parameters}
            paths |= {id(p): path for path, p in self.model.named_parameters()}
            named = [placeholder(array, paths[id(array)]) for array in buffers]
            for p, arrays in zip(parameters, self.optimizer.state, strict=True):
                named += [placeholder(array, f"state.{paths[id(p)]}") for array in arrays]
            self.programs[key] = compile(
                self.train_step,
                *(x, targets, *parameters, *named, *others),
                gradients=False,
                passes=EXACT,
                backend=self.backend,
            )
        return self.programs[key]

    def train_step(self, x: Any, targets: Any, *held: Any) -> tuple:
        """Compute a whole step and change nothing, so that `compile` can record it."""
        before = self._groups()
        parameters, buffers, state, _ = _in_pieces(held, before)
        try:
            self._hold(buffers)
            loss = F.cross_entropy(self.model(x), targets)
            buffers = [owner[key] for owner, key in self.places]
        finally:
            self._hold(before[1])
        found = {step.node.number: step.gradient for step in sweep(loss, create_graph=True)}
        states = _in_pieces(state, self.optimizer.state)
        moved = [  # a parameter that the loss does not depend on stays, as in the eager step
            self.optimizer.update(p, found[p.number], *own) if p.number in found else (p, *own)
            for p, own in zip(parameters, states, strict=True)
        ]
        results = [*(p for p, *_ in moved), *buffers, *chain(*(own for _, *own in moved))]
        for old, new in zip(held, results, strict=False):
            label({f"new_{old.name}": new})
        return loss, *results

    def _hold(self, buffers: Iterable) -> None:
        for (owner, key), buffer in zip(self.places, buffers, strict=True):
            owner[key] = buffer


def _arrays_in(attributes: dict) -> Iterator[tuple[Any, Any]]:
    """Find the arrays of a module: in its attributes, and in lists and dicts among them."""
    seen: set[int] = set()
    waiting: list[Any] = [attributes]
    while waiting:
        container = waiting.pop()
        if id(container) in seen:
            continue
        seen.add(id(container))
        items = container.items() if isinstance(container, dict) else enumerate(container)
        for key, value in items:
            if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
                yield container, key
            elif isinstance(value, (list, dict)):
                waiting.append(value)


def _setting(value: Any) -> Any:
    """Return a key that differs if another value would make another program."""
    if isinstance(value, (Tensor, np.ndarray, Module)):
        return None  # operands; and parts, whose own settings are in the key
    if isinstance(value, dict):
        return tuple((key, _setting(x)) for key, x in value.items() if key != "training")
    if isinstance(value, (list, tuple)):
        return tuple(map(_setting, value))
    if isinstance(value, NUMBERS):
        return type(value), repr(value)  # repr tells 0.0 from -0.0
    return type(value), id(value)


def _in_pieces(flat: Iterable, like: Sequence[Sequence]) -> list[list]:
    """Cut a flat sequence into lists as long as these."""
    items = iter(flat)
    return [[*islice(items, len(piece))] for piece in like]
