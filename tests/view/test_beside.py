"""Two stories in step: their steps are paired by name, and one page shows both."""

import re

import numpy as np
import pytest
import stories
from browser import PHONE, SIZE, await_that
from test_page_readers import AXE, RULES, with_axe

import microbn as mb
from microbn import Tensor, closed_form
from microbn import functional as F
from microbn.cli.targets import told
from microbn.errors import ArgumentError, DTypeError
from microbn.view import beside, story

RNG = np.random.default_rng(3)
X, W, V, G = (
    RNG.normal(size=(4, 3)),
    RNG.normal(size=(3, 3)),
    RNG.normal(size=3),
    RNG.normal(size=4),
)


def net(normed, title=None, width=1.0):
    """Tell of a small net, with or without batch norm."""
    x, weight, out = Tensor(X, "x"), Tensor(width * W, "W"), Tensor(V, "V")
    a = x @ weight
    a.name = "a"
    scale = Tensor(np.ones(3), "gamma"), Tensor(np.zeros(3), "beta")
    h = np.tanh(F.batch_norm(a, *scale) if normed else a)
    h.name = "h"
    y = h @ out
    y.name = "out"
    return story(y, G, title=title or ("normed" if normed else "plain"))


@pytest.fixture(scope="module")
def both():
    return beside(net(False), net(True))


def names(one, pairs, place):
    """Return the names of the values at which a story stands, pair by pair."""
    steps = [one[pair[place]] for pair in pairs]
    return [step.phase == "given" or one.names[step.nodes[0]] for step in steps]


# --- pairs


def test_steps_of_one_name_and_phase_are_paired(both):
    paired = [pair for pair in both.pairs if pair.lacks is None]
    assert names(both.left, paired, 0) == names(both.right, paired, 1)
    assert names(both.left, paired, 0)[1:] == ["a", "h", "out", "out", "h", "a"]
    for pair in paired:
        assert both.left[pair.left].phase == both.right[pair.right].phase


@pytest.mark.parametrize("turned", [False, True])
def test_both_stories_are_walked_from_start_to_end_in_their_own_order(turned):
    sides = net(False), net(True)
    both = beside(*(reversed(sides) if turned else sides))
    for place, one in enumerate((both.left, both.right)):
        walked = [pair[place] for pair in both.pairs]
        assert walked == sorted(walked)
        own = [pair[place] for pair in both.pairs if pair.lacks != place]
        assert own == list(range(len(one)))


def test_a_step_that_one_story_lacks_leaves_it_where_it_is_and_says_so(both):
    before = both.pairs[1]
    assert both.left.names[both.left[before.left].nodes[0]] == "a"
    alone = [pair for pair in both.pairs if pair.lacks is not None]
    assert {pair.lacks for pair in alone} == {0}
    values = [both.right.names[both.right[pair.right].nodes[0]] for pair in alone]
    for pair, name in zip(alone, values, strict=True):
        sign = "" if both.right[pair.right].phase == "forward" else both.right.gradient_names
        said = sign and sign[both.right[pair.right].nodes[0]]
        assert re.match(
            f"“plain” has (no|nothing like) {re.escape(said or name)}( here)?\\.$", pair.sentence
        )
    assert "σ²" in values
    assert {pair.left for pair in alone if both.right[pair.right].phase == "forward"} == {1}


def test_backward_starts_where_both_stories_turn(both):
    first, before = both.pairs[both.backward], both.pairs[both.backward - 1]
    for place, one in enumerate((both.left, both.right)):
        assert one[before[place]].phase == "forward"
        assert one[first[place]].phase == "backward"


def test_a_story_waits_at_its_last_value_while_the_backward_of_the_other_begins():
    def of(more):
        y = np.exp(Tensor(V, "x"))
        y.name = "y"
        return story(np.tanh(y) if more else y, V, title="long" if more else "short")

    both = beside(of(True), of(False))
    assert both.pairs[both.backward][:3] == (3, 1, 1)  # tanh goes back, and y waits
    assert both.pairs[both.backward + 1][:3] == (4, 2, None)
    turned = beside(of(False), of(True))
    assert [pair[1::-1] for pair in turned.pairs] == [pair[:2] for pair in both.pairs]


