"""What the engine checks, and what it says when something is wrong.

An error names the function, the shapes or values, and the way out, where the mistake is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from math import prod
from reprlib import repr as brief
from typing import Any

import numpy as np

from ..errors import (
    DTypeError,
    GraphError,
    MicrobnError,
    NonFiniteError,
    RangeError,
    RuleError,
    ShapeError,
    listed,
    spelled,
)
from ..reading.trace import first_fault, spell
from .arrays import check_plain, constant, from_list, ragged
from .mode import compiling, mode
from .node import describe, has_history, is_node, sources
from .primitive import CALLS, Call


def call(function: Callable, args: Sequence, kwargs: Mapping) -> tuple[Call, Mapping]:
    """How to call ``function``, and the keywords, copied; RuleError where no rule covers it."""
    if (call := CALLS.get(function)) is None:
        name, known = spelled(function), INSTEAD.get(function.__name__)
        raise RuleError(
            f"{name} has no gradient rule; write {known}"
            if known and function is getattr(np, function.__name__, None)
            else f"{name} has no gradient rule; add one with defvjp({name}, ...), compose it from "
            f"functions that have one, or use {name}(t.data) on purpose, as a constant"
        )
    _, rules, _, most, keywords = call
    if most is not None and len(args) > most:
        raise RuleError(
            f"{spelled(function)}: its rules take {most} arguments at most, this is called with "
            f"{len(args)}"
        )
    if most is not None and 0 < rules < len(args):
        for i, arg in enumerate(args[rules:], start=rules):
            if is_node(arg):
                what = f"no rule for operand {i}; give defvjp one for it, or None"
                raise RuleError(f"{spelled(function)}: {what}")
    for key, value in kwargs.items():
        if keywords is not None and key not in keywords:
            instead = {"dim": "write axis=", "keepdim": "write keepdims="}.get(key, "leave it out")
            raise RuleError(
                f"{spelled(function)}: {key}= cannot be recorded, as its rules do not take it; "
                f"{instead}"
            )
        if is_node(value):
            raise RuleError(f"{function.__name__}: {key}= is a Tensor; pass it by position")
        if not isinstance(value, (int, tuple)):
            kwargs = {**kwargs, key: constant(value)}
    return call, kwargs


def checked(value: Any, function: Callable) -> Any:
    """What a function gave that is neither float32 nor float64, a number as NumPy's.

    Raises RuleError for anything but one array, DTypeError for an array of anything but numbers.
    """
    if not isinstance(value, (np.ndarray, np.generic, float, int)):
        kind = type(value).__name__
        raise RuleError(f"{function.__name__}: it gives a {kind}, and only arrays are recorded")
    value = np.asarray(value)[()]
    if value.dtype.kind not in "fiub" or value.dtype.char in "eg":
        raise DTypeError(
            f"{function.__name__}: it gives {value.dtype}; a tensor needs float32 or float64, "
            "which astype makes of a mask"
        )
    return value


def explain(function: Callable, values: Sequence, kwargs: Mapping, error: Exception) -> Exception:
    """NumPy's error in calling ``function(*values, **kwargs)``, naming function and shapes."""
    if isinstance(error, MicrobnError):
        return error
    name = function.__name__
    if "read-only" in str(error):
        return GraphError(f"{name}: it writes into an operand; what is recorded never changes")
    every = isinstance(function, np.ufunc) or (function in CALLS and CALLS[function].each)
    arrays = [v for v in values if every or isinstance(v, (np.ndarray, np.generic))]
    shapes = [_shape(v) for v in arrays] or [()]
    if isinstance(error, np.exceptions.AxisError):
        return RangeError(f"{name}: {_axis_fault(shapes[0], error)}")
    if why := _shape_fault(function, shapes, [*values, *kwargs.values()], error):
        return ShapeError(f"{name}: {why}")
    given = [] if every else [brief(v) for v in values if not isinstance(v, np.ndarray)]
    given += [f"{key}={brief(v)}" for key, v in kwargs.items()]
    called = ", ".join([f"shape{'s' * (len(shapes) > 1)} {listed(shapes)}", *given])
    what = f"{name}: {error} (called with {called})"
    for built_in, ours in ((IndexError, RangeError), (ValueError, ShapeError)):
        if isinstance(error, built_in):
            return ours(what)
    return DTypeError(what)


