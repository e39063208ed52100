"""Tensor: an array that remembers how it was made.

One class for everything from a scalar to a batch of images. It speaks NumPy's own protocols, so
that a NumPy function called with a Tensor computes what it always does, and is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from operator import attrgetter
from typing import Any

import numpy as np

from ..errors import DTypeError, GraphError, RuleError, ShapeError
from ..reading.trace import check_value, users_line
from . import backward as reverse
from . import faults as checks
from . import refusals
from . import rules as _rules  # noqa: F401 (rules fill CALLS)
from .arrays import as_floats, constant, from_list, operand, read_only
from .functions import JOINS, astype, getitem, stop_gradient, written_out
from .mode import mode
from .node import describe, foreign, has_history, plain
from .primitive import CALLS


def _operator(function: Callable, compute: Any = None) -> tuple[Callable, Callable]:
    """The methods for ``self + other`` and ``other + self``, recorded as NumPy's own function."""
    compute = compute or CALLS[function].compute

    def forward(self: Tensor, other: Any) -> Any:
        value = other.value if isinstance(other, Tensor) else (other := operand(other))
        if other is NotImplemented:
            return other
        return _recorded(function, compute, (self.value, value), (self, other))

    def reflected(self: Tensor, other: Any) -> Any:
        if (other := operand(other)) is NotImplemented:
            return other
        return _recorded(function, compute, (other, self.value), (other, self))

    return forward, reflected


def _method(function: Callable) -> Callable:
    """``t.mean(axis=0)`` for ``np.mean(t, axis=0)``."""

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        return record(function, [self, *args], kwargs)

    method.__doc__ = f"``{function.__name__}`` of this Tensor, recorded."
    return method


