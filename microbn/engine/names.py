"""Names in a graph: of a Tensor after the variable that holds it, of a group after its function."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import cache, wraps
from itertools import islice
from types import CodeType
from typing import Any, TypeVar

import numpy as np

from ..errors import MicrobnError, faults
from .mode import Mode, mode
from .node import Record, is_node, plain

SomeFunction = TypeVar("SomeFunction", bound=Callable)


def label(names: Mapping[str, Any]) -> None:
    """Name Tensors after the variables that hold them: ``label(locals())``.

    A Tensor keeps the first name it is given, and programs use it too. Stories and errors call a
    Tensor without a name after the variable that it was assigned to. The Tensors in an object
    array, such as `scalars` makes, are named with their index: ``x[0, 1]``.

    Raises ArgumentError unless ``names`` is a dict.
    """
    if not isinstance(names, (dict, Mapping)):  # dict comes first: Mapping is slow to ask
        raise faults.label_names(names)
    _label_result(None, names, word_of=str)


def labelled(function: SomeFunction) -> SomeFunction:
    """Decorate a function, so that the Tensors it makes are named after its local variables.

    When the function is defined, it is compiled again from its source, with each ``return y``
    replaced by ``return _label_result(y, locals(), ...)``. Parameters are left out, so that the
    arguments keep the caller's names. When two variables hold one Tensor, the variable
    that comes first in the source names it. A function whose source is not at hand stays as it is,
    and names nothing.
    """
    try:
        tree = ast.parse(inspect.getsource(function))
    except OSError:
        return function
    parameters = len(inspect.signature(function).parameters)
    for node in [part for part in ast.walk(tree) if isinstance(part, ast.Return)]:
        call: Any = ast.parse(f"_label_result(None, locals(), {parameters})", mode="eval").body
        for part in ast.walk(call):
            ast.copy_location(part, node)
        call.args[0], node.value = node.value or call.args[0], call
    function.__code__ = _compiled(tree, function.__code__)
    function.__globals__[_label_result.__name__] = _label_result
    return function


def _compiled(tree: ast.Module, old: CodeType) -> CodeType:
    """Compile a function's tree in place of its old code: the file and the lines stay the same."""
    ast.increment_lineno(ast.fix_missing_locations(tree), old.co_firstlineno - 1)
    made = compile(tree, old.co_filename, "exec").co_consts
    return next(code for code in made if isinstance(code, CodeType) and code.co_name == old.co_name)


class Local(str):
    """A name that microbn's own code gave. The variable that the user assigns to counts more."""


_local = cache(Local)


def _label_result(result: Any, names: Mapping, skipped: int = 0, word_of: Any = _local) -> Any:
    """Name the Tensors in ``names``, except for the first ``skipped``, and return the result."""
    if all_numbers(result if type(result) is tuple else (result,)):
        return result
    for name, value in islice(names.items(), skipped, None):
        if is_node(value) and value.record.name is None:
            value.name = word_of(name)
        elif isinstance(value, np.ndarray) and value.dtype.kind == "O" and value.ndim:
            for place, entry in np.ndenumerate(value):
                if is_node(entry) and entry.name is None:
                    entry.name = word_of(f"{name}[{', '.join(map(str, place))}]")
    return result


def all_numbers(things: Iterable) -> bool:
    """Return whether all of these are NumPy's own arrays of numbers: no call of them is recorded.

    It is quick rather than complete: of other things, too, nothing may be recorded.
    """
    return all([type(x) is np.ndarray and not x.dtype.hasobject for x in things])  # a fast loop


class OneCall(str):
    """The scope of one call of a composed function. Two calls of np.var have two scopes."""

    __slots__ = ()
    __eq__, __ne__, __hash__ = object.__eq__, object.__ne__, object.__hash__


def one_line(function: SomeFunction, *group: str) -> SomeFunction:
    """Decorate a function, so that it looks up the user's line once for all Tensors that it makes.

    It must not call a function of the user's, as the lines of that one would be lost.
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        if not group and all_numbers((*args, *kwargs.values())):
            return function(*args, **kwargs)
        recording, groups, watches, role, lines = before = mode.get()
        origin = Record.here(None, 2) if lines is True else lines
        try:
            mode.set(Mode(recording, (*groups, *map(OneCall, group)), watches, role, origin))
            return function(*args, **kwargs)
        except MicrobnError as error:
            raise (faults.called_by(function, error) if group else error) from error.__cause__
        finally:  # a single call: no Ctrl-C can come before it
            mode.set(before)

    return wraps(function)(call)  # type: ignore[return-value]


def one_box(function: SomeFunction) -> SomeFunction:
    """Decorate a function, so that each call of it with Tensors is a group named after it.

    An error from inside names it too. What `one_line` says holds for it as well.
    """
    return one_line(function, function.__name__)


def describe(node: Any, own: bool = False) -> str:
    """Return a node in words: its name, and the function that made it, as `maker` says.

    With ``own`` it is the node's own function, even inside a composed function.
    """
    how = (node.function.__name__ if own else maker(node)) if node.function else "leaf"
    return f"{name!r} ({how})" if (name := node.record.called()) else "a " * (how == "leaf") + how


def maker(node: Any) -> str:
    """Return the name of the function that the user called to make a node.

    A composed function makes many nodes. Outside of its call, all of them go by its name.
    """
    calls = [c for c in node.scope if isinstance(c, OneCall) and c not in mode.get().scope]
    return str(calls[0]) if calls and node.role != "gradient" else node.function.__name__


def step_in_words(step: Any) -> str:
    """Return a step of the sweep in words: a line for its node, and one for each message."""
    sent = [f"  sends {brief(m.gradient)} to {describe(m.operand, True)}" for m in step.messages]
    return "\n".join([f"{describe(step.node, True)} has gradient {brief(step.gradient)}", *sent])


def brief(gradient: Any) -> str:
    """Return a gradient in one line: up to a dozen entries in full, the shape if there are more."""
    if (array := np.asarray(plain(gradient))).size > 12:
        return f"an array of shape {array.shape}"
    return np.array2string(array, precision=3, separator=", ").replace("\n", "")


def spelled(function: Callable) -> str:
    """Return a function's name as a user writes it: ``np.linalg.norm``."""
    own = "numpy" * (getattr(np, function.__name__, None) is function)
    module = getattr(function, "__module__", own) or ""  # older ufuncs lack the attribute
    prefix = "np" + module[5:] + "." if module.split(".")[0] == "numpy" else ""
    return prefix + function.__name__
