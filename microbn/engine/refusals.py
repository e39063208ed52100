"""Sentences that a Tensor says where it refuses what an array would do.

An error names the Tensor and the way out, at the line where the mistake is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import DTypeError, GraphError, ShapeError
from .arrays import check_plain, from_list
from .faults import explain
from .mode import compiling
from .node import boxed, describe, has_history, is_node


def new_data(leaf: Any, new: Any) -> None:
    """Raise where a Tensor's data cannot be replaced by these: GraphError or ShapeError."""
    if compiling.get() is not None:
        raise GraphError(
            f"compile: f replaces the data of {describe(leaf)}, which a program cannot; return the "
            "new value, and pass it the next time"
        )
    if leaf.function is not None:
        raise GraphError(
            f"{describe(leaf)} was computed: its data follows from its inputs, and only a leaf's "
            "can be replaced. Make a new Tensor instead"
        )
    if isinstance(new, (list, tuple)):
        new = from_list(new)
    if np.shape(new) != leaf.shape:
        raise ShapeError(f"the new data has shape {np.shape(new)}, the Tensor {leaf.shape}")


def set_name(tensor: Any, new: Any) -> None:
    """Give a Tensor a name, or None. Raises DTypeError for a name that is no text."""
    if not (new is None or isinstance(new, str)):
        raise DTypeError(f"a Tensor's name is text, got {new!r:.60}")
    tensor._name = new


def set_grad(tensor: Any, new: Any) -> None:
    """Set a Tensor's ``.grad``. Raises DTypeError or ShapeError for what is no gradient of it."""
    value = tensor.value
    if new is not None and not (
        type(new) is np.ndarray and new.shape == value.shape and new.dtype is value.dtype
    ):
        new = _gradient(f"the .grad of {describe(tensor)}", value, new)
    tensor._grad = new


def _gradient(what: str, value: Any, new: Any) -> np.ndarray:
    if is_node(new):
        raise DTypeError(f"{what} is an array; give the gradient's .data")
    check_plain(new)
    try:
        array = np.asarray(new)
    except ValueError as error:
        raise ShapeError(f"{what} is no array: {error}") from None
    if array.dtype.kind not in "fiub":
        raise DTypeError(f"{what} is an array of numbers, got {new!r:.60}")
    if array.shape != value.shape:
        raise ShapeError(f"{what} has shape {array.shape}, the Tensor {value.shape}")
    return array.astype(value.dtype, copy=False)


def one_number(tensor: Any) -> Any:
    """The one number in a Tensor, as Python's. Raises ShapeError where there are more."""
    if tensor.size != 1:
        raise ShapeError(f"a tensor of shape {tensor.shape} is not one number; reduce it first")
    return tensor.value.item()


def to_number(kind: type) -> Callable:
    """The method for ``float(t)`` and for all that calls it, such as ``math.exp(t)``.

    It raises DTypeError where the number would leave a graph, GraphError while that is compiled.
    """

    def method(self: Any) -> Any:
        if self.flows and (self.function is None or has_history(self)):
            raise DTypeError(
                f"{describe(self)} does not become a number in passing, where its history would "
                "be lost; take t.item() or t.data on purpose, print it by f'{t:.3f}', and compute "
                "with NumPy's functions, np.exp(t) for math.exp(t)"
            )
        return kind(self.item())

    return method


def to_array(self: Any, dtype: Any = None, copy: Any = None) -> Any:
    """Raise DTypeError for ``np.asarray(t)`` and all that calls it."""
    raise DTypeError(
        "a Tensor does not become an array in passing, where its history would be lost; take its "
        "values with t.data, or t.item() of each in a list, join Tensors with np.stack, and take "
        "the mean of an array of scalars by np.sum(a) / a.size"
    )


def set_entries(self: Any, index: Any, value: Any) -> None:
    """Raise GraphError for ``t[index] = value``."""
    raise GraphError(
        "what is recorded never changes, so a Tensor's entries cannot be set; choose entry by "
        "entry with np.where, or replace a leaf's data whole: p.data = ..."
    )


def unfrozen(tensor: Any, what: str) -> None:
    """Raise GraphError where Python reads a value that would stay the same in a program."""
    operands = compiling.get()
    if operands is not None and (tensor.number in operands or has_history(tensor)):
        raise GraphError(
            f"compile: f asks for {what} of {describe(tensor)}, which every run of the program "
            "would take from the example; choose with np.where and np.maximum instead of if and "
            "max, or decide before compiling"
        )


def of_objects(ufunc: np.ufunc, method: str, inputs: Sequence, kwargs: Mapping) -> Any:
    """A ufunc of Tensors and arrays of scalars. Its errors name the shapes."""
    boxes = [*map(boxed, inputs)]
    try:
        return getattr(ufunc, method)(*boxes, **kwargs)
    except (ValueError, TypeError) as error:
        raise explain(ufunc, boxes, kwargs, error) from None


def in_place(self: Any, other: Any) -> Any:
    """Refuse ``leaf -= numbers``: Python would bind a new Tensor and leave the leaf unchanged."""
    if self.function is None and not is_node(other):
        raise GraphError(
            "this would make a new Tensor and leave the leaf as it is; to update a parameter write "
            "p.data -= ..., and t = t - ... where a new Tensor is meant"
        )
    return NotImplemented  # Python goes on to t = t - other


def absent(name: str, instead: str) -> property:
    """Make a property that raises AttributeError and says what to write instead.

    One by one: a ``__getattr__`` for all would make each attribute that is there slow.
    """

    def missing(self: Any) -> Any:
        raise AttributeError(f"a Tensor has no {name!r}; write {instead}")

    return property(missing)
