"""The story of a graph: complete, in the engine's order, in the words of the rules."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, closed_form, errors, nn
from microbn import functional as F
from microbn.reading.tape import history
from microbn.testing.programs import program
from microbn.view import values
from microbn.view.words import greek

DY = np.random.default_rng(1).normal(size=(4, 3))


def batch_norm():
    rng = np.random.default_rng(0)
    leaves = [Tensor(rng.normal(size=s), n) for s, n in (((4, 3), "x"), (3, "gamma"), (3, "beta"))]
    return F.batch_norm(*leaves)


def told(story):
    """Return the sentences of a story, with those of the messages."""
    return [line.strip() for step in story for line in str(step).splitlines()]


def test_batch_norm_is_told_in_words():
    with mb.trace():
        y = batch_norm()
    assert told(mb.story(y, DY)) == [
        "Given: x (4, 3), γ (3,) and β (3,).",
        "μ = mean(x, axis=0, keepdims=True): the mean of x over the 4 rows, shape (1, 3).",
        "centered = x - μ: x minus μ, μ broadcast to all 4 rows, shape (4, 3).",
        "square = square(centered): the square of centered, shape (4, 3).",
        "σ² = mean(square, axis=0, keepdims=True): the mean of square over the 4 rows, "
        "shape (1, 3).",
        "σ² + ε: σ² plus ε = 1e-05, shape (1, 3).",
        "σ = sqrt(σ² + ε): the square root of σ² + ε, shape (1, 3).",
        "x̂ = centered / σ: centered divided by σ, σ broadcast to all 4 rows, shape (4, 3).",
        "scaled = γ · x̂: γ times x̂, γ broadcast to all 4 rows, shape (4, 3).",
        "y = scaled + β: scaled plus β, β broadcast to all 4 rows, shape (4, 3).",
        "The backward starts with dy, the gradient of the loss with respect to y: it goes on to "
        "scaled and β (summed over the 4 rows). dβ is complete: backward() adds it to β.grad.",
        "scaled receives dy.",
        "β receives dy, summed over the 4 rows, because it was broadcast.",
        "The gradient of scaled is complete: it goes on to γ (summed over the 4 rows) and x̂. "
        "dγ is complete: backward() adds it to γ.grad.",
        "γ receives dscaled · x̂, summed over the 4 rows, because it was broadcast.",
        "x̂ receives dscaled · γ.",
        "The gradient of x̂ is complete: it goes on to centered and σ (summed over the 4 rows). "
        "centered receives its first part of 2.",
        "centered receives dx̂ / σ: part 1 of 2.",
        "σ receives -dx̂ · x̂ / σ, summed over the 4 rows, because it was broadcast.",
        "The gradient of σ is complete: it goes on to σ² + ε.",
        "σ² + ε receives dσ / (2 · σ).",
        "The gradient of σ² + ε is complete: it goes on to σ².",
        "σ² receives d(σ² + ε).",
        "The gradient of σ² is complete: it goes on to square, copied to all 4 rows.",
        "square receives dσ² / 4, copied to all 4 rows.",
        "The gradient of square is complete. centered receives its second part: it is added to "
        "the first.",
        "centered receives dsquare · (2 · centered): part 2 of 2.",
        "The gradient of centered is complete, the sum of 2 parts: it goes on to x and μ (summed "
        "over the 4 rows). x receives its first part of 2.",
        "x receives dcentered: part 1 of 2.",
        "μ receives -dcentered, summed over the 4 rows, because it was broadcast.",
        "The gradient of μ is complete. x receives its second part, copied to all 4 rows: it is "
        "added to the first. dx is complete: backward() adds it to x.grad.",
        "x receives dμ / 4, copied to all 4 rows: part 2 of 2.",
    ]


def test_angles_logarithms_and_matrices_are_told_in_words():
    a, b = Tensor(np.diag([2.0, 4.0]), "a"), Tensor(np.ones((2, 2)), "b")
    said = {
        np.sin(b): "sin(b): the sine of b, shape (2, 2).",
        np.log1p(b): "log1p(b): the logarithm of 1 + b, shape (2, 2).",
        np.cumsum(b, axis=0): "cumsum(b, axis=0): the running sum of b, shape (2, 2).",
        np.linalg.inv(a): "linalg.inv(a): the inverse of a, shape (2, 2).",
        np.linalg.solve(a, b): "linalg.solve(a, b): the solution of equations with the matrix a "
        "and the right side b, shape (2, 2).",
        np.linalg.eigvalsh(a): "linalg.eigvalsh(a): the eigenvalues of a, shape (2,).",
    }
    for value, sentence in said.items():
        assert told(mb.story(value, np.ones(value.shape)))[1].endswith(sentence)


def test_the_mean_that_is_subtracted_in_float32_has_names_too():
    leaves = [Tensor(leaf.data, leaf.name, dtype=np.float32) for leaf in history(batch_norm())[:3]]
    lines = told(mb.story(F.batch_norm(*leaves), DY))
    assert any(line.startswith("shifted = x - offset: ") for line in lines)
    assert any(line.startswith("centered = shifted - correction: ") for line in lines)
    assert not any("left" in line for line in lines)


def test_each_gradient_told_is_the_one_derived_by_hand():
    y = batch_norm()
    story = mb.story(y, DY)
    x, gamma, beta = (node.value for node in story.graph.nodes[:3])
    by_hand = closed_form.backward_staged(DY, closed_form.forward(x, gamma, beta)[1])
    names = {node.id: node.name for node in story.graph.nodes}
    told = {names[id]: array for step in story for id, array in step.gradients.items()}
    for name, expected in by_hand.items():
        np.testing.assert_allclose(told[name], expected, rtol=0, atol=1e-12)


@pytest.mark.bits
@pytest.mark.parametrize("seed", range(20))
def test_backward_steps_are_the_engines_own_sweep(seed):
    made = program(seed)
    root = made.run([*map(Tensor, made.inputs)])
    cotangent = np.random.default_rng(seed).normal(size=root.shape)
    story = mb.story(root, cotangent)
    backward = [step for step in story if step.phase == "backward"]
    numbers = {node.id: node.number for node in story.graph.nodes}
    senders = [step for step in mb.sweep(root, cotangent) if step.node.function]
    for ours, engines in zip(backward, senders, strict=True):
        assert numbers[ours.nodes[0]] == engines.node.number
        assert np.array_equal(ours.gradient, engines.gradient)
        sent = [(numbers[p.receiver], np.asarray(p.gradient).tolist()) for p in ours.parts]
        assert sent == [
            (m.operand.number, np.asarray(m.gradient).tolist()) for m in engines.messages
        ]


@pytest.mark.bits
@pytest.mark.parametrize("seed", range(20))
def test_parts_add_up_to_the_gradient_and_are_counted(seed):
    made = program(seed)
    root = made.run([*map(Tensor, made.inputs)])
    cotangent = np.random.default_rng(seed).normal(size=root.shape)
    story = mb.story(root, cotangent)
    last = {part.receiver: part for step in story for part in step.parts}
    assert all(part.received == part.expected for part in last.values())
    ids = {node.number: node.id for node in story.graph.nodes}
    whole = {ids[step.node.number]: step.gradient for step in mb.sweep(root, cotangent)}
    for id, part in last.items():
        assert np.array_equal(part.total, whole[id])


def test_edges_of_messages_lead_from_the_receiver_to_the_sender():
    story = mb.story(batch_norm(), DY)
    edges = {edge.id: edge for edge in story.graph.edges}
    sent = [(step, part) for step in story for part in step.parts]
    assert len({part.edge for _, part in sent}) == len(sent)
    for step, part in sent:
        assert (edges[part.edge].source, edges[part.edge].target) == (part.receiver, *step.nodes)


def test_value_used_twice_by_one_function_gets_two_messages():
    x = Tensor(3.0, "x")
    assert told(mb.story(x * x))[-3:] == [
        "The backward starts with d(x · x) = 1, the gradient of x · x itself: it goes on to x. "
        "x receives its first part of 2. x receives its second part: it is added to the first. "
        "dx is complete: backward() adds it to x.grad.",
        "x receives d(x · x) · x: part 1 of 2.",
        "x receives d(x · x) · x: part 2 of 2.",
    ]


def test_joined_operands_get_the_pieces_of_one_rule():
    x, y = Tensor(1.0, "x"), Tensor(2.0, "y")
    lines = told(mb.story(np.stack([x, y, x]), [1.0, 2.0, 3.0]))
    assert lines[1] == "stack2 = stack(x, y, x, axis=0): stack of x, y and x, shape (3,)."
    assert lines[4] == "y receives dstack2[1]."


def test_terms_of_parts_are_the_sum_at_the_receiver():
    story = mb.story(batch_norm(), DY)
    first, last = (part for step in story for part in step.parts if part.receiver == "n0")
    assert (first.count, [*first.terms()]) == ("1 of 2", ["gradient"])
    assert (last.count, [*last.terms()]) == ("2 of 2", ["earlier", "gradient", "total"])
    assert last.earlier is first.total
    _, to_beta = next(step.parts for step in story if step.parts)
    assert (to_beta.count, [*to_beta.terms()]) == ("", ["product", "gradient"])


def test_gradients_of_a_step_are_its_own_and_the_sums_that_it_reaches():
    story = mb.story(batch_norm(), DY)
    step = next(step for step in story if step.nodes == ("n4",) and step.parts)  # centered
    assert [*step.gradients] == ["n0", "n3", "n4"]
    assert step.gradients["n4"] is step.gradient
    assert story[0].gradients == {}


def test_sum_over_broadcast_axes_is_said():
    x, b = Tensor(np.ones((2, 3, 4)), "x"), Tensor(np.ones((3, 1)), "b")
    *_, part = mb.story(x * b, np.ones((2, 3, 4)))[2].parts
    assert (part.summed, part.product.shape) == ("summed over axes 0 and 2", (2, 3, 4))
    assert part.gradient.shape == (3, 1)


def test_rule_that_cannot_be_read_as_words_is_named():
    @mb.primitive
    def twice(x):
        return 2 * x

    mb.defvjp(twice, lambda g, out, x: 2 * float(np.asarray(g)) * np.ones(()))
    lines = told(mb.story(twice(Tensor(1.0, "x"))))
    assert "x receives the rule of twice." in lines
    assert lines[1] == "twice(x): twice of x, which is 2."


def test_long_formulas_are_cut_and_long_names_are_numbers():
    x = Tensor(np.ones(3), "a_very_long_name_of_a_tensor")
    y = ((x + x) * (x - x)).sum()
    names = mb.story(y).names.values()
    assert list(names) == [
        "a_very_long_name_of_a_tensor",
        "add1",
        "subtract2",
        "add1 · subtract2",
        "sum4",
    ]


def test_names_are_greek_where_pictures_are():
    assert [greek(name) for name in ("x_hat", "d_var", "d_d_mean", "std[0, 1]", "a\n b")] == [
        *("x̂", "dσ²", "ddμ", "σ[0, 1]", "a b")
    ]


def test_story_refuses_what_a_sweep_refuses():
    with pytest.raises(errors.ShapeError, match="pass the cotangent"):
        mb.story(batch_norm())
    with pytest.raises(errors.DTypeError, match="starts from a Tensor"):
        mb.story(3.0)


def test_story_touches_no_grad():
    x = Tensor(2.0)
    mb.story(x * x)
    assert x.grad is None


def test_lines_of_code_are_those_that_ran_and_where_they_were_called():
    with mb.trace():
        y = batch_norm()
    story = mb.story(y, DY)
    for step in story:
        if step.phase == "forward":
            inside = step.line.inside
            assert Path(inside.file).name == "functional.py"
            assert "batch_norm(*leaves)" in str(step.line)
            assert inside.number in dict(step.code)
    assert [text.strip() for _, text in story[9].code] == [
        "scaled = gamma * x_hat",
        "y = scaled + beta",
    ]


def test_without_trace_there_is_no_code():
    story = mb.story(batch_norm(), DY)
    assert {(step.line, step.code) for step in story} == {(None, ())}


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


@pytest.mark.parametrize("shape", [(100,), (13, 1), (25, 30), (3, 5, 7), (1, 9)])
def test_large_array_is_a_table_of_the_means_of_its_blocks(shape):
    array = np.random.default_rng(0).normal(size=shape)
    table = values.table(array)
    grid = array.reshape(-1, shape[-1])
    rows, columns = table.block
    for i, row in enumerate(table.rows):
        for k, text in enumerate(row):
            block = grid[i * rows : (i + 1) * rows, k * columns : (k + 1) * columns]
            assert float(text) == pytest.approx(block.mean(), rel=0.06)  # two digits
    assert len(table.rows) == -(-len(grid) // rows)
    assert max(len(table.rows), len(table.rows[0])) <= values.MOST_BLOCKS
    assert float(table.mean) == pytest.approx(array.mean(), rel=0.01)


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


def test_story_of_a_gradient_is_told_like_any_other():
    x = Tensor(3.0, "x")
    first = mb.grad(np.square(x), x, create_graph=True)
    lines = told(mb.story(first))
    assert "dx = leaf1 · (2 · x): leaf1 times (2 · x), which is 6." in lines


def test_no_gradient_is_called_as_a_value_is():
    x = Tensor(3.0, "x")
    story = mb.story(mb.grad(x**3, x, create_graph=True) * 1.0)
    assert not {*story.names.values()} & {*story.gradient_names.values()}
    assert {"dx", "d(x)", "ddx"} <= {*story.names.values(), *story.gradient_names.values()}
    assert any("d(x) is complete: backward() adds it to x.grad." in line for line in told(story))


def test_a_root_that_sends_nothing_is_told():
    story = mb.story(np.where(Tensor(1.0, "x"), 1.0, 2.0))
    assert story[-1].sentence == (
        "The backward starts with d(where(x, 1.0, 2.0)) = 1, the gradient of where(x, 1.0, 2.0) "
        "itself: it goes no further."
    )
    assert "it goes no further" in json.dumps(story.data())


def test_parts_are_numbered_as_they_are_spoken():
    x = Tensor(1.0, "x")
    root = x * 1.0
    for _ in range(112):
        root = root + x
    said = " ".join(step.sentence for step in mb.story(root))
    numbers = ["first", "ninth", "10th", "11th", "12th", "13th", "21st", "22nd", "23rd", "24th"]
    for number in [*numbers, "101st", "102nd", "111th", "112th", "113th"]:
        assert f"x receives its {number} part" in said


def test_operands_side_by_side_are_kept_apart_and_constants_are_short():
    a, b = Tensor(1.0, "a"), Tensor(2.0, "b")
    lines = told(mb.story((a + b) * (a - b) * 0.123456789))
    assert "(a + b) · (a - b): (a + b) times (a - b), which is -3." in lines
    assert any("· 0.1235: " in line for line in lines)


def test_many_leaves_are_counted():
    x = mb.scalars(np.arange(7.0), "x")
    assert told(mb.story(np.sum(x)))[0] == "Given: 7 inputs."
    net = nn.Sequential(*(nn.Linear(2, 2, rng=i) for i in range(4)))
    story = mb.story(net(Tensor(np.ones((1, 2)))).sum())
    assert story[0].sentence == "Given: 8 parameters and 1 input."


def test_no_zero_has_a_sign():
    assert values.table(np.array([-0.0, 1.0])).rows == [["0", "1"]]


def test_parameters_of_one_name_are_told_apart_by_their_groups():
    net = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Linear(2, 2, rng=1))
    names = mb.story(net(np.ones((1, 2))).sum()).names.values()
    assert {"layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"} <= {*names}
    layer = nn.Linear(2, 2, rng=0)
    assert {"weight", "bias"} <= {*mb.story(layer(np.ones((1, 2))).sum()).names.values()}


def test_each_step_says_which_values_it_reads():
    story = mb.story(batch_norm(), DY)
    reads = {step.number: [story.names[id] for id in step.reads] for step in story}
    assert reads[7] == ["centered", "σ"]
    assert reads[5] == ["σ²"]  # the formula shows a constant number
    assert reads[10] == []  # the rule of a sum uses no values
    assert reads[11] == ["x̂", "γ"]
    assert reads[12] == ["σ", "x̂"]  # a rule may use the result, too
    assert reads[16] == ["centered"]


def test_a_group_of_that_name_is_no_gradient():
    with mb.scope("gradient"):
        y = Tensor(2.0, "x") * 3.0
    drawing = mb.draw(y + 1.0)
    assert "dir=back" not in drawing.source
    assert {node.role for node in mb.story(y + 1.0).graph.nodes} >= {"computed"}


def test_reduction_over_no_axis_is_told_too():
    lines = told(mb.story(np.sum(np.sum(Tensor([1.0, 2.0], "x"), axis=()))))
    assert "the sum of x over no axis, shape (2,)." in lines[1]


def test_messages_in_a_picture_go_against_the_arrow_even_from_closed_groups():
    with mb.scope("inside"):
        x = Tensor(2.0, "x")
        z = (x * x) * x
    story = mb.story(z + x)
    forward, backward = story.starts["forward"], story.starts["backward"]
    assert "penwidth=3" in story.drawing(forward + 2, depth=0).source
    closed = story.drawing(backward, depth=0).source
    assert closed.count("dir=back penwidth=3") == 1
    assert story.drawing(backward).source.count("dir=back penwidth=3") == 2


def test_frames_in_no_format_leave_no_folder(tmp_path):
    with pytest.raises(errors.ArgumentError, match=r"'\.png' is no format; it is one of svg, png"):
        mb.story(np.square(Tensor(2.0, "x"))).frames(tmp_path / "frames", ".png")
    assert not list(tmp_path.iterdir())


def test_replaced_leaf_is_told_with_the_value_that_was_seen():
    a = Tensor(2.0, "a")
    y = a * 3.0
    a.data = 50.0
    assert told(mb.story(y))[0] == "Given: a = 2."


def test_rule_is_read_for_this_gradient():
    @mb.primitive
    def halved(x):
        return x + 0.0

    mb.defvjp(halved, lambda g, out, x: g * 10 if np.max(g) < 1 else g / 2)
    y = halved(Tensor([5.0, 6.0], "a"))
    small, large = ([*told(mb.story(y, cotangent))] for cotangent in ([0.1, 0.2], [3.0, 4.0]))
    assert small[3] == "a receives d(halved(a)) · 10."
    assert large[3] == "a receives d(halved(a)) / 2."


def test_operands_that_are_no_numbers_are_not_drawn():
    look = mb.primitive(lambda x, k: x * 2)
    mb.defvjp(look, lambda g, out, x, k: g * 2, None)
    y = look(Tensor([1.0, 2.0], "a"), np.array(["a", "b"]))
    assert len(mb.story(y, np.ones(2)).graph.nodes) == 2
    assert mb.draw(y, np.ones(2)).source


def test_large_arrays_of_many_rows_have_no_labels():
    assert values.table(np.zeros((300, 300, 1))).labels == []


def test_a_bias_before_batch_norm_has_no_gradient_and_the_story_says_why():
    rng = np.random.default_rng(0)
    norm, bias = nn.BatchNorm(3), Tensor(rng.normal(size=3), "bias")
    said = [step.sentence for step in mb.story(norm(rng.normal(size=(4, 3)) + bias), DY)]
    assert said[-1].endswith(
        "dbias is complete: backward() adds it to bias.grad. dbias is 0, up to rounding: its terms "
        "cancel. bias changes nothing: the mean, μ, takes it away again."
    )
    assert "rounding" not in " ".join(said[:-1])


@pytest.mark.parametrize("rows", [4, 32, 256])
@pytest.mark.parametrize("offset", [0.0, 10.0, 100.0])
def test_a_sum_of_batch_norm_has_no_gradient_wherever_the_mean_of_its_input_is(rows, offset):
    x = offset + np.random.default_rng(rows).normal(size=(rows, 3))
    leaves = Tensor(x, "x"), Tensor(np.ones(3), "gamma"), Tensor(np.zeros(3), "beta")
    y, dy = F.batch_norm(*leaves), np.random.default_rng(1).normal(size=(rows, 3))
    said = " ".join(told(mb.story(y.sum())))
    assert "dx is 0, up to rounding" in said
    assert "dγ is 0, up to rounding" in said
    assert "is 0" not in " ".join(told(mb.story(y, dy)))


@pytest.mark.parametrize(
    ("axis", "keepdims", "shape", "taken"),
    [
        (0, True, (3,), True),
        (0, False, (3,), True),
        (0, True, (), True),
        (1, True, (2, 1), True),
        (1, True, (3,), False),
        (None, True, (3,), False),
        (None, True, (1, 1), True),
    ],
)
def test_a_mean_takes_a_bias_away_only_where_all_that_it_averages_has_that_bias(
    axis, keepdims, shape, taken
):
    u = np.array([1.0, 2.0, 4.0])
    x, b = Tensor(np.stack([u, -u]), "x"), Tensor(np.zeros(shape), "b")
    wide = x + b
    centered = wide - wide.mean(axis=axis, keepdims=keepdims)
    *_, last = mb.story(np.square(centered).sum())
    assert "db is 0" in last.sentence
    assert ("b changes nothing: the mean, " in last.sentence) == taken


def test_a_mean_that_is_used_again_does_not_take_a_bias_away():
    total = np.array([[1.0], [2.0]]) + Tensor([0.0], "b")
    mean = np.mean(total, axis=0)
    centered = total - mean
    *_, last = mb.story(np.sum(centered * centered) + np.sum(mean - 1.5) ** 2.0)
    assert "db is 0" in last.sentence  # at the least loss, which another b would not have
    assert "changes nothing" not in last.sentence


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("roundings", "noise"), [(4, True), (40, False), (1e6, False)])
def test_a_gradient_is_rounding_only_if_all_of_it_is_small_beside_its_terms(
    dtype, roundings, noise
):
    x = Tensor([2.0, 3.0], "x", dtype=dtype)
    rest = roundings * float(np.finfo(dtype).eps)
    factors = np.array([[1.0, -1.0], [-1.0, 1.0 + rest]], dtype)
    *_, last = mb.story(x * factors, np.ones((2, 2), dtype))
    assert ("dx is 0, up to rounding" in last.sentence) == noise


@pytest.mark.parametrize(("dtype", "large"), [(np.float32, 10000.0), (np.float64, 1e13)])
def test_a_right_gradient_that_is_small_beside_its_terms_is_not_called_0(dtype, large):
    x = Tensor(2.0, "x", dtype=dtype)
    *_, last = story = mb.story(x * dtype(large) - x * dtype(large - 0.5))
    assert last.gradients[story.graph.nodes[0].id] == 0.5
    assert "cancel" not in last.sentence


@pytest.mark.parametrize("seed", range(5))
def test_gradients_of_batch_norm_of_two_rows_are_small_and_none_is_called_0(seed):
    rng = np.random.default_rng(seed)
    arrays = [(rng.normal(size=s), n) for s, n in (((2, 3), "x"), (3, "gamma"), (3, "beta"))]
    dy = rng.normal(size=(2, 3))
    leaves = [Tensor(array, name, dtype=np.float32) for array, name in arrays]
    said = " ".join(step.sentence for step in mb.story(F.batch_norm(*leaves), np.float32(dy)))
    assert {*re.findall(r"(\S+) is 0", said)} <= {"doffset"}  # the result does not depend on it


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [3, 4, 32, 256])
def test_a_gradient_that_would_be_0_is_called_rounding_whatever_the_number_of_rows(rows, dtype):
    rng = np.random.default_rng(rows)
    x, bias, gamma, beta = (
        Tensor(rng.normal(size=s), n, dtype=dtype)
        for s, n in (((rows, 3), "x"), (3, "bias"), (3, "gamma"), (3, "beta"))
    )
    *_, last = mb.story(F.batch_norm(x + bias, gamma, beta), rng.normal(size=(rows, 3)))
    assert "dbias is 0" in last.sentence
    said = " ".join(step.sentence for step in mb.story(F.batch_norm(x, gamma, beta).sum()))
    assert "dγ is 0" in said
    assert re.search("d(x|shifted) is 0", said)


def test_a_gradient_that_is_exactly_0_is_not_called_rounding():
    x = Tensor([2.0], "x")
    *_, last = mb.story(x * np.array([[1.0], [-1.0]]), np.ones((2, 1)))
    assert "dx is 0: its terms cancel." in last.sentence
    *_, last = mb.story(x * 0.0, [1.0])  # here there are no terms
    assert "cancel" not in last.sentence


def test_derived_gradients_stand_beside_those_that_they_are_compared_with():
    x, w = Tensor([1.0, 2.0], "x"), Tensor([3.0, -1.0], "w")
    *_, last = mb.story(x * w, [0.5, 2.0], derived={"x": [1.5, -2.25], "w": [0.5, 4.0]})
    assert "dx and the one derived by hand are 0.25 apart." in last.sentence
    assert "dw and the one derived by hand are 0 apart." in last.sentence
    assert {title: array.tolist() for title, array in last.beside.items()} == {
        "dx by hand": [1.5, -2.25],
        "dw by hand": [0.5, 4.0],
    }
    with pytest.raises(errors.ShapeError, match=r"of x has shape \(2, 1\); x has \(2,\)"):
        mb.story(x * w, [0.5, 2.0], derived={"x": [[1.0], [1.0]]})


def compared(gradient, derived):
    """Return what a story says of a gradient beside the one derived by hand."""
    x = Tensor(np.ones(np.shape(gradient)), "x")
    *_, last = story = mb.story(x * 1.0, gradient, derived={"x": derived})
    json.dumps(story.data(), allow_nan=False)
    return last.sentence.partition("x.grad. dx and the one derived by hand ")[2]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_derived_gradients_that_are_not_finite_differ_from_those_that_are(wrong):
    assert compared([1.0, 2.0], [wrong, 2.0]) == "differ where one of them is not finite."
    assert compared([wrong, 2.0], [1.0, 2.0]) == "differ where one of them is not finite."
    assert compared([wrong, 2.0], [-wrong if wrong == wrong else 0, 2.0]).startswith("differ")
    assert compared([wrong, 2.0], [wrong, 1.5]) == "are 0.5 apart."
    assert compared(1e308, -1e308) == "are inf apart."


@pytest.mark.parametrize("derived", ["x", object(), [("x", [1.0])], Tensor([1.0], "x"), "", 0])
def test_derived_gradients_have_the_names_of_their_tensors(derived):
    kind = type(derived).__name__
    with pytest.raises(errors.ArgumentError, match=rf'Tensors, {{"x": dx}}; it is no {kind}$'):
        mb.story(Tensor([1.0], "x") * 2.0, [1.0], derived=derived)


@pytest.mark.parametrize(
    "gradient", [[1j], ["a"], [True], None, [object()], [[1.0], [2.0, 3.0]], Tensor([1.0])]
)
def test_derived_gradients_are_made_of_real_numbers(gradient):
    with pytest.raises(errors.ArgumentError, match="of x must be an array of real numbers, got"):
        mb.story(Tensor([1.0], "x") * 2.0, [1.0], derived={"x": gradient})


def test_derived_gradients_belong_to_one_value():
    x, w = Tensor([1.0, 2.0], "x"), Tensor([3.0, -1.0], "w")
    with pytest.raises(errors.ArgumentError, match=r"has 'v', but the gradients .* of x and w$"):
        mb.story(x * w, [0.5, 2.0], derived={"v": [1.0, 1.0]})
    with pytest.raises(errors.ArgumentError, match=r"are those of values without a name$"):
        mb.story(Tensor(1.0) * 2.0, derived={"v": 1.0})
    with pytest.raises(errors.ArgumentError, match="has 'x', but 2 values are called x; give each"):
        mb.story(x * Tensor([1.0, 1.0], "x"), [0.5, 2.0], derived={"x": [1.0, 1.0]})


def test_constants_are_called_by_the_variables_on_their_line_under_trace():
    x, target, rate = Tensor([1.0, 2.0], "x"), np.array([3.0, 5.0]), 0.25
    with mb.trace():
        y = (x - target) * rate / 2.0
    lines = told(mb.story(y, [1.0, -2.0]))
    assert "x - target: x minus target, shape (2,)." in lines
    assert any("times rate = 0.25, " in line for line in lines)
    assert any("divided by 2.0, " in line for line in lines)


def test_leaves_are_complete_in_the_step_that_sends_their_last_part():
    story = mb.story(batch_norm(), DY)
    assert {name for step in story if step.phase == "backward" for name in step.nodes} == {
        node.id for node in story.graph.nodes if node.function
    }
    leaves = [Tensor([1.0], f"v{i}") for i in range(6)]
    *_, last = mb.story(np.concatenate(leaves), np.ones(6))
    assert "6 gradients are complete: backward() adds each to a .grad." in last.sentence


def test_copies_are_said_and_only_where_a_rule_ends_with_them():
    x = Tensor(np.arange(24.0).reshape(2, 3, 4), "x")
    for axis, keepdims, said in [
        ((0, 2), False, "copied along axes 0 and 2"),
        (1, True, "copied along axis 1"),
        (None, False, "copied to all 24 entries"),
    ]:
        root = np.sum(x, axis=axis, keepdims=keepdims)
        *_, last = mb.story(root, np.ones(root.shape) * 2.0)
        assert last.parts[0].rule.endswith(said)
        assert "spread" not in last.parts[0].rule
    *_, last = mb.story(np.max(x, axis=0), np.ones((3, 4)))
    assert "copied" not in last.sentence
    column = Tensor(np.ones((1, 2)), "row")
    *_, last = mb.story(np.sum(column, axis=0), [1.0, 2.0])
    assert "copied" not in last.sentence
