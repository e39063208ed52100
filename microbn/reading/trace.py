"""`trace`: the origin of a NaN or an infinity, and of microbn's own lines of code."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np

from ..engine.mode import Watch, mode, switched
from ..engine.names import describe
from ..engine.node import is_node, plain
from ..engine.primitive import CALLS
from ..errors import NonFiniteError
from .lines import Line, expression_at, is_ours, line_of
from .tape import is_entrywise


@contextmanager
def trace() -> Iterator[None]:
    """``with trace():`` watches the values, and remembers which lines of microbn made each Tensor.

    A Tensor always knows the line of the user's code. Under trace() it also knows the line of
    microbn's code that this one led to, and the variables that held its constant operands.

    A NaN or an infinity that appears in a forward or a backward inside raises NonFiniteError. The
    error names the function, the index, the line, and the operand that brought it, if one did.
    NumPy's own warnings are switched off. An infinity that you wrote yourself, as in the mask of an
    attention, is allowed, and so is one that follows from it.
    """
    watches = mode.get().watches
    if not any(isinstance(watch, _Trace) for watch in watches):
        watches = (*watches, _Trace())
    with switched("watches", watches), np.errstate(all="ignore"):
        yield


class _Trace(Watch):
    """Raises NonFiniteError for a value that is not finite, and says where that came from."""

    def made(self, node: Any) -> None:
        """Remember the line, and check the value.

        An infinity passes if the user wrote it into a leaf or a constant, such as the mask of an
        attention, or if it follows from one that the user wrote.
        """
        node.line = users_line(node)
        if (fault := first_fault(node.value)) is None:
            return
        if (fault := first_fault(np.where(_meant(node), 0, node.value))) is None:
            return
        name = node.function.__name__ if node.function else node.name or "a leaf"
        where = f"made at {line_of(node) or 'the call'}"
        seen = _seen_at(node, fault[0])
        for position, (operand, part) in enumerate(zip(node.inputs, seen, strict=True)):
            if part is not None and first_fault(part):
                who = describe(operand, True) if is_node(operand) else "a constant"
                where += f"; operand {position}, {who}, brought it: {spell(first_fault(part))}"
                break
        else:
            if node.args:
                where += f"; it appears here, from {_there(seen) or 'finite operands'}"
        group = ".".join(node.scope)
        raise NonFiniteError(f"{name}{f' in {group}' * bool(group)}: {spell(fault)}, {where}")

    def sent(self, node: Any, position: int, operand: Any, part: Any, earlier: Any) -> None:
        """Check the gradient that a node sends, and its sum with those that came earlier."""
        fault, where = first_fault(part), f"operand {position}, {describe(operand, True)}"
        if node is None:
            if fault:
                raise NonFiniteError(f"the cotangent is {spell(fault)}")
            return
        if fault:
            there = _there(_seen_at(node, fault[0]) if operand.shape == node.shape else [])
            what, there = (
                f"the gradient for {where}, is {spell(fault)}",
                there and (f"; the operands are {there}"),
            )
        elif earlier is not None and (fault := first_fault(plain(earlier) + plain(part))):
            what, there = f"with the gradient for {where}, its sum becomes {spell(fault)}", ""
        else:
            return
        raise NonFiniteError(f"backward of {describe(node, True)}: {what}, {_made_at(node)}{there}")


def _meant(node: Any) -> Any:
    """Return a mask of the infinities of a node that follow from infinities that are meant.

    Infinities in a constant or a leaf are the user's. So are those in a node that was made under
    this trace(), which would have raised an error for any others. The function is computed again
    with ones in place of these infinities. An infinity that is still there has another cause.
    """
    if not node.function:
        return np.isinf(node.value)
    finite = [
        x if is_node(operand) and operand.function and operand.line is None else _ones(x)
        for x, operand in zip(node.args, node.inputs, strict=True)
    ]
    with np.errstate(all="ignore"):
        again = CALLS[node.function].compute(*finite, **node.kwargs)
    return np.isinf(node.value) & np.isfinite(again)


def _ones(x: Any) -> Any:
    """Return the same numbers, with 1 and -1 in the places of infinities."""
    if not (isinstance(x, (np.ndarray, np.generic, float)) and np.asarray(x).dtype.kind == "f"):
        return x
    return np.where(np.isinf(x), np.sign(x), x).astype(np.asarray(x).dtype)[()]


def users_line(node: Any) -> Line:
    """Return the line that is making a node now, outside of microbn and NumPy."""
    frame, inside, ran = sys._getframe(1), None, None
    while frame.f_back and is_ours(frame.f_code.co_filename):
        name = frame.f_globals.get("__name__", "")
        if not inside and name.startswith("microbn.") and name not in _MACHINERY:
            inside, ran = Line(frame.f_code.co_filename, frame.f_lineno), frame
        frame = frame.f_back
    constants = _names_of_constants(node, ran or frame)
    return Line(frame.f_code.co_filename, frame.f_lineno, inside, constants)


def _names_of_constants(node: Any, frame: Any) -> tuple[tuple[int, str], ...]:
    """Return the position and the name of each constant that a variable holds.

    The variable is an operand of the expression that ran. Only floats and arrays of numbers have a
    name: a count such as ``n`` reads better as a number.
    """
    here, around = frame.f_locals, frame.f_globals
    words, in_order = _operands_in_words(frame.f_code, frame.f_lasti)
    held = {word: here.get(word, around.get(word, number)) for word, number in words}
    held = {word: value for word, value in held.items() if _may_have_a_name(value)}
    spoken = [word for word, _ in words]
    in_order = in_order and len(words) == len(node.inputs)
    found = []
    for position, operand in enumerate(node.inputs if held else ()):
        if _may_have_a_name(operand):
            there = spoken[position] if in_order else ""
            name = _name_of_constant(operand, there, spoken, held, node.inputs)
            if name.isidentifier():
                found.append((position, name))
    return tuple(found)


def _name_of_constant(
    x: Any, there: str, spoken: Sequence[str], held: Mapping[str, Any], operands: Sequence
) -> str:
    """Return the word that holds x: the one in its place, or else the only one, or "".

    A word is for no more operands than the expression has it, as ``low`` in
    ``np.stack([x, low, box.high])`` is for one, even if both are equal.
    """
    equal = [word for word, value in held.items() if np.array_equal(x, value)]
    if there in equal:
        return there
    alike = [y for y in operands if _may_have_a_name(y) and np.array_equal(x, y)]
    only = len(equal) == 1 and len(alike) <= spoken.count(equal[0])
    return equal[0] if only else ""


def _may_have_a_name(x: Any) -> bool:
    return isinstance(x, float) or (isinstance(x, np.ndarray) and x.dtype != object)


@lru_cache
def _operands_in_words(code: CodeType, instruction: int) -> tuple[list[tuple[str, Any]], bool]:
    """Return the operands of the expression that an instruction computes, read from its source.

    They are its variables, each with None, the numbers that are written out in it, and "" for
    everything else. The function may take them in another order if some are named or unpacked, and
    then False is returned with them.
    """
    expression = expression_at(code, instruction)
    words: list[tuple[str, Any]] = []
    for operand in _children(expression):
        word, number = operand.id if isinstance(operand, ast.Name) else "", None
        with suppress(ValueError, TypeError):
            number = ast.literal_eval(operand)
            word = ast.unparse(operand)
        words.append((word, number))
    moved = any(isinstance(part, (ast.Starred, ast.keyword)) for part in ast.walk(expression))
    return words, not moved


def _children(expression: ast.AST) -> Iterator[ast.AST]:
    """Yield the operands of an expression. Those in a list are operands too."""
    for child in ast.iter_child_nodes(expression):
        if isinstance(child, (ast.List, ast.Tuple, ast.Starred, ast.keyword)):
            yield from _children(child)
        elif isinstance(child, ast.expr) and child is not getattr(expression, "func", None):
            yield child


_MACHINERY = {
    *("microbn.engine.tensor", "microbn.engine.record", "microbn.engine.mode"),
    *("microbn.engine.primitive", "microbn.engine.functions", "microbn.engine.composed.table"),
    *("microbn.engine.composed.joins", "microbn.engine.composed.sizes"),
    "microbn.reading.trace",
}


def _seen_at(node: Any, index: tuple) -> list:
    """Return the operands of a node at an index of its value, if it works entry by entry.

    For other functions it returns them whole. An axis or an index is returned as None.
    """
    numbers = (np.ndarray, np.generic, float, int)
    seen = [v if isinstance(v, numbers) else None for v in node.args]
    if not is_entrywise(node.function):
        return seen
    return [None if v is None else np.broadcast_to(v, node.shape)[index] for v in seen]


def _there(seen: Sequence) -> str:
    numbers = [v for v in seen if v is not None and np.ndim(v) == 0]
    return " and ".join(f"{v:.6g}" for v in numbers) + " there" if numbers else ""


def first_fault(value: Any) -> Any:
    """Return the index and value of the first entry that is not finite; None if all are."""
    value = np.asarray(plain(value))
    if value.dtype.kind != "f" or np.isfinite(value).all():
        return None
    index = tuple(np.argwhere(~np.isfinite(value))[0].tolist())
    return index, value[index]


def spell(fault: tuple) -> str:
    """Spell a fault: ``nan at [2, 1]``."""
    index, value = fault
    return f"{value} at {list(index)}" if index else f"{value}"


def _made_at(node: Any) -> str:
    group = f" in {'.'.join(node.scope)}" if node.scope else ""
    line = line_of(node) or (node.line and "the call")
    return f"made{group} at {line}" if line else f"made{group} under no_lines()"
