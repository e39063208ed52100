"""The list of the keys on the page."""

import re
from pathlib import Path

import pytest
import stories
from browser import PHONE, SIZE, at
from test_page_readers import AXE, RULES, with_axe

import microbn.view

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
NAMES |= {" ": "Space", "-": "−", "=": "+"}


def test_every_key_of_the_page_is_listed(opened):
    page = opened(stories.fork())
    page.keyboard.press("?")
    listed = page.locator("#keys kbd").all_text_contents()
    source = (PAGE / "page.js").read_text("utf-8")
    block = re.search(r"const KEYS = \{(.*?)\n\};", source, re.DOTALL)
    keys = re.findall(r'^  "?(.+?)"?: ', block[1], re.MULTILINE)
    assert len(keys) > 12
    assert {NAMES.get(key, key) for key in keys} <= {*listed}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [SIZE, PHONE], ids=["1280x720", "phone"])
def test_axe_finds_nothing_in_the_list(opened, size, scheme):
    page = with_axe(opened(stories.batch_norm(), viewport=size, color_scheme=scheme))
    page.keyboard.press("?")
    assert page.evaluate(AXE, RULES) == []
