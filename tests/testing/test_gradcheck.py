"""The checker: what it passes, what it rejects, what it says."""

import numpy as np
import pytest

import microbn as mb
from microbn import closed_form, nn
from microbn import functional as F
from microbn.testing import HandWritten, gradcheck

RNG = np.random.default_rng(0)
X, GAMMA, BETA = RNG.normal(size=(8, 3)), RNG.normal(size=3), RNG.normal(size=3)
LAYER = HandWritten(closed_form.forward, closed_form.backward)


def by_hand(dy, x, gamma, beta):
    return closed_form.backward(dy, closed_form.forward(x, gamma, beta)[1])


def net(dtype=np.float64):
    layers = [nn.Linear(4, 3, rng=0, dtype=dtype), nn.BatchNorm(3, dtype=dtype), nn.Tanh()]
    return nn.Sequential(*layers)


# What is right passes


@pytest.mark.parametrize("order", [1, 2])
def test_batch_norm_passes(order):
    report = gradcheck(F.batch_norm, X, GAMMA, BETA, order=order)
    assert report, report
    assert [part.name for part in report.inputs] == ["x", "gamma", "beta"]
    assert str(report).startswith("gradcheck of batch_norm: all 30 slopes agree, within ")


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (F.relu, [1e-7, 1.0, -2.0]),
        (F.relu, [-1e-7, 1.0, -2.0]),
        (np.log, [1e-5, 1.0, 2.0]),
        (F.relu, [0.0, 1.0]),
        (np.max, [1.0, 1.0]),
        (np.abs, [0.0, 1.0]),
        (lambda x: x, [1.0, 2.0]),
        (lambda x: F.batch_norm(X + x, GAMMA, BETA), [1.0, -0.3, 0.5]),
        (lambda x: F.batch_norm(X + x, GAMMA, BETA), [1e5, 1e5 + 1, 1e5 + 2]),
        (lambda x: 1e-9 * np.exp(x), [1.0, 2.0]),
        (lambda x: x.exp() if isinstance(x, mb.Tensor) else 1 / 0, [1.0, 2.0]),
        (np.sum, np.zeros((0, 2))),
        (np.tanh, 0.5),
    ],
)
def test_there_is_no_false_alarm_for(f, x):
    report = gradcheck(f, np.array(x))
    assert report, report


@pytest.mark.parametrize("margin", [5, 16, 20, 30, 40])
def test_a_confident_loss_is_no_false_alarm(margin):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        logits, targets = rng.normal(size=(6, 3)), rng.integers(0, 3, 6)
        logits[np.arange(6), targets] += margin
        report = gradcheck(lambda x, t=targets: F.cross_entropy(x, t), logits, seed=seed)
        assert report, report


@pytest.mark.parametrize("scale", [5, 12, 30])
@pytest.mark.parametrize("f", [F.sigmoid, np.tanh, lambda z: np.log(1 + np.exp(-z))])
def test_saturation_is_no_false_alarm(f, scale):
    for seed in range(5):
        report = gradcheck(f, scale * np.random.default_rng(seed).normal(size=(4, 3)), seed=seed)
        assert report, report


def sharp(factor):
    def forward(x):
        powers = np.exp(x - x.max(1, keepdims=True))
        y = powers / powers.sum(1, keepdims=True)
        return y, y

    return HandWritten(forward, lambda dy, y: factor * y * (dy - (dy * y).sum(1, keepdims=True)))


def confident(factor):
    """The cross-entropy of class 0."""

    def forward(x):
        shifted = x - x.max(1, keepdims=True)
        return np.mean(np.log(np.exp(shifted).sum(1)) - shifted[:, 0]), x

    def backward(dy, x):
        y = sharp(1).forward(x)[0]
        y[:, 0] = -y[:, 1:].sum(1)
        return factor * dy * y / len(x)

    return HandWritten(forward, backward)


@pytest.mark.parametrize(
    ("layer", "place"),
    [(sharp, lambda x: 20 * x), (confident, lambda x: x + 15 * np.eye(1, 3))],
)
def test_saturation_is_seen_through_without_a_graph(layer, place):
    for seed in range(20):
        x = place(np.random.default_rng(seed).normal(size=(4, 3)))
        right = gradcheck(layer(1.0), x, seed=seed)
        assert right, right
        assert not gradcheck(layer(1.001), x, seed=seed)


