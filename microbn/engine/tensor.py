"""Tensor: an array that remembers how it was made.

One class serves for everything from a scalar to a batch of images. It speaks NumPy's own
protocols: a NumPy function called with a Tensor computes what it always does, and is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from operator import attrgetter
from typing import Any
from weakref import ref

import numpy as np

from ..errors import faults
from . import backward as reverse
from . import rules as _rules  # noqa: F401 (which fill CALLS)
from .arrays import as_floats, from_list, like, operand, read_only
from .functions import astype, getitem
from .mode import lost, mode
from .node import Node, Record, has_history, is_foreign
from .primitive import CALLS
from .record import NOTHING, numbers, record, recorded


def _operator(function: Callable, compute: Any = None) -> tuple[Callable, Callable]:
    """Return the methods for ``self + other`` and ``other + self``: NumPy's function, recorded."""
    if function not in CALLS:  # it is composed
        return lambda x, y: function(x, y), lambda x, y: function(y, x)
    call = CALLS[function]._replace(compute=compute or CALLS[function].compute)

    def forward(self: Tensor, other: Any) -> Any:
        value = other.value if (mine := isinstance(other, Tensor)) else operand(other)
        if value is NotImplemented:
            return value
        inputs = self.record, other.record if mine else value
        return recorded(Tensor, function, call, (self.value, value), inputs)

    def reflected(self: Tensor, other: Any) -> Any:
        if (other := operand(other)) is NotImplemented:
            return other
        return recorded(Tensor, function, call, (other, self.value), (other, self.record))

    return forward, reflected


def _method(function: Any) -> Callable:
    """Return the method ``t.mean(axis=0)`` for ``np.mean(t, axis=0)``."""

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        return record(Tensor, function, [self, *args], kwargs)

    method.__doc__ = f"``{function.__name__}`` of this Tensor, recorded."
    return method


