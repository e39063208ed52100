"""Backwards written by hand: which layers are checked, and which bad habits are reported."""

import numpy as np
import pytest

from microbn import closed_form
from microbn import functional as F
from microbn.testing import HandWritten, gradcheck

RNG = np.random.default_rng(0)
X, GAMMA, BETA = RNG.normal(size=(8, 3)), RNG.normal(size=3), RNG.normal(size=3)
LAYER = HandWritten(closed_form.forward, closed_form.backward)


def test_a_layer_that_knows_nothing_of_microbn_is_checked():
    assert gradcheck(LAYER, X, GAMMA, BETA)
    single = HandWritten(lambda x: (x * x, x), lambda dy, x: 2 * x * dy)
    assert gradcheck(single, X)


def test_a_float_is_an_output_too():
    loss = HandWritten(lambda x: (float(np.mean(x**2)), x), lambda dy, x: dy * 2 * x / x.size)
    assert gradcheck(loss, X)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            HandWritten(lambda x: (x + RNG.normal(size=x.shape), None), lambda dy, c: dy.copy()),
            "called twice, it gives two results: is there dropout, or a state?",
        ),
        (
            HandWritten(lambda x: (np.multiply(x, 2, out=x), None), lambda dy, c: 2 * dy),
            "it writes into its input 'x'; let it work on a copy",
        ),
        (
            HandWritten(lambda x: (np.square(x, out=BUFFER), x), lambda dy, x: 2 * x * dy),
            "it returns the same array each time, and so overwrites its earlier results",
        ),
        (
            HandWritten(lambda x: (x.astype(np.float32), None), lambda dy, c: dy.copy()),
            "it returns float32 for float64, which is too coarse to check: inconclusive",
        ),
        (
            HandWritten(lambda x: (2 * x, None), lambda dy, c: np.multiply(dy, 2, out=dy)),
            "its backward writes into dout (the gradient that came in); let it work on a copy",
        ),
        (
            HandWritten(lambda x: (x * x, x), lambda dy, x: np.multiply(x, 2, out=x) * dy),
            "its backward writes into the input 'x'; let it work on a copy",
        ),
        (
            HandWritten(lambda x: (np.maximum(x, 0, out=x), x > 0), lambda dy, c: dy * c),
            "it writes into its input 'x'; let it work on a copy",
        ),
        (
            HandWritten(lambda x: (x * x / 2, x), lambda dy, x: 1.0 * x),
            "the gradient for 'x' does not depend on dout, the gradient that comes in",
        ),
        (
            HandWritten(lambda x: (2 * x, None), lambda dy, c: 2 * dy * (dy > 0)),
            "the gradient for 'x' is not linear (or not the same twice) in dout, the gradi",
        ),
        (
            HandWritten(lambda x: (np.sign(x).astype(int), None), lambda dy, c: 0 * dy),
            "it returns int64, which has no gradient",
        ),
        (
            HandWritten(lambda x: (2 * x, None), lambda dy, c: (None,)),
            "the gradient for 'x' is None, but its input is float64",
        ),
        (
            HandWritten(lambda x: (x + np.ones((2, 8, 3)), None), lambda dy, c: 1.0 * dy),
            "the gradient for 'x' has shape (2, 8, 3), its input (8, 3); sum it over axis 0",
        ),
        (
            HandWritten(lambda x: (2 * x, None), lambda dy, c: (2 * dy).astype(np.float32)),
            "the gradient for 'x' is float32, but its input is float64",
        ),
        (
            HandWritten(lambda x: (np.maximum(x, 0), x), lambda dy, x: dy * x > 0),
            "bool, but its input is float64; are parentheses missing around a comparison?",
        ),
        (
            HandWritten(lambda x: (x.sum(0), None), lambda dy, c: 1.0 * dy),
            "the gradient for 'x' has shape (3,), its input (8, 3)",
        ),
    ],
)
def test_bad_habits_are_told(layer, message):
    x = X.copy()
    report = gradcheck(layer, x)
    assert not report
    assert message in str(report)
    assert np.array_equal(x, X)


BUFFER = np.empty_like(X)


@pytest.mark.parametrize(
    ("layer", "agree"),
    [
        (HandWritten(lambda x: (2 * x, None), lambda dy, c: np.multiply(dy, 2, out=dy)), True),
        (HandWritten(lambda x: (np.maximum(x, 0, out=x), x > 0), lambda dy, c: dy * c), True),
        (HandWritten(lambda x: (np.square(x, out=BUFFER), x), lambda dy, x: 2 * x * dy), True),
        (HandWritten(lambda x: (2 * x, None), lambda dy, c: np.multiply(dy, 3, out=dy)), False),
        (HandWritten(lambda x: (np.maximum(x, 0, out=x), x > 0), lambda dy, c: 2 * dy * c), False),
    ],
)
def test_a_bad_habit_is_told_with_the_verdict(layer, agree):
    report = gradcheck(layer, X)
    assert not report
    assert ("Otherwise right: all 24 slopes agree" in str(report)) == agree
    assert ("entries differ" in str(report)) == (not agree)


@pytest.mark.parametrize(
    ("layer", "what"),
    [
        (HandWritten(lambda x: (x**2, [2 * x]), lambda dy, c: np.multiply(c[0], dy, out=c[0])),
         "called again, it gives something else"),
        (HandWritten(lambda x: (3 * x, [3.0]), lambda dy, c: c.pop() * dy),
         "called again, it raises IndexError"),
        (HandWritten(lambda x: (3 * x, {"n": 3.0}), lambda dy, c: c.__setitem__("n", 9) or 3 * dy),
         ""),
    ],
)  # fmt: skip
def test_a_backward_that_changes_its_cache_is_noticed_if_it_matters(layer, what):
    report = gradcheck(layer, X)
    assert bool(report) == (not what)
    assert f"its backward changes its cache: {what}" * bool(what) in str(report)


