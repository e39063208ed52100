"""A layer of another library, trained, and how far ours is from it in eval with its arrays.

`trained` runs where the library is and needs NumPy besides. What it returns can go through JSON to
`apart`, which needs microbn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

RNG = np.random.default_rng(1)
BATCHES = [3 * RNG.normal(size=(6, 3)).astype(np.float32) + 1 for _ in range(4)]
X = RNG.normal(size=(5, 3)).astype(np.float32)


def trained(make: Callable) -> dict[str, Any]:
    """Train a layer, and return the arrays that it keeps and what it makes of X in eval."""
    layer = make(3, 2)
    for batch in BATCHES:
        layer.train(batch)
    return {"arrays": sent(layer.arrays()), "y": np.asarray(layer.evaluate(X)).tolist()}


def sent(held: Any) -> Any:
    """Return what dicts and tuples hold in a form for JSON."""
    if isinstance(held, Mapping):
        return {name: sent(part) for name, part in held.items()}
    if isinstance(held, (list, tuple)):
        return [sent(part) for part in held]
    array = np.asarray(held)
    return {"dtype": str(array.dtype), "entries": array.tolist()}


def received(held: Any) -> Any:
    """Return what was sent."""
    if isinstance(held, list):
        return [received(part) for part in held]
    if held.keys() == {"dtype", "entries"}:
        return np.array(held["entries"], held["dtype"])
    return {name: received(part) for name, part in held.items()}


def apart(adapter: str, found: dict[str, Any]) -> float:
    """Return how far a layer of ours with these arrays is from the library's own, in eval."""
    arrays = received(found["arrays"])
    return float(np.max(np.abs(evaluated(adapter.split("_")[0], arrays, X) - found["y"])))


def evaluated(library: str, arrays: Mapping[str, Any], x: np.ndarray) -> np.ndarray:
    """Return what a layer of ours with another library's arrays gives in eval."""
    from microbn import nn
    from microbn.elsewhere import CONVENTIONS, state

    settings = {"momentum": 0.9} if library == "haiku" else {}
    options = CONVENTIONS[library].options(**settings)
    layer = nn.BatchNorm(x.shape[1], dtype=np.float32, **options)
    found = state(library, arrays)
    layer.load_state_dict({path.split(".")[-1]: array for path, array in found.items()})
    return layer.eval()(x).data
