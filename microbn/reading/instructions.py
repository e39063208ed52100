"""Python's instructions put a value into a variable, or give it back to the caller.

The instruction that stores a value follows the one that computed it, and the values between them
lie on Python's stack. So neither the source nor a frame is needed.
"""

from __future__ import annotations

import dis
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType

RETURNED = "return"  # no variable can have this name
Entry = int | None  # the position of a value in a tuple, or None


@lru_cache(4096)
def destination(code: CodeType, at: int, depth: int = 0, entry: Entry = None) -> tuple[str, Entry]:
    """Follow a value from the instruction that pushed it, and return the name of its variable.

    The name is `RETURNED` if the function returns the value, and "" if something else uses it.
    ``depth`` is how many values lie above it on the stack. ``entry`` says that the value is in a
    tuple, and a tuple that is returned comes with its entry.
    """
    steps = _instructions(code)[1]
    index = _step_before(code, at) + 1
    if steps[index - 1].opname == "PRECALL":  # Python 3.11 makes some calls here
        index += 1
    for _ in range(200):
        step = steps[index]
        kind, n = step.opname, step.arg or 0
        index = _step_before(code, step.argval) if kind == "JUMP_FORWARD" else index + 1
        if kind == "JUMP_FORWARD":
            continue
        if kind == "BUILD_TUPLE" and depth < n and entry is None:
            depth, entry = 0, n - 1 - depth
        elif kind == "UNPACK_SEQUENCE" and depth == 0 and entry is not None:
            depth, entry = entry, None
        else:
            word, depth = _after(step, depth)
            if word is not None:
                return (word, entry) if word == RETURNED or entry is None else ("", None)
    return "", None


def instruction(code: CodeType, at: int) -> dis.Instruction:
    """Return the instruction at an offset."""
    return _instructions(code)[1][_step_before(code, at)]


def stores(code: CodeType) -> Iterator[tuple[str, int]]:
    """Yield the name of each variable that is set, with the offset of the instruction."""
    for step in _instructions(code)[1]:
        if step.opname.startswith(_STORES):
            names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
            taken = names[:1] if step.opname == "STORE_FAST_LOAD_FAST" else names
            yield from ((name, step.offset) for name in taken)


@lru_cache(4096)
def callee(code: CodeType, at: int) -> str:
    """Return the last word of what an instruction calls, ``mean`` for ``x.mean(axis=0)``, or "".

    The callee lies below its arguments on the stack.
    """
    call, height = instruction(code, at), 0
    if (arguments := _arguments(call)) is None:
        return ""
    for step in reversed(_instructions(code)[1][: _step_before(code, call.offset)]):
        if height == 0 and step.opname in ("PRECALL", "KW_NAMES"):
            continue
        if height == -arguments and step.opname != "PUSH_NULL":
            return step.argval if step.opname.startswith("LOAD_") else ""
        if height > -arguments or step.opname != "PUSH_NULL":
            height -= dis.stack_effect(step.opcode, step.arg, jump=False)
        if height < -arguments:
            return ""
    return ""


def iterated(code: CodeType, at: int) -> str:
    """Return what an instruction iterates over: ``map`` for ``f(*map(g, x))``, or ""."""
    steps, index = _instructions(code)[1], _step_before(code, at)
    iterates = steps[index].opname in _ITERATING
    return callee(code, steps[index - 1].offset) if iterates else ""


def _arguments(call: dis.Instruction) -> int | None:
    """Return how many values lie above the callee, or None if nothing is called."""
    n = call.arg or 0
    if call.opname == "CALL_FUNCTION_EX":  # f(*args, **kwargs)
        return 1 + (n & 1)
    return {"CALL": n, "PRECALL": n, "CALL_KW": n + 1}.get(call.opname)


@lru_cache(64)
def _instructions(code: CodeType) -> tuple[list[int], list[dis.Instruction]]:
    """Return the offsets of a code's instructions, and the instructions."""
    steps = [step for step in dis.get_instructions(code) if step.opname != "EXTENDED_ARG"]
    return [step.offset for step in steps], steps


def _step_before(code: CodeType, at: int) -> int:
    return bisect_right(_instructions(code)[0], at) - 1


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
    if kind == "RETURN_VALUE" and depth == 0:
        return RETURNED, 0
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


_ITERATING = ("CALL_FUNCTION_EX", "LIST_EXTEND", "UNPACK_SEQUENCE", "UNPACK_EX")
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
