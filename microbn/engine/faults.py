"""The engine's sentences about a Tensor whose data or gradient is wrong.

A condition stands where it decides; when it fails, this file is loaded and makes the error. An
error names the function, the shapes or values, and the way out. The sentences about calls of
functions stand in ``call_faults.py``. A docstring here says when its error is raised.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import (
    ArgumentError,
    DTypeError,
    GraphError,
    MicrobnError,
    ShapeError,
    listed,
)
from .mode import mode
from .names import describe
from .node import has_history, is_node, plain, replaced

# Leaves and arrays.


def no_leaf(data: Any, name: Any) -> DTypeError:
    """A Tensor is made from a Tensor, or its name is not a text."""
    if is_node(data):
        return DTypeError("this is a Tensor already; Tensor(t.data) is a new leaf of its values")
    return tensor_name(name)


def no_array(data: Any, error: Exception) -> Exception:
    """NumPy makes no array from the data."""
    if isinstance(error, MicrobnError):  # there is a Tensor among the data
        return error
    return ShapeError(f"cannot make a tensor: {ragged(data, error)}")


def no_floats(data: Any, dtype: np.dtype) -> DTypeError:
    """The data are not floats."""
    if dtype.kind in "USO":
        kind = "objects" if dtype.kind == "O" else "text"
        joined = "; join Tensors with np.stack([*box.flat])" * any(map(is_node, np.ravel(data)))
        return DTypeError(
            f"cannot make a tensor from {kind}, {data!r:.60}; it needs floats{joined}"
        )
    if dtype.kind not in "fiub":
        return DTypeError(f"cannot make a tensor from {dtype}; it needs floats")
    write = "1. instead of 1" if np.ndim(data) == 0 else "[1., 2.] instead of [1, 2]"
    write = f"write {write}, or " if dtype.kind in "iub" else ""
    return DTypeError(f"a tensor needs float32 or float64, got {dtype}; {write}pass dtype=float")


def no_operand(rows: Any, error: Exception) -> ShapeError:
    """A list or tuple is not an array."""
    return ShapeError(f"cannot compute with {rows!r:.60}: {ragged(rows, error)}")


def ragged(rows: Any, error: Exception) -> str:
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


# Tensors.


def tensor_name(name: Any) -> DTypeError:
    """A Tensor's name is not a text."""
    return DTypeError(f"a Tensor's name is text, got {name!r:.60}")


def label_names(names: Any) -> ArgumentError:
    """`label` is given no dict of names."""
    return ArgumentError(f"label: takes a dict such as locals(), got {names!r:.60}")


def scope_name(name: Any) -> ArgumentError:
    """A scope's name is not a text."""
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


def uncopied(tensor: Any) -> GraphError:
    """A computed Tensor is copied or pickled."""
    return GraphError(f"{describe(tensor)} has a history, which is not copied; take its .data")


# Gradients.


def no_start(root: Any, who: str = "a backward") -> Exception:
    """No backward can start here without a cotangent, or at all."""
    if not is_node(root):
        what, way_out = type(root).__name__, "a gradient is one only with create_graph=True"
        if callable(root):
            what, way_out = "a function", "call it first: grad(f(x), x)"
        elif isinstance(root, np.ndarray) and root.dtype == object:
            what, way_out = "an array of objects", "make them one with np.sum"
        elif isinstance(root, (tuple, list)) and any(map(is_node, root)):
            way_out = f"take one of its fields: {listed(getattr(root, '_fields', ['[0]', '...']))}"
        return DTypeError(f"{who} starts from a Tensor, not from {what}; {way_out}")
    if not has_history(root):
        return GraphError(
            f"{describe(root)} has no history: nothing here was recorded. Start from the result "
            "of a computation on Tensors, made outside no_grad()"
        )
    if not root.flows:
        return DTypeError(f"{describe(root)} holds {root.dtype}: no gradient flows back from it")
    return ShapeError(
        f"a backward starts from a scalar; {describe(root)} has shape {root.shape}. "
        "Pass the cotangent, an array of this shape, or use .sum()"
    )


def no_cotangent(root: Any, given: Any) -> Exception:
    """A cotangent does not fit the root."""
    return _unlike("the cotangent", describe(root), root, given)


def _unlike(what: str, whose: str, tensor: Any, given: Any) -> Exception:
    try:
        array = np.asarray(plain(given))
    except ValueError as error:
        return ShapeError(f"{what} is not an array: {ragged(given, error)}")
    if array.dtype.kind not in "fiub":
        return DTypeError(f"{what} is an array of numbers, got {given!r:.60}")
    return ShapeError(f"{what} has shape {array.shape}, {whose or 'the Tensor'} {tensor.shape}")


def no_gradient(output: Any, inputs: Sequence) -> Exception:
    """A gradient is asked for of something other than a Tensor, or with respect to it."""
    if not is_node(output):
        return no_start(output, "grad")
    position, x = next((i, x) for i, x in enumerate(inputs) if not is_node(x))
    way_out = "; pass an array of scalars as a list, list(box.flat)" * isinstance(x, np.ndarray)
    return DTypeError(
        f"grad: input {position} is a {type(x).__name__}; only Tensors get gradients{way_out}"
    )


def nothing_to_call(name: str, f: Any, given: Sequence) -> ArgumentError:
    """A Jacobian is asked of no function, or at no array."""
    if callable(f):
        return ArgumentError(f"{name}: x is empty; give one array, or several in a tuple")
    return ArgumentError(
        f"{name}: the first argument is a function, as in {name}(f, x); got {f!r:.60}"
    )


def called_with(name: str, error: Any) -> Exception:
    """A function takes another number of arguments than x has arrays, or fails inside."""
    if error.__traceback__.tb_next:
        return error
    return ArgumentError(
        f"{name}: {error}; a list or tuple x is several arguments, np.array(x) one"
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
    operand = replaced(node)[0]
    return GraphError(
        f"the data of {describe(operand)} was replaced since the forward ran; a gradient "
        "with a graph of its own may need what it was made from. Run the forward again"
    )