def test_values_without_a_name_are_not_paired_if_their_shapes_differ():
    def of(array):
        return story(np.exp(np.tanh(Tensor(array, "x"))).sum(), title=f"{array.shape}")

    both = beside(of(np.ones(2)), of(np.ones(3)))
    assert {pair.lacks for pair in both.pairs[1:3]} == {1}
    assert both.pairs[5].sentence.startswith("sum(exp(tanh(x)))")


def product(turned, title):
    """Tell of p · q, of which either may be computed first."""
    x = Tensor(2.0, "x")
    made = {name: f() for name, f in [("p", lambda: x * 3.0), ("q", lambda: np.exp(x))][::turned]}
    for name, value in made.items():
        value.name = name
    return story(made["p"] * made["q"], title=title)


def test_a_value_that_comes_in_another_place_is_said_to_be_there():
    both = beside(product(1, "one"), product(-1, "other"))
    said = [pair.sentence for pair in both.pairs if pair.lacks is not None]
    assert "“one” has q in another place: its step 2." in said
    assert "“other” has q in another place: its step 1." in said
    assert not any("has no" in sentence for sentence in said)


def test_values_without_a_name_are_paired_by_function_shape_and_order():
    def chain(more):
        x = Tensor([0.5, -1.0], "x")
        return story(
            np.tanh(np.tanh((np.exp(x) if more else x)[::-1] * 0.123456789) * 0.987654321).sum(),
            title="long" if more else "short",
        )

    both = beside(chain(False), chain(True))
    alone = [pair for pair in both.pairs if pair.lacks is not None]
    assert [pair.sentence for pair in alone] == [
        "“short” has nothing like exp(x) here.",
        "“short” has nothing like d(exp(x)) here.",
    ]


def test_steps_inside_a_call_that_is_one_box_are_walked_as_one():
    left = story(np.exp(np.var(Tensor(V, "x"))), title="var")
    both = beside(left, story(np.exp(Tensor(2.0, "x")), title="exp"))
    walked = {pair.left for pair in both.pairs if pair.lacks != 0}
    inside = [step for step in left if step.phase == "forward" and step.nodes[0] in call(left)]
    assert len(inside) > 2
    assert walked & {step.number for step in inside} == {inside[-1].number}


def call(told):
    """Return the ids of the values inside the call of a composed function."""
    (path,) = told.graph.composed
    return {node.id for node in told.graph.nodes if node.scope[: len(path)] == path}


# --- differences


def test_the_largest_difference_under_a_name_is_told_and_kept():
    both = beside(net(True, "one"), net(True, "two", width=1.5))
    assert "W differs by up to" in both.pairs[0].sentence
    for one, other, differs in [
        (both.left, both.right, both.differences[0]),
        (both.right, both.left, both.differences[1]),
    ]:
        theirs = {other.names[node.id]: node for node in other.graph.nodes}
        for node in one.graph.nodes:
            match = theirs[one.names[node.id]]
            for what in ("value", "gradient"):
                if getattr(node, what) is None:
                    continue
                apart = np.max(np.abs(getattr(node, what) - getattr(match, what)))
                marked = differs.get(node.id, {}).get(what)
                assert float(marked or 0) == pytest.approx(apart, rel=1e-3, abs=1e-12)
    apart = np.max(np.abs(0.5 * X @ W))
    assert f"a differs by up to {apart:.4g}." in [pair.sentence for pair in both.pairs]


def test_what_differs_is_kept_by_the_ids_of_each_side(both):
    left, right = (
        {one.names[id]: marks for id, marks in differs.items()}
        for one, differs in zip((both.left, both.right), both.differences, strict=True)
    )
    assert left == right
    assert left.keys() == {"h", "out", "a", "x", "W", "V"}
    assert left["x"].keys() == {"gradient"}


def scaled(third, title="a story"):
    x = Tensor(np.arange(1.0, 8.0), "x")
    y = third(x)
    y.name = "y"
    return story(y, np.ones(7), title=title)


def test_a_difference_of_a_few_roundings_is_said_to_be_one():
    both = beside(scaled(lambda x: x / 3), scaled(lambda x: x * (1 / 3)))
    assert re.search(r"y is the same on both sides, up to rounding: 4\.441e-16\.", str(both))
    assert both.differences == ({}, {})
    far = beside(scaled(lambda x: x / 3), scaled(lambda x: x * (1 / 3 + 1e-12)))
    assert "y differs by up to" in str(far)


