"""The guesses of the checker: each mistake in a batch norm has a pattern of its own."""

import numpy as np
import pytest

from microbn.testing import HandWritten, gradcheck

N, C = 8, 4


def forward(x, gamma, beta, ddof=0):
    s = np.sqrt(x.var(0, ddof=ddof) + 1e-5)
    x_hat = (x - x.mean(0)) / s
    return gamma * x_hat + beta, (gamma, s, x_hat)


def right(dy, gamma, s, x_hat):
    dx = gamma / s * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))
    return {"x": dx, "gamma": (dy * x_hat).sum(0), "beta": dy.sum(0)}


def hints(forward=forward, **wrong):
    """The hints where some of the gradients are replaced: x=lambda dy, gamma, s, x_hat: ..."""

    def backward(dy, cache):
        gradients = {**right(dy, *cache), **{name: f(dy, *cache) for name, f in wrong.items()}}
        return tuple(gradients.values())

    rng = np.random.default_rng(1)
    x, gamma, beta = (rng.normal(size=size) for size in ((N, C), C, C))
    report = gradcheck(HandWritten(forward, backward), x, gamma, beta)
    assert [part.name for part in report.inputs if part.verdict == "differs"] == [*wrong]
    return report.hints()


def dx(dy, gamma, s, h):
    return right(dy, gamma, s, h)["x"]


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda dy, g, s, h: 2 * dx(dy, g, s, h), "every entry is 2 times what it should be: coun"),
        (lambda dy, g, s, h: -dx(dy, g, s, h), "every entry is -1 times what it should be: the s"),
        (lambda dy, g, s, h: dx(dy, g, s, h) / 2, "every entry is 0.5 times what it should be: ha"),
        (lambda dy, g, s, h: 1.0005 * dx(dy, g, s, h), "every entry is 1.0005 times what it shoul"),
        (lambda dy, g, s, h: N * dx(dy, g, s, h), "the length of axis 0 of 'x': a sum where a"),
        (lambda dy, g, s, h: dx(dy, g, s, h) / N, "the length of axis 0 of 'x': a mean where a"),
        (lambda dy, g, s, h: 0 * dx(dy, g, s, h), "it is 0 everywhere: is it still to be"),
        (lambda dy, g, s, h: dx(dy, g, s, h) / 0, "it is not finite: a division by 0"),
        (lambda dy, g, s, h: dx(dy, 1.0, s, h), "it lacks the factor 'gamma'"),
        (lambda dy, g, s, h: dx(dy, g * g, s, h), "it has the factor 'gamma' once too often"),
        (
            lambda dy, g, s, h: g / s * (dy - h * (dy * h).mean(0)),
            "the error is the same all along axis 0: a path through a mean",
        ),
        (
            lambda dy, g, s, h: g / s * (dy - dy.mean(0)),
            "the error follows the input along axis 0: a path through a variance",
        ),
        (lambda dy, g, s, h: dx(dy, g, s + 4e-6, h), "nearly right: a small constant such as eps"),
        (
            lambda dy, g, s, h: dx(dy, g, s * np.sqrt(N / (N - 1)), h),
            "√((n - 1) / n) with n = 8, the length of axis 0 of 'x': the biased variance, or",
        ),
        (
            lambda dy, g, s, h: g / s * (dy - dy.mean(1, keepdims=True) - h * (dy * h).mean(0)),
            "looks like that of a mean or a sum over the wrong axis",
        ),
        (
            lambda dy, g, s, h: dx(dy, g, s, h) * (np.arange(N) > 0)[:, None],
            "each column of it should sum to 0, and does not",
        ),
        (
            lambda dy, g, s, h: dx(dy, g, s, h).sum(0) + 0 * dy + dx(dy, g, s, h).mean(),
            None,  # nothing that is known; better silent than misleading
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_mistake_in_dx_is_recognized(wrong, hint):
    assert (hint or "") in hints(x=wrong).get("x", "")
    assert (hint is None) == (not hints(x=wrong))


def test_the_gradient_of_another_input_is_recognized():
    found = hints(gamma=lambda dy, g, s, h: dy.sum(0), beta=lambda dy, g, s, h: (dy * h).sum(0))
    assert found == {
        "gamma": "it is the gradient of 'beta'",
        "beta": "it is the gradient of 'gamma'",
    }


def test_the_biased_backward_of_an_unbiased_forward_is_recognized():
    found = hints(lambda x, gamma, beta: forward(x, gamma, beta, ddof=1), x=dx)
    assert "a path through a variance is missing, or wrong" in found["x"]


def test_a_transposed_gradient_is_recognized():
    weights = np.random.default_rng(0).normal(size=(2, 3, 3))
    layer = HandWritten(lambda x: (weights @ x, None), lambda dy, _: (weights.mT @ dy).sum(0).T)
    report = gradcheck(layer, np.random.default_rng(1).normal(size=(3, 3)))
    assert report.hints() == {"x": "it is transposed"}


@pytest.mark.parametrize(("how", "word"), [(np.sum, "summed"), (np.mean, "averaged")])
def test_a_gradient_that_is_reduced_and_spread_back_is_recognized(how, word):
    def backward(dy, x):
        return how(np.cos(x) * dy, axis=1, keepdims=True) + 0 * x

    layer = HandWritten(lambda x: (np.sin(x), x), backward)
    (hint,) = gradcheck(layer, np.random.default_rng(1).normal(size=(4, 3))).hints().values()
    assert hint.startswith(f"it is {word} over axis 1")


def off_by(factor, x, f=np.sin, derivative=np.cos):
    layer = HandWritten(lambda x: (f(x), x), lambda dy, x: factor * dy * derivative(x))
    return gradcheck(layer, x).hints()


def test_of_a_single_number_only_a_factor_with_a_meaning_is_a_hint():
    x = np.array(0.3)
    assert off_by(2.0, x) == {
        "x": "it is 2 times what it should be: counted twice, or a sum where a mean is meant?"
    }
    assert "the sign" in off_by(-1.0, x)["x"]
    assert off_by(-0.606, x) == off_by(1.7, x) == off_by(1.7, np.array([[0.3]])) == {}


def test_the_number_of_all_entries_is_a_factor_with_a_meaning():
    layer = HandWritten(lambda x: (x.mean(), x), lambda dy, x: dy * np.ones_like(x))
    (hint,) = gradcheck(layer, np.random.default_rng(0).normal(size=(4, 3))).hints().values()
    assert "12 times what it should be, the number of entries of 'x': a sum where a mean" in hint


@pytest.mark.parametrize("seed", range(3))
def test_a_backward_that_ignores_what_comes_in_is_told_so_and_no_factor(seed):
    layer = HandWritten(lambda x: (np.mean(x**2), x), lambda dy, x: 2 * x / x.size)
    report = gradcheck(layer, np.random.default_rng(0).normal(size=(4, 3)), seed=seed)
    assert report.hints() == {
        "x": "its backward ignores the gradient that comes in (dout): multiply by it"
    }
    assert "ratio" not in str(report)
    assert "(for a gradient of 1 it is right)" in str(report)
    twice = HandWritten(layer.forward, lambda dy, x: 4 * x / x.size)
    report = gradcheck(twice, np.random.default_rng(0).normal(size=(4, 3)), seed=seed)
    assert "for a gradient of 1" not in str(report)


def test_a_backward_that_is_not_linear_gets_no_hint_from_its_numbers():
    layer = HandWritten(lambda x: (np.mean(x**2), x), lambda dy, x: 2 * x / x.size * dy**2)
    report = gradcheck(layer, np.random.default_rng(0).normal(size=(4, 3)))
    assert not report
    assert report.hints() == {}
    assert "ratio" not in str(report)


def test_nothing_is_guessed_of_what_is_right():
    assert hints() == {}


def test_an_error_of_one_row_times_one_column_is_no_mean_where_nothing_sums_to_0():
    row, off = np.random.default_rng(2).normal(size=(1, 4)), np.array([1.0, 2.0, 0.5, 3.0])
    layer = HandWritten(lambda w: (row @ w, None), lambda dy, _: row.T @ (dy * off))
    assert gradcheck(layer, np.random.default_rng(1).normal(size=(4, 4))).hints() == {}


def test_one_small_entry_that_is_hardly_off_makes_no_region_of_its_own():
    def hardly_off(dy, _):
        return dy * (1 + 6e-6 * (np.abs(dy) == np.abs(dy).min()))

    report = gradcheck(HandWritten(lambda x: (1.0 * x, None), hardly_off), np.eye(8) - 0.5)
    assert report.inputs[0].wrong.sum() == 1
    assert report.hints()["x"].startswith("it is nearly right")


def test_a_gradient_that_should_be_0_is_told_so():
    layer = HandWritten(lambda x: (np.exp(x) / np.exp(x), x), lambda dy, x: dy * np.exp(x))
    (hint,) = gradcheck(layer, np.random.default_rng(0).normal(size=(4, 3))).hints().values()
    assert hint == "it should be 0 everywhere: here the output does not change with x"


def test_of_a_row_with_one_number_nothing_is_guessed_that_needs_several():
    x = np.array([[1.0, -0.5, -2.0], [-1.0, 2.0, -0.75], [-3.0, -1.5, 0.5]])
    for wrong in (lambda dy, out: dy * out, lambda dy, out: (dy * (out > 0)).sum(0) + 0 * dy):
        layer = HandWritten(lambda x: (np.maximum(x, 0),) * 2, wrong)
        assert gradcheck(layer, x).hints() == {}


def test_a_formula_that_gives_infinities_explains_nothing():
    x = np.array([[-1.0, 0.5, 2.0], [3.0, -0.25, 0.75]])
    layer = HandWritten(lambda x: (np.maximum(x, 0), x), lambda dy, x: dy * (x > 1))  # 1 / out
    assert gradcheck(layer, x).hints() == {}
