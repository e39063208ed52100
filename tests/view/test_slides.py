"""A deck of slides in a real browser: keys, notes, votes, the clock, live pages, printing."""

import re

import pytest
import stories
from browser import PHONE, SIZE, await_that
from decks import PICTURES, SLIDES, at, pages_of, press, story_in

from microbn.lab.lecture_bodies import text_body, vote_body
from microbn.view.slides import Slide, deck, paragraphs

WALK = [(1, 0), (2, 0), (2, 1), (3, 0), (4, 0), (4, 1), (4, 2), (4, 3), (5, 0)]


@pytest.mark.parametrize(
    ("forth", "back"),
    [("ArrowRight", "ArrowLeft"), ("PageDown", "PageUp"), ("Space", "ArrowLeft")],
)
def test_keys_go_through_the_slides_and_what_each_shows_and_stay_at_the_ends(shown, forth, back):
    page = shown()
    assert at(page) == WALK[0]
    assert [press(page, forth) for _ in WALK] == [*WALK[1:], WALK[-1]]
    assert [press(page, back) for _ in WALK] == [*WALK[-2::-1], WALK[0]]


def test_keys_and_buttons_lead_to_the_ends_and_are_disabled_there(shown):
    page = shown()
    assert page.is_disabled("#back")
    assert press(page, "End") == (5, 0)
    assert page.is_disabled("#next")
    assert press(page, "Home") == (1, 0)
    page.click("#next")
    page.click("#next")
    assert at(page) == (2, 1)
    page.click("#back")
    assert at(page) == (2, 0)
    assert page.inner_text("#place") == "2 of 5: A vote"
    assert press(page, "Space") == (2, 1)  # the button gave the keys back


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("#slide=3.0", (3, 0)),
        ("#slide=4", (4, 0)),
        ("#slide=4.2", (4, 2)),
        ("#slide=4.99", (4, 3)),
        ("#slide=99", (5, 0)),
        ("#slide=0", (1, 0)),
        ("#slide=x", (1, 0)),
        ("#<b>", (1, 0)),
    ],
)
def test_address_leads_to_a_slide_on_load_and_later(shown, address, place):
    page = shown(address=address)
    assert at(page) == place
    press(page, "End", "ArrowLeft", "Home")
    page.evaluate("address => (location.hash = address)", address)
    await_that(page, lambda: at(page) == place)


def test_a_reload_keeps_the_place_and_the_time(shown):
    page = shown()
    press(page, "ArrowRight", "ArrowRight")
    began = page.evaluate("clock.began")
    page.reload()
    assert at(page) == (2, 1)
    assert page.evaluate("clock.began") == began


# --- notes and the presenter


def test_notes_are_hidden_until_they_are_asked_for(shown):
    page = shown()
    notes = page.locator(".now .notes")
    assert not notes.is_visible()
    press(page, "n")
    assert notes.is_visible()
    assert notes.inner_text() == "Say hello."
    assert page.get_attribute("#notes", "aria-pressed") == "true"
    paper, note = page.locator(".now .paper").bounding_box(), notes.bounding_box()
    assert paper["y"] + paper["height"] <= note["y"] + 1
    press(page, "n")
    assert not notes.is_visible()


def test_presenter_sees_this_slide_the_next_one_and_the_notes(shown):
    page = shown()
    press(page, "p")
    assert page.locator(".now .notes").is_visible()
    this, following = (page.locator(f".{kind} .paper").bounding_box() for kind in ("now", "soon"))
    assert following["width"] < this["width"]
    assert this["x"] + this["width"] <= following["x"]
    assert following["x"] + following["width"] <= SIZE["width"]
    press(page, "p")
    assert page.locator(".soon .paper").count() == 1
    assert not page.locator(".soon .paper").is_visible()


