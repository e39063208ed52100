"""Convolution and pooling, composed of windows: the same as in PyTorch, and right by themselves."""

import numpy as np
import pytest

from microbn import Tensor, compile, errors, grad, scalars, story
from microbn import functional as F
from microbn.reading.scalars import values_of
from microbn.reading.tape import history
from microbn.testing import assert_gradients

RNG = np.random.default_rng(0)
X, WEIGHT, BIAS = RNG.normal(size=(2, 2, 5, 6)), RNG.normal(size=(3, 2, 2, 3)), RNG.normal(size=3)
STEPS = [(1, 0), (2, 0), (1, 1), (2, 1), (3, 2)]  # stride and padding
POOLS = [(2,), (3, 1), (2, 3), (5,), (1,)]  # size, or size and stride
POOL = {"max_pool2d": F.max_pool2d, "avg_pool2d": F.avg_pool2d}
TOLERANCE = {np.float64: 1e-12, np.float32: 2e-5}


def at_each_place(x, size, stride):
    """Yield each place of a window in an image, and the window, (N, C, h, w)."""
    for i, top in enumerate(range(0, x.shape[2] - size[0] + 1, stride)):
        for j, left in enumerate(range(0, x.shape[3] - size[1] + 1, stride)):
            yield (..., i, j), x[:, :, top : top + size[0], left : left + size[1]]


@pytest.mark.parametrize(("stride", "padding"), STEPS)
def test_convolution_is_the_sum_of_products_at_each_place(stride, padding):
    y = F.conv2d(X, WEIGHT, BIAS, stride, padding)
    sides = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    expected = np.full_like(y, np.nan)
    for place, window in at_each_place(np.pad(X, sides), (2, 3), stride):
        for o in range(3):
            products = window * WEIGHT[o]
            expected[:, o][place] = products.sum((1, 2, 3)) + BIAS[o]
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)
    no_bias = F.conv2d(X, WEIGHT, stride=stride, padding=padding)
    np.testing.assert_allclose(no_bias, expected - BIAS[:, None, None], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("pool", POOLS, ids=str)
def test_pooling_is_the_largest_and_the_mean_at_each_place(pool):
    size, stride = pool[0], pool[-1]
    largest, mean = F.max_pool2d(X, *pool), F.avg_pool2d(X, *pool)
    expected = np.full((2, *largest.shape), np.nan)
    for place, window in at_each_place(X, (size, size), stride):
        expected[0][place], expected[1][place] = window.max((2, 3)), window.mean((2, 3))
    assert np.array_equal(largest, expected[0])
    np.testing.assert_allclose(mean, expected[1], rtol=1e-12)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("stride", "padding"), STEPS)
