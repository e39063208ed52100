"""What can go wrong, as a small tree, and NumPy's errors said again in the user's terms.

Every class is also a built-in exception, the one that NumPy raises where it would raise any, so
code that catches ValueError, IndexError or TypeError goes on working.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from itertools import zip_longest
from typing import Any

import numpy as np


class MicrobnError(Exception):
    """The root of the tree: everything microbn raises on purpose."""


class ShapeError(MicrobnError, ValueError):
    """Shapes that do not fit each other, or a function of nothing."""


class RangeError(MicrobnError, ValueError, IndexError):
    """An axis, an index or a class number outside what the array has."""


class DTypeError(MicrobnError, TypeError):
    """Something other than floats where floats are needed."""


class ArgumentError(MicrobnError, ValueError):
    """An argument that cannot be meant: a rate of -1, a state dict of another model."""


class RuleError(MicrobnError, TypeError):
    """A call without a gradient rule, or a rule that returns something else than a gradient."""


class GraphError(MicrobnError, RuntimeError):
    """A graph used for what it cannot give: no history, a leaf replaced, an array frozen."""


class NonFiniteError(MicrobnError, ArithmeticError):
    """A NaN or an infinity where it would do lasting damage."""


class RenderError(MicrobnError, RuntimeError):
    """Graphviz is there, and fails; the message is its own."""


class MissingPackageError(MicrobnError, ImportError):
    """An optional package that is not installed; the message names the extra that brings it."""


def explain(function: Callable, values: Sequence, kwargs: Mapping, error: Exception) -> Exception:
    """NumPy's error in calling ``function(*values, **kwargs)``, naming function and shapes."""
    name = function.__name__
    ufunc = isinstance(function, np.ufunc)
    shapes = [np.shape(v) for v in (values if ufunc else _arrays(values))]
    if isinstance(error, np.exceptions.AxisError):
        return RangeError(f"{name}: {_axis_fault(shapes[0], error)}")
    if function is np.matmul and (isinstance(error, ValueError) or () in shapes):
        return ShapeError(f"matmul: {_matmul_fault(*shapes)}")
    if function is np.reshape and isinstance(error, ValueError):
        shape = values[1] if len(values) > 1 else kwargs["shape"]
        holds = "" if np.min(shape, initial=0) < 0 else f", which holds {int(np.prod(shape))}"
        return ShapeError(
            f"reshape: {np.size(values[0])} elements do not fill shape {shape}{holds}"
        )
    if ufunc and "broadcast" in str(error):
        return ShapeError(f"{name}: {_broadcast_fault(*shapes)}")
    if "zero-size array" in str(error):
        return ShapeError(f"{name}: the tensor is empty, shape {shapes[0]}")
    what = f"{name}: {error} (called with shape{'s' * (len(shapes) > 1)} {_listed(shapes)})"
    for built_in, ours in ((IndexError, RangeError), (ValueError, ShapeError)):
        if isinstance(error, built_in):
            return ours(what)
    return DTypeError(what)


def as_floats(data: Any, dtype: Any) -> Any:
    """A frozen copy of the data as an array of floats, or as a scalar where it is one number.

    Raises ShapeError for ragged rows and DTypeError for anything that is not floats.
    """
    try:
        array = np.asarray(data)
        if array.dtype.kind in "USO":
            what = "objects" if array.dtype.kind == "O" else "text"
            raise DTypeError(f"cannot make a tensor from {what}, {data!r:.60}; it needs floats")
        if array.dtype.kind not in "fiub":
            raise DTypeError(f"cannot make a tensor from {array.dtype}; it needs floats")
        array = np.array(array, dtype)
    except MicrobnError:
        raise
    except (ValueError, TypeError) as error:
        rows = data if isinstance(data, (list, tuple)) else ()
        lengths = {len(row): None for row in rows if hasattr(row, "__len__")}
        ragged = f"rows have lengths {_listed(lengths)}" if len(lengths) > 1 else error
        raise ShapeError(f"cannot make a tensor: {ragged}") from error
    if array.dtype not in (np.float32, np.float64):
        write = "write [1., 2.] instead of [1, 2], or " if array.dtype.kind in "iub" else ""
        raise DTypeError(
            f"a tensor needs float32 or float64, got {array.dtype}; {write}pass dtype=float"
        )
    array.flags.writeable = False
    return array[()]


def is_real(x: Any) -> bool:
    """Whether x is one real number, Python's or NumPy's."""
    return isinstance(x, (int, float, np.integer, np.floating))


def _arrays(values: Sequence) -> list:
    """The arrays among the arguments of a call, those of a sequence included."""
    first = values[0] if values and isinstance(values[0], (tuple, list)) else values
    return [v for v in first if isinstance(v, (np.ndarray, np.generic))]


def _listed(items: Iterable) -> str:
    return " and ".join(map(str, items))


def _axis_fault(shape: tuple[int, ...], error: np.exceptions.AxisError) -> str:
    n = len(shape) if error.ndim is None else error.ndim
    use = f"use {-n}..{n - 1}" if n else "a 0-d tensor has no axes"
    return f"axis {error.axis} is out of range for shape {shape}; {use}"


def _matmul_fault(left: tuple[int, ...], right: tuple[int, ...]) -> str:
    if not left or not right:
        return f"{left} @ {right}: a 0-d operand has no columns; multiply with *"
    rows = right[-2] if len(right) > 1 else right[0]
    if left[-1] != rows:
        return f"{left} @ {right}: {left[-1]} columns on the left, {rows} rows on the right"
    return f"{left} @ {right}: {_broadcast_fault(left[:-2], right[:-2])}"


def _broadcast_fault(*shapes: tuple[int, ...]) -> str:
    what = f"shapes {_listed(shapes)} do not broadcast"
    for back, sizes in enumerate(zip_longest(*map(reversed, shapes), fillvalue=1), start=1):
        if len(set(sizes) - {1}) > 1:
            return f"{what}: axis -{back} has {_listed(sizes)}"
    return what


def need_package(package: str, extra: str, purpose: str) -> Any:
    """Import ``package``, or say which extra brings it.

    Raises MissingPackageError at once, before any work is lost.
    """
    try:
        return import_module(package)
    except ImportError as error:
        raise MissingPackageError(
            f"{purpose} needs {package.split('.')[0]}; install it with: "
            f"pip install 'microbn[{extra}]'"
        ) from error
