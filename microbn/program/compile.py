"""A recorded graph as a program: the forward, and the backward that nobody wrote, in plain NumPy.

`compile` runs a function once, differentiates what was recorded by the same rules in the same
sweep as ever, and writes the calls down: as source to be read, and as the code that runs, in which
results go into arrays that were made beforehand.
"""

from __future__ import annotations

import builtins
import inspect
import linecache
import os
import threading
import weakref
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import compress, count
from operator import not_
from typing import Any

import numpy as np

from ..engine import faults as checks
from ..engine.arrays import check_plain
from ..engine.backward import sweep
from ..engine.functions import getitem, scatter, stop_gradient
from ..engine.mode import Mode, compiling, mode
from ..engine.node import describe, is_node, plain
from ..engine.tensor import Tensor, record
from ..errors import ArgumentError, DTypeError, GraphError, ShapeError, listed
from .literals import identifier
from .memory import allocated
from .passes import REWRITES, made_from, rebuilt, simplified
from .source import REDUCTIONS, Listing
from .variables import paths, variables

PASSES = ("dead", *REWRITES, "views", "buffers")
ALL_PASSES = (*PASSES, "stages")


def compile(
    f: Callable,
    *examples: Any,
    cotangent: Any = None,
    gradients: bool = True,
    passes: Collection[str] = PASSES,
) -> Program:
    """``f`` and its gradients as a `Program`, for operands of the shapes and dtypes of these.

    ``f`` is run once, on Tensors. Examples that are Tensors get a gradient, of the first thing
    that f returns; arrays are data. Unless that thing is one number a ``cotangent`` is needed, an
    example of its gradient, which becomes the last operand. Without ``gradients`` the program
    gives what f returns; f may take gradients itself, by `grad` with create_graph.

    What Python decides by shapes while f runs is decided for good; a decision by values, such as
    ``if x[0] > 0``, is refused. A Tensor that f uses has to be an example; the arrays and numbers
    that it finds elsewhere become constants.

    Of the ``passes``, "dead" leaves out the gradients of data, "constants" computes at once what
    follows from constants alone, "common" computes once what is computed twice, "algebra" replaces
    operations by cheaper ones, "views" makes views once, and "buffers" gives each result an array
    made beforehand: one that is needed no more, if there is one. The algebra keeps the values that
    have names; with "stages", which is in ``ALL_PASSES`` alone, it need not. It changes results by
    rounding; regrouped, a product may also overflow where it did not before, or no more.

    Raises ArgumentError, GraphError, DTypeError and ShapeError for what cannot be compiled: among
    it what would be a constant by mistake, such as a gradient without create_graph.
    """
    _check(f, examples, cotangent, gradients, passes)
    before = mode.get()
    try:
        mode.set(Mode())  # whatever is switched on around
        inputs, returned = _traced(f, examples)
        outputs = returned if isinstance(returned, list) else [returned]
        derived: list[Any] = []
        unasked: list[Any] = []
        if gradients:
            derived, unasked = _derived(outputs[0], inputs, examples, cotangent)
        kept = [] if "dead" in passes else unasked
        every = simplified([*outputs, *derived, *kept], inputs, passes)
    finally:
        mode.set(before)
    result: Any = every[: len(outputs)] if isinstance(returned, list) else every[0]
    if gradients:
        result = result, every[len(outputs) :][: len(derived)]
    name = getattr(f, "__name__", None)
    title = (name if type(name) is str else type(f).__name__).replace("<lambda>", "program")
    return Program(identifier(title), inputs, result, every, passes)


