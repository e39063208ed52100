"""Run all that README and the book show: their code, from top to bottom, and their commands."""

import ast
import re
import runpy
import shlex
import shutil
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import numpy as np
import pytest
from shown import blocks, run, same

import microbn
from microbn import errors
from microbn.cli import commands as cli
from microbn.engine.composed import COMPOSED
from microbn.engine.primitive import CALLS, RULES
from microbn.lab import claims
from microbn.lab.results import Results

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
DEMOS = sorted((ROOT / "demos").glob("d*.py"))
MADE = ("_build", "gallery")
BOOK = sorted(p for p in DOCS.rglob("*.md") if p.relative_to(DOCS).parts[0] not in MADE)
PAGES = [ROOT / "README.md", *BOOK]
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}


@pytest.mark.parametrize("page", [page for page, text in TEXTS.items() if blocks(text)])
def test_blocks_run_as_they_stand_and_print_what_is_shown(page, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # where what they save goes
    monkeypatch.syspath_prepend((ROOT / page).parent)  # as for a student who is in that folder
    monkeypatch.setitem(sys.modules, "mine", mine := ModuleType("mine"))
    exec(MINE, vars(mine))
    namespace = {}
    with patch.dict(RULES), patch.dict(CALLS):  # which a page may add to
        for code, shown in blocks(TEXTS[page]):
            try:
                run(code, namespace)
            except errors.MissingPackageError as error:
                pytest.skip(f"{error}: unchecked")
            printed = capsys.readouterr().out
            assert same(printed, shown), f"{code}\nprints\n{printed}"


def test_blocks_are_found():
    page = "```python\nx = 1\n```\n\n```text\n2\n```\n```bash\nls\n```\n```python\ny\n```\n\nz"
    assert blocks(page) == [("x = 1\n", "2\n"), ("y\n", "")]
    assert len(blocks(TEXTS["README.md"])) == 3


def test_what_is_shown_is_told_from_what_is_printed():
    assert same("off by 2.5e-08,\n  1 in x: 0.10735", "off by 3e-7, 1 in x: 0.107348")
    for printed, shown in [("12.0 12.0", "12.0 13.0"), ("0e+00 1e-03", "1e-03 0e+00")]:
        assert not same(printed, shown)
    assert not same("d_x_1 / 4", "d_x_2 / 4")
    assert not same("x / 4", "x / 5")


@pytest.mark.parametrize("page", TEXTS)
def test_no_code_is_shown_that_does_not_run(page):
    kinds = set(re.findall(r"^```(\S+)", TEXTS[page], re.MULTILINE))
    assert {kind for kind in kinds if kind[0] != "{"} <= {"python", "bash", "text"}


def commands(text):
    """Return every call of microbn on a page, in a block of shell commands or in a sentence."""
    shell = "".join(re.findall(r"^```bash\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    lines = shell.splitlines() + re.findall(r"`([^`\n]+)`", text)
    calls = (re.match(r"(?:\.venv/bin/)?microbn (.+)", line) for line in lines)
    return {call[1] for call in calls if call}


COMMANDS = sorted(set().union(*map(commands, TEXTS.values())) - {"tour"})
# The layers of exercises.py that a check rejects.
WRONG = {"affine", "relu", "tanh", "softmax", "residual", "batch_norm", "dropout", "gate"}
MINE = """
import numpy as np
from microbn import Tensor, closed_form
def loss(): return np.sum(np.square(Tensor([1.0, 2.0], "w")))
def example(): return np.tanh, np.ones(3)
def softmax(x): return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
layer_forward, layer_backward = closed_form.forward, closed_form.backward
def nll(x, y): return -np.log(softmax(x))[np.arange(len(y)), y].mean()
def norm_forward(x, gamma, beta, bn_param):
    assert bn_param == {"mode": "train"}
    return closed_form.forward(x, gamma, beta)
norm_backward = closed_form.backward
class Linear:
    def __init__(self, W): self.W = W
    def forward(self, x):
        self.x = x
        return x @ self.W
    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ self.W.T
class Affine(Linear):
    def __init__(self, n_in, n_out): super().__init__(np.random.normal(size=(n_in, n_out)))
"""
LAYER = "def layer(x, gamma, beta): return gamma * x + beta\n"


def test_commands_are_found():
    page = "`microbn a`, and\n```bash\n.venv/bin/microbn b c\nls\n```\nbut not microbn d"
    assert commands(page) == {"a", "b c"}
    assert len(COMMANDS) > 20


@pytest.mark.parametrize("command", COMMANDS)
def test_command_runs_as_it_is_shown(command, tmp_path, monkeypatch, capsys, request):
    if re.match(r"draw|lecture|step .*--(frames|slides)", command):
        request.getfixturevalue("graphviz")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "net.py").write_text(f"{MINE}{LAYER}")
    nets = [f"learn/libraries/{net}.py" for net in ("their_net", "convnet", "transformer")]
    for file in ("teach/exercises.py", "teach/sheet.toml", "teach/talk.toml", *nets):
        shutil.copy(DOCS / file, tmp_path)
    (tmp_path / "class").mkdir()
    shutil.copy(DOCS / "teach" / "exercises.py", tmp_path / "class" / "anna.py")
    if any(Path(net).name in command for net in nets):
        pytest.importorskip("torch", reason="PyTorch is not installed: unchecked")
    expected = int("exercises.py:" in command and command.split(":")[1].split()[0] in WRONG)
    assert cli.main(shlex.split(command, comments=True)) == expected
    assert capsys.readouterr().err == ""


def test_files_options_and_extras_of_other_commands_are_there():
    shell = "".join(re.findall(r"^```bash\n(.*?)^```", "".join(TEXTS.values()), re.M | re.S))
    files = set(re.findall(r"\b(?:demos|docs|tests)/[\w/]+\.(?:py|md)\b", shell))
    assert len(files) > 8
    assert [file for file in files if not (ROOT / file).exists()] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(re.findall(r"\.\[(\w+)\]", shell)) <= set(project["optional-dependencies"])
    options = set(re.findall(r"--[\w-]+", "".join(re.findall(r"demos/.*", shell))))
    assert options <= {"--save", "--no-show", "--quick", "--seeds", "--first", "--data"}


def test_links_and_pictures_of_readme_lead_somewhere():
    targets = re.findall(r"\]\(([^)#:]+)\)", TEXTS["README.md"])
    assert len(targets) > 15
    assert [path for path in targets if not (ROOT / path).exists()] == []


def test_every_picture_is_shown_somewhere():
    shown = {name for text in TEXTS.values() for name in re.findall(r"images/([\w.]+)", text)}
    assert shown == {picture.name for picture in (DOCS / "images").iterdir()}


def rows(text):
    """Return the cells of all rows of all tables, without the line below a heading."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def under(heading):
    """Return the part of README below a heading."""
    return re.split(r"^## ", TEXTS["README.md"].split(f"## {heading}\n")[1], flags=re.MULTILINE)[0]


def test_every_line_by_hand_and_of_the_program_stands_in_its_stage():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: the stages unchecked")
    staged = (ROOT / "microbn" / "closed_form.py").read_text().split('d["scaled"] = dy')[1]
    by_hand = re.findall(r'd\["\w+"\] = .*', staged.split("return d")[0])
    stages = dict(runpy.run_path(str(DOCS / "stages.py"))["stages"]())
    assert [stage["by hand"].strip("`") for stage in stages.values()] == by_hand
    assert [len(stage["on the graph"]) for stage in stages.values()] == [1, 1, 1, 1, 2, 1, 2, 1, 2]
    program = blocks(TEXTS["docs/learn/program.md"])[0][1].split("# backward")[1]
    lines = [line.split("  #")[0].strip() for line in program.splitlines()[1:-1]]
    found = [line.strip("`") for stage in stages.values() for line in stage["in the program"]]
    assert sorted(found) == sorted(lines)


@pytest.fixture(scope="module")
def compositions():
    """Give the entries of the page of compositions, by room."""
    if not find_spec("sphinx"):
        pytest.skip("Sphinx is not installed: the compositions unchecked")
    rooms = re.findall(r"^```{composed} (\w+)$", TEXTS["docs/learn/composed.md"], re.MULTILINE)
    entries = runpy.run_path(str(DOCS / "composed.py"))["entries"]
    return {room: entries(room) for room in rooms}


def test_every_composition_stands_in_its_room_once(compositions):
    found = [f for entries in compositions.values() for entry in entries for f in entry.functions]
    assert len(found) == len({*found})
    assert {*found} == {*COMPOSED}


def test_compositions_are_shown_with_a_call_a_purpose_and_their_source(compositions):
    every = [entry for entries in compositions.values() for entry in entries]
    for entry in every:
        assert entry.call.startswith("np.")
        assert entry.purpose.endswith(".")
        assert isinstance(ast.parse(entry.source).body[0], ast.FunctionDef)
    assert sum(bool(entry.words) for entry in every) > 0.9 * len(every)


def test_a_composition_is_read_in_words_from_names_or_from_a_small_array(compositions):
    words = {e.call: e.words for entries in compositions.values() for e in entries}
    assert words["np.var(x)"] == "mean(square(x - mean(x, keepdims=True)))"
    assert words["np.linalg.norm(x)"].count("sum(square(x))") == 3
    assert words["np.divmod(x, y)"] == "x // y, x % y"
    assert words["np.kron(x, y)"].endswith("reshape(y, (1, 2, 1, 2)), (4, 4))")
    assert words["np.hypot(x, y)"] == ""  # it would be too long


MEASURED, APART = (
    [row for row in rows(part) if re.fullmatch(r"d\d\d|demo", row[0])]
    for part in TEXTS["docs/measured/claims.md"].split("## What depends on the processor")
)
CLAIMS, PROCESSORS = MEASURED[1:], APART[0][2:]


def test_claims_of_readme_are_the_measured_ones_and_none_that_failed_is_left_out():
    measured = [[claim, here, held] for _, claim, here, held, *_ in CLAIMS]
    heading, *claims = rows(under("What holds, and what does not"))
    assert heading == MEASURED[0][1:4]
    assert [row for row in claims if row not in measured] == []
    assert [row for row in measured if "no" in row[2] and row not in claims] == []


def test_columns_of_claims_stand_in_one_order():
    assert MEASURED[0] == ["demo", *list(claims.Claim.__annotations__)[:-1]]  # as in CSV files
    printed = (ROOT / "microbn" / "lab" / "demo.py").read_text(encoding="utf-8")
    assert str(MEASURED[0][1:]).replace("'", '"') in printed


def test_claims_that_depend_on_the_processor_are_marked_and_no_others():
    marked = [[demo, claim, here[:-2]] for demo, claim, here, *_ in CLAIMS if here[-1] == "†"]
    assert marked == [row[:3] for row in APART[1:]]
    assert PROCESSORS == ["haswell", "avx512", "baseline"]
    assert [row for row in APART[1:] if len(set(row[2:])) == 1] == []


def test_what_readme_says_of_other_processors_is_what_was_measured():
    text = under("What holds, and what does not")
    marked = [claim for claim, here, _ in rows(text) if here[-1] == "†"]
    said = text.split("The rows marked with †")[1].split("[All")[0]
    of_avx512, of_neither = (re.findall(r"\d\.\d+", part) for part in said.split("With neither"))
    assert len(of_avx512) == len(of_neither) == 4
    for name, numbers in ("avx512", of_avx512), ("baseline", of_neither):
        column = 2 + PROCESSORS.index(name)
        cells = [row[column] for row in APART[1:] if row[1] in marked]
        assert [n for n in numbers if n not in re.findall(r"\d\.\d+", " ".join(cells))] == []


def table(heading):
    """Return the rows of a table of measured/speed.md, without the rows below a contender's."""
    part = TEXTS["docs/measured/speed.md"].split(f"## {heading}\n")[1].split("\n## ")[0]
    return rows("\n".join(line for line in part.splitlines() if not line.startswith("|   ")))


def test_tables_beside_peers_in_readme_are_the_measured_ones_whole():
    features, training = table("Features, tried"), table("Training step")
    assert rows(under("Beside its peers")) == features + training


def test_what_readme_says_of_speed_is_what_was_measured():
    _, _, *contenders = table("Training step")
    times = {name: np.array(cells, float) for name, *cells in contenders}
    eager = times["microbn, eager"] / times["PyTorch, composed batch norm"]
    assert 1.15 < eager.max() < 1.3  # "up to a quarter more"
    assert times["microbn, compiled"].min() >= 0.9  # "or up to a tenth less"
    assert times["microbn, compiled"].max() <= 1.02  # "as much as the derivation by hand"


def test_what_readme_says_of_functions_and_rules_is_what_was_counted():
    (said,) = re.findall(
        r"(\d+) functions of NumPy get a gradient, and (\d+) functions have a rule",
        TEXTS["README.md"],
    )
    counted = {row[0].split(". ", 1)[-1]: row[1] for row in table("Features, tried")}
    names = "functions of NumPy that get a gradient", "functions with a rule, NumPy's and its own"
    assert [*said] == [counted[name] for name in names]


def test_table_of_claims_has_every_demo_and_no_gate_that_was_missed():
    assert sorted({row[0] for row in CLAIMS}) == [path.stem[:3] for path in DEMOS]
    for *_, held, gate, _ in CLAIMS:
        assert held == "yes" or gate.endswith("(only shown)")


NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?")


def prose(section):
    """Return the text of a section without its code, tables, commands and links' targets."""
    text = re.sub(r"^```.*?^```|^\|.*?$", "", section, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`]*`|\]\([^)]*\)", "", text)


