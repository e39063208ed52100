"""Each value knows the line of code that made it, and keeps nothing else of that code alive."""

import gc
import linecache
import subprocess
import sys
import threading
import types
import weakref

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, nn
from microbn import functional as F
from microbn.engine.node import Record
from microbn.reading import lines
from microbn.reading.assigned import called
from microbn.reading.lines import Line, line_of
from microbn.reading.tape import history

CELL = "x = mb.Tensor([1.0, 3.0])\nmu = x.mean()\n"


def ran(file, code=CELL):
    """Run code as if it stood in this file, and return what it made."""
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
    space = {"mb": mb, "np": np}
    exec(compile(code, file, "exec"), space)
    return space


def test_every_value_has_the_users_line_without_trace():
    x = Tensor(np.eye(2))  # here
    y = F.batch_norm(x, np.ones(2), np.ones(2))  # there
    found = {str(line_of(node)).rpartition("# ")[2] for node in history(y)}
    assert found == {"here", "there"}
    assert line_of(y).inside is None


def test_under_trace_the_line_is_the_same_and_knows_more():
    x = Tensor(np.eye(2))
    made = []
    for switch in (mb.scope("none"), mb.trace()):
        with switch:
            made.append(F.softmax(x))
    plain, traced = map(line_of, made)
    assert (plain.file, plain.number) == (traced.file, traced.number)
    assert traced.inside


def test_without_lines_no_value_has_one():
    x = Tensor(np.eye(2))
    with mb.no_lines():
        y = x * 2
        inside = Tensor([1.0])
    assert line_of(y) is line_of(inside) is None
    assert line_of(x)
    assert line_of(y * 2)


def test_no_lines_is_a_decorator_and_sets_itself_back():
    @mb.no_lines()
    def double(x):
        if x.size > 2:
            raise ValueError(x.size)
        return x * 2

    assert line_of(double(Tensor([1.0]))) is None
    with pytest.raises(ValueError, match="3"):
        double(Tensor(np.ones(3)))
    assert line_of(Tensor([1.0]))


def test_a_layer_of_the_users_own_is_the_users_code():
    class Double(nn.Module):
        def forward(self, x):
            return x * 2  # in forward

    y = nn.Sequential(Double(), nn.Linear(2, 2, rng=0))(Tensor(np.eye(2)))  # outside
    where = [str(line_of(node)).rpartition("# ")[2] for node in history(y) if node.function]
    assert where == ["in forward", "outside", "outside"]


def looks_of(compute, monkeypatch):
    """Return how often the user's line is looked up in a computation, once it is known."""
    compute()
    found, look = [], Record.here
    monkeypatch.setattr(Record, "here", lambda _, depth: found.append(look(_, depth + 1)))
    compute()
    return len(found)


@pytest.mark.parametrize(
    "compute",
    [
        lambda x: F.batch_norm(x, np.ones(2), np.ones(2)),
        lambda x: F.cross_entropy(x, np.array([0, 1])),
        nn.BatchNorm(2),
        nn.Linear(2, 2, rng=0),
    ],
    ids=["batch_norm", "cross_entropy", "BatchNorm", "Linear"],
)
def test_one_look_finds_the_line_of_all_that_a_call_makes(compute, monkeypatch):
    x = Tensor(np.eye(2))
    assert looks_of(lambda: compute(x), monkeypatch) == 1


def test_a_layer_made_from_one_of_ours_has_lines_of_its_own():
    class Scaled(nn.Linear):
        def forward(self, x):
            return super().forward(x) * 2  # in forward

    y = Scaled(2, 2, rng=0)(Tensor(np.eye(2)))  # outside
    where = [str(line_of(node)).rpartition("# ")[2] for node in history(y) if node.function]
    assert where == ["in forward"] * 3


def test_a_call_that_fails_or_returns_leaves_the_next_line_to_itself():
    x = Tensor(np.eye(2))
    for call in (F.batch_norm, F.softmax, nn.Linear(2, 2, rng=0)):
        with pytest.raises((mb.MicrobnError, TypeError)):
            call(x, np.ones(5), np.ones(5), 7, 8)
        after = x * 2  # here
        assert str(line_of(after)).endswith("# here")


