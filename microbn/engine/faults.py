"""Every sentence that the engine says when something is wrong.

A condition stands where it decides; when it fails, this file is loaded and makes the error. An
error names the function, the shapes or values, and the way out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Signature
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
    listed,
)
from .mode import mode
from .names import describe, spelled
from .node import has_history, is_node, plain, sources
from .primitive import CALLS, Call

# Leaves and arrays.


def no_leaf(data: Any, name: Any) -> DTypeError:
    """A Tensor is made from a Tensor, or its name is no text."""
    if is_node(data):
        return DTypeError("this is a Tensor already; Tensor(t.data) is a new leaf of its values")
    return tensor_name(name)


def no_array(data: Any, error: Exception) -> Exception:
    """NumPy makes no array from the data."""
    if isinstance(error, MicrobnError):  # there is a Tensor among the data
        return error
    return ShapeError(f"cannot make a tensor: {_ragged(data, error)}")


def no_floats(data: Any, dtype: np.dtype) -> DTypeError:
    """The data are not floats."""
    if dtype.kind in "USO":
        kind = "objects" if dtype.kind == "O" else "text"
        return DTypeError(f"cannot make a tensor from {kind}, {data!r:.60}; it needs floats")
    if dtype.kind not in "fiub":
        return DTypeError(f"cannot make a tensor from {dtype}; it needs floats")
    write = "1. instead of 1" if np.ndim(data) == 0 else "[1., 2.] instead of [1, 2]"
    write = f"write {write}, or " if dtype.kind in "iub" else ""
    return DTypeError(f"a tensor needs float32 or float64, got {dtype}; {write}pass dtype=float")


def no_operand(rows: Any, error: Exception) -> ShapeError:
    """A list or tuple is no array."""
    return ShapeError(f"cannot compute with {rows!r:.60}: {_ragged(rows, error)}")


def _ragged(rows: Any, error: Exception) -> str:
    """Say why rows make no array."""
    rows = rows if isinstance(rows, (list, tuple)) else ()
    lengths = {len(row): None for row in rows if hasattr(row, "__len__")}
    return f"rows have lengths {listed(lengths)}" if len(lengths) > 1 else str(error)


def frozen_data() -> GraphError:
    """Somebody writes into ``t.data``."""
    return GraphError(
        "t.data is read-only: graphs keep the values that they saw. Replace a leaf's data "
        "whole, p.data = ... or p.data -= ..., or write into a copy, t.data.copy()"
    )


def more_than_numbers(array: np.ndarray) -> DTypeError:
    """An array carries more than numbers."""
    return DTypeError(
        f"a {type(array).__name__} carries more than numbers, and that part would be lost; "
        "pass plain numbers: a.filled(0) for a masked array, np.asarray(a) for other kinds"
    )


# Functions and their rules.


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


def unruled(function: Callable) -> RuleError:
    """A function has no rule."""
    from .composed.refused import REFUSED

    name = spelled(function)
    if function in REFUSED:
        return RuleError(f"{name} has no gradient; {REFUSED[function]}")
    return RuleError(
        f"{name} has no gradient rule; add one with defvjp({name}, ...), compose it from "
        f"functions that have one, or use {name}(t.data) on purpose, as a constant"
    )


_KEYWORDS = {
    "dim": "write axis=",
    "keepdim": "write keepdims=",
    "where": "choose with np.where first",
    "out": "use the result",
}


def uncomposed(
    function: Callable, signature: Signature, kwargs: Mapping, error: Exception
) -> RuleError:
    """A call has arguments that the function's composition does not take."""
    name = spelled(function)
    for key in kwargs:
        if key not in signature.parameters:
            way_out = _KEYWORDS.get(key, "leave it out")
            return RuleError(f"{name}: {key}= cannot be composed; {way_out}")
    takes = [str(p.replace(annotation=p.empty)) for p in signature.parameters.values()]
    return RuleError(f"{name}: {error}; it takes ({', '.join(takes)}), the last ones by keyword")


def name_caller(function: Callable, error: MicrobnError) -> None:
    """Put the name of the composed function before an error from inside it.

    If one calls another, only the name of the outermost is there: the one that the user called.
    """
    said = vars(error).setdefault("said", str(error))
    error.args = (f"{spelled(function)}: {said}",)


