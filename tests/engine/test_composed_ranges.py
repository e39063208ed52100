"""Numbers in a row between two ends: they end exactly there, and widen no dtype."""

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, errors, formula


def test_a_line_ends_exactly_at_its_ends():
    start, stop = Tensor([0.1, 1e9]), Tensor([0.3, 1e-9])
    line = np.linspace(start, stop, 7)
    assert line[0].data.tolist() == start.data.tolist()
    assert line[-1].data.tolist() == stop.data.tolist()
    assert np.linspace(start, stop, 0).shape == (0, 2)


def test_what_cannot_be_a_line_says_why():
    x = Tensor([1.0, 2.0])
    with pytest.raises(errors.RangeError, match=r"np\.linspace: num=-1; the number of values"):
        np.linspace(x, 2, -1)
    with pytest.raises(errors.RangeError, match="axis 2 is out of"):
        np.linspace(x, 2, 3, axis=2)
    with pytest.raises(errors.RuleError, match=r"np\.linspace: retstep= cannot be composed"):
        np.linspace(x, 2, retstep=True)


def test_a_number_at_one_end_takes_the_dtype_of_the_other():
    x = Tensor(np.ones((2, 1), np.float32))
    assert np.geomspace(x, 4.0, 3).dtype == np.linspace(0, x, 3).dtype == np.float32
    assert np.logspace(0, 1.0, 4, base=x).dtype == np.float32


def test_a_line_reads_as_a_formula():
    assert formula(np.linspace, "a", "b", 3).endswith("· b")


def test_a_geometric_line_has_no_end_0_and_a_single_number_is_its_start():
    for ends in ((0.0, Tensor(2.0)), (Tensor(2.0), 0.0), (Tensor([1.0, 0.0]), 2.0)):
        with pytest.raises(errors.RangeError, match=r"np\.geomspace: an end is 0, .*np\.linspace"):
            np.geomspace(*ends, 3)
    start, stop = Tensor([-0.5, 2.0]), Tensor([1.0, 3.0])
    found = np.geomspace(start, stop, 1, axis=-1)
    assert found.data.tolist() == [[-0.5], [2.0]]
    slopes = mb.grad(found, [start, stop], [[3.0], [-2.0]])
    assert [part.tolist() for part in slopes] == [[3, -2], [0, 0]]
