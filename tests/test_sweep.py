"""A grid of runs: in order, on any backend, kept on disk, resumed where it was interrupted."""

import io

import numpy as np
import pytest

from microbn import errors
from microbn.errors import printable
from microbn.lab import sweep

joblib = pytest.importorskip("joblib", reason="joblib is not installed: sweeps unchecked")

GRID = {"base": [2.0, 3.0], "exponent": [1, 2], "name": ["a", "1"]}


def power(base, exponent, name):
    return {"power": base**exponent, "powers": np.array([base, np.inf]), "wide": base > 2}


def run(save=None, jobs=1, experiment=power):
    return sweep.run_grid(experiment, GRID, "powers", save=save, jobs=jobs)


@pytest.mark.parametrize("jobs", [1, 2])
def test_rows_come_in_the_order_of_the_grid(jobs):
    rows = run(jobs=jobs).rows
    assert [row["power"] for row in rows] == [2, 2, 4, 4, 3, 3, 9, 9]
    assert rows[0] == {
        "base": 2.0,
        "exponent": 1,
        "name": "a",
        "power": 2.0,
        "powers": [2.0, np.inf],
        "wide": False,
    }


def test_table_is_read_as_it_was_saved(tmp_path):
    table = run(tmp_path / "powers.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["powers.csv"]
    assert sweep.Table.load(tmp_path / "powers.csv") == table
    assert {type(row["name"]) for row in table.rows} == {str}
    assert (tmp_path / "powers.csv").read_text().startswith("base,exponent,name,power,powers,wide")


def test_columns_and_medians_of_chosen_rows():
    table = run()
    assert list(table.where(base=3, name="1")["power"]) == [3, 9]
    assert table.where(base=3)["powers"].shape == (4, 2)
    assert table.median("power", base=3) == 6
    long = table.where(name="a", exponent=1).long(["power", "wide"], "what", "value")
    assert [(row["base"], row["what"], row["value"]) for row in long.rows] == [
        (2, "power", 2),
        (2, "wide", False),
        (3, "power", 3),
        (3, "wide", True),
    ]


def interrupted(after):
    count = iter(range(after))

    def experiment(**settings):
        if next(count, None) is None:
            raise KeyboardInterrupt
        return power(**settings)

    return experiment


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "last line cut off"])
def test_interrupted_grid_goes_on_where_it_was(tmp_path, capsys, cut):
    save, part = tmp_path / "powers.csv", tmp_path / "powers.csv.part"
    with pytest.raises(KeyboardInterrupt):
        run(save, experiment=interrupted(after=5))
    assert not save.exists()
    if cut:
        part.write_text(part.read_text()[:-3])
    kept = 4 if cut else 5
    table = run(save, experiment=interrupted(after=8 - kept))  # one run more would raise
    assert table == run()
    assert f"holds {kept} runs" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["powers.csv"]


def test_finished_grid_is_run_anew(tmp_path):
    run(tmp_path / "powers.csv")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "powers.csv", experiment=interrupted(after=7))


def test_smaller_grid_takes_what_it_has_of_a_larger_one_and_leaves_the_rest(tmp_path):
    save, part = tmp_path / "powers.csv", tmp_path / "powers.csv.part"
    with pytest.raises(KeyboardInterrupt):
        run(save, experiment=interrupted(after=6))
    smaller = {"base": [2.0], "exponent": [2], "name": ["1", "b"]}
    table = sweep.run_grid(interrupted(after=1), smaller, "powers", save=save, jobs=1)
    assert list(table["name"]) == ["1", "b"]
    assert len(part.read_text().splitlines()) == 7
    assert run(save, experiment=interrupted(after=2)) == run()


def test_unfinished_grid_whose_results_are_other_ones_is_refused(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "powers.csv", experiment=interrupted(after=5))
    with pytest.raises(errors.ArgumentError, match=r"row 5 has the columns .*'score'"):
        run(tmp_path / "powers.csv", experiment=lambda **_: {"score": 1.0})


