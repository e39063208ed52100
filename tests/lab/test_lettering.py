"""Labels at the ends of lines keep apart from each other, and in the order of the lines."""

import numpy as np
import pytest

from microbn.lab.lettering import separated


@pytest.mark.parametrize(
    "heights",
    [
        *([0.97, 0.96], [0.96, 0.97], [0.1, 0.9], [0.5] * 2, [0.9] * 4, [0.01] * 3, [-1.0, 2.0]),
        [1.0, 0.1, 0.05, 0.02],
    ],
    ids=str,
)
def test_labels_of_lines_keep_apart_in_the_order_of_the_lines(heights):
    placed = separated(heights, 0.1)
    assert np.diff(sorted(placed)).min() >= 0.1 - 1e-12
    assert min(placed) >= 0
    assert max(placed) <= 1
    for i, j in zip(*np.triu_indices(len(heights), 1), strict=True):
        if heights[i] != heights[j]:
            assert (placed[i] > placed[j]) == (heights[i] > heights[j])


def test_labels_that_are_apart_stay():
    assert separated([0.2, 0.8], 0.1) == [0.2, 0.8]
