"""Python in the page: it computes as here, it checks as here, and nothing that runs can break it.

The page runs in Chromium without a network. All tests share one, which starts Python once; those
that end Python stand last.
"""

import re

import inner
import numpy as np
import pytest
from browser import await_that
from driven import Driven, natively
from mistakes_of_d04 import program as mistakes
from programs import FLOAT32, PROGRAMS, START

from microbn.workshop.distribution import distribution

LARGEST = 15e6  # bytes of the file
ENGINE_LINES = 700


@pytest.fixture(scope="module")
def page(browser, workshop_file):
    driven = Driven(browser, workshop_file)
    assert driven.boot() == ""
    yield driven
    driven.close()


def test_the_page_is_one_file_of_15_megabytes_at_most(workshop_file):
    assert 5e6 < workshop_file.stat().st_size <= LARGEST


def test_the_page_asks_for_nothing_but_itself(page, workshop_file):
    assert {asked.split(":")[0] for asked in page.requests} == {"file", "blob"}
    assert [asked for asked in page.requests if asked.startswith("file")] == [
        workshop_file.as_uri()
    ]
    assert page.troubles == []


def test_python_and_numpy_have_the_versions_that_the_page_names(page):
    value = page.value("import sys, numpy; value = [sys.version.split()[0], numpy.__version__]")
    assert "Python {}, NumPy {}".format(*value) == distribution().versions


@pytest.mark.parametrize("name", [*PROGRAMS, "float32"])
def test_a_program_computes_the_numbers_that_it_computes_here(page, name):
    program = START + {**PROGRAMS, "float32": FLOAT32}[name]
    expected, found = natively(program), page.value(program)
    assert far(found, expected) <= 1e-14
    assert far(found, [np.multiply(one, 1 + 1e-13) for one in expected]) > 1e-14


def far(found, expected):
    """Return the largest difference, relative to the largest number of its array."""
    assert [np.shape(one) for one in found] == [np.shape(one) for one in expected]
    pairs = zip(found, expected, strict=True)
    return max(np.abs(np.subtract(x, y)).max() / np.abs(y).max() for x, y in pairs)


def test_the_checker_finds_the_mistakes_of_d04_with_the_same_words(page):
    found, expected = ({k: without_bars(v) for k, v in one.items()} for one in (
        page.value(mistakes()), natively(mistakes())
    ))  # fmt: skip
    assert found == expected
    assert found.pop("right")[0] is True
    assert [verdict for verdict, _, _ in found.values()] == [False] * 7
    assert all("Hint" in words for _, words, _ in found.values())


def without_bars(judged):
    """Leave out how far off a slope may be: a power of ten that depends on rounding."""
    right, words, pattern = judged
    return right, re.sub(r"(±|within) \S+", r"\1 …", words), pattern


def test_the_tests_of_the_engine_pass_there(page):
    value = page.value(inner.code())
    assert [test for test, outcome in value["outcomes"].items() if outcome == "failed"] == []
    assert value["status"] == 0
    assert value["lines"] >= ENGINE_LINES, f"{value['lines']} lines of the engine's tests ran"
    assert len(value["outcomes"]) > 400


DEEP = {
    "a graph": "import microbn as mb\nx = mb.Tensor(1.0)\nfor _ in range(100_000): x = x * 1.0",
    "a list": "x = []\nfor _ in range(100_000): x = [x]",
}


@pytest.mark.parametrize("name", DEEP)
def test_what_is_deep_can_be_freed(page, name):
    assert page.value(f"{DEEP[name]}\ndel x\nvalue = 1") == 1


RECURSIONS = {
    "Python's": "def f(): return f()",
    "through map": "def f(*_): return sum(map(f, [1]))",
    "through sorted": "def f(*_): return sorted([1], key=f)",
    "through NumPy": "import numpy as np\ndef f(*_): return np.vectorize(f)(1)",
}


@pytest.mark.parametrize("name", RECURSIONS)
def test_an_endless_recursion_is_an_error_of_python(page, name):
    assert "failed" not in page.run(f"{RECURSIONS[name]}\nf()")
    assert "RecursionError" in page.printed()
    assert page.value("value = 1") == 1


def test_an_error_is_printed_as_python_does_and_its_line_is_told(page):
    result = page.run("def f():\n    return 1 / 0\n\nf()\n")
    assert result["line"] == 2
    assert "ZeroDivisionError: division by zero" in page.printed()
    assert page.run("x = (1,\ny = 2\n")["line"] == 1  # a syntax error


