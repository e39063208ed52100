"""Test the probes of the benchmark's table of features: each sees a library that falls short."""

import re
import subprocess
import sys
from contextlib import contextmanager
from importlib.metadata import version

import numpy as np
import pytest
from bench import features, memory
from bench.imports import path_of
from bench.libraries import LIBRARIES, Microbn, Short

import microbn as mb
from microbn import functional as F
from microbn.engine.primitive import CALLS, RULES

FEATURES = {probe: label for label, probe in features.PROBES.items()}
NOT_OURS = [features.written_into]
OTHERS = {
    features.operands_recorded: "2",
    features.nans_forward: "4 of 4",
    features.methods: "22 of 22",
}
COUNTED = {features.functions: (170, 300), features.rules: (40, 60), features.lines: (20, 10_000)}


@pytest.mark.parametrize("probe", FEATURES, ids=FEATURES.get)
def test_our_column_of_the_features_is_what_it_should_be(probe):
    cell, why = features.answer(probe, Microbn())
    if probe in COUNTED:
        least, most = COUNTED[probe]
        assert least <= int(cell.replace(",", "")) <= most
    else:
        assert cell == OTHERS.get(probe, "no" if probe in NOT_OURS else "yes"), why


SPEED = (memory.ROOT / "docs" / "measured" / "speed.md").read_text()
MEASURED = SPEED.split("## Features")[1]


@pytest.mark.parametrize(
    "library", [lib for lib in LIBRARIES if lib in ("microbn", "HIPS autograd")]
)
def test_the_page_says_what_is_measured(library):
    if library == "HIPS autograd":
        (measured,) = re.findall(r"autograd (\S+),", SPEED.splitlines()[0])
        pytest.importorskip("autograd", reason=f"{library} is not installed: unchecked")
        if (installed := version("autograd")) != measured:
            pytest.skip(f"the page is of {library} {measured}, not of {installed}: unchecked")
    head, _, *rows = (line[2:-2].split(" | ") for line in MEASURED.splitlines() if line[:2] == "| ")
    said = dict(zip((row[0] for row in rows), (r[head.index(library)] for r in rows), strict=True))
    labels = {f"{n}. {label}": probe for n, (label, probe) in enumerate(features.PROBES.items(), 1)}
    assert said.keys() == labels.keys()
    found = {label: features.answer(p, LIBRARIES[library]())[0] for label, p in labels.items()}
    assert said == found


GRADIENTS = [
    *(features.whole_array, features.single_numbers, features.second_derivative),
    *(features.numpy_names, features.own_rule, features.twice),
    *(features.jacobian_times_vector, features.jacobian_and_hessian, features.as_numpy_has_them),
    *(features.overwritten, features.written_into),
]


def scaled(kind):
    """Return a library whose gradients are 0.05% too large."""

    class Scaled(kind):
        def vjp(self, f, *arrays):
            y, pull, leaves = super().vjp(f, *arrays)
            return y, lambda dy: [1.0005 * g for g in pull(dy)], leaves

        def jvp(self, f, x, v):
            return 1.0005 * super().jvp(f, x, v)

        def jacobian(self, f, x):
            return 1.0005 * super().jacobian(f, x)

    return Scaled()


@pytest.mark.parametrize("probe", GRADIENTS, ids=FEATURES.get)
def test_a_gradient_that_is_a_little_too_large_is_no_feature(probe):
    able = [lib for lib in features.ready()[0].values() if features.answer(probe, lib)[0] == "yes"]
    if not able:
        pytest.skip(f"no library that is installed can do this: {FEATURES[probe]}")
    for lib in able:
        cell, why = features.answer(probe, scaled(type(lib)))
        assert (cell, "from the right one" in why) == ("no", True), (lib.name, why)


def planted(**faults):
    return type("Planted", (Microbn,), faults)()


def leaking(self, y, leaves, dy):
    return [g.astype("float64") for g in mb.grad(y, leaves, dy)]


def in_a_cycle(self, f, *arrays):
    found = [Microbn.vjp(self, f, *arrays)]
    found.append(found)
    return found[0]


def recorded_late(self, f, *arrays):
    y, _, leaves = Microbn.vjp(self, f, *arrays)
    return y, lambda dy: self.pull(f(*leaves), leaves, dy), leaves


def walked_once(self, f, *arrays):
    y, pull, leaves = Microbn.vjp(self, f, *arrays)
    return y, lambda dy, found=[]: found or found.extend(pull(dy)) or found, leaves


IMPORTING = "import microbn.engine.rules\nimport"


def rewritten(old, new):
    def program(self, *given):
        source, name, call = Microbn.program(self, *given)
        return source.replace(old, new), name, call

    return program


@contextmanager
def blaming(name):
    """Return an error that has the function's name in its type alone."""
    raise type(name, (ArithmeticError,), {})("something is not finite")
    yield


