"""Jacobians of a story: right in number, told in words, and drawn on the page."""

import re

import numpy as np
import pytest
import stories
from browser import PHONE, SIZE, await_that, look
from test_page_readers import AXE, RULES, with_axe

import microbn as mb
from microbn import Tensor
from microbn import functional as F
from microbn.cli.targets import told
from microbn.engine.mode import Mode, Watch, mode
from microbn.view import story
from microbn.view.jacobians import (
    MOST_IN_JACOBIAN,
    data_of_jacobians,
    jacobians_of_uses,
    whole_jacobians,
)

RNG = np.random.default_rng(5)
X6 = RNG.normal(size=(6, 1))


def batch_norm_of_six():
    leaves = Tensor(X6, "x"), Tensor([2.0], "gamma"), Tensor([0.5], "beta")
    return story(F.batch_norm(*leaves), RNG.normal(size=(6, 1)), title="six")


def of_uses(told):
    return jacobians_of_uses(told.steps.links, told.steps.swept)


def wholes(told):
    found = whole_jacobians(told.steps.links, of_uses(told), told.names)
    return {(told.names[one.y], told.names[one.x]): one for one in found}


def numerical(told, edge):
    """Return the Jacobian of a use by central differences of the function that was recorded."""
    tensors = {told.steps.links.ids[step.node.number]: step.node for step in told.steps.swept}
    node = tensors[edge.target]
    columns = []
    for k in range(node.args[edge.position].size):
        ends = []
        for h in (1e-6, -1e-6):
            args = [
                np.array(a, copy=True) if hasattr(a, "shape") else a for a in map(plain, node.args)
            ]
            args[edge.position] = np.array(args[edge.position], float)
            args[edge.position].flat[k] += h
            ends.append(
                np.ravel(getattr(node.function, "compute", node.function)(*args, **node.kwargs))
            )
        columns.append((ends[0] - ends[1]) / 2e-6)
    return np.transpose(columns)


def plain(x):
    return x.data if isinstance(x, Tensor) else x


# --- numbers


@pytest.mark.parametrize("made", [batch_norm_of_six, stories.mlp, stories.residual, stories.fork])
def test_the_jacobian_of_each_use_is_that_of_the_function(made):
    one = made()
    found = of_uses(one)
    edges = {edge.id: edge for edge in one.graph.edges}
    known = {id: matrix for id, matrix in found.items() if matrix is not None}
    assert known
    for id, matrix in known.items():
        assert np.allclose(matrix, numerical(one, edges[id]), rtol=1e-6, atol=1e-7)


def test_a_value_that_is_used_twice_by_one_product_has_two_jacobians():
    x = Tensor([2.0, 3.0], "x")
    matrices = [*of_uses(story(x * x, np.ones(2))).values()]
    assert [matrix.tolist() for matrix in matrices] == [[[2, 0], [0, 3]]] * 2


def test_rows_of_a_use_follow_the_result_and_columns_the_operand():
    x, w = Tensor(RNG.normal(size=(2, 3)), "x"), Tensor(RNG.normal(size=(3, 4)), "w")
    one = story(x @ w, np.ones((2, 4)))
    by_operand = {one.names[edge.source]: of_uses(one)[edge.id] for edge in one.graph.edges}
    for name, given in {"x": x, "w": w}.items():
        other = {"x": lambda v: v @ w.data, "w": lambda v: x.data @ v}[name]
        expected = mb.jacobian(other, given.data).reshape(8, given.size)
        assert np.allclose(by_operand[name], expected, rtol=1e-12)


