"""Symbol: the same code, read as words.

Code in plain NumPy computes when it is called with arrays, is recorded when it is called with
Tensors, and spells itself out when it is called with Symbols. The text is Python, except that it
has ``·`` for ``*``. If you evaluate it, it computes the same as the code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..arguments import declared_parameters
from ..engine.functions import astype, getitem
from ..engine.names import spelled
from ..engine.tensor import Tensor
from ..errors import ArgumentError, DTypeError, listed
from .signs import MINUS, SIGNS, WHOLE

_LONGEST = 100_000  # characters; each x = x * x doubles the text
# The names that NumPy gives to the several results of a function.
_RESULTS = {"eigenvalues", "eigenvectors", "sign", "logabsdet", "U", "S", "Vh", "Q", "R"}
_WAY_OUT = "give formula() an example array, or a list where the code takes a list"


def numpy_method(function: Any) -> Any:
    """Turn a function such as ``np.mean(x, axis=0)`` into a method, ``x.mean(axis=0)``."""
    return lambda self, *args, **kwargs: function(self, *args, **kwargs)


class Symbol(NDArrayOperatorsMixin):
    """A text in the place of an array. NumPy's protocols tell it what the code does with it.

    With an example ``value`` it answers for shapes and truths by that value, and a result has a
    value if all its operands have one. Without a value it has two axes, and its shape equals any
    other.
    """

    __slots__ = ("text", "value", "level")
    __hash__ = object.__hash__

    def __init__(self, text: str, value: Any = None, level: int = WHOLE) -> None:
        if len(text) > _LONGEST:
            raise TooLongError(
                f"formula: the text has over {_LONGEST} characters; read the code in parts"
            )
        self.text, self.value, self.level = text, value, level

    shape = property(lambda self: _asked(self, "shape", _Fitting))
    dtype = property(lambda self: _asked(self, "dtype", _Fitting))
    size = property(lambda self: _asked(self, "size", _Size))
    ndim = property(lambda self: _asked(self, "ndim", lambda text: 2))
    T = property(lambda self: _said(f"{text_of(self, WHOLE)}.T", np.transpose, (self,)))
    mT = property(lambda self: _said(f"{text_of(self, WHOLE)}.mT", np.matrix_transpose, (self,)))

    def __getitem__(self, index: Any) -> Any:
        return getitem(self, *index) if isinstance(index, tuple) else getitem(self, index)

    def reshape(self, *shape: Any) -> Any:
        """Return ``np.reshape`` of it. The shape is one argument or several integers."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        """Return ``np.transpose`` of it. The axes are one argument, several integers, or none."""
        return np.transpose(self, *((axes,) if len(axes) > 1 else axes))

    def compress(self, condition: Any, axis: int | None = None) -> Any:
        """Return ``np.compress`` of it."""
        return np.compress(condition, self, axis)

    def backward(self, cotangent: Any = None, *, retain_grads: bool = False) -> None:
        """Raise ArgumentError, because words have no gradient."""
        raise ArgumentError(f"formula: the code calls backward() on {self}; {_WAY_OUT}")

    def __getattr__(self, name: str) -> Any:
        if name in _RESULTS:
            return _said(f"{text_of(self, WHOLE)}.{name}", attrgetter(name), (self,))
        raise AttributeError(f"formula: the code asks for {name} of {self}, which a Tensor lacks")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if kwargs.pop("out", (self,))[0] is not self:  # x += y writes into self, and reads x + y
            raise ArgumentError(
                f"formula: np.{ufunc.__name__} writes into an array; use its result"
            )
        if any(x is None for x in inputs):
            raise DTypeError(
                f"formula: {spelled(ufunc)} computes with numbers and arrays, not with None; "
                f"got {listed(map(text_of, inputs))}"
            )
        if ufunc is np.logical_and and any(map(_is_false, inputs)):
            return False  # so that the rule of x ** 2 has no words for x ** 0
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        if kwargs or function not in SIGNS:
            said = _said(call_in_words(function, inputs, kwargs), function, inputs, kwargs)
            return said if ufunc.nout == 1 else tuple(said[i] for i in range(ufunc.nout))
        sign, level, left, right = SIGNS[ufunc]
        text = f"{text_of(inputs[0], left)} {sign} " if len(inputs) > 1 else sign
        function = pow if ufunc is np.power else function  # a mask ** 2 has a dtype of its own
        return _said(text + text_of(inputs[-1], right), function, inputs, level=level)

    def __array_function__(self, function: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        if function in (np.shape, np.ndim, np.size) and len(args) == 1 and not kwargs:
            return getattr(args[0], function.__name__)
        if function is np.where and len(args) == 3 and _is_false(args[0]):
            return args[2]
        if function is getitem:
            return _said(f"{text_of(args[0], WHOLE)}[{_index(args[1:])}]", _nth, args)
        return _said(call_in_words(function, args, kwargs), function, args, kwargs)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise DTypeError(
            f"formula: the code makes an array of {self}; {_WAY_OUT}; class numbers and an index "
            "are an array of integers"
        )

    def __bool__(self) -> bool:
        return bool(_example(self, "the truth"))

    def __len__(self) -> int:
        return len(_example(self, "the length"))

    def __iter__(self) -> Iterator[Symbol]:
        return map(self.__getitem__, range(len(self)))

    def __index__(self) -> int:  # the example would not do: a formula holds for any numbers
        raise ArgumentError(f"formula: the code makes a number of {self}; {_WAY_OUT}")

    item = __index__

    def __str__(self) -> str:
        return self.text

    def __format__(self, digits: str) -> str:
        return self.text  # words have no digits

    def __repr__(self) -> str:
        return f"Symbol({self.text!r})"


# The methods of a Tensor are NumPy's functions: x.mean(axis=0) reads as mean(x, axis=0).
_OTHER_FUNCTIONS = {"astype": astype, "flatten": np.ravel}
for _method, _of_tensors in vars(Tensor).items():
    if _method[0] != "_" and callable(_of_tensors) and _method not in vars(Symbol):
        _function = _OTHER_FUNCTIONS.get(_method) or getattr(np, _method)
        setattr(Symbol, _method, numpy_method(_function))
Symbol.__round__ = numpy_method(np.round)  # type: ignore[attr-defined]


class TooLongError(ArgumentError):
    """Raised when the words for an expression would fill a book."""


class _UnknownError(ArgumentError, AttributeError):
    """Raised for an attribute that only an example can tell."""


class _Fitting(Symbol):
    """The shape or dtype of an absent array. It equals whatever it is compared with."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    def __getitem__(self, index: Any) -> _Fitting:
        return _Fitting(f"{self}[{_index(index)}]")

    def __getattr__(self, name: str) -> Any:
        raise _UnknownError(f"formula: the code asks for {name} of {self}; {_WAY_OUT}")

    @property
    def dtype(self) -> Any:  # which NumPy asks for, to make an array
        raise ArgumentError(f"formula: the code makes an array of {self}; {_WAY_OUT}")


