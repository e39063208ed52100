"""The page in a real browser: it can be stepped through, and it is harmless."""

import re
import xml.etree.ElementTree as ET

import pytest
import stories
from browser import at, await_step, await_that, look
from stories import HOSTILE, shown

from microbn import Tensor
from microbn.view.page import page as html

LAST = len(stories.batch_norm()) - 1
TURN = next(s.number for s in stories.batch_norm() if s.phase == "backward")


def text(page, selector):
    return shown(page.locator(selector).text_content())


# --- going through it


@pytest.mark.parametrize(("forth", "back"), [("ArrowRight", "ArrowLeft"), ("PageDown", "PageUp")])
def test_keys_step_forth_and_back_and_stay_at_the_ends(opened, forth, back):
    page = opened(stories.fork())
    last = len(stories.fork()) - 1
    page.keyboard.press(back)
    assert at(page) == 0
    for number in [*range(1, last + 1), last]:
        page.keyboard.press(forth)
        assert at(page) == number
    page.keyboard.press(back)
    assert at(page) == last - 1


def test_keys_lead_to_the_start_the_end_and_the_first_step_of_each_phase(opened):
    page = opened(stories.batch_norm())
    for key, number in {"End": LAST, "Home": 0, "b": TURN, "f": 1}.items():
        page.keyboard.press(key)
        assert at(page) == number


def scrolled(page):
    return page.evaluate("document.getElementById('step').scrollTop")


def test_down_and_up_scroll_a_step_that_is_too_long_in_presenters_mode(opened):
    story = stories.mlp()
    page = opened(story, f"#step={len(story) - 1}")
    page.keyboard.press("ArrowDown")
    assert scrolled(page) == 0
    page.keyboard.press("p")
    for part in ("", "#graph", "#step"):
        if part:
            page.focus(part)
        page.keyboard.press("ArrowDown")
        assert scrolled(page) > 50
        page.keyboard.press("ArrowUp")
        assert scrolled(page) == 0
    assert at(page) == len(story) - 1
    assert "↓ ↑" in page.inner_text("#presenting")


def test_down_scrolls_the_page_where_the_whole_page_scrolls(opened):
    page = opened(stories.mlp(), "#step=9", viewport={"width": 900, "height": 400})
    page.keyboard.press("p")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("scrollY") > 50


def test_buttons_lead_where_the_keys_do_and_are_disabled_at_the_ends(opened):
    page = opened(stories.batch_norm())
    for button, number in {"#last": LAST, "#previous": LAST - 1, "#first": 0, "#next": 1}.items():
        page.click(button)
        assert at(page) == number
    page.click("#turn")
    assert at(page) == TURN
    for number, resting in {0: ["#previous", "#first"], LAST: ["#next", "#last"]}.items():
        look(page, number)
        disabled = {b for b in ("#first", "#previous", "#next", "#last") if page.is_disabled(b)}
        assert disabled == set(resting)


def test_slider_leads_to_its_step_and_says_it(opened):
    page = opened(stories.batch_norm())
    assert page.get_attribute("#slider", "max") == str(LAST)
    for number in (3, TURN, LAST):
        page.fill("#slider", str(number))
        said = page.get_attribute("#slider", "aria-valuetext")
        assert stories.batch_norm()[number].sentence in said
        assert str(number) in said
    page.focus("#slider")
    page.keyboard.press("ArrowLeft")
    assert at(page) == LAST - 1


def test_keys_go_to_the_control_with_the_focus_and_shortcuts_to_the_browser(opened):
    page = opened(stories.batch_norm(), "#step=5")
    page.focus("#pace")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Home")
    page.keyboard.press("b")
    assert at(page) == 5
    page.focus("#next")
    page.keyboard.press("Space")
    assert at(page) == 6
    assert page.inner_text("#play") == "Play"
    page.keyboard.press("Control+ArrowRight")
    page.keyboard.press("Control+b")
    assert at(page) == 6


@pytest.mark.parametrize(
    ("address", "number"),
    [
        ("#step=7", 7),
        ("#step=999", LAST),
        ("#step=" + "9" * 400, LAST),
        ("#step=-1", 0),
        ("#step=1e1", 0),
        ("#step=7x", 0),
        ("#<b>", 0),
    ],
)
def test_address_leads_to_a_step_on_load_and_later(opened, address, number):
    page = opened(stories.batch_norm(), address)
    assert at(page) == number
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    page.evaluate("address => (location.hash = address)", address)
    await_step(page, number)


def test_address_follows_the_step(opened):
    page = opened(stories.batch_norm())
    page.keyboard.press("ArrowRight")
    assert page.evaluate("location.hash") == "#step=1"
    page.reload()
    assert at(page) == 1


# --- playing


def clocked(opened, story, pace=None):
    """Open a page whose clock stands still, and set its pace, by default the fastest."""
    page = opened(story)
    page.clock.install(time=0)
    page.reload()
    page.clock.pause_at(1000)
    paces = page.locator("#pace option").evaluate_all("all => all.map((one) => Number(one.value))")
    page.select_option("#pace", str(pace or min(paces)))
    page.locator("#pace").blur()
    return page, pace or min(paces)


def test_space_plays_to_the_end_and_stops_there(opened):
    page, pace = clocked(opened, stories.batch_norm())
    page.keyboard.press("Space")
    assert page.inner_text("#play") == "Pause"
    for number in range(1, LAST + 1):
        page.clock.run_for(pace)
        assert at(page) == number
    assert page.inner_text("#play") == "Play"
    page.clock.run_for(10 * pace)
    assert at(page) == LAST


