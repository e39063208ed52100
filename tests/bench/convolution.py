"""Measure a convolution and all its gradients beside PyTorch's own."""

from __future__ import annotations

from statistics import median

import numpy as np

import microbn as mb
from microbn import functional

from . import contenders
from .contenders import COMPILED, OURS
from .measures import Table, absent, met, middle_half, race, timed
from .net import Step

CONVOLUTION_GOAL = 2.5
PYTORCH = "PyTorch"
IMAGES, FILTERS = (16, 3, 8, 8), (8, 3, 3, 3)


def convolution(rounds: int, seed: int) -> Table:
    """Time a convolution in both precisions: forward, and the gradients of all its operands."""
    columns, rows = ["", "time", "middle half of the rounds", "goal"], []
    try:
        for dtype in contenders.TOLERANCE:
            steps = checked(dtype, seed)
            ratios = race(timed(steps), PYTORCH, rounds, seed, f"convolution, {dtype}")
            rows += [[f"{name}, {dtype}", *cells(name, ratios[name])] for name in steps]
    except ImportError as error:
        rows = [[name, "–", "", ""] for name in (PYTORCH, OURS, COMPILED)]
        return Table("Convolution", columns, rows, absent({PYTORCH: str(error)}))
    notes = [
        f"Images {IMAGES}, filters {FILTERS} and a bias: forward and the gradients of all three, "
        "first compared with PyTorch's.",
        f"Median of {rounds} interleaved rounds, as a ratio to PyTorch in the same round.",
    ]
    return Table("Convolution", columns, rows, notes)


def cells(name: str, ratios: list[float]) -> list[str]:
    found = [f"{median(ratios):.2f}", "" if name == PYTORCH else middle_half(ratios)]
    goal = f"≤ {CONVOLUTION_GOAL}: {met(median(ratios), CONVOLUTION_GOAL)}"
    return [*found, goal if name == OURS else ""]


def checked(dtype: str, seed: int) -> dict[str, Step]:
    """Return a step of each contender, once all have given PyTorch's gradients."""
    rng = np.random.default_rng(seed)
    given = [rng.normal(size=shape).astype(dtype) for shape in (IMAGES, FILTERS, FILTERS[:1])]
    cotangent = rng.normal(size=functional.conv2d(*given).shape).astype(dtype)
    leaves = [mb.Tensor(array) for array in given]
    program = mb.compile(functional.conv2d, *leaves, cotangent=cotangent)
    steps: dict[str, Step] = {
        PYTORCH: pytorch(given, cotangent),
        OURS: lambda: mb.grad(functional.conv2d(*leaves), leaves, cotangent),
        COMPILED: lambda: program(*given, cotangent)[1],
    }
    for name, step in steps.items():
        contenders.check(name, step(), [np.asarray(g) for g in steps[PYTORCH]()], dtype)
    return steps


def pytorch(given: list[np.ndarray], cotangent: np.ndarray) -> Step:
    import torch

    torch.set_num_threads(1)
    leaves, back = [torch.tensor(a, requires_grad=True) for a in given], torch.tensor(cotangent)
    conv2d = torch.nn.functional.conv2d
    return lambda: torch.autograd.grad(conv2d(*leaves), leaves, back)
