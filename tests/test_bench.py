"""The contenders of tests/bench compute the same gradients, and their check sees faults."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bench import compositions, contenders, convolution, measures, memory, traffic, training
from bench.contenders import (
    BLAS,
    BY_HAND,
    COMPILED,
    COMPOSED,
    CONTENDERS,
    FUSED,
    KERNELS,
    MERGED,
    OURS,
)
from bench.net import TOLERANCE, Setting, problem

PACKAGES = {"PyTorch": "torch", "HIPS autograd": "autograd", "MyGrad": "mygrad", "jax.jit": "jax"}
PACKAGES[KERNELS] = "numba"
# torch.compile takes a minute to compile. The bench checks its gradients before it is timed.
TRIED = [name for name in CONTENDERS if name != contenders.TORCH_COMPILED]
WIDTH, BATCH, DEPTH = 7, 9, 2


def small(dtype):
    return problem(Setting(WIDTH, BATCH, dtype, DEPTH), seed=0)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", TRIED)
def test_contender_has_the_hand_derived_gradients(name, dtype):
    if package := PACKAGES.get(name, PACKAGES.get(name.split(",")[0])):
        pytest.importorskip(package, reason=f"{name}: {package} is not installed: unchecked")
    given = small(dtype)
    contenders.check(name, CONTENDERS[name](*given)(), CONTENDERS[BY_HAND](*given)(), dtype)


FAULTS = {
    "scaled by 1.0005": lambda g: g * 1.0005,
    "negated": lambda g: -g,
    "zeroed": np.zeros_like,
    "not a number": lambda g: g * np.nan,
    "reversed": lambda g: g[::-1],
    "of another shape": lambda g: g[None],
}
# Biases ahead of a batch norm have the gradient 0, which no scaling changes.
WEIGHTY = [i for i in range(4 * DEPTH + 2) if i % 4 != 1 or i == 4 * DEPTH + 1]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_any_one_gradient_is_rejected(fault, dtype):
    right = CONTENDERS[BY_HAND](*small(dtype))()
    for i in WEIGHTY:
        wrong = [FAULTS[fault](g) if i == j else g for j, g in enumerate(right)]
        with pytest.raises(ValueError, match="planted: its gradients"):
            contenders.check("planted", wrong, right, dtype)


@pytest.mark.parametrize("name", [OURS, COMPILED, BLAS, MERGED])
def test_a_contender_with_a_wrong_batch_norm_is_rejected(name, monkeypatch):
    def without_std(x, gamma, beta):
        return contenders.F.affine(x - np.mean(x, 0), gamma, beta)

    monkeypatch.setattr(contenders.F, "batch_norm", without_std)
    with pytest.raises(ValueError, match=name):
        contenders.ready(Setting(WIDTH, BATCH, "float64", DEPTH), 0, [name])


def test_the_compiled_step_reads_its_parameters_each_time():
    given = small("float64")
    step, by_hand = CONTENDERS[COMPILED](*given), CONTENDERS[BY_HAND](*given)
    before = by_hand()
    for p in given[0]:
        p *= 1.5
    contenders.check(COMPILED, step(), by_hand(), "float64")
    with pytest.raises(ValueError, match="planted: its gradients"):
        contenders.check("planted", before, by_hand(), "float64")


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_a_wrong_convolution_is_rejected_before_it_is_timed(dtype, monkeypatch):
    pytest.importorskip("torch", reason="PyTorch is not installed: the convolution is unchecked")
    assert convolution.checked(dtype, seed=0).keys() == {convolution.PYTORCH, OURS, COMPILED}
    right = contenders.F.conv2d
    monkeypatch.setattr(contenders.F, "conv2d", lambda x, w, b: right(1.001 * x, w, b))
    with pytest.raises(ValueError, match=f"{OURS}: its gradients are"):
        convolution.checked(dtype, seed=0)


def test_the_convolution_names_pytorch_if_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    table = convolution.convolution(1, seed=0)
    assert [row[1] for row in table.rows] == ["–"] * 3
    assert "PyTorch is not installed" in table.notes[0]


def test_a_contender_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mygrad", None)
    steps, missing = contenders.ready(Setting(WIDTH, BATCH, "float64", DEPTH), 0, ["MyGrad", OURS])
    assert "MyGrad" in missing
    assert "MyGrad" not in steps
    assert OURS in steps


@pytest.mark.parametrize("name", training.GOALS)
def test_a_training_goal_that_is_missed_once_says_so_there(name):
    ratios = [*training.GOALS[name]]
    ratios[2] += 0.001
    products = training.PRODUCTS
    races = [{name: [n], training.LIMIT: [m]} for n, m in zip(ratios, products, strict=True)]
    _, _, goals, apart, *_ = training.rows_of(name, races)
    for row in (goals, apart):
        assert [cell.partition(": ")[2] for cell in row[1:]] == ["met", "met", "not met", "met"]


def test_what_quicker_products_save_is_no_merit_of_the_rest():
    slow, quick = [{KERNELS: [0.7], training.LIMIT: [n]} for n in (0.6, 0.5)]
    cells = training.apart_from_products(KERNELS, [slow, quick, quick, quick])
    assert cells[:2] == ["0.10, ≤ 0.17: met", "0.20, ≤ 0.20: met"]


def test_eager_is_compared_with_the_peer_of_its_own_heat():
    races = [{OURS: [2.2], COMPOSED: [2.0]}] * 2 + [{OURS: [2.3], COMPOSED: [2.0]}, {OURS: [2.0]}]
    races = [{**race, training.LIMIT: [0.5]} for race in races]
    said = training.rows_of(OURS, races)[-1][1:]
    assert said[:3] == ["1.10, ≤ 1.1: met", "1.10, ≤ 1.1: met", "1.15, ≤ 1.1: not met"]
    assert said[3] == "not measured"


def test_every_contender_runs_in_a_heat():
    assert {*sum(training.HEATS, [BY_HAND])} == {*CONTENDERS}


def test_a_heat_runs_in_a_process_of_its_own_and_names_who_is_missing():
    races, missing = training.heat(1, 2, rounds=1, seed=0)
    assert races.keys() >= {BY_HAND, COMPILED, BLAS}
    assert races[BY_HAND] == [1.0]
    assert missing == {}


def test_each_peak_stands_beside_its_goal():
    peaks = {FUSED: 86_000_000, OURS: 88_000_001, COMPILED: 70_000_000, KERNELS: 55_000_001}
    goals = [goal for *_, goal in measures.memory_rows(peaks, parameters=2_000_000)]
    assert goals == [
        "",
        "≤ 88,000,000: not met",
        "≤ 70,000,000: met",
        "≤ 55,000,000: not met",
    ]


def test_passes_over_memory_are_those_of_the_calls():
    x = np.ones((traffic.SETTING.batch, traffic.SETTING.width)).view(traffic.Counted)
    row, w = np.ones(traffic.SETTING.width), np.ones((traffic.SETTING.width,) * 2)
    steps = {
        "x + row": (2, lambda: x + row),
        "x * x": (2, lambda: x * x),
        "x - np.abs(x)": (2 + 3, lambda: x - np.abs(x)),
        "a sum": (1, lambda: np.sum(x, axis=0)),
        "a sum by BLAS": (1, lambda: np.ones(len(x)) @ x),
        "a product of matrices": (0, lambda: x @ w),
    }
    assert {name: traffic.traffic_of(f) for name, (_, f) in steps.items()} == {
        name: n for name, (n, _) in steps.items()
    }
    found = {name: int(n) for name, n, _ in traffic.traffic(1, seed=0).rows}
    assert found[KERNELS] < found[MERGED] < found[COMPILED] < found[OURS]


def test_a_peak_that_would_be_that_of_compiling_is_not_shown(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "measured", lambda name: 100)
    assert COMPILED in [row[0] for row in measures.peak_memory(1, seed=0).rows]
    monkeypatch.setattr(memory, "RESET", tmp_path / "absent")
    table = measures.peak_memory(1, seed=0)
    assert COMPILED not in [row[0] for row in table.rows]
    assert any(f"{COMPILED} was not measured" in note for note in table.notes)


def test_composed_functions_are_timed_beside_the_same_written_out(monkeypatch):
    monkeypatch.setattr(compositions, "SIZE", 4)
    rows = compositions.compositions(1, seed=0).rows
    assert [name for name, *_ in rows] == [*compositions.CALLS, "np.var(x, axis=0), compiled"]
    wrong = compositions.CALLS[compositions.VAR][0], lambda x: np.mean(x * x, axis=0)
    monkeypatch.setitem(compositions.CALLS, compositions.VAR, wrong)
    with pytest.raises(ValueError, match="its gradients are"):
        compositions.compositions(1, seed=0)


PLANTED = """
import numpy as np
from tests.bench import memory