def _shape_fault(function: Any, shapes: list, given: list, error: Exception) -> str | None:
    """Say what does not fit, or None if neither the function nor NumPy's words tell."""
    text = str(error)
    if function is np.matmul and (isinstance(error, ValueError) or () in shapes):
        return _matmul_fault(*shapes)
    if function is np.reshape and isinstance(error, ValueError):
        return _reshape_fault(shapes[0], *given[1:])
    if function is np.transpose and isinstance(error, ValueError):
        return _transpose_fault(shapes[0], *given[1:])
    if isinstance(function, np.ufunc) and "broadcast" in text:
        return _broadcast_fault(*shapes)
    if "zero-size array" in text or "empty sequence" in text:
        return f"the tensor is empty, shape {shapes[0]}"
    if "inhomogeneous" in text:
        return ragged(next((x for x in given if isinstance(x, (list, tuple))), ()), error)
    return None


def _shape(value: Any) -> Any:
    try:
        return np.shape(value)
    except ValueError:  # a list whose rows have different lengths
        return "of different lengths"


def _reshape_fault(old: tuple[int, ...], shape: Any) -> str:
    sides = shape if isinstance(shape, (tuple, list)) else (shape,)
    if not all(isinstance(side, (int, np.integer)) for side in sides):
        return f"a shape is an integer or a tuple of them, got {shape!r:.60}"
    if sum(side < 0 for side in sides) > 1:
        return f"shape {shape} leaves several sides open; only one of them can be -1"
    holds = "" if min(sides, default=0) < 0 else f", which holds {prod(sides)}"
    return f"{prod(old)} elements do not fill shape {shape}{holds}"


def _transpose_fault(shape: tuple[int, ...], axes: Any) -> str:
    reverse = (*range(len(shape)),)[::-1]
    return f"axes {axes!r:.60} do not name each axis of shape {shape} once, as {reverse} does"


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
    what = f"shapes {listed(shapes)} do not broadcast"
    for back, sizes in enumerate(zip_longest(*map(reversed, shapes), fillvalue=1), start=1):
        if len(set(sizes) - {1}) > 1:
            return f"{what}: axis -{back} has {listed(sizes)}"
    return what


def seed(root: Any, cotangent: Any, create_graph: bool) -> Any:
    """The gradient that a backward starts with, as an array of the root's shape and dtype.

    Raises where none can start: DTypeError, GraphError, ShapeError.
    """
    if compiling.get() is not None and not create_graph:
        raise GraphError(
            "compile: this gradient would be a constant of the program; take it by "
            "grad(..., create_graph=True), which records it"
        )
    if not is_node(root):
        what, way_out = type(root).__name__, "a gradient becomes one by create_graph=True"
        if callable(root):
            what, way_out = "a function", "call it first: grad(f(x), x)"
        elif isinstance(root, np.ndarray) and root.dtype == object:
            what, way_out = "an array of objects", "make them one with np.sum"
        raise DTypeError(f"a backward starts from a Tensor, not from {what}; {way_out}")
    if not has_history(root):
        raise GraphError(
            f"{describe(root)} has no history: nothing here was recorded. Start from the result "
            "of a computation on Tensors, made outside no_grad()"
        )
    value = root.value
    if value.dtype.kind != "f":
        raise DTypeError(f"{describe(root)} holds {root.dtype}: no gradient flows back from it")
    if cotangent is None and value.size != 1:
        raise ShapeError(
            f"a backward starts from a scalar; {describe(root)} has shape {value.shape}. "
            "Use .sum(), or pass the cotangent"
        )
    plain = cotangent.value if isinstance(cotangent, type(root)) else cotangent
    plain = from_list(plain) if isinstance(plain, (list, tuple)) else plain
    check_plain(plain)
    seed = np.ones(value.shape) if cotangent is None else np.asarray(plain)
    if seed.dtype.kind not in "fiub":
        raise DTypeError(f"the cotangent is not an array of numbers but {cotangent!r:.60}")
    if seed.shape != value.shape:
        raise ShapeError(f"the cotangent has shape {seed.shape}, {describe(root)} {value.shape}")
    if mode.get().tracing and (fault := first_fault(seed)):
        raise NonFiniteError(f"the cotangent is {spell(fault)}")
    return np.array(seed, value.dtype)[()]