def unfitting(
    function: Callable, call: Call, args: Sequence, kwargs: Mapping, error: Exception
) -> RuleError:
    """A call has arguments that the function's rules do not take."""
    name, takes = spelled(function), [*call.signature.parameters][2:]
    for key in kwargs:
        if key not in takes:
            way_out = _KEYWORDS.get(key, "leave it out")
            return RuleError(
                f"{name}: {key}= cannot be recorded, as its rules do not take it; {way_out}"
            )
    if len(args) > call.most:
        return RuleError(
            f"{name}: its rules take {call.most} operands at most, this call has {len(args)}"
        )
    return RuleError(f"{name}: its rules cannot be called like this: {error}")


def misplaced(function: Callable, call: Call, args: Sequence, kwargs: Mapping) -> RuleError:
    """A Tensor stands where no gradient could flow back to it."""
    for i, arg in enumerate(args[call.ruled :], start=call.ruled):
        if is_node(arg) and (arg.flows or call.most < maxsize):
            name = spelled(function)
            return RuleError(f"{name}: no rule for operand {i}; give defvjp one, or None")
    key = next(key for key, value in kwargs.items() if is_node(value))
    return RuleError(f"{function.__name__}: {key}= is a Tensor; pass it by position")


def no_numbers(function: Callable, value: Any) -> Exception:
    """A function returns anything but one array of floats, integers or bools."""
    name = function.__name__
    if not isinstance(value, (np.ndarray, np.generic, float, int)):
        kind = type(value).__name__
        return RuleError(f"{name}: it gives a {kind}, and only arrays are recorded")
    return DTypeError(
        f"{name}: it gives {np.asarray(value).dtype}; a tensor needs float32 or float64. "
        "Convert a mask with astype"
    )


def ufunc_method(ufunc: np.ufunc) -> RuleError:
    """A ufunc's method is called, or ``out=`` is given."""
    return RuleError(
        f"np.{ufunc.__name__}: a ufunc's methods and writing into an array that exists "
        "(out=, or += into an ndarray) cannot be recorded; write a = a + t, or np.sum"
    )


def cause(function: Callable, error: Exception) -> Exception | None:
    """Return the error of a user's own function, as its traceback shows the line; else None."""
    return error if hasattr(function, "compute") else None


def explain(function: Callable, values: Sequence, kwargs: Mapping, error: Exception) -> Exception:
    """Return NumPy's error with the function's name and the shapes in its message."""
    if isinstance(error, MicrobnError):
        return error
    name = function.__name__
    if name in ("bitwise_and", "bitwise_or", "bitwise_xor", "invert"):
        return DTypeError(
            f"{name}: it combines masks, with each comparison in parentheses: (x > 1) & (x < 3)"
        )
    if "read-only" in str(error):
        return GraphError(f"{name}: it writes into an operand; what is recorded never changes")
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
    what = f"{name}: {error} (called with {called})"
    for built_in, ours in ((IndexError, RangeError), (ValueError, ShapeError)):
        if isinstance(error, built_in):
            return ours(what)
    return DTypeError(what)


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
        return _ragged(next((x for x in given if isinstance(x, (list, tuple))), ()), error)
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


# Tensors.


def tensor_name(name: Any) -> DTypeError:
    """A Tensor's name is no text."""
    return DTypeError(f"a Tensor's name is text, got {name!r:.60}")


def label_names(names: Any) -> ArgumentError:
    """`label` is given no dict of names."""
    return ArgumentError(f"label: takes a dict such as locals(), got {names!r:.60}")


def scope_name(name: Any) -> ArgumentError:
    """A scope's name is no text."""
    return ArgumentError(f"scope: a name is text, got {name!r:.60}")


def other_data(leaf: Any, new: Any) -> Exception:
    """The data of a computed Tensor are replaced, or data have another shape."""
    if leaf.function is not None:
        return GraphError(
            f"{describe(leaf)} was computed: its data follows from its inputs, and only a leaf's "
            "can be replaced. Make a new Tensor instead"
        )
    return ShapeError(f"the new data has shape {np.shape(new)}, the Tensor {leaf.shape}")


def not_its_gradient(tensor: Any, new: Any) -> Exception:
    """Something other than an array of the Tensor's shape is assigned to ``.grad``."""
    what = f"the .grad of {describe(tensor)}"
    if is_node(new):
        return DTypeError(f"{what} is an array; give the gradient's .data")
    return _unlike(what, "", tensor, new)


