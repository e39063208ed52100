"""PyTorch's operations (ATen) in NumPy, one each: `ATEN`, at the end, is the table.

Each takes the arguments of the operation that it is named after. On Tensors it makes their graph,
and the gradients are those of NumPy's functions. An operation whose arguments ask for more than it
can do raises `Refused`, with a way out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from .. import functional as F
from ..engine.functions import getitem, stop_gradient
from ..engine.node import is_node
from .refused import Refused
from .sliding import adaptive_avg_pool, adaptive_largest, avg_pool, convolution, largest_of_windows
from .ties import clamp, hardsigmoid, hardswish, hardtanh, largest, place_by, smallest
from .whole import ATEN_WHOLE, error_function

# --- numbers


def _aten_add(x: Any, y: Any, alpha: float = 1) -> Any:
    return x + (y if alpha == 1 else alpha * y)


def _aten_sub(x: Any, y: Any, alpha: float = 1) -> Any:
    return x - (y if alpha == 1 else alpha * y)


def _aten_power(x: Any, exponent: Any) -> Any:
    return np.square(x) if isinstance(exponent, (int, float)) and exponent == 2 else x**exponent


def _aten_div(x: Any, y: Any, rounding_mode: str | None = None) -> Any:
    if rounding_mode:
        raise Refused("a division that rounds has no gradient; divide without rounding_mode")
    return x / y


def _aten_to_copy(x: Any, dtype: Any = None, **_: Any) -> Any:
    return x if dtype is None or x.dtype == (new := numpy_dtype(dtype)) else x.astype(new)


def as_promoted(operation: str, operands: Sequence, dtype: Any) -> list:
    """Return operands in the dtype of a result of floats, as PyTorch promotes them.

    There whole numbers, and single numbers beside an array, do not make a float32 a float64.
    """
    if operation in _INDEXING or not getattr(dtype, "is_floating_point", False):
        return [*operands]
    floats = [x for x in operands if is_node(x) and x.dtype.kind == "f"]
    wide = [x.dtype for x in floats if x.ndim] or [x.dtype for x in floats]
    new = np.result_type(*(wide or [numpy_dtype(dtype)]))
    return [x.astype(new) if _is_weak(x) and x.dtype != new else x for x in operands]


_INDEXING = {"index", "gather", "index_select", "embedding"}


def _is_weak(x: Any) -> bool:
    array = isinstance(x, (np.ndarray, np.generic)) or is_node(x)
    return array and (x.dtype.kind in "iu" or (x.dtype.kind == "f" and not x.ndim))


def numpy_dtype(dtype: Any) -> np.dtype:
    """Return NumPy's dtype for one of PyTorch's. Raises Refused for one that NumPy lacks."""
    name = str(dtype).removeprefix("torch.")
    if name in ("float16", "bfloat16") or name.startswith(("complex", "q")):
        raise Refused(f"microbn has no {name}; convert the module with .float() or .double()")
    return np.dtype(name)


# --- shapes


def _aten_view(x: Any, shape: Sequence[int]) -> Any:
    return x if tuple(shape) == x.shape else np.reshape(x, tuple(shape))


def _aten_expand(x: Any, shape: Sequence[int], implicit: bool = False) -> Any:
    kept = (1,) * (len(shape) - x.ndim) + x.shape
    wide = tuple(old if new == -1 else new for old, new in zip(kept, shape, strict=True))
    return x if wide == x.shape else np.broadcast_to(x, wide)


def _aten_as_strided(x: Any, shape: Any, strides: Any, offset: int = 0) -> Any:
    in_order = np.empty(shape, np.int8).strides
    sides = [(n, stride) for n, stride in zip(shape, strides, strict=True) if n > 1]
    usual = [(n, stride) for n, stride in zip(shape, in_order, strict=True) if n > 1]
    if offset or sides != usual or math.prod(shape) != x.size:
        raise Refused("as_strided makes views that overlap or leave gaps; use reshape and slices")
    return np.reshape(x, tuple(shape))


def _aten_along(x: Any, axis: int, index: Any) -> Any:
    """Index one axis."""
    return getitem(x, *(slice(None),) * (axis % x.ndim), index)


def _aten_slice(x: Any, axis: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    part = slice(start, end, step).indices(x.shape[axis])
    return x if part == (0, x.shape[axis], 1) else _aten_along(x, axis, slice(*part))


def _aten_split(x: Any, sizes: Sequence[int], axis: int = 0) -> list:
    ends = np.cumsum([0, *sizes]).tolist()
    return [_aten_along(x, axis, slice(start, end)) for start, end in pairwise(ends)]


def _aten_index(x: Any, indices: Sequence) -> Any:
    return getitem(x, *(slice(None) if index is None else index for index in indices))


def _aten_pad(x: Any, sides: Sequence[int], value: float = 0) -> Any:
    pairs = [(sides[i], sides[i + 1]) for i in range(0, len(sides), 2)][::-1]
    if min(sides) < 0:
        raise Refused("a padding below 0 cuts an array off; use a slice")
    return np.pad(x, [(0, 0)] * (x.ndim - len(pairs)) + pairs, constant_values=value)


# --- reductions


def _aten_reduction(function: Callable) -> Callable:
    def reduce(x: Any, axes: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
        axis = None if axes is None or axes == [] else tuple(np.atleast_1d(axes).tolist())
        return function(_aten_to_copy(x, dtype), axis=axis, keepdims=keepdim)

    return reduce


def _aten_var(x: Any, axes: Any = None, correction: float | None = 1, keepdim: bool = False) -> Any:
    axis = tuple(axes) if axes else None
    return np.var(x, axis=axis, ddof=1 if correction is None else correction, keepdims=keepdim)


def _aten_std(x: Any, axes: Any = None, correction: float | None = 1, keepdim: bool = False) -> Any:
    axis = tuple(axes) if axes else None
    return np.std(x, axis=axis, ddof=1 if correction is None else correction, keepdims=keepdim)


def _aten_norm(x: Any, order: float = 2, axes: Any = None, keepdim: bool = False, **_: Any) -> Any:
    axes = [axis % x.ndim for axis in axes or range(x.ndim)]
    others = [axis for axis in range(x.ndim) if axis not in axes]
    if len(axes) != 1:  # NumPy's norm of two axes is that of a matrix
        x_t = np.transpose(x, [*others, *axes])
        norms = np.linalg.norm(np.reshape(x_t, (*x_t.shape[: len(others)], -1)), order, axis=-1)
        return np.expand_dims(norms, tuple(axes)) if keepdim else norms
    return np.linalg.norm(x, order, axis=axes[0], keepdims=keepdim)


def _aten_var_mean(x: Any, axes: Any = None, correction: Any = 1, keepdim: bool = False) -> tuple:
    axis = tuple(axes) if axes else None
    mean = np.mean(x, axis=axis, keepdims=True)
    var = np.var(x, axis=axis, ddof=correction, keepdims=True, mean=mean)
    return (var, mean) if keepdim else (np.squeeze(var, axis), np.squeeze(mean, axis))


# --- layers


def _aten_linear(x: Any, weight: Any, bias: Any = None) -> Any:
    product = x @ weight.T
    return product if bias is None else product + bias


def _aten_addmm(bias: Any, x: Any, y: Any, beta: float = 1, alpha: float = 1) -> Any:
    product = x @ y
    return (product if alpha == 1 else alpha * product) + (bias if beta == 1 else beta * bias)


def _aten_dropout(x: Any, p: float, train: bool = True) -> tuple:
    if train and p:
        raise Refused("dropout is random in training; call module.eval(), or give it p=0")
    return x, lambda: np.ones(x.shape, bool)


def _aten_embedding(weight: Any, index: Any, padding: int = -1, *_: Any) -> Any:
    rows = getitem(weight, index)
    if padding < 0 or not is_node(rows):
        return rows
    return np.where((index == padding)[..., None], stop_gradient(rows), rows)


# --- arrays that are made


def _aten_full(shape: Sequence[int], value: float, dtype: Any = None, **_: Any) -> Any:
    return np.full(tuple(shape), value, numpy_dtype(dtype or "float32"))


def _aten_full_like(x: Any, value: float, dtype: Any = None, **_: Any) -> Any:
    return np.full(x.shape, value, x.dtype if dtype is None else numpy_dtype(dtype))


def _aten_scalar_tensor(value: float, dtype: Any = None, **_: Any) -> Any:
    return np.asarray(value, numpy_dtype(dtype or "float32"))


def _aten_arange(start: Any, end: Any, step: Any = 1, dtype: Any = None, **_: Any) -> Any:
    whole = all(isinstance(x, int) for x in (start, end, step))
    made: Any = np.arange  # typed for dates too
    return made(start, end, step, numpy_dtype(dtype or ("int64" if whole else "float32")))


def _aten_same(x: Any, **_: Any) -> Any:
    return x


def _aten_detach(x: Any) -> Any:
    return stop_gradient(x) if is_node(x) else x


# fmt: off
ATEN: dict[str, Callable] = {
    "add": _aten_add, "sub": _aten_sub, "mul": np.multiply, "div": _aten_div, "neg": np.negative,
    "rsub": lambda x, y, alpha=1: _aten_sub(y, x, alpha),
    "pow": _aten_power, "square": np.square, "sqrt": np.sqrt, "abs": np.abs, "sign": np.sign,
    "rsqrt": lambda x: 1 / np.sqrt(x), "reciprocal": lambda x: 1 / x,
    "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "log2": np.log2,
    "fmod": np.fmod, "remainder": np.remainder,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "atan": np.arctan, "asin": np.arcsin,
    "acos": np.arccos, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "erf": error_function,
    "relu": F.relu, "sigmoid": F.sigmoid, "clamp": clamp,
    "hardtanh": hardtanh, "hardsigmoid": hardsigmoid, "hardswish": hardswish,
    "maximum": np.maximum, "minimum": np.minimum, "where": np.where,
    "eq": np.equal, "ne": np.not_equal, "gt": np.greater, "ge": np.greater_equal,
    "lt": np.less, "le": np.less_equal, "isinf": np.isinf, "isnan": np.isnan,
    "logical_not": np.logical_not, "logical_and": np.logical_and, "logical_or": np.logical_or,
    "bitwise_not": np.logical_not, "bitwise_and": np.logical_and, "bitwise_or": np.logical_or,
    "mm": np.matmul, "bmm": np.matmul, "matmul": np.matmul, "mv": np.matmul, "dot": np.matmul,
    "linear": _aten_linear, "addmm": _aten_addmm, "baddbmm": _aten_addmm,
    "softmax.int": lambda x, axis, dtype=None: F.softmax(_aten_to_copy(x, dtype), axis),
    "_softmax": lambda x, axis, half: F.softmax(x, axis),
    "log_softmax.int": lambda x, axis, dtype=None: F.log_softmax(_aten_to_copy(x, dtype), axis),
    "_log_softmax": lambda x, axis, half: F.log_softmax(x, axis),
    "sum": _aten_reduction(np.sum), "mean": _aten_reduction(np.mean),
    "prod": _aten_reduction(np.prod), "amax": _aten_reduction(np.max),
    "amin": _aten_reduction(np.min), "any": _aten_reduction(np.any),
    "all": _aten_reduction(np.all), "max.dim": largest, "max.other": np.maximum,
    "min.dim": smallest, "min.other": np.minimum, "max.default": np.max,
    "argmax": place_by(np.argmax), "argmin": place_by(np.argmin),
    "min.default": np.min, "var": _aten_var, "var_mean": _aten_var_mean,
    "std": _aten_std, "linalg_vector_norm": _aten_norm,
    "cumsum": lambda x, axis: np.cumsum(x, axis),
    "view": _aten_view, "_unsafe_view": _aten_view, "reshape": _aten_view, "expand": _aten_expand,
    "as_strided": _aten_as_strided, "permute": np.transpose, "t": np.transpose,
    "transpose": np.swapaxes, "numpy_T": np.transpose, "flip": np.flip,
    "unsqueeze": np.expand_dims, "squeeze": lambda x, axes: np.squeeze(x, _aten_ones(x, axes)),
    "repeat": lambda x, counts: np.tile(x, tuple(counts)),
    "slice": _aten_slice, "select": _aten_along, "split_with_sizes": _aten_split,
    "index": _aten_index,
    "gather": lambda x, axis, index: np.take_along_axis(x, index, axis),
    "index_select": lambda x, axis, index: _aten_along(x, axis, index),
    "embedding": _aten_embedding,
    "cat": lambda xs, axis=0: np.concatenate(xs, axis), "constant_pad_nd": _aten_pad,
    "stack": lambda xs, axis=0: np.stack(xs, axis),
    "tril": np.tril, "triu": np.triu,
    "convolution": convolution, "native_dropout": _aten_dropout,
    "max_pool2d_with_indices": largest_of_windows(2),
    "max_pool3d_with_indices": largest_of_windows(3),
    "avg_pool2d": avg_pool(2), "avg_pool3d": avg_pool(3),
    "_adaptive_avg_pool2d": adaptive_avg_pool, "_adaptive_avg_pool3d": adaptive_avg_pool,
    "adaptive_max_pool2d": adaptive_largest,
    "full": _aten_full, "full_like": _aten_full_like, "scalar_tensor": _aten_scalar_tensor,
    "arange": _aten_arange, "clone": _aten_same, "alias": _aten_same,
    "lift_fresh_copy": _aten_same, "contiguous": _aten_same,
    "_to_copy": _aten_to_copy, "detach": _aten_detach,
    "_assert_tensor_metadata": lambda *_, **__: None,
    **ATEN_WHOLE,
}
# fmt: on

#: The operations that leave the numbers of an array as they are.
SAME_NUMBERS = {"unsqueeze", "view", "reshape", "expand", "_to_copy", "alias", "clone", "detach"}


def _aten_ones(x: Any, axes: Any) -> tuple[int, ...]:
    """Return those of the axes that have one entry. PyTorch keeps the others."""
    return tuple(axis for axis in np.atleast_1d(axes).tolist() if x.shape[axis] == 1)
