"""Run the same steps with pytest-benchmark, to compare one version with the next.

Call it by its name, ``pytest tests/bench/bench_speed.py``: a plain ``pytest`` does not collect it.
"""

import pytest

from . import contenders, measures, net

BRING = "pip install -e '.[bench]'"
pytest.importorskip("pytest_benchmark", reason=f"pytest-benchmark is not installed: {BRING}")
SETTING = net.SETTINGS[0]


@pytest.fixture(scope="module")
def ready():
    return contenders.ready(SETTING, 0, contenders.CONTENDERS)


@pytest.mark.parametrize("name", contenders.CONTENDERS)
def test_training_step(benchmark, ready, name):
    steps, missing = ready
    if name in missing:
        pytest.skip(f"{name} is not installed ({missing[name]}): {BRING}")
    benchmark.group = f"training step, {SETTING}"
    benchmark(steps[name])


@pytest.mark.parametrize("name", ["micrograd", contenders.OURS])
def test_scalars(benchmark, name):
    pytest.importorskip("micrograd", reason=f"micrograd is not installed: {BRING}")
    benchmark.group = "scalars"
    benchmark(measures.scalar_steps(seed=0)[name])


def test_chain(benchmark):
    benchmark.group = "chain of 10,000 nodes"
    benchmark(measures.chain, 10_000)