def unfounded(section, papers=TEXTS["docs/learn/papers.md"]):
    """Return the numbers in a section's prose that neither its demos nor the papers have."""
    demos = sorted(set(re.findall(r"gallery/(d\d\d_\w+)", section)))
    sources = [(ROOT / "demos" / f"{demo}.py").read_text(encoding="utf-8") for demo in demos]
    measured = [" ".join(row) for row in [*CLAIMS, *APART] if row[0] in {d[:3] for d in demos}]
    known = set(NUMBER.findall(" ".join([*sources, *measured, papers])))
    return [number for number in NUMBER.findall(prose(section)) if number not in known]


@pytest.mark.parametrize("page", ["purpose", "limits"])
def test_every_number_in_the_text_about_a_demo_is_one_of_its_numbers(page):
    sections = TEXTS[f"docs/learn/{page}.md"].split("\n## ")
    about = [section for section in sections if "gallery/d" in section]
    assert len(about) > 5
    assert {s.split("\n")[0]: unfounded(s) for s in about if unfounded(s)} == {}


def test_a_number_that_no_run_gave_is_seen():
    section = (
        "It grows 0.123 times, `0.9` ([demo](../gallery/d14_where_it_hurts)).\n```text\n77\n```"
    )
    assert unfounded(section) == ["0.123"]
    assert unfounded(section.replace("0.123", "1.21")) == []


