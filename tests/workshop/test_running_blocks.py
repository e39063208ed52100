"""Test the buttons of the book, on a small book of one chapter, in a real browser."""

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from browser import PHONE, SIZE, await_that, watch, with_axe
from shown import blocks

DOCS = Path(__file__).parents[2] / "docs"
CDN = "https://pyodide.example/"
CONF = f"""
import sys
sys.path.insert(0, {str(DOCS)!r})
extensions = ["myst_parser", "running"]
microbn_pyodide = {CDN!r}
"""
CHAPTER = """\
# A chapter

```python
import numpy as np
x = np.ones(2)
```

```python
print(x.sum())
```

```text
2.0
```

```python
import torch

net = torch.nn.Linear(2, 1)
```

```python
import microbn as mb

mb.story(np.sum(mb.Tensor(x, "x") * 3))
```

```python
print("first")
x @ np.ones(3)
```

```python
print("after")
```
"""
TREE = "```{toctree}\nlearn/page\nlearn/loop\nlearn/end\nlearn/flood\n```\n"
ENDING = """\
# A chapter that ends Python

```python
x = 1
```

```python
print(x)
```

```python
{}
```
"""
LOOP = ENDING.format('print("begun", flush=True)\nwhile True:\n    pass')
FLOOD = "# A flood\n\n```python\nfor i in range(300_000):\n    print(i)\n```\n"
END = ENDING.format("import os\n\nos._exit(3)")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """Build a book of chapters, and one page that is no chapter."""
    pytest.importorskip("sphinx", reason="Sphinx is not installed: the buttons unchecked")
    pytest.importorskip("myst_parser", reason="myst-parser is not installed: the buttons unchecked")
    (source := tmp_path_factory.mktemp("book") / "source").mkdir()
    (source / "learn").mkdir()
    (source / "conf.py").write_text(CONF)
    for name, text in {"page": CHAPTER, "loop": LOOP, "end": END, "flood": FLOOD}.items():
        (source / "learn" / f"{name}.md").write_text(text)
    (source / "index.md").write_text(f"# Start\n\n```python\n1\n```\n\n{TREE}")
    out = source.parent / "html"
    subprocess.run([sys.executable, "-m", "sphinx", "-q", "-W", source, out], check=True)
    return out


@pytest.fixture
def chapter(book, browser, pyodide):
    """Open the chapter. Pyodide's files come from the folder. The test ends without a trouble.

    A request that a test aborts is no trouble, and the browser's console tells of it as well.
    """
    troubles, contexts = [], []
    expected = "request", "console: Failed to load resource"

    def open_chapter(address=None, **options):
        contexts.append(context := browser.new_context(**{"viewport": SIZE, **options}))
        context.set_default_timeout(30_000)
        context.route(f"{CDN}**", lambda route: answer(route, pyodide))
        context.route("http://book.example/**", lambda route: answer(route, book))
        page = context.new_page()
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        watch(page, lambda said: said.startswith(expected) or troubles.append(said), "file://")
        page.goto(address or (book / "learn" / "page.html").as_uri())
        return page

    yield open_chapter
    for context in contexts:
        context.close()
    assert troubles == []


def answer(route, folder):
    path = re.sub(r"^https?://[^/]+/|\?.*$", "", route.request.url)
    headers = {"Access-Control-Allow-Origin": "*"}
    route.fulfill(path=folder / path, headers=headers)


def press(page, number):
    """Press the button under a block. Wait until it can be pressed again, and return its state."""
    button = page.locator("div.run button").nth(number)
    button.click()
    await_that(page, lambda: button.is_enabled() and button.inner_text() == "Run")
    return page.locator("div.run [role=status]").nth(number).inner_text()


def printed(page):
    """Return what stands below each block that ran, by its number."""
    texts = page.locator("div.ran").evaluate_all("all => all.map((each) => each.innerText)")
    return {number: text.strip() for number, text in enumerate(texts) if text}


def test_a_reader_who_runs_nothing_fetches_nothing(chapter):
    page = chapter()
    assert page.locator("div.run button").all_inner_texts() == ["Run"] * 5
    assert page.locator("div.run").nth(2).inner_text().endswith("page, which lacks torch.")
    assert not [url for url in page.asked if "python" in url.split("/")[-1] or CDN in url]


def test_what_stands_above_runs_first_and_only_once(chapter):
    page = chapter()
    assert press(page, 1).startswith("It took 0.")
    assert printed(page) == {0: "It printed nothing.", 1: "It printed the same as above:\n\n2.0"}
    assert press(page, 2).startswith("It took ")
    page.frame_locator("iframe").locator("#next").click()
    assert [url for url in page.asked if url.startswith(CDN)] == [*dict.fromkeys(page.asked)][-5:]


def test_an_error_has_its_line_and_what_stands_below_does_not_run(chapter):
    page = chapter()
    assert press(page, 4) == "A block above has an error, so this one did not run."
    assert (
        page.locator("div.run [role=status]").nth(3).inner_text()
        == "Line 2 of this block raised an error."
    )
    assert "first\nTraceback" in printed(page)[3]
    assert "ValueError" in printed(page)[3]
    assert 4 not in printed(page)


