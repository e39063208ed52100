"""The demos: their options, what they conclude, and that a claim which fails ends them so."""

import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

import microbn as mb
from microbn import nn
from microbn.lab import demo, figures, sweep

joblib = pytest.importorskip("joblib", reason="joblib is not installed: demos unchecked")

DEMOS = sorted(Path(__file__).parents[1].glob("demos/d*.py"))


def options(monkeypatch, *words, **defaults):
    monkeypatch.setattr(sys, "argv", ["demo.py", *map(str, words)])
    return demo.options("demo", **defaults)


def test_options_say_how_a_demo_runs(monkeypatch, tmp_path):
    args = options(monkeypatch)
    assert (args.seeds, args.show, args.quick, args.data) == (range(5), True, False, "digits")
    loaded = []
    monkeypatch.setattr(demo, "load", lambda *args: loaded.append(args))
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
        (["--data", "nosuch"], "load: 'nosuch' is neither 'digits' nor 'mnist', nor a folder"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_wrong_options_are_one_sentence_before_any_work(monkeypatch, capsys, words, sentence):
    with pytest.raises(SystemExit, match="2"):
        options(monkeypatch, *words)
    assert capsys.readouterr().err.endswith(f"demo: error: {sentence}\n")


def test_interrupted_demo_says_so_in_one_sentence(monkeypatch, tmp_path):
    args = options(monkeypatch, "--save", tmp_path)
    monkeypatch.setattr(demo, "run_grid", interrupt)
    with pytest.raises(SystemExit, match="demo: interrupted; the same command goes on from here"):
        demo.run(None, {}, args)


def interrupt(*args, **kwargs):
    raise KeyboardInterrupt


def test_figure_and_pictures_of_a_demo_are_kept_by_its_name(monkeypatch, tmp_path):
    args = options(monkeypatch, "--save", tmp_path, "--no-show")
    rows = sweep.Table([{"x": x, "score": x} for x in (1, 2)])
    demo.present(figures.curves(rows, "x", "score", title="scores"), args)
    story = mb.story(mb.Tensor(1.0, name="x") * 2.0)
    assert demo.keep(story, "step.html", args) is story
    assert {p.name for p in tmp_path.iterdir()} == {"demo.png", "demo.step.html"}


def test_option_that_a_demo_does_not_use_is_refused(monkeypatch):
    with pytest.raises(SystemExit, match="2"):
        options(monkeypatch, "--data", "mnist", data=False)


def test_spread_is_median_and_range_and_says_never():
    assert demo.spread([1.0, np.inf, 2.0], "{}") == "2.0 [1.0–never]"
    assert demo.spread([np.inf, np.inf]) == "never"
    assert demo.spread([0.5]) == "0.5"
    with pytest.raises(mb.MicrobnError, match="there is no value, and so no median"):
        demo.spread([])
    with pytest.raises(mb.MicrobnError, match="no column 'net' among"):
        demo.summary(sweep.Table([{"a": 1}]), ["net"], {"a": "{}"})


def test_summary_has_a_line_for_each_setting(capsys):
    rows = [{"net": n, "seed": s, "score": s + len(n)} for n in ("a", "bb") for s in range(3)]
    demo.summary(sweep.Table(rows), ["net"], {"score": "{:.1f}"})
    printed = capsys.readouterr().out
    assert re.search(r"a +│ 2.0 \[1.0–3.0\]", printed)
    assert re.search(r"bb +│ 3.0 \[2.0–4.0\]", printed)


def claims(*held, shown=False):
    return [
        demo.Claim(f"claim {i}", "the book", "here", h, "≥ 2", shown) for i, h in enumerate(held)
    ]


def test_claim_that_holds_is_said_and_kept(monkeypatch, tmp_path, capsys):
    args = options(monkeypatch, "--save", tmp_path)
    demo.conclude(args, *claims(True))
    assert capsys.readouterr().out.endswith("seeds 0 to 4, digits\nHeld: claim 0\n")
    (row,) = sweep.Table.load(tmp_path / "demo.claims.csv").rows
    assert row == {
        "demo": "demo",
        "seeds": "0 to 4",
        "data": "digits",
        "quick": False,
        "claim": "claim 0",
        "textbook": "the book",
        "here": "here",
        "held": True,
        "gate": "≥ 2",
        "shown": False,
    }


def test_claim_that_misses_its_gate_ends_the_demo_with_status_1(monkeypatch, tmp_path, capsys):
    args = options(monkeypatch, "--save", tmp_path)
    with pytest.raises(SystemExit, match="1"):
        demo.conclude(args, *claims(True, False))
    assert capsys.readouterr().out.endswith("Held: claim 0\nDid not hold: claim 1\n")
    assert len(sweep.Table.load(tmp_path / "demo.claims.csv").rows) == 2


def test_claim_that_is_only_shown_may_fail(monkeypatch, capsys):
    demo.conclude(options(monkeypatch), *claims(False, shown=True))
    assert capsys.readouterr().out.endswith("Did not hold: claim 0\n")


@pytest.mark.parametrize("path", DEMOS, ids=lambda path: path.stem)
def test_demo_reads_as_one(path):
    code = path.read_text()
    assert code.startswith('"""\n')
    assert "# %%" in code
    assert f'demo.options("{path.stem}"' in code
    assert "demo.conclude(" in code
    assert len([line for line in code.splitlines() if line.strip()]) <= 110


def test_demos_are_fourteen_in_the_order_of_a_course():
    assert [path.stem[:3] for path in DEMOS] == [f"d{i:02}" for i in range(1, 15)]


class NotBatchNorm(nn.Module):
    """What would be left of batch norm if it did not normalize."""

    def __init__(self, features):
        self.features = features

    def forward(self, x):
        return x


@pytest.mark.parametrize(
    "name", ["d06_learning_rates", "d08_deep_sigmoids", "d10_batch_size", "d14_where_it_hurts"]
)
def test_demo_fails_where_batch_norm_does_nothing(name, monkeypatch, capsys):
    (path,) = (p for p in DEMOS if p.stem == name)
    monkeypatch.setattr(sys, "argv", [name, "--no-show", "--quick", "--seeds", "1"])
    monkeypatch.setattr(nn, "BatchNorm", NotBatchNorm)
    with joblib.parallel_config(backend="sequential"), pytest.raises(SystemExit, match="1"):
        runpy.run_path(str(path), run_name="__main__")
    assert "Did not hold" in capsys.readouterr().out