def test_the_presenters_next_slide_has_its_story(shown):
    page = shown(address="#slide=3")
    press(page, "p")
    frame = page.locator(".soon iframe").element_handle()
    await_that(page, lambda: frame.get_attribute("data-ready"))
    seen = page.locator(".soon iframe").evaluate("f => getComputedStyle(f).visibility")
    assert seen == "visible"
    box, paper = (page.locator(f".soon {part}").bounding_box() for part in ("iframe", ".paper"))
    assert box == pytest.approx(paper, abs=1)
    await_that(page, lambda: step_in(frame.content_frame()) == 1)


def test_second_window_shows_the_notes_and_the_two_go_together(shown, opened):
    page = shown()
    press(page, "ArrowRight")
    with page.expect_popup() as popup:
        press(page, "w")
    second = popup.value
    opened.troubles.clear()  # the window was meant to open
    await_that(second, lambda: at(second) == (2, 0))
    assert second.locator(".now .notes").is_visible()
    assert not page.locator(".now .notes").is_visible()
    press(second, "ArrowRight", "ArrowRight")
    await_that(page, lambda: at(page) == (3, 0))
    press(page, "ArrowLeft")
    await_that(second, lambda: at(second) == (2, 1))
    assert second.evaluate("clock.began") == page.evaluate("clock.began") is not None


def test_bar_can_be_hidden_and_the_slide_then_fills_the_window(shown):
    page = shown()
    press(page, "h")
    assert not page.locator("#bar").is_visible()
    assert page.locator(".now .paper").bounding_box() == {"x": 0, "y": 0, **SIZE}
    press(page, "h")
    assert page.locator("#bar").is_visible()


# --- votes


def test_counted_hands_become_shares_and_the_answer_waits_for_a_key(shown):
    page = shown(address="#slide=2")
    answer, right = page.locator(".now .answer"), page.locator(".now .right-mark")
    assert (answer.is_visible(), right.is_visible()) == (False, False)
    hands = page.locator(".now input")
    hands.nth(0).fill("3")
    hands.nth(1).fill("9")
    assert page.locator(".now output").all_inner_texts() == ["25 %", "75 %", "0 %"]
    width = "bars => bars.map((bar) => bar.style.width)"
    assert page.locator(".now .bar").evaluate_all(width) == ["25%", "75%", "0%"]
    hands.nth(1).press("Enter")
    assert press(page, "ArrowRight") == (2, 1)
    assert (answer.is_visible(), right.is_visible()) == (True, True)
    hands.nth(0).fill("")
    hands.nth(1).fill("")
    assert page.locator(".now output").all_inner_texts() == ["", "", ""]


def test_keys_that_are_typed_into_a_vote_stay_there_but_for_a_remotes(shown):
    page = shown(address="#slide=2")
    hands = page.locator(".now input").first
    hands.focus()
    assert press(page, "1", "2", "ArrowLeft", "Home", "ArrowRight") == (2, 0)
    assert hands.input_value() == "12"
    assert press(page, "PageDown", "PageDown") == (3, 0)


# --- the clock


def clocked(shown, **options):
    page = shown(**options)
    page.clock.install(time=0)
    page.reload()
    page.clock.pause_at(1000)
    return page


def test_clock_begins_with_the_second_slide_and_compares_with_the_plan(shown):
    page = clocked(shown)
    page.clock.run_for(60_000)
    assert page.inner_text("#clock") == "0:00 of 10 min"
    press(page, "ArrowRight")  # planned for minutes 3 to 5
    assert page.inner_text("#clock") == "0:00 of 10 min · 3 min ahead"
    page.clock.run_for(65_000)
    assert page.inner_text("#clock") == "1:05 of 10 min · 1 min ahead"
    page.clock.run_for(3 * 60_000)
    assert page.inner_text("#clock") == "4:05 of 10 min · on time"
    late = page.locator("#clock.late")
    assert late.count() == 0
    page.clock.run_for(3 * 60_000)
    assert page.inner_text("#clock") == "7:05 of 10 min · 2 min behind"
    assert late.count() == 1
    press(page, "ArrowRight", "ArrowRight", "ArrowRight")  # planned for minutes 6 to 10
    assert page.inner_text("#clock") == "7:05 of 10 min · on time"