def wanted(inputs: Sequence, kind: type) -> set[int]:
    """The numbers of the Tensors whose gradients are asked for. Raises DTypeError for others."""
    for i, x in enumerate(inputs):
        if not isinstance(x, kind):
            raise DTypeError(
                f"grad: input {i} is a {type(x).__name__}; only Tensors get gradients (those of an "
                "array of scalars as a list: list(box.flat))"
            )
    return {x.number for x in inputs}


def live(node: Any) -> Sequence:
    """The inputs of a node as they are, if they still have the values that it saw.

    Raises GraphError where a leaf was replaced, and where nothing would be recorded.
    """
    if not mode.get().recording:
        raise GraphError("create_graph=True records the gradient, which no_grad() forbids")
    for operand, value in sources(node):
        if operand.value is not value:
            raise GraphError(
                f"the data of {describe(operand)} was replaced since the forward ran; a gradient "
                "with a graph of its own may need what it was made from. Run the forward again"
            )
    return node.inputs


def parts(products: Any, node: Any) -> Iterator[tuple[int, Any, Any]]:
    """What one rule gave for all operands: position, operand and gradient, where one flows.

    Raises RuleError where there is not one gradient for each operand.
    """
    if type(products) is not list or len(products) != len(node.inputs):
        found = f"{len(products)} gradients" if type(products) is list else "no list"
        raise RuleError(
            f"rule of {node.function.__name__!r}: it gave {found} for {len(node.inputs)} operands"
        )
    for position, (operand, part) in enumerate(zip(node.inputs, products, strict=True)):
        if isinstance(operand, type(node)) and operand.flows:
            yield position, operand, part


def gradient(part: Any, product: Any, value: Any, node: Any, position: int) -> None:
    """Raise RuleError where what a rule gave is no gradient for an operand of this value."""
    if product is None:
        raise _rule_error(node, position, "it returned None")
    if part.shape != value.shape:
        what = f"gradient has shape {np.shape(product)}, its input {value.shape}"
        raise _rule_error(node, position, what)
    if part.dtype.kind not in "fiub":
        raise _rule_error(node, position, f"gradient holds {part.dtype}")


def _rule_error(node: Any, position: int, what: str) -> RuleError:
    return RuleError(f"rule of {node.function.__name__!r}, operand {position}: {what}")


INSTEAD = {  # of a method of an ndarray or of PyTorch's tensors that is not here
    "var": "np.square(t - t.mean(axis, keepdims=True)).mean(axis)",
    "std": "np.sqrt(np.square(t - t.mean(axis, keepdims=True)).mean(axis))",
    **dict.fromkeys(("dot", "matmul", "mm"), "t @ other"),
    "clip": "np.minimum(np.maximum(t, low), high)",
    "cumsum": "np.cumsum(t.data), on purpose as a constant",
    "abs": "np.abs(t)",
    **{name: f"microbn.functional.{name}(t)" for name in ("relu", "sigmoid", "softmax")},
    **dict.fromkeys(("ravel", "flatten"), "t.reshape(-1)"),
    "view": "t.reshape(...)",
    "permute": "t.transpose(...)",
    "unsqueeze": "np.expand_dims(t, axis)",
    **dict.fromkeys(("copy", "clone"), "t itself, as it never changes"),
    **dict.fromkeys(("detach", "numpy", "tolist"), "t.data"),
    "zero_grad": "t.grad = None",
    "requires_grad": "an array where no gradient is wanted: every Tensor gets one",
}
