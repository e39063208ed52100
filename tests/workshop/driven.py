"""Drive the page of a workshop: run code in its Python, and read what comes of it."""

import io
import json
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from browser import await_that, watch

# Leaves a value as the story, since that is what a page gets back from the code that it runs.
TOLD = """
import json
class Told:
    def page(self):
        return json.dumps(value)
story = Told()
"""
# Calls a function of inside.py. Whoever waits for the answer waits five minutes at most.
BEGIN = """([name, given]) => {
  const late = new Promise((done) => setTimeout(done, 300_000, { failed: "no answer" }));
  const answer = python.call(name, given).catch(({ message }) => ({ failed: message }));
  window.answer = Promise.race([answer, late]);
}"""


# Keeps what Python prints, as the page gets it.
HEAR = """
window.heard = [];
window.Worker = class extends Worker {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data }) => heard.push(...(data.texts ?? [])));
  }
};
"""


class Driven:
    """A page of a workshop. Its window has no network unless the page has an ``own`` server."""

    def __init__(self, browser, file: Path, own: str = "", script: str = "") -> None:
        self.troubles, self.requests = [], []
        self.context = browser.new_context(offline=not own)
        self.context.set_default_timeout(60_000)
        self.context.add_init_script(HEAR + script)
        self.page = self.context.new_page()
        self.page.on("request", lambda asked: self.requests.append(asked.url))
        watch(self.page, self.troubles.append, ("file:", "blob:", own or "file:"))
        self.page.goto(file.as_uri())

    def boot(self) -> str:
        """Wait until Python has started. Return "", or the sentence that says why it did not."""
        return self.page.evaluate(
            "() => python.start().then(() => python.call('run_code', ['first.py', '']))"
            ".then(() => '', ({ message }) => message)"
        )

    def await_ready(self) -> None:
        """Wait until Python has started and nothing runs that the page itself began."""
        await_that(self.page, lambda: self.page.evaluate("now.phase") == "ready")

    def press_run(self) -> None:
        """Press Run, and wait until the story stands in the frame that it will keep."""
        self.await_ready()
        self.page.click("#run")
        self.await_ready()

    def begin(self, code: str, name: str = "mine.py") -> None:
        """Begin to run code, and do not wait for it."""
        self.page.evaluate("() => (heard = [])")
        self.page.evaluate(BEGIN, ["run_code", [name, code]])

    def run(self, code: str, name: str = "mine.py") -> dict:
        """Run code. Return its story, the line of its error, and its milliseconds."""
        self.begin(code, name)
        return self.page.evaluate("() => window.answer")

    def value(self, code: str, name: str = "mine.py"):
        """Run code. Return what it calls ``value``."""
        result = self.run(code + TOLD, name)
        assert result.get("story"), self.printed() or result
        return json.loads(result["story"])

    def printed(self) -> str:
        """Return what the last code has printed until now."""
        return self.page.evaluate("() => heard.map(({ text }) => text).join('')")

    def close(self) -> None:
        self.context.close()


def natively(code: str):
    """Run code here. Return what it calls ``value``, as it would come from the page."""
    names = {"__name__": "__main__"}
    exec(compile(code, "mine.py", "exec"), names)
    return json.loads(json.dumps(names["value"]))


def zipped(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with ZipFile(held, "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()
