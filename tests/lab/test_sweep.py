"""A grid of runs: in order, on any backend, kept on disk, resumed where it was interrupted."""

import io
import re
import warnings

import numpy as np
import pytest

from microbn import Tensor, errors
from microbn.lab import sweep
from microbn.lab.results import Results
from microbn.view.values import printable

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
    assert Results.load(tmp_path / "powers.csv") == table
    assert {type(row["name"]) for row in table.rows} == {str}
    assert (tmp_path / "powers.csv").read_text().startswith("base,exponent,name,power,powers,wide")


LEFT: list[int] = []


def interrupted(after):
    LEFT[:] = range(after)  # a global, which is not a part of what the experiment is

    def experiment(**settings):
        if not LEFT:
            raise KeyboardInterrupt
        LEFT.pop()
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
    assert len(part.read_text().splitlines()) == 8
    assert run(save, experiment=interrupted(after=2)) == run()


def test_experiment_whose_results_change_their_names_is_stopped_there(tmp_path):
    def experiment(base, exponent, name):
        return {"score" if exponent == 1 else "power": 1.0}

    message = r"with .*1, \"name\": \"a\"\} has the columns .*'score'\], .*2.* .*'power'\]; an"
    with pytest.raises(errors.ArgumentError, match=message):
        run(tmp_path / "powers.csv", experiment=experiment)
    assert len((tmp_path / "powers.csv.part").read_text().splitlines()) == 3


def test_grids_of_other_files_do_not_mix(tmp_path):
    save = tmp_path / "rate0.1"
    with pytest.raises(KeyboardInterrupt):
        run(save, experiment=interrupted(after=5))
    other = sweep.run_grid(power, GRID, "powers", save=tmp_path / "rate0.2", jobs=1)
    assert other == run()


LOOP: list = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("result", "error", "message"),
    [
        ({"thing": object()}, errors.DTypeError, "<object object.* is not a number"),
        ({"base": 1.0}, errors.ArgumentError, "'base' is a setting"),
        (None, errors.DTypeError, "an experiment returns a dict, not None"),
        ({5: 1.0}, errors.DTypeError, "a result's name is a string, not 5"),
        ({"loss": Tensor(1.0)}, errors.DTypeError, r"Tensor\(1.\) is not .* give t.item\(\)"),
        ({"loop": LOOP}, errors.DTypeError, "is not a number, a string or a list"),
    ],
)
def test_results_that_no_table_can_hold_are_refused(result, error, message):
    with pytest.raises(error, match=message):
        run(experiment=lambda **_: result)


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"seed": []}, r"there are no settings in \{'seed': \[\]\}"),
        ({"name": "abc"}, "'name' has the values 'abc'; write .* a list even for one value"),
        ({"seed": 3}, "'seed' has the values 3; write"),
        ({5: [1]}, r"5 has the values \[1\]; write \{'name': \[value"),
        ({"rate": [1.0, np.nan]}, "'rate' contains NaN, .*; use None"),
        ([("seed", [1])], r"a function and a dict of lists of values, got .* and \[\('seed'"),
    ],
)
def test_axes_that_cannot_be_meant_are_refused_before_any_work(tmp_path, axes, message):
    with pytest.raises(errors.ArgumentError, match=message):
        sweep.run_grid(interrupted(after=0), axes, "t", save=tmp_path / "t.csv", jobs=1)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("jobs", [0, 1.5, "all", True])
def test_jobs_that_cannot_be_meant_are_refused_before_any_work(tmp_path, jobs):
    with pytest.raises(errors.ArgumentError, match=f"-1 for all cores; got {jobs!r}"):
        run(tmp_path / "t.csv", jobs=jobs)
    assert not [*tmp_path.iterdir()]


def test_axis_may_be_a_generator():
    axes = {"base": (base for base in (2.0, 3.0)), "exponent": range(1, 2), "name": ("a",)}
    assert sweep.run_grid(power, axes, "powers", jobs=1)["power"].tolist() == [2, 3]


def divided(seed):
    return {"score": 6 / seed}


@pytest.mark.parametrize("jobs", [1, 2])
def test_error_of_an_experiment_says_with_which_settings_it_was_and_loses_no_run(tmp_path, jobs):
    axes = {"seed": [1, 2, 0]}
    with pytest.raises(ZeroDivisionError) as caught:
        sweep.run_grid(divided, axes, "t", save=tmp_path / "t.csv", jobs=jobs)
    assert caught.value.__notes__ == ["run_grid: this was with {'seed': 0}"]
    if jobs == 1:
        assert len((tmp_path / "t.csv.part").read_text().splitlines()) == 3


def test_place_where_nothing_can_be_saved_is_found_out_before_the_work(tmp_path):
    with pytest.raises(IsADirectoryError, match=re.escape(str(tmp_path))):
        run(tmp_path, experiment=interrupted(after=0))
    with pytest.raises(TypeError, match=r"not .?int"):
        run(5, experiment=interrupted(after=0))


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
    run(save, experiment=interrupted(after=6))
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


def test_a_pool_that_is_left_early_ends_there_without_advice():
    told = []

    def runs():  # as joblib's pool does if it is left early
        try:
            yield from range(4)
        except GeneratorExit:
            told.append("ends")
            warnings.warn("1 tasks have been successfully executed but not used", stacklevel=1)
            raise

    pool = runs()
    with sweep.pool_closed(pool):
        next(pool)
    assert told == ["ends"]