class Tensor(Node):
    """An array of floats that gets a gradient. Anything that is not a Tensor is a constant.

    A Tensor made from numbers, ``Tensor([1., 2.], name="x")``, is a leaf: a parameter, or an
    input to look at. Its data (float32 or float64, any shape) is copied. A Tensor made by
    computing with others records the function and its operands.

    Raises DTypeError for integers, text and objects, and ShapeError for ragged rows.
    """

    __slots__ = ()

    def __init__(self, data: Any, name: str | None = None, *, dtype: Any = None) -> None:
        if isinstance(data, Tensor) or not isinstance(name, str | None):
            raise faults.no_leaf(data, name)
        made: Any = object.__new__(Record)
        self.value = made.out = value = as_floats(data, dtype)
        self.record, made.holder, made.shape, made.dtype = made, ref(self), value.shape, value.dtype
        made.function, made.args, made.inputs, made.kwargs = None, (), (), NOTHING
        made.number, made.flows, made.line, made.grad = next(numbers), True, None, None
        _, made.scope, watches, made.role, lines = mode.get()
        made.name, made.origin = name, made.here(2) if lines is True else lines
        for watch in watches:
            watch.made(self)

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
    __floordiv__, __rfloordiv__ = _operator(np.floor_divide)
    __mod__, __rmod__ = _operator(np.remainder)
    __divmod__, __rdivmod__ = _operator(np.divmod)
    (__and__, __rand__), (__or__, __ror__) = _operator(np.bitwise_and), _operator(np.bitwise_or)
    (__xor__, __rxor__), __invert__ = _operator(np.bitwise_xor), _method(np.invert)
    __hash__ = object.__hash__

    def _in_place(self, other: Any) -> Any:
        if self.function is None and not isinstance(other, Tensor):
            raise faults.in_place()
        return NotImplemented  # Python goes on to t = t - other

    __iadd__ = __isub__ = __imul__ = __itruediv__ = __ipow__ = __imatmul__ = _in_place
    __imod__ = __ifloordiv__ = _in_place

    # What an ndarray has.
    shape = property(lambda self: self.value.shape, doc="The sizes of the axes; () for a scalar.")
    ndim = property(lambda self: self.value.ndim, doc="The number of axes.")
    size = property(lambda self: self.value.size, doc="The number of entries.")
    dtype = property(lambda self: self.value.dtype, doc="float32, float64; bool if compared.")
    T = property(_method(np.transpose), doc="The axes in reverse order.")
    mT = property(_method(np.matrix_transpose), doc="The last two axes swapped.")
    sum, mean, max, min = map(_method, (np.sum, np.mean, np.max, np.min))
    var, std, prod, cumsum, cumprod = map(_method, (np.var, np.std, np.prod, np.cumsum, np.cumprod))
    argmax, argmin, all, any = map(_method, (np.argmax, np.argmin, np.all, np.any))
    argsort, argpartition, take = map(_method, (np.argsort, np.argpartition, np.take))
    searchsorted, choose, round = map(_method, (np.searchsorted, np.choose, np.round))
    swapaxes, squeeze, repeat, astype = map(_method, (np.swapaxes, np.squeeze, np.repeat, astype))
    clip, dot, trace, diagonal = map(_method, (np.clip, np.dot, np.trace, np.diagonal))
    __round__ = round
    ravel = flatten = _method(np.ravel)
    # NumPy calls these on the entries of an object array: np.exp(array) calls entry.exp().
    exp, log, sqrt, tanh = map(_method, (np.exp, np.log, np.sqrt, np.tanh))

    def __getitem__(self, index: Any) -> Any:
        return record(Tensor, getitem, (self, *(index if isinstance(index, tuple) else (index,))))

    def reshape(self, *shape: Any, **kwargs: Any) -> Any:
        """Return ``np.reshape`` of this Tensor. The shape is one tuple or several integers."""
        return record(Tensor, np.reshape, [self, shape[0] if len(shape) == 1 else shape], kwargs)

    def transpose(self, *axes: Any) -> Any:
        """Return ``np.transpose`` of this Tensor. The axes are a tuple, integers, or none."""
        one = len(axes) == 1 and not isinstance(axes[0], int)
        return record(Tensor, np.transpose, [self, axes[0] if one else axes or None])

    def compress(self, condition: Any, axis: int | None = None) -> Any:
        """Return ``np.compress`` of it: the slices for which the condition is true."""
        return np.compress(condition, self, axis)

    # Gradients and data.
    def backward(self, cotangent: Any = None, *, retain_grads: bool = False) -> None:
        """Add the gradient of this Tensor to ``.grad`` of every leaf it was made from.

        A Tensor of one element starts from 1, any other from a ``cotangent`` of its shape. With
        ``retain_grads`` the Tensors on the way keep theirs too. Raises the same errors as `sweep`.
        """
        reverse.backward(self, cotangent, retain_grads=retain_grads)

    def _set_name(self, new: str | None) -> None:
        if not (new is None or isinstance(new, str)):
            raise faults.tensor_name(new)
        self.record.name = new

    def _set_grad(self, new: Any) -> None:
        grad: Any = None if new is None or isinstance(new, Tensor) else like(self.value, new)
        if new is not None and grad is None:
            raise faults.not_its_gradient(self, new)
        self.record.grad = grad

    name = property(attrgetter("record.name"), _set_name, doc="The name, a text, in drawings too.")
    grad = property(attrgetter("record.grad"), _set_grad, doc="An array on a leaf, or None.")

    @property
    def data(self) -> np.ndarray:
        """The values, as a read-only array that is detached from the graph.

        You can replace a leaf's data, ``p.data -= lr * p.grad``. A graph recorded before keeps the
        values it saw, and the Tensor keeps its dtype. Raises GraphError for a Tensor that was
        computed, and ShapeError for data of another shape.
        """
        lost(".data", self) if self.function is None else self._leave(".data")
        return read_only(self.value)

    @data.setter
    def data(self, new: Any) -> None:
        lost("new data", self)
        new = from_list(new)
        if self.function is not None or np.shape(new) != self.shape:
            raise faults.other_data(self, new)
        self.value = self.record.out = as_floats(new, self.dtype)

    def item(self) -> float:
        """Return the one number in this Tensor as a Python number, which has no history.

        Raises ShapeError unless there is exactly one number, and GraphError while a program is
        compiled.
        """
        self._leave("item()")
        return self._one_number()

    def _leave(self, what: str) -> None:
        """Say that Python reads the value, by which it may decide what it computes next."""
        lost(what, self)
        self.record.note_read(next(numbers))

    def _one_number(self) -> Any:
        if self.size != 1:
            raise faults.several_numbers(self)
        return self.value.item()

    def _in_passing(self) -> Any:
        """The number for ``float(t)`` and all that calls it, such as ``math.exp(t)``."""
        if self.flows and (self.function is None or has_history(self)):
            raise faults.number_in_passing(self)
        return self.item()

    def __float__(self) -> float:
        return float(self._in_passing())

    def __int__(self) -> int:
        return int(self._in_passing())

    def __bool__(self) -> bool:
        self._leave("the truth")
        if self.size != 1:
            raise faults.ambiguous(self)
        return bool(self.value)

    def __len__(self) -> int:
        if not self.shape:
            raise faults.no_entries()
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return map(self.__getitem__, range(len(self)))

    def __setitem__(self, index: Any, value: Any) -> None:
        raise faults.set_entries()

    def __format__(self, spec: str) -> str:
        return format(self._one_number(), spec) if spec else str(self)

    def __dir__(self) -> list[str]:
        return [name for name in object.__dir__(self) if name not in _ABSENT]

    def __repr__(self) -> str:
        body = np.array2string(np.asarray(self.value), separator=", ", prefix="Tensor(")
        name = f", name={self.name!r}" if self.name else ""
        made = f", from {self.function.__name__}" if self.function else ""
        return f"Tensor({body}{name}{made})"

    def __reduce__(self) -> tuple:
        if has_history(self):
            raise faults.uncopied(self)
        return Tensor, (np.array(self.value), self.name), (None, {"role": self.role})

    # NumPy's protocols: NEP 13 for ufuncs, NEP 18 for the other functions.
    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if len(inputs) > 1:
            inputs = tuple(map(from_list, inputs))
            if any(map(is_foreign, inputs)):
                return NotImplemented
            if any(isinstance(x, np.ndarray) and x.dtype == object for x in inputs):
                from .entries import of_entries  # on first need

                return of_entries(ufunc, method, inputs, kwargs)
        if method != "__call__" or "out" in kwargs:
            raise faults.ufunc_method(ufunc, method)
        return record(Tensor, ufunc, inputs, kwargs)

    def __array_function__(self, function: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        if any(isinstance(x, np.ndarray) and x.dtype.hasobject for x in args):
            from .entries import mixed  # on first need

            if call := mixed(function, args, kwargs):
                return call()
        return record(Tensor, function, args, kwargs)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise faults.array_in_passing()


# The attributes of arrays and of PyTorch's tensors that a Tensor lacks say what to write instead.
# Each is a property, because a __getattr__ for all would slow down the attributes that exist.
_ABSENT = [
    *("matmul", "mm", "abs", "relu", "sigmoid", "softmax", "view", "permute", "unsqueeze"),
    *("copy", "clone", "conj", "conjugate", "real", "imag", "detach", "numpy", "zero_grad"),
    *("requires_grad", "sort", "partition", "resize", "fill", "put", "flat", "nonzero", "tolist"),
    *("base", "byteswap", "ctypes", "device", "dump", "dumps", "flags", "getfield", "itemsize"),
    *("nbytes", "setfield", "setflags", "strides", "to_device", "tobytes", "tofile", "tostring"),
]


def _absent(name: str, self: Tensor) -> Any:
    raise faults.absent(name)


for _name in _ABSENT:
    setattr(Tensor, _name, property(partial(_absent, _name)))
Record.kind = Tensor