class Program:
    """Straight-line NumPy, called with arrays: ``program(*arrays)`` gives arrays.

    Its results are what f returned and, where it was compiled with gradients, a tuple of these.
    Printed it is its ``source``: a module that needs NumPy alone (and what a primitive of your own
    needs) and gives the same bits, of arrays in the examples' order of memory. ``code`` is what
    runs, with the same variables; ``nbytes`` is what the arrays take that were made for it. As
    there is one set of these, threads that share a program run it one after another.

    Raises ArgumentError, ShapeError and DTypeError for other operands than it was compiled for, and
    GraphError where it is called while it runs, by a function that it calls itself.
    """

    def __init__(self, title: str, inputs: list, result: Any, roots: list, passes: Any) -> None:
        given = {x.number for x in inputs}
        nodes = [node for node in made_from(roots, inputs) if node.number not in given]
        listing = Listing(title, inputs, nodes)
        storage = allocated(nodes, [x for x in roots if is_node(x)], passes)
        self.source = listing.module(result)
        self.code = listing.code(result, storage)
        self.nbytes = sum({id(a): a.nbytes for a in storage.arrays.values()}.values())
        self._operands = {listing.names[x.number]: (x.shape, x.dtype) for x in inputs}
        like = [np.asarray(x.value) for x in inputs]
        self._layouts = [(np.ndarray, a.shape, a.strides, a.dtype) for a in like]
        made = storage.arrays | storage.views
        space: dict[str, Any] = {listing.names[number]: a for number, a in made.items()}
        space |= {"np": np, **listing.constants}
        for function, name in listing.functions.items():
            space[name] = getattr(function, "__wrapped__", function)
        file = f"<{title}, program {id(self)}>"  # under which a traceback finds the lines
        linecache.cache[file] = len(self.code), None, self.code.splitlines(True), file
        weakref.finalize(self, linecache.cache.pop, file, None)
        exec(builtins.compile(self.code, file, "exec"), space)
        self._run = space.pop(listing.title)
        self._lock, self._running = threading.RLock(), False
        _programs.add(self)

    def __call__(self, *arrays: Any) -> Any:
        try:  # one comparison, as it comes before every run
            fit = [(type(a), a.shape, a.strides, a.dtype) for a in arrays] == self._layouts
        except AttributeError:
            fit = False
        operands = arrays if fit else self._checked(arrays)
        with self._lock:  # which lets its own thread in again, to be told so
            if self._running:
                raise GraphError("program: it is running, and was called by what it calls itself")
            try:
                self._running = True
                return self._run(*operands)
            finally:
                self._running = False

    def _checked(self, given: Sequence) -> list[np.ndarray]:
        """The operands as arrays in the layout that the code is made for. Raises for others."""
        if compiling.get() is not None and any(map(is_node, given)):
            raise GraphError(
                "compile: a program gives numbers, which would be constants of this one; call the "
                "function that it was compiled from"
            )
        if len(given) != len(self._operands):
            raise ArgumentError(
                f"program: takes {listed(self._operands)}, got {len(given)} operands"
            )
        check_plain(*given)
        try:
            arrays = [np.asarray(plain(array)) for array in given]
        except ValueError as error:
            raise ShapeError(f"program: an operand is no array: {error}") from None
        for (name, (shape, dtype)), array in zip(self._operands.items(), arrays, strict=True):
            if (array.shape, array.dtype) != (shape, dtype):
                wrong = DTypeError if array.shape == shape else ShapeError
                raise wrong(
                    f"program: {name} is {array.dtype} of shape {array.shape}, and this was "
                    f"compiled for {dtype} of {shape}; convert it, or compile for that too"
                )
        return [
            _laid(a, strides) for a, (_, _, strides, _) in zip(arrays, self._layouts, strict=True)
        ]

    def __reduce__(self) -> tuple:
        raise GraphError("a program is not copied: two would share its arrays; compile it again")

    def __str__(self) -> str:
        return self.source

    def __repr__(self) -> str:
        operands = (f"{name} {shape}" for name, (shape, _) in self._operands.items())
        return f"<Program of {listed(operands)}>"


def _check(f: Any, examples: Sequence, cotangent: Any, gradients: bool, passes: Any) -> None:
    """Raise where there is nothing to compile."""
    if not callable(f):
        raise DTypeError(f"compile: compiles a function, got {f!r:.60}")
    some = passes if isinstance(passes, Collection) and not isinstance(passes, str) else [passes]
    if wrong := [name for name in some if not (isinstance(name, str) and name in ALL_PASSES)]:
        raise ArgumentError(f"compile: {wrong[0]!r:.60} is no pass; they are {listed(ALL_PASSES)}")
    for i, x in enumerate(examples):
        if isinstance(x, (list, tuple, dict)) and any(isinstance(y, Tensor) for y in x):
            raise DTypeError(
                f"compile: example {i} is a {type(x).__name__} of Tensors; pass each: *xs"
            )
    tensors = [x.number for x in examples if isinstance(x, Tensor)]
    if len(set(tensors)) < len(tensors):
        raise ArgumentError("compile: the same Tensor is an example twice")
    if cotangent is not None and not gradients:
        raise ArgumentError("compile: a cotangent is for gradients, and there will be none")
    if gradients and not tensors:
        raise GraphError(
            "compile: no example is a Tensor, so none gets a gradient; write Tensor(x) for one "
            "that should, or gradients=False"
        )


