"""The name of a value: its own, or that of the variable it was assigned to.

``mu = x.mean(axis=0)`` makes a value that is called mu. Python's own instructions say so: what
follows the call is the one that stores its result. So neither the source nor a frame is needed.
"""

from __future__ import annotations

import dis
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any

from ..engine.functions import getitem
from ..engine.names import Local, OneCall
from ..engine.node import Record
from .lines import expression_at


def called(node: Any) -> str:
    """Return the name of a node, or "" if it has none.

    It is the name that the user gave, or that of the variable it was assigned to, or the one that
    microbn's own code gave. Of a function that makes several nodes only `names_of` can tell which
    of them was assigned.
    """
    return _word(node.record)


def _word(record: Any) -> str:
    if record.name and type(record.name) is not Local:
        return record.name
    return (_target_of(record) if _is_result(record) else "") or record.name or ""


def _is_result(record: Any) -> bool:
    """Return whether a node is surely what its instruction computed, and no step on the way."""
    if record.code is None or record.at < 0:
        return record.code is not None
    alone = not _is_call(record) or _callee(record.code, record.at) == _maker(record)
    return alone and not _composed_call(record)


@lru_cache(4096)
def _callee(code: CodeType, at: int) -> str:
    """Return the last word of what an instruction calls, ``mean`` for ``x.mean(axis=0)``."""
    what = getattr(expression_at(code, at), "func", None)
    return getattr(what, "attr", getattr(what, "id", ""))


def names_of(tape: Iterable) -> dict[int, str]:
    """Map the number of each node of a graph to its name, "" if it has none.

    A name that the user gave counts most, then the variable of an assignment, then the name that
    microbn's own code gave.
    """
    records = [node.record for node in tape]
    inner = _inner(records)
    found = {}
    for record in records:
        given = str(record.name or "")
        open_to_others = not given or type(record.name) is Local
        if open_to_others and record.number not in inner and record.role != "parameter":
            given = _target_of(record) or given
        found[record.number] = given
    return found


def _inner(records: Sequence[Any]) -> set[int]:
    """Return the numbers of the nodes that only a call used that the user's code made.

    One instruction may call a function that makes many nodes, such as a layer. Those of its nodes
    that others of them use are not what the call returned. But if a loop computes ``x = np.exp(x)``
    again and again, then each node is.
    """
    inner, by_call = set(), defaultdict(list)
    for record in records:
        if record.code is not None and (_is_call(record) or _composed_call(record)):
            by_call[_call_of(record)].append(record)
    for (code, *_), made in by_call.items():
        words = {*code.co_names, *code.co_varnames}
        inner |= {x.number for x in made if x.dtype == bool and _maker(x) not in words}  # of max()
        if len(makers := {*map(_maker, made)}) > 1 or not makers <= words:
            mine = {record.number for record in made}
            used: Any = (x for record in made for x in record.inputs if type(x) is Record)
            inner |= {x.number for x in used if x.number in mine and x.at >= 0}
    return inner


def _call_of(record: Any) -> tuple:
    return record.code, max(record.at, ~record.at), _composed_call(record)


def _composed_call(record: Any) -> str | None:
    """Return the call of a composed function that made a node, if one did."""
    return next((part for part in record.scope if type(part) is OneCall), None)


def _maker(record: Any) -> str:
    return record.function.__name__ if record.function else record.kind.__name__


def _is_call(record: Any) -> bool:
    """Return whether the user's code called something, and did not write an operator."""
    return _instruction(record.code, max(record.at, ~record.at)).opname.startswith(_CALLS)


_CALLS = ("CALL", "PRECALL", "LOAD_ATTR")  # a property is a call too


