"""A lecture in its hall: a dark room, a clicker, a blank screen, fingers, two windows, paper."""

import pytest
import stories
from browser import PHONE, SIZE, await_that
from decks import PICTURES, SLIDES, at, pages_of, press, story_in
from test_film import film

from microbn.lab.lecture_bodies import framed_body
from microbn.view.slides import Slide, deck

# The colours of a text and of what lies behind it, and by how much they differ (WCAG 2.2).
CONTRASTS = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => numbers(colour).slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (part) => {
    const colour = getComputedStyle(part).backgroundColor;
    return numbers(colour)[3] === 0 ? behind(part.parentElement) : colour;
  };
  const isText = (node) => node.nodeType === 3 && node.data.trim();
  const own = (part) => [...part.childNodes].some(isText);
  const contrast = (part, letter) => {
    const [a, b] = [light(getComputedStyle(part, letter).color), light(behind(part))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const parts = [...document.querySelectorAll(".now .body *")].filter(own);
  return parts.flatMap((part) => [contrast(part), contrast(part, "::before")]); // A, B, C of a vote
}"""
PAPER = "getComputedStyle(document.querySelector('.now .paper')).backgroundColor"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_slides_are_as_light_or_dark_as_the_room_and_can_be_read(shown, scheme):
    page = shown(color_scheme=scheme)
    paper = {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 24, 28)"}[scheme]
    for place in ((1, 0), (2, 0), (2, 1), (3, 0)):
        assert at(page) == place
        assert page.evaluate(PAPER) == paper
        contrasts = page.evaluate(CONTRASTS)
        assert contrasts
        assert min(contrasts) >= 4.5
        press(page, "ArrowRight")
    page.emulate_media(media="print", color_scheme=scheme)
    papers = "all => all.map((one) => getComputedStyle(one).backgroundColor)"
    assert {*page.locator(".paper").evaluate_all(papers)} == {"rgb(255, 255, 255)"}


def test_a_picture_stays_on_white_paper_in_a_dark_room(shown):
    page = shown([Slide("one", "<svg></svg>", kind="figure")], color_scheme="dark")
    assert page.evaluate(PAPER) == "rgb(255, 255, 255)"


# --- the boxes of a vote


@pytest.mark.parametrize(
    ("keys", "place", "value"),
    [
        (["ArrowRight"], (2, 1), ""),
        (["ArrowLeft"], (1, 0), ""),
        (["1", "2", "ArrowRight"], (2, 1), "12"),
        (["1", "2", "ArrowLeft", "3"], (2, 0), "132"),
        (["1", "2", "ArrowLeft", "ArrowRight"], (2, 0), "12"),
        (["1", "Home", "ArrowLeft"], (1, 0), "1"),
        (["1", "Enter", "ArrowRight"], (2, 1), "1"),
        (["1", "Escape", "End"], (5, 0), "1"),
        (["1", "Space"], (2, 1), "1"),
        (["1", "x", "-", "2", "Backspace"], (2, 0), "1"),
    ],
)
def test_keys_alone_lead_into_a_box_of_a_vote_and_out_of_it(shown, keys, place, value):
    page = shown(address="#slide=2")
    page.keyboard.press("Tab")
    box = page.locator(".slide input").first
    assert box.evaluate("box => box === document.activeElement")
    assert press(page, *keys) == place
    assert box.input_value() == value
    assert page.evaluate("document.activeElement.tagName") == (
        "INPUT" if place == (2, 0) else "BODY"
    )


# --- a blank screen


@pytest.mark.parametrize("key", ["b", "."])
@pytest.mark.parametrize("after", ["b", ".", "ArrowRight", "PageDown", "Escape", "x"])
def test_a_key_blanks_the_screen_and_any_key_brings_the_slide_back(shown, key, after):
    page = shown(address="#slide=2")
    blank = page.locator("#blank")
    assert not blank.is_visible()
    assert press(page, key, "Shift") == (2, 0)
    assert blank.bounding_box() == {"x": 0, "y": 0, **SIZE}
    assert press(page, after) == (2, 0)
    assert not blank.is_visible()
    assert press(page, "ArrowRight") == (2, 1)


def test_a_clicker_blanks_a_live_story_that_has_the_focus_and_a_box_of_a_vote(shown):
    page = shown(address="#slide=4")
    blank = page.locator("#blank")
    story_in(page).locator("#sentence").click()
    page.keyboard.press(".")
    await_that(page, blank.is_visible)
    assert press(page, "PageDown") == (4, 0)
    assert not blank.is_visible()
    press(page, "Home", "ArrowRight", "Tab", ".")
    assert blank.is_visible()
    blank.click()
    assert not blank.is_visible()


# --- two windows and a reload


def windows(page, opened):
    with page.expect_popup() as popup:
        press(page, "w")
    opened.troubles.clear()  # the window was meant to open
    await_that(page, lambda: at(popup.value) == at(page))
    return popup.value


@pytest.mark.parametrize("which", ["both", "slides", "presenter"])
def test_two_windows_find_each_other_again_after_a_reload(shown, opened, which):
    page = shown()
    press(page, "ArrowRight")
    second = windows(page, opened)
    for window, name in ((page, "slides"), (second, "presenter")):
        if which in (name, "both"):
            window.reload()
    await_that(page, lambda: page.evaluate("Boolean(other)"))
    await_that(second, lambda: at(second) == (2, 0))
    press(page, "ArrowRight")
    await_that(second, lambda: at(second) == (2, 1))
    press(second, "ArrowRight")
    await_that(page, lambda: at(page) == (3, 0))
    press(second, ".")
    await_that(page, page.locator("#blank").is_visible)
    assert not second.locator("#blank").is_visible()
    assert "blank" in second.inner_text("#place")


def test_a_presenter_whose_slides_were_closed_keeps_place_and_clock(shown, opened):
    page = shown()
    press(page, "ArrowRight", "ArrowRight")
    second = windows(page, opened)
    page.close()
    press(second, "ArrowRight")
    began = second.evaluate("clock.began")
    second.reload()
    assert at(second) == (3, 0)
    assert second.evaluate("clock.began") == began is not None
    assert second.locator(".now .notes").is_visible()


@pytest.mark.parametrize(("key", "view"), [("n", "noted"), ("p", "speaking"), ("h", "bare")])
def test_a_reload_keeps_the_view(shown, key, view):
    page = shown()
    press(page, key)
    page.reload()
    assert page.evaluate(f"state.{view}")
    press(page, key)
    page.reload()
    assert not page.evaluate(f"state.{view}")


# --- a screen that is touched


def fingers(page):
    session = page.context.new_cdp_session(page)

    def touch(kind, *places):
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def draw(begin, end, *apart):
        """Draw a finger, and others that are so many pixels below it, across the page."""
        for kind, (x, y) in (("touchStart", begin), ("touchMove", end)):
            touch(kind, (x, y), *((x, y + down) for down in apart))
        touch("touchEnd")

    return draw


def test_a_finger_leads_on_and_back_and_no_other_touch_does(shown):
    page = shown(viewport=PHONE, has_touch=True)
    draw = fingers(page)
    draw((300, 300), (100, 310))
    await_that(page, lambda: at(page) == (2, 0))
    draw((100, 120), (300, 125))
    await_that(page, lambda: at(page) == (1, 0))
    draw((200, 300), (180, 300))  # a tap
    draw((200, 400), (130, 200))  # down the page
    draw((300, 300), (100, 300), 150)  # two fingers
    draw((300, 300), (100, 300))
    await_that(page, lambda: at(page) == (2, 0))


def test_a_finger_brings_back_the_bar_and_the_slide(shown):
    page = shown(has_touch=True)
    page.tap("#hide")
    assert not page.locator("#bar").is_visible()
    page.tap("#unhide")
    assert page.locator("#bar").is_visible()
    assert not page.locator("#unhide").is_visible()
    press(page, "h", "Escape")
    assert page.locator("#bar").is_visible()


# --- windows of every size


@pytest.mark.parametrize("width", [390, 640, 853, 1024, 1280])
def test_the_bar_fits_and_says_which_slide_is_shown(shown, width):
    page = shown(address="#slide=3", viewport={"width": width, "height": 480})
    for part in page.locator("#bar :is(button, p)").all():
        if box := part.bounding_box():
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
    assert page.locator("#place").bounding_box()["width"] >= 60


# --- a film


def a_film():
    leads = [{"at": 3, "training": n} for n in (0, 2, 4)]
    slide = Slide("A film", framed_body("A film", 0, leads), "", 1, "framed", 2)
    return deck("A deck", [slide], [film().page()])


def test_a_film_is_led_to_its_training_step_when_it_says_that_it_is_unpacked(opened):
    page = opened(stories.fork(), "#slide=1.1", text=a_film())
    frame = story_in(page)
    await_that(page, lambda: frame.locator("#training").count() == 1)
    await_that(page, lambda: frame.input_value("#training") == "2")
    assert frame.input_value("#slider") == "3"
    frame.evaluate("train(0)")
    assert frame.input_value("#training") == "0"
    frame.evaluate("tellAround({ ready: true })")  # once more
    await_that(page, lambda: frame.input_value("#training") == "2")
    assert at(page) == (1, 1)


# How many boxes of the graph reach above or below the element with the id "graph".
CUT_OFF = """() => {
  const graph = document.getElementById("graph");
  const room = graph.getBoundingClientRect();
  return [...graph.querySelectorAll(".box")].map((box) => box.getBoundingClientRect())
    .filter(({ top, bottom }) => top < room.top - 1 || bottom > room.bottom + 1).length;
}"""
# How many pixels of the running statistics, or of all that stands below the graph, need scrolling.
HIDDEN = """() => Math.max(...["statistics", "film"].map((id) => document.getElementById(id))
  .map((part) => part.scrollHeight - part.clientHeight))"""


def test_no_box_of_a_film_is_cut_off_on_a_slide(opened):
    page = opened(stories.fork(), text=a_film())
    frame = story_in(page)
    await_that(page, lambda: frame.locator("#training").count() == 1)
    fits = []
    for number in range(1, 12):
        frame.evaluate("number => go(number)", number)
        assert frame.locator("#graph .box").count()
        assert frame.evaluate(CUT_OFF) == 0
        if frame.locator(".statistic.now").count():
            fits.append(frame.evaluate(HIDDEN))
    assert fits
    assert max(fits) <= 1


# --- paper


def test_with_the_notes_shown_they_are_printed_below_their_slides(shown):
    page = shown()
    press(page, "n")
    many = len(SLIDES) - 1 + len(PICTURES)
    assert pages_of(page.pdf(prefer_css_page_size=True)) == (many, {b"0 0 960 960"})
    page.emulate_media(media="print")
    notes = page.locator(".notes").evaluate_all("all => all.map((one) => one.checkVisibility())")
    assert notes == [True] * len(SLIDES)