CLAIM = {
    "demo": "d05_training_speed",
    "seeds": "0 to 4",
    "data": "digits",
    "quick": False,
    "claim": "trains faster",
    "textbook": "14 times",
    "here": "|2| times",
    "held": False,
    "gate": "≥ 3",
    "shown": True,
}


@pytest.fixture
def table_of(monkeypatch):
    """Give the function that makes the table, where d05 makes this many claims and is alone."""

    def of(count):
        cases = {"cases": dict.fromkeys(range(count))}
        monkeypatch.setattr(claims, "CLAIMS", {"d05_training_speed": [cases]})
        return runpy.run_path(str(DOCS / "claims.py"))["table"]

    return of


def test_table_of_claims_is_made_from_the_files_of_the_demos(table_of, tmp_path):
    table = table_of(1)
    with pytest.raises(SystemExit, match="holds no claims; run the demos"):
        table(tmp_path)
    Results([CLAIM]).save(tmp_path / "d05_training_speed.claims.csv")
    row = "| d05 | trains faster | \\|2\\| times | **no** | ≥ 3 (only shown) | 14 times |"
    assert table(tmp_path).splitlines()[-1] == row
    for other in ({"quick": True}, {"data": "mnist"}):
        Results([CLAIM | other]).save(tmp_path / "d05_training_speed.claims.csv")
        with pytest.raises(SystemExit, match="d05_training_speed was run with --quick or --data"):
            table(tmp_path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (CLAIM | {"seeds": "7"}, "d05_training_speed was run with --first"),
        (CLAIM | {"seeds": "7 to 9"}, "d05_training_speed was run with --first"),
        ({k: v for k, v in CLAIM.items() if k != "quick"}, r"as a demo .* no column 'quick' among"),
        (CLAIM, "has 1 of d05_training_speed's 2 claims; run d05_training_speed with --save"),
        (CLAIM | {"demo": "d01"}, "has 0 of d05_training_speed's 2 claims"),
    ],
)
def test_table_of_claims_is_made_of_whole_runs_alone(row, message, table_of, tmp_path):
    Results([row]).save(tmp_path / "d05_training_speed.claims.csv")
    with pytest.raises(SystemExit, match=message):
        table_of(2)(tmp_path)