def test_batch_norms_whole_jacobian_is_the_one_that_backward_passes_give():
    scale = np.array([2.0]), np.array([0.5])
    expected = mb.jacobian(lambda x: F.batch_norm(x, *scale), X6).reshape(6, 6)
    found = wholes(batch_norm_of_six())["y", "x"].matrix
    assert np.allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_batch_norm_is_blind_to_1_and_to_x_hat():
    one = wholes(batch_norm_of_six())["y", "x"]
    sizes = np.linalg.svd(one.matrix, compute_uv=False)
    assert np.allclose(sizes[:4], sizes[0], rtol=1e-9)
    assert sizes[4] < 1e-4 * sizes[0]
    assert sizes[5] < 1e-12 * sizes[0]
    x_hat = (X6 - X6.mean()) / X6.std()
    for direction in (np.ones(6), x_hat.ravel()):
        assert np.linalg.norm(one.matrix @ direction) < 1e-3 * sizes[0]
    assert one.sentence == (
        f"Singular values: {sizes[0]:.3g} (4 times), {sizes[4]:.3g} and 0. In 2 of 6 directions y "
        "hardly moves with x: along 1 (all entries alike) and along x̂."
    )


def norm_story(norm, shape):
    size = shape[1]
    scale = Tensor(np.ones(size), "gamma"), Tensor(np.zeros(size), "beta")
    x = Tensor(np.square(np.arange(12.0)).reshape(shape) % 7, "x")
    return story(norm(x, *scale), RNG.normal(size=shape))


def test_blind_directions_are_those_of_each_column_or_row():
    words = {F.batch_norm: "In 6 of 12 directions", F.layer_norm: "In 8 of 12 directions"}
    ends = {F.batch_norm: "in each column.", F.layer_norm: "in each row."}
    for norm in words:
        said = wholes(norm_story(norm, (4, 3)))["y", "x"].sentence
        assert (
            f"{words[norm]} y hardly moves with x: along 1 (all entries alike) and along " in said
        )
        assert said.endswith(ends[norm])
    softmax = Tensor(RNG.normal(size=(2, 3)), "x")
    y = F.softmax(softmax)
    y.name = "p"
    said = wholes(story(y, RNG.normal(size=(2, 3))))["p", "x"].sentence
    assert said.endswith("along 1 (all entries alike), in each row.")


def test_a_mask_that_no_gradient_flows_through_does_not_hide_the_whole():
    x = Tensor([-1.0, 2.0, 3.0], "x")
    y = np.where(x > 0, x * 2.0, 0.5 * x)
    one = story(y, np.ones(3))
    (whole,) = wholes(one).values()
    assert np.array_equal(whole.matrix, np.diag([0.5, 2.0, 2.0]))
    assert whole.sentence == "Singular values: 2 (2 times) and 0.5."


def test_directions_without_a_name_are_counted():
    x = Tensor([-1.0, 2.0, 3.0, -2.0], "x")
    y = F.relu(x + 0.0)
    y.name = "y"
    whole = wholes(story(y, np.ones(4)))["y", "x"]
    assert whole.sentence.endswith(" In 2 of 4 directions y hardly moves with x.")


def test_many_different_singular_values_are_summed_up():
    x = Tensor(np.zeros(10), "x")
    (whole,) = wholes(story((x + 0.0) * np.arange(1.0, 11), np.ones(10))).values()
    assert whole.sentence == "Singular values: 10 from 10 down to 1."


def test_a_chain_through_a_value_that_is_too_large_has_no_whole():
    x, wide = Tensor(np.ones(3), "x"), np.ones((3, MOST_IN_JACOBIAN + 1))
    one = story((x @ wide) @ wide.T, np.ones(3))
    assert set(map(type, of_uses(one).values())) == {type(None)}
    assert wholes(one) == {}


@pytest.mark.parametrize("size", [MOST_IN_JACOBIAN, MOST_IN_JACOBIAN + 1])
def test_values_of_up_to_24_entries_have_one(size):
    (matrix,) = of_uses(story(np.exp(Tensor(np.zeros(size), "x")), np.ones(size))).values()
    assert (matrix is None) == (size > MOST_IN_JACOBIAN)


def test_a_large_graph_has_none():
    assert set(of_uses(stories.chain(600)).values()) == {None}


def test_nobody_watches_the_rows():
    class Looks(Watch):
        seen = 0

        def sent(self, *_):
            self.seen += 1

    one, before, looks = story(np.sqrt(Tensor([4.0, 0.25], "x")), np.zeros(2)), mode.get(), Looks()
    try:
        mode.set(Mode(watches=(looks,)))
        assert [matrix is not None for matrix in of_uses(one).values()] == [True]
        assert mode.get().watches == (looks,)
    finally:
        mode.set(before)
    assert looks.seen == 0