@pytest.mark.parametrize("size", [1.0, 1e-8, 1e-12])
def test_an_input_that_is_hardly_spread_is_checked_all_the_same(size):
    def layer(factor):
        return HandWritten(lambda x, b: (x + b, 0), lambda dy, _: (1.0 * dy, factor * dy.sum(0)))

    assert gradcheck(layer(1.0), X, size * BETA)
    assert not gradcheck(layer(1.001), X, size * BETA)
    assert not gradcheck(layer(0.0), X, size * BETA)


def test_a_loss_at_its_minimum_is_no_false_alarm():
    assert all(gradcheck(lambda x: F.mse(x, BETA), BETA, seed=seed) for seed in range(20))


def test_a_forward_that_raises_close_by_is_checked_closer_by():
    def forward(x):
        if (x < 0).any():
            raise ValueError("no roots of negative numbers")
        return np.sqrt(x), x

    layer = HandWritten(forward, lambda dy, x: dy / (2 * np.sqrt(x)))
    assert gradcheck(layer, np.array([0.01, 2.0, 3.0]))


@pytest.mark.parametrize(("beside", "factor"), [(1e12, 1.01), (-1e9, 1.00001), (-1e9, 0.0)])
def test_large_constants_beside_it_hide_no_wrong_gradient(beside, factor):
    def forward(x):
        return np.concatenate([1e-3 * np.exp(x), np.full((1, 3), beside)]), x

    def layer(factor):
        return HandWritten(forward, lambda dy, x: factor * 1e-3 * dy[:-1] * np.exp(x))

    assert gradcheck(layer(1.0), X)
    assert not gradcheck(layer(factor), X)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_huge_and_tiny_functions_are_checked_alike(size):
    def layer(factor):
        return HandWritten(lambda x: (size * np.sin(x), x), lambda dy, x: dy * factor * np.cos(x))

    assert gradcheck(layer(size), X)
    assert not gradcheck(layer(1.0005 * size), X)
    assert not gradcheck(layer(0.0), X)
    assert "every entry is 1.0005 times" in str(gradcheck(layer(1.0005 * size), X))
    assert "it is not finite" in str(gradcheck(layer(np.inf), X))


def test_a_float_is_an_output_too():
    loss = HandWritten(lambda x: (float(np.mean(x**2)), x), lambda dy, x: dy * 2 * x / x.size)
    assert gradcheck(loss, X)


def test_at_a_kink_all_between_the_two_sides_is_right():
    report = gradcheck(F.relu, np.array([0.0, 1.0]))
    assert "all 2 slopes agree; 1 at a kink" in str(report)
    mb.defvjp(F.relu, lambda g, out, x: g * np.where(x == 0, 0.3, x > 0))
    assert gradcheck(F.relu, np.array([0.0, 1.0]))
    mb.defvjp(F.relu, lambda g, out, x: g * np.where(x == 0, 1.1, x > 0))
    assert not gradcheck(F.relu, np.array([0.0, 1.0]))


def test_the_parameters_of_a_module_are_inputs_too():
    module = net()
    before = module.state_dict()
    report = gradcheck(module, RNG.normal(size=(5, 4)))
    assert report, report
    names = ["x", "layers.0.weight", "layers.0.bias", "layers.1.gamma", "layers.1.beta"]
    assert [part.name for part in report.inputs] == names
    assert all(np.array_equal(before[path], now) for path, now in module.state_dict().items())
    assert all(p.grad is None for p in module.parameters())


def test_a_module_is_put_back_even_where_it_fails():
    calls = []

    class Failing(nn.Module):
        def __init__(self):
            self.scale, self.kept = mb.Tensor([2.0]), None

        def forward(self, x):
            self.kept = x
            calls.append(x)
            if len(calls) > 4:
                raise RuntimeError
            return x * self.scale

    module = Failing()
    with pytest.raises(RuntimeError):
        gradcheck(module, np.array([1.0, 2.0]))
    assert module.scale.data.tolist() == [2]
    assert module.kept is None


def test_a_layer_that_knows_nothing_of_microbn_is_checked():
    assert gradcheck(LAYER, X, GAMMA, BETA)
    single = HandWritten(lambda x: (x * x, x), lambda dy, x: 2 * x * dy)
    assert gradcheck(single, X)


