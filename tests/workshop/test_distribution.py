"""Where the page's Python comes from: what is pinned, and what is refused."""

import json
import subprocess
import sys
from pathlib import Path

import pyodide as fetching
import pytest

from microbn.errors import ArgumentError
from microbn.workshop.building import workshop
from microbn.workshop.distribution import (
    LICENCES,
    LOCK,
    PYODIDE,
    PYODIDE_ADDRESS,
    PYTHON_FILES,
    distribution,
)

ROOT = Path(__file__).parents[2]


def test_each_file_has_a_size_and_a_hash():
    files = distribution().files
    assert [file["name"] for file in files][:-1] == list(PYTHON_FILES)
    assert files[-1]["name"] == LOCK["packages"]["numpy"]["file_name"]
    assert all(file["size"] > 1e4 and len(file["sha256"]) == 64 for file in files)


def test_the_version_stands_in_the_address_and_nowhere_else():
    assert PYODIDE in PYODIDE_ADDRESS
    texts = {path: path.read_text("utf-8") for path in (ROOT / "microbn").rglob("*.py")}
    assert [path.name for path, text in texts.items() if f'"{PYODIDE}"' in text] == [
        "distribution.py"
    ]


def test_a_folder_gives_what_the_address_gives(pyodide):
    carried, fetched = distribution(pyodide), distribution()
    assert carried.lock == fetched.lock
    assert carried.versions == fetched.versions
    names = [[(file["name"], file["size"]) for file in one.files] for one in (carried, fetched)]
    assert names[0] == names[1]
    assert (carried.address, fetched.address) == ("", PYODIDE_ADDRESS)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000", "http://127.0.0.1:8000/"])
def test_an_address_ends_with_a_slash(address):
    assert distribution(address).address == "http://127.0.0.1:8000/"


@pytest.mark.parametrize(
    "address", ["https://x.org; script-src *", "https://x.org/'a'", "https://", "https://a b/"]
)
def test_an_address_that_would_change_the_policy_is_refused(address):
    with pytest.raises(ArgumentError, match=r"workshop: .* is not a server's address"):
        distribution(address)


def test_a_page_may_connect_to_its_server_alone(tmp_path):
    text = workshop(tmp_path / "x.html", pyodide="http://127.0.0.1:8000").read_text("utf-8")
    policy = text.split('Content-Security-Policy" content="')[1].split('"')[0]
    assert "connect-src http://127.0.0.1:8000/" in policy
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy.replace("wasm-unsafe-eval", "")


def test_the_page_names_the_licences(tmp_path):
    text = workshop(tmp_path / "x.html").read_text("utf-8")
    for name, licence in LICENCES.items():
        assert f'"{name}":"{licence}"' in text


def test_a_folder_without_the_files_is_refused_with_their_names(tmp_path):
    with pytest.raises(ArgumentError, match=r"has no pyodide-lock.json that lists NumPy"):
        distribution(tmp_path)
    (tmp_path / "pyodide-lock.json").write_text(json.dumps(LOCK))
    with pytest.raises(ArgumentError, match=r"has no pyodide.js, .* and numpy-2.2.5"):
        distribution(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"info": 1, "packages": []}'])
def test_a_lock_file_without_numpy_is_refused(tmp_path, text):
    (tmp_path / "pyodide-lock.json").write_text(text)
    with pytest.raises(ArgumentError, match=r"has no pyodide-lock.json that lists NumPy"):
        distribution(tmp_path)


def test_the_tests_find_their_pyodide_where_they_are_told(monkeypatch, tmp_path):
    monkeypatch.setenv("MICROBN_PYODIDE", str(tmp_path))
    assert fetching.folder() == tmp_path
    monkeypatch.delenv("MICROBN_PYODIDE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert fetching.folder() == tmp_path / "microbn" / f"pyodide-{PYODIDE}"


def test_a_folder_with_a_missing_or_a_changed_file_cannot_be_used(pyodide, tmp_path):
    assert fetching.unusable(tmp_path) == f"{tmp_path} has no pyodide.js"
    for name in (*fetching.HASHES, "pyodide-lock.json"):
        (tmp_path / name).symlink_to(pyodide / name)
    assert fetching.unusable(tmp_path) == ""
    changed = tmp_path / "pyodide.js"
    changed.unlink()
    changed.write_bytes((pyodide / "pyodide.js").read_bytes() + b" ")
    assert fetching.unusable(tmp_path) == f"{changed} has another hash than distribution.py"


def test_a_folder_that_can_be_used_is_not_fetched_again(pyodide):
    command = [sys.executable, "-m", "tests.workshop.pyodide"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"{pyodide}\n"
