"""Calls of functions of vectors and matrices."""

import numpy as np

RNG = np.random.default_rng(6)
X, SQUARE = RNG.normal(size=(4, 3)), RNG.normal(size=(3, 3))
SMALL, CUBES = RNG.normal(size=(2, 2)), RNG.normal(size=(2, 4, 4))
STACK, BOXES = RNG.normal(size=(2, 4, 3)), RNG.normal(size=(2, 3, 2, 3))
V, ONE = X[:, 0], RNG.normal(size=(1, 1))
FOUR = RNG.normal(size=(2, 3, 3, 2))
SYMMETRIC = "x + np.swapaxes(x, -1, -2)"

# What is solved or decomposed as a whole, and the sum of no numbers.
NOT_OF_SCALARS = {
    "np.linalg.norm(e)": {"e": V[:0]},
    "np.linalg.norm(e, axis=0)": {"e": X[:0]},
    "np.linalg.norm(x, 2)": {"x": X},
    "np.linalg.norm(x, -2, keepdims=True)": {"x": X},
    "np.linalg.norm(x, ord='nuc', axis=(0, 2))": {"x": STACK},
    "np.linalg.matrix_norm(x, ord='nuc')": {"x": STACK},
    "np.linalg.cond(x)": {"x": X},
    "np.linalg.cond(x, 2)": {"x": CUBES},
    "np.linalg.cond(x, -2)": {"x": SQUARE},
    "np.linalg.cond(x, 'fro')": {"x": SQUARE},
    "np.linalg.cond(x, p=1)": {"x": CUBES},
    "np.linalg.svdvals(x)": {"x": X},
    "np.linalg.svdvals(x.mT)": {"x": STACK},
    "np.linalg.svd(x, compute_uv=False)": {"x": SQUARE},
    "np.linalg.svd(x, full_matrices=False, compute_uv=False)": {"x": STACK},
    f"np.linalg.eigh({SYMMETRIC})": {"x": SQUARE},
    f"np.linalg.eigh({SYMMETRIC}).eigenvalues": {"x": CUBES},
    "np.linalg.eigh(x, UPLO='U')": {"x": SQUARE},
    "np.linalg.eigh(x, 'u')": {"x": CUBES},
    "np.linalg.tensorinv(x)": {"x": FOUR},
    "np.linalg.tensorinv(x, ind=1)": {"x": BOXES.reshape(6, 2, 3)},
    "np.linalg.tensorsolve(x, y)": {"x": FOUR, "y": BOXES[0, :2, 0]},
    "np.linalg.tensorsolve(x, y, axes=(0, 2))": {
        "x": np.moveaxis(FOUR, (2, 3), (0, 2)),
        "y": BOXES[0, :2, 0],
    },
    "np.linalg.tensorsolve(x, np.array([1, -2, 0.5], np.float32))": {"x": SQUARE},
    "np.linalg.cholesky(x @ x.mT + 4 * np.eye(3, dtype=np.float32), upper=True)": {"x": SQUARE},
}

CALLS = {
    "np.linalg.norm(x)": {"x": STACK},
    "np.linalg.norm(x, keepdims=True)": {"x": V},
    "np.linalg.norm(x, axis=-1)": {"x": STACK},
    "np.linalg.norm(x, None, 0, True)": {"x": X},
    "np.linalg.norm(x, 2)": {"x": V},
    "np.linalg.norm(x, 1)": {"x": V},
    "np.linalg.norm(x, ord=3, axis=1)": {"x": X},
    "np.linalg.norm(x, ord=-2, axis=0, keepdims=True)": {"x": X},
    "np.linalg.norm(x, ord=2.5)": {"x": V},
    "np.linalg.norm(x, np.inf, axis=0)": {"x": X},
    "np.linalg.norm(x, -np.inf)": {"x": V},
    "np.linalg.norm(x, 'fro')": {"x": X},
    "np.linalg.norm(x, axis=(0, -1))": {"x": STACK},
    "np.linalg.norm(x, 1, axis=(2, 0), keepdims=True)": {"x": STACK},
    "np.linalg.norm(x, -1)": {"x": X},
    "np.linalg.norm(x, np.inf, (0, 1))": {"x": STACK},
    "np.linalg.norm(x, -np.inf, keepdims=True)": {"x": ONE},
    "np.linalg.vector_norm(x)": {"x": X},
    "np.linalg.vector_norm(x, axis=(0, 2), keepdims=True)": {"x": STACK},
    "np.linalg.vector_norm(x, axis=-1, ord=1)": {"x": STACK},
    "np.linalg.vector_norm(x, ord=np.inf, keepdims=True)": {"x": X},
    "np.linalg.vector_norm(x, ord=0.5, axis=(1, 2))": {"x": STACK},
    "np.linalg.matrix_norm(x)": {"x": STACK},
    "np.linalg.matrix_norm(x, ord=1, keepdims=True)": {"x": STACK},
    "np.linalg.matrix_norm(x, ord=-np.inf)": {"x": X},
    "np.linalg.det(x)": {"x": SQUARE},
    "np.linalg.det(x[0])": {"x": CUBES},
    "np.linalg.det(x[None])": {"x": CUBES},
    "np.linalg.det(x + np.eye(2, dtype=np.float32))": {"x": SMALL},
    "np.linalg.det(x)[None]": {"x": ONE},
    "np.linalg.slogdet(x)": {"x": SQUARE},
    "np.linalg.slogdet(x)[1]": {"x": SMALL},
    "np.linalg.slogdet(x).logabsdet": {"x": CUBES},
    "np.linalg.slogdet(np.stack([x, x * x]))": {"x": ONE},
    "np.linalg.matmul(x, y)": {"x": STACK, "y": X.T},
    "np.linalg.matmul(x, np.array([[1], [2], [-1]], np.float32))": {"x": X},
    "np.linalg.matrix_transpose(x)": {"x": STACK},
} | NOT_OF_SCALARS
