"""Layers: a Module holds parameters (its Tensors), buffers (its arrays) and other Modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from . import functional as F
from .arrays import is_real
from .context import compiling, scope
from .errors import ArgumentError, DTypeError, GraphError, NonFiniteError, ShapeError
from .finite import first_fault, spell
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
        """Switch to inference: batch norm uses its running statistics."""
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


def he(rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    """Weights (fan_in, fan_out) from N(0, 2 / fan_in), for relu. Source: He et al. 2015, eq. 10."""
    return rng.normal(0, np.sqrt(2 / fan_in), (fan_in, fan_out))


def xavier(rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    """Weights (fan_in, fan_out) from N(0, 2 / (fan_in + fan_out)), for tanh and sigmoid.

    Source: Glorot & Bengio 2010, equation 12.
    """
    return rng.normal(0, np.sqrt(2 / (fan_in + fan_out)), (fan_in, fan_out))


class Linear(Module):
    """``x @ weight + bias``: x (N, in_features), weight (in_features, out_features).

    ``rng`` is a NumPy generator or a seed; ``init`` draws the weights from it, `he` or `xavier`
    or a function like them. The bias starts at 0.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        rng: np.random.Generator | int,
        bias: bool = True,
        init: Callable[[np.random.Generator, int, int], np.ndarray] = he,
        dtype: Any = np.float64,
    ) -> None:
        _positive("Linear", in_features=in_features, out_features=out_features)
        try:
            generator = np.random.default_rng(rng)
        except (TypeError, ValueError) as error:
            raise ArgumentError(
                f"Linear: rng is a NumPy generator or a seed, got {rng!r:.60}"
            ) from error
        if not callable(init):
            raise DTypeError(f"Linear: init is a function such as he, got {init!r:.60}")
        self.weight = Tensor(init(generator, in_features, out_features), dtype=dtype)
        if self.weight.shape != (in_features, out_features):
            raise ShapeError(
                f"Linear: init gave weights of shape {self.weight.shape}, "
                f"expected {(in_features, out_features)}"
            )
        self.bias = Tensor(np.zeros(out_features), dtype=dtype) if bias else None

    def forward(self, x: Any) -> Any:
        """The product, with the bias added."""
        if np.shape(x)[-1:] != self.weight.shape[:1]:
            raise ShapeError(
                f"Linear{self.weight.shape}: the last axis of {np.shape(x)} "
                f"should have {self.weight.shape[0]} features"
            )
        y = x @ self.weight
        return y if self.bias is None else y + self.bias


