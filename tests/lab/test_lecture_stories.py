"""Stories on the slides of a lecture: live, in step, filmed, with a Jacobian, and printed."""

import json
import re
from functools import cache
from html import unescape

import pytest
import stories
from browser import await_that

from microbn import errors
from microbn.cli.targets import filmed, told
from microbn.lab.lecture import lecture
from microbn.lab.lecture_stories import telling_steps

TARGETS = {
    "fork": cache(stories.fork),
    "training": cache(filmed),
    "batchnorm": lambda: told("batchnorm"),
}
LIVE = 'title="x"\n[[slide]]\ntitle="d"\nlive=true\nstory='


def made(tmp_path, text):
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    return lecture(lambda target, inputs: TARGETS[target](), tmp_path / "own.toml")


def sent(html, what):
    """Return what the deck sends to the first frame: as it opens, or at each press."""
    return json.loads(unescape(re.search(f'data-{what}="([^"]*)"', html)[1]))


@pytest.mark.parametrize(
    ("slide", "leads", "opens"),
    [
        ('"fork"\nsteps=[1, 3]', [{"at": 1}, {"at": 2}, {"at": 3}], {}),
        ('"fork"\nstops=[3, 0, 4]', [{"at": 3}, {"at": 0}, {"at": 4}], {}),
        ('"fork"\nsteps=[2, 2]\njacobian=true', [{"at": 2}], {"jacobian": True}),
        ('"fork"\nbeside="fork"\nsteps=[1, 2]', [{"at": 1}, {"at": 2}], {}),
        ('"training"\nopens=9\nstops=[0, 49]', [{"at": 9, "training": n} for n in (0, 49)], {}),
        ('"training"\nsteps=[3, 4]', [{"at": 37, "training": n} for n in (3, 4)], {}),
    ],
)
def test_each_press_leads_the_page_in_the_frame_to_the_next_stop(
    tmp_path, graphviz, slide, leads, opens
):
    html = made(tmp_path, LIVE + slide)
    assert sent(html, "leads") == leads
    assert sent(html, "opens") == {**leads[0], "present": True, **opens}
    assert f'data-presses="{len(leads) - 1}"' in html
    assert 1 <= html.count('class="handout"') <= 4


@pytest.mark.parametrize(
    ("slide", "sentence"),
    [
        ("'fork'\nstops=[0, 99]", r"stops = \[0, 99\], but fork has the steps 0 to 4"),
        ("'fork'\nstops=[-1]", r"stops = \[-1\], but fork has the steps 0 to 4"),
        ("'training'\nstops=[50]", "but training has the training steps 0 to 49"),
        ("'fork'\nstops=[]", "must be a list of steps, one for each press"),
        ("'fork'\nstops=[1]\nsteps=[1, 2]", "it has both steps and stops"),
        ("'training'\nlive=false", "a training and two stories in step are live"),
        ("'fork'\njacobian=true", "jacobian needs the story's own page: live = true"),
        ("'fork'\nopens=3", "opens is for a training"),
        ("'training'\nopens=99", "opens = 99, but training has the steps 0 to 73"),
        ("'fork'\nbeside='training'", "beside takes two stories, and a training is none"),
    ],
)
def test_what_a_slide_cannot_show_of_a_story_is_said(tmp_path, graphviz, slide, sentence):
    text = f"title='x'\n[[slide]]\ntitle='a'\nstory={slide}"
    with pytest.raises(errors.ArgumentError, match=rf"^lecture: slide 1 \(a\): .*{sentence}"):
        made(tmp_path, text)


@pytest.fixture
def page(opened, graphviz, tmp_path):
    """Open a lecture with a film, two stories in step, and a Jacobian."""
    text = """title="x"
[[slide]]
title="a film"
story="training"
opens=9
stops=[0, 10]
[[slide]]
title="in step"
story="fork"
beside="fork"
[[slide]]
title="a Jacobian"
story="batchnorm"
steps=[9, 9]
live=true
jacobian=true
"""
    return opened(stories.fork(), text=made(tmp_path, text))


def inside(page, *titles):
    """Return the page in a frame of the slide that is shown, or in a frame of that frame."""
    frame = page.frame_locator(".slide.now iframe")
    for title in titles:
        frame = frame.frame_locator(title)
    return frame


def test_a_press_leads_a_film_to_its_training_step_and_e_to_eval(page):
    film = inside(page)
    await_that(page, lambda: film.locator("#where").inner_text().startswith("Forward · step 9"))
    await_that(page, lambda: film.locator("#losses text", has_text="step 0").count() == 1)
    page.keyboard.press("PageDown")
    await_that(page, lambda: film.locator("#losses text", has_text="step 10").count() == 1)
    page.keyboard.press("e")
    await_that(page, lambda: "Eval reads" in film.locator("#reading").inner_text())
    page.keyboard.press("PageUp")
    await_that(page, lambda: "Training reads" in film.locator("#reading").inner_text())


@pytest.mark.parametrize("keys", [["ArrowRight"], ["PageDown"]])
def test_a_press_leads_two_stories_in_step_and_their_keys_lead_back_to_the_deck(page, keys):
    for _ in range(2):
        page.keyboard.press("PageDown")
    both = inside(page)
    sides = [inside(page, f"#{side}").locator("#where") for side in ("left", "right")]
    await_that(page, lambda: all("step 0" in where.inner_text() for where in sides))
    for key in keys:
        page.keyboard.press(key)
    await_that(page, lambda: all("step 1" in where.inner_text() for where in sides))
    assert not both.locator("#next").is_visible()  # the deck has keys
    inside(page, "#left").locator("#step").press("PageDown")  # in a frame of a frame
    await_that(page, lambda: all("step 2" in where.inner_text() for where in sides))
    assert page.evaluate("state.presses") == 2


def test_a_slide_opens_with_the_jacobian_and_j_goes_back_to_the_tables(page):
    page.keyboard.press("End")
    table = inside(page).locator("#tables table.jacobian")
    await_that(page, lambda: table.count() == 1)
    page.keyboard.press("j")
    await_that(page, lambda: table.count() == 0)


@pytest.mark.parametrize(
    ("first", "last", "printed"),
    [
        (0, 10, [0, 3, 7, 10]),  # at equal distances in the forward
        (11, 14, [11, 12, 13, 14]),
        (15, 20, [15, 17, 18, 20]),  # "centered" is complete at 18
        (0, 20, [0, 10, 18, 20]),  # and the forward ends at 10
        (4, 4, [4]),
        (4, 5, [4, 5]),
    ],
)
def test_the_handout_of_a_story_has_its_first_and_last_step_its_result_and_its_sums(
    first, last, printed
):
    assert telling_steps(told("batchnorm").steps, first, last) == printed


def test_a_framed_story_has_its_telling_steps_as_pictures(tmp_path, graphviz):
    html = made(tmp_path, 'title="x"\n[[slide]]\ntitle="d"\nstory="fork"\nlive=true\nsteps=[1,3]\n')
    sentences = [stories.fork()[number].sentence for number in (1, 2, 3)]
    pictures = re.findall(r'class="handout"><svg [^>]*aria-label="([^"]*)"', html)
    assert [unescape(said) for said in pictures] == sentences
