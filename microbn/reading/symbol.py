"""Symbol: the same code, read as words.

Code in plain NumPy computes when it is called with arrays, is recorded when it is called with
Tensors, and spells itself out when it is called with Symbols. The text is Python, except that it
has ``·`` for ``*``. If you evaluate it, it computes the same as the code.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from itertools import chain, count
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..engine.functions import astype, getitem
from ..engine.names import spelled
from ..engine.primitive import CALLS, RULES, rules_of
from ..engine.tensor import Tensor
from ..errors import ArgumentError, DTypeError


def formula(function: Callable, *operands: Any, **keywords: Any) -> Any:
    """Return ``function(*operands, **keywords)`` in words; for a primitive, its gradient rules.

    A function with gradient rules (a key of ``RULES``) gives a tuple. For each operand it holds the
    gradient, made from ``g``, the gradient of the output ``out``, or None if there is no rule. Any
    other function of arrays gives its expression, or a tuple of expressions if it returns a tuple.

    A string as an operand is a name. A Tensor is an example: it answers for shapes and values, and
    is called by its own name or by that of the parameter. Arrays of floats are examples too if
    nothing but arrays is given. Everything else is a constant. Operands that are left out get the
    names of the parameters.

    Raises ArgumentError if only an example can tell how the code goes on, and DTypeError if the
    code makes an array of an operand.

    >>> formula(np.multiply, "gamma", "x_hat")
    ('g · x_hat', 'g · gamma')
    """
    if not callable(function):
        raise ArgumentError(f"formula: reads a function, got {function!r:.60}")
    if function not in RULES:
        from ..engine.composed import COMPOSED, JOINS  # on first need

        if function in JOINS:
            arrays, *axis = operands or [()]
            keywords = {**({"axis": axis[0]} if axis else {}), **keywords}
            return formula(JOINS[function], *arrays, **keywords)
        if function in COMPOSED:
            function = COMPOSED[function].function
        result = function(*_operands(function, operands, keywords), **keywords)
        return tuple(map(_text, result)) if isinstance(result, tuple) else _text(result)
    rules = RULES[function]
    if not any(rules):
        return (None,) * len(rules)
    if len(operands) > (most := CALLS[function].most):
        name = spelled(function)
        raise ArgumentError(f"formula: {name} takes {most} operands, not {len(operands)}")
    operands = _operands(next(filter(None, rules)), operands, keywords, skip=2)
    out = function(*operands, **keywords)
    out = Symbol("out", out.value if isinstance(out, Symbol) else out)
    g = Symbol("g", None if out.value is None else np.ones_like(out.value))
    every = rules_of(function, len(operands))
    return tuple(rule and _text(rule(g, out, *operands, **keywords)) for rule in every)


# Python's operators. The first number says how tightly an operator binds. The other two say how
# tightly its left and its right operand have to bind to need no parentheses: (a - b) - c needs
# none, and a - (b - c) does.
# fmt: off
_OPERATORS: tuple[tuple[int, int, int, dict[np.ufunc, str]], ...] = (
    (0, 1, 1, {np.equal: "==", np.not_equal: "!=", np.less: "<", np.less_equal: "<=",
               np.greater: ">", np.greater_equal: ">="}),
    (1, 1, 2, {np.bitwise_or: "|"}),
    (2, 2, 3, {np.bitwise_and: "&"}),
    (3, 3, 4, {np.add: "+", np.subtract: "-"}),
    (4, 4, 5, {np.multiply: "·", np.divide: "/", np.floor_divide: "//", np.matmul: "@"}),
    (5, 5, 5, {np.negative: "-", np.positive: "+", np.invert: "~"}),
    (6, 7, 5, {np.power: "**"}),
)
# fmt: on
SIGNS: dict[np.ufunc, Any] = {
    ufunc: (sign, *row) for *row, signs in _OPERATORS for ufunc, sign in signs.items()
}
# The signs of arithmetic by the name of the function, as a box in a drawing shows them.
BOX_SIGNS = {"sqrt": "√"} | {
    ufunc.__name__: {"-": "−", "·": "×", "/": "÷"}.get(sign, sign)
    for ufunc, (sign, level, *_) in SIGNS.items()
    if level in (3, 4)
}
_SIGN, _ATOM = 5, 7  # a number with a minus sign; a name, a call, or text in brackets of its own
_LONGEST = 100_000  # characters: every x = x * x doubles a text
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

    def __init__(self, text: str, value: Any = None, level: int = _ATOM) -> None:
        if len(text) > _LONGEST:
            raise ArgumentError(
                f"formula: the text has over {_LONGEST} characters; read the code in parts"
            )
        self.text, self.value, self.level = text, value, level

    shape = property(lambda self: _asked(self, "shape", _Fitting))
    dtype = property(lambda self: _asked(self, "dtype", _Fitting))
    size = property(lambda self: _asked(self, "size", _Size))
    ndim = property(lambda self: _asked(self, "ndim", lambda text: 2))
    T = property(lambda self: _said(f"{_text(self, _ATOM)}.T", np.transpose, (self,)))
    mT = property(lambda self: _said(f"{_text(self, _ATOM)}.mT", np.matrix_transpose, (self,)))
    sum, mean, max, min = map(numpy_method, (np.sum, np.mean, np.max, np.min))
    var, std, prod, cumsum = map(numpy_method, (np.var, np.std, np.prod, np.cumsum))
    any, all, argmax, argmin = map(numpy_method, (np.any, np.all, np.argmax, np.argmin))
    exp, log, sqrt, tanh = map(numpy_method, (np.exp, np.log, np.sqrt, np.tanh))
    squeeze, swapaxes, clip, take = map(numpy_method, (np.squeeze, np.swapaxes, np.clip, np.take))
    astype = numpy_method(astype)

    def __getitem__(self, index: Any) -> Any:
        return getitem(self, *index) if isinstance(index, tuple) else getitem(self, index)

    def reshape(self, *shape: Any) -> Any:
        """Return ``np.reshape`` of it. The shape is one argument or several integers."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        """Return ``np.transpose`` of it. The axes are one argument, several integers, or none."""
        return np.transpose(self, *((axes,) if len(axes) > 1 else axes))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Symbol:
        if kwargs.pop("out", (self,))[0] is not self:  # x += y writes into self, and reads x + y
            raise ArgumentError(
                f"formula: np.{ufunc.__name__} writes into an array; use its result"
            )
        function = getattr(ufunc, method)
        if method != "__call__" or kwargs or ufunc not in SIGNS:
            name = _name(ufunc) + f".{method}" * (method != "__call__")
            return _said(_call(function, name, inputs, kwargs), function, inputs, kwargs)
        sign, level, left, right = SIGNS[ufunc]
        text = f"{_text(inputs[0], left)} {sign} " if len(inputs) > 1 else sign
        return _said(text + _text(inputs[-1], right), function, inputs, level=level)

    def __array_function__(self, function: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        if function in (np.shape, np.ndim, np.size) and len(args) == 1 and not kwargs:
            return getattr(args[0], function.__name__)
        if function is getitem:
            return _said(f"{_text(args[0], _ATOM)}[{_index(args[1:])}]", function, args)
        words = _call(function, _name(function), args, kwargs)
        return _said(words, function, args, kwargs)

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

    def __index__(self) -> int:  # not even from the example: a formula holds for any numbers
        raise ArgumentError(f"formula: the code makes a number of {self}; {_WAY_OUT}")

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Symbol({self.text!r})"


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


class _Size(Symbol):
    """The size of an absent array. Nothing is known about it, except that it is not 0."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return True


