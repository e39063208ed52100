"""A word for an experiment: the same code with the same values has the same word."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from hashlib import sha256
from itertools import chain
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from ..tensor import Tensor

_ATOMS = (bool, int, float, complex, str, bytes, type(None), type(...))
_SHARED = {*_ATOMS, tuple, frozenset, CodeType}  # equal ones may be one, by chance
_WRAPPERS = (staticmethod, classmethod, type(lru_cache(lambda: None)))
Read = tuple[bytes, list]  # what a thing is, and the things in it


def digest(experiment: Callable) -> str:
    """A word of 16 letters for the code of an experiment and for all that it uses.

    That is the bytecode with its constants; the values of defaults, of closures, of a partial's
    arguments and of a callable object's attributes; and in the same way every function, class,
    module and value of the user's own that the code names. An installed package counts by its
    version, and a thing that cannot be pickled, such as a generator, by its type. Comments and
    layout do not count. Another Python has other bytecode, and so other words.
    """
    word = sha256()
    known: dict[int, tuple[int, Any]] = {}  # holds the things too, so that no two have one id
    todo: list[Any] = [experiment]
    while todo:  # without recursion: what an experiment uses may be nested deeply
        thing = todo.pop()
        what, parts = _read(thing) if id(thing) not in known else (b"again", [known[id(thing)][0]])
        if type(thing) not in _SHARED:
            known.setdefault(id(thing), (len(known), thing))
        word.update(f"{type(thing).__name__} {len(what)} {len(parts)} ".encode() + what)
        todo += reversed(parts)
    return word.hexdigest()[:16]


def _read(thing: Any) -> Read:
    if type(thing) in _ATOMS:
        return repr(thing).encode(errors="replace"), []
    if isinstance(thing, Tensor):
        return b"", [np.asarray(thing.data)]
    if isinstance(thing, np.ndarray) and not thing.dtype.hasobject:
        return f"{thing.dtype} {thing.shape} ".encode() + thing.tobytes(), []
    if isinstance(thing, CodeType):
        return _code(thing)
    if isinstance(thing, (FunctionType, type, ModuleType)):
        return _named(thing)
    if type(thing) in (list, tuple):
        return b"", [*thing]
    if type(thing) in (set, frozenset):
        return b"", sorted(thing, key=repr)
    if type(thing) is dict:
        return b"", [*chain.from_iterable(thing.items())]
    return _object(thing)


def _code(code: CodeType) -> Read:
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    return code.co_code, [counts, names, code.co_consts, code.co_exceptiontable]


def _named(thing: Any) -> Read:
    """A function, a class or a module: by name and version where it is installed, else by what is
    in it. What a function takes from a module is read with the function.
    """
    name, package = f"{_module(thing)}.{getattr(thing, '__qualname__', '')}", _installed(thing)
    if package or isinstance(thing, ModuleType):
        return f"{name} {getattr(package, '__version__', '')}".encode(), []
    if isinstance(thing, FunctionType):
        cells = [_content(cell) for cell in thing.__closure__ or ()]
        kept = [thing.__code__, thing.__defaults__, thing.__kwdefaults__, cells]
        return b"", [*kept, *_globals(thing)]
    own = {k: v for k, v in vars(thing).items() if k[:2] != "__" or isinstance(v, FunctionType)}
    return b"", [thing.__bases__, own]


def _installed(thing: Any) -> ModuleType | None:
    """The package that a function, a class or a module is of, unless it is the user's own."""
    root = _module(thing).partition(".")[0]
    package = sys.modules.get(root)
    file = getattr(package, "__file__", None) or ""
    known = root in sys.stdlib_module_names or root == __package__.partition(".")[0]
    there = known or "site-packages" in file or "dist-packages" in file
    return package if there and root != "__main__" else None


def _module(thing: Any) -> str:
    return thing.__name__ if isinstance(thing, ModuleType) else str(thing.__module__)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a name that nothing has been assigned to yet
        return None


def _globals(function: FunctionType) -> list:
    """The values of the global names in a function's code, and in functions inside it; of a module
    of the user's also what the code takes from it.
    """
    names, codes, found = function.__globals__, [function.__code__], dict[str, Any]()
    for code in codes:
        codes += [inner for inner in code.co_consts if isinstance(inner, CodeType)]
        steps = dis.get_instructions(code)
        used = [s.argval for s in steps if s.opname in ("LOAD_GLOBAL", "LOAD_NAME")]
        found |= {name: names[name] for name in used if name in names}
    for module in [*found.values()]:
        if isinstance(module, ModuleType) and not _installed(module):
            taken = {name for code in codes for name in code.co_names} & vars(module).keys()
            found |= {f"{module.__name__}.{name}": vars(module)[name] for name in sorted(taken)}
    return [*chain.from_iterable(found.items())]


def _object(thing: Any) -> Read:
    """Anything else, by what pickle would keep of it, or else by its type."""
    if isinstance(thing, property):
        return b"", [thing.fget, thing.fset, thing.fdel]
    if isinstance(thing, _WRAPPERS):
        return b"", [thing.__wrapped__]
    try:
        kept = thing.__reduce_ex__(4)
    except Exception:  # whatever the user's own class raises here
        return b"", [type(thing)]
    if isinstance(kept, str):
        return kept.encode(), []
    return b"", [[*part] if isinstance(part, Iterator) else part for part in kept]
