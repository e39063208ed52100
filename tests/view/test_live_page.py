"""Changing numbers on the page by hand: cells, keys, sliders, and what is refused."""

import numpy as np
import pytest
import stories
from browser import PHONE, SIZE, at, look
from stories import told
from test_page_readers import AXE, RULES, with_axe

import microbn as mb
from microbn import Tensor, nn
from microbn.cli.examples import batchnorm_of_small_numbers
from microbn.view import story
from microbn.view.values import constant_number, number, short, table


def cells(page, name):
    """Return the texts of the table of a value."""
    (found,) = [t for t in look(page).tables if t["caption"].split(" (")[0] == name]
    return found["rows"]


def said(page):
    return page.inner_text("#changed")


def cell(page, name):
    return page.locator(f'td[aria-label^="{name}:"]')


# --- cells


def test_a_cell_is_clicked_typed_into_and_left_by_enter(opened):
    page = opened(stories.batch_norm())
    cell(page, "x[0, 1]").click()
    page.keyboard.type("2.5")
    page.keyboard.press("Enter")
    assert cells(page, "x")[0][1] == "2.5"
    assert said(page) == "x[0, 1] is 2.5; y changed."
    assert at(page) == 0
    assert page.evaluate("document.activeElement.dataset.cell") == "0 1"
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")
    assert at(page) == 1


def test_after_a_number_was_typed_the_other_keys_are_the_page_s(opened):
    page = opened(stories.batch_norm())
    cell(page, "x[0, 1]").click()
    page.keyboard.type("2.5")
    page.keyboard.press("Enter")
    page.keyboard.press("r")
    assert said(page) == "All numbers are as they were at first."
    page.keyboard.press("End")
    assert at(page) == len(stories.batch_norm()) - 1


def test_a_field_is_hardly_wider_than_its_number(opened):
    page = opened(told(Tensor([1.0, 2.0], "x") * 3.0))
    target = cell(page, "x[0]")
    before = target.bounding_box()["width"]
    target.click()
    assert page.locator("td input").bounding_box()["width"] < 2.5 * before
    page.keyboard.type("-12.3456789")
    fits = "document.activeElement.scrollWidth <= document.activeElement.clientWidth"
    assert page.evaluate(fits)


def test_the_sliders_cover_no_number(opened):
    with mb.trace():
        loss = batchnorm_of_small_numbers()
    page = opened(story(loss, derived={"x": np.zeros((4, 3))}))
    for place, typed in enumerate(("5", "-1", "2")):  # two rows are equal then
        cell(page, f"x[0, {place}]").click()
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
    page.keyboard.press("End")
    size = "parseFloat(getComputedStyle(document.querySelector('#tables td')).fontSize)"
    assert page.evaluate(size) > 16
    assert bottom(page, "#tables") <= page.locator("#live").bounding_box()["y"]


@pytest.mark.parametrize("size", [SIZE, PHONE], ids=["1280x720", "phone"])
@pytest.mark.parametrize("keys", ["", "m", "p", "pm", "mz"])
def test_the_sliders_cover_nothing_of_a_step_in_any_view(opened, keys, size):
    with mb.trace():
        loss = batchnorm_of_small_numbers()
    told = story(loss, derived={"x": np.zeros((4, 3))})
    page = opened(told, viewport=size)
    page.keyboard.press("c")
    for key in keys:
        page.keyboard.press(key)
    for step in told:
        look(page, step.number)
        assert page.evaluate(COVERED) == []


def test_sliders_that_cover_a_table_are_found(opened):
    page = opened(stories.batch_norm())
    page.keyboard.press("c")
    page.evaluate("document.getElementById('live').style.marginTop = '-400px'")
    assert page.evaluate(COVERED) != []


# What the bar lies on: what of it is seen, as the panel may be scrolled.
COVERED = """() => {
  const bar = document.getElementById("live").getBoundingClientRect();
  const panel = document.getElementById("step").getBoundingClientRect();
  const parts = document.querySelectorAll("#sentence, #code > *, #tables figure, #tables h2");
  return [...parts].filter((part) => {
    const { top, bottom } = part.getBoundingClientRect();
    return Math.min(bottom, panel.bottom) - Math.max(top, panel.top) > 0
      && Math.min(bottom, panel.bottom) > bar.top + 1;
  }).map((part) => part.textContent.slice(0, 40));
}"""


