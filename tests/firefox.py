"""Firefox, driven by its own protocol: the page must not be made for Chromium alone."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from browser import LOOK, SIZE

# What Firefox itself has to say of a page: errors, and violations of its policy.
_REPORTS = "return Services.console.getMessageArray().map((report) => report.message)"


def executable() -> str:
    """Return the path of a Firefox. Without one, skip the test."""
    for name in ("firefox-esr", "firefox"):
        if path := shutil.which(name):
            return path
    return pytest.skip("no Firefox is installed: the page unchecked in it")


class Firefox:
    """A window of Firefox."""

    def __init__(self, driver: Any, keys: type) -> None:
        self.driver, self.keys = driver, keys

    def open(self, file: Path, address: str = "") -> None:
        """Open a file. The window's inside has the size of a projector."""
        self.driver.navigate("about:blank")  # another address in the same page loads nothing
        self.driver.navigate(file.as_uri() + address)
        outside = "return [outerWidth - innerWidth, outerHeight - innerHeight]"
        width, height = self.run(outside)
        self.driver.set_window_rect(width=SIZE["width"] + width, height=SIZE["height"] + height)

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page, and return what it returns."""
        return self.driver.execute_script(script, arguments)

    def look(self, number: int | None = None) -> SimpleNamespace:
        """Move the page's slider to a step, and return everything that the page shows."""
        return SimpleNamespace(**self.run(f"return ({LOOK})(arguments[0])", number))

    def press(self, *keys: str) -> None:
        """Press keys. A special key goes by its name, such as ARROW_RIGHT."""
        for key in keys:
            self.driver.get_active_element().send_keys(getattr(self.keys, key, key))

    def troubles(self, file: Path) -> list[str]:
        """Return what was reported of a page, and the addresses that it asked for."""
        with self.driver.using_context("chrome"):
            said = self.driver.execute_script(_REPORTS)
        entries = "return performance.getEntriesByType('resource').map((entry) => entry.name)"
        of_page = f'{{file: "{file.as_uri()}'  # not those of Firefox's own files
        return [text for text in said if of_page in text] + self.run(entries)


@contextmanager
def running() -> Iterator[Firefox]:
    """Start Firefox without a window, and quit it at the end."""
    package = "marionette_driver"
    driver = pytest.importorskip(f"{package}.marionette", reason=f"{package}, which drives Firefox")
    from marionette_driver.keys import Keys

    started = driver.Marionette(bin=executable(), headless=True, port=0, gecko_log="-")
    started.start_session()
    try:
        yield Firefox(started, Keys)
    finally:
        started.quit()
