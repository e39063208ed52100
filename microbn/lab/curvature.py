"""The curvature of a loss: products with its Hessian, the top eigenvalue, a walk downhill."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..arguments import check_counts, generator, is_real
from ..engine.backward import grad
from ..engine.tensor import Tensor
from ..errors import ArgumentError, DTypeError, NonFiniteError, ShapeError


def hvp(loss: Tensor, parameters: Sequence[Tensor], vectors: Sequence) -> tuple[np.ndarray, ...]:
    """Return the Hessian of ``loss`` in the parameters, times a vector: an array per parameter.

    ``vectors`` has an array of each parameter's shape. The Hessian itself is never formed: its
    product with a vector is the gradient of the slope along that vector.

    Raises ShapeError for other shapes, and the errors of `grad`.

    Source: Pearlmutter 1994.
    """
    if not isinstance(vectors, Sequence):
        raise DTypeError(f"hvp: needs a vector per parameter, got {type(vectors).__name__}")
    return _hessian_times(_slopes(loss, parameters), parameters, vectors)


class Eigenvalue(NamedTuple):
    """The eigenvalue that is largest in magnitude, and how it was found.

    ``vector`` is its unit eigenvector, as an array per parameter.
    """

    value: float
    vector: tuple[np.ndarray, ...]
    iterations: int
    converged: bool


def top_eigenvalue(
    loss: Tensor,
    parameters: Sequence[Tensor],
    *,
    seed: int = 0,
    tol: float = 1e-2,
    max_iterations: int = 100,
) -> Eigenvalue:
    """Find the eigenvalue of the loss's Hessian H that is largest in magnitude, by power iteration.

    The iteration starts from a random direction v and ends when ``|Hv - value v| <= tol |value|``:
    then an eigenvalue lies within ``tol |value|`` of ``value``. If the two largest have almost the
    same magnitude, as at a saddle, it may not converge, and ``converged`` is False. A start that is
    almost at right angles to the top eigenvector may end at another eigenvalue.

    Raises ArgumentError for a ``tol`` or a number of iterations that is not positive,
    NonFiniteError if the Hessian is not finite, and the errors of `grad`.

    Source: von Mises & Pollaczek-Geiringer 1929; Yao et al. 2020 for nets.
    """
    check_counts("top_eigenvalue", max_iterations=max_iterations)
    if not (is_real(tol) and tol > 0):
        raise ArgumentError(f"top_eigenvalue: tol must be positive, got {tol!r:.60}")
    rng = generator("top_eigenvalue", seed)
    slopes = _slopes(loss, parameters)
    vector = _unit([rng.normal(size=p.shape) for p in parameters])
    value, iteration, converged = 0.0, 0, False
    while not converged and iteration < max_iterations:
        iteration += 1
        product = _hessian_times(slopes, parameters, vector)
        value = _dot(vector, product)
        if not np.isfinite(value):
            raise NonFiniteError("top_eigenvalue: the Hessian is not finite here")
        rest = [p - value * v for p, v in zip(product, vector, strict=True)]
        converged = np.sqrt(_dot(rest, rest)) <= tol * abs(value)
        if not converged:
            vector = _unit(product)
    return Eigenvalue(value, tuple(vector), iteration, bool(converged))


class Along(NamedTuple):
    """The losses that steps down the gradient reach, and how the gradient changes on the way.

    Both have an entry for each length of the step. ``smoothness`` is the change of the gradient
    divided by the distance, both in the Euclidean norm over all parameters. The largest entry is
    the "effective β".
    """

    losses: np.ndarray
    smoothness: np.ndarray


def along_gradient(
    loss: Callable[[], Tensor], parameters: Sequence[Tensor], rates: Sequence[float]
) -> Along:
    """Step down the gradient of ``loss()`` at each of these learning rates, look, and step back.

    Raises ArgumentError for rates that are not positive numbers, and if the gradient is 0 or not
    finite, as it gives no direction then.

    Source: Santurkar et al. 2018, section 3.
    """
    _check_walk(loss, rates)
    start = [p.data for p in parameters]
    g = grad(loss(), list(parameters))
    if not 0 < _dot(g, g) < np.inf:
        raise ArgumentError(f"along_gradient: the gradient has the squared norm {_dot(g, g)}")
    losses, changes = [], []
    try:
        for rate in rates:
            for p, old, slope in zip(parameters, start, g, strict=True):
                p.data = old - rate * slope
            there = loss()
            new = grad(there, list(parameters))
            change = [a - b for a, b in zip(new, g, strict=True)]
            losses.append(there.item())
            changes.append(np.sqrt(_dot(change, change) / _dot(g, g)) / rate)
    finally:
        for p, old in zip(parameters, start, strict=True):
            p.data = old
    return Along(np.array(losses), np.array(changes))


def _check_walk(loss: Any, rates: Any) -> None:
    lengths = np.asarray(rates)
    numbers = lengths.ndim == 1 and lengths.dtype.kind in "fiu"
    if not numbers or not np.all((lengths > 0) & (lengths < np.inf)):
        raise ArgumentError(f"along_gradient: needs a list of positive rates, got {rates!r:.60}")
    if not callable(loss):
        raise ArgumentError(
            f"along_gradient: needs a function that returns the loss, got {loss!r:.60}"
        )


def _slopes(loss: Tensor, parameters: Sequence[Tensor]) -> Any:
    if not isinstance(parameters, Sequence) or not parameters:
        raise DTypeError(f"hvp: needs a list of parameters, got {parameters!r:.60}")
    return grad(loss, list(parameters), create_graph=True)


def _hessian_times(slopes: Any, parameters: Sequence[Tensor], vectors: Sequence) -> Any:
    vectors = [np.asarray(v) for v in vectors]
    if wrong := [v for v in vectors if v.dtype.kind not in "fiu"]:
        raise DTypeError(f"hvp: needs vectors of numbers, got {wrong[0]!r:.60}")
    shapes = [v.shape for v in vectors]
    if shapes != [p.shape for p in parameters]:
        raise ShapeError(
            f"hvp: the vectors have shapes {shapes}, the parameters {[p.shape for p in parameters]}"
        )
    along = sum(np.sum(g * v) for g, v in zip(slopes, vectors, strict=True))
    return grad(along, list(parameters))


def _dot(a: Sequence, b: Sequence) -> float:
    return float(sum(np.vdot(x, y) for x, y in zip(a, b, strict=True)))


def _unit(vector: Sequence) -> Sequence:
    norm = np.sqrt(_dot(vector, vector))
    return [part / norm for part in vector]
