"""The command line, as a user runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from microbn import cli


def run(*args, **options):
    return subprocess.run(
        [sys.executable, "-m", "microbn", *args],
        capture_output=True,
        text=True,
        errors="replace",
        **options,
    )


def test_tour_prints_its_tables_and_writes_its_pictures(tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: the tour unchecked")
    result = run("tour", "--quick", "--seeds", "1", "--out", "out", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    for words in ("nobody wrote", "by stages", "steps to 90%", "out/comparison.png", "Try next"):
        assert words in result.stdout
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "batchnorm.svg",
        "comparison.png",
    ]


def test_tour_without_scikit_learn_says_at_once_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert cli.main(["tour", "--out", str(tmp_path / "out")]) == 1
    assert "the tour needs sklearn; install it with: pip install 'microbn[lab]'" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "out").exists()


def test_tour_without_graphviz_says_so_at_once(monkeypatch, tmp_path, capsys):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: the tour unchecked")
    monkeypatch.setattr("microbn.view.dot.renderers", lambda format="svg": [])
    assert cli.main(["tour", "--out", str(tmp_path / "out")]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "neither a `dot` program nor pygraphviz" in err


def test_folder_that_cannot_be_made_is_one_line(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert cli.main(["tour", "--seeds", "1", "--out", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_folder_that_cannot_be_written_into_is_known_before_the_work(tmp_path, capsys):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: the tour unchecked")
    if not Path("/proc/self").exists():
        pytest.skip("no /proc, which nobody can write into")
    assert cli.main(["tour", "--out", "/proc/self"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("microbn: cannot write: ")


def test_console_without_greek_gets_question_marks(tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: the tour unchecked")
    env = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    result = run("tour", "--quick", "--seeds", "1", cwd=tmp_path, env=env)
    assert result.returncode == 0, result.stderr


def test_interruption_ends_quietly(monkeypatch):
    monkeypatch.setattr(cli, "_tour", interrupted)
    assert cli.main(["tour"]) == 130


def interrupted(args):
    raise KeyboardInterrupt


def test_no_command_shows_the_usage():
    result = run()
    assert result.returncode == 2
    assert "usage: microbn" in result.stderr


def test_version_is_the_packages():
    assert run("--version").stdout.startswith("microbn 0.")
