"""A page without Python fetches it, from one server, and runs only what is pinned."""

import re

import pytest
from driven import Driven
from server import serving

from microbn.workshop.building import workshop
from microbn.workshop.distribution import distribution

FILES = [file["name"] for file in distribution().files]
LATE = FILES[-1]
# Keeps what the page says of its start, and counts the workers that it makes.
SAID = """
window.said = [];
new MutationObserver(() => {
  const words = document.getElementById("state")?.textContent;
  if (words && words !== said.at(-1)) said.push(words);
}).observe(document, { subtree: true, childList: true, characterData: true });
window.workers = 0;
window.Worker = class extends Worker {
  constructor(...given) {
    workers += 1;
    super(...given);
  }
};
"""
WITHOUT_SUBTLE = "Object.defineProperty(crypto, 'subtle', { value: undefined })"


@pytest.fixture
def server(pyodide):
    with serving(pyodide) as one:
        yield one


@pytest.fixture
def stranger(tmp_path):
    """Return another server, which nothing may ask."""
    (tmp_path / "x.js").write_text("1")
    with serving(tmp_path) as one:
        yield one
        assert one.asked == []


@pytest.fixture
def opened_from(browser, tmp_path):
    """Return a function that opens a page whose Python comes from a server."""
    pages = []

    def open_page(server, script=SAID):
        file = workshop(tmp_path / "fetching.html", pyodide=server.address)
        pages.append(Driven(browser, file, server.address, script=script))
        return pages[-1]

    yield open_page
    for page in pages:
        page.close()


def test_the_page_fetches_python_says_so_and_goes_on_after_a_failure(server, stranger, opened_from):
    server.faults[LATE] = "missing"
    page = opened_from(server)
    assert page.boot() == f"{LATE} cannot be fetched: {server.address} answers 404."
    assert page.page.evaluate("() => workers") == 0
    server.faults.clear()
    assert page.boot() == ""
    others = [name for name in FILES if name != LATE]
    assert server.asked.count(LATE) > 1  # the page starts by itself, and on a slow day once more
    assert [server.asked.count(name) for name in others] == [1] * len(others)
    own = ("file:", "blob:", server.address)
    assert [asked for asked in page.requests if not asked.startswith(own)] == []
    said = page.page.evaluate("() => said").copy()
    host = re.escape(server.address.split("/")[2])
    for name in FILES:
        fetching = rf"Fetching {re.escape(name)}, [\d.]+ MB, from {host}"
        assert any(re.match(fetching, words) for words in said), said
        assert any(f"Comparing the SHA-256 of {name}" in words for words in said), said
    assert page.value("import numpy; value = numpy.arange(3).sum().item()") == 3
    check_that_nothing_else_is_reached(page, stranger.address)


def check_that_nothing_else_is_reached(page, address):
    """Try another server from the page, and from Python. It must not hear of either."""
    fetching = "(from) => fetch(from).then(() => 'reached', ({ name }) => name)"
    assert page.page.evaluate(fetching, f"{address}x.js") == "TypeError"
    tries = f"""
import js
from pyodide.ffi import JsException
def ask():
    asking = js.XMLHttpRequest.new()
    asking.open("GET", {address!r}, False)
    asking.send()
value = []
for attempt in (ask, lambda: js.importScripts({f"{address}x.js"!r})):
    try:
        value.append(str(attempt()))
    except JsException as error:
        value.append(error.name)
"""
    assert page.value(tries) == ["NetworkError", "NetworkError"]


@pytest.mark.parametrize("name", FILES)
def test_a_file_with_one_byte_changed_is_not_run(server, opened_from, name):
    server.faults[name] = "spoiled"
    page = opened_from(server)
    assert page.boot() == (
        f"{name} from {server.address} is not the file that was tested: its SHA-256 differs. "
        "It was not run."
    )
    assert page.page.evaluate("() => workers") == 0


def test_a_server_that_goes_away_in_the_middle_is_told_of(server, opened_from):
    server.faults["pyodide.asm.js"] = "cut"
    page = opened_from(server)
    told = f"pyodide.asm.js cannot be fetched whole from {server.address}: it ended after"
    assert re.fullmatch(rf"{re.escape(told)} \d+ bytes\.", page.boot())
    assert page.page.evaluate("() => workers") == 0


def test_a_server_that_is_not_there_is_told_of(pyodide, opened_from):
    with serving(pyodide) as server:
        pass
    told = f"pyodide.js cannot be fetched from {server.address}."
    assert opened_from(server).boot() == told


def test_a_server_cannot_send_the_page_to_another(server, stranger, opened_from):
    server.faults["pyodide.js"] = f"{stranger.address}x.js"
    told = f"pyodide.js cannot be fetched from {server.address}."
    assert opened_from(server).boot() == told


def test_a_browser_that_cannot_compare_hashes_fetches_nothing(server, opened_from):
    page = opened_from(server, SAID + WITHOUT_SUBTLE)
    assert page.boot().startswith("this browser cannot compare files on a page that came by http: ")
    assert server.asked == []