def test_clock_is_started_and_set_to_0_by_hand(shown):
    page = clocked(shown)
    press(page, "t")
    page.clock.run_for(90_000)
    assert page.inner_text("#clock") == "1:30 of 10 min · on time"
    press(page, "T")
    assert page.inner_text("#clock") == "0:00 of 10 min"
    assert page.inner_text("#time") == "Start the clock"


@pytest.mark.parametrize("act", [lambda page: press(page, "t"), lambda page: page.click("#time")])
def test_no_time_passes_while_the_clock_is_paused_and_none_is_lost(shown, act):
    page = clocked(shown)
    press(page, "ArrowRight")
    page.clock.run_for(90_000)
    act(page)
    for _ in range(2):
        page.clock.run_for(5 * 60_000)
        assert page.inner_text("#clock") == "1:30 of 10 min · paused"
        assert page.inner_text("#time") == "Go on"
        press(page, "ArrowRight", "ArrowLeft")
    act(page)
    page.clock.run_for(61_000)
    assert page.inner_text("#clock") == "2:31 of 10 min · on time"
    assert page.inner_text("#time") == "Pause the clock"


def test_a_reload_and_a_second_window_know_that_the_clock_is_paused(shown, opened):
    page = clocked(shown)
    press(page, "ArrowRight")
    page.clock.run_for(90_000)
    press(page, "t")
    page.clock.run_for(60_000)
    page.reload()
    assert page.inner_text("#clock") == "1:30 of 10 min · paused"
    with page.expect_popup() as popup:
        press(page, "w")
    opened.troubles.clear()  # the window was meant to open
    second = popup.value
    await_that(second, lambda: second.inner_text("#clock") == "1:30 of 10 min · paused")
    press(second, "t")
    await_that(page, lambda: "paused" not in page.inner_text("#clock"))


def test_without_a_plan_the_clock_shows_the_time_alone(shown):
    page = clocked(shown, slides=[Slide("one", "1"), Slide("two", "2")])
    assert page.inner_text("#clock") == ""
    press(page, "ArrowRight")
    page.clock.run_for(61_000)
    assert page.inner_text("#clock") == "1:01"


# --- live pages


def step_in(frame):
    return int(frame.input_value("#slider"))


def test_live_story_goes_from_step_to_step_before_the_next_slide_comes(shown):
    page = shown(address="#slide=4")
    frame = story_in(page)
    await_that(page, lambda: step_in(frame) == 1)
    assert frame.evaluate("state.present")
    for number, place in ((2, (4, 1)), (3, (4, 2)), (4, (4, 3))):
        assert press(page, "ArrowRight") == place
        await_that(page, lambda number=number: step_in(frame) == number)
    assert press(page, "PageUp") == (4, 2)
    await_that(page, lambda: step_in(frame) == 3)
    assert press(page, "ArrowRight", "ArrowRight") == (5, 0)


def test_live_story_gets_the_keys_that_the_deck_does_not_know(shown):
    page = shown(address="#slide=4")
    frame = story_in(page)
    near = frame.evaluate("state.near")
    press(page, "z")
    await_that(page, lambda: frame.evaluate("state.near") is not near)
    press(page, "ArrowRight")
    await_that(page, lambda: step_in(frame) == 2)
    press(page, "f")
    await_that(page, lambda: step_in(frame) == 1)
    assert at(page) == (4, 1)


def test_remote_leads_on_when_the_live_story_has_the_focus(shown):
    page = shown(address="#slide=4.3")
    frame = story_in(page)
    frame.locator("#step").click()
    assert page.evaluate("document.activeElement.tagName") == "IFRAME"
    page.keyboard.press("ArrowRight")
    await_that(page, lambda: step_in(frame) == 5)  # its own key
    page.keyboard.press("PageDown")
    await_that(page, lambda: at(page) == (5, 0))
    assert step_in(frame) == 5
    assert page.evaluate("document.activeElement.tagName") == "BODY"


