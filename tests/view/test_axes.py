"""Axes in words."""

import pytest

from microbn.view.axes import below_sum


@pytest.mark.parametrize(
    ("axes", "shape", "named"),
    [
        ((0,), (4, 3), "4 rows"),
        ((0,), (1, 3), "1 row"),
        ((1,), (4, 3), "3 columns"),
        ((1,), (4, 1), "1 column"),
        ((0,), (5,), "5 entries"),
        ((0,), (1,), "1 entry"),
        ((0, 1), (4, 3), "all entries"),
        ((), (), "all entries"),
        ((1,), (2, 3, 4), "axis 1"),
        ((0, 2), (2, 3, 4), "axes 0 and 2"),
    ],
)
def test_axes_below_a_sum_are_named_by_what_is_summed(axes, shape, named):
    assert below_sum(axes, shape) == named
