"""Pages in which Python runs, for the tests of this folder."""

import pytest
from pyodide import COMMAND, folder, unusable

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
