"""Write a recorded graph as Python source: a variable for each node, a statement for each call."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, count
from typing import Any, NamedTuple

import numpy as np

from ..engine.functions import gate, getitem, relu, scatter, spread
from ..engine.names import spelled
from ..engine.node import is_node
from ..reading.signs import SIGNS
from .literals import definition, folded, identifier, is_name, is_numbers, literal, written_array
from .variables import variables

# The reductions, each with the ufunc whose ``reduce`` NumPy calls for it.
REDUCTIONS = {np.sum: "add", np.mean: "add", np.max: "maximum", np.min: "minimum"}
# The functions that read better in another way than as a call.
WRITTEN: dict[Any, str] = {
    np.matrix_transpose: "{0}.mT",
    relu: "np.maximum({0}, 0)",
    gate: "np.where({1}, {0}, 0)",
}
# NumPy's ``**`` of an array of floats calls these functions for these exponents, and otherwise
# np.power.
POWERS: dict[Any, np.ufunc] = {2: np.square, 0.5: np.sqrt, -1: np.reciprocal}


FLOATS = {np.dtype(np.float32), np.dtype(np.float64)}  # BLAS computes with these
# np.maximum is slow with a number. It is quicker with as many zeros, up to this many, and with a
# row of zeros of at least so many columns.
ZEROS, ROW_OF_ZEROS = 2**16, 32


class Storage(NamedTuple):
    """The places in which a program keeps the results of nodes, by their numbers.

    Some are written into ``arrays`` that were made beforehand, or are ``views`` of those. The
    numbers in ``own`` are results that each run makes anew in memory of their own, so that they
    can be returned without a copy.
    """

    arrays: dict[int, np.ndarray]
    views: dict[int, np.ndarray]
    own: set[int]


class Listing:
    """Writes a graph as Python source. ``names`` maps each node's number to its variable.

    ``functions`` holds the functions that NumPy lacks, and ``constants`` the arrays and other
    objects that the source refers to by name.
    """

    def __init__(self, title: str, inputs: Sequence, nodes: Sequence) -> None:
        self.used = {*keyword.kwlist, "np"}
        self.functions: dict[Any, str] = {}
        for function in {node.function: 0 for node in nodes}:
            ours = function in WRITTEN or function is getitem
            if not ours and vars(np).get(function.__name__) is not function:
                self.functions[function] = self.free(identifier(function.__name__))
        self.title = self.free(identifier(title))
        named = {node.number: node.name for node in (*inputs, *nodes) if node.name}
        self.names = variables([*inputs, *nodes], named, self.used)
        self.used.update(self.names.values())
        self.inputs, self.nodes = inputs, nodes
        self.constants: dict[str, Any] = {}
        self.made: Mapping[int, np.ndarray] = {}  # by a node's number: its array, if it stays
        self._known: dict[tuple, str] = {}

    def module(self, result: Any) -> str:
        """Write the graph as a function, in a module that needs NumPy alone."""

        def statement(node: Any) -> str:
            return f"{self.names[node.number]} = {self._call(node)}"

        body = self._function(self.nodes, statement, result, self.word, "np.{1}({0})")
        head = [f'"""{self.title}: recorded, differentiated and written out by microbn."""', ""]
        arrays = {name: x for name, x in self.constants.items() if is_numbers(x)}
        others = {name: x for name, x in self.constants.items() if name not in arrays}
        named = {name: function for function, name in self.functions.items()}
        brought = [definition(x, name) for name, x in (named | others).items()]
        head += ["import numpy as np", *(text for text in brought if "\n" not in text)]
        head += [f"\n\n{text}" for text in brought if "\n" in text]
        constants = "\n".join(f"{name} = {written_array(a)}" for name, a in arrays.items())
        head += ["\n" * (1 + any("\n" in text for text in brought)) + constants] * bool(constants)
        return "\n".join([*head, "\n", *body, ""])

    def code(self, result: Any, steps: Sequence, storage: Storage, kernels: Mapping) -> str:
        """Write the function that is run: it computes into the arrays of a `Storage`.

        A step is a node or a kernel. ``kernels`` maps the id of a kernel to the call of it.
        """

        def statement(step: Any) -> str:
            if id(step) in kernels:
                return kernels[id(step)]
            made = step.number in storage.views
            return "" if made else self._quick(step, step.number in storage.arrays)

        self.made = storage.arrays | storage.views
        own = set(storage.own)

        def given(x: Any) -> str:
            if is_node(x) and x.number in own:
                own.remove(x.number)  # a result that is returned twice is copied the second time
                return self.word(x)
            return f"np.array({self.word(x)})"

        return "\n".join([*self._function(steps, statement, result, given, "{0}[()]"), ""])

    def _function(
        self, steps: Sequence, statement: Callable, result: Any, word: Callable, single: str
    ) -> list[str]:
        """Write the statements, forward and backward apart, with the shapes of their results.

        First ``single`` turns each operand without axes into NumPy's number, because NumPy takes
        powers of an array without axes in another way.
        """
        usual = {x.dtype for x in self.inputs if x.dtype.kind == "f"}
        numbers = [(self.names[x.number], x.dtype.name) for x in self.inputs if x.shape == ()]
        rows = [(f"{name} = {single.format(name, dtype)}", "") for name, dtype in numbers]
        parts = [""]
        for node in steps:
            other = "# update" if "# backward" in parts else "# forward"
            part = "# backward" if node.role == "gradient" else other
            for line in filter(None, statement(node).split("\n")):
                if part != parts[-1]:
                    parts.append(part)
                    rows.append((part, ""))
                dtype = "" if {node.dtype} == usual else f" {node.dtype}"
                shown = "" if "= np.empty(" in line else f"# {node.shape}{dtype}"
                rows.append((line, shown))
        width = min(60, max((len(line) for line, _ in rows), default=0))
        operands = [self.names[x.number] for x in self.inputs]
        return [
            folded(f"def {self.title}(", operands, "):"),
            *(f"    {line:<{width}}  {comment}".rstrip() for line, comment in rows),
            folded("    return ", _told(result, word).split(", "), "", bracketed=True),
        ]

    def _call(self, node: Any) -> str:
        """Write the call of a node as a person would write it."""
        function, words = node.function, [self.word(x) for x in node.inputs]
        if function in WRITTEN:
            single = function is gate and node.shape == ()  # np.where makes an array of it
            return WRITTEN[function].format(*words) + "[()]" * single
        if function is getitem:
            return f"{words[0]}[{', '.join(map(self._place, node.inputs[1:])) or '()'}]"
        if function in SIGNS and not node.kwargs:
            sign = SIGNS[function][0].replace("·", "*")
            if function is np.power:
                words = [f"({word})" if word.startswith("-") else word for word in words]
            *left, right = words
            return f"{left[0]} {sign} {right}" if left else f"{sign}{right}"
        keywords = _one_axis(node.kwargs)
        plain = [f"{key}={self.word(x)}" for key, x in keywords.items() if is_name(key)]
        odd = {str.__repr__(key): self.word(x) for key, x in keywords.items() if not is_name(key)}
        more = ", ".join(f"{key}: {word}" for key, word in odd.items())
        name = self.functions.get(function) or spelled(function)
        return f"{name}({', '.join([*words, *plain, *([f'**{{{more}}}'] * bool(odd))])})"

    def _quick(self, node: Any, out: bool) -> str:
        """Write the quickest statement for a node; with ``out`` it fills the node's array.

        It makes the calls that the engine makes. For single numbers these are Python's operators.
        """
        function, name = node.function, self.names[node.number]
        start, into = ("", f", out={name}") if out else (f"{name} = ", "")
        words = [self.word(x) for x in node.inputs]
        if _is_dot(node):
            return f"{start}{words[0]}.dot({words[1]}{into})"
        if called := self._ufunc(node):
            ufunc, inputs = called
            words = self._rows(node, inputs) if out else []
            words = words or [self._typed(x, node) for x in inputs] + [name] * out
            if out and ufunc in (np.maximum, np.minimum):  # NumPy asks for a keyword here
                words[-1] = f"out={words[-1]}"
            return f"{start}np.{ufunc.__name__}({', '.join(words)})"
        if function in REDUCTIONS:
            given = dict(zip(["axis"], node.inputs[1:], strict=False))
            keywords = {"axis": None, **_one_axis({**given, **node.kwargs})}
            told = ", ".join(f"{key}={self.word(value)}" for key, value in keywords.items())
            text = f"{start}np.{REDUCTIONS[function]}.reduce({words[0]}, {told}{into})"
            if function is np.mean:
                n = self._typed(np.size(node.args[0]) // (node.size or 1), node)
                single = f"{name} = {name} / {n}"
                text += f"\nnp.divide({name}, {n}, {name})" if node.shape else f"\n{single}"
            return text
        if function is gate and out:
            bits, into = map(self._bits, (node.inputs[0], node))
            return f"np.multiply({bits}, {words[1]}, {into})"
        if function is scatter and out:
            index = f"({', '.join([*words[2:], ''])})"
            if any(map(np.ndim, node.args[2:])):
                return f"{name}.fill(0)\nnp.add.at({name}, {index}, {words[0]})"
            return f"{name}.fill(0)\n{name}[{index}] += {words[0]}"
        made = words[0] if function is spread and out else self._call(node)
        return f"np.copyto({name}, {made})" if out else f"{name} = {made}"

    def _ufunc(self, node: Any) -> tuple[np.ufunc, Sequence] | None:
        """Return the ufunc that computes an array, and its operands. Returns None for others."""
        function, inputs = node.function, node.inputs
        if node.shape == () or node.kwargs or function in self.functions:
            return None
        if function is relu:
            shape = node.shape if node.size <= ZEROS else node.shape[-1:]
            zeros = np.zeros(shape, node.dtype) if shape[-1] >= ROW_OF_ZEROS else 0
            return np.maximum, [*inputs, zeros]
        if function is np.power and np.ndim(node.args[1]) == 0:
            exponent = inputs[1] if type(inputs[1]) in (int, float) else None
            if exponent is None or np.asarray(node.args[0]).dtype.kind != "f":
                return None
            shorter = POWERS.get(exponent)
            return (shorter, inputs[:1]) if shorter else (function, inputs)
        return (function, inputs) if isinstance(function, np.ufunc) else None

    def _rows(self, node: Any, inputs: Sequence) -> list[str]:
        """Return texts for operands (w,) and (1, w) and their result, all in the shape (w,).

        NumPy is quicker with one shape. Returns nothing for other operands, and where an array
        (1, w) is not the program's own.
        """
        flat, words = (node.size,), list[str]()
        for x in (*inputs, node):
            if np.shape(x) in ((), flat):
                words.append(self._typed(x, node))
            elif np.shape(x) == (1, *flat) and is_node(x) and x.number in self.made:
                words.append(self._view(x, "row", lambda array: array[0]))
            else:
                return []
        return words if flat in map(np.shape, (*inputs, node)) else []

    def _bits(self, x: Any) -> str:
        """Return the text for the bits of an array, as integers of the same size."""
        size = x.dtype.itemsize
        if not is_node(x) or x.number not in self.made:
            return f"{self.word(x)}.view(np.int{8 * size})"
        return self._view(x, "bits", lambda array: array.view(f"i{size}"))

    def _view(self, x: Any, word: str, view: Callable) -> str:
        """Return the name of a view of an array that the program has made."""
        made = self.made[x.number]
        return self._constant(f"{word} of {self.word(x)}", view(made), (x.number, word))

    def word(self, x: Any) -> str:
        """Return the text for a node or a constant."""
        if is_node(x):
            return self.names[x.number]
        if is_numbers(x):
            return self._constant("constant", x, (x.shape, x.strides, x.dtype, x.tobytes()))
        if type(x) in (tuple, list):
            inside = ", ".join(map(self.word, x))
            return f"[{inside}]" if type(x) is list else f"({inside}{',' * (len(x) == 1)})"
        if type(x) is slice:
            return f"np.s_[{self._place(x)}]"
        if (text := literal(x)) is not None:
            return text
        kind = x if isinstance(x, type) else type(x)
        return self._constant(kind.__name__.lower(), x, (id(x),))

    def _place(self, x: Any) -> str:
        """Return the text for a part of an index."""
        if type(x) is not slice:
            return self.word(x)
        parts = [x.start, x.stop, *([] if x.step is None else [x.step])]
        return ":".join("" if part is None else self.word(part) for part in parts)

    def _typed(self, x: Any, node: Any) -> str:
        """Like `word`, but a Python number becomes a 0-d array of the dtype NumPy would promote
        it to, so that no run has to promote it again.
        """
        if type(x) not in (int, float):
            return self.word(x)
        dtypes = [y.dtype for y in node.args if isinstance(y, (np.ndarray, np.generic))]
        if any(dtype.kind != "f" for dtype in dtypes):
            return self.word(x)
        array = np.array(x, np.result_type(*dtypes, x))
        word = identifier(f"{'minus ' * (x < 0)}{x}".replace("e-", "e_minus_"))
        return self._constant(word, array, (array.dtype, array.tobytes()))

    def free(self, word: str) -> str:
        """Take the word as a name, with a number behind it if the word is taken."""
        words = chain([word], (f"{word}_{i}" for i in count(1)))
        self.used.add(free := next(word for word in words if word not in self.used))
        return free

    def _constant(self, word: str, x: Any, key: tuple) -> str:
        """Return the name of a constant. Equal keys get the same name."""
        if key not in self._known:
            self._known[key] = self.free(identifier(word))
            self.constants[self._known[key]] = x
        return self._known[key]


def _told(result: Any, word: Callable[[Any], str], inside: bool = False) -> str:
    """Write a result, or a tuple of results."""
    if not isinstance(result, (tuple, list)):
        return word(result)
    text = ", ".join(_told(x, word, True) for x in result) + "," * (len(result) == 1)
    return f"({text})" if inside or not result else text


def _is_dot(node: Any) -> bool:
    """Return whether a product of matrices has the same bits as a method, which is quicker.

    For matrices and rows in one piece of memory, both make the same call of BLAS.
    """
    if node.function is not np.matmul or node.shape == ():
        return False
    dtypes = {x.dtype for x in (node, *node.args)}
    whole = (x.flags.c_contiguous or x.flags.f_contiguous for x in node.args)
    return len(dtypes) == 1 and dtypes <= FLOATS and node.ndim <= 2 and all(whole)


def _one_axis(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Write a single axis as a number, not as a tuple of one."""
    axis = kwargs.get("axis")
    return {**kwargs, "axis": axis[0]} if type(axis) is tuple and len(axis) == 1 else {**kwargs}