def bottom(page, selector):
    box = page.locator(selector).bounding_box()
    return box["y"] + box["height"]


def test_escape_leaves_a_number_as_it_was(opened):
    page = opened(stories.batch_norm())
    before = look(page).tables
    cell(page, "γ[2]").click()
    page.keyboard.type("7")
    page.keyboard.press("Escape")
    assert look(page).tables == before
    assert page.is_disabled("#reset")
    assert at(page) == 0


def test_a_click_on_another_cell_takes_the_number_and_begins_there(opened):
    page = opened(stories.batch_norm())
    cell(page, "x[0, 0]").click()
    page.keyboard.type("3")
    cell(page, "γ[1]").click()
    assert said(page) == "x[0, 0] is 3; y changed."
    page.keyboard.type("4")
    page.keyboard.press("Enter")
    assert cells(page, "x")[0][0] == "3"
    assert cells(page, "γ")[0][1] == "4"


def test_playing_stops_when_a_cell_is_clicked(opened):
    page = opened(stories.batch_norm())
    page.keyboard.press("Space")
    cell(page, "x[0, 0]").click()
    assert page.inner_text("#play") == "Play"


def test_arrow_keys_move_between_cells_and_a_digit_begins_a_number(opened):
    page = opened(stories.batch_norm())
    cell(page, "x[0, 0]").focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowUp", "ArrowLeft", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.dataset.cell") == "0 0"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.type("-1e-2")
    page.keyboard.press("Enter")
    assert cells(page, "x")[1][1] == "-0.01"
    assert at(page) == 0


def test_keys_that_are_typed_into_a_cell_do_not_step(opened):
    page = opened(stories.batch_norm(), "#step=3")
    look(page, 0)
    cell(page, "x[0, 0]").click()
    for key in ("b", "p", "Space", "Home", "ArrowLeft", "PageDown", "r", "c"):
        page.keyboard.press(key)
    assert at(page) == 0
    page.keyboard.press("Escape")
    assert not page.evaluate("document.body.classList.contains('present')")


@pytest.mark.parametrize("text", ["0,5", "two", "nan", "1e999", ""])
def test_what_is_no_number_is_refused_with_a_way_out(opened, text):
    page = opened(stories.batch_norm())
    before = cells(page, "x")
    cell(page, "x[0, 0]").click()
    page.fill("td input", text)
    page.keyboard.press("Enter")
    assert said(page) == f"“{text}” is no number; write 0.5 or 1e-3."
    page.keyboard.press("Escape")
    assert cells(page, "x") == before


def test_the_cotangent_can_be_changed_where_the_backward_starts(opened):
    story = stories.batch_norm()
    page = opened(story, f"#step={story.starts['backward']}")
    cell(page, "dy[0, 0]").click()
    page.keyboard.type("9")
    page.keyboard.press("Enter")
    assert said(page) == "dy[0, 0] is 9; dy changed."
    assert cells(page, "dy")[0][0] == "9"
    backward = story[story.starts["backward"]]
    shifted = backward.parts[1].gradient[0] + 9 - backward.gradient[0, 0]
    assert cells(page, "dβ")[0][0] == number(shifted)


def test_numbers_of_a_scalar_graph_are_changed_in_the_same_way(opened):
    page = opened(stories.fork())
    cell(page, "x").click()
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    assert look(page).sentence == "Given: x = 2."
    assert look(page, 2).sentence.endswith("which is 6.")


def test_a_large_array_says_that_it_is_too_large(opened):
    page = opened(told(np.tanh(Tensor(np.linspace(-1, 1, 40), "x"))))
    assert "This array is too large to be changed here." in look(page).words
    assert page.locator("[data-cell]").count() == 0


# --- sliders


def drag(page, name, share):
    """Move the slider of a number to a share of its way."""
    page.eval_on_selector(
        f'#live input[type=range][aria-label="{name}"]',
        """(range, share) => {
          const [low, high] = [Number(range.min), Number(range.max)];
          range.value = low + share * (high - low);
          range.dispatchEvent(new Event("input"));
        }""",
        share,
    )


