"""The fixtures that all tests share, and the profiles of Hypothesis.

HYPOTHESIS_PROFILE chooses a profile: dev (the default), ci or thorough.
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
    """Mark the tests that need a browser, so that ``-m "not browser"`` leaves them out."""
    for item in items:
        for name in {"browser", "firefox"} & {*item.fixturenames}:
            item.add_marker(name)


@pytest.fixture(autouse=True)
def _rules_as_they_were():
    """Restore the rules after a test that adds or replaces one."""
    saved = [(table, dict(table)) for table in (RULES, CALLS)]
    yield
    for table, before in saved:
        table.clear()
        table.update(before)


@pytest.fixture
def graphviz():
    """Skip the test if nothing can draw a graph."""
    if not renderers():
        pytest.skip("neither dot nor pygraphviz is installed: pictures unchecked")


@pytest.fixture(scope="module")
def browser():
    """Run Chromium without a window until the module ends, since it keeps the event loop busy."""
    path = executable()
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is missing")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Open the pages of stories. No page may have reported anything by the end."""
    opened = Opened(browser, tmp_path)
    yield opened
    opened.close()
    assert opened.troubles == []
