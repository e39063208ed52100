"""A hand-in may do what it likes: it loses points where it does, and nobody else does."""

import sys

import pytest

from microbn.cli.grading import running
from microbn.cli.grading.marks import Grader
from microbn.cli.grading.sheet import read_sheet

GOOD = """
import numpy as np
def good_forward(x):
    return x * x, x
def good_backward(dout, x):
    return 2 * dout * x
"""
SHEET = """
seeds = [918273]
imports = ["numpy", "os", "sys", "time", "ctypes", "subprocess", "shutil", "socket", "tempfile"]
seconds = 1
megabytes = 1500
[[exercise]]
target = "bad"
inputs = ["2"]
points = { x = 1 }
[[exercise]]
target = "good"
inputs = ["2"]
points = { x = 2 }
"""


@pytest.fixture
def marked(tmp_path):
    """Return a function that marks a hand-in, given as text, by the sheet above."""

    def marked(text, sheet=SHEET):
        (tmp_path / "sheet.toml").write_text(sheet)
        (tmp_path / "hand_in.py").write_text(text)
        neighbour = tmp_path / "neighbour.py"
        neighbour.write_text("")
        return Grader(read_sheet(tmp_path / "sheet.toml"), [neighbour]).marks(
            tmp_path / "hand_in.py"
        )

    return marked


def in_its_backward(code):
    """Write a hand-in whose layer `bad` does something bad, and is right besides."""
    lines = "".join(f"    {line}\n" for line in code.splitlines())
    layer = f"def bad_forward(x):\n    return x * x, x\ndef bad_backward(dout, x):\n{lines}"
    return f"{GOOD}\nimport os, sys\n{layer}    return 2 * dout * x\n"


SIGNALS = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
TOO_LONG = "it takes too long: more than 1 s of computing, or 6 s in all"
BAD = {
    "hangs": ("while True: pass", TOO_LONG),
    "sleeps": ("import time\ntime.sleep(600)", TOO_LONG),
    "ends early": ("os._exit(0)", "its process ended, with status 0, before the check was done"),
    "exits": ("sys.exit()", "a hand-in must not end the program"),
    "interrupts": ("raise KeyboardInterrupt", "a hand-in must not end the program"),
    "crashes": ("os.abort()", "it crashes: its process was ended by SIGABRT"),
    "segfaults": ("import ctypes\nctypes.string_at(0)", "was ended by SIGSEGV"),
    "recurses": ("bad_backward(dout, x)", "RecursionError"),
    "fills the memory": ("bytearray(4 << 30)", "MemoryError (it may use 1500 MB)"),
    "raises": ("raise ValueError('no')", "hand_in.py:bad, line 12: ValueError: no"),
    "prints bytes": (
        "while True: sys.stdout.buffer.write(b'x' * 10**6)",
        "it prints more than 20 megabytes",
    ),
    "prints": ("while True: print('x' * 1000000)", "it prints more than 20 megabytes"),
    "replaces": ("np.exp = np.sin", "it replaces the function numpy.exp"),
    "replaces Python's": ("import builtins\nbuiltins.abs = max", "it imports builtins"),
    "forges": (
        "for i in range(1, 40):\n    try: os.write(i, b'{\"checked\": []}\\n')\n"
        "    except OSError: pass",
        "it writes where only the checker may write",
    ),
    "says it is done": ("print('{\"checked\": []}')\nos._exit(0)", "before the check was done"),
    "reads the sheet": ("open('SHEET').read()", "it opens a file that belongs to the grader"),
    "hides that": (
        "try: open('SHEET')\nexcept BaseException: pass",
        "it opens a file that belongs to the grader",
    ),
    "reads by number": ("os.open('SHEET', os.O_RDONLY)", "it opens a file that belongs"),
    "reads another": ("open('NEIGHBOUR')", "or to another hand-in"),
    "writes": ("open('NEW', 'w')", "it writes or changes a file outside its own folder"),
    "removes": ("os.remove('NEIGHBOUR')", "it opens a file that belongs"),
    "makes folders": ("os.mkdir('NEW')", "it writes or changes a file outside its own folder"),
    "starts": ("os.system('true')", "it starts another program"),
    "starts through Python": (
        "import subprocess\nsubprocess.run('true')",
        "it starts another program",
    ),
    "starts in secret": ("exec('os.system(\\'true\\')')", "it starts another program"),
    "kills": ("os.kill(os.getppid(), 0)", "it sends a signal to a process"),
    "connects": ("import socket\nsocket.getaddrinfo('localhost', 1)", "it uses the network"),
    "imports": ("import json", "line 12: it imports json; this sheet allows numpy, os, sys"),
    "imports in secret": ("exec('import json')", "it imports json; this sheet allows"),
    "imports a neighbour": ("from . import other", "it imports a neighbour of its file"),
}


