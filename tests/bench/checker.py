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
from microbn.testing import HandWritten, given_gradients, gradcheck
from microbn.testing.strategies import arrays, batches

from .measures import Table, absent, clean, met, progress, race, seconds, timed

ONE_GOAL, LOOPS_GOAL, HUNDRED_GOAL = 0.7, 0.5, 5.0
PYTORCH = "PyTorch's gradcheck"


def checker(rounds: int, seed: int) -> Table:
    """Time one check of a batch norm, one of a convolution, and a property test with a hundred."""
    rng = np.random.default_rng(seed)
    few = max(1, rounds // 10)
    rows, missing = one_check(rounds, seed, rng.normal(size=(8, 3)), *rng.normal(size=(2, 3)))
    shapes = (4, 3, 5, 5), (2, 3, 3, 3), (2,)
    loops = typical(partial(gradcheck, LOOPS, *map(rng.normal, (0,) * 3, (1,) * 3, shapes)), few)
    hundred = typical(property_test(), few)
    goal = f"≤ {LOOPS_GOAL} s: {met(loops, LOOPS_GOAL)}"
    rows.append(["gradcheck of a convolution in loops", f"{loops:.2f} s", goal])
    goal = f"≤ {HUNDRED_GOAL:.0f} s: {met(hundred, HUNDRED_GOAL)}"
    rows.append(["given_gradients, 100 examples", f"{hundred:.2f} s", goal])
    notes = [
        "All gradients of a batch norm of (8, 3); those of a convolution of (4, 3, 5, 5) with two "
        "filters (3, 3, 3) and padding, written by hand in Python's loops, as courses have it; the "
        "examples are `batches()`, of up to (6, 3).",
        f"Median of {rounds} interleaved checks of the batch norm, ratios to PyTorch's in the same "
        f"round; median of {few} of the others.",
    ]
    return Table("Gradient checks", ["", "time", "goal"], rows, [*notes, *absent(missing)])


def one_check(rounds: int, seed: int, *given: np.ndarray) -> tuple[list[list[str]], dict[str, str]]:
    """Time a check of a batch norm beside PyTorch's, if it is installed."""
    checks, missing = pytorch(*given)
    ours = "microbn's gradcheck"
    checks[ours] = partial(gradcheck, functional.batch_norm, *given)
    ratios = race(timed(checks), next(iter(checks)), rounds, seed, "checks")
    ratio = median(ratios[ours])
    goal = "not measured" if missing else met(ratio, ONE_GOAL)
    rows = [[PYTORCH, "–" if missing else "1.00", ""], [ours, f"{ratio:.2f}", ""]]
    rows[-1][-1] = f"≤ {ONE_GOAL}: {goal}"
    return rows, missing


def convolved(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, tuple]:
    """Convolve with padding 1, a pixel at a time."""
    padded = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)])
    out = np.empty((len(x), len(w), *x.shape[2:]))
    for n, f, i, j in np.ndindex(out.shape):
        out[n, f, i, j] = np.sum(padded[n, :, i : i + 3, j : j + 3] * w[f]) + b[f]
    return out, (padded, w)


def convolved_back(dout: np.ndarray, cache: tuple) -> tuple[np.ndarray, ...]:
    padded, w = cache
    dx, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for n, f, i, j in np.ndindex(dout.shape):
        dx[n, :, i : i + 3, j : j + 3] += w[f] * dout[n, f, i, j]
        dw[f] += padded[n, :, i : i + 3, j : j + 3] * dout[n, f, i, j]
    return dx[:, :, 1:-1, 1:-1], dw, dout.sum((0, 2, 3))


LOOPS = HandWritten(convolved, convolved_back)


def typical(check: Callable, rounds: int) -> float:
    """Return the median seconds of a check, after a first one."""
    check()
    clock = partial(seconds, check)
    return median(clean(clock) for _ in progress(range(rounds), "checks"))


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

    return {PYTORCH: lambda: torch.autograd.gradcheck(batch_norm, (x, gamma, beta))}, {}