def test_the_slider_of_epsilon_moves_by_powers_of_ten(opened):
    page = opened(stories.batch_norm(), "#step=5")
    page.keyboard.press("c")
    drag(page, "ε", 0)
    assert "ε = 1e-12" in look(page).sentence
    drag(page, "ε", 1)
    assert "ε = 10," in look(page).sentence
    assert "ε = 10" in [text for box in look(page).boxes for text in box["texts"]]
    assert page.get_attribute('#live [aria-label="ε"]', "aria-valuetext") == "10"
    assert said(page) == "ε is 10; σ² + ε changed."
    page.keyboard.press("r")
    assert "ε = 1e-05" in look(page).sentence
    assert said(page) == "All numbers are as they were at first."


@pytest.mark.parametrize(
    ("layers", "sliders"),
    [(1, ["ε"]), (2, ["ε of layers.0", "ε of layers.1"]), (6, ["ε of layers.0"])],
)
def test_of_many_constants_those_of_the_group_have_sliders_and_say_whose_they_are(
    opened, layers, sliders
):
    model = nn.Sequential(*(nn.BatchNorm(2) for _ in range(layers)))
    with mb.trace():
        one = told(model(Tensor([[1.0, 2.0], [3.0, 5.0]], "x")))
    page = opened(one)
    look(page, next(step.number for step in one if "plus ε" in step.sentence))
    page.keyboard.press("c")
    labels = page.locator("#live input[type=range]").evaluate_all(
        "all => all.map((one) => one.ariaLabel)"
    )
    assert sorted(labels) == sliders


def test_the_slider_of_a_cell_stays_when_the_step_changes(opened):
    page = opened(stories.batch_norm())
    cell(page, "γ[0]").click()
    page.keyboard.press("Escape")
    last = len(stories.batch_norm()) - 1
    before = look(page, last).tables
    drag(page, "γ[0]", 0.9)
    after = look(page)
    assert after.at == last
    assert after.tables != before
    page.click("#reset")
    assert look(page).tables == before


def test_a_slider_that_the_mouse_moved_gives_the_keys_back(opened):
    page = opened(stories.batch_norm(), "#step=5")
    page.keyboard.press("c")
    box = page.locator('#live input[type="range"][aria-label="ε"]').bounding_box()
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + box["height"] / 2)
    moved = said(page)
    assert moved.startswith("ε is ")
    page.keyboard.press("ArrowRight")
    assert (at(page), said(page)) == (6, moved)


def test_a_presenters_remote_goes_on_from_a_slider(opened):
    page = opened(stories.batch_norm(), "#step=5")
    page.keyboard.press("c")
    page.locator('#live input[type="range"][aria-label="ε"]').focus()
    page.keyboard.press("PageDown")
    assert (at(page), page.is_disabled("#reset")) == (6, True)
    page.keyboard.press("ArrowRight")
    assert (at(page), page.is_disabled("#reset")) == (6, False)


def test_a_constant_is_chosen_by_a_click_on_its_box(opened):
    x = Tensor([1.0, 2.0], "x")
    page = opened(told(x * 2.5 + 0.5), "#step=1")
    page.locator(".box.constant").nth(0).click()
    page.keyboard.press("Tab")
    page.keyboard.type("-3")
    page.keyboard.press("Enter")
    assert look(page).sentence.startswith("x · -3.0: x times -3.0")
    assert cells(page, "x · -3.0") == [["-3", "-6"]]
    assert page.title() == page.inner_text("h1") == "x · -3.0 + 0.5"
    assert look(page, 2).sentence.startswith("x · -3.0 + 0.5: (x · -3.0) plus 0.5")


# --- what cannot follow


def refused(opened, root, name, why):
    page = opened(told(root))
    before = look(page).tables
    cell(page, name).click()
    assert said(page) == f"{name} stays as it is: {why}."
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    assert look(page).tables == before
    return page


MATRIX = np.array([[2.0, 1.0], [0.5, 3.0]])


