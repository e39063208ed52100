"""The graph on the page is seen whole where it can be, and is zoomed, fitted and panned."""

import numpy as np
import pytest
import stories
from browser import PHONE, await_that, look
from browser import SIZE as SCREEN

import microbn as mb
from microbn import Tensor, nn, scalars
from microbn import functional as F
from microbn.view import story

SIZE = """() => document.querySelector("#graph svg").width.baseVal.value
  / document.querySelector("#graph svg").viewBox.baseVal.width"""
OVER = """() => { const room = document.getElementById("graph");
  return [room.scrollWidth - room.clientWidth, room.scrollHeight - room.clientHeight]; }"""
SCROLL = """() => { const { scrollLeft, scrollTop } = document.getElementById("graph");
  return [scrollLeft, scrollTop]; }"""


def neuron(w, x, b):
    first, second = w * x[0], w * x[1]
    both = first + second
    z = both + b
    y = np.tanh(z)
    mb.label(locals())
    return story(y)


def of_the_demo():
    return neuron(Tensor(0.5, "w"), scalars([1.0, 2.0], "x"), Tensor(-1.0, "b"))


def micrograds():
    """The neuron that micrograd's notebook draws."""
    given = {"x1": 2.0, "w1": -3.0, "x2": 0.0, "w2": 1.0, "b": 6.8813735870195432}
    x1, w1, x2, w2, b = (Tensor(value, name) for name, value in given.items())
    x1w1, x2w2 = x1 * w1, x2 * w2
    x1w1x2w2 = x1w1 + x2w2
    n = x1w1x2w2 + b
    o = np.tanh(n)
    mb.label(locals())
    return story(o)


def of_readme():
    x, dy = np.random.default_rng(0).normal(size=(2, 4, 3))
    x, gamma, beta = Tensor(x, "x"), Tensor([1.0, 2.0, 3.0], "gamma"), Tensor([0.0] * 3, "beta")
    centered = x - np.mean(x, axis=0)
    std = np.sqrt(np.mean(np.square(centered), axis=0) + 1e-5)
    y = gamma * centered / std + beta
    mb.label({"centered": centered, "std": std, "y": y})
    return story(y, dy)


@pytest.mark.parametrize("keys", ["", "pz"], ids=["page", "presenting"])
@pytest.mark.parametrize("made", [of_the_demo, micrograds, of_readme, stories.batch_norm])
def test_small_graphs_are_seen_whole_at_every_step(opened, made, keys):
    told = made()
    page = opened(told)
    for key in keys:
        page.keyboard.press(key)
    for step in told:
        look(page, step.number)
        assert page.evaluate(OVER) == [0, 0]


def test_a_graph_that_is_not_seen_whole_is_found(opened):
    assert opened(stories.mlp(), "#step=1").evaluate(OVER) != [0, 0]


def net():
    model = nn.Sequential(
        nn.Linear(2, 4, rng=0), nn.BatchNorm(4), nn.ReLU(), nn.Linear(4, 2, rng=1)
    )
    x = np.random.default_rng(0).normal(size=(5, 2))
    return story(F.cross_entropy(model(x), np.array([0, 1, 0, 1, 1])))


@pytest.mark.parametrize("made", [net, stories.mlp, stories.residual])
@pytest.mark.parametrize("size", [SCREEN, PHONE], ids=["1280x720", "phone"])
def test_a_page_opens_with_the_whole_graph_in_sight_and_then_follows_the_steps(opened, made, size):
    page = opened(made(), viewport=size)
    assert page.evaluate(OVER) == [0, 0]
    page.keyboard.press("m")
    assert page.evaluate(OVER) == [0, 0]
    page.keyboard.press("ArrowRight")
    usual = page.evaluate("usualSize()")
    assert page.evaluate(SIZE) == pytest.approx(usual, rel=1e-3)
    page.keyboard.press("Home")
    assert page.evaluate(SIZE) == pytest.approx(page.evaluate("usualSize()"), rel=1e-3)


def test_zooming_begins_at_the_size_of_the_opening_and_0_leads_to_the_usual_one(opened):
    page = opened(stories.mlp())
    whole = page.evaluate(SIZE)
    page.keyboard.press("+")
    assert page.evaluate(SIZE) == pytest.approx(1.25 * whole, rel=1e-3)
    page = opened(stories.mlp())
    page.keyboard.press("0")
    assert page.evaluate(SIZE) == pytest.approx(page.evaluate("least()"), rel=1e-3)