class BatchNorm(Module):
    """Batch norm of (N, C) or (N, C, ...), with the features on axis 1; PyTorch's semantics.

    In training it normalizes with the batch's mean and biased variance, and moves the running
    statistics: ``running = (1 - momentum) * running + momentum * batch``, with the unbiased
    variance; ``momentum=None`` averages over all batches equally. In eval it normalizes with the
    running statistics, or with the batch's where ``track_running_stats`` is False. ``affine``
    gives it gamma and beta. The statistics are buffers and no part of the graph; within the graph
    nothing is detached.

    Raises ShapeError for other shapes and for a single value per channel in training, and
    NonFiniteError where a batch to be tracked is not finite; the running statistics stay unchanged.

    Source: Ioffe & Szegedy 2015, algorithms 1 and 2.
    """

    running_mean: Any  # arrays, or None without track_running_stats
    running_var: Any
    num_batches_tracked: Any

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        dtype: Any = np.float64,
    ) -> None:
        _positive("BatchNorm", num_features=num_features)
        if not (is_real(eps) and 0 < eps < np.inf):
            raise ArgumentError(f"BatchNorm: eps must be positive, got {eps!r}")
        if momentum is not None and not (is_real(momentum) and 0 <= momentum <= 1):
            raise ArgumentError(f"BatchNorm: momentum must be in [0, 1] or None, got {momentum!r}")
        self.num_features = num_features
        self.eps = float(eps)
        self.momentum = None if momentum is None else float(momentum)
        self.gamma = Tensor(np.ones(num_features), dtype=dtype) if affine else None
        self.beta = Tensor(np.zeros(num_features), dtype=dtype) if affine else None
        self.running_mean = np.zeros(num_features, dtype) if track_running_stats else None
        self.running_var = np.ones(num_features, dtype) if track_running_stats else None
        self.num_batches_tracked = np.array(0) if track_running_stats else None

    def forward(self, x: Any) -> Any:
        """Normalize x with the statistics that the mode calls for."""
        axes = F.batch_axes(x)
        if x.shape[1] != self.num_features:
            raise ShapeError(
                f"BatchNorm({self.num_features}): axis 1 of {x.shape} has {x.shape[1]} features, "
                f"expected {self.num_features}"
            )
        if self.training or self.running_mean is None:
            if self.training and x.size <= self.num_features:
                count = "no values" if x.size == 0 else "one value per channel"
                raise ShapeError(
                    f"BatchNorm({self.num_features}): {count} in training, shape {x.shape}, so "
                    "there is no variance; use a larger batch, or eval() for inference"
                )
            mean, centered, var = F.moments(x, axes)
        else:
            along = (1, -1) + (1,) * (x.ndim - 2)
            mean, centered = None, x - np.reshape(self.running_mean, along)
            var = np.reshape(self.running_var, along)
        y = F.normalize(centered, var, self.eps)
        if self.gamma is not None:
            y = F.affine(y, self.gamma, self.beta)
        if self.training and self.running_mean is not None:
            self._track(mean, var, x)
        return y

    def _track(self, mean: Any, var: Any, x: Any) -> None:
        """Move the running statistics towards a batch's, or refuse and leave all as it was.

        In a program that is being compiled they may be Tensors: their move is recorded then.
        """
        if isinstance(self.running_mean, Tensor):
            moved = self._moved(mean, var, x.size)
            self.running_mean, self.running_var, self.num_batches_tracked = moved
            return
        if compiling.get():
            raise GraphError(
                "BatchNorm: in training it moves its running statistics, which compile would not "
                "record; use lab's CompiledStep, eval(), or track_running_stats=False"
            )
        with np.errstate(over="ignore"):
            mean, var, batches = self._moved(_value(mean), _value(var), x.size)
        if first_fault(mean) or first_fault(var):
            fault = first_fault(_value(x))
            what = f"input is {spell(fault)}" if fault else "overflow"
            raise NonFiniteError(f"BatchNorm: {what}; running statistics left unchanged")
        self.running_mean[:], self.running_var[:] = mean, var
        self.num_batches_tracked[...] = batches

    def _moved(self, mean: Any, var: Any, size: int) -> tuple:
        """The running mean and variance after one more batch, and the number of batches."""
        n, batches = size // self.num_features, self.num_batches_tracked + 1
        rate = 1 / batches if self.momentum is None else self.momentum
        mean = (1 - rate) * self.running_mean + rate * mean.reshape(-1)
        var = (1 - rate) * self.running_var + rate * var.reshape(-1) * (n / (n - 1))
        dtype = self.running_mean.dtype
        return mean.astype(dtype), var.astype(dtype), batches


class ReLU(Module):
    """``max(x, 0)``."""

    def forward(self, x: Any) -> Any:
        """Apply it entry by entry."""
        return F.relu(x)


class Tanh(Module):
    """``tanh(x)``."""

    def forward(self, x: Any) -> Any:
        """Apply it entry by entry."""
        return np.tanh(x)


class Sigmoid(Module):
    """``1 / (1 + exp(-x))``."""

    def forward(self, x: Any) -> Any:
        """Apply it entry by entry."""
        return F.sigmoid(x)


class Sequential(Module):
    """Layers one after the other."""

    def __init__(self, *layers: Module) -> None:
        for i, layer in enumerate(layers):
            if not isinstance(layer, Module):
                raise DTypeError(
                    f"Sequential: layer {i} is {layer!r:.40}, not a Module; "
                    "write Sequential(Linear(...), ReLU())"
                )
        self.layers = list(layers)

    def forward(self, x: Any) -> Any:
        """Pass x through every layer in turn."""
        for layer in self.layers:
            x = layer(x)
        return x


def _positive(owner: str, **sizes: int) -> None:
    for name, size in sizes.items():
        if not isinstance(size, (int, np.integer)) or isinstance(size, bool) or size < 1:
            raise ArgumentError(f"{owner}: {name} must be a positive integer, got {size!r}")


def _value(x: Any) -> np.ndarray:
    return x.value if isinstance(x, Tensor) else x.astype(float) if x.dtype == object else x
