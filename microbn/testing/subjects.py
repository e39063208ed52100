"""What can be checked: a function of Tensors, a Module, a layer written by hand.

Each becomes the same thing to the checker: named float64 inputs, the output that they give, and
the gradients to be held against its slopes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ..backward import grad, sweep
from ..context import trace
from ..errors import ArgumentError, DTypeError, GraphError, NonFiniteError, RuleError, ShapeError
from ..module import Module
from ..nodes import is_node, plain
from ..tensor import Tensor
from .differences import norm


class HandWritten(NamedTuple):
    """A layer whose backward is written by hand, on plain arrays; it need know nothing of microbn.

    ``forward(*inputs)`` gives the output and a cache, ``backward(dout, cache)`` the gradients, a
    tuple with one for each input, or the only one.
    """

    forward: Callable[..., tuple[Any, Any]]
    backward: Callable[[Any, Any], Any]


class Gradients(NamedTuple):
    """One for each input; what is wrong with how they come about, and what is only to be noted.

    ``scale`` is the size of the terms that the output is made from.
    """

    arrays: list[np.ndarray]
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    scale: float = 0.0


class Subject:
    """A function of Tensors, at the values where it is checked."""

    def __init__(self, f: Any, inputs: Sequence) -> None:
        self.f, self.name = f, _name(f)
        self.values = [_floats(self.name, i, x) for i, x in enumerate(inputs)]
        named = zip(inputs, _names(f, len(inputs)), strict=True)
        self.names = _unique([(is_node(x) and x.name) or name for x, name in named])
        self.given = self.names  # with which it was called
        self.on_arrays = False

    def output(self, values: Sequence) -> np.ndarray:
        """What the function gives; the graph, if there is one, is dropped."""
        out = self.f(*values) if self.on_arrays else self.record(values)[0].value
        return np.asarray(plain(out))

    def record(self, values: Sequence) -> tuple[Tensor, list[Tensor]]:
        """The output as a Tensor, and the leaves it was made from."""
        leaves = [Tensor(value, name) for value, name in zip(values, self.names, strict=True)]
        return _tensor(self.f(*leaves), self.name), leaves

    def traced(self) -> Tensor:
        """The output, each node of its graph with the line of code that made it."""
        try:
            with trace():
                return self.record(self.values)[0]
        except NonFiniteError:  # on the way, although the output is finite
            return self.record(self.values)[0]

    def gradients(self, cotangent: np.ndarray) -> Gradients:
        """What the sweep makes of the graph."""
        out, leaves = self.record(self.values)
        found: dict[int, np.ndarray] = {}
        faults: list[str] = []
        terms = []
        for step in sweep(out, cotangent):
            found[step.node.number] = np.asarray(step.gradient)
            faults += filter(None, (_narrow(step.node, *m[1:3]) for m in step.messages))
            if step.node.function and step.node is not out:
                terms.append(norm(plain(step.gradient) * step.node.value))
        zeros = [np.zeros_like(value) for value in self.values]
        arrays = [found.get(x.number, zero) for x, zero in zip(leaves, zeros, strict=True)]
        return Gradients(arrays, tuple(faults[:1]), scale=norm(np.array(terms)))


class OfModule(Subject):
    """A Module: what it is called with, and its parameters. In the end it is as it was."""

    def __init__(self, module: Module, inputs: Sequence) -> None:
        super().__init__(module, inputs)
        self.parameters = module.parameters()
        self.names = _unique([*self.names, *dict(module.named_parameters())])
        self.values += [np.array(p.data) for p in self.parameters]
        self.attributes = [(part, dict(vars(part))) for part in module.modules()]
        self.buffers = [(buffer, buffer.copy()) for _, buffer in module.named_buffers()]
        if odd := [path for path, p in module.named_parameters() if p.dtype != np.float64]:
            raise DTypeError(f"gradcheck: {odd[0]!r} is float32, too coarse to check; use float64")

    def record(self, values: Sequence) -> tuple[Tensor, list[Tensor]]:
        """The output; what the Module keeps of a call, such as running statistics, is set back."""
        count = len(self.given)
        self.restore(values[count:])
        leaves = [Tensor(v, n) for v, n in zip(values[:count], self.given, strict=True)]
        return _tensor(self.f(*leaves), self.name), [*leaves, *self.parameters]

    def restore(self, values: Sequence) -> None:
        """Set the parameters to these values, and everything else to what it was."""
        for part, attributes in self.attributes:
            vars(part).clear()
            vars(part).update(attributes)
        for buffer, kept in self.buffers:
            buffer[...] = kept
        for parameter, value in zip(self.parameters, values, strict=True):
            parameter.data = value


class ByHand(Subject):
    """A HandWritten layer."""

    def output(self, values: Sequence) -> np.ndarray:
        """What its forward gives."""
        return np.asarray(_pair(self.f.forward(*values))[0])

    def gradients(self, cotangent: np.ndarray) -> Gradients:
        """What its backward gives, and whether anybody else could change it afterwards."""
        given, inputs = cotangent.copy(), [value.copy() for value in self.values]
        cache = _pair(self.f.forward(*inputs))[1]
        arrays = _each(self.f.backward(given, cache), len(inputs))
        faults, notes = [], []
        others = {"the gradient that came in": given}
        others |= {f"the input {n!r}": x for n, x in zip(self.names, inputs, strict=True)}
        before = [cotangent, *self.values]
        for (what, now), kept in zip(others.items(), before, strict=True):
            if not np.array_equal(now, kept):
                faults.append(f"its backward writes into {what}; let it work on a copy")
        for name, array in zip(self.names, arrays, strict=True):
            shared = [what for what, other in others.items() if np.shares_memory(array, other)]
            notes += [f"the gradient for {name!r} is {what} or a view of it" for what in shared]
            others[f"that for {name!r}"] = array
        return Gradients(arrays, tuple(faults), tuple(notes))


class Gradient(Subject):
    """The gradients of a subject, all in one row: what a check of order 2 looks at."""

    def __init__(self, first: Subject, cotangent: np.ndarray) -> None:
        self.first, self.cotangent = first, cotangent
        self.name, self.names, self.values = first.name, first.names, first.values

    def output(self, values: Sequence) -> np.ndarray:
        """The gradients, which no graph is needed for."""
        out, leaves = self.first.record(values)
        return np.concatenate([g.reshape(-1) for g in grad(out, leaves, self.cotangent)])

    def record(self, values: Sequence) -> tuple[Any, list[Tensor]]:
        """The gradients, and the graph of how they came about."""
        out, leaves = self.first.record(values)
        rows = grad(out, leaves, self.cotangent, create_graph=True)
        return np.concatenate([g.reshape(-1) for g in rows]), leaves


@contextmanager
def subject(f: Any, inputs: Sequence) -> Iterator[Subject]:
    """The subject that ``f`` is; a Module is put back as it was in the end."""
    if not inputs and not isinstance(f, Module):
        raise ArgumentError(f"gradcheck: {_name(f)} is given no inputs; gradcheck(f, x, ...)")
    if isinstance(f, type) and issubclass(f, Module):
        raise DTypeError(f"gradcheck: {f.__name__} is a class; check what it makes: {f.__name__}()")
    if isinstance(f, HandWritten):
        if not all(map(callable, f)):
            raise DTypeError(f"gradcheck: forward and backward are functions, got {f!r:.90}")
        made: Subject = ByHand(f, inputs)
    elif isinstance(f, Module):
        made = OfModule(f, inputs)
    elif callable(f):
        made = Subject(f, inputs)
        made.on_arrays = _same_on_arrays(made)
    else:
        raise DTypeError(f"gradcheck: checks a function, a Module or a HandWritten, not {f!r:.60}")
    try:
        yield made
    finally:
        if isinstance(made, OfModule):
            made.restore(made.values[len(made.given) :])


def _same_on_arrays(subject: Subject) -> bool:
    """Whether f gives the same bits on arrays as on Tensors; then the quicker ones will do."""
    recorded = np.asarray(subject.record(subject.values)[0].value)
    try:
        on_arrays = np.asarray(plain(subject.f(*(value.copy() for value in subject.values))))
    except Exception:  # whatever a function of Tensors may stumble over
        return False
    return recorded.dtype == on_arrays.dtype and recorded.tobytes() == on_arrays.tobytes()


def _floats(name: str, i: int, x: Any) -> np.ndarray:
    if callable(x):
        raise DTypeError(
            f"gradcheck: input {i} of {name} is a function; a backward written by hand comes with "
            "its forward: gradcheck(HandWritten(forward, backward), x)"
        )
    try:
        array = np.array(plain(x))
    except ValueError as error:
        raise ShapeError(f"gradcheck: input {i} of {name} is no array: {error}") from None
    if array.dtype.kind != "f":
        raise DTypeError(
            f"gradcheck: input {i} of {name} holds {array.dtype}, and gradients belong to floats; "
            "keep labels and options out: lambda x: f(x, labels)"
        )
    if not np.isfinite(array).all():
        raise NonFiniteError(f"gradcheck: input {i} of {name} is not finite; nothing can be told")
    return array.astype(np.float64)


def _narrow(node: Tensor, position: int, product: Any) -> str | None:
    """A rule that loses digits, which no difference shows."""
    kind = np.asarray(plain(product)).dtype
    operand: Any = node.inputs[position]
    if kind.itemsize >= operand.dtype.itemsize or node.dtype != operand.dtype:
        return None
    name = getattr(node.function, "__name__", "")
    return f"the rule of {name} for operand {position} gives {kind}, the operand is {operand.dtype}"


def _tensor(out: Any, name: str) -> Tensor:
    if isinstance(out, (tuple, list)):
        raise DTypeError(
            f"gradcheck: {name} gives a {type(out).__name__}. A layer with its own backward is "
            "HandWritten(forward, backward); of several outputs check one, lambda x: f(x)[0]"
        )
    if not isinstance(out, Tensor):
        raise GraphError(
            f"gradcheck: {name} gives {type(out).__name__}, although its inputs are Tensors: the "
            "history is lost on the way (t.data, float(t), item()?)"
        )
    return out if out.function else +out


def _pair(given: Any) -> tuple[Any, Any]:
    if not (isinstance(given, tuple) and len(given) == 2):
        raise RuleError("gradcheck: forward gives a pair, the output and a cache for backward")
    return given


def _each(given: Any, count: int) -> list[np.ndarray]:
    """What a backward gave, one array for each input."""
    gradients = given if isinstance(given, (tuple, list)) else [given]
    if len(gradients) != count or given is None or isinstance(given, dict):
        found = "None" if given is None else f"{len(gradients)} gradients for {count} inputs"
        found = "a dict" if isinstance(given, dict) else found
        raise RuleError(f"gradcheck: backward gave {found}; return a tuple, one for each input")
    return [*map(np.asarray, gradients)]


def _unique(names: Sequence[str]) -> list[str]:
    """The names, those that were there before with a number."""
    return [
        f"{name} ({names[:i].count(name) + 1})" if name in names[:i] else name
        for i, name in enumerate(names)
    ]


def _name(f: Any) -> str:
    if isinstance(f, HandWritten):
        return f"HandWritten({_name(f.forward)}, {_name(f.backward)})"
    return getattr(f, "__name__", type(f).__name__)


def _names(f: Any, count: int) -> list[str]:
    """The names of the first parameters, where they are known."""
    function = f.forward if isinstance(f, (HandWritten, Module)) else f
    try:
        names = [
            p.name
            for p in inspect.signature(function).parameters.values()
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):  # before NumPy 2.4 a ufunc has no signature
        names = []
    return [*names[:count], *(f"input {i}" for i in range(len(names), count))]