def _traced(f: Callable, examples: Sequence) -> tuple[list, Any]:
    """Operands, each with a name of its own, and what f gives for them: f is run, and recorded."""
    words = [word for word, _ in zip(_parameters(f), examples, strict=False)]
    leaves = [
        x if isinstance(x, Tensor) else operand(x, word)
        for x, word in zip(examples, words, strict=True)
    ]
    first, before = Tensor(0.0).number, compiling.get()
    try:
        compiling.set({x.number for x in leaves})
        returned = f(*leaves)
    finally:  # no call before this one, or Ctrl-C could come in between
        compiling.set(before)
    several = isinstance(returned, (tuple, list))
    outputs = list(returned) if several else [returned]
    for x in outputs or [None]:
        if not isinstance(x, (Tensor, np.ndarray, np.generic, float, int)):
            what = f"a {type(x).__name__}{' in a tuple' * several}" if outputs else "nothing"
            raise DTypeError(f"compile: f gave {what}; it should give a Tensor, or a tuple of them")
    given = {x.number: word for x, word in zip(leaves, words, strict=True)}
    for node in made_from(outputs, leaves):
        if node.number not in given:
            _check_node(node, first)
    return _renamed(leaves, outputs if several else returned, given)


def _check_node(node: Any, first: int) -> None:
    """Raise for what a program cannot know: a Tensor from elsewhere, how often a mask is true."""
    if node.function is None and node.number < first:
        raise GraphError(
            f"compile: f uses {describe(node)}, which is none of the examples; pass it as one (a "
            "module's: *model.parameters()), or use its .data where a constant is meant"
        )
    masks = [x for x in node.inputs[1:] if is_node(x) and x.dtype == bool]
    if node.function in (getitem, scatter) and masks:
        raise ShapeError(
            "compile: the shape of x[mask] depends on values; choose by np.where(mask, x, 0)"
        )


def _renamed(leaves: list, returned: Any, given: dict[int, str]) -> tuple[list, Any]:
    """The same graph once more, in which no two nodes have the same name."""
    outputs = returned if isinstance(returned, list) else [returned]
    nodes = [*leaves, *(x for x in made_from(outputs, leaves) if x.number not in given)]
    named = {x.number: "out" for x in outputs if is_node(x)} | given | paths(nodes)
    names = variables(nodes, named)

    def again(node: Any, args: list) -> Any:
        axis = {"axis": args[1]} if node.function in REDUCTIONS and args[1:] else {}
        new = record(node.function, args[:1] if axis else args, {**axis, **node.kwargs})
        new.name = names[node.number] if node.number in named else None
        return new

    inputs = [operand(x.value, names[x.number]) for x in leaves]
    outputs = rebuilt(outputs, leaves, inputs, again)
    return inputs, outputs if isinstance(returned, list) else outputs[0]


def _derived(root: Any, inputs: list, examples: Sequence, cotangent: Any) -> tuple[list, list]:
    """The gradients of the root: those of the examples that are Tensors, and the others.

    A cotangent becomes one more of the inputs.
    """
    seed = None
    if cotangent is not None:
        seed = operand(checks.seed(root, cotangent, True), f"d_{root.name}")
    found = {s.node.number: s.gradient for s in sweep(root, seed, create_graph=True)}
    gradients = [found.get(x.number, np.zeros(x.shape, x.dtype)) for x in inputs]
    wanted = [isinstance(example, Tensor) for example in examples]
    inputs += [] if seed is None else [seed]
    return [*compress(gradients, wanted)], [*compress(gradients, map(not_, wanted))]


def _parameters(f: Callable) -> Iterator[str]:
    """What f calls its operands; those of ``*xs`` are xs_1, xs_2 ..."""
    try:
        parameters = [*inspect.signature(f).parameters.values()]
    except ValueError:  # a built-in that does not tell
        parameters = []
    for p in parameters:
        if p.kind == p.VAR_POSITIONAL:
            yield from (f"{p.name}_{i}" for i in count(1))
        yield p.name
    yield from (f"x_{i}" for i in count(1))


def operand(value: Any, name: str) -> Any:
    """An example with a name: a leaf; of integers or booleans, to which no gradient flows, a
    constant that stands for them.
    """
    check_plain(value)
    value = np.array(value)
    if value.dtype.kind not in "iub":
        return Tensor(value, name)
    leaf = record(stop_gradient, [value])
    leaf.name = name
    return leaf


def _laid(array: np.ndarray, strides: tuple[int, ...]) -> np.ndarray:
    """An operand in the layout of its example: a copy, unless it is so already."""
    if array.strides == strides:
        return array
    laid = np.ndarray(array.shape, array.dtype, strides=strides)
    laid[...] = array
    return laid


def _unlock() -> None:
    """In a process that was forked no other thread runs a program, nor will let one go."""
    for program in _programs:
        program._lock, program._running = threading.RLock(), False


_programs: weakref.WeakSet[Program] = weakref.WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock)