def several_numbers(tensor: Any) -> ShapeError:
    """One number is asked of a Tensor that holds several, or none."""
    return ShapeError(f"a tensor of shape {tensor.shape} is not one number; reduce it first")


def ambiguous(tensor: Any) -> ShapeError:
    """The truth is asked of a Tensor that holds several numbers, or none."""
    return ShapeError(
        f"the truth of a tensor of shape {tensor.shape} is ambiguous; compare one entry, "
        "or choose entry by entry with np.where"
    )


def no_entries() -> DTypeError:
    """The entries of a 0-d Tensor are asked for."""
    return DTypeError("a 0-d tensor has no length and no entries to go through")


def number_in_passing(tensor: Any) -> DTypeError:
    """A number would leave its graph in passing."""
    return DTypeError(
        f"{describe(tensor)} does not become a number in passing, where its history would "
        "be lost; take t.item() or t.data on purpose, print it by f'{t:.3f}', and compute "
        "with NumPy's functions, np.exp(t) for math.exp(t)"
    )


def array_in_passing() -> DTypeError:
    """An array would leave its graph in passing, as by ``np.asarray(t)``."""
    return DTypeError(
        "a Tensor does not become an array in passing, where its history would be lost; take its "
        "values with t.data, or t.item() of each in a list, join Tensors with np.stack, and take "
        "the mean of an array of scalars by np.sum(a) / a.size"
    )


def set_entries() -> GraphError:
    """Entries of a Tensor are assigned."""
    return GraphError(
        "what is recorded never changes, so a Tensor's entries cannot be set; choose entry by "
        "entry with np.where, or replace a leaf's data whole: p.data = ..."
    )


def in_place() -> GraphError:
    """``leaf -= numbers`` would bind a new Tensor, and leave the leaf unchanged."""
    return GraphError(
        "this would make a new Tensor and leave the leaf as it is; to update a parameter write "
        "p.data -= ..., and t = t - ... where a new Tensor is meant"
    )


def uncopied(tensor: Any) -> GraphError:
    """A computed Tensor is copied or pickled."""
    return GraphError(f"{describe(tensor)} has a history, which is not copied; take its .data")


def absent(name: str) -> AttributeError:
    """A Tensor lacks an attribute that arrays or PyTorch's tensors have."""
    return AttributeError(f"a Tensor has no {name!r}; write {INSTEAD[name]}")


OF_ARRAYS = [
    *("base", "byteswap", "ctypes", "device", "dump", "dumps", "flags", "getfield", "itemsize"),
    *("nbytes", "nonzero", "setfield", "setflags", "strides", "to_device", "tobytes", "tofile"),
    "tolist",
]
INSTEAD = {
    **dict.fromkeys(("matmul", "mm"), "t @ other"),
    "abs": "np.abs(t)",
    **{name: f"microbn.functional.{name}(t)" for name in ("relu", "sigmoid", "softmax")},
    "view": "t.reshape(...)",
    "permute": "t.transpose(...)",
    "unsqueeze": "np.expand_dims(t, axis)",
    **dict.fromkeys(
        ("copy", "clone", "real", "conj", "conjugate"), "t itself, as it never changes"
    ),
    "imag": "np.zeros_like(t)",
    **dict.fromkeys(("detach", "numpy"), "t.data"),
    **{
        name: f"np.{name}(t, ...), which makes a new one"
        for name in ("sort", "partition", "resize")
    },
    **dict.fromkeys(("fill", "put"), "np.where(mask, value, t), which makes a new one"),
    "flat": "t.ravel()",
    "tostring": "t.data.tobytes()",
    **{name: f"t.data.{name}" for name in OF_ARRAYS},
    "zero_grad": "t.grad = None",
    "requires_grad": "an array where no gradient is wanted: every Tensor gets one",
}


# Gradients.


