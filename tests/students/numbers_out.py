"""Numbers that leave the graph, and masks of -inf that are intended."""

import numpy as np


def largest(x):
    return x * np.max(np.abs(x)).item()


def attention(q, k):
    scores = np.where(np.tri(len(q)) > 0, q @ k.T, -np.inf)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)