def test_a_number_is_changed_in_a_live_story_and_escape_first_leaves_its_cell(shown):
    page = shown(address="#slide=4.0")
    frame = story_in(page)
    cell = frame.locator("#tables td").first
    before = cell.inner_text()
    cell.dblclick()
    field = frame.locator("#tables td input")
    field.fill("123")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.tagName") == "IFRAME"
    assert frame.locator("#tables td").first.inner_text() == before
    cell = frame.locator("#tables td").first
    cell.dblclick()
    frame.locator("#tables td input").fill("123")
    page.keyboard.press("Enter")
    await_that(page, lambda: frame.locator("#tables td").first.inner_text() == "123")
    page.keyboard.press("PageDown")
    await_that(page, lambda: at(page) == (4, 1))


def test_deck_obeys_no_window_but_its_live_story(shown):
    page = shown(address="#slide=4")
    story_in(page)
    page.evaluate("postMessage({ key: 'PageDown', deck: { at: 0 }, hello: true }, '*')")
    page.evaluate("() => new Promise((done) => setTimeout(done, 50))")
    assert at(page) == (4, 0)


def test_story_obeys_no_window_but_the_one_that_holds_it(opened):
    page = opened(stories.fork(), "#step=1")
    page.evaluate("postMessage({ at: 3, present: true }, '*')")
    page.evaluate("() => new Promise((done) => setTimeout(done, 50))")
    assert step_in(page.main_frame) == 1
    page.keyboard.press("PageDown")
    assert step_in(page.main_frame) == 2


def test_live_story_is_as_large_as_its_slide(shown):
    page = shown(address="#slide=4", viewport={"width": 1900, "height": 1000})
    story_in(page)
    frame, paper = (page.locator(f".now {part}").bounding_box() for part in ("iframe", ".paper"))
    assert frame == pytest.approx(paper, abs=1)


# --- one file, harmless

INLINE = """() => {
  const script = document.createElement("script");
  script.textContent = "window.owned = true";
  document.body.append(script);
  return window.owned === true;
}"""


def test_policy_blocks_scripts_that_are_not_the_decks_own_also_in_its_frames(shown, opened):
    page = shown(address="#slide=4")
    frame = story_in(page)
    assert [page.evaluate(INLINE), frame.evaluate(INLINE)] == [False, False]
    assert all("Content Security Policy" in trouble for trouble in opened.troubles)
    assert len(opened.troubles) >= 2
    opened.troubles.clear()


def test_story_in_a_frame_cannot_reach_the_deck(shown):
    frame = story_in(shown(address="#slide=4"))
    reach = "() => { try { return String(parent.document) } catch { return 'no' } }"
    assert frame.evaluate(reach) == "no"


def test_hostile_texts_are_shown_as_text(shown):
    slides = [
        Slide(text, text_body(text, text), text, 1, "text") for text in map(str, stories.HOSTILE)
    ]
    slides += [
        Slide("vote", vote_body(text, [text, text], 1, text), "", 1, "vote")
        for text in stories.HOSTILE
    ]
    page = shown(slides)
    assert page.locator("img, iframe, [onerror], script").count() == 2
    for number, text in enumerate(stories.HOSTILE, 1):
        assert " ".join(text.split()) in " ".join(page.inner_text("#place").split())
        body = page.locator(".now .body").inner_text()
        assert " ".join(body.split()) == " ".join(f"{text} {text}".split())
        press(page, "ArrowRight")
        assert at(page)[0] == number + 1


def test_text_is_written_as_paragraphs_lists_and_code():
    html = paragraphs("One\nline & `a < b`.\n\nThese:\n- **x**\n  goes on\n- y\n\nEnd.")
    assert html == (
        "<p>One line &amp; <code>a &lt; b</code>.</p><p>These:</p>"
        "<ul><li><strong>x</strong> goes on</li><li>y</li></ul><p>End.</p>"
    )
    assert paragraphs("") == ""