def test_a_closed_form_is_held_against_the_graph():
    assert gradcheck(F.batch_norm, X, GAMMA, BETA, closed_form=by_hand)

    def wrong(dy, x, gamma, beta):
        dx, dgamma, dbeta = by_hand(dy, x, gamma, beta)
        return dx, dgamma, dbeta * (1 + 1e-8)

    report = gradcheck(F.batch_norm, X, GAMMA, BETA, closed_form=wrong)
    assert "the closed form's gradient for 'beta' [" in str(report)
    assert "that of the graph" in str(report)
    at_a_kink = [
        gradcheck(F.relu, np.array([0.0, 1.0]), closed_form=form)
        for form in (
            lambda dy, x: dy * np.where(x == 0, 0.5, x > 0),
            lambda dy, x: dy * np.where(x == 0, 2, 1),
        )
    ]
    assert [*map(bool, at_a_kink)] == [True, False]
    few = gradcheck(F.batch_norm, X, GAMMA, BETA, closed_form=lambda dy, *xs: dy)
    assert "the closed form gives 1 gradients for 3 inputs" in str(few)
    shape = gradcheck(F.relu, X, closed_form=lambda dy, x: dy[0])
    assert "of the closed form, the gradient for 'x' has shape (3,), its input (8, 3)" in str(shape)


def test_the_cotangent_is_not_what_a_user_draws_from_the_same_seed():
    x = np.random.default_rng(0).normal(size=(8, 3))
    report = gradcheck(lambda x: x * 1.0, x, seed=0)  # its gradient is the cotangent
    assert np.min(np.abs(report.inputs[0].analytic - x)) > 0


