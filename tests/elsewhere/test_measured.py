"""The questions find what they ask for, and the book's table has the recorded answers."""

import json
import math
import re
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np
import pytest

from elsewhere import __main__ as main
from elsewhere import environments, norms, questions, tables

KNOWN = json.loads(main.INQUIRY.file.read_text("utf-8"))
CONVENTIONS = tables.TABLES["Defaults"] + tables.TABLES["Small batches and bad entries"]
MEASURES = [q for q in questions.QUESTIONS if q not in CONVENTIONS]
SIZE = re.compile(r"\d+e[+-]\d+$")


def test_the_page_has_the_recorded_answers():
    assert main.INQUIRY.file.with_suffix(".md").read_text("utf-8") == tables.page(KNOWN)
    assert [*KNOWN] == [*main.LIBRARIES]


def test_every_question_stands_in_one_table():
    asked = [question for part in tables.TABLES.values() for question in part]
    assert sorted(asked) == sorted([*questions.QUESTIONS, tables.LOADED])


def test_a_layer_of_every_library_was_loaded_and_gave_the_same_in_eval():
    found = {name: answers["cells"][tables.LOADED] for name, answers in KNOWN.items()}
    assert found.pop("microbn") == "–"
    assert {name: said for name, said in found.items() if float(said) > 1e-6} == {}


@pytest.mark.parametrize("name", ["microbn", "PyTorch"])
def test_the_answers_are_the_recorded_ones(name):
    library = main.LIBRARIES[name]
    packages = environments.names(library)
    for package in packages:
        if find_spec(package) is None:
            pytest.skip(f"{name} is not installed: unchecked")
        if version(package) != KNOWN[name]["versions"][package]:
            pytest.skip(f"the page is of another {name}: unchecked")
    cells, known = questions.found(library.adapter, packages)["cells"], KNOWN[name]["cells"]
    assert {q: cells[q] for q in CONVENTIONS} == {q: known[q] for q in CONVENTIONS}
    for question in MEASURES:  # processors round in ways of their own
        said, found = (SIZE.search(each[question]) for each in (known, cells))
        assert SIZE.sub("", cells[question]) == SIZE.sub("", known[question])
        if said:
            ends = [max(float(part[0]), 1e-8) for part in (said, found)]
            assert abs(math.log10(ends[0] / ends[1])) < 1, (question, cells[question])


class Wrong:
    """A batch norm in NumPy, with one fault."""

    def __init__(self, fault):
        self.fault, self.mean, self.var = fault, np.zeros(3), np.ones(3)

    def train(self, x):
        axes = (0, *range(2, x.ndim))
        mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
        if self.fault == "one pass":
            var = np.maximum(np.square(x).mean(axes, keepdims=True) - mean**2, 0)
        weight = 0.9 if self.fault == "momentum" else 0.1
        n = x.size // x.shape[1]
        unbiased = var * n / (n - (self.fault != "biased"))
        channels = x.shape[1]
        self.mean = (1 - weight) * self.mean[:channels] + weight * mean.reshape(-1)
        self.var = (1 - weight) * self.var[:channels] + weight * unbiased.reshape(-1)
        return (x - mean) / np.sqrt(var + (1e-3 if self.fault == "eps" else 1e-5))

    def statistics(self):
        return self.mean, self.var


FAULTS = {
    "one pass": ("offset 1e4", r"\de[+-]0[23]|NaN"),
    "momentum": ("weight of the first mean", "0.9"),
    "biased": ("running variance", "biased"),
    "eps": ("ε", "1e-03"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_question_tells_a_fault_from_what_is_right(fault):
    question, said = FAULTS[fault]
    with np.errstate(all="ignore"):
        right, wrong = (
            questions.QUESTIONS[question](lambda *_, kind=kind: Wrong(kind)) for kind in ("", fault)
        )
    assert re.fullmatch(said, wrong)
    assert right != wrong


def test_a_mean_that_is_detached_is_seen_in_the_second_derivative():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: unchecked")

    def forward(x):
        mean = x.mean(0)
        var = (x - mean.detach()).square().mean(0)
        return (x - mean) / torch.sqrt(var + 1e-5)

    def make(*sizes):
        return norms.pytorch(*sizes)._replace(second=norms.by_torch(forward)[1])

    found = questions.second(make)
    assert float(found) > 1e-3 > 1e-5 > float(questions.second(norms.pytorch))


def test_an_error_is_an_answer_and_a_missing_package_is_none():
    def raising(error):
        raise error

    assert questions.answer(raising, KeyError("no")) == "KeyError"
    assert questions.answer(lambda make: make(1), None) == "none"
    with pytest.raises(ImportError):
        questions.answer(raising, ImportError("no"))


def test_a_library_that_does_not_run_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(main.LIBRARIES, "Nobody's", environments.Library("nobody"))
    found = environments.answers(main.INQUIRY, tmp_path, ["Nobody's"])
    assert found == {"Nobody's": None}
    assert "Nobody's did not run" in capsys.readouterr().err
    page = tables.page({"microbn": KNOWN["microbn"], **found})
    assert "Nobody's could not be installed, or did not run." in page


def test_an_environment_is_made_once(tmp_path, monkeypatch):
    ran = []
    monkeypatch.setattr(environments, "run", lambda command: ran.append(command))
    library = main.LIBRARIES["MLX"]
    (tmp_path / "mlx-0.32.4").mkdir()
    places = [environments.interpreter(library, tmp_path) for _ in range(2)]
    assert places == [str(tmp_path / "mlx-0.32.4" / "bin" / "python")] * 2
    assert [command[-2:] for command in ran] == [
        ["--clear", str(tmp_path / "mlx-0.32.4")],
        ["mlx[cpu]==0.32.4", "numpy"],
    ]
