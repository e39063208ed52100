"""Write a recorded graph as JavaScript: a function that makes the same calls, for a page.

NumPy's functions are written in JavaScript in ``arrays.js`` and ``entrywise.js``. A script brings
those that it calls, and no others. It needs no network, and it never makes code from text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.functions import astype, getitem, scatter
from ..engine.names import spelled
from ..engine.node import is_node
from ..errors import GraphError
from .literals import is_uniform
from .resolved import RESOLVED, Assignment, numeral
from .source import Listing

# The words that cannot be names in JavaScript, or are names that a script needs itself.
RESERVED = set(
    """
    np arguments await break case catch class const continue debugger default delete do else enum
    eval export extends false finally for function if implements import in instanceof interface let
    new null package private protected public return static super switch this throw true try typeof
    undefined var void while with yield NaN Infinity
    """.split()  # noqa: SIM905
)
# The dtypes whose numbers are numbers in JavaScript, which are float64.
DTYPES = {"bool", "float32", "float64"} | {f"int{8 * n}" for n in (1, 2, 4, 8)}
DTYPES |= {"uint8", "uint16", "uint32"}
# From these, truth values and integers may come out as other numbers: True + True is 2, 1 // 0 is
# infinity. They are rounded after the call, as those of the shorter dtypes always are.
UNHELD = {astype, np.add, np.matmul, np.floor_divide, np.remainder}
HEADING = """\
// {title}: recorded, differentiated and written out by microbn.
//
// An operand is a number, nested lists, or an array {{shape, data}}. Results are arrays."""
RUNTIME = "// NumPy's functions, as far as they are called."
FILES = "arrays.js", "entrywise.js"
SHORT_ROW = 8  # a row of constants up to this length is written where it is used


class Script:
    """Writes the graph of a `Listing` as a function in JavaScript, with the same variables."""

    def __init__(self, listing: Listing, result: Any) -> None:
        self._used = {*listing.names.values(), *_runtime_names()}
        names = listing.names.items()
        self._names = {k: self._free(name) if name in RESERVED else name for k, name in names}
        self.title = self._free(listing.title)
        self._made: dict[int, Assignment] = {}
        self._operands = [self._assignment(x, []) for x in listing.inputs]
        self._body = [
            self._assignment(x, [*map(self._without_nodes, x.inputs)]) for x in listing.nodes
        ]
        self._result = self._without_nodes(result)
        self._constants: dict[tuple, tuple[str, np.ndarray]] = {}

    def text(self) -> str:
        """Write the script. Raises GraphError for a call that a page cannot compute."""
        function = "\n".join(self._function())
        made = (f"const {name} = {_written_out(a)};" for name, a in self._constants.values())
        constants = "\n".join(made)
        runtime = "\n".join(_needed(function + constants))
        parts = [HEADING.format(title=self.title), function, RUNTIME, runtime, constants]
        return "\n\n".join(filter(None, parts)) + "\n"

    def refused(self) -> set[int]:
        """Return the numbers of the nodes that a page cannot compute."""
        found = set()
        for number, x in self._made.items():
            try:
                if x.function:
                    self._rounded(x)
            except GraphError:
                found.add(number)
        return found

    def _free(self, word: str) -> str:
        """Take the word as a name, with a number behind it if the word is taken."""
        words = chain([word], (f"{word}_{i}" for i in count(1)))
        self._used.add(free := next(word for word in words if word not in self._used))
        return free

    def _assignment(self, node: Any, inputs: list) -> Assignment:
        about = node.shape, node.dtype, node.role, node.function
        made = Assignment(self._names[node.number], *about, inputs, node.kwargs)
        return self._made.setdefault(node.number, made)

    def _without_nodes(self, x: Any) -> Any:
        """Put assignments in the place of nodes: a program should not keep what nodes computed."""
        if type(x) in (tuple, list):
            return type(x)(map(self._without_nodes, x))
        return self._made[x.number] if is_node(x) else x

    def _function(self) -> Iterator[str]:
        """Yield the lines of the function."""
        yield f"function {self.title}({', '.join(x.name for x in self._operands)}) {{"
        for x in self._operands:
            taken = f'np.operand("{x.name}", {x.name}, {[*x.shape]})'
            yield f"  {x.name} = {_held(taken, x.dtype)};"
        lines = [f"const {x.name} = {self._rounded(x)};" for x in self._body]
        width, part = min(60, max(map(len, lines), default=0)), ""
        for x, line in zip(self._body, lines, strict=True):
            other = "update" if part in ("backward", "update") else "forward"
            if (now := "backward" if x.role == "gradient" else other) != part:
                part = now
                yield f"  // {part}"
            yield f"  {line:<{width}} // {[*x.shape]}"
        yield f"  return {self._told(self._result)};"
        yield "}"

    def _told(self, x: Any) -> str:
        """Write a result, or a list of results."""
        if type(x) in (tuple, list):
            return f"[{', '.join(map(self._told, x))}]"
        word = self._word(x)
        return word if isinstance(x, Assignment) or np.shape(x) else f"np.array({word})"

    def _rounded(self, x: Assignment) -> str:
        """Write a call, and round its numbers if its dtype does."""
        exact = x.dtype.name in ("bool", np.dtype(int).name) and x.function not in UNHELD
        return self._written(x) if exact else _held(self._written(x), x.dtype)

    def _written(self, x: Assignment) -> str:
        """Write the call of a function."""
        first, *others = x.inputs
        if x.function is getitem:
            return f"np.getitem({self._word(first)}, {self._index(first.shape, others)})"
        if x.function is scatter:
            shape, *index = others
            return f"np.scatter({self._word(first)}, {[*shape]}, {self._index(shape, index)})"
        words = [self._word(y, x) for y in x.inputs]
        if x.function in RESOLVED:
            return RESOLVED[x.function](x, words)
        name = x.function.__name__
        known = vars(np).get(name) is x.function and f"np.{name}" in _pieces()
        if not known or x.kwargs:
            raise _refusal(spelled(x.function))
        return f"np.{name}({', '.join(words)})"

    def _word(self, x: Any, user: Assignment | None = None) -> str:
        """Write an operand or an argument. A float has the dtype of the arrays that it meets."""
        if isinstance(x, Assignment):
            return x.name
        if isinstance(x, (np.ndarray, np.generic, tuple, list)):
            return self._constant(np.asarray(x))
        if type(x) is float and user and _is_single(user.inputs):
            x = float(np.float32(x))
        return numeral(x) if type(x) in (int, float, bool) else "null"

    def _index(self, shape: Any, index: Any) -> str:
        """Write an index with a part for each axis. A mask becomes the places where it is true."""
        parts: list[Any] = []
        for part in index:
            given = np.asarray(part) if isinstance(part, (np.ndarray, list)) else part
            if isinstance(given, (bool, np.bool)):
                raise _refusal(f"an index that is {given}")
            mask = isinstance(given, np.ndarray) and given.dtype.kind == "b"
            parts += np.nonzero(given) if mask else [given]
        taken = sum(part is not None and part is not ... for part in parts)
        at = next((i for i, part in enumerate(parts) if part is ...), len(parts))
        parts[at : at + 1] = [slice(None)] * (len(shape) - taken)
        sides = iter(shape)
        return f"[{', '.join(self._part(p, p is None or next(sides)) for p in parts)}]"

    def _part(self, part: Any, side: int) -> str:
        """Write a part of an index, for an axis of this size."""
        if type(part) is not slice:
            return self._word(part)
        start, stop, step = part.indices(side)
        return f"np.slice({start}, {stop}{f', {step}' * (step != 1)})"

    def _constant(self, array: np.ndarray) -> str:
        """Return the name of an array, or write it here if it is a number or a short row."""
        _check(array.dtype)
        if array.ndim == 0:
            return numeral(array.item())
        if array.ndim == 1 and array.size <= SHORT_ROW:
            return f"np.array([{', '.join(map(numeral, array.tolist()))}])"
        key = array.shape, array.dtype, array.tobytes()
        if key not in self._constants:
            self._constants[key] = self._free("constant"), array
        return self._constants[key][0]