def no_start(root: Any) -> Exception:
    """No backward can start here without a cotangent, or at all."""
    if not is_node(root):
        what, way_out = type(root).__name__, "a gradient is one only with create_graph=True"
        if callable(root):
            what, way_out = "a function", "call it first: grad(f(x), x)"
        elif isinstance(root, np.ndarray) and root.dtype == object:
            what, way_out = "an array of objects", "make them one with np.sum"
        return DTypeError(f"a backward starts from a Tensor, not from {what}; {way_out}")
    if not has_history(root):
        return GraphError(
            f"{describe(root)} has no history: nothing here was recorded. Start from the result "
            "of a computation on Tensors, made outside no_grad()"
        )
    if not root.flows:
        return DTypeError(f"{describe(root)} holds {root.dtype}: no gradient flows back from it")
    return ShapeError(
        f"a backward starts from a scalar; {describe(root)} has shape {root.shape}. "
        "Use .sum(), or pass the cotangent"
    )


def no_cotangent(root: Any, given: Any) -> Exception:
    """A cotangent does not fit the root."""
    return _unlike("the cotangent", describe(root), root, given)


def _unlike(what: str, whose: str, tensor: Any, given: Any) -> Exception:
    try:
        array = np.asarray(plain(given))
    except ValueError as error:
        return ShapeError(f"{what} is no array: {_ragged(given, error)}")
    if array.dtype.kind not in "fiub":
        return DTypeError(f"{what} is an array of numbers, got {given!r:.60}")
    return ShapeError(f"{what} has shape {array.shape}, {whose or 'the Tensor'} {tensor.shape}")


def no_gradient(inputs: Sequence) -> DTypeError:
    """A gradient is asked for with respect to something other than a Tensor."""
    position, x = next((i, x) for i, x in enumerate(inputs) if not is_node(x))
    return DTypeError(
        f"grad: input {position} is a {type(x).__name__}; only Tensors get gradients. Pass an "
        "array of scalars as a list, list(box.flat)"
    )


def nothing_to_call(name: str, f: Any, given: Sequence) -> ArgumentError:
    """A Jacobian is asked of no function, or at no array."""
    if callable(f):
        return ArgumentError(f"{name}: x is empty; give one array, or several in a tuple")
    return ArgumentError(
        f"{name}: the first argument is a function, as in {name}(f, x); got {f!r:.60}"
    )


def lost_history(name: str) -> GraphError:
    """A function whose Jacobian is asked for gives a constant."""
    return GraphError(
        f"{name}: what f gives has no history, as for a constant. Inside f, a gradient needs "
        "create_graph=True, .data and no_grad() lose the history, and a Jacobian is an array: nest "
        "grad(..., create_graph=True) instead"
    )


def not_one_array(name: str, out: Any) -> DTypeError:
    """A function whose Jacobian is asked for gives anything but one array."""
    return DTypeError(
        f"{name}: f gives a {type(out).__name__}; it has to return one array. Join several with "
        "np.concatenate, or choose one: lambda x: f(x)[0]"
    )


def not_one_number(name: str, out: Any) -> ShapeError:
    """A function whose Hessian is asked for gives several numbers."""
    return ShapeError(
        f"{name}: f gives shape {out.shape}, and a Hessian is of a single number; "
        "reduce it, lambda x: f(x).sum(), or ask for the jacobian"
    )


def other_directions(name: str, leaves: Sequence, given: Sequence) -> ShapeError:
    """A vector has another shape than the operand that it is a direction for."""
    return ShapeError(
        f"{name}: v has the shape of x, {listed(x.shape for x in leaves)}, "
        f"got {listed(v.shape for v in given)}"
    )


def stale(node: Any) -> GraphError:
    """The gradient of a node cannot be recorded."""
    if not mode.get().recording:
        return GraphError("create_graph=True records the gradient, which no_grad() forbids")
    operand = next(operand for operand, value in sources(node) if operand.value is not value)
    return GraphError(
        f"the data of {describe(operand)} was replaced since the forward ran; a gradient "
        "with a graph of its own may need what it was made from. Run the forward again"
    )


def wrong_gradient(node: Any, position: int, product: Any, part: Any, value: Any) -> RuleError:
    """A rule returns no gradient for an operand of this value."""
    what = f"gradient holds {part.dtype}"
    if product is None:
        what = "it returned None"
    elif is_node(product):
        what = "it returned a Tensor and was given arrays; use the .data of what it closes over"
    elif part.shape != value.shape:
        what = f"gradient has shape {np.shape(product)}, its input {value.shape}"
    return RuleError(f"rule of {node.function.__name__!r}, operand {position}: {what}")
