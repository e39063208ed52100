"""Slopes by differences: right where they claim to be, and silent where they cannot be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microbn.testing import numeric_vjp, slopes
from microbn.testing.strategies import distinct

ENTRYWISE = {  # functions, their derivatives, and where they are tried
    "line": (lambda x: 3 * x - 1, lambda x: 3 + 0 * x, lambda x: x),
    "square": (np.square, lambda x: 2 * x, lambda x: x),
    "small square": (lambda x: 1e-6 * x * x, lambda x: 2e-6 * x, lambda x: x),
    "exp": (np.exp, np.exp, lambda x: x),
    "steep exp": (lambda x: np.exp(30 * x), lambda x: 30 * np.exp(30 * x), lambda x: x / 8),
    "quick wave": (lambda x: np.sin(20 * x), lambda x: 20 * np.cos(20 * x), lambda x: x),
    "log": (np.log, lambda x: 1 / x, lambda x: np.abs(x) + 1e-5),
    "root": (np.sqrt, lambda x: 0.5 / np.sqrt(x), lambda x: np.abs(x) + 1e-5),
    "pole": (lambda x: 1 / x, lambda x: -1 / x**2, lambda x: x),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2, lambda x: x),
    "far from 0": (
        lambda x: np.tanh(x - 1e5),
        lambda x: 1 - np.tanh(x - 1e5) ** 2,
        lambda x: x + 1e5,
    ),
    "constant": (lambda x: 0 * x + 7, lambda x: 0 * x, lambda x: x),
    "constant but for rounding": (lambda x: np.exp(x) / np.exp(x), lambda x: 0 * x, lambda x: x),
}


@pytest.mark.parametrize("name", ENTRYWISE)
@given(arrays=distinct(4, 4))
def test_slope_is_within_ten_bars_of_the_derivative(name, arrays):
    f, derivative, place = ENTRYWISE[name]
    x, cotangent = place(arrays[0]), arrays[1]
    found, right = slopes(f, x, cotangent), cotangent * derivative(x)
    assert np.all(
        np.abs(found.value - right) <= 10 * found.bar + found.rounding + 1e-9 * np.abs(right)
    )
    assert np.all(10 * found.bar <= 1e-4 * np.abs(right) + 500 * found.rounding)


def test_inputs_of_one_entry_and_of_none_are_seen():
    assert slopes(np.square, 3.0, 1.0).value == pytest.approx(6)
    assert slopes(np.square, np.zeros((0, 2)), np.zeros((0, 2))).value.shape == (0, 2)
    assert slopes(lambda x: x * x, 0.0, 1.0).value == 0


@pytest.mark.parametrize("scale", [1.0, -2.0])
def test_at_a_kink_the_slopes_on_both_sides_are_given(scale):
    found = slopes(lambda x: np.maximum(x, 0), [0.0, 1.0, -1.0], scale * np.ones(3))
    assert np.allclose(found.low, [min(0, scale), scale, 0], rtol=0, atol=1e-9)
    assert np.allclose(found.high, [max(0, scale), scale, 0], rtol=0, atol=1e-9)


@given(st.integers(-8, -2), st.sampled_from([1, -1]))
def test_close_to_a_kink_the_slope_is_that_of_its_own_side(power, side):
    x = np.array([side * 10.0**power, 1.0, -2.0])
    found = slopes(lambda x: np.maximum(x, 0), x, np.ones(3))
    assert np.allclose(found.value, [side > 0, 1, 0], rtol=1e-6, atol=1e-9)
    assert np.all(found.low - 10 * found.bar <= (x > 0))
    assert np.all(found.high + 10 * found.bar >= (x > 0))


def test_a_tie_is_a_kink():
    found = slopes(lambda x: np.max(x), [1.0, 1.0, 0.0], 1.0)
    assert np.allclose(found.low, 0, atol=1e-9)
    assert np.allclose(found.high, [1, 1, 0], atol=1e-9)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (np.floor, 0.0),
        (np.sqrt, 0.0),
        (lambda x: np.sign(x) + x, 0.0),
        (lambda x: np.where(x == 1.0, x, np.nan), 1.0),
    ],
)
def test_where_f_jumps_or_ends_the_bar_says_that_nothing_is_known(f, x):
    found = slopes(f, x, 1.0)
    assert not found.bar <= 0.1 * np.abs(found.low)


def test_a_function_that_is_noise_has_no_slopes():
    rng = np.random.default_rng(0)
    found = slopes(lambda x: x + 1e-3 * rng.normal(size=x.shape), rng.normal(size=9), np.ones(9))
    assert np.all(found.bar > 1e-5)


def test_the_bar_is_honest_where_rounding_decides():
    x = np.array([0.3, 1.7, -0.2])
    for offset in (1e3, 1e6, 1e9, 1e12):
        found = slopes(lambda x, offset=offset: offset + np.sin(x), x, np.ones(3))
        assert np.all(np.abs(found.value - np.cos(x)) <= 10 * found.bar)
        assert np.all(found.bar <= max(1e-7, 1e-11 * offset))


def test_neither_x_nor_what_f_gives_is_written_into():
    x, kept = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    x.flags.writeable = kept.flags.writeable = False
    assert slopes(lambda x: kept, x, np.ones(2)).value.tolist() == [0, 0]


def test_numeric_vjp_gives_the_values_alone():
    x = np.array([1.0, 2.0])
    assert (
        numeric_vjp(np.square, x, [1.0, -1.0]).tolist()
        == slopes(np.square, x, [1.0, -1.0]).value.tolist()
    )


def counted(f):
    """Return the function, and a list that grows with its calls."""
    calls = []

    def counting(x):
        calls.append(x.copy())
        return f(x)

    return counting, calls


MIXED = {  # functions, and a claim that is right
    "each by itself": (np.tanh, lambda x, g: g * (1 - np.tanh(x) ** 2)),
    "rows": (
        lambda x: x / np.sum(x, axis=1, keepdims=True),
        lambda x, g: (
            (g - np.sum(g * x, axis=1, keepdims=True) / x.sum(1, keepdims=True))
            / x.sum(1, keepdims=True)
        ),
    ),
    "neighbours": (
        lambda x: x * np.roll(x, 1, axis=0),
        lambda x, g: g * np.roll(x, 1, axis=0) + np.roll(g, -1, axis=0) * np.roll(x, -1, axis=0),
    ),
    "all": (lambda x: x * np.sum(x), lambda x, g: g * np.sum(x) + np.sum(g * x)),
}


@pytest.mark.parametrize("name", MIXED)
def test_entries_that_share_no_output_have_the_same_slopes_together(name):
    rng = np.random.default_rng(0)
    f, claim = MIXED[name]
    x, g = rng.uniform(1, 2, size=(6, 3)), rng.normal(size=(6, 3))
    alone = slopes(f, x, g)
    together = slopes(f, x, g, claim=claim(x, g))
    assert np.all(np.abs(together.value - alone.value) <= 10 * (together.bar + alone.bar) + 1e-12)
    assert np.all(together.bar <= 1e-6 * np.abs(together.value))


@pytest.mark.parametrize("name", MIXED)
def test_an_entry_that_does_not_confirm_its_claim_is_moved_alone(name):
    rng = np.random.default_rng(0)
    f, claim = MIXED[name]
    x, g = rng.uniform(1, 2, size=(6, 3)), rng.normal(size=(6, 3))
    wrong, alone = claim(x, g), slopes(f, x, g)
    wrong[2, 1] *= 1.00001
    found = slopes(f, x, g, claim=wrong)
    assert [part[2, 1] for part in found[:3]] == [part[2, 1] for part in alone[:3]]


def test_entries_that_share_no_output_are_moved_together():
    x = np.random.default_rng(0).normal(size=(40, 5))
    (alone, many), (together, few) = counted(np.exp), counted(np.exp)
    slopes(alone, x, np.ones(x.shape))
    slopes(together, x, np.ones(x.shape), claim=np.exp(x))
    assert len(few) < len(many) / 5
    assert x.size < len(few) < x.size + 20


@pytest.mark.parametrize("name", MIXED)
def test_three_steps_confirm_an_entry(name):
    rng = np.random.default_rng(0)
    f, claim = MIXED[name]
    x, g = rng.uniform(1, 2, size=(6, 3)), rng.normal(size=(6, 3))
    counting, calls = counted(f)
    slopes(counting, x, g, claim=claim(x, g))
    assert len(calls) <= 1 + 3 * x.size


def test_a_step_to_the_left_shows_an_output_that_a_step_to_the_right_does_not():
    x, g = np.random.default_rng(0).normal(size=(2, 12))
    x[[2, 7]] = 0

    def f(x):
        return 3 * x + np.roll(np.maximum(-x, 0), 1)

    claim = 3 * g - np.roll(g, -1) * (x < 0)
    found, alone = slopes(f, x, g, claim=claim), slopes(f, x, g)
    assert np.allclose(found.low, alone.low, rtol=1e-8)
    assert np.allclose(found.high, alone.high, rtol=1e-8)
    assert np.flatnonzero(found.high > found.low).tolist() == [2, 7]


def test_outputs_that_change_only_together_are_no_ones():
    """Two entries at 0 change the last output only if both are moved: no claim is confirmed so."""

    def f(x):
        return np.append(np.exp(x), np.minimum(*np.abs(x)))

    x = np.zeros(2)
    calls = counted(f)
    found = slopes(calls[0], x, np.ones(3), claim=np.ones(2))
    assert np.allclose(found.value, 1, atol=1e-9)
    assert all(np.count_nonzero(moved) < 2 for moved in calls[1][-8:])


def test_a_kink_is_one_among_entries_that_are_moved_together():
    x = np.array([0.0, 1.0, -1.0, 2.0])
    found = slopes(lambda x: np.maximum(x, 0), x, np.ones(4), claim=np.array([0.0, 1, 0, 1]))
    assert np.allclose(found.low, [0, 1, 0, 1], atol=1e-9)
    assert np.allclose(found.high, [1, 1, 0, 1], atol=1e-9)


@pytest.mark.parametrize("claim", [0.1, 0.5, 0.9])
def test_a_claim_between_the_slopes_of_a_kink_does_not_hide_it(claim):
    """0.9 is the slope of the cubic through relu's steps, and 0.5 that of the parabola."""
    found = slopes(lambda x: np.maximum(x, 0), [0.0, 1.0], np.ones(2), claim=np.array([claim, 1]))
    assert np.allclose(found.low, [0, 1], atol=1e-9)
    assert np.allclose(found.high, [1, 1], atol=1e-9)


