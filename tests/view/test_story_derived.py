"""Gradients derived by hand stand beside those of a story."""

import json

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, errors


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