def test_convolution_is_pytorchs(stride, padding, dtype):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: conv2d unchecked")
    arrays = [a.astype(dtype) for a in (X, WEIGHT, BIAS)]
    leaves, theirs = [*map(Tensor, arrays)], [torch.tensor(a, requires_grad=True) for a in arrays]
    y = F.conv2d(*leaves, stride, padding)
    expected = torch.nn.functional.conv2d(*theirs, stride, padding)
    compared_with_torch(y, leaves, expected, theirs, dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("pool", POOLS, ids=str)
@pytest.mark.parametrize("name", POOL)
def test_pooling_is_pytorchs(name, pool, dtype):
    torch = pytest.importorskip("torch", reason=f"PyTorch is not installed: {name} unchecked")
    leaf, their = Tensor(X, dtype=dtype), torch.tensor(X.astype(dtype), requires_grad=True)
    expected = getattr(torch.nn.functional, name)(their, *pool)
    compared_with_torch(POOL[name](leaf, *pool), [leaf], expected, [their], dtype)


def compared_with_torch(y, leaves, expected, theirs, dtype):
    """Compare values and gradients, from a random cotangent."""
    import torch

    how = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    cotangent = RNG.normal(size=y.shape).astype(dtype)
    gradients = grad(y, leaves, cotangent)
    of_torch = torch.autograd.grad(expected, theirs, torch.tensor(cotangent))
    assert {y.dtype, *(g.dtype for g in gradients)} == {np.dtype(dtype)}
    np.testing.assert_allclose(y.data, expected.detach(), **how)
    for gradient, other in zip(gradients, of_torch, strict=True):
        np.testing.assert_allclose(gradient, other, **how)


@pytest.mark.parametrize(("stride", "padding"), STEPS)
def test_gradient_of_convolution_emerges(stride, padding):
    def conv(x, weight, bias):
        return F.conv2d(x, weight, bias, stride, padding)

    assert_gradients(conv, X, WEIGHT, BIAS, order=2)


@pytest.mark.parametrize("pool", POOLS, ids=str)
@pytest.mark.parametrize("name", POOL)
def test_gradient_of_pooling_emerges(name, pool):
    assert_gradients(lambda x: np.square(POOL[name](x, *pool)), X, order=2)


def test_pixels_that_tie_for_the_largest_share_the_gradient():
    x = Tensor(np.array([[[[1.0, 3.0], [3.0, 3.0]]]]))
    gradient = grad(F.max_pool2d(x, 2), x, np.full((1, 1, 1, 1), 6.0))
    assert gradient.tolist() == [[[[0, 2], [2, 2]]]]


def test_filters_are_not_flipped_and_stand_where_the_padding_says():
    x, weight = np.zeros((1, 1, 3, 3)), np.arange(1.0, 10).reshape(1, 1, 3, 3)
    x[0, 0, 1, 1] = 1
    assert np.array_equal(F.conv2d(x, weight, padding=1), weight[..., ::-1, ::-1])


@pytest.mark.parametrize("shape", [(0, 2, 5, 6), (1, 2, 2, 3)])
def test_no_images_and_a_single_place_are_as_good_as_any(shape):
    x = Tensor(RNG.normal(size=shape))
    for y in (F.conv2d(x, WEIGHT, BIAS), F.max_pool2d(x, 2), F.avg_pool2d(x, 2)):
        assert y.shape[0] == shape[0]
        assert grad(y, x, np.ones(y.shape)).shape == shape


def test_convolution_reads_as_windows_a_product_and_a_bias():
    y = F.conv2d(Tensor(X), Tensor(WEIGHT), Tensor(BIAS))
    moves = {np.reshape, np.transpose, None}
    steps = [node.function.__name__ for node in history(y) if node.function not in moves]
    assert steps == ["windows", "matmul", "add"]
    told = story(F.conv2d(Tensor(X, name="x"), WEIGHT), RNG.normal(size=y.shape))
    assert "windows that slide over x" in str(told)


def test_scalars_are_convolved_and_pooled():
    x, weight, bias = X[:1, :, :3, :3], WEIGHT[:2], BIAS[:2]
    boxes = [scalars(a) for a in (x, weight, bias)]
    y = F.conv2d(*boxes, padding=1)
    np.testing.assert_allclose(values_of(y), F.conv2d(x, weight, bias, padding=1), rtol=1e-12)
    for pool in POOL.values():
        np.testing.assert_allclose(values_of(pool(boxes[0], 2, 1)), pool(x, 2, 1), rtol=1e-12)
    cotangent = RNG.normal(size=y.shape)
    np.sum(y * cotangent).backward()
    leaves = [*map(Tensor, (x, weight, bias))]
    expected = grad(F.conv2d(*leaves, padding=1), leaves, cotangent)
    for box, gradient in zip(boxes, expected, strict=True):
        found = [float(entry.grad) for entry in box.flat]
        np.testing.assert_allclose(found, gradient.ravel(), rtol=1e-10, atol=1e-12)


@pytest.mark.bits
@pytest.mark.parametrize("stride", [1, 2])
def test_a_compiled_convolution_has_the_same_bits(stride):
    def pooled(x, weight, bias):
        return F.max_pool2d(F.conv2d(x, weight, bias, stride, padding=1), 2, 1)

    leaves = [*map(Tensor, (X, WEIGHT, BIAS))]
    y = pooled(*leaves)
    cotangent = RNG.normal(size=y.shape)
    program = compile(pooled, *leaves, cotangent=cotangent)
    printed = {}
    exec(program.source, printed)
    for run in (program, program, printed["pooled"]):
        out, gradients = run(X, WEIGHT, BIAS, cotangent)
        assert np.array_equal(out, y.data)
        for gradient, expected in zip(gradients, grad(y, leaves, cotangent), strict=True):
            assert np.array_equal(gradient, expected)


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (lambda: F.conv2d([1.0], WEIGHT), errors.DTypeError, "conv2d: needs an array or a Tens"),
        (
            lambda: F.conv2d(X[0], WEIGHT),
            errors.ShapeError,
            r"conv2d: needs x \(N, C, H, W\) .* the same C, got shapes \(2, 5, 6\) and \(3, 2, 2",
        ),
        (lambda: F.conv2d(X[:, :1], WEIGHT), errors.ShapeError, r"\(2, 1, 5, 6\) and \(3, 2, 2"),
        (
            lambda: F.conv2d(X, WEIGHT, BIAS[:2]),
            errors.ShapeError,
            r"conv2d: needs a bias of shape \(3,\), got \(2,\)",
        ),
        (lambda: F.conv2d(X, WEIGHT, BIAS[0]), errors.ShapeError, r"of shape \(3,\), got \(\)"),
        (
            lambda: F.conv2d(X[:, :, :1], WEIGHT),
            errors.ShapeError,
            "conv2d: a window of 2 × 3 pixels does not fit into images of 1 × 6; make it smaller, ",
        ),
        (lambda: F.conv2d(X, WEIGHT, None, 0), errors.ArgumentError, "conv2d: stride must be a p"),
        (lambda: F.conv2d(X, WEIGHT, stride=(1, 1)), errors.ArgumentError, r"got \(1, 1\)"),
        (
            lambda: F.conv2d(X, WEIGHT, padding=-1),
            errors.ArgumentError,
            "conv2d: padding must be 0 or",
        ),
        (lambda: F.conv2d(X, WEIGHT, padding="same"), errors.ArgumentError, "0 or a .* got 'same'"),
        (
            lambda: F.max_pool2d(X[0, 0], 2),
            errors.ShapeError,
            r"max_pool2d: needs images .* got shape \(5, 6\); np.reshape",
        ),
        (lambda: F.avg_pool2d(X, 6), errors.ShapeError, "avg_pool2d: a window of 6 × 6 pixels doe"),
        (lambda: F.max_pool2d(X, 0), errors.ArgumentError, "max_pool2d: kernel_size must be"),
        (lambda: F.max_pool2d(X, (2, 2)), errors.ArgumentError, r"size must .* got \(2, 2\)"),
        (lambda: F.avg_pool2d(X, 2, 0), errors.ArgumentError, "avg_pool2d: stride must be a posi"),
    ],
)
def test_faults_name_the_facts(fault, error, message):
    with pytest.raises(error, match=message):
        fault()


# Planted faults: a rule of windows that is wrong in one way must be seen.


@pytest.mark.parametrize(
    "fault",
    [lambda g: 2 * g, lambda g: 1.0005 * g, lambda g: -g, lambda g: 0 * g, lambda g: g[::-1]],
    ids=["doubled", "scaled", "negated", "zeroed", "reversed"],
)
def test_a_wrong_gradient_of_convolution_is_rejected(fault):
    from microbn import defvjp
    from microbn.engine.functions import overlap_add, windows

    defvjp(windows, lambda g, out, x, shape: fault(overlap_add(g, x.shape)))
    with pytest.raises(errors.GradientError):
        assert_gradients(lambda x: F.conv2d(x, WEIGHT, BIAS), X)