def test_what_the_page_cannot_compute_is_refused_where_it_comes_from(opened):
    root = np.linalg.inv(Tensor(MATRIX, "A")) * Tensor([1.0, 2.0], "b")
    page = refused(opened, root, "A[0, 0]", "the page cannot compute np.linalg.inv")
    cell(page, "b[0]").click()
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    assert said(page).startswith("b[0] is 5;")


def test_a_mask_that_depended_on_values_is_refused(opened):
    x, y = Tensor([1.0, -2.0, 3.0], "x"), Tensor([1.0, 2.0, 3.0], "y")
    page = refused(opened, y[x > 0] * 2.0, "x[0]", "it decides which entries y[x > 0] has")
    assert_becomes_5(page, "y[0]")


READ = "the code read a value made from it, and what came next may depend on that"


def branch(x, y):
    return x * y if np.sum(x) > 0 else x + y


def by_item(x, y):
    return x * y if np.sum(x).item() > 0 else x + y


def by_data(x, y):
    return y * (x * 2.0).data


def assert_becomes_5(page, name):
    """Type a 5 into a cell. The page says that it is there."""
    cell(page, name).click()
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    assert said(page).startswith(f"{name} is 5;")


@pytest.mark.parametrize("f", [branch, by_item, by_data], ids=lambda f: f.__name__)
def test_what_depended_on_a_number_that_was_read_is_refused(opened, f):
    x, y = Tensor([1.0, 2.0], "x"), Tensor([3.0, 4.0], "y")
    root = f(x, y)
    if f is by_data:
        root = root + x
    page = refused(opened, root, "x[0]", READ)
    assert_becomes_5(page, "y[0]")


def test_a_number_that_is_read_after_all_was_computed_can_be_changed(opened):
    x = Tensor([1.0, 2.0], "x")
    root = np.sum(x * x)
    assert root.item() == 5
    page = opened(told(root))
    assert_becomes_5(page, "x[0]")


def test_a_parameter_that_took_new_data_can_be_changed_again(opened):
    p = Tensor([1.0, 2.0], "p")
    assert np.sum(p).item() == 3
    p.data = p.data * 2
    page = opened(told(np.sum(p * p)))
    assert_becomes_5(page, "p[0]")


def test_what_was_made_under_no_grad_holds_its_leaves(opened):
    x = Tensor([1.0, 2.0], "x")
    with mb.no_grad():
        mean = np.mean(x)
    mean.name = "m"
    why = "m was made under no_grad(), and may have been made from it"
    refused(opened, x - mean, "x[0]", why)


def test_a_page_of_many_values_says_why_nothing_can_be_changed(opened):
    page = opened(stories.chain(700))
    page.keyboard.press("c")
    assert said(page) == "No number can be changed here: the graph has more than 600 values."
    assert page.locator("[data-cell]").count() == 0
    assert page.evaluate("program") is None


# --- what is left out, and for all readers


def test_a_gradient_derived_by_hand_is_left_out_once_numbers_have_changed(opened):
    x = Tensor([1.0, 2.0], "x")
    story = mb.story(np.sum(x * x), derived={"x": [2.0, 4.0]})
    page = opened(story, f"#step={len(story) - 1}")
    first = look(page)
    assert "by hand" in first.words
    page.evaluate("put(live.inputs[0], 0, 5)")
    after = look(page)
    assert "by hand" not in after.words
    assert "derived by hand is left out, because it belongs to the first numbers" in after.sentence
    page.keyboard.press("r")
    assert look(page).words == first.words
    assert look(page).sentence == first.sentence


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_a_cell_that_is_typed_into(opened, scheme):
    page = with_axe(opened(stories.batch_norm(), color_scheme=scheme))
    cell(page, "x[0, 0]").click()
    assert page.evaluate(AXE, RULES) == []
    page.keyboard.type("x")
    page.keyboard.press("Enter")
    assert page.evaluate(AXE, RULES) == []


def test_the_bar_fits_a_phone(opened):
    page = opened(stories.batch_norm(), viewport=PHONE)
    cell(page, "x[0, 0]").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_hostile_names_are_text_when_numbers_change(opened):
    page = opened(stories.hostile())
    before = look(page).elements
    page.evaluate("for (const input of live.inputs) put(input, 0, 7)")
    for n in range(len(stories.hostile())):
        assert look(page, n).elements == before