@pytest.mark.parametrize(("larger", "smaller", "fit"), [("+", "-", "0"), ("=", "-", "0")])
def test_keys_zoom_and_fit_and_the_size_stays_from_step_to_step(opened, larger, smaller, fit):
    page = opened(stories.mlp(), "#step=4")
    usual = page.evaluate(SIZE)
    page.keyboard.press(larger)
    page.keyboard.press(larger)
    assert page.evaluate(SIZE) == pytest.approx(usual * 1.25**2, rel=1e-3)
    page.keyboard.press("ArrowRight")
    assert page.evaluate(SIZE) == pytest.approx(usual * 1.25**2, rel=1e-3)
    page.keyboard.press(smaller)
    assert page.evaluate(SIZE) == pytest.approx(usual * 1.25, rel=1e-3)
    page.keyboard.press(fit)
    assert page.evaluate(OVER) == [0, 0]
    page.keyboard.press("ArrowRight")
    assert page.evaluate(OVER) == [0, 0]
    page.keyboard.press(fit)
    assert page.evaluate(SIZE) == pytest.approx(usual, rel=1e-3)


def test_buttons_do_what_the_keys_do_and_each_view_has_its_size(opened):
    page = opened(stories.mlp(), "#step=4")
    usual = page.evaluate(SIZE)
    page.get_by_role("button", name="Larger").click()
    assert page.evaluate(SIZE) == pytest.approx(usual * 1.25, rel=1e-3)
    page.keyboard.press("z")
    near = page.evaluate(SIZE)
    page.get_by_role("button", name="Smaller").click()
    assert page.evaluate(SIZE) == pytest.approx(near * 0.8, rel=1e-3)
    page.keyboard.press("z")
    assert page.evaluate(SIZE) == pytest.approx(usual * 1.25, rel=1e-3)
    page.get_by_role("button", name="Fit").click()
    assert page.evaluate(OVER) == [0, 0]


def test_sizes_have_an_end(opened):
    page = opened(stories.fork())
    for key, size in (("+", 6), ("-", 0.15)):
        for _ in range(40):
            page.keyboard.press(key)
        assert page.evaluate(SIZE) == pytest.approx(size, rel=1e-3)


def test_the_wheel_zooms_with_ctrl_around_the_mouse_and_scrolls_without(opened):
    page = opened(stories.mlp(), "#step=9", reduced_motion="reduce")
    box = page.locator("#graph .box.now")
    spot = box.bounding_box()
    page.mouse.move(spot["x"] + spot["width"] / 2, spot["y"] + spot["height"] / 2)
    usual = page.evaluate(SIZE)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    await_that(page, lambda: page.evaluate(SIZE) > 1.5 * usual)
    now = box.bounding_box()
    assert now["y"] + now["height"] / 2 == pytest.approx(spot["y"] + spot["height"] / 2, abs=2)
    larger, before = page.evaluate(SIZE), page.evaluate(SCROLL)
    page.mouse.wheel(0, 100)
    await_that(page, lambda: page.evaluate(SCROLL) != before)
    assert page.evaluate(SIZE) == larger


ANOTHER = """() => {
  const room = document.getElementById("graph").getBoundingClientRect();
  const middles = [...document.querySelectorAll("#graph .box:not(.now, .group)")].map((box) => {
    const { left, top, width, height } = box.getBoundingClientRect();
    return [left + width / 2, top + height / 2];
  });
  return middles.find(([x, y]) => Math.hypot(x - room.left - room.width / 2,
    y - room.top - room.height / 2) < 200);
}"""


def test_the_mouse_drags_the_graph_and_clicks_nothing_then(opened):
    page = opened(stories.mlp(), "#step=9")
    page.keyboard.press("+")
    x, y = page.evaluate(ANOTHER)
    before = page.evaluate(SCROLL)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y + 40, steps=4)
    page.mouse.up()
    after = page.evaluate(SCROLL)
    assert [b - a for b, a in zip(before, after, strict=True)] == pytest.approx([30, 40], abs=2)
    assert page.input_value("#slider") == "9"
    page.mouse.click(x + 30, y + 40)
    assert page.input_value("#slider") != "9"


def test_two_fingers_zoom_and_one_does_not(opened):
    page = opened(stories.mlp(), "#step=9", viewport=PHONE, has_touch=True, is_mobile=True)
    usual = page.evaluate(SIZE)
    session = page.context.new_cdp_session(page)

    def touch(kind, *places):
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (150, 200), (200, 200))
    touch("touchMove", (140, 200), (210, 200))
    touch("touchMove", (100, 200), (250, 200))
    touch("touchEnd")
    await_that(page, lambda: page.evaluate(SIZE) > 1.9 * usual)
    larger = page.evaluate(SIZE)
    touch("touchStart", (150, 200))
    touch("touchMove", (150, 120))
    touch("touchEnd")
    assert page.evaluate(SIZE) == larger


def test_where_the_reader_scrolled_to_stays_while_the_step_is_in_sight(opened):
    told = stories.mlp()
    page = opened(told, "#step=9", reduced_motion="reduce")
    page.keyboard.press("+")
    page.evaluate("show()")  # the step is in the middle then
    page.locator("#graph").evaluate("room => room.scrollBy({ top: 40, behavior: 'instant' })")
    before = page.evaluate(SCROLL)
    page.evaluate("show()")
    assert page.evaluate(SCROLL) == before
    look(page, len(told) - 1)
    assert page.evaluate(SCROLL) != before
