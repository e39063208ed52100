"""The page from the back row: the size of its type, its views, and how it uses the room."""

import numpy as np
import pytest
import stories
from browser import PHONE, SIZE, await_that, look
from stories import shown

import microbn as mb
from microbn import Tensor
from microbn.cli.examples import BUILT_IN
from microbn.cli.targets import graph
from microbn.lab import tour
from microbn.lab.data import digits
from microbn.view import story

LARGE = {"width": 1920, "height": 1080}
PT_10, PT_17 = 10 * 4 / 3, 17 * 4 / 3  # in pixels of CSS


def built_in(target):
    return story(*graph(target), title=target)


@pytest.fixture(params=["", "p", "pz"], ids=["whole", "presenting", "presenting the whole"])
def keys(request):
    return request.param


def view(opened, story, keys="", **options):
    page = opened(story, **options)
    for key in keys:
        page.keyboard.press(key)
    return page


# --- type

TYPE = """selector => [...document.querySelectorAll(selector)]
  .filter((one) => one.textContent && one.getClientRects().length)
  .map((one) => parseFloat(getComputedStyle(one).fontSize))"""
GRAPH_TYPE = """() => {
  const svg = document.querySelector("#graph svg");
  const scale = svg.width.baseVal.value / svg.viewBox.baseVal.width;
  return [...svg.querySelectorAll("text")].map(
    (text) => scale * parseFloat(getComputedStyle(text).fontSize));
}"""


@pytest.mark.parametrize("target", BUILT_IN)
def test_sentence_code_and_numbers_have_17_points_at_every_step(opened, keys, target):
    told = built_in(target)
    page = view(opened, told, keys)
    least = PT_10 if keys != "p" else PT_17
    look(page, 1)  # the page opens with the whole graph in sight, which may be smaller
    for step in told:
        look(page, step.number)
        assert min(page.evaluate(TYPE, "#sentence, pre, mark, td, .rule, .sign")) >= PT_17 - 0.1
        assert min(page.evaluate(GRAPH_TYPE)) >= least - 0.1


def test_type_grows_with_the_window(opened):
    sizes = [
        min(view(opened, stories.batch_norm(), viewport=size).evaluate(TYPE, "#sentence"))
        for size in (SIZE, LARGE)
    ]
    assert sizes[1] >= 1.4 * sizes[0]


CUT = """() => {
  const panel = document.getElementById("step");
  panel.scrollTop = 0;
  const [room, tables] = [panel.getBoundingClientRect(), document.getElementById("tables")];
  const needed = [document.getElementById("sentence"),
    ...tables.querySelectorAll(":scope > .tables:first-child figure, .card")];
  return needed.filter((one) => {
    const { bottom, right } = one.getBoundingClientRect();
    return bottom > room.bottom + 1 || right > room.right + 1;
  }).length;
}"""


def test_gradient_and_its_sums_are_seen_without_scrolling_at_every_step(opened, keys):
    told = built_in("batchnorm")
    page = view(opened, told, keys)
    for step in told:
        look(page, step.number)
        assert page.evaluate(CUT) == 0


def test_sums_that_are_cut_off_are_found(opened):
    page = view(opened, built_in("batchnorm"))
    look(page, 12)
    page.evaluate("document.getElementById('code').style.height = '400px'")
    assert page.evaluate(CUT) > 0


SCROLLS = "({ scrollHeight, clientHeight }) => scrollHeight - clientHeight"


def four_digits():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: the tour unchecked")
    with mb.trace():
        y = tour.batch_norm_on_digits(digits(seed=0), samples=4, features=2)
    dy = tour.cotangent(y)
    derived = {"x": tour.derived_by_stages(y, dy)["x"]}
    return story(y, dy, title="Batch norm of four digits", derived=derived)


@pytest.mark.parametrize("size", [SIZE, LARGE], ids=["1280", "1920"])
def test_batch_norm_is_seen_whole_without_scrolling(opened, keys, size):
    for told in (built_in("batchnorm"), four_digits()):
        page = view(opened, told, keys, viewport=size)
        for step in told:
            look(page, step.number)
            assert page.locator("#step").evaluate(SCROLLS) == 0


def name(letter):
    return letter * 61


