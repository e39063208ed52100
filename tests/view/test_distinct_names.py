"""No two values of a picture or a story are called alike, and each is called as in the code."""

import numpy as np
import pytest
from spoken import told

import microbn as mb
from microbn import Tensor, nn
from microbn import functional as F
from microbn.view.mathml import mathml, name_tree
from microbn.view.names import greek


def names(root, cotangent=None):
    if cotangent is None and root.shape:
        cotangent = np.random.default_rng(0).normal(size=root.shape)
    return [*mb.story(root, cotangent).names.values()]


def test_a_batch_norm_of_ones_own_is_told_in_its_own_words():
    x, gamma = Tensor([[1.0, 2.0], [3.0, 6.0]], "x"), Tensor([1.0, 2.0], "gamma")
    mu = x.mean(axis=0)
    xc = x - mu
    var = np.square(xc).mean(axis=0)
    x_hat = xc / np.sqrt(var + 1e-5)
    out = gamma * x_hat
    lines = [line.partition(":")[0] for line in told(mb.story(out, np.ones((2, 2))))]
    assert lines[1:8] == [
        "μ = mean(x, axis=0)",
        "xc = x - μ",
        "square(xc)",
        "σ² = mean(square(xc), axis=0)",
        "σ² + 1e-05",
        "sqrt(σ² + 1e-05)",
        "x̂ = xc / sqrt(σ² + 1e-05)",
    ]
    assert lines[8] == "out = γ · x̂"
    assert "The gradient of μ is complete. x receives its second part, copied to both rows" in (
        " ".join(lines)
    )
    story = mb.story(out, np.ones((2, 2)))
    assert {"dμ", "dσ²", "dx̂"} <= {*story.gradient_names.values()}


def test_the_values_of_a_loop_are_numbered():
    h = Tensor([1.0, 2.0], "x")
    for _ in range(3):
        h = np.tanh(h)
    assert names(h) == ["x", "h₁", "h₂", "h₃"]
    assert "dh₂" in mb.story(h, np.ones(2)).gradient_names.values()


def test_a_value_that_takes_the_name_of_a_leaf_has_a_number():
    x = Tensor([1.0, 2.0], "x")
    x = x * x
    x = np.exp(x)
    assert names(x) == ["x", "x₁", "x₂"]
    y = Tensor([1.0, 2.0])
    y = y * y
    assert names(y) == ["y₁", "y₂"]


def test_names_that_become_one_greek_letter_are_told_apart():
    x = Tensor([1.0, 2.0], "x")
    mean = x.mean()
    mu = x * mean
    assert names(mu) == ["x", "μ₁", "μ₂"]


def test_two_layers_that_name_their_values_alike_are_told_apart():
    net = nn.Sequential(nn.Linear(2, 2, rng=0), nn.BatchNorm(2), nn.Linear(2, 2, rng=1))
    net = nn.Sequential(net, nn.BatchNorm(2))
    found = names(net(np.array([[1.0, 2.0], [3.0, 5.0]])).sum())
    assert {"μ₁", "μ₂", "x̂₁", "x̂₂", "y₁", "y₂"} <= {*found}
    assert not {"μ", "x̂", "y"} & {*found}


def test_a_name_that_the_user_gave_twice_stays():
    x = Tensor([1.0, 2.0], "w") * Tensor([1.0, 2.0], "w")
    assert names(x) == ["w", "w", "x"]


def test_the_gradients_of_numbered_values_have_their_numbers():
    h = x = Tensor([0.5], "x")
    for _ in range(2):
        h = np.exp(h)
    story = mb.story(mb.grad(h.sum(), x, create_graph=True), [1.0])
    by_name = {story.names[node.id]: node.value for node in story.graph.nodes}
    np.testing.assert_allclose(by_name["dh₂"], 1.0)
    np.testing.assert_allclose(by_name["dh₁"], by_name["h₂"])


def test_entries_of_an_object_array_are_numbered_before_their_index():
    x = mb.scalars([[1.0], [3.0]], "x")
    twice = F.batch_norm(F.batch_norm(x, np.ones(1), np.ones(1)), np.ones(1), np.ones(1))
    found = names(np.sum(twice))
    assert {"μ₁[0, 0]", "μ₂[0, 0]", "x̂₂[1, 0]"} <= {*found}


def test_a_call_of_a_composed_function_is_called_by_that_function():
    x = Tensor(np.arange(6.0).reshape(2, 3), "a_long_name_of_a_leaf")
    found = names(np.var(x, axis=0) + np.std(x, axis=0) + 1.0)
    assert {"var4", "std12"} <= {*found}
    assert "where12" not in found  # the last call inside of np.std


def test_a_number_below_is_greek_and_typeset():
    assert [greek(name) for name in ("mu₂", "x_hat₁[0, 1]", "d_var₁₂")] == [
        "μ₂",
        "x̂₁[0, 1]",
        "dσ²₁₂",
    ]
    assert mathml(name_tree("h₁₂")) == "<msub><mi>h</mi><mtext>12</mtext></msub>"
    assert "<msubsup>" in mathml(name_tree("σ²₁"))
    assert "<mtext>1, 0, 2</mtext>" in mathml(name_tree("x₁[0, 2]"))


def test_drawings_have_the_names_of_the_story():
    h = Tensor([1.0, 2.0], "x")
    for _ in range(2):
        h = np.tanh(h)
    source = mb.draw(h.sum()).source
    assert "h₁" in source
    assert "h₂" in source


def test_derived_gradients_go_by_the_names_of_the_code():
    x = Tensor([1.0, 2.0], "x")
    mu = x.mean()
    loss = mu * mu
    lines = told(mb.story(loss, derived={"mu": 2 * mu.item()}))
    assert any("by hand" in line or "derived" in line for line in lines)
    for _ in range(2):
        mu = mu * mu
    with pytest.raises(mb.MicrobnError, match="mu₁"):
        mb.story(mu * 2, derived={"mu": 1.0})