def test_table_of_claims_wants_all_that_the_measured_one_has(tmp_path):
    rows = [
        CLAIM | {"demo": path.stem, "claim": claim}
        for path in DEMOS
        for demo, claim, *_ in CLAIMS
        if demo == path.stem[:3]
    ]
    Results(rows).save(tmp_path / "d.claims.csv")
    table = runpy.run_path(str(DOCS / "claims.py"))["table"]
    assert table(tmp_path).count("\n| d") == 1 + len(CLAIMS)
    Results(rows[1:]).save(tmp_path / "d.claims.csv")
    with pytest.raises(SystemExit, match="claims; run d00_inside with --save"):
        table(tmp_path)


def test_claims_that_come_out_otherwise_on_another_processor_are_marked_and_listed(
    table_of, tmp_path
):
    table = table_of(2)
    folders = [tmp_path / name for name in ("haswell", "avx512", "baseline")]
    steady = CLAIM | {"claim": "steady", "held": True}
    for folder, here, held in zip(folders, "224", (True, True, False), strict=True):
        folder.mkdir()
        turns = CLAIM | {"here": f"{here} times", "held": held}
        Results([turns, steady]).save(folder / "d05_training_speed.claims.csv")
    assert "†" not in table(folders[0])
    first, below = table(*folders).split("\n## What depends on the processor\n")
    assert [line for line in first.splitlines() if "†" in line] == [
        "| d05 | trains faster | 2 times † | yes | ≥ 3 (only shown) | 14 times |"
    ]
    assert "as they come out on `haswell`" in below
    assert "The same claims are held on all of them" not in below
    assert below.splitlines()[-3:] == [
        "| demo | claim | haswell | avx512 | baseline |",
        "|:--|:--|:--|:--|:--|",
        "| d05 | trains faster | 2 times | 2 times | 4 times (not held) |",
    ]
    assert "The same claims are held on all of them" in table(*folders[:2])
    Results([steady, CLAIM | {"claim": "another"}]).save(folders[1] / "d05.claims.csv")
    (folders[1] / "d05_training_speed.claims.csv").unlink()
    with pytest.raises(SystemExit, match="do not hold the same claims; run all demos"):
        table(*folders)


