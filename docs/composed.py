"""The book's page of composed functions, made from the code, so that it cannot be out of date."""

import ast
import inspect
import re
import sys
from collections.abc import Callable
from html import escape
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import numpy as np
from sphinx.util.docutils import SphinxDirective

from microbn import Tensor, formula
from microbn.engine import composed, functions
from microbn.engine.composed import COMPOSED
from microbn.engine.composed.refused import REFUSED
from microbn.engine.names import spelled
from microbn.engine.primitive import RULES

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # for the calls that the tests try
LONGEST = 200  # characters of a formula that still explains something
CODE = r"f'\{t\}'|t\.data|np\.[\w.]+(\([^()]*\))?(\.mT)?"  # in a way out
ROW, MATRIX, NUMBER = np.ones(4), np.ones((2, 2)), np.array(1.0)
# Calls that show more than the first one that the tests try, or whose formula is shorter.
EXAMPLES = {
    "np.prod(x)": {"x": ROW},
    "np.cumprod(x)": {"x": ROW[:2]},
    "np.cumulative_prod(x)": {"x": ROW[:2]},
    "np.average(x, weights=w)": {"x": ROW, "w": ROW},
    "np.amax(x)": {"x": ROW},
    "np.amin(x)": {"x": ROW},
    "np.corrcoef(x)": {"x": MATRIX},
    "np.float_power(x, y)": {"x": ROW, "y": ROW},
    "np.linspace(x, y, 3)": {"x": NUMBER, "y": NUMBER},
    "np.geomspace(x, y, 3)": {"x": NUMBER, "y": NUMBER},
    "np.astype(x, np.float32)": {"x": ROW},
    "np.atleast_1d(x)": {"x": NUMBER},
    "np.atleast_2d(x)": {"x": ROW},
    "np.meshgrid(x, y)": {"x": ROW[:2], "y": ROW[:3]},
    "np.tril(x)": {"x": MATRIX},
    "np.triu(x)": {"x": MATRIX},
    "np.roll(x, 1, axis=0)": {"x": ROW},
    "np.linalg.det(x)": {"x": MATRIX},
    "np.linalg.slogdet(x)": {"x": MATRIX},
    "np.linalg.eigh(x)": {"x": MATRIX},
    "np.outer(x, y)": {"x": ROW, "y": ROW},
    "np.kron(x, y)": {"x": MATRIX, "y": MATRIX},
    "np.linalg.matrix_power(x, 5)": {"x": MATRIX},
    "np.einsum('ij,jk->ik', x, y)": {"x": MATRIX, "y": MATRIX},
    "np.linalg.multi_dot([x, y, z])": {"x": MATRIX, "y": MATRIX, "z": MATRIX},
    "np.nanprod(x)": {"x": ROW},
    "np.nancumsum(x)": {"x": ROW},
    "np.nancumprod(x)": {"x": ROW},
    "np.nanmean(x)": {"x": ROW},
    "np.nanstd(x)": {"x": ROW},
    "np.nanmax(x)": {"x": ROW},
    "np.nanmin(x)": {"x": ROW},
    "np.nan_to_num(x)": {"x": ROW},
    "np.nanquantile(x, 0.3)": {"x": ROW},
    "np.nanpercentile(x, 30)": {"x": ROW},
    "np.partition(x, 1)": {"x": ROW},
    "np.median(x, axis=0)": {"x": ROW},
    "np.gradient(x)": {"x": ROW},
    "np.poly(r)": {"r": ROW[:1]},
    "np.pad(x, 1)": {"x": ROW},
    "np.repeat(x, 2)": {"x": ROW},
    "np.delete(x, 1)": {"x": ROW},
    "np.insert(x, 1, 5.0)": {"x": ROW},
    "np.take(x, [0, 2])": {"x": ROW},
    "np.full_like(x, y)": {"x": ROW, "y": NUMBER},
}


class Composed(SphinxDirective):
    """Show the compositions in a room: a call, what it computes, in words, and the source to open.

    The room's docstring stands before them.
    """

    required_arguments = 1

    def run(self):
        self.env.note_reread()
        room = import_module(f"{composed.__name__}.{self.arguments[0]}")
        parts = [inspect.getdoc(room), *map(written, entries(self.arguments[0]))]
        return self.parse_text_to_nodes("\n\n".join(parts))


def written(entry):
    """Return an entry in Markdown. Its first lines are the summary of a part that opens."""
    names = [spelled(function) for function in entry.functions]
    others = [name for name in names if name not in entry.call]
    also = f" (also {', '.join(map(code, others))})" if others else ""
    purpose = re.sub("``(.+?)``", r"<code>\1</code>", escape(entry.purpose, quote=False))
    words = f'<code class="words">{escape(entry.words)}</code>' if entry.words else ""
    summary = f"<summary>{code(entry.call)}{also} {purpose}{words}</summary>"
    head = f'<details class="composition" id="{names[0]}">{summary}'
    return f"{head}\n\n```python\n{entry.source}\n```\n\n</details>"


