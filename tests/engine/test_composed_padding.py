"""Arrays made larger: copies add their gradients up, and a border of constants gets none."""

import numpy as np
import pytest

from microbn import Tensor, errors

X = Tensor(np.arange(6.0).reshape(2, 3))


def gradient(function, values):
    x = Tensor(values)
    np.sum(function(x)).backward()
    return x.grad


def test_copies_of_an_entry_add_their_gradients_up():
    row = [1.0, 2.0, 3.0]
    np.testing.assert_array_equal(gradient(lambda x: np.pad(x, (2, 1), "edge"), row), [3, 1, 2])
    np.testing.assert_array_equal(gradient(lambda x: np.pad(x, 1, "reflect"), row), [1, 3, 1])
    np.testing.assert_array_equal(gradient(lambda x: np.tile(x, (2, 3)), row), [6, 6, 6])
    np.testing.assert_array_equal(gradient(lambda x: np.repeat(x, [2, 0, 1]), row), [2, 0, 1])
    np.testing.assert_array_equal(gradient(lambda x: np.resize(x, 5), row), [2, 2, 1])


def test_the_constants_of_a_border_get_a_gradient_if_they_are_a_tensor():
    border = Tensor(3.0)
    padded = np.pad(X, 1, constant_values=border)
    np.testing.assert_array_equal(padded.data, np.pad(X.data, 1, constant_values=3))
    np.sum(padded).backward()
    assert border.grad == 14


def test_widths_can_be_given_by_axis():
    x = np.arange(6.0).reshape(2, 3)
    expected = np.pad(x, [(0, 0), (1, 2)])
    np.testing.assert_array_equal(np.pad(X, {-1: (1, 2)}).data, expected)
    np.testing.assert_array_equal(np.pad(X, {0: 1, 1: 2}).data, np.pad(x, [(1, 1), (2, 2)]))


def test_no_border_is_no_step():
    assert np.pad(X, 0) is X
    assert np.pad(X, 0, "wrap") is X


REFUSED = [
    (lambda: np.pad(X, 1, "mean"), errors.RuleError, "mode='mean' cannot be composed; take"),
    (lambda: np.pad(X, 1, mode="linear_ramp"), errors.RuleError, "'linear_ramp' cannot be"),
    (lambda: np.pad(X, 1, lambda *_: None), errors.RuleError, "mode=<function"),
    (lambda: np.pad(X, 1, "reflect", reflect_type="odd"), errors.RuleError, "reflect_type= cannot"),
    (lambda: np.pad(X, 1, "edge", constant_values=0), errors.ArgumentError, "not with 'edge'"),
    (lambda: np.pad(X, -1), errors.ArgumentError, "integers from 0 on, got -1"),
    (lambda: np.pad(X, 1.5), errors.ArgumentError, r"integers from 0 on, got 1\.5"),
    (lambda: np.pad(X, (1, 2, 3)), errors.ShapeError, "gives no pair"),
    (lambda: np.pad(X, {2: 1}), errors.RangeError, "axis 2 is out of range"),
    (lambda: np.pad(X[:0], 1, "edge"), errors.ShapeError, "can't extend empty axis"),
    (lambda: np.repeat(X, [1, 2], axis=1), errors.ShapeError, "broadcast"),
    (lambda: np.repeat(X, -1), errors.ShapeError, "negative"),
    (lambda: np.resize(X, -1), errors.ShapeError, "negative|non-negative"),
]


@pytest.mark.parametrize(("call", "error", "words"), REFUSED)
def test_what_cannot_be_composed_is_refused_by_name(call, error, words):
    with pytest.raises(error, match=words):
        call()
