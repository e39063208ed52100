"""A backward written by hand: two functions, or a loss that returns its gradient as well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...engine.tensor import Tensor
from ...errors import DTypeError, RuleError, listed
from .inputs import HandWritten, Inputs, as_list, check_order, name_of, outputs_of, required
from .subjects import Gradients, Subject, as_tensor, joined, leaves_of, unfinished
from .variables import variables_of_last


class OnTheWay(NamedTuple):
    """The gradients of a backward, and by name those of values on the way.

    They stand in a dict behind the gradients, and then they are ``chosen``. Without one, they are
    all variables of the backward, and whatever it puts into a dict in its cache. ``lines`` are the
    lines that set them, by name, as far as they are variables.
    """

    gradients: list[np.ndarray]
    stages: dict[str, Any]
    chosen: bool
    lines: dict[str, str]


class ByHand(Subject):
    """A HandWritten layer as the subject of a check."""

    def __init__(self, layer: HandWritten, inputs: Inputs, notes: tuple[str, ...] = ()) -> None:
        if not all(map(callable, layer)):
            raise DTypeError(f"gradcheck: forward and backward are functions, got {layer!r:.90}")
        inputs.need_floats()
        super().__init__(layer, inputs)
        self.notes = notes

    def run(self, values: Sequence) -> np.ndarray:
        """Run its forward, and join several outputs in one row."""
        outputs, _ = self._forward(values)
        return outputs[0] if len(outputs) == 1 else joined(outputs)

    def gradients(self, cotangent: np.ndarray) -> Gradients:
        """Run its backward; report writes into other arrays, and gradients that share memory."""
        inputs = [value.copy() for value in self.values]
        outputs, cache = self._forward(inputs)
        given, once_more = _split(cotangent, outputs), _split(cotangent, outputs)
        cache += self._options(len(outputs) + len(cache), inputs)
        alone = "dout (the gradient that came in)"
        several = "the gradient of output {}" if len(outputs) > 1 else alone
        others = {several.format(i): part for i, part in enumerate(given)}
        others |= {f"the input {n!r}": x for n, x in zip(self.names, inputs, strict=True)}
        before = [array.copy() for array in others.values()]
        arrays = self._each(self.f.backward(*given, *cache))
        kept = [array.copy() for array in arrays]
        faults = [
            f"its backward writes into {what}; let it work on a copy"
            for (what, now), was in zip(others.items(), before, strict=True)
            if not np.array_equal(now, was)
        ]
        notes = [*self.inputs.note(), *_shared(zip(self.names, arrays, strict=True), others)]
        if not faults and (changed := self._again(once_more, cache, kept)):
            faults.append(changed)
        return Gradients(kept, tuple(faults), tuple(notes))

    def once_more(self, cotangent: np.ndarray) -> Sequence[np.ndarray]:
        """Run its forward and backward again, from another cotangent."""
        return self.gradients(cotangent).arrays

    def on_tensors(self) -> list[Any]:
        """Run its forward on Tensors, and return its outputs."""
        return self._outputs(leaves_of(self.values, self.names))[0]

    def given_back(self, outputs: Sequence, cotangent: np.ndarray) -> tuple[Any, Any]:
        """Return what a story starts from: the output and its cotangent, or lists of several."""
        if len(outputs) == 1:
            return outputs[0], np.array(cotangent)
        return [*outputs], _split(np.array(cotangent), outputs)

    def on_the_way(self, cotangent: np.ndarray) -> OnTheWay:
        """Run its backward, and return its gradients and those of values on the way."""
        inputs = [value.copy() for value in self.values]
        outputs, cache = self._forward(inputs)
        given = _split(np.array(cotangent), outputs)
        cache += self._options(len(outputs) + len(cache), inputs)
        dicts = [(one, {*one}) for one in _dicts_in(cache)]
        with variables_of_last() as own:
            found = self.f.backward(*given, *cache)
        arrays, stages = self._each(found), _stages_behind(found)
        if stages:
            return OnTheWay(arrays, stages, True, own.lines(stages))
        for one, before in dicts:
            stages |= _by_names({key: one[key] for key in one if key not in before})
        stages = {**own, **stages}
        return OnTheWay(arrays, stages, False, own.lines(stages))

    def _options(self, count: int, inputs: Sequence) -> list[Any]:
        """Return the inputs, such as options, that the backward takes by name after the cache."""
        named = dict(zip(self.given, self.inputs.filled(inputs), strict=True))
        further = _required_or_none(self.f.backward)[count:]
        if unknown := [name for name in further if name not in named]:
            raise RuleError(
                f"gradcheck: {name_of(self.f.backward)} takes {unknown[0]!r} after the cache, and "
                "its forward does not; put it into the cache, or give it a default"
            )
        return [named[name] for name in further]

    def _again(self, given: list, cache: Sequence, first: list[np.ndarray]) -> str | None:
        """Call the backward again with its cache, and describe it if the gradients change."""
        try:
            now = self._each(self.f.backward(*given, *cache))
            if [array.tobytes() for array in now] == [array.tobytes() for array in first]:
                return None
            what = "gives something else"
        except Exception as error:
            what = f"raises {type(error).__name__}"
        return (
            f"its backward changes its cache: called again, it {what}; let it work on copies, or "
            "does it draw random numbers?"
        )

    def _forward(self, inputs: Sequence) -> tuple[list[np.ndarray], list[Any]]:
        """Return the outputs as arrays, and the cache that the backward takes."""
        outputs, cache = self._outputs(inputs)
        return [*map(np.asarray, outputs)], cache

    def _outputs(self, inputs: Sequence) -> tuple[list[Any], list[Any]]:
        """Return the outputs, and the cache; mostly one of each."""
        name, takes = name_of(self.f.forward), _required_or_none(self.f.backward)
        check_order(name_of(self.f.backward), takes)
        given = self.f.forward(*self.inputs.filled(inputs))
        if given is None:
            raise unfinished(name, "returns None")
        if not (isinstance(given, (tuple, list)) and len(given) > 1):
            raise RuleError(
                "gradcheck: forward returns a pair, the output and a cache for backward: "
                f"{name} returns {type(given).__name__}"
            )
        if takes and len(takes) < len(given) > 2:
            raise RuleError(
                f"gradcheck: {name} returns {len(given)} values, and {name_of(self.f.backward)} "
                f"takes {len(takes)}; return one cache: return out, (x, w), or let the backward "
                "take a gradient for the output and then all of the others"
            )
        count = min(outputs_of(takes, self.given), len(given) - 1) if takes else len(given) - 1
        if any(out is None for out in given[:count]):
            raise unfinished(name, "returns None for its output")
        return [*given[:count]], [*given[count:]]

    def _each(self, given: Any) -> list[np.ndarray]:
        """Return the gradients as arrays, one for each input that gets one."""
        name, count = name_of(self.f.backward), len(self.values)
        if given is None:
            raise RuleError(
                f"gradcheck: backward returned None; return a tuple, one for each input: {name} is "
                "unfinished"
            )
        gradients = as_list(given)
        if _stages_behind(given) and len(gradients) - 1 in (count, len(self.given)):
            gradients.pop()
        if isinstance(given, dict) or len(gradients) not in (count, len(self.given)):
            several = f"{len(gradients)} gradients for {count} inputs"
            found = "a dict" if isinstance(given, dict) else several
            raise RuleError(
                f"gradcheck: backward returned {found}; return a tuple, one for each input: {name} "
                f"must return those of {listed(self.names)}; to keep an input out of the check, "
                "wrap the forward: lambda x: forward(x, eps)"
            )
        if len(gradients) > count:
            gradients = [gradients[i] for i in self.inputs.places]
        return [*map(np.asarray, gradients)]


def _stages_behind(given: Any) -> dict[str, Any]:
    """Return the dict of further gradients that a backward gives back behind the gradients."""
    last = given[-1] if isinstance(given, (tuple, list)) and len(given) > 1 else None
    return _by_names(last) if isinstance(last, dict) else {}


def _by_names(gradients: dict) -> dict[str, Any]:
    """Return a dict by names alone, in which dicts inside it are opened."""
    found: dict[str, Any] = {}
    for key, value in gradients.items():
        found |= _by_names(value) if isinstance(value, dict) else {str(key): value}
    return found


def _dicts_in(cache: Any) -> list[dict]:
    """Return the dicts in a cache, also those inside of others. A cache may hold itself."""
    found, waiting = {id(cache): cache}, [cache]
    while waiting:
        one = waiting.pop()
        parts = one.values() if isinstance(one, dict) else one
        inside = isinstance(one, (tuple, list, dict)) and [p for p in parts if id(p) not in found]
        waiting += inside or []
        found |= {id(part): part for part in inside or []}
    return [one for one in found.values() if isinstance(one, dict)]


def _shared(arrays: Iterable, others: dict[str, np.ndarray]) -> Iterator[str]:
    """Describe each gradient that shares memory with another array or gradient."""
    others = {**others}
    for name, array in arrays:
        for what, other in others.items():
            if np.shares_memory(array, other):
                yield f"the gradient for {name!r} is {what} or a view of it"
        others[f"that for {name!r}"] = array


def gradient_along(subject: Subject) -> tuple[int, tuple[str, ...]]:
    """Count the first inputs for which its f returns a gradient, as ``loss, dx`` of arrays.

    A function that returns only Tensors for Tensors has several outputs and no gradient: the count
    is 0. The count comes with a note on this choice, where both were possible. If f raises on
    Tensors, and returns no gradient on arrays either, the error on Tensors is raised.
    """
    f, inputs, unlike = subject.f, subject.inputs, None
    try:
        leaves = leaves_of(inputs.values, inputs.names)
        outputs = as_list(given := f(*inputs.filled(leaves)))
        if all(isinstance(out, Tensor) for out in outputs):
            subject.recorded = as_tensor(given, subject.name), leaves
            values = [out.data.item() if out.size == 1 else out.data for out in outputs]
            return 0, (OUTPUTS,) * (_beside_loss(values, inputs) > 0)
    except Exception as error:  # a function of arrays may raise anything on Tensors
        unlike = error
    try:
        given = f(*inputs.filled([value.copy() for value in inputs.values]))
    except Exception as error:
        raise (unlike or error) from error
    count = _beside_loss(given, inputs)
    if unlike and not count:
        raise unlike
    return count, ("the arrays beside the loss are taken for its gradient",) * (count > 0)


OUTPUTS = (
    "it returns only Tensors, and so all are taken for outputs; if one is meant as the gradient of "
    "the first, check HandWritten(f, lambda dout, dx: dout * dx)"
)


def _beside_loss(given: Any, inputs: Inputs) -> int:
    """Count the arrays beside a loss if they have the shapes of the first inputs, else return 0."""
    if len(as_list(given)) < 2:
        return 0
    loss, gradients = _loss_first(given, inputs.names)
    if not isinstance(loss, (float, int, np.generic)) or len(gradients) > len(inputs.values):
        return 0
    pairs = zip(gradients, inputs.values, strict=False)
    number = (np.ndarray, np.generic, float)
    alike = all(isinstance(g, number) and np.shape(g) == x.shape for g, x in pairs)
    return len(gradients) if alike else 0


def loss_with_gradient(f: Any, names: Sequence[str]) -> HandWritten:
    """Return a function that returns ``loss, dx`` as a layer with a backward."""

    def forward(*inputs: Any) -> tuple[Any, Any]:
        return _loss_first(f(*inputs), names)

    def backward(dout: Any, gradients: Any) -> tuple:
        return tuple(dout * gradient for gradient in gradients)

    forward.__name__ = name_of(f)
    return HandWritten(forward, backward)


def _loss_first(given: Any, names: Sequence[str]) -> tuple[Any, list[Any]]:
    """Return a loss and the list of its gradients; f may give them in a tuple or in a dict."""
    loss, *gradients = as_list(given)
    if len(gradients) == 1 and isinstance(kept := gradients[0], dict):
        return loss, [kept.get(name, kept.get(f"d{name}")) for name in names][: len(kept)]
    if len(gradients) == 1 and isinstance(gradients[0], (tuple, list)):
        return loss, [*gradients[0]]
    return loss, gradients


def _required_or_none(backward: Any) -> list[str]:
    """Return the names of its required parameters; none for ``*args`` or without a signature."""
    try:
        return required(backward)
    except (TypeError, ValueError):
        return []


def _split(row: np.ndarray, outputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Split a cotangent of the joined outputs into a fresh copy for each output."""
    if len(outputs) == 1:
        return [row.copy()]
    pieces = np.split(row, np.cumsum([out.size for out in outputs])[:-1])
    return [x.reshape(out.shape).copy() for x, out in zip(pieces, outputs, strict=True)]
