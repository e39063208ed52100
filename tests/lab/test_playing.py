"""The playground: runs that are chosen by their settings, and said honestly."""

import itertools

import numpy as np
import pytest
import stories
from browser import AXE, PHONE, RULES, SIZE, visits, with_axe

from microbn import lab
from microbn.errors import ArgumentError
from microbn.lab import playing
from microbn.lab.data import digits
from microbn.lab.playing import GRID, QUICK, STEPS, end_of, play
from microbn.lab.results import Results
from microbn.lab.train import trained
from microbn.nn import BatchNorm
from microbn.view.page import json_in_pieces

pytest.importorskip("sklearn", reason="scikit-learn is not installed: lab unchecked")
pytest.importorskip("joblib", reason="joblib is not installed: lab unchecked")

SETTINGS = {"depth": 2, "norm": "batch", "activation": "relu", "scale": 1.0, "seed": 0}


def once(**settings):
    return play(**(SETTINGS | {"rate": 0.1, "made_by": ""} | settings))


def levels(numbers):
    return [round(100 * np.log10(number)) for number in numbers]


def test_a_run_is_the_fit_of_the_same_settings():
    run = once()
    how = {"seed": 0, "norm": BatchNorm, "steps": STEPS, "batch_size": 64, "every": STEPS}
    _, history = trained(digits(0), [32, 32], 0.1, **how)
    assert run["loss"] == levels(history.losses)
    assert run["accuracy"] == round(100 * history.accuracies[-1])
    assert run["end"] == "learns"


def test_a_frame_has_bars_a_deviation_and_a_gradient_for_each_layer():
    outputs = [np.array([-1.0, 0.0, 0.0, 0.0, 1.0]), np.full(5, 0.5), np.array([np.nan])]
    gradients = [np.array([3.0, 4.0]), np.zeros(2), np.array([np.inf]), np.ones(1)]
    reach, bars, deviations, norms = playing._frame(3, outputs, gradients)
    assert reach == 0  # half the width is 1
    assert (bars[0][0], bars[0][10], bars[0][-1], sum(bars[0])) == (20, 60, 20, 100)
    assert bars[1][15] == 100
    assert bars[2] is None
    assert deviations == [*levels([np.sqrt(0.4), 1e-30]), None]
    assert norms == [*levels([5, 1e-30]), None, 0]


@pytest.mark.parametrize(
    ("losses", "end"),
    [
        ([2.3] * 10 + [0.5] * 10, "learns"),
        ([2.3] * 10 + [2.2] * 10, "does not learn"),
        ([90.0] * 10 + [2.5] * 10, "does not learn"),
        ([2.3] * 10 + [2.5] * 10, "diverged"),
        ([2.3] * 10 + [np.nan] + [0.5] * 10, "diverged"),
        ([2.3] * 10 + [0.5] * 9 + [np.inf], "diverged"),
    ],
)
def test_a_run_learns_or_does_not_or_has_diverged(losses, end):
    assert end_of(losses) == end


def test_a_run_that_diverges_says_so_and_where_its_numbers_end():
    run = once(norm="none", rate=1e200)
    assert run["end"] == "diverged"
    assert None in run["loss"]
    assert run["bars"][-1] == [None, None]
    assert len(run["gradient"][-1]) == 3


def test_batch_norm_that_refuses_to_go_on_leaves_the_frame_empty():
    run = once(rate=1e300)
    assert run["end"] == "diverged"
    assert run["gradient"][-1] == [None] * 3


def test_the_runs_are_kept_for_the_next_time_and_not_for_another_grid(made, monkeypatch):
    def nothing(*args, **options):
        raise AssertionError("the nets are trained again")

    before = made.read_bytes()
    monkeypatch.setattr(playing, "run_grid", nothing)
    assert lab.playground(made, quick=True).read_bytes() == before
    monkeypatch.setattr(playing, "QUICK", QUICK | {"seed": [0]})
    with pytest.raises(AssertionError, match="trained again"):
        lab.playground(made, quick=True)


def test_the_page_has_a_suffix(tmp_path):
    with pytest.raises(ArgumentError, match=r"playground: a page ends with \.html"):
        lab.playground(tmp_path / "playground.png")


# --- the page


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return lab.playground(tmp_path_factory.mktemp("made") / "playground.html", quick=True, jobs=1)


@pytest.fixture
def visit(made, browser):
    yield from visits(browser, made, reduced_motion="reduce")


