"""The subjects of a check that have a graph: a function of Tensors, a Module, their gradients.

The checker treats all of them alike. A subject has named float64 inputs, an output, and the
gradients that are compared with its slopes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ...engine.backward import grad, sweep
from ...engine.node import plain
from ...engine.tensor import Tensor
from ...errors import DTypeError, GraphError, NonFiniteError, RuleError, listed
from ...nn.module import Module
from ...reading.trace import trace
from .chords import norm
from .inputs import Inputs, unique


class Gradients(NamedTuple):
    """A gradient for each input, and the faults and notes that came up on the way.

    ``scale`` is the size of the terms that the output is made from.
    """

    arrays: list[np.ndarray]
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    scale: float = 0.0


class Subject:
    """A function of Tensors, at the values where it is checked.

    With ``on_arrays``, it is called on plain arrays wherever no graph is needed.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, f: Any, inputs: Inputs) -> None:
        self.f, self.name, self.inputs = f, inputs.function, inputs
        self.values, self.names = [*inputs.values], [*inputs.names]
        self.on_arrays = False

    @property
    def given(self) -> list[str]:
        """The names of all inputs, constants included."""
        return self.inputs.all_names

    def output(self, values: Sequence) -> np.ndarray:
        """Return the function's output at copies of the values, into which it may write."""
        return self.run([value.copy() for value in values])

    def run(self, values: Sequence) -> np.ndarray:
        """Return the function's output at the values. Its graph, if there is one, is dropped."""
        if not self.on_arrays:
            return np.asarray(self.record(values)[0].value)
        return joined(self.f(*self.inputs.filled(values)))

    def again(self) -> tuple[np.ndarray, str | None]:
        """Return the output, and the name of the first input that is written into, if any is."""
        values = [value.copy() for value in self.values]
        out = self.run(values)
        pairs = zip(self.names, values, self.values, strict=True)
        return out, next((name for name, now, was in pairs if not np.array_equal(now, was)), None)

    def record(self, values: Sequence) -> tuple[Tensor, list[Tensor]]:
        """Return the output as a Tensor, and the leaves it was made from."""
        leaves = leaves_of(values, self.names)
        return as_tensor(self.f(*self.inputs.filled(leaves)), self.name), leaves

    @cached_property
    def recorded(self) -> tuple[Tensor, list[Tensor]]:
        """The output as a Tensor at the values of the check, and its leaves."""
        return self.record(self.values)

    def graph(self) -> Tensor:
        """Return the output with its graph."""
        return self.recorded[0]

    def traced(self) -> Tensor:
        """Return the output. Each node of its graph knows all lines of code that made it."""
        try:
            with trace():
                return self.record(self.values)[0]
        except NonFiniteError:  # an infinity comes up on the way, although the output is finite
            return self.record(self.values)[0]

    def gradients(self, cotangent: np.ndarray) -> Gradients:
        """Return the gradients that the sweep finds."""
        out, leaves = self.recorded
        found: dict[int, np.ndarray] = {}
        faults: list[str] = []
        terms = []
        for step in sweep(out, cotangent):
            found[step.node.number] = np.asarray(step.gradient)
            faults += filter(None, (_lost_digits(step.node, *m[1:3]) for m in step.messages))
            if step.node.function and step.node is not out:
                terms.append(norm(plain(step.gradient) * step.node.value))
        arrays = [found.get(leaf.number, np.zeros(leaf.shape)) for leaf in leaves]
        notes = self.inputs.note()
        return Gradients(arrays, tuple(faults[:1]), notes, norm(np.array(terms)))

    def once_more(self, cotangent: np.ndarray) -> Sequence[np.ndarray]:
        """Return the gradients from another cotangent."""
        out, leaves = self.recorded
        return grad(out, leaves, cotangent)