def _target_of(record: Any) -> str:
    """Return the name of the variable that a value was stored in, or "" if it is not known."""
    if record.code is None:
        return ""
    at, depth = max(record.at, ~record.at), 0
    step = _instruction(record.code, at)
    if step.opname.startswith("UNPACK_"):  # a, b = x takes x[0] and x[1]
        depth = record.inputs[1] if record.function is getitem else -1
        if depth not in range((step.arg or 0) & 0xFF):  # *rest takes a list
            return ""
    return _target(record.code, at, depth)


@lru_cache(64)
def _instructions(code: CodeType) -> tuple[list[int], list[dis.Instruction]]:
    """Return the offsets of a code's instructions, and the instructions."""
    steps = [step for step in dis.get_instructions(code) if step.opname != "EXTENDED_ARG"]
    return [step.offset for step in steps], steps


def _step_before(code: CodeType, at: int) -> int:
    return bisect_right(_instructions(code)[0], at) - 1


def _instruction(code: CodeType, at: int) -> dis.Instruction:
    return _instructions(code)[1][_step_before(code, at)]


@lru_cache(4096)
def _target(code: CodeType, at: int, depth: int) -> str:
    """Follow a value on Python's stack, from the instruction that pushed it to the one that stores.

    ``depth`` is how many values lie above it.
    """
    steps = _instructions(code)[1]
    index = _step_before(code, at) + 1
    if steps[index - 1].opname == "PRECALL":  # Python 3.11 makes some calls here
        index += 1
    for _ in range(200):
        step = steps[index]
        if step.opname == "JUMP_FORWARD":
            index = _step_before(code, step.argval)
            continue
        if step.opname == "BUILD_TUPLE" and steps[index + 1].opname == "UNPACK_SEQUENCE":
            count = step.arg or 0
            if depth < count == steps[index + 1].arg:  # a, b, c, d = ...
                depth, index = count - 1 - depth, index + 2
                continue
        word, depth = _after(step, depth)
        if word is not None:
            return word
        index += 1
    return ""


def _after(step: dis.Instruction, depth: int) -> tuple[str | None, int]:
    """Return the name under which an instruction stores the value, or else its new depth.

    The name is "" if something else uses the value.
    """
    kind, n = step.opname, step.arg or 0
    if kind in ("STORE_FAST_LOAD_FAST", "STORE_FAST_STORE_FAST"):
        taken = step.argval[: 1 + (kind == "STORE_FAST_STORE_FAST")]
        return (taken[depth], 0) if depth < len(taken) else (None, depth - 2 * len(taken) + 2)
    if kind == "STORE_ATTR" and depth == 1:
        return step.argval, 0
    if kind in _STORES and depth == 0:
        return step.argval, 0
    if kind == "SWAP" and depth in (0, n - 1):
        return None, n - 1 - depth
    if kind == "COPY" and depth == n - 1:
        return None, 0  # the copy is stored first, as in (y := x * 2)
    effect = dis.stack_effect(step.opcode, step.arg, jump=False)
    pushed = next((count for kinds, count in _PUSHED if kind.startswith(kinds)), None)
    pushed = n if kind == "UNPACK_SEQUENCE" else pushed
    if pushed is None or depth < (effect if pushed < 0 else pushed) - effect:
        return "", 0
    return None, depth + effect


_STORES = ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF")
# How many values an instruction puts onto the stack; -1 for one that takes none away.
_PUSHED: list[tuple[tuple[str, ...], int]] = [
    (("LOAD_METHOD",), 2),
    (("LOAD_ATTR", "BINARY_", "COMPARE_OP", "CONTAINS_OP", "IS_OP", "UNARY_", "CALL"), 1),
    (("BUILD_",), 1),
    (("NOP", "PRECALL", "KW_NAMES", "STORE_", "POP_TOP", "SWAP"), 0),
    (("LOAD_FAST", "LOAD_CONST", "LOAD_NAME", "LOAD_GLOBAL", "LOAD_DEREF", "LOAD_SMALL_INT"), -1),
    (("PUSH_NULL", "COPY"), -1),
]
Record.called = _word
