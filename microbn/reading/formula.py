"""formula: what a function computes, or its gradient rules, in words.

The function is called with Symbols, so that its own code writes the words.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, count
from typing import Any

import numpy as np

from ..arguments import declared_parameters
from ..engine.names import spelled
from ..engine.primitive import CALLS, RULES, rules_of
from ..engine.tensor import Tensor
from ..errors import ArgumentError, RuleError
from .symbol import (
    Symbol,
    TooLongError,
    call_in_words,
    symbol_of,
    text_of,
)

_ONE_PAGE = 2_000  # characters; a longer composition is not shown


def formula(function: Callable, *operands: Any, **keywords: Any) -> Any:
    """Return ``function(*operands, **keywords)`` in words; for a primitive, its gradient rules.

    A function with gradient rules (a key of ``RULES``) gives a tuple. For each operand it holds the
    gradient, made from ``g``, the gradient of the output ``out``, or None if there is no rule. Any
    other function of arrays gives its expression, or a tuple of expressions if it returns a tuple
    or a list. A NumPy function that is composed of others gives its composition. If the composition
    depends on values, or is too long to read, formula writes the call instead.

    A string as an operand is a name, unless the parameter takes text, as a mode does. A Tensor is
    an example: it has the shape and the values that the code may ask for, and is called by its own
    name or by that of the parameter. Arrays of floats are examples too if no operand is a name or a
    Tensor. Everything else is a constant. Operands that are left out get the names of the
    parameters.

    Raises ArgumentError if the code depends on shapes or values and no operand is an example, or if
    it returns None or a text. Raises DTypeError if the code makes an array of an operand, and
    RuleError for a NumPy function that a Tensor refuses.

    >>> formula(np.multiply, "gamma", "x_hat")
    ('g · x_hat', 'g · gamma')
    >>> formula(np.var, "x"), formula(np.pad, "x", 1)
    ('mean(square(x - mean(x, keepdims=True)))', 'pad(x, 1)')
    """
    if not callable(function):
        raise ArgumentError(f"formula: reads a function, got {function!r:.60}")
    keywords = {k: symbol_of(x, k) if isinstance(x, Tensor) else x for k, x in keywords.items()}
    if function in RULES:
        return _rules(function, operands, keywords)
    from ..engine.composed import COMPOSED, JOINS, REFUSED, unruled  # on first need

    if function in REFUSED:
        raise unruled(function)
    if function in JOINS:
        arrays, *axis = operands or [()]
        keywords = {**({"axis": axis[0]} if axis else {}), **keywords}
        return formula(JOINS[function], *arrays, **keywords)
    if function in COMPOSED:
        return _composition(function, COMPOSED[function], operands, keywords)
    result = function(*_operands(function, operands, keywords), **keywords)
    if result is None or isinstance(result, str):
        name = getattr(function, "__name__", "the function")
        got = "None" if result is None else "a text"
        raise ArgumentError(f"formula: {name} returns {got}; it has to return what it computes")
    return _result(result)


def _rules(function: Callable, operands: tuple, keywords: Mapping) -> tuple:
    """Return the gradient rule of each operand in words."""
    rules = RULES[function]
    if not any(rules):
        return (None,) * len(rules)
    if len(operands) > (most := CALLS[function].most):
        name = spelled(function)
        raise ArgumentError(f"formula: {name} takes {most} operands, not {len(operands)}")
    operands = _operands(next(filter(None, rules)), operands, keywords, skip=2)
    out = function(*operands, **keywords)
    out = Symbol("out", out.value if isinstance(out, Symbol) else out)
    g = Symbol("g", None if out.value is None else np.ones_like(out.value))
    every = rules_of(function, len(operands))
    return tuple(rule and text_of(rule(g, out, *operands, **keywords)) for rule in every)


def _composition(function: Callable, made: Any, given: tuple, keywords: Mapping) -> Any:
    """Return the composition of a function in words, or its call if words cannot tell it.

    Nothing is known about an operand that has no example. So an error about it is nobody's mistake,
    and an error about something else, such as a mode that does not exist, is raised.
    """
    from ..engine.composed import check_arguments  # on first need

    inside, declared = made.function, made.signature.parameters
    names = {k for k in keywords if k in declared and not _takes_text(declared[k])}
    keywords = {k: _operand(x, k) if k in names else x for k, x in keywords.items()}
    named = any(p.kind < p.VAR_POSITIONAL for p in declared.values())
    named = named or not declared_parameters(function)  # older versions of NumPy declare none
    operands = _operands(inside if named else function, given, keywords)
    check_arguments(function, operands, keywords)
    try:
        words = _result(inside(*operands, **keywords))
        if len(str(words)) <= _ONE_PAGE:
            return words
    except Exception as error:
        absent = [x.text for x in _symbols((operands, [*keywords.values()])) if x.value is None]
        about_it = any(re.search(rf"(?<!\w){re.escape(x)}(?!\w)", str(error)) for x in absent)
        mistake = isinstance(error, (ArgumentError, RuleError)) and not about_it
        if (mistake or not absent) and not isinstance(error, TooLongError):
            raise
    return call_in_words(function, operands, keywords)


def _result(result: Any) -> Any:
    return tuple(map(text_of, result)) if isinstance(result, tuple) else text_of(result)


def _symbols(thing: Any) -> Iterator[Symbol]:
    """Yield the Symbols in nested lists and tuples."""
    if isinstance(thing, Symbol):
        yield thing
    elif isinstance(thing, (tuple, list)):
        for one in thing:
            yield from _symbols(one)


def _operands(function: Callable, given: tuple, keywords: Mapping, skip: int = 0) -> tuple:
    """Return the operands as Symbols and constants; those left out get their parameters' names."""
    parameters = declared_parameters(function)[skip:]
    several = inspect.Parameter.VAR_POSITIONAL
    named = [p for p in parameters if p.kind < several and p.name not in keywords]
    rest = next((p.name for p in parameters if p.kind == several), "operands")
    texts = {
        i
        for i, (x, p) in enumerate(zip(given, named, strict=False))
        if isinstance(x, str) and _takes_text(p)
    }
    words = [*_names_among([x for i, x in enumerate(given) if i not in texts])]
    taken = {str(getattr(x, "name", x)) for x in words}
    names = [p.name + "_" * (p.name in taken) for p in named]
    all_names = chain(names, (f"{rest}[{i}]" for i in count()))
    read = (
        x if i in texts else _operand(x, name, examples=not words)
        for i, (x, name) in enumerate(zip(given, all_names, strict=False))
    )
    required = [name for p, name in zip(named, names, strict=True) if p.default is p.empty]
    if not given and any(p.kind == several for p in parameters):
        required += [rest] if names else [f"{rest}[0]", f"{rest}[1]"]
    return (*read, *map(Symbol, required[len(given) :]))


def _names_among(operands: Any) -> Iterator[Any]:
    """Yield the names, the Symbols and the Tensors among operands, and in lists of them."""
    for one in operands:
        for x in one if isinstance(one, (tuple, list)) else [one]:
            if isinstance(x, (str, Symbol, Tensor)):
                yield x


def _takes_text(parameter: inspect.Parameter) -> bool:
    """Return whether a string for a parameter is no name: a mode, a method, subscripts."""
    annotated = "str" in re.findall(r"\w+", str(parameter.annotation))
    return annotated or isinstance(parameter.default, str)


def _operand(given: Any, name: str, examples: bool = False) -> Any:
    if isinstance(given, str):
        return Symbol(given)
    if isinstance(given, Tensor):
        return symbol_of(given, name)
    if examples and isinstance(given, np.ndarray) and given.ndim and given.dtype.kind == "f":
        return Symbol(name, given)
    if isinstance(given, (tuple, list)):
        return type(given)(_operand(one, f"{name}[{i}]", examples) for i, one in enumerate(given))
    return given