@given(distinct(4, 4), st.sampled_from(["exp", "quick wave", "log", "root", "pole", "tanh"]))
def test_a_confirmed_slope_is_within_ten_bars_of_the_derivative(arrays, name):
    f, derivative, place = ENTRYWISE[name]
    x, cotangent = place(arrays[0]), arrays[1]
    right = cotangent * derivative(x)
    found = slopes(f, x, cotangent, claim=right)
    assert np.all(np.abs(found.value - right) <= 10 * found.bar + found.rounding)


def test_the_bar_of_a_confirmed_slope_covers_the_rounding_at_its_smallest_step():
    x = np.array([0.3, 1.7, -0.2, 5.0])
    found = slopes(lambda x: 3 * x - 1, x, np.ones(4), claim=3 * np.ones(4))
    assert np.all(found.bar >= np.finfo(float).eps * 15 * 4 / (x.std() / 16 / 512))
    assert np.all(found.bar <= 1e-9)


def _moved_on(x, close=0.1):
    """Return 3 x, and x once more one place on where it is close to 0. A step may jump it."""
    return 3 * x + np.roll(np.where(np.abs(x) < close, x, 0.0), 1)


WITH_WRONG_OWNERS = {  # wrong claims about _moved_on
    "the part that moved on is missing": lambda x, g: 3 * g,
    "it comes back to the output's owner": lambda x, g: (3 + np.roll(np.abs(x) < 0.1, 1)) * g,
    "it is missing at 0": lambda x, g: 3 * g + np.roll(g, -1) * ((np.abs(x) < 0.1) & (x != 0)),
}


