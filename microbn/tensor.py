"""Tensor: an array that remembers how it was made.

One class for everything from a scalar to a batch of images. It speaks NumPy's own protocols, so
that a NumPy function called with a Tensor computes what it always does, and is recorded.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from . import backward as reverse
from .errors import DTypeError, GraphError, MicrobnError, RuleError, ShapeError, as_floats, explain
from .rules import astype, check_recordable, getitem, stop_gradient


def _operator(ufunc: np.ufunc, compute: Callable) -> tuple[Callable, Callable]:
    """The methods for ``self + other`` and ``other + self``, recorded as NumPy's own function.

    Computed by Python's operator, which on the scalars of a 0-d graph is ten times as fast.
    """

    def forward(self: Tensor, other: Any) -> Any:
        other = other if isinstance(other, Tensor) else _operand(other)
        return other if other is NotImplemented else record(ufunc, (self, other), compute=compute)

    def reflected(self: Tensor, other: Any) -> Any:
        other = _operand(other)
        return other if other is NotImplemented else record(ufunc, (other, self), compute=compute)

    return forward, reflected


def _method(function: Callable) -> Callable:
    """``t.mean(axis=0)`` for ``np.mean(t, axis=0)``."""

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

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
        *("value", "function", "args", "inputs", "kwargs"),
        *("number", "name", "scope", "grad", "__weakref__"),
    )
    value: Any  # the result: an array that nobody writes into, or a NumPy scalar
    function: Callable | None  # what made it; None for a leaf
    args: Sequence  # the plain values that the function saw
    inputs: Sequence  # the same, with the Tensors themselves in their places
    kwargs: Mapping[str, Any]
    number: int  # when it was made: numbers only grow
    name: str | None
    scope: tuple[str, ...]
    grad: np.ndarray | None  # on a leaf, once a backward() has reached it

    def __init__(self, data: Any, name: str | None = None, *, dtype: Any = None) -> None:
        if isinstance(data, Tensor):
            raise DTypeError("this is a Tensor already; Tensor(t.data) is a new leaf of its values")
        _fill(self, as_floats(data, dtype), name)

    # Arithmetic and comparison: NumPy's functions, recorded.
    __add__, __radd__ = _operator(np.add, operator.add)
    __sub__, __rsub__ = _operator(np.subtract, operator.sub)
    __mul__, __rmul__ = _operator(np.multiply, operator.mul)
    __truediv__, __rtruediv__ = _operator(np.divide, operator.truediv)
    __pow__, __rpow__ = _operator(np.power, operator.pow)
    __matmul__, __rmatmul__ = _operator(np.matmul, operator.matmul)
    __pos__, __neg__, __abs__ = _method(np.positive), _method(np.negative), _method(np.abs)
    __lt__, __gt__ = _operator(np.less, operator.lt)[0], _operator(np.greater, operator.gt)[0]
    __le__ = _operator(np.less_equal, operator.le)[0]
    __ge__ = _operator(np.greater_equal, operator.ge)[0]
    __eq__ = _operator(np.equal, operator.eq)[0]
    __ne__ = _operator(np.not_equal, operator.ne)[0]
    __hash__ = object.__hash__

    # What an ndarray has.
    shape = property(lambda self: self.value.shape, doc="The sizes of the axes; () for a scalar.")
    ndim = property(lambda self: self.value.ndim, doc="The number of axes.")
    size = property(lambda self: self.value.size, doc="The number of entries.")
    dtype = property(
        lambda self: self.value.dtype, doc="float32 or float64; bool for a comparison."
    )
    T = property(np.transpose, doc="The axes in reverse order.")
    mT = property(np.matrix_transpose, doc="The last two axes swapped: each matrix transposed.")
    sum, mean, max, min = _method(np.sum), _method(np.mean), _method(np.max), _method(np.min)
    swapaxes, squeeze, astype = _method(np.swapaxes), _method(np.squeeze), _method(astype)
    __getitem__ = _method(getitem)
    # What NumPy asks of the entries of an object array: np.exp(array) calls entry.exp().
    exp, log, sqrt, tanh = _method(np.exp), _method(np.log), _method(np.sqrt), _method(np.tanh)

    def reshape(self, *shape: Any) -> Any:
        """``np.reshape``, the shape given as one tuple or as several integers."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        """``np.transpose``, the axes given as one tuple, as several integers, or not (reversed)."""
        return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)

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
        view = np.asarray(self.value).view(ReadOnly)
        view.flags.writeable = False
        return view

    @data.setter
    def data(self, new: Any) -> None:
        if self.function is not None:
            raise GraphError(
                f"{reverse.describe(self)} was computed: its data follows from its inputs, and "
                "only a leaf's can be replaced. Make a new Tensor instead"
            )
        if np.shape(new) != self.shape:
            raise ShapeError(f"the new data has shape {np.shape(new)}, the Tensor {self.shape}")
        self.value = as_floats(new, self.dtype)

    def item(self) -> float:
        """The one number in it, as Python's. Raises ShapeError where there are more."""
        if self.size != 1:
            raise ShapeError(f"a tensor of shape {self.shape} is not one number; reduce it first")
        return self.value.item()

    def __float__(self) -> float:
        return float(self.item())

    def __bool__(self) -> bool:
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

    def __setitem__(self, index: Any, value: Any) -> None:
        raise GraphError(
            "what is recorded never changes, so a Tensor's entries cannot be set; choose entry by "
            "entry with np.where, or replace a leaf's data whole: p.data = ..."
        )

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __repr__(self) -> str:
        body = np.array2string(np.asarray(self.value), separator=", ", prefix="Tensor(")
        name = f", name={self.name!r}" if self.name else ""
        made = f", from {self.function.__name__}" if self.function else ""
        return f"Tensor({body}{name}{made})"

    def __reduce__(self) -> tuple:
        if reverse.has_history(self):
            raise GraphError(
                f"{reverse.describe(self)} has a history, which is not copied; take its .data"
            )
        return Tensor, (np.array(self.value), self.name)

    # NumPy's protocols: NEP 13 for ufuncs, NEP 18 for the other functions.
    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        inputs = tuple(np.asarray(x) if isinstance(x, (list, tuple)) else x for x in inputs)
        if any(isinstance(x, np.ndarray) and x.dtype == object for x in inputs):
            return getattr(ufunc, method)(*map(_boxed, inputs), **kwargs)
        if method != "__call__" or "out" in kwargs:
            raise RuleError(
                f"np.{ufunc.__name__}: a ufunc's methods and writing into an array that exists "
                "(out=, or += into an ndarray) cannot be recorded; write a = a + t, or np.sum"
            )
        return self.__array_function__(ufunc, (), inputs, kwargs)

    def __array_function__(self, function: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        if function in (np.shape, np.ndim, np.size, np.zeros_like, np.ones_like):
            kwargs = {key: _plain(value) for key, value in kwargs.items()}
            return function(*map(_plain, args), **kwargs)  # they ask for the shape alone
        for key, value in kwargs.items():
            if isinstance(value, Tensor) or reverse.holds(value, Tensor):
                raise RuleError(f"{function.__name__}: {key}= is a Tensor; pass it by position")
        check_recordable(function, args, kwargs)
        return record(function, args, kwargs)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise DTypeError(
            "a Tensor does not become an array in passing, where its history would be lost; "
            "take its values with t.data, join Tensors with np.stack"
        )


class _Mode(NamedTuple):
    recording: bool = True
    scope: tuple[str, ...] = ()


_mode: ContextVar[_Mode] = ContextVar("microbn", default=_Mode())  # noqa: B039 (immutable)
_numbers = count()
_NOTHING: Mapping[str, Any] = {}


def record(function: Callable, args: tuple, kwargs: Any = _NOTHING, compute: Any = None) -> Tensor:
    """Compute ``function(*args, **kwargs)`` on plain values; remember it in the Tensor returned.

    ``compute`` may be a quicker way to the same values. Under `no_grad` the result is a constant.
    """
    inputs: list = []
    values: list = []
    for arg in args:
        if isinstance(arg, Tensor):
            inputs.append(arg)
            values.append(arg.value)
        else:
            inputs.append(arg := _frozen(arg))
            values.append(_plain(arg) if isinstance(arg, (tuple, list)) else arg)
    if kwargs:
        kwargs = {key: _frozen(value) for key, value in kwargs.items()}
    try:
        value = (compute or function)(*values, **kwargs)
    except MicrobnError:
        raise
    except (ValueError, IndexError, TypeError) as error:
        raise explain(function, values, kwargs, error) from error
    if compute is None:
        value = _checked(value, function)
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    out = Tensor.__new__(Tensor)
    if _mode.get().recording:
        _fill(out, value, None, function, values, inputs, kwargs)
    else:
        _fill(out, value, None, stop_gradient, (value,), (value,))
    return out


def _checked(value: Any, function: Callable) -> Any:
    """What a function gave: a scalar, or a view to be frozen, so that the array itself is not.

    Raises RuleError for anything but one array, DTypeError for an array of anything but numbers.
    """
    if not isinstance(value, (np.ndarray, np.generic, float, int)):
        kind = type(value).__name__
        raise RuleError(f"{function.__name__}: it gives a {kind}, and only arrays are recorded")
    value = np.asarray(value)[()]
    if value.dtype.kind not in "fiub":
        raise DTypeError(f"{function.__name__}: it gives {value.dtype}; a tensor needs floats")
    return value


def _fill(
    out: Tensor,
    value: Any,
    name: str | None = None,
    function: Callable | None = None,
    args: Sequence = (),
    inputs: Sequence = (),
    kwargs: Mapping[str, Any] = _NOTHING,
) -> None:
    out.value = value
    out.function = function
    out.args = args
    out.inputs = inputs
    out.kwargs = kwargs
    out.number = next(_numbers)
    out.name = name
    out.scope = _mode.get().scope
    out.grad = None


def _frozen(arg: Any) -> Any:
    """An argument with its constant arrays copied, as they may still change elsewhere."""
    if isinstance(arg, np.ndarray):
        arg = np.array(arg)
        arg.flags.writeable = False
    elif isinstance(arg, (tuple, list)):
        return [*map(_frozen, arg)] if isinstance(arg, list) else (*map(_frozen, arg),)
    return arg


def _plain(arg: Any) -> Any:
    """An argument as a function of arrays is to see it: Tensors give way to their values."""
    if isinstance(arg, (tuple, list)):
        return [*map(_plain, arg)] if isinstance(arg, list) else (*map(_plain, arg),)
    return arg.value if isinstance(arg, Tensor) else arg


def _operand(other: Any) -> Any:
    """The other side of an operator: numbers and arrays of them; anything else is Python's."""
    if isinstance(other, (Tensor, float, int, np.floating, np.integer)):
        return other
    array = np.asarray(other) if isinstance(other, (np.ndarray, np.bool, list, tuple)) else None
    return NotImplemented if array is None or array.dtype.kind not in "fiub" else array


def _boxed(arg: Any) -> Any:
    """A Tensor as an object array of its entries, so that it can meet one."""
    if not isinstance(arg, Tensor):
        return arg
    box = np.empty(arg.shape, object)
    for index in np.ndindex(arg.shape):
        box[index] = arg[index] if index else arg
    return box


def _in_place(name: str) -> Callable:
    own = getattr(np.ndarray, name)

    def method(self: np.ndarray, other: Any) -> Any:  # NotImplemented: Python goes on to a = a - b
        return own(self, other) if self.flags.writeable else NotImplemented

    return method


class ReadOnly(np.ndarray):
    """A view that cannot be written into; += -= *= /= make a new array, as they do for numbers."""

    __iadd__, __isub__ = _in_place("__iadd__"), _in_place("__isub__")
    __imul__, __itruediv__ = _in_place("__imul__"), _in_place("__itruediv__")

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return np.asarray(array)[()] if return_scalar else np.asarray(array)


@contextmanager
def no_grad() -> Iterator[None]:
    """``with no_grad():`` computes without recording, in this thread or task alone.

    Also a decorator of functions, not of generators. What is computed inside is constant, as if
    made by ``stop_gradient``.
    """
    token = _mode.set(_mode.get()._replace(recording=False))
    try:
        yield
    finally:
        _mode.reset(token)


@contextmanager
def scope(name: str) -> Iterator[None]:
    """``with scope("encoder"):`` marks the Tensors made inside as one group. Scopes nest."""
    mode = _mode.get()
    token = _mode.set(mode._replace(scope=(*mode.scope, name)))
    try:
        yield
    finally:
        _mode.reset(token)


def label(names: Mapping[str, Any]) -> None:
    """Name Tensors by their variables: ``label(locals())``. A name once given stays."""
    for name, value in names.items():
        if isinstance(value, Tensor) and value.name is None:
            value.name = name
