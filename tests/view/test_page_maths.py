"""Mathematics on the page: typeset from the story's trees, in the place of the code."""

import pytest
import stories
from browser import look
from test_page_readers import AXE, RULES, with_axe

from microbn.view.page import page as html

FRACTION = [
    "mfrac", {},
    ["mrow", {}, ["mo", {}, "∂"], ["mi", {"class": "result"}, "L"]],
    ["mrow", {}, ["mo", {}, "∂"], ["mover", {"accent": "true"}, ["mi", {"class": "computed"}, "x"],
                                   ["mo", {"stretchy": "false"}, "^"]]],
]  # fmt: skip
LINES = [
    ["math", {}, FRACTION, ["mo", {}, "="], ["msub", {"class": "now"}, ["mi", {}, "g"],
                                               ["mn", {}, "2"]]],
    ["math", {}, *(["mi", {"class": role}, role] for role in
                   ("input", "parameter", "constant", "computed", "gradient", "result", "now"))],
    ["math", {}, ["msqrt", {}, ["mi", {"mathvariant": "normal"}, "σ"]]],
]  # fmt: skip
STEP = 12


class Told:
    """A story with mathematics in some of its steps."""

    def __init__(self, lines=LINES, pattern="add distributes"):
        self.story = stories.batch_norm()
        self.data = self.story.data()
        for number, step in enumerate(self.data["steps"]):
            step["math"] = lines if number in (STEP, STEP + 1) else []
            for part in step["parts"]:
                part["pattern"] = ""
        self.data["steps"][STEP]["parts"][0]["pattern"] = pattern

    def open(self, opened, **options):
        return opened(self.story, f"#step={STEP}", text=html(self.data), **options)


TREES = """() => {
  const tree = (element) => [element.localName, element.namespaceURI,
    ...[...element.childNodes].map((one) => one.nodeType === 3 ? one.data : tree(one))];
  return [...document.querySelectorAll("#step math")].map(tree);
}"""
SPACE = "http://www.w3.org/1998/Math/MathML"


def expected(tree):
    tag, _, *children = tree
    return [tag, SPACE, *(one if isinstance(one, str) else expected(one) for one in children)]


def test_m_puts_the_mathematics_in_the_place_of_the_code(opened):
    page = Told().open(opened)
    assert page.evaluate(TREES) == []
    assert page.is_visible("#step mark")
    page.keyboard.press("m")
    assert not page.locator("#step pre").count()
    assert page.evaluate(TREES) == [expected(line) for line in LINES]
    page.keyboard.press("ArrowRight")
    assert page.evaluate(TREES)
    page.click("#maths")
    assert page.evaluate(TREES) == []
    assert page.get_attribute("#maths", "aria-pressed") == "false"


def test_step_without_mathematics_shows_its_code(opened):
    page = Told().open(opened)
    page.keyboard.press("m")
    look(page, STEP + 2)
    assert page.evaluate(TREES) == []
    assert page.is_visible("#step mark")


def test_pattern_stands_on_the_card_of_its_part(opened):
    page = Told().open(opened)
    assert page.locator("#tables .card").first.locator(".pattern").inner_text() == "add distributes"
    assert page.locator(".pattern").count() == 1


def test_other_tags_and_attributes_are_left_out_and_text_stays_text(opened):
    bad = "<img src=x onerror=alert(1)>"
    lines = [
        ["math", {}, ["script", {}, "alert(1)"]],
        ["math", {}, ["mi", {"href": "x", "onclick": "alert(1)", "style": "margin: 0"}, bad]],
        ["math", {"class": "now"}, ["img", {"src": "https://example.invalid"}], ["mi", {}, bad]],
    ]
    page = Told(lines, bad).open(opened)
    page.keyboard.press("m")
    seen = page.evaluate("""() => [...document.querySelectorAll("#step math, #step math *")].map(
      (one) => [one.localName, one.getAttributeNames()])""")
    assert {tag for tag, _ in seen} == {"math", "mtext", "mi"}
    assert {name for _, names in seen for name in names} <= {"class", "display"}
    assert page.inner_text("#formulas").count(bad) == 2
    assert page.inner_text(".pattern") == bad
    assert look(page).elements == 2  # the data and the page's own script


HIGH = """() => [...document.querySelectorAll("#step math")].map(
  (one) => [parseFloat(getComputedStyle(one).fontSize), one.getBoundingClientRect().height])"""


def test_mathematics_is_typeset_in_17_points(opened):
    page = Told().open(opened)
    page.keyboard.press("m")
    fraction, row, _ = page.evaluate(HIGH)
    assert min(size for size, _ in (fraction, row)) >= 22.6
    assert fraction[1] > 1.5 * row[1]  # the browser has put one above the other


BACKGROUNDS = """() => ["input", "parameter", "constant", "gradient", "result"].map((role) => [
  getComputedStyle(document.querySelector(`math .${role}`)).backgroundColor,
  getComputedStyle(document.documentElement).getPropertyValue(`--${role}`)])"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_symbols_have_the_colours_of_the_boxes_and_can_be_read(opened, scheme):
    page = Told().open(opened, color_scheme=scheme)
    page.keyboard.press("m")
    for painted, named in page.evaluate(BACKGROUNDS):
        assert painted == "rgb({}, {}, {})".format(*bytes.fromhex(named.strip()[1:]))
    page = with_axe(page)
    assert page.evaluate(AXE, RULES) == []
    page.keyboard.press("p")
    assert page.evaluate(AXE, RULES) == []
