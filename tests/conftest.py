"""Hypothesis profiles: HYPOTHESIS_PROFILE=dev (the default), ci or thorough; rules set back;
Graphviz and a browser, and a mark for what needs a browser.
"""

import os

import pytest
from browser import Opened, executable
from hypothesis import settings

from microbn.engine.primitive import CALLS, RULES
from microbn.view.dot import renderers

settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=2000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def pytest_collection_modifyitems(items):
    """Mark what needs a browser, so that ``-m "not browser"`` leaves it out."""
    for item in items:
        if "browser" in item.fixturenames:
            item.add_marker("browser")


@pytest.fixture(autouse=True)
def _rules_as_they_were():
    """A rule that a test adds or replaces is gone after it."""
    saved = [(table, dict(table)) for table in (RULES, CALLS)]
    yield
    for table, before in saved:
        table.clear()
        table.update(before)


@pytest.fixture
def graphviz():
    """Something that draws a graph, or else the test is skipped."""
    if not renderers():
        pytest.skip("neither dot nor pygraphviz is installed: pictures unchecked")


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window, until the module ends: it keeps the thread's event loop busy."""
    path = executable()
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is missing")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Opens the pages of stories. None of them may have reported anything by the end."""
    opened = Opened(browser, tmp_path)
    yield opened
    opened.close()
    assert opened.troubles == []