def _operands(function: Callable, given: tuple, keywords: Any, skip: int = 0) -> tuple:
    """Return the operands as Symbols and constants; those left out get their parameters' names."""
    parameters = declared_parameters(function)[skip:]
    several = inspect.Parameter.VAR_POSITIONAL
    named = [p for p in parameters if p.kind < several and p.name not in keywords]
    rest = next((p.name for p in parameters if p.kind == several), "operands")
    flat = (x for one in given for x in (one if isinstance(one, (tuple, list)) else [one]))
    words = [x for x in flat if isinstance(x, (str, Symbol, Tensor))]
    taken = {str(getattr(x, "name", x)) for x in words}
    names = [p.name + "_" * (p.name in taken) for p in named]
    all_names = chain(names, (f"{rest}[{i}]" for i in count()))
    read = [_operand(*pair, examples=not words) for pair in zip(given, all_names, strict=False)]
    required = [name for p, name in zip(named, names, strict=True) if p.default is p.empty]
    if any(p.kind == several for p in parameters) and len(given) <= len(names):
        required += [rest] if names else [f"{rest}[0]", f"{rest}[1]"]
    return (*read, *map(Symbol, required[len(given) :]))


def declared_parameters(function: Callable) -> list[inspect.Parameter]:
    """Return the parameters of a function, or none for a built-in without a signature."""
    try:
        return [*inspect.signature(function).parameters.values()]
    except ValueError:
        return []


