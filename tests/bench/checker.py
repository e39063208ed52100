"""Measure how long a student, or a test of a class, waits for a gradient check.

The times are in seconds, on the machine that is named above the tables.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import median

import numpy as np
from hypothesis import settings

from microbn import functional
from microbn.testing import given_gradients, gradcheck
from microbn.testing.strategies import arrays, batches

from .measures import Table, absent, clean, met, progress, seconds

ONE_GOAL, HUNDRED_GOAL = 0.020, 5.0


def checker(rounds: int, seed: int) -> Table:
    """Time one check of a batch norm, and a property test with a hundred."""
    rng = np.random.default_rng(seed)
    x, gamma, beta = rng.normal(size=(8, 3)), rng.normal(size=3), rng.normal(size=3)
    checks, missing = pytorch(x, gamma, beta)
    checks["microbn"] = partial(gradcheck, functional.batch_norm, x, gamma, beta)
    one = {name: typical(check, rounds, name) for name, check in checks.items()}
    hundred = typical(property_test(), max(1, rounds // 10), "a hundred")
    rows = [[f"{name}'s gradcheck", f"{1000 * time:.1f} ms", ""] for name, time in one.items()]
    rows[-1][-1] = f"≤ {1000 * ONE_GOAL:.0f} ms: {met(one['microbn'], ONE_GOAL)}"
    goal = f"≤ {HUNDRED_GOAL:.0f} s: {met(hundred, HUNDRED_GOAL)}"
    rows.append(["given_gradients, 100 examples", f"{hundred:.2f} s", goal])
    notes = [
        "All gradients of a batch norm of (8, 3); the examples are `batches()`, of up to (6, 3).",
        f"Median of {rounds} checks, and of {max(1, rounds // 10)} property tests.",
    ]
    return Table("Gradient checks", ["", "time", "goal"], rows, [*notes, *absent(missing)])


def typical(check: Callable, rounds: int, title: str) -> float:
    """Return the median seconds of a check, after a first one."""
    check()
    clock = partial(seconds, check)
    return median(clean(clock) for _ in progress(range(rounds), f"checks, {title}"))


def property_test() -> Callable:
    features = {name: lambda x: arrays(x.shape[1]) for name in ("gamma", "beta")}

    @settings(max_examples=100, database=None, derandomize=True, deadline=None)
    @given_gradients(functional.batch_norm, x=batches(), **features)
    def test(x: object, gamma: object, beta: object) -> None:
        pass

    return test


def pytorch(*arrays: np.ndarray) -> tuple[dict[str, Callable], dict[str, str]]:
    """Return PyTorch's own check of its own batch norm, or the reason why there is none."""
    try:
        import torch
    except ImportError as error:
        return {}, {"PyTorch": str(error)}
    x, gamma, beta = (torch.tensor(array, requires_grad=True) for array in arrays)

    def batch_norm(x, gamma, beta):
        return torch.nn.functional.batch_norm(x, None, None, gamma, beta, training=True)

    return {"PyTorch": lambda: torch.autograd.gradcheck(batch_norm, (x, gamma, beta))}, {}