@pytest.mark.parametrize("most", [3, 20_000])
def test_code_that_comes_and_goes_leaves_no_line_or_name_to_other_code(most, monkeypatch):
    monkeypatch.setattr(lines, "_MOST_CODES", most)
    x = Tensor(1.0)
    for i in range(200):
        space = {"x": x}
        exec(compile("\n" * i + f"y{i} = x * 2", f"file {i}", "exec"), space)
        node = space[f"y{i}"]
        assert (called(node), str(line_of(node))) == (f"y{i}", f"file {i}:{i + 1}")
    assert len(lines._ALIVE) <= most + 1
    assert {id(code) for code in lines._ALIVE.values()} == {*lines._ORIGINS}


def test_nothing_of_the_users_frame_stays_alive():
    class Kept:
        pass

    def made():
        kept = Kept()
        seen.append(weakref.ref(kept))
        return Tensor([1.0, 2.0]) * 2 + F.softmax(Tensor([1.0, 2.0]))

    seen = []
    gc.disable()
    try:
        root = made()
        assert seen[0]() is None
        node = weakref.ref(root)
        del root
        assert node() is None
    finally:
        gc.enable()


def test_a_record_holds_no_frame():
    y = Tensor([1.0]) * 2
    made = y.record, y.record.origin
    held = [getattr(thing, slot, None) for thing in made for slot in type(thing).__slots__]
    assert not any(isinstance(thing, types.FrameType) for thing in held)
    assert type(y.record.origin.code) is types.CodeType


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("<ipython-input-3-0123abcdef>", "cell 3, line 2"),
        ("/tmp/marimo_77/__marimo__cell_Hbol_.py", "cell Hbol, line 2"),
        ("/tmp/ipykernel_77/1234567.py", "a cell, line 2"),
        ("<string>", "<string>:2"),
        ("somewhere/net.py", "net.py:2"),
    ],
)
def test_a_notebooks_cell_is_called_a_cell(file, place):
    line = line_of(ran(file)["mu"])
    assert line.place == place
    assert str(line) == f"{place}: mu = x.mean()"


def test_a_cell_has_the_number_that_ipython_gave_it(monkeypatch):
    file = "/tmp/ipykernel_77/1234567.py"
    compiler = types.SimpleNamespace(format_code_name={file: ("Cell", "In[12]")}.get)
    shell = types.SimpleNamespace(compile=compiler)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    assert Line(file, 3).place == "cell 12, line 3"
    assert Line("net.py", 3).place == "net.py:3"
    step = mb.story(ran(file)["mu"])[1]
    assert step.line.place == "cell 12, line 2"
    assert step.code[-1] == (2, "mu = x.mean()")


def test_code_without_its_source_has_a_line_that_shows_no_code():
    space = {"x": Tensor([1.0], "x")}
    exec(compile("\n\nmu = x * 2", "there is no such file", "exec"), space)
    assert str(line_of(space["mu"])) == "there is no such file:3"
    assert mb.story(space["mu"])[1].code == ()
    places = [step["place"] for step in mb.story(space["mu"]).data()["steps"]]
    assert places == ["", "there is no such file:3", "there is no such file:3"]


def test_a_thread_that_runs_nothing_but_microbn_has_some_line_or_none():
    found = []
    worker = threading.Thread(target=lambda: found.append(F.relu(Tensor([1.0]))))
    worker.start()
    worker.join()
    assert "found.append(F.relu" in str(line_of(found[0]))


SCRIPT = """
import numpy as np, microbn as mb
from microbn.reading.assigned import names_of
from microbn.reading.lines import line_of
from microbn.reading.tape import history
x = mb.Tensor([1.0, 2.0])
mu = (x * 2).mean()
print([*names_of(history(mu)).values()], line_of(mu).number)
"""


@pytest.mark.parametrize("options", [["-OO"], ["-X", "no_debug_ranges"], ["-I"]], ids=" ".join)
def test_names_and_lines_need_neither_asserts_nor_columns(options, tmp_path):
    (file := tmp_path / "script.py").write_text(SCRIPT)
    code = f"import sys; sys.path.insert(0, {str(mb.__path__[0])!r} + '/..'); "
    code += f"exec(compile(open({str(file)!r}).read(), {str(file)!r}, 'exec'))"
    run = subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True)
    assert run.stdout == "['x', '', 'mu'] 7\n", run.stderr


def test_a_call_with_no_frame_above_it_is_recorded_without_a_line():
    code = "import atexit, numpy as np, microbn\natexit.register(np.exp, microbn.Tensor([1.0]))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
