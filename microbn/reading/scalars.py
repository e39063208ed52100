"""Scalars: one Tensor for each number of an array, as in a scalar engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.arrays import PLAIN, as_floats
from ..engine.entries import boxed, mixed, of_entries
from ..engine.functions import eigenvectors
from ..engine.names import spelled
from ..engine.node import is_node, plain
from ..engine.primitive import RULES
from ..engine.tensor import Tensor
from ..errors import DTypeError, RuleError, faults
from .symbol import numpy_method


def scalars(array: Any, name: str = "x", *, dtype: Any = None) -> Any:
    """Return an array of 0-d Tensors in the shape of ``array``, named ``x[0, 1]``.

    A single number becomes a single Tensor. NumPy computes with such an array entry by entry, so
    the code that makes a graph of arrays, such as ``batch_norm`` or a net, makes a graph of single
    numbers from it. Raises the same errors as `Tensor`.

    >>> x = scalars([[1.0, 2.0], [3.0, 4.0]])
    >>> np.sum(x[0] * x[1]).backward()
    >>> float(x[0, 0].grad)
    3.0
    """
    if is_node(array):
        raise DTypeError("scalars: this is a Tensor already; scalars(t.data) are new leaves")
    data = as_floats(array, dtype)
    if not isinstance(name, str):
        raise DTypeError(f"scalars: a name is text, got {name!r:.60}")
    box = np.empty(data.shape, object)
    for index in np.ndindex(data.shape):
        box[index] = Tensor(data[index], f"{name}[{', '.join(map(str, index))}]")
    return box.view(Scalars) if box.ndim else Tensor(data, name)


class Scalars(np.ndarray):
    """An array of 0-d Tensors. NumPy's functions reach its entries, or go by their compositions."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(map(is_node, inputs)):
            return of_entries(ufunc, method, inputs, kwargs)
        try:
            if method == "__call__":
                return _of_scalars(ufunc, inputs, kwargs)
            return _wrapped(getattr(ufunc, method)(*_bare(inputs), **kwargs))
        except (ValueError, TypeError) as error:
            raise faults.explain(ufunc, inputs, kwargs, error) from error.__cause__

    def __array_function__(self, function: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        call = mixed(function, args, kwargs)
        try:
            return call() if call else _of_scalars(function, args, kwargs)
        except (ValueError, TypeError, IndexError) as error:
            raise faults.explain(function, args, kwargs, error) from error.__cause__

    def astype(self, dtype: Any, **options: Any) -> Any:  # type: ignore[override]
        """Return a copy as objects. Raises DTypeError for numbers, which have no history."""
        if np.dtype(dtype) != object:
            raise faults.array_in_passing()
        return super().astype(dtype, **options)


# An array's own methods would compare or convert its entries.
for _method in (
    *("all", "any", "argmax", "argmin", "argpartition", "argsort", "choose", "clip", "cumprod"),
    *("cumsum", "dot", "max", "mean", "min", "prod", "round", "searchsorted", "std", "trace"),
    *("sum", "var"),
):
    setattr(Scalars, _method, numpy_method(getattr(np, _method)))


def _of_scalars(function: Callable, args: Any, kwargs: Any) -> Any:
    """Call a function of NumPy's on scalars."""
    from ..engine.composed import COMPOSED, REFUSED, call_composed, unruled  # on first need

    if function in REFUSED:
        raise unruled(function)
    rules = RULES.get(function)
    if rules == ():  # no gradient flows back through it
        return function(*map(values_of, args), **kwargs)
    if rules and isinstance(function, np.ufunc) and not function.signature:
        return _wrapped(np.frompyfunc(function, function.nin, 1)(*_bare(args)))
    composition = COMPOSED.get(function)  # one that is no group only moves numbers, or is a ufunc
    if composition and (
        composition.grouped or isinstance(function, np.ufunc) or function is np.pad
    ):
        return call_composed(function, args, kwargs)
    if function in _WHOLE:
        raise RuleError(
            f"{spelled(function)}: it cannot be taken apart into single numbers; "
            "call it with a Tensor of the whole array"
        )
    if function in _OF_SCALARS:
        return _OF_SCALARS[function](*args, **kwargs)
    return _wrapped(function(*_bare(args), **{key: _bare(arg) for key, arg in kwargs.items()}))


def _bare(args: Any) -> Any:
    """Replace scalars and floats by plain object arrays: NumPy calls a function for each entry."""
    if isinstance(args, (tuple, list)):
        return type(args)(map(_bare, args))
    if isinstance(args, Scalars):
        return args.view(np.ndarray)
    return args.astype(object) if isinstance(args, np.ndarray) and args.dtype.kind == "f" else args


def _wrapped(result: Any) -> Any:
    if isinstance(result, (tuple, list)):
        return type(result)(map(_wrapped, result))
    objects = isinstance(result, np.ndarray) and result.dtype == object
    if not objects:
        return result
    return result.view(Scalars) if result.ndim else result.item()


def _mean_of_scalars(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    total = np.sum(x, axis=axis, keepdims=keepdims)
    return total / (np.size(x) // np.size(total))


def _extreme(function: Callable) -> Callable:
    """Join the numbers in a Tensor, so that all that attain the extreme share the gradient."""

    def extreme(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
        whole = np.reshape(np.stack(x.ravel().tolist()), x.shape)
        found = function(whole, axis, keepdims=keepdims)
        return _wrapped(boxed(found)) if found.ndim else found

    return extreme


_OF_SCALARS: dict[Callable, Callable] = {
    np.mean: _mean_of_scalars,
    np.max: _extreme(np.max),
    np.min: _extreme(np.min),
}
_WHOLE = {np.linalg.inv, np.linalg.solve, np.linalg.cholesky, np.linalg.eigvalsh, eigenvectors}
PLAIN.add(Scalars)  # it carries nothing besides its entries, so the engine may take it in


def values_of(x: Any) -> Any:
    """Return the values of a node, or of an array of nodes, as an array of numbers."""
    array = np.asarray(plain(x))
    if array.dtype != object:
        return array
    return np.array([plain(entry) for entry in array.flat]).reshape(array.shape)
