"""Find a name in somebody's file, and values for its parameters."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from types import ModuleType, new_class
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..nn.module import Module
from ..testing.checker.inputs import positional

SHORT = {"fwd": "forward", "bwd": "backward"}
NameWords = tuple[str, ...]


def named(module: ModuleType, name: str) -> Any:
    """Return the thing with that name in a module, or its forward and its backward as a tuple.

    ``conv_naive`` finds conv_forward_naive and conv_backward_naive; so does ``conv`` if there is no
    other. ``batchnorm_backward_alt`` goes with batchnorm_forward if there is no
    batchnorm_forward_alt. Raises ArgumentError if nothing has the name, or if a half is missing.
    """
    found = getattr(module, name, None)
    words = _words(name)
    ways = {"forward", "backward"} & set(words)
    if (callable(found) or hasattr(found, "forward")) and (inspect.isclass(found) or not ways):
        return found
    functions = {key: _words(key) for key, f in vars(module).items() if inspect.isroutine(f)}
    forward, backward = (
        name if way in words and name in functions else _one_of(functions, way, _rest(words))
        for way in ("forward", "backward")
    )
    forward = forward or (backward and _one_of(functions, "forward", _rest(functions[backward])))
    backward = backward or (forward and _one_of(functions, "backward", _rest(functions[forward])))
    if not any(_begins(_rest(functions[key]), _rest(words)) for key in (forward, backward) if key):
        forward = backward = ""  # functions of a shorter name belong to another layer
    if forward and backward:
        return getattr(module, forward), getattr(module, backward)
    if callable(found) and name != backward:
        return found
    why = _not_found(name, functions, forward, backward)
    raise ArgumentError(f"{Path(module.__file__ or '').name} {why}")


def _one_of(functions: Mapping[str, NameWords], way: str, wanted: NameWords) -> str:
    """Return the one forward (or backward) whose name matches ``wanted``.

    An exact match wins over a longer name, and a longer name over a shorter one. Returns "" if
    no function matches, or more than one.
    """
    rests = {key: _rest(words) for key, words in functions.items() if way in words}
    for fits in (
        lambda rest: rest == wanted,
        lambda rest: wanted and _begins(rest, wanted),
        lambda rest: rest and _begins(wanted, rest),
    ):
        if found := [key for key, rest in rests.items() if fits(rest)]:
            return found[0] if len(found) == 1 else ""
    return ""


def _not_found(name: str, functions: Mapping[str, NameWords], forward: str, backward: str) -> str:
    """Say what is missing in a file, and what is there instead."""
    if forward:
        other = forward.replace("forward", "backward").replace("Forward", "Backward")
        return (
            f"has {forward} and no backward for it; write {other}(dout, cache), which returns a "
            "gradient for each input"
        )
    if backward:
        return f"has {backward}, and no one forward that goes with it"
    wanted = _rest(_words(name))
    forwards = [_rest(words) for words in functions.values() if "forward" in words]
    if several := [other for other in forwards if wanted and _begins(other, wanted)]:
        return f"has several of that name: choose {' or '.join(map('_'.join, several))}"
    names = [*map("_".join, forwards), *functions]
    close = get_close_matches(name, names, cutoff=0.4)
    return f"has no function {name!r}, nor {name}_forward and {name}_backward" + (
        f"; did you mean {close[0]}?" if close else ""
    )


def _words(name: str) -> NameWords:
    """Split a name into words: ``conv_forwardNaive`` becomes conv, forward, naive."""
    words = re.findall(r"[A-Z]*[a-z0-9]+|[A-Z]+", name)
    return tuple(SHORT.get(word.lower(), word.lower()) for word in words)


def _begins(words: NameWords, first: NameWords) -> bool:
    return words[: len(first)] == first


def _rest(words: NameWords) -> NameWords:
    return tuple(word for word in words if word not in ("forward", "backward"))


def parameters(f: Any) -> list[inspect.Parameter]:
    """Return the parameters of a function, of a class, or of a layer's forward.

    ``*args`` and ``**kwargs`` are left out. Raises ArgumentError for a Module without a forward.
    """
    if isinstance(f, Module) and "forward" not in vars(f):
        _need_forward(type(f))
    called = f if inspect.isclass(f) else getattr(f, "forward", f)
    many = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p for p in inspect.signature(called).parameters.values() if p.kind not in many]


def of_instances(made: type) -> list[inspect.Parameter]:
    """Return the parameters of the forward that the instances of a class have.

    Raises ArgumentError for a class without a forward.
    """
    _need_forward(made)
    name = _call_name(made)
    if name not in dir(made) or not (hasattr(made, "forward") or "__call__" in vars(made)):
        raise ArgumentError(f"{made.__name__} has no forward to check")
    static = isinstance(inspect.getattr_static(made, name), staticmethod)
    return parameters(getattr(made, name))[not static :]


def _need_forward(made: type) -> None:
    """Raise ArgumentError for a class of Modules that has not written its forward."""
    if issubclass(made, Module) and made.forward is Module.forward:
        place = " in place of __call__" * (made.__call__ is not Module.__call__)
        raise ArgumentError(f"{made.__name__} has no forward; write forward(self, x){place}")


def _call_name(made: type) -> str:
    return "forward" if hasattr(made, "forward") else "__call__"


def matched(
    target: str, wanted: Sequence[inspect.Parameter], given: Sequence[str], rng: np.random.Generator
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a value by name for each parameter without a default, and the values of the others.

    A parameter that can only be given by name counts as one of the others.
    """
    pairs = [PAIR.fullmatch(text) for text in given]
    values = {pair[1]: pair[2] for pair in pairs if pair}
    shapes = [shape_from(text) for text, pair in zip(given, pairs, strict=True) if not pair]
    if unknown := values.keys() - {p.name for p in wanted}:
        known = ", ".join(p.name for p in wanted)
        raise ArgumentError(f"{target} has no parameter {min(unknown)!r}; it has {known or 'none'}")
    needed = [p.name for p in positional(wanted) if p.default is p.empty]
    left = iter([name for name in needed if name not in values])
    if len(shapes) != len(needed) - len(values.keys() & needed):
        raise ArgumentError(_shapes_wanted(target, needed))
    drawn = dict(zip(left, shapes, strict=True))
    found = {
        name: rng.normal(size=drawn[name]) if name in drawn else _value_from(values[name], rng)
        for name in needed
    }
    return found, {name: _value_from(values[name], rng) for name in values.keys() - needed}