def test_play_at_the_end_starts_again(opened):
    page, pace = clocked(opened, stories.fork())
    page.keyboard.press("End")
    page.click("#play")
    assert at(page) == 0
    page.clock.run_for(2 * pace)
    assert at(page) == 2


def test_play_keeps_its_pace(opened):
    page, pace = clocked(opened, stories.fork(), 2000)
    page.click("#play")
    page.clock.run_for(pace - 10)
    assert at(page) == 0
    page.clock.run_for(20)
    assert at(page) == 1


@pytest.mark.parametrize("key", ["Space", "ArrowLeft", "b"])
def test_any_key_ends_the_play(opened, key):
    page, pace = clocked(opened, stories.batch_norm())
    page.keyboard.press("Space")
    page.clock.run_for(2 * pace)
    page.keyboard.press(key)
    stopped = at(page)
    page.clock.run_for(5 * pace)
    assert at(page) == stopped
    assert page.inner_text("#play") == "Play"


def test_play_advances_by_a_real_clock_too(opened):
    page = opened(stories.fork(), f"#step={len(stories.fork()) - 3}")
    page.select_option("#pace", index=page.locator("#pace option").count() - 1)
    page.click("#play")
    await_step(page, len(stories.fork()) - 1)
    assert page.inner_text("#play") == "Play"


# --- harmless


def test_hostile_names_are_shown_as_text_wherever_they_stand(opened):
    story = stories.hostile()
    page = opened(story)
    assert shown(page.title()) == text(page, "h1") == shown(" ".join(HOSTILE))
    looks = [look(page, number) for number in range(len(story))]
    assert {now.elements for now in looks} == {2}  # the data and the page's own script
    captions = shown(" ".join(one["caption"] for now in looks for one in now.tables))
    marked = shown(" ".join(line for now in looks for line in now.marked))
    titles = {shown(box["title"]) for box in looks[0].boxes}
    frames = {shown(frame["title"])[2:17] for frame in looks[0].frames}
    groups = {shown(name) for name in page.locator("#groups button").all_text_contents()}
    for name in map(shown, HOSTILE):
        assert name in captions
        assert name in marked
        assert name in groups
        assert name[:15] in frames
        assert any(title.startswith(name) for title in titles)


def test_half_a_surrogate_pair_and_control_characters_do_no_harm(opened, tmp_path):
    story = stories.told(Tensor(1.0, "half \ud800 \x00 bell \x07.") * 2.0, "half \ud800 \x00")
    page = opened(story)
    assert "bell" in look(page).sentence
    assert "<iframe" in story._repr_html_()
    picture = saved(page, tmp_path).read_text(encoding="utf-8")
    assert "bell" in " ".join(ET.fromstring(picture).itertext())


@pytest.fixture
def planted(opened):
    """Open pages to plant trouble in; the troubles are cleared after the test."""
    yield opened
    opened.troubles.clear()


INLINE = """() => {
  const script = document.createElement("script");
  script.textContent = "window.owned = true";
  document.body.append(script);
  return window.owned === true;
}"""
ASK = """async () => {
  const image = new Image();
  image.src = "https://example.invalid/image.png";
  await Promise.all([
    new Promise((done) => (image.onerror = image.onload = done)),
    fetch("https://example.invalid/data").catch(() => null),
  ]);
}"""


@pytest.mark.parametrize("policy", [True, False], ids=["with policy", "without"])
def test_policy_blocks_scripts_that_are_not_the_pages_own_and_the_network(planted, policy):
    whole = html(stories.fork().data())
    without = re.sub("<meta http-equiv.*>", "", whole)
    assert without != whole
    page = planted(stories.fork(), text=whole if policy else without)
    reached = []
    page.route("**/*", lambda route: (reached.append(route.request.url), route.abort()))
    assert page.evaluate(INLINE) is not policy
    page.evaluate(ASK)
    assert len(reached) == (0 if policy else 2)
    assert any("Content Security Policy" in trouble for trouble in planted.troubles) == policy


@pytest.mark.parametrize(
    ("act", "trouble"),
    [
        ("() => { setTimeout(() => { throw Error('planted') }) }", "error: planted"),
        ("() => console.log('planted')", "console: planted"),
        ("() => { setTimeout(() => alert('planted')) }", "dialog: planted"),
        ("() => { fetch('file:///planted').catch(() => 0) }", "planted"),
        ("() => { open('about:blank') }", "window: about:blank"),
    ],
)
def test_planted_trouble_is_reported(planted, act, trouble):
    page = planted(stories.fork())
    page.evaluate(act)
    await_that(page, lambda: any(trouble in one for one in planted.troubles))


# --- saving


def saved(page, folder):
    with page.expect_download() as download:
        page.click("#save")
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_step_is_saved_as_a_picture_of_its_own(opened, tmp_path, scheme):
    page = opened(stories.hostile(), "#step=7", color_scheme=scheme)
    path = saved(page, tmp_path)
    assert path.name == "step7.svg"
    root = ET.fromstring(path.read_text(encoding="utf-8"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert not [e for e in root.iter() if e.tag.endswith("script")]
    assert not [name for e in root.iter() for name in e.attrib if name.startswith("on")]
    texts = {shown(t) for t in root.itertext()}
    for name in HOSTILE:
        assert any(t.startswith(shown(name)) for t in texts)
    assert opens_as_a_picture(page, path)


def opens_as_a_picture(page, path):
    frame = path.with_name("frame.html")
    frame.write_text(f'<img src="{path.name}">')
    page = page.context.new_page()  # not watched, because it requests a file
    page.goto(frame.as_uri())
    return page.evaluate("document.images[0].naturalWidth") > 100
