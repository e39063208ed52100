"""The page tells a step: its sentence, its numbers, its line of code."""

import re
from linecache import cache, getline

import numpy as np
import pytest
import stories
from browser import look

import microbn as mb
from microbn import Tensor
from microbn.view.values import table


@pytest.mark.parametrize("made", [stories.batch_norm, stories.fork, stories.mlp])
def test_every_step_shows_its_sentence_and_the_numbers_of_its_arrays(opened, made):
    story = made()
    page = opened(story)
    values = {node.id: node.value for node in story.graph.nodes}
    for step in story:
        shown = look(page, step.number)
        assert shown.sentence == step.sentence
        assert f"step {step.number} of {len(story) - 1}" in shown.where
        needed = [values[id] for id in step.reads]
        if step.phase != "backward":
            needed += [values[id] for id in step.nodes]
        else:
            needed += [step.gradient, *(array for part in step.parts for array in arrays(part))]
        rows = [one["rows"] for one in shown.tables]
        assert all(table(array).rows in rows for array in needed)


def arrays(part):
    """Return the numbers that are shown for a part."""
    return [*[part.product] * bool(part.summed), part.gradient, *[part.total] * (part.received > 1)]


@pytest.mark.parametrize("made", [stories.batch_norm, stories.fork, stories.mlp])
def test_at_a_fork_the_earlier_sum_and_this_part_add_up_to_the_sum_shown(opened, made):
    page = opened(made())
    sums = {}
    for step in made():
        for part, card in zip(step.parts, look(page, step.number).cards, strict=True):
            before = [sums[part.receiver]] if part.received > 1 else []
            sums[part.receiver] = part.total
            rows = [one["rows"] for one in card]
            assert rows == [table(array).rows for array in (*before, *arrays(part))]
            if before:
                shown = [np.array(rows[at], float) for at in (0, -2, -1)]
                earlier, this, whole = shown
                rounding = 0.005 * sum(map(np.abs, shown))  # because three digits are shown
                assert np.all(np.abs(earlier + this - whole) <= rounding)


POSITIVE = """() => [...document.querySelectorAll("#tables .card")].map((card) =>
  [...card.querySelectorAll("table")].map((table) => [...table.querySelectorAll("td")]
    .filter((cell) => Number(cell.textContent) > 0)
    .map((cell) => [Number(cell.textContent),
      Number(/, (\\d+),/.exec(cell.style.background)[1])])))"""


@pytest.mark.parametrize("made", [stories.batch_norm, stories.fork, stories.mlp])
def test_larger_number_is_never_lighter_in_any_table_of_a_sum(opened, made):
    page = opened(made())
    largest = set()
    for step in made():
        look(page, step.number)
        for tables in page.evaluate(POSITIVE):
            cells = sorted(cell for table in tables for cell in table)
            greens = [green for _, green in cells]
            assert greens == sorted(greens, reverse=True)
            largest.add(len({max(table)[0] for table in tables if table}))
    assert max(largest) > 1


@pytest.mark.parametrize(
    ("made", "signs"),
    [
        (lambda a, b: a - b, "−→"),
        (lambda a, b: a / b, "÷→"),
        (lambda a, b: a @ b, "@→"),
        (lambda a, b: np.maximum(a, b), "→"),
        (lambda a, b: a * a, "→"),
        (lambda a, b: a * 2.0, "→"),
        (lambda a, b: np.where(a > b, a, b), "→"),
    ],
)
def test_sign_of_an_operation_stands_between_its_two_operands(opened, made, signs):
    story = stories.told(made(Tensor([1.0, 2.0], "a"), Tensor([3.0, 1.0], "b")))
    page = opened(story)
    look(page, [step.phase for step in story].index("backward") - 1)
    assert "".join(page.locator("#tables .sign").all_text_contents()) == signs


def test_sentence_is_a_status_that_is_read_aloud(opened):
    assert opened(stories.fork()).get_attribute("#sentence", "role") == "status"