@pytest.fixture
def pictures(monkeypatch, tmp_path):
    """Give the maker of the pictures, with runs that have all of them, and no browser."""
    pytest.importorskip("playwright", reason="playwright is missing: the pictures unchecked")
    made = runpy.run_path(str(DOCS / "pictures.py"))
    (runs := tmp_path / "runs").mkdir()
    for name in ("comparison.png", "batchnorm.svg", *(f"{demo.stem}.png" for demo in DEMOS)):
        (runs / name).touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    return made["main"]


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("comparison.png", "has no comparison.png; run the tour with --out"),
        ("d05_training_speed.png", "has no d05_training_speed.png; run all demos with --save"),
        ("d01_one_neuron.png", "needs a browser: one of chromium-headless-shell, chromium, "),
    ],
)
def test_pictures_are_copied_only_if_all_can_be_made(lost, message, pictures, tmp_path):
    (tmp_path / "runs" / lost).unlink()
    with pytest.raises(SystemExit, match=message):
        pictures(tmp_path / "runs", tmp_path / "images")
    assert not (tmp_path / "images").exists()


def test_the_figure_of_speed_shows_the_numbers_of_the_page():
    module = runpy.run_path(str(DOCS / "speed.py"))
    found = module["tables"](TEXTS["docs/measured/speed.md"])
    axes = module["drawn"](found).axes
    names = [label.get_text() for label in axes[0].get_yticklabels()]
    for ax, (title, (column, _)) in zip(axes, module["PANELS"].items(), strict=True):
        scale = 1e6 if column == "bytes" else 1
        drawn = {names[round(bar.get_y() + 0.4)]: bar.get_width() * scale for bar in ax.patches}
        numbers = {name: n for name, n in found[title][column].items() if name in names}
        assert drawn == pytest.approx(numbers)
        assert len(drawn) >= 5


def test_citation_changelog_and_package_agree_on_the_version():
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed: citation unchecked")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == microbn.__version__
    latest = re.search(r"^## (\S+)", TEXTS["docs/project/changelog.md"], re.MULTILINE)
    assert latest[1] == microbn.__version__


@pytest.mark.parametrize("library", ["torch", "keras", "flax"])
def test_other_libraries_give_what_ours_does(library):
    if not find_spec(library):
        pytest.skip(f"{library} is not installed: unchecked")
    compare = runpy.run_path(str(DOCS / "learn" / "libraries" / "compare.py"))
    ours = compare["outcome"]("microbn")
    name = {package: name for name, package in compare["LIBRARIES"].items()}[library]
    apart = compare["differences"](compare["outcome"](name), ours)
    (shown,) = (row[1:] for row in rows(TEXTS["docs/measured/libraries.md"]) if row[0] == name)
    for found, cell in zip(apart, shown, strict=True):
        assert cell == "–" or np.isclose(found, float(cell), rtol=0.1, atol=1e-5)
    *equal, running_var, unbiased = apart
    assert max(equal) < (1e-14 if library == "torch" else 1e-6)
    if library == "torch":
        assert running_var < 1e-14
    else:
        assert running_var > 0.2
        assert unbiased < 1e-6


