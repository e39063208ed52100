"""The patterns of mistakes: each is found in errors made to measure, and no other one."""

import numpy as np
import pytest

from microbn import errors
from microbn.lab import heat, patterns
from microbn.testing import HandWritten, gradcheck

X = np.random.default_rng(0).normal(size=(6, 4))
CENTERED = X - X.mean(0)
PER_ROW, PER_FEATURE = np.random.default_rng(1).normal(size=(2, 6))


def report(wrong, x=X):
    """Check a wrong gradient of x³ / 3, whose slopes follow neither x nor a mean."""

    def forward(x):
        return np.sum(x**3) / 3, x**2

    return gradcheck(HandWritten(forward, lambda dy, dx: dy * wrong(dx)), x)


@pytest.mark.parametrize(
    ("wrong", "pattern", "size"),
    [
        (lambda dx: dx + PER_FEATURE[:4], patterns.SAME, "off by up to "),
        (lambda dx: dx + CENTERED * PER_FEATURE[:4] + 1, patterns.INPUT, "off by up to "),
        (lambda dx: 0.5 * dx, patterns.FACTOR, "dx × 0.5"),
        (lambda dx: dx * (1 - 1e-4), patterns.FACTOR, "dx × (1 − 1e-04)"),
        (lambda dx: -dx, patterns.FACTOR, "dx × −1"),
        (lambda dx: dx * [1, 2, -3, 0.5], patterns.FACTOR, "dx × −3 to 2"),
        (lambda dx: dx + np.outer(PER_ROW, PER_FEATURE[:4]), patterns.ROWS, "off by up to "),
        (lambda dx: dx + dx * CENTERED, patterns.NONE, "off by up to "),
        (lambda dx: dx * [1, 2, np.inf, 1], patterns.NONE, "not finite"),
        (lambda dx: dx * np.nan, patterns.NONE, "not finite"),
    ],
)
def test_error_has_the_pattern_that_it_was_made_with(wrong, pattern, size):
    found = patterns.pattern_of(report(wrong))
    assert found[0] == pattern
    assert found[1].startswith(size)


@pytest.mark.parametrize("wrong", [lambda dx: dx + PER_FEATURE[:4], lambda dx: 0.5 * dx])
def test_pattern_that_one_entry_spoils_is_not_taken_for_it(wrong):
    spoiled = np.zeros_like(X)
    spoiled[2, 1] = 0.01
    found, _ = patterns.pattern_of(report(lambda dx: wrong(dx) + spoiled))
    assert found not in (patterns.SAME, patterns.FACTOR)


@pytest.mark.parametrize("factor", [0.5, 1 + 1e-4])
def test_feature_whose_gradient_is_0_has_no_say_in_the_factor(factor):
    flat = report(lambda dx: factor * dx, X * [1, 1, 0, 1])
    assert patterns.pattern_of(flat) == patterns.pattern_of(report(lambda dx: factor * dx))


def test_gradient_without_an_error_has_no_pattern():
    assert patterns.pattern_of(report(lambda dx: dx, 0 * X)) == (patterns.NONE, "no error")


@pytest.mark.parametrize("shape", [(6,), (3, 2, 4), (0, 4)])
def test_input_that_is_not_a_table_of_samples_is_named(shape):
    with pytest.raises(errors.ShapeError, match=r"must be \(N, C\), .* let it reshape that"):
        patterns.pattern_of(report(lambda dx: dx, np.ones(shape)))


def test_figure_has_a_column_for_each_pattern_and_draws_the_input_beside_its_followers():
    mistakes = {
        "shifted": lambda dx: dx + PER_FEATURE[:4],
        "halved": lambda dx: 0.5 * dx,
        "doubled": lambda dx: 2 * dx,
        "bent": lambda dx: dx + CENTERED,
    }
    figure = heat.fingerprints({name: report(wrong) for name, wrong in mistakes.items()})
    drawn = {
        part.get_suptitle(): [(ax.get_title(), ax.get_xlabel()) for ax in part.axes if ax.axison]
        for part in figure.subfigs
    }
    assert list(drawn) == [patterns.SAME, patterns.FACTOR, patterns.INPUT]
    assert drawn[patterns.FACTOR] == [("halved", "dx × 0.5"), ("doubled", "dx × 2")]
    assert [name for name, _ in drawn[patterns.INPUT]] == ["x, less its mean", "bent"]
    assert figure.get_suptitle().startswith("Mistakes leave 3 patterns")


def test_figure_shows_a_gradient_that_is_not_finite():
    figure = heat.fingerprints({"infinite": report(lambda dx: dx * [1, np.inf, 1, 1])})
    (ax,) = figure.axes
    assert (ax.get_title(), ax.get_xlabel()) == ("infinite", "not finite")
