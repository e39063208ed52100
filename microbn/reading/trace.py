"""Where a NaN or an infinity came from: what is checked under `trace`, and the lines of code."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from linecache import getline
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from ..engine.functions import is_entrywise
from ..engine.mode import _set, mode
from ..engine.node import describe, is_node, plain
from ..engine.primitive import CALLS
from ..errors import NonFiniteError


def check_value(
    function: Any,
    value: Any,
    values: Sequence = (),
    inputs: Sequence = (),
    kwargs: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Raise NonFiniteError if what a function gave is not finite, and say where that came from.

    An infinity that was meant passes: one that the user wrote, into a leaf or a constant such as
    the mask of an attention, or that follows from such a one. ``function`` is the name of a leaf
    where nothing was computed.
    """
    if (fault := first_fault(value)) is None:
        return
    meant = _meant(function, value, values, inputs, kwargs)
    if (fault := first_fault(np.where(meant, 0, value))) is None:
        return
    name, where = getattr(function, "__name__", function), f"made at {users_line()}"
    seen = [_at(v, fault[0], np.shape(value), function) for v in values]
    for position, (operand, part) in enumerate(zip(inputs, seen, strict=True)):
        if part is not None and first_fault(part):
            who = describe(operand) if is_node(operand) else "a constant"
            where += f"; operand {position}, {who}, brought it: {spell(first_fault(part))}"
            break
    else:
        if values:
            where += f"; it appears here, from {_there(seen) or 'finite operands'}"
    group = ".".join(mode.get().scope)
    raise NonFiniteError(f"{name}{f' in {group}' * bool(group)}: {spell(fault)}, {where}")


def _meant(function: Any, value: Any, values: Sequence, inputs: Sequence, kwargs: Mapping) -> Any:
    """Return a mask of the infinities in ``value`` that follow from infinities that are meant.

    Those of a constant and of a leaf are the user's, and so are those of what was computed under
    this trace(), which would not have let others pass. With ones in their places the function is
    computed again: what is infinite then is so for another reason.
    """
    if not values:
        return np.isinf(value)
    finite = [
        x if is_node(operand) and operand.function and operand.line is None else _ones(x)
        for x, operand in zip(values, inputs, strict=True)
    ]
    with np.errstate(all="ignore"):
        return np.isinf(value) & np.isfinite(CALLS[function].compute(*finite, **kwargs))


def _ones(x: Any) -> Any:
    """The same numbers, with 1 and -1 in the places of infinities."""
    if not (isinstance(x, (np.ndarray, np.generic, float)) and np.asarray(x).dtype.kind == "f"):
        return x
    return np.where(np.isinf(x), np.sign(x), x).astype(np.asarray(x).dtype)[()]


def check_gradient(node: Any, position: int, part: Any, earlier: Any) -> None:
    """Raise NonFiniteError if the gradient for an operand, or its sum with the earlier ones, is
    not finite.
    """
    operand = node.inputs[position]
    where = f"operand {position}, {describe(operand)}"
    if (fault := first_fault(part)) is not None:
        same = operand.shape == node.shape
        seen = [_at(v, fault[0], node.shape, node.function) for v in node.args] if same else []
        what = f"the gradient for {where}, is {spell(fault)}"
        there = f"; the operands are {_there(seen)}" if _there(seen) else ""
    elif (
        earlier is not None and (fault := first_fault(plain(earlier[1]) + plain(part))) is not None
    ):
        what, there = f"with the gradient for {where}, its sum becomes {spell(fault)}", ""
    else:
        return
    raise NonFiniteError(f"backward of {describe(node)}: {what}, {_made(node)}{there}")


class Line(NamedTuple):
    """A line of the user's code; ``inside`` is the line of microbn's own that it led to, as in
    functional.py or, of a gradient's graph, in rules.py.
    """

    file: str
    number: int
    inside: Line | None = None

    def __str__(self) -> str:
        code = getline(self.file, self.number).strip()
        return f"{Path(self.file).name}:{self.number}" + (f": {code}" if code else "")


def users_line() -> Line:
    """The line that is running now, outside of microbn and NumPy."""
    frame, inside = sys._getframe(1), None
    while frame.f_back and _ours(name := frame.f_globals.get("__name__", "")):
        if not inside and name.startswith("microbn.") and name not in _MACHINERY:
            inside = Line(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return Line(frame.f_code.co_filename, frame.f_lineno, inside)


def _ours(name: str) -> bool:
    """Whether a module is not the user's; the built-in examples stand in for the user's code."""
    return name.split(".")[0] in _OURS and name not in _EXAMPLES


_OURS = {"microbn", "numpy", "contextlib"}
_EXAMPLES = {"microbn.cli.targets", "microbn.cli.examples", "microbn.lab.tour"}
_MACHINERY = {
    *("microbn.engine.tensor", "microbn.engine.mode", "microbn.engine.primitive"),
    *("microbn.engine.functions", "microbn.reading.trace"),
}


def _at(value: Any, index: tuple, shape: tuple, function: Any) -> Any:
    """An operand at the index, where the function works entry by entry; else all of it."""
    if not isinstance(value, (np.ndarray, np.generic, float, int)):
        return None
    return np.broadcast_to(value, shape)[index] if is_entrywise(function) else value


def _there(seen: Sequence) -> str:
    numbers = [v for v in seen if v is not None and np.ndim(v) == 0]
    return " and ".join(f"{v:.6g}" for v in numbers) + " there" if numbers else ""


def first_fault(value: Any) -> Any:
    """The index and the value of the first entry that is not finite; None if all are."""
    value = np.asarray(plain(value))
    if value.dtype.kind != "f" or np.isfinite(value).all():
        return None
    index = tuple(np.argwhere(~np.isfinite(value))[0].tolist())
    return index, value[index]


def spell(fault: tuple) -> str:
    """``nan at [2, 1]``."""
    index, value = fault
    return f"{value} at {list(index)}" if index else f"{value}"


def _made(node: Any) -> str:
    group = f" in {'.'.join(node.scope)}" if node.scope else ""
    return f"made{group} at {node.line}" if node.line else f"made{group} outside trace()"


@contextmanager
def trace() -> Iterator[None]:
    """``with trace():`` remembers which line of code made each Tensor, and watches the values.

    A NaN or an infinity that appears in a forward or a backward inside raises NonFiniteError. It
    names the function, the index, the line, and the operand that brought it, if one did; NumPy's
    warnings about the same are off. An infinity that you wrote yourself, as in the mask of an
    attention, is no fault, and neither is one that follows from it.
    """
    with _set("tracing", True), np.errstate(all="ignore"):
        yield
