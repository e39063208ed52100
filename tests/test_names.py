"""A name means one thing: what a file defines at its top level, no other file defines."""

import ast
from collections import defaultdict
from symtable import symtable

import pytest
from bench.imports import PACKAGE

# Two files may define the same name where a reason is written here.
REASONS = {
    "backward": "`closed_form.backward` follows `closed_form.forward`, as people write the pair by "
    "hand; the engine's is the method of a Tensor.",
    "beside": "`lab.figures.beside` sets the panels of a figure side by side, `view.beside` two "
    "stories.",
    "hvp": "`lab.curvature.hvp` is of a loss that was computed from parameters; the engine's is "
    "of a function.",
}


def decorators(node):
    return map(ast.unparse, getattr(node, "decorator_list", []))


def defined(source):
    """Return the functions, classes and constants of a file, but for dunders and loop variables."""
    symbols = symtable(source, "a file", "exec").get_symbols()
    found = {s.get_name() for s in symbols if s.is_assigned() and not s.is_imported()}
    body = ast.parse(source).body
    composed = [node for node in body if "composes(" in "".join(decorators(node))]
    found -= {node.name for node in composed}  # a composition has the name of NumPy's function
    loops = [node.target for node in body if isinstance(node, ast.For)]
    found -= {name.id for loop in loops for name in ast.walk(loop) if isinstance(name, ast.Name)}
    return {name for name in found if not (name.startswith("__") and name.endswith("__"))}


def shared_names(package):
    """Return each name that several files of a package define, and these files."""
    files = defaultdict(list)
    for file in sorted(package.rglob("*.py")):
        for name in defined(file.read_text("utf-8")):
            files[name].append(file.relative_to(package).as_posix())
    return {name: places for name, places in sorted(files.items()) if len(places) > 1}


def test_no_name_is_defined_in_two_files_without_a_reason():
    assert {n: files for n, files in shared_names(PACKAGE).items() if n not in REASONS} == {}


def test_no_reason_is_left_for_a_name_that_is_defined_once():
    assert REASONS.keys() <= shared_names(PACKAGE).keys()


@pytest.mark.parametrize(
    "source",
    [
        "def spread(x): ...",
        "class spread: ...",
        "spread = 1",
        "(spread, other), *third = f()",
        "spread: int = 1",
        "if x:\n    spread = 1",
        "try:\n    import a\nexcept ImportError:\n    def spread(): ...",
    ],
)
def test_a_name_that_two_files_define_is_found(tmp_path, source):
    (tmp_path / "view").mkdir()
    (tmp_path / "first.py").write_text("async def spread(): ...\n__all__ = []")
    (tmp_path / "view" / "second.py").write_text(f"{source}\n__all__ = []")
    assert shared_names(tmp_path) == {"spread": ["first.py", "view/second.py"]}


@pytest.mark.parametrize(
    "source",
    [
        "from first import spread",
        "spread()",
        "def f():\n    spread = 1",
        "class C:\n    spread = 1",
        "x = [spread for spread in ()]",
        "for spread in (): ...",
        "def f(spread): ...",
    ],
)
def test_a_name_that_is_only_used_is_not_defined(source):
    assert "spread" not in defined(source)
