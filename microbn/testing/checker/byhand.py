"""A backward that is written by hand: two functions, or a loss that gives its gradient along."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ...engine.tensor import Tensor
from ...errors import DTypeError, RuleError, listed
from .inputs import HandWritten, Inputs, name_of, outputs_of, required
from .subjects import Gradients, Subject, joined, unfinished


class ByHand(Subject):
    """A HandWritten layer."""

    def __init__(self, layer: HandWritten, inputs: Inputs, notes: tuple[str, ...] = ()) -> None:
        if not all(map(callable, layer)):
            raise DTypeError(f"gradcheck: forward and backward are functions, got {layer!r:.90}")
        inputs.need_floats()
        super().__init__(layer, inputs)
        self.notes = notes

    def run(self, values: Sequence) -> np.ndarray:
        """Run its forward; several outputs are joined in one row."""
        outputs, _ = self._forward(values)
        return outputs[0] if len(outputs) == 1 else joined(outputs)

    def gradients(self, cotangent: np.ndarray) -> Gradients:
        """Run its backward, and look for arrays that somebody else could change afterwards."""
        inputs = [value.copy() for value in self.values]
        outputs, cache = self._forward(inputs)
        given, once_more = _cut(cotangent, outputs), _cut(cotangent, outputs)
        cache += self._options(len(outputs) + len(cache), inputs)
        several = "the gradient of output {}" if len(outputs) > 1 else "the gradient that came in"
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

    def _options(self, count: int, inputs: Sequence) -> list[Any]:
        """Return what a backward takes after that: inputs of the same names, such as options."""
        named = dict(zip(self.given, self.inputs.filled(inputs), strict=True))
        further = _takes(self.f.backward)[count:]
        if unknown := [name for name in further if name not in named]:
            raise RuleError(
                f"gradcheck: {name_of(self.f.backward)} takes {unknown[0]!r} after the cache, and "
                "its forward does not; put it into the cache, or give it a default"
            )
        return [named[name] for name in further]

    def _again(self, given: list, cache: Sequence, first: list[np.ndarray]) -> str | None:
        """Call the backward again with its cache, and say so if it gives something else."""
        try:
            now = self._each(self.f.backward(*given, *cache))
            same = [array.tobytes() for array in now] == [array.tobytes() for array in first]
            what = "gives something else"
        except Exception as error:
            same, what = False, f"raises {type(error).__name__}"
        if same:
            return None
        return (
            f"its backward changes its cache: called again, it {what}; let it work on copies, or "
            "is there chance in it?"
        )

    def _forward(self, inputs: Sequence) -> tuple[list[np.ndarray], list[Any]]:
        """The outputs, and what is handed on to the backward: mostly one and one."""
        name, takes = name_of(self.f.forward), _takes(self.f.backward)
        given = self.f.forward(*self.inputs.filled(inputs))
        if given is None:
            raise unfinished(name, "gives None")
        if not (isinstance(given, (tuple, list)) and len(given) > 1):
            raise RuleError(
                "gradcheck: forward gives a pair, the output and a cache for backward: "
                f"{name} gives {type(given).__name__}"
            )
        if takes and len(takes) < len(given) > 2:
            raise RuleError(
                f"gradcheck: {name} gives {len(given)} things, and {name_of(self.f.backward)} "
                f"takes {len(takes)}; give one cache, return out, (x, w), or let the backward take "
                "a gradient for the output and then all of the others"
            )
        count = min(outputs_of(takes, self.given), len(given) - 1) if takes else len(given) - 1
        if any(out is None for out in given[:count]):
            raise unfinished(name, "gives None for its output")
        return [*map(np.asarray, given[:count])], [*given[count:]]

    def _each(self, given: Any) -> list[np.ndarray]:
        """Return the arrays that the backward gave, one for each input that gets a gradient."""
        name, count = name_of(self.f.backward), len(self.values)
        if given is None:
            raise RuleError(
                f"gradcheck: backward gave None; return a tuple, one for each input: {name} is "
                "unfinished"
            )
        gradients = [*given] if isinstance(given, (tuple, list)) else [given]
        if isinstance(given, dict) or len(gradients) not in (count, len(self.given)):
            found = "a dict" if isinstance(given, dict) else f"{len(gradients)} gradients"
            found += f" for {count} inputs" * (not isinstance(given, dict))
            raise RuleError(
                f"gradcheck: backward gave {found}; return a tuple, one for each input: {name} "
                f"is asked for those of {listed(self.names)}; keep what gets none out, as in "
                "lambda x: forward(x, eps)"
            )
        if len(gradients) > count:
            gradients = [gradients[i] for i in self.inputs.places]
        return [*map(np.asarray, gradients)]


def _shared(arrays: Iterable, others: dict[str, np.ndarray]) -> Iterator[str]:
    """Name the gradients that share memory with other arrays, or with each other."""
    others = {**others}
    for name, array in arrays:
        for what, other in others.items():
            if np.shares_memory(array, other):
                yield f"the gradient for {name!r} is {what} or a view of it"
        others[f"that for {name!r}"] = array


def gradient_along(f: Any, inputs: Inputs) -> tuple[int, tuple[str, ...]]:
    """Count the first inputs for which f gives a gradient, if it gives ``loss, dx`` of arrays.

    A function that gives nothing but Tensors for Tensors is one of several outputs. Beside the
    count there is a note about what was taken for what. Raises what f raises on Tensors, if it is
    no function of arrays with a gradient either.
    """
    unlike = None
    try:
        parts = _parts(f(*inputs.filled(_leaves(inputs))))
        if all(isinstance(part, Tensor) for part in parts):
            values = [part.data.item() if part.size == 1 else part.data for part in parts]
            return 0, (OUTPUTS,) * (_beside_loss(values, inputs) > 0)
    except Exception as error:  # a function of arrays may stumble over Tensors
        unlike = error
    try:
        given = f(*inputs.filled([value.copy() for value in inputs.values]))
    except Exception as error:
        raise (unlike or error) from error
    count = _beside_loss(given, inputs)
    if unlike and not count:
        raise unlike
    return count, ("what comes with the loss is taken for its gradient",) * (count > 0)


OUTPUTS = (
    "all that it gives are Tensors, and so are taken for outputs; if one is meant as the gradient "
    "of the first, check HandWritten(f, lambda dout, dx: dout * dx)"
)


def _leaves(inputs: Inputs) -> list[Tensor]:
    return [Tensor(x, name) for x, name in zip(inputs.values, inputs.names, strict=True)]


def _parts(given: Any) -> list[Any]:
    return [*given] if isinstance(given, (tuple, list)) else [given]


def _beside_loss(given: Any, inputs: Inputs) -> int:
    """Count the arrays beside a loss that have the shapes of the first inputs, or return 0."""
    if len(_parts(given)) < 2:
        return 0
    loss, gradients = _loss_first(given, inputs.names)
    if not isinstance(loss, (float, int, np.generic)) or len(gradients) > len(inputs.values):
        return 0
    pairs = zip(gradients, inputs.values, strict=False)
    number = (np.ndarray, np.generic, float)
    alike = all(isinstance(g, number) and np.shape(g) == x.shape for g, x in pairs)
    return len(gradients) if alike else 0


def loss_with_gradient(f: Any, names: Sequence[str]) -> HandWritten:
    """A function that gives ``loss, dx`` as a layer."""

    def forward(*inputs: Any) -> tuple[Any, Any]:
        return _loss_first(f(*inputs), names)

    def backward(dout: Any, gradients: Any) -> tuple:
        return tuple(dout * gradient for gradient in gradients)

    return HandWritten(forward, backward)


def _loss_first(given: Any, names: Sequence[str]) -> tuple[Any, list[Any]]:
    """A loss, and the gradients that come with it: one by one, in a tuple, or in a dict by name."""
    loss, *gradients = _parts(given)
    if len(gradients) == 1 and isinstance(kept := gradients[0], dict):
        return loss, [kept.get(name, kept.get(f"d{name}")) for name in names][: len(kept)]
    if len(gradients) == 1 and isinstance(gradients[0], (tuple, list)):
        return loss, [*gradients[0]]
    return loss, gradients


def _takes(backward: Any) -> list[str]:
    """The names of the arguments that it needs, where they are known; of *args nothing is."""
    try:
        return required(backward)
    except (TypeError, ValueError):  # no signature: it will raise if it is called wrongly
        return []


def _cut(row: np.ndarray, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """A cotangent of all the outputs, cut into a copy for each."""
    if len(parts) == 1:
        return [row.copy()]
    ends = np.cumsum([part.size for part in parts])
    return [
        row[end - part.size : end].reshape(part.shape).copy()
        for part, end in zip(parts, ends, strict=True)
    ]
