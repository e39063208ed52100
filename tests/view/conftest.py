"""A deck of slides in a browser, for the tests of this folder."""

import pytest
import stories
from decks import SLIDES, live_page

from microbn.view.slides import deck


@pytest.fixture
def shown(opened):
    """Open a deck, by default one with a slide of each kind."""

    def open_deck(slides=SLIDES, address="", **options):
        text = deck("A deck", slides, [live_page()])
        return opened(stories.fork(), address, text=text, **options)

    return open_deck