# --- a deck of a story


def test_deck_of_a_story_has_a_slide_of_each_step_with_its_sentences_as_notes(
    opened, tmp_path, graphviz
):
    story = stories.fork()
    text = story.slides(tmp_path / "slides.html").read_text(encoding="utf-8")
    page = opened(story, text=text)
    for step in story:
        assert at(page) == (step.number + 1, 0)
        picture = page.locator(".now .paper > svg")
        assert picture.get_attribute("aria-label") == step.sentence
        assert picture.bounding_box()["width"] > 1200
        said = " ".join(page.locator(".now .notes").text_content().split())
        for sentence in (step.sentence, *(part.sentence for part in step.parts)):
            assert sentence in said
        press(page, "ArrowRight")


# --- printing


@pytest.mark.parametrize("keys", ["", "p", "h"])
def test_printing_gives_one_slide_a_page_in_16_to_9(shown, keys):
    page = shown()
    press(page, *keys, "ArrowRight")
    many = len(SLIDES) - 1 + len(PICTURES)
    assert pages_of(page.pdf(prefer_css_page_size=True)) == (many, {b"0 0 960 540"})


def test_a_handout_that_ends_with_a_story_has_no_empty_page(shown):
    page = shown(SLIDES[:4])
    many = 3 + len(PICTURES)
    assert pages_of(page.pdf(prefer_css_page_size=True)) == (many, {b"0 0 960 540"})


def test_handout_has_the_answers_and_pictures_in_place_of_live_pages(shown):
    page = shown()
    page.emulate_media(media="print")
    seen = {part: page.locator(part).first.is_visible() for part in (".answer", ".right-mark")}
    hidden = ("#bar", ".notes", ".options input", "iframe")
    seen |= {part: not page.locator(part).first.is_visible() for part in hidden}
    assert all(seen.values()), seen
    printed = page.locator(".handout").evaluate_all(
        "all => all.map((one) => one.checkVisibility())"
    )
    assert printed == [True] * len(PICTURES)


def test_without_a_script_all_slides_stand_below_each_other(opened):
    text = re.sub(r"<script>.*</script>", "", deck("A deck", SLIDES, [""]), flags=re.DOTALL)
    page = opened(stories.fork(), text=text)
    shown = [paper.is_visible() for paper in page.locator(".paper, .handout").all()]
    framed = page.locator(".paper, .handout").evaluate_all(
        "all => all.map((one) => !!one.querySelector('iframe'))"
    )
    assert shown == [not is_frame for is_frame in framed]
    assert len(shown) == len(SLIDES) + len(PICTURES)
    assert not page.locator("#bar").is_visible()


# --- for all readers


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [SIZE, PHONE], ids=["1280x720", "phone"])
def test_axe_finds_nothing_to_object_to(shown, size, scheme):
    axe = pytest.importorskip("axe_playwright_python.base", reason="axe is not installed")
    page = shown(viewport=size, color_scheme=scheme)
    page.evaluate(axe.AXE_SCRIPT)
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    run = """tags => axe.run(document, { runOnly: tags, iframes: false })
      .then((found) => found.violations.map(({ id, nodes }) => [id, nodes.map((n) => n.html)]))"""
    press(page, "n")
    for _ in range(4):
        assert page.evaluate(run, rules) == []
        press(page, "ArrowRight")
    press(page, "p", "Home")
    assert page.evaluate(run, rules) == []


def test_every_button_is_reached_by_tab(shown):
    page = shown(address="#slide=3")
    reached = set()
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id"))
    assert {b.get_attribute("id") for b in page.locator("#bar button").all()} <= reached


@pytest.mark.parametrize("number", range(1, 6))
def test_nothing_is_wider_than_a_phone(shown, number):
    page = shown(address=f"#slide={number}", viewport=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for part in ("#bar", ".now .paper"):
        box = page.locator(part).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE["width"]