@pytest.mark.parametrize("size", [SIZE, PHONE], ids=["1280", "phone"])
def test_long_names_do_not_scroll_the_panel_sideways(opened, size):
    x, u, v = (Tensor(np.ones(n), name(letter)) for letter, n in zip("xuv", (3, 1, 3), strict=True))
    with mb.scope(name("s")):
        told = story((x * u + x * v).sum())
    page = view(opened, told, viewport=size)
    for step in told:
        look(page, step.number)
        parts = ["#step", "#tables figure"] if size == SIZE else ["#step"]
        for part in parts:
            wide = page.locator(part).evaluate_all(
                "all => all.filter((one) => one.scrollWidth > one.clientWidth + 1).length"
            )
            assert wide == 0


MEETING = """() => {
  const parts = [...document.querySelectorAll(
    "#top, #sentence, #code > *, #tables figure, #tables h2, .sign")].filter(
    (part) => part.getClientRects().length);
  const boxes = parts.map((part) => part.getBoundingClientRect());
  return boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1)).length;
}"""


@pytest.mark.parametrize("target", ["batchnorm", "mlp"])
def test_nothing_in_the_panel_overlaps(opened, keys, target):
    told = built_in(target)
    page = view(opened, told, keys)
    for step in told:
        look(page, step.number)
        assert page.evaluate(MEETING) == 0


def test_overlapping_parts_are_found(opened):
    page = view(opened, built_in("batchnorm"))
    look(page, 12)
    page.evaluate("document.getElementById('code').style.marginBottom = '-40px'")
    assert page.evaluate(MEETING) > 0


STAYS = """() => {
  const figure = [...document.querySelectorAll("#tables figure")]
    .find((one) => one.scrollWidth > one.clientWidth + 20);
  const left = () => [...figure.querySelectorAll("caption span, th, td")].map(
    (one) => one.getBoundingClientRect().left);
  const before = left();
  figure.scrollLeft = 1000;
  const after = left();
  const kinds = [...figure.querySelectorAll("caption span, th, td")].map((one) => one.tagName);
  return kinds.map((kind, i) => [kind, before[i] === after[i]]);
}"""


def test_wide_table_scrolls_under_its_name_and_the_labels_of_its_rows(opened):
    x = Tensor(np.full((2, 2, 16), -0.00123456), "x")
    page = view(opened, story(x * x, np.ones(x.shape)))
    look(page, 1)
    found = page.evaluate(STAYS)
    assert {kind for kind, _ in found} == {"SPAN", "TH", "TD"}
    assert all(stays == (kind != "TD") for kind, stays in found)


# --- room

FILLED = """() => {
  const [panel, main] = ["step", "main"].map((id) =>
    document.getElementById(id).getBoundingClientRect());
  const all = document.querySelectorAll("#step p, #step pre, #step figure, #step h2");
  const low = Math.max(...[...all].map((one) => one.getBoundingClientRect().bottom));
  return [(Math.min(low, panel.bottom) - panel.top) / main.height, panel.height / main.height];
}"""


@pytest.mark.parametrize("target", ["neuron", "batchnorm", "mlp"])
def test_panel_is_never_mostly_empty(opened, keys, target):
    told = built_in(target)
    page = view(opened, told, keys)
    for step in told:
        look(page, step.number)
        filled, panel = page.evaluate(FILLED)
        assert filled > 0.5 or panel < filled + 0.05
        assert filled > 0.4


def test_panel_that_is_mostly_empty_is_found(opened):
    page = view(opened, built_in("neuron"))
    look(page, 3)
    page.evaluate("document.getElementById('tables').replaceChildren()")
    filled, panel = page.evaluate(FILLED)
    assert filled < 0.4
    assert panel > 0.9


# --- views


def views(page):
    """Return whether presenter's mode is on, and whether the graph is in focus."""
    return page.is_hidden("footer"), "near" in page.get_attribute("#graph svg", "class")


def test_p_presents_with_the_focus_and_z_shows_the_whole_graph(opened):
    page = opened(stories.batch_norm(), "#step=4")
    assert views(page) == (False, False)
    for key, there in [
        ("p", (True, True)), ("z", (True, False)), ("z", (True, True)), ("p", (False, False)),
        ("z", (False, True)), ("p", (True, True)), ("Escape", (False, False)),
        ("Escape", (False, False)),
    ]:  # fmt: skip
        page.keyboard.press(key)
        assert views(page) == there
    page.keyboard.press("p")
    page.keyboard.press("ArrowRight")
    assert look(page).at == 5


def test_buttons_present_and_focus_and_say_which_view_is_on(opened):
    page = opened(stories.batch_norm(), "#step=4")
    page.click("#near")
    assert views(page) == (False, True)
    assert page.get_attribute("#near", "aria-pressed") == "true"
    page.click("#present")
    assert views(page) == (True, True)
    page.click("#leave")
    assert views(page) == (False, False)
    assert page.get_attribute("#near", "aria-pressed") == "false"


