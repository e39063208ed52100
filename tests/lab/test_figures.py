"""Figures for a projector: they draw the numbers of the table, and their labels do not touch."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex

from microbn import errors
from microbn.lab import figures
from microbn.lab.results import Results
from microbn.testing import HandWritten, gradcheck

RNG = np.random.default_rng(0)
ROWS = [
    {"kind": kind, "size": size, "seed": seed, "score": float(RNG.uniform())}
    for kind in ("one", "other")
    for size in (4, 1, 2)
    for seed in range(3)
]
CURVES = [
    {"kind": kind, "seed": seed, "step": [1, 2, 3], "score": RNG.uniform(size=3).tolist()}
    for kind in ("one", "other")
    for seed in range(3)
]
RESULTS = Results(ROWS)


def lines_of(ax):
    return [(line.get_label(), *line.get_data()) for line in ax.get_lines()]


def test_curve_is_the_median_of_numbers_at_each_x():
    figure = figures.curves(RESULTS, "size", "score", lines="kind", title="scores", xscale="log")
    (ax,) = figure.axes
    for (name, x, y), kind in zip(lines_of(ax), ("one", "other"), strict=True):
        assert (name, list(x)) == (kind, [1, 2, 4])
        assert list(y) == [RESULTS.median("score", kind=kind, size=size) for size in (1, 2, 4)]
    assert [text.get_text() for text in ax.texts] == ["one", "other"]


def test_curve_is_the_median_of_lists_and_its_band_their_range():
    table = Results(CURVES)
    figure = figures.curves(table, "step", "score", panels="kind", title="scores")
    for ax, kind in zip(figure.axes, ("one", "other"), strict=True):
        ((_, x, y),) = lines_of(ax)
        heights = table.where(kind=kind)["score"]
        assert list(x) == [1, 2, 3]
        np.testing.assert_array_equal(y, np.median(heights, axis=0))
        (band,) = ax.collections
        edges = band.get_paths()[0].vertices[:, 1]
        assert (edges.min(), edges.max()) == (heights.min(), heights.max())
        assert ax.get_title() == kind


def test_panels_side_by_side_have_their_own_axes_and_a_name_at_the_end_of_each_line():
    rows = [dict(row, layer=[2, 1], size=[0.1, 10.0 ** -row["seed"]]) for row in CURVES]
    panels = {
        "before": ("layer", "size", {"yscale": "log", "xlim": (2.1, 0.9), "xticks": [1, 2]}),
        "after": ("step", "score", {"ylim": (0, 1)}),
    }
    figure = figures.side_by_side(Results(rows), panels, lines="kind", title="two")
    before, after = figure.axes
    assert [ax.get_title() for ax in figure.axes] == ["before", "after"]
    assert (before.get_yscale(), after.get_yscale()) == ("log", "linear")
    assert (before.get_xlabel(), before.get_ylabel()) == ("layer", "size")
    assert list(before.get_xticks()) == [1, 2]
    for ax in figure.axes:
        assert [text.get_text() for text in ax.texts] == ["one", "other"]
    name, x, y = lines_of(before)[0]
    assert (name, list(x), list(y)) == ("one", [2, 1], [0.1, 0.1])
    np.testing.assert_array_equal(
        lines_of(after)[1][2], np.median(Results(CURVES).where(kind="other")["score"], axis=0)
    )


def layers(*sizes):
    """Return an array for each layer, whose entries have about this size and either sign."""
    return [size * np.random.default_rng(0).uniform(-1.2, 1.2, (50, 40)) for size in sizes]


def test_histogram_of_a_layer_stands_on_its_place_and_shows_how_large_entries_are():
    rows = {
        "plain": {"gradient": layers(1e-4, 1e-2), "step": [1e-5, 1e-3]},
        "normed": {"gradient": layers(1e-2, 1e-2), "step": [1e-3, 1e-3]},
    }
    figure = figures.histograms(rows, "inside", {"step": (1e-4, "rule")})
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
    dead, alive = figures.histograms(rows, "inside").axes[0].collections
    assert np.ptp(dead.get_paths()[0].vertices[:, 1]) == 0
    assert np.ptp(alive.get_paths()[0].vertices[:, 1]) == pytest.approx(0.9)


def test_range_has_a_dot_at_the_median_and_a_bar_over_all_runs():
    figure = figures.ranges(
        RESULTS, "score", rows="size", kinds="kind", notes={4: "most"}, title="scores"
    )
    (ax,) = figure.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["2", "1", "4"]  # 4 is on top
    for dots, bars, kind in zip(ax.get_lines(), ax.collections, ("one", "other"), strict=True):
        for i, size in enumerate((2, 1, 4)):
            scores = RESULTS.where(kind=kind, size=size)["score"]
            assert dots.get_data()[0][i] == np.median(scores)
            assert list(bars.get_segments()[i][:, 0]) == [scores.min(), scores.max()]
    assert "most" in [text.get_text() for text in ax.texts]


def test_heatmap_shows_each_median_as_a_colour_and_a_number():
    figure = figures.heatmaps(
        RESULTS, "score", rows="seed", columns="size", panels="kind", title="scores"
    )
    for ax, kind in zip(figure.axes, ("one", "other"), strict=True):
        (image,) = ax.images
        median = RESULTS.median("score", kind=kind, seed=1, size=2)
        assert image.get_array()[1, 2] == median
        assert ax.texts[1 * 3 + 2].get_text() == f"{median:.0%}"


def test_sum_is_beside_its_parts_and_every_entry_is_written():
    parts = {"through a": np.array([[1.0], [2.0]]), "through b": np.array([[-0.5], [3.0]])}
    figure = figures.sums({"x": parts}, "sums")
    assert [ax.get_title() for ax in figure.axes] == ["through a", "+ through b", "= gradient of x"]
    assert [t.get_text() for ax in figure.axes for t in ax.texts] == [
        *("1.00", "2.00", "-0.50", "3.00", "0.50", "5.00")
    ]


def test_rounding_is_white_in_a_sum_and_written_without_a_sign():
    parts = {"through a": np.array([[1.0, 0.5]]), "through b": np.array([[-1 - 1e-15, 0.5]])}
    total = figures.sums({"x": parts}, "sums").axes[-1]
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
    figure = figures.fingerprints({"one feature": report})
    (image,) = (ax.images[0].get_array() for ax in figure.axes if ax.get_title() == "one feature")
    np.testing.assert_array_equal(image[:, [0, 2]], 0)
    assert np.abs(image[:, 1]).min() > 0.9


def test_line_that_is_alone_has_no_name():
    figure = figures.curves(Results(CURVES), "step", "score", title="scores")
    assert not figure.axes[0].texts


def test_colours_are_those_for_the_colour_blind_and_letters_are_large():
    figure = figures.curves(RESULTS, "size", "score", lines="kind", title="scores")
    used = [line.get_color() for line in figure.axes[0].get_lines()]
    assert [to_hex(color) for color in used] == ["#0072b2", "#d55e00"]
    assert min(text.get_fontsize() for text in figure.findobj(mpl.text.Text)) >= 16
    assert tuple(figure.get_size_inches() * figure.dpi) == (1280, 720)


def test_names_stand_at_the_last_points_that_there_are():
    rows = [
        dict(CURVES[0], kind=kind, score=[0.2, y, np.nan])
        for kind, y in zip("ab", (0.2, 0.9), strict=True)
    ]
    figure = figures.curves(Results(rows), "step", "score", lines="kind", title="scores")
    low, high = (text.get_position()[1] for text in figure.axes[0].texts)
    assert low < 0.2
    assert high > 0.8


def test_lines_keep_their_colours_from_panel_to_panel():
    rows = [dict(row, kind=kind) for kind in "ab" for row in CURVES[:2]]
    rows = [row | {"panel": 1} for row in rows] + [row | {"panel": 2} for row in rows[::-1]]
    figure = figures.curves(
        Results(rows), "step", "score", lines="kind", panels="panel", title="scores"
    )
    first, second = (
        {line.get_label(): line.get_color() for line in ax.get_lines()} for ax in figure.axes
    )
    assert first == second


def test_runs_that_were_measured_at_other_steps_are_refused():
    rows = [CURVES[0], CURVES[1] | {"step": [1, 2, 4]}]
    with pytest.raises(errors.ArgumentError, match="not all runs have the same 'step'"):
        figures.curves(Results(rows), "step", "score", title="scores")


def test_points_may_have_more_runs_than_others():
    rows = [{"x": 1, "y": 1.0}, {"x": 1, "y": 3.0}, {"x": 2, "y": 5.0}]
    ((_, x, y),) = lines_of(figures.curves(Results(rows), "x", "y", title="runs").axes[0])
    assert (list(x), list(y)) == ([1, 2], [2, 5])
    (dots,) = figures.ranges(Results(rows), "y", rows="x", title="runs").axes[0].get_lines()
    assert list(dots.get_xdata()) == [5, 2]


X = np.ones(3)
NAMES = Results([{"x": 1, "y": "one"}])
UNLIKE = Results([{"x": 1, "y": [1.0, 2.0]}])
RAGGED = Results([{"x": [1], "y": [1.0]}, {"x": [1, 2], "y": [1.0, 2.0]}])


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda: figures.curves(Results([]), "x", "y", title=""), "curves: needs Results with"),
        (lambda: figures.curves([1], "x", "y", title=""), r"needs Results with rows, got \[1\]"),
        (lambda: figures.curves(RESULTS, "size", "score", lines="q", title=""), "no column 'q'"),
        (lambda: figures.curves(RESULTS, "size", "score", panels="q", title=""), "no column 'q'"),
        (lambda: figures.curves(RESULTS, "q", "score", title=""), "no column 'q'"),
        (lambda: figures.curves(NAMES, "x", "y", title=""), "curves: 'y' is 'one', which is not"),
        (lambda: figures.curves(UNLIKE, "x", "y", title=""), "'x' and 'y' must both be numbers"),
        (lambda: figures.curves(RAGGED, "x", "y", title=""), "lists of 'y' have lengths 1 and 2"),
        (lambda: figures.ranges(Results([]), "y", rows="x", title=""), "ranges: needs Results"),
        (lambda: figures.ranges(RESULTS, "score", rows="q", title=""), "no column 'q'"),
        (lambda: figures.ranges(NAMES, "y", rows="x", title=""), "'y' is 'one', which is not"),
        (
            lambda: figures.ranges(RESULTS, "score", rows="size", notes={9: "most"}, title=""),
            r"a note for 9, but 'size' has \[4, 1, 2\]",
        ),
        (
            lambda: figures.heatmaps(RESULTS, "score", rows="q", columns="x", panels="x", title=""),
            "no column 'q'",
        ),
        (lambda: figures.fingerprints({}), "fingerprints: needs a report for each mistake"),
        (
            lambda: figures.side_by_side(
                RESULTS, {"a": ("q", "score", {})}, lines="kind", title=""
            ),
            "no column 'q'",
        ),
        (
            lambda: figures.side_by_side(NAMES, {"a": ("x", "y", {})}, lines="y", title=""),
            "side_by_side: 'y' is 'one', which is not",
        ),
        (
            lambda: figures.side_by_side(RESULTS, {}, lines="kind", title=""),
            "side_by_side: needs a panel, got none",
        ),
        (lambda: figures.histograms({}, ""), "histograms: every row needs the same columns"),
        (
            lambda: figures.histograms({"a": {"b": [X]}, "c": {"d": [X]}}, ""),
            r"got \{'a': \{'b': 1\}, 'c': \{'d': 1\}\}",
        ),
        (lambda: figures.histograms({"a": {"b": [X], "c": [X, X]}}, ""), "'b': 1, 'c': 2"),
        (lambda: figures.histograms({"a": {"b": []}}, ""), r"got \{'a': \{'b': 0\}\}"),
        (lambda: figures.histograms({"a": {"b": [0 * X]}}, ""), "'b' has no finite number but 0"),
        (lambda: figures.sums({}, ""), "sums: needs a row with arrays, got none"),
        (lambda: figures.sums({"a": {}}, ""), r"sums: a adds up .* got \[\(\)\]"),
        (lambda: figures.sums({"a": {"b": np.ones(3)}}, ""), r"\(N, C\) of one .* \[\(3,\)\]"),
        (
            lambda: figures.sums({"a": {"b": np.ones((2, 3)), "c": np.ones((3, 2))}}, ""),
            r"of one shape, got \[\(2, 3\), \(3, 2\)\]",
        ),
    ],
)
def test_what_cannot_be_drawn_is_named(fault, message):
    with pytest.raises(errors.MicrobnError, match=message):
        fault()
