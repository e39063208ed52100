"""Batch norms with one mistake each. Every check of batch norm is shown to reject or to miss each.

All have the parameters of `functional.batch_norm`, for x (N, C).
"""

import numpy as np

from microbn import functional as F


def detached_mean(x, gamma, beta, eps=1e-5):
    centered = x - F.stop_gradient(np.mean(x, axis=0, keepdims=True))
    return F.affine(F.normalize(centered, np.mean(np.square(centered), axis=0), eps), gamma, beta)


def detached_variance(x, gamma, beta, eps=1e-5):
    _, centered, var = F.moments(x)
    return F.affine(F.normalize(centered, F.stop_gradient(var), eps), gamma, beta)


def unbiased_variance(x, gamma, beta, eps=1e-5):
    _, centered, var = F.moments(x)
    return F.affine(F.normalize(centered, var * (len(x) / (len(x) - 1)), eps), gamma, beta)


def eps_outside(x, gamma, beta, eps=1e-5):
    _, centered, var = F.moments(x)
    return F.affine(centered / (np.sqrt(var) + eps), gamma, beta)


def eps_forgotten(x, gamma, beta, eps=1e-5):
    _, centered, var = F.moments(x)
    return F.affine(centered / np.sqrt(var), gamma, beta)


def gamma_forgotten(x, gamma, beta, eps=1e-5):
    _, centered, var = F.moments(x)
    return F.affine(F.normalize(centered, var, eps), 0 * gamma + 1.0, beta)


def mean_forgotten(x, gamma, beta, eps=1e-5):
    return F.affine(F.normalize(x, np.mean(np.square(x), axis=0), eps), gamma, beta)


def wrong_axis(x, gamma, beta, eps=1e-5):
    _, centered, var = F.moments(x, axis=1)
    return F.affine(F.normalize(centered, var, eps), gamma, beta)


def first_half(x, gamma, beta, eps=1e-5):
    """Normalize the whole batch with the statistics of its first half."""
    mean, _, var = F.moments(x[: (len(x) + 1) // 2])
    return F.affine(F.normalize(x - mean, var, eps), gamma, beta)


def pooled_variance(x, gamma, beta, eps=1e-5):
    """Normalize all features with one variance."""
    _, centered, var = F.moments(x)
    return F.affine(F.normalize(centered, np.mean(var, keepdims=True), eps), gamma, beta)


MISTAKES = [
    detached_mean, detached_variance, unbiased_variance, eps_outside, eps_forgotten,
    gamma_forgotten, mean_forgotten, wrong_axis, first_half, pooled_variance,
]  # fmt: skip
