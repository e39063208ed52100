"""Notebooks: one with a story and a drawing is run, exported and opened; the book's are run."""

import html
import re
from pathlib import Path

import pytest
import stories
from browser import SIZE, await_step
from shown import blocks, same

from microbn import Tensor
from microbn.view import dot

CELLS = [
    "import numpy as np, microbn as mb\nx = mb.Tensor(np.ones((3, 2)), 'x')\ny = (x * x + x).sum()",
    "mb.view.story(y)",
    "mb.draw(y)",
]


DOCS = Path(__file__).parents[2] / "docs"
WHY = "no Jupyter is installed: notebooks unchecked"
# A demo's notebook has no command line for --quick, so this asks for the quick form.
QUICKLY = """\
from microbn.lab import demo

def quick(*args, options=demo.options, **kwargs):
    found = options(*args, **kwargs)
    found.quick, found.seeds = True, found.seeds[:2]
    return found

demo.options = quick
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run a notebook as a student would, with settings and sockets of its own."""
    nbclient = pytest.importorskip("nbclient", reason=WHY)
    pytest.importorskip("ipykernel", reason=WHY)
    folder = tmp_path_factory.mktemp("notebook")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
            patch.setenv(name, str(folder / name.lower()))
        yield lambda notebook: nbclient.NotebookClient(notebook, timeout=300).execute()


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    """Run the notebook, export it as HTML and return the path."""
    nbformat = pytest.importorskip("nbformat", reason=WHY)
    exporters = pytest.importorskip("nbconvert.exporters", reason=WHY)
    notebook = run(nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, CELLS)]))
    text, _ = exporters.HTMLExporter(template_name="lab").from_notebook_node(notebook)
    file = tmp_path_factory.mktemp("exported") / "notebook.html"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def trusted(exported, browser):
    """Open the notebook as somebody who trusts it. Requests to the network are refused."""
    page = browser.new_page(viewport=SIZE)
    page.route(lambda address: not address.startswith("file:"), lambda route: route.abort())
    page.goto(exported.as_uri())
    yield page
    page.close()


def test_story_is_stepped_through_in_its_cell(trusted):
    [_, frame] = trusted.frames
    assert frame.text_content("#sentence") == "Given: x (3, 2)."
    frame.click("#next")
    await_step(frame, 1)
    for key, number in {"ArrowRight": 2, "End": 6, "PageUp": 5, "b": 4, "Home": 0}.items():
        trusted.keyboard.press(key)
        await_step(frame, number)


def test_step_is_saved_out_of_its_cell(trusted):
    with trusted.expect_download() as download:
        trusted.frames[1].click("#save")
    assert re.fullmatch(r"step\d\.svg", download.value.suggested_filename)
    assert "<svg" in download.value.path().read_text(encoding="utf-8")


def test_frame_can_reach_neither_the_notebook_nor_the_network(trusted):
    [_, frame] = trusted.frames
    reach = "() => { try { return parent.document.title } catch { return 'refused' } }"
    ask = "() => fetch('https://example.invalid').then(() => 'answered', () => 'refused')"
    assert frame.evaluate(reach) == "refused"
    assert frame.evaluate(ask) == "refused"
    assert frame.evaluate("origin") == "null"


def test_trusted_notebook_shows_the_drawing_and_hides_the_advice_to_trust_it(trusted):
    if dot.renderers():
        assert trusted.locator("svg:has-text('sum')").first.is_visible()
    assert not trusted.is_visible(".microbn-untrusted")


# Does what JupyterLab's sanitizer does (@jupyterlab/apputils 4.7, sanitizer.js): it allows, among
# others, div, p, pre and img with class, alt and src; it removes iframe, script and style.
SANITIZE = """(text) => {
  const whole = new DOMParser().parseFromString(text, "text/html").body;
  whole.querySelectorAll("iframe, script, style").forEach((element) => element.remove());
  for (const element of whole.querySelectorAll("*"))
    for (const { name } of [...element.attributes])
      if (!["class", "alt", "src"].includes(name)) element.removeAttribute(name);
  return whole.innerHTML;
}"""


@pytest.fixture
def untrusted(browser):
    """Show the rest of a story that is left in a notebook that is not trusted."""
    page = browser.new_page(viewport=SIZE)

    def show(story):
        page.set_content(page.evaluate(SANITIZE, story._repr_html_()), wait_until="load")
        return page

    yield show
    page.close()


def test_untrusted_notebook_says_how_to_trust_it_and_shows_a_picture(untrusted):
    page = untrusted(stories.batch_norm())
    assert page.get_by_text("trust this notebook").is_visible()
    assert page.locator("iframe, script, style").count() == 0
    if dot.renderers():
        image = page.locator("img")
        assert image.is_visible()
        assert image.evaluate("image => image.naturalWidth") > 100
        assert image.get_attribute("alt")


def none(format="svg"):
    return []


def failing(format="svg"):
    return [["false"]]


def missing(format="svg"):
    return [["no-such-program-as-this"]]  # raises OSError, as if dot had just been uninstalled


@pytest.mark.parametrize("renderers", [none, failing, missing])
def test_story_is_told_in_text_if_nothing_can_draw_it(monkeypatch, renderers):
    monkeypatch.setattr(dot, "renderers", renderers)
    story = stories.told(Tensor(1.0, "<b>&") * 2.0)
    shown = story._repr_html_()
    assert "trust this notebook" in shown
    assert f"<pre>{html.escape(str(story))}</pre>" in shown


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def read(file):
    """Read a notebook that the build of the docs has written."""
    nbformat = pytest.importorskip("nbformat", reason=WHY)
    if not file.exists():
        pytest.skip("the docs are not built: their notebooks unchecked")
    return nbformat.read(file, as_version=4)


def test_start_page_is_a_notebook_that_prints_what_the_page_shows(run):
    notebook = read(DOCS / "learn" / "start.ipynb")
    assert not any(re.search(r"\{\w+\}|\.md\b|<!--|frame", cell.source) for cell in notebook.cells)
    cells = [cell for cell in run(notebook).cells if cell.cell_type == "code"]
    shown = blocks((DOCS / "learn" / "start.md").read_text(encoding="utf-8"))
    assert [cell.source + "\n" for cell in cells] == [code for code, _ in shown]
    for cell, (_, text) in zip(cells, shown, strict=True):
        assert same(printed(cell), text)
    html = [o.data.get("text/html", "") for c in cells for o in c.outputs if "data" in o]
    assert any("<iframe" in shown for shown in html)  # the live story


@pytest.mark.parametrize("demo", [path.stem for path in sorted(DOCS.glob("../demos/d*.py"))])
def test_demo_downloaded_from_the_gallery_runs(demo, run):
    notebook = read(DOCS / "gallery" / f"{demo}.ipynb")
    if demo > "d05":  # the later demos train; the first four are quick enough
        notebook.cells.insert(0, pytest.importorskip("nbformat").v4.new_code_cell(QUICKLY))
    last = run(notebook).cells[-1]
    assert "Held: " in printed(last)
