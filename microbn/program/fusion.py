"""Fusion: it finds the calls of a program that run together, in the loops of one kernel.

NumPy passes over memory in each call: it reads whole arrays, and writes a whole array. A kernel
takes an entry through many calls before it turns to the next entry. So it reads only its operands
from memory, and writes only its results.

A kernel makes calls that work entry by entry on arrays of one shape (n, w), sums over their n rows,
and whatever is computed from rows of w numbers. Everything else stays a call of NumPy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..engine.functions import gate, relu, spread
from ..engine.node import is_node
from .source import POWERS

# Each call that a kernel can make: its text for one entry, and a letter for each operand, "f" for
# floats or "b" for truth values. All of these calls are exact or correctly rounded. Others, such as
# np.exp, are left out, because NumPy rounds them in its own way. For relu of -0, NumPy gives 0.
# fmt: off
ENTRIES: dict[Any, tuple[str, str]] = {
    np.add:           ("{0} + {1}", "ff"),
    np.subtract:      ("{0} - {1}", "ff"),
    np.multiply:      ("{0} * {1}", "ff"),
    np.divide:        ("{0} / {1}", "ff"),
    np.negative:      ("-{0}", "f"),
    np.positive:      ("{0}", "f"),
    np.square:        ("{0} * {0}", "f"),
    np.reciprocal:    ("one / {0}", "f"),
    np.sqrt:          ("np.sqrt({0})", "f"),
    np.abs:           ("abs({0})", "f"),
    relu:             ("zero if {0} <= zero else {0}", "f"),
    gate:             ("{0} if {1} else zero", "fb"),
    np.where:         ("{1} if {0} else {2}", "bff"),
    np.greater:       ("{0} > {1}", "ff"),
    np.greater_equal: ("{0} >= {1}", "ff"),
    np.less:          ("{0} < {1}", "ff"),
    np.less_equal:    ("{0} <= {1}", "ff"),
    np.equal:         ("{0} == {1}", "ff"),
    np.not_equal:     ("{0} != {1}", "ff"),
    np.logical_and:   ("{0} and {1}", "bb"),
    np.logical_or:    ("{0} or {1}", "bb"),
    np.logical_not:   ("not {0}", "b"),
    np.bitwise_and:   ("{0} and {1}", "bb"),
    np.bitwise_or:    ("{0} or {1}", "bb"),
    np.invert:        ("not {0}", "b"),
    spread:           ("{0}", "f"),
    np.broadcast_to:  ("{0}", "f"),
    np.reshape:       ("{0}", "f"),
    np.expand_dims:   ("{0}", "f"),
    np.squeeze:       ("{0}", "f"),
}
# fmt: on
SUMS = (np.sum, np.mean)
RESHAPES = (np.reshape, np.expand_dims, np.squeeze)  # a kernel makes those of rows alone
SHAPED = (*RESHAPES, spread, np.broadcast_to)  # their operands after the first are shapes and axes
BOOL = np.dtype(bool)


def gathered(nodes: Sequence) -> list[list]:
    """Return the calls in the order in which they run, as lists of those that run together.

    A call that stays NumPy's is alone in its list.
    """
    readers: dict[int, list] = defaultdict(list)
    for node in nodes:
        for number in read_by([node]):
            readers[number].append(node)
    found: list[list] = []
    waiting = {node.number for node in nodes}
    for i, node in enumerate(nodes):
        if node.number in waiting:
            ahead, members = _around(nodes, i, waiting, readers)
            found += [*([one] for one in ahead), members]
            waiting -= {one.number for one in (*ahead, *members)}
    return found


def _around(nodes: Sequence, start: int, waiting: set, readers: dict) -> tuple[list, list]:
    """Return the calls that run together with the one at ``start``, and those that run before them.

    Each of the first reads another one, or an array that another one reads. Forward and backward
    stay apart, because a value of the backward that came early would be stored until it is read.
    """
    first, last = nodes[start], nodes[start].number
    draft, loose = Draft(), dict[int, Any]()  # loose calls could run before the kernel
    for i in range(start, len(nodes) if draft.fits(first) else start):
        node = nodes[i]
        if node.number > last:
            break
        read = read_by([node])
        late = any(x in waiting and x not in draft.members and x not in loose for x in read)
        if late or node.number not in waiting or node.role != first.role:
            continue
        if draft.fits(node) and draft.is_near(read):
            draft.add(node)
            near = (reader for x in {node.number, *(read & draft.shared)} for reader in readers[x])
            last = max([last, *(reader.number for reader in near if reader.role == first.role)])
        elif not any(x in draft.members for x in read):
            loose[node.number] = node
    ahead, members = _with_what_it_reads(draft, loose)
    worth = sum(kind(node) != "row" for node in members) > 1
    return (ahead, members) if worth else ([], [first])


class Draft:
    """A kernel that is growing: the calls in it, and the wide arrays that they read."""

    def __init__(self) -> None:
        self.members: dict[int, Any] = {}
        self.shared: set[int] = set()
        self.shape: tuple | None = None  # (n, w), or None while there are only rows
        self.width: int | None = None
        self.dtype: Any = None

    def fits(self, node: Any) -> bool:
        """Return whether the kernel can make this call too, in loops of its shape."""
        what, dtype = kind(node), float_of(node)
        wide = wide_shape(node) if what in ("wide", "sum") else self.shape
        return (
            what != ""
            and self.width in (None, node.shape[-1])
            and self.shape in (None, wide)
            and (dtype is None or self.dtype in (None, dtype))
        )

    def is_near(self, read: set[int]) -> bool:
        """Return whether a call that reads these nodes belongs to the kernel."""
        return not self.members or any(x in self.members or x in self.shared for x in read)

    def add(self, node: Any) -> None:
        self.members[node.number] = node
        self.width = node.shape[-1]
        self.dtype = float_of(node) if self.dtype is None else self.dtype
        if kind(node) != "row":
            self.shape = wide_shape(node)
            self.shared |= {x.number for x in node.inputs if is_node(x) and x.shape == self.shape}


def _with_what_it_reads(draft: Draft, loose: dict[int, Any]) -> tuple[list, list]:
    """Return the calls that run before a kernel, and its members with all loose ones that fit."""
    ahead: list[Any] = []
    needed, before = read_by(draft.members.values()), set[int]()
    for number in sorted(loose.keys(), reverse=True):
        node = loose[number]
        if number in before or (number in needed and not draft.fits(node)):
            ahead.insert(0, node)
            before |= read_by([node])
        elif number in needed:
            draft.add(node)
            needed |= read_by([node])
    return ahead, [draft.members[number] for number in sorted(draft.members)]


def template(node: Any) -> tuple[str, Sequence, str]:
    """Return a call's text for one entry, its operands and their letters, as in ``ENTRIES``.

    The text is empty if no kernel can make the call.
    """
    function, operands = node.function, node.inputs
    if function is np.power and type(operands[1]) in (int, float):
        function, operands = POWERS.get(operands[1]), operands[:1]
    text, letters = ENTRIES.get(function, ("", ""))
    return text, operands[: len(letters)], letters


def kind(node: Any) -> str:
    """Return what a call is to a kernel: "wide", "sum" or "row", or "" if it stays NumPy's.

    A wide call has one entry for each column of several rows, a sum adds up the rows of a wide
    array, and a row has one entry for each column.
    """
    shape = node.shape
    if len(shape) not in (1, 2) or shape[-1] < 2 or not node.value.flags.c_contiguous:
        return ""
    if node.function in SUMS:
        return "sum" if _sums_rows(node) else ""
    if not _is_entry(node):
        return ""
    if len(shape) == 2 and shape[0] > 1:
        return "wide"
    return "row" if node.size == shape[-1] else ""


def _sums_rows(node: Any) -> bool:
    """Return whether a call adds up the rows of a wide array one after another, from the first on.

    NumPy does so if a row has several columns that lie side by side. Else it adds up pairwise.
    """
    x, axis = node.inputs[0], dict(zip(["axis"], node.inputs[1:], strict=False)) | node.kwargs
    return (
        axis.get("axis") in (0, (0,))
        and axis.keys() <= {"axis", "keepdims"}
        and is_node(x)
        and len(x.shape) == 2
        and min(x.shape) > 1
        and x.value.flags.c_contiguous
        and x.dtype == node.dtype
        and _is_float(x.dtype)
    )


def _is_entry(node: Any) -> bool:
    """Return whether a kernel can make this call with the bits that NumPy gives."""
    text, operands, letters = template(node)
    if not text or (node.kwargs and node.function not in SHAPED):
        return False
    if node.function in RESHAPES and np.shape(operands[0])[-1:] != (np.size(operands[0]),):
        return False
    dtypes = {node.dtype} - {BOOL}
    for x, letter in zip(operands, letters, strict=True):
        if type(x) in (int, float) and letter == "f":
            continue
        if not isinstance(x, (np.ndarray, np.generic)) and not is_node(x):
            return False
        if len(x.shape) > 2 or (x.dtype == BOOL) != (letter == "b"):
            return False
        dtypes |= {x.dtype} - {BOOL}
    return len(dtypes) < 2 and all(map(_is_float, dtypes))


def _is_float(dtype: Any) -> bool:
    return dtype in (np.float32, np.float64)


def float_of(node: Any) -> Any:
    """Return the dtype of the floats in a call, or None if all are truth values."""
    known = (x.dtype for x in (node, *node.inputs) if hasattr(x, "dtype"))
    return next(filter(_is_float, known), None)


def wide_shape(node: Any) -> tuple:
    """Return the shape of the array that a call passes over: for a sum, that of its operand."""
    return node.inputs[0].shape if node.function in SUMS else node.shape


def read_by(nodes: Iterable) -> set[int]:
    """Return the numbers of the nodes that these read."""
    return {x.number for node in nodes for x in node.inputs if is_node(x)}
