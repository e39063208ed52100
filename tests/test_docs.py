"""Run the code and the commands of README and the book, and check what they cite and link to."""

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

import pytest
from pages import DOCS, ROOT, TEXTS
from shown import blocks, run, same

import microbn
from microbn import errors
from microbn.cli import commands as cli
from microbn.engine.composed import COMPOSED
from microbn.engine.primitive import CALLS, RULES


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


def test_citation_changelog_and_package_agree_on_the_version():
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed: citation unchecked")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == microbn.__version__
    latest = re.search(r"^## (\S+)", TEXTS["docs/project/changelog.md"], re.MULTILINE)
    assert latest[1] == microbn.__version__


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
