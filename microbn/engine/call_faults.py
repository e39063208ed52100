"""The engine's sentences about a wrong call of a function, or about a wrong rule of one.

A condition stands where it decides; when it fails, this file is loaded and makes the error. A
docstring here says when its error is raised. To NumPy's own errors this file adds the name of the
function, and the shapes and values that it was called with. The sentences about calls that a Tensor
refuses stand in ``composed/refused.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from math import prod
from reprlib import repr as shortened
from sys import maxsize
from typing import Any

import numpy as np

from ..errors import (
    ArgumentError,
    DTypeError,
    GraphError,
    MicrobnError,
    RangeError,
    RuleError,
    ShapeError,
    faults,
    listed,
)
from .faults import ragged
from .names import spelled
from .node import is_node
from .primitive import CALLS, Call


def no_function(x: Any) -> RuleError:
    """`primitive` is given no function."""
    return RuleError(f"primitive: needs a function to make recordable, got {x!r:.60}")


def no_rules(function: Callable, recordable: bool) -> RuleError:
    """`defvjp` is given a function that is never recorded, or a rule that is no function."""
    if not recordable:
        return RuleError(f"defvjp: {function!r} is never recorded; make it a primitive() first")
    return RuleError("defvjp(function, *vjps): each rule is a function or None")


def uncallable_rule(function: Callable, every: bool) -> RuleError:
    """A rule does not take the gradient, the result and an operand, or the operand's position."""
    how = "the one rule for any number of operands is called as rule(g, out, *xs, position=0)"
    how = how if every else "rules are called as rule(g, out, x, ...)"
    return RuleError(f"defvjp({spelled(function)}, ...): {how}")


def unfitting(
    function: Callable, call: Call, args: Sequence, kwargs: Mapping, error: Exception
) -> RuleError:
    """A call has arguments that the function's rules do not take."""
    name = spelled(function)
    for key in kwargs:
        if key not in call.signature.parameters:
            why = ", as its rules do not take it" * bool(call.rules)
            return faults.unknown_keyword(function, key, f"recorded{why}")
    if len(args) > call.most:
        return RuleError(
            f"{name}: its rules take {call.most} operands at most, this call has {len(args)}"
        )
    return RuleError(f"{name}: its rules cannot be called like this: {error}")


def misplaced(function: Callable, call: Call, args: Sequence, kwargs: Mapping) -> RuleError:
    """A Tensor stands where no gradient could flow back to it."""
    for i, arg in enumerate(args[call.ruled :], start=call.ruled):
        if is_node(arg) and (arg.flows or call.most < maxsize):
            what = f"{spelled(function)}: no rule for operand {i}"
            return RuleError(
                f"{what}; give defvjp one, or the values, t.data (as an index, integers)"
            )
    key = next(key for key, value in kwargs.items() if is_node(value))
    return RuleError(f"{function.__name__}: {key}= is a Tensor; pass it by position")


def wrong_gradient(node: Any, position: int, product: Any, part: Any, value: Any) -> RuleError:
    """A rule returns something that is no gradient for an operand of this value."""
    what = f"gradient holds {part.dtype}"
    if product is None:
        what = "it returned None"
    elif is_node(product):
        what = "it returned a Tensor and was given arrays; use the .data of what it closes over"
    elif part.shape != value.shape:
        what = f"gradient has shape {np.shape(product)}, its input {value.shape}"
    return RuleError(f"rule of {node.function.__name__!r}, operand {position}: {what}")


def in_rule(node: Any, position: int, error: Exception) -> Exception:
    """A rule raises an error, perhaps because it writes into what it is given."""
    error.add_note(f"in the rule of {node.function.__name__}, operand {position}")
    if "read-only" not in str(error):
        return error
    what = f"rule of {node.function.__name__!r}, operand {position}"
    what += ": it writes into what it is given, which is read-only; make a new array, g = g * 2"
    return ArgumentError(what).with_traceback(error.__traceback__)


def no_numbers(function: Callable, value: Any) -> Exception:
    """A function returns anything but one array of floats, integers or bools."""
    name = function.__name__
    if function is np.where and isinstance(value, tuple):
        return RuleError("np.where: places have no gradient; write np.nonzero(condition.data)")
    if not isinstance(value, (np.ndarray, np.generic, float, int)):
        return RuleError(f"{name}: it gives a {type(value).__name__}, and only arrays are recorded")
    dtype = np.asarray(value).dtype
    ways_out = {"c": "compute with real and imaginary parts", "f": "convert with astype"}
    way_out = ways_out.get(dtype.kind, "give it numbers, np.nan for None")
    return DTypeError(f"{name}: it gives {dtype}; a tensor needs float32 or float64: {way_out}")


def cause(function: Callable, error: Exception) -> Exception | None:
    """Return an error from a user's own function, whose traceback shows the line; else None."""
    return error if hasattr(function, "compute") else None


def explain(function: Callable, values: Sequence, kwargs: Mapping, error: Exception) -> Exception:
    """Return NumPy's error with the function's name and the shapes in its message."""
    if isinstance(error, MicrobnError):
        return error
    for key in kwargs:
        if f"unexpected keyword argument '{key}'" in str(error):
            return faults.unknown_keyword(function, key, "recorded, as it takes no such argument")
    name = function.__name__ if function in CALLS else spelled(function)
    if name in ("bitwise_and", "bitwise_or", "bitwise_xor", "invert"):
        return DTypeError(
            f"{name}: it combines masks, with each comparison in parentheses: (x > 1) & (x < 3)"
        )
    if "read-only" in str(error):
        return GraphError(f"{name}: it writes into an operand; what is recorded never changes")
    if isinstance(function, np.ufunc) and any(v is None for v in values):
        return DTypeError(f"{name}: it computes with numbers and arrays, not with None")
    every = isinstance(function, np.ufunc) or (function in CALLS and CALLS[function].every)
    arrays = [v for v in values if every or isinstance(v, (np.ndarray, np.generic))]
    shapes = [_shape_of(v) for v in arrays] or [()]
    if isinstance(error, np.exceptions.AxisError):
        return RangeError(f"{name}: {_axis_fault(shapes[0], error)}")
    if why := _shape_fault(function, shapes, [*values, *kwargs.values()], error):
        return ShapeError(f"{name}: {why}")
    given = [] if every else [shortened(v) for v in values if not isinstance(v, np.ndarray)]
    given += [f"{key}={shortened(v)}" for key, v in kwargs.items()]
    called = ", ".join([f"shape{'s' * (len(shapes) > 1)} {listed(shapes)}", *given])
    kinds = {IndexError: RangeError, ValueError: ShapeError, Exception: DTypeError}
    kind = next(ours for built_in, ours in kinds.items() if isinstance(error, built_in))
    way_out = "; write integers, or a tuple of them" * ("as an integer" in str(error))
    return kind(f"{name}: {error}{way_out} (called with {called})")


def _shape_fault(function: Any, shapes: list, given: list, error: Exception) -> str | None:
    """Say what does not fit, or return None if neither the function nor NumPy's words tell."""
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


def _shape_of(value: Any) -> Any:
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