@pytest.mark.bits
def test_the_same_seed_gives_the_same_report():
    one, two, other = (gradcheck(F.batch_norm, X, GAMMA, BETA, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(one.inputs[0].analytic, two.inputs[0].analytic)
    assert not np.array_equal(one.inputs[0].analytic, other.inputs[0].analytic)


# What is wrong does not


def test_the_sum_as_a_cotangent_would_have_been_blind():
    blind = HandWritten(closed_form.forward, lambda dy, cache: (0 * dy, *by_backward(dy, cache)))
    ones = np.ones_like(X)
    assert np.allclose(closed_form.backward(ones, closed_form.forward(X, GAMMA, BETA)[1])[0], 0)
    assert not gradcheck(blind, X, GAMMA, BETA)


def by_backward(dy, cache):
    return closed_form.backward(dy, cache)[1:]


def test_what_cannot_be_told_is_no_pass():
    for f, x in ((np.sqrt, [0.0, 1.0]), (np.floor, [0.0, 1.5])):
        report = gradcheck(f, np.array(x))
        assert not report
        assert report.inputs[0].verdict == "inconclusive"
        assert "numeric unknown; inconclusive: 1 of 2 slopes cannot be told" in str(report)
        assert report.suspect is None


def test_second_derivatives_are_checked_with_order_2():
    mb.defvjp(np.exp, lambda g, out, x: g * F.stop_gradient(out))
    assert gradcheck(np.exp, X)
    report = gradcheck(lambda x: np.exp(x), X, order=2)
    assert not report
    assert report.suspect.node.function is np.exp
    assert "Again: gradcheck(<lambda>, x, order=2, seed=0)" in str(report)


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
            "it gives the same array each time, and so overwrites what it gave before",
        ),
        (
            HandWritten(lambda x: (x.astype(np.float32), None), lambda dy, c: dy.copy()),
            "it gives float32 for float64, which is too coarse to tell: inconclusive",
        ),
        (
            HandWritten(lambda x: (2 * x, None), lambda dy, c: np.multiply(dy, 2, out=dy)),
            "its backward writes into the gradient that came in; let it work on a copy",
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
            "the gradient for 'x' does not depend on the gradient that comes in",
        ),
        (
            HandWritten(lambda x: (2 * x, None), lambda dy, c: 2 * dy * (dy > 0)),
            "the gradient for 'x' is not linear (or not the same twice) in the gradient that",
        ),
        (
            HandWritten(lambda x: (np.sign(x).astype(int), None), lambda dy, c: 0 * dy),
            "it gives int64, which has no gradient",
        ),
        (
            HandWritten(lambda x: (2 * x, None), lambda dy, c: (None,)),
            "the gradient for 'x' is None, its input float64",
        ),
        (
            HandWritten(lambda x: (x + np.ones((2, 8, 3)), None), lambda dy, c: 1.0 * dy),
            "the gradient for 'x' has shape (2, 8, 3), its input (8, 3); sum it over axis 0",
        ),
        (
            HandWritten(lambda x: (2 * x, None), lambda dy, c: (2 * dy).astype(np.float32)),
            "the gradient for 'x' is float32, its input float64",
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


class Affine:
    """A layer that keeps its weight in two places, and its input and the gradient for it too."""

    def __init__(self, factor=1.0):
        self.W, self.factor = RNG.normal(size=(3, 2)), factor
        self.params, self.x = [self.W], np.ones((5, 3))

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dout):
        self.dW = self.factor * (self.x.T @ dout)
        self.grads, self.dx = [self.dW], dout @ self.W.T
        return self.dx


def test_an_object_is_checked_with_its_parameters_and_left_as_it_is():
    layer = Affine()
    layer.forward(X[:5])
    layer.backward(np.ones((5, 2)))  # as one is that has been in use
    before = {name: np.copy(value) for name, value in vars(layer).items()}
    report = gradcheck(layer, X)
    assert report, report
    assert [part.name for part in report.inputs] == ["x", "W"]
    assert all(np.array_equal(before[name], value) for name, value in vars(layer).items())
    assert "Again: gradcheck(Affine, x, seed=0)" in str(gradcheck(Affine(1.001), X))
    assert "every entry is 2 times" in gradcheck(Affine(2.0), X).hints()["W"]


def test_an_object_says_for_what_no_gradient_was_found():
    layer = Affine()
    layer.scale = np.ones(2)
    assert "Note: no gradient was found for 'scale'; it is looked for in dscale and in" in str(
        gradcheck(layer, X)
    )


@pytest.mark.parametrize("in_place", [True, False])
@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_a_backward_that_updates_its_weights_is_told_with_the_verdict(in_place, factor):
    class Learning(Affine):
        def backward(self, dout):
            dx = super().backward(dout)
            if in_place:
                self.W -= 0.1 * self.dW
            else:
                self.W = self.W - 0.1 * self.dW
            return dx

    layer = Learning(factor)
    layer.forward(X)
    layer.dW = np.zeros((3, 2))
    report = gradcheck(layer, X)
    assert bool(report) == (factor == 1)
    assert [part.name for part in report.inputs] == ["x", "W"]
    assert "Note: its backward changes 'W'" in str(report)
    assert "which its forward uses; let it leave gradients, and update after" in str(report)


def test_a_backward_that_adds_up_gradients_updates_nothing():
    class Summing(Affine):
        def __init__(self):
            super().__init__()
            self.dW = np.zeros((3, 2))

        def backward(self, dout):
            self.dW += self.x.T @ dout
            return dout @ self.W.T

    report = gradcheck(Summing(), X)
    assert report
    assert "Note" not in str(report)


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
    assert "Note: the gradient for 'x' is the gradient that came in or a view of it" in str(report)
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


def test_a_rule_that_keeps_half_of_the_digits_is_told():
    mb.defvjp(np.exp, lambda g, out, x: (g * out).astype(np.float32))
    report = gradcheck(lambda x: np.tanh(np.exp(x)), X)
    assert "the rule of exp for operand 0 gives float32, the operand is float64" in str(report)
    assert report.suspect.node.function is np.exp


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e-18, 1e-17, 1e-13, 1e-8, 0.0])
def test_an_input_however_small_hides_no_wrong_gradient(scale):
    """As a bias before a batch norm, which training leaves at some 1e-18."""
    x, w, b = RNG.normal(size=(4, 3)), RNG.normal(size=(3, 2)), scale * RNG.normal(size=2)

    def verdict(factor):
        def backward(dout, cache):
            x, w = cache
            return dout @ w.T, x.T @ dout, factor * dout.sum(0)

        return gradcheck(HandWritten(lambda x, w, b: (x @ w + b, (x, w)), backward), x, w, b)

    assert verdict(1)
    for factor in (0, 7, 1.0005):
        assert [part.verdict for part in verdict(factor).inputs] == ["agrees", "agrees", "differs"]


@pytest.mark.parametrize("scale", [1e-30, 1e-15, 1e-12, 1e-8])
def test_a_kink_close_by_is_one_however_small_the_input(scale):
    x = scale * RNG.normal(size=(3, 2))
    for factor, right in ((1, True), (2, False)):
        relu = HandWritten(
            lambda x: (np.maximum(x, 0), x), lambda dout, x, f=factor: f * dout * (x > 0)
        )
        assert bool(gradcheck(relu, x)) is right


@pytest.mark.parametrize("x", [[-1.0, 1.0], [1.0], [0.0, 2.0]])
def test_a_function_whose_period_is_the_first_step_is_not_flat(x):
    def wave(factor):
        def backward(dout, x):
            return factor * 32 * np.pi * np.cos(32 * np.pi * x + 0.3) * dout

        return HandWritten(lambda x: (np.sin(32 * np.pi * x + 0.3), x), backward)

    assert gradcheck(wave(1), np.array(x))
    assert not gradcheck(wave(0), np.array(x))


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
