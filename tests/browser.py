"""Open a page in a real browser, watch it for trouble, and read it as its user sees it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

SIZE = {"width": 1280, "height": 720}
PHONE = {"width": 390, "height": 844}

# One trip to the browser for each step: to go there and to read all that is shown.
LOOK = """(number) => {
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const texts = (selector, from) => all(selector, from).map((element) => element.textContent);
  const rect = (group) => {
    const side = (name) => Number(group.querySelector("rect").getAttribute(name));
    return { x: side("x"), y: side("y"), width: side("width"), height: side("height") };
  };
  const tables = (from) => all("table", from).map((table) => ({
    caption: table.caption.textContent,
    rows: [...table.rows].map((row) => all("td", row).map((td) => td.textContent || td.title)),
  }));
  const arrow = (edge, end) => /url\\((#.+)\\)/.exec(edge.getAttribute(`marker-${end}`))?.[1];
  const slider = document.getElementById("slider");
  if (number !== null) {
    slider.value = number;
    slider.dispatchEvent(new Event("input"));
  }
  return {
    at: Number(slider.value),
    sentence: document.getElementById("sentence").textContent,
    where: document.getElementById("where").textContent,
    words: document.getElementById("tables").innerText,
    marked: texts("#step mark"),
    tables: tables(document.getElementById("tables")),
    cards: all("#tables .card").map(tables),
    boxes: all("#graph svg .box").map((box) => ({
      ...rect(box), id: box.dataset.id, now: box.classList.contains("now"),
      texts: texts("text", box), title: texts("title", box)[0],
    })),
    frames: all("#graph svg .frame").map((frame) => ({
      ...rect(frame), title: texts("text", frame)[0],
    })),
    edges: all("#graph svg .edge").map((edge) => {
      const numbers = edge.getAttribute("d").match(/-?[\\d.]+(e-?\\d+)?/g).map(Number);
      return {
        uses: edge.dataset.uses.split(" "), now: edge.classList.contains("now"),
        from: numbers.slice(0, 2), to: numbers.slice(-2),
        arrows: ["start", "end"].filter((end) => all(arrow(edge, end) ?? "none").length),
      };
    }),
    elements: all("img, script, iframe, [onerror]").length,
  };
}"""

# What axe-core objects to, by the names of these rules.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


# Of this document alone: what axe sends to a sandboxed frame is refused, and the console says so.
AXE = """tags => axe.run({ runOnly: tags, resultTypes: ["violations"], iframes: false })
  .then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map((n) => n.html)]))"""


def executable() -> str:
    """Return the path of a Chromium. Without one, skip the test."""
    for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return pytest.skip("no Chromium is installed: the page unchecked")


def watch(page, report: Callable[[str], None], own: str) -> None:
    """Report every error, message, dialog, window and request of a page.

    ``own`` is the beginning of addresses that the page may ask for.
    """
    page.on("pageerror", lambda error: report(f"error: {error}"))
    page.on("console", lambda message: report(f"console: {message.text}"))
    page.on("popup", lambda window: report(f"window: {window.url}"))
    page.on("dialog", lambda dialog: (report(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda asked: asked.url.startswith(own) or report(f"request: {asked.url}"))


def visits(browser, file: Path, granted: tuple[str, ...] = (), **options):
    """Yield a function that opens a file in a window of its own. No page may report anything.

    What begins with one of the words ``granted`` may be reported.
    """
    contexts, troubles = [], []

    def visit(**more):
        context = browser.new_context(**{"viewport": SIZE, **options, **more})
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        watch(page, troubles.append, file.as_uri())
        page.goto(file.as_uri())
        return page

    yield visit
    for context in contexts:
        context.close()
    assert [trouble for trouble in troubles if not trouble.startswith(granted)] == []


class Opened:
    """The pages of one test. ``troubles`` holds their reports."""

    def __init__(self, browser, folder: Path) -> None:
        self.browser, self.folder = browser, folder
        self.contexts, self.troubles = [], []

    def __call__(self, story, address: str = "", *, text: str | None = None, **options):
        """Open a window with the page of a story, or with ``text`` instead of that page."""
        file = story.save(self.folder / f"page{len(self.contexts)}.html")
        if text is not None:
            file.write_text(text, encoding="utf-8")
        context = self.browser.new_context(**{"viewport": SIZE, **options})
        context.set_default_timeout(10_000)
        self.contexts.append(context)
        page = context.new_page()
        watch(page, self.troubles.append, file.as_uri())
        page.goto(file.as_uri() + address)
        return page

    def close(self) -> None:
        for context in self.contexts:
            context.close()


def with_axe(page):
    """Return the page with axe-core in it; evaluate() passes the policy, which blocks scripts."""
    axe = pytest.importorskip("axe_playwright_python.base", reason="axe is not installed")
    page.evaluate(axe.AXE_SCRIPT)
    return page


def look(page, number: int | None = None) -> SimpleNamespace:
    """Move a page's slider to a step, and return everything that the page shows."""
    return SimpleNamespace(**page.evaluate(LOOK, number))


def at(page) -> int:
    """Return the number of the step that a page shows."""
    return int(page.input_value("#slider"))


def await_step(page, number: int) -> None:
    """Wait until a page shows a step. Fail after a while."""
    from playwright.sync_api import expect

    expect(page.locator("#slider")).to_have_value(str(number))


def await_that(page, holds: Callable[[], bool]) -> None:
    """Wait until something holds. Fail after a while. Playwright's own way needs eval."""
    for _ in range(1000):
        if holds():
            return
        page.evaluate("() => new Promise((done) => setTimeout(done, 10))")
    pytest.fail("it does not come about")
