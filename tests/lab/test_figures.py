"""Figures for a projector: they draw the numbers of the table, and their labels do not touch."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex

from microbn import errors
from microbn.lab import figures
from microbn.lab.results import Results

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


def test_panels_side_by_side_have_their_own_axes_and_words_at_the_end_of_each_line():
    rows = [dict(row, layer=[2, 1], size=[0.1, 10.0 ** -row["seed"]]) for row in CURVES]
    table = Results(rows)
    log = {"yscale": "log", "xlim": (2.1, 0.9), "xticks": [1, 2]}
    panels = {
        "before": (table, "layer", "size", log),
        "after": (table, "step", "score", {"ylim": (0, 1), "ylabel": ""}),
    }
    ends = {"after": {"one": 90, "other": "2 more"}}
    figure = figures.beside(panels, lines="kind", title="two", ends=ends)
    before, after = figure.axes
    assert [ax.get_title() for ax in figure.axes] == ["before", "after"]
    assert (before.get_yscale(), after.get_yscale()) == ("log", "linear")
    assert (before.get_xlabel(), before.get_ylabel()) == ("layer", "size")
    assert after.get_ylabel() == ""
    assert list(before.get_xticks()) == [1, 2]
    words = [[text.get_text().replace("\u00a0", " ") for text in ax.texts] for ax in figure.axes]
    assert words == [["one", "other"], ["one: 90", "other: 2 more"]]
    assert min(text.get_fontsize() for text in figure.findobj(mpl.text.Text)) >= 16
    name, x, y = lines_of(before)[0]
    assert (name, list(x), list(y)) == ("one", [2, 1], [0.1, 0.1])
    np.testing.assert_array_equal(
        lines_of(after)[1][2], np.median(Results(CURVES).where(kind="other")["score"], axis=0)
    )


CROWDS = Results(
    [
        {"kind": kind, "step": [1, 2, 3], "score": RNG.uniform(size=(4, 3)).tolist()}
        | {name: RNG.uniform(size=3).tolist() for name in ("low", "middle", "high")}
        for kind in ("one", "other")
    ]
)


def test_a_crowd_is_grey_and_one_line_has_a_colour_and_a_band():
    how = {"one": ("low", "middle", "high"), "panels": "kind", "note": "words", "title": "crowds"}
    figure = figures.crowds(CROWDS, "step", "score", **how, ylabel="height")
    assert [ax.get_title() for ax in figure.axes] == ["one", "other"]
    for ax, row in zip(figure.axes, CROWDS.rows, strict=True):
        one, *many = ax.get_lines()
        np.testing.assert_array_equal([line.get_ydata() for line in many], row["score"])
        np.testing.assert_array_equal(one.get_ydata(), row["middle"])
        colours = [to_hex(line.get_color()) for line in (*many, one)]
        assert colours == ["#a6a6a6"] * 4 + ["#0072b2"]
        (band,) = ax.collections
        corners = {tuple(point) for point in band.get_paths()[0].vertices}
        edges = [*zip(row["step"], row["low"]), *zip(row["step"], row["high"])]  # noqa: B905
        assert corners >= {*edges}
    assert [text.get_text() for ax in figure.axes for text in ax.texts] == ["words"]
    assert figure.axes[0].get_ylabel() == "height"


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


NAMES = Results([{"x": 1, "y": "one"}])
NO_NAMES = Results([{"x": "one", "y": 1}])
UNLIKE = Results([{"x": 1, "y": [1.0, 2.0]}])
RAGGED = Results([{"x": [1], "y": [1.0]}, {"x": [1, 2], "y": [1.0, 2.0]}])


def crowds(one=("low", "middle", "high"), **changed):
    rows = [row | changed for row in CROWDS.rows]
    figures.crowds(Results(rows), "step", "score", one=one, panels="kind", note="", title="")


def beside(ends):
    figures.beside({"a": (RESULTS, "size", "score", {})}, lines="kind", title="", ends=ends)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda: figures.curves(Results([]), "x", "y", title=""), "curves: needs Results with"),
        (lambda: figures.curves([1], "x", "y", title=""), r"needs Results with rows, got \[1\]"),
        (lambda: figures.curves(RESULTS, "size", "score", lines="q", title=""), "no column 'q'"),
        (lambda: figures.curves(RESULTS, "size", "score", panels="q", title=""), "no column 'q'"),
        (lambda: figures.curves(RESULTS, "q", "score", title=""), "no column 'q'"),
        (lambda: figures.curves(NAMES, "x", "y", title=""), "curves: 'y' is 'one', which is not"),
        (lambda: figures.curves(NO_NAMES, "x", "y", title=""), "curves: 'x' is 'one', which is"),
        (lambda: figures.curves(UNLIKE, "x", "y", title=""), "'x' and 'y' must both be numbers"),
        (lambda: figures.curves(RAGGED, "x", "y", title=""), "lists of 'y' have lengths 1 and 2"),
        (
            lambda: figures.beside({"a": (Results([]), "x", "y", {})}, lines="x", title=""),
            "beside: needs Results",
        ),
        (
            lambda: figures.crowds(RESULTS, "q", "score", one=(), panels="x", note="", title=""),
            "no column 'q'",
        ),
        (lambda: crowds(one=("low", "middle")), r"three columns, .* got \('low', 'middle'\)"),
        (lambda: crowds(one=("kind", "middle", "high")), "crowds: 'kind' is 'one', which is not"),
        (lambda: crowds(low=[1, 2]), r"'low': \(2,\), .*'score': \(4, 3\)"),
        (lambda: crowds(score=[[1, 2]]), r"needs \(lines, points\); got .*'score': \(1, 2\)"),
        (lambda: crowds(score=[1, 2, 3]), r"'score': \(3,\)"),
        (lambda: crowds(score=[[1, 2, 3], [1]]), "'score' has lists of lists of unlike lengths"),
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
        (lambda: figures.beside({}, lines="kind", title=""), "beside: needs a panel, got none"),
        (lambda: beside(ends={"b": {}}), r"beside: ends for 'b', but the figure has \['a'\]"),
        (
            lambda: beside(ends={"a": {"q": "end"}}),
            r"beside: an end in 'a' for 'q', but 'kind' has \['one', 'other'\]",
        ),
        (
            lambda: figures.beside({"a": (RESULTS, "q", "score", {})}, lines="kind", title=""),
            "no column 'q'",
        ),
        (
            lambda: figures.beside({"a": (NAMES, "x", "y", {})}, lines="y", title=""),
            "beside: 'y' is 'one', which is not",
        ),
    ],
)
def test_what_cannot_be_drawn_is_named(fault, message):
    with pytest.raises(errors.MicrobnError, match=message):
        fault()
