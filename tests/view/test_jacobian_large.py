"""Matrices of all sizes on the page: what can be read is shown, and each entry is told in words."""

import numpy as np
import pytest
import stories
from browser import PHONE, SIZE, await_that
from test_page_readers import AXE, RULES, with_axe

import microbn as mb
from microbn import Tensor
from microbn import functional as F
from microbn.view import beside, story

RNG = np.random.default_rng(2)
LEGIBLE = 14  # pixels at 1280 x 720, 10.5 pt


def normed(rows, columns, norm=F.batch_norm, title="normed"):
    x = Tensor(RNG.normal(size=(rows, columns)), "x")
    y = norm(x, Tensor(np.ones(columns), "gamma"), Tensor(np.zeros(columns), "beta"))
    y.name = "y"
    return story(y, RNG.normal(size=(rows, columns)), title=title)


def at_y(told):
    """Return the address of the step that computes y."""
    steps = (s.number for s in told if s.phase == "forward" and told.names[s.nodes[0]] == "y")
    return f"#step={next(steps)}"


TYPE = """() => [...document.querySelectorAll("table.jacobian :is(td, th)")]
  .filter((one) => one.textContent).map((one) => parseFloat(getComputedStyle(one).fontSize))"""
OUT = """() => {
  const panel = document.getElementById("step"), room = panel.getBoundingClientRect();
  const { right, bottom } = document.querySelector("table.jacobian").getBoundingClientRect();
  return [right - room.right, bottom - room.bottom, panel.scrollHeight - panel.clientHeight];
}"""


@pytest.mark.parametrize("keys", ["j", "jp", "jm"])
@pytest.mark.parametrize(("rows", "columns"), [(3, 2), (4, 3), (5, 4), (6, 4), (12, 1), (24, 1)])
def test_no_type_in_a_jacobian_is_too_small_and_all_of_it_is_in_sight(opened, rows, columns, keys):
    told = normed(rows, columns)
    page = opened(told, at_y(told))
    for key in keys:
        page.keyboard.press(key)
    sizes = {size for size in page.evaluate(TYPE) if size}  # what is left out has none
    assert min(sizes, default=LEGIBLE) >= LEGIBLE
    assert max(page.evaluate(OUT)) <= 1


def test_type_that_is_too_small_and_a_matrix_that_is_out_of_sight_are_found(opened):
    told = normed(6, 4)
    page = opened(told, at_y(told))
    page.keyboard.press("j")
    page.evaluate("""() => {
      const table = document.querySelector("table.jacobian");
      table.classList.remove("painted", "bare");
      table.style.setProperty("--size", "10px");
    }""")
    assert min(page.evaluate(TYPE)) < LEGIBLE
    page.evaluate("document.querySelector('table.jacobian').style.setProperty('--size', '3rem')")
    assert max(page.evaluate(OUT)) > 1


@pytest.mark.parametrize("shape", [(4, 3), (6, 4)])
def test_both_jacobians_stay_in_their_panes(opened, shape):
    sides = normed(*shape), normed(*shape, F.layer_norm, "by layers")
    both = beside(*sides)
    page = opened(both)
    await_that(page, lambda: len(page.frames) == 3)
    page.keyboard.press("j")
    for number in range(1, len(both)):
        page.fill("#slider", str(number))
        for place, frame in enumerate(page.frames[1:]):
            there = both.pairs[number][place]
            await_that(page, lambda f=frame, t=there: f.evaluate("state.jacobian && state.at") == t)
            if frame.locator("table.jacobian").count():
                assert max(frame.evaluate(OUT)[:2]) <= 1


def test_columns_of_a_small_matrix_have_upright_names(opened):
    x = Tensor([0.5, 1.0, 2.0], "x")
    page = opened(stories.told(np.exp(x)), "#step=1")
    page.keyboard.press("j")
    modes = page.locator("table.jacobian [scope=col] span").evaluate_all(
        "all => all.map((one) => getComputedStyle(one).writingMode)"
    )
    assert modes == ["horizontal-tb"] * 3


# --- in words


@pytest.fixture
def large(opened):
    told = normed(6, 4)
    page = opened(told, at_y(told))
    page.keyboard.press("j")
    whole = mb.jacobian(lambda x: F.batch_norm(x, np.ones(4), np.zeros(4)), first_value(told))
    return page, whole.reshape(24, 24)


def first_value(told):
    return next(node.value for node in told.graph.nodes if told.names[node.id] == "x")


def said(page):
    return page.inner_text("#tables .entry")


def in_words(matrix, i, k):
    value = matrix[i, k]
    near = 0 < abs(value) < 1e-3 * np.max(np.abs(matrix))
    number = "nearly 0" if near else f"{value + 0.0:.2g}"
    return f"∂y[{i // 4},{i % 4}] / ∂x[{k // 4},{k % 4}] = {number}"


def test_an_entry_that_the_mouse_is_on_is_told(large):
    page, whole = large
    for i, k in [(0, 0), (5, 1), (23, 23), (9, 13)]:
        page.locator("table.jacobian td[aria-label]").nth(24 * i + k).hover()
        assert said(page) == in_words(whole, i, k)


def test_tab_and_the_arrow_keys_lead_to_every_entry_and_are_not_the_storys(large):
    page, whole = large
    at = page.input_value("#slider")
    page.locator("#tables button").last.focus()
    while page.evaluate("!document.activeElement.matches('table.jacobian td')"):
        page.keyboard.press("Tab")
    assert said(page) == in_words(whole, 0, 0)
    walk = [("ArrowRight", 0, 1), ("ArrowDown", 1, 1), ("ArrowLeft", 1, 0), ("ArrowLeft", 1, 0),
            ("ArrowUp", 0, 0), ("ArrowUp", 0, 0)]  # fmt: skip
    for key, i, k in walk:
        page.keyboard.press(key)
        assert said(page) == in_words(whole, i, k)
    assert page.input_value("#slider") == at
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")
    assert page.input_value("#slider") == str(int(at) + 1)


def test_arrow_keys_stay_in_a_matrix_of_a_pane(opened):
    page = opened(beside(normed(4, 3), normed(4, 3, F.layer_norm, "by layers")), "#step=1")
    await_that(page, lambda: len(page.frames) == 3)
    page.keyboard.press("j")
    frame = page.frames[1]
    await_that(page, lambda: frame.locator("table.jacobian td[tabindex='0']").count() == 1)
    frame.focus("table.jacobian td[tabindex='0']")
    page.keyboard.press("ArrowRight")
    await_that(page, lambda: "[0,1] =" in frame.inner_text(".entry"))
    assert page.input_value("#slider") == "1"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [SIZE, PHONE], ids=["1280x720", "phone"])
def test_axe_finds_nothing_in_a_large_matrix(opened, size, scheme):
    told = normed(6, 4)
    page = with_axe(opened(told, at_y(told), viewport=size, color_scheme=scheme))
    page.keyboard.press("j")
    assert page.evaluate(AXE, RULES) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
