"""What importing costs: NumPy, and nothing else."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import microbn
from microbn import errors

HEAVY = ["matplotlib", "graphviz", "rich", "hypothesis", "sklearn", "joblib", "pygraphviz"]


ROOM = Path(microbn.__file__).parent
LAYOUT = Path(__file__).parents[1] / "docs" / "project" / "layout.md"


def rooms():
    """The tables of the page on the layout: a folder, and its rooms in their order."""
    tables = re.findall(r"^```\{rooms\} (\S+)\n(.*?)^```", LAYOUT.read_text(), re.M | re.S)
    return [(ROOM.parent / folder, names.split()) for folder, names in tables]


def imported(source):
    """The modules of microbn that a file imports, anywhere in it but for a type checker."""
    found = set()
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            found |= {node.module} if node.module else {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module.startswith("microbn"):
            found.add(node.module.removeprefix("microbn."))
        elif isinstance(node, ast.Import):
            names = [a.name for a in node.names if a.name.startswith("microbn")]
            found |= {name.removeprefix("microbn.") for name in names}
    return found


@pytest.mark.parametrize(("folder", "names"), rooms(), ids=lambda value: getattr(value, "name", ""))
def test_rooms_import_only_what_stands_above_them_on_the_page_of_the_layout(folder, names):
    for i, name in enumerate(names):
        beside = imported((folder / f"{name}.py").read_text()) & set(names)
        assert beside <= set(names[:i]), name


def test_every_room_stands_on_the_page_of_the_layout():
    for folder in (ROOM, ROOM / "view", ROOM / "testing", ROOM / "lab"):
        there = {file.stem for file in folder.glob("*.py")} - {"__init__", "__main__"}
        assert there == {name for place, names in rooms() if place == folder for name in names}


def test_engine_imports_none_of_the_rooms_that_know_it():
    for file in ROOM.glob("*.py"):
        if file.name not in ("__init__.py", "cli.py", "targets.py"):
            assert imported(file.read_text()).isdisjoint({"view", "testing", "lab", "targets"})


def test_the_check_sees_an_import():
    assert imported("def f():\n    from .tensor import Tensor\nfrom . import view") == {
        "tensor",
        "view",
    }
    assert not imported("if TYPE_CHECKING:\n    from .tensor import Tensor")
    absolute = "from microbn.tensor import Tensor\nimport microbn.view\nimport numpy"
    assert imported(absolute) == {"tensor", "view"}


def test_the_engine_is_three_files_of_under_600_lines():
    files = [ROOM / name for name in ("tensor.py", "backward.py", "rules.py")]
    assert sum(len(file.read_text().splitlines()) for file in files) < 600


def test_the_program_is_read_in_one_sitting():
    assert len((ROOM / "program.py").read_text().splitlines()) <= 350


def loaded_after(code):
    script = f"{code}\nimport sys; print([m for m in {HEAVY} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return run.stdout.strip()


def test_importing_microbn_loads_numpy_alone():
    assert loaded_after("import microbn") == "[]"


def test_the_check_sees_a_heavy_import():
    assert loaded_after("import microbn, rich") == "['rich']"


def test_rooms_load_when_they_are_asked_for():
    code = "import microbn; microbn.draw; microbn.testing.numeric_vjp; microbn.lab; microbn.view"
    assert loaded_after(code) == "[]"


@pytest.mark.parametrize(
    "code",
    [
        "from microbn.testing import strategies",
        "from microbn.testing.strategies import batches",
        "import microbn; microbn.testing.strategies.batches",
    ],
)
def test_hypothesis_loads_with_the_strategies(code):
    assert loaded_after(code) == "['hypothesis']"


def test_strategies_without_hypothesis_say_what_to_install(monkeypatch):
    assert microbn.testing.strategies.__name__ in sys.modules
    monkeypatch.delattr(microbn.testing, "strategies")
    monkeypatch.delitem(sys.modules, "microbn.testing.strategies")
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    way_out = r"microbn.testing.strategies needs hypothesis; .*'microbn\[test\]'"
    with pytest.raises(errors.MissingPackageError, match=way_out):
        _ = microbn.testing.strategies
    with pytest.raises(errors.MissingPackageError, match=way_out):
        from microbn.testing.strategies import shapes  # noqa: F401


def test_star_import_brings_every_public_name():
    namespace = {}
    exec("from microbn import *", namespace)
    assert namespace.keys() >= set(microbn.__all__) >= {"Tensor", "draw", "lab"}


def test_completion_offers_the_public_names_and_nothing_else():
    offered = {name for name in dir(microbn) if not name.startswith("__")}
    assert offered == {*microbn.__all__}


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = microbn.nothing
    with pytest.raises(AttributeError, match=r"'microbn.testing' has no attribute 'nothing'"):
        _ = microbn.testing.nothing