def code(text):
    return f"<code>{escape(text)}</code>"


class Counts(SphinxDirective):
    """Say how many functions are composed, and how many have a rule."""

    def run(self):
        self.env.note_reread()
        ruled = sum(any(vjps) and (is_numpys(f) or is_ours(f)) for f, vjps in RULES.items())
        text = f"Here are all {len(COMPOSED)} of them. They rest on {ruled} functions with a rule."
        return self.parse_text_to_nodes(text)


class Recorded(SphinxDirective):
    """List NumPy's functions that are recorded without a gradient."""

    def run(self):
        self.env.note_reread()
        flat = [function for function, vjps in RULES.items() if not vjps and is_numpys(function)]
        return self.parse_text_to_nodes(", ".join(f"`{spelled(f)}`" for f in flat) + ".")


def is_numpys(function):
    """Tell NumPy's functions from those that the engine or a demo makes."""
    return spelled(function).startswith("np.")


def is_ours(function):
    """Tell the engine's functions from those that a demo makes."""
    return vars(functions).get(function.__name__) is function


class Refused(SphinxDirective):
    """Show a table of NumPy's functions that are refused, each with its way out."""

    def run(self):
        self.env.note_reread()
        names = {}
        for function, way_out in REFUSED.items():
            names.setdefault(way_out, []).append(f"`{spelled(function)}`")
        rows = (f"| {', '.join(found)} | {marked(way)} |" for way, found in names.items())
        return self.parse_text_to_nodes("\n".join(["| functions | way out |", "|:--|:--|", *rows]))


def marked(text):
    """Return a sentence in Markdown: calls and names as code, and no star for emphasis."""
    return re.sub(CODE, r"`\g<0>`", text.replace("*", r"\*"))


class Entry(NamedTuple):
    """A composition: the functions it is of, a call, what it computes, in words, and its source."""

    functions: list[Callable]
    call: str
    purpose: str
    words: str
    source: str


def entries(room):
    """Return the compositions in a room, in the order of the file."""
    found = {}
    for function, (composition, *_) in COMPOSED.items():
        if composition.__module__ == f"{composed.__name__}.{room}":
            found.setdefault(composition.__code__, (composition, []))[1].append(function)
    return [entry(*pair) for pair in found.values()]


def entry(composition, functions):
    calls = [call for function in functions for call in calls_of(function)]
    shown = [(call, words_of(composition, call, arrays)) for call, arrays in calls]
    call, words = next((pair for pair in shown if 0 < len(pair[1]) <= LONGEST), ("", ""))
    call = call or (calls[0][0] if calls else ", ".join(map(spelled, functions)))
    purpose = " ".join(inspect.getdoc(composition).split("\n\n")[0].split())
    return Entry(functions, call, purpose, words, source_of(composition))


def calls_of(function):
    """Return the calls of a function, with example arrays: those above, then those of the tests."""
    found = dict(EXAMPLES)
    for call, arrays in import_module("compositions").CALLS.items():
        if is_call(call):
            found.setdefault(call.split("  #")[0], arrays)
    return [pair for pair in found.items() if pair[0].partition("(")[0] == spelled(function)]


def is_call(text):
    """Tell whether the text is a call alone, and not a sum of two, or one indexed."""
    return isinstance(ast.parse(text, mode="eval").body, ast.Call)


def words_of(composition, call, arrays):
    """Return a call in words, from names; from example arrays where the code asks for a shape."""
    written = ast.parse(call, mode="eval").body
    inner = ast.unparse(ast.Call(ast.Name("composition"), written.args, written.keywords))
    space = {"np": np, "composition": composition}
    read = eval(f"lambda {', '.join(arrays)}: {inner}", space)
    examples = [Tensor(array, name) for name, array in arrays.items()]
    for operands in (arrays, examples):
        try:
            words = formula(read, *operands)
        except Exception:  # the code asks for a shape, or the formula is far too long
            continue
        return ", ".join(words) if isinstance(words, tuple) else words
    return ""


def source_of(composition):
    """Return the function as it stands, without its decorators, types and docstring."""
    text = dedent(inspect.getsource(composition))
    body = ast.parse(text).body[0].body[1:]
    lines = text.splitlines()[body[0].lineno - 1 :]
    signature = inspect.signature(composition)
    plain = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    head = signature.replace(parameters=plain, return_annotation=signature.empty)
    return "\n".join([f"def {composition.__name__}{head}:", *lines])


def setup(app):
    for directive in (Composed, Counts, Recorded, Refused):
        app.add_directive(directive.__name__.lower(), directive)