class Tensor:
    """An array of floats that gets a gradient. What is not a Tensor is a constant.

    A Tensor made from numbers, ``Tensor([1., 2.], name="x")``, is a leaf: a parameter, or an
    input to look at. Its data (float32 or float64, any shape) is copied. A Tensor made by
    computing with others records the function and what that was given.

    Raises DTypeError for integers, text and objects, ShapeError for ragged rows.
    """

    __slots__ = (
        "value",  # the result: an array that nobody writes into, or a NumPy scalar
        "function",  # what made it; None for a leaf
        "args",  # the plain values that the function saw
        "inputs",  # the same, with the Tensors themselves in their places
        "kwargs",
        "flows",  # whether a gradient can flow into it: it holds floats, not a mask or an index
        "number",  # when it was made: numbers only grow
        "scope",  # the groups that it belongs to, outermost first
        "line",  # the line of code that made it, under trace()
        "held",  # on a leaf: whether a Module holds it, which makes it a parameter
        "_name",  # what the properties of these names hold
        "_grad",
        "__weakref__",
    )
    _name: str | None
    _grad: np.ndarray | None

    def __init__(self, data: Any, name: str | None = None, *, dtype: Any = None) -> None:
        if isinstance(data, Tensor):
            raise DTypeError("this is a Tensor already; Tensor(t.data) is a new leaf of its values")
        self.value, self.name = as_floats(data, dtype), name
        self.function, self.args, self.inputs, self.kwargs = None, (), (), _NOTHING
        self.number, self._grad, self.flows, self.held = next(_numbers), None, True, False
        _, self.scope, tracing = mode.get()
        self.line = users_line() if tracing else None
        if tracing:
            check_value(name or "a leaf", self.value)

    # Arithmetic and comparison: NumPy's functions, recorded.
    __add__, __radd__ = _operator(np.add)
    __sub__, __rsub__ = _operator(np.subtract)
    __mul__, __rmul__ = _operator(np.multiply)
    __truediv__, __rtruediv__ = _operator(np.divide)
    __pow__, __rpow__ = _operator(np.power, pow)
    __matmul__, __rmatmul__ = _operator(np.matmul)
    (__lt__, _), (__le__, _) = _operator(np.less), _operator(np.less_equal)
    (__gt__, _), (__ge__, _) = _operator(np.greater), _operator(np.greater_equal)
    (__eq__, _), (__ne__, _) = _operator(np.equal), _operator(np.not_equal)
    __pos__, __neg__, __abs__ = _method(np.positive), _method(np.negative), _method(np.abs)
    __hash__ = object.__hash__
    __iadd__ = __isub__ = __imul__ = __itruediv__ = refusals.in_place
    __setitem__, __array__ = refusals.set_entries, refusals.to_array
    __float__, __int__ = refusals.to_number(float), refusals.to_number(int)

    # What an ndarray has.
    shape = property(lambda self: self.value.shape, doc="The sizes of the axes; () for a scalar.")
    ndim = property(lambda self: self.value.ndim, doc="The number of axes.")
    size = property(lambda self: self.value.size, doc="The number of entries.")
    dtype = property(lambda self: self.value.dtype, doc="float32, float64; bool if compared.")
    name = property(attrgetter("_name"), refusals.set_name, doc="The name, in drawings too.")
    grad = property(attrgetter("_grad"), refusals.set_grad, doc="A leaf's gradient, an array.")
    T = property(_method(np.transpose), doc="The axes in reverse order.")
    mT = property(_method(np.matrix_transpose), doc="The last two axes swapped.")
    sum, mean, max, min = _method(np.sum), _method(np.mean), _method(np.max), _method(np.min)
    argmax, argmin = _method(np.argmax), _method(np.argmin)
    swapaxes, squeeze, astype = _method(np.swapaxes), _method(np.squeeze), _method(astype)
    # What NumPy asks of the entries of an object array: np.exp(array) calls entry.exp().
    exp, log, sqrt, tanh = _method(np.exp), _method(np.log), _method(np.sqrt), _method(np.tanh)

    def __getitem__(self, index: Any) -> Any:
        return record(getitem, [self, *index] if isinstance(index, tuple) else [self, index])

    def reshape(self, *shape: Any) -> Any:
        """``np.reshape``, the shape given as one tuple or as several integers."""
        return record(np.reshape, [self, shape[0] if len(shape) == 1 else shape])

    def transpose(self, *axes: Any) -> Any:
        """``np.transpose``, the axes given as one tuple, as several integers, or not."""
        one = len(axes) == 1 and not isinstance(axes[0], int)
        return record(np.transpose, [self, axes[0] if one else axes or None])

    # Gradients and data.
    def backward(self, cotangent: Any = None, *, retain_grads: bool = False) -> None:
        """Add the gradient of this Tensor to ``.grad`` of every leaf it was made from.

        A Tensor of one element starts from 1, any other from a ``cotangent`` of its shape. With
        ``retain_grads`` the Tensors on the way keep theirs too. Errors as for `sweep`.
        """
        reverse.backward(self, cotangent, retain_grads=retain_grads)

    @property
    def data(self) -> np.ndarray:
        """The values, in an array that cannot be written into; also the way to detach.

        A leaf's data can be replaced, ``p.data -= lr * p.grad``: a graph recorded before keeps
        the values it saw. Raises GraphError on a Tensor that was computed and ShapeError for
        data of another shape; the dtype stays.
        """
        refusals.unfrozen(self, ".data")
        return read_only(self.value)

    @data.setter
    def data(self, new: Any) -> None:
        refusals.new_data(self, new)
        self.value = as_floats(new, self.dtype)

    def item(self) -> float:
        """The one number in it, as Python's: on purpose, as its history stays behind.

        Raises ShapeError where there are more, GraphError while it is being compiled.
        """
        refusals.unfrozen(self, "item()")
        return refusals.one_number(self)

    def __bool__(self) -> bool:
        refusals.unfrozen(self, "the truth")
        if self.size != 1:
            raise ShapeError(
                f"the truth of a tensor of shape {self.shape} is ambiguous; compare one entry, "
                "or choose entry by entry with np.where"
            )
        return bool(self.value)

    def __len__(self) -> int:
        if not self.shape:
            raise DTypeError("a 0-d tensor has no length and no entries to go through")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return map(self.__getitem__, range(len(self)))

    def __format__(self, spec: str) -> str:
        return format(refusals.one_number(self), spec) if spec else str(self)

    def __dir__(self) -> list[str]:
        return [name for name in object.__dir__(self) if name not in checks.INSTEAD]

    def __repr__(self) -> str:
        body = np.array2string(np.asarray(self.value), separator=", ", prefix="Tensor(")
        name = f", name={self.name!r}" if self.name else ""
        made = f", from {self.function.__name__}" if self.function else ""
        return f"Tensor({body}{name}{made})"

    def __reduce__(self) -> tuple:
        if has_history(self):
            raise GraphError(f"{describe(self)} has a history, which is not copied; take its .data")
        return Tensor, (np.array(self.value), self.name), (None, {"held": self.held})

    # NumPy's protocols: NEP 13 for ufuncs, NEP 18 for the other functions.
    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if len(inputs) > 1:
            inputs = tuple(from_list(x) if isinstance(x, (list, tuple)) else x for x in inputs)
            if foreign(inputs):
                return NotImplemented
            if any(isinstance(x, np.ndarray) and x.dtype == object for x in inputs):
                return refusals.of_objects(ufunc, method, inputs, kwargs)
        if method != "__call__" or "out" in kwargs:
            raise RuleError(
                f"np.{ufunc.__name__}: a ufunc's methods and writing into an array that exists "
                "(out=, or += into an ndarray) cannot be recorded; write a = a + t, or np.sum"
            )
        return record(ufunc, inputs, kwargs)

    def __array_function__(self, function: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        if function in _ABOUT_SHAPES:
            return function(*map(plain, args), **{k: plain(v) for k, v in kwargs.items()})
        if function in JOINS:
            function, args, kwargs = written_out(function, *args, **kwargs)
        return record(function, args, kwargs)


for _name, _instead in checks.INSTEAD.items():
    setattr(Tensor, _name, refusals.absent(_name, _instead))
_numbers = count()
_ABOUT_SHAPES = {np.shape, np.ndim, np.size, np.zeros_like, np.ones_like}
_NOTHING: Mapping[str, Any] = {}
_FLOATS = {np.float32, np.float64}
_new = Tensor.__new__


def record(function: Callable, args: Sequence, kwargs: Mapping[str, Any] = _NOTHING) -> Tensor:
    """Compute ``function(*args, **kwargs)`` on plain values; remember it in the Tensor returned."""
    call = CALLS.get(function)
    if call is None or kwargs or len(args) != call.rules:
        call, kwargs = checks.call(function, args, kwargs)
    inputs, values = [], []
    for arg in args:
        if not isinstance(arg, Tensor):
            arg = constant(arg)
        inputs.append(arg)
        values.append(arg.value if isinstance(arg, Tensor) else arg)
    return _recorded(function, call.compute, values, inputs, kwargs)


def _recorded(function, compute, values, inputs, kwargs=_NOTHING):
    """A Tensor of what ``compute`` gives, made by ``function``; under `no_grad` a constant."""
    try:
        value = compute(*values, **kwargs)
    except (ValueError, IndexError, TypeError, OverflowError) as error:
        raise checks.explain(function, values, kwargs, error) from None
    kind = value.dtype.type if type(value) is np.ndarray else type(value)
    if not (flows := kind in _FLOATS):
        value = checks.checked(value, function)
        flows = value.dtype.type in _FLOATS
    if type(value) is np.ndarray:
        value.setflags(write=False)
    recording, scope, tracing = mode.get()
    if tracing:
        check_value(function, value, values, inputs, kwargs)
    if not recording:
        function, values, inputs, kwargs = stop_gradient, (value,), (value,), _NOTHING
    out = _new(Tensor)
    out.value, out.function, out.flows = value, function, flows
    out.args, out.inputs, out.kwargs = values, inputs, kwargs
    out.number, out.held = next(_numbers), False
    out.scope, out.line = scope, users_line() if tracing else None
    out._name = out._grad = None
    return out
