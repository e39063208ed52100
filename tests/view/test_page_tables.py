"""The tables on the page: true numbers, lined up at their points, and cut if there are many."""

import numpy as np
import stories
from browser import look

from microbn import Tensor
from microbn.view.values import table

POINTS = """() => [...document.querySelectorAll("#tables table")].map((table) =>
  [...table.rows[0].cells].map((_, column) => [...table.rows].map((row) => {
    const cell = row.cells[column];
    const words = document.createRange();
    words.setStart(cell.firstChild, 0);
    words.setEnd(cell.firstChild, cell.textContent.split(/[.…]|e/)[0].length);
    return cell.textContent === "…" ? null : words.getBoundingClientRect().right;
  }).filter((right) => right !== null)))"""


def uneven(columns):
    return [c for table in columns for c in table if max(c, default=0) - min(c, default=0) > 0.5]


def test_numbers_line_up_at_their_points(opened):
    x = Tensor([[1.5, 2.0, -0.001], [-10.25, 1e-5, 40.0], [0.125, 300.0, 1e20]], "x")
    page = opened(stories.told(x * np.array([1.0, 10.0, 1.0])))
    for number in range(3):
        look(page, number)
        columns = page.evaluate(POINTS)
        assert columns
        assert not uneven(columns)
    page.evaluate("document.querySelectorAll('td').forEach((td) => td.style.padding = '0')")
    assert uneven(page.evaluate(POINTS))


def test_every_number_of_16_rows_and_columns_is_there(opened):
    x = Tensor(np.random.default_rng(0).normal(size=(16, 16)), "x")
    [shown, _] = look(opened(stories.told(x * 2.0)), 1).tables
    assert shown["rows"] == table(x.data).rows
    assert len(shown["rows"]) == len(shown["rows"][0]) == 16


GAPS = """() => [...document.querySelectorAll("#tables td")]
  .filter((cell) => cell.textContent === "…").map((cell) => cell.style.background)"""


def test_a_gap_has_no_colour_and_the_range_stands_below(opened):
    x = Tensor(np.arange(4000.0).reshape(100, 40), "x")
    page = opened(stories.told(x * 2.0))
    shown = look(page, 1)
    assert [one["rows"] for one in shown.tables] == [table(x.data).rows, table(2 * x.data).rows]
    assert "of all: 0 to 8e+03, mean 4e+03" in shown.words
    assert {*page.evaluate(GAPS)} == {""}
    assert len(page.evaluate(GAPS)) == 2 * (9 + 9 - 1)


def test_a_number_outside_the_gap_is_as_dark_as_its_part_of_the_largest_of_all(opened):
    x = np.zeros((1, 40))
    x[0, :2], x[0, 20] = (1.0, -5.0), 10.0
    page = opened(stories.told(Tensor(x, "x") * 2.0))
    look(page, 1)
    one, two, none = page.locator("#tables td").evaluate_all(
        "all => all.slice(0, 3).map((td) => td.style.background)"
    )
    assert one == "rgb(247, 232, 234)"  # a tenth of the way from white to the darkest red
    assert two == "rgb(144, 179, 214)"
    assert none == "rgb(255, 255, 255)"


def test_the_thumbnail_of_a_large_array_is_of_8_by_8_cells(opened):
    page = opened(stories.told(Tensor(np.ones((100, 40)), "x") * 2.0))
    heats = page.locator("#graph .box").first.locator(".heat").first
    assert heats.locator("rect:not(.rim)").count() == 8 * 8
