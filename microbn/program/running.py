"""A compiled program as a callable: it checks its operands, and runs in arrays of its own."""

from __future__ import annotations

import builtins
import linecache
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..engine.arrays import check_plain
from ..engine.mode import lost
from ..engine.node import is_node, plain
from ..errors import ArgumentError, DTypeError, GraphError, ShapeError, listed
from .memory import allocated
from .passes import made_from
from .source import Listing, Storage


class Program:
    """Straight-line NumPy, called with arrays: ``program(*arrays)`` returns arrays.

    It returns what f returned and, if it was compiled with gradients, a tuple of gradients too.
    ``str(program)`` is its ``source``: a module that needs only NumPy, and whatever your own
    primitives need. It returns the same bits if its arrays lie in memory in the same order as the
    examples. ``code`` is the text that runs, with the same variables, and ``kernels`` is the text
    of the fused loops that it calls, or "" if there are none. ``javascript`` is the program for a
    page. ``nbytes`` is the size of the program's arrays in bytes. Threads that share a program also
    share these arrays, so they run it one after another.

    Raises ArgumentError, ShapeError or DTypeError for operands that it was not compiled for, and
    GraphError if a function that the program calls runs the program again.
    """

    def __init__(
        self,
        title: str,
        inputs: list,
        result: Any,
        roots: list,
        passes: Any,
        compiler: Callable | None = None,
    ) -> None:
        from .kernels import Kernels  # on first need, as the others
        from .loops import fused
        from .script import Script

        given = {x.number for x in inputs}
        nodes = [node for node in made_from(roots, inputs) if node.number not in given]
        listing = Listing(title, inputs, nodes)
        roots = [x for x in roots if is_node(x)]
        steps = fused(nodes, roots) if compiler else nodes
        storage = allocated(steps, roots, passes)
        self.source = listing.module(result)
        self._script = Script(listing, result)
        kernels = Kernels(steps, listing, storage, compiler)
        self.kernels = kernels.text
        self.code = listing.code(result, steps, storage, kernels.calls)
        self.nbytes = sum({id(a): a.nbytes for a in storage.arrays.values()}.values())
        self._operands = {listing.names[x.number]: (x.shape, x.dtype) for x in inputs}
        like = [np.asarray(x.value) for x in inputs]
        self._layouts = [(np.ndarray, a.shape, a.strides, a.dtype) for a in like]
        space = self._executed(title, _space(listing, storage) | kernels.functions)
        self._run = space.pop(listing.title)
        self._lock, self._running = threading.RLock(), False
        _programs.add(self)

    def _executed(self, title: str, space: dict[str, Any]) -> dict[str, Any]:
        """Execute the code among these names, so that a traceback finds its lines."""
        file = f"<{title}, program {id(self)}>"
        linecache.cache[file] = len(self.code), None, self.code.splitlines(True), file
        weakref.finalize(self, linecache.cache.pop, file, None)
        exec(builtins.compile(self.code, file, "exec"), space)
        return space

    @cached_property
    def javascript(self) -> str:
        """The program as a script for a page: a function of numbers, nested lists or arrays.

        An array is ``{shape, data}``, with the data in a Float64Array; results are such arrays, in
        lists where the program returns tuples. The numbers are those of the program up to rounding.
        The script asks for no network and makes no code from text.

        Raises GraphError for a program that a page cannot compute: it calls ``np.linalg.inv`` or
        another factorization, or a primitive of your own.
        """
        with self._lock:
            return self._script.text()

    def __call__(self, *arrays: Any) -> Any:
        try:  # a single comparison, because it comes before every run
            fit = [(type(a), a.shape, a.strides, a.dtype) for a in arrays] == self._layouts
        except AttributeError:
            fit = False
        operands = arrays if fit else self._checked(arrays)
        with self._lock:  # the same thread gets in again, and gets an error
            if self._running:
                raise GraphError("program: it is running, and one of its own calls runs it again")
            try:
                self._running = True
                return self._run(*operands)
            finally:
                self._running = False

    def _checked(self, given: Sequence) -> list[np.ndarray]:
        """Return the operands as arrays in the examples' layout. Raises for any that do not fit."""
        if any(map(is_node, given)):
            lost("a program's result")
        if len(given) != len(self._operands):
            raise ArgumentError(
                f"program: takes {listed(self._operands)}, got {len(given)} operands"
            )
        check_plain(*given)
        try:
            arrays = [np.asarray(plain(array)) for array in given]
        except ValueError as error:
            raise ShapeError(f"program: an operand is not an array: {error}") from None
        for (name, (shape, dtype)), array in zip(self._operands.items(), arrays, strict=True):
            if (array.shape, array.dtype) != (shape, dtype):
                wrong = DTypeError if array.shape == shape else ShapeError
                raise wrong(
                    f"program: {name} is {array.dtype} of shape {array.shape}, but the program was "
                    f"compiled for {dtype} of shape {shape}; convert it, or compile for that too"
                )
        return [
            _laid(a, strides) for a, (_, _, strides, _) in zip(arrays, self._layouts, strict=True)
        ]

    def __reduce__(self) -> tuple:
        raise GraphError(
            "a program is not copied, because both copies would write into the same arrays; "
            "compile it again"
        )

    def __str__(self) -> str:
        return self.source

    def __repr__(self) -> str:
        operands = (f"{name} {shape}" for name, (shape, _) in self._operands.items())
        return f"<Program of {listed(operands)}>"


def _space(listing: Listing, storage: Storage) -> dict[str, Any]:
    """Return what the names in a program's code stand for: NumPy, arrays, constants, functions."""
    made = storage.arrays | storage.views
    arrays = {listing.names[number]: array for number, array in made.items()}
    functions = {name: getattr(f, "compute", f) for f, name in listing.functions.items()}
    return {"np": np, **arrays, **listing.constants, **functions}


def _laid(array: np.ndarray, strides: tuple[int, ...]) -> np.ndarray:
    """Return an operand in the layout of its example, as a copy if it has another one."""
    if array.strides == strides:
        return array
    laid = np.ndarray(array.shape, array.dtype, strides=strides)
    laid[...] = array
    return laid


def _unlock() -> None:
    """Unlock all programs in a forked process, which has no other thread that could do it."""
    for program in _programs:
        program._lock, program._running = threading.RLock(), False


_programs: weakref.WeakSet[Program] = weakref.WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock)