@pytest.mark.parametrize("name", WITH_WRONG_OWNERS)
@pytest.mark.parametrize("seed", range(5))
def test_an_output_that_moves_at_small_steps_only_is_not_its_owners(name, seed):
    rng = np.random.default_rng(seed)
    x, g = 4 * rng.normal(size=12), rng.normal(size=12)
    x[[2, 7]] = 0
    found = slopes(_moved_on, x, g, claim=WITH_WRONG_OWNERS[name](x, g))
    right = 3 * g + np.roll(g, -1) * (np.abs(x) < 0.1)
    assert np.allclose(found.value, right, rtol=1e-6)


@pytest.mark.parametrize("name", WITH_WRONG_OWNERS)
@pytest.mark.parametrize("close", [2e-5, 1e-4, 2e-4, 3e-4])
def test_an_output_that_moves_at_the_smallest_step_only_confirms_no_claim(name, close):
    """The jump is too close to 0 for the entry that is moved alone, and all slopes seem to be 3."""
    x, g = 4 * np.random.default_rng(0).normal(size=12), np.random.default_rng(1).normal(size=12)
    x[[2, 7]] = 0
    found = slopes(lambda x: _moved_on(x, close), x, g, claim=WITH_WRONG_OWNERS[name](x, g))
    assert np.allclose(found.value, 3 * g, rtol=1e-6)


