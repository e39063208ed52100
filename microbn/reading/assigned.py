"""The name of a value: its own, or that of the variable it was assigned to.

``mu = x.mean(axis=0)`` makes a value that is called mu. So does ``mu = f(x)`` if the
user's function f ends in ``return x.mean(axis=0)``.
"""

from __future__ import annotations

import builtins
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from ..engine.functions import getitem
from ..engine.names import Local, OneCall
from ..engine.node import Record
from .instructions import RETURNED, callee, destination, instruction, iterated


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
    if (origin := record.origin) is None or origin.is_result:
        return origin is not None
    alone = not _is_call(record) or callee(origin.code, origin.at) == _maker(record)
    return alone and not _composed_call(record)


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
        if record.origin and (_is_call(record) or _composed_call(record)):
            by_call[_call_of(record)].append(record)
    for (code, *_), made in by_call.items():
        words = {*code.co_names, *code.co_varnames}
        inner |= {x.number for x in made if x.dtype == bool and _maker(x) not in words}  # of max()
        if len(makers := {*map(_maker, made)}) > 1 or not makers <= words:
            mine = {record.number for record in made}
            used: Any = (x for record in made for x in record.inputs if type(x) is Record)
            inner |= {x.number for x in used if x.number in mine and not x.origin.is_result}
    return inner


def _call_of(record: Any) -> tuple:
    return record.origin.code, record.origin.at, _composed_call(record)


def _composed_call(record: Any) -> str | None:
    """Return the call of a composed function that made a node, if one did."""
    return next((part for part in record.scope if type(part) is OneCall), None)


def _maker(record: Any) -> str:
    return record.function.__name__ if record.function else record.kind.__name__


def _is_call(record: Any) -> bool:
    """Return whether the user's code called something, and did not write an operator."""
    return instruction(record.origin.code, record.origin.at).opname.startswith(_CALLS)


_CALLS = ("CALL", "PRECALL", "LOAD_ATTR")  # a property is a call too


def _target_of(record: Any) -> str:
    """Return the name of the variable that a value was stored in, or "" if it is not known."""
    if (origin := record.origin) is None:
        return ""
    depth, step = 0, instruction(origin.code, origin.at)
    if step.opname.startswith("UNPACK_"):  # a, b = x takes x[0] and x[1]
        depth = record.inputs[1] if record.function is getitem else -1
        if depth not in range((step.arg or 0) & 0xFF):  # *rest takes a list
            return ""
    word, entry = destination(origin.code, origin.at, depth)
    function = origin.code.co_name
    for code, at in origin.callers:
        asked = callee(code, at)
        others = asked != function and not _OTHERS.isdisjoint((asked, iterated(code, at)))
        if word != RETURNED or others:
            break
        word, entry = destination(code, at, 0, entry)
        function = code.co_name
    return "" if word == RETURNED else word


# Functions that call the user's function, and do not simply return what it returned.
_OTHERS = {*dir(builtins), "reduce", "accumulate", "starmap"}
Record.called = _word