def test_infinities_and_zeros_are_no_trouble():
    x = Tensor([0.0, 1.0, 4.0], "x")
    with np.errstate(all="ignore"):
        y = np.sqrt(x) * np.array([0.0, 1.0, np.inf])
        one = story(y, np.zeros(3))
    data = data_of_jacobians(one.steps.links, one.steps.swept, one.names)
    assert "inf 0 0 nan 0.5 0 nan 0 0.25" in data["uses"].values()  # 0 times infinity is nan
    assert data["wholes"][0]["said"] == ""
    flat = story((x + 0.0) * np.zeros(3), np.ones(3))
    (whole,) = wholes(flat).values()
    assert whole.sentence.startswith("Singular values: 0 (3 times). In 3 of 3 directions")


# --- on the page

SHOWN = """() => {
  const all = (selector) => [...document.querySelectorAll(`#tables ${selector}`)];
  const texts = (selector) => all(selector).map((one) => one.textContent);
  return {
    caption: texts("caption")[0], columns: texts("[scope=col]"), rows: texts("[scope=row]"),
    cells: all("tr:has([scope=row])").map((row) =>
      [...row.querySelectorAll("td")].map((cell) => cell.textContent)),
    choices: texts("button"), chosen: texts("button[aria-pressed=true]"), said: texts("p"),
  };
}"""


def shown(page):
    return page.evaluate(SHOWN)


def forward_step(one, name):
    return next(s.number for s in one if s.phase == "forward" and one.names[s.nodes[0]] == name)


@pytest.fixture
def six(opened):
    one = batch_norm_of_six()
    return one, opened(one, f"#step={forward_step(one, 'y')}")


def test_key_and_button_show_the_whole_jacobian_with_its_entries_named(six):
    one, page = six
    whole = wholes(one)["y", "x"]
    for act in (lambda: page.keyboard.press("j"), lambda: page.click("#jacobian")):
        before = look(page).tables
        act()
        now = shown(page)
        assert now["caption"] == "∂y / ∂x 6 × 6"
        assert now["columns"] == [f"x[{i},0]" for i in range(6)]
        assert now["rows"] == [f"y[{i},0]" for i in range(6)]
        assert now["cells"] == [[f"{v:.3g}" for v in row] for row in whole.matrix]
        assert now["choices"] == ["∂y / ∂x, through all steps", "∂y / ∂scaled", "∂y / ∂β"]
        assert whole.sentence in now["said"]
        act()
        assert look(page).tables == before
        assert page.get_attribute("#jacobian", "aria-pressed") == "false"


@pytest.mark.parametrize("phase", ["forward", "backward"])
def test_every_use_of_a_step_can_be_chosen(opened, phase):
    one = told("batchnorm")
    page = opened(one)
    page.keyboard.press("j")
    edges = {edge.id: edge for edge in one.graph.edges}
    values = {node.id: node.value for node in one.graph.nodes}
    found = of_uses(one)
    for step in (step for step in one if step.phase == phase):
        look(page, step.number)
        for id in [
            id for id, edge in edges.items() if edge.target == step.nodes[0] and id in found
        ]:
            source = one.names[edges[id].source]
            name = f"/ ∂({source})" if " " in source else f"/ ∂{source}"
            if len(shown(page)["choices"]) > 1:
                page.locator("#tables button").filter(
                    has_text=re.compile(f"{re.escape(name)}$")
                ).click()
            now = shown(page)
            assert name in now["caption"]
            matrix = found[id]
            most = np.max(np.abs(matrix))
            digits = 3 if matrix.shape[1] <= 8 else 2
            near = [[0 < abs(v) < 1e-3 * most for v in row] for row in matrix]
            assert now["cells"] == [
                ["≈0" if tiny else f"{v + 0.0:.{digits}g}" for v, tiny in zip(*both, strict=True)]
                for both in zip(matrix, near, strict=True)
            ]
            assert len(now["columns"]) == values[edges[id].source].size