class _Size(Symbol):
    """The size of an absent array. Nothing is known about it, except that it is not 0."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return True


def _said(text: str, function: Callable, args: Any, kwargs: Any = None, level: int = WHOLE) -> Any:
    """Return the Symbol of a call. It has the value of the call if every operand has a value."""
    try:
        args, kwargs = _plain(args), {key: _plain(arg) for key, arg in (kwargs or {}).items()}
    except ArgumentError:
        return Symbol(text, None, level)
    with np.errstate(all="ignore"):
        return Symbol(text, function(*args, **kwargs), level)


def _plain(thing: Any) -> Any:
    """Replace Symbols by their examples. Raises ArgumentError for a Symbol without one."""
    if isinstance(thing, (tuple, list)):
        return type(thing)(map(_plain, thing))
    if isinstance(thing, Tensor):
        return np.asarray(thing.value)
    return _example(thing, "the value") if isinstance(thing, Symbol) else thing


def _nth(x: Any, *index: Any) -> Any:
    """Return ``x[index]``. A function may have several results, and so x may be a tuple."""
    return x[index[0]] if isinstance(x, (tuple, list)) else getitem(x, *index)


def _example(symbol: Symbol, what: str) -> Any:
    if symbol.value is None:
        raise ArgumentError(f"formula: the code asks for {what} of {symbol}; {_WAY_OUT}")
    return symbol.value


def _asked(symbol: Symbol, name: str, unknown: Callable) -> Any:
    """Return an attribute of the example; without an example, ``unknown(words)`` stands for it."""
    if symbol.value is None:
        return unknown(f"{text_of(symbol, WHOLE)}.{name}")
    return getattr(symbol.value, name)


def symbol_of(tensor: Tensor, name: str) -> Symbol:
    """Return a Symbol for a Tensor that is its example. It has this name if it has none."""
    return Symbol(tensor.name or name, np.asarray(tensor.value))


def text_of(thing: Any, least: int = 0) -> str:
    """Return the words for anything, in parentheses if they bind less tightly than ``least``."""
    if isinstance(thing, Tensor):
        thing = symbol_of(thing, "tensor")
    if not isinstance(thing, Symbol):
        text = _constant(thing)
        thing = Symbol(text, level=MINUS if text.startswith("-") else WHOLE)
    return thing.text if thing.level >= least else f"({thing})"


def _constant(thing: Any) -> str:
    if isinstance(thing, slice) or (isinstance(thing, tuple) and slice in map(type, thing)):
        return f"s_[{_index(thing)}]"
    if isinstance(thing, (tuple, list)):
        inside = ", ".join(map(text_of, thing))
        return f"[{inside}]" if isinstance(thing, list) else f"({inside}{',' * (len(thing) == 1)})"
    if isinstance(thing, np.ndarray) and thing.ndim:
        rows = thing.tolist()
        if thing.size > 8 or np.shape(rows) != thing.shape:
            return f"array[{', '.join(map(str, thing.shape))}]"
        same = np.asarray(rows).dtype == thing.dtype
        return text_of(rows) if same else f"array({text_of(rows)}, {thing.dtype})"
    if isinstance(thing, (np.ndarray, np.generic)):
        return repr(thing.item())
    if isinstance(thing, np.dtype) or hasattr(thing, "__name__"):
        return thing.name if isinstance(thing, np.dtype) else _name(thing)
    return "..." if thing is ... else repr(thing)


def call_in_words(function: Callable, args: Any, kwargs: Any) -> str:
    """Return the words for a call, without a None or False that the function has by default."""
    if any(arg is None or arg is False for arg in (*args[-1:], *kwargs.values())):
        defaults = {p.name: p.default for p in declared_parameters(function)}
        in_order = [*defaults.values()]
        while 0 < len(args) <= len(in_order) and _is_idle(args[-1], in_order[len(args) - 1]):
            args = args[:-1]
        unset = {key for key, default in defaults.items() if default is np._NoValue}
        kwargs = {
            key: arg
            for key, arg in kwargs.items()
            if not _is_idle(arg, arg if key in unset else defaults.get(key, ...))
        }
    words = [*map(text_of, args), *(f"{key}={text_of(arg)}" for key, arg in kwargs.items())]
    return f"{_name(function)}({', '.join(words)})"


def _is_false(thing: Any) -> bool:
    return isinstance(thing, (bool, np.bool_)) and not thing


def _is_idle(argument: Any, default: Any) -> bool:
    """Return whether an argument is a None or False that the function has by default."""
    return (argument is None or argument is False) and argument is default


def _index(index: Any) -> str:
    """Return the words between the brackets of ``x[index]``."""
    parts = index if isinstance(index, tuple) and index else (index,)
    words = [_range(part) if isinstance(part, slice) else text_of(part) for part in parts]
    return ", ".join(words) + "," * (
        len(parts) == 1 and isinstance(parts[0], tuple) and parts[0] != ()
    )


def _range(part: slice) -> str:
    start, stop, step = (
        "" if n is None else text_of(n) for n in (part.start, part.stop, part.step)
    )
    return f"{start}:{stop}" + f":{step}" * bool(step)


def _name(function: Any) -> str:
    ufunc = getattr(function, "__self__", None)  # of np.add.reduce
    if isinstance(ufunc, np.ufunc):
        return f"{_name(ufunc)}.{function.__name__}"
    return spelled(function).removeprefix("np.")
