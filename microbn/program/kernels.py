"""The kernels of a program: fused loops in readable Python, which Numba compiles.

A kernel has the names of the program: ``x_ij`` is an entry of the array ``x``, and ``x_j`` a number
in the row ``x``. Each statement is one of NumPy's calls, for one entry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np

from ..arguments import need_package
from ..engine.node import is_node
from ..errors import ArgumentError
from .fusion import template
from .literals import folded, literal
from .loops import Kernel, Loop
from .source import Listing, Storage

ABOUT = '''"""Kernels: {kernels}. Calls of them in one run: {calls}.

NumPy's own calls would read or write a wide array {numpys} times. These loops do so {ours} times:
within a loop, a value goes from one call to the next without a detour through memory.
"""

import numpy as np'''
NAMED_NUMBERS = {"zero": 0, "one": 1}  # the templates call them by name
TAKEN = {"i", "j", "np", "range", "abs", "rows", *NAMED_NUMBERS}  # names that no array may have


class Kernels:
    """Writes the kernels of a program. Those that differ only in names share one function.

    ``text`` is for reading. ``functions`` maps the names in it to functions that can be called, and
    ``calls`` maps the id of each `Kernel` to the statement that calls its function.
    """

    def __init__(
        self, steps: Iterable, listing: Listing, storage: Storage, compiler: Callable | None
    ) -> None:
        self.functions: dict[str, Any] = {}
        self.calls: dict[int, str] = {}
        names: dict[str, str] = {}
        texts: list[str] = []
        traffic = np.zeros(2, int)
        for kernel in (step for step in steps if isinstance(step, Kernel)):
            writer = Writer(kernel, listing, storage)
            if (key := writer.key()) not in names:
                name = names[key] = listing.free(f"kernel_{len(names) + 1}")
                texts.append(writer.function(name))
                self.functions[name] = _function_of(key, compiler)
            _prepare(self.functions[names[key]], writer.like_operands())
            self.calls[id(kernel)] = writer.call(names[key])
            traffic += kernel.traffic()
        numpys, ours = traffic
        about = ABOUT.format(kernels=len(names), calls=len(self.calls), numpys=numpys, ours=ours)
        self.text = "\n\n\n".join([about, *texts]) + "\n" if texts else ""


@lru_cache(maxsize=64)
def _function_of(key: str, compiler: Callable) -> Any:
    """Return the function of a key, compiled. It outlives its programs, for others like them."""
    space: dict[str, Any] = {"np": np}
    exec(key, space)
    return compiler(space["kernel"])


def _prepare(function: Any, operands: Sequence) -> None:
    """Let Numba compile a kernel for arrays like these now, so that no run has to wait for it."""
    if hasattr(function, "compile"):
        function.compile(tuple(map(function.typeof_pyval, operands)))


def compiler_of(backend: Any) -> Callable | None:
    """Return the decorator that a backend puts on its kernels, or None if it has no kernels.

    Numba divides by 0 without an error here, as NumPy does, and it is not allowed to regroup a sum
    or to round differently.
    """
    if not isinstance(backend, str) or backend not in ("numpy", "numba", "python"):
        ways = "write 'numpy', 'numba' or 'python'"
        raise ArgumentError(f"compile: {backend!r:.60} is not a backend; {ways}")
    if backend == "numba":
        return _numba(need_package("numba", "fast", 'compile(..., backend="numba")'))
    return _as_it_is if backend == "python" else None


@cache
def _numba(package: Any) -> Callable:
    return package.njit(error_model="numpy")


def _as_it_is(function: Callable) -> Callable:
    return function


class Writer:
    """Writes one kernel, and the call of it."""

    def __init__(self, kernel: Kernel, listing: Listing, storage: Storage) -> None:
        self.kernel, self.listing, self.storage = kernel, listing, storage
        self.names: dict[str, None] = {}  # in the order of their first use
        self.parameters: dict[Any, str] = {}
        for x in (*kernel.inputs, *kernel.outputs):
            self.parameters.setdefault(self._memory(x), self._name(x))
        outputs = {node.number for node in kernel.outputs}
        self.held = {node.number: node for node in kernel.held(outputs)}
        self.scratch = [number for number in self.held if number not in outputs]
        self.body = self._body()

    def function(self, name: str) -> str:
        """Return the kernel as a function of this name."""
        (n, w), (numpys, ours) = self.kernel.shape, self.kernel.traffic()
        told = f'"""Go over {n} rows of {w}, in {ours} passes over memory instead of {numpys}."""'
        define = folded(f"def {name}(", [*self.parameters.values()], "):")
        return "\n    ".join([define, told, *self.body])

    def key(self) -> str:
        """Return the function with numbers in place of its names: kernels with one key share it."""
        numbers = {name: f"v{i}" for i, name in enumerate(self.names)}
        text = self.function("kernel")
        return re.sub(r"(?<![.\w])\w+", lambda word: numbers.get(word[0], word[0]), text)

    def call(self, name: str) -> str:
        """Return the statements that make arrays for new results, and call the function."""
        words: dict[Any, str] = {}
        for x in (*self.kernel.inputs, *self.kernel.outputs):
            single = is_node(x) and x.shape == () and isinstance(x.value, np.ndarray)
            words.setdefault(self._memory(x), self.listing.word(x) + "[()]" * single)
        new = [x for x in self.kernel.outputs if x.number not in self.storage.arrays]
        made = [f"{self.listing.word(x)} = np.empty({x.shape}, np.{x.dtype})" for x in new]
        return "\n".join([*made, folded(f"{name}(", [*words.values()], ")")])

    def like_operands(self) -> list:
        """Return arrays and numbers like those that a call hands over, without their entries."""
        shared = {self._memory(x): x for x in (*self.kernel.inputs, *self.kernel.outputs)}
        values = (x.value if is_node(x) else x for x in shared.values())
        return [np.empty_like(value)[()] for value in values]

    def _memory(self, x: Any) -> Any:
        """Return a key for the memory of a value: values that take turns in an array share one."""
        array = self.storage.arrays.get(x.number) if is_node(x) else None
        return self.listing.word(x) if array is None else id(array)

    def _name(self, x: Any, end: str = "") -> str:
        """Return the name of a value or, with an end, of one of its numbers."""
        name = self.listing.word(x) + end
        if not end and (name in TAKEN or name.endswith(("_j", "_ij"))):
            name += "_"  # no variable of a program ends like this
        self.names.setdefault(name)
        return name

    def _body(self) -> list[str]:
        (n, w), dtype, lines = self.kernel.shape, self.kernel.dtype, list[str]()
        for place, loop in enumerate(self.kernel.loops):
            if entries := self._entries(loop):
                lines += [f"for i in range({n}):", f"    for j in range({w}):"]
                lines += [f"        {line}" for line in entries]
            if rows := self._rows(place):
                lines += [f"for j in range({w}):", *(f"    {line}" for line in rows)]
        words = {*re.findall(r"\w+", " ".join(lines))}
        head = [f"{name} = np.{dtype}({x})" for name, x in NAMED_NUMBERS.items() if name in words]
        return [*head, *self._scratch_rows(), *lines]

    def _scratch_rows(self) -> list[str]:
        """Make arrays for the rows that only the kernel uses: one array for all floats."""
        w, scratch = self.kernel.shape[1], [self.held[number] for number in self.scratch]
        masks = [self._name(x) for x in scratch if x.dtype == bool]
        names = [self._name(x) for x in scratch if x.dtype != bool]
        made = [f"rows = np.empty({len(names), w}, np.{self.kernel.dtype})"] * bool(names)
        made += [f"{name} = rows[{i}]" for i, name in enumerate(names)]
        return made + [f"{name} = np.empty({w}, np.bool_)" for name in masks]

    def _entries(self, loop: Loop) -> list[str]:
        """Write what a loop does with each entry of the wide arrays."""
        taken = [f"{self._name(x, '_ij')} = {self._at(x)}" for x in loop.fetched]
        found = [f"{self._name(x, '_ij')} = {self._call(x)}" for x in loop.computed]
        added = [f"{self._at(x)} += {self._name(x.inputs[0], '_ij')}" for x in loop.sums]
        put = [f"{self._at(x)} = {self._name(x, '_ij')}" for x in loop.stored]
        return [*taken, *found, *added, *put]

    def _rows(self, place: int) -> list[str]:
        """Write what follows a loop in each column: means, other rows, and zeros for new sums."""
        loop, *following = self.kernel.loops[place : place + 2]
        n = self._number(self.kernel.shape[0])
        means = (self._at(x) for x in loop.sums if x.function is np.mean)
        lines = [f"{mean} = {mean} / {n}" for mean in means]
        for x in loop.rows:
            lines.append(f"{self._name(x, '_j')} = {self._call(x, place)}")
            lines += [f"{self._at(x)} = {self._name(x, '_j')}"] * (x.number in self.held)
        new = [x for one in following for x in one.sums]
        return [*lines, *(f"{self._at(x)} = 0.0" for x in new)]

    def _call(self, node: Any, place: int | None = None) -> str:
        """Write a call for one entry or, in the rows of a place, for one column."""
        text, operands, _ = template(node)
        return text.format(*(self._word(x, node, place) for x in operands))

    def _word(self, x: Any, reader: Any, place: int | None) -> str:
        """Write an operand."""
        if not is_node(x) and np.ndim(x) == 0:
            return self._number(x, typed=reader.function is np.where)
        if x.shape == self.kernel.shape:
            return self._name(x, "_ij")
        own = is_node(x) and (self.kernel.place.get(x.number), self.kernel.kinds.get(x.number))
        return self._name(x, "_j") if own == (place, "row") else self._at(x)

    def _at(self, x: Any) -> str:
        """Write where an operand lies in memory, for row i and column j."""
        name = self.parameters.get(self._memory(x)) or self._name(x)
        shape = x.shape[-1:] if is_node(x) and x.number in self.scratch else x.shape
        axes = zip(shape, "ij"[2 - len(shape) :], strict=True)
        return f"{name}[{', '.join('0' if n == 1 else i for n, i in axes)}]" if shape else name

    def _number(self, x: Any, typed: bool = False) -> str:
        """Write a number so that it does not change the dtype of what is computed with it."""
        if isinstance(x, np.bool):
            return str(x)
        dtype, text = self.kernel.dtype, str(literal(float(x)))
        return f"np.{dtype}({text})" if typed or dtype != np.float64 else text
