"""Compute the operations of an exported program, one after another, with microbn's functions."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from ..engine.mode import scope
from ..engine.names import Local
from ..engine.node import Record, is_node
from ..engine.record import numbers
from ..errors import GraphError, listed
from ..reading.lines import Line, noted_line
from .aten import ATEN, SAME_NUMBERS, as_promoted
from .origins import line_in_module, module_path, said_where
from .refused import Refused

COMPARED = {"eq": "==", "ne": "≠", "lt": "<", "le": "≤", "gt": ">", "ge": "≥"}


def compute(
    nodes: Sequence, variables: Mapping[str, str], values: dict[str, Any], words: Mapping[str, str]
) -> list:
    """Compute all operations, each in the group of its module, and return the outputs.

    ``values`` has what is given, by the names of nodes, and ``words`` has names for it. What is
    computed gets the names of ``variables``, and the line of the module's code.
    """
    words, origins = dict(words), dict[int, Any]()
    for node in nodes:
        if node.op != "call_function":
            continue
        args, kwargs = (_with_values(values, part) for part in (node.args, node.kwargs))
        start = next(numbers)
        with ExitStack() as groups:
            for part in module_path(node):
                groups.enter_context(scope(part))
            values[node.name] = value = _result_of(node, args, kwargs)
        spoken = [words.get(getattr(x, "name", ""), "") for x in node.args]
        held = [*zip(spoken, args, strict=True)]
        if not is_node(value) and (said := _said_of_constant(node, held)):
            words[node.name] = said
        _note_line(node, value, start, held, origins)
        if node.name in variables:
            _name_after(value, variables[node.name])
    outputs = [_with_values(values, x) for x in nodes[-1].args[0]]
    for record in (value.record for value in outputs if is_node(value)):
        if record.name is None:
            record.origin = origins.get(record.number, record.origin)
    return outputs


def _name_after(value: Any, variable: str) -> None:
    """Name a value after the module's variable; those of one variable are told apart in pictures.

    A value keeps the name that it has.
    """
    if is_node(value) and value.record.name is None:
        value.name = Local(variable)


def check_operations(nodes: Sequence) -> None:
    """Raise GraphError with all operations that have no counterpart, and their lines."""
    missing: dict[str, str] = {}
    for node in nodes:
        if node.op not in ("placeholder", "output") and _operation(node) is None:
            missing.setdefault(_operation_name(node), said_where(node))
    if missing:
        found = listed(f"{name}{line}" for name, line in missing.items())
        raise GraphError(
            f"from_torch: there is no counterpart for {found}; leave it out, or write that part "
            "with other operations"
        )


def _operation(node: Any) -> Callable | None:
    """Return the function of NumPy's for a node, or None if there is none."""
    if node.target is operator.getitem:
        return _one_output
    name = _operation_name(node)
    return ATEN.get(name, ATEN.get(name.split(".")[0]))


def _one_output(outputs: Sequence, i: int) -> Any:
    """Return one output of an operation; one that is seldom asked for is computed only now."""
    if outputs[i] is None:
        raise Refused(f"its output {i} has no counterpart; compute it with other operations")
    return outputs[i]() if callable(outputs[i]) else outputs[i]


def _operation_name(node: Any) -> str:
    """Return the name of a node's operation, such as ``add.Tensor``, also for an output of it."""
    made = node.args[0] if node.target is operator.getitem else node
    return str(made.target).removeprefix("aten.")


def _result_of(node: Any, args: Sequence, kwargs: Mapping[str, Any]) -> Any:
    """Compute a node. Raises GraphError with its line if its arguments have no counterpart."""
    dtype = getattr(node.meta.get("val"), "dtype", None)
    try:
        args = as_promoted(_operation_name(node).split(".")[0], args, dtype)
        return _operation(node)(*args, **kwargs)  # type: ignore[misc]
    except Refused as error:
        raise GraphError(
            f"from_torch: {_operation_name(node)}{said_where(node)}: {error}"
        ) from None


def _note_line(node: Any, value: Any, start: int, held: Sequence, origins: dict[int, Any]) -> None:
    """Give the values that an operation computed the line of the module, and its constants' names.

    They are numbered from ``start`` on. The code that called the function would name all of them
    like its result, so it is taken off, and kept in ``origins``. ``held`` has the operands, each
    behind its name.
    """
    line = line_in_module(node)
    for record in _made_since(start, value):
        said = noted_line(record)
        named = ((i, _word_for(x, held)) for i, x in enumerate(record.inputs))
        constants = tuple((i, word) for i, word in named if word)
        constants = constants or (said.constants if said else ())
        said = Line(*line) if line else said
        record.line = said and said._replace(constants=constants)
        origins[record.number], record.origin = record.origin, None


def _said_of_constant(node: Any, held: Sequence) -> str:
    """Return the name of what was computed from one named constant: ``mask``, or ``mask == 0``."""
    name, (word, _) = _operation_name(node).split(".")[0], (held or [("", None)])[0]
    if word and name in (*SAME_NUMBERS, "slice", "select"):
        return word
    if word and name in COMPARED and isinstance(node.args[1], (int, float)):
        return f"{word} {COMPARED[name]} {node.args[1]:g}"
    return f"not {word}" if word and name in ("logical_not", "bitwise_not") else ""


def _word_for(x: Any, held: Sequence) -> str:
    """Return the name of an operand that is a constant, which may have got another shape."""
    if not isinstance(x, (np.ndarray, np.generic)):
        return ""
    same = (word for word, y in held if word and not is_node(y) and _same_numbers(x, y))
    return next(same, "")


def _same_numbers(x: Any, y: Any) -> bool:
    return np.size(x) == np.size(y) and np.array_equal(np.ravel(x), np.ravel(y))


def _made_since(start: int, value: Any) -> Iterator[Any]:
    """Yield the records that were made since a number was the next, as far as a value used them."""
    parts = value if isinstance(value, (tuple, list)) else [value]
    found = [part.record for part in parts if is_node(part)]
    seen = set()
    while found:
        record = found.pop()
        if record.number > start and record.number not in seen:
            seen.add(record.number)
            found += [x for x in record.inputs if isinstance(x, Record)]
            yield record


def _with_values(values: Mapping[str, Any], x: Any) -> Any:
    """Put values in the places of nodes."""
    if isinstance(x, (tuple, list)):
        return type(x)(_with_values(values, one) for one in x)
    if isinstance(x, dict):
        return {key: _with_values(values, one) for key, one in x.items()}
    return values[x.name] if hasattr(x, "op") else x