def test_a_small_slope_is_not_confirmed_beside_the_inaccuracy_of_a_large_one():
    """The large slope hides whether the small one's part in its output is there."""

    def f(x):
        near = np.where(np.abs(x[1]) < 0.1, x[1], 0.0)
        return np.array([1e8 * (x[0] - 4) + near, x[1], x[2]])

    x = np.array([4.0, 0.0, -3.0])
    found = slopes(f, x, np.ones(3), claim=np.array([1e8, 1.0, 1.0]))
    assert abs(found.value[1] - 2) < 1e-5


def test_a_kink_in_an_output_of_a_large_slope_is_not_overlooked():
    """The second entry has a kink in the first output, which only a step to the left shows."""

    def f(x):
        return np.array([1e8 * (x[0] - 4) + np.maximum(-x[1], 0), x[1], x[2]])

    found = slopes(f, np.array([4.0, 0.0, -3.0]), np.ones(3), claim=np.array([1e8, 1.0, 1.0]))
    assert np.allclose([found.low[1], found.high[1]], [0, 1], atol=1e-6)


def test_two_kinks_do_not_make_up_for_each_other_in_an_output():
    def f(x):
        return 3 * x + np.array([0, 0, 0, 0, 0, np.maximum(-x[1], 0) - np.maximum(-x[3], 0)])

    x = np.array([1.0, 0.0, 2.0, 0.0, -1.0, 3.0])
    found = slopes(f, x, np.ones(6), claim=3 * np.ones(6))
    assert np.flatnonzero(found.high - found.low > 0.5).tolist() == [1, 3]


def test_an_entry_with_a_wrong_claim_does_not_send_all_others_to_be_moved_alone():
    x, g = np.random.default_rng(0).normal(size=(2, 200))
    claim = g * np.exp(x)
    claim[[3, 50]] *= 2
    f, calls = counted(np.exp)
    slopes(f, x, g, claim=claim)
    assert len(calls) < 2 * x.size


@pytest.mark.parametrize("error", [AssertionError, KeyError, RuntimeError, ZeroDivisionError])
def test_entries_are_moved_alone_where_f_raises_an_error_at_several(error):
    x, g = np.random.default_rng(0).normal(size=(2, 5))

    def only_close(moved):
        if np.count_nonzero(moved != x) > 1:
            raise error("this is too far")
        return np.exp(moved)

    found = slopes(only_close, x, g, claim=g * np.exp(x))
    assert [part.tolist() for part in found] == [part.tolist() for part in slopes(only_close, x, g)]


def test_an_entry_at_a_kink_does_not_send_all_others_to_be_moved_alone():
    x, g = np.random.default_rng(0).normal(size=(2, 200))
    x[[3, 50]] = 0
    f, calls = counted(lambda x: x + np.maximum(x, 0))
    slopes(f, x, g, claim=g * (1 + (x > 0)))
    assert len(calls) < 2 * x.size