def picked(made, **settings):
    return Results.load(made.with_suffix(".csv")).where(**settings).rows[0]


def test_each_setting_shows_its_run(visit, made):
    page = visit()
    for norm in QUICK["norm"]:
        for rate in QUICK["rate"]:
            page.select_option("#norm", label=f"{norm} norm" if norm != "none" else "no norm")
            page.fill("#rate", str(QUICK["rate"].index(rate)))
            run = picked(made, norm=norm, rate=rate, seed=0)
            said = page.inner_text("#end")
            assert said.lower().startswith(run["end"])
            if run["end"] != "diverged":
                assert f"{10 ** (run['loss'][0] / 100):.2g} → " in said
                assert f"{run['accuracy']}% right" in said
            assert page.get_attribute("#rate", "aria-valuetext") == f"{rate:g}"
            other = picked(made, norm=norm, rate=rate, seed=1)["end"]
            assert f"eed 1 {other}" in page.inner_text("#seeds")
            assert ("edge" in page.inner_text("#seeds")) == (other != run["end"])
            heights = page.locator("#layers .bar").evaluate_all(
                "all => all.map((b) => +b.getAttribute('height'))"
            )
            bars = [share for layer in run["bars"][-1] if layer for share in layer]
            assert np.corrcoef(heights, bars)[0, 1] > 0.9


def by_number(number):
    """Return a run of a full grid that tells its number: its accuracy is the number."""
    return ["learns", number, [30] * STEPS, [0, 0], [[[1] * 3]] * 2, [[1]] * 2, [[1, 2]] * 2]


def test_each_slider_and_menu_is_moved_by_keys_and_leads_to_its_run(opened):
    many = [len(values) for values in GRID.values()]
    runs = [by_number(n) for n in range(np.prod(many))]
    data = {"axes": GRID, "steps": STEPS, "frames": 1, "guess": 36, "runs": runs}
    before, after = playing.playground_shell()
    page = opened(stories.fork(), text="".join([before, *json_in_pieces(data.items()), after]))
    place = [1, 3, 0, 0, 1, 0]  # where the page begins
    for i, name in enumerate(GRID):
        assert_run(page, place, many)
        page.focus(f"#{name}")
        page.keyboard.press("ArrowRight" if page.evaluate(IS_SLIDER) else "ArrowDown")
        place[i] += 1
        assert_run(page, place, many)
        page.keyboard.press("Home")
        place[i] = 0
    assert_run(page, place, many)


IS_SLIDER = "document.activeElement.type === 'range'"


def assert_run(page, place, many):
    assert f", {np.ravel_multi_index(place, many)}% right" in page.inner_text("#end")


def test_nothing_lies_on_anything_else(visit):
    page = visit()
    boxes = [page.locator(one).bounding_box() for one in ("#verdict", "#losses", "#layers")]
    settings = page.locator("#settings").bounding_box()
    right = settings["x"] + settings["width"]
    assert all(box["x"] >= right and box["width"] > 600 for box in boxes)
    for above, below in itertools.pairwise(boxes):
        assert above["y"] + above["height"] <= below["y"]
    assert all(box["height"] > 150 for box in boxes[1:])


def test_keys_and_the_slider_go_through_the_training(visit):
    page = visit()
    assert page.inner_text("#trained") == f"{STEPS} of {STEPS}"
    page.keyboard.press("[")
    assert page.inner_text("#trained") == f"{STEPS - 9} of {STEPS}"
    before = page.get_attribute("#layers svg", "aria-label")
    page.fill("#training", "0")
    assert page.inner_text("#what").endswith("after step 0")
    assert page.get_attribute("#layers svg", "aria-label") != before
    page.focus("#rate")
    page.keyboard.press("Space")
    assert page.inner_text("#play") == "Pause"
    page.keyboard.press("]")
    assert page.inner_text("#play") == "Play"


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_it_plays_by_itself_unless_the_reader_wants_no_motion(visit, motion):
    page = visit(reduced_motion=motion)
    offered = page.inner_text("#play")
    assert offered == ("Play" if motion == "reduce" else "Pause")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [SIZE, PHONE], ids=["1280x720", "phone"])
def test_axe_finds_nothing_in_the_playground(visit, size, scheme):
    page = with_axe(visit(viewport=size, color_scheme=scheme))
    assert page.evaluate(AXE, RULES) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    if size == SIZE:
        assert page.evaluate("document.documentElement.scrollHeight") <= size["height"]