def test_equal_infinities_and_nans_are_no_difference():
    def cast(title, end):
        y = Tensor([np.nan, -np.inf, end], "x") * 1.0
        y.name = "y"
        return story(y, np.ones(3), title=title)

    assert "y is the same" in str(beside(cast("one", 2.0), cast("two", 2.0)))
    assert "y differs by up to inf" in str(beside(cast("one", -np.inf), cast("two", 2.0)))
    assert "y differs by up to nan" in str(beside(cast("one", np.nan), cast("two", 2.0)))


def test_other_shapes_under_a_name_are_told():
    def of(size):
        y = np.exp(Tensor(np.ones(size), "x"))
        y.name = "y"
        return story(y, np.ones(size), title=f"{size}")

    both = beside(of(3), of(4))
    assert "y has shape (3,) on the left and (4,) on the right." in str(both)
    assert both.differences[0][both.left.graph.nodes[-1].id]["value"] == "another shape"


def test_a_hand_written_backward_stands_beside_the_one_that_emerged():
    x, gamma, beta = Tensor(X, "x"), Tensor(V, "gamma"), Tensor(V[::-1].copy(), "beta")
    dy = RNG.normal(size=X.shape)
    emerged = mb.grad(F.batch_norm(x, gamma, beta), x, dy, create_graph=True)
    emerged.name = "dx"
    _, cache = closed_form.forward(x, gamma, beta)
    by_hand, _, _ = closed_form.backward(dy, cache)
    by_hand.name = "dx"
    one = story(emerged, G[:3] + np.zeros((4, 3)), title="emerged")
    other = story(by_hand, G[:3] + np.zeros((4, 3)), title="by hand")
    both = beside(one, other)
    assert any(pair.sentence.startswith("dx is the same on both sides") for pair in both.pairs)


# --- what it takes


@pytest.mark.parametrize("wrong", [None, "story", Tensor(1.0), [1]], ids=str)
def test_what_is_no_story_is_refused(wrong):
    for given in [(stories.fork(), wrong), (wrong, stories.fork())]:
        with pytest.raises(DTypeError, match=r"^beside: takes two stories, as microbn.story"):
            beside(*given)


def test_stories_that_share_no_name_are_refused():
    other = stories.told(np.exp(Tensor(1.0, "z")))
    with pytest.raises(ArgumentError, match=r"^beside: the two stories share no name: the left"):
        beside(stories.fork(), other)


def test_equal_titles_are_told_apart_and_a_title_can_be_given():
    both = beside(stories.fork(), stories.fork())
    assert both.titles == ("fork, left", "fork, right")
    assert both.title == "fork, left beside fork, right"
    assert beside(stories.fork(), stories.fork(), title="twins").title == "twins"


def test_it_is_saved_as_a_page_and_shown_in_a_notebook(both, tmp_path):
    assert both.save(tmp_path / "both.html").read_text(encoding="utf-8").startswith("<!doctype")
    with pytest.raises(ArgumentError, match=r"saved as a page, both\.html, not as 'both\.svg'"):
        both.save("both.svg")
    shown = both._repr_html_()
    assert shown.count("<iframe sandbox=") == 1
    assert "plain beside normed" in shown
    assert repr(both) == f"Beside('plain beside normed': {len(both)} steps)"


# --- on a page


def panes(page):
    """Return the frames of both stories, as soon as they show what they should."""
    await_that(page, lambda: len(page.frames) == 3)
    return page.frames[1:]


PANE = """() => ({
  ready: typeof story !== "undefined" && document.getElementById("sentence").textContent !== "",
  at: typeof state !== "undefined" && state.at,
  title: document.querySelector("main h1")?.textContent,
  sentence: document.getElementById("sentence")?.textContent,
  lacks: document.getElementById("lacks")?.textContent,
  marked: [...document.querySelectorAll("#tables .differs")].map(
    (mark) => mark.closest("caption").textContent),
  boxes: document.querySelectorAll("#graph svg .differs").length,
})"""


