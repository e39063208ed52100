"""Numbers in other places: where gradients meet, what stays a constant, and what is refused."""

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, errors, formula

X = Tensor(np.arange(6.0).reshape(2, 3))
windows = np.lib.stride_tricks.sliding_window_view


def test_the_gradients_of_windows_that_overlap_add_up():
    x = Tensor([1.0, 2.0, 3.0, 4.0])
    np.sum(windows(x, 2)).backward()
    np.testing.assert_array_equal(x.grad, [1, 2, 2, 1])


def test_the_gradients_of_a_grid_add_up_along_its_lines():
    x, y = Tensor([1.0, 2.0]), Tensor([3.0, 4.0, 5.0])
    np.sum(np.multiply(*np.meshgrid(x, y))).backward()
    np.testing.assert_array_equal(x.grad, [12, 12])
    np.testing.assert_array_equal(y.grad, [3, 3, 3])


def test_no_gradient_flows_to_the_other_side_of_the_diagonal():
    x = Tensor(np.ones((3, 3)))
    np.sum(np.tril(x, -1)).backward()
    np.testing.assert_array_equal(x.grad, [[0, 0, 0], [1, 0, 0], [1, 1, 0]])


def test_a_nan_outside_a_triangle_stays_out_of_the_gradient():
    x = Tensor([[1.0, np.nan], [4.0, 9.0]])
    np.sum(np.sqrt(np.tril(x) + np.triu(np.ones((2, 2)), 1))).backward()
    np.testing.assert_allclose(x.grad, [[1 / 2, 0], [1 / 4, 1 / 6]])


def test_a_copy_is_a_node_of_its_own_even_of_a_mask():
    assert np.copy(X) is not X
    assert np.copy(X > 2).dtype == bool


def test_another_dtype_passes_the_gradient_on_in_the_dtype_that_it_came_from():
    x = Tensor([1.0, 2.0])
    y = np.astype(x, np.float32)
    np.sum(y * y).backward()
    assert (y.dtype, x.grad.dtype) == (np.float32, np.float64)
    np.testing.assert_array_equal(x.grad, [2, 4])


def test_constants_among_several_arrays_stay_constants():
    row, matrix = np.atleast_2d([1.0, 2.0], X)
    assert isinstance(row, np.ndarray)
    assert matrix is X
    assert isinstance(np.broadcast_arrays(X, [1.0, 2.0, 3.0])[1], np.ndarray)


def test_arrays_like_another_are_constants_unless_a_tensor_fills_them():
    t = Tensor(3.0)
    assert isinstance(np.full_like(X, 2), np.ndarray)
    assert np.full_like(X, 2).dtype == np.float64
    assert np.empty_like(X, shape=(4,)).shape == (4,)
    np.sum(np.full_like(X, t)).backward()
    assert t.grad == 6


def test_a_full_array_takes_another_shape_and_dtype():
    full = np.full_like(X, 1.5, np.float32, shape=(2,))
    assert (full.dtype, full.shape) == (np.float32, (2,))


@pytest.mark.parametrize(
    ("function", "operands", "words"),
    [
        (np.ravel, ("x",), "reshape(x, -1)"),
        (np.moveaxis, ("x", 0, 1), "transpose(x, (1, 0))"),
        (np.flip, ("x",), "x[::-1, ::-1]"),
        (np.rot90, ("x",), "flip(swapaxes(x, 0, 1), 0)"),
        (np.trace, ("x",), "sum(diagonal(x, 0, 0, 1), axis=-1)"),
    ],
)
def test_a_composition_reads_as_words(function, operands, words):
    assert formula(function, *operands) == words


def test_a_trace_is_a_group_in_drawings_and_a_move_is_none():
    assert np.trace(X).scope == ("trace",)
    assert np.roll(X, 1).scope == ()


REFUSED = [
    (lambda: np.ravel(X, order="K"), errors.ArgumentError, "order='K' asks how memory"),
    (lambda: np.reshape(X, (3, 2), order="F"), errors.RuleError, "order= cannot be recorded"),
    (lambda: np.reshape(X, (3, 2), copy=True), errors.RuleError, "copy= cannot be recorded"),
    (lambda: np.flip(X, 5), errors.RangeError, r"axis 5 is out of range for shape \(2, 3\)"),
    (lambda: np.roll(X, 1, axis=2), errors.RangeError, "axis 2 is out of range"),
    (lambda: np.moveaxis(X, 0, -3), errors.RangeError, "axis -3 is out of range"),
    (lambda: np.moveaxis(X, (0, 1), 0), errors.ShapeError, "2 axes do not go to 1 places"),
    (lambda: np.moveaxis(X, (0, 0), (0, 1)), errors.ShapeError, "repeated axis"),
    (lambda: np.rollaxis(X, 0, -3), errors.RangeError, "axis -3 is out of range"),
    (lambda: np.rollaxis(X, 0, 4), errors.RangeError, "axis 4 is out of range"),
    (lambda: np.rot90(X, axes=(0,)), errors.ShapeError, "a turn needs two axes"),
    (lambda: np.rot90(X, axes=(0, 0)), errors.ShapeError, "repeated axis"),
    (lambda: np.fliplr(X[0]), errors.RangeError, "too many indices"),
    (lambda: np.meshgrid(X, indexing="yx"), errors.ArgumentError, "'xy' or 'ij', not 'yx'"),
    (lambda: np.broadcast_arrays(X, X.T), errors.ShapeError, "cannot be broadcast"),
    (lambda: np.diag(X[None]), errors.ShapeError, r"one axis or two, got shape \(1, 2, 3\)"),
    (lambda: np.diagonal(X, 0, 1, 1), errors.ShapeError, "repeated axis"),
    (lambda: np.linalg.trace(X[0]), errors.RangeError, r"axis -2 is out of range for shape \(3,\)"),
    (lambda: np.trace(X, dtype=int), errors.RuleError, "dtype= cannot be composed; leave it out"),
    (lambda: windows(X, (3, 1)), errors.ShapeError, "cannot be larger than input"),
    (lambda: windows(X, 2), errors.ShapeError, r"a window of shape \(2,\) .* over 2 axes"),
]


@pytest.mark.parametrize(("call", "error", "words"), REFUSED)
def test_what_cannot_be_composed_is_refused_by_name(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_program_rolls_and_turns_as_its_code_does():
    def f(x):
        return np.sum(np.roll(np.rot90(x), (1, 2), (0, 1)) * np.arange(9.0).reshape(3, 3))

    x = np.arange(9.0).reshape(3, 3) ** 2
    value, (gradient,) = mb.compile(f, Tensor(x))(x)
    assert value == f(x)
    expected = np.rot90(np.roll(np.arange(9.0).reshape(3, 3), (-1, -2), (0, 1)), -1)
    np.testing.assert_array_equal(gradient, expected)
