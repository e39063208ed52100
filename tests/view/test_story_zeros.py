"""A story says which gradients are 0, and tells rounding from small gradients."""

import re

import numpy as np
import pytest
from spoken import DY, told

import microbn as mb
from microbn import Tensor, nn
from microbn import functional as F


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
