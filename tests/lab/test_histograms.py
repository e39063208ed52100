"""Histograms, layer over layer."""

import matplotlib as mpl
import numpy as np
import pytest

from microbn import errors
from microbn.lab import histograms

X = np.ones(3)


def layers(*sizes):
    """Return an array for each layer, whose entries have about this size and either sign."""
    return [size * np.random.default_rng(0).uniform(-1.2, 1.2, (50, 40)) for size in sizes]


def test_histogram_of_a_layer_stands_on_its_place_and_shows_how_large_entries_are():
    rows = {
        "plain": {"gradient": layers(1e-4, 1e-2), "step": [1e-5, 1e-3]},
        "normed": {"gradient": layers(1e-2, 1e-2), "step": [1e-3, 1e-3]},
    }
    figure = histograms.by_layer(rows, "inside", {"step": (1e-4, "rule")})
    (plain, steps), (normed, _) = np.reshape(figure.axes, (2, 2))
    for ax, peaks in (plain, (1e-4, 1e-2)), (normed, (1e-2, 1e-2)):
        for layer, (shape, peak) in enumerate(zip(ax.collections, peaks, strict=True), 1):
            x, y = shape.get_paths()[0].vertices.T
            assert y.min() == layer
            assert layer + 0.85 < y.max() < layer + 1
            assert 0.5 < x[y.argmax()] / peak < 2
    dots, line = steps.get_lines()[:2], steps.get_lines()[2]
    assert [(*dot.get_xdata(), *dot.get_ydata()) for dot in dots] == [(1e-5, 1), (1e-3, 2)]
    assert list(line.get_xdata()) == [1e-4, 1e-4]
    assert [text.get_text() for text in steps.texts] == ["rule"]
    assert {ax.get_xscale() for ax in figure.axes} == {"log"}
    assert [ax.get_title() for ax in figure.axes] == ["gradient", "step", "", ""]
    colors = [ax.yaxis.label.get_color() for ax in (plain, normed)]
    assert [plain.get_ylabel(), normed.get_ylabel(), *colors] == [
        *("plain", "normed", "#0072b2", "#d55e00")
    ]
    assert min(text.get_fontsize() for text in figure.findobj(mpl.text.Text)) >= 16


def test_a_layer_of_zeros_leaves_its_place_empty():
    rows = {"dead": {"gradient": [np.zeros((5, 4)), np.ones((5, 4))]}}
    dead, alive = histograms.by_layer(rows, "inside").axes[0].collections
    assert np.ptp(dead.get_paths()[0].vertices[:, 1]) == 0
    assert np.ptp(alive.get_paths()[0].vertices[:, 1]) == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({}, "by_layer: every row needs the same columns"),
        ({"a": {"b": [X]}, "c": {"d": [X]}}, r"got \{'a': \{'b': 1\}, 'c': \{'d': 1\}\}"),
        ({"a": {"b": [X], "c": [X, X]}}, "'b': 1, 'c': 2"),
        ({"a": {"b": []}}, r"got \{'a': \{'b': 0\}\}"),
        ({"a": {"b": [0 * X]}}, "'b' has no finite number but 0"),
    ],
)
def test_rows_that_do_not_fit_are_named(rows, message):
    with pytest.raises(errors.ArgumentError, match=message):
        histograms.by_layer(rows, "")


def test_mark_of_a_column_that_is_not_there_is_named():
    with pytest.raises(errors.ArgumentError, match=r"a mark for 'c', but each row has \['b'\]"):
        histograms.by_layer({"a": {"b": [X]}}, "", {"c": (1, "rule")})
