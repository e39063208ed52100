"""The arrays of a story as tables and data, and its steps as drawings and frames."""

import json

import numpy as np
import pytest
from spoken import DY, batch_norm

import microbn as mb
from microbn import Tensor, errors, nn
from microbn.view import values


def test_data_is_json_with_nan_and_infinity_as_text():
    with np.errstate(all="ignore"):
        story = mb.story(np.log(Tensor([0.0, -1.0, 1.0], "x")), np.ones(3))
    data = json.loads(json.dumps(story.data(), allow_nan=False))
    assert [t["rows"] for t in data["tables"]][:2] == [[["0", "-1", "1"]], [["-inf", "nan", "0"]]]


def test_an_array_that_is_handed_on_is_one_table():
    story = mb.story(batch_norm(), DY)
    data = story.data()
    first, *_ = [step for step in data["steps"] if step["phase"] == "backward"]
    assert first["gradient"] == first["parts"][0]["gradient"]
    arrays = [t["rows"] for t in data["tables"]]
    assert len(arrays) < sum(1 + 2 * len(step.parts) for step in story)


def test_small_array_is_a_table_of_its_numbers():
    assert values.table(np.array(2.5)).rows == [["2.5"]]
    assert values.table(np.arange(3.0)).rows == [["0", "1", "2"]]
    assert values.table(np.ones((2, 2, 1))).labels == ["[0, 0]", "[0, 1]", "[1, 0]", "[1, 1]"]
    assert values.table(np.empty((0, 3))).rows == []


@pytest.mark.parametrize("shape", [(16,), (16, 16), (1, 16), (2, 8, 16), (4, 2, 2, 1)])
def test_every_number_of_up_to_16_rows_and_columns_is_shown(shape):
    array = np.random.default_rng(0).normal(size=shape)
    table = values.table(array)
    assert np.allclose(np.array(table.rows, float), array.reshape(-1, shape[-1]), rtol=0.005)
    assert (table.blocks, table.low, table.mean, table.high) == ([], "", "", "")


LARGE = pytest.mark.parametrize(
    "shape", [(100,), (17, 1), (25, 30), (3, 6, 7), (1, 17), (2, 17), (2, 3, 4, 40)]
)


@LARGE
def test_a_large_array_is_cut_and_no_number_of_it_is_a_mean(shape):
    array = np.random.default_rng(0).normal(size=shape)
    table, grid = values.table(array), array.reshape(-1, shape[-1])
    kept = [[*range(n)] if n <= 16 else [*range(6), None, n - 2, n - 1] for n in grid.shape]
    expected = [
        ["…" if None in (i, k) else values.number(grid[i, k]) for k in kept[1]] for i in kept[0]
    ]
    assert table.rows == expected
    indices = [*np.ndindex(shape[:-1])]
    labels = ["…" if i is None else str([*indices[i]]) for i in kept[0]]
    assert table.labels == (labels if len(shape) > 2 else [])
    said = [values.number(found) for found in (array.min(), array.mean(), array.max())]
    assert [table.low, table.mean, table.high] == said


@LARGE
def test_the_thumbnail_of_a_large_array_has_the_means_of_its_blocks(shape):
    array = np.random.default_rng(0).normal(size=shape)
    grid = array.reshape(-1, shape[-1])
    rows, columns = (-(-n // values.MOST_BLOCKS) for n in grid.shape)
    blocks = values.table(array).blocks
    for i, row in enumerate(blocks):
        for k, text in enumerate(row):
            block = grid[i * rows : (i + 1) * rows, k * columns : (k + 1) * columns]
            assert float(text) == pytest.approx(block.mean(), rel=0.06)  # two digits
    assert (len(blocks), len(blocks[0])) == (-(-len(grid) // rows), -(-grid.shape[1] // columns))
    assert max(len(blocks), len(blocks[0])) <= values.MOST_BLOCKS


def test_numbers_line_up_at_their_points():
    rows = [["1.5", "-0.25", "nan"], ["10", "1e-05", "…"], ["-0.125", "1.2e+03", "3"]]
    assert values.lined_up(rows) == [
        ["1.5  ", "-0.25   ", "nan"],
        ["10    ", "1e-05  ", "…"],
        ["-0.125", "1.2e+03", "3"],
    ]
    assert values.lined_up([]) == []


def test_saved_only_as_a_page(tmp_path):
    story = mb.story(batch_norm(), DY)
    with pytest.raises(errors.ArgumentError, match=r"bn.svg'; pictures .* story.frames\(folder\)"):
        story.save(tmp_path / "bn.svg")
    assert not list(tmp_path.iterdir())


def test_drawing_of_a_step_shows_what_is_known_by_then():
    story = mb.story(batch_norm(), DY)
    start, middle, end = (story.drawing(n).source for n in (0, 12, 18))
    assert start.count("–") > middle.count("–") > end.count("–") == 0
    assert middle.count("penwidth=3") == 3  # x̂ and its two messages
    assert "The gradient of x̂ is complete" in middle


def test_drawing_of_a_step_folds_groups_and_marks_the_one_of_the_step():
    net = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Tanh())
    story = mb.story(net(np.ones((1, 2))), np.ones((1, 2)))
    source = story.drawing(1, depth=0).source
    assert source.count("values") == 1
    assert "penwidth=3" in source


def test_a_frame_for_every_step(tmp_path):
    pytest.importorskip("graphviz")
    story = mb.story(np.square(Tensor(2.0, "x")))
    if not mb.view.dot.renderers():
        pytest.skip("neither dot nor pygraphviz is installed: pictures unchecked")
    frames = story.frames(tmp_path / "frames", "pdf", direction="TB")
    assert [frame.name for frame in frames] == [f"step{n}.pdf" for n in range(len(story))]
    assert all(frame.read_bytes().startswith(b"%PDF") for frame in frames)


def test_no_zero_has_a_sign():
    assert values.table(np.array([-0.0, 1.0])).rows == [["0", "1"]]


def test_frames_in_no_format_leave_no_folder(tmp_path):
    with pytest.raises(errors.ArgumentError, match=r"'\.png' is not a format; use one of svg, png"):
        mb.story(np.square(Tensor(2.0, "x"))).frames(tmp_path / "frames", ".png")
    assert not list(tmp_path.iterdir())


def test_operands_that_are_no_numbers_are_not_drawn():
    look = mb.primitive(lambda x, k: x * 2)
    mb.defvjp(look, lambda g, out, x, k: g * 2, None)
    y = look(Tensor([1.0, 2.0], "a"), np.array(["a", "b"]))
    assert len(mb.story(y, np.ones(2)).graph.nodes) == 2
    assert mb.draw(y, np.ones(2)).source


def test_large_arrays_of_many_rows_have_labels_for_the_rows_shown():
    labels = values.table(np.zeros((300, 300, 1))).labels
    assert labels == [*(f"[0, {i}]" for i in range(6)), "…", "[299, 298]", "[299, 299]"]


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 3), (0, 2, 20), (20, 0)])
def test_an_empty_array_is_an_empty_table(shape):
    table = values.table(np.zeros(shape))
    assert (table.rows, table.labels, table.blocks) == ([], [], [])
