"""The layout: which file may import which, and what an import costs."""

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from bench.imports import AT_IMPORT, IN_FUNCTIONS, PACKAGE, imports, reached

import microbn
from microbn import arguments, errors

HEAVY = ["matplotlib", "graphviz", "rich", "hypothesis", "sklearn", "joblib", "pygraphviz"]
LAYOUT = (PACKAGE.parent / "docs" / "project" / "layout.md").read_text("utf-8")
FRONT = {"__init__", "__main__"}  # they import the rooms of their folder, and no room imports them
KNOW_THE_ENGINE = {"reading", "nn", "program", "view", "testing", "lab", "cli", "workshop"}
# An import for types or on first need may point down the page where a reason is written here.
REASONS: dict[tuple[str, str], str] = {
    ("engine.record", "engine.composed.__init__"): "The rooms of compositions load when the first "
    "of their functions is called with a Tensor.",
    ("errors", "engine.faults"): "The engine's sentences load when its first error is raised.",
    ("errors", "engine.call_faults"): "So do those of the calls of functions.",
    ("errors", "engine.composed.refused"): "So do those of what a Tensor refuses.",
    ("cli.commands", "workshop.building"): "The command that writes a workshop loads it when it "
    "runs. In the page the workshop finds a reader's function as the command line does.",
}


