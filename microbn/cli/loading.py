"""Load a user's Python file from its place, and report its errors with the line."""

from __future__ import annotations

import ast
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from ..arguments import HAS_ALONE
from ..errors import ArgumentError, MicrobnError
from .finding import text_alone

OURS = Path(__file__).parents[1]
# The errors that an input of the wrong kind raises, and their words if it is an array of floats.
MISUSE = (TypeError, ValueError, LookupError, AttributeError)
NO_ARRAY = re.compile(
    r"(ndarray|Tensor)' object|(array|Tensor)\(|integer(?!s or None)|unhashable|"
    "no rule for operand|is a Tensor"
)


def load_file(path: Path) -> ModuleType:
    """Run the file and return its module.

    The file may import modules that lie beside it or in the working directory. By ``from .other
    import f`` it may import its neighbours in a package, with or without an ``__init__.py``.

    Raises ArgumentError if there is no Python file, and whatever the file itself raises.
    """
    if not path.is_file():
        raise ArgumentError(f"there is no Python file {str(path)!r}")
    if path.suffix != ".py":
        raise ArgumentError(f"{str(path)!r} is not a Python file; save its code as {path.stem}.py")
    path = path.resolve()
    depth = next(i for i, f in enumerate(path.parents) if not (f / "__init__.py").is_file())
    for place in (Path.cwd(), path.parents[depth], path.parent):
        sys.path[:0] = [str(place)]  # the file's own folder comes last, so it is searched first
    folders = _packages(path, depth)
    names = [folder.name for folder in folders]
    for i, folder in enumerate(folders):
        _package(".".join(names[: i + 1]), folder)
    return _run_file(".".join([*names, path.stem]) if names else f"target_{path.stem}", path)


def _packages(path: Path, depth: int) -> list[Path]:
    """Return the folders, outermost first, that the file's relative imports need as packages.

    Usually there are none. The nearest ``depth`` folders have an ``__init__.py``.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # running the file will raise it again
        return []
    levels = [node.level for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    climbs = max(levels, default=0)
    return [*path.parents][: max(depth, climbs)][::-1] if climbs else []


def _package(name: str, folder: Path) -> None:
    """Import the package, or make a package of a folder without ``__init__.py``."""
    here = getattr(sys.modules.get(name), "__path__", [])
    if str(folder) in here:
        return
    if (init := folder / "__init__.py").is_file():
        _run_file(name, init, [str(folder)])
        return
    module = sys.modules[name] = ModuleType(name)
    module.__path__ = [str(folder)]


def _run_file(name: str, path: Path, folders: list[str] | None = None) -> ModuleType:
    spec = spec_from_file_location(name, path, submodule_search_locations=folders)
    assert spec  # every file that ends in .py has one
    assert spec.loader
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def seed_torch(path: Path, seed: int) -> None:
    """Seed PyTorch if the file imports it, so that its weights are drawn from the seed too."""
    if _imports_torch(path, set()):
        with suppress(ImportError):  # the file will raise it again
            import torch

            torch.manual_seed(seed)


def _imports_torch(path: Path, seen: set[Path]) -> bool:
    """Return whether a file imports PyTorch, or another file beside it that does."""
    seen.add(path)
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):  # running the file will raise it again
        return False
    names = [x.name for node in ast.walk(tree) if isinstance(node, ast.Import) for x in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    words = {name.split(".")[0] for name in names}
    beside = {path.parent / f"{word}.py" for word in words}
    return "torch" in words or any(_imports_torch(file, seen) for file in beside - seen)


@contextmanager
def users_code(target: str, inputs: Sequence[str] = ()) -> Iterator[None]:
    """Turn an error in the user's code into an ArgumentError: one sentence with the line.

    The user's code is the target's file and any file of the user that it imports.
    """
    path = target.rpartition(":")[0]
    try:
        yield
    except (Exception, SystemExit) as error:
        where = _line_of(error, Path(path).resolve()) if path else ""
        by_name = [given.partition("=") for given in inputs if "=" in given]
        tip = _tip(error, by_name, len(inputs) - len(by_name))
        if isinstance(error, MicrobnError) and (_of_usage(error) or not (where or tip)):
            raise
        raise ArgumentError(f"{target}{where}: {_what(error)}{tip}") from error


def _of_usage(error: BaseException) -> bool:
    """Return whether the command raised this itself, because of the inputs that it was given."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return Path(last.filename).parent == OURS / "cli"


def _tip(error: BaseException, by_name: Sequence[tuple[str, ...]], shapes: int) -> str:
    """Return advice if an error suggests that an input is not of the kind that is needed."""
    if not isinstance(error, MISUSE):
        return ""
    texts = [(name, text) for name, _, text in by_name if text_alone(text)]
    mixed_up = not texts and shapes > 1 and _blames_floats(error)
    return "".join(f"; {name} was read as the text {text!r}" for name, text in texts) + (
        '; labels, options and sizes are given by name: y="[0, 2]", n=3' if mixed_up else ""
    )


def _blames_floats(error: BaseException) -> bool:
    """Return whether an error suggests that an array of floats was given for something else.

    An attribute that is missing is one of options or of text, or else it is misspelled.
    """
    missing = getattr(error, "name", None) if isinstance(error, AttributeError) else "get"
    known = hasattr(dict, str(missing)) or hasattr(str, str(missing))
    return known and bool(NO_ARRAY.search(str(error)))


def _what(error: BaseException) -> str:
    if isinstance(error, MicrobnError):
        return str(error)
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {error.msg}"
    words = f"{type(error).__name__}: {error}".removesuffix(": ")
    if isinstance(error, ModuleNotFoundError):
        elsewhere = "install it, or run this in the folder where it is"
        return f"{words}; {HAS_ALONE if sys.platform == 'emscripten' else elsewhere}"
    if isinstance(error, NotImplementedError):
        return f"it is unfinished: {words}"
    return words


def _line_of(error: BaseException, path: Path) -> str:
    """Return the line of the file, and the line in another file of the user that it led to."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [(Path(frame.filename).resolve(), frame.lineno) for frame in frames]
    if isinstance(error, SyntaxError) and error.filename:
        lines.append((Path(error.filename).resolve(), error.lineno))
    own = [i for i, (file, _) in enumerate(lines) if file == path]
    beside = [i for i, (file, _) in enumerate(lines) if _users(file, path)]
    found = f", line {lines[own[-1]][1]}" if own else ""
    if beside and beside[-1] > (own[-1] if own else -1):
        file, number = lines[beside[-1]]
        found += f", {file.name}, line {number}"
    return found


def _users(file: Path, path: Path) -> bool:
    """Return whether a file is the user's too: it lies beside the target's file, or below."""
    folders = [path.parent, Path.cwd(), *([path.parents[1]] if len(path.parents) > 1 else [])]
    library = "site-packages" in file.parts or OURS in file.parents or not file.is_file()
    return not library and any(folder in file.parents for folder in folders)