def doubled(self, y, leaves, dy):
    return [2 * g for g in mb.grad(y, leaves, dy)]


def straight(self, f, x):
    return np.zeros((4, 4))


def exp_twice(self):
    return [np.exp, np.exp, F.relu]


def nothing(self):
    return []


FALLS_SHORT = [
    (features.float32, {"pull": leaking}, "no: the gradient is float64"),
    (features.deep, {"name": "nobody"}, "no: KeyError: 'nobody'"),
    (features.freed, {"vjp": in_a_cycle}, "no: it is still there"),
    (features.twice, {"vjp": walked_once}, "no: the gradient is 2.7e+01 from"),
    (features.overwritten, {"vjp": recorded_late}, "no: the gradient is"),
    (features.nans_forward, {"strict": staticmethod(features.silence)}, "0 of 4"),
    (features.nans_forward, {"strict": lambda self: blaming("DivisionError")}, "0 of 4"),
    (features.nan_backward, {"strict": staticmethod(features.silence)}, "no: a NaN, and no error"),
    (features.checker, {"check": lambda self, f, x: True}, "no: it accepts"),
    (features.checker, {"check": lambda self, f, x: False}, "no: it rejects"),
    (features.program, {"program": rewritten("0.125", "0.126")}, "no: the gradient is"),
    (features.program, {"program": rewritten("= np.", "= pn.")}, "no: name 'pn' is not"),
    (features.program_alone, {"program": rewritten("import", IMPORTING)}, "no: import of microbn"),
    (features.operands_recorded, {"operands": lambda self, y: len({*y.inputs})}, "1"),
    (features.jacobian_and_hessian, {"hessian": straight}, "no: the gradient is"),
    (features.methods, {"pull": doubled}, "0 of 22"),
    (features.functions, {"ruled": exp_twice, "composed": nothing}, "1"),
    (features.functions, {"ruled": nothing, "composed": exp_twice}, "1"),
    (features.functions, {"ruled": nothing, "composed": nothing}, "–"),
    (features.rules, {"ruled": exp_twice}, "2"),
    (features.rules, {"ruled": nothing}, "–"),
    (features.lines, {"files": ()}, "–"),
    (features.lines, {"files": ("gone.py",)}, "–: FileNotFoundError"),
]


@pytest.mark.parametrize(("probe", "faults", "said"), FALLS_SHORT)
def test_a_probe_tells_a_library_that_falls_short(probe, faults, said):
    assert ": ".join(features.answer(probe, planted(**faults))).startswith(said)


def test_a_chain_is_walked_back_to_its_leaf():
    features.chain(Microbn())
    with pytest.raises(Short, match="from the right one"):
        features.chain(scaled(Microbn))


def test_every_probe_has_been_shown_a_library_that_falls_short():
    assert {*FEATURES} == {*GRADIENTS, *(probe for probe, *_ in FALLS_SHORT)}


@pytest.mark.parametrize("slip", [lambda lib, rng: nowhere, lambda lib, rng: lib.grad])  # noqa: F821
def test_a_slip_of_a_probe_is_no_answer(slip):
    with pytest.raises((NameError, AttributeError), match=r"nowhere|grad"):
        features.answer(slip, Microbn())


def test_a_probe_leaves_the_rules_as_they_were():
    before = dict(RULES), dict(CALLS)
    assert features.answer(features.own_rule, Microbn())[0] == "yes"
    assert before == (RULES, CALLS)


def test_a_library_that_is_not_installed_has_no_features_but_a_note(monkeypatch):
    monkeypatch.setitem(sys.modules, "mygrad", None)
    monkeypatch.setattr(features, "PROBES", {"a · a": features.operands_recorded})
    table = features.features(1, seed=0)
    cells = dict(zip(table.columns, *table.rows, strict=True))
    assert (cells["microbn"], cells["MyGrad"]) == ("2", "–")
    assert any(note.startswith("MyGrad is not installed") for note in table.notes)


ENGINE = """
import sys, types
package = types.ModuleType("microbn")  # without its first page, which imports everything
package.__path__ = ["microbn"]
sys.modules["microbn"] = package
from microbn.engine.tensor import Tensor
try:
    Tensor([1.0, 2.0]) + Tensor([1.0, 2.0, 3.0])
except Exception as error:  # a sentence, which may be loaded when it is needed
    assert "do not broadcast" in str(error), error
print(*(name.partition(".")[2] for name in sys.modules if name.startswith("microbn.")))
"""


def test_the_lines_counted_of_ours_are_all_that_the_engine_imports():
    command = [sys.executable, "-c", ENGINE]
    run = subprocess.run(command, cwd=memory.ROOT, capture_output=True, text=True, check=True)
    loaded = {*run.stdout.split()} - {"engine", "reading"}  # folders, whose files are counted
    assert "engine.tensor" in loaded
    assert {*map(path_of, loaded)} <= {*Microbn.files}
