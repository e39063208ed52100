"""This runs in the book's pages: a page's blocks, each in the names that those before it left."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from .inside import HOME, print_error

_page = ModuleType("__main__")


def run_block(name: str, code: str) -> dict[str, Any]:
    """Run a block as the file ``name``. Return its story as a page, and the line of its error.

    The story is the value of the last line, if that is an expression with a page, as in a notebook.
    Otherwise it is what the block newly leaves as ``story``. An error is printed as in a terminal.
    """
    path = HOME / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(code, encoding="utf-8")
    sys.modules["__main__"] = _page
    before = vars(_page).get("story")
    try:
        last = value_of_last_line(code, path)
        left = vars(_page).get("story")
        story: Any = last if hasattr(last, "page") else left if left is not before else None
        return {"story": story.page() if hasattr(story, "page") else None, "line": None}
    except BaseException as error:
        return {"story": None, "line": print_error(error, path)}


def value_of_last_line(code: str, path: Path) -> Any:
    """Run code in the page's names. Return the value of its last line, or None for a statement."""
    tree = ast.parse(code, str(path))
    value = ast.Expression(ast.Constant(None))
    if tree.body and isinstance(last := tree.body[-1], ast.Expr):
        value = ast.Expression(last.value)
        tree.body.pop()
    ast.fix_missing_locations(value)
    exec(compile(tree, str(path), "exec", dont_inherit=True), vars(_page))
    return eval(compile(value, str(path), "eval", dont_inherit=True), vars(_page))