# --- numbers as text

ROUNDED = [0.125, 1.125, 2.5, 1e-5, 9.9951e-5, 0.00099951, 999.5, 1e22, 5e-324, 1.7e308, 1e16]


def test_numbers_are_written_as_python_writes_them(opened):
    page = opened(stories.fork())
    rng = np.random.default_rng(0)
    some = rng.normal(size=400) * 10.0 ** rng.integers(-12, 12, 400)
    halves = (rng.integers(-9999, 9999, 200) + 0.5) / 2.0 ** rng.integers(0, 12, 200)
    numbers = [*ROUNDED, *some.tolist(), *halves.tolist(), 0.0, -0.0, 3.0, -120.0]
    write = (
        "(xs) => xs.map((x) => [general(x, 2), general(x, 3), general(x, 4), constantNumber(x)])"
    )
    found = page.evaluate(write, numbers)
    assert found == [[f"{x + 0.0:.2g}", number(x), short(x), constant_number(x)] for x in numbers]
    assert page.evaluate("[NaN, Infinity, -Infinity].map((x) => general(x, 3))") == [
        *("nan", "inf", "-inf")
    ]
    assert page.evaluate("[0.1, 1e-5, 123456789, -2.5e-7].map(exactly)") == [
        *("0.1", "1e-05", "123456789", "-2.5e-07")
    ]


@pytest.mark.parametrize("shape", [(), (3,), (20,), (4, 3), (17, 5), (2, 3, 4), (6, 3, 20), (0, 3)])
def test_a_table_is_made_as_python_makes_it(opened, shape):
    page = opened(stories.fork())
    array = np.random.default_rng(0).normal(size=shape)
    before = table(np.ones(shape))._asdict()
    given = {"shape": shape, "data": array.ravel().tolist()}
    made = page.evaluate(
        """([{ shape, data }, before]) =>
          tabled({ shape, data: Float64Array.from(data) }, before, 0.5)""",
        [given, before],
    )
    expected = table(array)._asdict() | {"noise": 0.5}
    assert {**made, "shape": tuple(made["shape"])} == expected


# --- what the page carries


def test_the_page_of_batch_norm_is_small_and_has_the_functions_that_it_calls(opened):
    story = stories.batch_norm()
    html = story.save(opened.folder / "size.html").read_text("utf-8")
    assert len(html.encode()) < 150_000
    assert "np.square = " in html
    assert "np.tanh" not in html


# --- what is told of numbers that stay

TOLD = "JSON.stringify(story.steps.map((step) => [step.math, step.parts.map((p) => p.rule)]))"
CHANGE = """([name, number]) => {
  const isIt = ({ node, kind }) => nodes.get(node).name === name && kind !== "cotangent";
  change(live.inputs.find(isIt), 0, number);
}"""


def test_formulas_and_rules_of_numbers_that_stay_are_as_at_first(opened):
    x, gamma = Tensor([[1.0, 2.0], [3.0, 5.0]], "x"), Tensor([1.0, 2.0], "γ")
    page = opened(told(mb.functional.batch_norm(x, gamma, np.zeros(2)) ** 3))
    before = page.evaluate(TOLD)
    page.evaluate(CHANGE, ["x", 7])
    assert page.evaluate(TOLD) == before


def test_a_constant_of_a_float32_graph_is_written_as_it_was_typed(opened):
    page = opened(told(Tensor(np.array([0.1, 0.2], np.float32), "x") * 0.01))
    page.evaluate(CHANGE, ["x", 7])
    assert "times 0.01, shape" in look(page, 1).sentence
    page.evaluate(CHANGE, ["0.01", -0.3])
    assert "times -0.3, shape" in look(page, 1).sentence
    assert '["mo",{},"−"],["mn",{},"0.3"]' in page.evaluate(TOLD)


def test_a_comparison_says_what_it_is_now(opened):
    x = Tensor(3.0, "x")
    page = opened(told(np.where(x > 2.0, x * 2.0, x)))
    (said,) = [step.number for step in told(np.where(x > 2.0, x * 2.0, x)) if "1." in step.sentence]
    page.evaluate(CHANGE, ["x", 1])
    assert "which is 0." in look(page, said).sentence