@pytest.mark.parametrize("keys", ["z", "p", "pz"])
def test_step_is_saved_in_every_view(opened, tmp_path, keys):
    page = view(opened, stories.batch_norm(), keys)
    look(page, 12)
    with page.expect_download() as download:
        page.evaluate("document.getElementById('save').click()")
    text = shown(download.value.path().read_text(encoding="utf-8"))
    assert "centered" in text
    assert text.count('class="box') == len(look(page).boxes)


# --- rounding noise

INKED = """() => [...document.querySelectorAll("#tables td, #graph .heat rect:not(.rim)")].map(
  (one) => one.tagName === "TD" ? [one.closest("table").caption.textContent, one.textContent,
    getComputedStyle(one).backgroundColor] : [one.closest(".box").querySelector("text").textContent,
    "", getComputedStyle(one).fill])"""
WHITE = "rgb(255, 255, 255)"


def small(text):
    return text not in ("", "0") and abs(float(text)) < 1e-15


def test_rounding_noise_is_white_in_every_table_and_on_the_boxes(opened):
    told = built_in("mlp")
    page = view(opened, told)
    noise = 0
    for step in told:
        look(page, step.number)
        inked = page.evaluate(INKED)
        noise += sum(small(text) for _, text, _ in inked)
        assert all(colour == WHITE for _, text, colour in inked if small(text))
        if step.number == len(told) - 1:
            bias = [colour for name, _, colour in inked if name.startswith("hidden.bias")]
            weight = [colour for name, _, colour in inked if name.startswith("hidden.weight")]
            assert {*bias} == {WHITE}
            assert {*weight} > {WHITE} or WHITE not in weight
    assert noise >= 3


def test_noise_is_found_by_what_was_added_and_small_gradients_keep_their_colour(opened):
    x = Tensor(np.array([1.0, 2.0, 3.0]) / 3, "x")
    tiny = story(np.sum(x * 1e-17))
    kept = [one for one in tiny.data()["tables"] if one["rows"] == [["1e-17"] * 3]]
    assert kept
    assert all(one["noise"] < 1e-25 for one in kept)
    a, b = Tensor(np.full(3, 0.1), "a"), np.array([0.1, 0.2, -0.3 + 3e-17])
    cancels = story(np.sum((a.sum() + np.zeros(3)) * b))
    page = view(opened, cancels)
    look(page, len(cancels) - 1)
    inked = [(text, colour) for name, text, colour in page.evaluate(INKED) if name.startswith("da")]
    assert inked
    assert all(text == "0" or small(text) for text, _ in inked)
    assert {colour for _, colour in inked} == {WHITE}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_noise_goes_on_through_the_rules_that_it_is_given_to(dtype):
    a = Tensor(np.array([0.1, 0.2, 0.3], dtype), "a")
    weights = np.array([0.1, 0.2, -0.3], dtype)
    told = story(np.sum((np.sum(a * dtype(5)) + np.zeros(3, dtype)) * weights))
    tables = told.data()["tables"]
    found = [t for t in tables if t["noise"] and t["dtype"] == np.dtype(dtype).name]
    assert any(
        all(abs(float(text)) <= t["noise"] for row in t["rows"] for text in row) for t in found
    )


def test_page_fills_again_when_the_window_changes(opened):
    page = opened(stories.batch_norm(), "#step=3")
    before = page.evaluate(TYPE, "#tables td")[0]
    page.set_viewport_size({"width": 1280, "height": 500})
    await_that(page, lambda: page.evaluate(TYPE, "#tables td")[0] < before)


# Puts a page into new frames that can reach nothing, one on top of the other, so that all are seen.
FRAMED = """async (page) => {
  for (let i = 0; i < 15; i++) {
    const frame = document.createElement("iframe");
    Object.assign(frame, { sandbox: "allow-scripts", srcdoc: page, width: 730, height: 680 });
    const loaded = new Promise((done) => { frame.onload = done; });
    frame.style.setProperty("position", "fixed");
    document.body.append(frame);
    await loaded;
  }
}"""
HEIGHT = "document.querySelector('#graph svg').getBoundingClientRect().height"


def test_graph_fills_a_frame_that_gets_its_size_late(browser):
    page = browser.new_page()
    page.evaluate(FRAMED, stories.batch_norm().page())
    frames = page.frames[1:]
    assert len(frames) == 15
    await_that(page, lambda: min(frame.evaluate(HEIGHT) for frame in frames) > 200)
    page.close()