def test_a_flood_is_cut_as_in_the_workshop(chapter, book):
    page = chapter((book / "learn" / "flood.html").as_uri())
    press(page, 0)
    _, _, cut, *_, last = printed(page)[0].splitlines()
    assert last == "299999"
    assert int(re.fullmatch("… (.*) lines were cut here", cut)[1].replace(",", "")) > 298_000


def test_a_loop_without_an_end_is_stopped_and_the_blocks_above_run_again(chapter, book):
    page = chapter((book / "learn" / "loop.html").as_uri())
    button = page.locator("div.run button").nth(2)
    button.click()
    await_that(page, lambda: "begun" in printed(page).get(2, ""))
    assert button.inner_text() == "Stop"
    assert button.evaluate("(button) => button === document.activeElement")
    page.keyboard.press("Enter")
    await_that(page, lambda: button.inner_text() == "Run")
    assert page.locator("div.run [role=status]").nth(2).inner_text() == "stopped"
    assert press(page, 1).startswith("It took ")
    assert printed(page)[1].endswith("1")


def test_after_pythons_own_end_the_blocks_above_run_again(chapter, book):
    page = chapter((book / "learn" / "end.html").as_uri())
    assert press(page, 2).startswith("Python ended, and starts again")
    assert press(page, 1).startswith("It took ")
    assert printed(page)[1].endswith("1")


def test_a_page_that_came_over_http_says_why_nothing_runs(chapter):
    page = chapter("http://book.example/learn/page.html")
    assert "http" in press(page, 0)
    assert not [url for url in page.asked if url.startswith(CDN)]


def test_a_file_that_cannot_be_had_is_named_and_the_next_press_tries_again(chapter):
    page = chapter()
    page.context.route(f"{CDN}*.wasm", lambda route: route.abort())
    assert re.search("pyodide.asm.wasm .* Look for the network and try again", press(page, 0))
    page.context.unroute(f"{CDN}*.wasm")
    assert press(page, 0).startswith("It took 0.")


@pytest.mark.parametrize("size", [SIZE, PHONE], ids=["projector", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_buttons_are_accessible(chapter, size, scheme):
    page = with_axe(chapter(viewport=size, color_scheme=scheme))
    press(page, 3)
    of = "axe.run({include: [['.run'], ['.ran']]}, {preload: false, iframes: false})"
    found = page.evaluate(f"{of}.then((r) => r.violations.map((v) => v.id))")
    assert found == []


def test_nothing_of_it_is_printed_on_paper(chapter):
    page = chapter()
    page.emulate_media(media="print")
    assert not page.locator("div.run").first.is_visible()


def test_only_blocks_of_a_chapter_have_a_button(book):
    assert 'class="run"' not in (book / "index.html").read_text()
    assert "running.js" not in (book / "index.html").read_text()


def test_the_book_offers_the_workshop(book):
    assert CDN in (book / "workshop.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def lacking():
    """Give the function that says what blocks lack."""
    pytest.importorskip("sphinx", reason="Sphinx is not installed: the buttons unchecked")
    return runpy.run_path(str(DOCS / "running.py"))["lacking"]


def test_a_block_needs_what_made_its_names(lacking):
    page = ["import torch as t, os\nnet = t.nn", "y = net(2)", "os", "net = 3\nprint(y)", "net"]
    assert lacking(page) == [["torch"]] * 5
    assert lacking([*page, "import os\nnet = os.x.net", "net"])[5:] == [[], []]


def test_a_block_needs_what_its_calls_of_microbn_need(lacking):
    page = [
        "film = lab.film(net)",
        "drawing = mb.draw(y)",
        "from microbn.lab.train import fit\nfit(x)",
    ]
    assert lacking(page) == [["rich"], ["graphviz"], ["rich"]]


ONLY = """
import json, sys
import numpy
from shown import blocks, run

class Only:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in {"numpy", "microbn", *sys.stdlib_module_names}:
            raise ModuleNotFoundError(name, name=name)

def runs(code, space):
    try:
        run(code, space)
    except Exception:
        return False
    return True

sys.meta_path.insert(0, Only())
outcomes, saved = {}, sys.stdout
sys.stdout = sys.stderr
for file in sys.argv[1:]:
    space = {}
    text = open(file, encoding="utf-8").read()
    outcomes[file] = [runs(code, space) for code, _ in blocks(text)]
print(json.dumps(outcomes), file=saved)
"""


def test_blocks_that_run_without_other_packages_have_a_button_and_no_others(lacking, tmp_path):
    files = [str(file) for file in sorted(DOCS.glob("learn/*.md"))]
    path = os.pathsep.join(map(str, (DOCS.parent, DOCS.parent / "tests")))
    command, env = [sys.executable, "-c", ONLY, *files], {**os.environ, "PYTHONPATH": path}
    made = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, check=True)
    texts = {file: Path(file).read_text(encoding="utf-8") for file in files}
    offered = {
        f: [not some for some in lacking(code for code, _ in blocks(texts[f]))] for f in files
    }
    assert offered == json.loads(made.stdout)
    assert sum(map(sum, offered.values())) > 40
