"""A layer that is an object: it keeps its cache, and the gradients of its parameters, itself.

``layer.forward(x)`` gives the output, ``layer.backward(dout)`` the gradient for x. An array that
the forward leaves where it is, such as ``layer.W``, is a parameter if the backward leaves a
gradient for it: ``dW``, ``d_W``, ``grad_W``, ``W_grad`` or ``grads["W"]``; for ``params[0]`` it is
``grads[0]``. If the backward returns more gradients than the forward has inputs, the others are
those of the parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np

from ...errors import DTypeError, RuleError, listed
from .inputs import HandWritten, Inputs, outputs_of, parameter_names, required
from .subjects import unfinished

RETURNED = "what backward returned"  # kept with the layer, as its other gradients are
KEPT = ("grads", "gradients", "grad", "dparams")  # what holds gradients as params holds parameters
Path = tuple[Any, ...]  # attributes, keys and positions that lead from a layer to an array


class Parameter(NamedTuple):
    """A parameter of a layer, and where its gradient is after a backward."""

    path: Path
    gradient: Path

    @property
    def name(self) -> str:
        """``params.W``."""
        return ".".join(map(str, self.path))


def is_layer(f: Any) -> bool:
    """Return whether this is an object that has a backward, and a forward or a call."""
    return callable(getattr(f, "backward", None)) and callable(getattr(f, "forward", f))


class Layer:
    """A layer seen as a HandWritten of its inputs and parameters; it stays as it is."""

    def __init__(self, layer: Any, given: Sequence) -> None:
        self.layer, self.name, self.count = layer, type(layer).__name__, len(given)
        self.call = "forward" if hasattr(layer, "forward") else "__call__"
        self.names = parameter_names(getattr(layer, self.call), self.count)
        inputs = Inputs(getattr(layer, self.call), given)
        self.floats = len(inputs.values)
        self.updated: list[Path] = []  # what its backward changes although its forward uses it
        self.parameters, self.unknown = self._parameters(inputs.filled(inputs.values))
        values = [np.array(_at(layer, parameter.path)) for parameter in self.parameters]
        for parameter, value in zip(self.parameters, values, strict=True):
            if value.dtype != np.float64:
                raise DTypeError(
                    f"gradcheck: {parameter.name!r} of {self.name} is {value.dtype}, too coarse to "
                    "check; use float64"
                )
        names = [*self.names, *(parameter.name for parameter in self.parameters)]
        self.inputs = Inputs(layer, [*given, *values], names=names)

    def by_hand(self) -> HandWritten:
        """Its forward and backward as two functions, each of which works on a copy of it."""

        def forward(*given: Any) -> tuple:
            layer = deepcopy(self.layer)
            for parameter, value in zip(self.parameters, given[self.count :], strict=True):
                _at(layer, parameter.path)[...] = value
            outputs, cache = self._forward(layer, given[: self.count])
            return (*outputs, (layer, cache))

        def backward(*given: Any) -> tuple:
            *douts, (layer, cache) = given
            gradients = self._backward(layer := deepcopy(layer), douts, cache)
            return (*gradients, *(_at(layer, p.gradient) for p in self.parameters))

        forward.__name__, backward.__name__ = f"{self.name}.{self.call}", f"{self.name}.backward"
        return HandWritten(forward, backward)

    def notes(self) -> tuple[str, ...]:
        """Name the parameters that its backward updates, and arrays without a gradient."""
        notes = []
        if self.updated:
            names = listed(repr(Parameter(path, ()).name) for path in self.updated)
            notes.append(
                f"its backward changes {names}, which its forward uses; let it leave gradients, "
                "and update after the backward"
            )
        if self.unknown:
            last = self.unknown[0].rpartition(".")[2]
            notes.append(
                f"no gradient was found for {listed(map(repr, self.unknown))}; it is looked for in "
                f"d{last} and in grads[{last!r}]"
            )
        return tuple(notes)

    def _forward(self, layer: Any, given: Sequence) -> tuple[list[Any], list[Any]]:
        """The outputs, and what the backward takes besides their gradients: a cache, or nothing."""
        out = getattr(layer, self.call)(*given)
        if out is None:  # it may keep it
            out = next((vars(layer)[k] for k in ("output", "out") if k in vars(layer)), None)
        if out is None:
            raise unfinished(f"{self.name}.{self.call}", "gives None")
        outputs = [*out] if isinstance(out, (tuple, list)) else [out]
        takes = required(layer.backward) or ["dout"]
        count = outputs_of(takes[: len(outputs)], self.names)
        return outputs[:count], outputs[count : len(takes)]

    def _backward(self, layer: Any, douts: Sequence, cache: Sequence) -> list[Any]:
        """The gradients of the inputs."""
        given, takes = len(douts) + len(cache), required(layer.backward)
        if len(takes) > given:
            raise RuleError(
                f"gradcheck: {self.name}.backward takes {listed(takes)}; give {takes[given]} a "
                f"default, {takes[given]}=0.0, so that it can be called with the gradient alone"
            )
        found = layer.backward(*douts, *cache)
        if found is None:  # it may keep it
            kept = [_at(layer, (f"d{name}",)) for name in self.names]
            found = None if all(part is None for part in kept) else kept
        if found is None:
            raise unfinished(f"{self.name}.backward", "gives None")
        gradients = [*found] if isinstance(found, (tuple, list)) else [found]
        if len(gradients) <= self.count:
            return gradients
        vars(layer)[RETURNED] = gradients[self.floats :]
        return gradients[: self.floats]

    def _updates(self, was: Any, layer: Any, path: Path, inputs: Sequence) -> bool:
        """Return whether an array is no longer what it was, and the output depends on it."""
        old, new = _at(was, path), _at(layer, path)
        if np.shape(old) != np.shape(new) or np.array_equal(old, new):
            return False
        one, other = deepcopy(was), deepcopy(was)
        _at(other, path)[...] = new
        pairs = zip(self._forward(one, inputs)[0], self._forward(other, inputs)[0], strict=True)
        return not all(np.array_equal(x, y) for x, y in pairs)

    def _parameters(self, inputs: Sequence) -> tuple[list[Parameter], list[str]]:
        """The parameters, and the names of those that have no gradient, seen in one run."""
        layer = deepcopy(self.layer)
        before = {path: _at(layer, path) for path in _arrays(layer, ())}
        outputs, cache = self._forward(layer, inputs)
        unchanged = deepcopy(layer)
        self._backward(layer, [np.ones_like(out) for out in outputs], cache)
        self.updated = [p for p in before if self._updates(unchanged, layer, p, inputs)]
        still = [p for p, x in before.items() if _at(layer, p) is x or p in self.updated]
        gradients = {path: place for path in still if (place := _gradient(layer, path))}
        if returned := vars(layer).get(RETURNED):
            gradients = {path: (RETURNED, i) for i, path in enumerate(still[: len(returned)])}
        found: dict[int, Parameter] = {}
        for path, place in gradients.items():  # an array may be in two places, self.W and params[0]
            found.setdefault(id(before[path]), Parameter(path, place))
        rest = [p for p in still if id(before[p]) not in found and p not in gradients.values()]
        return [*found.values()], [Parameter(path, ()).name for path in rest]


def _arrays(thing: Any, path: Path) -> Iterator[Path]:
    """The paths of the arrays of floats in an object, in its lists and dicts, and in its layers."""
    if isinstance(thing, np.ndarray):
        if thing.dtype.kind == "f":
            yield path
    elif isinstance(thing, (list, tuple, dict)):
        if path[-1] not in KEPT:
            items = thing.items() if isinstance(thing, dict) else enumerate(thing)
            for key, part in items:
                yield from _arrays(part, (*path, key))
    elif not path or is_layer(thing):
        for key, part in getattr(thing, "__dict__", {}).items():
            yield from _arrays(part, (*path, key))


def _gradient(layer: Any, path: Path) -> Path:
    """Return the place of the gradient for an array, or ()."""
    *above, key = path
    owners = [tuple(above), *([tuple(above[:-1])] if above else [])]  # params["W"]: beside params
    names = [f"d{key}", f"d_{key}", f"grad_{key}", f"{key}_grad"]
    places = [(*owner, *rest) for owner in owners for rest in (
        *((name,) for name in names), *((kept, k) for kept in KEPT for k in (key, f"d{key}"))
    )]  # fmt: skip
    return next((place for place in places if _at(layer, place, layer) is not layer), ())


def _at(thing: Any, path: Path, default: Any = None) -> Any:
    """Return the value in a place, or the default."""
    for key in path:
        try:
            plain = isinstance(thing, (list, tuple, dict))
            thing = thing[key] if plain else vars(thing)[key]
        except (LookupError, TypeError):
            return default
    return thing
