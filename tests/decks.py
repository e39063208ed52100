"""A deck with a slide of each kind, and how a test presses its keys and reads it."""

import re
from functools import cache

import stories
from browser import await_that

from microbn.lab.lecture_bodies import code_body, framed_body, text_body, vote_body
from microbn.view.slides import Slide

VOTE = vote_body("Which one?", ["this", "that", "none"], 2, "That one, because.")
PICTURES = ["<svg></svg>"] * 3
SLIDES = [
    Slide("Begin", text_body("Begin", "Some text.\n\n- one\n- two `x`"), "Say hello.", 3, "text"),
    Slide("A vote", VOTE, "Count the hands.", 2, "vote", 1),
    Slide("Some code", code_body("Some code", "Look:", "x = 1", "1"), "", 1, "code"),
    Slide(
        "Live",
        framed_body("Live", 0, [{"at": n} for n in range(1, 5)]),
        "Press on.",
        4,
        "framed",
        3,
        PICTURES,
    ),
    Slide("The end", text_body("The end", ""), "", None, "text"),
]


@cache
def live_page():
    """Return the page that stands in the frame of the slide "Live"."""
    return stories.batch_norm().page()


def at(page):
    """Return the number of the slide that is shown, and how often a key was pressed there."""
    seen = page.locator(".slide.now").evaluate_all("all => all.map((s) => slides.indexOf(s) + 1)")
    assert len(seen) == 1
    return seen[0], page.evaluate("state.presses")


def press(page, *keys):
    """Press keys, and return where the deck is then."""
    for key in keys:
        page.keyboard.press(key)
    return at(page)


def story_in(page):
    """Return the frame of the slide that is shown, once its story is there."""
    handle = page.locator(".now iframe").element_handle()
    await_that(page, lambda: handle.get_attribute("data-ready"))
    return handle.content_frame()


def pages_of(pdf):
    """Return how many pages a PDF has, and the sizes that they have."""
    boxes = re.findall(rb"/MediaBox\s*\[([^\]]*)\]", pdf)
    return len(re.findall(rb"/Type\s*/Page\b", pdf)), {box.strip() for box in boxes}