def shown(page, both, number):
    """Return what both panes show, as soon as they show this pair."""
    pair, found = both.pairs[number], []

    def arrived():
        found[:] = [frame.evaluate(PANE) for frame in panes(page)]
        return [one["ready"] and one["at"] for one in found] == [*pair[:2]] and all(
            one["lacks"] == (pair.sentence if pair.lacks == place else "")
            for place, one in enumerate(found)
        )

    await_that(page, arrived)
    assert int(page.input_value("#slider")) == number
    assert page.inner_text("#said") == pair.sentence
    return found


def test_one_key_leads_both_on(opened, both):
    page = opened(both)
    for number, pair in enumerate(both.pairs):
        found = shown(page, both, number)
        for place, one in enumerate((both.left, both.right)):
            assert found[place]["title"] == both.titles[place]
            assert found[place]["sentence"] == one[pair[place]].sentence
            assert found[place]["lacks"] == (pair.sentence if pair.lacks == place else "")
        page.keyboard.press("ArrowRight")
    shown(page, both, len(both) - 1)


def test_keys_buttons_slider_and_address_lead_to_a_pair(opened, both):
    page = opened(both, "#step=3")
    last = len(both) - 1
    shown(page, both, 3)
    for key, number in [
        ("End", last), ("ArrowLeft", last - 1), ("Home", 0), ("b", both.backward), ("f", 1),
        ("PageDown", 2), ("PageUp", 1),
    ]:  # fmt: skip
        page.keyboard.press(key)
        shown(page, both, number)
    for button, number in [
        ("#last", last), ("#previous", last - 1), ("#first", 0), ("#next", 1),
        ("#turn", both.backward),
    ]:  # fmt: skip
        page.click(button)
        shown(page, both, number)
    page.fill("#slider", "4")
    shown(page, both, 4)
    assert both.pairs[4].sentence in page.get_attribute("#slider", "aria-valuetext")
    page.evaluate("location.hash = '#step=2'")
    await_that(page, lambda: page.input_value("#slider") == "2")
    shown(page, both, 2)


def test_keys_that_are_pressed_inside_a_pane_lead_both_on(opened, both):
    page = opened(both)
    shown(page, both, 0)
    for number, frame in enumerate(panes(page), 1):
        frame.click("#sentence")
        page.keyboard.press("ArrowRight")
        shown(page, both, number)
    page.keyboard.press("z")
    for frame in panes(page):
        await_that(page, lambda frame=frame: frame.locator("#graph svg.whole").count() == 1)
    assert page.get_attribute("#near", "aria-pressed") == "false"


def test_a_click_on_a_box_leads_both_to_its_step(opened, both):
    page = opened(both, "#step=1")
    shown(page, both, 1)
    node = next(n for n in both.right.graph.nodes if both.right.names[n.id] == "μ")
    panes(page)[1].locator(f'#graph .box[data-id="{node.id}"]').click()
    number = next(n for n, p in enumerate(both.pairs) if p.sentence == "“plain” has no μ.")
    await_that(page, lambda: page.input_value("#slider") == str(number))
    shown(page, both, number)


def test_space_presses_a_button_inside_a_pane(opened, both):
    page = opened(both, f"#step={len(both) - 1}")
    shown(page, both, len(both) - 1)
    page.keyboard.press("j")
    for frame in panes(page):
        button = frame.locator("#tables button").nth(1)
        button.focus()
        page.keyboard.press("Space")
        assert button.get_attribute("aria-pressed") == "true"


def test_what_differs_is_marked_in_both_panes(opened, both):
    page = opened(both)
    number = next(n for n, pair in enumerate(both.pairs) if pair.sentence.startswith("h differs"))
    page.fill("#slider", str(number))
    apart = both.pairs[number].sentence.split()[-1].removesuffix(".")
    for pane in shown(page, both, number):
        assert [mark for mark in pane["marked"] if mark.startswith("h")] == [
            f"h (4, 3) off by {apart}"
        ]
        assert pane["boxes"] == 1
    page.keyboard.press("Home")
    for pane in shown(page, both, 0):
        assert pane["marked"] == []


def test_it_works_inside_the_frame_of_a_notebook(opened, both):
    page = opened(both, text=both._repr_html_())
    await_that(page, lambda: len(page.frames) == 4)
    page.frames[1].locator("#next").click()
    for place, frame in enumerate(page.frames[2:]):
        await_that(page, lambda frame=frame: frame.evaluate(PANE)["at"] == 1)
        assert frame.evaluate(PANE)["title"] == both.titles[place]


