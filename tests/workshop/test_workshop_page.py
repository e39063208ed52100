"""The workshop's page: all of it that needs no Python, which is still to come then."""

import pytest
from browser import AXE, PHONE, RULES, SIZE, await_that, visits, with_axe

from microbn.workshop import building
from microbn.workshop.building import workshop

EDITORS = ["plain", "CodeMirror"]


@pytest.fixture(scope="module", params=EDITORS)
def made(request, tmp_path_factory):
    """Write the page with each editor. Its Python comes from an address that never answers."""
    file = tmp_path_factory.mktemp("made") / "workshop.html"
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "plain":
            patch.setattr(building, "EDITOR", file)
        elif not building.EDITOR.is_file():
            pytest.skip("CodeMirror is not bundled (npm run bundle in .ci/editor/): unchecked")
        return workshop(file, pyodide="https://nowhere.invalid")


@pytest.fixture
def visit(made, browser):
    asked = (
        "request: https://nowhere.invalid",
        "console: Failed to load resource",
        "request: blob",
    )
    yield from visits(browser, made, asked, offline=True)


def code(page):
    return page.evaluate("now.exercise.editor.value()")


def test_what_one_wrote_stays_and_reset_can_be_undone(visit):
    page = visit()
    starter = code(page)
    page.evaluate("now.exercise.editor.focus()")
    page.keyboard.press("Control+Home")
    page.keyboard.type("mine = 1")
    page.reload()
    assert code(page) == f"mine = 1{starter}"
    page.click("#reset")
    assert code(page) == starter
    page.click("#reset")  # which changes nothing, so the Undo stays
    page.click("text=Undo")
    assert code(page) == f"mine = 1{starter}"
    page.click("text=Undo")
    assert code(page) == starter


def two_windows(visit):
    """Open the page in two windows of one browser."""
    page = visit()
    other = page.context.new_page()
    other.goto(page.url)
    return page, other


def test_two_windows_with_the_page_hold_the_same_code(visit):
    page, other = two_windows(visit)
    page.evaluate("turnToTab(1)")
    starter = code(page)
    page.evaluate("now.exercise.editor.focus()")
    page.keyboard.press("Control+Home")
    page.keyboard.type("one = 1")
    other.evaluate("turnToTab(1)")
    await_that(other, lambda: code(other) == f"one = 1{starter}")
    other.evaluate("turnToTab(0)")  # the next change comes to a tab that is out of sight
    other.evaluate("now.exercise.editor.focus()")
    first = code(other)
    page.keyboard.type(" + 1")
    await_that(other, lambda: code_of(other, 1).startswith("one = 1 + 1"))
    assert code(other) == first
    assert "Another window with this page has changed affine" in other.inner_text("#said")


def test_a_window_that_follows_another_leaves_its_cursor_and_its_focus(visit):
    page, other = two_windows(visit)
    other.evaluate("now.exercise.editor.goTo(3)")
    at = """() => document.activeElement.selectionStart ??
      document.getSelection().anchorNode.textContent"""
    before = other.evaluate(at)
    other.evaluate("$('hints').hidden = false, $('help').focus()")
    page.evaluate("now.exercise.editor.set(now.exercise.editor.value() + '# more\\n')")
    await_that(other, lambda: code(other).endswith("# more\n"))
    assert other.evaluate("document.activeElement.id") == "help"
    other.evaluate("now.exercise.editor.focus()")
    assert other.evaluate(at) == before


def test_what_either_of_two_windows_writes_or_resets_is_kept(visit):
    page, other = two_windows(visit)
    page.evaluate("turnToTab(1)")
    starter = code(page)
    other.evaluate("turnToTab(1)")
    other.evaluate("now.exercise.editor.focus()")
    other.keyboard.press("Control+Home")
    other.keyboard.type("two\n")
    await_that(page, lambda: code(page) == f"two\n{starter}")
    page.reload()
    assert code_of(page, 1) == f"two\n{starter}"
    other.click("#reset")
    await_that(page, lambda: code_of(page, 1) == starter)


def code_of(page, number):
    return page.evaluate(f"exercises[{number}].editor.value()")


@pytest.mark.parametrize("size", [SIZE, PHONE], ids=["1280x720", "phone"])
def test_every_tab_is_in_sight(visit, size):
    page = visit(viewport=size)
    inside = """(tab) => {
      const { left, right, top, bottom } = tab.getBoundingClientRect();
      const seen = [[left + 2, top + 8], [right - 2, bottom - 2]];
      return seen.every(([x, y]) => document.elementFromPoint(x, y) === tab);
    }"""
    tabs = page.locator("[role=tab]")
    assert [tabs.nth(i).evaluate(inside) for i in range(tabs.count())] == [True] * 12


def test_arrow_keys_lead_from_tab_to_tab_and_each_keeps_its_code(visit):
    page = visit()
    first = code(page)
    page.focus("#tab-0")
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("#tab-1", "aria-selected") == "true"
    assert code(page) != first
    assert page.is_visible("#check")
    page.keyboard.press("Home")
    assert code(page) == first
    assert page.is_hidden("#check")


