"""The story of a graph: complete, in the engine's order, in the words of the rules."""

from linecache import getline
from pathlib import Path

import numpy as np
from spoken import DY, batch_norm, told

import microbn as mb
from microbn import Tensor, nn
from microbn import functional as F
from microbn.engine import functions
from microbn.engine.names import spelled
from microbn.engine.primitive import RULES
from microbn.reading.tape import history
from microbn.view.phrases import TOLD_AS


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


def test_comparisons_and_masks_are_told_as_questions():
    x, y = Tensor([[1.0, -2.0], [0.0, 3.0]], "x"), Tensor([1.0, 2.0], "y")
    positive, index = x > 0, np.argmax(y)
    said = {
        x > 0: "whether x is greater than 0, shape (2, 2)",
        x >= y: "whether x is greater than or equal to y, y broadcast to both rows, shape (2, 2)",
        x < 0: "whether x is less than 0, shape (2, 2)",
        x + 1 <= y.sum(): "whether (x + 1) is less than or equal to sum(y)",
        x == 0: "whether x equals 0, shape (2, 2)",
        x != 0: "whether x differs from 0, shape (2, 2)",
        positive & (x < 2): "whether positive and (x < 2) are both true, shape (2, 2)",
        positive | (x < 2): "whether positive or (x < 2) is true, shape (2, 2)",
        ~positive: "whether positive is false, shape (2, 2)",
        np.any(
            positive, axis=0
        ): "whether any entry of positive is true, over the 2 rows, shape (2,)",
        index: "the index of the largest of y over all entries, which is 1",
        np.bitwise_and(index, 3): "the bits that index and 3 share, which is 1",
        np.concatenate([y, y]): "y and y joined, one after another, shape (4,)",
    }
    for value, sentence in said.items():
        lines = told(mb.story(x[0, 0] + np.sum(value)))
        assert any(f": {sentence}" in line for line in lines)


def test_every_function_of_numpys_and_of_the_engines_has_words_of_its_own():
    known = [f for f in RULES if spelled(f)[:3] == "np." or vars(functions).get(f.__name__) is f]
    assert [spelled(function) for function in known if function not in TOLD_AS] == []


def test_the_mean_that_is_subtracted_in_float32_has_names_too():
    leaves = [Tensor(leaf.data, leaf.name, dtype=np.float32) for leaf in history(batch_norm())[:3]]
    lines = told(mb.story(F.batch_norm(*leaves), DY))
    assert any(line.startswith("shifted = x - offset: ") for line in lines)
    assert any(line.startswith("centered = shifted - correction: ") for line in lines)
    assert not any("left" in line for line in lines)


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
    assert lines[1] == "stack2 = stack(x, y, x, axis=0): a stack of x, y and x, shape (3,)."
    assert lines[4] == "y receives dstack2[1]."


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


def test_without_trace_the_users_line_is_shown():
    y = F.batch_norm(Tensor([[1.0], [3.0]]), Tensor([1.0]), Tensor([0.0]))  # this line
    for step in mb.story(y, np.ones((2, 1))):
        if step.phase != "given":
            assert step.line.inside is None
            assert [text for _, text in step.code] == [getline(__file__, step.line.number).strip()]
            assert "# this line" in step.code[0][1]


def test_without_lines_there_is_no_code():
    with mb.no_lines():
        y = batch_norm()
    story = mb.story(y, DY)
    assert {(step.line, step.code) for step in story} == {(None, ())}


def test_story_of_a_gradient_is_told_like_any_other():
    x = Tensor(3.0, "x")
    first = mb.grad(np.square(x), x, create_graph=True)
    lines = told(mb.story(first))
    assert "dx = leaf1 · (2 · x): leaf1 times (2 · x), which is 6." in lines


def test_many_leaves_are_counted():
    x = mb.scalars(np.arange(7.0), "x")
    assert told(mb.story(np.sum(x)))[0] == "Given: 7 inputs."
    net = nn.Sequential(*(nn.Linear(2, 2, rng=i) for i in range(4)))
    story = mb.story(net(Tensor(np.ones((1, 2)))).sum())
    assert story[0].sentence == "Given: 8 parameters and 1 input."


def test_reduction_over_no_axis_is_told_too():
    lines = told(mb.story(np.sum(np.sum(Tensor([1.0, 2.0], "x"), axis=()))))
    assert "the sum of x over no axis, shape (2,)." in lines[1]


def test_rule_is_read_for_this_gradient():
    @mb.primitive
    def halved(x):
        return x + 0.0

    mb.defvjp(halved, lambda g, out, x: g * 10 if np.max(g) < 1 else g / 2)
    y = halved(Tensor([5.0, 6.0], "a"))
    small, large = ([*told(mb.story(y, cotangent))] for cotangent in ([0.1, 0.2], [3.0, 4.0]))
    assert small[3] == "a receives dy · 10."
    assert large[3] == "a receives dy / 2."


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