def test_j_shows_the_jacobians_of_both(opened, both):
    page = opened(both, "#step=1")
    shown(page, both, 1)
    page.keyboard.press("j")
    for frame in panes(page):
        await_that(page, lambda frame=frame: frame.locator("table.jacobian").count() == 1)
    assert page.get_attribute("#jacobian", "aria-pressed") == "true"


CUT = """(cards) => {
  const panel = document.getElementById("step").getBoundingClientRect();
  const needed = [document.getElementById("sentence"),
    ...document.querySelectorAll("#tables > .tables:first-child figure"),
    ...[...document.querySelectorAll(".card")].slice(0, cards)];
  return needed.filter((one) => {
    const { bottom, right } = one.getBoundingClientRect();
    return bottom > panel.bottom + 1 || right > panel.right + 1;
  }).map((one) => one.textContent);
}"""
LEAST_TYPE = """() => {
  const svg = document.querySelector("#graph svg");
  const scale = svg.width.baseVal.value / svg.viewBox.baseVal.width;
  const size = (one) => parseFloat(getComputedStyle(one).fontSize);
  return Math.min(...[...svg.querySelectorAll("text")].map((text) => scale * size(text)),
    ...[...document.querySelectorAll("#sentence, #lacks, td, mark, .rule")].map(size));
}"""


@pytest.mark.parametrize("small", [False, True], ids=["three digits", "small numbers"])
def test_every_step_is_legible_in_half_a_window(opened, both, small):
    both = beside(told("batchnorm"), told("batchnorm")) if small else both
    page = opened(both, viewport=SIZE)
    for number in [*range(1, len(both)), 0]:  # a pane shows step 0 also before it is told how
        page.fill("#slider", str(number))
        shown(page, both, number)
        for frame in panes(page):
            assert frame.evaluate(CUT, 9 if small else 0) == []
            assert frame.evaluate(LEAST_TYPE) >= 10 * 4 / 3 - 0.1


def test_down_and_up_scroll_a_step_that_is_too_long_for_its_pane(opened):
    story = stories.mlp()
    both = beside(story, story)
    page = opened(both, f"#step={len(both) - 1}")
    shown(page, both, len(both) - 1)
    for key, holds in {"ArrowDown": all, "ArrowUp": lambda scrolled: not any(scrolled)}.items():
        page.keyboard.press(key)
        await_that(page, lambda holds=holds: holds(scrolled(page)))


def scrolled(page):
    return [
        frame.evaluate("document.getElementById('step').scrollTop") > 0 for frame in panes(page)
    ]


def test_hostile_names_are_shown_as_text_in_both_panes(opened):
    both = beside(stories.hostile(), stories.hostile())
    page = opened(both)
    for number in (0, 3, len(both) - 1):
        page.fill("#slider", str(number))
        shown(page, both, number)
    assert page.locator("img").count() == 0
    assert [frame.locator("img").count() for frame in panes(page)] == [0, 0]
    assert [page.locator("script").count(), page.locator("iframe").count()] == [4, 2]


def test_policy_allows_two_scripts_by_their_hashes_and_no_request(opened, both, tmp_path):
    page = opened(both)
    (policy,) = re.findall('Policy" content="([^"]*)"', page.content())
    assert len(re.findall("sha256-", policy)) == 2
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe-eval" not in policy
    assert [frame.get_attribute("sandbox") for frame in page.locator("iframe").element_handles()]
    for frame in page.locator("iframe").element_handles():
        assert frame.get_attribute("sandbox") == "allow-scripts"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [SIZE, PHONE], ids=["1280x720", "phone"])
def test_axe_finds_nothing_in_the_page_and_in_its_panes(opened, both, size, scheme):
    page = opened(both, viewport=size, color_scheme=scheme)
    for number in (0, 2, both.backward):  # the leaves, a step that one lacks, a backward step
        page.fill("#slider", str(number))
        shown(page, both, number)
        for frame in panes(page):
            assert with_axe(frame).evaluate(AXE, RULES) == []
    assert (
        with_axe(page).evaluate(AXE.replace("axe.run(", "axe.run({exclude: ['iframe']}, "), RULES)
        == []
    )
