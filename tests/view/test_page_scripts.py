"""The scripts of a page share one space of names, in which no name is given twice."""

import re
from collections import Counter
from pathlib import Path

import pytest

from microbn.lab.playing import PLAYGROUND_SCRIPTS
from microbn.program import script
from microbn.view import page
from microbn.view.beside import BESIDE_SCRIPTS
from microbn.view.page import FILM_SCRIPTS, STORY_SCRIPTS, script_of
from microbn.view.slides import DECK_SCRIPTS
from microbn.workshop.building import WORKSHOP_SCRIPTS

FOLDER = Path(page.__file__).with_suffix("")

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
    "two stories": BESIDE_SCRIPTS,
    "a lecture": DECK_SCRIPTS,
    "a playground": PLAYGROUND_SCRIPTS,
    "a workshop": WORKSHOP_SCRIPTS,
}


@pytest.mark.parametrize("scripts", PAGES.values(), ids=PAGES)
def test_no_name_is_given_twice(scripts):
    given = Counter(names("\n".join((FOLDER / name).read_text("utf-8") for name in scripts)))
    assert len(given) > 15
    assert [name for name, times in given.items() if times > 1] == []


@pytest.mark.parametrize("script", ["const a = 1;\nfunction a() {}", "let [b, a] = c;\nlet a;"])
def test_a_name_that_is_given_twice_is_found(script):
    assert Counter(names(script))["a"] == 2


def begins_in_a_text(line):
    """Return whether a line of a script begins or ends within a text in backticks."""
    return line.count("`") % 2 == 1


def test_no_text_goes_on_in_another_line_because_a_page_has_no_indents():
    files = [*FOLDER.glob("*.js"), *Path(script.__file__).parent.glob("*.js")]
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    assert len(lines) > 3000
    assert [line for line in lines if begins_in_a_text(line)] == []
    assert begins_in_a_text("const text = `begin")


def test_a_page_has_neither_indents_nor_comments():
    lines = script_of(STORY_SCRIPTS).split("\n")
    assert [
        line for line in lines if line != line.strip() or not line or line.startswith("//")
    ] == []