def test_a_library_that_computes_something_else_is_seen():
    compare = runpy.run_path(str(DOCS / "learn" / "libraries" / "compare.py"))
    ours = compare["outcome"]("microbn")
    for i, name in enumerate(ours):
        apart = compare["differences"](ours | {name: ours[name] + 1e-3}, ours)
        assert [d > 9e-4 for d in apart[:4]] == [j == i for j in range(4)]


def test_net_from_pytorch_gives_the_same_logits(capsys):
    pytest.importorskip("torch", reason="PyTorch is not installed: unchecked")
    import torch

    dtype = torch.get_default_dtype()
    try:
        runpy.run_path(str(DOCS / "learn" / "libraries" / "weights.py"))
    finally:
        torch.set_default_dtype(dtype)
    assert float(capsys.readouterr().out) < 1e-14


def test_net_of_pytorchs_is_told(capsys, monkeypatch):
    pytest.importorskip("torch", reason="PyTorch is not installed: unchecked")
    monkeypatch.syspath_prepend(DOCS / "learn" / "libraries")
    runpy.run_path(str(DOCS / "learn" / "libraries" / "told.py"))
    assert "0.weight receives transpose(" in capsys.readouterr().out


def test_weights_go_to_disk_and_back(capsys):
    pytest.importorskip("safetensors", reason="safetensors is not installed: unchecked")
    runpy.run_path(str(DOCS / "learn" / "libraries" / "on_disk.py"))
    assert capsys.readouterr().out == "0.0e+00 1\n"


def test_exercises_have_one_layer_that_is_right():
    text = (DOCS / "teach" / "exercises.py").read_text()
    layers = re.findall(r"def (\w+)_forward", text)
    assert sorted(layers) == sorted([*WRONG, "swish"])
    assert all(f"exercises.py:{layer} " in TEXTS["docs/teach/lab.md"] for layer in layers)


def test_the_lab_hands_out_no_answer_with_its_question():
    exercises = (DOCS / "teach" / "exercises.py").read_text()
    backwards = re.findall(r"def (\w+_backward)(.*?)(?=\ndef |\Z)", exercises, re.DOTALL)
    centering = [name for name, code in backwards if re.search(r"mean\(|/ len\(", code)]
    assert centering == ["affine_backward"]  # its mistake; part 2 asks for the others
    lab = TEXTS["docs/teach/lab.md"]
    told = ("solutions.md", "by_hand.md", "closed_form", "variance", "--hints 2", "--hints 0")
    assert [words for words in told if words in lab] == []
    assert lab.count(" --hints 1\n") == len(backwards)
    first, second = re.findall(r"```python\n(.*?)```", lab.split("## 3.")[1], re.DOTALL)[:2]
    for code, imports in ((first, "layer_forward"), (second, "layer_backward, layer_forward")):
        assert f"from mine import {imports}\n" in code
        assert "\ndef test_every_feature_has_mean_beta(" in code


CITATION = re.compile(
    r"\b((?:v[ao]n )?[A-Z]\w+)(?:(?:, | & |-| et al\.)(?:[A-Z]\w+)?)* \(?((?:19|20)\d\d)\b"
)


def cited(text):
    """Return the papers that a text cites, as pairs of the first author and the year."""
    return set(CITATION.findall(" ".join(text.split())))


def test_citations_are_found():
    text = "Ioffe & Szegedy (2015, figure 3), He et al. 2015, van Laarhoven 2017; "
    text += "Hoffer, Hubara &\nSoudry 2017"
    authors = ["Ioffe", "He", "van Laarhoven", "Hoffer"]
    assert cited(text) == set(zip(authors, ["2015", "2015", "2017", "2017"], strict=True))


def test_every_paper_that_is_cited_is_in_the_list_of_papers_and_no_other():
    listed = cited(TEXTS["docs/learn/papers.md"])
    suffixes = (".py", ".toml")
    code = [p for w in ("microbn", "demos") for p in (ROOT / w).rglob("*") if p.suffix in suffixes]
    others = [
        text for page, text in TEXTS.items() if not page.endswith(("papers.md", "changelog.md"))
    ]
    everywhere = set().union(*map(cited, [*others, *(p.read_text("utf-8") for p in code)]))
    assert everywhere == listed
