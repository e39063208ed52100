"""Batch norm and its neighbours, composed in plain NumPy.

No formula here depends on what it is given. With arrays it computes. With Tensors it is recorded,
and its gradient emerges from the rules of the NumPy functions it uses: this file has no gradients.
Under ``labelled``, the Tensors that a function makes are named after its variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import Any

import numpy as np

from .arguments import check_counts, check_numbers, is_real, not_here
from .engine.arrays import check_plain, from_list
from .engine.functions import relu as relu
from .engine.functions import stop_gradient as stop_gradient
from .engine.functions import windows
from .engine.names import labelled, one_box, one_line
from .engine.node import is_node, plain
from .errors import DTypeError, RangeError, ShapeError, listed

Array = Any  # an ndarray, a Tensor, or an object array of 0-d Tensors


@one_line
def batch_norm(x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Array:
    """Normalize each feature over the batch, then scale it by gamma and shift it by beta.

    ``x`` is (N, C) or (N, C, ...), with the features on axis 1; ``gamma`` and ``beta`` are (C,).
    The variance is the biased one, and ``eps`` stands inside the root. Raises ShapeError for shapes
    that do not fit, and ArgumentError for an eps that is negative or not finite.

    Source: Ioffe & Szegedy 2015, algorithm 1.
    """
    _, centered, var = moments(x, batch_axes(x))
    x_hat = normalize(centered, var, eps)
    return affine(x_hat, gamma, beta)


@labelled
def moments(x: Array, axis: Any = 0) -> tuple[Array, Array, Array]:
    """Return the mean of x over ``axis``, x minus its mean, and the biased variance.

    The reduced axes are kept. The variance is the mean of the squares after centering, which stays
    accurate where mean(x²) - mean(x)² does not. An x in float32 is centered twice, so that a large
    offset does not use up its digits. The first mean is a constant, because the result does not
    depend on it.
    """
    _check_arrays("moments", x)
    mean = x.mean(axis=axis, keepdims=True)
    if x.dtype in (np.float64, object):
        centered = x - mean
    else:
        rough_mean = mean
        offset = stop_gradient(rough_mean)
        shifted = x - offset
        correction = shifted.mean(axis=axis, keepdims=True)
        mean = correction + offset
        centered = shifted - correction
    square = np.square(centered)
    var = square.mean(axis=axis, keepdims=True)
    return mean, centered, var


@labelled
def normalize(centered: Array, var: Array, eps: float = 1e-5) -> Array:
    """Return ``centered / sqrt(var + eps)``: its variance is 1, or a little less because of eps.

    Raises ArgumentError for an eps that is negative or not finite.
    """
    check_numbers("normalize", "0 or positive, and finite", eps=eps)
    std = np.sqrt(var + eps)
    x_hat = centered / std
    return x_hat


@labelled
def affine(x_hat: Array, gamma: Array, beta: Array, axis: int = 1) -> Array:
    """Return ``gamma * x_hat + beta``, or ``gamma * x_hat`` if beta is None.

    gamma and beta are (C,) and run along ``axis`` of x_hat, which is 1 or -1. Raises ShapeError if
    they have another shape.
    """
    gamma, beta = _aligned(x_hat, gamma, beta, axis)
    if beta is None:
        y = gamma * x_hat
    else:
        scaled = gamma * x_hat
        y = scaled + beta
    return y


def layer_norm(x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Array:
    """Normalize each sample over its features, then scale them by gamma and shift them by beta.

    ``x`` is (N, C) or (N, ..., C), with the features on the last axis; gamma and beta are (C,).

    Source: Ba, Kiros & Hinton 2016, section 3.
    """
    _check_batch("layer norm", x, "(N, ..., C)")
    _, centered, var = moments(x, -1)
    x_hat = normalize(centered, var, eps)
    return affine(x_hat, gamma, beta, axis=-1)


def group_norm(x: Array, groups: int, gamma: Array, beta: Array, eps: float = 1e-5) -> Array:
    """Normalize each sample over each group of features, then scale by gamma and shift by beta.

    ``x`` is (N, C) or (N, C, ...), with the features on axis 1. Each group is C / ``groups``
    features side by side; gamma and beta are (C,). Raises ShapeError if ``groups`` does not
    divide C.

    Source: Wu & He 2018, section 3.
    """
    _check_batch("group norm", x, "(N, C, ...)")
    check_counts("group norm", groups=groups)
    n, features, *rest = x.shape
    if features % groups:
        raise ShapeError(
            f"group norm: {groups} groups do not divide the {features} features of {x.shape}; "
            f"use {gcd(groups, features)}"
        )
    grouped = np.reshape(x, (n, groups, features // groups, *rest))
    _, centered, var = moments(grouped, tuple(range(2, grouped.ndim)))
    x_hat = np.reshape(normalize(centered, var, eps), x.shape)
    return affine(x_hat, gamma, beta)


def batch_axes(x: Array) -> int | tuple[int, ...]:
    """Return the axes that batch norm reduces: all but axis 1, which holds the features.

    Raises ShapeError for fewer than two axes, and DTypeError unless x is an array or a Tensor.
    """
    _check_batch("batch norm", x, "(N, C, ...)")
    return 0 if x.ndim == 2 else (0, *range(2, x.ndim))


@labelled
def conv2d(
    x: Array, weight: Array, bias: Array | None = None, stride: int = 1, padding: int = 0
) -> Array:
    """Move each filter over the images, and sum the products of its entries and the pixels.

    ``x`` is (N, C, H, W), ``weight`` holds O filters, (O, C, h, w), and ``bias`` is (O,). The
    result is (N, O, H', W') with ``H' = (H + 2 * padding - h) // stride + 1``. The filters move by
    ``stride`` pixels, and ``padding`` pixels of zeros are set around the images.

    Raises ShapeError for shapes that do not fit, and ArgumentError for another stride or padding.

    Source: LeCun et al. 1989, Backpropagation applied to handwritten zip code recognition.
    """
    _check_filters(x, weight, bias)
    filters, channels, *size = weight.shape
    check_counts("conv2d", 0, padding=padding)
    if padding:
        x = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    patches = _patches("conv2d", x, size, stride)
    n, _, height, width = patches.shape[:4]
    places, pixels = height * width * n, channels * size[0] * size[1]
    moved = np.transpose(patches, (1, 4, 5, 2, 3, 0))  # samples last: NumPy's inner loops are long
    columns = np.reshape(moved, (pixels, places))
    matrix = np.reshape(weight, (filters, pixels))
    sums = matrix @ columns
    if bias is not None:
        sums = sums + np.reshape(bias, (filters, 1))
    y = np.transpose(np.reshape(sums, (filters, height, width, n)), (3, 0, 1, 2))
    return y


@labelled
def max_pool2d(x: Array, kernel_size: int, stride: int | None = None) -> Array:
    """Return the largest pixel of each window of ``kernel_size`` by ``kernel_size`` pixels.

    ``x`` is (N, C, H, W). The windows are ``stride`` pixels apart; by default they stand side by
    side. Pixels that fill no window are left out. The errors are those of `conv2d`.
    """
    patches = _patches("max_pool2d", x, (kernel_size, kernel_size), stride)
    y = np.max(patches, axis=(-2, -1))
    return y


@labelled
def avg_pool2d(x: Array, kernel_size: int, stride: int | None = None) -> Array:
    """Return the mean of each window; the windows and the errors are those of `max_pool2d`."""
    patches = _patches("avg_pool2d", x, (kernel_size, kernel_size), stride)
    y = np.mean(patches, axis=(-2, -1))
    return y


def _patches(name: str, x: Array, size: Sequence[int], stride: int | None) -> Array:
    """Return the windows of each image, ``stride`` pixels apart: (N, C, H', W', h, w)."""
    stride = size[0] if stride is None else stride
    for side in size:
        check_counts(name, kernel_size=side, stride=stride)
    _check_arrays(name, x)
    if x.ndim != 4:
        raise ShapeError(
            f"{name}: needs images (N, C, H, W), got shape {x.shape}; "
            "np.reshape(x, (-1, 1, H, W)) makes grey images of rows or of (N, H, W)"
        )
    if x.shape[2] < size[0] or x.shape[3] < size[1]:
        raise ShapeError(
            f"{name}: a window of {size[0]} × {size[1]} pixels does not fit into images of "
            f"{x.shape[2]} × {x.shape[3]}; make it smaller, or set a larger padding in conv2d"
        )
    patches = windows(x, tuple(size))
    return patches if stride == 1 else patches[:, :, ::stride, ::stride]


@one_box
def sigmoid(x: Array) -> Array:
    """Return ``1 / (1 + exp(-x))``. It is computed from tanh, which never overflows."""
    if not is_real(x):
        _check_arrays("sigmoid", x)
    return 0.5 * (1 + np.tanh(0.5 * x))


@one_box
@labelled
def softmax(x: Array, axis: int = -1) -> Array:
    """Return ``exp(x) / sum(exp(x))``, the sum taken over ``axis``."""
    powers = np.exp(_shifted(x, axis))
    total = np.sum(powers, axis=axis, keepdims=True)
    return powers / total


@one_box
def log_softmax(x: Array, axis: int = -1) -> Array:
    """Return the logarithm of `softmax`, which stays finite where softmax itself underflows."""
    shifted = _shifted(x, axis)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


@labelled
def _shifted(x: Array, axis: int) -> Array:
    """Subtract the largest entry of x, so that exp cannot overflow.

    The softmax and its derivatives are the same after any shift, so the shift counts as a constant.
    """
    _check_arrays("softmax", x)
    largest = np.max(x, axis=axis, keepdims=True)
    shifted = x - stop_gradient(largest)
    return shifted


# The losses divide a sum, because np.mean refuses an object array of Tensors.


@one_box
@labelled
def cross_entropy(logits: Array, targets: Any) -> Array:
    """Return the mean of -log p of the right class, in nats.

    ``logits`` are (N, C); ``targets`` are N class numbers from 0 to C-1. Raises ShapeError,
    DTypeError or RangeError if they are anything else.
    """
    targets = _class_numbers(logits, targets)
    n = len(targets)
    log_p = log_softmax(logits)
    loss = -np.sum(log_p[np.arange(n), targets]) / n
    return loss


def mse(prediction: Array, target: Array) -> Array:
    """Return the mean of the squared differences. Raises ShapeError if the shapes differ."""
    target = from_list(target)
    if np.shape(prediction) != np.shape(target):
        raise ShapeError(
            f"mse: prediction has shape {np.shape(prediction)}, target {np.shape(target)}; "
            "they would broadcast, which is never meant"
        )
    return np.sum(np.square(prediction - target)) / np.size(target)


def _aligned(x_hat: Array, gamma: Array, beta: Array, axis: int) -> list[Array]:
    """Check gamma and beta, and shape them so that they run along the axis of x_hat."""
    given = [gamma] if beta is None else [gamma, beta]
    _check_arrays("affine", x_hat, *given)
    features = x_hat.shape[axis:][:1]
    if any(one.shape != features for one in given):
        raise ShapeError(
            f"a norm of {x_hat.shape} needs gamma and beta of shape {features}, "
            f"got {listed(one.shape for one in given)}"
        )
    if axis == 1 and x_hat.ndim > 2:
        given = [np.reshape(one, (-1,) + (1,) * (x_hat.ndim - 2)) for one in given]
    return [*given, None][:2]


def _class_numbers(logits: Array, targets: Any) -> Any:
    """Return the targets as an array of class numbers, one for each row of the logits."""
    _check_arrays("cross_entropy", logits)
    check_plain(targets)
    targets = targets if is_node(targets) else np.asarray(from_list(targets))
    if logits.ndim != 2 or targets.shape != logits.shape[:1]:
        raise ShapeError(
            f"cross_entropy: needs logits (N, C) and N targets, "
            f"got shapes {logits.shape} and {targets.shape}"
        )
    if targets.dtype.kind not in "iu":
        raise DTypeError(
            f"cross_entropy: targets are class numbers, got {targets.dtype}; "
            "keep them an array of integers, np.array([0, 2, 1])"
        )
    numbers = plain(targets)  # while a program is compiled, those of its example
    classes = logits.shape[1]
    if (wrong := np.flatnonzero((numbers < 0) | (numbers >= classes))).size:
        i = wrong[0]
        raise RangeError(
            f"cross_entropy: target {numbers[i]} at [{i}] is not one of {classes} classes"
        )
    return targets


def _check_filters(x: Any, weight: Any, bias: Any) -> None:
    _check_arrays("conv2d", x, weight, *([] if bias is None else [bias]))
    if not (x.ndim == weight.ndim == 4 and x.shape[1] == weight.shape[1]):
        raise ShapeError(
            f"conv2d: needs x (N, C, H, W) and weight (O, C, h, w) with the same C, "
            f"got shapes {x.shape} and {weight.shape}"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ShapeError(f"conv2d: needs a bias of shape {weight.shape[:1]}, got {bias.shape}")


def _check_batch(name: str, x: Any, more: str) -> None:
    _check_arrays(name, x)
    if x.ndim < 2:
        raise ShapeError(f"{name} needs (N, C) or {more}, got shape {x.shape}")


def _check_arrays(name: str, *arrays: Any) -> None:
    check_plain(*arrays)
    for x in arrays:
        if not hasattr(x, "ndim"):
            raise DTypeError(f"{name}: needs an array or a Tensor, got {type(x).__name__}")
        if isinstance(x, np.ndarray) and x.dtype == np.float16:  # NumPy would keep three digits
            raise DTypeError(f"{name}: needs float32 or float64, got float16; use x.astype(float)")


def __getattr__(name: str) -> Any:
    """Say where a name is that another module has."""
    raise not_here(__name__, name)