def test_grids_of_other_settings_or_other_files_do_not_mix(tmp_path):
    def experiment(seed, rate=0):
        return {"score": seed + rate}

    save = tmp_path / "rate0.1"
    with pytest.raises(KeyboardInterrupt):
        run(save, experiment=interrupted(after=5))
    table = sweep.run_grid(experiment, {"seed": [2.0]}, "seeds", save=save, jobs=1)
    assert table["score"] == [2]
    other = sweep.run_grid(power, GRID, "powers", save=tmp_path / "rate0.2", jobs=1)
    assert other == run()


def test_what_is_strange_to_csv_survives_it(tmp_path):
    rows = [{"k\r": text, "v": 1.5} for text in ("a\rb", 'one\n"two",', "", "null", "[1", "γ", "1")]
    rows += [{"k\r": value, "v": [0.1] * 40_000} for value in (None, True, 1, np.inf)]
    sweep.Table(rows).save(tmp_path / "t.csv")
    assert sweep.Table.load(tmp_path / "t.csv").rows == rows


@pytest.mark.parametrize(
    ("result", "error", "message"),
    [
        ({"thing": object()}, errors.DTypeError, "<object object.* is no number"),
        ({"base": 1.0}, errors.ArgumentError, "'base' is a setting"),
        (None, errors.DTypeError, "an experiment gives a dict, not None"),
    ],
)
def test_results_that_no_table_can_hold_are_refused(result, error, message):
    with pytest.raises(error, match=message):
        run(experiment=lambda **_: result)


def test_what_a_table_does_not_have_is_named():
    table = run()
    with pytest.raises(errors.ArgumentError, match=r"no row has \{'base': 4\}"):
        table.where(base=4)
    with pytest.raises(errors.ArgumentError, match=r"no row has \{'bse': 2\}"):
        table.where(bse=2)
    with pytest.raises(errors.ArgumentError, match="no column 'score' among"):
        table["score"]
    with pytest.raises(errors.ArgumentError, match="row 1 has the columns"):
        sweep.Table([{"a": 1}, {"b": 1}])


def test_empty_grid_is_refused():
    with pytest.raises(errors.ArgumentError, match=r"no settings in \{'seed': \[\]\}"):
        sweep.run_grid(power, {"seed": []}, "nothing")


def test_backend_that_gives_all_results_at_once_will_do():
    with joblib.parallel_config(backend="multiprocessing"):
        assert run(jobs=2) == run()


def test_folder_that_cannot_be_written_into_is_found_out_before_the_work(tmp_path):
    with pytest.raises(FileNotFoundError):
        run(tmp_path / "missing" / "powers.csv", experiment=interrupted(after=0))


@pytest.mark.parametrize("title", ["[/b]x", "w[out]", "\x1b[31mred", "back\\"])
def test_title_of_a_progress_bar_is_shown_and_not_obeyed(title, monkeypatch):
    rich = pytest.importorskip("rich.console")
    screen, out = rich.Console, io.StringIO()
    shown = dict(file=out, force_terminal=True, color_system=None, width=100)
    monkeypatch.setattr(rich, "Console", lambda **_: screen(**shown))
    assert list(sweep.track(range(3), title, 3)) == [0, 1, 2]
    assert printable(title) in out.getvalue()
    assert "\x1b[31m" not in out.getvalue()


def test_name_of_a_file_that_is_kept_is_not_obeyed(tmp_path, capsys):
    save = tmp_path / "\x1b[31m.csv"
    with pytest.raises(KeyboardInterrupt):
        run(save, experiment=interrupted(after=2))
    run(save)
    assert r"\x1b[31m.csv.part holds 2 runs" in capsys.readouterr().out


def test_progress_bar_shows_nothing_where_there_is_no_terminal(capsys):
    assert list(sweep.track(range(3), "counting", 3)) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")


def on_a_worker(seed):
    import distributed

    return {"worker": distributed.get_worker().name}  # which raises where there is none


def test_grid_runs_on_a_cluster():
    distributed = pytest.importorskip("distributed", reason="Dask is not installed: unchecked")
    cluster = distributed.LocalCluster(n_workers=1, processes=False, dashboard_address=None)
    with cluster, distributed.Client(cluster), joblib.parallel_config(backend="dask"):
        table = sweep.run_grid(on_a_worker, {"seed": range(3)}, "seeds")
    assert table["worker"].tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="No worker found"):
        sweep.run_grid(on_a_worker, {"seed": range(3)}, "seeds", jobs=1)