def megabytes(n):
    return [np.ones(2**17) for _ in range(n)]

def planted(parameters, x, labels):
    made = megabytes({made})
    kept = made[{made} - {kept}:]
    return lambda: (megabytes({step}), kept)

memory.CONTENDERS["planted"] = planted
print(memory.growth("planted"))
"""


@pytest.mark.skipif(not memory.RESET.exists(), reason="the system cannot forget a peak")
@pytest.mark.parametrize(("made", "kept", "step"), [(0, 0, 16), (16, 16, 16), (64, 1, 16)])
def test_a_peak_is_what_a_contender_keeps_and_what_its_steps_take(made, kept, step):
    code = PLANTED.format(made=made, kept=kept, step=step)
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=memory.ROOT, check=True, capture_output=True)
    assert int(run.stdout) / 2**20 == pytest.approx(kept + step, abs=1)


def test_steps_that_stay_below_the_set_up_are_rejected(monkeypatch):
    monkeypatch.setitem(memory.CONTENDERS, "planted", lambda *given: lambda: None)
    monkeypatch.setattr(memory, "peak", lambda: 100)
    with pytest.raises(RuntimeError, match="planted: the steps took no more"):
        memory.growth("planted")


def test_script_writes_what_it_measured(tmp_path):
    file = tmp_path / "speed.md"
    command = ["-m", "tests.bench", "--only", "import", "--rounds", "1", "--markdown", str(file)]
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, *command], cwd=root, check=True, capture_output=True)
    text = file.read_text(encoding="utf-8")
    assert "`python -m tests.bench --rounds 1 --seed 0 --only import`" in text
    assert "| import microbn |" in text
    assert str(tmp_path) not in text
