"""The page for all its readers: colours, motion, a screen reader, the keyboard alone."""

import re

import numpy as np
import pytest
import stories
from browser import AXE, PHONE, RULES, SIZE, at, await_that, look, with_axe

from microbn import Tensor

# --- colours and motion

COLOURS = """() => [
  ["body", "body"], ["#where", "#step"], ["#sentence", "#step"], ["#tables caption", "#step"],
  ["#next", "#next"], ["#play", "#play"], ["#pace", "#pace"],
].map(([over, under]) => [
  over,
  getComputedStyle(document.querySelector(over)).color,
  getComputedStyle(document.querySelector(under)).backgroundColor,
]).concat(
  [...document.querySelectorAll("#tables td")].map((cell) => [
    "td", getComputedStyle(cell).color, getComputedStyle(cell).backgroundColor]),
  [...document.querySelectorAll("#graph .box text:not(.sum)")].map((text) => [
    "box", getComputedStyle(text).fill,
    getComputedStyle(text.closest(".box").querySelector("rect")).fill]),
  [...document.querySelectorAll("#graph .frame text, #graph .sum")].map((text) => [
    "frame", getComputedStyle(text).fill, getComputedStyle(document.body).backgroundColor]),
)"""


def contrast(one, other):
    """Return the contrast of two colours, from 1 to 21. Source: WCAG 2.2, contrast ratio."""
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour):
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_contrast_is_measured():
    assert contrast("rgb(0, 0, 0)", "rgb(255, 255, 255)") == pytest.approx(21)
    assert contrast("rgb(119, 119, 119)", "rgb(255, 255, 255)") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_in_light_and_dark(opened, scheme):
    page = opened(stories.mlp(), color_scheme=scheme)
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (luminance(paper) < 0.5) == (scheme == "dark")
    for number in (0, 4, 20, len(stories.mlp()) - 1):
        look(page, number)
        weak = [found for found in page.evaluate(COLOURS) if contrast(*found[1:]) < 4.5]
        assert weak == []


PAINT = "(all, name) => all.map((one) => getComputedStyle(one).getPropertyValue(name))"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_cells_are_blue_below_zero_white_at_zero_and_red_above(opened, scheme):
    x = Tensor([-2.0, -1.0, 0.0, 1.0, 2.0], "x")
    page = opened(stories.told(x * 3.0), color_scheme=scheme)
    for place, painted in {"#tables table": "background-color", "#graph .heat": "fill"}.items():
        cells = page.locator(place).first.locator("td, rect:not(.rim)")
        colours = cells.evaluate_all(PAINT, painted)
        red, _, blue = np.transpose([re.findall(r"\d+", colour) for colour in colours]).astype(int)
        assert colours[2] == "rgb(255, 255, 255)"
        assert all(np.diff(blue - red) < 0)


def scrolled(page, part):
    return page.locator(part).evaluate("part => part.scrollTop")


AT_ONCE = """() => {
  const before = document.getElementById("graph").scrollTop;
  document.getElementById("turn").click();
  return document.getElementById("graph").scrollTop !== before;
}"""


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_graph_glides_to_its_step_unless_the_reader_wants_no_motion(opened, motion):
    page = opened(stories.mlp(), "#step=1", viewport=PHONE, reduced_motion=motion)
    before = scrolled(page, "#graph")
    assert page.evaluate(AT_ONCE) == (motion == "reduce")
    await_that(page, lambda: scrolled(page, "#graph") > before + 100)


# --- readers


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [SIZE, PHONE], ids=["1280x720", "phone"])
def test_axe_finds_nothing_to_object_to(opened, size, scheme):
    page = with_axe(opened(stories.batch_norm(), viewport=size, color_scheme=scheme))
    for number in (0, 4, 12):  # the leaves, a forward step, a backward step
        look(page, number)
        assert page.evaluate(AXE, RULES) == []


def test_axe_finds_nothing_in_tables_that_are_too_wide_for_a_phone(opened):
    x = Tensor(np.full((2, 2, 16), -0.00123456), "x")
    page = with_axe(opened(stories.told(x * x), viewport=PHONE))
    for number in range(3):
        look(page, number)
        assert page.evaluate(AXE, RULES) == []


def test_axe_sees_a_planted_violation(opened):
    page = with_axe(opened(stories.fork()))
    page.evaluate("document.getElementById('slider').removeAttribute('aria-label')")
    page.evaluate("document.getElementById('sentence').style.color = '#cccccc'")
    assert {id for id, _ in page.evaluate(AXE, RULES)} >= {"label", "color-contrast"}


def press(page, control, key):
    """Go to a control with Tab, and press a key there."""
    for _ in range(40):
        if page.locator(control).evaluate("control => control === document.activeElement"):
            return page.keyboard.press(key)
        page.keyboard.press("Tab")
    pytest.fail(f"{control} is not reached by Tab")


def test_every_control_is_reached_by_tab_and_works_by_a_key(opened):
    story = stories.mlp()
    last, turn = len(story) - 1, [step.phase for step in story].index("backward")
    page = opened(story)
    for control, key, number in [
        ("#next", "Enter", 1), ("#next", "Space", 2), ("#previous", "Enter", 1),
        ("#last", "Enter", last), ("#first", "Space", 0), ("#turn", "Enter", turn),
        ("#slider", "ArrowRight", turn + 1),
    ]:  # fmt: skip
        press(page, control, key)
        assert at(page) == number
    for offered in ("Pause", "Play"):
        press(page, "#play", "Enter")
        assert page.inner_text("#play") == offered
    press(page, "#pace", "4")
    assert page.input_value("#pace") == "4000"
    with page.expect_download():
        press(page, "#save", "Enter")
    press(page, "#groups summary", "Enter")
    group = "#groups button[data-path]:last-child"
    for is_open in ("false", "true"):
        press(page, group, "Space")
        assert page.get_attribute(group, "aria-pressed") == is_open


@pytest.mark.parametrize("part", ["#graph", "#step"])
def test_graph_and_step_are_scrolled_by_keyboard(opened, part):
    page = opened(stories.mlp(), "#step=9", viewport=PHONE, reduced_motion="reduce")
    before = scrolled(page, part)
    press(page, part, "ArrowDown")
    await_that(page, lambda: scrolled(page, part) > before)