@SIGNALS
@pytest.mark.parametrize("kind", BAD)
def test_bad_exercise_earns_nothing_and_spoils_no_other(kind, marked, tmp_path):
    code, said = BAD[kind]
    for name in ("sheet.toml", "neighbour.py", "new"):
        code = code.replace(f"'{name.split('.')[0].upper()}'", repr(str(tmp_path / name)))
    bad, good = marked(in_its_backward(code))
    assert said in bad.reason
    assert (bad.points, bad.of) == (0, 1)
    assert (good.points, good.of, good.reason) == (2, 2, "")
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "hand_in.py",
        "neighbour.py",
        "sheet.toml",
    ]


@SIGNALS
@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "import sys; sys.exit(0)",
            "its file cannot be loaded: hand_in.py, line 1: SystemExit: 0 (a hand-in must not",
        ),
        ("import os; os._exit(0)", "its process ended, with status 0"),
        ("while True: pass", TOO_LONG),
        ("def f(:", "its file cannot be loaded: hand_in.py, line 1: SyntaxError"),
        (
            "import numpy as np; np.sum = max",
            "cannot be loaded: it replaces the function numpy.sum",
        ),
        ("import json", "its file cannot be loaded: line 1: it imports json"),
    ],
)
def test_file_that_cannot_be_loaded_is_run_once_and_earns_nothing(code, said, marked, monkeypatch):
    started = []
    popen = running.subprocess.Popen
    monkeypatch.setattr(
        running.subprocess, "Popen", lambda *a, **k: started.append(1) or popen(*a, **k)
    )
    marks = marked(f"{code}\n{GOOD}")
    assert [mark.points for mark in marks] == [0, 0]
    assert all(said in mark.reason for mark in marks)
    assert len(started) == 1


HARMLESS = {
    "prints a little": "print(x)",
    "prints without Python": "os.write(1, b'x'); os.write(2, b'x')",
    "draws": "np.random.seed(1); np.random.normal()",
    "sets NumPy's errors": "np.seterr(all='raise')",
    "warns": "np.float64(1) / np.array(0.0)",
    "imports parts": "import numpy.linalg as la\nfrom numpy import exp\nimport numpy.random",
    "writes in its folder": "open('notes.txt', 'w').write('x')",
    "reads itself": "open(__file__).read()",
    "makes a file for a while": (
        "import tempfile\nwith tempfile.NamedTemporaryFile('w') as file: file.write('x')\n"
        "with tempfile.TemporaryDirectory() as folder: open(folder + '/x', 'w').close()"
    ),
    "writes in its home": "open(os.path.expanduser('~/x'), 'w').close()",
    "sets its encoding": "sys.stdout.reconfigure(encoding='utf-8'); print('é')",
    "prints bytes": "sys.stdout.buffer.write(b'x'); sys.stdout.flush(); sys.stderr.buffer.write(x)",
    "asks of its stdout": "sys.stdout.encoding.lower(), sys.stdout.isatty(), sys.stdout.fileno()",
    "prints half a character": "print('\\ud800', end='')",
    "has a function of NumPy's name": "exp = np.sin",
}


@pytest.mark.parametrize("kind", HARMLESS)
def test_harmless_exercise_earns_all(kind, marked):
    bad, good = marked(in_its_backward(HARMLESS[kind]))
    assert (bad.reason, good.reason) == ("", "")
    assert (bad.points, good.points) == (1, 2)


def test_library_that_keeps_a_cache_and_asks_programs_may_be_imported(marked):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: its import unchecked")
    sheet = SHEET.replace('"tempfile"', '"matplotlib"').replace("seconds = 1", "seconds = 60")
    code = "import matplotlib.pyplot as plt\nplt.plot(x)\nplt.savefig('x.png')"
    bad, good = marked(in_its_backward(code), sheet)
    assert (bad.reason, good.reason) == ("", "")
    program = "import matplotlib.font_manager as m\nm.subprocess.run('true')"
    bad, good = marked(in_its_backward(program), sheet)
    assert (bad.reason, good.reason) == ("it starts another program", "")


def test_no_process_is_left_and_none_knows_our_environment(marked, monkeypatch):
    monkeypatch.setenv("A_SECRET", "x")
    (bad, _) = marked(in_its_backward("raise ValueError(sorted(os.environ))"))
    assert "PYTHONPATH" in bad.reason
    assert "A_SECRET" not in bad.reason
    assert not running.RUNNING


def test_what_a_hand_in_raises_is_cut_and_made_plain(marked):
    bad, _ = marked(in_its_backward("raise ValueError('\\x1b[31m' + 'x' * 10**6)"))
    assert len(bad.reason) < 2000
    assert "\x1b" not in bad.reason
