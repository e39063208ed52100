"""A recorded graph as Python text: a variable for each node, a statement for each call."""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, count
from typing import Any, NamedTuple

import numpy as np

from . import primitives
from .context import of_gradient
from .nodes import is_node
from .primitives import gate, getitem, relu, spread
from .symbol import SIGNS, Symbol

# What NumPy does by a ufunc's reduce.
REDUCTIONS = {np.sum: "add", np.mean: "add", np.max: "maximum", np.min: "minimum"}


class Storage(NamedTuple):
    """Where the code of a program has the results of nodes, by number: in ``arrays`` made
    beforehand, and in ``views`` of these. What it gives away it makes anew if it is its ``own``:
    nobody else's memory.
    """

    arrays: dict[int, np.ndarray]
    views: dict[int, np.ndarray]
    own: set[int]


class Listing:
    """What is written of a graph: ``names`` of its nodes, by number, and the texts made with them.

    ``constants`` are the arrays that a text refers to, ``functions`` those that NumPy lacks.
    """

    def __init__(self, title: str, inputs: Sequence, nodes: Sequence) -> None:
        self.title, self.nodes = title, nodes
        made = {node.function: 0 for node in nodes if hasattr(node.function, "recordable")}
        self.functions = {f.__name__: f.__wrapped__ for f in made if f is not getitem}
        self.constants: dict[str, np.ndarray] = {}
        self._known: dict[tuple, str] = {}
        named = {node.number: node.name for node in (*inputs, *nodes) if node.name}
        self.names = variables([*inputs, *nodes], named, [title, *self.functions])
        self.dtypes = {x.dtype for x in inputs if x.dtype.kind == "f"}
        self.start = f"def {title}({', '.join(self.names[x.number] for x in inputs)}):"

    def module(self, result: Any) -> str:
        """The graph as a function, in a module that needs nothing but NumPy."""
        body = [self.start, *self._body(self._made)]
        body.append(f"    return {_told(result, self._word)}")
        head = [f'"""{self.title}: recorded, differentiated and written out by microbn."""', ""]
        head += ["import numpy as np", *map(_definition, self.functions.values())]
        if self.constants:
            head += ["", *(f"{name} = {_array(a)}" for name, a in self.constants.items())]
        return "\n".join([*head, "", "", *body, ""])

    def code(self, result: Any, storage: Storage) -> str:
        """The same as it is run, with the arrays of a `Storage`."""

        def statement(node: Any) -> str:
            if node.number in storage.views:
                return ""
            return self._quick(node, node.number in storage.arrays)

        def given(x: Any) -> str:
            own = is_node(x) and x.number in storage.own
            return self._word(x) if own else f"np.array({self._word(x)})"

        body = [self.start, *self._body(statement)]
        return "\n".join([*body, f"    return {_told(result, given)}", ""])

    def _made(self, node: Any) -> str:
        """The call of a node as one would write it: its function, read as words."""
        function = node.function
        index = function is getitem  # of which the slices stay slices
        operands = [x if index and type(x) is slice else self._symbol(x) for x in node.inputs]
        text = str(function(*operands, **_one_axis(node.kwargs))).replace(" · ", " * ")
        if function is np.matrix_transpose:
            text = f"{operands[0]}.mT"
        elif function is np.power and not node.shape:  # Python's ** has other last digits
            text = f"np.power({operands[0]}, {operands[1]})"
        elif function not in SIGNS and not hasattr(function, "recordable"):
            text = f"np.{text}"
        return f"{self.names[node.number]} = {text}"

    def _quick(self, node: Any, out: bool) -> str:
        """The same as it is quickest: with ``out``, into the array that is there for it."""
        function, name = node.function, self.names[node.number]
        start, into = ("", f", out={name}") if out else (f"{name} = ", "")
        words = [self._word(x) for x in node.inputs]
        if isinstance(function, np.ufunc) or function is relu:
            ufunc, zero = ("maximum", [0]) if function is relu else (function.__name__, [])
            operands = ", ".join(self._typed(x, node) for x in (*node.inputs, *zero))
            return f"{start}np.{ufunc}({operands}{into})"
        if function in REDUCTIONS and (out or function is not np.mean):
            ufunc, keywords = REDUCTIONS[function], {"axis": None, **_one_axis(node.kwargs)}
            keywords |= dict(zip(("axis",), node.inputs[1:], strict=False))
            told = ", ".join(f"{key}={value}" for key, value in keywords.items())
            text = f"{start}np.{ufunc}.reduce({words[0]}, {told}{into})"
            if function is np.mean:
                n = np.size(node.args[0]) // (node.size or 1)
                text += f"\nnp.divide({name}, {self._typed(n, node)}, out={name})"
            return text
        if function is spread and out:
            return f"np.copyto({name}, {words[0]})"
        if function is gate and out:
            bits = f".view(np.int{8 * node.dtype.itemsize})"
            return f"np.multiply({words[0]}{bits}, {words[1]}, out={name}{bits})"
        made = self._made(node)
        return f"np.copyto({name}, {made.partition(' = ')[2]})" if out else made

    def _word(self, x: Any) -> str:
        """What stands for a node or a constant."""
        if is_node(x):
            return self.names[x.number]
        if isinstance(x, np.ndarray):
            return self._constant("constant", x)
        return f"np.{np.dtype(x).name}" if isinstance(x, (np.dtype, type)) else repr(x)

    def _symbol(self, x: Any) -> Any:
        """The same as an operand that is read."""
        kinds = (np.ndarray, np.generic, np.dtype, type, slice)
        return Symbol(self._word(x)) if is_node(x) or isinstance(x, kinds) else x

    def _typed(self, x: Any, node: Any) -> str:
        """The word for x; a number is an array already, of the dtype that NumPy would make it."""
        if type(x) not in (int, float):
            return self._word(x)
        dtypes = [y.dtype for y in node.args if isinstance(y, (np.ndarray, np.generic))]
        word = identifier(f"{'minus ' * (x < 0)}{x}".replace("e-", "e_minus_"))
        return self._constant(word, np.array(x, np.result_type(*dtypes, x)))

    def _constant(self, word: str, array: np.ndarray) -> str:
        """The name of an array: the same for equal ones."""
        key = array.shape, array.strides, array.dtype, array.tobytes()
        if key not in self._known:
            taken = {*self.names.values(), *self.constants}
            word = next(w for w in _numbered(word) if w not in taken)
            self._known[key], self.constants[word] = word, array
        return self._known[key]

    def _body(self, statement: Callable[[Any], str]) -> list[str]:
        """Statements with the shapes of what they make, forward and backward apart."""
        rows: list[tuple[str, str]] = []
        parts: list[str] = []
        for node in self.nodes:
            forward = "# and then" if "# backward" in parts else "# forward"
            part = "# backward" if of_gradient(node.scope) else forward
            for line in statement(node).splitlines():
                if parts[-1:] != [part]:
                    rows.append((part, ""))
                    parts.append(part)
                dtype = "" if {node.dtype} == self.dtypes else f" {node.dtype}"
                rows.append((line, f"# {node.shape}{dtype}"))
        width = min(60, max((len(line) for line, _ in rows), default=0))
        return [f"    {line:<{width}}  {comment}".rstrip() for line, comment in rows]


