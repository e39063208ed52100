"""Figures of arrays: their colours, and rounding that is white."""

import numpy as np
import pytest

from microbn import errors
from microbn.lab import heat
from microbn.testing import HandWritten, gradcheck


def test_sum_is_beside_its_parts_and_every_entry_is_written():
    parts = {"through a": np.array([[1.0], [2.0]]), "through b": np.array([[-0.5], [3.0]])}
    figure = heat.sums({"x": parts}, "sums")
    assert [ax.get_title() for ax in figure.axes] == ["through a", "+ through b", "= gradient of x"]
    assert [t.get_text() for ax in figure.axes for t in ax.texts] == [
        *("1.00", "2.00", "-0.50", "3.00", "0.50", "5.00")
    ]


def test_rows_may_have_other_shapes_and_other_numbers_of_parts():
    array = np.ones((3, 2))
    figure = heat.sums({"x": {"a": array, "b": array}, "y": {"a": array[:1]}}, "sums")
    assert [ax.get_title() for ax in figure.axes if ax.axison] == [
        *("a", "+ b", "= gradient of x", "a", "= gradient of y")
    ]
    limits = {image.get_clim() for ax in figure.axes for image in ax.images}
    assert limits == {(-2, 2)}


def test_rounding_is_white_in_a_sum_and_written_without_a_sign():
    parts = {"through a": np.array([[1.0, 0.5]]), "through b": np.array([[-1 - 1e-15, 0.5]])}
    total = heat.sums({"x": parts}, "sums").axes[-1]
    assert list(total.images[0].get_array()[0]) == [0, 1]
    assert [text.get_text() for text in total.texts] == ["0.00", "1.00"]


def test_rounding_is_white_in_a_fingerprint_and_a_mistake_is_not():
    def forward(x):
        return np.sum(x**3) / 3, x**2

    wrong = np.zeros((6, 3))
    wrong[:, 1] = 1e-6  # the first feature is right, and so is the last
    x = np.random.default_rng(0).normal(size=(6, 3))
    report = gradcheck(HandWritten(forward, lambda dy, dx: dy * dx + wrong), x)
    assert np.abs(report.inputs[0].analytic - report.inputs[0].numeric.value)[:, 0].max() > 0
    figure = heat.fingerprints({"one feature": report})
    (image,) = (ax.images[0].get_array() for ax in figure.axes if ax.get_title() == "one feature")
    np.testing.assert_array_equal(image[:, [0, 2]], 0)
    assert np.abs(image[:, 1]).min() > 0.9


def test_only_what_is_below_a_billionth_of_the_largest_is_rounding():
    array = np.array([[1e-17, -3e-10], [2e-9, -0.5]])
    np.testing.assert_array_equal(heat.without_rounding(array, 1.0), [[0, 0], [2e-9, -0.5]])
    np.testing.assert_array_equal(heat.without_rounding(array, 1e-7), [[0, -3e-10], [2e-9, -0.5]])


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda: heat.fingerprints({}), "fingerprints: needs a report for each mistake"),
        (lambda: heat.sums({}, ""), "sums: needs a row with arrays, got none"),
        (lambda: heat.sums({"a": {}}, ""), r"sums: a adds up .* got \[\(\)\]"),
        (lambda: heat.sums({"a": {"b": np.ones(3)}}, ""), r"\(N, C\) of one .* \[\(3,\)\]"),
        (lambda: heat.sums({"a": {"b": np.ones((0, 2))}}, ""), r"of them empty; got \[\(0, 2\)\]"),
        (
            lambda: heat.sums({"a": {"b": np.ones((2, 3)), "c": np.ones((3, 2))}}, ""),
            r"of one shape, .* got \[\(2, 3\), \(3, 2\)\]",
        ),
    ],
)
def test_what_has_no_colours_is_named(fault, message):
    with pytest.raises(errors.MicrobnError, match=message):
        fault()
