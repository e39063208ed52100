"""The curvature of a loss: products with its Hessian, the top eigenvalue, a walk downhill.

`hvp`, `top_eigenvalue` and `along_gradient` depend on the unit of the weights. If the weights are
ten times as large, the curvature is a hundredth, even where the loss is the same, as it is before a
batch norm. `gradient_turn`, and the eigenvalue with ``relative=True``, have no unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
    return _hessian_times(_slopes("hvp", loss, parameters), parameters, vectors)


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
    relative: bool = False,
) -> Eigenvalue:
    """Find the eigenvalue of the loss's Hessian H that is largest in magnitude, by power iteration.

    The iteration starts from a random direction v and ends when ``|Hv - value v| <= tol |value|``:
    then an eigenvalue lies within ``tol |value|`` of ``value``. If the two largest have almost the
    same magnitude, as at a saddle, it may not converge, and ``converged`` is False. A start that is
    almost at right angles to the top eigenvector may end at another eigenvalue.

    With ``relative=True`` each parameter is measured in units of its own norm, so that scaling a
    parameter changes nothing if it leaves the loss as it is. A parameter whose norm is 0 then
    counts for nothing.

    Raises ArgumentError for a ``tol`` or a number of iterations that is not positive,
    NonFiniteError if the Hessian is not finite, and the errors of `grad`.

    Source: von Mises & Pollaczek-Geiringer 1929; Yao et al. 2020 for nets.
    """
    check_counts("top_eigenvalue", max_iterations=max_iterations)
    if not (is_real(tol) and tol > 0):
        raise ArgumentError(f"top_eigenvalue: tol must be positive, got {tol!r:.60}")
    rng = generator("top_eigenvalue", seed)
    slopes = _slopes("top_eigenvalue", loss, parameters)
    units = [_norm(p.data) if relative else 1.0 for p in parameters]
    vector = _normalized([rng.normal(size=p.shape) for p in parameters])
    value, iteration, converged = 0.0, 0, False
    while not converged and iteration < max_iterations:
        iteration += 1
        product = _times(units, _hessian_times(slopes, parameters, _times(units, vector)))
        value = _dot(vector, product)
        if not np.isfinite(value):
            raise NonFiniteError("top_eigenvalue: the Hessian is not finite here")
        rest = [p - value * v for p, v in zip(product, vector, strict=True)]
        converged = np.sqrt(_dot(rest, rest)) <= tol * abs(value)
        if not converged:
            vector = _normalized(product)
    return Eigenvalue(value, tuple(vector), iteration, bool(converged))


class Along(NamedTuple):
    """The losses that steps down the gradient reach, and how the gradient changes on the way.

    Both have an entry for each length of the step. ``smoothness`` is the change of the gradient
    divided by the distance, both in the Euclidean norm over all parameters. The largest entry is
    the "effective β". It has a unit, one over the square of the weights'; `gradient_turn` has none.
    """

    losses: np.ndarray
    smoothness: np.ndarray


def along_gradient(
    loss: Callable[[], Tensor], parameters: Sequence[Tensor], rates: Sequence[float]
) -> Along:
    """Step down the gradient of ``loss()`` at each of these learning rates, look, and step back.

    Raises ArgumentError for rates that are not positive numbers, and if the gradient is 0 or not
    finite, because it then has no direction.

    Source: Santurkar et al. 2018, section 3.
    """
    _check_rates(rates)
    _check_callable("along_gradient", loss)
    _check_listed("along_gradient", parameters)
    g = grad(loss(), list(parameters))
    if not 0 < _dot(g, g) < np.inf:
        raise ArgumentError(f"along_gradient: the gradient has the squared norm {_dot(g, g)}")
    losses, changes = [], []
    with _stepping(parameters) as start:
        for rate in rates:
            for p, old, slope in zip(parameters, start, g, strict=True):
                p.data = old - rate * slope
            there = loss()
            new = grad(there, list(parameters))
            change = [a - b for a, b in zip(new, g, strict=True)]
            losses.append(there.item())
            changes.append(np.sqrt(_dot(change, change) / _dot(g, g)) / rate)
    return Along(np.array(losses), np.array(changes))


def gradient_turn(
    loss: Callable[[], Tensor], parameters: Sequence[Tensor], share: float = 0.01
) -> np.ndarray:
    """Return by how many degrees the gradient of each parameter turns in a short step downhill.

    All parameters step at once, each down its own gradient and by ``share`` of its own norm. After
    it a gradient at 0° points as before, and one at 180° points the opposite way.

    An angle has no unit, and neither has the share. So if scaling a parameter leaves the loss as it
    is, it leaves the angles as they are. Before a batch norm weights can be scaled like this, and
    so can two layers with a relu between them, one up and the other down.

    Raises ArgumentError for a share that is not positive, for a parameter whose norm is 0, because
    a share of it is no step, and for a gradient that is 0 or not finite, because it has no
    direction.

    Source: the step is that of You et al. 2017; over such steps Bernstein et al. 2020 measure how
    the gradient breaks down.
    """
    if not (is_real(share) and 0 < share < np.inf):
        raise ArgumentError(f"gradient_turn: share must be positive and finite, got {share!r:.60}")
    _check_callable("gradient_turn", loss)
    _check_listed("gradient_turn", parameters)
    before = _directions(loss, parameters)
    with _stepping(parameters) as start:
        for i, (p, old, direction) in enumerate(zip(parameters, start, before, strict=True)):
            p.data = old - share * _length(f"parameter {i}", old) * direction
        after = _directions(loss, parameters)
    halves = [  # half the angle by its tangent, as an arccos has no digits left near 0
        np.arctan2(_norm(a - b), _norm(a + b)) for a, b in zip(after, before, strict=True)
    ]
    return np.degrees(2 * np.array(halves))


@contextmanager
def _stepping(parameters: Sequence[Tensor]) -> Iterator[list[np.ndarray]]:
    """Give the arrays of the parameters, and put them back at the end."""
    start = [p.data for p in parameters]
    try:
        yield start
    finally:
        for p, old in zip(parameters, start, strict=True):
            p.data = old


def _directions(loss: Callable[[], Tensor], parameters: Sequence[Tensor]) -> list[np.ndarray]:
    slopes = grad(loss(), list(parameters))
    return [g / _length(f"the gradient of parameter {i}", g) for i, g in enumerate(slopes)]


def _length(what: str, array: np.ndarray) -> float:
    if not 0 < (norm := _norm(array)) < np.inf:
        raise ArgumentError(f"gradient_turn: the norm of {what} is {norm}")
    return norm


def _check_rates(rates: Any) -> None:
    lengths = np.asarray(rates)
    numbers = lengths.ndim == 1 and lengths.dtype.kind in "fiu"
    if not numbers or not np.all((lengths > 0) & (lengths < np.inf)):
        raise ArgumentError(f"along_gradient: needs a list of positive rates, got {rates!r:.60}")


def _check_callable(owner: str, loss: Any) -> None:
    if not callable(loss):
        raise ArgumentError(f"{owner}: needs a function that returns the loss, got {loss!r:.60}")


def _check_listed(owner: str, parameters: Any) -> None:
    if not isinstance(parameters, Sequence) or not parameters:
        raise DTypeError(f"{owner}: needs a list of parameters, got {parameters!r:.60}")


def _slopes(owner: str, loss: Tensor, parameters: Sequence[Tensor]) -> Any:
    _check_listed(owner, parameters)
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


def _norm(array: np.ndarray) -> float:
    return float(np.linalg.norm(array))


def _times(units: Sequence[float], arrays: Sequence) -> Sequence:
    return [unit * array for unit, array in zip(units, arrays, strict=True)]


def _normalized(vector: Sequence) -> Sequence:
    norm = np.sqrt(_dot(vector, vector))
    return [part / norm for part in vector]