def variables(
    nodes: Sequence, named: Mapping[int, str], taken: Collection[str] = ()
) -> dict[int, str]:
    """A variable for each node: its name or, where it has none, a number of what it leads to.

    ``x_hat_1`` is on the way to ``x_hat``.
    """
    words: dict[int, str] = {}  # of what each node leads to, of all its users to the first
    for node in reversed(nodes):
        if node.number in named:
            words[node.number] = identifier(named[node.number])
        word = words.setdefault(node.number, "out")
        words.update((x.number, word) for x in node.inputs if is_node(x))
    names, used = {}, {*keyword.kwlist, "np", *taken}
    numbered: dict[str, Iterator[str]] = {}
    for node in sorted(nodes, key=lambda node: node.number not in named):
        word = words[node.number]
        choices = numbered.setdefault(word, _numbered(word))
        name = word if node.number in named and word not in used else next(choices)
        while name in used or (name == word and node.number not in named):
            name = next(choices)
        used.add(name)
        names[node.number] = name
    return names


def _numbered(word: str) -> Iterator[str]:
    """``word``, ``word_1``, ``word_2`` and so on."""
    return chain([word], (f"{word}_{i}" for i in count(1)))


def paths(nodes: Sequence) -> dict[int, str]:
    """The names that nodes have, and before them their groups: ``layers.1.x_hat``.

    A parameter is in the group of the first node that uses it, and d.layers.1.x_hat is what the
    gradient of layers.1.x_hat is called.
    """
    scopes = {x.number: n.scope for n in reversed(nodes) for x in n.inputs if is_node(x) and x.held}
    found = {}
    for node in nodes:
        if node.name:
            path = [*scopes.get(node.number, node.scope), node.name]
            if of_gradient(node.scope):
                path = ["d", *path[1:-1], node.name.removeprefix("d_")]
            found[node.number] = ".".join(path)
    return found


def identifier(text: str) -> str:
    """The text as a name in Python: of ``layers.0.weight``, ``layers_0_weight``."""
    word = re.sub(r"\W+", "_", text).strip("_") or "_"
    return f"_{word}" if word[0].isdigit() else word


def is_entrywise(function: Any) -> bool:
    """Whether a function works entry by entry: then it may write over its operands."""
    ufunc = isinstance(function, np.ufunc) and function.signature is None
    return ufunc or function in (relu, gate)


def _told(result: Any, word: Callable[[Any], str], inside: bool = False) -> str:
    """A result, or a tuple of results, in words."""
    if not isinstance(result, (tuple, list)):
        return word(result)
    text = ", ".join(_told(x, word, True) for x in result) + "," * (len(result) == 1)
    return f"({text})" if inside or not result else text


def _one_axis(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """One axis as a number, not as a tuple of one."""
    axis = kwargs.get("axis")
    return {**kwargs, "axis": axis[0]} if type(axis) is tuple and len(axis) == 1 else {**kwargs}


@cache
def _definition(function: Callable) -> str:
    """What brings a function that NumPy lacks: one of ours in full, a user's from its module."""
    if function.__module__ != primitives.__name__:
        return f"from {function.__module__} import {function.__name__}"
    source = inspect.getsource(function)
    untyped = source[source.index("def ") :].replace(": Any", "").replace(" -> Any", "")
    return f"\n\n{untyped.rstrip()}"


def _array(array: np.ndarray) -> str:
    """An array in Python, to the last bit, and in memory as it lies there."""
    order = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
    if array.flags.c_contiguous or order == [*range(array.ndim)]:
        numbers = re.sub(r"\b(inf|nan)\b", r"np.\1", str(array.ravel().tolist()))
        shape = "" if array.ndim == 1 else f".reshape({array.shape})"
        return f"np.array({numbers}, np.{array.dtype}){shape}"
    return f"{_array(array.transpose(order))}.transpose({np.argsort(order).tolist()})"
