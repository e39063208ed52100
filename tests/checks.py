"""What the gradient tests share: the comparison with finite differences."""

from __future__ import annotations

import numpy as np

from microbn import Tensor, grad
from microbn.testing import numeric_vjp


def assert_gradients(f, *arrays, seed=0):
    """The gradient of f in every array, from a random cotangent, is that of finite differences."""
    tensors = [Tensor(a) for a in arrays]
    out = f(*tensors)
    cotangent = np.random.default_rng(seed).normal(size=out.shape)
    gradients = grad(out, tensors, cotangent)
    for i, (array, gradient) in enumerate(zip(arrays, gradients, strict=True)):
        numeric = numeric_vjp(lambda a, i=i: f(*arrays[:i], a, *arrays[i + 1 :]), array, cotangent)
        assert gradient.shape == array.shape
        assert gradient.dtype == array.dtype
        np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-8)
