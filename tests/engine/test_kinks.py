"""Kinks and zeros: the gradients there have their values written down, and so do our peers'."""

import re
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from elsewhere import engines, kinks

import microbn as mb
from microbn import Tensor
from microbn.testing import gradcheck

INF, NAN = np.inf, np.nan
# A call, its operands, and the gradient of its sum with respect to each of them.
KINKS = [
    ("np.max(x)", [[1, 2, 2, 2]], [[0, 1 / 3, 1 / 3, 1 / 3]]),
    ("np.min(x, axis=0)", [[[1, 2], [1, 3]]], [[[0.5, 1], [0.5, 0]]]),
    ("np.maximum(x, y)", [0, 0], [0.5, 0.5]),
    ("np.minimum(x, y)", [0, 0], [0.5, 0.5]),
    ("np.fmax(x, y)", [0, 0], [0.5, 0.5]),
    ("np.abs(x)", [0], [0]),
    ("np.fabs(x)", [0], [0]),
    ("mb.functional.relu(x)", [0], [0]),
    ("np.clip(x, -1, 1)", [[-1, 0, 1]], [[0.5, 1, 0.5]]),
    ("x**y", [0, 0], [0, 0]),
    ("np.sqrt(x)", [0], [INF]),
    ("np.linalg.norm(x)", [[0, 0]], [[0, 0]]),
    ("np.linalg.vector_norm(x)", [[0, 0]], [[0, 0]]),
    ("np.linalg.norm(x, axis=0)", [[[0, 3], [0, 4]]], [[[0, 0.6], [0, 0.8]]]),
    ("np.linalg.norm(x, 0.5)", [[0, 4]], [[0, 1]]),
    ("np.linalg.norm(x, 0.5)", [[0, 0]], [[0, 0]]),
    ("np.linalg.norm(x, -1)", [[0, 4]], [[0, 0]]),
    ("np.linalg.vector_norm(x, ord=-2, axis=0)", [[[0, 3], [1, 0]]], [[[0, 0], [0, 0]]]),
    ("np.linalg.norm(x, 3, axis=1)", [[[0, 0], [0, 2]]], [[[0, 0], [0, 1]]]),
    ("np.std(x)", [[1, 1]], [[0, 0]]),
    ("np.median(x)", [[1, 4, 2, 3]], [[0, 0, 0.5, 0.5]]),
    ("np.prod(x)", [[0, 2, 0]], [[0, 0, 0]]),
    ("np.prod(x)", [[0, 2, 3]], [[6, 0, 0]]),
    ("np.cumprod(x)", [[2, 0, 3]], [[1, 8, 0]]),
    ("np.logaddexp(x, y)", [-INF, -INF], [0.5, 0.5]),
    ("np.where(x > 0, np.log(x), 0)", [0], [NAN]),
    ("np.arctan2(x, y)", [0, 0], [0, 0]),
    ("np.hypot(x, y)", [0, 0], [0, 0]),
    ("np.sinc(x)", [0], [0]),
]


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("call", "operands", "expected"), KINKS)
def test_a_kink_has_its_gradient(call, operands, expected, dtype):
    f = eval(f"lambda {'x, y'[: 3 * len(operands) - 2]}: {call}", {"np": np, "mb": mb})
    leaves = [Tensor(np.array(value, dtype)) for value in operands]
    for found, right in zip(mb.grad(f(*leaves).sum(), leaves), expected, strict=True):
        assert found.dtype == dtype
        np.testing.assert_allclose(found, right, rtol=1e-6)


def test_sinc_bends_downwards_at_0():
    np.testing.assert_allclose(mb.hessian(np.sinc, 0.0), -(np.pi**2) / 3)


def test_one_value_has_no_deviation_and_it_is_said_so():
    with pytest.raises(mb.errors.RangeError, match=r"np\.std: 1 values leave no degree of freedom"):
        np.std(Tensor([1.0]), ddof=1)


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_the_nan_of_a_masked_log_is_named_by_trace_and_seen_by_gradcheck():
    def masked(x):
        return np.where(x > 0, np.log(x), 0).sum()

    with mb.trace(), pytest.raises(mb.MicrobnError, match=r"log.*return np\.where"):
        mb.grad(masked(x := Tensor([0.0, 1.0])), x)
    report = gradcheck(masked, np.array([0.0, 1.0]))
    assert not report
    assert "input 'x' [0]: analytic nan" in str(report)


PAGE = (Path(kinks.__file__).parents[2] / "docs" / "measured" / "kinks.md").read_text("utf-8")
HEAD, _, *CELLS = [line[2:-2].split(" | ") for line in PAGE.splitlines() if line[:2] == "| "]


def test_every_row_of_the_page_is_one_that_the_script_makes():
    assert [row[0] for row in CELLS] == [*engines.ROWS]
    assert ["at", *kinks.NAMES.values()] == HEAD


@pytest.mark.parametrize("package", kinks.NAMES)
def test_the_page_says_what_an_engine_gives(package):
    name = kinks.NAMES[package]
    if find_spec(package) is None:
        pytest.skip(f"{name} is not installed: unchecked")
    (measured,) = re.findall(rf"{name} ([^\s,]+?)[,.]?\s", PAGE.splitlines()[0] + " ")
    if (installed := version(engines.DISTRIBUTIONS.get(package, package))) != measured:
        pytest.skip(f"the page is of {name} {measured}, not of {installed}: unchecked")
    ran = kinks.outcome(package)["cells"]
    said = {row[0]: row[HEAD.index(name)] for row in CELLS}
    assert {label: kinks.cell(found) for label, found in ran.items()} == said


def test_a_column_is_left_out_where_an_engine_is_not_installed(monkeypatch, tmp_path):
    monkeypatch.setattr(kinks, "NAMES", {"microbn": "microbn", "no_engine": "Nobody's"})
    page = kinks.table(tmp_path)
    assert page.splitlines()[2] == "| at | microbn |"
    assert page.endswith("Nobody's is not installed and was not run.\n")


def test_numbers_are_written_as_people_write_them():
    assert kinks.cell([0.5, 1 / 3, -0.0, 8.0, INF, -INF, NAN]) == "½ ⅓ 0 8 inf -inf NaN"


def test_an_engine_that_fails_otherwise_than_by_refusing_is_a_mistake_of_ours():
    broken = engines.Engine({"abs": np.abs}, lambda f, arrays: f.nothing)
    with pytest.raises(AttributeError):
        engines.gradients_at(broken, engines.ROWS["abs at 0"])
    assert engines.gradients_at(broken, engines.ROWS["relu at 0"]) == "–"
