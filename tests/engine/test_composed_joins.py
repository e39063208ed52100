"""Arrays joined and split: each part gets its own piece of the gradient."""

import numpy as np
import pytest

from microbn import Tensor, errors, formula

ROW, X = Tensor([1.0, 2.0, 3.0]), Tensor(np.arange(6.0).reshape(2, 3))


def test_the_parts_that_are_used_get_a_gradient():
    x = Tensor(np.ones((2, 3)))
    first, *_, last = np.split(x, 3, axis=1)
    (np.sum(first) + 2 * np.sum(last)).backward()
    np.testing.assert_array_equal(x.grad, [[1, 0, 2], [1, 0, 2]])


def test_split_gives_a_list_and_unstack_a_tuple_as_numpys_do():
    assert isinstance(np.array_split(X, 2), list)
    assert isinstance(np.unstack(X), tuple)
    assert [part.shape for part in np.array_split(ROW, 2)] == [(2,), (1,)]


def test_a_block_that_stands_twice_gets_both_gradients():
    x = Tensor(np.ones((1, 2)))
    np.sum(np.block([[x, x], [np.zeros((3, 2)), np.ones((3, 2))]])).backward()
    np.testing.assert_array_equal(x.grad, [[2, 2]])


def test_numbers_that_are_inserted_take_the_dtype_of_the_array():
    x = Tensor(np.ones(2, np.float32))
    assert np.insert(x, 1, np.arange(3.0)).dtype == np.float32
    assert np.insert(x, 1, Tensor([1.0, 2.0])).dtype == np.float32


def test_a_value_that_is_inserted_at_several_places_gets_a_gradient_from_each():
    value = Tensor(5.0)
    np.sum(np.insert(ROW, [0, 1, 3], value)).backward()
    assert value.grad == 3


def test_tensors_are_joined_to_constants_and_lists():
    np.testing.assert_array_equal(np.append([1.0, 2.0], ROW).data, [1, 2, 1, 2, 3])
    np.testing.assert_array_equal(np.insert([8, 9.5], 1, ROW).data, [8, 1, 2, 3, 9.5])
    joined = np.hstack((ROW, [1, 2]))
    assert joined.dtype == np.float64
    assert joined.shape == (5,)
    assert np.hstack((Tensor(np.ones(2, np.float32)), [1, 2])).dtype == np.float64  # as in NumPy


@pytest.mark.parametrize(
    ("function", "operands", "words"),
    [
        (np.append, ("x", "y", 0), "concatenate(x, y, axis=0)"),
        (np.column_stack, (["x", "y"],), "concatenate(x, y, axis=1)"),
        (np.block, (["x", "y"],), "concatenate(x, y, axis=1)"),
        (np.unstack, (ROW,), ("x[0]", "x[1]", "x[2]")),
    ],
)
def test_a_composition_reads_as_words(function, operands, words):
    assert formula(function, *operands) == words


REFUSED = [
    (lambda: np.split(X, 2, axis=1), errors.ShapeError, "3 entries do not make 2 equal parts"),
    (lambda: np.split(X, 0), errors.ArgumentError, "one part or more, not 0"),
    (lambda: np.array_split(X, -1), errors.ArgumentError, "one part or more, not -1"),
    (lambda: np.array_split(X, 2, axis=2), errors.RangeError, "axis 2 is out of range"),
    (lambda: np.vsplit(ROW, 3), errors.ShapeError, r"needs 2 axes or more, got shape \(3,\)"),
    (lambda: np.dsplit(X, 3), errors.ShapeError, "needs 3 axes or more"),
    (lambda: np.hsplit(ROW[0], 1), errors.RangeError, "no axes"),
    (lambda: np.unstack(X, axis=-3), errors.RangeError, "axis -3 is out of range"),
    (lambda: np.hstack((X, X.T)), errors.ShapeError, "np.hstack: concatenate: .*must match"),
    (lambda: np.vstack((X, X), dtype=float), errors.RuleError, "dtype= cannot be composed"),
    (lambda: np.block([[X], X]), errors.ShapeError, "must be equally deep"),
    (lambda: np.block([[X], []]), errors.ShapeError, "and hold a block"),
    (lambda: np.insert(X, 3, 0.0, axis=0), errors.RangeError, "index 3 is out of bounds"),
    (lambda: np.insert(ROW, [0, 1], ROW), errors.ShapeError, "broadcast"),
]


@pytest.mark.parametrize(("call", "error", "words"), REFUSED)
def test_what_cannot_be_composed_is_refused_by_name(call, error, words):
    with pytest.raises(error, match=words):
        call()
