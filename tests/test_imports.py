"""What importing costs: NumPy, and nothing else."""

import subprocess
import sys

import pytest

HEAVY = ["matplotlib", "graphviz", "rich", "hypothesis", "sklearn", "joblib", "pygraphviz"]


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


def test_unknown_name_is_an_attribute_error():
    import microbn

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = microbn.nothing
