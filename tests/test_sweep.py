"""A grid of runs: in order, on any backend, kept on disk, resumed where it was interrupted."""

import numpy as np
import pytest

from microbn import errors
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
    save, part = tmp_path / "powers.csv", tmp_path / "powers.part.csv"
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


def test_rows_with_other_settings_are_not_taken_for_the_grids(tmp_path):
    save = tmp_path / "powers.csv"
    row = power(7.0, 1, "a")
    sweep.Table([{"base": 7.0, "exponent": 1, "name": "a"} | row]).save(
        tmp_path / "powers.part.csv"
    )
    assert run(save) == run()


def test_unfinished_file_of_another_grid_is_refused_and_stays(tmp_path):
    part = tmp_path / "powers.part.csv"
    part.write_text("other\n1\n")
    with pytest.raises(errors.ArgumentError, match="of another grid; remove it, or save elsewhere"):
        run(tmp_path / "powers.csv")
    assert part.read_text() == "other\n1\n"


def test_faults_of_a_sweep_name_the_facts():
    with pytest.raises(errors.DTypeError, match="'thing' is <object object"):
        run(experiment=lambda **_: {"thing": object()})
    with pytest.raises(errors.ArgumentError, match=r"no row has \{'base': 4\}"):
        run().where(base=4)


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
