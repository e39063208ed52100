"""No command obeys what stands in the name of a file or of a value."""

import os

import pytest

from microbn.cli import commands as cli


def test_step_obeys_no_name_in_a_file(step, mine):
    code, out, _ = step(f"{mine}:hostile")
    assert code == 0
    assert r"[red]\x1b[31m[/]" in out
    assert "\x1b" not in out


HOSTILE = "[/i]\x1b[31m\u202e.py"  # a terminal and rich would obey these characters
SHOWN = r"i]\x1b[31m\u202e.py"


@pytest.fixture
def hostile(tmp_path):
    if os.name == "nt":
        pytest.skip("no such names on Windows")
    (tmp_path / HOSTILE).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / HOSTILE).write_text(
        "def f(x):\n    return 2.0 * x\n\ndef bad(x):\n    raise ValueError('\\x1b[2J')\n"
    )
    return str(tmp_path / HOSTILE)


def test_check_obeys_no_name_of_a_file(hostile, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "500")
    assert cli.main(["check", f"{hostile}:f", "3", "--draw", f"{hostile[:-3]}.svg"]) == 0
    out, err = capsys.readouterr()
    assert f"Drawn: {os.path.dirname(hostile)}" in out.replace("\n", "")
    assert r"i]\x1b[31m\u202e.svg" in out
    assert cli.main(["check", f"{hostile}:bad", "3"]) == 2
    err += capsys.readouterr().err
    assert SHOWN + r":bad, line 5: ValueError: \x1b[2J" in err
    assert cli.main(["check", f"{hostile}:nix", "3"]) == 2
    err += capsys.readouterr().err
    assert all(c.isprintable() or c == "\n" for c in out + err)


def test_check_shows_in_its_status_what_rich_would_obey(hostile, monkeypatch):
    rich = pytest.importorskip("rich.console")
    shown = []
    status = rich.Console.status
    monkeypatch.setattr(
        rich.Console, "status", lambda self, text: shown.append(text) or status(self, text)
    )
    assert cli.main(["check", f"{hostile}:f", "3"]) == 0
    assert SHOWN in shown[0].plain


def test_step_obeys_no_name_of_a_file(hostile, step):
    page = f"{hostile[:-3]}.html"
    code, out, _ = step(f"{hostile}:f", "3", "--html", page, "--all")
    assert code == 0
    assert r"\u202e.html" in out
    assert SHOWN in out
    assert all(c.isprintable() or c == "\n" for c in out)
