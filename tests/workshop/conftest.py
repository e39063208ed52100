"""Pages in which Python runs, and the functions that they call, for the tests of this folder."""

from textwrap import dedent

import pytest
from pyodide import COMMAND, folder, unusable

from microbn.workshop import inside
from microbn.workshop.building import workshop


@pytest.fixture(scope="session")
def pyodide():
    """Return the folder of Pyodide. Without one, skip the test."""
    if unusable(folder()):
        pytest.skip(f"no Pyodide: {COMMAND} fetches it: unchecked")
    return folder()


@pytest.fixture(scope="session")
def workshop_file(pyodide, tmp_path_factory):
    """Return the page of a workshop that carries its Python."""
    return workshop(tmp_path_factory.mktemp("workshop") / "workshop.html", pyodide=pyodide)


@pytest.fixture
def home(monkeypatch, tmp_path):
    """Keep the reader's files in a folder of the test's."""
    monkeypatch.setattr(inside, "HOME", tmp_path / "home")
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def run(home, capsys):
    """Run code as a file. Return what it gives, and what it prints in each stream."""

    def run(code, name="mine.py"):
        result = inside.run_code(name, dedent(code).lstrip())
        return result, *capsys.readouterr()

    return run


@pytest.fixture
def check(home, capsys):
    """Check a function in code. Return what that gives, and what it prints in each stream."""

    def check(code, target, *inputs, **options):
        result = inside.check_code("mine.py", code, target, [*inputs], **options)
        return result, *capsys.readouterr()

    return check
