"""A layer that is an object: it keeps its own cache, and the gradients of its parameters.

``layer.forward(x)`` returns the output, ``layer.backward(dout)`` the gradient for x. An array such
as ``layer.W``, which the forward does not replace, is a parameter if the backward leaves a gradient
for it: in ``dW``, ``d_W``, ``grad_W``, ``W_grad`` or ``grads["W"]``, and for ``params[0]`` in
``grads[0]``. If the backward returns more gradients than the forward has inputs, the others belong
to the parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np

from ...engine.node import is_node
from ...errors import DTypeError, RuleError, listed
from .inputs import HandWritten, Inputs, as_list, check_order, outputs_of, parameter_names, required
from .subjects import unfinished

GRADIENT_HOLDERS = ("grads", "gradients", "grad", "dparams")  # they hold gradients as params does W
Place = tuple[Any, ...]  # attributes, keys and positions that lead from a layer to an array


class Parameter(NamedTuple):
    """A parameter of a layer, and the place of its gradient after a backward.

    The place of the gradient begins with 0 in the layer itself, and with 1 in the list of further
    gradients that the backward returned behind those of the inputs.
    """

    place: Place
    gradient: Place

    @property
    def name(self) -> str:
        """Its attributes, keys and positions, such as ``params.W``."""
        return _dotted(self.place)


def is_layer(f: Any) -> bool:
    """Return whether f is an object that has a backward, and a forward or a call."""
    return callable(getattr(f, "backward", None)) and callable(getattr(f, "forward", f))


class Layer:
    """A view of a layer as a `HandWritten` of its inputs and parameters. It never changes it."""

    def __init__(self, layer: Any, given: Sequence) -> None:
        self.layer, self.name, self.count = layer, type(layer).__name__, len(given)
        self.call = "forward" if hasattr(layer, "forward") else "__call__"
        self.names = parameter_names(getattr(layer, self.call), self.count)
        inputs = Inputs(getattr(layer, self.call), given)
        self.floats = len(inputs.values)
        self.updated: list[Place] = []  # arrays that its backward changes and its forward uses
        self.parameters, self.unknown = self._parameters(inputs.filled(inputs.values))
        values = [np.array(_value_at(layer, parameter.place)) for parameter in self.parameters]
        for parameter, value in zip(self.parameters, values, strict=True):
            if value.dtype != np.float64:
                raise DTypeError(
                    f"gradcheck: {parameter.name!r} of {self.name} is {value.dtype}, too coarse to "
                    "check; use float64"
                )
        names = [*self.names, *(parameter.name for parameter in self.parameters)]
        self.inputs = Inputs(layer, [*given, *values], names=names)

    def by_hand(self) -> HandWritten:
        """Return its forward and backward as two functions, each of which works on a copy."""

        def forward(*given: Any) -> tuple:
            layer = deepcopy(self.layer)
            for parameter, value in zip(self.parameters, given[self.count :], strict=True):
                _put(layer, parameter.place, value)
            outputs, cache = self._forward(layer, given[: self.count])
            return (*outputs, (layer, cache, {}))

        def backward(*given: Any) -> tuple:
            *douts, (layer, cache, stages) = given
            before = {*getattr(layer := deepcopy(layer), "__dict__", ())}
            gradients, further = self._backward(layer, douts, cache)
            now = getattr(layer, "__dict__", {})
            stages |= {key: x for key, x in now.items() if key not in before}
            places = (parameter.gradient for parameter in self.parameters)
            return (*gradients, *(_value_at((layer, further), place) for place in places))

        forward.__name__, backward.__name__ = f"{self.name}.{self.call}", f"{self.name}.backward"
        return HandWritten(forward, backward)

    def notes(self) -> tuple[str, ...]:
        """Name the parameters that its backward updates, and the arrays without a gradient."""
        notes = []
        if self.updated:
            names = listed(repr(_dotted(place)) for place in self.updated)
            notes.append(
                f"its backward changes {names}, which its forward uses; let the backward only "
                "compute gradients, and update after it"
            )
        if self.unknown:
            last = self.unknown[0].rpartition(".")[2]
            notes.append(
                f"no gradient was found for {listed(map(repr, self.unknown))}; keep it in "
                f"d{last} or in grads[{last!r}]"
            )
        return tuple(notes)

    def _forward(self, layer: Any, given: Sequence) -> tuple[list[Any], list[Any]]:
        """Return the outputs, and what the backward takes after their gradients, such as a cache.

        A forward that returns None may have kept its output in ``layer.output`` or ``layer.out``.
        """
        out = getattr(layer, self.call)(*given)
        if out is None:
            out = next((vars(layer)[k] for k in ("output", "out") if k in vars(layer)), None)
        if out is None:
            raise unfinished(f"{self.name}.{self.call}", "returns None")
        outputs = as_list(out)
        takes = required(layer.backward) or ["dout"]
        check_order(f"{self.name}.backward", takes)
        count = outputs_of(takes[: len(outputs)], self.names)
        return outputs[:count], outputs[count : len(takes)]

    def _backward(
        self, layer: Any, douts: Sequence, cache: Sequence
    ) -> tuple[list[Any], list[Any]]:
        """Return the gradients of the inputs, and any further ones that the backward returned.

        A backward that returns None may have kept the gradient for x in ``layer.dx``.
        """
        given, takes = len(douts) + len(cache), required(layer.backward)
        if len(takes) > given:
            raise RuleError(
                f"gradcheck: {self.name}.backward takes {listed(takes)}; give {takes[given]} a "
                f"default, {takes[given]}=0.0, so that it can be called with the gradient alone"
            )
        found = layer.backward(*douts, *cache)
        if found is None:
            found = [_value_at(layer, (f"d{name}",)) for name in self.names]
            if all(part is None for part in found):
                raise unfinished(f"{self.name}.backward", "returns None")
        gradients = as_list(found)
        count = self.floats if len(gradients) > self.count else len(gradients)
        return gradients[:count], gradients[count:]

    def _updates(self, was: Any, layer: Any, place: Place, inputs: Sequence) -> bool:
        """Return whether the backward changed an array that the output depends on."""
        old, new = _value_at(was, place), _value_at(layer, place)
        if np.shape(old) != np.shape(new) or np.array_equal(old, new):
            return False
        one, other = deepcopy(was), deepcopy(was)
        _value_at(other, place)[...] = new
        pairs = zip(self._forward(one, inputs)[0], self._forward(other, inputs)[0], strict=True)
        return not all(np.array_equal(x, y) for x, y in pairs)

    def _parameters(self, inputs: Sequence) -> tuple[list[Parameter], list[str]]:
        """Run the layer once, and return its parameters and the names of arrays without a gradient.

        An array may stand in two places, such as self.W and params[0]; it is one parameter.
        """
        layer = deepcopy(self.layer)
        before = {place: _value_at(layer, place) for place in _array_places(layer, ())}
        outputs, cache = self._forward(layer, inputs)
        unchanged = deepcopy(layer)
        _, further = self._backward(layer, [np.ones_like(out) for out in outputs], cache)
        self.updated = [p for p in before if self._updates(unchanged, layer, p, inputs)]
        still = [p for p, x in before.items() if _value_at(layer, p) is x or p in self.updated]
        gradients = {p: (0, *place) for p in still if (place := _gradient_place(layer, p))}
        if further:
            gradients = {place: (1, i) for i, place in enumerate(still[: len(further)])}
        found: dict[int, Parameter] = {}
        for place, gradient in gradients.items():
            found.setdefault(id(before[place]), Parameter(place, gradient))
        kept = {gradient[1:] for gradient in gradients.values()}
        rest = [p for p in still if id(before[p]) not in found and p not in kept]
        return [*found.values()], [*map(_dotted, rest)]


def _array_places(thing: Any, place: Place) -> Iterator[Place]:
    """Yield the places of all float arrays in an object, its lists and dicts, and its layers."""
    if isinstance(thing, np.ndarray):
        if thing.dtype.kind == "f":
            yield place
    elif isinstance(thing, (list, tuple, dict)):
        if place[-1] not in GRADIENT_HOLDERS:
            items = thing.items() if isinstance(thing, dict) else enumerate(thing)
            for key, part in items:
                yield from _array_places(part, (*place, key))
    elif not place or is_layer(thing):
        for key, part in getattr(thing, "__dict__", {}).items():
            yield from _array_places(part, (*place, key))


def _gradient_place(layer: Any, place: Place) -> Place:
    """Return the place of the gradient for an array, or () if there is none."""
    *above, key = place
    owners = [tuple(above), *([tuple(above[:-1])] if above else [])]  # params["W"]: beside params
    names: list[Place] = [(name,) for name in (f"d{key}", f"d_{key}", f"grad_{key}", f"{key}_grad")]
    names += [(holder, k) for holder in GRADIENT_HOLDERS for k in (key, f"d{key}")]
    places = [(*owner, *name) for owner in owners for name in names]
    return next((p for p in places if _value_at(layer, p, layer) is not layer), ())


def _value_at(thing: Any, place: Place, default: Any = None) -> Any:
    """Return the value in a place, or the default."""
    for key in place:
        try:
            plain = isinstance(thing, (list, tuple, dict))
            thing = thing[key] if plain else vars(thing)[key]
        except (LookupError, TypeError):
            return default
    return thing


def _put(thing: Any, place: Place, value: Any) -> None:
    """Write an array into the one in a place. A Tensor takes its place."""
    if not is_node(value):
        _value_at(thing, place)[...] = value
        return
    *above, key = place
    owner = _value_at(thing, tuple(above))
    if isinstance(owner, (list, dict)):
        owner[key] = value
    else:
        setattr(owner, key, value)


def _dotted(place: Place) -> str:
    """Return a place as a name, such as ``params.W``."""
    return ".".join(map(str, place))