def _shapes_wanted(target: str, needed: Sequence[str]) -> str:
    if not needed:
        return f"{target} takes no shapes: it has no parameters"
    return (
        f"{target} takes {len(needed)} shape{'s' * (len(needed) != 1)}, one for each parameter "
        f"without a default ({', '.join(needed)}): write 8x3, 3 or () for each that is an array of "
        f"floats; labels, options and sizes are given by name: {needed[-1]}=VALUE, in Python, such "
        "as 4, \"[0, 2]\" or \"{'mode': 'train'}\""
    )


def with_options(f: Any, options: Mapping[str, Any]) -> Any:
    """Return a function that is always called with these options.

    A layer gets them in its forward, and so do a pair of functions and the instances of a class.
    """
    if not options:
        return f
    if isinstance(f, tuple):
        forward, backward = f
        return with_options(forward, options), backward
    if inspect.isclass(f):
        name = _call_name(f)
        static = isinstance(inspect.getattr_static(f, name), staticmethod)
        bound = with_options(getattr(f, name), options)
        body = {name: staticmethod(bound) if static else bound, "__module__": f.__module__}
        return new_class(f.__name__, (f,), exec_body=lambda space: space.update(body))
    if hasattr(f, "forward"):
        f.__class__ = with_options(type(f), options)
        return f

    @wraps(f)
    def called(*inputs: Any) -> Any:
        return f(*inputs, **deepcopy(dict(options)))

    return called


def _value_from(text: str, rng: np.random.Generator) -> Any:
    """Read the text as a Python literal; a list of numbers becomes an array.

    Other text is a shape, as ``8x3`` is, or stays text.
    """
    try:
        value = _literal(text)
    except NO_LITERAL:
        return rng.normal(size=shape_from(text)) if SHAPE.fullmatch(text) else text
    if isinstance(value, list):
        try:
            array = np.array(value)
        except ValueError:  # ragged
            return value
        return array if array.dtype.kind in "fiub" else value
    return value


def text_alone(text: str) -> bool:
    """Return whether a value stays text, because it is no Python literal and no shape."""
    try:
        _literal(text)
    except NO_LITERAL:
        return not SHAPE.fullmatch(text)
    return False


def _literal(text: str) -> Any:
    """Read a Python literal, in which ``nan`` and ``inf`` are numbers too."""
    tree = ast.parse(text.strip(), mode="eval")
    return ast.literal_eval(_NamedNumbers().visit(tree))


class _NamedNumbers(ast.NodeTransformer):
    """Replaces the names nan and inf by their values."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Constant(float(node.id)) if node.id in ("nan", "inf") else node


PAIR = re.compile(r"([^\W\d]\w*)=(.*)", re.DOTALL)
SHAPE = re.compile(r"-?\d+(x-?\d+)+")
NO_LITERAL = (ValueError, SyntaxError, MemoryError, RecursionError)


def shape_from(text: str) -> tuple[int, ...]:
    """Read a shape such as ``8x3``. Raises ArgumentError for anything else."""
    sides = [] if text == "()" else text.split("x")
    if not all(side.isdecimal() and int(side) for side in sides):
        raise ArgumentError(no_shape(text))
    return tuple(map(int, sides))


def no_shape(text: str) -> str:
    """Say what to write instead of something that is not a shape."""
    return (
        f"{text!r} is not a shape; write 8x3, 3, or () for a number, with no side below 1, or "
        "name=value for anything but an array of floats"
    )
