"""The tour, the lecture, and what the command line says of itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from microbn.cli import commands as cli


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
        "batchnorm.html",
        "batchnorm.svg",
        "comparison.png",
    ]


def test_lecture_is_written_in_one_file(tmp_path, graphviz):
    result = run("lecture", "-o", "talk.html", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "Written: talk.html\n"
    assert "what is batch norm for?" in (tmp_path / "talk.html").read_text(encoding="utf-8")


def test_lecture_of_ones_own_tells_the_story_of_a_file_and_says_what_is_wrong(
    tmp_path, capsys, monkeypatch, graphviz
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "talk").mkdir()
    (tmp_path / "talk" / "net.py").write_text("def double(x): return 2.0 * x\n")
    script = tmp_path / "talk" / "talk.toml"
    entry = "title='x'\n[[slide]]\ntitle='a'\nstory='net.py:double'\ninputs=['2']"
    script.write_text(entry)
    assert cli.main(["lecture", "talk/talk.toml", "-o", "talk.html"]) == 0
    assert "double" in (tmp_path / "talk.html").read_text(encoding="utf-8")
    capsys.readouterr()
    for text, words in {
        entry.replace("double", "treble"): "slide 1 (a): net.py has no function 'treble'",
        entry + "\nminutes=-1": "slide 1 (a): minutes = -1 must be a number, 0 or more",
        entry.replace("['2']", "['2', '3']"): "slide 1 (a):",
    }.items():
        script.write_text(text)
        assert cli.main(["lecture", "talk/talk.toml", "-o", "other.html"]) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert words in err
    assert not (tmp_path / "other.html").exists()


def test_tour_without_scikit_learn_says_at_once_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert cli.main(["tour", "--out", str(tmp_path / "out")]) == 2
    assert "the tour needs sklearn; install it with: pip install 'microbn[lab]'" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "out").exists()


def test_tour_without_graphviz_says_so_at_once(monkeypatch, tmp_path, capsys):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: the tour unchecked")
    monkeypatch.setattr("microbn.view.dot.renderers", lambda format="svg": [])
    assert cli.main(["tour", "--out", str(tmp_path / "out")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "neither a `dot` program nor pygraphviz" in err


def test_folder_that_cannot_be_made_is_one_line(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert cli.main(["tour", "--seeds", "1", "--out", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_folder_that_cannot_be_written_into_is_known_before_the_work(tmp_path, capsys):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: the tour unchecked")
    if not Path("/proc/self").exists():
        pytest.skip("no /proc, which nobody can write into")
    assert cli.main(["tour", "--out", "/proc/self"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("microbn: cannot write: ")


def test_console_without_greek_gets_question_marks(tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: the tour unchecked")
    env = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    result = run("tour", "--quick", "--seeds", "1", cwd=tmp_path, env=env)
    assert result.returncode == 0, result.stderr


def test_interruption_ends_quietly(monkeypatch):
    monkeypatch.setattr("microbn.lab.tour.tour", interrupted)
    assert cli.main(["tour"]) == 130


def interrupted(*args):
    raise KeyboardInterrupt


def test_no_command_shows_the_usage():
    result = run()
    assert result.returncode == 2
    assert "usage: microbn" in result.stderr


def test_version_is_the_packages():
    assert run("--version").stdout.startswith("microbn 0.")


def test_help_of_check_explains_its_statuses_and_the_words_of_its_report(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = run("check", "--help").stdout
    said = ["status 0: every gradient is right", "status 1: a gradient is wrong", "status 2: the c"]
    lines = [
        *said,
        "±:    the error bar of a numeric slope",
        "kink: a point with a slope on each side",
        "  --hints {0,1,2}  0 says the verdict, 1 also where, 2 also why (default: 2)",
    ]
    assert [line for line in lines if f"\n{line}" not in shown] == []
    assert max(map(len, shown.splitlines())) <= 80
    assert "compare a gradient with finite differences\n" in run("--help").stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["check", "{mine}:broken", "3", "--draw", "x.jpg"], "--draw: 'x.jpg' does not end with "),
        (["check", "{mine}:broken", "3", "--draw", "svg"], "'svg' does not end with .svg or .png"),
        (["draw", "{mine}:broken", "3", "-o", "x.gif"], "-o/--out: 'x.gif' does not end with .svg"),
        (["step", "{mine}:broken", "3", "--html", "x.txt"], "'x.txt' does not end with .html"),
        (["check", "{mine}:broken", "3", "--nix"], "unrecognized arguments: --nix"),
        (["check", "{mine}:broken", "3", "--seed", "-1"], "a seed is 0 or a positive integer"),
        (["check", "{mine}:broken", "3", "--hints", "3"], "argument --hints: invalid choice: "),
    ],
)
def test_what_the_arguments_say_wrongly_is_known_before_anything_runs(args, message, mine, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main([arg.format(mine=mine) for arg in args])
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: microbn")
    assert message in err.splitlines()[-1]
