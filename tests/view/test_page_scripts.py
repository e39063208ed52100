"""The scripts of a page share one space of names, in which no name is given twice."""

import re
from collections import Counter

import pytest

from microbn.view.page import FILM_SCRIPTS, STORY_SCRIPTS, script_of

NAME = r"^(?:async )?(?:function\*?|const|let|class) (?:(\w+|\$)|[\[{]([^\]}=]*)[\]}])"


def names(script):
    """Return the names that a script gives at its top level."""
    found = re.findall(NAME, script, re.MULTILINE)
    return [name for one, some in found for name in (one, *re.findall(r"\w+", some)) if name]


PAGES = {
    "a story": (*STORY_SCRIPTS, "remote.js"),
    "a pane": (*STORY_SCRIPTS, "pane.js"),
    "a widget": (*STORY_SCRIPTS, "notebook.js"),
    "a film": FILM_SCRIPTS,
}


@pytest.mark.parametrize("scripts", PAGES.values(), ids=PAGES)
def test_no_name_is_given_twice(scripts):
    given = Counter(names(script_of(scripts)))
    assert len(given) > 80
    assert [name for name, times in given.items() if times > 1] == []


@pytest.mark.parametrize("script", ["const a = 1;\nfunction a() {}", "let [b, a] = c;\nlet a;"])
def test_a_name_that_is_given_twice_is_found(script):
    assert Counter(names(script))["a"] == 2