def _refusal(what: str) -> GraphError:
    """Return the error for something that a page cannot compute."""
    return GraphError(
        f"javascript: a page cannot compute {what}; leave it out of the function that you compile, "
        "or run the program in Python"
    )


def _check(dtype: np.dtype) -> None:
    """Raise for a dtype that JavaScript has no numbers for."""
    if dtype.name not in DTYPES:
        raise _refusal(f"with {dtype}")


def _held(text: str, dtype: np.dtype) -> str:
    """Round numbers to those that a dtype has. JavaScript has float64."""
    _check(dtype)
    return text if dtype.name == "float64" else f"np.{dtype.name}({text})"


def _is_single(operands: list) -> bool:
    """Return whether NumPy computes with these operands in float32."""
    dtypes = {x.dtype for x in operands if hasattr(x, "dtype")}
    return dtypes == {np.dtype(np.float32)}


def _written_out(array: np.ndarray) -> str:
    """Write an array of constants."""
    numbers = array.ravel().tolist()
    if is_uniform(array):
        return f"np.full({[*array.shape]}, {numeral(numbers[0])})"
    return f"np.array([{', '.join(map(numeral, numbers))}], {[*array.shape]})"


@cache
def _pieces() -> dict[str, str]:
    """Map each name of the runtime to its definition, with the comment right above it."""
    found, above, name = {}, "", ""
    text = "\n".join(Path(__file__).with_name(file).read_text("utf-8") for file in FILES)
    for line in re.sub(r"; +(?=np\.)", ";\n", text).splitlines():
        if start := re.match(r"(?:const )?([\w.]+) += ", line):
            name = start[1]
            found[name] = above + re.sub(" += ", " = ", line, count=1)
        elif line.startswith((" ", "}", ")")):
            found[name] += f"\n{line}"
        above = f"{above}{line}\n" if line.startswith("//") else ""
    return found


@cache
def _runtime_names() -> set[str]:
    """Return the words that are not free for a function: reserved ones, and the runtime's own."""
    ready_made = re.findall(r"\b[A-Z]\w+", "".join(_pieces().values()))  # such as Math
    return {*RESERVED, *_pieces(), *ready_made}


def _needed(text: str) -> list[str]:
    """Return the definitions that a text needs, and those that these need, in their order."""
    pieces, needed, waiting = _pieces(), {"np"}, [text]
    while waiting:
        code = re.sub("//.*", "", waiting.pop())
        more = ({*re.findall(r"np\.\w+|\w+", code)} & {*pieces}) - needed
        needed |= more
        waiting += [pieces[name] for name in more]
    return [piece for name, piece in pieces.items() if name in needed]
