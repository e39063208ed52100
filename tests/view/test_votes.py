"""The counts of a vote, and a blank screen, in two windows and after a reload."""

import pytest
import stories
from browser import await_that

from microbn.lab.lecture_bodies import vote_body
from microbn.view.slides import Slide, deck

SLIDES = [
    Slide("First", vote_body("Which?", ["this", "that"], 2, "That."), kind="vote", presses=1),
    Slide("Second", vote_body("And now?", ["yes", "no"], 1, "Yes."), kind="vote", presses=1),
]
LISTEN = """() => {
  window.told = 0;
  addEventListener("message", ({ data }) => {
    window.told += "deck" in data;
    if (window.told > 9) other = null; // an endless echo ends here
  });
}"""


@pytest.fixture
def page(opened):
    return opened(stories.fork(), text=deck("A deck", SLIDES))


def counts(page):
    """Return what stands in the boxes of all votes, and the shares beside them."""
    boxes = page.locator(".options input").evaluate_all("all => all.map((one) => one.value)")
    return boxes, page.locator(".options output").all_text_contents()


@pytest.fixture
def second(page, opened):
    """Open the presenter's window, and wait until it has heard of the slides' place."""
    page.keyboard.press("PageDown")
    with page.expect_popup() as popup:
        page.keyboard.press("w")
    opened.troubles.clear()  # the window was meant to open
    await_that(popup.value, lambda: popup.value.evaluate("state.presses") == 1)
    return popup.value


@pytest.mark.parametrize("typist", ["slides", "presenter"])
def test_hands_that_are_counted_in_one_window_are_shown_in_the_other(page, second, typist):
    here, there = (page, second) if typist == "slides" else (second, page)
    for window in (here, there):
        window.evaluate(LISTEN)
    here.locator(".now input").first.focus()
    for key in ("1", "2", "Tab", "4"):
        here.keyboard.press(key)
    await_that(there, lambda: counts(there) == (["12", "4", "", ""], ["75 %", "25 %", "", ""]))
    assert counts(here) == counts(there)
    there.locator(".now input").first.fill("")
    await_that(here, lambda: counts(here) == (["", "4", "", ""], ["0 %", "100 %", "", ""]))
    here.keyboard.press("PageDown")
    await_that(there, lambda: there.evaluate("state.at") == 1)
    assert there.evaluate("told") == 4  # three digits and the slide: no echo of what it told itself
    assert here.evaluate("told") == 1


@pytest.mark.parametrize("which", ["slides", "presenter"])
def test_hands_of_both_windows_outlive_a_reload(page, second, which):
    page.locator(".now input").first.fill("3")
    await_that(second, lambda: counts(second)[0] == ["3", "", "", ""])
    again = page if which == "slides" else second
    again.reload()
    assert counts(again) == (["3", "", "", ""], ["100 %", "0 %", "", ""])
    await_that(page, lambda: page.evaluate("Boolean(other)"))
    second.locator(".now input").last.fill("1")
    await_that(page, lambda: counts(page)[0] == ["3", "1", "", ""])


def test_a_reload_keeps_the_hands_of_all_votes(page):
    page.locator(".now input").first.fill("3")
    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")
    page.locator(".now input").last.fill("20")
    kept = ["3", "", "", "20"], ["100 %", "0 %", "0 %", "100 %"]
    assert counts(page) == kept
    page.reload()
    assert counts(page) == kept


@pytest.mark.parametrize(
    ("pasted", "kept"), [("abc", ""), ("-4", "4"), ("1e3", "13"), (" 7 ", "7"), ("0.5", "05")]
)
def test_a_box_keeps_the_digits_alone_of_what_is_pasted(page, pasted, kept):
    page.locator(".now input").first.focus()
    page.keyboard.insert_text(pasted)
    share = ["100 %", "0 %"] if kept else ["", ""]
    assert counts(page) == ([kept, "", "", ""], [*share, "", ""])


def test_digits_are_typed_in_the_middle_of_others(page):
    page.locator(".now input").first.focus()
    for key in ("1", "3", "ArrowLeft", "2", "Backspace", "5"):
        page.keyboard.press(key)
    assert counts(page)[0][0] == "153"


def test_a_reload_leaves_a_blank_screen_blank(page):
    blank = page.locator("#blank")
    page.keyboard.press("b")
    page.reload()
    assert blank.is_visible()
    page.keyboard.press("b")
    page.reload()
    assert not blank.is_visible()


def test_a_hall_that_the_presenter_made_blank_stays_so_after_a_reload(page, second):
    second.keyboard.press("b")
    await_that(page, page.locator("#blank").is_visible)
    page.reload()
    assert page.locator("#blank").is_visible()


def test_the_presenter_sees_which_slide_waits_behind_a_blank_screen(page, second):
    second.keyboard.press("b")
    second.click("#next")
    place = second.inner_text("#place")
    assert "Second" in place
    assert "blank" in place
    await_that(page, lambda: page.evaluate("state.at") == 1)
    assert page.locator("#blank").is_visible()
    bar = second.locator("#place").evaluate("one => [one.clientWidth, document.body.clientWidth]")
    assert bar[0] >= 0.9 * bar[1]  # a line of its own, as there is little room beside the buttons
