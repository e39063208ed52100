"""The demos: their options, their printed results, and their status when a claim fails."""

import re
import runpy
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

import microbn as mb
from microbn import nn
from microbn.lab import claims, demo, figures
from microbn.lab.results import Results

joblib = pytest.importorskip("joblib", reason="joblib is not installed: demos unchecked")

DEMOS = sorted(Path(__file__).parents[1].glob("demos/d*.py"))


def options(monkeypatch, *words, **defaults):
    monkeypatch.setattr(sys, "argv", ["demo.py", *map(str, words)])
    return demo.options("demo", **defaults)


def test_options_say_how_a_demo_runs(monkeypatch, tmp_path):
    args = options(monkeypatch)
    assert (args.seeds, args.show, args.quick, args.data) == (range(5), True, False, "digits")
    loaded = []
    monkeypatch.setattr(demo, "dataset", lambda *args: loaded.append(args))
    args = options(monkeypatch, "--first", 7, "--seeds", 3, "--data", "mnist", "--no-show")
    assert (args.seeds, args.show, args.data) == (range(7, 10), False, "mnist")
    assert loaded == [("mnist", 7)]
    args = options(monkeypatch, "--quick", "--save", tmp_path / "new" / "folder")
    assert (args.seeds, args.save.is_dir()) == (range(2), True)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--seeds", 0], "--seeds must be at least 1, got 0"),
        (["--first", -1], "--first must be at least 0, got -1"),
        (["--save", __file__], f"--save: {__file__} is not a folder"),
        (["--data", "nosuch"], "dataset: 'nosuch' is neither 'digits' nor 'mnist', nor a folder"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_wrong_options_are_one_sentence_before_any_work(monkeypatch, capsys, words, sentence):
    with pytest.raises(SystemExit, match="2"):
        options(monkeypatch, *words)
    assert capsys.readouterr().err.endswith(f"demo: error: {sentence}\n")


def test_tables_and_claims_are_shown_and_not_obeyed(monkeypatch, capsys):
    results = Results([{"net[/b]": "\x1b[31m[red]", "accuracy": 0.5}])
    demo.summary(results, ["net[/b]"], {"accuracy": "{:.3f}"})
    claiming(monkeypatch, claim="\x1b[2J[/]")
    demo.conclude(options(monkeypatch), {"score": 3})
    out = capsys.readouterr().out
    assert "\x1b" not in out
    for shown in ("net[/b]", r"\x1b[31m[red]", r"Held: \x1b[2J[/]"):
        assert shown in out


def test_experiment_runs_with_the_seeds_and_the_data_of_the_options(monkeypatch):
    args = options(monkeypatch, "--seeds", 2)
    rows = demo.run(lambda **settings: {"of": len(settings)}, {"net": ["a"]}, args).rows
    expected = [{"net": "a", "seed": seed, "data": "digits", "of": 3} for seed in (0, 1)]
    assert rows == expected
    args = options(monkeypatch, data=False)
    assert len(demo.run(lambda seed: {"of": seed}, {"seed": [7]}, args).rows) == 1


def test_interrupted_demo_says_so_in_one_sentence(monkeypatch, tmp_path):
    args = options(monkeypatch, "--save", tmp_path)
    monkeypatch.setattr(demo, "run_grid", interrupt)
    with pytest.raises(SystemExit, match="demo: interrupted; the same command goes on from here"):
        demo.run(None, {}, args)


def interrupt(*args, **kwargs):
    raise KeyboardInterrupt


def test_figure_and_pictures_of_a_demo_are_kept_by_its_name(monkeypatch, tmp_path):
    args = options(monkeypatch, "--save", tmp_path, "--no-show")
    rows = Results([{"x": x, "score": x} for x in (1, 2)])
    demo.present(figures.curves(rows, "x", "score", title="scores"), args)
    story = mb.story(mb.Tensor(1.0, name="x") * 2.0)
    assert demo.keep(story, "step.html", args) is story
    assert {p.name for p in tmp_path.iterdir()} == {"demo.png", "demo.step.html"}


def test_option_that_a_demo_does_not_use_is_refused(monkeypatch):
    with pytest.raises(SystemExit, match="2"):
        options(monkeypatch, "--data", "mnist", data=False)


def test_median_and_range_are_written_and_infinity_is_never():
    assert demo.median_range([1.0, np.inf, 2.0], "{}") == "2.0 [1.0–never]"
    assert demo.median_range([np.inf, np.inf]) == "never"
    assert demo.median_range([0.5]) == "0.5"
    with pytest.raises(mb.MicrobnError, match="there are no values, and so there is no median"):
        demo.median_range([])
    with pytest.raises(mb.MicrobnError, match="no column 'net' among"):
        demo.summary(Results([{"a": 1}]), ["net"], {"a": "{}"})


def test_summary_has_a_line_for_each_setting(capsys):
    rows = [{"net": n, "seed": s, "score": s + len(n)} for n in ("a", "bb") for s in range(3)]
    demo.summary(Results(rows), ["net"], {"score": "{:.1f}"})
    printed = capsys.readouterr().out
    assert re.search(r"a +│ 2.0 \[1.0–3.0\]", printed)
    assert re.search(r"bb +│ 3.0 \[2.0–4.0\]", printed)


ENTRY = {
    "claim": "claim",
    "textbook": "the book",
    "here": "{score} points",
    "gate": "≥ {enough}",
    "holds": "score >= enough",
    "enough": 2,
}


def claiming(monkeypatch, **entry):
    """Give the demo named "demo" one claim."""
    monkeypatch.setitem(claims.CLAIMS, "demo", [ENTRY | entry])


def test_claim_that_holds_is_printed_and_kept(monkeypatch, tmp_path, capsys):
    claiming(monkeypatch)
    demo.conclude(options(monkeypatch, "--save", tmp_path), {"score": 3})
    assert capsys.readouterr().out.endswith("seeds 0 to 4, digits\nHeld: claim\n")
    (row,) = Results.load(tmp_path / "demo.claims.csv").rows
    assert row == {
        "demo": "demo",
        "seeds": "0 to 4",
        "data": "digits",
        "quick": False,
        "claim": "claim",
        "textbook": "the book",
        "here": "3 points",
        "held": True,
        "gate": "≥ 2",
        "shown": False,
    }


def test_claim_that_misses_its_gate_ends_the_demo_with_status_1(monkeypatch, tmp_path, capsys):
    claiming(monkeypatch, cases={"one": {}, "two": {}}, claim="claim {case}")
    args = options(monkeypatch, "--save", tmp_path)
    with pytest.raises(SystemExit, match="1"):
        demo.conclude(args, {"one": {"score": 2}, "two": {"score": 1}})
    assert capsys.readouterr().out.endswith("Held: claim one\nDid not hold: claim two\n")
    assert len(Results.load(tmp_path / "demo.claims.csv").rows) == 2


def test_claim_that_is_only_shown_may_fail(monkeypatch, capsys):
    claiming(monkeypatch, shown=True)
    demo.conclude(options(monkeypatch), {"score": 1})
    assert capsys.readouterr().out.endswith("Did not hold: claim\n")


@pytest.mark.parametrize("path", DEMOS, ids=lambda path: path.stem)
def test_demo_reads_as_one(path):
    code = path.read_text()
    assert code.startswith('"""\n')
    assert "# %%" in code
    assert f'demo.options("{path.stem}"' in code
    assert "demo.conclude(" in code
    assert len(code.splitlines()) <= 90


def test_demos_are_numbered_from_0_without_a_gap():
    numbers = [int(path.stem[1:3]) for path in DEMOS]
    assert numbers == list(range(len(DEMOS)))


class NotBatchNorm(nn.Module):
    """A batch norm that does not normalize."""

    def __init__(self, features):
        self.features = features

    def forward(self, x):
        return x


@pytest.mark.parametrize(
    "name",
    [
        "d00_inside",
        "d06_learning_rates",
        "d08_deep_sigmoids",
        "d10_batch_size",
        "d12_landscape",
        "d13_covariate_shift",
        "d14_where_it_hurts",
        "d15_debate",
        "d16_no_scale",
        "d17_images",
    ],
)
def test_demo_fails_where_batch_norm_does_nothing(name, monkeypatch, capsys):
    (path,) = (p for p in DEMOS if p.stem == name)
    monkeypatch.setattr(sys, "argv", [name, "--no-show", "--quick", "--seeds", "1"])
    monkeypatch.setattr(nn, "BatchNorm", NotBatchNorm)
    with joblib.parallel_config(backend="sequential"), pytest.raises(SystemExit, match="1"):
        runpy.run_path(str(path), run_name="__main__")
    assert "Did not hold" in capsys.readouterr().out


def noisy(ghost):
    """Return runs of d11 as they should be, but for the ghost batches' accuracy at some stops."""
    stops = [10, 20, 30, 50, 100, 200, 300, 500, 1000, 2000, 3000]
    common = {"training step": stops, "wrong labels learned": [0.5] * 11, "to 85%": 50}
    nets = {"plain": 0.8, "batch norm": 0.7, "ghost batches of 4": 0.75, "dropout": 0.9}
    rows = [
        {"net": net, **common, "test accuracy": [level] * 11, "to half": 900, "seed": 0}
        for net, level in nets.items()
    ]
    rows[1] |= {"to 85%": 30, "to half": 200}
    for stop, level in ghost.items():
        rows[2]["test accuracy"][stops.index(stop)] = level
    return Results(rows)


@pytest.mark.parametrize(
    ("ghost", "held"),
    [
        ({}, True),
        ({10: 0.6, 50: 0.6}, True),  # it learns more slowly
        ({100: 0.699}, False),
        ({2000: 0.699}, False),
        ({3000: np.nan}, False),
        ({300: 0.74}, False),  # ahead, but not by 0.05
        ({1000: 0.74}, False),
    ],
    ids=str,
)
def test_noise_is_said_to_help_only_if_it_does_at_every_stop(ghost, held, monkeypatch, capsys):
    (path,) = (p for p in DEMOS if p.stem == "d11_noise")
    monkeypatch.setattr(sys, "argv", ["d11_noise", "--no-show"])
    monkeypatch.setattr(demo, "run", lambda *args: noisy(ghost))
    with nullcontext() if held else pytest.raises(SystemExit, match="1"):
        runpy.run_path(str(path), run_name="__main__")
    verdict = "Held" if held else "Did not hold"
    printed = capsys.readouterr().out
    where = "with 30% of 600 labels wrong"
    assert f"{verdict}: {where}, the noise of small ghost batches regularizes" in printed
    assert f"Held: {where}, batch norm learns faster, the wrong labels too" in printed