# A story that says which keys it is told.
STORY = """<script>
addEventListener("message", ({ data }) => parent.postMessage(data.key, "*"));
parent.postMessage("ready", "*");
</script>"""
HEAR = """(story) => {
  window.told = [];
  addEventListener("message", ({ data }) => window.told.push(data));
  now.exercise.tell(story);
}"""


def test_arrow_keys_lead_through_the_story_but_not_from_the_editor_or_the_tabs(visit):
    page = visit()
    page.evaluate(HEAR, STORY)
    await_that(page, lambda: page.evaluate("window.told.length") == 1)
    for needs in ("now.exercise.editor.focus()", "$('between').focus()", "$('tab-0').focus()"):
        page.evaluate(needs)
        page.keyboard.press("ArrowRight")
    page.evaluate("turnToTab(0)")
    page.focus("#run")
    page.keyboard.press("ArrowLeft")
    await_that(page, lambda: page.evaluate("window.told.length") > 1)
    assert page.evaluate("window.told") == ["ready", "ArrowLeft"]


def test_tab_indents_and_escape_leaves_the_editor(visit):
    page = visit()
    page.evaluate("now.exercise.editor.set('a\\nb')")
    page.evaluate("now.exercise.editor.focus()")
    page.keyboard.press("Control+Home")
    page.keyboard.press("Tab")
    assert code(page) == "    a\nb"
    page.keyboard.press("Shift+Tab")
    assert code(page) == "a\nb"
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "between"


def test_the_program_is_saved_under_the_name_of_its_tab_and_loaded(visit, tmp_path):
    page = visit()
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.suggested_filename == "play.py"
    mine = tmp_path / "mine.py"
    mine.write_text("x = 5\r\n", encoding="utf-8")
    page.set_input_files("#file", mine)
    await_that(page, lambda: code(page) == "x = 5\n")
    assert page.inner_text("#verdict") == "mine.py is loaded. Undo"
    page.keyboard.press("Control+z")
    await_that(page, lambda: code(page).startswith("import numpy"))
    page.evaluate("now.exercise.editor.set('x = 6')")
    page.set_input_files("#file", mine)
    await_that(page, lambda: code(page) == "x = 5\n")
    page.click("text=Undo")
    assert code(page) == "x = 6"


def test_a_file_in_another_encoding_is_not_loaded(visit, tmp_path):
    page = visit()
    before = code(page)
    (mine := tmp_path / "mine.py").write_bytes("x = 'é'\n".encode("latin-1"))
    page.set_input_files("#file", mine)
    await_that(page, lambda: page.inner_text("#said") == "mine.py is not saved as UTF-8.")
    assert code(page) == before


def test_a_failure_to_load_names_the_way_out(visit):
    page = visit()
    await_that(page, lambda: page.evaluate("document.body.dataset.phase") == "failed")
    assert "Look for the network and try again" in page.inner_text("#state")
    assert page.is_visible("#again")
    assert page.get_attribute("#run", "aria-disabled") == "true"


def test_hints_that_were_turned_down_can_be_turned_up_again(visit):
    page = visit()
    page.click("#tab-11")
    assert page.input_value("#hints") == "1"  # where, and not yet why
    page.evaluate("exercises[1].hints = 1")  # as a script may say
    page.click("#tab-1")
    page.select_option("#hints", "0")
    page.click("#tab-0")
    page.click("#tab-1")
    assert page.input_value("#hints") == "0"
    offered = page.locator("#hints option").evaluate_all("all => all.map((one) => !one.disabled)")
    assert offered == [True, True, False]


def test_a_flood_is_cut_and_a_trace_leads_to_its_line(visit):
    page = visit()
    page.evaluate("now.exercise.output.write('line\\n'.repeat(6000), 'out')")
    page.evaluate("now.exercise.output.finish()")
    assert page.text_content(".output").startswith("… 4,500 lines were cut here\n")
    page.evaluate("now.exercise.output.clear()")
    page.evaluate("""now.exercise.output.write('File "/home/play.py", line 3, in f\\n', 'err')""")
    page.evaluate("now.exercise.output.finish()")
    page.click(".output .line")
    page.keyboard.type("here")
    assert code(page).split("\n")[2].startswith("here")


def test_the_divider_is_moved_by_keys(visit):
    page = visit()
    before = page.locator("#told").bounding_box()["width"]
    page.focus("#divider")
    page.keyboard.press("ArrowRight")
    assert page.locator("#told").bounding_box()["width"] < before


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [SIZE, PHONE], ids=["1280x720", "phone"])
def test_axe_finds_nothing_in_the_workshop(visit, size, scheme):
    page = with_axe(visit(viewport=size, color_scheme=scheme))
    assert page.evaluate(AXE, RULES) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
