"""The commands that show trainings: `microbn step training` and `microbn playground`."""

import json
import re

import pytest

from microbn import lab
from microbn.cli import commands as cli
from microbn.cli.targets import told

pytest.importorskip("sklearn", reason="scikit-learn is not installed: lab unchecked")


def test_step_training_writes_a_film_of_the_digits(tmp_path, capsys):
    file = tmp_path / "film.html"
    assert cli.main(["step", "training", "--html", str(file), "--seed", "1"]) == 0
    assert capsys.readouterr().out == f"Seed: 1\nWritten: {file}\n"
    losses = json.loads(re.search(r'"losses":({.*?})', file.read_text())[1])
    assert len(losses["train"]) == len(losses["eval"]) == 50
    assert sum(losses["train"][-10:]) < 0.7 * sum(losses["train"][:10])


def test_without_a_page_the_first_training_step_is_told(monkeypatch, capsys):
    monkeypatch.setattr("microbn.cli.targets.training", lambda seed: [told("mlp")] * 3)
    assert cli.main(["step", "training"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "Seed: 0\nThe first of 3 training steps; --html film.html shows them all\n"
    )
    assert "Step 0 of" in out


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (
            "draw training -o x.svg",
            "training is there to be stepped through: microbn step training",
        ),
        ("check training", "training is there to be stepped through: microbn step training"),
        ("step training 4x3", "training learns from the digits and takes no input, got 4x3"),
    ],
)
def test_a_training_is_stepped_through_and_nothing_else(command, message, capsys):
    assert cli.main(command.split()) == 2
    assert message in capsys.readouterr().err


def test_playground_takes_a_page_and_a_quick_run(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr("microbn.lab.playing.playground", lambda *a, **k: asked.append((a, k)))
    assert cli.main(["playground", "-o", "p.html", "--quick"]) == 0
    (((path,), options),) = asked
    assert (str(path), options) == ("p.html", {"quick": True})
    with pytest.raises(SystemExit):
        cli.main(["playground", "-o", "p.png"])


def test_the_lab_has_the_functions_that_the_commands_call():
    assert lab.playground.__name__ == "playground"
    assert lab.film.__name__ == "film"