def test_nan_and_infinities_are_shown(opened):
    with np.errstate(all="ignore"):
        y = np.log(Tensor([[0.0, -1.0, 1.0]], "x"))
        story = stories.told(y * np.array([[-1.0, 1.0, 1.0]]))
    page = opened(story)
    seen = {cell for n in range(3) for one in look(page, n).tables for cell in one["rows"][0]}
    assert {"inf", "-inf", "nan"} <= seen


def test_empty_arrays_and_single_numbers_are_shown(opened):
    y = (Tensor(np.zeros((0, 3)), "none") * 2.0).sum() + Tensor(2.5, "one")
    shown = look(opened(stories.told(y)))
    assert "empty" in shown.words
    assert [["2.5"]] in [one["rows"] for one in shown.tables]


def dashes(shown):
    return [box["texts"].count("–") for box in shown.boxes]


def test_value_that_is_not_computed_yet_is_a_dash_and_never_a_number(opened):
    page = opened(stories.fork())
    # the dashes of x, x · x and x · x + x, each with a value and a gradient
    for number, expected in enumerate([(1, 2, 2), (1, 1, 2), (1, 1, 1), (0, 0, 0)]):
        shown = look(page, number)
        assert tuple(dashes(shown)) == expected
        assert not any("0" in box["texts"] for box in shown.boxes)


def test_dashes_of_all_steps_are_those_of_the_story(opened):
    story = stories.batch_norm()
    page = opened(story)
    known, begun = set(), set()
    for step in story:
        known |= set(step.nodes)
        begun |= {part.receiver for part in step.parts}
        begun |= set(step.nodes) if step.phase == "backward" else set()
        assert dashes(look(page, step.number)) == [
            0 if node.role == "constant" else (node.id not in known) + (node.id not in begun)
            for node in story.graph.nodes
        ]


def test_gradient_of_zero_is_a_zero_and_one_that_never_flows_a_dash(opened):
    x, y = Tensor(-1.0, "x"), Tensor(2.0, "y")
    story = stories.told(np.where(x > 0, x, y))
    shown = look(opened(story), len(story) - 1)
    gradients = {box["texts"][0]: box["texts"][-1] for box in shown.boxes}
    assert gradients["x"] == "0"
    assert gradients["x > 0"] == "–"


def test_parts_of_a_sum_are_counted_in_the_cards_and_on_the_boxes(opened):
    story = stories.batch_norm()
    page = opened(story)
    for step in story:
        shown = look(page, step.number)
        several = [part for part in step.parts if part.expected > 1]
        counts = [f"part {part.received} of {part.expected}" for part in several]
        assert re.findall(r"part \d+ of \d+", shown.words) == counts
        on_boxes = {text for box in shown.boxes for text in box["texts"]}
        incomplete = [part for part in several if part.received < part.expected]
        assert {f"{part.received} of {part.expected}" for part in incomplete} <= on_boxes
    assert {text for text in on_boxes if " of " in text} <= {part.count for part in several}


def test_line_of_code_is_marked(opened):
    story = stories.batch_norm()
    page = opened(story)
    for step in story:
        marked = look(page, step.number).marked
        line = step.line and (step.line.inside or step.line)
        assert len(marked) == bool(line)
        if line:
            assert getline(line.file, line.number).strip() in marked[0]


def test_long_line_of_code_is_shown_whole(opened):
    source, x = "y = " + " + ".join(["x"] * 60), Tensor(1.0, "x")
    cache["long.py"] = (len(source), None, [source], "long.py")
    made = {"x": x}
    with mb.trace():
        exec(compile(source, "long.py", "exec"), made)
    page = opened(stories.told(made["y"]), "#step=3")
    assert source in page.inner_text("#step mark")
    assert page.locator("#step pre").evaluate("pre => pre.scrollWidth <= pre.clientWidth")
    high = page.locator("#step mark").evaluate("mark => mark.getClientRects()[0].height")
    assert high > 3 * 20
