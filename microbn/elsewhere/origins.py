"""The origin of an operation in an exported program: the module, the line, and the variable."""

from __future__ import annotations

import operator
import re
import traceback
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..reading.lines import is_ours

_TARGET = re.compile(r"([^\W\d]\w*) *=[^=]")  # of an assignment


def said_where(node: Any) -> str:
    """Return where a node comes from: ``, in 0.norm (net.py:12: x = self.drop(x))``."""
    path = [path for _, path in _modules(node)][-1:]
    lines = _lines_of_code(node, own=True) or _lines_of_code(node)
    said = [f" ({Path(file).name}:{number}: {code})" for file, number, code in lines[-1:]]
    return "".join([f", in {path[0]}" if path else "", *said])


def line_in_module(node: Any) -> tuple[str, int] | None:
    """Return the file and the number of the module's own line that led to a node, if there is one.

    Modules of PyTorch's that are put in a row have no such line.
    """
    lines = _lines_of_code(node, own=True)
    return (lines[-1][0], int(lines[-1][1])) if lines else None


def module_path(node: Any) -> list[str]:
    """Return the names of the modules that a node is in, the outermost first.

    The second call of one module is a group of its own: ``pool 2``.
    """
    parts: list[str] = []
    before = ""
    for key, path in _modules(node):
        inside = path.startswith(f"{before}.") if before else True
        *outer, name = path.removeprefix(f"{before}.").split(".") if inside else path.split(".")
        again = re.search(r"@(\d+)$", key)
        name += f" {int(again[1]) + 1}" if again else ""
        parts, before = [*(parts if inside else []), *outer, name], path
    return parts


def _modules(node: Any) -> list[tuple[str, str]]:
    """Return the modules that a node is in: PyTorch's key for the call, and the module's path."""
    stack = node.meta.get("nn_module_stack") or {}
    return [(key, path) for key, (path, _) in stack.items() if path]


def assigned(nodes: Sequence) -> dict[str, str]:
    """Map the names of nodes to those of the variables that the module's code assigns them to.

    A line such as ``h = self.norm(self.lin(x))`` makes several nodes, and the last of them is h.
    """
    lines = [
        (node.name, _lines_of_code(node, own=True))
        for node in nodes
        if not (node.target is operator.getitem and node.args[1])  # beside the first of a tuple
    ]
    found = {}
    for (name, stack), (_, following) in pairwise(lines):
        done = following[: len(stack)] != stack  # the next node is not of the same statement
        if stack and done and (target := _TARGET.match(stack[-1][2])):
            found[name] = target[1]
    return found


def _lines_of_code(node: Any, own: bool = False) -> list[tuple[str, ...]]:
    """Return the file, the number and the text of the lines that led to a node, outermost first.

    With ``own`` they are those of the module's own code alone, without PyTorch's.
    """
    maker = node.args[0] if node.target is operator.getitem else node  # of a tuple, one part
    trace = maker.meta.get("stack_trace") or ""
    lines = re.findall(r'File "(.+)", line (\d+), in .+\n +(.+)', trace)
    return [line for line in lines if not (own and _is_of_pytorch(line[0]))]


def _is_of_pytorch(file: str) -> bool:
    """Return whether a file is PyTorch's own: it lies in the folder of the package."""
    import torch

    return Path(torch.__file__).parent in Path(file).parents


def said_line_of(error: BaseException) -> str:
    """Return the module's own line that led to an error: `` (net.py:8: if x.sum() > 0:)``."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if f.line and not (_is_of_pytorch(f.filename) or is_ours(f.filename))]
    return "".join(f" ({Path(f.filename).name}:{f.lineno}: {f.line})" for f in own[-1:])
