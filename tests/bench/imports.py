"""Which files of a package import which. Their import statements are read, and none of them runs.

A module is named from inside its package, "engine.tensor"; that of a folder is its "__init__".
"""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "microbn"
AT_IMPORT, IN_FUNCTIONS, FOR_TYPES = KINDS = "at import", "in a function", "for a type checker"


def reached(
    module: str, *kinds: str, but: Container[str] = (), package: Path = PACKAGE
) -> list[str]:
    """Follow the imports of these kinds. Return the module and all others that they lead to.

    The modules of ``but`` are left out, and what only they import.
    """
    found = [module]
    for each in found:  # which grows
        targets = {target for target, kind in imports(each, package) if kind in kinds}
        found += sorted(target for target in targets - {*found} if target not in but)
    return found


def path_of(module: str) -> str:
    """Return the place of a module's file in its package."""
    return f"{module.replace('.', '/')}.py"


def imports(module: str, package: Path = PACKAGE) -> Iterator[tuple[str, str]]:
    """Yield each module of the package that a module imports, and the kind of the import."""
    here = [package.name, *module.split(".")[:-1]]
    tree = ast.parse((package / path_of(module)).read_text("utf-8"))
    for node, kind in with_kinds(tree, AT_IMPORT):
        for base, name in imported(node, here):
            if base[:1] == [package.name] and (found := loaded(package, base[1:], name)):
                yield found, kind


def with_kinds(node: ast.AST, kind: str) -> Iterator[tuple[ast.AST, str]]:
    """Yield every node of a file with the kind that an import has there."""
    inside = {}
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        inside = {"body": IN_FUNCTIONS}
    elif isinstance(node, ast.If) and ast.unparse(node.test).lstrip("_") == "TYPE_CHECKING":
        inside = {"body": FOR_TYPES}
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child, inside.get(field, kind)
                yield from with_kinds(child, inside.get(field, kind))


def imported(node: ast.AST, here: list[str]) -> Iterator[tuple[list[str], str]]:
    """Yield each base and name of a ``from base import name`` in a file of the folder ``here``.

    The name of an ``import base`` is empty. A call of import_module is an import as well.
    """
    match node:
        case ast.ImportFrom(module=base, names=names, level=dots):
            yield from ((absolute(base or "", dots, here), alias.name) for alias in names)
        case ast.Import(names=names):
            yield from ((absolute(alias.name, 0, here), "") for alias in names)
        case ast.Call(func=called, args=[ast.Constant(value=str(name)), *_]):
            if ast.unparse(called).endswith("import_module"):
                base = name.lstrip(".")
                yield absolute(base, len(name) - len(base), here), ""


def absolute(base: str, dots: int, here: list[str]) -> list[str]:
    """Return the parts of a module's full name; it was given relative to a folder, if with dots."""
    folder = here[: len(here) + 1 - dots] if dots else []
    return [*folder, *filter(None, base.split("."))]


def loaded(package: Path, base: list[str], name: str) -> str | None:
    """Name the module that ``from base import name`` loads, or None if there is no such file."""
    for parts in ([*base, name], base) if name else (base,):
        for module in (".".join(parts), ".".join([*parts, "__init__"])):
            if module and (package / path_of(module)).is_file():
                return module
    return None
