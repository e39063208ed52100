"""Test the built book, in ``docs/_build/html``: follow its links, and open it in a real browser."""

from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from browser import PHONE, SIZE, await_step, watch

import microbn

DOCS = Path(__file__).parents[1] / "docs"
BOOK = DOCS / "_build" / "html"
PAGES = sorted(
    file.relative_to(BOOK).as_posix()
    for file in BOOK.rglob("*.html")
    if file.relative_to(BOOK).parts[0] not in ("_static", "steppers", "workshop.html")
)
if not PAGES:
    pytest.skip("the docs are not built: the book unchecked", allow_module_level=True)


def test_the_book_is_as_new_as_its_sources():
    built = (BOOK / ".doctrees" / "environment.pickle").stat().st_mtime
    sources = [
        *DOCS.glob("*.*"),
        *DOCS.glob("[!_g]*/**/*.md"),
        *DOCS.parent.glob("microbn/**/*.py"),
    ]
    newer = [file.name for file in sources if file.stat().st_mtime > built]
    assert newer == [], "build the docs again"


class Read(HTMLParser):
    """The links of a page, and its anchors."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links, self.anchors = [], {""}
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.links += [v for k, v in attributes.items() if k in ("href", "src") and v]
        self.anchors |= {v for k, v in attributes.items() if k in ("id", "name") and v}


@cache
def read(file):
    return Read(file)


def broken(file):
    """Yield the links of a page that lead nowhere within the book."""
    for link in read(file).links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
        anchored = target.suffix == ".html" and not parts.fragment.startswith("step=")
        if not target.is_file() or (anchored and parts.fragment not in read(target).anchors):
            yield link


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    assert list(broken(BOOK / page)) == []


def test_links_that_lead_nowhere_are_seen(tmp_path):
    links = ["page.html#there", "page.html#gone", "gone.html", "https://example.org", "#there"]
    text = "<p id='there'>" + "".join(f"<a href='{link}'></a>" for link in links)
    (tmp_path / "page.html").write_text(text)
    assert list(broken(tmp_path / "page.html")) == ["page.html#gone", "gone.html"]


def test_reference_has_every_public_name():
    found = set().union(*(read(file).anchors for file in (BOOK / "reference").glob("*.html")))
    elsewhere = {"view", "lab", "elsewhere", "MicrobnError"}  # rooms, and an error by its full name
    wanted = {f"microbn.{name}" for name in set(microbn.__all__) - elsewhere}
    assert {name for name in wanted if not {name, f"module-{name}"} & found} == set()
    assert "microbn.errors.MicrobnError" in found


WAYS = [(size, scheme) for size in (SIZE, PHONE) for scheme in ("light", "dark")]


@pytest.fixture(scope="module", params=WAYS, ids=lambda way: f"{way[0]['width']} wide, {way[1]}")
def tab(request, browser):
    """Open a window. ``troubles`` holds the reports of its pages."""
    size, scheme = request.param
    tab = browser.new_page(viewport=size, color_scheme=scheme, reduced_motion="reduce")
    tab.troubles = []
    own = ("console: [PST]", "console: Got invalid theme mode")  # what the theme itself says
    watch(tab, lambda said: said.startswith(own) or tab.troubles.append(said), BOOK.as_uri())
    yield tab
    tab.close()


# A cell whose sentence stands in a pile of words, and text that leaves the window.
ILLEGIBLE = """() => [...document.querySelectorAll("article :is(td, th, p, li, a)")].filter((e) => {
  const { width, height, right } = e.getBoundingClientRect();
  const em = parseFloat(getComputedStyle(e).fontSize);
  const said = e.matches("td, th") && e.innerText.length > 40;
  return (said && width < 7 * em && height > 15 * em) || (
    right > innerWidth + 1 && !e.closest("pre, div.mathematics, [class*=scroll]"));
}).map((e) => e.innerText)"""


@pytest.mark.parametrize("page", PAGES)
def test_page_opens_without_trouble_and_fits(page, tab):
    tab.troubles.clear()
    tab.goto((BOOK / page).as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert tab.evaluate(ILLEGIBLE) == []
    assert tab.locator("h1").count() > 0
    pictures = "[...document.images].filter((i) => i.complete && !i.naturalWidth).map((i) => i.src)"
    assert tab.evaluate(pictures) == []
    assert tab.locator("main img:not([alt])").count() == 0
    assert tab.troubles == []


def test_what_is_illegible_is_seen(tab):
    words = "a sentence of some words that a narrow cell piles up " * 5
    tables = (f"<table style='width: {w}em'><tr><td>{words}</table>" for w in (6, 20))
    wide = "<p style='width: 300em'>out of the window</p>"
    text = "".join(tables) + wide + f"<div class='scrolls'>{wide}</div>"
    tab.set_content(f"<main><article>{text}</article></main>")
    assert [text.split()[0] for text in tab.evaluate(ILLEGIBLE)] == ["a", "out"]


@pytest.mark.parametrize("page", ["index.html", "learn/start.html", "learn/by_hand.html"])
def test_stepper_is_live(page, tab):
    tab.goto((BOOK / page).as_uri())
    tab.locator("iframe.stepper").scroll_into_view_if_needed()
    frame = tab.frame_locator("iframe.stepper").first
    at = int(frame.locator("#slider").input_value())
    frame.locator("#next").click()
    await_step(frame, at + 1)


def test_mathematics_is_typeset_and_no_latex_is_left():
    page = (BOOK / "learn" / "by_hand.html").read_text("utf-8")
    assert page.count("<math") > 30
    assert "\\frac" not in page
    assert "mathjax" not in page.lower()


def test_a_stage_links_to_its_step(tab):
    tab.goto((BOOK / "learn" / "by_hand.html").as_uri())
    with tab.expect_popup() as opened:
        tab.get_by_role("link", name="(step 18)").click()
    await_step(opened.value, 18)
    assert "centered" in opened.value.text_content("#sentence")
    opened.value.close()


def test_a_composition_opens_and_shows_what_it_is_made_of(tab):
    tab.goto((BOOK / "learn" / "composed.html").as_uri())
    entry = tab.locator("[id='np.var']")
    assert "mean(square(x - mean(x, keepdims=True)))" in entry.locator("summary").inner_text()
    assert not entry.locator("pre").is_visible()
    entry.locator("summary").click()
    assert "square = np.square(x - center)" in entry.locator("pre").inner_text()


CHAPTERS = ("by_hand", "purpose", "composed", "pytorch")
OURS = ["index.html", "gallery/index.html", *(f"learn/{page}.html" for page in CHAPTERS)]


@pytest.mark.parametrize("page", OURS)
def test_text_of_ours_is_accessible(page, tab):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is missing")
    tab.goto((BOOK / page).as_uri())
    found = axe.Axe().run(tab, context="main article").response["violations"]
    assert [violation["id"] for violation in found] == []
