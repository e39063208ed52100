"""The list of the keys on the page."""

import re
from pathlib import Path

import numpy as np
import pytest
import stories
from browser import PHONE, SIZE, at, await_that
from test_page_readers import AXE, RULES, with_axe

import microbn.view
from microbn import Tensor
from microbn.lab.lecture_bodies import text_body
from microbn.lab.playing import playground_shell
from microbn.view import beside
from microbn.view.page import json_in_pieces
from microbn.view.slides import Slide, deck

PAGE = Path(microbn.view.__file__).with_name("page")


def test_question_mark_opens_and_closes_the_list_and_its_keys_rest(opened):
    page = opened(stories.fork(), "#step=1")
    for close in ("?", "Escape"):
        page.keyboard.press("?")
        assert page.is_visible("#keys")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("b")
        assert at(page) == 1
        page.keyboard.press(close)
        assert page.is_hidden("#keys")
    page.keyboard.press("ArrowRight")
    assert at(page) == 2


def test_buttons_open_and_close_the_list(opened):
    page = opened(stories.fork())
    page.click("#help")
    assert page.is_visible("#keys")
    page.get_by_role("button", name="Close").click()
    assert page.is_hidden("#keys")
    page.click("#help")
    page.mouse.click(5, 400)
    assert page.is_hidden("#keys")
    assert at(page) == 0


def test_the_list_is_there_in_presenters_mode_too(opened):
    page = opened(stories.fork())
    page.keyboard.press("p")
    assert "?" in page.inner_text("#presenting")
    page.keyboard.press("?")
    assert page.is_visible("#keys")
    page.keyboard.press("Escape")
    assert page.is_hidden("#keys")
    assert page.is_hidden("footer")  # Escape closed the list and did not end the presenting


NAMES = {"ArrowRight": "→", "ArrowLeft": "←", "PageDown": "Page Down", "PageUp": "Page Up"}
NAMES |= {"ArrowDown": "↓", "ArrowUp": "↑", " ": "Space", "-": "−", "=": "+"}


def two():
    return beside(stories.fork(), stories.told(np.exp(Tensor([1.0], "x"))))


def a_deck():
    return deck("A deck", [Slide("one", text_body("one", "text"), "", None, "text")])


def a_playground():
    runs = [["learns", 90, [30, 20], [0, 0], [[[1] * 3]] * 2, [[1]] * 2, [[1, 2]] * 2]]
    axes = {name: [value] for name, value in ONE_RUN.items()}
    data = {"title": "p", "axes": axes, "steps": 1, "frames": 1, "guess": 36, "runs": runs}
    before, after = playground_shell()
    return "".join([before, *json_in_pieces(data.items()), after])


ONE_RUN = {"depth": 1, "rate": 0.1, "norm": "none", "activation": "relu", "scale": 1.0, "seed": 0}
# Each page, as a story's page or as a text; and the script that has its keys.
PAGES = {
    "a story": (stories.fork, "page.js"),
    "two stories": (two, "beside.js"),
    "a lecture": (a_deck, "slides_keys.js"),
    "a playground": (a_playground, "playground.js"),
}


@pytest.fixture(params=PAGES)
def keyed(request, opened):
    """Open each page. Return it with the keys that its script knows."""
    made, script = PAGES[request.param]
    one = made()
    page = opened(stories.fork(), text=one) if isinstance(one, str) else opened(one)
    source = (PAGE / script).read_text("utf-8")
    block = re.search(r"const KEYS = \{(.*?)\n\};", source, re.DOTALL)
    return page, re.findall(r'^  "?(.+?)"?: ', block[1], re.MULTILINE)


def test_question_mark_lists_every_key_on_every_page(keyed):
    page, keys = keyed
    assert len(keys) >= 4
    assert page.is_hidden("#keys")
    page.keyboard.press("?")
    assert page.is_visible("#keys")
    listed = page.locator("#keys kbd").all_text_contents()
    assert {NAMES.get(key, key) for key in keys} <= {*listed}
    drawn = page.locator("#keys kbd").first.evaluate("key => getComputedStyle(key).borderTopWidth")
    assert drawn == "1px"  # the page has the styles of the list
    page.keyboard.press("?")
    assert page.is_hidden("#keys")
    page.click("#help")
    assert page.is_visible("#keys")


def test_question_mark_in_a_pane_opens_the_list_of_both(opened):
    page = opened(two())
    await_that(page, lambda: len(page.frames) == 3)
    for frame in page.frames[1:]:
        frame.click("#sentence")
        page.keyboard.press("?")
        await_that(page, lambda: page.is_visible("#keys"))
        page.keyboard.press("Escape")
        assert page.is_hidden("#keys")
        assert frame.is_hidden("#keys")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [SIZE, PHONE], ids=["1280x720", "phone"])
def test_axe_finds_nothing_in_the_list(opened, size, scheme):
    for made, _ in PAGES.values():
        one, how = made(), {"viewport": size, "color_scheme": scheme}
        text = one if isinstance(one, str) else None
        page = with_axe(opened(stories.fork() if text else one, text=text, **how))
        page.keyboard.press("?")
        assert page.evaluate(AXE, RULES) == []
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"]