def rooms(page):
    """Read the tables of rooms: each folder, and the names in it in their order."""
    tables = re.findall(r"^```\{rooms\} (\S+)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return {folder: names.split() for folder, names in tables}


def wings(page):
    """Read the table of wings: each of them, and what it may import of all that stands above it."""
    allowed = {}
    for cell, words in re.findall(r"^\| (`\w+`[`\w, ]*) \| (.+) \|$", page, re.MULTILINE):
        may = {*re.findall(r"`(\w+)`", words), "errors", "arguments"}
        if words.startswith("all"):
            may |= {*allowed}
        allowed |= dict.fromkeys(re.findall(r"`(\w+)`", cell), may & {*allowed, "__init__"})
    return allowed


def modules(package):
    files = (file.relative_to(package) for file in package.rglob("*.py"))
    return sorted(".".join(file.with_suffix("").parts) for file in files)


def where_they_part(module, target):
    """Return the folder that holds two modules, and the rooms of it in which they are."""
    parts = [*zip(module.split("."), target.split("."), strict=False)]
    depth = next(i for i, (one, other) in enumerate(parts) if one != other)
    return [one for one, _ in parts[:depth]], *parts[depth]


def against_the_page(page, package=PACKAGE, reasons=REASONS):
    """Yield each import that the tables of the page do not allow."""
    tables, allowed = rooms(page), wings(page)
    for module in modules(package):
        for target, kind in dict.fromkeys(imports(module, package)):
            if target == module or (kind != AT_IMPORT and (module, target) in reasons):
                continue
            folder, one, other = where_they_part(module, target)
            names = tables.get("/".join([package.name, *folder]), [])
            above = names[: names.index(one)] if one in names else names
            if one not in FRONT and other not in (above if folder else allowed.get(one, ())):
                yield f"{module} imports {target} {kind}"


def not_on_the_page(page, package=PACKAGE):
    """Yield each folder whose rooms are not those of its table, and "wings" for the top."""
    folders = {file.parent for file in package.rglob("*.py")}
    tables = {package.parent / name: sorted(names) for name, names in rooms(page).items()}
    for folder in sorted(folders | {*tables}):
        files = {file.stem for file in folder.glob("*.py")} - FRONT
        inside = {each.name for each in folders if each.parent == folder}
        if folder == package:
            if {*wings(page)} != files | inside:
                yield "wings"
            inside = set()  # the wings have a table of their own
        if sorted(files | inside) != tables.get(folder):
            yield folder.relative_to(package.parent).as_posix()


def test_every_import_is_one_that_the_page_of_the_layout_allows():
    assert list(against_the_page(LAYOUT)) == []


def test_every_room_stands_on_the_page_of_the_layout():
    assert list(not_on_the_page(LAYOUT)) == []


def test_no_reason_is_left_for_an_import_that_is_gone():
    found = {(m, target) for m in modules(PACKAGE) for target, _ in imports(m)}
    assert REASONS.keys() <= found


def test_the_engine_imports_none_of_the_wings_that_know_it():
    engine = [module for module in modules(PACKAGE) if module.startswith("engine.")]
    found = {(m, target) for m in engine for target, _ in imports(m)}
    assert {pair for pair in found if pair[1].split(".")[0] in KNOW_THE_ENGINE} == set()


def test_the_root_holds_the_subject_and_what_all_wings_share():
    shared = {"errors", "arguments", *FRONT}
    root = {module for module in modules(PACKAGE) if "." not in module}
    assert root == {"functional", "closed_form", "optim", *shared}


PAGE = """
| wing | imports, besides `errors` and `arguments` |
|:--|:--|
| `errors` | nothing |
| `engine` | nothing |
| `view` | `engine` |
| `cli` | all of these, and the version from `__init__` |

```{rooms} house
errors
```

```{rooms} house/engine
rules
backward tensor
```

```{rooms} house/view
parts story
```

```{rooms} house/view/parts
dot page
```

```{rooms} house/cli
main
```
"""
HOUSE = {
    "errors": "import numpy",
    "engine/rules": "from ..errors import GraphError",
    "engine/backward": "from . import rules",
    "engine/tensor": "from .backward import grad\nimport house.errors",
    "view/__init__": "from .story import story",
    "view/parts/dot": "from ...engine import tensor",
    "view/parts/page": "from .dot import *",
    "view/story": "def f():\n    from .parts.page import page\n    from house import errors",
    "cli/main": "from .. import __version__\nfrom ..view import story",
    "__init__": "from .cli.main import main",
}
NOT_ALLOWED = [
    ("engine/rules", "from .backward import grad", "engine.backward at import"),
    ("engine/rules", "if x:\n    import house.engine.tensor", "engine.tensor at import"),
    ("engine/rules", "def f():\n    from . import tensor", "engine.tensor in a function"),
    ("engine/rules", "f = lambda: import_module('.tensor', p)", "engine.tensor in a function"),
    ("engine/rules", "if TYPE_CHECKING:\n    from .tensor import T", "engine.tensor for a type"),
    ("engine/tensor", "class T:\n    from house.view import story", "view.story at import"),
    ("engine/tensor", "from ..view import draw", "view.__init__ at import"),
    ("engine/tensor", "from .. import __version__", "__init__ at import"),
    ("engine/tensor", "from . import __version__", "engine.__init__ at import"),
    ("errors", "from .engine import rules", "engine.rules at import"),
    ("view/parts/dot", "from ..story import story", "view.story at import"),
    ("view/parts/dot", "from . import page", "view.parts.page at import"),
    ("view/story", "from ..cli.main import main", "cli.main at import"),
]


@pytest.fixture
def house(tmp_path):
    """A small package that has the layout of `PAGE`."""
    for name, source in HOUSE.items():
        file = tmp_path / "house" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
        (file.parent / "__init__.py").touch()
    return tmp_path / "house"


@pytest.mark.parametrize(("module", "source", "said"), NOT_ALLOWED)
def test_an_import_that_the_page_does_not_allow_is_found(house, module, source, said):
    assert list(against_the_page(PAGE, house)) == []
    with (house / f"{module}.py").open("a") as file:
        file.write(f"\n{source}\n")
    (found,) = against_the_page(PAGE, house)
    assert found.startswith(f"{module.replace('/', '.')} imports {said}")


def test_a_written_reason_excuses_an_import_for_a_type_checker_and_no_other(house):
    reasons = {("engine.rules", "engine.tensor"): "planted"}
    (house / "engine" / "rules.py").write_text("if TYPE_CHECKING:\n    from .tensor import T")
    assert list(against_the_page(PAGE, house, reasons)) == []
    (house / "engine" / "rules.py").write_text("from .tensor import T")
    assert len(list(against_the_page(PAGE, house, reasons))) == 1


@pytest.mark.parametrize(
    ("there", "gone", "said"),
    [
        ("view/new.py", None, ["house/view"]),
        ("view/new/room.py", None, ["house/view", "house/view/new"]),
        ("new.py", None, ["wings", "house"]),
        ("new/room.py", None, ["wings", "house/new"]),
        (None, "engine/tensor.py", ["house/engine"]),
        (None, "errors.py", ["wings", "house"]),
    ],
)
def test_a_room_that_the_page_lacks_or_makes_up_is_found(house, there, gone, said):
    assert list(not_on_the_page(PAGE, house)) == []
    if there:
        (house / there).parent.mkdir(exist_ok=True)
        (house / there).touch()
    if gone:
        (house / gone).unlink()
    assert list(not_on_the_page(PAGE, house)) == said


def test_a_wing_that_may_import_one_below_it_is_no_table_of_wings(house):
    page = PAGE.replace("| `engine` | nothing |", "| `engine` | `view` |")
    assert wings(page)["engine"] == {"errors"}


def test_what_an_import_reaches_is_followed_through_the_package(house):
    assert reached("engine.tensor", AT_IMPORT, package=house) == [
        *("engine.tensor", "engine.backward", "errors", "engine.rules")
    ]
    found = reached("engine.tensor", AT_IMPORT, but=["engine.backward"], package=house)
    assert found == ["engine.tensor", "errors"]
    assert reached("view.story", AT_IMPORT, package=house) == ["view.story"]
    assert "engine.rules" in reached("view.story", AT_IMPORT, IN_FUNCTIONS, package=house)


def test_backward_does_not_import_tensor():
    assert "engine.tensor" not in dict(imports("engine.backward"))


@pytest.mark.parametrize("file", ["engine/rules.py", "closed_form.py"])
def test_rules_and_the_derivation_by_hand_know_no_tensor(file):
    assert not names_a_tensor((PACKAGE / file).read_text("utf-8"))


def names_a_tensor(source):
    fields = ("id", "attr", "arg", "name", "module")
    found = (getattr(n, field, None) for n in ast.walk(ast.parse(source)) for field in fields)
    return any(part.lower() == "tensor" for name in found for part in (name or "").split("."))


@pytest.mark.parametrize(
    "source",
    ["x: Tensor", "import microbn.engine.tensor", "from .tensor import record", "a.Tensor()"],
)
def test_a_name_of_a_tensor_is_found(source):
    assert names_a_tensor(f"def f():\n    {source}")
    assert not names_a_tensor('"""On Tensors."""\nfrom . import mode')


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


@pytest.mark.parametrize(
    ("module", "name", "said"),
    [
        (microbn, "gradcheck", "it is microbn.testing.gradcheck"),
        (microbn, "Linear", "it is microbn.nn.Linear"),
        (microbn, "sgd", "it is microbn.optim.SGD"),
        (microbn, "Parameter", "a Tensor becomes a parameter when a Module's attribute is set to"),
        (microbn.functional, "dropout", "it is microbn.nn.Dropout"),
        (microbn.nn, "Tensor", "it is microbn.Tensor"),
        (microbn.nn, "relu", "it is microbn.functional.relu"),
        (microbn.nn, "optim", "it is microbn.optim"),
        (microbn.optim, "draw", "it is microbn.draw"),
        (microbn.testing, "Story", "it is microbn.view.Story"),
    ],
)
def test_a_name_in_the_wrong_room_says_where_it_is(module, name, said):
    with pytest.raises(AttributeError, match=f"{module.__name__}' .* attribute '{name}'; {said}"):
        getattr(module, name)


def test_asking_for_a_name_in_the_wrong_room_loads_no_room():
    code = "import sys, microbn\nhasattr(microbn, 'gradcheck'), hasattr(microbn.nn, 'Story')"
    code += "\nprint({'microbn.testing', 'microbn.view', 'microbn.lab'} & {*sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def public_names(module):
    """Return the names that a module makes, or takes over as its own: ``import relu as relu``."""
    tree = ast.parse(Path(module.__file__).read_text("utf-8"))
    imported = (node.names for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    names = {alias.name for names in imported for alias in names if alias.name == alias.asname}
    names |= {x.name for x in tree.body if isinstance(x, (ast.FunctionDef, ast.ClassDef))}
    return {name for name in names if not name.startswith("_")}


def test_the_table_of_places_holds_the_public_names_of_each_room():
    known = {place: names.split() for place, names in arguments.PLACES.items()}
    assert sorted(known.pop("microbn")) == sorted(microbn.__all__)
    rooms = {place: public_names(import_module(place)) for place in known}
    assert {place: {*names} for place, names in known.items()} == rooms


def test_the_sentences_load_with_the_first_error():
    loaded = "print(sum(m.startswith('microbn.engine.') and 'faults' in m for m in sys.modules))"
    code = f"import sys, microbn\n{loaded}\ntry: microbn.Tensor(1)\nexcept TypeError: {loaded}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["0", "2"]