class OfModule(Subject):
    """A Module. Its subject's inputs are those of the call, and then the Module's parameters."""

    def __init__(self, module: Module, inputs: Inputs) -> None:
        super().__init__(module, inputs)
        self.parameters = module.parameters()
        self.names = unique([*self.names, *dict(module.named_parameters())])
        self.values += [np.array(p.data) for p in self.parameters]
        self.attributes = [(part, dict(vars(part))) for part in module.modules()]
        self.buffers = [(buffer, buffer.copy()) for _, buffer in module.named_buffers()]
        if odd := [path for path, p in module.named_parameters() if p.dtype != np.float64]:
            raise DTypeError(f"gradcheck: {odd[0]!r} is float32, too coarse to check; use float64")

    def record(self, values: Sequence) -> tuple[Tensor, list[Tensor]]:
        """Restore the Module to its state before the check, and return its output and leaves."""
        count = len(self.inputs.names)
        self.restore(values[count:])
        leaves = leaves_of(values[:count], self.inputs.names)
        out = self.f(*self.inputs.filled(leaves))
        return as_tensor(out, self.name), [*leaves, *self.parameters]

    def graph(self) -> Tensor:
        """Return the output with a new graph, as the parameters have moved since."""
        return self.record(self.values)[0]

    def restore(self, values: Sequence) -> None:
        """Set the parameters to these values, and everything else to its state before the check."""
        for part, attributes in self.attributes:
            vars(part).clear()
            vars(part).update(attributes)
        for buffer, kept in self.buffers:
            buffer[...] = kept
        for parameter, value in zip(self.parameters, values, strict=True):
            parameter.data = value


class Gradient(Subject):
    """The gradients of a subject, joined in one row. A check of order 2 looks at them."""

    def __init__(self, first: Subject, cotangent: np.ndarray) -> None:
        self.first, self.cotangent = first, cotangent
        self.name, self.names, self.values = first.name, first.names, first.values
        self.inputs = first.inputs

    def run(self, values: Sequence) -> np.ndarray:
        """Return the gradients, without a graph."""
        out, leaves = self.first.record(values)
        return np.concatenate([g.reshape(-1) for g in grad(out, leaves, self.cotangent)])

    def record(self, values: Sequence) -> tuple[Any, list[Tensor]]:
        """Return the gradients with their graph, and the leaves."""
        out, leaves = self.first.record(values)
        rows = grad(out, leaves, self.cotangent, create_graph=True)
        return np.concatenate([g.reshape(-1) for g in rows]), leaves


def same_on_arrays(subject: Subject) -> bool:
    """Return whether f gives the same bits on arrays, which are faster, as on Tensors."""
    recorded = np.asarray(subject.recorded[0].value)
    try:
        values = [value.copy() for value in subject.values]
        on_arrays = joined(subject.f(*subject.inputs.filled(values)))
    except Exception:  # a function of Tensors may raise anything on arrays
        return False
    return recorded.dtype == on_arrays.dtype and recorded.tobytes() == on_arrays.tobytes()


def leaves_of(values: Sequence, names: Sequence[str]) -> list[Tensor]:
    """Return a named leaf for each value."""
    return [Tensor(value, name) for value, name in zip(values, names, strict=True)]


def joined(out: Any) -> np.ndarray:
    """Return the output as an array, with several outputs joined in one row."""
    if isinstance(out, (tuple, list)):
        return np.concatenate([np.ravel(plain(part)) for part in out])
    return np.asarray(plain(out))


def _lost_digits(node: Tensor, position: int, product: Any) -> str | None:
    """Describe a rule that loses digits, which finite differences cannot show."""
    kind = np.asarray(plain(product)).dtype
    operand: Any = node.inputs[position]
    if kind.itemsize >= operand.dtype.itemsize or node.dtype != operand.dtype:
        return None
    name = getattr(node.function, "__name__", "")
    return f"the rule of {name} for operand {position} gives {kind}, the operand is {operand.dtype}"


def as_tensor(out: Any, name: str) -> Any:
    """Return the output, with several outputs joined in one row. Raises where it is no Tensor."""
    if isinstance(out, (tuple, list)):
        tensors = [isinstance(part, Tensor) for part in out]
        if not any(tensors) and any(part is None for part in out):
            raise unfinished(name, "returns None")
        if not out or not all(tensors):
            kinds = listed(type(part).__name__ for part in out)
            raise DTypeError(
                f"gradcheck: {name} returns a {type(out).__name__} of {kinds}. A layer with its "
                "own backward is HandWritten(forward, backward); to check only the outputs "
                "that are Tensors, choose them: lambda x: f(x)[0]"
            )
        return np.concatenate([part.reshape(-1) for part in out])
    if out is None:
        raise unfinished(name, "returns None")
    if not isinstance(out, Tensor):
        raise GraphError(
            f"gradcheck: {name} returns {type(out).__name__}, although its inputs are Tensors: a "
            "number left the graph on the way (t.data, t.item(), t.value?)"
        )
    return out if out.function else +out


def unfinished(name: str, why: str) -> RuleError:
    """Return the error for a function that nobody has written yet."""
    return RuleError(f"gradcheck: {name} is unfinished: it {why}")
