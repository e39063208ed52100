"""Count how often a training step reads or writes a wide array, apart from products of matrices.

At these sizes arithmetic costs little, and the way through memory costs most of the rest. The
operands are arrays that count, so the calls that are counted are those that run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from microbn.program import ALL_PASSES, PASSES

from .contenders import (
    BLAS,
    BY_HAND,
    COMPILED,
    KERNELS,
    MERGED,
    OURS,
    by_hand,
    program_of,
)
from .measures import Table
from .net import SETTINGS, problem

SETTING = SETTINGS[0]
WIDE = SETTING.width * SETTING.batch
PROGRAMS = {OURS: (), COMPILED: PASSES, BLAS: (*PASSES, "blas"), MERGED: ALL_PASSES}


class Counted(np.ndarray):
    """An array whose results count too. ``wide`` is how many wide arrays were read and written."""

    wide = 0

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return counted(ufunc, getattr(ufunc, method), inputs, kwargs)

    def __array_function__(self, function: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        return counted(function, function, args, kwargs)


def counted(function: Callable, call: Callable, given: Sequence, kwargs: Mapping) -> Any:
    """Make a call with plain arrays, and count the wide ones, unless it is a matrix product."""
    result = call(*map(plain, given), **{key: plain(x) for key, x in kwargs.items()})
    if not (function is np.matmul and all(x.ndim == 2 and len(x) > 1 for x in given)):
        Counted.wide += len({id(x) for x in given if is_wide(x)}) + is_wide(result)
    return result.view(Counted) if isinstance(result, np.ndarray) else result


def plain(x: Any) -> Any:
    """Return counted arrays as plain ones, in tuples too."""
    if isinstance(x, tuple):
        return tuple(map(plain, x))
    return x.view(np.ndarray) if isinstance(x, Counted) else x


def is_wide(x: Any) -> bool:
    return getattr(x, "size", 1) >= WIDE


def traffic(rounds: int, seed: int) -> Table:
    """Count the passes over memory of a training step, for all whose calls can be counted."""
    given = problem(SETTING, seed)
    parameters, x, labels = given
    arrays = [array.view(Counted) for array in (x, *parameters)]
    found = {BY_HAND: traffic_of(by_hand(arrays[1:], arrays[0], labels))}
    for name, chosen in PROGRAMS.items():
        space: dict[str, Any] = {}
        exec(program_of(*given, passes=chosen).source, space)
        found[name] = traffic_of(partial(space["loss"], arrays[0], labels, *arrays[1:]))
    kernels = program_of(*given, backend="python").kernels
    numpys, ours = map(int, re.findall(r"(\d+) times", kernels)[:2])
    found[KERNELS] = found[COMPILED] - numpys + ours
    rows = [[name, str(n), f"{n / SETTING.depth:.1f}"] for name, n in found.items()]
    note = (
        f"How often a training step reads or writes an array as wide as a layer, {SETTING}, apart "
        "from products of matrices. Eager makes the calls of a program without passes. PyTorch's "
        "and JAX's own loops cannot be counted from outside."
    )
    return Table("Passes over memory", ["", "a step", "a layer"], rows, [note])


def traffic_of(step: Callable) -> int:
    Counted.wide = 0
    step()
    return Counted.wide
