"""Tests of the engine, run by pytest in the page: the code that unpacks and runs them there.

pytest and what it needs are pure Python, so they are taken from where they are installed here.
"""

import importlib
from base64 import b64encode
from pathlib import Path

from driven import zipped

TESTS = Path(__file__).parents[1]
# These need NumPy and this package alone.
FILES = (
    "test_backward.py", "test_jacobians.py", "test_leaving.py", "test_tensor.py",
    "test_composed_statistics.py", "test_composed_linear_algebra.py",
)  # fmt: skip
LEFT_OUT = (
    "million", "00_000",  # they take a minute there
    "the_condition_of_a_singular_matrix",  # NumPy gives NaN there, as WebAssembly has no flags
    "names_the_facts and DTypeError and facts0",  # an integer has 32 bits there
)  # fmt: skip
PACKAGES = "_pytest", "py", "pytest", "pluggy", "iniconfig", "packaging", "pygments"

CODE = """
import base64, io, sys, zipfile

room = "/home/pyodide/tests"
zipfile.ZipFile(io.BytesIO(base64.b64decode(packed))).extractall(room)
sys.path.insert(0, room)
import pytest

seen, outcomes = set(), {}
tool, lines = sys.monitoring.DEBUGGER_ID, sys.monitoring.events.LINE

def line(code, number):
    if "test_" in code.co_filename.split("/")[-1]:
        seen.add((code.co_filename, number))
    return sys.monitoring.DISABLE

class Counted:
    def pytest_runtest_call(self):
        sys.monitoring.set_events(tool, lines)

    def pytest_runtest_logreport(self, report):
        sys.monitoring.set_events(tool, 0)
        if report.when == "call" or not report.passed:
            outcomes[report.nodeid] = report.outcome

sys.monitoring.use_tool_id(tool, "lines")
sys.monitoring.register_callback(tool, lines, line)
options = ["-q", "--no-header", "--capture=sys", "-p", "no:cacheprovider", "-p", "no:faulthandler"]
status = pytest.main([*options, "-k", kept, "--rootdir", room, room], [Counted()])
sys.monitoring.free_tool_id(tool)
value = {"status": int(status), "lines": len(seen), "outcomes": outcomes}
"""


def code() -> str:
    """Return code that runs the tests and leaves ``value``: status, lines that ran, outcomes."""
    files = {"pyproject.toml": (TESTS.parent / "pyproject.toml").read_bytes()}
    files |= {name: (TESTS / "engine" / name).read_bytes() for name in FILES}
    for package in PACKAGES:
        files |= sources(Path(importlib.import_module(package).__file__))
    kept = " and ".join(f"not ({words})" for words in LEFT_OUT)
    return f"packed, kept = {b64encode(zipped(files)).decode()!r}, {kept!r}\n{CODE}"


def sources(file: Path) -> dict[str, bytes]:
    """Return the files of a package, without the languages that pygments knows besides Python."""
    if (folder := file.parent).name == "site-packages":
        return {file.name: file.read_bytes()}
    left = {"pygments/lexers", "pygments/styles"}
    kept = {"__init__", "_mapping", "python", "diff", "default"}
    files = {path.relative_to(folder.parent): path for path in folder.rglob("*.py")}
    return {
        name.as_posix(): path.read_bytes()
        for name, path in files.items()
        if name.parent.as_posix() not in left or name.stem in kept
    }
