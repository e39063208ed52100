"""A Module holds parameters (its Tensors), buffers (its arrays) and other Modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .context import scope
from .errors import ArgumentError, DTypeError, ShapeError
from .tensor import Tensor


class Module:
    """A part of a model. Subclass it, set Tensors and Modules as attributes, write ``forward``.

    What an attribute holds says what it is: a Tensor is a parameter, which the optimizer updates;
    an array is a buffer, which is saved but not learned; a Module is a part. Lists, tuples and
    dicts of them are looked into.
    """

    training = True
    name: str | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        for path, part in _parts(name, value):
            if isinstance(part, (Tensor, Module)) and part.name is None:
                part.name = path
            if isinstance(part, Tensor) and part.function is None:
                part.held = True
        super().__setattr__(name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.name is None:
            return self.forward(*args, **kwargs)
        with scope(self.name):
            return self.forward(*args, **kwargs)

    def forward(self, *args: Any) -> Any:
        """Compute the output. Each kind of Module says how."""
        raise NotImplementedError(f"{type(self).__name__} has no forward()")

    def modules(self) -> list[Module]:
        """This Module and all below it."""
        return [self, *(m for _, m in self._named(Module))]

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Every parameter once, with its path: ``("layers.0.weight", Tensor)``.

        A Tensor that was computed, kept to be looked at, is no parameter.
        """
        return ((path, p) for path, p in self._named(Tensor) if p.function is None)

    def parameters(self) -> list[Tensor]:
        """Every parameter once."""
        return [p for _, p in self.named_parameters()]

    def named_buffers(self) -> Iterator[tuple[str, np.ndarray]]:
        """Every buffer once, with its path: ``("layers.1.running_mean", array)``."""
        return self._named(np.ndarray)

    def _named(self, kind: type, prefix: str = "", seen: set[int] | None = None) -> Iterator:
        """All parts of a kind here and below, each once, with their paths."""
        seen = {id(self)} if seen is None else seen
        for name, value in vars(self).items():
            for path, part in _parts(prefix + name, value):
                if isinstance(part, (kind, Module)) and id(part) not in seen:
                    seen.add(id(part))
                    if isinstance(part, kind):
                        yield path, part
                    if isinstance(part, Module):
                        yield from part._named(kind, f"{path}.", seen)

    def train(self, training: bool = True) -> Module:
        """Switch this Module and all below it to training; ``train(False)`` is `eval`."""
        for module in self.modules():
            module.training = training
        return self

    def eval(self) -> Module:
        """Switch to inference: batch norm uses its running statistics, dropout drops nothing."""
        return self.train(False)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of all parameters and buffers, by path."""
        return {path: np.array(part) for path, part in self._state().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set all parameters and buffers: everything is checked first, then everything is loaded.

        Dtypes stay. Raises ArgumentError for a name that is missing or unknown, ShapeError for a
        shape that differs and DTypeError for what is not numbers; nothing is loaded then.
        """
        if not isinstance(state, Mapping):
            raise DTypeError(f"state_dict: needs a dict of arrays, got {type(state).__name__}")
        own = self._state()
        for words, paths in (
            ("is missing", own.keys() - state),
            ("is unknown", state.keys() - own),
        ):
            if paths:
                raise ArgumentError(f"state_dict: {min(paths)!r} {words}; nothing was loaded")
        new = {}
        for path, part in own.items():
            try:
                new[path] = np.array(state[path]).astype(part.dtype, casting="same_kind")
            except (TypeError, ValueError) as error:
                raise DTypeError(
                    f"state_dict: {path!r} does not fit {part.dtype} ({error}); nothing was loaded"
                ) from error
            if new[path].shape != part.shape:
                raise ShapeError(
                    f"state_dict: {path!r} has shape {new[path].shape}, "
                    f"expected {part.shape}; nothing was loaded"
                )
        for path, parameter in self.named_parameters():
            parameter.data = new[path]
        for path, buffer in self.named_buffers():
            buffer[...] = new[path]

    def _state(self) -> dict[str, np.ndarray]:
        parts = [(path, p.data) for path, p in self.named_parameters()]
        for path, buffer in self.named_buffers():
            if not buffer.flags.writeable:
                raise ArgumentError(
                    f"state_dict: the buffer {path!r} is read-only; set a copy of it"
                )
            parts.append((path, buffer))
        state = dict(parts)
        if len(state) < len(parts):
            raise ArgumentError("state_dict: two parts have the same path; rename one")
        return state


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What an attribute holds: itself, or the items of a list, tuple or dict as ``name.key``."""
    if isinstance(value, (list, tuple, dict)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from _parts(f"{name}.{key}", item)
    else:
        yield name, value