def test_a_choice_by_keyboard_keeps_the_focus_and_holds_at_the_next_step(six):
    _, page = six
    page.keyboard.press("j")
    page.locator("#tables button").nth(2).focus()
    page.keyboard.press("Enter")
    assert shown(page)["chosen"] == ["∂y / ∂β"]
    assert page.evaluate("document.activeElement.textContent") == "∂y / ∂β"
    page.keyboard.press("ArrowRight")  # the backward of y
    assert shown(page)["chosen"] == ["∂y / ∂β"]


def test_a_click_on_an_arrow_leads_to_its_jacobian(six):
    one, page = six
    page.keyboard.press("j")
    edge = next(e for e in one.graph.edges if one.names[e.target] == "x̂")
    page.evaluate(
        """id => document.querySelector(`.hit[data-id="${id}"]`).dispatchEvent(
            new MouseEvent("click", { bubbles: true }))""",
        edge.id,
    )
    assert shown(page)["caption"] == f"∂x̂ / ∂{one.names[edge.source]} 6 × 6"
    assert one[look(page).at].phase == "backward"


def test_a_jacobian_says_that_it_belongs_to_the_numbers_before_a_change(six):
    _, page = six
    old = "The numbers have changed. This Jacobian belongs to those that the story began with."
    page.keyboard.press("j")
    for act in ("change(live.inputs[0], 0, 4.5)", "resetNumbers()"):
        page.evaluate(f"() => {act}")
        assert (old in shown(page)["said"]) == act.startswith("change")


def test_what_has_no_jacobian_says_so(opened):
    page = opened(stories.told(np.exp(Tensor(np.zeros((5, 5)), "x"))))
    page.keyboard.press("j")
    assert shown(page)["said"] == ["This step has no Jacobian. Go to one that has operands."]
    page.keyboard.press("ArrowRight")
    (said,) = shown(page)["said"]
    assert said.startswith(
        "exp(x) has 25 and x has 25 entries. This page has Jacobians of values of up"
    )


def test_hostile_names_are_text_in_a_jacobian_too(opened):
    one = stories.hostile()
    page = opened(one)
    page.keyboard.press("j")
    for number in range(len(one)):
        assert look(page, number).elements == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [SIZE, PHONE], ids=["1280x720", "phone"])
def test_axe_finds_nothing_to_object_to_in_jacobians(opened, size, scheme):
    one = told("batchnorm")
    page = with_axe(opened(one, viewport=size, color_scheme=scheme))
    page.keyboard.press("j")
    for number in (0, forward_step(one, "y"), len(one) - 1):
        look(page, number)
        assert page.evaluate(AXE, RULES) == []


OVER = """() => {
  const panel = document.getElementById("step");
  return [panel.scrollHeight - panel.clientHeight,
    ...[...panel.querySelectorAll("figure")].map((one) => one.scrollWidth - one.clientWidth)];
}"""


def test_batch_norms_jacobian_is_seen_as_a_whole_at_1280_x_720(opened):
    one = told("batchnorm")
    page = opened(one, f"#step={forward_step(one, 'y')}")
    page.keyboard.press("j")
    assert max(page.evaluate(OVER)) <= 1
    assert page.evaluate("document.querySelector('#tables td').getClientRects().length") == 1
    await_that(page, lambda: len(shown(page)["cells"]) == 12)


def test_the_data_of_a_page_hold_numbers_that_read_back():
    one = told("batchnorm")
    data = data_of_jacobians(one.steps.links, one.steps.swept, one.names)
    assert data["most"] == MOST_IN_JACOBIAN
    shapes = {
        edge.id: (
            one.steps.links.nodes[edge.target].value.size,
            one.steps.links.nodes[edge.source].value.size,
        )
        for edge in one.graph.edges
    }
    for edge, text in data["uses"].items():
        down, across = shapes[edge]
        count = len(text.split())
        assert count == down * across or count == down == across