def _operand(given: Any, name: str, examples: bool = False) -> Any:
    if isinstance(given, str):
        return Symbol(given)
    if isinstance(given, Tensor):
        return Symbol(given.name or name, np.asarray(given.data))
    if examples and isinstance(given, np.ndarray) and given.ndim and given.dtype.kind == "f":
        return Symbol(name, given)
    if isinstance(given, (tuple, list)):
        return type(given)(_operand(one, f"{name}[{i}]", examples) for i, one in enumerate(given))
    return given


def _said(text: str, function: Callable, args: Any, kwargs: Any = None, level: int = _ATOM) -> Any:
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
    thing = _operand(thing, "") if isinstance(thing, Tensor) else thing
    return _example(thing, "the value") if isinstance(thing, Symbol) else thing


def _example(symbol: Symbol, what: str) -> Any:
    if symbol.value is None:
        raise ArgumentError(f"formula: the code asks for {what} of {symbol}; {_WAY_OUT}")
    return symbol.value


def _asked(symbol: Symbol, name: str, unknown: Callable) -> Any:
    """Return an attribute of the example; without an example, ``unknown(words)`` stands for it."""
    if symbol.value is None:
        return unknown(f"{_text(symbol, _ATOM)}.{name}")
    return getattr(symbol.value, name)


def _text(thing: Any, least: int = 0) -> str:
    """Return the words for anything, in parentheses if they bind less tightly than ``least``."""
    if isinstance(thing, Tensor):
        thing = _operand(thing, "tensor")
    if not isinstance(thing, Symbol):
        text = _constant(thing)
        thing = Symbol(text, level=_SIGN if text.startswith("-") else _ATOM)
    return thing.text if thing.level >= least else f"({thing})"


def _constant(thing: Any) -> str:
    if isinstance(thing, slice) or (isinstance(thing, tuple) and slice in map(type, thing)):
        return f"s_[{_index(thing)}]"
    if isinstance(thing, (tuple, list)):
        inside = ", ".join(map(_text, thing))
        return f"[{inside}]" if isinstance(thing, list) else f"({inside}{',' * (len(thing) == 1)})"
    if isinstance(thing, np.ndarray) and thing.ndim:
        rows = thing.tolist()
        if thing.size > 8 or np.shape(rows) != thing.shape:
            return f"array[{', '.join(map(str, thing.shape))}]"
        same = np.asarray(rows).dtype == thing.dtype
        return _text(rows) if same else f"array({_text(rows)}, {thing.dtype})"
    if isinstance(thing, (np.ndarray, np.generic)):
        return repr(thing.item())
    if isinstance(thing, np.dtype) or hasattr(thing, "__name__"):
        return thing.name if isinstance(thing, np.dtype) else _name(thing)
    return "..." if thing is ... else repr(thing)


def _call(function: Callable, name: str, args: Any, kwargs: Any) -> str:
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
    words = [*map(_text, args), *(f"{key}={_text(arg)}" for key, arg in kwargs.items())]
    return f"{name}({', '.join(words)})"


def _is_idle(argument: Any, default: Any) -> bool:
    """Return whether an argument is a None or False that the function has by default."""
    return (argument is None or argument is False) and argument is default


def _index(index: Any) -> str:
    """Return the words between the brackets of ``x[index]``."""
    parts = index if isinstance(index, tuple) and index else (index,)
    words = [_range(part) if isinstance(part, slice) else _text(part) for part in parts]
    return ", ".join(words) + "," * (
        len(parts) == 1 and isinstance(parts[0], tuple) and parts[0] != ()
    )


def _range(part: slice) -> str:
    start, stop, step = ("" if n is None else _text(n) for n in (part.start, part.stop, part.step))
    return f"{start}:{stop}" + f":{step}" * bool(step)


def _name(function: Any) -> str:
    return spelled(function).removeprefix("np.")