CLIPPED = {
    "entry by entry": lambda d: np.clip(d, -50, 50),
    "by its norm": lambda d: d * min(1.0, 50 / np.linalg.norm(d)),
}


@pytest.mark.parametrize("way", CLIPPED)
def test_a_backward_that_clips_what_comes_in_is_not_linear(way):
    layer = HandWritten(lambda x: (2.0 * x, None), lambda dout, cache: 2.0 * CLIPPED[way](dout))
    report = gradcheck(layer, RNG.normal(size=(4, 3)))
    assert not report
    assert "is not linear" in str(report)


def test_labels_and_options_are_constants():
    report = gradcheck(F.cross_entropy, X, np.arange(8) % 3)
    assert report
    assert "Note: 'targets' (int64) is a constant, and gets no gradient" in str(report)
    with_options = HandWritten(
        lambda x, how, power: (x * power["n"], power["n"]),
        lambda dy, n: (dy * n, None, None),
    )
    assert gradcheck(with_options, X, "unused", {"n": 3})
    first = HandWritten(lambda n, x: (n["n"] * x, n["n"]), lambda dy, n: (None, dy * n))
    assert gradcheck(first, {"n": 3}, X)
    fewer = HandWritten(with_options.forward, lambda dy, n: dy * n)
    report = gradcheck(fewer, X, None, {"n": 3})
    assert report
    assert "'how' (NoneType) and 'power' (dict) are constants" in str(report)
    by_form = gradcheck(lambda x, n: x * n, X, 3, closed_form=lambda dy, x, n: (n * dy, None))
    assert by_form


def test_a_constant_that_is_written_into_is_new_for_each_call():
    taking = HandWritten(lambda x, kept: (x + kept.pop("shift"), None), lambda dy, _: 1.0 * dy)
    options, rng = {"shift": 3.0}, np.random.default_rng(0)
    assert gradcheck(taking, X, options)
    assert options == {"shift": 3.0}
    dropout = HandWritten(
        lambda x, rng: (x * (mask := rng.random(x.shape) > 0.5), mask), lambda dy, mask: dy * mask
    )
    assert gradcheck(dropout, X, rng)


def test_a_wrong_gradient_beside_constants_is_still_wrong():
    assert not gradcheck(HandWritten(lambda x, n: (x * n, n), lambda dy, n: dy), X, 3)
    assert not gradcheck(lambda x, n: F.stop_gradient(x) * n, X, 3)


def test_several_outputs_are_checked_together():
    def layer(factor):
        return HandWritten(
            lambda x, y: (x * y, np.sin(x).sum(), (x, y)),
            lambda d, ds, c: (d * c[1] + factor * ds * np.cos(c[0]), d * c[0]),
        )

    assert gradcheck(layer(1.0), X, X[::-1] + 1)
    assert not gradcheck(layer(1.001), X, X[::-1] + 1)
    assert gradcheck(lambda x: (x * 2.0, np.tanh(x)), X, order=2)
    assert not gradcheck(lambda x: (x * 2.0, F.stop_gradient(np.tanh(x))), X)


def test_further_outputs_of_the_inputs_shape_are_taken_for_outputs_where_all_are_tensors():
    for f in (lambda x: (np.sum(x**2), np.tanh(x)), lambda x: [np.mean(x), x * 2.0, x**3]):
        assert gradcheck(f, X), gradcheck(f, X)
    noted = str(gradcheck(lambda x: (np.mean(x**2), 2 * x), X))
    assert "are taken for outputs; if one is meant as the gradient of the first, check" in noted
    meant = HandWritten(lambda x: (np.mean(x**2), 2 * x), lambda dout, dx: dout * dx)
    assert "every entry is 24 times what it should be" in str(gradcheck(meant, X))
    assert "Note" not in str(gradcheck(lambda x: (x * 2.0, np.tanh(x)), X))


def test_the_name_of_a_function_decides_nothing():
    def two(x):
        return x * 2.0, np.tanh(x)

    two.__name__ = "feedforward"
    assert gradcheck(two, X)


def test_memory_that_gradients_share_is_a_note_and_no_fault():
    def backward(dy, cache):
        return dy, dy.T.T

    report = gradcheck(HandWritten(lambda x, y: (x + y, None), backward), X, X + 1)
    assert report
    note = "Note: the gradient for 'x' is dout (the gradient that came in) or a view of it"
    assert note in str(report)
    assert "Note: the gradient for 'y' is that for 'x' or a view of it" in str(report)
    report = gradcheck(HandWritten(lambda x: (x * x / 2, x), lambda dy, x: x), X)
    assert "Note: the gradient for 'x' is the input 'x' or a view of it" in str(report)


@pytest.mark.parametrize("name", ["data", "dilation", "depth", "g"])
def test_an_input_that_is_called_like_a_gradient_is_none(name):
    code = (
        "def forward({0}, w): return {0} * w, {0}, w\n"
        "def backward(dout, {0}, w): return dout * w, (dout * {0}).sum(0)\n"
        "class Layer:\n"
        "    def forward(self, {0}, w): return forward({0}, w)\n"
        "    def backward(self, dout, {0}, w): return backward(dout, {0}, w)\n"
    )
    exec(code.format(name), scope := {})
    assert gradcheck(HandWritten(scope["forward"], scope["backward"]), X, GAMMA)
    assert gradcheck(scope["Layer"](), X, GAMMA)