def test_an_error_comes_after_what_was_printed_before_it(page):
    page.run("import sys\nprint('one')\nprint('two', file=sys.stderr)\nprint('three')\n1 / 0")
    order = "one.*two.*three.*ZeroDivisionError"
    assert re.search(order, page.printed(), re.DOTALL)


def test_megabytes_of_text_reach_the_page_in_few_pieces(page):
    page.run("for i in range(200_000):\n    print(i, 'x' * 20)\nprint('the last line')")
    assert page.printed().endswith("the last line\n")
    assert page.page.evaluate("() => heard.length") < 5000
    assert page.value("value = 1") == 1


def test_python_reaches_neither_eval_nor_another_script(page):
    tries = """
import js
from pyodide.ffi import JsException
value = []
for attempt in (lambda: js.eval("1"), lambda: js.Function.new("return 1")(),
                lambda: js.importScripts("https://example.invalid/x.js"),
                lambda: js.importScripts("data:text/javascript,1")):
    try:
        value.append(str(attempt()))
    except JsException as error:
        value.append(error.name)
"""
    assert page.value(tries) == ["EvalError", "EvalError", "NetworkError", "NetworkError"]


# Titles, names, scopes and lines of code that would be script elements if they were not escaped.
HOSTILE = """
import microbn as mb
name = "<script>window.hacked = 1</script>"
x = mb.Tensor([1.0, 2.0], name)
with mb.scope("<script>scope"):
    y = (x * 2.0).sum()  # <script>
"""


def test_no_name_becomes_a_script_of_a_story(page):
    hostile, harmless = (
        page.run(f"{code}\nstory = mb.story(y, title=name)")["story"]
        for code in (HOSTILE, HOSTILE.replace("<script>", "").replace("</script>", ""))
    )
    assert "window.hacked" in hostile
    assert hostile.count("<script") == harmless.count("<script")
    assert hostile.count("</script") == harmless.count("</script")


def test_a_story_is_shown_in_a_frame_that_reaches_nothing(page):
    page.press_run()
    assert page.page.query_selector("iframe")
    for frame in page.page.query_selector_all("iframe"):
        allowed = (frame.get_attribute("sandbox") or "everything").split()
        assert {*allowed} <= {"allow-scripts", "allow-downloads"}


BESIDE = """
import microbn as mb
x = mb.Tensor([1.0, 2.0], "x")
story = mb.view.beside(mb.story((x * x).sum()), mb.story((x * 2.0).sum()))
"""


def test_two_stories_in_step_are_shown_in_frames_of_the_frame(page):
    page.page.evaluate("(code) => now.exercise.editor.set(code)", BESIDE)
    page.press_run()
    for side in ("#left", "#right"):
        frame = page.page.frame_locator(".told:not([hidden]) iframe").frame_locator(side)
        frame.locator("#graph svg").first.wait_for()
    assert page.troubles == []


@pytest.mark.parametrize(
    ("prints", "last"),
    [
        ("for i in range(500): print(i)\nprint('before')", "before\n"),
        ("for i in range(5000): print(i)\nprint('before')", "before\n"),
        ("print('waiting', end='')", "waiting"),
    ],
    ids=["lines", "flood", "no end of line"],
)
def test_an_endless_loop_can_be_stopped_and_what_was_printed_is_kept(page, prints, last):
    page.begin(f"{prints}\nwhile True: pass")
    await_that(page.page, lambda: page.printed().endswith(last))
    page.page.evaluate("() => python.stop()")
    assert page.page.evaluate("() => window.answer") == {"failed": "stopped"}
    assert page.value("value = 1") == 1


# The tab of relu, its mistake mended, with another forward to which the backward belongs.
CHANGED = """async () => {
  turnToTab(exercises.findIndex(({ check }) => check === "relu"));
  const mended = now.exercise.code.replace("out >= 0", "out > 0");
  now.exercise.editor.set(mended.replace("np.maximum(x, 0)", "np.maximum(x, 0) + (x > 0)"));
  check();
  while (now.phase === "running") await new Promise((done) => setTimeout(done, 50));
  return $("verdict").textContent;
}"""


def test_a_changed_forward_is_not_called_right(page):
    told = "? The gradients agree, but the forward has changed: read the report."
    page.await_ready()
    assert page.page.evaluate(CHANGED) == told


ENDS = {"an exit": "import os\nos._exit(3)", "an abort": "import os\nos.abort()"}


@pytest.mark.parametrize("name", ENDS)
def test_python_comes_back_after_its_own_end(page, name):
    assert "Python ended, and starts again" in page.run(ENDS[name])["failed"]
    assert page.value("value = 1") == 1
